//===- Pipelines.cpp - named pipelines, the one place of pass order -------===//
#include "passes/Pipelines.h"

#include "dialect/Ascend/Ascend.h"
#include "dialect/Cell/Cell.h"
#include "dialect/Rt/RtOps.h"
#include "passes/AscendSchedule/Passes.h"
#include "passes/AscendToSim/Passes.h"
#include "passes/AutoDiff/External/External.h"
#include "passes/GpuToLLVM/Passes.h"
#include "passes/LinalgToAscend/Passes.h"
#include "passes/LinalgToGpu/Passes.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::cell;

void mlir::cell::buildDifferentiatePipeline(OpPassManager &pm, StringRef residuals) {
  // Equal functions first: their derivative is then made once.
  pm.addPass(createCellDedupFunctions());
  // What is saved is chosen function by function: small ones join their callers, where more can be computed again. Layers stay functions, differentiated once.
  CellInlineOptions small;
  small.maxOps = 12;
  pm.addPass(createCellInline(small));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  CellDifferentiateOptions options;
  options.residuals = residuals.str();
  pm.addPass(createCellDifferentiate(options));
}

void mlir::cell::buildSimplifyPipeline(OpPassManager &pm) {
  pm.addPass(createCellDedupFunctions());
  pm.addPass(createCellInline());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCellDropBarriers());
  pm.addPass(createCSEPass());
  pm.addPass(createCellSimplifyLoops());
}

void mlir::cell::buildCellToLinalgPipeline(OpPassManager &pm) {
  pm.addPass(createCellDecompose());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createConvertCellToLinalg());
  // What other frontends and derivative rules wrote in arith and math on whole tensors.
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void mlir::cell::buildLinalgToLLVMPipeline(OpPassManager &pm) {
  pm.addPass(createNormalizeLinalg());
  pm.addPass(createScalarizeTensors());
  pm.addPass(createContractionsToGemm());
  pm.addPass(createFuseLinalg());
  pm.addPass(createResultsToArguments());
  pm.addPass(createBufferizeTensors());
  pm.addPass(createLinalgToKernels());
  // Equal kernels of different places are compiled once.
  pm.addPass(createCellDedupFunctions());
  // After the kernels are planned: their cost estimate knows the functions, not what they are made of.
  pm.addPass(createExpandMath());
  pm.addPass(createPlanArena());
  pm.addPass(createFinalizeCpu());
}

/// Tensors -> a host program on the memory of a device, whose ops `mapping` makes kernels of.
static void buildLinalgToDevice(OpPassManager &pm, std::unique_ptr<Pass> mapping, std::unique_ptr<Pass> behind = nullptr, bool roundProducts = false) {
  pm.addPass(createNormalizeLinalg());
  pm.addPass(createScalarizeHostTensors());
  pm.addPass(createFoldProductOperands());
  pm.addPass(createFuseLinalg());
  if (roundProducts)
    pm.addPass(createRoundProducts());
  pm.addPass(createResultsToArguments());
  pm.addPass(createBufferizeTensors());
  pm.addPass(std::move(mapping));
  if (behind)
    pm.addPass(std::move(behind));
  pm.addPass(createCSEPass()); // one constant per grid and block size
  pm.addPass(createPlanArena());
}

void mlir::cell::buildLinalgToGpuPipeline(OpPassManager &pm, const GpuOptions &options) {
  LinalgToGpuKernelsOptions mapping;
  mapping.chip = options.chip, mapping.multiprocessors = options.multiprocessors, mapping.tf32 = options.tf32, mapping.products = options.products, mapping.wgmma = options.wgmma;
  buildLinalgToDevice(pm, createLinalgToGpuKernels(mapping), createBatchLaunches(), /*roundProducts=*/true);
}

