//===- HopperPatterns.cpp - bulk copies, their barriers, products of sm_90a -===//
#include "passes/GpuToLLVM/DevicePatterns.h"

#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
constexpr unsigned kShared = unsigned(NVVM::NVVMMemorySpace::Shared);
/// Of the dynamic shared memory of a block: the 128-byte permutation counts from multiples of 1024.
constexpr unsigned kDynamicAlignment = 1024;

Type sharedPointer(MLIRContext *context) { return LLVM::LLVMPointerType::get(context, kShared); }

/// An index in 32 bits.
Value word(OpBuilder &builder, Location loc, Value value) {
  Type i32 = builder.getI32Type();
  return value.getType() == i32 ? value : LLVM::TruncOp::create(builder, loc, i32, value).getResult();
}

/// The barrier of a group: 8 bytes each.
Value barrierOf(OpBuilder &builder, Location loc, Value group, Value number) {
  return LLVM::GEPOp::create(builder, loc, group.getType(), builder.getI64Type(), group, number, LLVM::GEPNoWrapFlags::inbounds);
}

Value globalOf(ConversionPatternRewriter &rewriter, Operation *op, StringRef stem, bool isNumbered, Type type, LLVM::Linkage linkage, unsigned alignment) {
  auto module = op->getParentOfType<gpu::GPUModuleOp>();
  std::string name = stem.str();
  for (unsigned number = 0; isNumbered && module.lookupSymbol(name); ++number)
    name = (stem + "." + Twine(number)).str();
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(module.getBody());
    LLVM::GlobalOp::create(rewriter, op->getLoc(), type, /*isConstant=*/false, linkage, name, Attribute(), alignment, kShared);
  }
  return LLVM::AddressOfOp::create(rewriter, op->getLoc(), sharedPointer(op->getContext()), name);
}

struct DynamicSharedPattern : ConvertOpToLLVMPattern<gpu::DynamicSharedMemoryOp> {
  DynamicSharedPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(gpu::DynamicSharedMemoryOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    Type bytes = LLVM::LLVMArrayType::get(rewriter.getI8Type(), 0);
    rewriter.replaceOp(op, globalOf(rewriter, op, "shared_dynamic", /*isNumbered=*/false, bytes, LLVM::Linkage::External, kDynamicAlignment));
    return success();
  }
};

struct PointerAsIndexPattern : ConvertOpToLLVMPattern<memref::ExtractAlignedPointerAsIndexOp> {
  PointerAsIndexPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(memref::ExtractAlignedPointerAsIndexOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::PtrToIntOp>(op, getTypeConverter()->convertType(op.getType()), adaptor.getSource());
    return success();
  }
};

struct BarrierCreatePattern : ConvertOpToLLVMPattern<nvgpu::MBarrierCreateOp> {
  BarrierCreatePattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(nvgpu::MBarrierCreateOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    Type type = LLVM::LLVMArrayType::get(rewriter.getI64Type(), op.getBarriers().getType().getNumBarriers());
    rewriter.replaceOp(op, globalOf(rewriter, op, "shared.barriers", /*isNumbered=*/true, type, LLVM::Linkage::Internal, /*alignment=*/8));
    return success();
  }
};

struct BarrierInitPattern : ConvertOpToLLVMPattern<nvgpu::MBarrierInitOp> {
  BarrierInitPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(nvgpu::MBarrierInitOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value barrier = barrierOf(rewriter, loc, adaptor.getBarriers(), adaptor.getMbarId());
    rewriter.replaceOpWithNewOp<NVVM::MBarrierInitOp>(op, barrier, word(rewriter, loc, adaptor.getCount()), adaptor.getPredicate());
    return success();
  }
};

struct BarrierArrivePattern : ConvertOpToLLVMPattern<nvgpu::MBarrierArriveOp> {
  BarrierArrivePattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(nvgpu::MBarrierArriveOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Value barrier = barrierOf(rewriter, op.getLoc(), adaptor.getBarriers(), adaptor.getMbarId());
    rewriter.replaceOpWithNewOp<NVVM::MBarrierArriveOp>(op, rewriter.getI64Type(), barrier, Value(), NVVM::MemScopeKindAttr::get(getContext(), NVVM::MemScopeKind::CTA));
    return success();
  }
};

