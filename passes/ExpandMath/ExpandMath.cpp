//===- ExpandMath.cpp - elementary functions as branch-free arithmetic ----===//
#include "passes/ExpandMath/Num.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::cell {
#define GEN_PASS_DEF_EXPANDMATH
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
using Unary = Num (*)(Num);
using Binary = Num (*)(Num, Num);

/// The expansion of an op on f32 or f64, if it has one.
struct Expansion {
  Unary unary = nullptr;
  Binary binary = nullptr;
};

Expansion expansionOf(Operation *op, bool wide) {
  // What has no f64 form here goes to the C library.
  auto narrow = [&](Unary function) { return Expansion{wide ? nullptr : function}; };
  auto narrow2 = [&](Binary function) { return Expansion{nullptr, wide ? nullptr : function}; };
  return llvm::TypeSwitch<Operation *, Expansion>(op)
      .Case([](math::ExpOp) { return Expansion{expandExp}; })
      .Case([](math::Exp2Op) { return Expansion{expandExp2}; })
      .Case([](math::ExpM1Op) { return Expansion{expandExpm1}; })
      .Case([](math::SinhOp) { return Expansion{expandSinh}; })
      .Case([](math::CoshOp) { return Expansion{expandCosh}; })
      .Case([](math::TanhOp) { return Expansion{expandTanh}; })
      .Case([](math::LogOp) { return Expansion{expandLog}; })
      .Case([](math::Log2Op) { return Expansion{expandLog2}; })
      .Case([](math::Log10Op) { return Expansion{expandLog10}; })
      .Case([](math::Log1pOp) { return Expansion{expandLog1p}; })
      .Case([](math::RsqrtOp) { return Expansion{[](Num x) { return 1.0 / cell::sqrt(x); }}; })
      .Case([&](math::SinOp) { return narrow(expandSin); })
      .Case([&](math::CosOp) { return narrow(expandCos); })
      .Case([&](math::TanOp) { return narrow(expandTan); })
      .Case([&](math::AsinOp) { return narrow(expandAsin); })
      .Case([&](math::AcosOp) { return narrow(expandAcos); })
      .Case([&](math::AtanOp) { return narrow(expandAtan); })
      .Case([&](math::ErfOp) { return Expansion{expandErf}; })
      .Case([&](math::Atan2Op) { return narrow2(expandAtan2); })
      .Case([&](math::PowFOp) { return narrow2(expandPow); })
      .Default([](Operation *) { return Expansion(); });
}

struct ExpandMathPass : cell::impl::ExpandMathBase<ExpandMathPass> {
  using ExpandMathBase::ExpandMathBase;

  void expand(Operation *op) {
    Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
    bool half = element.isF16() || element.isBF16();
    // Tensors are left alone: the functions are expanded where they are computed, inside the loops.
    if ((!half && !element.isF32() && !element.isF64()) || isa<TensorType>(type))
      return;
    Expansion expansion = expansionOf(op, element.isF64());
    if (!expansion.unary && !expansion.binary)
      return;
    OpBuilder builder(op);
    Emitter emitter{builder, op->getLoc(), fma};
    auto operand = [&](unsigned i) {
      Num x{&emitter, op->getOperand(i)};
      return half ? Num{&emitter, arith::ExtFOp::create(builder, emitter.loc, typeOf(type, builder.getF32Type()), x.value)} : x;
    };
    Num result = expansion.unary ? expansion.unary(operand(0)) : expansion.binary(operand(0), operand(1));
    if (half)
      result.value = arith::TruncFOp::create(builder, emitter.loc, type, result.value);
    op->getResult(0).replaceAllUsesWith(result.value);
    op->erase();
  }

  static Type typeOf(Type like, Type element) {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? Type(vector.clone(element)) : element;
  }

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa_and_present<math::MathDialect>(op->getDialect()))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      expand(op);
  }
};
} // namespace
