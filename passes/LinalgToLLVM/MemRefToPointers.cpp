//===- MemRefToPointers.cpp - memrefs of static shape become pointers -----===//
#include "passes/LinalgToLLVM/MemRefToPointers.h"

#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::cell;

Type cell::memoryType(Type converted) {
  Type element = getElementTypeOrSelf(converted);
  if (!element.isInteger(1))
    return converted;
  Type byte = IntegerType::get(converted.getContext(), 8);
  auto vector = dyn_cast<VectorType>(converted);
  return vector ? Type(vector.clone(byte)) : byte;
}

/// A number of the type of the indices, which are narrower in kernels than on the host.
static Value constantLike(OpBuilder &builder, Location loc, Type index, int64_t value) {
  return LLVM::ConstantOp::create(builder, loc, builder.getIntegerAttr(index, value));
}

Value cell::elementAddress(OpBuilder &builder, Location loc, MemRefType type, Type element, Value base, ValueRange indices) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return base; // no elements: the code around it never runs
  Value sum;
  for (auto [index, stride] : llvm::zip_equal(indices, strides)) {
    Value term = stride == 1 ? index : LLVM::MulOp::create(builder, loc, index, constantLike(builder, loc, index.getType(), stride)).getResult();
    sum = sum ? LLVM::AddOp::create(builder, loc, sum, term).getResult() : term;
  }
  if (!sum)
    return base;
  return LLVM::GEPOp::create(builder, loc, base.getType(), element, base, sum, LLVM::GEPNoWrapFlags::inbounds);
}

namespace {
struct LoadPattern : ConvertOpToLLVMPattern<memref::LoadOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::LoadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Type type = getTypeConverter()->convertType(op.getType()), memory = memoryType(type);
    Value address = elementAddress(rewriter, op.getLoc(), op.getMemRefType(), memory, adaptor.getMemref(), adaptor.getIndices());
    Value value = LLVM::LoadOp::create(rewriter, op.getLoc(), memory, address);
    if (memory != type) {
      Value zero = LLVM::ConstantOp::create(rewriter, op.getLoc(), rewriter.getI8IntegerAttr(0));
      value = LLVM::ICmpOp::create(rewriter, op.getLoc(), LLVM::ICmpPredicate::ne, value, zero);
    }
    rewriter.replaceOp(op, value);
    return success();
  }
};

struct StorePattern : ConvertOpToLLVMPattern<memref::StoreOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::StoreOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Value value = adaptor.getValue();
    Type memory = memoryType(value.getType());
    Value address = elementAddress(rewriter, op.getLoc(), op.getMemRefType(), memory, adaptor.getMemref(), adaptor.getIndices());
    if (memory != value.getType())
      value = LLVM::ZExtOp::create(rewriter, op.getLoc(), memory, value);
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, value, address);
    return success();
  }
};

struct SubViewPattern : ConvertOpToLLVMPattern<memref::SubViewOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::SubViewOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> offsets;
    unsigned next = 0;
    for (int64_t offset : op.getStaticOffsets())
      offsets.push_back(ShapedType::isDynamic(offset) ? adaptor.getOffsets()[next++] : constantLike(rewriter, op.getLoc(), getTypeConverter()->convertType(rewriter.getIndexType()), offset));
    Type element = memoryType(getTypeConverter()->convertType(op.getType().getElementType()));
    rewriter.replaceOp(op, elementAddress(rewriter, op.getLoc(), op.getSourceType(), element, adaptor.getSource(), offsets));
    return success();
  }
};

struct ViewPattern : ConvertOpToLLVMPattern<memref::ViewOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::ViewOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Value base = adaptor.getSource();
    rewriter.replaceOpWithNewOp<LLVM::GEPOp>(op, base.getType(), rewriter.getI8Type(), base, adaptor.getByteShift(), LLVM::GEPNoWrapFlags::inbounds);
    return success();
  }
};

/// Ops that only change the type of a memref.
template <typename Op>
struct ForwardPattern : ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getOperands().front());
    return success();
  }
};

