//===- LinalgToKernels.cpp - linalg ops become loop kernels and launches --===//
#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/KernelEmitter.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::cell {
#define GEN_PASS_DEF_LINALGTOKERNELS
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// A range is cut for the threads when its whole takes this long, into pieces of at least the second time.
constexpr double kParallelNanoseconds = 25000, kPieceNanoseconds = 8000;

/// Elements from the start of `type` to the end of its last one.
int64_t span(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset, last = 0;
  (void)type.getStridesAndOffset(strides, offset);
  for (auto [size, stride] : llvm::zip_equal(type.getShape(), strides)) {
    if (size == 0)
      return 0;
    last += (size - 1) * stride;
  }
  return last + 1;
}

struct LinalgToKernels : cell::impl::LinalgToKernelsBase<LinalgToKernels> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  /// The fill that gives output `o` its first value and that nothing else sees, or null.
  static linalg::FillOp findFill(linalg::LinalgOp op, Value buffer) {
    for (Value input : op.getDpsInputs())
      if (isa<MemRefType>(input.getType()) && BufferRoots::of(input).mayAlias(BufferRoots::of(buffer)))
        return nullptr;
    BufferRoots roots = BufferRoots::of(buffer);
    for (Operation *before = op->getPrevNode(); before; before = before->getPrevNode()) {
      if (auto fill = dyn_cast<linalg::FillOp>(before); fill && fill.getOutputs()[0] == buffer)
        return fill;
      if (touches(before, roots))
        return nullptr;
    }
    return nullptr;
  }

  LogicalResult lower(linalg::LinalgOp op) {
    FailureOr<LoopPlan> plan = planLoops(op);
    if (failed(plan))
      return failure();
    if (plan->points == 0) {
      op->erase();
      return success();
    }
    unsigned depth = plan->loops.size();
    SmallVector<Value> starts(op.getNumDpsInits());
    for (auto [o, buffer] : llvm::enumerate(op.getDpsInits())) {
      // The start value may replace the load only if every element is loaded once.
      bool once = plan->reduced[o];
      for (unsigned l = 0; l < depth; ++l)
        once &= (l < plan->depths[o]) == plan->loops[l].covers[o];
      if (!once)
        continue;
      if (linalg::FillOp fill = findFill(op, buffer)) {
        starts[o] = fill.getInputs()[0];
        folded.insert(fill);
        fill.erase();
      }
    }

    // Arguments: distinct buffers, then captured values; constants are repeated inside.
    llvm::SmallSetVector<Value, 16> arguments;
    SmallVector<Operation *> constants;
    auto capture = [&](Value value) {
      if (Operation *def = value.getDefiningOp(); def && def->hasTrait<OpTrait::ConstantLike>())
        constants.push_back(def);
      else
        arguments.insert(value);
    };
    for (OpOperand &operand : op->getOpOperands())
      if (!op.getMatchingBlockArgument(&operand).use_empty() || op.isDpsInit(&operand))
        capture(operand.get());
    for (Value start : starts)
      if (start)
        capture(start);
    llvm::SetVector<Value> above;
    getUsedValuesDefinedAbove(op->getRegions(), above);
    llvm::SmallPtrSet<Value, 4> captured;
    for (Value value : above) {
      capture(value);
      captured.insert(value);
    }

    OpBuilder builder(&getContext());
    func::FuncOp kernel = createKernel(op, arguments.getArrayRef(), captured);
    builder.setInsertionPointToStart(&kernel.getBody().front());
    KernelEmitter emitter(builder, op, *plan);
    for (auto [value, argument] : llvm::zip(arguments, kernel.getArguments()))
      emitter.captures.map(value, argument);
    for (Operation *def : constants)
      if (!emitter.captures.contains(def->getResult(0)))
        builder.clone(*def, emitter.captures);
    for (Value operand : op->getOperands())
      emitter.operands.push_back(emitter.captures.lookupOrNull(operand));
    for (Value start : starts)
      emitter.starts.push_back(start ? emitter.captures.lookup(start) : Value());
    unsigned n = kernel.getNumArguments();
    emitter.emit(kernel.getArgument(n - 2), kernel.getArgument(n - 1));
    func::ReturnOp::create(builder, op.getLoc());

    builder.setInsertionPoint(op);
    int64_t size = plan->chunk ? plan->loops[*plan->chunk].size : 1, grain = size;
    if (plan->chunk && plan->nanoseconds >= kParallelNanoseconds)
      grain = std::max<int64_t>(1, kPieceNanoseconds / (plan->nanoseconds / size));
    cellrt::LaunchOp::create(builder, op.getLoc(), FlatSymbolRefAttr::get(kernel), arguments.getArrayRef(),
                             builder.getI64IntegerAttr(size), builder.getI64IntegerAttr(std::min(grain, size)));
    op->erase();
    return success();
  }

  func::FuncOp createKernel(linalg::LinalgOp op, ArrayRef<Value> arguments, const llvm::SmallPtrSetImpl<Value> &captured) {
    OpBuilder builder(&getContext());
    SmallVector<Type> types;
    SmallVector<BufferRoots> roots;
    SmallVector<bool> written;
    for (Value value : arguments) {
      auto type = dyn_cast<MemRefType>(value.getType());
      roots.push_back(type ? BufferRoots::of(value) : BufferRoots());
      written.push_back(type && llvm::is_contained(op.getDpsInits(), value));
      if (type && !captured.contains(value))
        types.push_back(MemRefType::get({span(type)}, type.getElementType()));
      else
        types.push_back(value.getType());
    }
    types.append(2, builder.getIndexType());
    auto kernel = func::FuncOp::create(op.getLoc(), "kernel", builder.getFunctionType(types, {}));
    kernel.setPrivate();
    kernel->setAttr(cpu::kKernel, builder.getUnitAttr());
    for (unsigned i = 0; i < arguments.size(); ++i) {
      if (!isa<MemRefType>(arguments[i].getType()))
        continue;
      bool alone = true;
      for (unsigned j = 0; j < arguments.size(); ++j)
        alone &= i == j || !isa<MemRefType>(arguments[j].getType()) || !(written[i] || written[j]) || !roots[i].mayAlias(roots[j]);
      if (alone)
        kernel.setArgAttr(i, "llvm.noalias", builder.getUnitAttr());
      if (!written[i])
        kernel.setArgAttr(i, "llvm.readonly", builder.getUnitAttr());
    }
    symbols->insert(kernel, Block::iterator(op->getParentOfType<func::FuncOp>()));
    kernel.addEntryBlock();
    return kernel;
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable table(module);
    symbols = &table;
    folded.clear();
    IRRewriter rewriter(&getContext());
    // Copies between buffers that are not both contiguous are loops as well.
    module.walk([&](memref::CopyOp copy) {
      auto source = cast<MemRefType>(copy.getSource().getType()), target = cast<MemRefType>(copy.getTarget().getType());
      if (source.getLayout().isIdentity() && target.getLayout().isIdentity())
        return;
      rewriter.setInsertionPoint(copy);
      linalg::CopyOp::create(rewriter, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    });
    SmallVector<linalg::LinalgOp> ops;
    module.walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    // From the back, so that a fill is still there when the op whose first value it gives is lowered.
    for (linalg::LinalgOp op : llvm::reverse(ops)) {
      if (folded.contains(op))
        continue;
      if (!isa<linalg::GenericOp, linalg::FillOp>(op.getOperation())) {
        rewriter.setInsertionPoint(op);
        FailureOr<linalg::GenericOp> generic = linalg::generalizeNamedOp(rewriter, op);
        if (failed(generic)) {
          op->emitError("stage linalg-to-kernels: '") << op->getName() << "' cannot be written as loops";
          return signalPassFailure();
        }
        op = *generic;
      }
      if (failed(lower(op)))
        return signalPassFailure();
    }
  }

  SymbolTable *symbols = nullptr;
  llvm::SmallPtrSet<Operation *, 16> folded; // fills that became start values
};
} // namespace
