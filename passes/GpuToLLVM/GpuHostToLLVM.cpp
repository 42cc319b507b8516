//===- GpuHostToLLVM.cpp - the host part of stage gpu to the LLVM dialect -===//
#include "passes/GpuToLLVM/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/FinalizeHost.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"
#include "passes/LinalgToLLVM/Routines.h"
#include "runtime/gpu/cellgrad_gpu.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace mlir::cell {
#define GEN_PASS_DEF_GPUHOSTTOLLVM
#include "passes/GpuToLLVM/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
constexpr StringRef kProgram = "cg_gpu_program";

/// Stack memory of a function for its calls of the runtime, which all copy what they are given before they return.
struct Slots {
  Value values, pointers, shape; // 8 bytes per kernel argument, their addresses; blocks, threads and shared memory
  Value maps;                    // tensor maps, if there are launches with some
};
using SlotsOf = llvm::DenseMap<Operation *, Slots>;


Value element(OpBuilder &builder, Location loc, Type type, Value array, int32_t i) {
  return i ? LLVM::GEPOp::create(builder, loc, array.getType(), type, array, ArrayRef<LLVM::GEPArg>{i}, LLVM::GEPNoWrapFlags::inbounds).getResult() : array;
}

/// On a launch: for each argument the dictionary of its tensor map, or a unit.
constexpr StringRef kTensorMaps = "cell.tensor_maps";
constexpr int64_t kMapBytes = 128, kMapAlignment = 64;

DictionaryAttr mapOf(gpu::LaunchFuncOp launch, unsigned argument) {
  auto maps = launch->getAttrOfType<ArrayAttr>(kTensorMaps);
  return maps && argument < maps.size() ? dyn_cast<DictionaryAttr>(maps[argument]) : DictionaryAttr();
}

unsigned mapsOf(gpu::LaunchFuncOp launch) {
  unsigned count = 0;
  for (unsigned i = 0; i < launch.getNumKernelOperands(); ++i)
    count += bool(mapOf(launch, i));
  return count;
}

/// What cg_gpu_tensor_map takes; empty where the dictionary or the buffer is not of the form that it has.
SmallVector<int64_t> mapRecord(DictionaryAttr map, Type buffer) {
  auto type = dyn_cast<MemRefType>(buffer);
  auto sizes = map.getAs<DenseI64ArrayAttr>("sizes"), strides = map.getAs<DenseI64ArrayAttr>("strides"), box = map.getAs<DenseI64ArrayAttr>("box");
  if (!type || !(type.getElementType().isF16() || type.getElementType().isBF16()) || !sizes || !strides || !box || sizes.empty() || sizes.size() > 5 ||
      strides.size() != sizes.size() || box.size() != sizes.size())
    return {};
  SmallVector<int64_t> record{type.getElementType().isF16() ? CG_PRODUCT_F16 : CG_PRODUCT_BF16, sizes.size()};
  for (DenseI64ArrayAttr part : {sizes, strides, box})
    record.append(part.asArrayRef().begin(), part.asArrayRef().end());
  return record;
}

/// Makes the stack memory that launches and reads of `func` need, at its start.
void makeSlots(func::FuncOp func, SlotsOf &slots) {
  SmallVector<Operation *> users;
  unsigned most = 0, maps = 0;
  func.walk([&](Operation *op) {
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op)) {
      most = std::max<unsigned>(most, launch.getNumKernelOperands());
      maps = std::max(maps, mapsOf(launch));
    }
    if (isa<gpu::LaunchFuncOp, memref::LoadOp>(op))
      users.push_back(op);
  });
  if (users.empty())
    return;
  OpBuilder builder(func.getContext());
  builder.setInsertionPointToStart(&func.getBody().front());
  Location loc = func.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(func.getContext()), i64 = builder.getI64Type();
  Slots made;
  made.values = LLVM::AllocaOp::create(builder, loc, pointer, i64, constantI64(builder, loc, std::max(most, 1u)));
  made.pointers = LLVM::AllocaOp::create(builder, loc, pointer, pointer, constantI64(builder, loc, std::max(most, 1u)));
  made.shape = LLVM::AllocaOp::create(builder, loc, pointer, builder.getI32Type(), constantI64(builder, loc, 7));
  if (maps)
    made.maps = LLVM::AllocaOp::create(builder, loc, pointer, builder.getI8Type(), constantI64(builder, loc, maps * kMapBytes), kMapAlignment);
  for (unsigned i = 0; i < most; ++i)
    LLVM::StoreOp::create(builder, loc, element(builder, loc, i64, made.values, i), element(builder, loc, pointer, made.pointers, i));
  for (Operation *op : users)
    slots[op] = made;
}

