//===- FinalizeCpu.cpp - memrefs, loops and scalars to the LLVM dialect ---===//
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/EffectsToLLVM.h"
#include "passes/LinalgToLLVM/MemRefToPointers.h"
#include "passes/LinalgToLLVM/Routines.h"
#include "passes/LinalgToLLVM/ScalarExpansions.h"
#include "passes/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::cell {
#define GEN_PASS_DEF_FINALIZECPU
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
Value constantI64(OpBuilder &builder, Location loc, int64_t value) {
  return LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value));
}

struct LaunchPattern : ConvertOpToLLVMPattern<cellrt::LaunchOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  /// void <kernel>_piece(void *context, i64 begin, i64 end): reads the kernel's arguments from the context.
  static LLVM::LLVMFuncOp piece(OpBuilder &builder, ModuleOp module, Location loc, StringRef kernel, LLVM::LLVMStructType context) {
    std::string name = (kernel + "_piece").str();
    if (auto func = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
      return func;
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module.getBody());
    Type pointer = LLVM::LLVMPointerType::get(builder.getContext()), i64 = builder.getI64Type();
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer, i64, i64});
    auto func = LLVM::LLVMFuncOp::create(builder, loc, name, type, LLVM::Linkage::Internal);
    Block *block = func.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    SmallVector<Value> args;
    for (auto [i, field] : llvm::enumerate(context.getBody())) {
      Value address = LLVM::GEPOp::create(builder, loc, pointer, context, block->getArgument(0), ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      args.push_back(LLVM::LoadOp::create(builder, loc, field, address));
    }
    args.append({block->getArgument(1), block->getArgument(2)});
    LLVM::CallOp::create(builder, loc, TypeRange(), kernel, args);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    return func;
  }

  LogicalResult matchAndRewrite(cellrt::LaunchOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value zero = constantI64(rewriter, loc, 0), size = constantI64(rewriter, loc, op.getSize());
    SmallVector<Value> args(adaptor.getArgs());
    if (!op.isParallel()) {
      args.append({zero, size});
      LLVM::CallOp::create(rewriter, loc, TypeRange(), op.getKernel(), args);
      rewriter.eraseOp(op);
      return success();
    }
    auto module = op->getParentOfType<ModuleOp>();
    auto context = LLVM::LLVMStructType::getLiteral(getContext(), SmallVector<Type>(ValueRange(args).getTypes()));
    LLVM::LLVMFuncOp body = piece(rewriter, module, loc, op.getKernel(), context);
    Type pointer = LLVM::LLVMPointerType::get(getContext()), i64 = rewriter.getI64Type();
    Value storage;
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(&op->getParentOfType<FunctionOpInterface>().getFunctionBody().front());
      storage = LLVM::AllocaOp::create(rewriter, loc, pointer, context, constantI64(rewriter, loc, 1));
    }
    for (auto [i, value] : llvm::enumerate(args)) {
      Value address = LLVM::GEPOp::create(rewriter, loc, pointer, context, storage, ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      LLVM::StoreOp::create(rewriter, loc, value, address);
    }
    Value function = LLVM::AddressOfOp::create(rewriter, loc, pointer, body.getName());
    Value grain = constantI64(rewriter, loc, op.getGrain());
    LLVM::LLVMFuncOp run = declareRuntime(rewriter, module, "cg_parallel_for", {pointer, pointer, i64, i64, i64});
    LLVM::CallOp::create(rewriter, loc, run, ValueRange{function, storage, zero, size, grain});
    rewriter.eraseOp(op);
    return success();
  }
};

