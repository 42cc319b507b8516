//===- control.cpp - branches, loops and side effects of functions under construction ===//
#include "python/bindings/compiler/function.h"

#include "dialect/Cell/Cell.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace cellgrad::native {

//===----------------------------------------------------------------------===//
// Checks: everything is checked before the op is built
//===----------------------------------------------------------------------===//

static std::string textOf(Type type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  type.print(stream);
  return text;
}

static SmallVector<Type> typesOf(const std::vector<const NativeValue *> &values) {
  SmallVector<Type> types;
  for (const NativeValue *value : values)
    types.push_back(toTensor(value->type));
  return types;
}

/// Whether the function can be called with values of these types.
static bool takes(const char *what, Function &callee, FunctionType type, ArrayRef<Type> given, const void *where, Errors &errors) {
  if (type.getNumInputs() != given.size())
    return errors.add(where, std::string(what) + ": '" + callee.name + "' takes " + std::to_string(type.getNumInputs()) + " arguments, but gets " +
                                 std::to_string(given.size()));
  for (auto [i, pair] : llvm::enumerate(llvm::zip(type.getInputs(), given)))
    if (std::get<0>(pair) != std::get<1>(pair))
      return errors.add(where, std::string(what) + ": argument " + std::to_string(i) + " of '" + callee.name + "' is " + textOf(std::get<0>(pair)) +
                                   ", but gets " + textOf(std::get<1>(pair)));
  return true;
}

static bool sameResults(const char *what, Function &callee, TypeRange results, const std::string &other, TypeRange wanted, const void *where,
                        Errors &errors) {
  if (results.size() != wanted.size())
    return errors.add(where, std::string(what) + ": '" + callee.name + "' has " + std::to_string(results.size()) + " results, but " + other + " " +
                                 std::to_string(wanted.size()));
  for (auto [i, pair] : llvm::enumerate(llvm::zip(results, wanted)))
    if (std::get<0>(pair) != std::get<1>(pair))
      return errors.add(where, std::string(what) + ": result " + std::to_string(i) + " of '" + callee.name + "' is " + textOf(std::get<0>(pair)) +
                                   ", but " + other + " " + textOf(std::get<1>(pair)));
  return true;
}

static bool isCondition(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 0 && tensor.getElementType().isSignlessInteger(1);
}

static bool isCount(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getRank() == 0 && tensor.getElementType().isSignlessInteger() && !tensor.getElementType().isSignlessInteger(1);
}

/// A call of a function inside of a region; its types are known to fit.
static ValueRange callIn(OpBuilder &builder, Location at, mlir::Operation *callee, ArrayRef<mlir::Value> operands) {
  return func::CallOp::create(builder, at, funcOf(callee), operands).getResults();
}

static mlir::Value toIndex(OpBuilder &builder, Location at, const NativeValue &value) {
  auto scalar = tensor::ExtractOp::create(builder, at, mlir::Value::getFromOpaquePointer(value.value), ValueRange());
  return arith::IndexCastOp::create(builder, at, builder.getIndexType(), scalar);
}

//===----------------------------------------------------------------------===//
// Branches and loops
//===----------------------------------------------------------------------===//

