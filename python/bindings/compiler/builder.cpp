//===- builder.cpp - functions under construction ---------------------------===//
#include "python/bindings/compiler/function.h"

#include "dialect/Cell/Cell.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace cellgrad::native {

//===----------------------------------------------------------------------===//
// Builder
//===----------------------------------------------------------------------===//

Builder::Builder() : session(std::make_shared<Function::Session>()) {}
Builder::~Builder() = default;

std::shared_ptr<Function> Builder::function(std::string_view name, const void *location, Errors &errors) {
  std::string base(name.empty() ? "f" : name), unique = base;
  // Symbols with this prefix belong to the runtime and to the compiled entry point.
  if (name.substr(0, 3) == "cg_")
    unique = base = "f_" + base;
  for (unsigned i = 1; !session->names.insert(unique).second; ++i)
    unique = base + "_" + std::to_string(i);
  OpBuilder builder = OpBuilder::atBlockEnd(session->module->getBody());
  auto op = func::FuncOp::create(builder, toLocation(location), unique, builder.getFunctionType({}, {}));
  op.setPrivate();
  auto result = std::make_shared<Function>();
  result->name = unique;
  result->session = session;
  result->op_ = op;
  result->block = op.addEntryBlock();
  result->location = location;
  session->functions.push_back(result);
  return result;
}

/// Erases the functions that the entry does not reach: those of captures that were given up.
static void eraseUnreachable(ModuleOp module, mlir::Operation *entry) {
  SymbolTable table(module);
  SetVector<mlir::Operation *> reached;
  reached.insert(entry);
  for (size_t i = 0; i < reached.size(); ++i)
    if (auto uses = SymbolTable::getSymbolUses(reached[i]))
      for (SymbolTable::SymbolUse use : *uses)
        if (mlir::Operation *callee = table.lookup(use.getSymbolRef().getRootReference()))
          reached.insert(callee);
  for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (!reached.contains(function))
      function.erase();
}

std::unique_ptr<Module> Builder::finish(Function &entry, Errors &errors) {
  if (entry.session != session || entry.state() == Function::State::Gone) {
    errors.add(entry.location, "the entry function is not one of this builder");
    return nullptr;
  }
  ModuleOp module = *session->module;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.getBody().front().empty() || !function.getBody().front().back().hasTrait<OpTrait::IsTerminator>()) {
      errors.add(function.getLoc().getAsOpaquePointer(), ("function '" + function.getName() + "' was not finished").str());
      return nullptr;
    }
  eraseUnreachable(module, entry.op_);
  funcOf(entry.op_).setPublic();
  {
    Capture capture(errors);
    if (failed(verify(module))) {
      funcOf(entry.op_).setPrivate();
      return nullptr;
    }
  }
  for (auto &weak : session->functions)
    if (auto function = weak.lock()) {
      function->discarded = true;
      function->op_ = nullptr;
      function->block = nullptr;
    }
  auto result = std::make_unique<Module>(session->module.release());
  session = std::make_shared<Function::Session>();
  return result;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

Function::State Function::state() const {
  return discarded || !session->module ? State::Gone : finished ? State::Finished : State::Open;
}

bool Function::requireOpen(const char *action, const void *where, Errors &errors) const {
  if (state() == State::Open)
    return true;
  return errors.add(where, std::string(action) + ": function '" + name +
                               (state() == State::Finished ? "' is already finished" : "' is no longer under construction"));
}

bool Function::operandsOf(const std::vector<const NativeValue *> &operands, const char *what, const void *where, std::vector<void *> &out,
                          Errors &errors) const {
  out.reserve(operands.size());
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i]->function.get() != this)
      return errors.add(where, std::string(what) + ": operand " + std::to_string(i) + " is a value of function '" + operands[i]->function->name +
                                   "', not of '" + name + "'; pass it in as an argument");
    out.push_back(operands[i]->value);
  }
  return true;
}

bool Function::calleeOf(Function &callee, const char *what, const void *where, Errors &errors) const {
  if (callee.session != session || callee.state() == State::Gone)
    return errors.add(where, std::string(what) + ": function '" + callee.name + "' is not in the same module");
  if (callee.state() == State::Open)
    return errors.add(where, std::string(what) + ": function '" + callee.name + "' is not finished yet" +
                                 (&callee == this ? "; a function cannot call itself" : ""));
  return true;
}

