//===- DevicePatterns.cpp - memory operations of kernels on bare pointers -===//
#include "passes/GpuToLLVM/DevicePatterns.h"

#include "passes/GpuToLLVM/Passes.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// A vector in memory is aligned to all of it unless the op says otherwise: that is one instruction of up to 16 bytes.
template <typename Op>
unsigned alignmentOf(Op op, VectorType memory) {
  if (auto given = op.getAlignment())
    return *given;
  return llvm::PowerOf2Ceil(memory.getNumElements() * elementBytes(memory.getElementType()));
}

struct VectorLoadPattern : ConvertOpToLLVMPattern<vector::LoadOp> {
  VectorLoadPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(vector::LoadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    VectorType type = op.getVectorType(), memory = cast<VectorType>(memoryType(type));
    if (type.getRank() != 1)
      return rewriter.notifyMatchFailure(op, "more than one dimension");
    Type element = memoryType(getTypeConverter()->convertType(op.getMemRefType().getElementType()));
    Value address = elementAddress(rewriter, loc, op.getMemRefType(), element, adaptor.getBase(), adaptor.getIndices());
    Value value = LLVM::LoadOp::create(rewriter, loc, memory, address, alignmentOf(op, memory));
    if (memory != type)
      value = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::ne, value, LLVM::ZeroOp::create(rewriter, loc, memory));
    rewriter.replaceOp(op, value);
    return success();
  }
};

struct VectorStorePattern : ConvertOpToLLVMPattern<vector::StoreOp> {
  VectorStorePattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(vector::StoreOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    VectorType type = op.getVectorType(), memory = cast<VectorType>(memoryType(type));
    if (type.getRank() != 1)
      return rewriter.notifyMatchFailure(op, "more than one dimension");
    Type element = memoryType(getTypeConverter()->convertType(op.getMemRefType().getElementType()));
    Value address = elementAddress(rewriter, loc, op.getMemRefType(), element, adaptor.getBase(), adaptor.getIndices());
    Value value = adaptor.getValueToStore();
    if (memory != type)
      value = LLVM::ZExtOp::create(rewriter, loc, memory, value);
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, value, address, alignmentOf(op, memory));
    return success();
  }
};

std::optional<LLVM::AtomicBinOp> atomicKind(arith::AtomicRMWKind kind) {
  switch (kind) {
  case arith::AtomicRMWKind::addf: return LLVM::AtomicBinOp::fadd;
  case arith::AtomicRMWKind::addi: return LLVM::AtomicBinOp::add;
  case arith::AtomicRMWKind::andi: return LLVM::AtomicBinOp::_and;
  case arith::AtomicRMWKind::ori: return LLVM::AtomicBinOp::_or;
  case arith::AtomicRMWKind::xori: return LLVM::AtomicBinOp::_xor;
  case arith::AtomicRMWKind::assign: return LLVM::AtomicBinOp::xchg;
  case arith::AtomicRMWKind::maximumf: return LLVM::AtomicBinOp::fmaximum;
  case arith::AtomicRMWKind::maxnumf: return LLVM::AtomicBinOp::fmax;
  case arith::AtomicRMWKind::minimumf: return LLVM::AtomicBinOp::fminimum;
  case arith::AtomicRMWKind::minnumf: return LLVM::AtomicBinOp::fmin;
  case arith::AtomicRMWKind::maxs: return LLVM::AtomicBinOp::max;
  case arith::AtomicRMWKind::maxu: return LLVM::AtomicBinOp::umax;
  case arith::AtomicRMWKind::mins: return LLVM::AtomicBinOp::min;
  case arith::AtomicRMWKind::minu: return LLVM::AtomicBinOp::umin;
  default: return std::nullopt;
  }
}

/// Blocks of one device need no order between updates, only that each is whole.
struct AtomicPattern : ConvertOpToLLVMPattern<memref::AtomicRMWOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::AtomicRMWOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    std::optional<LLVM::AtomicBinOp> kind = atomicKind(op.getKind());
    Type type = adaptor.getValue().getType();
    if (!kind)
      return failure();
    Value address = elementAddress(rewriter, op.getLoc(), op.getMemRefType(), type, adaptor.getMemref(), adaptor.getIndices());
    rewriter.replaceOpWithNewOp<LLVM::AtomicRMWOp>(op, *kind, address, adaptor.getValue(), LLVM::AtomicOrdering::monotonic, "device");
    return success();
  }
};

