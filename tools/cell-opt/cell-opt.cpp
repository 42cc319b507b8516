//===- cell-opt.cpp - mlir-opt with the cell dialect and its passes -------===//
#include "passes/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::cell::registerCellDialects(registry);
  mlir::registerAllPasses();
  mlir::cell::registerCellPassesAndPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "cellgrad optimizer driver\n", registry));
}
