//===- RtRoutines.cpp - what each runtime routine accepts -----------------===//
#include "dialect/Rt/RtOps.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::cellrt;

namespace {
enum class Routine { Unknown, Conv2d, Conv2dDx, Conv2dDw, MaxPool, MaxPoolDx, AvgPool, AvgPoolDx, ScatterAdd, Gemm, LibraryProduct };

Routine routineOf(StringRef name) {
  return llvm::StringSwitch<Routine>(name)
      .Case("conv2d", Routine::Conv2d).Case("conv2d_dx", Routine::Conv2dDx).Case("conv2d_dw", Routine::Conv2dDw)
      .Case("maxpool2d", Routine::MaxPool).Case("maxpool2d_dx", Routine::MaxPoolDx)
      .Case("avgpool2d", Routine::AvgPool).Case("avgpool2d_dx", Routine::AvgPoolDx)
      .Case("scatter_add", Routine::ScatterAdd).Case("gemm", Routine::Gemm).Case("library_product", Routine::LibraryProduct).Default(Routine::Unknown);
}

/// Size of a window output along one axis; -1 if no window fits.
int64_t windowOutput(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  int64_t span = in + pad - dilation * (kernel - 1) - 1;
  return span < 0 ? -1 : span / stride + 1;
}

LogicalResult checkCounts(CallOp op, size_t ins, size_t params) {
  // The memory plan adds scratch memory as a last input.
  bool scratch = op.getNumResults() == 0 && op.getIns().size() == ins + 1 &&
                 getElementTypeOrSelf(op.getIns().back().getType()).isInteger(8);
  if ((op.getIns().size() != ins && !scratch) || op.getOuts().size() != 1)
    return op.emitOpError("'") << op.getRoutine() << "' takes " << ins << " inputs and 1 output, got "
                               << op.getIns().size() << " and " << op.getOuts().size();
  if (op.getParams().size() != params)
    return op.emitOpError("'") << op.getRoutine() << "' takes " << params << " parameters, got "
                               << op.getParams().size();
  return success();
}

/// All operands from `first` on have one type, f32 or f64; with `mayWiden` the inputs may be f16 or bf16 and are summed up in f32.
LogicalResult checkFloat(CallOp op, unsigned first, bool mayWiden = false) {
  Type element = getElementTypeOrSelf(op.getOuts()[0].getType());
  if (Type input = getElementTypeOrSelf(op.getIns()[0].getType()); mayWiden && element.isF32() && (input.isF16() || input.isBF16()))
    if (getElementTypeOrSelf(op.getIns()[1].getType()) == input)
      return success();
  for (Value value : op.getIns().slice(first, op.getIns().size() - first - (getElementTypeOrSelf(op.getIns().back().getType()).isInteger(8) ? 1 : 0)))
    if (getElementTypeOrSelf(value.getType()) != element)
      return op.emitOpError("'") << op.getRoutine() << "' needs one element type for all operands, got "
                                 << element << " and " << getElementTypeOrSelf(value.getType());
  if (!element.isF32() && !element.isF64())
    return op.emitOpError("'") << op.getRoutine() << "' exists for f32 and f64, not for " << element
                               << "; cast around the call";
  return success();
}

/// x, w, y are in NCHW / OIHW order whichever of them is the output.
LogicalResult checkConv(CallOp op, ShapedType x, ShapedType w, ShapedType y) {
  ArrayRef<int64_t> p = op.getParams();
  if (x.getRank() != 4 || w.getRank() != 4 || y.getRank() != 4)
    return op.emitOpError("needs operands of rank 4 (NCHW and OIHW), got ") << x << ", " << w << ", " << y;
  if (p[0] < 1 || p[1] < 1 || p[2] < 0 || p[3] < 0 || p[4] < 0 || p[5] < 0 || p[6] < 1 || p[7] < 1 || p[8] < 1)
    return op.emitOpError("needs strides, dilations and groups of at least 1 and paddings of at least 0");
  if (!x.hasStaticShape() || !w.hasStaticShape() || !y.hasStaticShape())
    return success();
  if (x.getDimSize(1) != w.getDimSize(1) * p[8] || w.getDimSize(0) % p[8])
    return op.emitOpError("channels do not fit: input ") << x << ", weight " << w << ", groups " << p[8];
  int64_t h = windowOutput(x.getDimSize(2), w.getDimSize(2), p[0], p[2] + p[3], p[6]);
  int64_t v = windowOutput(x.getDimSize(3), w.getDimSize(3), p[1], p[4] + p[5], p[7]);
  int64_t expected[] = {x.getDimSize(0), w.getDimSize(0), h, v};
  if (y.getShape() != ArrayRef<int64_t>(expected))
    return op.emitOpError("output side has shape ") << y << ", the parameters give [" << expected[0] << ", "
                                                    << expected[1] << ", " << h << ", " << v << "]";
  return success();
}

LogicalResult checkPool(CallOp op, ShapedType x, ShapedType y, bool average) {
  ArrayRef<int64_t> p = op.getParams();
  if (x.getRank() != 4 || y.getRank() != 4)
    return op.emitOpError("needs operands of rank 4 (NCHW), got ") << x << ", " << y;
  int64_t dh = average ? 1 : p[8], dw = average ? 1 : p[9];
  if (p[0] < 1 || p[1] < 1 || p[2] < 1 || p[3] < 1 || dh < 1 || dw < 1 || llvm::any_of(p.slice(4, 4), [](int64_t v) { return v < 0; }))
    return op.emitOpError("needs kernels, strides and dilations of at least 1 and paddings of at least 0");
  if (!x.hasStaticShape() || !y.hasStaticShape())
    return success();
  int64_t h = windowOutput(x.getDimSize(2), p[0], p[2], p[4] + p[5], dh);
  int64_t v = windowOutput(x.getDimSize(3), p[1], p[3], p[6] + p[7], dw);
  int64_t expected[] = {x.getDimSize(0), x.getDimSize(1), h, v};
  if (y.getShape() != ArrayRef<int64_t>(expected))
    return op.emitOpError("output side has shape ") << y << ", the parameters give [" << expected[0] << ", "
                                                    << expected[1] << ", " << h << ", " << v << "]";
  return success();
}

LogicalResult checkScatter(CallOp op, ShapedType index, ShapedType update, ShapedType acc) {
  if (!index.getElementType().isInteger(32) && !index.getElementType().isInteger(64))
    return op.emitOpError("needs i32 or i64 indices, got ") << index.getElementType();
  if (index.getRank() != 1 || update.getRank() < 1 || update.getRank() != acc.getRank() ||
      update.getDimSize(0) != index.getDimSize(0) || update.getShape().drop_front() != acc.getShape().drop_front())
    return op.emitOpError("needs indices [n], updates [n, d...] and an accumulator [rows, d...], got ")
           << index << ", " << update << ", " << acc;
  return success();
}

/// a [batch..., m, k], b [batch..., k, n], c [batch..., m, n]; params transA transB exchange the last two axes.
LogicalResult checkGemm(CallOp op, ShapedType a, ShapedType b, ShapedType c) {
  int64_t rank = c.getRank();
  if (rank < 2 || a.getRank() != rank || b.getRank() != rank)
    return op.emitOpError("needs operands of one rank of at least 2, got ") << a << ", " << b << ", " << c;
  bool ta = op.getParams()[0], tb = op.getParams()[1];
  int64_t m = a.getDimSize(rank - 2 + ta), k = a.getDimSize(rank - 1 - ta);
  int64_t kb = b.getDimSize(rank - 2 + tb), n = b.getDimSize(rank - 1 - tb);
  if (m != c.getDimSize(rank - 2) || n != c.getDimSize(rank - 1) || k != kb)
    return op.emitOpError("shapes do not fit: ") << a << ", " << b << ", " << c;
  return success();
}
} // namespace