/// Appends a new op where it is not in the function yet, verifies it and hands out its results; an op that does not verify is removed again.
bool Function::insert(mlir::Operation *op, std::vector<NativeValue> &out, Errors &errors) {
  if (!op->getBlock())
    block->push_back(op);
  {
    Capture capture(errors);
    bool ok = succeeded(op->getName().verifyInvariants(op));
    if (ok)
      if (auto user = dyn_cast<SymbolUserOpInterface>(op)) {
        SymbolTableCollection symbols;
        ok = succeeded(user.verifySymbolUses(symbols));
      }
    if (!ok) {
      op->erase();
      if (errors.list.empty())
        errors.add(location, "the op is not valid");
      return false;
    }
  }
  auto self = shared_from_this();
  out.reserve(op->getNumResults());
  for (mlir::Value result : op->getResults())
    out.push_back({self, result.getAsOpaquePointer(), result.getType().getAsOpaquePointer()});
  return true;
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

size_t Function::argumentCount() const { return arguments.size(); }

bool Function::argument(int dtype, const std::vector<int64_t> &shape, const void *where, const std::string *param, bool donated,
                        NativeValue &out, Errors &errors) {
  if (!requireOpen("argument", where, errors))
    return false;
  const void *type = tensorType(dtype, shape, where, errors);
  if (!type)
    return false;
  mlir::Value value = block->addArgument(toTensor(type), toLocation(where));
  arguments.push_back({param ? *param : std::string(), param != nullptr, donated});
  out = {shared_from_this(), value.getAsOpaquePointer(), type};
  return true;
}

static Attribute toAttribute(const AttributeValue &value) {
  mlir::Builder builder(&context());
  switch (value.info->kind) {
  case Kind::Int:
    return builder.getI64IntegerAttr(value.integer);
  case Kind::Ints:
    return builder.getDenseI64ArrayAttr(value.integers);
  case Kind::Bool:
    return builder.getBoolAttr(value.integer);
  case Kind::Float:
    return builder.getF64FloatAttr(value.number);
  case Kind::Str:
    return builder.getStringAttr(StringRef(value.text));
  case Kind::Type:
    return TypeAttr::get(elementType(static_cast<int>(value.integer)));
  case Kind::Unit:
    return builder.getUnitAttr();
  case Kind::Other:
    break;
  }
  return nullptr;
}

namespace {
/// An op's properties while there is no op yet.
class Properties {
public:
  explicit Properties(RegisteredOperationName name) : name(name) {
    if (size_t size = name.getOpPropertyByteSize()) {
      storage = static_cast<char *>(::operator new(size));
      name.initOpProperties(storage, nullptr);
      name.populateDefaultProperties(storage);
    }
  }
  ~Properties() {
    if (storage) {
      name.destroyOpProperties(storage);
      ::operator delete(storage);
    }
  }
  LogicalResult set(DictionaryAttr attributes, Location location) {
    if (!storage || attributes.empty())
      return success();
    return name.setOpPropertiesFromAttribute(name, storage, attributes, [&] { return emitError(location); });
  }
  OpaqueProperties get() const { return storage; }

private:
  RegisteredOperationName name;
  char *storage = nullptr;
};
} // namespace

bool Function::op(const OpInfo &info, const std::vector<const NativeValue *> &operands, const std::vector<AttributeValue> &attributes,
                  const void *where, std::vector<NativeValue> &out, Errors &errors) {
  std::vector<void *> opaque;
  if (!requireOpen(info.name.data(), where, errors) || !operandsOf(operands, info.name.data(), where, opaque, errors))
    return false;
  if (!info.operationName) {
    auto registered = RegisteredOperationName::lookup(StringRef(info.name), &context());
    if (!registered || !registered->getInterface<InferTypeOpInterface>())
      return errors.add(where, std::string(info.name) + " cannot be built from Python");
    info.operationName = registered->getAsOpaquePointer();
  }
  auto name = RegisteredOperationName::getFromOpaquePointer(const_cast<void *>(info.operationName));
  Location at = toLocation(where);
  SmallVector<mlir::Value> storage;
  ValueRange range = asRange(opaque, storage);
  SmallVector<NamedAttribute> named;
  for (const AttributeValue &value : attributes)
    named.emplace_back(StringAttr::get(&context(), StringRef(value.info->name)), toAttribute(value));
  SmallVector<Type> types;
  Properties properties(name);
  {
    Capture capture(errors);
    auto dictionary = DictionaryAttr::get(&context(), named);
    // Types come first: an op's build() ends the process where inference fails.
    if (failed(properties.set(dictionary, at)) ||
        failed(name.getInterface<InferTypeOpInterface>()->inferReturnTypes(&context(), at, range, DictionaryAttr::get(&context()),
                                                                          properties.get(), {}, types))) {
      if (errors.list.empty())
        errors.add(where, std::string(info.name) + " does not take these operands and attributes");
      return false;
    }
  }
  for (Type type : types)
    if (!checkResultType(type, at, errors))
      return false;
  mlir::Operation *op = mlir::Operation::create(at, name, types, range, DictionaryAttr::get(&context()), properties.get(), BlockRange(), 0);
  return insert(op, out, errors);
}

bool Function::constant(int dtype, const std::vector<int64_t> &shape, std::string_view bytes, const void *where, NativeValue &out,
                        Errors &errors) {
  if (!requireOpen("constant", where, errors))
    return false;
  const void *opaque = tensorType(dtype, shape, where, errors);
  if (!opaque)
    return false;
  RankedTensorType type = toTensor(opaque);
  size_t width = kElementBytes[dtype];
  if (bytes.size() != static_cast<size_t>(type.getNumElements()) * width)
    return errors.add(where, "constant: the shape needs " + std::to_string(type.getNumElements() * width) + " bytes, but there are " +
                                 std::to_string(bytes.size()));
  // One repeated element is stored once.
  if (bytes.size() > width && std::equal(bytes.begin() + width, bytes.end(), bytes.begin()))
    bytes = bytes.substr(0, width);
  DenseElementsAttr value;
  if (bytes.empty()) {
    value = DenseElementsAttr::get(type, ArrayRef<Attribute>());
  } else if (type.getElementType().isInteger(1)) {
    SmallVector<bool> bits;
    for (char byte : bytes)
      bits.push_back(byte != 0);
    value = DenseElementsAttr::get(type, bits);
  } else {
    value = DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(bytes.data(), bytes.size()));
  }
  OpBuilder builder(&context());
  OperationState state(toLocation(where), cell::ConstantOp::getOperationName());
  state.addTypes(type);
  state.getOrAddProperties<cell::ConstantOp::Properties>().value = value;
  std::vector<NativeValue> results;
  if (!insert(mlir::Operation::create(state), results, errors))
    return false;
  out = results[0];
  return true;
}

