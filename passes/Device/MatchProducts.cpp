//===- MatchProducts.cpp - products among the ops on buffers --------------===//
#include "passes/Device/Product.h"
#include "passes/LinalgToLLVM/BufferRoots.h"
#include "passes/LinalgToLLVM/Contraction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::cell;
using Dims = Contraction::Dims;

namespace {
/// A pointwise op of more operations is a kernel of its own: the code is repeated for every vector of a thread's sums.
constexpr int64_t kMaxEpilogue = 96;

SmallVector<int64_t> stridesOf(Value buffer) {
  SmallVector<int64_t> strides;
  int64_t offset;
  (void)cast<MemRefType>(buffer.getType()).getStridesAndOffset(strides, offset);
  return strides;
}

/// The axes that the dimensions of `group` are in a buffer with the dimensions `dims`.
SmallVector<Axis> axesOf(Value buffer, ArrayRef<unsigned> dims, ArrayRef<unsigned> group, ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> strides = stridesOf(buffer);
  SmallVector<Axis> axes;
  for (unsigned d : group) {
    auto found = llvm::find(dims, d);
    axes.push_back({sizes[d], found == dims.end() ? 0 : strides[found - dims.begin()]});
  }
  return axes;
}

/// The buffer seen through changes of shape that keep its elements in order.
Value withoutShape(Value buffer) {
  while (Operation *def = buffer.getDefiningOp()) {
    if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp>(def) || !cast<MemRefType>(buffer.getType()).getLayout().isIdentity())
      break;
    buffer = def->getOperand(0);
  }
  return buffer;
}

/// A pointwise op after a product, as its epilogue.
class EpilogueMatcher {
public:
  EpilogueMatcher(Product &product, ArrayRef<SmallVector<unsigned>> axes)
      : product(product), axes(axes), buffer(product.result.buffer), roots(BufferRoots::of(buffer)) {}

  bool run() {
    linalg::GenericOp op = findConsumer();
    if (!op || !isPointwise(op) || !mapDimensions(op))
      return false;
    Product::Epilogue epilogue;
    epilogue.op = op;
    epilogue.keepsResult = isNeededAfter(op);
    for (OpOperand &operand : op->getOpOperands()) {
      bool isInit = op.isDpsInit(&operand), isProduct = withoutShape(operand.get()) == withoutShape(buffer);
      if (!isa<MemRefType>(operand.get().getType()))
        return false;
      AffineMap map = op.getMatchingIndexingMap(&operand);
      if (isProduct && map != productMap)
        return false;
      BufferRoots own = BufferRoots::of(operand.get());
      if (!isProduct && own.mayAlias(roots))
        return false;
      if (isInit) {
        // Blocks still read the factors while others store.
        for (Value factor : {product.left.buffer, product.right.buffer})
          if (own.mayAlias(BufferRoots::of(factor)))
            return false;
        epilogue.keepsResult &= !isProduct;
      }
      std::optional<Access> access = accessOf(operand.get(), map);
      if (!access)
        return false;
      epilogue.accesses.push_back(*access);
      epilogue.isResult.push_back(isProduct);
    }
    product.epilogue = epilogue;
    product.anchor = op;
    product.name += "_" + nameOf(op);
    return true;
  }

private:
  Product &product;
  ArrayRef<SmallVector<unsigned>> axes;
  Value buffer;
  BufferRoots roots;
  AffineMap productMap;
  SmallVector<int64_t> sizes;
  Dims groups[3]; // of the consumer's dimensions

  /// The first op that touches the result, if the product may be computed as late as there.
  linalg::GenericOp findConsumer() {
    BufferRoots left = BufferRoots::of(product.left.buffer), right = BufferRoots::of(product.right.buffer);
    for (Operation *op = product.op->getNextNode(); op; op = op->getNextNode()) {
      if (isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::SubViewOp, memref::CastOp, memref::AllocOp>(op) || isPure(op))
        continue;
      if (touches(op, roots))
        return dyn_cast<linalg::GenericOp>(op);
      // Calls and tapes may write where no operand shows it.
      if (!isa<linalg::LinalgOp, cellrt::CallOp, memref::CopyOp>(op))
        return nullptr;
      // Only reads of the factors may stand between.
      auto writes = [&](ValueRange outs) {
        return llvm::any_of(outs, [&](Value out) { return BufferRoots::of(out).mayAlias(left) || BufferRoots::of(out).mayAlias(right); });
      };
      if (touches(op, left) || touches(op, right)) {
        auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
        auto call = dyn_cast<cellrt::CallOp>(op);
        if ((!linalgOp && !call) || writes(linalgOp ? ValueRange(linalgOp.getDpsInits()) : ValueRange(call.getOuts())))
          return nullptr;
      }
    }
    return nullptr;
  }

