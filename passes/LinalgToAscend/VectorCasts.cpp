//===- VectorCasts.cpp - casts and comparisons of tiles -------------------===//
#include "passes/LinalgToAscend/VectorBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::cell;
using ascend::BinaryKind, ascend::CompareKind, ascend::Rounding, ascend::UnaryKind;

Tile VectorKernel::cast(const Tile &x, Type type, Rounding rounding) {
  Type from = x.element();
  if (from == type)
    return x;
  auto step = [&](const Tile &source, Type to, Rounding how) {
    Tile out = make(to, source.rows, source.columns);
    ascend::VCastOp::create(*this, how, source.value, out.value);
    return out;
  };
  Type f32 = getF32Type(), f16 = getF16Type(), i32 = getI32Type();
  bool fromInteger = isa<IntegerType>(from);
  if (fromInteger && isa<FloatType>(type))
    rounding = Rounding::Rint;
  auto direct = [](Type a, Type b) {
    if (a.isF32())
      return b.isF16() || b.isBF16() || b.isInteger(16) || b.isInteger(32) || b.isInteger(64);
    if (a.isF16())
      return b.isF32() || b.isInteger(32) || b.isInteger(16) || b.isInteger(8);
    if (a.isBF16())
      return b.isF32() || b.isInteger(32);
    if (a.isInteger(64))
      return b.isF32() || b.isInteger(32);
    if (a.isInteger(32))
      return b.isF32() || b.isInteger(64) || b.isInteger(16) || b.isInteger(8);
    if (a.isInteger(16))
      return b.isF32() || b.isF16() || b.isInteger(8);
    if (a.isInteger(8))
      return b.isF16();
    return a.isInteger(1) && !b.isInteger(8) && !b.isInteger(64);
  };
  if (direct(from, type))
    return step(x, type, rounding);
  // By way of a type that holds all values of one of the two.
  Type way = from.isInteger(8) || (from.isInteger(1) && type.isInteger(8)) ? f16
             : from.isInteger(1) || (from.isInteger(64) && isa<IntegerType>(type)) || (isa<FloatType>(from) && type.isInteger(8) && !from.isF16()) ? i32
                                                                                                                                                   : f32;
  if (from.isInteger(16) && type.isInteger(64))
    way = f32;
  if (way == from || way == type)
    return {};
  Tile middle = step(x, way, isa<IntegerType>(way) ? rounding : Rounding::Rint);
  Tile out = cast(middle, type, rounding);
  release(middle);
  return out;
}

bool VectorBody::emitCast(Operation &op) {
  Value operand = op.getOperand(0), result = op.getResult(0);
  Tile x = get(operand);
  Type from = operand.getType(), to = result.getType(), wanted = computedType(to);
  if (x.isScalar()) {
    if (from.isBF16() || to.isBF16() || from.isIndex() || to.isIndex()) {
      // Held in another type already.
      if (x.element() == wanted && !isa<arith::TruncFOp>(op)) {
        define(result, x);
        return true;
      }
      x = k.spread(x, false, false);
    } else {
      return emitScalar(op);
    }
  }
  if (isa<arith::TruncFOp>(op) && to.isBF16()) { // the user's rounding
    Tile narrow = k.cast(x, k.getBF16Type());
    if (!narrow)
      return refuse(op);
    define(result, k.cast(narrow, k.getF32Type()));
    k.release(narrow);
    done(op);
    return true;
  }
  Tile y;
  bool isUnsigned = isa<arith::ExtUIOp, arith::UIToFPOp>(op);
  if (x.element() == wanted) {
    y = x;
  } else if (to.isInteger(1)) {
    if (isa<arith::TruncIOp>(op)) {
      Tile wide = k.cast(x, k.getI32Type());
      if (!wide)
        return refuse(op);
      Tile odd = k.binary(BinaryKind::And, wide, {k.number(k.getI32Type(), 1)});
      y = k.compare(CompareKind::Ne, odd, {k.number(k.getI32Type(), 0)});
    } else {
      return refuse(op);
    }
  } else if (from.isInteger(1) && !isUnsigned) { // true is -1
    Tile ones = k.cast(x, isa<FloatType>(wanted) ? wanted : k.getI32Type());
    if (!ones)
      return refuse(op);
    y = k.cast(k.unary(UnaryKind::Neg, ones), wanted);
  } else if (isUnsigned && !from.isInteger(1)) {
    if (!from.isInteger(8))
      return refuse(op);
    Tile wide = k.binary(BinaryKind::And, k.cast(x, k.getI32Type()), {k.number(k.getI32Type(), 255)});
    y = k.cast(wide, wanted);
  } else {
    y = k.cast(x, wanted, isa<arith::FPToSIOp, arith::FPToUIOp>(op) ? Rounding::Trunc : Rounding::Rint);
  }
  if (!y)
    return refuse(op);
  define(result, y);
  done(op);
  return true;
}

