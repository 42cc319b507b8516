//===- Scratch.cpp - memory that functions of the device library need ------===//
//
// The numbers are those that the vendor's compiler hands to its library for static shapes, which test_scratch.py asks it for; for sizes that are known only when
// the kernel runs, the largest of those that are possible.
//
//===----------------------------------------------------------------------===//
#include "dialect/Ascend/Check.h"
#include "dialect/Ascend/Library.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace mlir::ascend;

Value mlir::ascend::getViewedBuffer(Value view) {
  while (auto op = view.getDefiningOp<ViewLikeOpInterface>())
    view = op.getViewSource();
  return view;
}

SmallVector<int64_t> mlir::ascend::getRepeatedAxes(ValueRange operands, Value out) {
  MemRefType type = bufferType(out);
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (type.getDimSize(axis) != 1 && llvm::any_of(operands, [&](Value value) {
          auto operand = dyn_cast<MemRefType>(value.getType());
          return operand && operand.getDimSize(axis) == 1;
        }))
      axes.push_back(axis);
  return axes;
}

FoldedAxes mlir::ascend::foldAxes(Value wide, Value narrow, ArrayRef<int64_t> axes) {
  MemRefType type = bufferType(wide);
  int64_t rank = type.getRank();
  auto one = [](int64_t size) { return size == 1; };
  FoldedAxes folded{{}, SmallVector<int64_t>(axes), axes.front(), axes.back()};
  if (llvm::all_of(type.getShape().take_front(folded.first), one))
    folded.first = 0;
  if (llvm::all_of(type.getShape().drop_front(folded.last + 1), one))
    folded.last = rank - 1;
  SmallVector<ReassociationIndices> groups;
  for (auto [begin, end] : {std::pair<int64_t, int64_t>(0, folded.first), {folded.first, folded.last + 1}, {folded.last + 1, rank}})
    if (begin < end)
      groups.push_back(llvm::to_vector<2>(llvm::seq(begin, end)));
  bool together = axes.back() - axes.front() + 1 == static_cast<int64_t>(axes.size());
  if (!together || static_cast<int64_t>(groups.size()) == rank || !memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups) ||
      !memref::CollapseShapeOp::isGuaranteedCollapsible(bufferType(narrow), groups))
    return folded;
  folded.groups = groups;
  folded.axes = {folded.first > 0 ? 1 : 0};
  return folded;
}

namespace {
/// Elements of the buffer that `value` is a view of.
int64_t wholeElements(Value value) {
  MemRefType type = bufferType(getViewedBuffer(value));
  return type.hasStaticShape() ? type.getNumElements() : 0;
}

/// Sizes of `value`: at most, where they are not known.
SmallVector<int64_t> largestSizes(Value value) {
  MemRefType type = bufferType(value);
  SmallVector<int64_t> sizes(type.getShape());
  auto view = value.getDefiningOp<ViewLikeOpInterface>();
  if (type.hasStaticShape() || !view)
    return sizes;
  auto source = cast<MemRefType>(view.getViewSource().getType());
  SmallVector<int64_t> outer = isa<memref::SubViewOp, memref::CastOp>(*view) && source.getRank() == type.getRank() ? largestSizes(view.getViewSource())
                                                                                                                    : SmallVector<int64_t>(sizes.size(), wholeElements(value));
  for (auto [size, most] : llvm::zip(sizes, outer))
    size = ShapedType::isDynamic(size) ? most : size;
  return sizes;
}

/// One block per row, of rows in whole repeats of the vector unit, for an operand that is repeated along the last axis of `out`.
int64_t repeatBytes(const Target &target, Value value, Value out) {
  auto type = dyn_cast<MemRefType>(value.getType());
  if (!type || type.getRank() == 0 || type.getShape().back() != 1 || bufferType(out).getShape().back() == 1)
    return 0;
  int64_t rows = type.getRank() == 1 ? 1 : largestSizes(value)[type.getRank() - 2];
  return rows == 1 ? target.block_bytes : llvm::alignTo(rows * target.block_bytes, target.vector_bytes);
}
} // namespace

int64_t mlir::ascend::getSpreadBytes(const Target &target, Value value, Value out) {
  auto type = dyn_cast<MemRefType>(value.getType());
  SmallVector<int64_t> axes = type ? getRepeatedAxes(value, out) : SmallVector<int64_t>();
  if (axes.empty())
    return 0;
  FoldedAxes folded = foldAxes(out, value, axes);
  int64_t rank = folded.groups.empty() ? type.getRank() : folded.groups.size();
  return rank == 1 || folded.axes.back() != rank - 1 ? 0 : repeatBytes(target, value, out);
}

