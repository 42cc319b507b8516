//===- ExpandDoubleMath.cpp - f64 functions of kernels as arithmetic ------===//
#include "passes/ExpandMath/Double.h"
#include "passes/GpuToLLVM/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::cell {
#define GEN_PASS_DEF_EXPANDDOUBLEMATH
#include "passes/GpuToLLVM/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
using Function = Num (*)(Num);
Function functionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Function>(op)
      .Case([](math::SinOp) { return doubleSin; })
      .Case([](math::CosOp) { return doubleCos; })
      .Case([](math::TanOp) { return doubleTan; })
      .Case([](math::AsinOp) { return doubleAsin; })
      .Case([](math::AcosOp) { return doubleAcos; })
      .Case([](math::AtanOp) { return doubleAtan; })
      .Default([](Operation *) { return Function(); });
}

struct ExpandDoubleMath : cell::impl::ExpandDoubleMathBase<ExpandDoubleMath> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>())
      module.walk([&](Operation *op) {
        if (isa<math::MathDialect>(op->getDialect()) && op->getNumResults() == 1 && getElementTypeOrSelf(op->getResult(0)).isF64())
          ops.push_back(op);
      });
    for (Operation *op : ops) {
      OpBuilder builder(op);
      Emitter emitter{builder, op->getLoc(), /*fma=*/true};
      auto operand = [&](unsigned i) { return Num{&emitter, op->getOperand(i)}; };
      Value result;
      if (Function function = functionOf(op))
        result = function(operand(0)).value;
      else if (isa<math::Atan2Op>(op))
        result = doubleAtan2(operand(0), operand(1)).value;
      else if (isa<math::PowFOp>(op))
        result = doublePow(operand(0), operand(1)).value;
      if (!result)
        continue;
      op->getResult(0).replaceAllUsesWith(result);
      op->erase();
    }
  }
};
} // namespace
