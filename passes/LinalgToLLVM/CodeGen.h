//===- CodeGen.h - LLVM dialect to machine code ---------------------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_CODEGEN_H
#define CELL_PASSES_LINALGTOLLVM_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <utility>
#include <vector>

namespace mlir::cell {

/// How to generate code. Empty `cpu` and `features` mean those of this machine.
struct CodeGenOptions {
  unsigned optLevel = 3; // 0: none, 1: no vector code, 2 and 3: everything
  std::string cpu;
  std::string features; // "+avx2,-avx512f"; added to those of `cpu`
  bool object = true;   // machine code in memory
  bool assembly = false;
  bool llvmIR = false; // the optimised LLVM IR as text
  bool ptx = false;    // the kernels of a GPU program as PTX; the options above ask for the host's part
  /// What the object of a GPU program carries in place of its PTX: a cubin that was assembled from it.
  std::string cubin;
};

struct CodeGenResult {
  std::string object, assembly, llvmIR, ptx;
  int64_t arenaBytes = 0;
  std::vector<std::pair<std::string, double>> timings; // step and milliseconds, in order
};

/// Compiles a module in the LLVM dialect (the output of the pipeline `linalg-to-llvm`, or of `gpu-program-to-llvm`, whose kernels are compiled for their target
/// and put into the host's object). Errors say which step failed and why.
llvm::Expected<CodeGenResult> generateCode(ModuleOp module, const CodeGenOptions &options = {});

/// "cpu +feature,-feature,..." of this machine, part of every cache key.
std::string hostDescription();

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_CODEGEN_H
