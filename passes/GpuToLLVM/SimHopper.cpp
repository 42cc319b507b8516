//===- SimHopper.cpp - mbarriers, bulk copies and warpgroups' products as the simulator runs them ---===//
#include "passes/GpuToLLVM/SimPatterns.h"
#include "passes/LinalgToLLVM/Common.h"
#include "runtime/gpu_sim/gpu_sim.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"

using namespace mlir;
using namespace mlir::cell;
using namespace mlir::cell::sim;

bool sim::isAsynchronous(Operation *op) {
  return isa<nvgpu::MBarrierCreateOp, nvgpu::MBarrierInitOp, nvgpu::MBarrierArriveOp, nvgpu::MBarrierArriveExpectTxOp, nvgpu::MBarrierTryWaitParityOp, nvgpu::TmaAsyncLoadOp,
             NVVM::WgmmaFenceAlignedOp, NVVM::WgmmaGroupSyncAlignedOp, NVVM::WgmmaWaitGroupSyncOp, NVVM::WgmmaMmaAsyncOp>(op);
}

bool sim::isHopper(Operation *op) {
  return isAsynchronous(op) || isa<NVVM::FenceProxyOp, NVVM::FenceMbarrierInitOp, gpu::DynamicSharedMemoryOp, memref::ExtractAlignedPointerAsIndexOp, LLVM::ExtractValueOp,
                                   LLVM::InsertValueOp, LLVM::ZeroOp, LLVM::UndefOp, LLVM::PoisonOp, LLVM::ConstantOp>(op) ||
         (isa<UnrealizedConversionCastOp>(op) && isa<nvgpu::TensorMapDescriptorType>(op->getResult(0).getType()));
}

Value sim::sharedBase(OpBuilder &builder, Location loc, Value thread) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value field = LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), thread, ArrayRef<LLVM::GEPArg>{int32_t(offsetof(cg_sim_thread, shared))});
  return LLVM::LoadOp::create(builder, loc, pointer, field);
}

int64_t sim::placeShared(OpBuilder &builder, Operation *kernel, Value thread, int64_t used) {
  constexpr int64_t kDynamicAlignment = 1024;
  Location loc = kernel->getLoc();
  auto replace = [&](Operation *op, int64_t offset) {
    Value base = sharedBase(builder, loc, thread);
    Value address = LLVM::GEPOp::create(builder, loc, base.getType(), builder.getI8Type(), base, ArrayRef<LLVM::GEPArg>{int32_t(offset)});
    op->getResult(0).replaceAllUsesWith(UnrealizedConversionCastOp::create(builder, loc, op->getResult(0).getType(), address).getResult(0));
    op->erase();
  };
  SmallVector<Operation *> dynamic;
  kernel->walk([&](Operation *op) {
    if (auto create = dyn_cast<nvgpu::MBarrierCreateOp>(op)) {
      int64_t bytes = 8 * int64_t(create.getBarriers().getType().getNumBarriers());
      replace(op, used);
      used += bytes;
    } else if (isa<gpu::DynamicSharedMemoryOp>(op)) {
      dynamic.push_back(op);
    }
  });
  for (Operation *op : dynamic)
    replace(op, llvm::alignTo(used, kDynamicAlignment));
  return used;
}

