//===- transforms.cpp - ops that stand for a function made from another ------===//
#include "python/bindings/compiler/function.h"

#include "dialect/Cell/Cell.h"

using namespace mlir;

namespace cellgrad::native {

/// Whether the numbers name arguments (results) of the callee.
static bool inRange(const char *what, const char *kind, const std::vector<int64_t> &numbers, size_t count, const std::string &callee,
                    const void *where, Errors &errors) {
  for (int64_t i : numbers)
    if (i < 0 || i >= static_cast<int64_t>(count))
      return errors.add(where, std::string(what) + ": there is no " + kind + " " + std::to_string(i) + " in '" + callee + "', which has " +
                                   std::to_string(count) + " " + kind + "s");
  return true;
}

bool Function::derivative(Function &callee, const std::vector<const NativeValue *> &operands,
                          const std::vector<const NativeValue *> *cotangents, const std::vector<int64_t> &wrt,
                          const std::vector<int64_t> &outputs, const void *where, std::vector<NativeValue> &out, Errors &errors) {
  const char *what = cotangents ? "vjp" : "value_and_grad";
  std::vector<void *> opaque, opaqueCotangents;
  if (!requireOpen(what, where, errors) || !calleeOf(callee, what, where, errors) || !operandsOf(operands, what, where, opaque, errors) ||
      (cotangents && !operandsOf(*cotangents, what, where, opaqueCotangents, errors)))
    return false;
  FunctionType type = funcOf(callee.op_).getFunctionType();
  if (!inRange(what, "argument", wrt, type.getNumInputs(), callee.name, where, errors))
    return false;
  SmallVector<Type> types(type.getResults());
  for (int64_t i : wrt)
    types.push_back(type.getInput(i));
  SmallVector<mlir::Value> inputs, seeds;
  OpBuilder builder(&context());
  Location at = toLocation(where);
  auto symbol = FlatSymbolRefAttr::get(&context(), callee.name);
  mlir::Operation *op =
      cotangents ? cell::VjpOp::create(builder, at, types, symbol, asRange(opaque, inputs), asRange(opaqueCotangents, seeds),
                                       builder.getDenseI64ArrayAttr(wrt), builder.getDenseI64ArrayAttr(outputs))
                       .getOperation()
                 : cell::ValueAndGradOp::create(builder, at, types, symbol, asRange(opaque, inputs), builder.getDenseI64ArrayAttr(wrt),
                                                builder.getDenseI64ArrayAttr(outputs))
                       .getOperation();
  return insert(op, out, errors) && ++callee.uses;
}

bool Function::jvp(Function &callee, const std::vector<const NativeValue *> &operands, const std::vector<const NativeValue *> &tangents,
                   const std::vector<int64_t> &wrt, const std::vector<int64_t> &outputs, const void *where, std::vector<NativeValue> &out,
                   Errors &errors) {
  std::vector<void *> opaque, opaqueTangents;
  if (!requireOpen("jvp", where, errors) || !calleeOf(callee, "jvp", where, errors) || !operandsOf(operands, "jvp", where, opaque, errors) ||
      !operandsOf(tangents, "jvp", where, opaqueTangents, errors))
    return false;
  FunctionType type = funcOf(callee.op_).getFunctionType();
  if (!inRange("jvp", "argument", wrt, type.getNumInputs(), callee.name, where, errors) ||
      !inRange("jvp", "result", outputs, type.getNumResults(), callee.name, where, errors))
    return false;
  SmallVector<Type> types(type.getResults());
  for (int64_t i : outputs)
    types.push_back(type.getResult(i));
  SmallVector<mlir::Value> inputs, directions;
  OpBuilder builder(&context());
  auto op = cell::JvpOp::create(builder, toLocation(where), types, FlatSymbolRefAttr::get(&context(), callee.name), asRange(opaque, inputs),
                                asRange(opaqueTangents, directions), builder.getDenseI64ArrayAttr(wrt), builder.getDenseI64ArrayAttr(outputs));
  return insert(op, out, errors) && ++callee.uses;
}

bool Function::vmap(Function &callee, const std::vector<const NativeValue *> &operands, const std::vector<int64_t> &inAxes,
                    const std::vector<int64_t> &outAxes, int64_t size, bool ownRandom, const std::vector<std::string> &written,
                    const void *where, std::vector<NativeValue> &out, Errors &errors) {
  std::vector<void *> opaque;
  if (!requireOpen("vmap", where, errors) || !calleeOf(callee, "vmap", where, errors) || !operandsOf(operands, "vmap", where, opaque, errors))
    return false;
  FunctionType type = funcOf(callee.op_).getFunctionType();
  if (outAxes.size() != type.getNumResults())
    return errors.add(where, "vmap: '" + callee.name + "' has " + std::to_string(type.getNumResults()) + " results, but out_axes has " +
                                 std::to_string(outAxes.size()) + " entries");
  Location at = toLocation(where);
  SmallVector<Type> types;
  for (auto [i, axis] : llvm::enumerate(outAxes)) {
    auto result = cast<RankedTensorType>(type.getResult(i));
    if (axis < -1 || axis > result.getRank())
      return errors.add(where, "vmap: out_axes is " + std::to_string(axis) + " for result " + std::to_string(i) + ", which has " +
                                   std::to_string(result.getRank()) + " dimensions");
    if (axis >= 0) {
      if (size < 0)
        return errors.add(where, "vmap: a batch cannot have size " + std::to_string(size));
      SmallVector<int64_t> shape(result.getShape());
      shape.insert(shape.begin() + axis, size);
      result = RankedTensorType::get(shape, result.getElementType());
      if (!checkResultType(result, at, errors))
        return false;
    }
    types.push_back(result);
  }
  SmallVector<mlir::Value> inputs;
  OpBuilder builder(&context());
  auto op = cell::VmapOp::create(builder, at, types, FlatSymbolRefAttr::get(&context(), callee.name), asRange(opaque, inputs),
                                 builder.getDenseI64ArrayAttr(inAxes), builder.getDenseI64ArrayAttr(outAxes), builder.getI64IntegerAttr(size));
  if (ownRandom)
    op->setAttr("own_random", builder.getUnitAttr());
  if (!written.empty())
    op->setAttr("written", builder.getStrArrayAttr(SmallVector<StringRef>(written.begin(), written.end())));
  return insert(op, out, errors) && ++callee.uses;
}

} // namespace cellgrad::native
