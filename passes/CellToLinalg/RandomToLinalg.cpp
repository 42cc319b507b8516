//===- RandomToLinalg.cpp - counter-based random numbers -------------------===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Scalar.h"
#include "passes/CellToLinalg/CellToLinalg.h"
#include "passes/CellToLinalg/LinalgBuilders.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Emits scalar arithmetic on one integer or float type.
struct Emitter {
  OpBuilder &builder;
  Location loc;

  Value number(Type type, double value) const { return buildNumber(builder, loc, type, value); }
  Value word(uint32_t value) const { return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(static_cast<int32_t>(value))); }
  Value shiftRight(Value x, int64_t bits) const { return arith::ShRUIOp::create(builder, loc, x, number(x.getType(), bits)); }
  Value xorOf(Value a, Value b) const { return arith::XOrIOp::create(builder, loc, a, b); }
  Value truncate(Value x) const { return arith::TruncIOp::create(builder, loc, builder.getI32Type(), x); }
  Value equals(Value x, int64_t value) const {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, x, number(x.getType(), value));
  }
  Value select(Value condition, Value a, Value b) const { return arith::SelectOp::create(builder, loc, condition, a, b); }
  Value mul(Value a, Value b) const { return arith::MulFOp::create(builder, loc, a, b); }
  Value add(Value a, Value b) const { return arith::AddFOp::create(builder, loc, a, b); }
  /// Horner's rule, highest coefficient first.
  Value polynomial(Value x, ArrayRef<double> coefficients) const {
    Value sum = number(x.getType(), coefficients.front());
    for (double coefficient : coefficients.drop_front())
      sum = add(mul(sum, x), number(x.getType(), coefficient));
    return sum;
  }
  Value ratio(Value x, ArrayRef<double> above, ArrayRef<double> below) const {
    return arith::DivFOp::create(builder, loc, polynomial(x, above), polynomial(x, below));
  }
};

/// The generator for one key and stream. Round keys are computed once, outside of any loop.
struct Philox {
  static constexpr unsigned rounds = 10;
  SmallVector<std::array<Value, 2>, rounds> keys;
  Value stream, counterLow, counterHigh;

  Philox(OpBuilder &builder, Location loc, Value key, int64_t streamNumber) {
    Emitter emit{builder, loc};
    auto half = [&](int64_t i) {
      Value place = arith::ConstantIndexOp::create(builder, loc, i);
      Value whole = tensor::ExtractOp::create(builder, loc, key, place);
      return std::pair(emit.truncate(whole), emit.truncate(emit.shiftRight(whole, 32)));
    };
    auto [seedLow, seedHigh] = half(0);
    std::tie(counterLow, counterHigh) = half(1);
    stream = emit.word(static_cast<uint32_t>(streamNumber));
    for (uint32_t i = 0; i < rounds; ++i) {
      keys.push_back({seedLow, seedHigh});
      seedLow = arith::AddIOp::create(builder, loc, seedLow, emit.word(0x9E3779B9u));
      seedHigh = arith::AddIOp::create(builder, loc, seedHigh, emit.word(0xBB67AE85u));
    }
  }

  /// The four words of block `block` (i32).
  std::array<Value, 4> operator()(const Emitter &emit, Value block) const {
    std::array<Value, 4> c = {block, stream, counterLow, counterHigh};
    for (auto [k0, k1] : keys) {
      auto first = arith::MulUIExtendedOp::create(emit.builder, emit.loc, c[0], emit.word(0xD2511F53u));
      auto second = arith::MulUIExtendedOp::create(emit.builder, emit.loc, c[2], emit.word(0xCD9E8D57u));
      c = {emit.xorOf(emit.xorOf(second.getHigh(), c[1]), k0), second.getLow(), emit.xorOf(emit.xorOf(first.getHigh(), c[3]), k1), first.getLow()};
    }
    return c;
  }
};