void sim::markSums(Operation *function) {
  SmallVector<NVVM::WgmmaMmaAsyncOp> products;
  function->walk([&](NVVM::WgmmaMmaAsyncOp op) { products.push_back(op); });
  for (NVVM::WgmmaMmaAsyncOp product : products) {
    llvm::SetVector<Value> reached;
    reached.insert(product.getResult());
    llvm::SmallDenseSet<std::pair<Block *, Value>> marked;
    for (unsigned i = 0; i < reached.size(); ++i) {
      Value value = reached[i];
      for (OpOperand &use : value.getUses()) {
        Operation *user = use.getOwner();
        unsigned number = use.getOperandNumber();
        if (isa<NVVM::WgmmaMmaAsyncOp>(user))
          continue; // its result counts on
        if (auto branch = dyn_cast<BranchOpInterface>(user)) {
          if (std::optional<BlockArgument> argument = branch.getSuccessorBlockArgument(number))
            reached.insert(*argument);
        } else if (auto loop = dyn_cast<scf::ForOp>(user)) {
          reached.insert(loop.getTiedLoopRegionIterArg(&use));
          reached.insert(loop.getTiedLoopResult(&use));
        } else if (isa<scf::YieldOp>(user) && isa<scf::ForOp, scf::IfOp>(user->getParentOp())) {
          reached.insert(user->getParentOp()->getResult(number));
          if (auto parent = dyn_cast<scf::ForOp>(user->getParentOp()))
            reached.insert(parent.getRegionIterArg(number));
        } else if (isa<arith::SelectOp>(user)) {
          reached.insert(user->getResult(0));
        } else if (marked.insert({user->getBlock(), value}).second) {
          Operation *first = user; // of this block
          for (Operation *other : value.getUsers())
            if (other->getBlock() == user->getBlock() && other->isBeforeInBlock(first) && !isa<NVVM::WgmmaMmaAsyncOp>(other))
              first = other;
          OpBuilder builder(first);
          auto type = cast<LLVM::LLVMStructType>(value.getType());
          Value memory = stackSlot(builder, product, type);
          LLVM::StoreOp::create(builder, product.getLoc(), value, memory);
          call(builder, product.getLoc(), "cg_sim_wgmma_use", {}, {threadRecord(product), placeOf(builder, product), memory, constantI32(builder, product.getLoc(), type.getBody().size())});
        }
      }
    }
  }
}

namespace {

/// An optional i1 as the simulator takes it.
Value active(OpBuilder &builder, Location loc, Value predicate) {
  return predicate ? LLVM::ZExtOp::create(builder, loc, builder.getI32Type(), predicate).getResult() : constantI32(builder, loc, 1);
}

/// thread, place, and the mbarrier as its group, number and the group's size: how functions for mbarriers begin.
template <typename Op> SmallVector<Value> mbarrierOf(OpBuilder &builder, Op op, typename Op::Adaptor adaptor) {
  int64_t count = cast<nvgpu::MBarrierGroupType>(op.getBarriers().getType()).getNumBarriers();
  return {threadRecord(op), placeOf(builder, op), adaptor.getBarriers(), adaptor.getMbarId(), constantI64(builder, op.getLoc(), count)};
}

struct InitPattern : ConvertOpToLLVMPattern<nvgpu::MBarrierInitOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::MBarrierInitOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> arguments = mbarrierOf(rewriter, op, adaptor);
    arguments.append({adaptor.getCount(), active(rewriter, op.getLoc(), adaptor.getPredicate())});
    call(rewriter, op.getLoc(), "cg_sim_mbarrier_init", {}, arguments);
    rewriter.eraseOp(op);
    return success();
  }
};

struct ArrivePattern : ConvertOpToLLVMPattern<nvgpu::MBarrierArriveOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::MBarrierArriveOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> arguments = mbarrierOf(rewriter, op, adaptor);
    arguments.append({constantI64(rewriter, op.getLoc(), -1), constantI32(rewriter, op.getLoc(), 1)});
    rewriter.replaceOp(op, call(rewriter, op.getLoc(), "cg_sim_mbarrier_arrive", rewriter.getI64Type(), arguments));
    return success();
  }
};

struct ExpectPattern : ConvertOpToLLVMPattern<nvgpu::MBarrierArriveExpectTxOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::MBarrierArriveExpectTxOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> arguments = mbarrierOf(rewriter, op, adaptor);
    arguments.append({adaptor.getTxcount(), active(rewriter, op.getLoc(), adaptor.getPredicate())});
    call(rewriter, op.getLoc(), "cg_sim_mbarrier_arrive", rewriter.getI64Type(), arguments);
    rewriter.eraseOp(op);
    return success();
  }
};