/// Each thread gives the address of one row; what comes back are 32 bits per matrix.
struct LdMatrixPattern : ConvertOpToLLVMPattern<nvgpu::LdMatrixOp> {
  LdMatrixPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(nvgpu::LdMatrixOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<VectorType>(op.getRes().getType());
    auto memref = cast<MemRefType>(op.getSrcMemref().getType());
    auto rows = dyn_cast<LLVM::LLVMArrayType>(getTypeConverter()->convertType(type));
    if (!rows || type.getRank() != 2 || type.getDimSize(1) * type.getElementTypeBitWidth() != 32)
      return rewriter.notifyMatchFailure(op, "not 32 bits per matrix");
    Type i32 = rewriter.getI32Type(), element = memoryType(getTypeConverter()->convertType(memref.getElementType()));
    Value address = elementAddress(rewriter, loc, memref, element, adaptor.getSrcMemref(), adaptor.getIndices());
    unsigned count = op.getNumTiles();
    Type result = count == 1 ? i32 : Type(LLVM::LLVMStructType::getLiteral(getContext(), SmallVector<Type>(count, i32)));
    auto layout = op.getTranspose() ? NVVM::MMALayout::col : NVVM::MMALayout::row;
    auto shape = NVVM::LdStMatrixShapeAttr::get(getContext(), 8, 8);
    Value loaded = NVVM::LdMatrixOp::create(rewriter, loc, result, address, count, layout, shape, NVVM::LdStMatrixEltType::B16);
    Value out = LLVM::PoisonOp::create(rewriter, loc, rows);
    for (unsigned i = 0; i < count; ++i) {
      Value bits = count == 1 ? loaded : LLVM::ExtractValueOp::create(rewriter, loc, loaded, i).getResult();
      out = LLVM::InsertValueOp::create(rewriter, loc, out, LLVM::BitcastOp::create(rewriter, loc, rows.getElementType(), bits), i);
    }
    rewriter.replaceOp(op, out);
    return success();
  }
};

/// Products of bf16, which the upstream pattern does not know: pairs of factors are registers of 32 bits.
struct MmaPattern : ConvertOpToLLVMPattern<nvgpu::MmaSyncOp> {
  MmaPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}

  /// The rows of an array of vectors, each as `type` where it has one, else element by element.
  static SmallVector<Value> registers(OpBuilder &builder, Location loc, Value array, Type type) {
    SmallVector<Value> values;
    auto rows = cast<LLVM::LLVMArrayType>(array.getType());
    for (unsigned i = 0; i < rows.getNumElements(); ++i) {
      Value row = LLVM::ExtractValueOp::create(builder, loc, array, i);
      if (type) {
        values.push_back(LLVM::BitcastOp::create(builder, loc, type, row));
        continue;
      }
      for (int64_t j = 0; j < cast<VectorType>(row.getType()).getDimSize(0); ++j)
        values.push_back(LLVM::ExtractElementOp::create(builder, loc, row, LLVM::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(j))));
    }
    return values;
  }

  LogicalResult matchAndRewrite(nvgpu::MmaSyncOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto sums = dyn_cast<LLVM::LLVMArrayType>(adaptor.getMatrixC().getType());
    if (!op.getMatrixA().getType().getElementType().isBF16() || !op.getMatrixC().getType().getElementType().isF32() || !sums)
      return rewriter.notifyMatchFailure(op, "not a product of bf16");
    Type i32 = rewriter.getI32Type(), f32 = rewriter.getF32Type();
    SmallVector<Value> a = registers(rewriter, loc, adaptor.getMatrixA(), i32), b = registers(rewriter, loc, adaptor.getMatrixB(), i32);
    SmallVector<Value> c = registers(rewriter, loc, adaptor.getMatrixC(), Type());
    Type result = LLVM::LLVMStructType::getLiteral(getContext(), SmallVector<Type>(c.size(), f32));
    Value product = NVVM::MmaOp::create(rewriter, loc, result, a, b, c, op.getMmaShapeAsArray(), std::nullopt, std::nullopt,
                                        std::array<NVVM::MMATypes, 2>{NVVM::MMATypes::bf16, NVVM::MMATypes::bf16},
                                        std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
    Value out = LLVM::PoisonOp::create(rewriter, loc, sums);
    int64_t width = cast<VectorType>(sums.getElementType()).getDimSize(0);
    for (unsigned i = 0; i < sums.getNumElements(); ++i) {
      Value row = LLVM::PoisonOp::create(rewriter, loc, sums.getElementType());
      for (int64_t j = 0; j < width; ++j)
        row = LLVM::InsertElementOp::create(rewriter, loc, row, LLVM::ExtractValueOp::create(rewriter, loc, product, i * width + j),
                                            LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(j)));
      out = LLVM::InsertValueOp::create(rewriter, loc, out, row, i);
    }
    rewriter.replaceOp(op, out);
    return success();
  }
};

