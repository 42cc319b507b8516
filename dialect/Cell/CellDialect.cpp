//===- CellDialect.cpp - registration and attributes on functions ---------===//
#include "dialect/Cell/Cell.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::cell;

#include "dialect/Cell/CellDialect.cpp.inc"
#include "dialect/Cell/CellInterfaces.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/Cell/CellTypes.cpp.inc"

namespace {
/// Every cell op is a pure value computation, so it may be inlined anywhere.
struct CellInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void CellDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/Cell/CellOpList.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/Cell/CellTypes.cpp.inc"
      >();
  addInterfaces<CellInlinerInterface>();
}

Operation *CellDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, elements);
}

LogicalResult CellDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == "cell.arena_bytes")
    return isa<IntegerAttr>(value) ? success() : op->emitError("'cell.arena_bytes' is an integer");
  if (name == "cell.recompute" || name == "cell.no_inline")
    return isa<UnitAttr>(value) ? success() : op->emitError() << "'" << name << "' takes no value";
  if (name == "cell.custom_vjp" || name == "cell.custom_jvp")
    return isa<FlatSymbolRefAttr>(value) ? success() : op->emitError() << "'" << name << "' names a function of the module";
  if (name == "cell.custom_vjp_operands" || name == "cell.custom_vjp_gradients" || name == "cell.custom_jvp_operands")
    return isa<DenseI64ArrayAttr>(value) ? success() : op->emitError() << "'" << name << "' is an array of i64";
  return success();
}

LogicalResult CellDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned argIndex, NamedAttribute attribute) {
  if (attribute.getName() == "cell.param" && !isa<StringAttr>(attribute.getValue()))
    return op->emitError("argument ") << argIndex << ": 'cell.param' is the name of a Parameter, a string";
  if (attribute.getName() == "cell.donated" && !isa<UnitAttr>(attribute.getValue()))
    return op->emitError("argument ") << argIndex << ": 'cell.donated' takes no value";
  return success();
}

LogicalResult CellDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned resultIndex, NamedAttribute attribute) {
  if (attribute.getName() != "cell.alias")
    return success();
  auto index = dyn_cast<IntegerAttr>(attribute.getValue());
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!index || !function)
    return op->emitError("result ") << resultIndex << ": 'cell.alias' is the index of the argument that the result updates";
  if (index.getInt() < 0 || index.getInt() >= static_cast<int64_t>(function.getNumArguments()))
    return op->emitError("result ") << resultIndex << ": 'cell.alias' names argument " << index.getInt() << ", but the function has "
                                    << function.getNumArguments() << " arguments";
  if (function.getArgumentTypes()[index.getInt()] != function.getResultTypes()[resultIndex])
    return op->emitError("result ") << resultIndex << " of type " << function.getResultTypes()[resultIndex] << " cannot update argument "
                                    << index.getInt() << " of type " << function.getArgumentTypes()[index.getInt()];
  return success();
}
