//===- FinalizeHost.h - the host's functions to the LLVM dialect ----------===//
#ifndef CELL_PASSES_LINALGTOLLVM_FINALIZEHOST_H
#define CELL_PASSES_LINALGTOLLVM_FINALIZEHOST_H

#include "passes/LinalgToLLVM/EffectsToLLVM.h"

#include "mlir/Transforms/DialectConversion.h"

namespace mlir::cell {

/// What a target adds to the lowering of the host's functions. The functions must live during the call of `finalizeHost` only.
struct HostTarget {
  StringRef stage; // name of the pass, for messages
  StringRef name;  // of the target, for messages: "CPU"
  /// Operations that the target's own patterns lower; others beyond the common ones are refused at their place.
  function_ref<bool(Operation *)> isKnown = nullptr;
  /// Operations that are left as they are, with all in them.
  function_ref<bool(Operation *)> isOpaque = nullptr;
  function_ref<void(const LLVMTypeConverter &, RewritePatternSet &)> populate;
  /// Says that what is opaque is legal.
  function_ref<void(ConversionTarget &)> configure = nullptr;
  EffectFunctions effects = {};
  bool canFail = false; // the program runs inside cg_run even if it has no effects
};

/// First step: what has no counterpart in the LLVM dialect in terms of what has; scf becomes cf. `configure` may say what is left alone.
LogicalResult expandScalars(Operation *root, const ConversionConfig &config, function_ref<void(ConversionTarget &)> configure = nullptr);

/// Functions on memrefs of static shape, loops and scalars to the LLVM dialect, with `cg_entry` and `cg_arena_size`.
LogicalResult finalizeHost(ModuleOp module, const HostTarget &to);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_FINALIZEHOST_H