void mlir::cell::buildLinalgToAscendPipeline(OpPassManager &pm, StringRef chip, bool decompose) {
  LinalgToAscendKernelsOptions options;
  options.chip = chip.str();
  buildLinalgToDevice(pm, createLinalgToAscendKernels(options));
  pm.addPass(createAscendMultiBuffer());
  if (decompose) {
    pm.addPass(createAscendDecompose());
    pm.addPass(createAscendMultiBuffer()); // the buffers in L0 of products that are one piece
  }
  pm.addPass(createAscendPlanMemory());
  pm.addPass(createAscendInsertSync());
  pm.addPass(createAscendVerifyKernels());
}

void mlir::cell::buildAscendToLLVMPipeline(OpPassManager &pm) {
  pm.addPass(createExpandMath());
  pm.addPass(createAscendToSim());
  pm.addPass(createGpuHostToLLVM());
}

void mlir::cell::buildCellToAscendPipeline(OpPassManager &pm, StringRef chip, bool decompose) {
  buildDifferentiatePipeline(pm);
  buildSimplifyPipeline(pm);
  buildCellToLinalgPipeline(pm);
  buildLinalgToAscendPipeline(pm, chip, decompose);
}

void mlir::cell::buildCellToLLVMPipeline(OpPassManager &pm) {
  buildDifferentiatePipeline(pm);
  buildSimplifyPipeline(pm);
  buildCellToLinalgPipeline(pm);
  buildLinalgToLLVMPipeline(pm);
}

void mlir::cell::buildGpuToLLVMPipeline(OpPassManager &pm, StringRef chip, bool lines) {
  pm.addPass(createExpandDoubleMath());
  pm.addPass(createExpandMath());
  if (chip == "sim" || chip == "sim-checked") {
    GpuToSimOptions options;
    options.checked = chip == "sim-checked";
    pm.addPass(createGpuToSim(options));
  } else {
    GpuToNVVMOptions options;
    options.chip = chip.str();
    options.lines = lines;
    pm.addPass(createGpuToNVVM(options));
  }
  pm.addPass(createGpuHostToLLVM());
}

void mlir::cell::buildCellToNVVMPipeline(OpPassManager &pm, const GpuOptions &options, bool lines) {
  buildDifferentiatePipeline(pm);
  buildSimplifyPipeline(pm);
  buildCellToLinalgPipeline(pm);
  buildLinalgToGpuPipeline(pm, options);
  buildGpuToLLVMPipeline(pm, options.chip, lines);
}

void mlir::cell::registerCellDialects(DialectRegistry &registry) {
  registry.insert<CellDialect, cellrt::CellRtDialect, ascend::AscendDialect>();
  cellrt::registerBufferizableOpInterfaceExternalModels(registry);
  registerExternalRules(registry);
}

namespace {
struct DifferentiateOptions : PassPipelineOptions<DifferentiateOptions> {
  Option<std::string> residuals{*this, "residuals", llvm::cl::desc("What is saved: min-cut or all"), llvm::cl::init("min-cut")};
};

struct ChipOptions : PassPipelineOptions<ChipOptions> {
  Option<std::string> chip{*this, "chip", llvm::cl::desc("What the kernels are for: sm_80, sm_90 ..., or the simulator: sim, sim-checked"), llvm::cl::init("sm_80")};
  Option<bool> lines{*this, "lines", llvm::cl::desc("Line tables of the user's lines in the kernels' PTX"), llvm::cl::init(false)};
};

struct MappingOptions : PassPipelineOptions<MappingOptions> {
  GpuOptions defaults;
  Option<std::string> chip{*this, "chip", llvm::cl::desc("What the kernels are for: sm_80, sm_90 ..., or the simulator: sim, sim-checked"), llvm::cl::init(defaults.chip)};
  Option<int64_t> multiprocessors{*this, "multiprocessors", llvm::cl::desc("Of the device; 0: those of the chip's largest"), llvm::cl::init(0)};
  Option<std::string> tf32{*this, "tf32", llvm::cl::desc("Products of f32 that may round their factors to tf32: none, matmul, conv, all"), llvm::cl::init(defaults.tf32)};
  Option<std::string> products{*this, "products", llvm::cl::desc("generated, library or measured"), llvm::cl::init(defaults.products)};
  Option<std::string> wgmma{*this, "wgmma", llvm::cl::desc("Products of f16 and bf16 by wgmma: auto, on, off"), llvm::cl::init(defaults.wgmma)};
  GpuOptions values() const { return {chip, multiprocessors, tf32, products, wgmma}; }
};

struct CellToNVVMOptions : MappingOptions {
  Option<bool> lines{*this, "lines", llvm::cl::desc("Line tables of the user's lines in the kernels' PTX"), llvm::cl::init(false)};
};

struct AscendOptions : PassPipelineOptions<AscendOptions> {
  Option<std::string> chip{*this, "chip", llvm::cl::desc("The chip of the accelerator that kernels are made for"), llvm::cl::init("Ascend910B3")};
  Option<bool> decompose{*this, "decompose", llvm::cl::desc("Products of the cube down to its own buffers; false: as HIVM has them"), llvm::cl::init(true)};
};
} // namespace