struct AsyncCopyPattern : ConvertOpToLLVMPattern<nvgpu::DeviceAsyncCopyOp> {
  AsyncCopyPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(nvgpu::DeviceAsyncCopyOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto to = cast<MemRefType>(op.getDst().getType()), from = cast<MemRefType>(op.getSrc().getType());
    Type element = memoryType(getTypeConverter()->convertType(to.getElementType()));
    int64_t size = elementBytes(to.getElementType()), bytes = op.getDstElements().getZExtValue() * size; // 4, 8 or 16, says the verifier
    Value target = elementAddress(rewriter, loc, to, element, adaptor.getDst(), adaptor.getDstIndices());
    Value source = elementAddress(rewriter, loc, from, element, adaptor.getSrc(), adaptor.getSrcIndices());
    source = LLVM::AddrSpaceCastOp::create(rewriter, loc, LLVM::LLVMPointerType::get(getContext(), unsigned(NVVM::NVVMMemorySpace::Global)), source);
    // What is not copied of the last piece is filled with zeros.
    Value given;
    if (Value count = adaptor.getSrcElements()) {
      given = LLVM::MulOp::create(rewriter, loc, count, LLVM::ConstantOp::create(rewriter, loc, rewriter.getIntegerAttr(count.getType(), size)));
      if (given.getType() != rewriter.getI32Type())
        given = LLVM::TruncOp::create(rewriter, loc, rewriter.getI32Type(), given);
    }
    auto cache = op.getBypassL1() && bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
    NVVM::CpAsyncOp::create(rewriter, loc, target, source, bytes, cache, given);
    // The token only orders ops; the conversion of groups drops it.
    rewriter.replaceOp(op, LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(0)));
    return success();
  }
};

