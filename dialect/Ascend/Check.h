//===- Check.h - what the op verifiers of the ascend dialect share ---------===//
#ifndef CELL_DIALECT_ASCEND_CHECK_H
#define CELL_DIALECT_ASCEND_CHECK_H

#include "dialect/Ascend/Ascend.h"

namespace mlir::ascend {

/// Element types, as a set.
enum Elements : unsigned {
  kI1 = 1, kI8 = 2, kI16 = 4, kI32 = 8, kI64 = 16, kF16 = 32, kBF16 = 64, kF32 = 128,
  kInts = kI8 | kI16 | kI32 | kI64, kFloats = kF16 | kF32, kArithmetic = kFloats | kI16 | kI32, kData = kInts | kFloats | kBF16, kAnyElement = kData | kI1
};

/// Checks on one op. Each says what is wrong and what to do, and returns true if all is well.
class Check {
public:
  explicit Check(Operation *op) : op(op), target(Target::get(op)) {}

  /// The function around the op runs on `core`.
  bool onCore(Core core) const;
  /// `value` is a strided memref in `space`, with an element type of `elements`, and lies as that space wants it.
  bool buffer(Value value, StringRef name, Space space, unsigned elements) const;
  /// Same shape; where `repeats`, `value` may have size 1 instead.
  bool shape(Value value, StringRef name, Value out, bool repeats = false) const;
  bool sameElement(Value value, StringRef name, Value out) const;
  /// A matrix in fractals: rank 4, tail [16, C0], or [16, 16] in L0C.
  bool fractal(Value value, StringRef name, Space space, unsigned elements) const;
  bool error(const Twine &text) const;

  Operation *op;
  Target target;
};

/// The memref type of a value that passed `buffer`.
inline MemRefType bufferType(Value value) { return cast<MemRefType>(value.getType()); }
/// The set with the one element type; 0 for another.
unsigned elementOf(Type type);
inline LogicalResult result(bool good) { return success(good); }
/// Sizes agree, or one is not known before the run.
inline bool sizesAgree(int64_t a, int64_t b) { return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b); }

} // namespace mlir::ascend

#endif // CELL_DIALECT_ASCEND_CHECK_H
