//===- StructureOps.td - constants, derivatives of functions, barriers ---===//
#ifndef CELL_STRUCTURE_OPS_TD
#define CELL_STRUCTURE_OPS_TD

include "dialect/Cell/CellBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

def Cell_ConstantOp : Cell_Op<"constant", [ConstantLike, NonDifferentiable]> {
  let summary = "A constant tensor";
  let arguments = (ins ElementsAttr:$value);
  let example = "%r = cell.constant dense<[1.0, 2.0]> : tensor<2xf32>";
  let pythonName = "";
  let assemblyFormat = [{ attr-dict $value }];
  let hasFolder = 1;
}

def Cell_StopGradientOp : Cell_Op<"stop_gradient", [NonDifferentiable]> {
  let summary = "Passes its operand on and stops derivatives";
  let arguments = (ins Cell_Tensor:$x);
  let example = "%r = cell.stop_gradient %a : (tensor<2x3xf32>) -> tensor<2x3xf32>";
}

/// Common to the ops that stand for the derivative of a function.
class Cell_FunctionDerivativeOp<string mnemonic, list<Trait> traits = []>
    : Op<Cell_Dialect, mnemonic, traits # [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  string example = "";
  string pythonName = "";
}

def Cell_ValueAndGradOp : Cell_FunctionDerivativeOp<"value_and_grad"> {
  let summary = "Results of a function and the gradients of its outputs";
  let description = [{
    Calls `callee` and gives its results, followed by one gradient per entry of `wrt` (argument positions), each of its argument's type. The
    cotangent (sens) is 1 for every element of the results listed in `outputs`; the other results pass no derivative.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Cell_Tensor>:$inputs, DenseI64ArrayAttr:$wrt, DenseI64ArrayAttr:$outputs);
  let results = (outs Variadic<Cell_Tensor>:$values);
  let example = "%v, %g = cell.value_and_grad @f(%a, %b) wrt [0] outputs [0] : (tensor<2x3xf32>, tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)";
  let assemblyFormat = [{
    $callee `(` $inputs `)` `wrt` $wrt `outputs` $outputs attr-dict `:` functional-type($inputs, $values)
  }];
}

def Cell_VjpOp : Cell_FunctionDerivativeOp<"vjp", [AttrSizedOperandSegments]> {
  let summary = "Results of a function and its vector-Jacobian products";
  let description = [{
    As `cell.value_and_grad`, with a given cotangent for each result in `outputs`, of that result's type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Cell_Tensor>:$inputs, Variadic<Cell_Tensor>:$cotangents,
                       DenseI64ArrayAttr:$wrt, DenseI64ArrayAttr:$outputs);
  let results = (outs Variadic<Cell_Tensor>:$values);
  let example = "%v, %g = cell.vjp @f(%a, %b) cotangents(%ct) wrt [0] outputs [0] : (tensor<2x3xf32>, tensor<2x3xf32>), (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)";
  let assemblyFormat = [{
    $callee `(` $inputs `)` `cotangents` `(` $cotangents `)` `wrt` $wrt `outputs` $outputs attr-dict
    `:` `(` type($inputs) `)` `,` `(` type($cotangents) `)` `->` `(` type($values) `)`
  }];
}

#endif // CELL_STRUCTURE_OPS_TD
