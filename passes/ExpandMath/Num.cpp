//===- Num.cpp - formulas over SSA values ----------------------------------===//
#include "passes/ExpandMath/Num.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
Type elementOf(Num x) { return getElementTypeOrSelf(x.value.getType()); }

/// The type of x with other elements.
Type withElement(Num x, Type element) {
  if (auto shaped = dyn_cast<ShapedType>(x.value.getType()))
    return shaped.clone(element);
  return element;
}

template <typename Op> Num make(Num a, Num b) { return {a.emitter, Op::create(a.emitter->builder, a.emitter->loc, a.value, b.value)}; }
template <typename Op> Num make(Num a) { return {a.emitter, Op::create(a.emitter->builder, a.emitter->loc, a.value)}; }
template <typename Op> Num convert(Num a, Type element) {
  return {a.emitter, Op::create(a.emitter->builder, a.emitter->loc, withElement(a, element), a.value)};
}

Num constant(Num like, TypedAttr number, uint64_t key) {
  Emitter &e = *like.emitter;
  Type type = like.value.getType();
  Value &value = e.constants[{type.getAsOpaquePointer(), key}];
  if (!value) {
    auto shaped = dyn_cast<ShapedType>(type);
    if (shaped && !shaped.hasStaticShape()) {
      SmallVector<Value> sizes;
      for (auto [i, size] : llvm::enumerate(shaped.getShape()))
        if (ShapedType::isDynamic(size))
          sizes.push_back(tensor::DimOp::create(e.builder, e.loc, like.value, i));
      value = tensor::SplatOp::create(e.builder, e.loc, arith::ConstantOp::create(e.builder, e.loc, number), type, sizes);
    } else {
      value = arith::ConstantOp::create(e.builder, e.loc, shaped ? TypedAttr(DenseElementsAttr::get(shaped, Attribute(number))) : number);
    }
  }
  return {like.emitter, value};
}

Num compare(Num a, Num b, arith::CmpFPredicate floats, arith::CmpIPredicate integers) {
  Emitter &e = *a.emitter;
  if (a.isFloat())
    return {&e, arith::CmpFOp::create(e.builder, e.loc, floats, a.value, b.value)};
  return {&e, arith::CmpIOp::create(e.builder, e.loc, integers, a.value, b.value)};
}
} // namespace

bool Num::isFloat() const { return isa<FloatType>(elementOf(*this)); }
bool Num::isDouble() const { return elementOf(*this).isF64(); }

Num Num::number(double x) const {
  FloatAttr attribute = FloatAttr::get(elementOf(*this), x);
  return constant(*this, attribute, attribute.getValue().bitcastToAPInt().getZExtValue());
}

Num Num::integer(uint64_t x) const {
  unsigned width = elementOf(*this).getIntOrFloatBitWidth();
  APInt value = APInt(64, x).zextOrTrunc(width);
  return constant(*this, IntegerAttr::get(elementOf(*this), value), value.getZExtValue());
}

Num cell::operator+(Num a, Num b) { return a.isFloat() ? make<arith::AddFOp>(a, b) : make<arith::AddIOp>(a, b); }
Num cell::operator-(Num a, Num b) { return a.isFloat() ? make<arith::SubFOp>(a, b) : make<arith::SubIOp>(a, b); }
Num cell::operator*(Num a, Num b) { return a.isFloat() ? make<arith::MulFOp>(a, b) : make<arith::MulIOp>(a, b); }
Num cell::operator/(Num a, Num b) { return make<arith::DivFOp>(a, b); }
Num cell::operator&(Num a, Num b) { return make<arith::AndIOp>(a, b); }
Num cell::operator|(Num a, Num b) { return make<arith::OrIOp>(a, b); }
Num cell::operator^(Num a, Num b) { return make<arith::XOrIOp>(a, b); }
Num cell::operator<<(Num a, Num b) { return make<arith::ShLIOp>(a, b); }
Num cell::operator>>(Num a, Num b) { return make<arith::ShRSIOp>(a, b); }
Num cell::shiftRight(Num a, Num b) { return make<arith::ShRUIOp>(a, b); }
Num cell::operator<(Num a, Num b) { return compare(a, b, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt); }
Num cell::operator>(Num a, Num b) { return compare(a, b, arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt); }
Num cell::operator==(Num a, Num b) { return compare(a, b, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq); }
Num cell::operator!=(Num a, Num b) { return compare(a, b, arith::CmpFPredicate::UNE, arith::CmpIPredicate::ne); }
Num cell::isUnordered(Num a, Num b) { return compare(a, b, arith::CmpFPredicate::UNO, arith::CmpIPredicate::eq); }

Num cell::mad(Num a, Num b, Num c) {
  Emitter &e = *a.emitter;
  if (!e.fma)
    return a * b + c;
  return {&e, math::FmaOp::create(e.builder, e.loc, a.value, b.value, c.value)};
}
Num cell::select(Num condition, Num a, Num b) {
  Emitter &e = *a.emitter;
  return {&e, arith::SelectOp::create(e.builder, e.loc, condition.value, a.value, b.value)};
}

Num cell::abs(Num x) { return make<math::AbsFOp>(x); }
Num cell::sqrt(Num x) { return make<math::SqrtOp>(x); }
Num cell::roundEven(Num x) { return make<math::RoundEvenOp>(x); }
Num cell::copySign(Num magnitude, Num sign) { return make<math::CopySignOp>(magnitude, sign); }

Num cell::bits(Num x) {
  return convert<arith::BitcastOp>(x, x.emitter->builder.getIntegerType(elementOf(x).getIntOrFloatBitWidth()));
}
static Type floatOfWidth(Num integer) {
  Builder &builder = integer.emitter->builder;
  return elementOf(integer).isInteger(64) ? Type(builder.getF64Type()) : Type(builder.getF32Type());
}
Num cell::real(Num x) { return convert<arith::BitcastOp>(x, floatOfWidth(x)); }
Num cell::toFloat(Num x) { return convert<arith::SIToFPOp>(x, floatOfWidth(x)); }
Num cell::extendFloat(Num x) { return convert<arith::ExtFOp>(x, x.emitter->builder.getF64Type()); }
Num cell::truncFloat(Num x) { return convert<arith::TruncFOp>(x, x.emitter->builder.getF32Type()); }
Num cell::extendUnsigned(Num x) { return convert<arith::ExtUIOp>(x, x.emitter->builder.getI64Type()); }
Num cell::truncInt(Num x) { return convert<arith::TruncIOp>(x, x.emitter->builder.getI32Type()); }
