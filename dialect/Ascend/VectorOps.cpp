//===- VectorOps.cpp - verification of the vector unit's ops ---------------===//
#include "dialect/Ascend/Check.h"

using namespace mlir;
using namespace mlir::ascend;

namespace {
/// Element types of an operation, as the device library has them; 0 where it has none with two buffers.
unsigned elementsOf(BinaryKind kind) {
  switch (kind) {
  case BinaryKind::Add:
  case BinaryKind::Sub:
  case BinaryKind::Mul:
  case BinaryKind::Max:
  case BinaryKind::Min:
    return kArithmetic;
  case BinaryKind::Div:
    return kFloats;
  case BinaryKind::And:
  case BinaryKind::Or:
  case BinaryKind::Xor:
    return kInts | kI1;
  case BinaryKind::Shl:
  case BinaryKind::Shr:
    return 0;
  }
  return 0;
}

unsigned elementsOf(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::Relu:
    return kFloats | kI32;
  case UnaryKind::Neg:
    return kArithmetic;
  case UnaryKind::Not:
    return kInts | kI1;
  default:
    return kFloats;
  }
}

/// Element types that `from` may be cast to.
unsigned castsOf(unsigned from) {
  switch (from) {
  case kF32:
    return kF32 | kF16 | kBF16 | kI16 | kI32 | kI64;
  case kF16:
    return kF32 | kI32 | kI16 | kI8;
  case kBF16:
    return kF32 | kI32;
  case kI64:
    return kF32 | kI32;
  case kI32:
    return kF32 | kI64 | kI16 | kI8;
  case kI16:
    return kF32 | kF16 | kI8;
  case kI8:
    return kF16;
  case kI1:
    return kF32 | kF16 | kBF16 | kI32 | kI16;
  }
  return 0;
}

bool onVectorCore(const Check &check) { return check.onCore(Core::AIV); }

/// A buffer or a scalar, in the element type of the output and of its shape.
bool operand(const Check &check, Value value, StringRef name, Value out, unsigned elements, bool repeats) {
  if (!isa<MemRefType>(value.getType()))
    return check.sameElement(value, name, out);
  return check.buffer(value, name, Space::UB, elements) && check.sameElement(value, name, out) && check.shape(value, name, out, repeats);
}

bool notInPlace(const Check &check, Value source, Value out) {
  return source != out || check.error("reads its source after parts of the output are written, so the output is another buffer");
}
/// The last check: what the op needs besides its operands has room where `ascend.scratch` says.
LogicalResult withScratch(const Check &check, bool good = true) {
  auto offset = check.op->getAttrOfType<IntegerAttr>(kScratchAttr);
  if (!good || !offset)
    return success(good);
  int64_t bytes = cast<AscendPipeOpInterface>(check.op).getScratchBytes(), room = check.target.ub_bytes;
  return success(offset.getInt() <= room - bytes || check.error("needs room for " + Twine(bytes) + " bytes of scratch memory in ub, which has " + Twine(room) + ", but '" +
                                                                  kScratchAttr + "' is " + Twine(offset.getInt())));
}
} // namespace

LogicalResult VBinOp::verify() {
  Check check(*this);
  unsigned elements = elementsOf(getKind());
  if (!elements)
    return emitOpError("shifts by a scalar only; use ascend.vbin_scalar, or run it on the general cores (aicpu)");
  return withScratch(check, onVectorCore(check) && check.buffer(getOut(), "output", Space::UB, elements) && operand(check, getLhs(), "left operand", getOut(), elements, true) &&
                operand(check, getRhs(), "right operand", getOut(), elements, true));
}

LogicalResult VBinScalarOp::verify() {
  Check check(*this);
  BinaryKind kind = getKind();
  bool shift = kind == BinaryKind::Shl || kind == BinaryKind::Shr;
  if (kind == BinaryKind::And || kind == BinaryKind::Or || kind == BinaryKind::Xor)
    return emitOpError("has no form with a scalar for ") << stringifyBinaryKind(kind) << "; fill a buffer with ascend.vbrc and use ascend.vbin";
  if (getReverse() && kind != BinaryKind::Sub && kind != BinaryKind::Div)
    return emitOpError("takes 'reverse' for sub and div, not for ") << stringifyBinaryKind(kind);
  unsigned elements = shift ? unsigned(kI16 | kI32) : elementsOf(kind);
  return withScratch(check, onVectorCore(check) && check.buffer(getOut(), "output", Space::UB, elements) && operand(check, getLhs(), "left operand", getOut(), elements, false) &&
                operand(check, getRhs(), "scalar", getOut(), elements, false));
}

LogicalResult VUnOp::verify() {
  Check check(*this);
  unsigned elements = elementsOf(getKind());
  return withScratch(check, onVectorCore(check) && check.buffer(getOut(), "output", Space::UB, elements) && operand(check, getSource(), "source", getOut(), elements, false));
}

LogicalResult VCastOp::verify() {
  Check check(*this);
  if (!onVectorCore(check) || !check.buffer(getSource(), "source", Space::UB, kAnyElement) || !check.buffer(getOut(), "output", Space::UB, kAnyElement) ||
      !check.shape(getSource(), "source", getOut()))
    return failure();
  Type from = bufferType(getSource()).getElementType(), to = bufferType(getOut()).getElementType();
  if (!(castsOf(elementOf(from)) & elementOf(to)))
    return emitOpError("has no conversion from ") << from << " to " << to << "; go by way of f32 or f16, or run it on the general cores (aicpu)";
  return withScratch(check);
}

