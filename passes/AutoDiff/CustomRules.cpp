//===- CustomRules.cpp - rules that a function names for itself -----------===//
#include "passes/AutoDiff/CustomRules.h"

using namespace mlir;
using namespace mlir::cell;

static StringRef attributeOf(CustomRule::Mode mode) { return mode == CustomRule::Mode::Vjp ? "cell.custom_vjp" : "cell.custom_jvp"; }

static func::FuncOp lookupRule(func::FuncOp function, SymbolTable &symbols, CustomRule::Mode mode) {
  auto name = function->getAttrOfType<FlatSymbolRefAttr>(attributeOf(mode));
  return name ? symbols.lookup<func::FuncOp>(name.getAttr()) : func::FuncOp();
}

std::optional<CustomRule> mlir::cell::findCustomRule(func::FuncOp function, SymbolTable &symbols, CustomRule::Mode mode) {
  CustomRule custom;
  custom.rule = lookupRule(function, symbols, mode);
  if (!custom.rule)
    return std::nullopt;
  unsigned arguments = function.getNumArguments(), results = mode == CustomRule::Mode::Vjp ? function.getNumResults() : 0;
  for (int64_t k : function->getAttrOfType<DenseI64ArrayAttr>((attributeOf(mode) + "_operands").str()).asArrayRef()) {
    unsigned i = static_cast<unsigned>(k);
    if (i < arguments)
      custom.operands.push_back({CustomRule::Operand::Kind::Argument, i});
    else if (i < arguments + results)
      custom.operands.push_back({CustomRule::Operand::Kind::Result, i - arguments});
    else
      custom.operands.push_back({CustomRule::Operand::Kind::Linear, i - arguments - results});
  }
  if (mode == CustomRule::Mode::Vjp)
    llvm::append_range(custom.results, function->getAttrOfType<DenseI64ArrayAttr>("cell.custom_vjp_gradients").asArrayRef());
  else
    llvm::append_range(custom.results, llvm::seq(function.getNumResults()));
  return custom;
}

namespace {
/// Checks one rule of a function.
class RuleVerifier {
public:
  RuleVerifier(func::FuncOp function, SymbolTable &symbols, CustomRule::Mode mode) : function(function), symbols(symbols), mode(mode) {}
  LogicalResult verify();

private:
  InFlightDiagnostic fail() {
    auto diagnostic = function.emitError("the rule @") << function->getAttrOfType<FlatSymbolRefAttr>(attributeOf(mode)).getValue() << " of @" << function.getSymName()
                                                       << " ";
    if (rule)
      diagnostic.attachNote(rule.getLoc()) << "the rule is @" << rule.getSymName() << " : " << rule.getFunctionType();
    return diagnostic;
  }
  LogicalResult verifyOperands();
  LogicalResult verifyGradients();
  LogicalResult verifyTangents();

  func::FuncOp function, rule;
  SymbolTable &symbols;
  CustomRule::Mode mode;
};

LogicalResult RuleVerifier::verify() {
  if (!function->hasAttr(attributeOf(mode)))
    return success();
  rule = lookupRule(function, symbols, mode);
  if (!rule)
    return fail() << "is no function of this module";
  if (rule == function)
    return fail() << "is the function itself";
  if (failed(verifyOperands()))
    return failure();
  return mode == CustomRule::Mode::Vjp ? verifyGradients() : verifyTangents();
}

LogicalResult RuleVerifier::verifyOperands() {
  std::string name = (attributeOf(mode) + "_operands").str();
  auto map = function->getAttrOfType<DenseI64ArrayAttr>(name);
  if (!map)
    return fail() << "needs '" << name << "'";
  if (map.size() != static_cast<int64_t>(rule.getNumArguments()))
    return fail() << "has " << rule.getNumArguments() << " arguments, but '" << name << "' describes " << map.size();
  // What an entry may name, in order, with the type that it stands for.
  SmallVector<std::pair<std::string, Type>> known;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    known.push_back({"argument " + std::to_string(i), type});
  if (mode == CustomRule::Mode::Vjp) {
    for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
      known.push_back({"result " + std::to_string(i), type});
    for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
      known.push_back({"the cotangent of result " + std::to_string(i), type});
  } else {
    for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
      known.push_back({"the tangent of argument " + std::to_string(i), type});
  }
  for (auto [i, entry, type] : llvm::enumerate(map.asArrayRef(), rule.getArgumentTypes())) {
    if (entry < 0 || entry >= static_cast<int64_t>(known.size()))
      return fail() << "takes entry " << entry << " of @" << function.getSymName() << ", which has " << known.size();
    if (type != known[entry].second)
      return fail() << "takes " << type << " as argument " << i << ", but that is " << known[entry].first << " of type " << known[entry].second;
  }
  return success();
}

LogicalResult RuleVerifier::verifyGradients() {
  auto gradients = function->getAttrOfType<DenseI64ArrayAttr>("cell.custom_vjp_gradients");
  if (!gradients)
    return fail() << "needs 'cell.custom_vjp_gradients'";
  if (gradients.size() != static_cast<int64_t>(rule.getNumResults()))
    return fail() << "gives " << rule.getNumResults() << " values, but 'cell.custom_vjp_gradients' describes " << gradients.size();
  llvm::SmallDenseSet<int64_t> seen;
  for (auto [i, argument, type] : llvm::enumerate(gradients.asArrayRef(), rule.getResultTypes())) {
    if (argument < 0 || argument >= static_cast<int64_t>(function.getNumArguments()))
      return fail() << "gives the gradient of argument " << argument << ", but the function has " << function.getNumArguments() << " arguments";
    if (!seen.insert(argument).second)
      return fail() << "gives the gradient of argument " << argument << " twice";
    if (Type wanted = function.getArgumentTypes()[argument]; type != wanted)
      return fail() << "gives " << type << " as the gradient of argument " << argument << " of type " << wanted;
  }
  return success();
}

LogicalResult RuleVerifier::verifyTangents() {
  if (rule.getNumResults() != function.getNumResults())
    return fail() << "gives " << rule.getNumResults() << " tangents, but the function has " << function.getNumResults() << " results";
  for (auto [i, type, wanted] : llvm::enumerate(rule.getResultTypes(), function.getResultTypes()))
    if (type != wanted)
      return fail() << "gives " << type << " as the tangent of result " << i << " of type " << wanted;
  return success();
}
} // namespace

LogicalResult mlir::cell::verifyCustomRules(ModuleOp module, SymbolTable &symbols) {
  bool failing = false;
  for (auto function : module.getOps<func::FuncOp>())
    for (CustomRule::Mode mode : {CustomRule::Mode::Vjp, CustomRule::Mode::Jvp})
      failing |= failed(RuleVerifier(function, symbols, mode).verify());
  return failure(failing);
}

void mlir::cell::forEachRule(func::FuncOp function, SymbolTable &symbols, function_ref<void(func::FuncOp)> visit) {
  for (CustomRule::Mode mode : {CustomRule::Mode::Vjp, CustomRule::Mode::Jvp})
    if (func::FuncOp rule = lookupRule(function, symbols, mode))
      visit(rule);
}

void mlir::cell::dropDerivativeAttributes(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    for (StringRef name : {"cell.custom_vjp", "cell.custom_vjp_operands", "cell.custom_vjp_gradients", "cell.custom_jvp", "cell.custom_jvp_operands",
                           "cell.recompute"})
      function->removeAttr(name);
}
