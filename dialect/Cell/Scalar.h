//===- Scalar.h - one element of an elementwise op in arith and math ------===//
#ifndef CELL_DIALECT_SCALAR_H
#define CELL_DIALECT_SCALAR_H

#include "dialect/Cell/Cell.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::cell {

enum class Comparison { EQ, NE, LT, LE, GT, GE };
enum class ElementKind { Float, Signed, Unsigned, Bool };

ElementKind getElementKind(Type elementType);
/// The signless type that code computes with: ui8 is stored as i8.
Type getStorageType(Type elementType);

/// A diagnostic at `op` that says which dtype it does not take. Returns null.
Value refuseDtype(Operation *op);

/// f16 and bf16 compute in f32: extends such arguments, calls `body` with the computing type and rounds a float result back.
Value buildScalarWith(Operation *op, OpBuilder &builder, ValueRange args,
                      function_ref<Value(OpBuilder &, Location, ValueRange, Type)> body);

/// The scalar op for the kind of element type of operand 0; `void` where that kind is not taken.
template <typename FloatOp, typename IntOp, typename UnsignedOp, typename BoolOp>
Value buildScalarOp(Operation *op, OpBuilder &builder, ValueRange args) {
  auto create = [&](auto *tag, OpBuilder &builder, Location loc, ValueRange args) -> Value {
    using OpTy = std::remove_pointer_t<decltype(tag)>;
    if constexpr (std::is_void_v<OpTy>)
      return refuseDtype(op);
    else
      return OpTy::create(builder, loc, args)->getResult(0);
  };
  return buildScalarWith(op, builder, args, [&](OpBuilder &builder, Location loc, ValueRange args, Type type) -> Value {
    switch (getElementKind(cast<RankedTensorType>(op->getOperand(0).getType()).getElementType())) {
    case ElementKind::Float:
      return create(static_cast<FloatOp *>(nullptr), builder, loc, args);
    case ElementKind::Signed:
      return create(static_cast<IntOp *>(nullptr), builder, loc, args);
    case ElementKind::Unsigned:
      return create(static_cast<UnsignedOp *>(nullptr), builder, loc, args);
    case ElementKind::Bool:
      return create(static_cast<BoolOp *>(nullptr), builder, loc, args);
    }
    return nullptr;
  });
}

Value buildNumber(OpBuilder &builder, Location loc, Type type, double number);
Value buildCompare(Operation *op, OpBuilder &builder, Location loc, ValueRange args, Comparison comparison);
Value buildDivision(Operation *op, OpBuilder &builder, Location loc, ValueRange args);
Value buildPower(Operation *op, OpBuilder &builder, Location loc, ValueRange args);
Value buildNegation(OpBuilder &builder, Location loc, Value x);
Value buildAbs(Operation *op, OpBuilder &builder, Location loc, Value x);
Value buildSign(Operation *op, OpBuilder &builder, Location loc, Value x);
Value buildRsqrt(OpBuilder &builder, Location loc, Value x, Type type);
Value buildSigmoid(OpBuilder &builder, Location loc, Value x, Type type);
Value buildRelu(Operation *op, OpBuilder &builder, Location loc, Value x);
Value buildGelu(OpBuilder &builder, Location loc, Value x, Type type);
Value buildClamp(Operation *op, OpBuilder &builder, Location loc, Value x, double min, double max);
Value buildLogicalNot(OpBuilder &builder, Location loc, Value x);
/// Conversion between storage forms; signedness and bool come from the tensor element types.
Value buildCast(OpBuilder &builder, Location loc, Value x, Type from, Type to);

} // namespace mlir::cell

#endif // CELL_DIALECT_SCALAR_H