LogicalResult CallOp::verify() {
  bool tensors = getNumResults() != 0;
  if (tensors && getResultTypes() != getOuts().getTypes())
    return emitOpError("must have one result of the type of each output operand");
  for (Type type : getOperandTypes())
    if (tensors ? !isa<RankedTensorType>(type) : !isa<MemRefType>(type))
      return emitOpError("takes tensors and gives results, or takes memrefs and gives none");
  auto in = [&](unsigned i) { return cast<ShapedType>(getIns()[i].getType()); };
  auto out = [&] { return cast<ShapedType>(getOuts()[0].getType()); };
  switch (Routine routine = routineOf(getRoutine())) {
  case Routine::Unknown:
    return emitOpError("names the routine '") << getRoutine() << "', which the runtime does not have";
  case Routine::Conv2d:
  case Routine::Conv2dDx:
  case Routine::Conv2dDw:
    if (failed(checkCounts(*this, 2, 9)) || failed(checkFloat(*this, 0, /*mayWiden=*/true)))
      return failure();
    if (routine == Routine::Conv2d)
      return checkConv(*this, in(0), in(1), out());
    return routine == Routine::Conv2dDx ? checkConv(*this, out(), in(1), in(0)) : checkConv(*this, in(0), out(), in(1));
  case Routine::MaxPool:
    if (failed(checkCounts(*this, 1, 10)) || failed(checkFloat(*this, 0)))
      return failure();
    return checkPool(*this, in(0), out(), false);
  case Routine::MaxPoolDx:
    if (failed(checkCounts(*this, 2, 10)) || failed(checkFloat(*this, 0)))
      return failure();
    if (in(0).getShape() != out().getShape())
      return emitOpError("the gradient must have the shape of the input, got ") << out() << " and " << in(0);
    return checkPool(*this, in(0), in(1), false);
  case Routine::AvgPool:
  case Routine::AvgPoolDx:
    if (failed(checkCounts(*this, 1, 9)) || failed(checkFloat(*this, 0)))
      return failure();
    return routine == Routine::AvgPool ? checkPool(*this, in(0), out(), true) : checkPool(*this, out(), in(0), true);
  case Routine::ScatterAdd:
    if (failed(checkCounts(*this, 2, 0)))
      return failure();
    if (Type element = out().getElementType(); (element.isInteger(32) || element.isInteger(64)) && in(1).getElementType() == element)
      return checkScatter(*this, in(0), in(1), out());
    if (failed(checkFloat(*this, 1)))
      return failure();
    return checkScatter(*this, in(0), in(1), out());
  case Routine::Gemm:
    if (failed(checkCounts(*this, 2, 2)) || failed(checkFloat(*this, 0)))
      return failure();
    return checkGemm(*this, in(0), in(1), out());
  case Routine::LibraryProduct: // of the GPU's host: factors, a bias or none, scratch memory; the record says the rest
    if (getNumResults() || getIns().size() < 3 || getIns().size() > 4 || getOuts().size() != 1 || !getElementTypeOrSelf(getIns().back().getType()).isInteger(8))
      return emitOpError("'library_product' takes the memory of two factors, of a bias or none, and scratch memory, and one output");
  }
  return success();
}
