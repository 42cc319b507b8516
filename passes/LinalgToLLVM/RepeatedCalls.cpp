//===- RepeatedCalls.cpp - calls of equal layers by tables ----------------===//
#include "passes/LinalgToLLVM/RepeatedCalls.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Fewer calls, or calls whose operands fit into registers, stay as they are.
constexpr unsigned kMinCalls = 4, kMinOperands = 7;

std::optional<int64_t> constantOf(Value value) {
  auto constant = value.getDefiningOp<LLVM::ConstantOp>();
  auto attr = constant ? dyn_cast<IntegerAttr>(constant.getValue()) : IntegerAttr();
  return attr ? std::optional<int64_t>(attr.getInt()) : std::nullopt;
}

/// How a row names a pointer: its byte offset in the arena, or the complement of its byte offset in args.
std::optional<int64_t> codeOf(Value value, Block *entry) {
  unsigned last = entry->getNumArguments() - 1;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != entry || argument.getArgNumber() == 0)
      return std::nullopt;
    return argument.getArgNumber() == last ? 0 : ~(int64_t(argument.getArgNumber() - 1) * 8);
  }
  auto gep = value.getDefiningOp<LLVM::GEPOp>();
  if (!gep || gep.getBase() != entry->getArgument(last) || !gep.getElemType().isInteger(8) || gep.getRawConstantIndices().size() != 1)
    return std::nullopt;
  int32_t index = gep.getRawConstantIndices()[0];
  std::optional<int64_t> offset = gep.getDynamicIndices().empty() ? std::optional<int64_t>(index) : constantOf(gep.getDynamicIndices()[0]);
  return offset && *offset >= 0 ? offset : std::nullopt;
}

void eraseIfDead(Operation *op) {
  if (!op || !isOpTriviallyDead(op))
    return;
  SmallVector<Value> operands(op->getOperands());
  op->erase();
  for (Value operand : operands)
    if (Operation *def = operand.getDefiningOp(); def && def->use_empty())
      eraseIfDead(def);
}

/// The calls of one function, and a row of codes for each.
struct Calls {
  SmallVector<LLVM::CallOp> ops;
  SmallVector<int64_t> codes;
};

/// `callee.row(args, arena, row)`.
struct RowFunction {
  OpBuilder &builder;
  Location loc;
  const Calls &calls;
  unsigned width;
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext()), i64 = builder.getI64Type();

  Value constant(int64_t value) { return LLVM::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value)); }
  Value at(Value base, Value offset) { return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), base, offset); }

  /// The operand of column `j`, without the choice where all rows make the same one.
  Value operand(unsigned j, Value args, Value arena, Value row) {
    bool anyArgument = false, anyArena = false, same = true;
    for (unsigned i = 0, e = calls.ops.size(); i < e; ++i) {
      int64_t code = calls.codes[i * width + j];
      (code < 0 ? anyArgument : anyArena) = true;
      same &= code == calls.codes[j];
    }
    Value code = same ? constant(calls.codes[j]) : LLVM::LoadOp::create(builder, loc, i64, at(row, constant(int64_t(j) * 8))).getResult();
    if (!anyArgument)
      return at(arena, code);
    Value offset = LLVM::XOrOp::create(builder, loc, code, constant(-1));
    if (!anyArena)
      return LLVM::LoadOp::create(builder, loc, pointer, at(args, offset));
    // The load is of args in any case, so it is always allowed.
    Value isArgument = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::slt, code, constant(0));
    Value argument = LLVM::LoadOp::create(builder, loc, pointer, at(args, LLVM::SelectOp::create(builder, loc, isArgument, offset, constant(0))));
    return LLVM::SelectOp::create(builder, loc, isArgument, argument, at(arena, code));
  }

  LLVM::LLVMFuncOp create(LLVM::LLVMFuncOp callee, StringRef name) {
    Type result = callee.getFunctionType().getReturnType();
    auto func = LLVM::LLVMFuncOp::create(builder, loc, name, LLVM::LLVMFunctionType::get(result, {pointer, pointer, pointer}), LLVM::Linkage::Internal);
    func.setNoInline(true);
    OpBuilder::InsertionGuard guard(builder);
    Block *block = func.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    SmallVector<Value> operands;
    for (unsigned j = 0; j < width; ++j)
      operands.push_back(operand(j, block->getArgument(0), block->getArgument(1), block->getArgument(2)));
    auto call = LLVM::CallOp::create(builder, loc, callee, operands);
    LLVM::ReturnOp::create(builder, loc, call->getResults());
    return func;
  }
};
} // namespace

void cell::shortenRepeatedCalls(ModuleOp module, LLVM::LLVMFuncOp entry) {
  Block *block = &entry.getBody().front();
  llvm::MapVector<StringRef, Calls> groups;
  entry.walk([&](LLVM::CallOp call) {
    std::optional<StringRef> callee = call.getCallee();
    if (!callee || call.getNumOperands() < kMinOperands)
      return;
    SmallVector<int64_t> row;
    for (Value operand : call.getOperands()) {
      std::optional<int64_t> code = codeOf(operand, block);
      if (!code)
        return;
      row.push_back(*code);
    }
    Calls &calls = groups[*callee];
    calls.ops.push_back(call);
    calls.codes.append(row);
  });
  OpBuilder builder(module.getContext());
  SymbolTable symbols(module);
  for (auto &[name, calls] : groups) {
    auto callee = symbols.lookup<LLVM::LLVMFuncOp>(name);
    if (calls.ops.size() < kMinCalls || !callee || callee.isExternal())
      continue;
    unsigned width = calls.ops[0].getNumOperands();
    builder.setInsertionPoint(callee);
    auto table = LLVM::GlobalOp::create(builder, callee.getLoc(), LLVM::LLVMArrayType::get(builder.getI64Type(), calls.codes.size()), /*isConstant=*/true,
                                        LLVM::Linkage::Private, (name + ".rows").str(), builder.getI64TensorAttr(calls.codes), /*alignment=*/8);
    symbols.insert(table); // makes the name unique
    RowFunction maker{builder, callee.getLoc(), calls, width};
    LLVM::LLVMFuncOp function = maker.create(callee, (name + ".row").str());
    symbols.insert(function);
    for (auto [i, call] : llvm::enumerate(calls.ops)) {
      builder.setInsertionPoint(call);
      Value rows = LLVM::AddressOfOp::create(builder, call.getLoc(), table);
      Value row = LLVM::GEPOp::create(builder, call.getLoc(), maker.pointer, builder.getI64Type(), rows, ArrayRef<LLVM::GEPArg>{int32_t(i * width)});
      auto shorter = LLVM::CallOp::create(builder, call.getLoc(), function, ValueRange{block->getArgument(0), block->getArguments().back(), row});
      SmallVector<Value> operands(call.getOperands());
      call->replaceAllUsesWith(shorter->getResults());
      call.erase();
      for (Value operand : llvm::SmallSetVector<Value, 32>(operands.begin(), operands.end()))
        eraseIfDead(operand.getDefiningOp());
    }
  }
}