struct WaitPattern : ConvertOpToLLVMPattern<nvgpu::MBarrierTryWaitParityOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::MBarrierTryWaitParityOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> arguments = mbarrierOf(rewriter, op, adaptor);
    arguments.push_back(LLVM::ZExtOp::create(rewriter, op.getLoc(), rewriter.getI32Type(), adaptor.getPhaseParity()));
    call(rewriter, op.getLoc(), "cg_sim_mbarrier_wait", {}, arguments);
    rewriter.eraseOp(op);
    return success();
  }
};

struct BulkCopyPattern : ConvertOpToLLVMPattern<nvgpu::TmaAsyncLoadOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::TmaAsyncLoadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto target = cast<MemRefType>(op.getDst().getType());
    if (adaptor.getMulticastMask())
      return op.emitError("stage gpu-to-sim: bulk copies to several blocks are not simulated");
    Type i64 = rewriter.getI64Type();
    int64_t rank = adaptor.getCoordinates().size();
    Value coordinates = stackSlot(rewriter, op, i64, rank);
    for (auto [i, coordinate] : llvm::enumerate(adaptor.getCoordinates()))
      LLVM::StoreOp::create(rewriter, loc, coordinate, LLVM::GEPOp::create(rewriter, loc, coordinates.getType(), i64, coordinates, ArrayRef<LLVM::GEPArg>{int32_t(i)}));
    SmallVector<Value> mbarrier = mbarrierOf(rewriter, op, adaptor);
    SmallVector<Value> arguments = {mbarrier[0], mbarrier[1], adaptor.getTensorMapDescriptor(), mbarrier[2], mbarrier[3], mbarrier[4], adaptor.getDst(),
                                    constantI64(rewriter, loc, contiguousBytes(target)), constantI32(rewriter, loc, rank), coordinates, active(rewriter, loc, adaptor.getPredicate())};
    call(rewriter, loc, "cg_sim_bulk_copy", {}, arguments);
    rewriter.eraseOp(op);
    return success();
  }
};

/// Shared memory has addresses of its own, which do not begin with 0.
struct AddressPattern : ConvertOpToLLVMPattern<memref::ExtractAlignedPointerAsIndexOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::ExtractAlignedPointerAsIndexOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type i64 = rewriter.getI64Type();
    Value address = LLVM::PtrToIntOp::create(rewriter, loc, i64, adaptor.getSource());
    auto space = dyn_cast_or_null<gpu::AddressSpaceAttr>(cast<MemRefType>(op.getSource().getType()).getMemorySpace());
    if (space && space.getValue() == gpu::AddressSpace::Workgroup) {
      Value base = LLVM::PtrToIntOp::create(rewriter, loc, i64, sharedBase(rewriter, loc, threadRecord(op)));
      address = LLVM::AddOp::create(rewriter, loc, LLVM::SubOp::create(rewriter, loc, address, base), constantI64(rewriter, loc, CG_SIM_SHARED_BASE));
    }
    rewriter.replaceOp(op, address);
    return success();
  }
};

struct SimWgmmaPattern : ConvertOpToLLVMPattern<NVVM::WgmmaMmaAsyncOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(NVVM::WgmmaMmaAsyncOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<LLVM::LLVMStructType>(op.getInouts().getType());
    NVVM::MMAShapeAttr shape = op.getShape();
    NVVM::WGMMATypes factors = op.getTypeA();
    int64_t n = shape.getN();
    bool known = shape.getM() == 64 && shape.getK() == 16 && n % 8 == 0 && n >= 8 && n <= 256 && op.getTypeB() == factors && op.getTypeD() == NVVM::WGMMATypes::f32 &&
                 (factors == NVVM::WGMMATypes::f16 || factors == NVVM::WGMMATypes::bf16) && int64_t(type.getBody().size()) == n / 2 &&
                 llvm::all_of(type.getBody(), [](Type element) { return element.isF32(); });
    if (!known)
      return op.emitError("stage gpu-to-sim: products of warpgroups are simulated for f16 and bf16 with sums in f32, m64nNk16");
    int flags = (op.getLayoutA() == NVVM::MMALayout::col ? CG_SIM_TRANSPOSE_A : 0) | (op.getLayoutB() == NVVM::MMALayout::row ? CG_SIM_TRANSPOSE_B : 0) |
                (op.getScaleD() == NVVM::WGMMAScaleOut::one ? CG_SIM_ADDS : 0) | (op.getScaleA() != op.getScaleB() ? CG_SIM_NEGATE : 0);
    Value in = stackSlot(rewriter, op, type), out = stackSlot(rewriter, op, type);
    LLVM::StoreOp::create(rewriter, loc, adaptor.getInouts(), in);
    call(rewriter, loc, "cg_sim_wgmma", {},
         {threadRecord(op), numberOf(rewriter, op), placeOf(rewriter, op), adaptor.getDescriptorA(), adaptor.getDescriptorB(), constantI32(rewriter, loc, n),
          constantI32(rewriter, loc, factors == NVVM::WGMMATypes::f16 ? CG_SIM_F16 : CG_SIM_BF16), constantI32(rewriter, loc, flags), in, out});
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, type, out);
    return success();
  }
};

