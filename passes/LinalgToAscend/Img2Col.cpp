//===- Img2Col.cpp - the matrix of windows of a convolution by transfers -----===//
#include "passes/LinalgToAscend/Cube.h"

#include "dialect/Ascend/Ascend.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::cell;
using ascend::Space;
using llvm::divideCeilSigned;

namespace {
/// Transfers are written out for each tap of a window and each part of the image that is in UB at a time, up to this many.
constexpr int64_t kMostParts = 64;

/// A coordinate of the image: the axis that moves the window, and the one that runs inside it.
struct Coordinate {
  unsigned position, tap;
};

/// The coordinate of `window` whose position is the axis `position`; none if it has another form.
std::optional<Coordinate> coordinateOf(ArrayRef<Axis> axes, unsigned window, unsigned position) {
  std::optional<unsigned> tap;
  for (auto [d, axis] : llvm::enumerate(axes)) {
    if (axis.steps[window] == 0)
      continue;
    if (axis.stride != 0 || axis.steps[1 - window] != 0 || (d != position && tap))
      return std::nullopt;
    if (d != position)
      tap = d;
  }
  if (!tap || axes[position].steps[window] < 1)
    return std::nullopt;
  return Coordinate{position, *tap};
}

/// Positions [from, to) whose element is in the image, and its coordinate at the first of them.
struct Span {
  int64_t from, to, first;
  Span(int64_t start, int64_t step, int64_t limit, int64_t count) {
    from = std::min(count, start >= 0 ? 0 : divideCeilSigned(-start, step));
    to = std::max(from, std::min(count, start >= limit ? 0 : divideCeilSigned(limit - start, step)));
    first = start + from * step;
  }
};

class Img2Col {
public:
  Img2Col(AscendKernels &kernels, Operation *anchor, const Access &from, Value dense, ArrayRef<Axis> axes, Coordinate rows, Coordinate columns)
      : from(from), dense(dense), axes(axes), rows(rows), columns(columns), k(kernels, anchor, "img2col", {1}, &kernels.vector), cores(kernels.chip.aiv_cores),
        unit(kernels.chip.ub_align / ascend::getElementBytes(from.element())) {
    steps.resize(axes.size());
    int64_t stride = 1;
    for (unsigned d = axes.size(); d-- > 0; stride *= axes[d].size)
      steps[d] = stride;
  }

  /// `height` rows of the result are in UB at a time.
  void run(int64_t height) {
    int64_t wide = llvm::alignTo(axes[columns.position].size, unit);
    Value zero = arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(from.element())));
    zeros = alloc(height, wide);
    ascend::VBrcOp::create(k, zero, zeros);
    SmallVector<int64_t> sizes;
    SmallVector<unsigned> outer;
    for (unsigned d = 0; d < axes.size(); ++d)
      if (d != rows.position && d != columns.position && d != rows.tap && d != columns.tap)
        outer.push_back(d), sizes.push_back(axes[d].size);
    int64_t planes = 1;
    for (int64_t size : sizes)
      planes *= size;
    int64_t blocks = std::min(planes, cores);
    k.loop(k.block(), k.index(planes), k.index(blocks), [&](Value plane) {
      source = k.index(from.offset), target = k.index(0);
      KernelBuilder::Values at = k.delinearize(plane, sizes);
      for (auto [d, index] : llvm::zip_equal(outer, at)) {
        source = k.add(source, k.mul(index, axes[d].stride));
        target = k.add(target, k.mul(index, steps[d]));
      }
      for (int64_t i = 0; i < axes[rows.tap].size; ++i)
        for (int64_t j = 0; j < axes[columns.tap].size; ++j)
          for (int64_t top = 0; top < axes[rows.position].size; top += height)
            part(i, j, top, std::min(height, axes[rows.position].size - top), wide);
    });
    k.launch({blocks});
  }

