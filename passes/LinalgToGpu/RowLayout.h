//===- RowLayout.h - how the lanes of a kernel share rows -----------------===//
#ifndef CELL_PASSES_LINALGTOGPU_ROWLAYOUT_H
#define CELL_PASSES_LINALGTOGPU_ROWLAYOUT_H

#include "passes/LinalgToGpu/BodyEmitter.h"
#include "passes/LinalgToGpu/RowChain.h"
#include "passes/LinalgToLLVM/Common.h"

#include "llvm/Support/MathExtras.h"

namespace mlir::cell {

/// How lanes share the rows.
struct RowLayout {
  /// Wide accesses of one lane along a row, and 32-bit registers for its part of one buffer, that it keeps from op to op; longer rows are read again.
  static constexpr int64_t kMaxChunks = 8, kMaxKept = 32;
  /// Cycles of one more launch, and bodies beyond which a thread of a full block has too few registers.
  static constexpr double kLaunch = 4000;
  static constexpr int64_t kSmallBodies = 120;

  int64_t width, chunks; // accesses of `width` neighbours each that make a row
  int64_t lanes, perLane; // lanes of a row, accesses of each
  int64_t threads, rowsPerBlock;
  bool again; // a block goes over its row once per pass of the chain, and keeps nothing but values per row

  static RowLayout choose(const RowChain &chain, const GpuTarget &target) {
    RowLayout layout;
    layout.width = 8;
    for (const RowMember &member : chain.members)
      if (member.isWide)
        layout.width = std::min(layout.width, BodyEmitter::chooseWidth(member.op, member.plan, target));
    while (chain.inner % layout.width)
      layout.width /= 2;
    layout.chunks = chain.columns / layout.width;
    // A warp needs no barriers; a block takes what would be too much for one.
    layout.lanes = std::min<int64_t>(llvm::PowerOf2Ceil(layout.chunks), target.warp);
    if (layout.chunks > 4 * target.warp)
      layout.lanes = std::min<int64_t>(llvm::PowerOf2Ceil(llvm::divideCeil(layout.chunks, 4)), target.maxThreads);
    layout.perLane = llvm::divideCeil(layout.chunks, layout.lanes);
    bool isMany = chain.rows * layout.lanes >= target.multiprocessors * target.threads;
    layout.threads = layout.lanes > target.warp ? layout.lanes : isMany ? target.threads : target.warp;
    layout.rowsPerBlock = layout.lanes > target.warp ? 1 : layout.threads / layout.lanes;
    // A block of many threads has the fewer registers for each.
    layout.again = layout.perLane > kMaxChunks || (layout.threads > 512 && chain.outer > 1 && layout.perLane * layout.width > kMaxKept / 2) || layout.perLane * layout.width > kMaxKept;
    if (layout.again) {
      bool isFew = chain.rows < 2 * target.multiprocessors && chain.operations <= kSmallBodies;
      layout.lanes = layout.threads = std::min<int64_t>(llvm::PowerOf2Ceil(layout.chunks), isFew ? target.maxThreads : target.maxThreads / 2);
      layout.perLane = layout.rowsPerBlock = 1;
    }
    return layout;
  }

  /// Whether one block per row, which reads it again in each pass, is faster than a kernel for each op on the whole device.
  bool pays(const RowChain &chain, const GpuTarget &target) const {
    if (!again)
      return true;
    double traffic = 0, kernels = 0; // bytes of one row
    for (const RowMember &member : chain.members) {
      kernels += member.reduces() && chain.rows < target.multiprocessors ? 2 : 1; // in pieces
      for (OpOperand &operand : member.op->getOpOperands())
        if (member.access[operand.getOperandNumber()] == RowAccess::Full)
          traffic += double(chain.columns) * elementBytes(cast<MemRefType>(operand.get().getType()).getElementType());
    }
    double waves = llvm::divideCeil(chain.rows, target.multiprocessors);
    return waves * traffic / target.cacheRate <= kernels * kLaunch + chain.rows * traffic / (target.memoryRate * target.multiprocessors);
  }
};

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOGPU_ROWLAYOUT_H
