//===- plugin.cpp - the cell dialect and passes for stock mlir-opt --------===//
#include "passes/Pipelines.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "cell", "22.1.8",
          [](mlir::DialectRegistry *registry) { mlir::cell::registerCellDialects(*registry); }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "cell", "22.1.8", [] { mlir::cell::registerCellPassesAndPipelines(); }};
}
