//===- Window.cpp - windows that slide over the last two dimensions -------===//
#include "dialect/Cell/Window.h"

#include "dialect/Cell/Infer.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::cell;

// Sizes and strides stay far from where sums and products of a few of them could overflow.
static constexpr int64_t largest = int64_t(1) << 30;

LogicalResult mlir::cell::checkSizes(StringRef op, std::optional<Location> location, StringRef name, ArrayRef<int64_t> sizes, size_t count,
                                     int64_t least) {
  if (sizes.size() != count)
    return inferError(location, op) << "'" << name << "' needs " << count << " entries, but has " << sizes.size();
  for (int64_t size : sizes)
    if (size < least || size > largest)
      return inferError(location, op) << "'" << name << "' has the entry " << size << ", but each must be between " << least << " and " << largest;
  return success();
}

LogicalResult mlir::cell::checkSizes(StringRef op, std::optional<Location> location, StringRef name, DenseI64ArrayAttr sizes, size_t count,
                                     int64_t least) {
  if (!sizes)
    return inferError(location, op) << "needs the attribute '" << name << "'";
  return checkSizes(op, location, name, sizes.asArrayRef(), count, least);
}

LogicalResult mlir::cell::checkWindow(StringRef op, std::optional<Location> location, const Window2D &window) {
  return success(succeeded(checkSizes(op, location, "kernel", window.kernel, 2, 1)) &&
                 succeeded(checkSizes(op, location, "strides", window.strides, 2, 1)) &&
                 succeeded(checkSizes(op, location, "pads", window.pads, 4, 0)) &&
                 succeeded(checkSizes(op, location, "dilations", window.dilations, 2, 1)));
}

FailureOr<SmallVector<int64_t>> mlir::cell::inferWindowed(StringRef op, std::optional<Location> location, RankedTensorType input,
                                                          const Window2D &window, int64_t channels) {
  SmallVector<int64_t> shape{input.getDimSize(0), channels};
  for (unsigned i : {0u, 1u}) {
    int64_t size = input.getDimSize(2 + i);
    if (ShapedType::isDynamic(size)) {
      shape.push_back(ShapedType::kDynamic);
      continue;
    }
    shape.push_back(window.outputSize(i, size));
    if (shape.back() > 0)
      continue;
    auto diagnostic = inferError(location, op) << "a window spans " << window.extent(i) << " elements along the " << (i ? "width" : "height")
                                               << ", but " << input << " padded by " << window.padBefore(i) << " and " << window.padAfter(i)
                                               << " has only " << size + window.padBefore(i) + window.padAfter(i);
    return LogicalResult(diagnostic);
  }
  return shape;
}

RankedTensorType mlir::cell::inferOperandOfRank(std::optional<Location> location, StringRef op, ValueRange operands, unsigned i, int64_t rank,
                                                StringRef role) {
  auto type = inferOperand(location, op, operands, i);
  if (!type || type.getRank() == rank)
    return type;
  inferError(location, op) << "takes " << role << " of rank " << rank << ", but operand " << i << " is " << type;
  return nullptr;
}

LogicalResult mlir::cell::checkSameDtype(std::optional<Location> location, StringRef op, RankedTensorType a, RankedTensorType b) {
  if (a.getElementType() == b.getElementType())
    return success();
  auto diagnostic = inferError(location, op) << "takes operands of one dtype, but got " << a << " and " << b;
  diagnostic.attachNote() << "convert one of them with cell.cast";
  return failure();
}

std::string mlir::cell::shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(
      shape, stream,
      [&](int64_t size) {
        if (ShapedType::isDynamic(size))
          stream << '?';
        else
          stream << size;
      },
      "x");
  return text;
}
