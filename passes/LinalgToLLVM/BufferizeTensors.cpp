//===- BufferizeTensors.cpp - tensors to buffers --------------------------===//
#include "passes/LinalgToLLVM/ArgAttrs.h"
#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/CarriedBuffers.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/PlainCalls.h"
#include "passes/LinalgToLLVM/TapeMemory.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/BitVector.h"

namespace mlir::cell {
#define GEN_PASS_DEF_BUFFERIZETENSORS
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
struct BufferizeTensors : cell::impl::BufferizeTensorsBase<BufferizeTensors> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  /// Results that are buffers are arguments, by construction: callers use their own operand instead.
  static LogicalResult dropMemRefResults(func::FuncOp func, ArrayRef<func::CallOp> calls) {
    auto ret = cast<func::ReturnOp>(func.getBody().front().getTerminator());
    llvm::BitVector drop(func.getNumResults());
    SmallVector<unsigned> argument(func.getNumResults());
    for (auto [i, value] : llvm::enumerate(ret.getOperands())) {
      if (!isa<BaseMemRefType>(value.getType()))
        continue;
      auto source = dyn_cast<BlockArgument>(value);
      if (!source || source.getOwner() != &func.getBody().front())
        return func.emitError("internal error: stage bufferize-tensors: result ") << i << " of '" << func.getName() << "' did not reach its destination buffer";
      drop.set(i);
      argument[i] = source.getArgNumber();
    }
    if (drop.none())
      return success();
    for (func::CallOp call : calls) {
      if (!call.getNumResults()) // it was hidden
        continue;
      OpBuilder builder(call);
      SmallVector<Type> types;
      for (auto [i, type] : llvm::enumerate(call.getResultTypes()))
        if (!drop.test(i))
          types.push_back(type);
      auto kept = func::CallOp::create(builder, call.getLoc(), call.getCallee(), types, call.getOperands());
      unsigned next = 0;
      for (auto [i, result] : llvm::enumerate(call.getResults()))
        result.replaceAllUsesWith(drop.test(i) ? call.getOperand(argument[i]) : kept.getResult(next++));
      call.erase();
    }
    ret->eraseOperands(drop);
    return func.eraseResults(drop);
  }

  /// What was said to the analysis and what it answered.
  static void dropAnalysisAttributes(ModuleOp module) {
    for (auto func : module.getOps<func::FuncOp>())
      changeArgAttrs(func, [](unsigned, NamedAttrList &list) {
        for (NamedAttribute attribute : llvm::to_vector(list.getAttrs()))
          if (isa_and_nonnull<bufferization::BufferizationDialect>(attribute.getNameDialect()))
            list.erase(attribute.getName());
      });
  }

  static bool isSameView(Value a, Value b) {
    if (a == b)
      return true;
    auto first = a.getDefiningOp<memref::SubViewOp>(), second = b.getDefiningOp<memref::SubViewOp>();
    return first && second && isSameView(first.getSource(), second.getSource()) && first.getMixedOffsets() == second.getMixedOffsets() &&
           first.getMixedSizes() == second.getMixedSizes() && first.getMixedStrides() == second.getMixedStrides();
  }

  /// A buffer that is copied onto itself is what materialisation in place leaves.
  static void dropSelfCopies(ModuleOp module) {
    module.walk([](memref::CopyOp copy) {
      if (isSameView(copy.getSource(), copy.getTarget()))
        copy.erase();
    });
  }

  /// A loop that writes a block into a tensor from outside needs its old contents in each iteration: it writes into a copy. (The analysis takes the block
  /// for one that is overwritten anyway, which holds for one iteration only.)
  static void copyOutsideDestinations(ModuleOp module) {
    module.walk([](tensor::InsertSliceOp insert) {
      Operation *loop = insert->getParentOp();
      while (loop && !isa<LoopLikeOpInterface>(loop))
        loop = loop->getParentOp();
      if (!loop || loop->isAncestor(baseOfView(insert.getDest()).getParentRegion()->getParentOp()))
        return;
      OpBuilder builder(insert);
      insert.getDestMutable().set(bufferization::AllocTensorOp::create(builder, insert.getLoc(), insert.getDestType(), ValueRange(), insert.getDest()));
    });
  }

  /// The buffer that arrives at the place of a loop's yielded value, if each iteration may hand it on.
  static Value carriedBuffer(scf::YieldOp yield, unsigned index) {
    if (auto loop = dyn_cast<scf::ForOp>(yield->getParentOp()))
      return loop.getRegionIterArg(index);
    auto loop = dyn_cast<scf::WhileOp>(yield->getParentOp());
    return loop && loop.getConditionOp().getArgs()[index] == loop.getBeforeArguments()[index] ? Value(loop.getAfterArguments()[index]) : Value();
  }

