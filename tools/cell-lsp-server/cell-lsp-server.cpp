//===- cell-lsp-server.cpp - language server that knows the cell dialect --===//
#include "dialect/Cell/Cell.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<mlir::cell::CellDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
