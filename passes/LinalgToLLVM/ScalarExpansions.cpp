//===- ScalarExpansions.cpp - scalar operations without an instruction ----===//
#include "passes/LinalgToLLVM/ScalarExpansions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace {
/// f64 to f16 or bf16 by way of f32, rounded to odd there so that the second rounding sees which side the number was on.
struct NarrowThroughF32 : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &b) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF64() || getElementTypeOrSelf(op.getType()).getIntOrFloatBitWidth() != 16)
      return failure();
    Location loc = op.getLoc();
    auto vector = dyn_cast<VectorType>(op.getType());
    auto like = [&](Type element) -> Type { return vector ? VectorType::get(vector.getShape(), element) : element; };
    Type words = like(b.getI32Type());
    Value near = arith::TruncFOp::create(b, loc, like(b.getF32Type()), op.getIn());
    Value back = arith::ExtFOp::create(b, loc, like(b.getF64Type()), near);
    Value bits = arith::BitcastOp::create(b, loc, words, near);
    auto constant = [&](int64_t value) -> Value {
      TypedAttr number = b.getI32IntegerAttr(value);
      return arith::ConstantOp::create(b, loc, vector ? DenseElementsAttr::get(cast<VectorType>(words), Attribute(number)) : number);
    };
    Value inexact = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, back, op.getIn());
    Value even = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, arith::AndIOp::create(b, loc, bits, constant(1)), constant(0));
    auto magnitude = [&](Value v) -> Value { return math::AbsFOp::create(b, loc, v); };
    Value beyond = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, magnitude(back), magnitude(op.getIn()));
    Value step = arith::SelectOp::create(b, loc, beyond, constant(-1), constant(1));
    Value odd = arith::BitcastOp::create(b, loc, like(b.getF32Type()), arith::AddIOp::create(b, loc, bits, step));
    Value sticky = arith::SelectOp::create(b, loc, arith::AndIOp::create(b, loc, inexact, even), odd, near);
    b.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), sticky);
    return success();
  }
};

/// Functions of the math dialect that neither an instruction nor the C library has.
struct RsqrtPattern : OpRewritePattern<math::RsqrtOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::RsqrtOp op, PatternRewriter &b) const override {
    Value one = arith::ConstantOp::create(b, op.getLoc(), b.getFloatAttr(op.getType(), 1.0));
    b.replaceOpWithNewOp<arith::DivFOp>(op, one, math::SqrtOp::create(b, op.getLoc(), op.getOperand()));
    return success();
  }
};

struct IsInfPattern : OpRewritePattern<math::IsInfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::IsInfOp op, PatternRewriter &b) const override {
    Type type = op.getOperand().getType();
    auto element = cast<FloatType>(getElementTypeOrSelf(type));
    TypedAttr number = b.getFloatAttr(element, APFloat::getInf(element.getFloatSemantics()));
    if (auto vector = dyn_cast<VectorType>(type))
      number = DenseElementsAttr::get(vector, Attribute(number));
    Value inf = arith::ConstantOp::create(b, op.getLoc(), number);
    b.replaceOpWithNewOp<arith::CmpFOp>(op, arith::CmpFPredicate::OEQ, math::AbsFOp::create(b, op.getLoc(), op.getOperand()), inf);
    return success();
  }
};

/// Integer power by squaring, one bit of the exponent per step. Negative exponents: 1 for a base of 1, +-1 for -1, else 0.
struct IPowIPattern : OpRewritePattern<math::IPowIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::IPowIOp op, PatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = dyn_cast<IntegerType>(op.getType());
    if (!type || type.getWidth() < 8)
      return failure();
    Value x = op.getLhs(), y = op.getRhs();
    auto constant = [&](int64_t value) -> Value { return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value)); };
    auto equal = [&](Value v, int64_t value) -> Value { return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, v, constant(value)); };
    Value zero = constant(0), one = constant(1);
    auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
    auto loop = scf::ForOp::create(b, loc, index(0), index(type.getWidth()), index(1), ValueRange{one, x, y});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value result = loop.getRegionIterArg(0), base = loop.getRegionIterArg(1), rest = loop.getRegionIterArg(2);
      Value bit = arith::TruncIOp::create(b, loc, b.getI1Type(), rest);
      Value next = arith::SelectOp::create(b, loc, bit, arith::MulIOp::create(b, loc, result, base).getResult(), result);
      Value shifted = arith::ShRUIOp::create(b, loc, rest, one);
      scf::YieldOp::create(b, loc, ValueRange{next, arith::MulIOp::create(b, loc, base, base).getResult(), shifted});
    }
    Value odd = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, arith::AndIOp::create(b, loc, y, one), zero);
    Value minusOne = arith::SelectOp::create(b, loc, odd, constant(-1), one);
    Value inverse = arith::SelectOp::create(b, loc, equal(x, -1), minusOne, arith::SelectOp::create(b, loc, equal(x, 1), one, zero).getResult());
    Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, y, zero);
    b.replaceOpWithNewOp<arith::SelectOp>(op, negative, inverse, loop.getResult(0));
    return success();
  }
};

} // namespace

void cell::populateScalarExpansions(RewritePatternSet &patterns) {
  // Before the upstream pattern for bf16, which knows f32 only.
  patterns.add<NarrowThroughF32>(patterns.getContext(), /*benefit=*/2);
  patterns.add<RsqrtPattern, IsInfPattern, IPowIPattern>(patterns.getContext());
}
