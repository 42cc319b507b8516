//===- PlainCalls.cpp - calls that bufferisation need not look into -------===//
#include "passes/LinalgToLLVM/PlainCalls.h"

#include "dialect/Rt/RtOps.h"
#include "passes/LinalgToLLVM/ArgAttrs.h"
#include "passes/LinalgToLLVM/CarriedBuffers.h"
#include "passes/LinalgToLLVM/Common.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Marks the ops that stand for calls; the name of their routine is that of the function, which no routine has.
constexpr llvm::StringLiteral kCall = "cellrt.function";

class PlainFunctions {
public:
  explicit PlainFunctions(ModuleOp module) : symbols(module) {}

  func::FuncOp find(func::CallOp call) {
    auto func = symbols.lookup<func::FuncOp>(call.getCallee());
    return func && isPlain(func) ? func : func::FuncOp();
  }

private:
  bool isPlain(func::FuncOp func) {
    auto [found, isNew] = known.try_emplace(func, false); // calls of itself are not plain
    if (!isNew)
      return found->second;
    unsigned results = func.getNumResults();
    auto isTensor = [](Type type) { return isa<RankedTensorType>(type); };
    bool plain = func.isPrivate() && !func.isExternal() && results && results <= func.getNumArguments() && llvm::all_of(func.getArgumentTypes(), isTensor) &&
                 func.getArgumentTypes().take_back(results) == func.getResultTypes();
    for (Value input : plain ? func.getArguments().drop_back(results) : func.getArguments().take_front(0))
      plain = plain && isOnlyRead(input);
    return known[func] = plain;
  }

  /// Says no where it does not know.
  bool isOnlyRead(Value value) {
    return llvm::all_of(value.getUses(), [&](OpOperand &use) {
      Operation *user = use.getOwner();
      if (isView(user))
        return isOnlyRead(user->getResult(0));
      if (auto destinations = dyn_cast<DestinationStyleOpInterface>(user))
        return !destinations.isDpsInit(&use);
      if (auto call = dyn_cast<func::CallOp>(user)) {
        func::FuncOp callee = find(call);
        return callee && use.getOperandNumber() < callee.getNumArguments() - callee.getNumResults();
      }
      if (auto alloc = dyn_cast<bufferization::AllocTensorOp>(user))
        return use.get() == alloc.getCopy();
      return isa<tensor::ExtractOp, tensor::DimOp>(user);
    });
  }

  SymbolTable symbols;
  llvm::DenseMap<Operation *, bool> known;
};
} // namespace

/// A result that the function around returns is written where it is to be: what waits for it there has no other use.
static void writeInPlace(cellrt::CallOp call) {
  if (!isa<func::FuncOp>(call->getParentOp()))
    return;
  for (auto [i, result] : llvm::enumerate(call.getResults())) {
    auto empty = call.getOuts()[i].getDefiningOp<tensor::EmptyOp>();
    if (!empty || !empty->hasOneUse())
      continue;
    for (Operation *user : result.getUsers()) {
      auto write = dyn_cast<bufferization::MaterializeInDestinationOp>(user);
      if (!write || write.getSource() != result || write->getBlock() != call->getBlock() || !write->getNumResults() || !isa<BlockArgument>(write.getDest()) ||
          !write.getDest().hasOneUse())
        continue;
      Value place = write.getDest();
      write->getResult(0).replaceAllUsesWith(result);
      write.erase();
      call->setOperand(call.getIns().size() + i, place);
      empty.erase();
      break;
    }
  }
}

void cell::hidePlainCalls(ModuleOp module) {
  PlainFunctions plain(module);
  SmallVector<std::pair<func::CallOp, func::FuncOp>> calls;
  module.walk([&](func::CallOp call) {
    if (func::FuncOp callee = plain.find(call))
      calls.push_back({call, callee});
  });
  OpBuilder builder(module.getContext());
  llvm::SmallPtrSet<Operation *, 8> seen;
  for (auto [call, callee] : calls) {
    unsigned inputs = callee.getNumArguments() - callee.getNumResults();
    // What was seen to be so is now required.
    if (seen.insert(callee).second)
      changeArgAttrs(callee, [&, inputs](unsigned i, NamedAttrList &list) {
        if (i < inputs)
          list.set("bufferization.writable", builder.getBoolAttr(false));
      });
    builder.setInsertionPoint(call);
    ValueRange operands = call.getOperands();
    auto hidden = cellrt::CallOp::create(builder, call.getLoc(), call.getCallee(), operands.take_front(inputs), operands.drop_front(inputs));
    hidden->setDiscardableAttrs(call->getDiscardableAttrDictionary());
    hidden->setAttr(kCall, builder.getUnitAttr());
    call.replaceAllUsesWith(hidden->getResults());
    call.erase();
    writeInPlace(hidden);
  }
}

void cell::restorePlainCalls(ModuleOp module) {
  SymbolTable symbols(module);
  SmallVector<cellrt::CallOp> calls;
  module.walk([&](cellrt::CallOp call) {
    if (call->hasAttr(kCall))
      calls.push_back(call);
  });
  for (cellrt::CallOp call : calls) {
    auto callee = symbols.lookup<func::FuncOp>(call.getRoutine());
    OpBuilder builder(call);
    Location loc = call.getLoc();
    SmallVector<Value> operands(call.getOperands());
    SmallVector<std::pair<Value, Value>> copyBack;
    for (auto [i, type] : llvm::enumerate(callee.getArgumentTypes())) {
      Value operand = operands[i];
      if (operand.getType() == type)
        continue;
      SmallVector<int64_t> strides;
      int64_t offset = -1;
      auto part = cast<MemRefType>(operand.getType());
      if (succeeded(part.getStridesAndOffset(strides, offset)) && offset == 0 && memref::CastOp::areCastCompatible(part, type)) { // the same layout in other words
        operands[i] = memref::CastOp::create(builder, loc, type, operand);
        continue;
      }
      operands[i] = memref::AllocOp::create(builder, loc, cast<MemRefType>(type), builder.getI64IntegerAttr(cpu::kAlignment));
      if (i < call.getIns().size())
        memref::CopyOp::create(builder, loc, operand, operands[i]);
      else
        copyBack.push_back({operands[i], operand});
    }
    call->removeAttr(kCall);
    auto restored = func::CallOp::create(builder, loc, call.getRoutine(), TypeRange(), operands);
    restored->setDiscardableAttrs(call->getDiscardableAttrDictionary());
    for (auto [from, to] : copyBack)
      memref::CopyOp::create(builder, loc, from, to);
    call.erase();
  }
}
