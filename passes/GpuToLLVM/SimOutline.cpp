//===- SimOutline.cpp - the functions that a kernel becomes ---------------===//
#include "passes/GpuToLLVM/DevicePatterns.h"
#include "passes/GpuToLLVM/SimPatterns.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"
#include "runtime/gpu_sim/gpu_sim.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// The constant `cg_sim.<name>`, a cg_sim_kernel.
void describeKernel(OpBuilder &builder, Location loc, StringRef name, int32_t cooperative, ArrayRef<int32_t> block, ArrayRef<int32_t> argumentBytes, ArrayRef<int32_t> alignments,
                    int64_t sharedBytes) {
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type(), pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto numbersOf = [&](StringRef what, ArrayRef<int32_t> given) {
    SmallVector<int32_t> values(given);
    values.resize(std::max<size_t>(given.size(), 1), 0);
    std::string symbol = ("cg_sim." + name + "." + what).str();
    LLVM::GlobalOp::create(builder, loc, LLVM::LLVMArrayType::get(i32, values.size()), /*isConstant=*/true, LLVM::Linkage::Private, symbol, builder.getI32TensorAttr(values));
    return symbol;
  };
  std::string lists[] = {numbersOf("bytes", argumentBytes), numbersOf("alignments", alignments)};
  auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(), {i32, i32, i32, i32, i32, i32, i64, pointer, pointer});
  auto global = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::External, ("cg_sim." + name).str(), Attribute());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&global.getInitializerRegion());
  Value record = LLVM::UndefOp::create(builder, loc, type);
  int32_t numbers[] = {CG_SIM_VERSION, cooperative, block[0], block[1], block[2], int32_t(argumentBytes.size())};
  for (auto [i, value] : llvm::enumerate(numbers))
    record = LLVM::InsertValueOp::create(builder, loc, record, sim::constantI32(builder, loc, value), i);
  record = LLVM::InsertValueOp::create(builder, loc, record, LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(sharedBytes)), 6);
  for (auto [i, symbol] : llvm::enumerate(lists))
    record = LLVM::InsertValueOp::create(builder, loc, record, LLVM::AddressOfOp::create(builder, loc, pointer, symbol), 7 + i);
  LLVM::ReturnOp::create(builder, loc, record);
}

/// `void name(void **args, cg_sim_thread *thread)`: loads the arguments and calls `body` with them and the thread's record.
void makeEntry(OpBuilder &builder, gpu::GPUFuncOp kernel, LLVM::LLVMFuncOp body, ArrayRef<Type> inMemory) {
  OpBuilder::InsertionGuard guard(builder);
  Location loc = kernel.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer, pointer});
  auto entry = LLVM::LLVMFuncOp::create(builder, loc, kernel.getName(), type);
  entry->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  builder.setInsertionPointToStart(entry.addEntryBlock(builder));
  SmallVector<Value> values;
  for (auto [i, memory] : llvm::enumerate(inMemory)) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, entry.getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    Value value = LLVM::LoadOp::create(builder, loc, pointer, slot);
    if (memory) // what is passed by value stays where it is
      value = LLVM::LoadOp::create(builder, loc, memory, value);
    if (memory && memory != body.getArgument(i).getType())
      value = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, value, LLVM::ZeroOp::create(builder, loc, memory).getResult());
    values.push_back(value);
  }
  values.push_back(entry.getArgument(1));
  LLVM::CallOp::create(builder, loc, body, values);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

/// What LLVM may take for granted of a function of the simulator: what the intrinsic says that does the same on the device. A barrier and what
/// waits for copies may touch all memory (except what LLVM takes for an argument's alone), a shuffle none, the others what they are given; what
/// the simulator keeps for itself a kernel cannot see.
void describeEffects(LLVM::LLVMFuncOp function) {
  StringRef name = function.getName();
  if (!name.starts_with("cg_sim_") || name.starts_with("cg_sim_body."))
    return;
  using LLVM::ModRefInfo;
  function.setNoUnwind(true);
  function.setConvergent(!name.starts_with("cg_sim_async") && name != "cg_sim_access");
  auto mark = [&](unsigned argument, ArrayRef<StringRef> attributes) {
    for (StringRef attribute : attributes)
      function.setArgAttr(argument, attribute, UnitAttr::get(function.getContext()));
  };
  constexpr llvm::StringLiteral readNone = "llvm.readnone", readOnly = "llvm.readonly", writeOnly = "llvm.writeonly", noCapture = "llvm.nocapture";
  if (name == "cg_sim_access")
    mark(2, {readNone, noCapture});
  else if (name == "cg_sim_ldmatrix")
    mark(3, {readOnly, noCapture});
  else if (name == "cg_sim_async_copy")
    mark(2, {writeOnly}), mark(3, {readOnly});
  else if (name != "cg_sim_shuffle" && name != "cg_sim_mma")
    return;
  ModRefInfo none = ModRefInfo::NoModRef, both = ModRefInfo::ModRef;
  function.setMemoryEffectsAttr(LLVM::MemoryEffectsAttr::get(function.getContext(), {/*other=*/none, /*argMem=*/both, /*inaccessibleMem=*/both, none, none, none}));
}
} // namespace