bool Function::branch(const NativeValue &condition, Function &then, const std::vector<const NativeValue *> &thenOperands, Function &otherwise,
                      const std::vector<const NativeValue *> &elseOperands, const void *where, std::vector<NativeValue> &out, Errors &errors) {
  std::vector<void *> thenValues, elseValues, conditions;
  if (!requireOpen("branch", where, errors) || !calleeOf(then, "branch", where, errors) || !calleeOf(otherwise, "branch", where, errors) ||
      !operandsOf({&condition}, "branch", where, conditions, errors) || !operandsOf(thenOperands, "branch", where, thenValues, errors) ||
      !operandsOf(elseOperands, "branch", where, elseValues, errors))
    return false;
  if (!isCondition(toTensor(condition.type)))
    return errors.add(where, "branch: the condition must be tensor<i1>, not " + textOf(toTensor(condition.type)));
  FunctionType type = funcOf(then.op_).getFunctionType(), other = funcOf(otherwise.op_).getFunctionType();
  if (!takes("branch", then, type, typesOf(thenOperands), where, errors) || !takes("branch", otherwise, other, typesOf(elseOperands), where, errors) ||
      !sameResults("branch", otherwise, other.getResults(), "'" + then.name + "' has", type.getResults(), where, errors))
    return false;
  Location at = toLocation(where);
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  auto flag = tensor::ExtractOp::create(builder, at, mlir::Value::getFromOpaquePointer(condition.value), ValueRange());
  auto op = scf::IfOp::create(builder, at, type.getResults(), flag, /*addThenBlock=*/true, /*addElseBlock=*/true);
  auto fill = [&](Block *body, Function &callee, const std::vector<void *> &operands) {
    SmallVector<mlir::Value> values;
    asRange(operands, values);
    body->clear();
    OpBuilder inside = OpBuilder::atBlockEnd(body);
    scf::YieldOp::create(inside, at, callIn(inside, at, callee.op_, values));
    ++callee.uses;
  };
  fill(op.thenBlock(), then, thenValues);
  fill(op.elseBlock(), otherwise, elseValues);
  return insert(op, out, errors);
}

bool Function::forLoop(const NativeValue &lower, const NativeValue &upper, const NativeValue &step, Function &body,
                       const std::vector<const NativeValue *> &carried, const std::vector<const NativeValue *> &invariants, const void *where,
                       std::vector<NativeValue> &out, Errors &errors) {
  std::vector<void *> bounds, inits, constants;
  if (!requireOpen("for_loop", where, errors) || !calleeOf(body, "for_loop", where, errors) ||
      !operandsOf({&lower, &upper, &step}, "for_loop", where, bounds, errors) || !operandsOf(carried, "for_loop", where, inits, errors) ||
      !operandsOf(invariants, "for_loop", where, constants, errors))
    return false;
  for (const NativeValue *bound : {&lower, &upper, &step})
    if (!isCount(toTensor(bound->type)))
      return errors.add(where, "for_loop: a bound must be a 0-d tensor of signed integers, not " + textOf(toTensor(bound->type)));
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  Type counter = RankedTensorType::get({}, builder.getI64Type());
  SmallVector<Type> carriedTypes = typesOf(carried), given{counter};
  given.append(carriedTypes);
  given.append(typesOf(invariants));
  FunctionType type = funcOf(body.op_).getFunctionType();
  if (!takes("for_loop", body, type, given, where, errors) ||
      !sameResults("for_loop", body, type.getResults(), "carried is", carriedTypes, where, errors))
    return false;
  Location at = toLocation(where);
  SmallVector<mlir::Value> initValues, constantValues;
  asRange(inits, initValues);
  asRange(constants, constantValues);
  mlir::Value from = toIndex(builder, at, lower), to = toIndex(builder, at, upper), by = toIndex(builder, at, step);
  auto op = scf::ForOp::create(builder, at, from, to, by, initValues, [&](OpBuilder &inside, Location at, mlir::Value i, ValueRange values) {
    mlir::Value number = arith::IndexCastOp::create(inside, at, inside.getI64Type(), i);
    SmallVector<mlir::Value> operands{tensor::FromElementsOp::create(inside, at, counter, number)};
    operands.append(values.begin(), values.end());
    operands.append(constantValues);
    scf::YieldOp::create(inside, at, callIn(inside, at, body.op_, operands));
  });
  ++body.uses;
  return insert(op, out, errors);
}

