//===- ConvolutionToLinalg.cpp - convolutions ------------------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/WindowBuilders.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Floats go to the runtime's routine, integers to generated loops.
template <typename OpTy>
struct ConvolutionPattern : OpConversionPattern<OpTy> {
  using OpConversionPattern<OpTy>::OpConversionPattern;

  /// Fails with a diagnostic where a size is not known.
  static LogicalResult checkStatic(OpTy op) {
    for (Type type : {op->getOperand(0).getType(), op->getOperand(1).getType(), Type(op.getType())})
      if (!cast<RankedTensorType>(type).hasStaticShape())
        return op.emitOpError("needs known shapes when it is lowered, but has ") << type;
    return success();
  }
  static Window2D windowOf(OpTy op, Value filter) {
    return {shapeOfTensor(filter).drop_front(2), op.getStrides(), op.getPads(), op.getDilations()};
  }
  static SmallVector<int64_t> routineParams(OpTy op) {
    SmallVector<int64_t> params(op.getStrides());
    llvm::append_range(params, op.getPads());
    llvm::append_range(params, op.getDilations());
    params.push_back(op.getGroups());
    return params;
  }
  static bool isFloat(OpTy op) { return isa<FloatType>(op.getType().getElementType()); }

  /// Dimension `dim` split into groups.
  static Value splitGroups(OpBuilder &builder, Location loc, Value x, unsigned dim, int64_t groups) {
    SmallVector<int64_t> shape(shapeOfTensor(x));
    shape[dim] /= groups;
    shape.insert(shape.begin() + dim, groups);
    return createShape(builder, loc, x, shape);
  }
  static Value zero(OpBuilder &builder, Location loc, Value like) {
    return buildNumber(builder, loc, cast<RankedTensorType>(like.getType()).getElementType(), 0);
  }
  static SmallVector<Value> multiplyAdd(OpBuilder &builder, Location loc, ValueRange args) {
    Value product = arith::MulIOp::create(builder, loc, args[0], args[1]);
    return {arith::AddIOp::create(builder, loc, args[2], product).getResult()};
  }
};

struct Conv2DLowering : ConvolutionPattern<Conv2DOp> {
  using ConvolutionPattern::ConvolutionPattern;
  LogicalResult matchAndRewrite(Conv2DOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(checkStatic(op)))
      return failure();
    Location loc = op.getLoc();
    Value x = adaptor.getX(), w = adaptor.getW();
    ArrayRef<int64_t> shape = op.getType().getShape();
    if (isFloat(op)) {
      rewriter.replaceOp(op, createRoutine(rewriter, loc, "conv2d", {x, w}, shape, routineParams(op)));
      return success();
    }
    Window2D window = windowOf(op, w);
    int64_t groups = op.getGroups();
    x = splitGroups(rewriter, loc, createPadded(rewriter, loc, x, op.getPads(), zero(rewriter, loc, x)), 1, groups);
    w = splitGroups(rewriter, loc, w, 0, groups);
    AffineExpr n, g, o, i, j, c, p, q;
    bindDims(rewriter.getContext(), n, g, o, i, j, c, p, q);
    AffineMap maps[] = {AffineMap::get(8, 0, {n, g, c, windowExpr(window, 0, i, p), windowExpr(window, 1, j, q)}, rewriter.getContext()),
                        AffineMap::get(8, 0, {g, o, c, p, q}, rewriter.getContext())};
    SmallVector<OpFoldResult> sizes;
    for (int64_t size : {shape[0], groups, shape[1] / groups, shape[2], shape[3]})
      sizes.push_back(rewriter.getIndexAttr(size));
    Value init = createFilled(rewriter, loc, sizes, zero(rewriter, loc, x));
    Value y = createWindowed(rewriter, loc, 5, 3, {x, w}, maps, init, multiplyAdd)[0];
    rewriter.replaceOp(op, createShape(rewriter, loc, y, shape));
    return success();
  }
};

