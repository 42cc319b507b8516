//===- LibraryEpilogue.cpp - epilogues that libraries have ----------------===//
#include "passes/LinalgToGpu/LibraryEpilogue.h"
#include "runtime/gpu/cellgrad_gpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Whether the op is a change of type that the rounding to `stored` makes superfluous; one to a type that holds less, or other numbers, shows in the result.
bool isSuperfluous(Operation *op, Type stored) {
  if (!isa_and_nonnull<arith::TruncFOp>(op))
    return isa_and_nonnull<arith::ExtFOp>(op);
  Type type = op->getResult(0).getType();
  return type == stored || type.getIntOrFloatBitWidth() > stored.getIntOrFloatBitWidth();
}

Value withoutRounding(Value value, Type stored) {
  while (isSuperfluous(value.getDefiningOp(), stored))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// x of a relu: maximum(x, 0), or 0 where x is not above 0 and x elsewhere; null for other values. The library's makes 0 of NaN: where that may not
/// be (`keepsNan`), only a relu that does so too.
Value underRelu(Value value, Type stored, bool keepsNan) {
  auto isZero = [](Value v) { return matchPattern(v, m_AnyZeroFloat()); };
  if (auto relu = value.getDefiningOp<arith::MaximumFOp>())
    return isZero(relu.getRhs()) && !keepsNan ? relu.getLhs() : Value();
  auto select = value.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (!compare || !isZero(compare.getRhs()))
    return nullptr;
  bool below = compare.getPredicate() == arith::CmpFPredicate::OLE || compare.getPredicate() == arith::CmpFPredicate::OLT;
  bool above = compare.getPredicate() == arith::CmpFPredicate::OGT || compare.getPredicate() == arith::CmpFPredicate::OGE;
  Value zero = below ? select.getTrueValue() : select.getFalseValue(), x = below ? select.getFalseValue() : select.getTrueValue();
  return ((below && !keepsNan) || above) && isZero(zero) && withoutRounding(x, stored) == withoutRounding(compare.getLhs(), stored) ? x : Value();
}

/// The number that `value` is where `x` is `at`, computed in double without roundings that the one to `stored` makes superfluous; none for what is not arithmetic of x.
std::optional<double> evaluate(Value value, Value x, double at, Type stored, llvm::DenseMap<Value, std::optional<double>> &known) {
  if (value == x)
    return at;
  APFloat constant(0.0);
  if (matchPattern(value, m_ConstantFloat(&constant)))
    return constant.convertToDouble();
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumOperands() == 0)
    return std::nullopt;
  if (auto found = known.find(value); found != known.end())
    return found->second;
  SmallVector<double, 2> operands;
  for (Value operand : op->getOperands()) {
    std::optional<double> number = evaluate(operand, x, at, stored, known);
    if (!number)
      return known[value] = std::nullopt;
    operands.push_back(*number);
  }
  double a = operands[0], b = operands.back();
  return known[value] = isSuperfluous(op, stored) ? std::optional<double>(a)
                        : isa<arith::AddFOp>(op) ? a + b
                        : isa<arith::SubFOp>(op) ? a - b
                        : isa<arith::MulFOp>(op) ? a * b
                        : isa<arith::DivFOp>(op) ? a / b
                        : isa<arith::NegFOp>(op) ? -a
                        : isa<math::TanhOp>(op)  ? std::tanh(a)
                        : isa<math::ExpOp>(op)   ? std::exp(a)
                                                 : std::optional<double>();
}

/// x of gelu(x) in its form with tanh, of which x is one of `candidates`; null for other values. However it is written, it is known by its values: the form with
/// erf is not arithmetic of it, others that are in use are 0.02 away, and constants of 16 bits less.
Value underGelu(Value value, Type stored, ArrayRef<Value> candidates) {
  double limit = stored.isF32() ? 1e-6 : stored.isF16() ? 3e-4 : 3e-3;
  auto isGeluOf = [&](Value x) {
    return value != x && llvm::all_of(llvm::seq(-12, 13), [&](int i) {
      double at = 0.37 * i, gelu = 0.5 * at * (1 + std::tanh(0.7978845608028654 * (at + 0.044715 * at * at * at)));
      llvm::DenseMap<Value, std::optional<double>> known;
      std::optional<double> number = evaluate(value, x, at, stored, known);
      return number && std::abs(*number - gelu) < limit;
    });
  };
  auto found = llvm::find_if(candidates, isGeluOf);
  return found == candidates.end() ? Value() : *found;
}

} // namespace

std::optional<Fused> cell::matchFused(const Product &p, bool keepsNan) {
  linalg::GenericOp op = p.epilogue.op;
  // The library has none of them for f64.
  if (p.accumulate || p.epilogue.keepsResult || op.getNumDpsInits() != 1 || p.sumType().isF64())
    return std::nullopt;
  Block *body = op.getBody();
  auto isProduct = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == body && p.epilogue.isResult[argument.getArgNumber()];
  };
  Fused fused;
  Type stored = body->getTerminator()->getOperand(0).getType();
  if (!isa<FloatType>(stored))
    return std::nullopt;
  Value value = withoutRounding(body->getTerminator()->getOperand(0), stored);
  if (Value x = underRelu(value, stored, keepsNan)) {
    fused.epilogue = CG_PRODUCT_RELU;
    value = withoutRounding(x, stored);
  } else if (!keepsNan) { // how exact the library's tanh is, nobody says: where ways are compared they are to compute the same
    SmallVector<Value> candidates;
    for (BlockArgument argument : body->getArguments())
      if (isProduct(argument))
        candidates.push_back(argument);
    for (auto sum : body->getOps<arith::AddFOp>())
      if (isProduct(withoutRounding(sum.getLhs(), stored)) || isProduct(withoutRounding(sum.getRhs(), stored)))
        candidates.push_back(sum);
    if (Value x = underGelu(value, stored, candidates)) {
      fused.epilogue = CG_PRODUCT_GELU;
      value = withoutRounding(x, stored);
    }
  }
  if (auto sum = value.getDefiningOp<arith::AddFOp>()) {
    Value a = withoutRounding(sum.getLhs(), stored), b = withoutRounding(sum.getRhs(), stored);
    if (isProduct(b))
      std::swap(a, b);
    auto bias = dyn_cast<BlockArgument>(b);
    if (!bias || bias.getOwner() != body || bias.getArgNumber() >= op.getNumDpsInputs())
      return std::nullopt;
    const Access &access = p.epilogue.accesses[bias.getArgNumber()];
    // One number per column, or per channel, which are the rows of a convolution.
    auto along = p.isConvolution ? Access::Row : Access::Column, across = p.isConvolution ? Access::Column : Access::Row;
    bool isLine = access.offset == 0 && access.isUniform(Access::Batch) && access.isUniform(across) && access.groups[along].size() == 1 && access.groups[along][0].stride == 1;
    if (!isLine)
      return std::nullopt;
    fused.bias = op.getDpsInputs()[bias.getArgNumber()];
    fused.epilogue += CG_PRODUCT_BIAS;
    value = a;
  }
  if (!isProduct(value))
    return std::nullopt;
  fused.out = op.getDpsInits()[0];
  return fused;
}
