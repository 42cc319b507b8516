//===- External.h - derivative rules for upstream dialects ----------------===//
// Ops of arith, math, tensor and linalg take part in --cell-differentiate through external models of DifferentiableOpInterface,
// registered with the dialects. docs/design/foreign-ir.md says what is covered.
#ifndef CELL_PASSES_AUTODIFF_EXTERNAL_EXTERNAL_H
#define CELL_PASSES_AUTODIFF_EXTERNAL_EXTERNAL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectRegistry.h"

namespace mlir::cell {

void registerArithRules(DialectRegistry &registry);
void registerMathRules(DialectRegistry &registry);
void registerTensorRules(DialectRegistry &registry);
void registerLinalgRules(DialectRegistry &registry);

/// All of them.
void registerExternalRules(DialectRegistry &registry);

/// Brings upstream ops of a function into the form that their rules take: what the body of a linalg op, tensor.pad or
/// tensor.generate reads from outside becomes an operand where it can carry a derivative.
LogicalResult prepareForDerivative(func::FuncOp function);

/// A rule gives derivatives by operands only: an error where the regions of an op read another value that takes part.
LogicalResult checkCaptures(Operation *op, function_ref<bool(Value)> isActive);

/// An error at a value that takes part in a derivative and whose type has no arithmetic: buffers, complex numbers, tensors of unknown rank.
LogicalResult checkActiveTypes(func::FuncOp function, function_ref<bool(Value)> isActive);

/// Zeros of `like`'s type, a float or a tensor of floats, in upstream ops.
Value createZeros(OpBuilder &builder, Location loc, Value like);

/// A gradient that is zero but for one element or slice (tensor.insert, tensor.insert_slice into zeros) is added to `sum` there only. Null
/// where `term` is no such gradient.
Value addToElements(OpBuilder &builder, Location loc, Value sum, Value term);

} // namespace mlir::cell

#endif // CELL_PASSES_AUTODIFF_EXTERNAL_EXTERNAL_H