/// A new description of the same memory. A buffer is the address of its first element, so that is what the offset counts from.
struct ReinterpretCastPattern : ConvertOpToLLVMPattern<memref::ReinterpretCastOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::ReinterpretCastOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Value base = adaptor.getSource();
    int64_t offset = op.getStaticOffsets()[0];
    if (offset == 0) {
      rewriter.replaceOp(op, base);
      return success();
    }
    Type index = getTypeConverter()->convertType(rewriter.getIndexType());
    Value distance = ShapedType::isDynamic(offset) ? adaptor.getOffsets()[0] : constantLike(rewriter, op.getLoc(), index, offset);
    Type element = memoryType(getTypeConverter()->convertType(op.getType().getElementType()));
    rewriter.replaceOpWithNewOp<LLVM::GEPOp>(op, base.getType(), element, base, distance, LLVM::GEPNoWrapFlags::inbounds);
    return success();
  }
};

struct CopyPattern : ConvertOpToLLVMPattern<memref::CopyOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::CopyOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    auto type = cast<MemRefType>(op.getSource().getType());
    Value bytes = constantI64(rewriter, op.getLoc(), contiguousBytes(type));
    LLVM::MemcpyOp::create(rewriter, op.getLoc(), adaptor.getTarget(), adaptor.getSource(), bytes, /*isVolatile=*/false);
    rewriter.eraseOp(op);
    return success();
  }
};

struct DimPattern : ConvertOpToLLVMPattern<memref::DimOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::DimOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<MemRefType>(op.getSource().getType());
    std::optional<int64_t> index = op.getConstantIndex();
    if (!type || !index || *index >= type.getRank() || type.isDynamicDim(*index))
      return failure();
    rewriter.replaceOp(op, constantLike(rewriter, op.getLoc(), getTypeConverter()->convertType(rewriter.getIndexType()), type.getDimSize(*index)));
    return success();
  }
};

struct GlobalPattern : ConvertOpToLLVMPattern<memref::GlobalOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::GlobalOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    auto value = dyn_cast_or_null<DenseElementsAttr>(op.getInitialValueAttr());
    if (!value)
      return op.emitError("stage finalize-cpu: a constant of type ") << op.getType() << " whose values are not given in place is not supported";
    Type element = value.getElementType();
    if (element.isInteger(1)) {
      value = value.mapValues(rewriter.getI8Type(), [](const APInt &bit) { return bit.zext(8); });
      element = rewriter.getI8Type();
    } else if (element.isIndex()) {
      value = value.mapValues(rewriter.getI64Type(), [](const APInt &v) { return v.sextOrTrunc(64); });
      element = rewriter.getI64Type();
    }
    int64_t count = value.getNumElements();
    value = value.reshape(RankedTensorType::get({count}, element));
    Type type = LLVM::LLVMArrayType::get(element, count);
    rewriter.replaceOpWithNewOp<LLVM::GlobalOp>(op, type, /*isConstant=*/true, LLVM::Linkage::Private, op.getSymName(), value, cpu::kAlignment);
    return success();
  }
};

struct GetGlobalPattern : ConvertOpToLLVMPattern<memref::GetGlobalOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::GetGlobalOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::AddressOfOp>(op, LLVM::LLVMPointerType::get(getContext()), op.getName());
    return success();
  }
};

