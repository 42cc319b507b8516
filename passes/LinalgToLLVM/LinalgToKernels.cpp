//===- LinalgToKernels.cpp - linalg ops become loop kernels and launches --===//
#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/KernelEmitter.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
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
/// Kernels beyond this stay functions of their own: a call costs nothing there, one huge function costs compile time.
constexpr double kInlineNanoseconds = 60;

struct LinalgToKernels : cell::impl::LinalgToKernelsBase<LinalgToKernels> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }

  /// A buffer that the body reads at places of its own, besides being an operand, becomes two arguments of the kernel: operands are
  /// rows of elements there, what the body reads keeps its type.
  static void separateCaptures(linalg::LinalgOp op) {
    llvm::SetVector<Value> above;
    getUsedValuesDefinedAbove(op->getRegions(), above);
    for (Value value : above) {
      if (!isa<MemRefType>(value.getType()) || !llvm::is_contained(op->getOperands(), value))
        continue;
      OpBuilder builder(op);
      Value other = memref::CastOp::create(builder, op.getLoc(), value.getType(), value);
      replaceAllUsesInRegionWith(value, other, op->getRegion(0));
    }
  }

  LogicalResult lower(linalg::LinalgOp op) {
    separateCaptures(op);
    FailureOr<LoopPlan> plan = planLoops(op);
    if (failed(plan))
      return failure();
    if (plan->points == 0) {
      op->erase();
      return success();
    }
    if (wantsPartials(op, *plan))
      return lowerWithPartials(op, *plan);
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

    Arguments arguments = collectArguments(op, starts);
    OpBuilder builder(&getContext());
    func::FuncOp kernel = createKernel(op, arguments);
    builder.setInsertionPointToStart(&kernel.getBody().front());
    KernelEmitter emitter(builder, op, *plan);
    bindArguments(builder, emitter, op, arguments, kernel);
    for (Value start : starts)
      emitter.starts.push_back(start ? emitter.captures.lookup(start) : Value());
    unsigned n = kernel.getNumArguments();
    emitter.emit(kernel.getArgument(n - 2), kernel.getArgument(n - 1));
    func::ReturnOp::create(builder, op.getLoc());

    builder.setInsertionPoint(op);
    int64_t size = plan->chunk ? plan->loops[*plan->chunk].size : 1, grain = size;
    if (plan->nanoseconds > kInlineNanoseconds)
      kernel->setAttr(cpu::kNoInline, builder.getUnitAttr());
    if (plan->chunk && plan->nanoseconds >= kParallelNanoseconds)
      grain = std::max<int64_t>(1, kPieceNanoseconds / (plan->nanoseconds / size));
    cellrt::LaunchOp::create(builder, op.getLoc(), FlatSymbolRefAttr::get(kernel), arguments.values.getArrayRef(),
                             builder.getI64IntegerAttr(size), builder.getI64IntegerAttr(std::min(grain, size)));
    op->erase();
    return success();
  }

  /// What a kernel gets from outside: distinct buffers and scalars; constants are repeated inside.
  struct Arguments {
    llvm::SmallSetVector<Value, 16> values;
    SmallVector<Operation *> constants;
    llvm::SmallDenseSet<Value> captured; // used by the body directly, with their own type

    void add(Value value) {
      if (Operation *def = value.getDefiningOp(); def && def->hasTrait<OpTrait::ConstantLike>())
        constants.push_back(def);
      else
        values.insert(value);
    }
  };

  static Arguments collectArguments(linalg::LinalgOp op, ArrayRef<Value> extra) {
    Arguments arguments;
    for (OpOperand &operand : op->getOpOperands())
      if (!op.getMatchingBlockArgument(&operand).use_empty() || op.isDpsInit(&operand))
        arguments.add(operand.get());
    for (Value value : extra)
      if (value)
        arguments.add(value);
    llvm::SetVector<Value> above;
    getUsedValuesDefinedAbove(op->getRegions(), above);
    for (Value value : above) {
      arguments.add(value);
      arguments.captured.insert(value);
    }
    return arguments;
  }

  static void bindArguments(OpBuilder &builder, KernelEmitter &emitter, linalg::LinalgOp op, const Arguments &arguments, func::FuncOp kernel) {
    for (auto [value, argument] : llvm::zip(arguments.values, kernel.getArguments()))
      emitter.captures.map(value, argument);
    for (Operation *def : arguments.constants)
      if (!emitter.captures.contains(def->getResult(0)))
        builder.clone(*def, emitter.captures);
    for (Value operand : op->getOperands())
      emitter.operands.push_back(emitter.captures.lookupOrNull(operand));
  }

  /// The operation that combines a running result with a new value, if it is one operation with a neutral element.
  static Operation *combiner(linalg::LinalgOp op, unsigned output) {
    Operation *combine = op.getBlock()->getTerminator()->getOperand(output).getDefiningOp();
    BlockArgument running = op.getMatchingBlockArgument(op.getDpsInitOperand(output));
    bool fits = combine && combine->getNumOperands() == 2 && combine->getNumResults() == 1 && running.hasOneUse() &&
                llvm::is_contained(combine->getOperands(), running) && arith::getNeutralElement(combine);
    return fits ? combine : nullptr;
  }

  /// True if the outermost loop is a long reduction that only pieces with results of their own can run in parallel.
  static bool wantsPartials(linalg::LinalgOp op, const LoopPlan &plan) {
    bool narrow = !plan.chunk || (*plan.chunk > 0 && plan.loops[*plan.chunk].size < 256);
    if (!narrow || plan.nanoseconds < kParallelNanoseconds || !plan.loops.front().reduction || plan.unrollFrom == 0)
      return false;
    for (auto [o, init] : llvm::enumerate(op.getDpsInits())) {
      auto type = cast<MemRefType>(init.getType());
      if (plan.loops.front().covers[o])
        continue;
      if (!combiner(op, o) || !type.getLayout().isIdentity() || type.getNumElements() > 4096)
        return false;
    }
    return true;
  }

  /// Pieces of the outermost loop accumulate into rows of their own; a second kernel adds the rows up in order, so the
  /// result does not depend on the number of threads.
  LogicalResult lowerWithPartials(linalg::LinalgOp op, LoopPlan &plan) {
    Location loc = op.getLoc();
    OpBuilder builder(op);
    int64_t size = plan.loops.front().size;
    int64_t pieces = std::min<int64_t>({64, size, std::max<int64_t>(2, plan.nanoseconds / kPieceNanoseconds)});
    int64_t step = llvm::divideCeil(size, pieces);
    pieces = llvm::divideCeil(size, step);
    plan.chunk = 0;
    SmallVector<Value> partials(op.getNumDpsInits());
    for (auto [o, init] : llvm::enumerate(op.getDpsInits())) {
      auto type = cast<MemRefType>(init.getType());
      if (!plan.loops.front().covers[o])
        partials[o] = memref::AllocOp::create(builder, loc, MemRefType::get({pieces * type.getNumElements()}, type.getElementType()));
    }
    Arguments arguments = collectArguments(op, partials);
    func::FuncOp kernel = createKernel(op, arguments, partials);
    OpBuilder body = OpBuilder::atBlockBegin(&kernel.getBody().front());
    unsigned n = kernel.getNumArguments(), inputs = op.getNumDpsInputs();
    auto index = [&](OpBuilder &b, int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
    KernelEmitter emitter(body, op, plan);
    bindArguments(body, emitter, op, arguments, kernel);
    auto loop = scf::ForOp::create(body, loc, kernel.getArgument(n - 2), kernel.getArgument(n - 1), index(body, 1));
    body.setInsertionPointToStart(loop.getBody());
    emitter.starts.resize(partials.size());
    emitter.bases.resize(op->getNumOperands());
    for (auto [o, partial] : llvm::enumerate(partials)) {
      if (!partial)
        continue;
      int64_t elements = cast<MemRefType>(op.getDpsInits()[o].getType()).getNumElements();
      Value row = emitter.operands[inputs + o] = emitter.captures.lookup(partial);
      Value base = emitter.bases[inputs + o] = arith::MulIOp::create(body, loc, loop.getInductionVar(), index(body, elements));
      Value neutral = arith::ConstantOp::create(body, loc, *arith::getNeutralElement(combiner(op, o)));
      auto clear = scf::ForOp::create(body, loc, index(body, 0), index(body, elements), index(body, 1));
      OpBuilder inner = OpBuilder::atBlockBegin(clear.getBody());
      memref::StoreOp::create(inner, loc, neutral, row, arith::AddIOp::create(inner, loc, base, clear.getInductionVar()).getResult());
    }
    Value from = arith::MulIOp::create(body, loc, loop.getInductionVar(), index(body, step));
    Value to = arith::MinSIOp::create(body, loc, arith::AddIOp::create(body, loc, from, index(body, step)), index(body, size));
    emitter.emit(from, to);
    body.setInsertionPointToEnd(&kernel.getBody().front());
    func::ReturnOp::create(body, loc);
    cellrt::LaunchOp::create(builder, loc, FlatSymbolRefAttr::get(kernel), arguments.values.getArrayRef(), builder.getI64IntegerAttr(pieces), builder.getI64IntegerAttr(1));
    // The rows are added by an op of the same kind, lowered in turn.
    for (auto [o, partial] : llvm::enumerate(partials)) {
      if (!partial)
        continue;
      Value init = op.getDpsInits()[o];
      int64_t elements = cast<MemRefType>(init.getType()).getNumElements();
      auto rows = MemRefType::get({pieces, elements}, cast<MemRefType>(init.getType()).getElementType());
      Value wide = memref::ExpandShapeOp::create(builder, loc, rows, partial, ArrayRef<ReassociationIndices>{{0, 1}});
      SmallVector<ReassociationIndices> flat(1);
      for (int64_t d = 0; d < cast<MemRefType>(init.getType()).getRank(); ++d)
        flat[0].push_back(d);
      SmallVector<ReassociationIndices> none;
      bool scalar = flat[0].empty();
      Value target = scalar ? memref::ExpandShapeOp::create(builder, loc, ArrayRef<int64_t>{1}, init, none).getResult()
                            : memref::CollapseShapeOp::create(builder, loc, init, flat).getResult();
      Operation *combine = combiner(op, o);
      auto c = builder.getAffineDimExpr(0), e = builder.getAffineDimExpr(1);
      SmallVector<AffineMap> maps{AffineMap::get(2, 0, {c, e}, builder.getContext()), AffineMap::get(2, 0, e)};
      SmallVector<utils::IteratorType> iterators{utils::IteratorType::reduction, utils::IteratorType::parallel};
      auto sum = linalg::GenericOp::create(builder, loc, wide, target, maps, iterators, [&](OpBuilder &b, Location, ValueRange args) {
        Operation *clone = b.clone(*combine);
        clone->setOperands({args[1], args[0]});
        linalg::YieldOp::create(b, loc, clone->getResult(0));
      });
      if (failed(lower(cast<linalg::LinalgOp>(sum.getOperation()))))
        return failure();
    }
    op->erase();
    return success();
  }

  func::FuncOp createKernel(linalg::LinalgOp op, const Arguments &all, ArrayRef<Value> partials = {}) {
    ArrayRef<Value> arguments = all.values.getArrayRef();
    OpBuilder builder(&getContext());
    SmallVector<Type> types;
    SmallVector<BufferRoots> roots;
    SmallVector<bool> written;
    for (Value value : arguments) {
      auto type = dyn_cast<MemRefType>(value.getType());
      roots.push_back(type ? BufferRoots::of(value) : BufferRoots());
      written.push_back(type && (llvm::is_contained(op.getDpsInits(), value) || llvm::is_contained(partials, value)));
      if (type && !all.captured.contains(value))
        types.push_back(MemRefType::get({spanOf(type)}, type.getElementType()));
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
