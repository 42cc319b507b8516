//===- GpuToSim.cpp - kernels to functions that the simulator runs --------===//
#include "passes/GpuToLLVM/Passes.h"
#include "passes/GpuToLLVM/SimPatterns.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/FinalizeHost.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"
#include "passes/UserPlace.h"
#include "runtime/gpu_sim/gpu_sim.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::cell {
#define GEN_PASS_DEF_GPUTOSIM
#include "passes/GpuToLLVM/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Reports the first operation of a kernel that this stage has no lowering for, at its own location.
LogicalResult checkLowerable(gpu::GPUModuleOp kernels) {
  WalkResult result = kernels.walk([&](Operation *op) {
    if (op == kernels)
      return WalkResult::advance();
    bool known = isa_and_nonnull<arith::ArithDialect, cf::ControlFlowDialect, math::MathDialect, scf::SCFDialect, ub::UBDialect, vector::VectorDialect>(op->getDialect()) ||
                 isa<gpu::GPUFuncOp, gpu::ReturnOp, gpu::ThreadIdOp, gpu::BlockIdOp, gpu::BlockDimOp, gpu::GridDimOp, gpu::GlobalIdOp, gpu::LaneIdOp, gpu::SubgroupIdOp,
                     gpu::SubgroupSizeOp, gpu::BarrierOp, gpu::ShuffleOp, nvgpu::MmaSyncOp, nvgpu::LdMatrixOp, nvgpu::DeviceAsyncCopyOp, nvgpu::DeviceAsyncCreateGroupOp,
                     nvgpu::DeviceAsyncWaitOp>(op) ||
                 isa<memref::LoadOp, memref::StoreOp, memref::AtomicRMWOp, memref::GenericAtomicRMWOp, memref::AtomicYieldOp, memref::SubViewOp, memref::ViewOp,
                     memref::ReinterpretCastOp, memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp, memref::MemorySpaceCastOp, memref::DimOp, memref::GlobalOp,
                     memref::GetGlobalOp, memref::AllocaOp>(op) ||
                 sim::isHopper(op);
    bool fixed = true;
    auto check = [&](Type type) {
      auto memref = dyn_cast<MemRefType>(type);
      fixed &= !memref || memref.hasStaticShape();
    };
    if (!isa<memref::ViewOp, memref::ExtractAlignedPointerAsIndexOp>(op)) // of dynamic shared memory
      llvm::for_each(op->getOperandTypes(), check);
    if (!isa<gpu::DynamicSharedMemoryOp>(op))
      llvm::for_each(op->getResultTypes(), check);
    if (known && fixed)
      return WalkResult::advance();
    auto diag = op->emitError("stage gpu-to-sim: '") << op->getName() << "' cannot be simulated";
    if (op->getNumOperands())
      diag << "; operands of type " << llvm::to_vector(op->getOperandTypes());
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// Atomic updates become a load, the operation and a store: the threads of a launch run one after the other, and change only where they wait.
void writeOutAtomics(gpu::GPUModuleOp kernels) {
  SmallVector<Operation *> ops;
  kernels.walk([&](Operation *op) {
    if (isa<memref::AtomicRMWOp, memref::GenericAtomicRMWOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    auto simple = dyn_cast<memref::AtomicRMWOp>(op);
    auto generic = dyn_cast<memref::GenericAtomicRMWOp>(op);
    Value memref = simple ? simple.getMemref() : generic.getMemref();
    ValueRange indices = simple ? simple.getIndices() : generic.getIndices();
    auto old = memref::LoadOp::create(builder, loc, memref, indices);
    Value next, result = old;
    if (simple) {
      next = simple.getKind() == arith::AtomicRMWKind::assign ? simple.getValue() : arith::getReductionOp(simple.getKind(), builder, loc, old, simple.getValue());
    } else {
      Block &body = generic.getRegion().front();
      Operation *yield = body.getTerminator();
      body.getArgument(0).replaceAllUsesWith(old);
      next = yield->getOperand(0);
      yield->erase();
      op->getBlock()->getOperations().splice(op->getIterator(), body.getOperations());
      result = next; // the value that was stored
      builder.setInsertionPoint(op);
    }
    auto store = memref::StoreOp::create(builder, loc, next, memref, indices);
    old->setAttr(sim::kAtomic, builder.getUnitAttr());
    store->setAttr(sim::kAtomic, builder.getUnitAttr());
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }
}

/// f32 rounded to tf32 and back, as cvt.rna.tf32.f32 does it: half of the last place that stays is added to the magnitude, the rest is cut off.
void writeOutTf32(gpu::GPUModuleOp kernels) {
  SmallVector<arith::ExtFOp> ops;
  kernels.walk([&](arith::ExtFOp op) {
    auto round = op.getIn().getDefiningOp<arith::TruncFOp>();
    if (op.getType().isF32() && round && isa<FloatTF32Type>(round.getType()) && round.getRoundingmode() == arith::RoundingMode::to_nearest_away)
      ops.push_back(op);
  });
  for (arith::ExtFOp op : ops) {
    auto round = op.getIn().getDefiningOp<arith::TruncFOp>();
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value x = round.getIn(), bits = arith::BitcastOp::create(b, b.getI32Type(), x);
    bits = arith::AddIOp::create(b, bits, arith::ConstantIntOp::create(b, b.getI32Type(), 0x1000));
    bits = arith::AndIOp::create(b, bits, arith::ConstantIntOp::create(b, b.getI32Type(), -0x2000));
    Value rounded = arith::BitcastOp::create(b, b.getF32Type(), bits), isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
    op.replaceAllUsesWith(arith::SelectOp::create(b, isNan, x, rounded).getResult());
    op.erase();
    if (round->use_empty())
      round.erase();
  }
}

/// Numbers what threads do together; in checked kernels, makes the texts that messages about an operation start with.
void nameOperations(gpu::GPUModuleOp kernels, bool checked) {
  OpBuilder builder(kernels.getContext());
  llvm::StringMap<StringAttr> texts;
  int32_t number = 0;
  Block *body = kernels.getBody();
  kernels.walk([&](Operation *op) {
    bool access = isa<memref::LoadOp, memref::StoreOp, vector::LoadOp, vector::StoreOp>(op);
    if (!access && !sim::isAsynchronous(op) && !isa<gpu::BarrierOp, gpu::ShuffleOp, nvgpu::MmaSyncOp, nvgpu::LdMatrixOp, nvgpu::DeviceAsyncCopyOp>(op))
      return;
    op->setAttr(sim::kOp, builder.getI32IntegerAttr(++number));
    if (!checked)
      return;
    std::string text;
    llvm::raw_string_ostream stream(text);
    if (FileLineColLoc place = userPlace(op->getLoc()))
      stream << place.getFilename().getValue() << ":" << place.getLine() << ", ";
    stream << op->getName();
    for (Type type : op->getOperandTypes())
      if (isa<MemRefType>(type))
        stream << " of " << type;
    StringAttr &name = texts[text];
    if (!name) {
      name = builder.getStringAttr("cg_sim_place." + llvm::Twine(texts.size()));
      text.push_back(0);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(body);
      LLVM::GlobalOp::create(builder, kernels.getLoc(), LLVM::LLVMArrayType::get(builder.getI8Type(), text.size()), /*isConstant=*/true, LLVM::Linkage::Private, name.getValue(),
                             builder.getStringAttr(text));
    }
    op->setAttr(sim::kPlace, name);
  });
}

struct GpuToSim : cell::impl::GpuToSimBase<GpuToSim> {
  using GpuToSimBase::GpuToSimBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerLinalgToLLVMDialects(registry);
    registry.insert<ub::UBDialect, vector::VectorDialect, cf::ControlFlowDialect, LLVM::LLVMDialect>();
  }

  LogicalResult lower(gpu::GPUModuleOp kernels) {
    MLIRContext *context = &getContext();
    if (failed(checkLowerable(kernels)))
      return failure();
    LowerToLLVMOptions options(context);
    LLVMTypeConverter converter(context, options);
    addPointerConversions(converter);
    // All memory is this processor's.
    converter.addTypeAttributeConversion([](BaseMemRefType, Attribute space) { return Attribute(IntegerAttr::get(IntegerType::get(space.getContext(), 64), 0)); });
    writeOutAtomics(kernels);
    writeOutTf32(kernels);
    nameOperations(kernels, checked);
    for (auto kernel : llvm::make_early_inc_range(kernels.getOps<gpu::GPUFuncOp>()))
      if (failed(sim::outlineKernel(kernel, converter)))
        return failure();
    ConversionConfig config;
    config.allowPatternRollback = false;
    if (failed(expandScalars(kernels, config)))
      return failure();
    RewritePatternSet vectors(context);
    vector::populateVectorBroadcastLoweringPatterns(vectors);
    vector::populateVectorShapeCastLoweringPatterns(vectors);
    vector::populateVectorInsertExtractStridedSliceTransforms(vectors);
    if (failed(applyPatternsGreedily(kernels, std::move(vectors))))
      return failure();

    RewritePatternSet patterns(context);
    populateMemRefToPointersPatterns(converter, patterns);
    sim::populateAccessPatterns(converter, patterns);
    sim::populateThreadPatterns(converter, patterns);
    sim::populateHopperPatterns(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/false, /*benefit=*/2);
    populateMathToLibmConversionPatterns(patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<gpu::GPUModuleOp>();
    if (failed(applyFullConversion(kernels, target, std::move(patterns), config)))
      return failure();
    SmallVector<UnrealizedConversionCastOp> casts;
    kernels.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
    reconcileUnrealizedCasts(casts);
    sim::declareFunctions(kernels);
    return success();
  }

  void runOnOperation() override {
    noteTensorMaps(getOperation());
    for (auto kernels : llvm::make_early_inc_range(getOperation().getOps<gpu::GPUModuleOp>()))
      if (failed(lower(kernels)))
        return signalPassFailure();
  }
};
} // namespace
