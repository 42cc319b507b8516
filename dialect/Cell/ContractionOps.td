//===- ContractionOps.td - matrix products and convolutions --------------===//
#ifndef CELL_CONTRACTION_OPS_TD
#define CELL_CONTRACTION_OPS_TD

include "dialect/Cell/CellBase.td"

def Cell_MatmulOp : Cell_DifferentiableOp<"matmul"> {
  let summary = "Matrix product over the last two dimensions";
  let description = [{
    `lhs` of shape B x M x K (K x M with `transpose_a`) times `rhs` of shape B x K x N (N x K with `transpose_b`) gives B x M x N. B stands for
    any number of leading dimensions, equal in both operands. f16 and bf16 accumulate in f32; integers wrap.
  }];
  let arguments = (ins Cell_NumberTensor:$lhs, Cell_NumberTensor:$rhs, DefaultValuedAttr<BoolAttr, "false">:$transpose_a,
                       DefaultValuedAttr<BoolAttr, "false">:$transpose_b);
  let example = "%r = cell.matmul %a, %b {transpose_b = true} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2xf32>";
}

/// `strides` and `dilations` are along height and width, `pads` are zeros at top, bottom, left, right. Channels fall into
/// `groups` groups, each convolved on its own.
class Cell_ConvolutionOp<string mnemonic, dag operands> : Cell_DifferentiableOp<mnemonic> {
  dag geometry = (ins DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$strides, DefaultValuedAttr<DenseI64ArrayAttr, "{0, 0, 0, 0}">:$pads,
                      DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations, DefaultValuedAttr<I64Attr, "1">:$groups);
  let arguments = !con(operands, geometry);
}

def Cell_Conv2DOp : Cell_ConvolutionOp<"conv2d", (ins Cell_NumberTensor:$x, Cell_NumberTensor:$w)> {
  let summary = "Convolution over height and width";
  let description = [{
    `y[n, o, i, j] = sum over c, p, q of x[n, c, i * stride + p * dilation - pad, j * stride + q * dilation - pad] * w[o, c, p, q]`, where `x` is
    N x C x H x W and `w` is O x (C / groups) x KH x KW, and c runs over the channels of o's group (a cross-correlation, as is usual in neural
    networks). f16 and bf16 accumulate in f32.
  }];
  let example = [{
    %w = cell.constant dense<1.0> : tensor<6x1x2x2xf32>
    %x = cell.reshape %a {shape = array<i64: 1, 1, 2, 3>} : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32>
    %r = cell.conv2d %x, %w {pads = array<i64: 1, 1, 0, 0>} : (tensor<1x1x2x3xf32>, tensor<6x1x2x2xf32>) -> tensor<1x6x3x2xf32>
  }];
}

def Cell_Conv2DInputGradOp
    : Cell_ConvolutionOp<"conv2d_input_grad", (ins Cell_NumberTensor:$dy, Cell_NumberTensor:$w, DenseI64ArrayAttr:$input_size)> {
  let summary = "Transpose of cell.conv2d in its input (transposed convolution)";
  let description = [{
    The gradient by `x` of `cell.conv2d(x, w)` with cotangent `dy`, for an x of height and width `input_size`. The other attributes are those of the
    convolution.
  }];
  let example = [{
    %w = cell.constant dense<1.0> : tensor<1x4x2x2xf32>
    %dy = cell.reshape %a {shape = array<i64: 1, 1, 2, 3>} : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32>
    %r = cell.conv2d_input_grad %dy, %w {input_size = array<i64: 3, 4>} : (tensor<1x1x2x3xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x3x4xf32>
  }];
}

def Cell_Conv2DWeightGradOp
    : Cell_ConvolutionOp<"conv2d_weight_grad", (ins Cell_NumberTensor:$x, Cell_NumberTensor:$dy, DenseI64ArrayAttr:$kernel_size)> {
  let summary = "Transpose of cell.conv2d in its filter";
  let description = [{
    The gradient by `w` of `cell.conv2d(x, w)` with cotangent `dy`, for a w of height and width `kernel_size`. The other attributes are those of the
    convolution.
  }];
  let example = [{
    %x = cell.reshape %a {shape = array<i64: 1, 1, 2, 3>} : (tensor<2x3xf32>) -> tensor<1x1x2x3xf32>
    %dy = cell.constant dense<1.0> : tensor<1x4x1x2xf32>
    %r = cell.conv2d_weight_grad %x, %dy {kernel_size = array<i64: 2, 2>} : (tensor<1x1x2x3xf32>, tensor<1x4x1x2xf32>) -> tensor<4x1x2x2xf32>
  }];
  let pythonName = "";
}

#endif // CELL_CONTRACTION_OPS_TD
