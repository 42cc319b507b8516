//===- cell-lsp-server.cpp - language server that knows the cell dialect --===//
#include "passes/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::cell::registerCellDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
