//===- FinalizeCpu.cpp - loops and library calls of the CPU to LLVM -------===//
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/FinalizeHost.h"
#include "passes/LinalgToLLVM/Routines.h"
#include "passes/Passes.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::cell {
#define GEN_PASS_DEF_FINALIZECPU
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
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

struct FinalizeCpu : cell::impl::FinalizeCpuBase<FinalizeCpu> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  void runOnOperation() override {
    auto populate = [](const LLVMTypeConverter &converter, RewritePatternSet &patterns) { patterns.add<LaunchPattern, RoutinePattern>(converter); };
    HostTarget cpu{"finalize-cpu", "CPU"};
    cpu.populate = populate;
    if (failed(finalizeHost(getOperation(), cpu)))
      signalPassFailure();
  }
};
} // namespace
