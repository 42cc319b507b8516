//===- VectorMath.cpp - functions by those of the vector unit -------------===//
#include "passes/ExpandMath/Coefficients.h"
#include "passes/ExpandMath/Num.h"
#include "passes/LinalgToAscend/VectorBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::cell;

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// ln 2 and pi / 2 in parts: products of all but the last ones with small whole numbers are exact.
constexpr double kLn2High = 0x1.62e4p-1, kLn2Low = 0x1.7f7d1cf79abcap-20;
constexpr double kHalfPi[] = {0x1.9200000000000p+0, 0x1.fb40000000000p-12, 0x1.4400000000000p-24, 0x1.0b4611a626331p-34};

template <typename Op> Num make(Num x) { return {x.emitter, Op::create(x.emitter->builder, x.emitter->loc, x.value)}; }
Num exp(Num x) { return make<math::ExpOp>(x); }
Num log(Num x) { return make<math::LogOp>(x); }
Num floor(Num x) { return make<math::FloorOp>(x); }
Num negate(Num x) { return make<arith::NegFOp>(x); }
Num square(Num x) { return x * x; }
Num within(Num x, double bound) { // a NaN stays
  OpBuilder &builder = x.emitter->builder;
  Value below = arith::MinimumFOp::create(builder, x.emitter->loc, x.value, x.number(bound).value);
  return {x.emitter, arith::MaximumFOp::create(builder, x.emitter->loc, below, x.number(-bound).value)};
}
/// The sign bit, which -0 and -inf have too.
Num isNegative(Num x) {
  return Num{x.emitter, arith::MinimumFOp::create(x.emitter->builder, x.emitter->loc, x.value, (1.0 / x).value)} < 0;
}
/// With the sign of x, which is not 0.
Num signedAs(Num magnitude, Num x) { return select(x < 0, negate(magnitude), magnitude); }

/// tanh(x) for |x| <= 3/4: Lambert's continued fraction, cut after the fifth term (relative error below 1e-8).
Num tanhOfSmall(Num x) {
  Num z = square(x);
  return x * ((z + 105) * z + 945) / ((z * 15 + 420) * z + 945);
}

/// 1 - 2 / (exp(2 |x|) + 1), which cancels near 0.
Num tanh(Num x) {
  Num magnitude = abs(x), e = exp(atMost(magnitude, 10) * 2);
  Num far = 1.0 - 2.0 / (e + 1);
  return select(magnitude < 0.75, tanhOfSmall(x), signedAs(far, x));
}

/// 2 t / (1 - t) with t = tanh(x / 2).
Num expm1(Num x) {
  Num t = tanhOfSmall(atLeast(atMost(x, 1.5), -1.5) * 0.5);
  return select(abs(x) < 1, (t + t) / (1.0 - t), exp(x) - 1);
}

/// ln(u) x / (u - 1) with u = 1 + x: the error of u cancels (Kahan).
Num log1p(Num x) {
  Num u = x + 1, d = u - 1;
  Num y = log(u) * (x / d);
  y = select(d == 0, x, y);
  return select(x > 0x1p24, log(u), y);
}

/// 2 t / (1 - t^2) near 0; e / 2 * e - 1 / (2 e^2) with e = exp(|x| / 2), which does not overflow too early.
Num sinh(Num x) {
  Num magnitude = abs(x), t = tanhOfSmall(within(x, 1.5) * 0.5), e = exp(magnitude * 0.5);
  Num near = (t + t) / (1.0 - square(t)), far = e * 0.5 * e - 0.5 / square(e);
  return select(magnitude < 1, near, signedAs(far, x));
}

Num cosh(Num x) {
  Num e = exp(abs(x) * 0.5);
  return e * 0.5 * e + 0.5 / square(e);
}

/// 2^n 2^f with n whole: n times the short part of ln 2 is exact.
Num exp2(Num x) {
  Num limited = atLeast(atMost(x, 200), -200), n = roundEven(limited), f = limited - n;
  return exp(n * kLn2High) * exp(n * kLn2Low + f * M_LN2);
}

/// As in ExpandMath, with the unit's exp.
Num erf(Num x) {
  Num magnitude = abs(x), z = square(x);
  Num near = mad(x, polynomial(z, coefficients::kErfF32), x);
  Num far = 1.0 - exp(polynomial(atMost(magnitude, 3.95), coefficients::kErfcF32));
  return select(magnitude < 0.9275, near, signedAs(far, x));
}