struct KernelPattern : ConvertOpToLLVMPattern<gpu::GPUFuncOp> {
  KernelPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}

  /// The global that stands for a buffer in shared memory.
  Value shared(ConversionPatternRewriter &rewriter, gpu::GPUFuncOp op, MemRefType type, unsigned number) const {
    Location loc = op.getLoc();
    Type element = memoryType(getTypeConverter()->convertType(type.getElementType()));
    Type array = LLVM::LLVMArrayType::get(element, type.getNumElements());
    std::string name = ("shared." + op.getName() + "." + Twine(number)).str();
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(op->getParentOfType<gpu::GPUModuleOp>().getBody());
      LLVM::GlobalOp::create(rewriter, loc, array, /*isConstant=*/false, LLVM::Linkage::Internal, name, Attribute(), /*alignment=*/16, unsigned(NVVM::NVVMMemorySpace::Shared));
    }
    return LLVM::AddressOfOp::create(rewriter, loc, LLVM::LLVMPointerType::get(getContext(), unsigned(NVVM::NVVMMemorySpace::Shared)), name);
  }

  LogicalResult matchAndRewrite(gpu::GPUFuncOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    unsigned inputs = op.getFunctionType().getNumInputs(), arguments = op.getBody().getNumArguments();
    TypeConverter::SignatureConversion signature(arguments);
    for (unsigned i = 0; i < inputs; ++i) {
      Type type = getTypeConverter()->convertType(op.getFunctionType().getInput(i));
      if (!type)
        return op.emitError("stage gpu-to-nvvm: a kernel's argument of type ") << op.getFunctionType().getInput(i) << " is not supported on this target";
      signature.addInputs(i, type);
    }
    rewriter.setInsertionPointToStart(&op.getBody().front());
    for (auto [i, buffer] : llvm::enumerate(op.getWorkgroupAttributions()))
      signature.remapInput(inputs + i, shared(rewriter, op, cast<MemRefType>(buffer.getType()), i));
    for (BlockArgument buffer : op.getPrivateAttributions()) {
      auto type = cast<MemRefType>(buffer.getType());
      Type element = memoryType(getTypeConverter()->convertType(type.getElementType()));
      Value count = LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(type.getNumElements()));
      signature.remapInput(buffer.getArgNumber(), LLVM::AllocaOp::create(rewriter, loc, LLVM::LLVMPointerType::get(getContext()), element, count, /*alignment=*/16).getResult());
    }

    rewriter.setInsertionPoint(op);
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(getContext()), signature.getConvertedTypes());
    auto kernel = LLVM::LLVMFuncOp::create(rewriter, loc, op.getName(), type);
    kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), rewriter.getUnitAttr());
    kernel->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), rewriter.getUnitAttr());
    if (auto size = op.getKnownBlockSize())
      kernel->setAttr(NVVM::NVVMDialect::getReqntidAttrName(), rewriter.getDenseI32ArrayAttr(*size));
    if (Attribute blocks = op->getAttr(NVVM::NVVMDialect::getMinctasmAttrName())) // how many are to fit a multiprocessor
      kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), blocks);
    setArgumentAttributes(op, kernel);
    // A tensor map is passed by value.
    for (unsigned i = 0; i < inputs; ++i)
      if (op.getArgAttr(i, kTensorMap)) {
        kernel.setArgAttr(i, LLVM::LLVMDialect::getByValAttrName(), TypeAttr::get(LLVM::LLVMArrayType::get(rewriter.getI8Type(), 128)));
        kernel.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), rewriter.getI64IntegerAttr(64));
        kernel.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(), rewriter.getUnitAttr());
      }
    rewriter.inlineRegionBefore(op.getBody(), kernel.getBody(), kernel.end());
    if (failed(rewriter.convertRegionTypes(&kernel.getBody(), *getTypeConverter(), &signature)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

struct ReturnPattern : ConvertOpToLLVMPattern<gpu::ReturnOp> {
  ReturnPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(gpu::ReturnOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::ReturnOp>(op, ValueRange());
    return success();
  }
};
} // namespace

int64_t cell::startAlignment(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset, size = elementBytes(type.getElementType());
  if (!type.hasStaticShape() || !type.getNumElements() || failed(type.getStridesAndOffset(strides, offset)) || ShapedType::isDynamic(offset))
    return size;
  int64_t bytes = offset * size, whole = std::min<int64_t>(16, llvm::PowerOf2Ceil(type.getNumElements() * size));
  return bytes ? std::min(whole, bytes & -bytes) : whole;
}

void cell::setArgumentAttributes(gpu::GPUFuncOp from, LLVM::LLVMFuncOp to) {
  Builder builder(from.getContext());
  for (auto [i, type] : llvm::enumerate(from.getFunctionType().getInputs())) {
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref || from.getArgAttr(i, kTensorMap)) // by value
      continue;
    for (StringRef name : {LLVM::LLVMDialect::getNoAliasAttrName(), LLVM::LLVMDialect::getReadonlyAttrName()})
      if (from.getArgAttr(i, name))
        to.setArgAttr(i, name, builder.getUnitAttr());
    to.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), builder.getI64IntegerAttr(startAlignment(memref)));
  }
}

LogicalResult cell::checkDeviceMemory(Operation *op) {
  if (auto atomic = dyn_cast<memref::AtomicRMWOp>(op); atomic && (!atomicKind(atomic.getKind()) || atomic.getType().isInteger(1)))
    return op->emitError("stage gpu-to-nvvm: an atomic ") << arith::stringifyAtomicRMWKind(atomic.getKind()) << " of " << atomic.getType() << " is not supported on this target";
  return success();
}

void cell::populateDeviceMemoryPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<VectorLoadPattern, VectorStorePattern, AtomicPattern, LdMatrixPattern, MmaPattern, AsyncCopyPattern>(converter);
}

void cell::populateKernelPattern(const LLVMTypeConverter &converter, RewritePatternSet &patterns) { patterns.add<KernelPattern, ReturnPattern>(converter); }
