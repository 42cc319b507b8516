//===- ReductionOps.td - ops that combine elements along axes ------------===//
#ifndef CELL_REDUCTION_OPS_TD
#define CELL_REDUCTION_OPS_TD

include "dialect/Cell/CellBase.td"

/// `axes` are sorted, distinct and not negative; with `keepdims` they stay with size 1.
class Cell_ReductionOp<string mnemonic> : Cell_DifferentiableOp<mnemonic> {
  let arguments = (ins Cell_NumberTensor:$x, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
}

def Cell_ReduceSumOp : Cell_ReductionOp<"reduce_sum"> {
  let summary = "Sum along axes";
  let description = [{ The sum of nothing is 0. f16 and bf16 accumulate in f32; integers wrap. }];
  let example = "%r = cell.reduce_sum %a {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>";
  let hasFolder = 1;
}

class Cell_ExtremeOp<string mnemonic, string word> : Cell_ReductionOp<mnemonic> {
  let summary = word # " along axes";
  let description = [{ NaN where an element is NaN. Ties share the derivative evenly. Of nothing it is an error. }];
  let example = "%r = cell." # mnemonic # " %a {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>";
  let hasFolder = 1;
}
def Cell_ReduceMaxOp : Cell_ExtremeOp<"reduce_max", "Largest element">;
def Cell_ReduceMinOp : Cell_ExtremeOp<"reduce_min", "Smallest element">;

def Cell_ReduceProdOp : Cell_ReductionOp<"reduce_prod"> {
  let summary = "Product along axes";
  let description = [{
    The product of nothing is 1. f16 and bf16 accumulate in f32; integers wrap. The derivative is the product of the other elements, without a division, so
    that zeros are no exception.
  }];
  let example = "%r = cell.reduce_prod %a {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xf32>";
  let hasFolder = 1;
}

def Cell_ReduceMeanOp : Cell_CompositeOp<"reduce_mean", [DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "Mean along axes";
  let description = [{ The sum divided by the number of elements: NaN for none. f16 and bf16 are summed and divided in f32. }];
  let arguments = (ins Cell_FloatTensor:$x, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
  let example = "%r = cell.reduce_mean %a {axes = array<i64: 0, 1>, keepdims = false} : (tensor<2x3xf32>) -> tensor<f32>";
}

class Cell_BoolReductionOp<string mnemonic> : Cell_NonDifferentiableOp<mnemonic> {
  let arguments = (ins Cell_BoolTensor:$x, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
  let example = "%r = cell." # mnemonic # " %c {axes = array<i64: 1>, keepdims = false} : (tensor<2x3xi1>) -> tensor<2xi1>";
}
def Cell_ReduceAnyOp : Cell_BoolReductionOp<"reduce_any"> {
  let summary = "Whether any element along axes holds";
  let description = [{ Of nothing: false. }];
}
def Cell_ReduceAllOp : Cell_BoolReductionOp<"reduce_all"> {
  let summary = "Whether all elements along axes hold";
  let description = [{ Of nothing: true. }];
}

class Cell_ArgExtremeOp<string mnemonic> : Cell_NonDifferentiableOp<mnemonic> {
  let description = [{ The first position, as i64, where there are several. NaN counts as the extreme, as in NumPy. Of nothing it is an error. }];
  let arguments = (ins Cell_Tensor:$x, I64Attr:$axis, BoolAttr:$keepdims);
  let results = (outs Cell_IndexTensor:$result);
  let example = "%r = cell." # mnemonic # " %a {axis = 1 : i64, keepdims = false} : (tensor<2x3xf32>) -> tensor<2xi64>";
}
def Cell_ArgmaxOp : Cell_ArgExtremeOp<"argmax"> {
  let summary = "Position of the largest element along an axis";
}
def Cell_ArgminOp : Cell_ArgExtremeOp<"argmin"> {
  let summary = "Position of the smallest element along an axis";
}

def Cell_CumsumOp : Cell_DifferentiableOp<"cumsum"> {
  let summary = "Running sum along an axis";
  let description = [{
    Element i is the sum of the elements up to i; `exclusive` leaves i itself out, `reverse` sums from the end. f16 and bf16 accumulate in f32; integers wrap.
  }];
  let arguments = (ins Cell_NumberTensor:$x, I64Attr:$axis, BoolAttr:$exclusive, BoolAttr:$reverse);
  let example = "%r = cell.cumsum %a {axis = 1 : i64, exclusive = false, reverse = false} : (tensor<2x3xf32>) -> tensor<2x3xf32>";
}

#endif // CELL_REDUCTION_OPS_TD
