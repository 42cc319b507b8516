//===- Codes.h - the simulator's names of the dialect's operations ---------===//
#ifndef CELL_PASSES_ASCENDTOSIM_CODES_H
#define CELL_PASSES_ASCENDTOSIM_CODES_H

#include "dialect/Ascend/Ascend.h"
#include "runtime/ascend_sim/ascend_sim.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::ascend {

// The simulator's numbers are the dialect's.
static_assert(int(Space::GM) == CG_ASCEND_GM && int(Space::L0C) == CG_ASCEND_L0C && int(Space::BT) == CG_ASCEND_BT);
static_assert(int(Pipe::S) == CG_ASCEND_S && int(Pipe::MTE2) == CG_ASCEND_MTE2 && int(Pipe::ALL) == CG_ASCEND_ALL);
static_assert(int(Core::AIC) == CG_ASCEND_AIC && int(Core::AICPU) == CG_ASCEND_AICPU);
static_assert(int(BinaryKind::Add) == CG_ASCEND_ADD && int(BinaryKind::Shr) == CG_ASCEND_SHR && int(UnaryKind::Not) == CG_ASCEND_NOT);
static_assert(int(ReduceKind::Min) == CG_ASCEND_REDUCE_MIN && int(CompareKind::Ge) == CG_ASCEND_GE && int(Rounding::Trunc) == CG_ASCEND_TRUNC);

/// What the simulator calls an operation.
struct Code {
  int op, kind = 0, flags = 0;
};
inline Code codeOf(Operation *op) {
  auto flags = [](bool atomic, bool relu = false) { return (atomic ? CG_ASCEND_ATOMIC_ADD : 0) | (relu ? CG_ASCEND_WITH_RELU : 0); };
  auto transposed = [](bool is) { return is ? int(CG_ASCEND_TRANSPOSE) : 0; };
  return llvm::TypeSwitch<Operation *, Code>(op)
      .Case([](ascend::LoadOp) { return Code{CG_ASCEND_LOAD}; })
      .Case([&](ascend::StoreOp store) { return Code{CG_ASCEND_STORE, 0, flags(store.getAtomicAdd())}; })
      .Case([](ascend::CopyOp) { return Code{CG_ASCEND_COPY}; })
      .Case([](Nd2NzOp) { return Code{CG_ASCEND_ND2NZ}; })
      .Case([&](L1ToL0AOp load) { return Code{CG_ASCEND_L1_TO_L0A, 0, transposed(load.getTranspose())}; })
      .Case([&](L1ToL0BOp load) { return Code{CG_ASCEND_L1_TO_L0B, 0, transposed(load.getTranspose())}; })
      .Case([](L1ToBtOp) { return Code{CG_ASCEND_L1_TO_BT}; })
      .Case([&](FixpipeOp fix) { return Code{CG_ASCEND_FIXPIPE, 0, flags(fix.getAtomicAdd(), fix.getRelu())}; })
      .Case([](MmadOp mmad) { return Code{CG_ASCEND_MMAD, 0, mmad.getBias() ? CG_ASCEND_WITH_BIAS : 0}; })
      .Case([](VBinOp bin) { return Code{CG_ASCEND_VBIN, int(bin.getKind())}; })
      .Case([](VBinScalarOp bin) { return Code{CG_ASCEND_VBIN, int(bin.getKind())}; })
      .Case([](VUnOp un) { return Code{CG_ASCEND_VUN, int(un.getKind())}; })
      .Case([](VCastOp cast) { return Code{CG_ASCEND_VCAST, int(cast.getRounding())}; })
      .Case([](VBrcOp) { return Code{CG_ASCEND_VBRC}; })
      .Case([](VReduceOp reduce) { return Code{CG_ASCEND_VREDUCE, int(reduce.getKind())}; })
      .Case([](VCmpOp cmp) { return Code{CG_ASCEND_VCMP, int(cmp.getKind())}; })
      .Case([](VSelOp) { return Code{CG_ASCEND_VSEL}; })
      .Case([](VTransposeOp) { return Code{CG_ASCEND_VTRANSPOSE}; })
      .Case([](VGatherOp) { return Code{CG_ASCEND_VGATHER}; })
      .Case([](VArangeOp) { return Code{CG_ASCEND_VARANGE}; })
      .Case([](SetFlagOp) { return Code{CG_ASCEND_SET_FLAG}; })
      .Case([](WaitFlagOp) { return Code{CG_ASCEND_WAIT_FLAG}; })
      .Case([](BarrierOp) { return Code{CG_ASCEND_BARRIER}; })
      .Case([](memref::LoadOp) { return Code{CG_ASCEND_SCALAR_LOAD}; })
      .Default([](Operation *) { return Code{-1}; });
}

inline int typeCode(Type type) {
  if (type.isIndex())
    return CG_ASCEND_I64;
  if (type.isF16())
    return CG_ASCEND_F16;
  if (type.isBF16())
    return CG_ASCEND_BF16;
  if (type.isF32())
    return CG_ASCEND_F32;
  if (type.isF64())
    return CG_ASCEND_F64;
  switch (type.isSignlessInteger() ? type.getIntOrFloatBitWidth() : 0) {
  case 1: return CG_ASCEND_I1;
  case 8: return CG_ASCEND_I8;
  case 16: return CG_ASCEND_I16;
  case 32: return CG_ASCEND_I32;
  case 64: return CG_ASCEND_I64;
  default: return -1;
  }
}

} // namespace mlir::ascend

#endif // CELL_PASSES_ASCENDTOSIM_CODES_H
