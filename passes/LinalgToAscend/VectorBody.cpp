//===- VectorBody.cpp - the body of a linalg op on tiles ------------------===//
#include "passes/LinalgToAscend/VectorBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::cell;
using ascend::BinaryKind, ascend::CompareKind, ascend::Rounding, ascend::UnaryKind;

Type cell::computedType(Type type) {
  if (type.isBF16())
    return Float32Type::get(type.getContext());
  if (type.isIndex())
    return IntegerType::get(type.getContext(), 32);
  return type;
}

namespace {
std::optional<BinaryKind> binaryKind(Operation &op) {
  if (isa<arith::AddFOp, arith::AddIOp>(op))
    return BinaryKind::Add;
  if (isa<arith::SubFOp, arith::SubIOp>(op))
    return BinaryKind::Sub;
  if (isa<arith::MulFOp, arith::MulIOp>(op))
    return BinaryKind::Mul;
  if (isa<arith::DivFOp>(op))
    return BinaryKind::Div;
  if (isa<arith::MaximumFOp, arith::MaxSIOp>(op))
    return BinaryKind::Max;
  if (isa<arith::MinimumFOp, arith::MinSIOp>(op))
    return BinaryKind::Min;
  if (isa<arith::AndIOp>(op))
    return BinaryKind::And;
  if (isa<arith::OrIOp>(op))
    return BinaryKind::Or;
  if (isa<arith::XOrIOp>(op))
    return BinaryKind::Xor;
  return std::nullopt;
}

std::optional<UnaryKind> unaryKind(Operation &op) {
  if (isa<math::ExpOp>(op))
    return UnaryKind::Exp;
  if (isa<math::LogOp>(op))
    return UnaryKind::Ln;
  if (isa<math::SqrtOp>(op))
    return UnaryKind::Sqrt;
  if (isa<math::RsqrtOp>(op))
    return UnaryKind::Rsqrt;
  if (isa<math::AbsFOp>(op))
    return UnaryKind::Abs;
  if (isa<arith::NegFOp>(op))
    return UnaryKind::Neg;
  return std::nullopt;
}

std::optional<Rounding> roundingOf(Operation &op) {
  if (isa<math::FloorOp>(op))
    return Rounding::Floor;
  if (isa<math::CeilOp>(op))
    return Rounding::Ceil;
  if (isa<math::TruncOp>(op))
    return Rounding::Trunc;
  if (isa<math::RoundOp>(op))
    return Rounding::Round;
  if (isa<math::RoundEvenOp>(op))
    return Rounding::Rint;
  return std::nullopt;
}

/// Types that the unit adds and multiplies in.
bool isArithmetic(Type type) { return type.isF32() || type.isF16() || type.isInteger(32) || type.isInteger(16); }
} // namespace

VectorBody::VectorBody(VectorKernel &k, Block &body) : k(k), body(body) { want(body.getTerminator()->getOperands()); }

void VectorBody::want(ValueRange values) {
  needed.clear();
  wanted.assign(values.begin(), values.end());
  SmallVector<Value> work(values);
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (!needed.insert(value).second)
      continue;
    Operation *def = value.getDefiningOp();
    if (!def || def->getBlock() != &body || isa<memref::LoadOp>(def))
      continue;
    auto select = dyn_cast<arith::SelectOp>(def);
    auto load = select ? select.getTrueValue().getDefiningOp<memref::LoadOp>() : memref::LoadOp();
    if (load && load->getBlock() == &body && conditionOf(load) == select)
      work.push_back(load.getResult());
    else
      llvm::append_range(work, def->getOperands());
  }
}

bool VectorBody::refuse(Operation &op, const Twine &reason) {
  if (why.empty()) {
    llvm::raw_string_ostream text(why);
    text << "the vector unit has no '" << op.getName() << "'";
    if (op.getNumOperands())
      text << " of " << op.getOperand(0).getType();
    text << reason;
  }
  return false;
}

void VectorBody::define(Value value, const Tile &tile) {
  values[value] = tile;
  ++holders[tile.value];
}

void VectorBody::done(Operation &op) {
  for (Value operand : op.getOperands()) {
    auto it = values.find(operand);
    if (it == values.end() || operand.getParentBlock() != &body || --uses[operand])
      continue;
    if (--holders[it->second.value] == 0)
      k.release(it->second);
  }
}

Tile VectorBody::fromMemory(const Tile &tile) {
  if (tile.element().isBF16() && !tile.isScalar())
    return k.cast(tile, k.getF32Type());
  if (tile.element().isBF16())
    return {arith::ExtFOp::create(k, k.getF32Type(), tile.value)};
  return tile;
}

void VectorBody::set(Value argument, const Tile &stored, bool isKept) {
  Tile tile = stored;
  if (argument.getType().isInteger(1) && tile.element().isInteger(8)) {
    if (tile.isScalar()) {
      tile = {arith::TruncIOp::create(k, k.getI1Type(), tile.value)};
    } else {
      Tile wide = k.cast(tile, k.getF16Type());
      tile = k.compare(CompareKind::Ne, wide, {k.number(k.getF16Type(), 0)});
      k.release(wide);
    }
  }
  define(argument, fromMemory(tile));
  if (isKept)
    ++holders[values[argument].value];
}

