//===- Scalar.cpp - one element of an elementwise op in arith and math ----===//
#include "dialect/Cell/Scalar.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::cell;

ElementKind mlir::cell::getElementKind(Type elementType) {
  if (isa<FloatType>(elementType))
    return ElementKind::Float;
  if (elementType.isInteger(1))
    return ElementKind::Bool;
  return elementType.isUnsignedInteger() ? ElementKind::Unsigned : ElementKind::Signed;
}

Type mlir::cell::getStorageType(Type elementType) {
  if (elementType.isUnsignedInteger())
    return IntegerType::get(elementType.getContext(), elementType.getIntOrFloatBitWidth());
  return elementType;
}

static ElementKind kindOf(Operation *op) { return getElementKind(getElementTypeOrSelf(op->getOperand(0).getType())); }

Value mlir::cell::refuseDtype(Operation *op) {
  op->emitOpError("does not take elements of type ") << getElementTypeOrSelf(op->getOperand(0).getType()) << "; convert with cell.cast first";
  return nullptr;
}

Value mlir::cell::buildScalarWith(Operation *op, OpBuilder &builder, ValueRange args,
                                  function_ref<Value(OpBuilder &, Location, ValueRange, Type)> body) {
  Location loc = op->getLoc();
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  Type f32 = builder.getF32Type();
  auto isHalf = [](Type type) { return type.isF16() || type.isBF16(); };
  SmallVector<Value> wide;
  for (Value arg : args)
    wide.push_back(isHalf(arg.getType()) ? arith::ExtFOp::create(builder, loc, f32, arg).getResult() : arg);
  Value result = body(builder, loc, wide, isHalf(element) ? f32 : getStorageType(element));
  if (result && isHalf(element) && result.getType() == f32)
    return arith::TruncFOp::create(builder, loc, element, result);
  return result;
}

Value mlir::cell::buildNumber(OpBuilder &builder, Location loc, Type type, double number) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(builder, loc, builder.getFloatAttr(type, number));
  APInt integer(64, static_cast<uint64_t>(static_cast<int64_t>(number)), /*isSigned=*/true);
  return arith::ConstantOp::create(builder, loc, IntegerAttr::get(type, integer.trunc(type.getIntOrFloatBitWidth())));
}

Value mlir::cell::buildCompare(Operation *op, OpBuilder &builder, Location loc, ValueRange args, Comparison comparison) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  static constexpr F floats[] = {F::OEQ, F::UNE, F::OLT, F::OLE, F::OGT, F::OGE};
  static constexpr I ints[] = {I::eq, I::ne, I::slt, I::sle, I::sgt, I::sge};
  static constexpr I unsignedInts[] = {I::eq, I::ne, I::ult, I::ule, I::ugt, I::uge};
  auto index = static_cast<size_t>(comparison);
  ElementKind kind = kindOf(op);
  if (kind == ElementKind::Float)
    return arith::CmpFOp::create(builder, loc, floats[index], args[0], args[1]);
  return arith::CmpIOp::create(builder, loc, kind == ElementKind::Signed ? ints[index] : unsignedInts[index], args[0], args[1]);
}

Value mlir::cell::buildDivision(Operation *op, OpBuilder &builder, Location loc, ValueRange args) {
  ElementKind kind = kindOf(op);
  if (kind == ElementKind::Float)
    return arith::DivFOp::create(builder, loc, args[0], args[1]);
  Type type = args[0].getType();
  Value zero = buildNumber(builder, loc, type, 0), one = buildNumber(builder, loc, type, 1);
  auto equals = [&](Value x) { return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, args[1], x); };
  Value byZero = equals(zero);
  if (kind == ElementKind::Unsigned) {
    Value divisor = arith::SelectOp::create(builder, loc, byZero, one, args[1]);
    return arith::SelectOp::create(builder, loc, byZero, zero, arith::DivUIOp::create(builder, loc, args[0], divisor));
  }
  // The smallest integer divided by -1 overflows, which LLVM leaves undefined: negate instead.
  Value byMinusOne = equals(buildNumber(builder, loc, type, -1));
  Value special = arith::OrIOp::create(builder, loc, byZero, byMinusOne);
  Value quotient = arith::DivSIOp::create(builder, loc, args[0], arith::SelectOp::create(builder, loc, special, one, args[1]));
  Value negated = arith::SubIOp::create(builder, loc, zero, args[0]);
  return arith::SelectOp::create(builder, loc, byZero, zero, arith::SelectOp::create(builder, loc, byMinusOne, negated, quotient));
}

