//===- IndexOps.td - ops that compute with positions ---------------------===//
#ifndef CELL_INDEX_OPS_TD
#define CELL_INDEX_OPS_TD

include "dialect/Cell/CellBase.td"

def Cell_GatherOp : Cell_DifferentiableOp<"gather"> {
  let summary = "Slices of x at the given positions along an axis";
  let description = [{
    As NumPy's take: the result has the shape `x.shape[:axis] + indices.shape + x.shape[axis+1:]`. A negative index counts from the end,
    once; an index out of range gives 0.
  }];
  let arguments = (ins Cell_Tensor:$x, Cell_IndexTensor:$indices, I64Attr:$axis);
  let example = "%r = cell.gather %a, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2x2xf32>";
}

def Cell_ScatterAddOp : Cell_DifferentiableOp<"scatter_add"> {
  let summary = "x with updates added at the given positions along an axis";
  let description = [{
    The adjoint of gather: `updates` has the shape `x.shape[:axis] + indices.shape + x.shape[axis+1:]`. Updates of one index add up, in order. A negative
    index counts from the end, once; an update with an index out of range is dropped.
  }];
  let arguments = (ins Cell_NumberTensor:$x, Cell_IndexTensor:$indices, Cell_NumberTensor:$updates, I64Attr:$axis);
  let example = "%r = cell.scatter_add %a, %i, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2xi32>, tensor<2x3xf32>) -> tensor<2x3xf32>";
}

def Cell_IotaOp : Cell_NonDifferentiableOp<"iota"> {
  let summary = "Each element is its position along an axis";
  let description = [{ 0, 1, 2, ... along `axis`, the same in all other dimensions, converted to `dtype`, which is not bool. }];
  let arguments = (ins DenseI64ArrayAttr:$shape, I64Attr:$axis, TypeAttr:$dtype);
  let example = "%r = cell.iota {shape = array<i64: 2, 3>, axis = 1 : i64, dtype = i32} : () -> tensor<2x3xi32>";
}

def Cell_OneHotOp : Cell_CompositeOp<"one_hot", [NonDifferentiable]> {
  let summary = "1 where the position along the new axis is the index, else 0";
  let description = [{
    The result has a new dimension of size `depth` at `axis`. An index out of `[0, depth)` gives zeros.
  }];
  let arguments = (ins Cell_IndexTensor:$indices, I64Attr:$depth, I64Attr:$axis, TypeAttr:$dtype);
  let example = "%r = cell.one_hot %i {depth = 4 : i64, axis = 1 : i64, dtype = f32} : (tensor<2xi32>) -> tensor<2x4xf32>";
}

#endif // CELL_INDEX_OPS_TD
