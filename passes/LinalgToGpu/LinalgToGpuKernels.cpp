//===- LinalgToGpuKernels.cpp - linalg ops become GPU kernels and launches -===//
#include "passes/LinalgToGpu/DeviceReads.h"
#include "passes/LinalgToGpu/ElementLoops.h"
#include "passes/LinalgToGpu/Mapping.h"
#include "passes/LinalgToGpu/Passes.h"
#include "passes/LinalgToGpu/Routine.h"
#include "passes/LinalgToGpu/RowKernels.h"
#include "passes/LinalgToGpu/SmallLoops.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/ScalarizeTensors.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::cell {
#define GEN_PASS_DEF_LINALGTOGPUKERNELS
#define GEN_PASS_DEF_SCALARIZEHOSTTENSORS
#include "passes/LinalgToGpu/GpuMappingPasses.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
struct ScalarizeHostTensors : cell::impl::ScalarizeHostTensorsBase<ScalarizeHostTensors> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }
  void runOnOperation() override { scalarizeTensors(getOperation(), /*hostOnly=*/true); }
};

struct LinalgToGpuKernels : cell::impl::LinalgToGpuKernelsBase<LinalgToGpuKernels> {
  using LinalgToGpuKernelsBase::LinalgToGpuKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerLinalgToLLVMDialects(registry);
    registry.insert<gpu::GPUDialect, nvgpu::NVGPUDialect, NVVM::NVVMDialect, LLVM::LLVMDialect, vector::VectorDialect>();
  }

  /// What the options say; a word that is not known is refused.
  LogicalResult readPolicy(ProductPolicy &policy) {
    bool all = tf32 == "all";
    policy.tf32Products = all || tf32 == "matmul", policy.tf32Convolutions = all || tf32 == "conv";
    bool measured = products == "measured" || products == "measured-matmul" || products == "measured-conv";
    policy.way = products == "library" ? ProductPolicy::Library : measured ? ProductPolicy::Measured : ProductPolicy::Generated;
    policy.matrices = products != "measured-conv", policy.convolutions = products != "measured-matmul";
    policy.wgmma = wgmma == "on" ? ProductPolicy::On : wgmma == "off" ? ProductPolicy::Off : ProductPolicy::Auto;
    if (policy.wgmma == ProductPolicy::Auto && wgmma != "auto")
      return emitError(getOperation().getLoc(), "stage linalg-to-gpu-kernels: 'wgmma' is auto, on or off, not '") << wgmma << "'";
    if (!policy.tf32Products && !policy.tf32Convolutions && tf32 != "none")
      return emitError(getOperation().getLoc(), "stage linalg-to-gpu-kernels: 'tf32' is none, matmul, conv or all, not '") << tf32 << "'";
    if (policy.way == ProductPolicy::Generated && products != "generated")
      return emitError(getOperation().getLoc(), "stage linalg-to-gpu-kernels: 'products' is generated, library, measured, measured-matmul or measured-conv, not '") << products << "'";
    return success();
  }

  void runOnOperation() override {
    GpuTarget target = GpuTarget::of(chip);
    if (multiprocessors > 0)
      target.multiprocessors = multiprocessors;
    ProductPolicy policy;
    if (failed(readPolicy(policy)))
      return signalPassFailure();
    KernelModule kernels(getOperation(), target, /*form=*/nullptr, policy);
    expandStridedCopies(getOperation());
    lowerElementLoops(getOperation(), kernels);
    if (failed(lowerProductsAndRoutines(getOperation(), kernels)))
      return signalPassFailure();
    separateReductions(getOperation());
    lowerSmallLoops(getOperation(), kernels);
    lowerRowChains(getOperation(), kernels);
    if (failed(lowerRemainingOps(getOperation(), kernels, "GPU")) || kernels.hasRefused())
      return signalPassFailure();
    readOnDevice(getOperation());
  }
};

/// The host cannot write to the device: a thread of it stores.
void lowerStore(KernelModule &module, memref::StoreOp store) {
  KernelBuilder k(module, store, "store", 1);
  IRMapping map;
  k.cloneInto(*store, map);
  k.launch(1);
  store.erase();
}
} // namespace

void cell::expandStridedCopies(ModuleOp module) {
  module.walk([](memref::CopyOp copy) {
    auto source = cast<MemRefType>(copy.getSource().getType()), target = cast<MemRefType>(copy.getTarget().getType());
    if (source.getNumElements() == 0) {
      copy.erase();
      return;
    }
    if (source.getLayout().isIdentity() && target.getLayout().isIdentity())
      return;
    OpBuilder builder(copy);
    linalg::CopyOp::create(builder, copy.getLoc(), copy.getSource(), copy.getTarget());
    copy.erase();
  });
}

LogicalResult cell::lowerRemainingOps(ModuleOp module, KernelModule &kernels, StringRef device, llvm::function_ref<bool(linalg::LinalgOp, const LoopPlan &)> first) {
  SmallVector<memref::StoreOp> stores;
  SmallVector<Operation *> ops;
  for (auto func : module.getOps<func::FuncOp>()) // not the kernels that are there already
    func.walk([&](Operation *op) {
      if (isa<linalg::LinalgOp, cellrt::CallOp>(op)) {
        ops.push_back(op);
        return WalkResult::skip();
      }
      if (auto store = dyn_cast<memref::StoreOp>(op))
        stores.push_back(store);
      return WalkResult::advance();
    });
  kernels.forgetTaken();
  for (memref::StoreOp store : stores)
    lowerStore(kernels, store);
  IRRewriter rewriter(module.getContext());
  // From the back, so that a fill is still there when the op whose first value it gives is lowered.
  for (Operation *op : llvm::reverse(ops)) {
    if (kernels.isTaken(op))
      continue;
    if (auto call = dyn_cast<cellrt::CallOp>(op); call && call.getRoutine() == "library_product")
      continue; // the host's
    if (auto call = dyn_cast<cellrt::CallOp>(op))
      return call.emitError("stage ") << kernels.stage << ": '" << call.getRoutine() << "' cannot be compiled for the " << device << "; run this program with device_target=\"CPU\"";
    auto linalgOp = cast<linalg::LinalgOp>(op);
    if (!isa<linalg::GenericOp, linalg::FillOp>(op)) {
      rewriter.setInsertionPoint(op);
      FailureOr<linalg::GenericOp> generic = linalg::generalizeNamedOp(rewriter, linalgOp);
      if (failed(generic))
        return op->emitError("stage ") << kernels.stage << ": '" << op->getName() << "' cannot be written as loops; run this program with device_target=\"CPU\"";
      linalgOp = *generic;
    }
    FailureOr<LoopPlan> plan = planLoops(linalgOp, kernels.stage);
    if (failed(plan))
      return failure();
    if (plan->points != 0 && !(first && first(linalgOp, *plan)) && !lowerReduction(kernels, linalgOp, *plan) &&
        !(!kernels.isPlain() && lowerTranspose(kernels, linalgOp, *plan)) && !lowerPointwise(kernels, linalgOp, *plan))
      lowerInOrder(kernels, linalgOp, *plan);
    linalgOp->erase();
  }
  return success();
}