/// Inverse of the normal distribution function at 1/2 + q for q in [0, 1/2), where `tail` is 1/2 - q without cancellation: Wichura, Algorithm AS 241
/// (PPND16, relative error 1e-16; PPND7 for f32, 1e-7). f32 has 32 random bits, so that its third region is never reached.
Value buildNormalQuantile(const Emitter &emit, Value q, Value tail) {
  OpBuilder &builder = emit.builder;
  Location loc = emit.loc;
  Type type = q.getType();
  bool isDouble = type.isF64();
  Value r = arith::SubFOp::create(builder, loc, emit.number(type, 0.180625), emit.mul(q, q));
  Value t = math::SqrtOp::create(builder, loc, arith::NegFOp::create(builder, loc, math::LogOp::create(builder, loc, tail)));
  Value near = arith::SubFOp::create(builder, loc, t, emit.number(type, 1.6));
  Value middle, outer;
  if (isDouble) {
    middle = emit.ratio(r, {2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
                            1971.5909503065514427, 133.14166789178437745, 3.387132872796366608},
                        {5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
                         687.1870074920579083, 42.313330701600911252, 1.0});
    outer = emit.ratio(near, {7.7454501427834140764e-4, .0227238449892691845833, .24178072517745061177, 1.27045825245236838258, 3.64784832476320460504,
                              5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734},
                       {1.05075007164441684324e-9, 5.475938084995344946e-4, .0151986665636164571966, .14810397642748007459, .68976733498510000455,
                        1.6763848301838038494, 2.05319162663775882187, 1.0});
    Value far = arith::SubFOp::create(builder, loc, t, emit.number(type, 5));
    Value farthest = emit.ratio(far, {2.01033439929228813265e-7, 2.71155556874348757815e-5, .0012426609473880784386, .026532189526576123093,
                                      .29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772},
                                {2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
                                 .0148753612908506148525, .13692988092273580531, .59983220655588793769, 1.0});
    Value isFar = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, t, emit.number(type, 5));
    outer = emit.select(isFar, farthest, outer);
  } else {
    middle = emit.ratio(r, {59.109374720, 159.29113202, 50.434271938, 3.3871327179}, {67.187563600, 78.757757664, 17.895169469, 1.0});
    outer = emit.ratio(near, {.17023821103, 1.3067284816, 2.7568153900, 1.4234372777}, {.12021132975, .73700164250, 1.0});
  }
  Value isMiddle = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLE, q, emit.number(type, 0.425));
  return emit.select(isMiddle, emit.mul(q, middle), outer);
}

/// A standard normal number from a word of 32 or 64 bits. The signed word s stands for the probability 1/2 + (s + 1/2) / 2^bits.
Value buildNormal(const Emitter &emit, Value bits) {
  OpBuilder &builder = emit.builder;
  Location loc = emit.loc;
  Type integer = bits.getType();
  unsigned width = integer.getIntOrFloatBitWidth();
  Type type = width == 64 ? Type(builder.getF64Type()) : Type(builder.getF32Type());
  Value sign = arith::ShRSIOp::create(builder, loc, bits, emit.number(integer, width - 1));
  Value distance = emit.xorOf(bits, sign);
  Value largest = arith::ConstantOp::create(builder, loc, IntegerAttr::get(integer, APInt::getSignedMaxValue(width)));
  auto probability = [&](Value steps) {
    Value number = arith::SIToFPOp::create(builder, loc, type, steps);
    return emit.mul(emit.add(number, emit.number(type, 0.5)), emit.number(type, std::ldexp(1.0, -static_cast<int>(width))));
  };
  Value quantile = buildNormalQuantile(emit, probability(distance), probability(arith::SubIOp::create(builder, loc, largest, distance)));
  return emit.select(emit.equals(sign, 0), quantile, arith::NegFOp::create(builder, loc, quantile));
}

/// A uniform number: the upper bits of the word, as many as the significand of `element` holds.
Value buildUniform(const Emitter &emit, Value bits, Type element) {
  unsigned width = bits.getType().getIntOrFloatBitWidth(), digits = cast<FloatType>(element).getFPMantissaWidth();
  Type type = width == 64 ? Type(emit.builder.getF64Type()) : Type(emit.builder.getF32Type());
  Value number = arith::SIToFPOp::create(emit.builder, emit.loc, type, emit.shiftRight(bits, width - digits));
  return emit.mul(number, emit.number(type, std::ldexp(1.0, -static_cast<int>(digits))));
}