  static bool isPointwise(linalg::GenericOp op) {
    int64_t count = 0;
    for (Operation &inner : op.getBody()->without_terminator()) {
      bool elementwise = OpTrait::hasElementwiseMappableTraits(&inner) && !llvm::any_of(inner.getResultTypes(), llvm::IsaPred<IndexType>) &&
                         !llvm::any_of(inner.getOperandTypes(), llvm::IsaPred<IndexType>);
      if (!elementwise && !inner.hasTrait<OpTrait::ConstantLike>())
        return false;
      // Elementary functions are written out later; roundings between types of 16 and 32 bits cost next to nothing.
      count += isa<arith::ExtFOp, arith::TruncFOp, arith::ConstantOp>(inner) ? 0 : isa<arith::ArithDialect>(inner.getDialect()) ? 1 : 10;
    }
    auto isElement = [](Value value) {
      auto type = dyn_cast<MemRefType>(value.getType());
      return type && !type.getElementType().isIndex();
    };
    return count <= kMaxEpilogue && op.getNumParallelLoops() == op.getNumLoops() && llvm::all_of(op->getOperands(), isElement);
  }

  /// Finds which dimensions of the consumer are the product's batch, rows and columns.
  bool mapDimensions(linalg::GenericOp op) {
    OpOperand *read = nullptr;
    for (OpOperand *input : op.getDpsInputOperands())
      if (withoutShape(input->get()) == withoutShape(buffer))
        read = input;
    if (!read)
      return false;
    productMap = op.getMatchingIndexingMap(read);
    sizes = op.getStaticLoopRanges();
    if (!productMap.isPermutation() || !op.getMatchingBlockArgument(read))
      return false;
    auto dimOf = [&](unsigned axis) { return cast<AffineDimExpr>(productMap.getResult(axis)).getPosition(); };
    if (read->get() == buffer) {
      for (auto [group, own] : llvm::zip_equal(groups, axes))
        for (unsigned axis : own)
          group.push_back(dimOf(axis));
      return true;
    }
    // In another shape: the elements keep their order, so groups of dimensions from the back must be the columns, rows and batch.
    unsigned next = 0;
    for (auto &own : axes)
      for (unsigned axis : own)
        if (axis != next++)
          return false;
    int64_t wanted[] = {product.batch, product.m, product.n};
    unsigned axis = productMap.getNumResults();
    for (int g = 2; g >= 0; --g) {
      int64_t size = 1;
      while (axis > 0 && (g == 0 || size < wanted[g])) {
        groups[g].insert(groups[g].begin(), dimOf(--axis));
        size *= sizes[dimOf(axis)];
      }
      if (size != wanted[g])
        return false;
    }
    return true;
  }

  std::optional<Access> accessOf(Value value, AffineMap map) {
    SmallVector<int64_t> strides = stridesOf(value);
    SmallVector<int64_t> steps(sizes.size(), 0);
    Access access;
    access.buffer = value;
    for (auto [expr, stride] : llvm::zip_equal(map.getResults(), strides)) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        steps[dim.getPosition()] += stride;
      else if (auto constant = dyn_cast<AffineConstantExpr>(expr))
        access.offset += constant.getValue() * stride;
      else
        return std::nullopt;
    }
    for (auto [own, group] : llvm::zip_equal(access.groups, groups))
      for (unsigned d : group)
        own.push_back({sizes[d], steps[d]});
    return access;
  }

  /// The op writes the whole buffer of the product and reads nothing of it.
  bool overwrites(Operation *op) {
    auto call = dyn_cast<cellrt::CallOp>(op);
    auto generic = dyn_cast<linalg::GenericOp>(op);
    auto own = [&](Value value) { return BufferRoots::of(value).mayAlias(roots); };
    if (auto fill = dyn_cast<linalg::FillOp>(op))
      return fill.getOutputs()[0] == buffer;
    if (call)
      return !call.accumulates() && call.getOuts().size() == 1 && call.getOuts()[0] == buffer && llvm::none_of(call.getIns(), own);
    if (!generic || llvm::any_of(generic.getDpsInputs(), own))
      return false;
    return llvm::any_of(generic.getDpsInitsMutable(), [&](OpOperand &init) {
      return init.get() == buffer && generic.getMatchingBlockArgument(&init).use_empty() && generic.getMatchingIndexingMap(&init).isPermutation();
    });
  }

  /// True if somebody reads the product itself after `op`.
  bool isNeededAfter(Operation *op) {
    for (Value root : roots.roots)
      if (roots.unknown || !root.getDefiningOp<memref::AllocOp>() || root.getParentBlock() != op->getBlock())
        return true;
    for (Operation *next = op->getNextNode(); next; next = next->getNextNode())
      if (touches(next, roots))
        return !overwrites(next);
    return false;
  }
};
} // namespace