struct BarrierExpectPattern : ConvertOpToLLVMPattern<nvgpu::MBarrierArriveExpectTxOp> {
  BarrierExpectPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(nvgpu::MBarrierArriveExpectTxOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value barrier = barrierOf(rewriter, loc, adaptor.getBarriers(), adaptor.getMbarId());
    NVVM::MBarrierArriveExpectTxOp::create(rewriter, loc, Type(), barrier, word(rewriter, loc, adaptor.getTxcount()), NVVM::MemScopeKindAttr::get(getContext(), NVVM::MemScopeKind::CTA),
                                           rewriter.getBoolAttr(false), adaptor.getPredicate());
    rewriter.eraseOp(op);
    return success();
  }
};

/// Waits until the phase of that parity is over: a loop.
struct BarrierWaitPattern : ConvertOpToLLVMPattern<nvgpu::MBarrierTryWaitParityOp> {
  BarrierWaitPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(nvgpu::MBarrierTryWaitParityOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value barrier = barrierOf(rewriter, loc, adaptor.getBarriers(), adaptor.getMbarId());
    Value parity = LLVM::ZExtOp::create(rewriter, loc, rewriter.getI32Type(), adaptor.getPhaseParity());
    rewriter.replaceOpWithNewOp<NVVM::MBarrierTryWaitParityOp>(op, barrier, parity, word(rewriter, loc, adaptor.getTicks()));
    return success();
  }
};

struct BulkLoadPattern : ConvertOpToLLVMPattern<nvgpu::TmaAsyncLoadOp> {
  BulkLoadPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(nvgpu::TmaAsyncLoadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    if (op.getMulticastMask())
      return rewriter.notifyMatchFailure(op, "several blocks");
    // A block's own shared memory has the same addresses in the window of its cluster.
    Value to = LLVM::AddrSpaceCastOp::create(rewriter, loc, LLVM::LLVMPointerType::get(getContext(), unsigned(NVVM::NVVMMemorySpace::SharedCluster)), adaptor.getDst());
    Value barrier = barrierOf(rewriter, loc, adaptor.getBarriers(), adaptor.getMbarId());
    SmallVector<Value> coordinates;
    for (Value coordinate : adaptor.getCoordinates())
      coordinates.push_back(word(rewriter, loc, coordinate));
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(rewriter, loc, to, adaptor.getTensorMapDescriptor(), coordinates, barrier, /*im2colOffsets=*/ValueRange(),
                                                           /*multicastMask=*/Value(), /*l2CacheHint=*/Value(), NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
                                                           /*group=*/NVVM::CTAGroupKindAttr(), adaptor.getPredicate());
    rewriter.eraseOp(op);
    return success();
  }
};

/// The tensor map that an argument is.
struct TensorMapPattern : ConvertOpToLLVMPattern<UnrealizedConversionCastOp> {
  TensorMapPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(UnrealizedConversionCastOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (op.getNumResults() != 1 || !isa<nvgpu::TensorMapDescriptorType>(op.getType(0)))
      return failure();
    rewriter.replaceOp(op, adaptor.getInputs());
    return success();
  }
};

bool isSums(Type type) { return isa<LLVM::LLVMStructType>(type); }

/// A copy of sums that nothing moves over: an empty piece of assembly that seems to change them.
Value tie(OpBuilder &builder, Location loc, Value sums) {
  auto type = cast<LLVM::LLVMStructType>(sums.getType());
  SmallVector<Value> elements;
  std::string results, operands;
  for (auto [i, element] : llvm::enumerate(type.getBody())) {
    elements.push_back(LLVM::ExtractValueOp::create(builder, loc, element, sums, builder.getDenseI64ArrayAttr(int64_t(i))));
    results += (i ? ",=f" : "=f");
    operands += "," + std::to_string(i);
  }
  return LLVM::InlineAsmOp::create(builder, loc, type, elements, "", results + operands, /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                   /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr)
      .getResult(0);
}
} // namespace

