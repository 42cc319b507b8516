//===- AscendToSim.cpp - kernels to functions that the simulator runs ------===//
#include "dialect/Ascend/Ascend.h"
#include "passes/AscendToSim/Issue.h"
#include "passes/AscendToSim/Passes.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/FinalizeHost.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"
#include "runtime/ascend_sim/ascend_sim.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::cell {
#define GEN_PASS_DEF_ASCENDTOSIM
#include "passes/AscendToSim/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Reports the first operation of a kernel that this stage has no lowering for, at its own location.
LogicalResult checkLowerable(func::FuncOp kernel, ascend::Core core) {
  bool general = core == ascend::Core::AICPU;
  WalkResult result = kernel.walk([&](Operation *op) {
    if (isa<ascend::MmadL1Op>(op)) {
      op->emitError("stage ascend-to-sim: ascend.mmad_l1 must be decomposed first (pass ascend-decompose)");
      return WalkResult::interrupt();
    }
    bool known = op == kernel ||
                 isa_and_nonnull<arith::ArithDialect, cf::ControlFlowDialect, math::MathDialect, scf::SCFDialect, ub::UBDialect, ascend::AscendDialect>(op->getDialect()) ||
                 isa<func::ReturnOp, memref::LoadOp, memref::SubViewOp, memref::ReinterpretCastOp, memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp, memref::DimOp,
                     memref::MemorySpaceCastOp, memref::GetGlobalOp, memref::GlobalOp>(op) ||
                 (general ? isa<memref::StoreOp, memref::AllocaOp>(op) : isa<memref::AllocOp>(op));
    bool views = isa<scf::SCFDialect>(op->getDialect()) && llvm::any_of(op->getResultTypes(), llvm::IsaPred<BaseMemRefType>);
    if (known && !views)
      return WalkResult::advance();
    auto diag = op->emitError("stage ascend-to-sim: '") << op->getName() << "' cannot be simulated in a kernel of the " << ascend::stringifyCore(core) << " core";
    if (views)
      diag << " with buffers as results";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

Value constantI32(OpBuilder &builder, Location loc, int64_t value) { return LLVM::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(int32_t(value))); }

/// A constant structure of numbers, strings and arrays.
class Record {
public:
  Record(OpBuilder &builder, Location loc, StringRef name) : builder(builder), loc(loc), name(name.str()), pointer(LLVM::LLVMPointerType::get(builder.getContext())) {}
  void number(int64_t value) { fields.push_back({builder.getI32Type(), value, {}}); }
  void array(Type type, Attribute value) {
    std::string part = name + "." + std::to_string(fields.size());
    LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Private, part, value);
    fields.push_back({pointer, 0, part});
  }
  void text(StringRef value) { array(LLVM::LLVMArrayType::get(builder.getI8Type(), value.size()), builder.getStringAttr(value)); }
  template <typename T> void numbers(ArrayRef<T> values) {
    SmallVector<T> some(values);
    some.resize(std::max<size_t>(some.size(), 1));
    auto element = builder.getIntegerType(sizeof(T) * 8);
    array(LLVM::LLVMArrayType::get(element, some.size()), DenseElementsAttr::get(RankedTensorType::get({int64_t(some.size())}, element), ArrayRef<T>(some)));
  }
  void define() {
    SmallVector<Type> types;
    for (const Field &field : fields)
      types.push_back(field.type);
    auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(), types);
    auto global = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::External, name, Attribute());
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&global.getInitializerRegion());
    Value record = LLVM::UndefOp::create(builder, loc, type);
    for (auto [i, field] : llvm::enumerate(fields)) {
      Value value = field.part.empty() ? constantI32(builder, loc, field.value) : LLVM::AddressOfOp::create(builder, loc, pointer, field.part).getResult();
      record = LLVM::InsertValueOp::create(builder, loc, record, value, int64_t(i));
    }
    LLVM::ReturnOp::create(builder, loc, record);
  }

private:
  struct Field {
    Type type;
    int64_t value;
    std::string part;
  };
  OpBuilder &builder;
  Location loc;
  std::string name;
  Type pointer;
  SmallVector<Field> fields;
};

/// A view of dynamic size is a pointer as well: who needs the size asks the operation that made it.
void addDynamicViews(LLVMTypeConverter &converter) {
  converter.addConversion([](MemRefType type) -> std::optional<Type> {
    SmallVector<int64_t> strides;
    int64_t offset;
    if (type.hasStaticShape() || failed(type.getStridesAndOffset(strides, offset)) || llvm::any_of(strides, ShapedType::isDynamic))
      return std::nullopt;
    return LLVM::LLVMPointerType::get(type.getContext());
  });
}

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
    Type pointer = LLVM::LLVMPointerType::get(getContext());
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(&op->getParentOfType<LLVM::LLVMFuncOp>().getBody().front());
    Value bytes = constantI32(rewriter, op.getLoc(), std::max<int64_t>(contiguousBytes(op.getType()), 1));
    rewriter.replaceOp(op, LLVM::AllocaOp::create(rewriter, op.getLoc(), pointer, rewriter.getI8Type(), bytes, /*alignment=*/16));
    return success();
  }
};

