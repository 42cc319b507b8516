//===- Pointwise.cpp - ops without reductions become kernels --------------===//
#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/Mapping.h"
#include "passes/LinalgToLLVM/KernelEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::cell;

/// A block for `count` threads in all: whole warps, and smaller ones where that spreads the work over more of the device.
static int64_t chooseBlock(const GpuTarget &target, int64_t count) {
  if (count == 1)
    return 1;
  int64_t threads = target.threads;
  while (threads > target.warp && llvm::divideCeil(count, threads) * 2 <= target.multiprocessors)
    threads /= 2;
  return threads;
}

bool cell::lowerPointwise(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan) {
  if (llvm::is_contained(plan.reduced, true))
    return false;
  int64_t width = BodyEmitter::chooseWidth(op, plan, module.target);
  int64_t count = plan.points / width;
  KernelBuilder k(module, op, nameOf(op), chooseBlock(module.target, count));
  BodyEmitter emitter(k, op, plan);
  SmallVector<int64_t> sizes;
  for (const PlannedLoop &loop : plan.loops)
    sizes.push_back(loop.size);
  if (!sizes.empty())
    sizes.back() /= width;
  SmallVector<Value> none(op.getNumDpsInits());
  k.forEach(count, [&](Value i) {
    SmallVector<Value> positions = k.delinearize(i, sizes);
    if (!positions.empty())
      positions.back() = k.mul(positions.back(), width);
    emitter.emit(positions, none, width);
  });
  k.launch(k.gridFor(count));
  return true;
}

void cell::lowerSerial(KernelModule &module, linalg::LinalgOp op, const LoopPlan &plan) {
  KernelBuilder k(module, op, nameOf(op) + "_serial", 1);
  LoopPlan serial(plan);
  serial.chunk.reset();
  KernelEmitter emitter(k, op, serial);
  llvm::SetVector<Value> above;
  getUsedValuesDefinedAbove(op->getRegions(), above);
  for (Value value : above)
    emitter.captures.map(value, k.use(value));
  for (Value operand : op->getOperands())
    emitter.operands.push_back(isa<MemRefType>(operand.getType()) ? k.flat(operand) : k.use(operand));
  emitter.starts.resize(op.getNumDpsInits());
  emitter.emit(nullptr, nullptr);
  k.launch(1);
}
