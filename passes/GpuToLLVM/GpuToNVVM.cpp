//===- GpuToNVVM.cpp - kernels to the LLVM and NVVM dialects --------------===//
#include "passes/GpuToLLVM/Chips.h"
#include "passes/GpuToLLVM/DevicePatterns.h"
#include "passes/GpuToLLVM/Passes.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"
#include "passes/LinalgToLLVM/ScalarExpansions.h"
#include "passes/UserPlace.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/NVGPUToNVVM/NVGPUToNVVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/BinaryFormat/Dwarf.h"

namespace mlir::cell {
#define GEN_PASS_DEF_GPUTONVVM
#include "passes/GpuToLLVM/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Below this, sums of an index and a stride fit into 32 bits too.
constexpr int64_t kNarrow = int64_t(1) << 30;

/// Reports the first operation that this stage has no lowering for, at its own location.
LogicalResult checkKernels(gpu::GPUModuleOp module, const Chip &chip) {
  WalkResult result = module.walk([&](Operation *op) {
    // Of the kernels with tensor maps; the numbers of chips in the table begin behind "sm_".
    bool onlyHopper = isHopperOnly(op);
    if ((onlyHopper && chip.name != "sm_90a") || (isBulkCopyOp(op) && chip.name < "sm_90" && chip.name.size() == 5)) {
      op->emitError("stage gpu-to-nvvm: '") << op->getName() << "' needs the chip " << (onlyHopper ? "sm_90a" : "sm_90 or a later one") << ", and this program is for " << chip.name
                                            << "; compile it with wgmma=off (set_context(gpu_config={\"wgmma\": False}))";
      return WalkResult::interrupt();
    }
    if (onlyHopper || isBulkCopyOp(op))
      return WalkResult::advance();
    if (auto cast = dyn_cast<UnrealizedConversionCastOp>(op); cast && cast.getNumResults() == 1 && isa<nvgpu::TensorMapDescriptorType>(cast.getType(0))) {
      auto argument = cast.getNumOperands() == 1 ? dyn_cast<BlockArgument>(cast.getOperand(0)) : BlockArgument();
      auto kernel = op->getParentOfType<gpu::GPUFuncOp>();
      if (argument && argument.getOwner() == &kernel.getBody().front() && kernel.getArgAttr(argument.getArgNumber(), kTensorMap))
        return WalkResult::advance();
      op->emitError("stage gpu-to-nvvm: a tensor map is made of what is no argument with a '") << kTensorMap << "'";
      return WalkResult::interrupt();
    }
    if (failed(checkDeviceMemory(op)))
      return WalkResult::interrupt();
    if (isa<gpu::GPUModuleOp>(op) || (isa<math::MathDialect>(op->getDialect()) &&
                                      isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::CountLeadingZerosOp, math::CountTrailingZerosOp, math::CtPopOp, math::FloorOp,
                                          math::FmaOp, math::IPowIOp, math::IsFiniteOp, math::IsInfOp, math::IsNaNOp, math::RoundOp, math::RoundEvenOp, math::RsqrtOp, math::SqrtOp, math::TruncOp>(op)))
      return WalkResult::advance();
    if (isa<arith::ArithDialect, cf::ControlFlowDialect, scf::SCFDialect, gpu::GPUDialect, vector::VectorDialect, nvgpu::NVGPUDialect, LLVM::LLVMDialect>(op->getDialect()) ||
        isa<memref::LoadOp, memref::StoreOp, memref::SubViewOp, memref::ReinterpretCastOp, memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp, memref::DimOp,
            memref::AtomicRMWOp, memref::ViewOp, memref::ExtractAlignedPointerAsIndexOp>(op))
      return WalkResult::advance();
    auto diag = op->emitError("stage gpu-to-nvvm: '") << op->getName() << "'";
    if (op->getNumResults())
      diag << " of " << op->getResult(0).getType();
    diag << " has no lowering for the GPU";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// Whether 32 bits hold every index of a kernel.
bool isNarrow(gpu::GPUFuncOp kernel) {
  WalkResult result = kernel.walk([](Operation *op) {
    for (Value value : op->getResults())
      if (auto memref = dyn_cast<MemRefType>(value.getType()); memref && memref.hasStaticShape() && memref.getNumElements() >= kNarrow)
        return WalkResult::interrupt();
    if (auto constant = dyn_cast<arith::ConstantIndexOp>(op))
      if (constant.value() >= kNarrow || constant.value() <= -kNarrow)
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return !result.wasInterrupted() && llvm::all_of(kernel.getBody().getArgumentTypes(), [](Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    return !memref || (memref.hasStaticShape() && memref.getNumElements() < kNarrow);
  });
}

/// An index that comes from 64-bit data stays out of range where it was, instead of coming round.
void clampIndices(gpu::GPUFuncOp kernel) {
  SmallVector<Operation *> casts;
  kernel.walk([&](Operation *op) {
    if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op) && getElementTypeOrSelf(op->getResult(0)).isIndex() && getElementTypeOrSelf(op->getOperand(0)).isInteger(64))
      casts.push_back(op);
  });
  for (Operation *op : casts) {
    Value x = op->getOperand(0);
    if (isa_and_nonnull<arith::IndexCastOp, arith::IndexCastUIOp>(x.getDefiningOp()))
      continue; // an index before
    OpBuilder b(op);
    auto bound = [&](int64_t value) -> Value {
      Attribute scalar = b.getI64IntegerAttr(value);
      auto vector = dyn_cast<VectorType>(x.getType());
      return arith::ConstantOp::create(b, op->getLoc(), vector ? cast<TypedAttr>(Attribute(DenseElementsAttr::get(vector, scalar))) : cast<TypedAttr>(scalar));
    };
    if (isa<arith::IndexCastUIOp>(op)) {
      op->setOperand(0, arith::MinUIOp::create(b, op->getLoc(), x, bound(INT32_MAX)));
    } else {
      Value low = arith::MaxSIOp::create(b, op->getLoc(), x, bound(INT32_MIN));
      op->setOperand(0, arith::MinSIOp::create(b, op->getLoc(), low, bound(INT32_MAX)));
    }
  }
}

/// Ops that are loops of their own are taken apart, element by element.
void unrollPowers(gpu::GPUFuncOp kernel) {
  SmallVector<math::IPowIOp> powers;
  kernel.walk([&](math::IPowIOp op) {
    if (isa<VectorType>(op.getType()))
      powers.push_back(op);
  });
  for (math::IPowIOp op : powers) {
    OpBuilder b(op);
    auto type = cast<VectorType>(op.getType());
    Value result = arith::ConstantOp::create(b, op.getLoc(), b.getZeroAttr(type));
    for (int64_t i = 0, e = type.getNumElements(); i < e; ++i) {
      Value x = vector::ExtractOp::create(b, op.getLoc(), op.getLhs(), i), y = vector::ExtractOp::create(b, op.getLoc(), op.getRhs(), i);
      result = vector::InsertOp::create(b, op.getLoc(), math::IPowIOp::create(b, op.getLoc(), x, y), result, i);
    }
    op.replaceAllUsesWith(result);
    op.erase();
  }
}

/// Arguments as the host passes them: an index in 64 bits, a bool in a byte. Block sizes that are known become constants.
void prepareKernel(gpu::GPUFuncOp kernel) {
  OpBuilder b(kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  SmallVector<Type> types(kernel.getFunctionType().getInputs());
  for (auto [i, type] : llvm::enumerate(types)) {
    bool index = type.isIndex();
    if (!index && !type.isInteger(1))
      continue;
    BlockArgument argument = kernel.getArgument(i);
    argument.setType(type = index ? b.getI64Type() : b.getI8Type());
    Operation *cast = index ? arith::IndexCastOp::create(b, kernel.getLoc(), b.getIndexType(), argument).getOperation()
                            : arith::TruncIOp::create(b, kernel.getLoc(), b.getI1Type(), argument).getOperation();
    argument.replaceAllUsesExcept(cast->getResult(0), cast);
  }
  kernel.setFunctionType(b.getFunctionType(types, {}));
  std::optional<ArrayRef<int32_t>> sizes = kernel.getKnownBlockSize();
  if (!sizes)
    return;
  kernel.walk([&](Operation *op) {
    if (auto dim = dyn_cast<gpu::BlockDimOp>(op)) {
      b.setInsertionPoint(dim);
      Value size = arith::ConstantIndexOp::create(b, dim.getLoc(), (*sizes)[unsigned(dim.getDimension())]);
      dim.replaceAllUsesWith(size);
      dim.erase();
    } else if (auto id = dyn_cast<gpu::ThreadIdOp>(op)) {
      id.setUpperBoundAttr(b.getIndexAttr((*sizes)[unsigned(id.getDimension())]));
    }
  });
}

/// f32 rounded to tf32 and back is one instruction; registers of tf32 are 32 bits.
void lowerTf32(gpu::GPUFuncOp kernel) {
  SmallVector<arith::ExtFOp> ops;
  kernel.walk([&](arith::ExtFOp op) {
    auto round = op.getIn().getDefiningOp<arith::TruncFOp>();
    if (op.getType().isF32() && round && isa<FloatTF32Type>(round.getType()) && round.getRoundingmode() == arith::RoundingMode::to_nearest_away)
      ops.push_back(op);
  });
  for (arith::ExtFOp op : ops) {
    auto round = op.getIn().getDefiningOp<arith::TruncFOp>();
    OpBuilder b(op);
    Value bits = NVVM::ConvertFloatToTF32Op::create(b, op.getLoc(), b.getI32Type(), round.getIn(), NVVM::FPRoundingMode::RNA);
    op.replaceAllUsesWith(arith::BitcastOp::create(b, op.getLoc(), b.getF32Type(), bits).getResult());
    op.erase();
    if (round->use_empty())
      round.erase();
  }
}

LogicalResult expandScalars(gpu::GPUModuleOp module, const ConversionConfig &config) {
  MLIRContext *context = module.getContext();
  RewritePatternSet patterns(context);
  populateSCFToControlFlowConversionPatterns(patterns);
  populateScalarExpansions(patterns);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  ConversionTarget target(*context);
  target.addIllegalDialect<scf::SCFDialect>();
  target.addIllegalOp<math::IsInfOp, math::IPowIOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>();
  target.addDynamicallyLegalOp<math::RsqrtOp>([](math::RsqrtOp op) { return isa<VectorType>(op.getType()); });
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  return applyPartialConversion(module, target, std::move(patterns), config);
}

/// Line tables of the user's lines and no other debug information: `.loc` and `.file` in the PTX, for profilers, sanitizers and debuggers.
void addLineTables(gpu::GPUModuleOp module) {
  MLIRContext *context = module.getContext();
  auto fileOf = [&](FileLineColLoc place) { return LLVM::DIFileAttr::get(context, place.getFilename(), StringAttr::get(context, "")); };
  LLVM::DICompileUnitAttr unit;
  for (auto kernel : module.getOps<LLVM::LLVMFuncOp>()) {
    FileLineColLoc place = userPlace(kernel.getLoc());
    if (!place || kernel.isExternal())
      continue;
    LLVM::DIFileAttr file = fileOf(place);
    if (!unit)
      unit = LLVM::DICompileUnitAttr::get(DistinctAttr::create(UnitAttr::get(context)), llvm::dwarf::DW_LANG_Python, file, StringAttr::get(context, "cellgrad"), /*isOptimized=*/true,
                                          LLVM::DIEmissionKind::DebugDirectivesOnly);
    auto type = LLVM::DISubroutineTypeAttr::get(context, ArrayRef<LLVM::DITypeAttr>());
    auto scope = LLVM::DISubprogramAttr::get(context, DistinctAttr::create(UnitAttr::get(context)), unit, file, kernel.getNameAttr(), kernel.getNameAttr(), file, place.getLine(),
                                             place.getLine(), LLVM::DISubprogramFlags::Definition | LLVM::DISubprogramFlags::Optimized, type, {}, {});
    kernel->walk([&](Operation *op) {
      FileLineColLoc own = userPlace(op->getLoc());
      if (!own)
        own = place;
      // A line of another file has a scope that says so.
      if (own.getFilename() == place.getFilename())
        op->setLoc(own);
      else
        op->setLoc(FusedLoc::get(context, {own}, LLVM::DILexicalBlockFileAttr::get(scope, fileOf(own), /*discriminator=*/0)));
    });
    kernel->setLoc(FusedLoc::get(context, {place}, scope));
  }
}

struct GpuToNVVM : cell::impl::GpuToNVVMBase<GpuToNVVM> {
  using GpuToNVVMBase::GpuToNVVMBase;

  LogicalResult lowerKernel(gpu::GPUFuncOp kernel, bool narrow, const ConversionConfig &config) {
    MLIRContext *context = &getContext();
    LowerToLLVMOptions options(context);
    options.overrideIndexBitwidth(narrow ? 32 : 64);
    LLVMTypeConverter converter(context, options);
    configureGpuToNVVMTypeConverter(converter);
    nvgpu::populateCommonGPUTypeAndAttributeConversions(converter);
    converter.addConversion([](nvgpu::DeviceAsyncTokenType type) -> Type { return IntegerType::get(type.getContext(), 32); });
    addPointerConversions(converter);
    RewritePatternSet patterns(context);
    populateMemRefToPointersPatterns(converter, patterns);
    populateDeviceMemoryPatterns(converter, patterns);
    populateHopperPatterns(converter, patterns);
    populateKernelPattern(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    // Instructions before calls of libdevice, which the patterns for the GPU would make.
    populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/false, /*benefit=*/3);
    populateVectorToLLVMConversionPatterns(converter, patterns, /*reassociateFPReductions=*/false, /*force32BitVectorIndices=*/true);
    populateGpuToNVVMConversionPatterns(converter, patterns);
    populateNVGPUToNVVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalDialect<NVVM::NVVMDialect>();
    return applyFullConversion(kernel, target, std::move(patterns), config);
  }

  void runOnOperation() override {
    ConversionConfig config;
    config.allowPatternRollback = false;
    const Chip *found = findChip(chip);
    if (!found) {
      getOperation().emitError("chip '") << chip << "' is not supported on this target; those that are: " << chipNames();
      return signalPassFailure();
    }
    noteTensorMaps(getOperation());
    for (auto module : getOperation().getOps<gpu::GPUModuleOp>()) {
      if (failed(checkKernels(module, *found)))
        return signalPassFailure();
      llvm::DenseMap<StringAttr, bool> narrow;
      for (auto kernel : module.getOps<gpu::GPUFuncOp>()) {
        if (!kernel.isKernel()) {
          kernel.emitError("stage gpu-to-nvvm: functions that kernels call are not supported");
          return signalPassFailure();
        }
        bool is = narrow[kernel.getNameAttr()] = isNarrow(kernel);
        unrollPowers(kernel);
        lowerTf32(kernel);
        tieSums(kernel);
        prepareKernel(kernel);
        if (is) // of arguments too
          clampIndices(kernel);
      }
      if (failed(expandScalars(module, config)))
        return signalPassFailure();
      for (auto kernel : llvm::to_vector(module.getOps<gpu::GPUFuncOp>()))
        if (failed(lowerKernel(kernel, narrow.lookup(kernel.getNameAttr()), config)))
          return signalPassFailure();
      SmallVector<UnrealizedConversionCastOp> casts;
      module.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
      reconcileUnrealizedCasts(casts);
      if (failed(lowerAssembly(module, config)))
        return signalPassFailure();
      if (lines)
        addLineTables(module);
      Builder builder(&getContext());
      module.setTargetsAttr(builder.getArrayAttr(NVVM::NVVMTargetAttr::get(&getContext(), /*optLevel=*/3, "nvptx64-nvidia-cuda", found->name, found->features())));
    }
  }
};
} // namespace