Value programAddress(OpBuilder &builder, Location loc) { return LLVM::AddressOfOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), kProgram); }

/// The number of a kernel: its place among the kernels of the module.
int64_t kernelNumber(gpu::LaunchFuncOp launch) {
  auto kernels = launch->getParentOfType<ModuleOp>().lookupSymbol<gpu::GPUModuleOp>(launch.getKernelModuleName());
  int64_t number = 0;
  for (Operation &op : kernels.getBody()->getOperations()) {
    if (!op.hasAttr(gpu::GPUDialect::getKernelFuncAttrName()))
      continue;
    if (SymbolTable::getSymbolName(&op) == launch.getKernelName())
      return number;
    ++number;
  }
  return -1;
}

struct LaunchPattern : ConvertOpToLLVMPattern<gpu::LaunchFuncOp> {
  LaunchPattern(const LLVMTypeConverter &converter, const SlotsOf &slots) : ConvertOpToLLVMPattern(converter), slots(slots) {}
  const SlotsOf &slots;

  LogicalResult matchAndRewrite(gpu::LaunchFuncOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(getContext()), i64 = rewriter.getI64Type(), i32 = rewriter.getI32Type();
    const Slots &slot = slots.at(op);
    auto module = op->getParentOfType<ModuleOp>();
    unsigned maps = 0;
    for (auto [i, value] : llvm::enumerate(adaptor.getKernelOperands())) {
      if (DictionaryAttr map = mapOf(op, i)) {
        Value record = parameterArray(rewriter, loc, module, mapRecord(map, op.getKernelOperand(i).getType()));
        Value memory = element(rewriter, loc, rewriter.getI8Type(), slot.maps, kMapBytes * maps++);
        LLVM::LLVMFuncOp encode = declareRuntime(rewriter, module, "cg_gpu_tensor_map", {pointer, pointer, pointer});
        LLVM::CallOp::create(rewriter, loc, encode, ValueRange{record, value, memory});
        LLVM::StoreOp::create(rewriter, loc, memory, element(rewriter, loc, pointer, slot.pointers, i));
        continue;
      }
      // A bool is a byte.
      Value stored = value.getType().isInteger(1) ? LLVM::ZExtOp::create(rewriter, loc, rewriter.getI8Type(), value).getResult() : value;
      LLVM::StoreOp::create(rewriter, loc, stored, element(rewriter, loc, i64, slot.values, i));
    }
    Value sizes[] = {adaptor.getGridSizeX(), adaptor.getGridSizeY(), adaptor.getGridSizeZ(), adaptor.getBlockSizeX(), adaptor.getBlockSizeY(), adaptor.getBlockSizeZ()};
    for (auto [i, size] : llvm::enumerate(sizes)) {
      Value narrow = size.getType() == i32 ? size : LLVM::TruncOp::create(rewriter, loc, i32, size).getResult();
      LLVM::StoreOp::create(rewriter, loc, narrow, element(rewriter, loc, i32, slot.shape, i));
    }
    Value shared = adaptor.getDynamicSharedMemorySize();
    if (!shared)
      shared = LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(0));
    LLVM::StoreOp::create(rewriter, loc, shared, element(rewriter, loc, i32, slot.shape, 6));
    LLVM::LLVMFuncOp launch = declareRuntime(rewriter, module, "cg_gpu_launch", {pointer, i64, pointer, pointer});
    LLVM::CallOp::create(rewriter, loc, launch, ValueRange{programAddress(rewriter, loc), constantI64(rewriter, loc, kernelNumber(op)), slot.shape, slot.pointers});
    // The next launch finds the places of its values again.
    for (unsigned i = 0; maps && i < op.getNumKernelOperands(); ++i)
      if (mapOf(op, i))
        LLVM::StoreOp::create(rewriter, loc, element(rewriter, loc, i64, slot.values, i), element(rewriter, loc, pointer, slot.pointers, i));
    rewriter.eraseOp(op);
    return success();
  }
};

