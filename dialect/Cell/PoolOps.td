//===- PoolOps.td - pooling over windows and its derivatives -------------===//
#ifndef CELL_POOL_OPS_TD
#define CELL_POOL_OPS_TD

include "dialect/Cell/CellBase.td"

defvar Cell_WindowAttrs = (ins DenseI64ArrayAttr:$kernel, DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides,
                               DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads);

/// Windows of `kernel` elements over height and width of an NCHW tensor; `pads` are top, bottom, left, right, each smaller than the
/// span of a window.
class Cell_MaxPoolOp<string mnemonic, dag operands> : Cell_DifferentiableOp<mnemonic> {
  let arguments = !con(operands, Cell_WindowAttrs, (ins DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations));
}

def Cell_MaxPool2DOp : Cell_MaxPoolOp<"max_pool2d", (ins Cell_NumberTensor:$x)> {
  let summary = "Maximum of each window";
  let description = [{
    Padding never is the maximum; NaN is larger than every number. The derivative goes to the first maximum of a window in row-major order.
  }];
  let example = [{
    %x = cell.reshape %a {shape = array<i64: 1, 1, 2, 3>} : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32>
    %r = cell.max_pool2d %x {kernel = array<i64: 2, 2>} : (tensor<1x1x2x3xf32>) -> tensor<1x1x1x2xf32>
  }];
  let hasFolder = 1;
}

def Cell_MaxPool2DGradOp : Cell_MaxPoolOp<"max_pool2d_grad", (ins Cell_NumberTensor:$x, Cell_NumberTensor:$dy)> {
  let summary = "Gives each window's cotangent to its first maximum";
  let description = [{
    The gradient of `cell.max_pool2d(x)` with cotangent `dy`: of x's shape, and at each element the sum of `dy` over the windows whose first
    maximum (in row-major order) it is. Linear in `dy`; its derivative by `x` is 0.
  }];
  let example = [{
    %x = cell.reshape %a {shape = array<i64: 1, 1, 2, 3>} : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32>
    %dy = cell.constant dense<1.0> : tensor<1x1x1x2xf32>
    %r = cell.max_pool2d_grad %x, %dy {kernel = array<i64: 2, 2>} : (tensor<1x1x2x3xf32>, tensor<1x1x1x2xf32>) -> tensor<1x1x2x3xf32>
  }];
  let pythonName = "";
}

def Cell_MaxPool2DGatherOp : Cell_MaxPoolOp<"max_pool2d_gather", (ins Cell_NumberTensor:$x, Cell_NumberTensor:$t)> {
  let summary = "For each window, the element of t at the first maximum of x";
  let description = [{
    The transpose of `cell.max_pool2d_grad` in its cotangent, and the forward derivative of `cell.max_pool2d` in direction `t`. Linear in `t`; its
    derivative by `x` is 0.
  }];
  let example = [{
    %x = cell.reshape %a {shape = array<i64: 1, 1, 2, 3>} : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32>
    %t = cell.reshape %b {shape = array<i64: 1, 1, 2, 3>} : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32>
    %r = cell.max_pool2d_gather %x, %t {kernel = array<i64: 2, 2>} : (tensor<1x1x2x3xf32>, tensor<1x1x2x3xf32>) -> tensor<1x1x1x2xf32>
  }];
  let pythonName = "";
}

def Cell_AvgPool2DOp : Cell_DifferentiableOp<"avg_pool2d"> {
  let summary = "Mean of each window";
  let description = [{
    With `count_include_pad` the sum is divided by the number of window elements, else by how many of them lie in the input. A window that shall
    count zeros of its own padding but not what lies beyond is `cell.pad` followed by this op without `count_include_pad`.
  }];
  let arguments = !con((ins Cell_FloatTensor:$x), Cell_WindowAttrs, (ins DefaultValuedAttr<BoolAttr, "true">:$count_include_pad));
  let example = [{
    %x = cell.reshape %a {shape = array<i64: 1, 1, 2, 3>} : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32>
    %r = cell.avg_pool2d %x {kernel = array<i64: 2, 2>} : (tensor<1x1x2x3xf32>) -> tensor<1x1x1x2xf32>
  }];
  let hasFolder = 1;
}

def Cell_AvgPool2DGradOp : Cell_DifferentiableOp<"avg_pool2d_grad"> {
  let summary = "Transpose of cell.avg_pool2d";
  let description = [{
    The gradient of `cell.avg_pool2d(x)` with cotangent `dy`, for an x of height and width `input_size`. The other attributes are those of the pooling.
  }];
  let arguments = !con((ins Cell_FloatTensor:$dy, DenseI64ArrayAttr:$input_size), Cell_WindowAttrs,
                       (ins DefaultValuedAttr<BoolAttr, "true">:$count_include_pad));
  let example = [{
    %dy = cell.constant dense<1.0> : tensor<1x1x1x2xf32>
    %r = cell.avg_pool2d_grad %dy {input_size = array<i64: 2, 3>, kernel = array<i64: 2, 2>} : (tensor<1x1x1x2xf32>) -> tensor<1x1x2x3xf32>
  }];
  let pythonName = "";
  let hasFolder = 1;
}

#endif // CELL_POOL_OPS_TD