Value mlir::cell::buildPower(Operation *op, OpBuilder &builder, Location loc, ValueRange args) {
  ElementKind kind = kindOf(op);
  if (kind == ElementKind::Float)
    return math::PowFOp::create(builder, loc, args[0], args[1]);
  if (kind == ElementKind::Signed)
    return math::IPowIOp::create(builder, loc, args[0], args[1]);
  Type wide = builder.getIntegerType(2 * args[0].getType().getIntOrFloatBitWidth());
  Value base = arith::ExtUIOp::create(builder, loc, wide, args[0]), exponent = arith::ExtUIOp::create(builder, loc, wide, args[1]);
  return arith::TruncIOp::create(builder, loc, args[0].getType(), math::IPowIOp::create(builder, loc, base, exponent));
}

Value mlir::cell::buildNegation(OpBuilder &builder, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return arith::NegFOp::create(builder, loc, x);
  return arith::SubIOp::create(builder, loc, buildNumber(builder, loc, x.getType(), 0), x);
}

Value mlir::cell::buildAbs(Operation *op, OpBuilder &builder, Location loc, Value x) {
  switch (kindOf(op)) {
  case ElementKind::Float:
    return math::AbsFOp::create(builder, loc, x);
  case ElementKind::Signed:
    return math::AbsIOp::create(builder, loc, x);
  default:
    return x;
  }
}

Value mlir::cell::buildSign(Operation *op, OpBuilder &builder, Location loc, Value x) {
  Type type = x.getType();
  Value zero = buildNumber(builder, loc, type, 0), one = buildNumber(builder, loc, type, 1);
  Value positive = buildCompare(op, builder, loc, {x, zero}, Comparison::GT);
  if (kindOf(op) == ElementKind::Unsigned)
    return arith::SelectOp::create(builder, loc, positive, one, zero);
  Value negative = buildCompare(op, builder, loc, {x, zero}, Comparison::LT);
  Value rest = arith::SelectOp::create(builder, loc, negative, buildNumber(builder, loc, type, -1), x);
  return arith::SelectOp::create(builder, loc, positive, one, rest);
}

Value mlir::cell::buildRsqrt(OpBuilder &builder, Location loc, Value x, Type type) {
  return arith::DivFOp::create(builder, loc, buildNumber(builder, loc, type, 1), math::SqrtOp::create(builder, loc, x));
}

Value mlir::cell::buildSigmoid(OpBuilder &builder, Location loc, Value x, Type type) {
  Value one = buildNumber(builder, loc, type, 1);
  Value tail = math::ExpOp::create(builder, loc, arith::NegFOp::create(builder, loc, x));
  return arith::DivFOp::create(builder, loc, one, arith::AddFOp::create(builder, loc, one, tail));
}

Value mlir::cell::buildRelu(Operation *op, OpBuilder &builder, Location loc, Value x) {
  Value zero = buildNumber(builder, loc, x.getType(), 0);
  Value low = buildCompare(op, builder, loc, {x, zero}, Comparison::LE);
  return arith::SelectOp::create(builder, loc, low, zero, x);
}

Value mlir::cell::buildGelu(OpBuilder &builder, Location loc, Value x, Type type) {
  Value scaled = arith::MulFOp::create(builder, loc, x, buildNumber(builder, loc, type, M_SQRT1_2));
  Value gate = arith::AddFOp::create(builder, loc, buildNumber(builder, loc, type, 1), math::ErfOp::create(builder, loc, scaled));
  Value half = arith::MulFOp::create(builder, loc, buildNumber(builder, loc, type, 0.5), x);
  return arith::MulFOp::create(builder, loc, half, gate);
}

Value mlir::cell::buildClamp(Operation *op, OpBuilder &builder, Location loc, Value x, double min, double max) {
  Type type = x.getType();
  ElementKind kind = kindOf(op);
  if (kind != ElementKind::Float) {
    // Limits of the integer type; inside them the conversion is exact up to the precision of f64.
    unsigned bits = type.getIntOrFloatBitWidth();
    bool isSigned = kind == ElementKind::Signed;
    double low = isSigned ? -std::ldexp(1.0, bits - 1) : 0, high = std::ldexp(1.0, isSigned ? bits - 1 : bits);
    auto limit = [&](double bound, double rounded) -> std::optional<double> {
      return rounded <= low ? std::nullopt : rounded >= high ? std::nullopt : std::optional<double>(rounded);
    };
    if (auto bound = limit(min, std::ceil(min))) {
      Value number = buildNumber(builder, loc, type, *bound);
      x = arith::SelectOp::create(builder, loc, buildCompare(op, builder, loc, {x, number}, Comparison::LT), number, x);
    }
    if (auto bound = limit(max, std::floor(max))) {
      Value number = buildNumber(builder, loc, type, *bound);
      x = arith::SelectOp::create(builder, loc, buildCompare(op, builder, loc, {x, number}, Comparison::GT), number, x);
    }
    return x;
  }
  Value low = buildNumber(builder, loc, type, min), high = buildNumber(builder, loc, type, max);
  x = arith::SelectOp::create(builder, loc, buildCompare(op, builder, loc, {x, low}, Comparison::LT), low, x);
  return arith::SelectOp::create(builder, loc, buildCompare(op, builder, loc, {x, high}, Comparison::GT), high, x);
}