LogicalResult VBrcOp::verify() {
  Check check(*this);
  if (!onVectorCore(check) || !check.buffer(getOut(), "output", Space::UB, kAnyElement) || !operand(check, getSource(), "source", getOut(), kAnyElement, true))
    return failure();
  auto source = dyn_cast<MemRefType>(getSource().getType());
  if (!source)
    return withScratch(check);
  MemRefType out = bufferType(getOut());
  if (source.getRank() && source.getShape().back() == 1 && out.getShape().back() != 1 && getElementBytes(source.getElementType()) == 1)
    return emitOpError("does not repeat elements of one byte along the last axis, got ") << source << " for " << out << "; cast to f16 before";
  return withScratch(check, notInPlace(check, getSource(), getOut()));
}

LogicalResult VReduceOp::verify() {
  Check check(*this);
  if (!onVectorCore(check) || !check.buffer(getSource(), "source", Space::UB, kArithmetic) || !check.buffer(getOut(), "output", Space::UB, kArithmetic) ||
      !check.sameElement(getSource(), "source", getOut()) || !notInPlace(check, getSource(), getOut()))
    return failure();
  MemRefType source = bufferType(getSource()), out = bufferType(getOut());
  if (source.getRank() != out.getRank())
    return emitOpError("keeps the rank: reduced axes have size 1 in its output; got ") << source << " and " << out;
  if (getDims().empty())
    return emitOpError("reduces no axis; use ascend.copy");
  for (auto [index, dim] : llvm::enumerate(getDims()))
    if (dim < 0 || dim >= source.getRank() || (index && dim <= getDims()[index - 1]))
      return emitOpError("has axes [") << getDims() << "]; they are between 0 and " << source.getRank() - 1 << " and grow";
  for (int64_t axis = 0; axis < source.getRank(); ++axis) {
    int64_t expected = llvm::is_contained(getDims(), axis) ? 1 : source.getDimSize(axis);
    if (!sizesAgree(out.getDimSize(axis), expected))
      return emitOpError("has size ") << out.getDimSize(axis) << " along axis " << axis << " of its output, which should be " << expected;
  }
  return withScratch(check);
}

LogicalResult VCmpOp::verify() {
  Check check(*this);
  bool equality = getKind() == CompareKind::Eq || getKind() == CompareKind::Ne;
  unsigned elements = equality ? unsigned(kFloats | kI32) : unsigned(kFloats);
  if (!onVectorCore(check) || !check.buffer(getOut(), "output", Space::UB, kI1) || !check.buffer(getLhs(), "left operand", Space::UB, elements) ||
      !check.shape(getLhs(), "left operand", getOut()))
    return failure();
  return withScratch(check, operand(check, getRhs(), "right operand", getLhs(), elements, false));
}

LogicalResult VSelOp::verify() {
  Check check(*this);
  unsigned elements = kFloats | kBF16 | kI16 | kI32 | kI64;
  return withScratch(check, onVectorCore(check) && check.buffer(getOut(), "output", Space::UB, elements) && check.buffer(getMask(), "mask", Space::UB, kI1) &&
                check.shape(getMask(), "mask", getOut()) && operand(check, getLhs(), "first value", getOut(), elements, true) &&
                operand(check, getRhs(), "second value", getOut(), elements, true));
}

LogicalResult VTransposeOp::verify() {
  Check check(*this);
  if (!onVectorCore(check) || !check.buffer(getSource(), "source", Space::UB, kData) || !check.buffer(getOut(), "output", Space::UB, kData) ||
      !check.sameElement(getSource(), "source", getOut()) || !notInPlace(check, getSource(), getOut()))
    return failure();
  MemRefType source = bufferType(getSource()), out = bufferType(getOut());
  ArrayRef<int64_t> permutation = getPermutation();
  SmallVector<bool> seen(source.getRank(), false);
  bool good = out.getRank() == source.getRank() && static_cast<int64_t>(permutation.size()) == source.getRank();
  for (int64_t axis : permutation) {
    good = good && axis >= 0 && axis < source.getRank() && !seen[axis];
    if (good)
      seen[axis] = true;
  }
  for (int64_t axis = 0; good && axis < out.getRank(); ++axis)
    good = sizesAgree(out.getDimSize(axis), source.getDimSize(permutation[axis]));
  if (!good)
    return emitOpError("gives ") << source << " with axes [" << permutation << "], not " << out;
  return withScratch(check);
}

LogicalResult VGatherOp::verify() {
  Check check(*this);
  unsigned elements = kFloats | kBF16 | kI16 | kI32;
  if (!onVectorCore(check) || !check.buffer(getSource(), "source", Space::UB, elements) || !check.buffer(getIndices(), "indices", Space::UB, kI32) ||
      !check.buffer(getOut(), "output", Space::UB, elements) || !check.sameElement(getSource(), "source", getOut()) ||
      !check.shape(getIndices(), "indices", getOut()) || !notInPlace(check, getSource(), getOut()))
    return failure();
  MemRefType source = bufferType(getSource()), out = bufferType(getOut());
  bool good = source.getRank() == out.getRank() && out.getRank() > 0;
  for (int64_t axis = 0; good && axis + 1 < out.getRank(); ++axis)
    good = sizesAgree(source.getDimSize(axis), out.getDimSize(axis));
  if (!good)
    return emitOpError("takes rows of its source; but for the last axis shapes agree, got ") << source << " and " << out;
  return withScratch(check);
}

LogicalResult VArangeOp::verify() {
  Check check(*this);
  if (!onVectorCore(check) || !check.buffer(getOut(), "output", Space::UB, kFloats | kI16 | kI32 | kI64))
    return failure();
  if (static_cast<int64_t>(getStrides().size()) != bufferType(getOut()).getRank())
    return emitOpError("has ") << getStrides().size() << " strides for " << getOut().getType() << "; one per axis";
  return withScratch(check);
}

#define GET_OP_CLASSES
#include "dialect/Ascend/AscendVectorOps.cpp.inc"
