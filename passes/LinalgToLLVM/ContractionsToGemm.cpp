//===- ContractionsToGemm.cpp - contractions become library products ------===//
#include "passes/LinalgToLLVM/Common.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CONTRACTIONSTOGEMM
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Multiply-adds from which a library call beats a generated loop.
constexpr int64_t kGemmWork = 4096;

using Dims = SmallVector<unsigned>;

/// An operand of a contraction: its value and, per axis, the iteration dimension.
struct Factor {
  Value value;
  Dims dims;
};

/// The position of each result of a map that consists of distinct dimensions; fails otherwise.
std::optional<Dims> dimsOf(AffineMap map) {
  Dims dims;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || llvm::is_contained(dims, dim.getPosition()))
      return std::nullopt;
    dims.push_back(dim.getPosition());
  }
  return dims;
}

/// True if the body is `yield out + a * b` on one floating type.
bool isSumOfProducts(linalg::GenericOp op) {
  Block &body = *op.getBody();
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || body.getOperations().size() != 3)
    return false;
  auto mul = dyn_cast<arith::MulFOp>(body.front());
  auto add = dyn_cast<arith::AddFOp>(*std::next(body.begin()));
  if (!mul || !add || body.getTerminator()->getOperand(0) != add.getResult())
    return false;
  auto uses = [](Operation *inner, Value a, Value b) {
    return (inner->getOperand(0) == a && inner->getOperand(1) == b) || (inner->getOperand(0) == b && inner->getOperand(1) == a);
  };
  return uses(mul, body.getArgument(0), body.getArgument(1)) && uses(add, mul.getResult(), body.getArgument(2));
}

/// Looks through generics that only permute or repeat their input, so that a transpose costs nothing.
void lookThroughTransposes(Factor &factor) {
  while (auto op = factor.value.getDefiningOp<linalg::GenericOp>()) {
    if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 || op.getBody()->getOperations().size() != 1 ||
        op.getBody()->getTerminator()->getOperand(0) != op.getBody()->getArgument(0))
      return;
    std::optional<Dims> in = dimsOf(op.getIndexingMapsArray()[0]), out = dimsOf(op.getIndexingMapsArray()[1]);
    if (!in || !out || out->size() != op.getNumLoops() || !isa<RankedTensorType>(op.getDpsInputs()[0].getType()))
      return;
    Dims next;
    for (unsigned d : *in)
      next.push_back(factor.dims[llvm::find(*out, d) - out->begin()]);
    factor = {op.getDpsInputs()[0], next};
  }
}

class GemmBuilder {
public:
  GemmBuilder(linalg::GenericOp op) : op(op), builder(op), loc(op.getLoc()), sizes(op.getStaticLoopRanges()) {}

  LogicalResult run() {
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    if (!isSumOfProducts(op) || !(type.getElementType().isF32() || type.getElementType().isF64()))
      return failure();
    std::optional<Dims> a = dimsOf(op.getIndexingMapsArray()[0]), b = dimsOf(op.getIndexingMapsArray()[1]), c = dimsOf(op.getIndexingMapsArray()[2]);
    if (!a || !b || !c || llvm::any_of(op.getDpsInputs(), [&](Value v) { return getElementTypeOrSelf(v.getType()) != type.getElementType(); }))
      return failure();
    Factor left{op.getDpsInputs()[0], *a}, right{op.getDpsInputs()[1], *b};
    lookThroughTransposes(left);
    lookThroughTransposes(right);
    auto has = [](const Dims &dims, unsigned d) { return llvm::is_contained(dims, d); };
    auto classify = [&](Factor &first, Factor &second) {
      batch.clear(), m.clear(), n.clear(), k.clear();
      for (unsigned d : *c)
        (has(first.dims, d) && has(second.dims, d) ? batch : has(first.dims, d) ? m : n).push_back(d);
      for (unsigned d : first.dims)
        if (!has(*c, d))
          k.push_back(d);
    };
    classify(left, right);
    // Every dimension of the sum belongs to both factors, every one of the result to at least one.
    for (unsigned d : k)
      if (!has(right.dims, d))
        return failure();
    for (unsigned d = 0; d < sizes.size(); ++d)
      if (!has(left.dims, d) && !has(right.dims, d))
        return failure();
    for (unsigned d : right.dims)
      if (!has(*c, d) && !has(k, d))
        return failure();
    // The columns of the result are those of its last axis.
    if (!c->empty() && has(m, c->back())) {
      std::swap(left, right);
      classify(left, right);
    }
    if (product(m) < 2 || product(n) < 2 || product(k) < 1 || product(batch) * product(m) * product(n) * product(k) < kGemmWork)
      return failure();
    Dims natural = concat(batch, m, n);
    if (natural != *c)
      return failure(); // the result's own axes are interleaved: rare, a loop is right
    bool transA = false, transB = false;
    Value x = arrange(left, m, k, transA), y = arrange(right, k, n, transB);
    emit(x, y, transA, transB);
    return success();
  }

private:
  linalg::GenericOp op;
  OpBuilder builder;
  Location loc;
  SmallVector<int64_t> sizes;
  Dims batch, m, n, k;