bool Function::call(Function &callee, const std::vector<const NativeValue *> &operands, const void *where, std::vector<NativeValue> &out,
                    Errors &errors) {
  std::vector<void *> opaque;
  if (!requireOpen("call", where, errors) || !calleeOf(callee, "call", where, errors) || !operandsOf(operands, "call", where, opaque, errors))
    return false;
  SmallVector<mlir::Value> storage;
  OpBuilder builder(&context());
  auto op = func::CallOp::create(builder, toLocation(where), funcOf(callee.op_), asRange(opaque, storage));
  if (!insert(op, out, errors))
    return false;
  ++callee.uses;
  return true;
}

bool Function::finish(const std::vector<const NativeValue *> &results, const std::vector<std::pair<int64_t, int64_t>> &aliases,
                      const void *where, Errors &errors) {
  std::vector<void *> opaque;
  if (!where)
    where = location;
  if (!requireOpen("finish", where, errors) || !operandsOf(results, "finish", where, opaque, errors))
    return false;
  std::vector<char> tied(results.size());
  for (auto [result, argument] : aliases) {
    if (result < 0 || result >= static_cast<int64_t>(results.size()))
      return errors.add(where, "finish: there is no result " + std::to_string(result));
    if (argument < 0 || argument >= static_cast<int64_t>(arguments.size()))
      return errors.add(where, "finish: there is no argument " + std::to_string(argument));
    if (block->getArgument(argument).getType().getAsOpaquePointer() != results[result]->type)
      return errors.add(where, "finish: result " + std::to_string(result) + " has another type than argument " + std::to_string(argument) +
                                   ", which it updates");
    for (auto [other, same] : aliases)
      if (other != result && same == argument)
        return errors.add(where, "finish: two results update argument " + std::to_string(argument));
  }
  SmallVector<mlir::Value> storage;
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  ValueRange range = asRange(opaque, storage);
  func::ReturnOp::create(builder, toLocation(where), range);
  auto op = funcOf(op_);
  op.setFunctionType(builder.getFunctionType(block->getArgumentTypes(), range.getTypes()));
  for (auto [i, info] : llvm::enumerate(arguments)) {
    if (info.hasParam)
      op.setArgAttr(i, "cell.param", builder.getStringAttr(info.param));
    if (info.donated)
      op.setArgAttr(i, "cell.donated", builder.getUnitAttr());
  }
  for (auto [result, argument] : aliases)
    op.setResultAttr(result, "cell.alias", builder.getI64IntegerAttr(argument));
  finished = true;
  return true;
}

bool Function::discard(Errors &errors) {
  if (state() == State::Gone)
    return errors.add(location, "discard: function '" + name + "' is no longer under construction");
  if (uses)
    return errors.add(location, "discard: function '" + name + "' is called by another function");
  op_->erase();
  op_ = nullptr;
  block = nullptr;
  discarded = true;
  return true;
}

} // namespace cellgrad::native
