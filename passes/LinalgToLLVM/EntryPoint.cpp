//===- EntryPoint.cpp - the C functions that loaders look for -------------===//
#include "passes/LinalgToLLVM/EntryPoint.h"

#include "passes/LinalgToLLVM/RepeatedCalls.h"
#include "passes/LinalgToLLVM/Routines.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
Value loadArgument(OpBuilder &builder, Location loc, Value args, int32_t index) {
  Type pointer = args.getType();
  Value address = LLVM::GEPOp::create(builder, loc, pointer, pointer, args, ArrayRef<LLVM::GEPArg>{index}, LLVM::GEPNoWrapFlags::inbounds);
  auto load = LLVM::LoadOp::create(builder, loc, pointer, address);
  load.setInvariant(true); // nothing writes into the array of pointers
  return load;
}

/// Reads each pointer in the blocks that use it, right where they do: a thousand values that wait from the start of a program are slow to compile.
void loadWhereUsed(LLVM::LLVMFuncOp func, unsigned pointers) {
  Block &entry = func.getBody().front();
  for (Block &block : func.getBody()) {
    llvm::SmallDenseMap<Value, Value> loaded;
    for (Operation &op : block)
      for (OpOperand &operand : op.getOpOperands()) {
        auto argument = dyn_cast<BlockArgument>(operand.get());
        if (!argument || argument.getOwner() != &entry || argument.getArgNumber() == 0 || argument.getArgNumber() > pointers)
          continue;
        Value &value = loaded[argument];
        if (!value) {
          OpBuilder builder(&op);
          value = loadArgument(builder, op.getLoc(), entry.getArgument(0), argument.getArgNumber() - 1);
        }
        operand.set(value);
      }
  }
  entry.eraseArguments(1, pointers);
}
} // namespace

LogicalResult cell::addEntry(ModuleOp module, StringRef stage, StringRef name, bool hasArena, int64_t arenaBytes, bool insideRun) {
  auto body = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!body)
    return module.emitError("internal error: stage ") << stage << ": the entry '" << name << "' was not lowered";
  OpBuilder builder(module.getContext());
  Location loc = body.getLoc();
  builder.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext()), i64 = builder.getI64Type();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()), {pointer, pointer});
  auto entry = insideRun ? LLVM::LLVMFuncOp::create(builder, loc, "cg_body", type, LLVM::Linkage::Internal) : LLVM::LLVMFuncOp::create(builder, loc, "cg_entry", type);
  unsigned pointers = body.getNumArguments() - hasArena;
  if (SymbolTable::symbolKnownUseEmpty(body, module)) {
    entry.getBody().takeBody(body.getBody());
    Block &block = entry.getBody().front();
    block.insertArgument(0u, pointer, loc);
    if (!hasArena)
      block.addArgument(pointer, loc);
    body.erase();
    shortenRepeatedCalls(module, entry);
    loadWhereUsed(entry, pointers);
  } else { // the program calls its own first function
    Block *block = entry.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    SmallVector<Value> args;
    for (unsigned i = 0; i < pointers; ++i)
      args.push_back(loadArgument(builder, loc, block->getArgument(0), i));
    if (hasArena)
      args.push_back(block->getArgument(1));
    LLVM::CallOp::create(builder, loc, body, args);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  }
  if (insideRun) {
    LLVM::LLVMFuncOp run = declareRuntime(builder, module, "cg_run", {pointer, pointer, pointer});
    builder.setInsertionPointToEnd(module.getBody());
    Block *block = LLVM::LLVMFuncOp::create(builder, loc, "cg_entry", type).addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    Value address = LLVM::AddressOfOp::create(builder, loc, pointer, entry.getName());
    LLVM::CallOp::create(builder, loc, run, ValueRange{address, block->getArgument(0), block->getArgument(1)});
    LLVM::ReturnOp::create(builder, loc, ValueRange());
  }
  builder.setInsertionPointToEnd(module.getBody());
  LLVM::GlobalOp::create(builder, loc, i64, /*isConstant=*/true, LLVM::Linkage::External, "cg_arena_size", builder.getI64IntegerAttr(arenaBytes));
  return success();
}