/// Counts the scalar operations and the accesses of a general core's kernel, block by block, in variables that optimisation turns into values, and adds them to the
/// core's record where the kernel ends. Addresses are computed by the accesses themselves.
void countWork(LLVM::LLVMFuncOp function, Value core) {
  Location loc = function.getLoc();
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  Type i64 = builder.getI64Type(), pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value one = constantI32(builder, loc, 1), zero = LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(0));
  const size_t fields[] = {offsetof(cg_ascend_core, operations), offsetof(cg_ascend_core, accesses)};
  Value counters[2];
  for (Value &counter : counters)
    counter = LLVM::AllocaOp::create(builder, loc, pointer, i64, one, /*alignment=*/8);
  for (Value counter : counters)
    LLVM::StoreOp::create(builder, loc, zero, counter);
  auto add = [&](Value to, Value number) { LLVM::StoreOp::create(builder, loc, LLVM::AddOp::create(builder, loc, LLVM::LoadOp::create(builder, loc, i64, to), number), to); };
  for (Block &block : llvm::drop_begin(function.getBody())) {
    int64_t counts[2] = {};
    for (Operation &op : block) {
      bool isAccess = isa<memref::LoadOp, memref::StoreOp>(op);
      if (isAccess || isa<arith::ArithDialect, math::MathDialect, cf::ControlFlowDialect>(op.getDialect()))
        counts[isAccess] += !op.hasTrait<OpTrait::ConstantLike>();
    }
    builder.setInsertionPoint(block.getTerminator());
    for (auto [counter, count] : llvm::zip_equal(counters, counts))
      if (count)
        add(counter, LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(count)));
    if (isa<LLVM::ReturnOp>(block.getTerminator()))
      for (auto [counter, field] : llvm::zip_equal(counters, fields))
        add(LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), core, ArrayRef<LLVM::GEPArg>{int32_t(field)}), LLVM::LoadOp::create(builder, loc, i64, counter));
  }
}

struct AscendToSim : cell::impl::AscendToSimBase<AscendToSim> {
  using AscendToSimBase::AscendToSimBase;
  SmallVector<LLVM::LLVMFuncOp> general; // kernels of general cores

  void getDependentDialects(DialectRegistry &registry) const override {
    registerLinalgToLLVMDialects(registry);
    registry.insert<ub::UBDialect, cf::ControlFlowDialect, LLVM::LLVMDialect, arith::ArithDialect>();
  }