bool Function::whileLoop(Function &condition, const std::vector<const NativeValue *> &conditionInvariants, Function &body,
                         const std::vector<const NativeValue *> &bodyInvariants, const std::vector<const NativeValue *> &carried,
                         const void *where, std::vector<NativeValue> &out, Errors &errors) {
  std::vector<void *> inits, conditionConstants, bodyConstants;
  if (!requireOpen("while_loop", where, errors) || !calleeOf(condition, "while_loop", where, errors) ||
      !calleeOf(body, "while_loop", where, errors) || !operandsOf(carried, "while_loop", where, inits, errors) ||
      !operandsOf(conditionInvariants, "while_loop", where, conditionConstants, errors) ||
      !operandsOf(bodyInvariants, "while_loop", where, bodyConstants, errors))
    return false;
  SmallVector<Type> types = typesOf(carried), toCondition(types), toBody(types);
  toCondition.append(typesOf(conditionInvariants));
  toBody.append(typesOf(bodyInvariants));
  FunctionType test = funcOf(condition.op_).getFunctionType(), type = funcOf(body.op_).getFunctionType();
  if (!takes("while_loop", condition, test, toCondition, where, errors) || !takes("while_loop", body, type, toBody, where, errors) ||
      !sameResults("while_loop", body, type.getResults(), "carried is", types, where, errors))
    return false;
  if (test.getNumResults() != 1 || !isCondition(test.getResult(0)))
    return errors.add(where, "while_loop: '" + condition.name + "' must have one result of type tensor<i1>");
  Location at = toLocation(where);
  SmallVector<mlir::Value> initValues, conditionValues, bodyValues;
  asRange(inits, initValues);
  asRange(conditionConstants, conditionValues);
  asRange(bodyConstants, bodyValues);
  auto with = [](ValueRange values, ArrayRef<mlir::Value> more) {
    SmallVector<mlir::Value> all(values);
    all.append(more.begin(), more.end());
    return all;
  };
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  auto op = scf::WhileOp::create(
      builder, at, types, initValues,
      [&](OpBuilder &inside, Location at, ValueRange values) {
        mlir::Value holds = callIn(inside, at, condition.op_, with(values, conditionValues)).front();
        auto flag = tensor::ExtractOp::create(inside, at, holds, ValueRange());
        scf::ConditionOp::create(inside, at, flag, values);
      },
      [&](OpBuilder &inside, Location at, ValueRange values) {
        scf::YieldOp::create(inside, at, callIn(inside, at, body.op_, with(values, bodyValues)));
      });
  ++condition.uses;
  ++body.uses;
  return insert(op, out, errors);
}

//===----------------------------------------------------------------------===//
// Side effects and attributes
//===----------------------------------------------------------------------===//

bool Function::print(std::string_view format, const std::vector<const NativeValue *> &operands, const void *where, Errors &errors) {
  std::vector<void *> opaque;
  if (!requireOpen("print", where, errors) || !operandsOf(operands, "print", where, opaque, errors))
    return false;
  SmallVector<mlir::Value> values;
  std::vector<NativeValue> none;
  OpBuilder builder(&context());
  auto op = cell::PrintOp::create(builder, toLocation(where), builder.getStringAttr(StringRef(format)), asRange(opaque, values));
  return insert(op, none, errors);
}

bool Function::assertion(const NativeValue &condition, std::string_view message, const void *where, Errors &errors) {
  std::vector<void *> opaque;
  if (!requireOpen("assert", where, errors) || !operandsOf({&condition}, "assert", where, opaque, errors))
    return false;
  std::vector<NativeValue> none;
  OpBuilder builder(&context());
  auto op = cell::AssertOp::create(builder, toLocation(where), mlir::Value::getFromOpaquePointer(opaque[0]), builder.getStringAttr(StringRef(message)));
  return insert(op, none, errors);
}

bool Function::setAttribute(std::string_view attribute, const FunctionAttribute &value, Errors &errors) {
  std::string text(attribute);
  if (state() == State::Gone)
    return errors.add(location, "set_attribute: function '" + name + "' is no longer under construction");
  if (text.rfind("cell.", 0) != 0)
    return errors.add(location, "set_attribute: '" + text + "' does not begin with 'cell.'");
  mlir::Builder builder(&context());
  Attribute made;
  if (value.function) {
    if (value.function->session != session || value.function->state() == State::Gone)
      return errors.add(location, "set_attribute: function '" + value.function->name + "' is not in the same module");
    made = FlatSymbolRefAttr::get(&context(), value.function->name);
  } else if (value.kind == Kind::Unit) {
    made = builder.getUnitAttr();
  } else if (value.kind == Kind::Int) {
    made = builder.getI64IntegerAttr(value.integer);
  } else if (value.kind == Kind::Str) {
    made = builder.getStringAttr(StringRef(value.text));
  } else {
    made = builder.getDenseI64ArrayAttr(value.integers);
  }
  Capture capture(errors);
  NamedAttribute named(StringAttr::get(&context(), text), made);
  if (failed(context().getLoadedDialect<cell::CellDialect>()->verifyOperationAttribute(op_, named))) {
    if (errors.list.empty())
      errors.add(location, "set_attribute: '" + text + "' does not take this value");
    return false;
  }
  op_->setAttr(named.getName(), made);
  if (value.function)
    ++value.function->uses;
  return true;
}