private:
  const Access &from;
  Value dense;
  ArrayRef<Axis> axes;
  Coordinate rows, columns;
  KernelBuilder k;
  int64_t cores, unit; // elements that rows in UB are multiples of
  SmallVector<int64_t> steps; // of the axes in the result
  Value zeros, source, target;

  Value alloc(int64_t height, int64_t width) {
    return memref::AllocOp::create(k, MemRefType::get({height, width}, from.element(), MemRefLayoutAttrInterface(), ascend::SpaceAttr::get(k.getContext(), Space::UB)));
  }

  Value corner(Value buffer, int64_t height, int64_t width) {
    OpFoldResult zero = k.getIndexAttr(0), one = k.getIndexAttr(1);
    return memref::SubViewOp::create(k, buffer, {zero, zero}, {k.getIndexAttr(height), k.getIndexAttr(width)}, {one, one});
  }

  Value matrix(Value buffer, Value offset, int64_t height, int64_t width, int64_t pitch) {
    Value memory = k.use(buffer);
    auto type = cast<MemRefType>(memory.getType());
    OpFoldResult at = getAsOpFoldResult(offset);
    std::optional<int64_t> known = getConstantIntValue(at);
    auto layout = StridedLayoutAttr::get(k.getContext(), known.value_or(ShapedType::kDynamic), {pitch, 1});
    auto result = MemRefType::get({height, width}, type.getElementType(), layout, type.getMemorySpace());
    return memref::ReinterpretCastOp::create(k, result, memory, at, {k.getIndexAttr(height), k.getIndexAttr(width)}, {k.getIndexAttr(pitch), k.getIndexAttr(1)});
  }

  /// Rows [top, top + height) of the positions of one tap: what the image has goes through UB, what it has not is zero.
  void part(int64_t i, int64_t j, int64_t top, int64_t height, int64_t wide) {
    auto start = [&](const Coordinate &c, unsigned window, int64_t tap) { return from.windows[window].start + tap * axes[c.tap].steps[window]; };
    int64_t stepRows = axes[rows.position].steps[0], width = axes[columns.position].size;
    Span y(start(rows, 0, i) + top * stepRows, stepRows, from.windows[0].limit, height);
    Span x(start(columns, 1, j), 1, from.windows[1].limit, width);
    Value base = k.add(target, k.index(i * steps[rows.tap] + j * steps[columns.tap] + top * steps[rows.position]));
    auto put = [&](Value buffer, int64_t row, int64_t column, int64_t high, int64_t broad) {
      if (high > 0 && broad > 0)
        ascend::StoreOp::create(k, corner(buffer, high, broad), matrix(dense, k.add(base, k.index(row * steps[rows.position] + column)), high, broad, steps[rows.position]));
    };
    if (y.from == y.to || x.from == x.to)
      return put(zeros, 0, 0, height, width);
    Value buffer = alloc(height, wide), image = corner(buffer, y.to - y.from, x.to - x.from);
    Value place = k.add(source, k.index(y.first * from.windows[0].stride + x.first * from.windows[1].stride));
    ascend::LoadOp::create(k, matrix(from.buffer, place, y.to - y.from, x.to - x.from, stepRows * from.windows[0].stride), image);
    put(buffer, y.from, x.from, y.to - y.from, x.to - x.from);
    put(zeros, 0, 0, y.from, width);
    put(zeros, y.to, 0, height - y.to, width);
    put(zeros, y.from, 0, y.to - y.from, x.from);
    put(zeros, y.from, x.to, y.to - y.from, width - x.to);
  }
};
} // namespace

bool cell::emitImg2Col(AscendKernels &kernels, Operation *anchor, const Access &from, Value dense, ArrayRef<Axis> axes) {
  if (from.windows.size() != 2 || axes.size() < 4 || from.windows[0].divisor != 1 || from.windows[1].divisor != 1 || from.windows[1].stride != 1 || from.windows[0].stride < 1)
    return false;
  unsigned last = axes.size() - 1;
  std::optional<Coordinate> rows = coordinateOf(axes, 0, last - 1), columns = coordinateOf(axes, 1, last);
  if (!rows || !columns || axes[last].steps[1] != 1)
    return false;
  const ascend::Target &chip = kernels.chip;
  // Two parts of the image, the zeros, and room for what else is under way.
  int64_t bytes = ascend::getElementBytes(from.element()), row = llvm::alignTo(axes[last].size * bytes, chip.ub_align), height = std::min(axes[last - 1].size, chip.ub_bytes / 4 / row);
  if (height == 0 || divideCeilSigned(axes[last - 1].size, height) * axes[rows->tap].size * axes[columns->tap].size > kMostParts)
    return false;
  Img2Col(kernels, anchor, from, dense, axes, *rows, *columns).run(height);
  return true;
}