  /// Puts the body of a kernel into a function `void name(void **args, cg_ascend_core *core)`. Arguments are loaded there; their type is still the old one,
  /// by way of a cast that the conversion takes away.
  LogicalResult outline(func::FuncOp kernel, const LLVMTypeConverter &converter) {
    Location loc = kernel.getLoc();
    auto attribute = kernel->getAttrOfType<ascend::CoreAttr>(ascend::kCoreAttr);
    if (!attribute)
      return kernel.emitError("stage ascend-to-sim: the kernel does not say for which core it is (") << ascend::kCoreAttr << ")";
    ascend::Core core = attribute.getValue();
    if (failed(checkLowerable(kernel, core)))
      return failure();
    OpBuilder builder(kernel);
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()), {pointer, pointer});
    auto function = LLVM::LLVMFuncOp::create(builder, loc, kernel.getName(), type);
    function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), builder.getUnitAttr());
    Block *entry = function.addEntryBlock(builder);
    builder.setInsertionPointToStart(entry);
    Block &body = kernel.getBody().front();
    SmallVector<int32_t> valueBytes;
    SmallVector<int64_t> bufferBytes;
    for (auto [i, argument] : llvm::enumerate(body.getArguments())) {
      auto buffer = dyn_cast<MemRefType>(argument.getType());
      std::optional<int64_t> span = buffer ? spannedBytes(buffer) : std::optional<int64_t>(0);
      Type converted = converter.convertType(argument.getType());
      if (!span || !converted || !(isa<LLVM::LLVMPointerType>(converted) || converted.isIntOrFloat()))
        return kernel.emitError("stage ascend-to-sim: argument ") << i << " of the kernel has the type " << argument.getType() << "; kernels take memrefs of static shape and scalars";
      Type memory = memoryType(converted);
      valueBytes.push_back(buffer ? 8 : int32_t(llvm::divideCeil(memory.getIntOrFloatBitWidth(), 8)));
      bufferBytes.push_back(*span);
      Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, function.getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
      Value value = LLVM::LoadOp::create(builder, loc, memory, LLVM::LoadOp::create(builder, loc, pointer, slot));
      if (memory != converted)
        value = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::ne, value, LLVM::ZeroOp::create(builder, loc, memory).getResult());
      if (value.getType() != argument.getType())
        value = UnrealizedConversionCastOp::create(builder, loc, argument.getType(), value).getResult(0);
      argument.replaceAllUsesWith(value);
    }
    body.eraseArguments(0, body.getNumArguments());
    LLVM::BrOp::create(builder, loc, &body);
    function.getBody().getBlocks().splice(function.getBody().end(), kernel.getBody().getBlocks());
    function.walk([&](func::ReturnOp op) {
      OpBuilder at(op);
      LLVM::ReturnOp::create(at, op.getLoc(), ValueRange());
      op.erase();
    });
    if (core == ascend::Core::AICPU)
      general.push_back(function);
    auto blocks = kernel->getAttrOfType<IntegerAttr>(ascend::kBlockDimAttr);
    builder.setInsertionPointAfter(function);
    Record record(builder, loc, ("cg_ascend." + kernel.getName()).str());
    for (int64_t number : {int64_t(CG_ASCEND_VERSION), int64_t(core), blocks ? blocks.getInt() : 0, int64_t(valueBytes.size())})
      record.number(number);
    record.numbers<int32_t>(valueBytes);
    record.numbers<int64_t>(bufferBytes);
    record.define();
    kernel.erase();
    return issueOperations(function, core == ascend::Core::AICPU, function.getArgument(1));
  }

  static void describeTarget(gpu::GPUModuleOp kernels, const ascend::Target &chip) {
    OpBuilder builder = OpBuilder::atBlockBegin(kernels.getBody());
    std::string names;
    for (StringRef name : ascend::Target::getNumberNames())
      names += name.str() + '\0';
    Record record(builder, kernels.getLoc(), "cg_ascend_target");
    record.number(CG_ASCEND_VERSION);
    record.number(int64_t(ascend::Target::getNumberNames().size()));
    record.text(chip.chip + '\0');
    record.text(names);
    record.numbers<int64_t>(chip.getNumbers());
    record.define();
  }

  static void declareFunctions(gpu::GPUModuleOp kernels) {
    OpBuilder builder = OpBuilder::atBlockBegin(kernels.getBody());
    SymbolTable symbols(kernels);
    kernels.walk([&](LLVM::CallOp op) {
      std::optional<StringRef> name = op.getCallee();
      if (!name || symbols.lookup(*name))
        return;
      Type result = op.getNumResults() ? op.getResult().getType() : LLVM::LLVMVoidType::get(kernels.getContext());
      symbols.insert(LLVM::LLVMFuncOp::create(builder, kernels.getLoc(), *name, LLVM::LLVMFunctionType::get(result, llvm::to_vector(op.getArgOperands().getTypes()))));
    });
  }

  LogicalResult lower(gpu::GPUModuleOp kernels) {
    MLIRContext *context = &getContext();
    LowerToLLVMOptions options(context);
    LLVMTypeConverter converter(context, options);
    addPointerConversions(converter);
    addDynamicViews(converter);
    // All memory is this processor's.
    converter.addTypeAttributeConversion([](BaseMemRefType, Attribute space) { return Attribute(IntegerAttr::get(IntegerType::get(space.getContext(), 64), 0)); });
    ascend::Target chip = ascend::Target::get(kernels);
    general.clear();
    for (auto kernel : llvm::make_early_inc_range(kernels.getOps<func::FuncOp>()))
      if (failed(outline(kernel, converter)))
        return failure();
    ConversionConfig config;
    config.allowPatternRollback = false;
    if (failed(expandScalars(kernels, config)))
      return failure();
    for (LLVM::LLVMFuncOp function : general) // blocks instead of loops by now
      countWork(function, function.getArgument(1));
    RewritePatternSet patterns(context);
    populateMemRefToPointersPatterns(converter, patterns);
    patterns.add<SpaceCastPattern, AllocaPattern>(converter);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/false, /*benefit=*/2);
    populateMathToLibmConversionPatterns(patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<gpu::GPUModuleOp>();
    if (failed(applyFullConversion(kernels, target, std::move(patterns), config)))
      return failure();
    SmallVector<UnrealizedConversionCastOp> casts;
    kernels.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
    reconcileUnrealizedCasts(casts);
    declareFunctions(kernels);
    describeTarget(kernels, chip);
    // Code generation asks for the chip's name; the numbers are in the image.
    kernels->removeAttr(ascend::kTargetAttr);
    kernels->setAttr("cell.chip", StringAttr::get(context, chip.chip));
    return success();
  }

  void runOnOperation() override {
    for (auto kernels : llvm::make_early_inc_range(getOperation().getOps<gpu::GPUModuleOp>()))
      if (failed(lower(kernels)))
        return signalPassFailure();
  }
};
} // namespace
