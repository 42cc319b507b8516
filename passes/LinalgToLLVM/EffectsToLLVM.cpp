//===- EffectsToLLVM.cpp - tapes, print and assert as runtime calls -------===//
#include "passes/LinalgToLLVM/EffectsToLLVM.h"

#include "dialect/Rt/RtOps.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/Routines.h"
#include "runtime/cpu/cellgrad_cpu.h"

#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
Type pointerType(OpBuilder &builder) { return LLVM::LLVMPointerType::get(builder.getContext()); }


/// The address of a C string in the object; equal texts are stored once.
Value textAddress(OpBuilder &builder, Location loc, ModuleOp module, StringRef text) {
  std::string bytes = text.str();
  bytes.push_back('\0');
  LLVM::GlobalOp global;
  unsigned count = 0;
  for (auto other : module.getOps<LLVM::GlobalOp>()) {
    if (!other.getSymName().starts_with("cg_text_"))
      continue;
    ++count;
    if (cast<StringAttr>(other.getValueAttr()).getValue() == bytes)
      global = other;
  }
  if (!global) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    global = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Private, "cg_text_" + std::to_string(count), builder.getStringAttr(bytes));
  }
  return LLVM::AddressOfOp::create(builder, loc, pointerType(builder), global.getSymName());
}

//===----------------------------------------------------------------------===//
// The short ways
//===----------------------------------------------------------------------===//

/// A pointer of a tape's head: 0 top, 1 begin, 2 end of the current chunk.
Value headField(OpBuilder &builder, Location loc, Value head, int32_t field) {
  return LLVM::GEPOp::create(builder, loc, pointerType(builder), pointerType(builder), head, ArrayRef<LLVM::GEPArg>{field});
}

/// The address of a tape's next or last item, for an op with operand `tape` and result `item`. Only at a chunk's border is it a call.
template <typename Op>
void inlineTape(RewriterBase &rewriter, ModuleOp module, Op op) {
  constexpr bool isPush = std::is_same_v<Op, cellrt::TapeReserveOp>;
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  Type pointer = pointerType(rewriter);
  Value head = LLVM::IntToPtrOp::create(rewriter, loc, pointer, op.getTape());
  Value topField = headField(rewriter, loc, head, 0);
  Value top = LLVM::LoadOp::create(rewriter, loc, pointer, topField);
  Value border = LLVM::LoadOp::create(rewriter, loc, pointer, headField(rewriter, loc, head, isPush ? 2 : 1));
  Value atBorder = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::eq, top, border);
  auto type = cast<MemRefType>(op.getItem().getType());
  int64_t stride = cellrt::tapeStride(contiguousBytes(type));
  auto call = [&](OpBuilder &b, Location loc) {
    LLVM::LLVMFuncOp function = declareRuntime(b, module, isPush ? "cg_tape_push" : "cg_tape_pop", {b.getI64Type()}, pointer);
    scf::YieldOp::create(b, loc, LLVM::CallOp::create(b, loc, function, op.getTape()).getResult());
  };
  auto step = [&](OpBuilder &b, Location loc) {
    Value distance = constantI64(b, loc, isPush ? stride : -stride);
    Value next = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), top, ArrayRef<LLVM::GEPArg>{distance});
    LLVM::StoreOp::create(b, loc, next, topField);
    scf::YieldOp::create(b, loc, isPush ? top : next);
  };
  auto branch = scf::IfOp::create(rewriter, loc, atBorder, call, step);
  rewriter.replaceOpWithNewOp<UnrealizedConversionCastOp>(op, type, branch.getResult(0));
}

void inlineAssert(RewriterBase &rewriter, ModuleOp module, cellrt::AssertOp op) {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  Value yes = arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
  Value fails = arith::XOrIOp::create(rewriter, loc, op.getCondition(), yes);
  scf::IfOp::create(rewriter, loc, fails, [&](OpBuilder &b, Location loc) {
    LLVM::LLVMFuncOp function = declareRuntime(b, module, "cg_fail", {b.getI32Type(), pointerType(b)});
    Value kind = LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr(CG_FAILURE_ASSERTION));
    LLVM::CallOp::create(b, loc, function, ValueRange{kind, textAddress(b, loc, module, op.getMessage())});
    scf::YieldOp::create(b, loc);
  });
  rewriter.eraseOp(op);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

struct CreatePattern : ConvertOpToLLVMPattern<cellrt::TapeCreateOp> {
  CreatePattern(const LLVMTypeConverter &converter, StringRef name) : ConvertOpToLLVMPattern(converter), name(name) {}
  StringRef name;
  LogicalResult matchAndRewrite(cellrt::TapeCreateOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    LLVM::LLVMFuncOp function = declareRuntime(rewriter, op->getParentOfType<ModuleOp>(), name, {rewriter.getI64Type()}, rewriter.getI64Type());
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(op, function, constantI64(rewriter, op.getLoc(), op.getStride()));
    return success();
  }
};

struct FreePattern : ConvertOpToLLVMPattern<cellrt::TapeFreeOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(cellrt::TapeFreeOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    LLVM::LLVMFuncOp function = declareRuntime(rewriter, op->getParentOfType<ModuleOp>(), "cg_tape_free", {rewriter.getI64Type()});
    rewriter.replaceOpWithNewOp<LLVM::CallOp>(op, function, adaptor.getTape());
    return success();
  }
};

