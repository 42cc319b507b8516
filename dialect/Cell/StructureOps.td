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

/// Common to the ops that stand for a function made from another: its derivative, its form for a batch.
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
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Cell_Value>:$inputs, DenseI64ArrayAttr:$wrt, DenseI64ArrayAttr:$outputs);
  let results = (outs Variadic<Cell_Value>:$values);
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
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Cell_Value>:$inputs, Variadic<Cell_Value>:$cotangents,
                       DenseI64ArrayAttr:$wrt, DenseI64ArrayAttr:$outputs);
  let results = (outs Variadic<Cell_Value>:$values);
  let example = "%v, %g = cell.vjp @f(%a, %b) cotangents(%ct) wrt [0] outputs [0] : (tensor<2x3xf32>, tensor<2x3xf32>), (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)";
  let assemblyFormat = [{
    $callee `(` $inputs `)` `cotangents` `(` $cotangents `)` `wrt` $wrt `outputs` $outputs attr-dict
    `:` `(` type($inputs) `)` `,` `(` type($cotangents) `)` `->` `(` type($values) `)`
  }];
}

def Cell_JvpOp : Cell_FunctionDerivativeOp<"jvp", [AttrSizedOperandSegments]> {
  let summary = "Results of a function and their derivatives in a direction (Jacobian-vector product)";
  let description = [{
    Calls `callee` and gives its results, followed by one tangent per entry of `outputs`, each of its result's type: the derivative in the
    direction that has `tangents` for the arguments in `wrt` and 0 for the others.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Cell_Value>:$inputs, Variadic<Cell_Value>:$tangents,
                       DenseI64ArrayAttr:$wrt, DenseI64ArrayAttr:$outputs);
  let results = (outs Variadic<Cell_Value>:$values);
  let example = "%v, %t = cell.jvp @f(%a, %b) tangents(%ct) wrt [0] outputs [0] : (tensor<2x3xf32>, tensor<2x3xf32>), (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)";
  let assemblyFormat = [{
    $callee `(` $inputs `)` `tangents` `(` $tangents `)` `wrt` $wrt `outputs` $outputs attr-dict
    `:` `(` type($inputs) `)` `,` `(` type($tangents) `)` `->` `(` type($values) `)`
  }];
}

def Cell_VmapOp : Cell_FunctionDerivativeOp<"vmap"> {
  let summary = "A function applied to each example of a batch";
  let description = [{
    `callee` works on one example. Operand i is a batch of its argument i along the new dimension `in_axes[i]`, of `size`, or the same for all
    examples where that is -1. Result j is a batch along `out_axes[j]`; where that is -1 it must not depend on a batched operand.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Cell_Tensor>:$inputs, DenseI64ArrayAttr:$in_axes, DenseI64ArrayAttr:$out_axes,
                       I64Attr:$size);
  let results = (outs Variadic<Cell_Tensor>:$values);
  let example = [{
    %x = cell.broadcast %a {shape = array<i64: 4, 2, 3>} : (tensor<2x3xf32>) -> tensor<4x2x3xf32>
    %r = cell.vmap @f(%x, %b) in_axes [0, -1] out_axes [1] size 4 : (tensor<4x2x3xf32>, tensor<2x3xf32>) -> tensor<2x4x3xf32>
  }];
  let assemblyFormat = [{
    $callee `(` $inputs `)` `in_axes` $in_axes `out_axes` $out_axes `size` $size attr-dict `:` functional-type($inputs, $values)
  }];
}

#endif // CELL_STRUCTURE_OPS_TD