LogicalResult sim::outlineKernel(gpu::GPUFuncOp kernel, const LLVMTypeConverter &converter) {
  Location loc = kernel.getLoc();
  OpBuilder builder(kernel);
  Type pointer = LLVM::LLVMPointerType::get(kernel.getContext()), byte = builder.getI8Type();
  Block &body = kernel.getBody().front();
  SmallVector<Type> types, inMemory;
  SmallVector<int32_t> bytes, alignments;
  unsigned count = kernel.getNumArguments();
  for (BlockArgument argument : body.getArguments().take_front(count)) {
    if (kernel.getArgAttr(argument.getArgNumber(), sim::kTensorMap)) { // 128 bytes by value
      types.push_back(pointer);
      inMemory.push_back(Type());
      bytes.push_back(sim::kTensorMapBytes);
      alignments.push_back(0);
      continue;
    }
    Type converted = converter.convertType(argument.getType());
    if (!converted || !(isa<LLVM::LLVMPointerType>(converted) || converted.isIntOrFloat()))
      return kernel.emitError("stage gpu-to-sim: argument ")
             << argument.getArgNumber() << " of the kernel has the type " << argument.getType() << "; kernels take memrefs of static shape and scalars";
    auto buffer = dyn_cast<MemRefType>(argument.getType());
    Type memory = memoryType(converted);
    types.push_back(converted);
    inMemory.push_back(memory);
    bytes.push_back(buffer ? 8 : int32_t(llvm::divideCeil(memory.getIntOrFloatBitWidth(), 8)));
    alignments.push_back(buffer ? int32_t(startAlignment(buffer)) : 0);
  }
  types.push_back(pointer);
  auto function = LLVM::LLVMFuncOp::create(builder, loc, ("cg_sim_body." + kernel.getName()).str(), LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(kernel.getContext()), types),
                                           LLVM::Linkage::Internal, /*dsoLocal=*/true);
  function.setNoInline(true);
  setArgumentAttributes(kernel, function);
  int32_t cooperative = 0;
  kernel.walk([&](Operation *op) {
    cooperative |= isa<gpu::BarrierOp, gpu::ShuffleOp, nvgpu::MmaSyncOp, nvgpu::LdMatrixOp>(op) ? CG_SIM_WAITS : sim::isAsynchronous(op) ? CG_SIM_ASYNCHRONOUS : 0;
  });

  builder.setInsertionPointToStart(function.addEntryBlock(builder));
  auto give = [&](BlockArgument argument, Value value) {
    Value cast = value.getType() == argument.getType() ? value : UnrealizedConversionCastOp::create(builder, loc, argument.getType(), value).getResult(0);
    argument.replaceAllUsesWith(cast);
  };
  for (unsigned i = 0; i < count; ++i)
    give(body.getArgument(i), function.getArgument(i));
  unsigned workgroup = kernel.getNumWorkgroupAttributions();
  // On the device a static buffer is aligned to no more than this. The first one does not lie at the start of shared memory, which is aligned to more, so that who needs that is found.
  constexpr int64_t kStaticAlignment = 16, kMostStatic = 48 * 1024;
  int64_t all = kStaticAlignment, shared;
  for (BlockArgument argument : body.getArguments().slice(count, workgroup))
    all += llvm::alignTo(contiguousBytes(cast<MemRefType>(argument.getType())), kStaticAlignment);
  shared = workgroup && all <= kMostStatic ? kStaticAlignment : 0;
  for (unsigned i = count; i < body.getNumArguments(); ++i) {
    BlockArgument argument = body.getArgument(i);
    auto buffer = cast<MemRefType>(argument.getType());
    if (i >= count + workgroup) {
      give(argument, LLVM::AllocaOp::create(builder, loc, pointer, byte, sim::constantI32(builder, loc, contiguousBytes(buffer)), 16));
      continue;
    }
    Value base = sim::sharedBase(builder, loc, function.getArguments().back());
    give(argument, LLVM::GEPOp::create(builder, loc, pointer, byte, base, ArrayRef<LLVM::GEPArg>{int32_t(shared)}));
    shared = llvm::alignTo(shared + contiguousBytes(buffer), kStaticAlignment);
  }
  shared = sim::placeShared(builder, kernel, function.getArguments().back(), shared);
  body.eraseArguments(0, body.getNumArguments());
  LLVM::BrOp::create(builder, loc, &body);
  function.getBody().getBlocks().splice(function.getBody().end(), kernel.getBody().getBlocks());
  function.walk([&](gpu::ReturnOp op) {
    OpBuilder at(op);
    LLVM::ReturnOp::create(at, op.getLoc(), ValueRange());
    op.erase();
  });
  sim::markSums(function);
  builder.setInsertionPointAfter(function);
  SmallVector<int32_t> block(3, 0);
  if (std::optional<ArrayRef<int32_t>> known = kernel.getKnownBlockSize())
    block.assign(known->begin(), known->end());
  describeKernel(builder, loc, kernel.getName(), cooperative, block, bytes, alignments, shared);
  makeEntry(builder, kernel, function, inMemory);
  kernel.erase();
  return success();
}

void sim::declareFunctions(gpu::GPUModuleOp kernels) {
  OpBuilder builder = OpBuilder::atBlockBegin(kernels.getBody());
  SymbolTable symbols(kernels);
  kernels.walk([&](LLVM::CallOp op) {
    std::optional<StringRef> name = op.getCallee();
    if (!name || symbols.lookup(*name))
      return;
    Type result = op.getNumResults() ? op.getResult().getType() : LLVM::LLVMVoidType::get(kernels.getContext());
    auto type = LLVM::LLVMFunctionType::get(result, llvm::to_vector(op.getArgOperands().getTypes()));
    auto function = LLVM::LLVMFuncOp::create(builder, kernels.getLoc(), *name, type);
    symbols.insert(function);
    describeEffects(function);
  });
}
