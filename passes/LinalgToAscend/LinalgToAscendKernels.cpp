//===- LinalgToAscendKernels.cpp - linalg ops become Ascend kernels --------===//
#include "passes/LinalgToAscend/Mapping.h"
#include "passes/LinalgToAscend/Passes.h"

#include "dialect/Ascend/Ascend.h"
#include "passes/LinalgToGpu/ElementLoops.h"
#include "passes/LinalgToGpu/Mapping.h"
#include "passes/LinalgToGpu/Routine.h"
#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::cell {
#define GEN_PASS_DEF_LINALGTOASCENDKERNELS
#include "passes/LinalgToAscend/AscendMappingPasses.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Plain loops: a block is one core, which is one thread.
GpuTarget generalCores(const ascend::Target &chip) {
  GpuTarget target;
  target.warp = target.maxThreads = target.threads = target.residentThreads = 1;
  target.sharedBytes = 0;
  target.vectorBytes = 1;
  target.multiprocessors = chip.aicpu_cores;
  return target;
}

/// "4x8xi64 by 8x4xi64 in 4x4xi64".
std::string typesOf(Operation *op) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (auto [i, type] : llvm::enumerate(op->getOperandTypes())) {
    stream << (i == 0 ? "" : i + 1 == op->getNumOperands() ? " in " : " by ");
    auto shaped = dyn_cast<ShapedType>(type);
    if (shaped)
      for (int64_t size : shaped.getShape())
        stream << size << 'x';
    stream << getElementTypeOrSelf(type);
  }
  return text;
}

KernelForm formOf(MLIRContext *context, ascend::Core core) {
  KernelForm form;
  form.space = ascend::SpaceAttr::get(context, ascend::Space::GM);
  form.attributes = {{StringAttr::get(context, ascend::kCoreAttr), ascend::CoreAttr::get(context, core)}};
  form.blocks = ascend::kBlockDimAttr;
  form.block = [](OpBuilder &builder, Location loc) -> Value { return ascend::BlockIdxOp::create(builder, loc, builder.getIndexType()); };
  form.boolsAreBytes = core != ascend::Core::AICPU;
  return form;
}
} // namespace

AscendKernels::AscendKernels(ModuleOp module, const ascend::Target &chip)
    : KernelModule(module, generalCores(chip), &general), chip(chip), general(formOf(module.getContext(), ascend::Core::AICPU)),
      vector(formOf(module.getContext(), ascend::Core::AIV)), cube(formOf(module.getContext(), ascend::Core::AIC)) {
  stage = "linalg-to-ascend-kernels";
  notePlain = [this](Operation *anchor, StringRef name) {
    std::string why = reasons.lookup(anchor);
    if (why.empty())
      why = isa<memref::StoreOp>(anchor) ? "it stores one element" : isa<scf::ForOp>(anchor) ? "its elements are computed one after the other" : "no other core has a kernel for it";
    mlir::emitRemark(anchor->getLoc()) << "stage " << stage << ": kernel '" << name << "' runs on the AI CPU: " << why;
  };
}

void AscendKernels::explain(Operation *op, const Twine &why) { reasons.try_emplace(op, why.str()); }

void AscendKernels::handOn(Operation *from, Operation *to) {
  if (std::string why = reasons.lookup(from); !why.empty())
    explain(to, why);
}

namespace {
struct LinalgToAscendKernels : cell::impl::LinalgToAscendKernelsBase<LinalgToAscendKernels> {
  using LinalgToAscendKernelsBase::LinalgToAscendKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerLinalgToLLVMDialects(registry);
    registry.insert<ascend::AscendDialect, gpu::GPUDialect, vector::VectorDialect>();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    ascend::Target target;
    auto given = module->getAttrOfType<ascend::TargetAttr>(ascend::kTargetAttr);
    if (!given && !ascend::Target::parse(chip, DictionaryAttr(), target, [&](const std::string &why) { module.emitError("stage linalg-to-ascend-kernels: ") << why; }))
      return signalPassFailure();
    if (given)
      target = given.getTarget();
    AscendKernels kernels(module, target);
    expandStridedCopies(module);
    lowerElementLoops(module, kernels, [&](scf::ForOp loop) { return lowerVectorScan(loop, kernels); });
    lowerCubeOps(module, kernels);
    lowerVectorRoutines(module, kernels);
    module.walk([&](Operation *op) {
      if (auto call = dyn_cast<cellrt::CallOp>(op))
        kernels.explain(op, "there is no vector kernel for '" + call.getRoutine() + "'");
      else if (isa<linalg::LinalgOp>(op) && linalg::isaContractionOpInterface(cast<linalg::LinalgOp>(op)))
        kernels.explain(op, "the cube multiplies matrices, or batches of them, of dense float16, bfloat16 or float32, and not this: " + typesOf(op) + "; write it as matmul, or cast to float32");
    });
    if (failed(lowerProductsAndRoutines(module, kernels)))
      return signalPassFailure();
    separateReductions(module);
    lowerVectorRows(module, kernels);
    if (failed(lowerRemainingOps(module, kernels, "accelerator", [&](linalg::LinalgOp op, const LoopPlan &plan) { return lowerVectorOp(kernels, op, plan); })))
      return signalPassFailure();
    for (auto made : module.getOps<gpu::GPUModuleOp>())
      made->setAttr(ascend::kTargetAttr, given ? given : ascend::TargetAttr::get(&getContext(), chip));
  }
};
} // namespace