void mlir::cell::registerCellPassesAndPipelines() {
  registerCellPasses();
  registerCellGpuToLLVMPasses();
  registerCellGpuMappingPasses();
  registerCellAscendSchedulePasses();
  registerCellAscendMappingPasses();
  registerCellAscendToSimPasses();
  PassPipelineRegistration<DifferentiateOptions>("cell-differentiate-pipeline", "Write out all derivatives",
                                                 [](OpPassManager &pm, const DifferentiateOptions &options) { buildDifferentiatePipeline(pm, options.residuals); });
  PassPipelineRegistration<>("cell-simplify", "Merge, inline, fold and clean up cell functions", buildSimplifyPipeline);
  PassPipelineRegistration<>("cell-to-linalg-pipeline", "Lower cell ops to linalg, tensor, arith and math on tensors", buildCellToLinalgPipeline);
  PassPipelineRegistration<>("linalg-to-llvm",
                             "Lower linalg on tensors to the LLVM dialect for the CPU",
                             buildLinalgToLLVMPipeline);
  PassPipelineRegistration<MappingOptions>("linalg-to-gpu", "Lower linalg on tensors to GPU kernels and the host program that launches them",
                                           [](OpPassManager &pm, const MappingOptions &options) { buildLinalgToGpuPipeline(pm, options.values()); });
  PassPipelineRegistration<ChipOptions>("gpu-program-to-llvm", "Lower stage gpu to the LLVM dialect: the host's functions and the kernels of a chip",
                                        [](OpPassManager &pm, const ChipOptions &options) { buildGpuToLLVMPipeline(pm, options.chip, options.lines); });
  PassPipelineRegistration<>("cell-to-llvm", "The whole way from cell to the LLVM dialect for the CPU", buildCellToLLVMPipeline);
  PassPipelineRegistration<CellToNVVMOptions>("cell-to-nvvm", "The whole way from cell to the LLVM and NVVM dialects for a GPU",
                                              [](OpPassManager &pm, const CellToNVVMOptions &options) { buildCellToNVVMPipeline(pm, options.values(), options.lines); });
  PassPipelineRegistration<AscendOptions>("linalg-to-ascend", "Lower linalg on tensors to kernels of the accelerator and the host program that launches them",
                                          [](OpPassManager &pm, const AscendOptions &options) { buildLinalgToAscendPipeline(pm, options.chip, options.decompose); });
  PassPipelineRegistration<>("ascend-program-to-llvm", "Lower stage ascend to the LLVM dialect: the host's functions, and kernels for the simulator of the accelerator",
                             buildAscendToLLVMPipeline);
  PassPipelineRegistration<AscendOptions>("cell-to-ascend", "The whole way from cell to kernels of the accelerator",
                                          [](OpPassManager &pm, const AscendOptions &options) { buildCellToAscendPipeline(pm, options.chip, options.decompose); });
}
