//===- core.cpp - memories of a core, and checks of operations -------------===//
#include "runtime/ascend_sim/core.h"

#include "runtime/sim_driver/memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace cellgrad::ascend {

namespace {
/// Distances of the outer dimensions are at most this far apart to be worth an exact test of runs.
constexpr int64_t kMany = 1 << 20;

std::string shapeOf(const Operand &operand) {
  std::string text;
  for (int i = 0; i < operand.info->rank; ++i)
    text += (i ? "x" : "") + std::to_string(operand.view->sizes[i]);
  static const char *const names[] = {"i1", "i8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64"};
  return (text.empty() ? "" : text + "x") + names[operand.info->type];
}
} // namespace

const char *spaceName(int space) {
  static const char *const names[] = {"GM", "L1", "L0A", "L0B", "L0C", "UB", "BT"};
  return names[space];
}
const char *pipeName(int pipe) {
  static const char *const names[] = {"S", "V", "M", "MTE1", "MTE2", "MTE3", "FIX", "all"};
  return names[pipe];
}
int64_t elementBytes(int type) {
  static const int64_t bytes[] = {1, 1, 2, 4, 8, 2, 2, 4, 8};
  return bytes[type];
}

int64_t Target::bytes(int space) const {
  const int64_t all[] = {gm_bytes, l1_bytes, l0a_bytes, l0b_bytes, l0c_bytes, ub_bytes, bt_bytes};
  return all[space];
}
int64_t Target::align(int space) const {
  const int64_t all[] = {gm_align, l1_align, l0a_align, l0b_align, l0c_align, ub_align, bt_align};
  return all[space];
}
std::string Target::read(const cg_ascend_target &from) {
  struct Field {
    const char *name;
    int64_t Target::*member;
  };
#define CG_ASCEND_FIELD(name) {#name, &Target::name},
  static const Field fields[] = {CG_ASCEND_NUMBERS(CG_ASCEND_FIELD)};
#undef CG_ASCEND_FIELD
  chip = from.chip;
  for (const Field &field : fields) {
    bool found = false;
    const char *name = from.names;
    for (int32_t i = 0; i < from.count && !found; ++i, name += strlen(name) + 1)
      if ((found = !strcmp(name, field.name)))
        this->*field.member = from.numbers[i];
    if (!found || this->*field.member < 1)
      return "its target has no number '" + std::string(field.name) + "'";
  }
  if (fractal_rows != kFractalRows || block_bytes != kBlockBytes)
    return "it computes fractals of " + std::to_string(kFractalRows) + " rows of " + std::to_string(kBlockBytes) + " bytes, those of this target are " +
           std::to_string(fractal_rows) + " rows of " + std::to_string(block_bytes);
  return {};
}

int64_t Operand::elements() const {
  int64_t count = 1;
  for (int i = 0; i < info->rank; ++i)
    count *= view->sizes[i];
  return count;
}

Runs::Runs(const Operand &operand) : data(operand.view->data) {
  int64_t element = elementBytes(operand.info->type);
  bytes = element;
  for (int d = operand.info->rank - 1; d >= 0; --d) {
    int64_t n = operand.view->sizes[d], s = operand.view->strides[d] * element;
    if (n <= 0) {
      bytes = 0;
      return;
    }
    if (n == 1)
      continue;
    if (!rank && s == bytes) // behind each other
      bytes *= n;
    else if (rank && s == step[rank - 1] * count[rank - 1])
      count[rank - 1] *= n;
    else
      count[rank] = n, step[rank++] = s;
  }
  std::reverse(count, count + rank);
  std::reverse(step, step + rank);
  low = data, high = data + bytes;
  for (int d = 0; d < rank; ++d)
    (step[d] < 0 ? low : high) += step[d] * (count[d] - 1);
}

bool Runs::overlaps(const Runs &other) const {
  if (!bytes || !other.bytes || high <= other.low || other.high <= low)
    return false;
  if (!rank && !other.rank)
    return true;
  const Runs &few = rank < other.rank ? *this : other, &many = rank < other.rank ? other : *this;
  int64_t runs = 1;
  for (int d = 0; d < few.rank; ++d)
    runs *= few.count[d];
  if (runs > kMany)
    return true; // said to overlap rather than looked at for minutes
  // One run against an arrangement of runs: dimension by dimension, only those that can reach it.
  struct Search {
    const Runs &in;
    char *low, *high;
    bool hit(char *at, int d) const {
      if (d == in.rank)
        return at < high && low < at + in.bytes;
      char *first = at, *last = at + in.bytes; // what the dimensions from d + 1 on span
      for (int e = d + 1; e < in.rank; ++e)
        (in.step[e] < 0 ? first : last) += in.step[e] * (in.count[e] - 1);
      int64_t step = in.step[d], from = 0, to = in.count[d];
      if (step > 0) {
        from = std::max<int64_t>(0, (low - last) / step);
        to = std::min(to, (high - first) / step + 1);
      }
      for (int64_t i = from; i < to; ++i)
        if (first + i * step < high && low < last + i * step && hit(at + i * step, d + 1))
          return true;
      return false;
    }
  };
  bool found = false;
  few.each([&](char *at) { found = found || Search{many, at, at + few.bytes}.hit(many.data, 0); });
  return found;
}