bool VectorBody::emitCompare(Operation &op) {
  Tile a = get(op.getOperand(0)), b = get(op.getOperand(1));
  Type type = a.element();
  CompareKind kind = CompareKind::Eq;
  bool negated = false;
  if (auto compare = dyn_cast<arith::CmpFOp>(op)) {
    using P = arith::CmpFPredicate;
    if (!type.isF32() && !type.isF16())
      return refuse(op);
    P predicate = compare.getPredicate();
    if (predicate == P::ORD || predicate == P::UNO) {
      // What is not a NaN equals itself.
      Tile p = k.compare(CompareKind::Eq, a.isScalar() ? k.spread(a, false, false) : a, a);
      Tile q = k.compare(CompareKind::Eq, b.isScalar() ? k.spread(b, false, false) : b, b);
      Tile both = k.binary(BinaryKind::And, k.expand(p, q.rows, q.columns), k.expand(q, p.rows, p.columns));
      define(op.getResult(0), predicate == P::ORD ? both : k.invert(both));
      done(op);
      return true;
    }
    switch (predicate) {
    case P::OEQ: kind = CompareKind::Eq; break;
    case P::UNE: kind = CompareKind::Ne; break;
    case P::OLT: kind = CompareKind::Lt; break;
    case P::OLE: kind = CompareKind::Le; break;
    case P::OGT: kind = CompareKind::Gt; break;
    case P::OGE: kind = CompareKind::Ge; break;
    case P::UGE: kind = CompareKind::Lt, negated = true; break;
    case P::UGT: kind = CompareKind::Le, negated = true; break;
    case P::ULE: kind = CompareKind::Gt, negated = true; break;
    case P::ULT: kind = CompareKind::Ge, negated = true; break;
    default: return refuse(op, " with this predicate");
    }
  } else {
    using P = arith::CmpIPredicate;
    P predicate = cast<arith::CmpIOp>(op).getPredicate();
    if (type.isInteger(1) && (predicate == P::eq || predicate == P::ne)) {
      Tile differ = k.binary(BinaryKind::Xor, a.isScalar() ? k.spread(a, b.rows, b.columns) : a, b);
      define(op.getResult(0), predicate == P::ne ? differ : k.invert(differ));
      done(op);
      return true;
    }
    if (type.isInteger(8) || type.isInteger(16)) { // exact in f32
      auto widen = [&](const Tile &x) { return x.isScalar() ? Tile{arith::SIToFPOp::create(k, k.getF32Type(), x.value)} : k.cast(x, k.getF32Type()); };
      a = widen(a), b = widen(b);
      type = k.getF32Type();
    } else if (!type.isInteger(32)) {
      return refuse(op);
    }
    switch (predicate) {
    case P::eq: kind = CompareKind::Eq; break;
    case P::ne: kind = CompareKind::Ne; break;
    case P::slt: kind = CompareKind::Lt; break;
    case P::sle: kind = CompareKind::Le; break;
    case P::sgt: kind = CompareKind::Gt; break;
    case P::sge: kind = CompareKind::Ge; break;
    default: return refuse(op, " without signs");
    }
    if (type.isInteger(32) && kind != CompareKind::Eq && kind != CompareKind::Ne) {
      // The unit compares i32 for equality only: a < b where the larger one is not a.
      bool upper = kind == CompareKind::Lt || kind == CompareKind::Le, strict = kind == CompareKind::Lt || kind == CompareKind::Gt;
      Tile limit = k.binary(upper ? BinaryKind::Max : BinaryKind::Min, a, b);
      Tile result = k.compare(strict ? CompareKind::Ne : CompareKind::Eq, limit, strict ? a : b);
      k.release(limit);
      define(op.getResult(0), result);
      done(op);
      return true;
    }
  }
  Tile result = k.compare(kind, a, b);
  define(op.getResult(0), negated ? k.invert(result) : result);
  done(op);
  return true;
}