Value mlir::cell::buildLogicalNot(OpBuilder &builder, Location loc, Value x) {
  return arith::XOrIOp::create(builder, loc, x, buildNumber(builder, loc, x.getType(), 1));
}

/// Towards zero, limited to the range of `to`, NaN gives 0.
static Value buildFloatToInt(OpBuilder &builder, Location loc, Value x, Type storage, bool isSigned) {
  if (x.getType().getIntOrFloatBitWidth() < 32)
    x = arith::ExtFOp::create(builder, loc, builder.getF32Type(), x);
  Type from = x.getType();
  unsigned bits = storage.getIntOrFloatBitWidth();
  double low = isSigned ? -std::ldexp(1.0, bits - 1) : 0, high = std::ldexp(1.0, isSigned ? bits - 1 : bits);
  auto compare = [&](arith::CmpFPredicate predicate, Value y) { return arith::CmpFOp::create(builder, loc, predicate, x, y); };
  Value inside = arith::AndIOp::create(builder, loc, compare(arith::CmpFPredicate::OGE, buildNumber(builder, loc, from, low)),
                                       compare(arith::CmpFPredicate::OLT, buildNumber(builder, loc, from, high)));
  Value safe = arith::SelectOp::create(builder, loc, inside, x, buildNumber(builder, loc, from, 0));
  Value integer = isSigned ? arith::FPToSIOp::create(builder, loc, storage, safe).getResult()
                           : arith::FPToUIOp::create(builder, loc, storage, safe).getResult();
  auto constant = [&](APInt value) -> Value { return arith::ConstantOp::create(builder, loc, IntegerAttr::get(storage, value)); };
  Value smallest = constant(isSigned ? APInt::getSignedMinValue(bits) : APInt::getMinValue(bits));
  Value largest = constant(isSigned ? APInt::getSignedMaxValue(bits) : APInt::getMaxValue(bits));
  Value below = arith::SelectOp::create(builder, loc, compare(arith::CmpFPredicate::OLT, buildNumber(builder, loc, from, low)), smallest, integer);
  return arith::SelectOp::create(builder, loc, compare(arith::CmpFPredicate::OGE, buildNumber(builder, loc, from, high)), largest, below);
}

Value mlir::cell::buildCast(OpBuilder &builder, Location loc, Value x, Type from, Type to) {
  ElementKind source = getElementKind(from), target = getElementKind(to);
  Type storage = getStorageType(to);
  if (from == to)
    return x;
  if (target == ElementKind::Bool) {
    Value zero = buildNumber(builder, loc, x.getType(), 0);
    if (source == ElementKind::Float)
      return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, x, zero);
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, x, zero);
  }
  if (source == ElementKind::Float && target == ElementKind::Float) {
    unsigned fromBits = from.getIntOrFloatBitWidth(), toBits = to.getIntOrFloatBitWidth();
    if (fromBits == 16 && toBits == 16)
      return arith::TruncFOp::create(builder, loc, to, arith::ExtFOp::create(builder, loc, builder.getF32Type(), x));
    if (from.isBF16() && toBits == 64) // exact in two steps, and what lowerings of bf16 know
      x = arith::ExtFOp::create(builder, loc, builder.getF32Type(), x);
    return fromBits < toBits ? arith::ExtFOp::create(builder, loc, to, x).getResult() : arith::TruncFOp::create(builder, loc, to, x).getResult();
  }
  if (source == ElementKind::Float)
    return buildFloatToInt(builder, loc, x, storage, target == ElementKind::Signed);
  if (target == ElementKind::Float) {
    bool isHalf = to.getIntOrFloatBitWidth() == 16;
    Type wide = isHalf ? builder.getF32Type() : to;
    Value number = source == ElementKind::Signed ? arith::SIToFPOp::create(builder, loc, wide, x).getResult()
                                                 : arith::UIToFPOp::create(builder, loc, wide, x).getResult();
    return isHalf ? arith::TruncFOp::create(builder, loc, to, number).getResult() : number;
  }
  unsigned fromBits = x.getType().getIntOrFloatBitWidth(), toBits = storage.getIntOrFloatBitWidth();
  if (fromBits == toBits)
    return x;
  if (fromBits > toBits)
    return arith::TruncIOp::create(builder, loc, storage, x);
  return source == ElementKind::Signed ? arith::ExtSIOp::create(builder, loc, storage, x).getResult()
                                       : arith::ExtUIOp::create(builder, loc, storage, x).getResult();
}