struct RoutinePattern : ConvertOpToLLVMPattern<cellrt::CallOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(cellrt::CallOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    if (failed(lowerRoutine(rewriter, op, adaptor.getIns(), adaptor.getOuts())))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

/// Reports the first operation that this stage has no lowering for, at its own location.
LogicalResult checkLowerable(ModuleOp module) {
  LLVM::LLVMDialect *llvm = module.getContext()->getLoadedDialect<LLVM::LLVMDialect>();
  WalkResult result = module.walk([&](Operation *op) {
    bool known = isa_and_nonnull<arith::ArithDialect, cellrt::CellRtDialect, cf::ControlFlowDialect, func::FuncDialect, math::MathDialect, scf::SCFDialect>(op->getDialect()) ||
                 (llvm && op->getDialect() == llvm) ||
                 isa<ModuleOp, memref::LoadOp, memref::StoreOp, memref::SubViewOp, memref::ViewOp, memref::CopyOp, memref::DimOp, memref::GlobalOp, memref::GetGlobalOp,
                     memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp>(op);
    bool static_ = true;
    auto check = [&](Type type) {
      auto memref = dyn_cast<MemRefType>(type);
      static_ &= !memref || memref.hasStaticShape();
    };
    llvm::for_each(op->getOperandTypes(), check);
    llvm::for_each(op->getResultTypes(), check);
    if (known && static_)
      return WalkResult::advance();
    auto diag = op->emitError("stage finalize-cpu: '") << op->getName() << "' cannot be lowered for the CPU";
    if (op->getNumOperands())
      diag << "; operands of type " << llvm::to_vector(op->getOperandTypes());
    if (op->getNumResults())
      diag << "; results of type " << llvm::to_vector(op->getResultTypes());
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

struct FinalizeCpu : cell::impl::FinalizeCpuBase<FinalizeCpu> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  /// void cg_entry(void **args, void *arena), for a program with effects by way of cg_run, and the global i64 cg_arena_size.
  static LogicalResult addEntry(ModuleOp module, StringRef name, bool hasArena, int64_t arenaBytes, Effects effects) {
    auto entry = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
    if (!entry)
      return module.emitError("internal error: stage finalize-cpu: the entry '") << name << "' was not lowered";
    OpBuilder builder(module.getContext());
    Location loc = entry.getLoc();
    builder.setInsertionPointToEnd(module.getBody());
    Type pointer = LLVM::LLVMPointerType::get(module.getContext()), i64 = builder.getI64Type();
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()), {pointer, pointer});
    auto wrapper = effects.any ? LLVM::LLVMFuncOp::create(builder, loc, "cg_body", type, LLVM::Linkage::Internal) : LLVM::LLVMFuncOp::create(builder, loc, "cg_entry", type);
    Block *block = wrapper.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    SmallVector<Value> args;
    for (unsigned i = 0, e = entry.getNumArguments() - hasArena; i < e; ++i) {
      Value address = LLVM::GEPOp::create(builder, loc, pointer, pointer, block->getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)}, LLVM::GEPNoWrapFlags::inbounds);
      args.push_back(LLVM::LoadOp::create(builder, loc, pointer, address));
    }
    if (hasArena)
      args.push_back(block->getArgument(1));
    LLVM::CallOp::create(builder, loc, entry, args);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    if (effects.any) {
      LLVM::LLVMFuncOp run = declareRuntime(builder, module, "cg_run", {pointer, pointer, pointer});
      builder.setInsertionPointToEnd(module.getBody());
      block = LLVM::LLVMFuncOp::create(builder, loc, "cg_entry", type).addEntryBlock(builder);
      builder.setInsertionPointToStart(block);
      Value body = LLVM::AddressOfOp::create(builder, loc, pointer, wrapper.getName());
      LLVM::CallOp::create(builder, loc, run, ValueRange{body, block->getArgument(0), block->getArgument(1)});
      LLVM::ReturnOp::create(builder, loc, ValueRange());
    }
    builder.setInsertionPointToEnd(module.getBody());
    LLVM::GlobalOp::create(builder, loc, i64, /*isConstant=*/true, LLVM::Linkage::External, "cg_arena_size", builder.getI64IntegerAttr(arenaBytes));
    return success();
  }

  /// A user may call a function exp or malloc: nothing that the linker looks up by name may be hidden by it, so every name
  /// gets a dot, which no C symbol has.
  static LogicalResult renameFunctions(ModuleOp module) {
    for (auto func : module.getOps<func::FuncOp>()) {
      if (func.isExternal() || func.getName().contains('.'))
        continue;
      auto name = StringAttr::get(module.getContext(), "fn." + func.getName());
      if (failed(SymbolTable::replaceAllSymbolUses(func, name, module)))
        return failure();
      func.setSymNameAttr(name);
    }
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    func::FuncOp entry = findEntry(module);
    if (!entry || failed(renameFunctions(module)))
      return signalPassFailure();
    std::string entryName = entry.getName().str();
    unsigned arguments = entry.getNumArguments();
    bool hasArena = arguments && entry.getArgAttr(arguments - 1, cpu::kArenaArg);
    auto arena = module->getAttrOfType<IntegerAttr>(cpu::kArenaBytes);
    Effects effects = Effects::of(module);

    if (failed(checkLowerable(module)))
      return signalPassFailure();
    inlineEffects(module);
    ConversionConfig config;
    config.allowPatternRollback = false;
    {
      RewritePatternSet patterns(context);
      populateSCFToControlFlowConversionPatterns(patterns);
      arith::populateExpandBFloat16Patterns(patterns);
      populateScalarExpansions(patterns);
      arith::populateCeilFloorDivExpandOpsPatterns(patterns);
      ConversionTarget target(*context);
      target.addIllegalDialect<scf::SCFDialect>();
      target.addIllegalOp<math::RsqrtOp, math::IsInfOp, math::IPowIOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>();
      auto bf16 = [](Type type) { return getElementTypeOrSelf(type).isBF16(); };
      target.addDynamicallyLegalOp<arith::ExtFOp>([=](arith::ExtFOp op) { return !bf16(op.getIn().getType()); });
      target.addDynamicallyLegalOp<arith::TruncFOp>([=](arith::TruncFOp op) { return !bf16(op.getType()) && !(op.getIn().getType().isF64() && op.getType().isF16()); });
      target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
      if (failed(applyPartialConversion(module, target, std::move(patterns), config)))
        return signalPassFailure();
    }

    LowerToLLVMOptions options(context);
    LLVMTypeConverter converter(context, options);
    addPointerConversions(converter);
    RewritePatternSet patterns(context);
    populateMemRefToPointersPatterns(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    // What is one instruction (fma, roundeven, ...) before calls of the C library.
    populateMathToLLVMConversionPatterns(converter, patterns, /*approximateLog1p=*/false, /*benefit=*/2);
    populateMathToLibmConversionPatterns(patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    patterns.add<LaunchPattern, RoutinePattern>(converter);
    populateEffectsToLLVMPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(applyFullConversion(module, target, std::move(patterns), config)))
      return signalPassFailure();
    // Items of tapes are pointers from the start.
    SmallVector<UnrealizedConversionCastOp> casts;
    module.walk([&](UnrealizedConversionCastOp cast) { casts.push_back(cast); });
    reconcileUnrealizedCasts(casts);
    if (failed(addEntry(module, entryName, hasArena, arena ? arena.getInt() : 0, effects)))
      return signalPassFailure();
    addEffectHooks(module, effects);
  }
};
} // namespace