/// A tensor of `result`'s type, `body` applied to the random word (i32; i64 where `wide`) of each element. One flat loop, so that it vectorises
/// whatever the shape is.
Value createDraw(OpBuilder &builder, Location loc, Value key, int64_t stream, RankedTensorType result, bool wide,
                 function_ref<Value(const Emitter &, Value)> body) {
  Philox philox(builder, loc, key, stream);
  int64_t count = result.getNumElements();
  OpFoldResult size = builder.getIndexAttr(count);
  Value flat = createMap(builder, loc, ValueRange(), size, result.getElementType(), [&](OpBuilder &builder, Location loc, ValueRange) -> Value {
    Emitter emit{builder, loc};
    // 32 bits hold all but the largest indices, and twice as many of them fit into a vector.
    Type integer = count <= int64_t(UINT32_MAX) ? builder.getI32Type() : builder.getI64Type();
    Value index = arith::IndexCastOp::create(builder, loc, integer, linalg::IndexOp::create(builder, loc, 0));
    Value block = emit.shiftRight(index, wide ? 1 : 2);
    Value lane = arith::AndIOp::create(builder, loc, index, emit.number(integer, wide ? 1 : 3));
    std::array<Value, 4> words = philox(emit, integer.isInteger(32) ? block : emit.truncate(block));
    if (!wide) {
      Value low = emit.select(emit.equals(lane, 0), words[0], words[1]), high = emit.select(emit.equals(lane, 2), words[2], words[3]);
      Value isLow = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, lane, emit.number(integer, 2));
      return body(emit, emit.select(isLow, low, high));
    }
    Value isFirst = emit.equals(lane, 0);
    auto widen = [&](Value word) -> Value { return arith::ExtUIOp::create(builder, loc, builder.getI64Type(), word); };
    Value low = widen(emit.select(isFirst, words[0], words[2])), high = widen(emit.select(isFirst, words[1], words[3]));
    Value shifted = arith::ShLIOp::create(builder, loc, high, emit.number(builder.getI64Type(), 32));
    return body(emit, arith::OrIOp::create(builder, loc, shifted, low));
  });
  return createShape(builder, loc, flat, result.getShape());
}

struct RandomBitsToGeneric : OpConversionPattern<RandomBitsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(RandomBitsOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, createDraw(rewriter, op.getLoc(), adaptor.getKey(), op.getStream(), op.getType(), /*wide=*/false,
                                      [](const Emitter &, Value bits) { return bits; }));
    return success();
  }
};

/// Both float distributions.
template <typename OpTy>
struct FloatDrawToGeneric : OpConversionPattern<OpTy> {
  using OpConversionPattern<OpTy>::OpConversionPattern;
  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Type element = op.getDtype();
    Value result = createDraw(rewriter, op.getLoc(), adaptor.getKey(), op.getStream(), op.getType(), element.isF64(), [&](const Emitter &emit, Value bits) {
      Value number;
      if constexpr (std::is_same_v<OpTy, RandomUniformOp>)
        number = buildUniform(emit, bits, element);
      else
        number = buildNormal(emit, bits);
      return buildCast(emit.builder, emit.loc, number, number.getType(), element);
    });
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct BernoulliToGeneric : OpConversionPattern<BernoulliOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BernoulliOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    double bound = std::nearbyint(std::ldexp(op.getP().convertToDouble(), 32));
    rewriter.replaceOp(op, createDraw(rewriter, op.getLoc(), adaptor.getKey(), op.getStream(), op.getType(), /*wide=*/false,
                                      [&](const Emitter &emit, Value bits) -> Value {
                                        if (bound > UINT32_MAX)
                                          return arith::ConstantOp::create(emit.builder, emit.loc, emit.builder.getBoolAttr(true));
                                        Value limit = emit.word(static_cast<uint32_t>(bound));
                                        return arith::CmpIOp::create(emit.builder, emit.loc, arith::CmpIPredicate::ult, bits, limit);
                                      }));
    return success();
  }
};
} // namespace

void mlir::cell::populateRandomToLinalgPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<RandomBitsToGeneric, FloatDrawToGeneric<RandomUniformOp>, FloatDrawToGeneric<RandomNormalOp>, BernoulliToGeneric>(
      converter, patterns.getContext());
}
