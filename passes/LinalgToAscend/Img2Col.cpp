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

/// Positions whose element is in the image: `from` + k `pitch` has element `first` + k `jump`, for k below `count`. One of the two is 1.
struct Span {
  int64_t from, count, pitch, jump, first;
  Span(int64_t start, int64_t step, const Window &window, int64_t positions) : pitch(window.divisor), jump(step) {
    if (pitch == 1) {
      from = std::min(positions, start >= 0 ? 0 : divideCeilSigned(-start, step));
      count = std::max<int64_t>(0, std::min(positions, start >= window.limit ? 0 : divideCeilSigned(window.limit - start, step)) - from);
      first = start + from * step;
    } else {
      from = std::max<int64_t>(0, -start);
      from += (pitch - (start + from) % pitch) % pitch;
      first = (start + from) / pitch;
      count = std::max<int64_t>(0, std::min(divideCeilSigned(positions - from, pitch), window.limit - first));
    }
  }
  /// From the first of these positions to the last one.
  int64_t length() const { return (count - 1) * pitch + 1; }
  int64_t elements() const { return (count - 1) * jump + 1; }
};

/// Sizes of rows in UB, in elements.
struct RowSizes {
  int64_t wide, order = 0, source = 0, zero = 0; // of the result; of indices; of the image where that has gaps; where it is zero there
};

class Img2Col {
public:
  Img2Col(AscendKernels &kernels, Operation *anchor, const Access &from, Value dense, ArrayRef<Axis> axes, Coordinate rows, Coordinate columns, const RowSizes &sizes)
      : from(from), dense(dense), axes(axes), rows(rows), columns(columns), sizes(sizes), k(kernels, anchor, "img2col", {1}, &kernels.vector), cores(kernels.chip.aiv_cores) {
    steps.resize(axes.size());
    int64_t stride = 1;
    for (unsigned d = axes.size(); d-- > 0; stride *= axes[d].size)
      steps[d] = stride;
  }

  /// `height` rows of the result are in UB at a time.
  void run(int64_t height) {
    Value zero = arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(from.element())));
    zeros = alloc(height, sizes.wide);
    ascend::VBrcOp::create(k, zero, zeros);
    if (sizes.order)
      makeOrder(height);
    SmallVector<int64_t> planeSizes;
    SmallVector<unsigned> outer;
    for (unsigned d = 0; d < axes.size(); ++d)
      if (d != rows.position && d != columns.position && d != rows.tap && d != columns.tap)
        outer.push_back(d), planeSizes.push_back(axes[d].size);
    int64_t planes = 1;
    for (int64_t size : planeSizes)
      planes *= size;
    int64_t blocks = std::min(planes, cores);
    k.loop(k.block(), k.index(planes), k.index(blocks), [&](Value plane) {
      source = k.index(from.offset), target = k.index(0);
      KernelBuilder::Values at = k.delinearize(plane, planeSizes);
      for (auto [d, index] : llvm::zip_equal(outer, at)) {
        source = k.add(source, k.mul(index, axes[d].stride));
        target = k.add(target, k.mul(index, steps[d]));
      }
      for (int64_t i = 0; i < axes[rows.tap].size; ++i)
        for (int64_t j = 0; j < axes[columns.tap].size; ++j)
          for (int64_t top = 0; top < axes[rows.position].size; top += height)
            part(i, j, top, std::min(height, axes[rows.position].size - top), height);
    });
    k.launch({blocks});
  }