Tile VectorBody::get(Value value) {
  auto known = values.find(value);
  if (known != values.end())
    return known->second;
  Value inside = k.use(value);
  if (inside.getType().isIndex())
    inside = arith::IndexCastOp::create(k, k.getI32Type(), inside);
  Tile tile = fromMemory({inside});
  values[value] = tile;
  return tile;
}

Tile VectorBody::stored(Value value, Type element) {
  Tile tile = get(value);
  Type type = tile.element();
  if (tile.isScalar()) {
    if (type == element)
      return tile;
    if (type.isInteger(1))
      return {arith::ExtUIOp::create(k, element, tile.value)};
    return {arith::TruncFOp::create(k, element, tile.value)};
  }
  return type == element ? tile : k.cast(tile, element);
}

bool VectorBody::emitScalar(Operation &op) {
  // The scalar unit of the core.
  IRMapping map;
  for (Value operand : op.getOperands())
    map.map(operand, get(operand).value);
  Operation *clone = k.clone(op, map);
  for (Value result : clone->getResults())
    result.setType(computedType(result.getType()));
  define(op.getResult(0), {clone->getResult(0)});
  return true;
}

bool VectorBody::emit(Operation &op) {
  if (op.getNumRegions() || op.getNumResults() != 1)
    return refuse(op);
  Value result = op.getResult(0);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    Value scalar = k.clone(op)->getResult(0);
    if (scalar.getType().isIndex())
      scalar = arith::IndexCastOp::create(k, k.getI32Type(), scalar);
    define(result, fromMemory({scalar}));
    return true;
  }
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    Tile tile = position(index.getDim());
    if (!tile)
      return refuse(op, " along rows of several dimensions");
    define(result, tile);
    return true;
  }
  if (auto load = dyn_cast<memref::LoadOp>(op)) {
    Tile tile = gather ? gather(load) : Tile();
    if (!tile)
      return refuse(op);
    set(load.getResult(), tile);
    return true;
  }
  if (auto select = dyn_cast<arith::SelectOp>(op))
    if (auto load = select.getTrueValue().getDefiningOp<memref::LoadOp>(); load && load->getBlock() == &body && conditionOf(load) == select) {
      define(result, get(load.getResult()));
      return true;
    }
  if (!isa<arith::ArithDialect, math::MathDialect>(op.getDialect()))
    return refuse(op);
  bool allScalars = llvm::all_of(op.getOperands(), [&](Value operand) { return get(operand).isScalar(); });
  if (!allScalars || isa<math::MathDialect>(op.getDialect())) {
    for (Value operand : op.getOperands())
      if (!isVectorType(computedType(operand.getType())))
        return refuse(op);
    if (!isVectorType(computedType(result.getType())))
      return refuse(op);
  }
  if (isa<arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp, arith::UIToFPOp, arith::FPToSIOp, arith::FPToUIOp, arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, arith::IndexCastOp,
          arith::IndexCastUIOp>(op))
    return emitCast(op);
  if (allScalars && isa<arith::ArithDialect>(op.getDialect()) && !isa<arith::BitcastOp>(op))
    return emitScalar(op);
  if (isa<arith::CmpFOp, arith::CmpIOp>(op))
    return emitCompare(op);
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    Tile mask = get(select.getCondition()), a = get(select.getTrueValue()), b = get(select.getFalseValue());
    Type type = a.element();
    if (type.isInteger(8))
      return refuse(op);
    if (mask.isScalar())
      mask = k.spread(mask, a.rows || b.rows, a.columns || b.columns);
    if (type.isInteger(1)) { // (m and a) or (not m and b)
      bool rows = mask.rows || a.rows || b.rows, columns = mask.columns || a.columns || b.columns;
      mask = k.expand(mask, rows, columns), a = k.expand(a, rows, columns), b = k.expand(b, rows, columns);
      Tile yes = k.binary(BinaryKind::And, mask, a), no = k.binary(BinaryKind::And, k.invert(mask), b);
      define(result, k.binary(BinaryKind::Or, yes, no));
    } else {
      define(result, k.select(mask, a, b));
    }
    done(op);
    return true;
  }
  Type type = computedType(op.getOperand(0).getType());
  if (std::optional<UnaryKind> kind = unaryKind(op)) {
    Tile x = get(op.getOperand(0));
    if (x.isScalar()) {
      define(result, k.unary(*kind, x));
      return true;
    }
    done(op);
    define(result, k.unary(*kind, x));
    return true;
  }
  if (std::optional<Rounding> rounding = roundingOf(op)) {
    Tile x = get(op.getOperand(0));
    if (x.isScalar())
      x = k.spread(x, false, false);
    bool half = x.element().isF16();
    Tile wide = half ? k.cast(x, k.getF32Type()) : x;
    Tile rounded = k.make(k.getF32Type(), wide.rows, wide.columns);
    ascend::VCastOp::create(k, *rounding, wide.value, rounded.value);
    define(result, half ? k.cast(rounded, x.element()) : rounded);
    done(op);
    return true;
  }
  if (isa<arith::MaxNumFOp, arith::MinNumFOp>(op)) { // a NaN gives way
    Tile a = get(op.getOperand(0)), b = get(op.getOperand(1));
    BinaryKind kind = isa<arith::MaxNumFOp>(op) ? BinaryKind::Max : BinaryKind::Min;
    a = a.isScalar() ? k.spread(a, false, false) : a, b = b.isScalar() ? k.spread(b, false, false) : b;
    Tile x = k.select(k.compare(CompareKind::Eq, a, a), a, b), y = k.select(k.compare(CompareKind::Eq, b, b), b, a);
    define(result, k.binary(kind, x, y));
    done(op);
    return true;
  }
  if (isa<math::AbsIOp>(op) && isArithmetic(type)) {
    Tile x = get(op.getOperand(0)), minus = k.unary(UnaryKind::Neg, x);
    define(result, k.binary(BinaryKind::Max, x, minus, minus));
    done(op);
    return true;
  }
  if (isa<math::CopySignOp>(op)) {
    Tile magnitude = k.unary(UnaryKind::Abs, get(op.getOperand(0))), sign = get(op.getOperand(1));
    // The smaller of x and 1 / x is below 0 for -0 and -inf too.
    Tile inverse = k.binary(BinaryKind::Div, {k.number(type, 1)}, sign.isScalar() ? k.spread(sign, false, false) : sign);
    Tile least = k.binary(BinaryKind::Min, inverse, sign, inverse), below = k.compare(CompareKind::Lt, least, {k.number(type, 0)});
    k.release(inverse);
    Tile minus = k.unary(UnaryKind::Neg, magnitude);
    define(result, k.select(below, minus, magnitude));
    k.release(below), k.release(minus), k.release(magnitude);
    done(op);
    return true;
  }
  if (isa<math::FmaOp>(op)) {
    Tile product = k.binary(BinaryKind::Mul, get(op.getOperand(0)), get(op.getOperand(1)));
    define(result, k.binary(BinaryKind::Add, product, get(op.getOperand(2))));
    k.release(product);
    done(op);
    return true;
  }
  if (isa<arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op)) {
    Tile x = get(op.getOperand(0)), by = get(op.getOperand(1));
    if (!by.isScalar() || x.isScalar() || !isArithmetic(type))
      return refuse(op);
    Tile y = k.binary(isa<arith::ShLIOp>(op) ? BinaryKind::Shl : BinaryKind::Shr, x, by);
    if (isa<arith::ShRUIOp>(op)) { // the unit repeats the sign
      unsigned bits = type.getIntOrFloatBitWidth();
      APInt shift;
      if (!matchPattern(op.getOperand(1), m_ConstantInt(&shift)))
        return refuse(op);
      uint64_t amount = shift.getZExtValue(), mask = amount >= bits ? 0 : (uint64_t(1) << (bits - amount)) - 1;
      Tile keep = k.spread({k.number(type, static_cast<double>(static_cast<int64_t>(mask)))}, y.rows, y.columns);
      y = amount == 0 ? y : k.binary(BinaryKind::And, y, keep, y);
      k.release(keep);
    }
    define(result, y);
    done(op);
    return true;
  }
  std::optional<BinaryKind> kind = binaryKind(op);
  bool isLogic = kind && (*kind == BinaryKind::And || *kind == BinaryKind::Or || *kind == BinaryKind::Xor);
  if (!kind || (isLogic ? !(type.isInteger(1) || isArithmetic(type)) : !isArithmetic(type)))
    return refuse(op);
  Tile a = get(op.getOperand(0)), b = get(op.getOperand(1));
  if (type.isInteger(1)) { // bytes are not repeated on the fly
    bool rows = a.rows || b.rows, columns = a.columns || b.columns;
    a = a.isScalar() ? k.spread(a, rows, columns) : k.expand(a, rows, columns);
    b = b.isScalar() ? k.spread(b, rows, columns) : k.expand(b, rows, columns);
    define(result, k.binary(*kind, a, b));
    done(op);
    return true;
  }
  if (isLogic && (a.isScalar() || b.isScalar())) {
    define(result, k.binary(*kind, a, b));
    done(op);
    return true;
  }
  done(op); // the result may take an operand's place
  define(result, k.binary(*kind, a, b));
  return true;
}

bool VectorBody::run() {
  auto isNeeded = [&](Operation &op) { return op.hasTrait<OpTrait::IsTerminator>() || llvm::any_of(op.getResults(), [&](Value result) { return needed.contains(result); }); };
  for (Operation &op : body)
    if (isNeeded(op))
      for (Value operand : op.getOperands())
        ++uses[operand];
  for (Value value : wanted)
    ++uses[value];
  for (Operation &op : body.without_terminator()) {
    if (llvm::any_of(op.getOperands(), [&](Value operand) { return absent.contains(operand); }))
      absent.insert(op.result_begin(), op.result_end());
    else if (isNeeded(op) && !emit(op))
      return false;
  }
  return true;
}
