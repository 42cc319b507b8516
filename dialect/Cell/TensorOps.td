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

#endif // CELL_TENSOR_OPS_TD