/// A load of device memory waits for it.
struct ReadPattern : ConvertOpToLLVMPattern<memref::LoadOp> {
  ReadPattern(const LLVMTypeConverter &converter, const SlotsOf &slots) : ConvertOpToLLVMPattern(converter, /*benefit=*/2), slots(slots) {}
  const SlotsOf &slots;

  LogicalResult matchAndRewrite(memref::LoadOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MemRefType memref = op.getMemRefType();
    Type pointer = LLVM::LLVMPointerType::get(getContext()), type = getTypeConverter()->convertType(op.getType());
    Type memory = memoryType(type);
    Value address = elementAddress(rewriter, loc, memref, memory, adaptor.getMemref(), adaptor.getIndices());
    Value slot = slots.at(op).values;
    LLVM::LLVMFuncOp read = declareRuntime(rewriter, op->getParentOfType<ModuleOp>(), "cg_gpu_read", {pointer, pointer, rewriter.getI64Type()});
    LLVM::CallOp::create(rewriter, loc, read, ValueRange{slot, address, constantI64(rewriter, loc, elementBytes(memref.getElementType()))});
    Value value = LLVM::LoadOp::create(rewriter, loc, memory, slot);
    if (memory != type)
      value = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::ne, value, LLVM::ConstantOp::create(rewriter, loc, rewriter.getI8IntegerAttr(0)));
    rewriter.replaceOp(op, value);
    return success();
  }
};

struct CopyPattern : ConvertOpToLLVMPattern<memref::CopyOp> {
  CopyPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(memref::CopyOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    int64_t bytes = contiguousBytes(cast<MemRefType>(op.getSource().getType()));
    if (bytes) {
      Type pointer = LLVM::LLVMPointerType::get(getContext());
      LLVM::LLVMFuncOp copy = declareRuntime(rewriter, op->getParentOfType<ModuleOp>(), "cg_gpu_copy", {pointer, pointer, rewriter.getI64Type()});
      LLVM::CallOp::create(rewriter, op.getLoc(), copy, ValueRange{adaptor.getTarget(), adaptor.getSource(), constantI64(rewriter, op.getLoc(), bytes)});
    }
    rewriter.eraseOp(op);
    return success();
  }
};

/// Products by a library: the record, the memory of the factors, of the bias or none, of the library, and of the result.
struct ProductPattern : ConvertOpToLLVMPattern<cellrt::CallOp> {
  ProductPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(cellrt::CallOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto module = op->getParentOfType<ModuleOp>();
    Type pointer = LLVM::LLVMPointerType::get(getContext());
    ValueRange ins = adaptor.getIns();
    Value bias = ins.size() == 4 ? ins[2] : LLVM::ZeroOp::create(rewriter, loc, pointer).getResult();
    LLVM::LLVMFuncOp product = declareRuntime(rewriter, module, "cg_gpu_product", SmallVector<Type>(6, pointer));
    Value record = parameterArray(rewriter, loc, module, op.getParams());
    LLVM::CallOp::create(rewriter, loc, product, ValueRange{record, ins[0], ins[1], bias, ins.back(), adaptor.getOuts()[0]});
    rewriter.eraseOp(op);
    return success();
  }
};

