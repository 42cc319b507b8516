//===- ContractionsToGemm.cpp - contractions become library products ------===//
#include "passes/LinalgToLLVM/Common.h"
#include "passes/LinalgToLLVM/Contraction.h"
#include "passes/Passes.h"

#include "dialect/Rt/RtOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CONTRACTIONSTOGEMM
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Multiply-adds from which a library call beats a generated loop.
constexpr int64_t kGemmWork = 4096;

using Dims = Contraction::Dims;
using Factor = Contraction::Factor;

class GemmBuilder {
public:
  explicit GemmBuilder(const Contraction &found)
      : op(found.op), builder(op), loc(op.getLoc()), sizes(found.sizes), contraction(found) {}

  LogicalResult run() {
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    if (contraction.widened || !(type.getElementType().isF32() || type.getElementType().isF64()))
      return failure();
    // The columns of the result are those of its last axis.
    if (!contraction.out.empty() && llvm::is_contained(contraction.m, contraction.out.back()))
      contraction.swapFactors();
    batch = contraction.batch, m = contraction.m, n = contraction.n, k = contraction.k;
    if (product(m) < 2 || product(n) < 2 || product(k) < 1 || product(batch) * product(m) * product(n) * product(k) < kGemmWork)
      return failure();
    Dims natural = concat(batch, m, n);
    if (natural != contraction.out)
      return failure(); // the result's own axes are interleaved: rare, a loop is right
    bool transA = false, transB = false;
    Value x = arrange(contraction.left, m, k, transA), y = arrange(contraction.right, k, n, transB);
    emit(x, y, transA, transB);
    return success();
  }

private:
  linalg::GenericOp op;
  OpBuilder builder;
  Location loc;
  SmallVector<int64_t> sizes;
  Contraction contraction;
  Dims batch, m, n, k;

  static Dims concat(ArrayRef<unsigned> a, ArrayRef<unsigned> b, ArrayRef<unsigned> c) {
    Dims all(a);
    all.append(b.begin(), b.end());
    all.append(c.begin(), c.end());
    return all;
  }

  int64_t product(ArrayRef<unsigned> dims) { return contraction.size(dims); }

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
      if (std::optional<Contraction> contraction = Contraction::match(op, /*lookThrough=*/true))
        (void)GemmBuilder(*contraction).run(); // those that do not fit become loops
  }
};
} // namespace
