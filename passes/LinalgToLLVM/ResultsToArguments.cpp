//===- ResultsToArguments.cpp - a destination argument for every result ---===//
#include "passes/LinalgToLLVM/ArgAttrs.h"
#include "passes/LinalgToLLVM/CarriedBuffers.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::cell {
#define GEN_PASS_DEF_RESULTSTOARGUMENTS
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
struct ResultsToArguments : cell::impl::ResultsToArgumentsBase<ResultsToArguments> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  static Value materialize(OpBuilder &builder, Location loc, Value value, Value dest) {
    return bufferization::MaterializeInDestinationOp::create(builder, loc, value, dest)->getResult(0);
  }

  static LogicalResult rewriteFunction(func::FuncOp func, bool isEntry) {
    OpBuilder builder(func.getContext());
    unsigned inputs = func.getNumArguments(), results = func.getNumResults();
    SmallVector<bool> writable(inputs); // of the entry's arguments; its new ones are
    for (unsigned i = 0; isEntry && i < inputs; ++i) {
      if (!isa<RankedTensorType>(func.getArgumentTypes()[i]))
        return func.emitError("argument ") << i << " of the program's first function has the type " << func.getArgumentTypes()[i] << "; it must be a tensor";
      writable[i] = func.getArgAttr(i, cpu::kDonated) != nullptr;
    }
    SmallVector<int64_t> places; // of destinations among the arguments, -1 for what needs none
    SmallVector<Type> added;
    llvm::SmallDenseSet<int64_t> tied;
    for (unsigned i = 0; i < results; ++i) {
      auto type = dyn_cast<RankedTensorType>(func.getResultTypes()[i]);
      if (!type) {
        if (isEntry)
          return func.emitError("result ") << i << " of the program's first function has the type " << func.getResultTypes()[i] << "; it must be a tensor";
        places.push_back(-1);
        continue;
      }
      if (auto alias = func.getResultAttrOfType<IntegerAttr>(i, cpu::kAlias); alias && isEntry) {
        int64_t arg = alias.getInt();
        if (arg < 0 || arg >= inputs || func.getArgumentTypes()[arg] != type || !tied.insert(arg).second)
          return func.emitError("result ") << i << " of type " << type << " cannot be tied to argument " << arg
                                           << ": it must be an argument of the same type that no other result is tied to";
        writable[arg] = true;
        places.push_back(arg);
        continue;
      }
      places.push_back(inputs + added.size());
      added.push_back(type);
    }
    if (failed(func.insertArguments(SmallVector<unsigned>(added.size(), inputs), added, SmallVector<DictionaryAttr>(added.size()),
                                    SmallVector<Location>(added.size(), func.getLoc()))))
      return failure();
    if (isEntry)
      changeArgAttrs(func, [&](unsigned i, NamedAttrList &list) { list.set("bufferization.writable", builder.getBoolAttr(i >= inputs || writable[i])); });
    SmallVector<Value> dests;
    for (int64_t place : places)
      dests.push_back(place < 0 ? Value() : func.getArgument(place));
    auto ret = dyn_cast<func::ReturnOp>(func.getBody().back().getTerminator());
    if (!func.getBody().hasOneBlock() || !ret)
      return func.emitError("the function '") << func.getName() << "' must be one block that ends in a return; write its control flow with scf";
    builder.setInsertionPoint(ret);
    copySharedResults(builder, ret, dests);
    llvm::DenseMap<Value, Value> written; // a value that is returned twice is copied from its first destination
    for (auto [i, dest] : llvm::enumerate(dests))
      if (dest) {
        Value value = ret.getOperand(i), &first = written[value];
        Value result = materialize(builder, value.getLoc(), first ? first : value, dest);
        first = first ? first : result;
        ret.setOperand(i, result);
      }
    return success();
  }

  /// Writing one destination must not change a value that another destination still waits for: such values are copied first.
  static void copySharedResults(OpBuilder &builder, func::ReturnOp ret, ArrayRef<Value> dests) {
    llvm::SmallDenseSet<Value> arguments(dests.begin(), dests.end());
    llvm::SmallDenseMap<Value, Value> buffers;
    bool tied = llvm::any_of(dests, [&](Value dest) { return dest && llvm::is_contained(ret.getOperands(), dest); }) || dests.size() > 1;
    llvm::DenseMap<Value, Value> copies;
    for (auto [i, dest] : llvm::enumerate(dests)) {
      if (!dest)
        continue;
      Value value = ret.getOperand(i);
      bool taken = false;
      for (Value buffer : possibleBuffers(value)) {
        Operation *def = buffer.getDefiningOp();
        bool repeated = buffers.try_emplace(buffer, value).first->second != value;
        bool shared = arguments.contains(buffer) && buffer != dest;
        bool unclear = tied && def && def->getNumRegions() && !isa<linalg::LinalgOp>(def);
        taken |= repeated || shared || unclear;
      }
      if (!taken)
        continue;
      Value &copy = copies[value];
      if (!copy)
        copy = bufferization::AllocTensorOp::create(builder, value.getLoc(), cast<RankedTensorType>(value.getType()), ValueRange(), value);
      ret.setOperand(i, copy);
    }
  }

  static void rewriteCall(func::CallOp call) {
    OpBuilder builder(call);
    SmallVector<Value> operands(call.getOperands());
    for (Type type : call.getResultTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        operands.push_back(tensor::EmptyOp::create(builder, call.getLoc(), tensor.getShape(), tensor.getElementType()));
    call.getOperandsMutable().assign(operands);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    func::FuncOp entry = findEntry(module);
    if (!entry)
      return signalPassFailure();
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.isExternal() && failed(rewriteFunction(func, func == entry)))
        return signalPassFailure();
    module.walk([](Operation *op) {
      if (auto call = dyn_cast<func::CallOp>(op))
        rewriteCall(call);
    });
    keepCarriedBuffers(module);
  }
};
} // namespace
