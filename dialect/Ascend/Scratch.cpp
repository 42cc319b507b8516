//===- Scratch.cpp - memory that functions of the device library need ------===//
//
// The numbers are those that the vendor's compiler hands to its library, or a little more where a size is known only when the kernel runs.
//
//===----------------------------------------------------------------------===//
#include "dialect/Ascend/Check.h"

using namespace mlir;
using namespace mlir::ascend;

namespace {
/// Elements of the buffer that `value` is a view of: what a view of unknown size may reach.
int64_t wholeElements(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (op->getName().getStringRef() != "memref.subview")
      break;
    value = op->getOperand(0);
  }
  auto type = cast<MemRefType>(value.getType());
  return type.hasStaticShape() ? type.getNumElements() : 0;
}

int64_t elements(Value value) {
  auto type = cast<MemRefType>(value.getType());
  return type.hasStaticShape() ? type.getNumElements() : wholeElements(value);
}

/// One block per row, of rows in whole repeats of the vector unit, for an operand that is repeated along the last axis of `out`. One number that is repeated for its own sake needs none.
int64_t repeatBytes(const Target &target, Value value, Value out, bool isFill = false) {
  auto type = dyn_cast<MemRefType>(value.getType());
  auto outType = cast<MemRefType>(out.getType());
  if (!type || type.getRank() == 0 || type.getShape().back() != 1 || outType.getShape().back() == 1)
    return 0;
  if (isFill && llvm::all_of(type.getShape(), [](int64_t size) { return size == 1; }))
    return 0;
  int64_t rows = type.getRank() == 1 ? 1 : type.isDynamicDim(type.getRank() - 2) ? wholeElements(value) : type.getDimSize(type.getRank() - 2);
  return rows == 1 ? target.block_bytes : llvm::alignTo(rows * target.block_bytes, target.vector_bytes);
}
} // namespace

int64_t VBinOp::getScratchBytes() {
  Target target = Target::get(*this);
  int64_t bytes = repeatBytes(target, getLhs(), getOut()) + repeatBytes(target, getRhs(), getOut());
  if (getKind() == BinaryKind::Xor)
    bytes += elements(getOut()) * getElementBytes(bufferType(getOut()).getElementType());
  return llvm::alignTo(bytes, target.ub_align);
}

int64_t VBinScalarOp::getScratchBytes() {
  bool bySpread = getKind() == BinaryKind::Sub || getKind() == BinaryKind::Div;
  return bySpread ? Target::get(*this).block_bytes : 0;
}

int64_t VCastOp::getScratchBytes() {
  Target target = Target::get(*this);
  Type from = bufferType(getSource()).getElementType(), to = bufferType(getOut()).getElementType();
  if (from.isInteger(1))
    return 3 * target.block_bytes;
  if (!from.isInteger() || !to.isInteger() || from.getIntOrFloatBitWidth() <= to.getIntOrFloatBitWidth())
    return 0;
  return to.isInteger(8) ? llvm::alignTo(2 * elements(getSource()) * getElementBytes(from), target.ub_align) : target.block_bytes;
}

int64_t VBrcOp::getScratchBytes() { return repeatBytes(Target::get(*this), getSource(), getOut(), /*isFill=*/true); }

int64_t VReduceOp::getScratchBytes() {
  Target target = Target::get(*this);
  MemRefType type = bufferType(getSource());
  int64_t bytes = getElementBytes(type.getElementType()), total = elements(getSource()) * bytes;
  // Elements of one result.
  int64_t last = 1, repeat = target.vector_bytes;
  for (int64_t axis : getDims())
    last = type.isDynamicDim(axis) || ShapedType::isDynamic(last) ? ShapedType::kDynamic : last * type.getDimSize(axis);
  int64_t size = 0;
  // Without gaps, axes of size 1 behind the reduced ones do not count.
  bool dense = type.hasStaticShape() && type.getLayout().isIdentity() && bufferType(getOut()).getLayout().isIdentity();
  bool along = getDims().back() == type.getRank() - 1 || (dense && llvm::all_of(type.getShape().drop_front(getDims().back() + 1), [](int64_t size) { return size == 1; }));
  if (!along)
    size = total;
  else if (type.getElementType().isInteger())
    size = 2 * total;
  else if (ShapedType::isDynamic(last))
    size = total;
  else if (last * bytes > 2 * repeat)
    size = std::max(total / 2, repeat);
  else if (last * bytes > repeat)
    size = (total / (last * bytes)) * repeat;
  else if (last * bytes < target.block_bytes && last % 2 == 0)
    size = total / 2;
  return llvm::alignTo(size, target.ub_align);
}

int64_t VSelOp::getScratchBytes() {
  // A value that is repeated is spread out before.
  Target target = Target::get(*this);
  return std::max({target.block_bytes, repeatBytes(target, getLhs(), getOut(), /*isFill=*/true), repeatBytes(target, getRhs(), getOut(), /*isFill=*/true)});
}

int64_t VTransposeOp::getScratchBytes() {
  // Pairs of fractals, for what the transposing instruction does not take.
  Target target = Target::get(*this);
  return bufferType(getSource()).getElementType().isInteger(64) ? 2 * target.fractal_rows * target.fractal_rows * getElementBytes(bufferType(getSource()).getElementType()) : 0;
}

int64_t VGatherOp::getScratchBytes() {
  return llvm::alignTo(elements(getOut()) * getElementBytes(bufferType(getIndices()).getElementType()), Target::get(*this).ub_align);
}
