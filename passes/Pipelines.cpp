//===- Pipelines.cpp - named pipelines, the one place of pass order -------===//
#include "passes/Pipelines.h"

#include "passes/Passes.h"

using namespace mlir;
using namespace mlir::cell;

void mlir::cell::buildLinalgToLLVMPipeline(OpPassManager &pm) {}

void mlir::cell::registerCellPassesAndPipelines() {
  registerCellPasses();
  PassPipelineRegistration<>("linalg-to-llvm",
                             "Lower linalg on tensors to the LLVM dialect for the CPU",
                             buildLinalgToLLVMPipeline);
}