  /// What a loop carries is often made where it lies, and then copied by the analysis's caution: the buffer itself is handed on.
  static void handOnCarriedBuffers(ModuleOp module) {
    module.walk([](scf::YieldOp yield) {
      for (OpOperand &operand : yield->getOpOperands()) {
        auto alloc = operand.get().getDefiningOp<memref::AllocOp>();
        if (!alloc || alloc->getBlock() != yield->getBlock() || !alloc.getResult().hasNUses(2))
          continue;
        Value carried = carriedBuffer(yield, operand.getOperandNumber());
        memref::CopyOp copy;
        for (Operation *user : alloc->getUsers())
          if (auto found = dyn_cast<memref::CopyOp>(user); found && found.getTarget() == alloc && found->getBlock() == yield->getBlock())
            copy = found;
        if (!carried || !copy || copy.getSource() != carried)
          continue;
        BufferRoots roots = BufferRoots::of(carried);
        bool changed = false;
        for (OpOperand &other : yield->getOpOperands()) // two places would share the buffer
          changed |= &other != &operand && isa<BaseMemRefType>(other.get().getType()) && BufferRoots::of(other.get()).mayAlias(roots);
        for (Operation *op = copy->getNextNode(); op != yield; op = op->getNextNode())
          changed |= touches(op, roots);
        if (changed)
          continue;
        operand.set(carried);
        copy.erase();
        alloc.erase();
      }
    });
  }

  LogicalResult bufferize(ModuleOp module) {
    IRRewriter rewriter(&getContext());
    if (failed(bufferization::eliminateEmptyTensors(rewriter, module)))
      return failure();
    copyPartsInBranches(module);
    separateMergedArguments(module);
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::IdentityLayoutMap);
    options.bufferAlignment = cpu::kAlignment;
    // A branch is asked for its type before the buffer of the other one is there: that will be an allocation.
    options.unknownTypeConverterFn = [](TensorType type, Attribute space, const bufferization::BufferizationOptions &) {
      return bufferization::getMemRefTypeWithStaticIdentityLayout(type, space);
    };
    bufferization::BufferizationState state;
    if (failed(bufferization::insertTensorCopies(module, options, state)))
      return failure();
    dropAnalysisAttributes(module); // all of a function's at once, which the next step would do one by one
    return bufferization::bufferizeModuleOp(module, options, state);
  }

  /// In place where the analysis proves it. For loops and branches it sometimes finds a conflict that it cannot resolve by itself: then
  /// everything that they hand on is copied.
  LogicalResult bufferizeOrCopy(ModuleOp module) {
    bool hasRegions = module.walk([](Operation *op) { return isa<scf::ForOp, scf::WhileOp, scf::IfOp>(op) ? WalkResult::interrupt() : WalkResult::advance(); })
                          .wasInterrupted();
    if (!hasRegions)
      return bufferize(module);
    OwningOpRef<ModuleOp> spare = cast<ModuleOp>(module->clone());
    std::optional<Location> conflict;
    std::string reason;
    {
      ScopedDiagnosticHandler quiet(&getContext(), [&](Diagnostic &diagnostic) {
        if (!conflict && diagnostic.getSeverity() == DiagnosticSeverity::Error) {
          conflict = diagnostic.getLocation();
          reason = diagnostic.str();
        }
        return success();
      });
      if (succeeded(bufferize(module)))
        return success();
    }
    emitRemark(conflict.value_or(module.getLoc())) << "what loops and branches hand on is copied in each turn, which costs time, because this program's updates could not all "
                                                      "be done in place: "
                                                   << reason;
    module.getBodyRegion().takeBody(spare->getBodyRegion());
    copyAllCarriedValues(module);
    return bufferize(module);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    copyOutsideDestinations(module);
    hidePlainCalls(module);
    if (failed(bufferizeOrCopy(module)))
      return signalPassFailure();
    restorePlainCalls(module);
    dropSelfCopies(module);
    handOnCarriedBuffers(module);
    settleTapes(module);
    llvm::DenseMap<StringRef, SmallVector<func::CallOp>> calls;
    module.walk([&](func::CallOp call) { calls[call.getCallee()].push_back(call); });
    for (func::FuncOp func : module.getOps<func::FuncOp>())
      if (failed(dropMemRefResults(func, calls[func.getName()])))
        return signalPassFailure();
    dropSelfCopies(module); // of what a call gave, which is now known to be its operand
  }
};
} // namespace
