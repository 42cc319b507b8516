//===- Contraction.cpp - matrix products among the linalg ops -------------===//
#include "passes/LinalgToLLVM/Contraction.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;
using Dims = Contraction::Dims;

/// The position of each result of a map that consists of distinct dimensions; fails otherwise.
static std::optional<Dims> dimsOf(AffineMap map) {
  Dims dims;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || llvm::is_contained(dims, dim.getPosition()))
      return std::nullopt;
    dims.push_back(dim.getPosition());
  }
  return dims;
}

/// True if the body is `yield out + a * b`; `widened` says whether a and b are extended first.
static bool isSumOfProducts(linalg::GenericOp op, bool &widened) {
  Block &body = *op.getBody();
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return false;
  Type sum = body.getArgument(2).getType();
  Value factors[2];
  widened = false;
  size_t known = 3;
  for (unsigned i : {0u, 1u}) {
    BlockArgument argument = body.getArgument(i);
    factors[i] = argument;
    if (argument.getType() == sum || !argument.hasOneUse())
      continue;
    Operation *user = *argument.user_begin();
    if (!isa<arith::ExtFOp, arith::ExtSIOp>(user) || user->getResult(0).getType() != sum)
      return false;
    factors[i] = user->getResult(0);
    widened = true;
    ++known;
  }
  Operation *add = body.getTerminator()->getOperand(0).getDefiningOp();
  if (body.getOperations().size() != known || !isa_and_nonnull<arith::AddFOp, arith::AddIOp>(add) || sum.isInteger(1))
    return false;
  auto uses = [](Operation *inner, Value a, Value b) {
    return (inner->getOperand(0) == a && inner->getOperand(1) == b) || (inner->getOperand(0) == b && inner->getOperand(1) == a);
  };
  for (Operation &mul : body)
    if (isa<arith::MulFOp, arith::MulIOp>(mul))
      return uses(&mul, factors[0], factors[1]) && uses(add, mul.getResult(0), body.getArgument(2));
  return false;
}

std::optional<Dims> cell::permutedAxes(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 || op.getBody()->getOperations().size() != 1 ||
      op.getBody()->getTerminator()->getOperand(0) != op.getBody()->getArgument(0))
    return std::nullopt;
  std::optional<Dims> in = dimsOf(op.getIndexingMapsArray()[0]), out = dimsOf(op.getIndexingMapsArray()[1]);
  if (!in || !out || out->size() != op.getNumLoops() || !isa<ShapedType>(op.getDpsInputs()[0].getType()))
    return std::nullopt;
  Dims axes;
  for (unsigned d : *in)
    axes.push_back(llvm::find(*out, d) - out->begin());
  return axes;
}

static void lookThroughTransposes(Contraction::Factor &factor) {
  while (auto op = factor.value.getDefiningOp<linalg::GenericOp>()) {
    std::optional<Dims> axes = permutedAxes(op);
    if (!axes)
      return;
    Dims next;
    for (unsigned axis : *axes)
      next.push_back(factor.dims[axis]);
    factor = {op.getDpsInputs()[0], next};
  }
}

bool Contraction::classify() {
  auto has = [](const Dims &dims, unsigned d) { return llvm::is_contained(dims, d); };
  batch.clear(), m.clear(), n.clear(), k.clear();
  for (unsigned d : out)
    (has(left.dims, d) && has(right.dims, d) ? batch : has(left.dims, d) ? m : n).push_back(d);
  for (unsigned d : left.dims)
    if (!has(out, d))
      k.push_back(d);
  // Every dimension of the sum belongs to both factors, every one of the result to at least one.
  for (unsigned d = 0; d < sizes.size(); ++d)
    if (has(out, d) ? !has(left.dims, d) && !has(right.dims, d) : !has(left.dims, d) || !has(right.dims, d))
      return false;
  return true;
}

std::optional<Contraction> Contraction::match(linalg::GenericOp op, bool lookThrough) {
  Contraction c;
  if (!isSumOfProducts(op, c.widened))
    return std::nullopt;
  std::optional<Dims> a = dimsOf(op.getIndexingMapsArray()[0]), b = dimsOf(op.getIndexingMapsArray()[1]), out = dimsOf(op.getIndexingMapsArray()[2]);
  if (!a || !b || !out)
    return std::nullopt;
  c.op = op;
  c.sizes = op.getStaticLoopRanges();
  c.left = {op.getDpsInputs()[0], *a};
  c.right = {op.getDpsInputs()[1], *b};
  c.out = *out;
  if (lookThrough) {
    lookThroughTransposes(c.left);
    lookThroughTransposes(c.right);
  }
  if (!c.classify())
    return std::nullopt;
  return c;
}

int64_t Contraction::size(ArrayRef<unsigned> dims) const {
  int64_t result = 1;
  for (unsigned d : dims)
    result *= sizes[d];
  return result;
}

void Contraction::swapFactors() {
  std::swap(left, right);
  classify();
}