struct WaitGroupPattern : ConvertOpToLLVMPattern<NVVM::WgmmaWaitGroupSyncOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(NVVM::WgmmaWaitGroupSyncOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    call(rewriter, op.getLoc(), "cg_sim_wgmma_wait", {}, {threadRecord(op), constantI32(rewriter, op.getLoc(), op.getGroup())});
    rewriter.eraseOp(op);
    return success();
  }
};

/// Operations that a function of the thread does.
template <typename Op> struct ThreadPattern : ConvertOpToLLVMPattern<Op> {
  ThreadPattern(const LLVMTypeConverter &converter, StringRef function, std::optional<int> argument = std::nullopt)
      : ConvertOpToLLVMPattern<Op>(converter), function(function), argument(argument) {}
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor, ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> arguments = {threadRecord(op)};
    if (argument)
      arguments.push_back(constantI32(rewriter, op.getLoc(), *argument));
    call(rewriter, op.getLoc(), function, {}, arguments);
    rewriter.eraseOp(op);
    return success();
  }
  StringRef function;
  std::optional<int> argument;
};

struct ProxyFencePattern : ConvertOpToLLVMPattern<NVVM::FenceProxyOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(NVVM::FenceProxyOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    bool shared = op.getKind() == NVVM::ProxyKind::async || (op.getKind() == NVVM::ProxyKind::async_shared && op.getSpace() == NVVM::SharedSpace::shared_cta);
    if (!shared)
      return op.emitError("stage gpu-to-sim: of fence.proxy, async and async.shared::cta are simulated");
    call(rewriter, op.getLoc(), "cg_sim_fence", {}, {threadRecord(op), constantI32(rewriter, op.getLoc(), 1)});
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void sim::populateHopperPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  auto pointer = [](Type type) { return LLVM::LLVMPointerType::get(type.getContext()); };
  converter.addConversion([=](nvgpu::MBarrierGroupType type) -> Type { return pointer(type); });
  converter.addConversion([=](nvgpu::TensorMapDescriptorType type) -> Type { return pointer(type); });
  converter.addConversion([](nvgpu::MBarrierTokenType type) -> Type { return IntegerType::get(type.getContext(), 64); });
  // Dynamic shared memory, which views take apart.
  converter.addConversion([=](MemRefType type) -> std::optional<Type> {
    if (type.hasStaticShape() || type.getRank() != 1 || !type.getElementType().isInteger(8) || !type.getLayout().isIdentity())
      return std::nullopt;
    return Type(pointer(type));
  });
  patterns.add<InitPattern, ArrivePattern, ExpectPattern, WaitPattern, BulkCopyPattern, AddressPattern, SimWgmmaPattern, WaitGroupPattern, ProxyFencePattern>(converter);
  patterns.add<ThreadPattern<NVVM::WgmmaFenceAlignedOp>>(converter, "cg_sim_wgmma_fence");
  patterns.add<ThreadPattern<NVVM::WgmmaGroupSyncAlignedOp>>(converter, "cg_sim_wgmma_commit");
  patterns.add<ThreadPattern<NVVM::FenceMbarrierInitOp>>(converter, "cg_sim_fence", 0);
}
