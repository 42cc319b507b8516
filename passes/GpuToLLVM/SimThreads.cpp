//===- SimThreads.cpp - threads of kernels as the simulator runs them -----===//
#include "passes/GpuToLLVM/SimPatterns.h"
#include "passes/LinalgToLLVM/Common.h"
#include "runtime/gpu_sim/gpu_sim.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"

#include <cstddef>

using namespace mlir;
using namespace mlir::cell;
using namespace mlir::cell::sim;

namespace {
/// A field of the thread's record, an i32 that does not change while the thread runs, as an index.
Value field(OpBuilder &builder, Operation *op, size_t offset) {
  Location loc = op->getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value address = LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), threadRecord(op), ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  auto load = LLVM::LoadOp::create(builder, loc, builder.getI32Type(), address);
  load.setInvariant(true);
  return LLVM::ZExtOp::create(builder, loc, builder.getI64Type(), load);
}
Value field(OpBuilder &builder, Operation *op, size_t offset, gpu::Dimension dimension) {
  return field(builder, op, offset + sizeof(int32_t) * unsigned(dimension));
}

template <typename Op> struct IdPattern : ConvertOpToLLVMPattern<Op> {
  IdPattern(const LLVMTypeConverter &converter, size_t offset) : ConvertOpToLLVMPattern<Op>(converter), offset(offset) {}
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, field(rewriter, op, offset, op.getDimension()));
    return success();
  }
  size_t offset;
};

struct GlobalIdPattern : ConvertOpToLLVMPattern<gpu::GlobalIdOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(gpu::GlobalIdOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    Value block = field(rewriter, op, offsetof(cg_sim_thread, block), op.getDimension()), size = field(rewriter, op, offsetof(cg_sim_thread, block_dim), op.getDimension());
    Value start = LLVM::MulOp::create(rewriter, op.getLoc(), block, size);
    rewriter.replaceOpWithNewOp<LLVM::AddOp>(op, start, field(rewriter, op, offsetof(cg_sim_thread, thread), op.getDimension()));
    return success();
  }
};

template <typename Op> struct WarpIdPattern : ConvertOpToLLVMPattern<Op> {
  WarpIdPattern(const LLVMTypeConverter &converter, size_t offset) : ConvertOpToLLVMPattern<Op>(converter), offset(offset) {}
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, field(rewriter, op, offset));
    return success();
  }
  size_t offset;
};

struct WarpSizePattern : ConvertOpToLLVMPattern<gpu::SubgroupSizeOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(gpu::SubgroupSizeOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::ConstantOp>(op, rewriter.getI64IntegerAttr(32));
    return success();
  }
};

struct BarrierPattern : ConvertOpToLLVMPattern<gpu::BarrierOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(gpu::BarrierOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    call(rewriter, op.getLoc(), "cg_sim_barrier", {}, {threadRecord(op), numberOf(rewriter, op), placeOf(rewriter, op)});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ShufflePattern : ConvertOpToLLVMPattern<gpu::ShuffleOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(gpu::ShuffleOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value value = adaptor.getValue();
    Type type = value.getType(), i64 = rewriter.getI64Type();
    if (!type.isIntOrFloat() || type.getIntOrFloatBitWidth() > 64)
      return op.emitError("stage gpu-to-sim: a shuffle of ") << op.getValue().getType() << " is not supported; shuffle its parts";
    unsigned width = type.getIntOrFloatBitWidth();
    Type bits = rewriter.getIntegerType(width);
    if (type != bits)
      value = LLVM::BitcastOp::create(rewriter, loc, bits, value);
    if (width < 64)
      value = LLVM::ZExtOp::create(rewriter, loc, i64, value);
    int mode = op.getMode() == gpu::ShuffleMode::XOR ? CG_SIM_XOR : op.getMode() == gpu::ShuffleMode::UP ? CG_SIM_UP : op.getMode() == gpu::ShuffleMode::DOWN ? CG_SIM_DOWN : CG_SIM_IDX;
    Value pair = call(rewriter, loc, "cg_sim_shuffle", LLVM::LLVMStructType::getLiteral(getContext(), {i64, i64}),
                      {threadRecord(op), numberOf(rewriter, op), placeOf(rewriter, op), value, adaptor.getOffset(), adaptor.getWidth(), constantI32(rewriter, loc, mode)});
    Value result = LLVM::ExtractValueOp::create(rewriter, loc, pair, 0);
    if (width < 64)
      result = LLVM::TruncOp::create(rewriter, loc, bits, result);
    if (type != bits)
      result = LLVM::BitcastOp::create(rewriter, loc, type, result);
    Value valid = LLVM::TruncOp::create(rewriter, loc, rewriter.getI1Type(), LLVM::ExtractValueOp::create(rewriter, loc, pair, 1));
    rewriter.replaceOp(op, {result, valid});
    return success();
  }
};

/// A value in the thread's memory, where the simulator reads or writes it. Vectors of vectors lie there row by row.
Value inMemory(OpBuilder &builder, Operation *op, Value value) {
  Value slot = stackSlot(builder, op, value.getType());
  LLVM::StoreOp::create(builder, op->getLoc(), value, slot);
  return slot;
}

std::optional<int> kindOf(Type element, bool tf32) {
  if (element.isF16())
    return CG_SIM_F16;
  if (element.isBF16())
    return CG_SIM_BF16;
  if (element.isF32())
    return tf32 ? CG_SIM_TF32 : CG_SIM_F32;
  if (element.isF64())
    return CG_SIM_F64;
  if (element.isInteger(8))
    return CG_SIM_I8;
  if (element.isInteger(32))
    return CG_SIM_I32;
  return std::nullopt;
}