Memories::Memories(const Target &target) {
  for (int s = CG_ASCEND_L1; s < CG_ASCEND_SPACES; ++s) {
    Space &space = spaces[s];
    space.bytes = target.bytes(s);
    space.memory.reset(new char[size_t(space.bytes) + 512]);
    space.data = space.memory.get() + (512 - reinterpret_cast<uintptr_t>(space.memory.get()) % 512) % 512;
    space.written.assign(size_t(space.bytes + 63) / 64, 0);
    space.low = 0, space.high = space.bytes;
  }
  clear();
}

void Memories::clear() {
  for (int s = CG_ASCEND_L1; s < CG_ASCEND_SPACES; ++s) {
    Space &space = spaces[s];
    if (space.low >= space.high)
      continue;
    memset(space.data + space.low, 0xff, size_t(space.high - space.low));
    std::fill(space.written.begin() + space.low / 64, space.written.begin() + (space.high + 63) / 64, 0);
    space.low = space.bytes, space.high = 0;
  }
}

/// Calls visit(word, mask) for the bits [from, to).
template <typename F> static void bits(int64_t from, int64_t to, F visit) {
  for (int64_t word = from / 64; word * 64 < to; ++word) {
    uint64_t mask = ~uint64_t(0);
    if (word * 64 < from)
      mask &= ~uint64_t(0) << (from - word * 64);
    if (word * 64 + 64 > to)
      mask &= ~uint64_t(0) >> (word * 64 + 64 - to);
    visit(size_t(word), mask);
  }
}

void Memories::markWritten(int s, const Runs &runs) {
  Space &space = spaces[s];
  if (!runs.bytes)
    return;
  space.low = std::min<int64_t>(space.low, runs.low - space.data);
  space.high = std::max<int64_t>(space.high, runs.high - space.data);
  runs.each([&](char *at) { bits(at - space.data, at - space.data + runs.bytes, [&](size_t word, uint64_t mask) { space.written[word] |= mask; }); });
}

bool Memories::allWritten(int s, const Runs &runs) const {
  const Space &space = spaces[s];
  bool all = true;
  if (runs.bytes)
    runs.each([&](char *at) { bits(at - space.data, at - space.data + runs.bytes, [&](size_t word, uint64_t mask) { all &= (space.written[word] & mask) == mask; }); });
  return all;
}

/// Sizes may be computed, from what a kernel has read for instance. What passes can be counted and placed in 64 bits.
static std::string checkSizes(const Target &target, const Operand &operand) {
  int64_t limit = target.bytes(operand.info->space), bytes = elementBytes(operand.info->type), reach = 0;
  for (int d = 0; d < operand.info->rank; ++d) {
    int64_t n = operand.view->sizes[d], span;
    if (n < 0)
      return "a size is negative";
    if (n > limit)
      return "a size is beyond the " + std::to_string(limit) + " bytes of " + spaceName(operand.info->space);
    bool far = __builtin_mul_overflow(operand.view->strides[d], std::max<int64_t>(n - 1, 0), &span) || span == INT64_MIN;
    if (far || __builtin_add_overflow(reach, std::abs(span), &reach) || reach > INT64_MAX / 16 || __builtin_mul_overflow(bytes, std::max<int64_t>(n, 1), &bytes) ||
        bytes > target.gm_bytes)
      return "it is larger than any memory";
  }
  return {};
}

/// True if [low, high) lies in the `bytes` from `base`; an offset that is out of all bounds may have wrapped around.
static bool within(const Runs &runs, const char *base, int64_t bytes) {
  return runs.low <= runs.high && runs.low >= base && runs.high <= base + bytes;
}