int64_t VBinOp::getScratchBytes() {
  Target target = Target::get(*this);
  int64_t bytes = repeatBytes(target, getLhs(), getOut()) + repeatBytes(target, getRhs(), getOut());
  if (getKind() == BinaryKind::Xor)
    bytes += wholeElements(getOut()) * getElementBytes(bufferType(getOut()).getElementType());
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
  return to.isInteger(8) ? llvm::alignTo(2 * wholeElements(getSource()) * getElementBytes(from), target.ub_align) : target.block_bytes;
}

int64_t VBrcOp::getScratchBytes() { return getSpreadBytes(Target::get(*this), getSource(), getOut()); }

int64_t VReduceOp::getScratchBytes() {
  Target target = Target::get(*this);
  MemRefType type = bufferType(getSource());
  FoldedAxes folded = foldAxes(getSource(), getOut(), getDims());
  SmallVector<int64_t> sizes = largestSizes(getSource());
  if (!folded.groups.empty()) {
    SmallVector<int64_t> together;
    for (const ReassociationIndices &group : folded.groups) {
      together.push_back(1);
      for (int64_t axis : group)
        together.back() *= sizes[axis];
    }
    sizes = together;
  }
  // In elements. `length`: of one result; `rows`: results that one call of the library makes.
  int64_t rank = sizes.size(), bytes = getElementBytes(type.getElementType()), block = target.block_bytes / bytes, repeat = target.vector_bytes / bytes;
  int64_t length = sizes.back(), rows = rank > 1 ? sizes[rank - 2] : 1, whole = std::max<int64_t>(wholeElements(getSource()), 1), need = 0;
  bool isKnown = type.hasStaticShape(), lengthKnown = !type.isDynamicDim(type.getRank() - 1);
  if (folded.axes.back() != rank - 1)
    need = whole;
  else if (type.getElementType().isInteger())
    need = length > repeat ? rows * (lengthKnown ? repeat + block : 2 * repeat) : 2 * whole;
  else if (rank == 1 && getKind() != ReduceKind::Sum)
    need = length > repeat ? repeat : 0;
  else if (length > repeat)
    need = length > 2 * repeat ? std::max(whole / 2, lengthKnown ? 0 : rows * repeat) : rows * repeat;
  else if (!lengthKnown || (length < block && length % 2 == 0))
    need = whole / 2;
  // What is not needed is still asked for where sizes are not known.
  return llvm::alignTo(std::max<int64_t>(need, isKnown ? 0 : 1) * bytes, target.ub_align);
}

Value mlir::ascend::getValueSpreadAside(VSelOp op) {
  Value out = op.getOut(), values[] = {op.getLhs(), op.getRhs()};
  bool repeated[] = {!getRepeatedAxes(values[0], out).empty(), !getRepeatedAxes(values[1], out).empty()};
  if (repeated[0] && repeated[1])
    return values[1];
  for (unsigned side : {0, 1})
    if (repeated[side] && isa<MemRefType>(values[1 - side].getType()) && getViewedBuffer(values[1 - side]) == getViewedBuffer(out))
      return values[side];
  return {};
}

int64_t mlir::ascend::getSelectBytes(VSelOp op) {
  // Constants of the comparison with the mask, and of scalars.
  Target target = Target::get(op);
  int64_t scalars = !isa<MemRefType>(op.getLhs().getType()) + !isa<MemRefType>(op.getRhs().getType());
  return llvm::alignTo(std::max({(1 + scalars) * target.block_bytes, getSpreadBytes(target, op.getLhs(), op.getOut()), getSpreadBytes(target, op.getRhs(), op.getOut())}), target.ub_align);
}

int64_t VSelOp::getScratchBytes() {
  int64_t aside = getValueSpreadAside(*this) ? wholeElements(getOut()) * getElementBytes(bufferType(getOut()).getElementType()) : 0;
  return getSelectBytes(*this) + llvm::alignTo(aside, Target::get(*this).ub_align);
}

int64_t VTransposeOp::getScratchBytes() {
  // Pairs of fractals, for what the transposing instruction does not take.
  Target target = Target::get(*this);
  Type element = bufferType(getSource()).getElementType();
  bool movesLast = getPermutation().back() != static_cast<int64_t>(getPermutation().size()) - 1;
  return element.isInteger(64) && movesLast ? 2 * target.fractal_rows * target.fractal_rows * getElementBytes(element) : 0;
}

int64_t VGatherOp::getScratchBytes() {
  return llvm::alignTo(wholeElements(getIndices()) * getElementBytes(bufferType(getIndices()).getElementType()), Target::get(*this).ub_align);
}
