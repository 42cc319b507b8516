//===- ElementwiseOps.td - one record per elementwise op -----------------===//
#ifndef CELL_ELEMENTWISE_OPS_TD
#define CELL_ELEMENTWISE_OPS_TD

include "dialect/Cell/CellBase.td"

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

def Cell_AddOp : Cell_BinaryOp<"add", [Commutative]> {
  let summary = "Elementwise sum";
  let description = [{ `lhs + rhs`. Integers wrap; of bools it is the logical or by way of the frontend's promotion. }];
  let example = "%r = cell.add %a, %b : tensor<2x3xf32>";
  let partials = ["1.0", "1.0"];
  let floatOp = "arith::AddFOp";
  let intOp = "arith::AddIOp";
  let hasFolder = 1;
}

def Cell_SubOp : Cell_BinaryOp<"sub"> {
  let summary = "Elementwise difference";
  let description = [{ `lhs - rhs`. Integers wrap. }];
  let example = "%r = cell.sub %a, %b : tensor<2x3xf32>";
  let partials = ["1.0", "-1.0"];
  let floatOp = "arith::SubFOp";
  let intOp = "arith::SubIOp";
  let hasFolder = 1;
}

def Cell_MulOp : Cell_BinaryOp<"mul", [Commutative]> {
  let summary = "Elementwise product";
  let description = [{ `lhs * rhs`. Integers wrap. }];
  let example = "%r = cell.mul %a, %b : tensor<2x3xf32>";
  let partials = ["rhs", "lhs"];
  let floatOp = "arith::MulFOp";
  let intOp = "arith::MulIOp";
  let hasFolder = 1;
}

def Cell_DivOp : Cell_BinaryOp<"div"> {
  let summary = "Elementwise quotient";
  let description = [{ `lhs / rhs`. Integers round towards zero, and a zero divisor gives 0. }];
  let example = "%r = cell.div %a, %b : tensor<2x3xf32>";
  let partials = ["1.0 / rhs", "-(result / rhs)"];
  let scalarBody = [{ return buildDivision(getOperation(), builder, loc, args); }];
  let hasFolder = 1;
}

def Cell_PowOp : Cell_BinaryOp<"pow"> {
  let summary = "Elementwise power";
  let description = [{ `lhs` to the power `rhs`. A negative integer exponent gives 0 unless the base is 1 or -1. The derivative by `rhs` is 0 where `lhs` is 0. }];
  let example = "%r = cell.pow %a, %b : tensor<2x3xf32>";
  let partials = ["rhs * pow(lhs, rhs - 1.0)", "result * log(select(lhs == 0.0, 1.0, lhs))"];
  let scalarBody = [{ return buildPower(getOperation(), builder, loc, args); }];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Cell_MaximumOp : Cell_BinaryOp<"maximum", [Commutative]> {
  let summary = "Elementwise maximum";
  let description = [{ NaN if an operand is NaN. A tie splits the derivative evenly. }];
  let example = "%r = cell.maximum %a, %b : tensor<2x3xf32>";
  let partials = ["select(lhs > rhs, 1.0, select(lhs == rhs, 0.5, 0.0))", "select(rhs > lhs, 1.0, select(lhs == rhs, 0.5, 0.0))"];
  let floatOp = "arith::MaximumFOp";
  let intOp = "arith::MaxSIOp";
  let uintOp = "arith::MaxUIOp";
}

def Cell_MinimumOp : Cell_BinaryOp<"minimum", [Commutative]> {
  let summary = "Elementwise minimum";
  let description = [{ NaN if an operand is NaN. A tie splits the derivative evenly. }];
  let example = "%r = cell.minimum %a, %b : tensor<2x3xf32>";
  let partials = ["select(lhs < rhs, 1.0, select(lhs == rhs, 0.5, 0.0))", "select(rhs < lhs, 1.0, select(lhs == rhs, 0.5, 0.0))"];
  let floatOp = "arith::MinimumFOp";
  let intOp = "arith::MinSIOp";
  let uintOp = "arith::MinUIOp";
}

def Cell_Atan2Op : Cell_PartialsOp<"atan2", 2> {
  let summary = "Angle of the point (rhs, lhs)";
  let description = [{ In radians, in [-pi, pi]. }];
  let arguments = (ins Cell_FloatTensor:$lhs, Cell_FloatTensor:$rhs);
  let example = "%r = cell.atan2 %a, %b : tensor<2x3xf32>";
  let partials = ["rhs / (lhs * lhs + rhs * rhs)", "-(lhs / (lhs * lhs + rhs * rhs))"];
  let floatOp = "math::Atan2Op";
}

def Cell_NegOp : Cell_UnaryOp<"neg"> {
  let summary = "Elementwise negation";
  let description = [{ `-x`. Integers wrap. }];
  let example = "%r = cell.neg %a : tensor<2x3xf32>";
  let partials = ["-1.0"];
  let scalarBody = [{ return buildNegation(builder, loc, args[0]); }];
  let hasFolder = 1;
}

def Cell_AbsOp : Cell_UnaryOp<"abs"> {
  let summary = "Absolute value";
  let description = [{ The derivative at 0 is 0. }];
  let example = "%r = cell.abs %a : tensor<2x3xf32>";
  let partials = ["sign(x)"];
  let scalarBody = [{ return buildAbs(getOperation(), builder, loc, args[0]); }];
}

def Cell_SignOp : Cell_UnaryOp<"sign"> {
  let summary = "Sign: -1, 0 or 1";
  let description = [{ NaN stays NaN. The derivative is 0 everywhere. }];
  let example = "%r = cell.sign %a : tensor<2x3xf32>";
  let partials = ["0.0"];
  let scalarBody = [{ return buildSign(getOperation(), builder, loc, args[0]); }];
}

//===----------------------------------------------------------------------===//
// Exponential, logarithm, roots
//===----------------------------------------------------------------------===//

def Cell_ExpOp : Cell_FloatUnaryOp<"exp"> {
  let summary = "Exponential";
  let example = "%r = cell.exp %a : tensor<2x3xf32>";
  let partials = ["result"];
  let floatOp = "math::ExpOp";
}

def Cell_Expm1Op : Cell_FloatUnaryOp<"expm1"> {
  let summary = "exp(x) - 1, accurate near 0";
  let example = "%r = cell.expm1 %a : tensor<2x3xf32>";
  let partials = ["result + 1.0"];
  let floatOp = "math::ExpM1Op";
}

def Cell_LogOp : Cell_FloatUnaryOp<"log"> {
  let summary = "Natural logarithm";
  let example = "%r = cell.log %a : tensor<2x3xf32>";
  let partials = ["1.0 / x"];
  let floatOp = "math::LogOp";
}

def Cell_Log1pOp : Cell_FloatUnaryOp<"log1p"> {
  let summary = "log(1 + x), accurate near 0";
  let example = "%r = cell.log1p %a : tensor<2x3xf32>";
  let partials = ["1.0 / (x + 1.0)"];
  let floatOp = "math::Log1pOp";
}

def Cell_SqrtOp : Cell_FloatUnaryOp<"sqrt"> {
  let summary = "Square root";
  let description = [{ The derivative at 0 is inf. }];
  let example = "%r = cell.sqrt %a : tensor<2x3xf32>";
  let partials = ["0.5 / result"];
  let floatOp = "math::SqrtOp";
}

def Cell_RsqrtOp : Cell_FloatUnaryOp<"rsqrt"> {
  let summary = "Reciprocal square root";
  let example = "%r = cell.rsqrt %a : tensor<2x3xf32>";
  let partials = ["-0.5 * result / x"];
  let scalarBody = [{ return buildRsqrt(builder, loc, args[0], type); }];
}

//===----------------------------------------------------------------------===//
// Trigonometric and hyperbolic
//===----------------------------------------------------------------------===//

def Cell_SinOp : Cell_FloatUnaryOp<"sin"> {
  let summary = "Sine of x in radians";
  let example = "%r = cell.sin %a : tensor<2x3xf32>";
  let partials = ["cos(x)"];
  let floatOp = "math::SinOp";
}

def Cell_CosOp : Cell_FloatUnaryOp<"cos"> {
  let summary = "Cosine of x in radians";
  let example = "%r = cell.cos %a : tensor<2x3xf32>";
  let partials = ["-sin(x)"];
  let floatOp = "math::CosOp";
}

def Cell_TanOp : Cell_FloatUnaryOp<"tan"> {
  let summary = "Tangent of x in radians";
  let example = "%r = cell.tan %a : tensor<2x3xf32>";
  let partials = ["1.0 + result * result"];
  let floatOp = "math::TanOp";
}

def Cell_AsinOp : Cell_FloatUnaryOp<"asin"> {
  let summary = "Inverse sine, in radians";
  let example = "%r = cell.asin %a : tensor<2x3xf32>";
  let partials = ["rsqrt(1.0 - x * x)"];
  let floatOp = "math::AsinOp";
}

def Cell_AcosOp : Cell_FloatUnaryOp<"acos"> {
  let summary = "Inverse cosine, in radians";
  let example = "%r = cell.acos %a : tensor<2x3xf32>";
  let partials = ["-rsqrt(1.0 - x * x)"];
  let floatOp = "math::AcosOp";
}

def Cell_AtanOp : Cell_FloatUnaryOp<"atan"> {
  let summary = "Inverse tangent, in radians";
  let example = "%r = cell.atan %a : tensor<2x3xf32>";
  let partials = ["1.0 / (x * x + 1.0)"];
  let floatOp = "math::AtanOp";
}

def Cell_SinhOp : Cell_FloatUnaryOp<"sinh"> {
  let summary = "Hyperbolic sine";
  let example = "%r = cell.sinh %a : tensor<2x3xf32>";
  let partials = ["cosh(x)"];
  let floatOp = "math::SinhOp";
}

def Cell_CoshOp : Cell_FloatUnaryOp<"cosh"> {
  let summary = "Hyperbolic cosine";
  let example = "%r = cell.cosh %a : tensor<2x3xf32>";
  let partials = ["sinh(x)"];
  let floatOp = "math::CoshOp";
}

def Cell_TanhOp : Cell_FloatUnaryOp<"tanh"> {
  let summary = "Hyperbolic tangent";
  let example = "%r = cell.tanh %a : tensor<2x3xf32>";
  let partials = ["1.0 - result * result"];
  let floatOp = "math::TanhOp";
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

def Cell_ErfOp : Cell_FloatUnaryOp<"erf"> {
  let summary = "Error function";
  let example = "%r = cell.erf %a : tensor<2x3xf32>";
  let partials = ["exp(-(x * x)) * 1.1283791670955126"];
  let floatOp = "math::ErfOp";
}

def Cell_SigmoidOp : Cell_FloatUnaryOp<"sigmoid"> {
  let summary = "Logistic function 1 / (1 + exp(-x))";
  let example = "%r = cell.sigmoid %a : tensor<2x3xf32>";
  let partials = ["result * (1.0 - result)"];
  let scalarBody = [{ return buildSigmoid(builder, loc, args[0], type); }];
}

def Cell_ReluOp : Cell_UnaryOp<"relu"> {
  let summary = "max(x, 0)";
  let description = [{ The derivative at 0 is 0. NaN stays NaN. }];
  let example = "%r = cell.relu %a : tensor<2x3xf32>";
  let partials = ["result > 0.0"];
  let scalarBody = [{ return buildRelu(getOperation(), builder, loc, args[0]); }];
}

def Cell_GeluOp : Cell_FloatUnaryOp<"gelu"> {
  let summary = "Gaussian error linear unit x * (1 + erf(x / sqrt 2)) / 2";
  let description = [{ Hendrycks and Gimpel 2016. The tanh form is composed in the frontend. }];
  let example = "%r = cell.gelu %a : tensor<2x3xf32>";
  let partials = ["0.5 * (1.0 + erf(x * 0.7071067811865476)) + x * exp(x * x * -0.5) * 0.3989422804014327"];
  let scalarBody = [{ return buildGelu(builder, loc, args[0], type); }];
}

//===----------------------------------------------------------------------===//
// Rounding, limits, selection, conversion
//===----------------------------------------------------------------------===//

class Cell_RoundingOp<string mnemonic, string op> : Cell_UnaryOp<mnemonic> {
  let partials = ["0.0"];
  let scalarBody = "if (!::llvm::isa<::mlir::FloatType>(type)) return args[0]; return " # op # "::create(builder, loc, args[0]);";
}

def Cell_FloorOp : Cell_RoundingOp<"floor", "::mlir::math::FloorOp"> {
  let summary = "Largest integer not above x";
  let example = "%r = cell.floor %a : tensor<2x3xf32>";
}
def Cell_CeilOp : Cell_RoundingOp<"ceil", "::mlir::math::CeilOp"> {
  let summary = "Smallest integer not below x";
  let example = "%r = cell.ceil %a : tensor<2x3xf32>";
}
def Cell_RoundOp : Cell_RoundingOp<"round", "::mlir::math::RoundEvenOp"> {
  let summary = "Nearest integer, ties to even";
  let example = "%r = cell.round %a : tensor<2x3xf32>";
}
def Cell_TruncOp : Cell_RoundingOp<"trunc", "::mlir::math::TruncOp"> {
  let summary = "Integer part, rounded towards zero";
  let example = "%r = cell.trunc %a : tensor<2x3xf32>";
}

def Cell_ClampOp : Cell_PartialsOp<"clamp", 1> {
  let summary = "Limits x to [min, max]";
  let description = [{ The derivative is 1 from `min` to `max`, both included, and 0 outside. }];
  let arguments = (ins Cell_NumberTensor:$x, F64Attr:$min, F64Attr:$max);
  let example = "%r = cell.clamp %a {min = 0.0 : f64, max = 6.0 : f64} : tensor<2x3xf32>";
  let partials = ["logicalAnd(x >= getMin().convertToDouble(), x <= getMax().convertToDouble())"];
  let scalarBody = [{ return buildClamp(getOperation(), builder, loc, args[0], getMin().convertToDouble(), getMax().convertToDouble()); }];
}

def Cell_SelectOp : Cell_PartialsOp<"select", 3> {
  let summary = "Elements of lhs where the condition holds, else of rhs";
  let description = [{ Nothing of the branch not taken reaches value or derivative, NaN and inf included. }];
  let arguments = (ins Cell_BoolTensor:$condition, Cell_Tensor:$lhs, Cell_Tensor:$rhs);
  let example = "%r = cell.select %c, %a, %b : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>";
  let partials = ["Expr()", "condition", "!condition"];
  let infer = "inferSelect";
  let scalarBody = [{ return ::mlir::arith::SelectOp::create(builder, loc, args[0], args[1], args[2]); }];
  let hasFolder = 1;
}

def Cell_CastOp : Cell_ElementwiseOp<"cast", 1, [DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "Conversion to another element type";
  let description = [{
    To bool: not equal to 0. Float to integer: towards zero, limited to the range, NaN gives 0. The cotangent is cast back, also through
    integers, as MindSpore does.
  }];
  let arguments = (ins Cell_Tensor:$x, TypeAttr:$dtype);
  let example = "%r = cell.cast %a {dtype = f64} : (tensor<2x3xf32>) -> tensor<2x3xf64>";
  let extraClassDefinition = "";
  let hasFolder = 1;
}

def Cell_FullLikeOp : Cell_ElementwiseOp<"full_like", 1, [NonDifferentiable]> {
  let summary = "A tensor of x's type filled with a number";
  let description = [{ The number is converted to the element type. With a static shape it folds to a constant. }];
  let arguments = (ins Cell_Tensor:$x, F64Attr:$value);
  let example = "%r = cell.full_like %a {value = 1.0 : f64} : tensor<2x3xf32>";
  let scalarBody = [{ return buildNumber(builder, loc, type, getValue().convertToDouble()); }];
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Comparisons and logic
//===----------------------------------------------------------------------===//

def Cell_EqualOp : Cell_CompareOp<"equal", "EQ"> {
  let summary = "lhs == rhs";
  let example = "%r = cell.equal %a, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>";
}
def Cell_NotEqualOp : Cell_CompareOp<"not_equal", "NE"> {
  let summary = "lhs != rhs";
  let example = "%r = cell.not_equal %a, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>";
}
def Cell_LessOp : Cell_CompareOp<"less", "LT"> {
  let summary = "lhs < rhs";
  let example = "%r = cell.less %a, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>";
}
def Cell_LessEqualOp : Cell_CompareOp<"less_equal", "LE"> {
  let summary = "lhs <= rhs";
  let example = "%r = cell.less_equal %a, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>";
}
def Cell_GreaterOp : Cell_CompareOp<"greater", "GT"> {
  let summary = "lhs > rhs";
  let example = "%r = cell.greater %a, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>";
}
def Cell_GreaterEqualOp : Cell_CompareOp<"greater_equal", "GE"> {
  let summary = "lhs >= rhs";
  let example = "%r = cell.greater_equal %a, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>";
}

def Cell_LogicalAndOp : Cell_LogicalOp<"logical_and", 2, [Commutative]> {
  let summary = "Logical and";
  let example = "%r = cell.logical_and %c, %c : tensor<2x3xi1>";
  let boolOp = "arith::AndIOp";
}
def Cell_LogicalOrOp : Cell_LogicalOp<"logical_or", 2, [Commutative]> {
  let summary = "Logical or";
  let example = "%r = cell.logical_or %c, %c : tensor<2x3xi1>";
  let boolOp = "arith::OrIOp";
}
def Cell_LogicalXorOp : Cell_LogicalOp<"logical_xor", 2, [Commutative]> {
  let summary = "Logical exclusive or";
  let example = "%r = cell.logical_xor %c, %c : tensor<2x3xi1>";
  let boolOp = "arith::XOrIOp";
}
def Cell_LogicalNotOp : Cell_LogicalOp<"logical_not", 1> {
  let summary = "Logical negation";
  let example = "%r = cell.logical_not %c : tensor<2x3xi1>";
  let scalarBody = [{ return buildLogicalNot(builder, loc, args[0]); }];
}

#endif // CELL_ELEMENTWISE_OPS_TD