static std::string checkPlace(const Target &target, const Memories &memories, const Operand &operand, const Runs &runs) {
  int space = operand.info->space;
  auto offset = [&](const char *at) { return std::to_string(at - memories.base(space)); };
  if (space == CG_ASCEND_GM) {
    std::string wrong = sim::describeFault(runs.low, size_t(runs.high - runs.low));
    if (!wrong.empty())
      return "it is out of bounds of global memory: " + wrong;
  } else if (!within(runs, memories.base(space), memories.bytes(space))) {
    return "bytes " + offset(runs.low) + " to " + offset(runs.high) + " are out of bounds of " + spaceName(space) + ", which has " + std::to_string(memories.bytes(space));
  }
  const char *base = operand.view->base;
  if (operand.info->bytes && !within(runs, base, operand.info->bytes))
    return "bytes " + std::to_string(runs.low - base) + " to " + std::to_string(runs.high - base) + " are out of bounds of its buffer, which has " +
           std::to_string(operand.info->bytes);
  if (space == CG_ASCEND_GM)
    return {};
  int64_t align = target.align(space);
  if ((runs.data - memories.base(space)) % align)
    return "its offset " + offset(runs.data) + " in " + spaceName(space) + " is no multiple of " + std::to_string(align) + " bytes";
  if (space == CG_ASCEND_UB)
    for (int d = 0; d < runs.rank; ++d)
      if (runs.step[d] % align)
        return "its rows are " + std::to_string(runs.step[d]) + " bytes apart in UB, no multiple of " + std::to_string(align);
  return {};
}

namespace {
/// An axis of a matrix in fractals: its elements, padded to a multiple of `unit`.
struct Axis {
  int64_t size, unit;
};
/// True if both may be the same axis, padded in their own way.
bool agree(Axis a, Axis b) { return a.size > b.size - b.unit && b.size > a.size - a.unit; }

/// The matrix that a buffer of fractals holds; L0A is ordered by rows, the others by columns, and in L0B the fractals are transposed.
struct Matrix {
  Axis rows, columns;
  explicit Matrix(const Operand &operand, bool transpose = false) {
    const int64_t *n = operand.view->sizes, wide = n[3];
    switch (operand.info->space) {
    case CG_ASCEND_L0A: rows = {n[0] * kFractalRows, kFractalRows}, columns = {n[1] * wide, wide}; break;
    case CG_ASCEND_L0B: rows = {n[0] * wide, wide}, columns = {n[1] * kFractalRows, kFractalRows}; break;
    default: rows = {n[1] * kFractalRows, kFractalRows}, columns = {n[0] * wide, wide}; break;
    }
    if (transpose)
      std::swap(rows, columns);
  }
};
int64_t blocksOf(int64_t size, int64_t unit) { return size / unit + (size % unit != 0); }
} // namespace

/// What is wrong with the shapes, which may come from values that the compiler did not know; empty if nothing is.
static std::string checkShapes(const cg_ascend_op &op, const cg_ascend_view *views) {
  int64_t last = op.operands - 1;
  auto size = [&](int64_t i, int d) { return views[i].sizes[d]; };
  int rank = last >= 0 ? op.operand[last].rank : 0;
  auto fractal = [&](int64_t i, int64_t columns) {
    return op.operand[i].rank == 4 && size(i, 2) == kFractalRows && size(i, 3) == columns && views[i].strides[3] == 1 && views[i].strides[2] == columns;
  };
  auto columnsOf = [&](int64_t i) { return kBlockBytes / elementBytes(op.operand[i].type); };
  auto matrix = [&](int64_t i, bool transpose = false) { return Matrix(operandOf(op, views, i), transpose); };
  bool good = true;
  switch (op.op) { // those of the cube as the dialect's verifiers have it
  case CG_ASCEND_ND2NZ:
    good = op.operand[0].rank == 2 && fractal(last, columnsOf(last)) && size(last, 0) == blocksOf(size(0, 1), columnsOf(last)) && size(last, 1) == blocksOf(size(0, 0), kFractalRows);
    break;
  case CG_ASCEND_L1_TO_L0A:
  case CG_ASCEND_L1_TO_L0B:
    if ((good = fractal(0, columnsOf(0)) && fractal(last, columnsOf(0)))) {
      Matrix from = matrix(0, op.flags & CG_ASCEND_TRANSPOSE), to = matrix(last);
      good = agree(from.rows, to.rows) && agree(from.columns, to.columns);
    }
    break;
  case CG_ASCEND_FIXPIPE:
    good = fractal(0, kFractalRows) && rank == 2 && size(0, 0) == blocksOf(size(last, 1), kFractalRows) && size(0, 1) == blocksOf(size(last, 0), kFractalRows);
    break;
  case CG_ASCEND_MMAD: // it multiplies whole fractals: their numbers are equal
    good = fractal(0, columnsOf(0)) && fractal(1, columnsOf(1)) && fractal(last, kFractalRows) && size(0, 1) == size(1, 0) && size(0, 0) == size(last, 1) &&
           size(1, 1) == size(last, 0);
    if (op.flags & CG_ASCEND_WITH_BIAS)
      good &= op.operand[3].rank == 1 && (views[3].strides[0] == 1 || size(3, 0) == 1) && blocksOf(size(3, 0), kFractalRows) == size(last, 0);
    break;
  case CG_ASCEND_VARANGE: good = op.operands == rank + 2; break;
  case CG_ASCEND_VTRANSPOSE:
    for (int d = 0; d < rank; ++d)
      good &= op.attributes[d] >= 0 && op.attributes[d] < op.operand[0].rank && size(0, op.attributes[d]) == size(last, d);
    break;
  case CG_ASCEND_SCALAR_LOAD: break;
  default:
    for (int64_t i = 0; i < last; ++i) {
      if (op.operand[i].space == CG_ASCEND_SCALAR)
        continue;
      good &= op.operand[i].rank == rank;
      for (int d = 0; good && d < rank; ++d) {
        bool repeats = (op.op == CG_ASCEND_VBIN || op.op == CG_ASCEND_VCMP || op.op == CG_ASCEND_VSEL || op.op == CG_ASCEND_VBRC) && size(i, d) == 1;
        bool reduced = op.op == CG_ASCEND_VREDUCE && size(last, d) == 1;
        bool looked = op.op == CG_ASCEND_VGATHER && i == 0 && d == rank - 1;
        good &= size(i, d) == size(last, d) || repeats || reduced || looked;
        if (reduced && size(i, d) == 0 && operandOf(op, views, last).elements())
          return "it reduces an axis without elements: " + shapeOf(operandOf(op, views, i)) + "; there is nothing that the output could be";
      }
    }
  }
  if (good)
    return {};
  std::string text = "the shapes do not fit:";
  for (int64_t i = 0; i <= last; ++i)
    if (op.operand[i].space != CG_ASCEND_SCALAR)
      text += (i ? ", " : " ") + shapeOf(operandOf(op, views, i));
  return text;
}

