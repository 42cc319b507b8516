//===- ElementwiseOps.cpp - elementwise ops: generated parts and cast -----===//
#include "dialect/Cell/Cell.h"
#include "dialect/Cell/Expr.h"
#include "dialect/Cell/Infer.h"
#include "dialect/Cell/Scalar.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::cell;

// The hooks of `custom<ElementwiseTypes>(...)` for any number of operands.
template <typename... Types>
static ParseResult parseElementwiseTypes(OpAsmParser &parser, Types &...types) {
  Type *slots[] = {&types...};
  return parseTypeList(parser, ArrayRef<Type *>(slots));
}
template <typename... Types>
static void printElementwiseTypes(OpAsmPrinter &printer, Operation *, Types... types) {
  Type list[] = {types...};
  printTypeList(printer, ArrayRef<Type>(list));
}

LogicalResult CastOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands, DictionaryAttr attributes,
                                       OpaqueProperties properties, RegionRange regions, SmallVectorImpl<Type> &inferred) {
  CastOpAdaptor adaptor(operands, attributes, properties, regions);
  auto type = inferOperand(location, getOperationName(), operands, 0);
  if (!type || failed(checkDtype(getOperationName(), location, adaptor.getDtype())))
    return failure();
  inferred.push_back(type.clone(adaptor.getDtype()));
  return success();
}

Value CastOp::buildScalar(OpBuilder &builder, ValueRange args) {
  return buildCast(builder, getLoc(), args[0], getElementTypeOrSelf(getX().getType()), getDtype());
}

LogicalResult CastOp::buildVjp(OpBuilder &builder, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = CastOp::create(builder, getLoc(), cotangents[0], TypeAttr::get(getElementTypeOrSelf(getX().getType())));
  return success();
}

#define GET_OP_CLASSES
#include "dialect/Cell/ElementwiseOps.cpp.inc"
