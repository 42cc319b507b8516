//===- SimAccess.cpp - memory of kernels as the simulator runs them -------===//
#include "passes/GpuToLLVM/SimPatterns.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"
#include "runtime/gpu_sim/gpu_sim.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::cell;
using namespace mlir::cell::sim;

Value sim::threadRecord(Operation *op) { return op->getParentOfType<LLVM::LLVMFuncOp>().getArguments().back(); }

Value sim::constantI32(OpBuilder &builder, Location loc, int64_t value) {
  return LLVM::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(int32_t(value)));
}

Value sim::numberOf(OpBuilder &builder, Operation *op) { return constantI32(builder, op->getLoc(), op->getAttrOfType<IntegerAttr>(kOp).getInt()); }

Value sim::placeOf(OpBuilder &builder, Operation *op) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  if (auto name = op->getAttrOfType<StringAttr>(kPlace))
    return LLVM::AddressOfOp::create(builder, op->getLoc(), pointer, name.getValue());
  return LLVM::ZeroOp::create(builder, op->getLoc(), pointer);
}

Value sim::call(OpBuilder &builder, Location loc, StringRef name, Type result, ValueRange arguments) {
  auto op = LLVM::CallOp::create(builder, loc, result ? TypeRange(result) : TypeRange(), name, arguments);
  return result ? op.getResult() : Value();
}

Value sim::stackSlot(OpBuilder &builder, Operation *op, Type type, int64_t count) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&op->getParentOfType<LLVM::LLVMFuncOp>().getBody().front());
  return LLVM::AllocaOp::create(builder, op->getLoc(), LLVM::LLVMPointerType::get(builder.getContext()), type, constantI32(builder, op->getLoc(), count),
                                /*alignment=*/16);
}

Value sim::addressOf(OpBuilder &builder, Location loc, const LLVMTypeConverter &converter, MemRefType type, Value base, ValueRange indices) {
  return elementAddress(builder, loc, type, memoryType(converter.convertType(type.getElementType())), base, indices);
}

namespace {
/// Shows an access of `lanes` elements to the simulator if the operation has a place.
void check(OpBuilder &builder, Operation *op, MemRefType type, ValueRange indices, Value address, int64_t lanes, int64_t alignment, int kind) {
  if (!op->hasAttr(kPlace))
    return;
  Location loc = op->getLoc();
  Value inside = LLVM::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
  for (auto [i, index] : llvm::enumerate(indices)) {
    int64_t end = type.getDimSize(i) - (i + 1 == indices.size() ? lanes - 1 : 0);
    Value limit = LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(std::max<int64_t>(end, 0)));
    inside = LLVM::AndOp::create(builder, loc, inside, LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ult, index, limit).getResult());
  }
  Value flag = LLVM::ZExtOp::create(builder, loc, builder.getI32Type(), inside);
  int64_t bytes = elementBytes(type.getElementType()) * lanes;
  sim::call(builder, loc, "cg_sim_access", {},
            {threadRecord(op), placeOf(builder, op), address, constantI32(builder, loc, bytes), constantI32(builder, loc, alignment), constantI32(builder, loc, kind), flag});
}

int64_t lanesOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.getNumElements() : 1;
}

template <typename Op> int64_t alignmentOf(Op op, MemRefType type, int64_t lanes) {
  return op.getAlignment() ? int64_t(*op.getAlignment()) : int64_t(llvm::PowerOf2Ceil(elementBytes(type.getElementType()) * lanes));
}

Value baseOf(memref::LoadOpAdaptor adaptor) { return adaptor.getMemref(); }
Value baseOf(memref::StoreOpAdaptor adaptor) { return adaptor.getMemref(); }
Value baseOf(vector::LoadOpAdaptor adaptor) { return adaptor.getBase(); }
Value baseOf(vector::StoreOpAdaptor adaptor) { return adaptor.getBase(); }
Value storedBy(memref::StoreOpAdaptor adaptor) { return adaptor.getValue(); }
Value storedBy(vector::StoreOpAdaptor adaptor) { return adaptor.getValueToStore(); }

// LLVM gets the element's alignment only: a misaligned vector is found by the check, not by a trap of this processor.
template <typename Op> struct LoadPattern : ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MemRefType source = op.getMemRefType();
    Type type = this->getTypeConverter()->convertType(op->getResult(0).getType()), memory = memoryType(type);
    Value address = addressOf(rewriter, loc, *this->getTypeConverter(), source, baseOf(adaptor), adaptor.getIndices());
    int64_t lanes = lanesOf(op->getResult(0).getType());
    check(rewriter, op, source, adaptor.getIndices(), address, lanes, alignmentOf(op, source, lanes), op->hasAttr(kAtomic) ? CG_SIM_ATOMIC : CG_SIM_LOAD);
    Value value = LLVM::LoadOp::create(rewriter, loc, memory, address, unsigned(elementBytes(source.getElementType())));
    if (memory != type)
      value = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::ne, value, LLVM::ZeroOp::create(rewriter, loc, memory).getResult());
    rewriter.replaceOp(op, value);
    return success();
  }
};

template <typename Op> struct StorePattern : ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MemRefType target = op.getMemRefType();
    Value value = storedBy(adaptor);
    Type memory = memoryType(value.getType());
    Value address = addressOf(rewriter, loc, *this->getTypeConverter(), target, baseOf(adaptor), adaptor.getIndices());
    int64_t lanes = lanesOf(value.getType());
    if (!op->hasAttr(kAtomic)) // the load before it was shown
      check(rewriter, op, target, adaptor.getIndices(), address, lanes, alignmentOf(op, target, lanes), CG_SIM_STORE);
    if (memory != value.getType())
      value = LLVM::ZExtOp::create(rewriter, loc, memory, value);
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, value, address, unsigned(elementBytes(target.getElementType())));
    return success();
  }
};

struct SpaceCastPattern : ConvertOpToLLVMPattern<memref::MemorySpaceCastOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::MemorySpaceCastOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

struct AllocaPattern : ConvertOpToLLVMPattern<memref::AllocaOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::AllocaOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, stackSlot(rewriter, op, rewriter.getI8Type(), std::max<int64_t>(contiguousBytes(op.getType()), 1)));
    return success();
  }
};
} // namespace

void sim::populateAccessPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  // Before the patterns of MemRefToPointers and of upstream, which would make descriptors.
  patterns.add<LoadPattern<memref::LoadOp>, StorePattern<memref::StoreOp>, LoadPattern<vector::LoadOp>, StorePattern<vector::StoreOp>, SpaceCastPattern, AllocaPattern>(
      converter, /*benefit=*/10);
}