/// Constants are kept in the object and uploaded once.
struct ConstantPattern : ConvertOpToLLVMPattern<memref::GetGlobalOp> {
  ConstantPattern(const LLVMTypeConverter &converter) : ConvertOpToLLVMPattern(converter, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(memref::GetGlobalOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(getContext());
    LLVM::LLVMFuncOp constant = declareRuntime(rewriter, op->getParentOfType<ModuleOp>(), "cg_gpu_constant", {pointer, pointer, rewriter.getI64Type()}, pointer);
    Value host = LLVM::AddressOfOp::create(rewriter, loc, pointer, op.getName());
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(op, constant, ValueRange{programAddress(rewriter, loc), host, constantI64(rewriter, loc, contiguousBytes(op.getType()))});
    return success();
  }
};

/// Reports what stage gpu must not contain, before anything was rewritten.
LogicalResult checkHost(ModuleOp module) {
  auto devices = module.getOps<gpu::GPUModuleOp>();
  if (std::distance(devices.begin(), devices.end()) > 1)
    return (*std::next(devices.begin())).emitError("stage gpu-host-to-llvm: a program has one gpu.module, and this is the second");
  WalkResult result = module.walk<WalkOrder::PreOrder>([](Operation *op) {
    if (isa<gpu::GPUModuleOp>(op))
      return WalkResult::skip();
    auto refuse = [&](const char *why) {
      op->emitError("stage gpu-host-to-llvm: '") << op->getName() << "' " << why;
      return WalkResult::interrupt();
    };
    if (auto call = dyn_cast<cellrt::CallOp>(op); call && call.getRoutine() != "library_product")
      return op->emitError("stage gpu-host-to-llvm: '") << cast<cellrt::CallOp>(op).getRoutine() << "' has no lowering for the GPU", WalkResult::interrupt();
    if (isa<cellrt::LaunchOp>(op))
      return refuse("is a loop of the CPU");
    if (isa<memref::StoreOp>(op))
      return refuse("on the host would write device memory");
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      if (!cast<MemRefType>(copy.getSource().getType()).areTrailingDimsContiguous(cast<MemRefType>(copy.getSource().getType()).getRank()) ||
          !cast<MemRefType>(copy.getTarget().getType()).areTrailingDimsContiguous(cast<MemRefType>(copy.getTarget().getType()).getRank()))
        return refuse("between buffers that are not contiguous is not supported on the host");
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op)) {
      if (launch.getAsyncToken() || !launch.getAsyncDependencies().empty() || launch.getAsyncObject() || launch.hasClusterSize())
        return refuse("with tokens, streams or clusters is not supported");
      for (unsigned i = 0; i < launch.getNumKernelOperands(); ++i)
        if (DictionaryAttr map = mapOf(launch, i); map && mapRecord(map, launch.getKernelOperand(i).getType()).empty())
          return refuse("has a tensor map that is not one of 1 to 5 sizes, strides and a box of a buffer of f16 or bf16");
      auto kernels = launch->getParentOfType<ModuleOp>().lookupSymbol<gpu::GPUModuleOp>(launch.getKernelModuleName());
      if (!kernels || kernelNumber(launch) < 0)
        return refuse("names no kernel of this module");
      gpu::KernelDim3 grid = launch.getGridSizeOperandValues(), block = launch.getBlockSizeOperandValues();
      const std::pair<Value, int64_t> sizes[] = {{grid.x, INT32_MAX}, {grid.y, 65535}, {grid.z, 65535}, {block.x, 1024}, {block.y, 1024}, {block.z, 64}};
      int64_t threads = 1;
      for (auto [i, size] : llvm::enumerate(sizes)) {
        std::optional<int64_t> known = getConstantIntValue(size.first);
        if (known && (*known < 1 || *known > size.second))
          return refuse("has a grid or a block that no GPU takes (at most 2147483647 x 65535 x 65535 blocks of 1024 x 1024 x 64 threads)");
        threads *= i < 3 ? 1 : known.value_or(1);
      }
      if (threads > 1024)
        return refuse("has blocks of more than 1024 threads");
      for (Type type : launch.getKernelOperands().getTypes())
        if (!isa<MemRefType, IndexType>(type) && !(type.isIntOrFloat() && type.getIntOrFloatBitWidth() <= 64))
          return refuse("has an argument that is neither a buffer nor a number");
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

struct GpuHostToLLVM : cell::impl::GpuHostToLLVMBase<GpuHostToLLVM> {
  void getDependentDialects(DialectRegistry &registry) const override {
    registerLinalgToLLVMDialects(registry);
    registry.insert<gpu::GPUDialect>();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    noteTensorMaps(module);
    if (failed(checkHost(module)))
      return signalPassFailure();
    // Every run launches the same kernels if nothing is read back.
    WalkResult varying = module.walk<WalkOrder::PreOrder>([](Operation *op) {
      if (isa<gpu::GPUModuleOp>(op))
        return WalkResult::skip();
      return isa<memref::LoadOp, cellrt::TapeCreateOp, cellrt::PrintOp, cellrt::AssertOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (!varying.wasInterrupted())
      module->setAttr("cell.gpu_fixed", UnitAttr::get(&getContext()));
    SlotsOf slots;
    for (auto func : module.getOps<func::FuncOp>())
      makeSlots(func, slots);
    // Declared here, filled by code generation: its fields are those of runtime/gpu/cellgrad_gpu.h.
    OpBuilder builder(&getContext());
    builder.setInsertionPointToStart(module.getBody());
    Type pointer = LLVM::LLVMPointerType::get(&getContext()), i64 = builder.getI64Type();
    auto type = LLVM::LLVMStructType::getLiteral(&getContext(), {pointer, i64, pointer, pointer, pointer, pointer, i64, i64, pointer});
    LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/false, LLVM::Linkage::External, kProgram, Attribute());

    auto isKnown = [](Operation *op) { return isa<gpu::LaunchFuncOp>(op); };
    auto isOpaque = [](Operation *op) { return isa<gpu::GPUModuleOp>(op); };
    auto configure = [](ConversionTarget &target) {
      target.addLegalOp<gpu::GPUModuleOp>();
      target.markOpRecursivelyLegal<gpu::GPUModuleOp>();
    };
    auto populate = [&](const LLVMTypeConverter &converter, RewritePatternSet &patterns) {
      patterns.add<LaunchPattern, ReadPattern>(converter, slots);
      patterns.add<CopyPattern, ConstantPattern, ProductPattern>(converter);
    };
    HostTarget gpu{"gpu-host-to-llvm", "GPU's host"};
    gpu.isKnown = isKnown;
    gpu.isOpaque = isOpaque;
    gpu.configure = configure;
    gpu.populate = populate;
    gpu.effects = {"cg_gpu_tape_create", "cg_gpu_print"};
    gpu.canFail = true;
    if (failed(finalizeHost(module, gpu)))
      signalPassFailure();
  }
};
} // namespace

void cell::noteTensorMaps(ModuleOp module) {
  module.walk([&](gpu::LaunchFuncOp launch) {
    auto kernel = SymbolTable::lookupNearestSymbolFrom<gpu::GPUFuncOp>(module, launch.getKernel());
    if (!kernel)
      return;
    SmallVector<Attribute> maps;
    bool any = false;
    for (unsigned i = 0; i < kernel.getFunctionType().getNumInputs(); ++i) {
      Attribute map = kernel.getArgAttr(i, kTensorMap);
      any |= bool(map);
      maps.push_back(map ? map : UnitAttr::get(module.getContext()));
    }
    if (any)
      launch->setAttr(kTensorMaps, ArrayAttr::get(module.getContext(), maps));
  });
}