struct FuncPattern : ConvertOpToLLVMPattern<func::FuncOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(func::FuncOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    TypeConverter::SignatureConversion signature(op.getNumArguments());
    if (failed(getTypeConverter()->convertSignatureArgs(op.getArgumentTypes(), signature)))
      return failure();
    Type result = LLVM::LLVMVoidType::get(getContext());
    SmallVector<Type> results;
    if (failed(getTypeConverter()->convertTypes(op.getResultTypes(), results)))
      return failure();
    if (results.size() == 1)
      result = results[0];
    else if (!results.empty())
      result = LLVM::LLVMStructType::getLiteral(getContext(), results);
    auto type = LLVM::LLVMFunctionType::get(result, signature.getConvertedTypes());
    auto func = LLVM::LLVMFuncOp::create(rewriter, op.getLoc(), op.getName(), type, op.isExternal() ? LLVM::Linkage::External : LLVM::Linkage::Internal);
    if (op->hasAttr(cpu::kNoInline))
      func.setNoInline(true);
    for (unsigned i = 0; i < op.getNumArguments(); ++i)
      for (StringRef name : {"llvm.noalias", "llvm.readonly"})
        if (op.getArgAttr(i, name))
          func.setArgAttr(i, name, rewriter.getUnitAttr());
    rewriter.inlineRegionBefore(op.getBody(), func.getBody(), func.end());
    if (failed(rewriter.convertRegionTypes(&func.getBody(), *getTypeConverter(), &signature)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

struct CallPattern : ConvertOpToLLVMPattern<func::CallOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(func::CallOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op.getResultTypes(), types)))
      return failure();
    SmallVector<Type> packed(types);
    if (types.size() > 1)
      packed = {LLVM::LLVMStructType::getLiteral(getContext(), types)};
    auto call = LLVM::CallOp::create(rewriter, op.getLoc(), packed, op.getCallee(), adaptor.getOperands());
    SmallVector<Value> results(call->getResults());
    if (types.size() > 1) {
      results.clear();
      for (unsigned i = 0; i < types.size(); ++i)
        results.push_back(LLVM::ExtractValueOp::create(rewriter, op.getLoc(), call.getResult(), i));
    }
    rewriter.replaceOp(op, results);
    return success();
  }
};

struct ReturnPattern : ConvertOpToLLVMPattern<func::ReturnOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(func::ReturnOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    ValueRange values = adaptor.getOperands();
    if (values.size() <= 1) {
      rewriter.replaceOpWithNewOp<LLVM::ReturnOp>(op, values);
      return success();
    }
    Value packed = LLVM::PoisonOp::create(rewriter, op.getLoc(), LLVM::LLVMStructType::getLiteral(getContext(), SmallVector<Type>(values.getTypes())));
    for (auto [i, value] : llvm::enumerate(values))
      packed = LLVM::InsertValueOp::create(rewriter, op.getLoc(), packed, value, i);
    rewriter.replaceOpWithNewOp<LLVM::ReturnOp>(op, packed);
    return success();
  }
};
} // namespace

void cell::addPointerConversions(LLVMTypeConverter &converter) {
  converter.addConversion([&converter](MemRefType type) -> std::optional<Type> {
    SmallVector<int64_t> strides;
    int64_t offset;
    // A memory space that the target does not tell apart is the ordinary one.
    unsigned space = converter.getMemRefAddressSpace(type).value_or(0);
    // A buffer without elements has no strides, and is never read or written.
    if (type.hasStaticShape() && type.getNumElements() == 0)
      return LLVM::LLVMPointerType::get(type.getContext(), space);
    if (!type.hasStaticShape() || failed(type.getStridesAndOffset(strides, offset)) || llvm::any_of(strides, ShapedType::isDynamic))
      return Type();
    return LLVM::LLVMPointerType::get(type.getContext(), space);
  });
  // Where an op could not be lowered, the converter's own way would look for a descriptor.
  converter.addSourceMaterialization([](OpBuilder &builder, MemRefType type, ValueRange inputs, Location loc) -> Value {
    return UnrealizedConversionCastOp::create(builder, loc, type, inputs).getResult(0);
  });
}

void cell::populateMemRefToPointersPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LoadPattern, StorePattern, SubViewPattern, ViewPattern, ReinterpretCastPattern, CopyPattern, DimPattern, GlobalPattern, GetGlobalPattern, FuncPattern,
               CallPattern, ReturnPattern, ForwardPattern<memref::CastOp>, ForwardPattern<memref::CollapseShapeOp>,
               ForwardPattern<memref::ExpandShapeOp>>(converter);
}
