//===- ContractionToLinalg.cpp - matrix products ---------------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/WindowBuilders.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// A contraction whose indexing maps read transposed operands where they lie.
struct MatmulToContract : OpConversionPattern<MatmulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MatmulOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value lhs = adaptor.getLhs(), rhs = adaptor.getRhs();
    Type element = cast<RankedTensorType>(lhs.getType()).getElementType(), wide = accumulatorType(element);
    unsigned rank = op.getType().getRank();
    SmallVector<OpFoldResult> sizes = sizesOf(rewriter, loc, lhs);
    for (auto [size, known] : llvm::zip(sizes, op.getType().getShape()))
      if (!ShapedType::isDynamic(known))
        size = rewriter.getIndexAttr(known);
    sizes[rank - 2] = tensor::getMixedSize(rewriter, loc, lhs, op.getTransposeA() ? rank - 1 : rank - 2);
    sizes[rank - 1] = tensor::getMixedSize(rewriter, loc, rhs, op.getTransposeB() ? rank - 2 : rank - 1);
    Value init = createFilled(rewriter, loc, sizes, buildNumber(rewriter, loc, wide, 0));

    // Iteration: batch dimensions, m, n, k.
    auto mapOf = [&](unsigned row, unsigned column) {
      SmallVector<AffineExpr> exprs;
      for (unsigned i = 0; i + 2 < rank; ++i)
        exprs.push_back(rewriter.getAffineDimExpr(i));
      exprs.append({rewriter.getAffineDimExpr(row), rewriter.getAffineDimExpr(column)});
      return AffineMap::get(rank + 1, 0, exprs, rewriter.getContext());
    };
    unsigned m = rank - 2, n = rank - 1, k = rank;
    AffineMap maps[] = {op.getTransposeA() ? mapOf(k, m) : mapOf(m, k), op.getTransposeB() ? mapOf(n, k) : mapOf(k, n), mapOf(m, n)};
    auto contract = linalg::ContractOp::create(rewriter, loc, ValueRange{lhs, rhs}, ValueRange{init}, rewriter.getAffineMapArrayAttr(maps));
    rewriter.replaceOp(op, createPrecision(rewriter, loc, contract->getResult(0), element));
    return success();
  }
};
} // namespace

void mlir::cell::populateContractionToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<MatmulToContract>(converter, patterns.getContext());
}