private:
  const Access &from;
  Value dense;
  ArrayRef<Axis> axes;
  Coordinate rows, columns;
  RowSizes sizes;
  KernelBuilder k;
  int64_t cores;
  SmallVector<int64_t> steps; // of the axes in the result
  Value zeros, order, source, target;

  Value alloc(int64_t height, int64_t width, Type element = {}) {
    return memref::AllocOp::create(k, MemRefType::get({height, width}, element ? element : from.element(), MemRefLayoutAttrInterface(), ascend::SpaceAttr::get(k.getContext(), Space::UB)));
  }

  /// Which element of a row of the image each position takes: every `step`th one; or, where positions lie between elements, those at multiples of the divisor
  /// the next one and all others a zero.
  void makeOrder(int64_t height) {
    int64_t step = axes[columns.position].steps[1], divisor = from.windows[1].divisor;
    Type i32 = k.getI32Type();
    order = alloc(height, sizes.order, i32);
    ascend::VArangeOp::create(k, k.index(0), ValueRange{k.index(0), k.index(step)}, order);
    if (divisor == 1)
      return;
    auto number = [&](int64_t value) -> Value { return arith::ConstantOp::create(k, IntegerAttr::get(i32, value)); };
    Value whole = alloc(height, sizes.order, i32), rest = alloc(height, sizes.order, i32), hits = alloc(height, llvm::alignTo(sizes.order, 32), k.getI1Type());
    Value shift = number(llvm::Log2_64(divisor)), hit = corner(hits, height, sizes.order);
    ascend::VBinScalarOp::create(k, ascend::BinaryKind::Shr, order, shift, whole, /*reverse=*/false);
    ascend::VBinScalarOp::create(k, ascend::BinaryKind::Shl, whole, shift, rest, /*reverse=*/false);
    ascend::VCmpOp::create(k, ascend::CompareKind::Eq, rest, order, hit);
    ascend::VSelOp::create(k, hit, whole, number(sizes.zero), order);
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

  /// Rows [top, top + height) of the positions of one tap: what the image has goes through UB, in buffers of `room` rows; what it has not is zero.
  void part(int64_t i, int64_t j, int64_t top, int64_t height, int64_t room) {
    auto start = [&](const Coordinate &c, unsigned window, int64_t tap) { return from.windows[window].start + tap * axes[c.tap].steps[window]; };
    int64_t stepRows = axes[rows.position].steps[0], width = axes[columns.position].size;
    Span y(start(rows, 0, i) + top * stepRows, stepRows, from.windows[0], height), x(start(columns, 1, j), axes[columns.position].steps[1], from.windows[1], width);
    Value base = k.add(target, k.index(i * steps[rows.tap] + j * steps[columns.tap] + top * steps[rows.position]));
    auto put = [&](Value buffer, int64_t row, int64_t column, int64_t high, int64_t broad, int64_t pitch) {
      if (high > 0 && broad > 0)
        ascend::StoreOp::create(k, corner(buffer, high, broad), matrix(dense, k.add(base, k.index(row * steps[rows.position] + column)), high, broad, pitch * steps[rows.position]));
    };
    if (!y.count || !x.count)
      return put(zeros, 0, 0, height, width, 1);
    Value place = k.add(source, k.index(y.first * from.windows[0].stride + x.first * from.windows[1].stride));
    put(fetch(place, y, x, room), y.from, x.from, y.count, x.length(), y.pitch);
    put(zeros, y.from, 0, y.count, x.from, y.pitch);
    put(zeros, y.from, x.from + x.length(), y.count, width - x.from - x.length(), y.pitch);
    for (int64_t r = 0; r < std::min(y.pitch, height); ++r) { // rows r, r + pitch ... without elements
      int64_t all = divideCeilSigned(height - r, y.pitch), before = r == y.from % y.pitch ? y.from / y.pitch : all, after = before + (before < all ? y.count : 0);
      put(zeros, r, 0, std::min(before, all), width, y.pitch);
      put(zeros, r + after * y.pitch, 0, all - after, width, y.pitch);
    }
  }

  /// The part of the image from `place` on, as it lies in the result.
  Value fetch(Value place, const Span &y, const Span &x, int64_t room) {
    int64_t pitch = y.jump * from.windows[0].stride;
    Value result = alloc(room, sizes.wide);
    if (!order) {
      ascend::LoadOp::create(k, matrix(from.buffer, place, y.count, x.count, pitch), corner(result, y.count, x.count));
      return result;
    }
    Value image = alloc(room, sizes.source);
    if (sizes.zero)
      ascend::VBrcOp::create(k, arith::ConstantOp::create(k, cast<TypedAttr>(k.getZeroAttr(from.element()))), image);
    ascend::LoadOp::create(k, matrix(from.buffer, place, y.count, x.elements(), pitch), corner(image, y.count, x.elements()));
    ascend::VGatherOp::create(k, corner(image, y.count, sizes.zero ? sizes.zero + 1 : x.elements()), corner(order, y.count, x.length()), corner(result, y.count, x.length()));
    return result;
  }
};
} // namespace

bool cell::emitImg2Col(AscendKernels &kernels, Operation *anchor, const Access &from, Value dense, ArrayRef<Axis> axes) {
  if (from.windows.size() != 2 || axes.size() < 4 || from.windows[1].stride != 1 || from.windows[0].stride < 1)
    return false;
  unsigned last = axes.size() - 1;
  std::optional<Coordinate> rows = coordinateOf(axes, 0, last - 1), columns = coordinateOf(axes, 1, last);
  if (!rows || !columns)
    return false;
  int64_t step = axes[last].steps[1], divisor = from.windows[1].divisor, width = axes[last].size;
  // Positions between elements (of a gradient where windows move by more than 1) are found by shifts.
  if ((step != 1 && divisor != 1) || (axes[last - 1].steps[0] != 1 && from.windows[0].divisor != 1) || !llvm::isPowerOf2_64(divisor))
    return false;
  const ascend::Target &chip = kernels.chip;
  int64_t bytes = ascend::getElementBytes(from.element()), unit = chip.ub_align / bytes;
  RowSizes sizes{int64_t(llvm::alignTo(width, unit))};
  int64_t row = 4 * sizes.wide * bytes; // two parts of the image, the zeros, and room for what else is under way
  if (step != 1 || divisor != 1) {
    sizes.order = llvm::alignTo(width, chip.ub_align / 4);
    sizes.zero = divisor == 1 ? 0 : llvm::alignTo(width / divisor + 1, unit);
    sizes.source = divisor == 1 ? llvm::alignTo((width - 1) * step + 1, unit) : sizes.zero + unit;
    row += 2 * sizes.source * bytes + 4 * 4 * sizes.order + llvm::alignTo(sizes.order, 32); // with what the order is made of, and scratch memory
  }
  int64_t height = std::min(axes[last - 1].size, chip.ub_bytes / row);
  // What is found by index, and rows apart, take more operations each.
  int64_t weight = (sizes.order ? 2 : 1) * from.windows[0].divisor;
  if (height == 0 || divideCeilSigned(axes[last - 1].size, height) * axes[rows->tap].size * axes[columns->tap].size * weight > kMostParts)
    return false;
  Img2Col(kernels, anchor, from, dense, axes, *rows, *columns, sizes).run(height);
  return true;
}