struct Conv2DWeightGradLowering : ConvolutionPattern<Conv2DWeightGradOp> {
  using ConvolutionPattern::ConvolutionPattern;
  LogicalResult matchAndRewrite(Conv2DWeightGradOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(checkStatic(op)))
      return failure();
    Location loc = op.getLoc();
    Value x = adaptor.getX(), dy = adaptor.getDy();
    ArrayRef<int64_t> shape = op.getType().getShape();
    if (isFloat(op)) {
      rewriter.replaceOp(op, createRoutine(rewriter, loc, "conv2d_dw", {x, dy}, shape, routineParams(op)));
      return success();
    }
    Window2D window = windowOf(op, op.getResult());
    int64_t groups = op.getGroups();
    x = splitGroups(rewriter, loc, createPadded(rewriter, loc, x, op.getPads(), zero(rewriter, loc, x)), 1, groups);
    dy = splitGroups(rewriter, loc, dy, 1, groups);
    AffineExpr g, o, c, p, q, n, i, j;
    bindDims(rewriter.getContext(), g, o, c, p, q, n, i, j);
    AffineMap maps[] = {AffineMap::get(8, 0, {n, g, c, windowExpr(window, 0, i, p), windowExpr(window, 1, j, q)}, rewriter.getContext()),
                        AffineMap::get(8, 0, {n, g, o, i, j}, rewriter.getContext())};
    SmallVector<OpFoldResult> sizes;
    for (int64_t size : {groups, shape[0] / groups, shape[1], shape[2], shape[3]})
      sizes.push_back(rewriter.getIndexAttr(size));
    Value init = createFilled(rewriter, loc, sizes, zero(rewriter, loc, x));
    Value dw = createWindowed(rewriter, loc, 5, 3, {x, dy}, maps, init, multiplyAdd)[0];
    rewriter.replaceOp(op, createShape(rewriter, loc, dw, shape));
    return success();
  }
};

struct Conv2DInputGradLowering : ConvolutionPattern<Conv2DInputGradOp> {
  using ConvolutionPattern::ConvolutionPattern;
  LogicalResult matchAndRewrite(Conv2DInputGradOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(checkStatic(op)))
      return failure();
    Location loc = op.getLoc();
    Value dy = adaptor.getDy(), w = adaptor.getW();
    ArrayRef<int64_t> shape = op.getType().getShape();
    if (isFloat(op)) {
      rewriter.replaceOp(op, createRoutine(rewriter, loc, "conv2d_dx", {dy, w}, shape, routineParams(op)));
      return success();
    }
    // Each element gathers from the outputs that read it.
    Window2D window = windowOf(op, w);
    int64_t groups = op.getGroups();
    w = splitGroups(rewriter, loc, w, 0, groups);
    ArrayRef<int64_t> windows = shapeOfTensor(dy).drop_front(2);
    Value split = splitGroups(rewriter, loc, dy, 1, groups);
    AffineExpr n, g, c, h, v, o, p, q;
    bindDims(rewriter.getContext(), n, g, c, h, v, o, p, q);
    AffineMap map = AffineMap::get(8, 0, {g, o, c, p, q}, rewriter.getContext());
    SmallVector<OpFoldResult> sizes;
    for (int64_t size : {shape[0], groups, shape[1] / groups, shape[2], shape[3]})
      sizes.push_back(rewriter.getIndexAttr(size));
    Value init = createFilled(rewriter, loc, sizes, zero(rewriter, loc, w));
    Value dx = createWindowed(rewriter, loc, 5, 3, w, map, init, [&](OpBuilder &builder, Location loc, ValueRange args) -> SmallVector<Value> {
      SmallVector<Value> index;
      for (unsigned d = 0; d < 8; ++d)
        index.push_back(linalg::IndexOp::create(builder, loc, d));
      Place row = windowPlace(builder, loc, window, 0, index[3], index[6], windows[0]);
      Place column = windowPlace(builder, loc, window, 1, index[4], index[7], windows[1]);
      Value element = tensor::ExtractOp::create(builder, loc, split, ValueRange{index[0], index[1], index[5], row.index, column.index});
      Value exists = arith::AndIOp::create(builder, loc, row.exists, column.exists);
      Value term = arith::SelectOp::create(builder, loc, exists, element, buildNumber(builder, loc, element.getType(), 0));
      return multiplyAdd(builder, loc, {args[0], term, args[1]});
    })[0];
    rewriter.replaceOp(op, createShape(rewriter, loc, dx, shape));
    return success();
  }
};
} // namespace

void mlir::cell::populateConvolutionToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<Conv2DLowering, Conv2DWeightGradLowering, Conv2DInputGradLowering>(converter, patterns.getContext());
}
