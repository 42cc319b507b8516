//===- EffectsToLLVM.h - tapes, print and assert as runtime calls ---------===//
#ifndef CELL_PASSES_LINALGTOLLVM_EFFECTSTOLLVM_H
#define CELL_PASSES_LINALGTOLLVM_EFFECTSTOLLVM_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::cell {

/// What a program does besides computing its results.
struct Effects {
  bool any = false;    // it runs inside cg_run
  bool prints = false; // it takes a print handler
  static Effects of(ModuleOp module);
};

/// The runtime's functions that a target has for itself.
struct EffectFunctions {
  StringRef createTape = "cg_tape_create", print = "cg_print";
};

/// First step, still with scf: the short ways of tapes and asserts are written out.
void inlineEffects(ModuleOp module);
/// Second step: calls of the runtime.
void populateEffectsToLLVMPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns, EffectFunctions functions = {});
/// Functions of the object that reach the runtime: `int cg_failure(const char **)` and `void cg_print_to(handler)`.
void addEffectHooks(ModuleOp module, Effects effects);

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_EFFECTSTOLLVM_H
