//===- TensorOps.td - ops that move elements -----------------------------===//
#ifndef CELL_TENSOR_OPS_TD
#define CELL_TENSOR_OPS_TD

include "dialect/Cell/CellBase.td"

def Cell_BroadcastOp : Cell_DifferentiableOp<"broadcast"> {
  let summary = "Repeats along new leading dimensions and along dimensions of size 1";
  let description = [{ Dimensions align from the last one backwards, as in NumPy. -1 in `shape` keeps the operand's size. }];
  let arguments = (ins Cell_Tensor:$x, DenseI64ArrayAttr:$shape);
  let pythonName = "broadcast_to";
  let example = "%r = cell.broadcast %v {shape = array<i64: 2, 3>} : (tensor<3xf32>) -> tensor<2x3xf32>";
  let hasFolder = 1;
}

def Cell_ReshapeOp : Cell_DifferentiableOp<"reshape"> {
  let summary = "Same elements in row-major order under another shape";
  let description = [{ At most one entry of `shape` may be -1: it follows from the number of elements. }];
  let arguments = (ins Cell_Tensor:$x, DenseI64ArrayAttr:$shape);
  let example = "%r = cell.reshape %a {shape = array<i64: 3, 2>} : (tensor<2x3xf32>) -> tensor<3x2xf32>";
  let hasFolder = 1;
}

def Cell_TransposeOp : Cell_DifferentiableOp<"transpose"> {
  let summary = "Dimensions in another order";
  let description = [{ Dimension i of the result is dimension `permutation[i]` of x. }];
  let arguments = (ins Cell_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let example = "%r = cell.transpose %a {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>";
  let hasFolder = 1;
}

def Cell_SliceOp : Cell_DifferentiableOp<"slice"> {
  let summary = "Every strides[i]-th element from starts[i] up to, not including, limits[i]";
  let description = [{
    One entry per dimension, `0 <= start <= limit <= size`, `stride >= 1`. The limit -1 is the end of the dimension, which may be dynamic.
  }];
  let arguments = (ins Cell_Tensor:$x, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$limits, DenseI64ArrayAttr:$strides);
  let example = "%r = cell.slice %a {starts = array<i64: 0, 1>, limits = array<i64: 2, 3>, strides = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x2xf32>";
  let hasFolder = 1;
}

def Cell_PadOp : Cell_DifferentiableOp<"pad"> {
  let summary = "Adds elements of one value before, after and between those of x";
  let description = [{
    Per dimension of size n: `low` elements, then those of x with `interior` elements between neighbours, then `high`:
    `low + n + max(n - 1, 0) * interior + high` in all. None is negative. The number `value` is converted to the element type.
  }];
  let arguments = (ins Cell_Tensor:$x, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high, DenseI64ArrayAttr:$interior, F64Attr:$value);
  let example = "%r = cell.pad %a {low = array<i64: 1, 0>, high = array<i64: 0, 2>, interior = array<i64: 0, 1>, value = 0.0 : f64} : (tensor<2x3xf32>) -> tensor<3x7xf32>";
  let hasFolder = 1;
}

def Cell_ConcatOp : Cell_DifferentiableOp<"concat"> {
  let summary = "Tensors one after another along an axis";
  let description = [{ One or more operands of one element type, of equal sizes apart from those along `axis`. }];
  let arguments = (ins Variadic<Cell_Tensor>:$inputs, I64Attr:$axis);
  let example = "%r = cell.concat %a, %b {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>";
  let hasFolder = 1;
}

def Cell_ReverseOp : Cell_DifferentiableOp<"reverse"> {
  let summary = "Elements in opposite order along axes";
  let description = [{ `axes` are sorted, distinct and not negative. }];
  let arguments = (ins Cell_Tensor:$x, DenseI64ArrayAttr:$axes);
  let example = "%r = cell.reverse %a {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>";
  let hasFolder = 1;
}

#endif // CELL_TENSOR_OPS_TD
