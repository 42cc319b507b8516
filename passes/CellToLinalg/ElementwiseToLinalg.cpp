//===- ElementwiseToLinalg.cpp - one linalg.generic per elementwise op -----===//
#include "dialect/Cell/Cell.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/LinalgBuilders.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Any op with ElementwiseOpInterface, of this dialect or another: its scalar body in a generic with identity maps.
struct ElementwiseToGeneric : OpInterfaceConversionPattern<ElementwiseOpInterface> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;
  LogicalResult matchAndRewrite(ElementwiseOpInterface op, ArrayRef<Value> operands, ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(getTypeConverter()->convertType(op->getResult(0).getType()));
    // Dimensions that some operand knows are static in the result; the others are dynamic in every operand.
    SmallVector<OpFoldResult> sizes = sizesOf(rewriter, op->getLoc(), operands[0]);
    for (auto [size, known] : llvm::zip(sizes, type.getShape()))
      if (!ShapedType::isDynamic(known))
        size = rewriter.getIndexAttr(known);
    Value result = createMap(rewriter, op->getLoc(), operands, sizes, type.getElementType(),
                             [&](OpBuilder &builder, Location, ValueRange args) { return op.buildScalar(builder, args); });
    if (!result)
      return failure();
    rewriter.replaceOp(op, result);
    return success();
  }
};
} // namespace

void mlir::cell::populateElementwiseToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ElementwiseToGeneric>(converter, patterns.getContext());
}