std::string check(const Target &target, Memories &memories, const cg_ascend_op &op, const cg_ascend_view *views) {
  int64_t last = op.operands - 1;
  auto name = [&](int64_t i) { return (i == last && op.op != CG_ASCEND_SCALAR_LOAD ? std::string("the output") : "operand " + std::to_string(i)) + " (" + shapeOf(operandOf(op, views, i)) + "): "; };
  for (int64_t i = 0; i < op.operands; ++i) {
    Operand operand = operandOf(op, views, i);
    if (operand.scalar())
      continue;
    std::string wrong = checkSizes(target, operand);
    if (!wrong.empty())
      return name(i) + wrong;
    Runs runs(operand);
    if (!runs.bytes)
      continue;
    wrong = checkPlace(target, memories, operand, runs);
    if (!wrong.empty())
      return name(i) + wrong;
    // A product that starts anew does not look at the old sums.
    bool anew = op.op == CG_ASCEND_MMAD && i == last && (reinterpret_cast<uintptr_t>(views[2].data) & 1);
    if (operand.info->space != CG_ASCEND_GM && (operand.info->access & CG_ASCEND_READ) && !anew && !memories.allWritten(operand.info->space, runs))
      return name(i) + "reads bytes of " + spaceName(operand.info->space) + " that nothing wrote";
  }
  std::string misfit = checkShapes(op, views);
  if (!misfit.empty())
    return misfit;
  if (op.operands && (op.operand[last].access & CG_ASCEND_WRITE)) {
    Operand out = operandOf(op, views, last);
    Runs written(out);
    // An instruction may work in place, but not on a part of what it reads.
    for (int64_t i = 0; i < last; ++i) {
      Operand in = operandOf(op, views, i);
      if (in.scalar() || in.info->space != out.info->space || !Runs(in).overlaps(written))
        continue;
      bool same = in.view->data == out.view->data && in.info->rank == out.info->rank && elementBytes(in.info->type) == elementBytes(out.info->type);
      for (int d = 0; same && d < in.info->rank; ++d)
        same = in.view->sizes[d] == out.view->sizes[d] && (in.view->strides[d] == out.view->strides[d] || in.view->sizes[d] == 1);
      if (!same || op.op == CG_ASCEND_VTRANSPOSE || op.op == CG_ASCEND_VGATHER)
        return "operand " + std::to_string(i) + " and the output overlap; they must be the same memory or different memory";
    }
    if (out.info->space != CG_ASCEND_GM)
      memories.markWritten(out.info->space, written);
  }
  return {};
}

std::string execute(const cg_ascend_op &op, const cg_ascend_view *views) {
  if (op.op >= CG_ASCEND_VBIN && op.op <= CG_ASCEND_VARANGE)
    return executeVector(op, views);
  if (op.op == CG_ASCEND_MMAD)
    executeCube(op, views);
  else if (op.op < CG_ASCEND_MMAD)
    executeMove(op, views);
  return {};
}

} // namespace cellgrad::ascend