void cell::absorbNeighbours(Product &product, ArrayRef<SmallVector<unsigned>> axes, SmallVectorImpl<Operation *> &replaced) {
  replaced.push_back(product.op);
  BufferRoots roots = BufferRoots::of(product.result.buffer);
  for (Operation *before = product.op->getPrevNode(); before && product.accumulate; before = before->getPrevNode()) {
    auto fill = dyn_cast<linalg::FillOp>(before);
    if (fill && fill.getOutputs()[0] == product.result.buffer) {
      Value value = fill.getInputs()[0];
      if (!matchPattern(value, m_AnyZeroFloat()) && !matchPattern(value, m_Zero()))
        break;
      product.accumulate = false;
      replaced.push_back(fill);
    } else if (touches(before, roots) && !isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::SubViewOp, memref::CastOp>(before)) {
      break;
    }
  }
  if (EpilogueMatcher(product, axes).run())
    replaced.push_back(product.epilogue.op);
}

std::optional<Product> cell::matchProduct(linalg::GenericOp op, SmallVectorImpl<Operation *> &replaced) {
  std::optional<Contraction> c = Contraction::match(op, /*lookThrough=*/false);
  if (!c || !isa<MemRefType>(op.getDpsInits()[0].getType()) || c->m.size() + c->n.size() + c->batch.size() == 0)
    return std::nullopt;
  // The columns of the result are those of its last axis.
  if (!c->out.empty() && llvm::is_contained(c->m, c->out.back()))
    c->swapFactors();
  Product p;
  p.op = p.anchor = op;
  p.batch = c->size(c->batch), p.m = c->size(c->m), p.n = c->size(c->n), p.k = c->size(c->k);
  p.accumulate = true;
  auto access = [&](Value buffer, ArrayRef<unsigned> dims, ArrayRef<unsigned> rows, ArrayRef<unsigned> columns) {
    Access access;
    access.buffer = buffer;
    access.groups[Access::Batch] = axesOf(buffer, dims, c->batch, c->sizes);
    access.groups[Access::Row] = axesOf(buffer, dims, rows, c->sizes);
    access.groups[Access::Column] = axesOf(buffer, dims, columns, c->sizes);
    return access;
  };
  p.left = access(c->left.value, c->left.dims, c->m, c->k);
  p.right = access(c->right.value, c->right.dims, c->k, c->n);
  p.result = access(op.getDpsInits()[0], c->out, c->m, c->n);
  SmallVector<unsigned> axes[3];
  const Dims *dims[] = {&c->batch, &c->m, &c->n};
  for (auto [group, own] : llvm::zip_equal(axes, dims))
    for (unsigned d : *own)
      group.push_back(llvm::find(c->out, d) - c->out.begin());
  absorbNeighbours(p, axes, replaced);
  return p;
}

/// Named contractions become generics, which is what matchProduct knows.
static void generalizeContractions(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<linalg::LinalgOp> named;
  module.walk([&](linalg::LinalgOp op) {
    if (linalg::isaContractionOpInterface(op) && !isa<linalg::GenericOp>(op.getOperation()))
      named.push_back(op);
  });
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    (void)linalg::generalizeNamedOp(rewriter, op);
  }
}

static void eraseReplaced(ArrayRef<Operation *> replaced, llvm::SmallPtrSetImpl<Operation *> &gone) {
  SmallVector<Value> operands;
  for (Operation *op : replaced) {
    llvm::append_range(operands, op->getOperands());
    gone.insert(op);
    op->erase();
  }
  llvm::SmallDenseSet<Value> erased;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (erased.contains(operands[i]))
      continue;
    Operation *def = operands[i].getDefiningOp();
    if (!isa_and_nonnull<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp, memref::AllocOp>(def) || !def->use_empty())
      continue;
    erased.insert(operands[i]);
    llvm::append_range(operands, def->getOperands());
    def->erase();
  }
}

LogicalResult cell::lowerProducts(ModuleOp module, llvm::function_ref<FailureOr<bool>(Operation *, Product *, SmallVectorImpl<Operation *> &)> lower) {
  generalizeContractions(module);
  SmallVector<Operation *> ops;
  module.walk([&](Operation *op) {
    if (isa<linalg::GenericOp, cellrt::CallOp>(op))
      ops.push_back(op);
  });
  llvm::SmallPtrSet<Operation *, 32> gone;
  for (Operation *op : ops) {
    if (gone.contains(op))
      continue;
    auto call = dyn_cast<cellrt::CallOp>(op);
    SmallVector<Operation *> replaced;
    std::optional<Product> product = call ? matchConvolution(call, replaced) : matchProduct(cast<linalg::GenericOp>(op), replaced);
    if (!product && !call)
      continue;
    FailureOr<bool> lowered = lower(op, product ? &*product : nullptr, replaced);
    if (failed(lowered))
      return failure();
    if (*lowered)
      eraseReplaced(replaced, gone);
  }
  return success();
}
