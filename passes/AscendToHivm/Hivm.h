//===- Hivm.h - kernels of the accelerator as HIVM text --------------------===//
#ifndef CELL_PASSES_ASCENDTOHIVM_HIVM_H
#define CELL_PASSES_ASCENDTOHIVM_HIVM_H

#include <optional>
#include <string>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

namespace mlir::ascend {

/// Auto: buffers without addresses and no flags, what the vendor's compiler takes to plan and synchronise itself.
/// Planned: our addresses and flags.
enum class HivmForm { Auto, Planned };

/// The form called `name`, auto or planned.
std::optional<HivmForm> parseHivmForm(StringRef name);

/// Every kernel of `module` on vector or cube cores, one function each. Kernels of the general cores are named in a comment. Both forms come from
/// planned kernels, Auto also from kernels without addresses; products are ascend.mmad_l1, which the vendor's library takes apart itself. Fails with
/// an error at the op that has no form in HIVM.
FailureOr<std::string> printHivm(ModuleOp module, HivmForm form);

} // namespace mlir::ascend

#endif // CELL_PASSES_ASCENDTOHIVM_HIVM_H