/// x = n pi / 2 + r (Cody and Waite), good to about 1e-7 absolutely for |x| up to 10^6: n is cut in two numbers of 10 bits, so that products with the
/// parts of pi / 2, of 11 or 12 bits each, are exact. n may be off by a twentieth, so that |r| reaches 0.88, where the polynomials still hold. Beyond
/// that r is wrong, and bounded: so are the results.
struct Quadrant {
  Num n, r; // n modulo 4
};
Quadrant reduce(Num x) {
  Num n = roundEven(x * M_2_PI), high = roundEven(n * 0x1p-10) * 1024, low = n - high, r = x;
  for (double part : kHalfPi)
    r = (r - high * part) - low * part;
  return {n - floor(n * 0.25) * 4, within(r, 1)};
}
Num sineOf(Num r) {
  Num z = square(r);
  return mad(r * z, polynomial(z, coefficients::kSinF32), r);
}
Num cosineOf(Num r) {
  Num z = square(r);
  return mad(square(z), polynomial(z, coefficients::kCosF32), mad(z, -0.5, 1));
}
/// sin(n pi / 2 + r) for n in 0 .. 4.
Num sineOf(Num n, Num r) {
  Num odd = (n == 1) | (n == 3), value = select(odd, cosineOf(r), sineOf(r));
  return select((n == 2) | (n == 3), negate(value), value);
}
Num sin(Num x) {
  Quadrant q = reduce(x);
  return select(x == 0, x, select(abs(x) < kInf, sineOf(q.n, q.r), x - x)); // the sign of a zero
}
Num cos(Num x) {
  Quadrant q = reduce(x);
  Num next = q.n + 1;
  return select(abs(x) < kInf, sineOf(select(next == 4, next.number(0), next), q.r), x - x);
}
Num tan(Num x) {
  Quadrant q = reduce(x);
  Num odd = (q.n == 1) | (q.n == 3), s = sineOf(q.r), c = cosineOf(q.r);
  Num value = select(odd, negate(c), s) / select(odd, s, c);
  return select(x == 0, x, select(abs(x) < kInf, value, x - x));
}

/// exp(y ln |x|) and the sign; relative error about |y ln x| * 2^-23.
Num pow(Num x, Num y) {
  Num magnitude = abs(x), whole = roundEven(y), half = y * 0.5;
  Num value = exp(y * log(magnitude));
  Num isWhole = y == whole, isOdd = isWhole & (half != roundEven(half));
  Num negative = isNegative(x);
  value = select(negative, select(isWhole, select(isOdd, negate(value), value), select((magnitude == kInf) | (magnitude == 0), value, value.number(kNaN))), value);
  value = select(magnitude == 1, select(negative, select(isOdd, value.number(-1), select(isWhole | (abs(y) == kInf), value.number(1), value.number(kNaN))), value.number(1)), value);
  return select(y == 0, value.number(1), value);
}

using Unary = Num (*)(Num);
using Binary = Num (*)(Num, Num);
struct Expansion {
  Unary unary = nullptr;
  Binary binary = nullptr;
};

Expansion expansionOf(Operation *op) {
  auto one = [](Unary function) { return Expansion{function}; };
  return llvm::TypeSwitch<Operation *, Expansion>(op)
      .Case([&](math::TanhOp) { return one(tanh); })
      .Case([&](math::ErfOp) { return one(erf); })
      .Case([&](math::ExpM1Op) { return one(expm1); })
      .Case([&](math::Log1pOp) { return one(log1p); })
      .Case([&](math::Log2Op) { return one([](Num x) { return log(x) * M_LOG2E; }); })
      .Case([&](math::Log10Op) { return one([](Num x) { return log(x) * M_LOG10E; }); })
      .Case([&](math::Exp2Op) { return one(exp2); })
      .Case([&](math::SinhOp) { return one(sinh); })
      .Case([&](math::CoshOp) { return one(cosh); })
      .Case([&](math::SinOp) { return one(sin); })
      .Case([&](math::CosOp) { return one(cos); })
      .Case([&](math::TanOp) { return one(tan); })
      .Case([&](math::AsinOp) { return one(expandAsin); })
      .Case([&](math::AcosOp) { return one(expandAcos); })
      .Case([&](math::AtanOp) { return one(expandAtan); })
      .Case([&](math::Atan2Op) { return Expansion{nullptr, expandAtan2}; })
      .Case([&](math::PowFOp) { return Expansion{nullptr, pow}; })
      .Default([](Operation *) { return Expansion(); });
}
} // namespace

ExpandedMath::~ExpandedMath() {
  for (auto &[region, original] : bodies)
    region->takeBody(*original);
}

void ExpandedMath::expand(Block &body) {
  auto hasFunction = [](Operation &op) {
    Expansion expansion = expansionOf(&op);
    return expansion.unary || expansion.binary;
  };
  if (llvm::none_of(body, hasFunction))
    return;
  Region *region = body.getParent();
  bodies.emplace_back(region, std::make_unique<Region>());
  IRMapping map;
  region->cloneInto(bodies.back().second.get(), map);
  for (Operation &op : llvm::make_early_inc_range(body.without_terminator())) {
    if (op.getNumResults() != 1)
      continue;
    Type type = op.getResult(0).getType();
    Expansion expansion = expansionOf(&op);
    bool isHalf = type.isF16() || type.isBF16();
    if ((!expansion.unary && !expansion.binary) || (!isHalf && !type.isF32()))
      continue;
    OpBuilder builder(&op);
    Emitter emitter{builder, op.getLoc(), /*fma=*/false};
    auto operand = [&](unsigned i) {
      Num x{&emitter, op.getOperand(i)};
      return isHalf ? Num{&emitter, arith::ExtFOp::create(builder, emitter.loc, builder.getF32Type(), x.value)} : x;
    };
    Num result = expansion.unary ? expansion.unary(operand(0)) : expansion.binary(operand(0), operand(1));
    if (isHalf)
      result.value = arith::TruncFOp::create(builder, emitter.loc, type, result.value);
    op.replaceAllUsesWith(ValueRange(result.value));
    op.erase();
  }
}