//===----------------------------------------------------------------------===//
// Differences that are known
//===----------------------------------------------------------------------===//

namespace {
/// A 0-d integer as a sum: constant + factor * value + ...
struct Sum {
  SmallVector<std::pair<mlir::Value, int64_t>, 4> terms;
  int64_t constant = 0;
};
} // namespace

static bool sameNumber(mlir::Value a, mlir::Value b, unsigned depth) {
  if (a == b)
    return true;
  mlir::Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  if (!depth || !x || !y || !isMemoryEffectFree(x) || x->getNumRegions() || cast<OpResult>(a).getResultNumber() != cast<OpResult>(b).getResultNumber())
    return false;
  return OperationEquivalence::isEquivalentTo(
      x, y, [&](mlir::Value l, mlir::Value r) { return success(sameNumber(l, r, depth - 1)); }, nullptr, OperationEquivalence::IgnoreLocations);
}

static std::optional<int64_t> constantOf(mlir::Value value) {
  auto op = value.getDefiningOp<cell::ConstantOp>();
  auto elements = op ? dyn_cast<DenseIntElementsAttr>(op.getValue()) : DenseIntElementsAttr();
  if (!elements || elements.getNumElements() != 1 || elements.getElementType().isUnsignedInteger())
    return std::nullopt;
  return (*elements.begin()).getSExtValue();
}

/// Adds `factor * value`; false where it gets too long. Sums are taken without overflow: they are positions in a tensor.
static bool accumulate(mlir::Value value, int64_t factor, unsigned depth, Sum &sum) {
  if (auto number = constantOf(value)) {
    int64_t product;
    return !llvm::MulOverflow(*number, factor, product) && !llvm::AddOverflow(sum.constant, product, sum.constant);
  }
  mlir::Operation *op = depth ? value.getDefiningOp() : nullptr;
  if (isa_and_present<cell::AddOp, cell::SubOp>(op))
    return accumulate(op->getOperand(0), factor, depth - 1, sum) && accumulate(op->getOperand(1), isa<cell::SubOp>(op) ? -factor : factor, depth - 1, sum);
  auto isInteger = [](mlir::Value v) { return getElementTypeOrSelf(v.getType()).isSignlessInteger() && !getElementTypeOrSelf(v.getType()).isInteger(1); };
  if (isa_and_present<cell::CastOp>(op) && isInteger(op->getOperand(0)))
    return accumulate(op->getOperand(0), factor, depth - 1, sum);
  if (sum.terms.size() >= 16)
    return false;
  for (auto &[known, count] : sum.terms)
    if (sameNumber(known, value, 8))
      return !llvm::AddOverflow(count, factor, count);
  sum.terms.emplace_back(value, factor);
  return true;
}

std::optional<int64_t> difference(const NativeValue &from, const NativeValue &to) {
  auto isScalar = [](const NativeValue &v) { return isCount(toTensor(v.type)); };
  Sum sum;
  if (from.function != to.function || from.function->state() == Function::State::Gone || !isScalar(from) || !isScalar(to) ||
      !accumulate(mlir::Value::getFromOpaquePointer(to.value), 1, 8, sum) || !accumulate(mlir::Value::getFromOpaquePointer(from.value), -1, 8, sum))
    return std::nullopt;
  for (auto &[value, count] : sum.terms)
    if (count)
      return std::nullopt;
  return sum.constant;
}

} // namespace cellgrad::native
