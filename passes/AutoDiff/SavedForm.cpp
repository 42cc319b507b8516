//===- SavedForm.cpp - the form in which values are saved -----------------===//
#include "passes/AutoDiff/SavedForm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::cell;

Type mlir::cell::savedType(Type type) {
  if (type.isIndex())
    return RankedTensorType::get({}, IntegerType::get(type.getContext(), 64));
  return isa<FloatType, IntegerType>(type) ? RankedTensorType::get({}, type) : type;
}

Value mlir::cell::pack(OpBuilder &builder, Value value) {
  if (value.getType().isIndex())
    value = arith::IndexCastOp::create(builder, value.getLoc(), builder.getI64Type(), value);
  if (isa<FloatType, IntegerType>(value.getType()))
    return tensor::FromElementsOp::create(builder, value.getLoc(), cast<RankedTensorType>(savedType(value.getType())), value);
  return value;
}

Value mlir::cell::unpack(OpBuilder &builder, Location loc, Value saved, Type type) {
  if (saved.getType() == type)
    return saved;
  Value scalar = tensor::ExtractOp::create(builder, loc, saved, ValueRange());
  return type.isIndex() ? arith::IndexCastOp::create(builder, loc, type, scalar).getResult() : scalar;
}

LogicalResult mlir::cell::checkSaved(Value value, bool onTape) {
  auto tensor = dyn_cast<RankedTensorType>(savedType(value.getType()));
  if (!tensor)
    return emitError(value.getLoc()) << "the derivative needs a value of type " << value.getType() << " again, and such a value cannot be saved";
  if (onTape && !tensor.hasStaticShape())
    return emitError(value.getLoc()) << "the derivative needs a value of the dynamic shape " << value.getType()
                                     << " again after control flow; give it a static shape";
  return success();
}