struct SimMmaPattern : ConvertOpToLLVMPattern<nvgpu::MmaSyncOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::MmaSyncOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    std::array<int64_t, 3> shape = op.getMmaShapeAsArray();
    Type element = op.getMatrixA().getType().getElementType();
    std::optional<int> kind = kindOf(element, /*tf32=*/true), sum = kindOf(op.getMatrixC().getType().getElementType(), false);
    bool fits = (shape[0] == 16 || (shape[0] == 8 && element.isF64())) && shape[1] == 8 && shape[2] <= 64;
    if (!kind || !sum || !fits || (element.isF32() && !op.getTf32Enabled()))
      return op.emitError("stage gpu-to-sim: there is no matrix product of shape ") << op.getMmaShape() << " on " << op.getMatrixA().getType();
    Type type = getTypeConverter()->convertType(op.getType());
    Value out = stackSlot(rewriter, op, type);
    SmallVector<Value> arguments = {threadRecord(op), numberOf(rewriter, op), placeOf(rewriter, op)};
    for (int64_t number : {shape[0], shape[1], shape[2], int64_t(*kind), int64_t(*sum)})
      arguments.push_back(constantI32(rewriter, loc, number));
    for (Value operand : {adaptor.getMatrixA(), adaptor.getMatrixB(), adaptor.getMatrixC()})
      arguments.push_back(inMemory(rewriter, op, operand));
    arguments.push_back(out);
    call(rewriter, loc, "cg_sim_mma", {}, arguments);
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, type, out);
    return success();
  }
};

struct SimLdMatrixPattern : ConvertOpToLLVMPattern<nvgpu::LdMatrixOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::LdMatrixOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto source = cast<MemRefType>(op.getSrcMemref().getType());
    if (op.getTranspose() && elementBytes(source.getElementType()) != 2)
      return op.emitError("stage gpu-to-sim: ldmatrix transposes elements of 16 bits only");
    Type type = getTypeConverter()->convertType(op.getType());
    Value out = stackSlot(rewriter, op, type);
    Value row = addressOf(rewriter, loc, *getTypeConverter(), source, adaptor.getSrcMemref(), adaptor.getIndices());
    call(rewriter, loc, "cg_sim_ldmatrix", {},
         {threadRecord(op), numberOf(rewriter, op), placeOf(rewriter, op), row, constantI32(rewriter, loc, op.getNumTiles()), constantI32(rewriter, loc, op.getTranspose()), out});
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, type, out);
    return success();
  }
};

struct SimAsyncCopyPattern : ConvertOpToLLVMPattern<nvgpu::DeviceAsyncCopyOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::DeviceAsyncCopyOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto from = cast<MemRefType>(op.getSrc().getType()), to = cast<MemRefType>(op.getDst().getType());
    Value source = addressOf(rewriter, loc, *getTypeConverter(), from, adaptor.getSrc(), adaptor.getSrcIndices());
    Value target = addressOf(rewriter, loc, *getTypeConverter(), to, adaptor.getDst(), adaptor.getDstIndices());
    int64_t element = elementBytes(to.getElementType());
    Value bytes = constantI32(rewriter, loc, op.getDstElements().getSExtValue() * element), read = bytes;
    if (Value count = adaptor.getSrcElements()) {
      count = LLVM::TruncOp::create(rewriter, loc, rewriter.getI32Type(), count);
      read = LLVM::MulOp::create(rewriter, loc, count, constantI32(rewriter, loc, element));
    }
    call(rewriter, loc, "cg_sim_async_copy", {}, {threadRecord(op), placeOf(rewriter, op), target, source, bytes, read});
    rewriter.replaceOp(op, constantI32(rewriter, loc, 0)); // what is waited for are groups, not tokens
    return success();
  }
};

struct AsyncGroupPattern : ConvertOpToLLVMPattern<nvgpu::DeviceAsyncCreateGroupOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::DeviceAsyncCreateGroupOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    call(rewriter, op.getLoc(), "cg_sim_async_commit", {}, threadRecord(op));
    rewriter.replaceOp(op, constantI32(rewriter, op.getLoc(), 0));
    return success();
  }
};

struct AsyncWaitPattern : ConvertOpToLLVMPattern<nvgpu::DeviceAsyncWaitOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(nvgpu::DeviceAsyncWaitOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    call(rewriter, op.getLoc(), "cg_sim_async_wait", {}, {threadRecord(op), constantI32(rewriter, op.getLoc(), op.getNumGroups().value_or(0))});
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void sim::populateThreadPatterns(LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  converter.addConversion([](nvgpu::DeviceAsyncTokenType type) { return IntegerType::get(type.getContext(), 32); });
  patterns.add<IdPattern<gpu::ThreadIdOp>>(converter, offsetof(cg_sim_thread, thread));
  patterns.add<IdPattern<gpu::BlockIdOp>>(converter, offsetof(cg_sim_thread, block));
  patterns.add<IdPattern<gpu::BlockDimOp>>(converter, offsetof(cg_sim_thread, block_dim));
  patterns.add<IdPattern<gpu::GridDimOp>>(converter, offsetof(cg_sim_thread, grid_dim));
  patterns.add<WarpIdPattern<gpu::LaneIdOp>>(converter, offsetof(cg_sim_thread, lane));
  patterns.add<WarpIdPattern<gpu::SubgroupIdOp>>(converter, offsetof(cg_sim_thread, warp));
  patterns.add<GlobalIdPattern, WarpSizePattern, BarrierPattern, ShufflePattern, SimMmaPattern, SimLdMatrixPattern, SimAsyncCopyPattern, AsyncGroupPattern, AsyncWaitPattern>(converter);
}