void cell::tieSums(gpu::GPUFuncOp kernel) {
  SmallVector<NVVM::WgmmaWaitGroupSyncOp> waits;
  SmallVector<scf::ForOp> loops;
  kernel.walk([&](Operation *op) {
    if (auto wait = dyn_cast<NVVM::WgmmaWaitGroupSyncOp>(op); wait && wait.getGroup() == 0)
      waits.push_back(wait);
    if (auto loop = dyn_cast<scf::ForOp>(op))
      loops.push_back(loop);
  });
  // What the sums begin with is in their registers in front of the loop's first fence.
  for (scf::ForOp loop : loops)
    for (OpOperand &start : loop.getInitArgsMutable())
      if (isSums(start.get().getType())) {
        OpBuilder builder(loop);
        start.set(tie(builder, loop.getLoc(), start.get()));
      }
  // Nothing reads them before they are there.
  for (NVVM::WgmmaWaitGroupSyncOp wait : waits) {
    llvm::SmallSetVector<Value, 2> sums;
    for (Operation *op = wait->getNextNode(); op; op = op->getNextNode())
      op->walk([&](LLVM::ExtractValueOp extract) {
        Value from = extract.getContainer();
        Operation *def = from.getDefiningOp();
        if (isSums(from.getType()) && def && def->getBlock() == wait->getBlock() && def->isBeforeInBlock(wait))
          sums.insert(from);
      });
    OpBuilder builder(wait.getContext());
    builder.setInsertionPointAfter(wait);
    for (Value from : sums) {
      Value tied = tie(builder, wait.getLoc(), from);
      from.replaceUsesWithIf(tied, [&](OpOperand &use) {
        Operation *user = wait->getBlock()->findAncestorOpInBlock(*use.getOwner());
        return user && tied.getDefiningOp()->isBeforeInBlock(user);
      });
    }
  }
}

LogicalResult cell::lowerAssembly(gpu::GPUModuleOp module, const ConversionConfig &config) {
  RewritePatternSet patterns(module.getContext());
  populateNVVMToLLVMConversionPatterns(patterns);
  ConversionTarget target(*module.getContext());
  target.markUnknownOpDynamicallyLegal([](Operation *op) {
    auto assembly = dyn_cast<NVVM::BasicPtxBuilderInterface>(op);
    return !assembly || assembly.hasIntrinsic();
  });
  return applyPartialConversion(module, target, std::move(patterns), config);
}

bool cell::isHopperOnly(Operation *op) {
  return isa<NVVM::WgmmaMmaAsyncOp, NVVM::WgmmaFenceAlignedOp, NVVM::WgmmaGroupSyncAlignedOp, NVVM::WgmmaWaitGroupSyncOp>(op);
}

bool cell::isBulkCopyOp(Operation *op) {
  return isa<nvgpu::MBarrierCreateOp, nvgpu::MBarrierInitOp, nvgpu::MBarrierArriveOp, nvgpu::MBarrierArriveExpectTxOp, nvgpu::MBarrierTryWaitParityOp, nvgpu::TmaAsyncLoadOp,
             NVVM::FenceMbarrierInitOp, NVVM::FenceProxyOp>(op);
}

void cell::populateHopperPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  MLIRContext *context = &converter.getContext();
  converter.addConversion([context](nvgpu::MBarrierGroupType) -> Type { return sharedPointer(context); });
  converter.addConversion([context](nvgpu::MBarrierTokenType) -> Type { return IntegerType::get(context, 64); });
  converter.addConversion([context](nvgpu::TensorMapDescriptorType) -> Type { return LLVM::LLVMPointerType::get(context); });
  converter.addConversion([&converter](MemRefType type) -> std::optional<Type> {
    // Dynamic shared memory, which only views read.
    bool isDynamic = type.getRank() == 1 && !type.hasStaticShape() && type.getElementType().isInteger(8) && type.getLayout().isIdentity();
    unsigned space = converter.getMemRefAddressSpace(type).value_or(0);
    return isDynamic && space == kShared ? std::optional<Type>(sharedPointer(type.getContext())) : std::nullopt;
  });
  patterns.add<DynamicSharedPattern, PointerAsIndexPattern, BarrierCreatePattern, BarrierInitPattern, BarrierArrivePattern, BarrierExpectPattern, BarrierWaitPattern, BulkLoadPattern,
               TensorMapPattern>(converter);
}
