//===- Window.h - windows that slide over the last two dimensions ---------===//
#ifndef CELL_DIALECT_WINDOW_H
#define CELL_DIALECT_WINDOW_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ValueRange.h"
#include "mlir/Support/LLVM.h"

#include <optional>

namespace mlir::cell {

/// Windows over height (0) and width (1) of an NCHW tensor. `pads` are top, bottom, left, right.
struct Window2D {
  ArrayRef<int64_t> kernel, strides, pads, dilations;

  int64_t padBefore(unsigned i) const { return pads[2 * i]; }
  int64_t padAfter(unsigned i) const { return pads[2 * i + 1]; }
  bool isPadded() const { return pads[0] || pads[1] || pads[2] || pads[3]; }
  int64_t taps() const { return kernel[0] * kernel[1]; }
  /// Input elements that a window spans along dimension i.
  int64_t extent(unsigned i) const { return dilations[i] * (kernel[i] - 1) + 1; }
  /// Number of windows along dimension i of an input of size `input`; not positive where none fits.
  int64_t outputSize(unsigned i, int64_t input) const {
    int64_t room = input + padBefore(i) + padAfter(i) - extent(i);
    return room < 0 ? 0 : room / strides[i] + 1;
  }
  /// Windows neither overlap nor leave gaps nor reach into padding.
  bool isTiling() const {
    return !isPadded() && kernel == strides && (kernel[0] == 1 || dilations[0] == 1) && (kernel[1] == 1 || dilations[1] == 1);
  }
};

/// `count` sizes, each at least `least`. On failure a diagnostic was emitted that names the attribute.
LogicalResult checkSizes(StringRef op, std::optional<Location> location, StringRef name, ArrayRef<int64_t> sizes, size_t count, int64_t least);
/// As above; also where the attribute is missing.
LogicalResult checkSizes(StringRef op, std::optional<Location> location, StringRef name, DenseI64ArrayAttr sizes, size_t count, int64_t least);
/// All attributes of a window.
LogicalResult checkWindow(StringRef op, std::optional<Location> location, const Window2D &window);

/// The NCHW shape that windows over `input` give, with `channels` channels. Fails with a diagnostic where no window fits.
FailureOr<SmallVector<int64_t>> inferWindowed(StringRef op, std::optional<Location> location, RankedTensorType input, const Window2D &window,
                                              int64_t channels);

/// Operand i of rank `rank`, described as `role`; null after a diagnostic.
RankedTensorType inferOperandOfRank(std::optional<Location> location, StringRef op, ValueRange operands, unsigned i, int64_t rank,
                                    StringRef role);
/// Two operands of one dtype.
LogicalResult checkSameDtype(std::optional<Location> location, StringRef op, RankedTensorType a, RankedTensorType b);
/// "2x3x?" for messages.
std::string shapeText(ArrayRef<int64_t> shape);

} // namespace mlir::cell

#endif // CELL_DIALECT_WINDOW_H