  static Dims concat(ArrayRef<unsigned> a, ArrayRef<unsigned> b, ArrayRef<unsigned> c) {
    Dims all(a);
    all.append(b.begin(), b.end());
    all.append(c.begin(), c.end());
    return all;
  }

  int64_t product(ArrayRef<unsigned> dims) {
    int64_t result = 1;
    for (unsigned d : dims)
      result *= sizes[d];
    return result;
  }

  /// `factor` as [batch, rows, columns] or [batch, columns, rows] (then `transposed`), by a copy if its axes are in another order.
  Value arrange(Factor factor, ArrayRef<unsigned> rows, ArrayRef<unsigned> columns, bool &transposed) {
    Dims straight = concat(batch, rows, columns), swapped = concat(batch, columns, rows);
    transposed = factor.dims != straight && factor.dims == swapped;
    if (factor.dims != straight && !transposed)
      factor.value = transposedCopy(factor, straight);
    return reshape(factor.value, transposed ? columns : rows, transposed ? rows : columns, true);
  }

  Value transposedCopy(Factor factor, const Dims &order) {
    auto type = cast<RankedTensorType>(factor.value.getType());
    SmallVector<AffineExpr> exprs;
    SmallVector<int64_t> shape;
    for (unsigned d : factor.dims)
      exprs.push_back(builder.getAffineDimExpr(llvm::find(order, d) - order.begin()));
    for (unsigned d : order)
      shape.push_back(sizes[d]);
    Value empty = tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
    SmallVector<AffineMap> maps{AffineMap::get(order.size(), 0, exprs, builder.getContext()), builder.getMultiDimIdentityMap(order.size())};
    SmallVector<utils::IteratorType> iterators(order.size(), utils::IteratorType::parallel);
    return linalg::GenericOp::create(builder, loc, empty.getType(), factor.value, empty, maps, iterators,
                                     [](OpBuilder &b, Location l, ValueRange args) { linalg::YieldOp::create(b, l, args[0]); })
        .getResult(0);
  }

  /// Merges the axes of each group to one (`collapse`), or takes them apart again into `op`'s result type.
  Value reshape(Value value, ArrayRef<unsigned> rows, ArrayRef<unsigned> columns, bool collapse) {
    SmallVector<int64_t> shape;
    SmallVector<ReassociationIndices> groups;
    int64_t axis = 0;
    auto group = [&](ArrayRef<unsigned> dims) {
      ReassociationIndices indices;
      for (unsigned i = 0; i < dims.size(); ++i)
        indices.push_back(axis++);
      groups.push_back(indices);
      shape.push_back(product(dims));
    };
    if (!batch.empty())
      group(batch);
    group(rows);
    group(columns);
    auto full = cast<RankedTensorType>(collapse ? value.getType() : op.getResult(0).getType());
    if (int64_t(shape.size()) == full.getRank())
      return value;
    if (collapse)
      return tensor::CollapseShapeOp::create(builder, loc, RankedTensorType::get(shape, full.getElementType()), value, groups);
    return tensor::ExpandShapeOp::create(builder, loc, full, value, groups);
  }

  void emit(Value x, Value y, bool transA, bool transB) {
    OpOperand *init = op.getDpsInitOperand(0);
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    auto fill = init->get().getDefiningOp<linalg::FillOp>();
    FloatAttr zero;
    if (fill)
      if (auto constant = fill.getInputs()[0].getDefiningOp<arith::ConstantOp>())
        zero = dyn_cast<FloatAttr>(constant.getValue());
    bool fresh = zero && zero.getValue().isZero();
    Value target = fresh ? Value(tensor::EmptyOp::create(builder, loc, type.getShape(), type.getElementType())) : init->get();
    auto call = cellrt::CallOp::create(builder, loc, "gemm", ValueRange{x, y}, reshape(target, m, n, true), {transA, transB});
    if (!fresh)
      call->setAttr("accumulate", builder.getUnitAttr());
    op.getResult(0).replaceAllUsesWith(reshape(call->getResult(0), m, n, false));
    op->erase();
  }
};

struct ContractionsToGemm : cell::impl::ContractionsToGemmBase<ContractionsToGemm> {
  void getDependentDialects(DialectRegistry &registry) const override { registerLinalgToLLVMDialects(registry); }
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
    for (linalg::GenericOp op : ops)
      (void)GemmBuilder(op).run(); // those that do not fit become loops
  }
};
} // namespace