std::optional<int64_t> dtypeCode(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    switch (integer.getWidth()) {
    case 1: return CG_BOOL;
    case 8: return integer.isUnsigned() ? CG_U8 : CG_I8;
    case 16: return CG_I16;
    case 32: return CG_I32;
    case 64: return CG_I64;
    default: return std::nullopt;
    }
  }
  if (type.isF16() || type.isBF16())
    return type.isF16() ? CG_F16 : CG_BF16;
  if (type.isF32() || type.isF64())
    return type.isF32() ? CG_F32 : CG_F64;
  return std::nullopt;
}

struct PrintPattern : ConvertOpToLLVMPattern<cellrt::PrintOp> {
  PrintPattern(const LLVMTypeConverter &converter, StringRef name) : ConvertOpToLLVMPattern(converter), name(name) {}
  StringRef name;
  LogicalResult matchAndRewrite(cellrt::PrintOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto module = op->getParentOfType<ModuleOp>();
    Type pointer = pointerType(rewriter), i64 = rewriter.getI64Type();
    int64_t count = op.getValues().size();
    SmallVector<int64_t> meta;
    for (auto [value, dtype] : llvm::zip_equal(op.getValues(), op.getDtypes())) {
      std::optional<int64_t> code = dtypeCode(cast<TypeAttr>(dtype).getValue());
      auto type = cast<MemRefType>(value.getType());
      if (!code)
        return op.emitError("stage finalize-cpu: a tensor of ") << dtype << " cannot be shown";
      meta.append({*code, type.getRank()});
      llvm::append_range(meta, type.getShape());
    }
    Value data = LLVM::ZeroOp::create(rewriter, loc, pointer), description = LLVM::ZeroOp::create(rewriter, loc, pointer);
    if (count) {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(&op->getParentOfType<FunctionOpInterface>().getFunctionBody().front());
      data = LLVM::AllocaOp::create(rewriter, loc, pointer, pointer, constantI64(rewriter, loc, count));
    }
    for (auto [i, value] : llvm::enumerate(adaptor.getValues()))
      LLVM::StoreOp::create(rewriter, loc, value, LLVM::GEPOp::create(rewriter, loc, pointer, pointer, data, ArrayRef<LLVM::GEPArg>{int32_t(i)}));
    if (count)
      description = parameterArray(rewriter, loc, module, meta);
    LLVM::LLVMFuncOp function = declareRuntime(rewriter, module, name, {pointer, i64, pointer, pointer});
    LLVM::CallOp::create(rewriter, loc, function, ValueRange{textAddress(rewriter, loc, module, op.getFormat()), constantI64(rewriter, loc, count), data, description});
    rewriter.eraseOp(op);
    return success();
  }
};

/// A function of the object that hands its arguments on to the runtime's `target`.
void addHook(ModuleOp module, StringRef name, StringRef target, ArrayRef<Type> arguments, Type result) {
  OpBuilder builder(module.getContext());
  LLVM::LLVMFuncOp function = declareRuntime(builder, module, target, arguments, result);
  builder.setInsertionPointToEnd(module.getBody());
  auto hook = LLVM::LLVMFuncOp::create(builder, module.getLoc(), name, function.getFunctionType());
  Block *block = hook.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  auto call = LLVM::CallOp::create(builder, module.getLoc(), function, block->getArguments());
  LLVM::ReturnOp::create(builder, module.getLoc(), call.getResults());
}
} // namespace

Effects cell::Effects::of(ModuleOp module) {
  Effects effects;
  module.walk([&](Operation *op) {
    effects.any |= isa<cellrt::TapeCreateOp, cellrt::AssertOp, cellrt::PrintOp>(op);
    effects.prints |= isa<cellrt::PrintOp>(op);
  });
  return effects;
}

void cell::inlineEffects(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<cellrt::TapeReserveOp, cellrt::TapePopOp, cellrt::AssertOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    if (auto assertion = dyn_cast<cellrt::AssertOp>(op))
      inlineAssert(rewriter, module, assertion);
    else if (auto pop = dyn_cast<cellrt::TapePopOp>(op))
      inlineTape(rewriter, module, pop);
    else
      inlineTape(rewriter, module, cast<cellrt::TapeReserveOp>(op));
  }
}

void cell::populateEffectsToLLVMPatterns(const LLVMTypeConverter &converter, RewritePatternSet &patterns, EffectFunctions functions) {
  patterns.add<FreePattern>(converter);
  patterns.add<CreatePattern>(converter, functions.createTape);
  patterns.add<PrintPattern>(converter, functions.print);
}

void cell::addEffectHooks(ModuleOp module, Effects effects) {
  if (!effects.any)
    return;
  OpBuilder builder(module.getContext());
  Type pointer = pointerType(builder);
  addHook(module, "cg_failure", "cg_take_failure", {pointer}, builder.getI32Type());
  if (effects.prints)
    addHook(module, "cg_print_to", "cg_set_print_handler", {pointer}, LLVM::LLVMVoidType::get(builder.getContext()));
}
