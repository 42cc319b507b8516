//===- CellInterfaces.td - what passes may ask of an op ------------------===//
#ifndef CELL_INTERFACES_TD
#define CELL_INTERFACES_TD

include "mlir/IR/OpBase.td"

/// Reverse mode. Any dialect may implement it for its own ops, also as an external model.
def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::mlir::cell";
  let description = [{
    An op with a reverse rule (vector-Jacobian product). The rule emits ordinary ops, so derivatives of any order follow.
  }];
  let methods = [InterfaceMethod<[{
      Emits the cotangents of the operands. `cotangents` has one value per result, null where it is zero. `needed` has one flag
      per operand. The rule sets `grads[i]` for needed operands, and leaves it null where the derivative is zero. It may refer to operands and
      results of the op: those it refers to are what is saved between forward and backward. A failure has emitted a diagnostic.
    }],
    "::llvm::LogicalResult", "buildVjp",
    (ins "::mlir::OpBuilder &":$builder, "::llvm::ArrayRef<::mlir::Value>":$cotangents,
         "::llvm::ArrayRef<bool>":$needed, "::llvm::SmallVectorImpl<::mlir::Value> &":$grads)>];
}

def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::mlir::cell";
  let description = [{ An op that computes each result element from the operand elements at the same position. }];
  let methods = [InterfaceMethod<[{
      Emits the computation of one element in arith/math. `args` are elements in storage form (ui8 arrives as i8); `operandType` and `resultType` are the
      element types of the tensors, which tell signedness. Returns null where the dtype is not supported, after a diagnostic.
    }],
    "::mlir::Value", "buildScalar",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$args)>];
}

def CompositeOpInterface : OpInterface<"CompositeOpInterface"> {
  let cppNamespace = "::mlir::cell";
  let description = [{ An op that is defined by simpler cell ops. A target matches it whole or takes the pieces. }];
  let methods = [InterfaceMethod<[{
      Emits the definition at the builder's place and returns one value per result.
    }],
    "::llvm::FailureOr<::llvm::SmallVector<::mlir::Value>>", "decompose", (ins "::mlir::OpBuilder &":$builder)>];
}

#endif // CELL_INTERFACES_TD
