//===- cell-translate.cpp - programs as text of other compilers ------------===//
#include "passes/AscendToHivm/Hivm.h"
#include "passes/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"

using namespace mlir;

int main(int argc, char **argv) {
  llvm::cl::opt<std::string> form("form", llvm::cl::desc("With --ascend-to-hivm: auto (the vendor's compiler plans memory and flags) or planned (ours)"), llvm::cl::init("auto"));
  TranslateFromMLIRRegistration hivm(
      "ascend-to-hivm", "print the kernels of the accelerator as HIVM",
      [&](Operation *op, raw_ostream &output) -> LogicalResult {
        std::optional<ascend::HivmForm> kind = ascend::parseHivmForm(form);
        auto module = dyn_cast<ModuleOp>(op);
        if (!kind)
          return op->emitError("there is no form '") << form.getValue() << "' of HIVM; give --form=auto or --form=planned";
        if (!module)
          return op->emitError("HIVM is printed of a module with kernels, and this is a '") << op->getName() << "'";
        FailureOr<std::string> text = ascend::printHivm(module, *kind);
        if (failed(text))
          return failure();
        if (text->empty())
          return op->emitError("there are no kernels of vector or cube cores here; make them with cell-opt --cell-to-ascend (what runs on the AI CPU has no HIVM)");
        output << *text;
        return success();
      },
      [](DialectRegistry &registry) {
        registerAllDialects(registry);
        cell::registerCellDialects(registry);
      });
  return failed(mlirTranslateMain(argc, argv, "cellgrad translations"));
}
