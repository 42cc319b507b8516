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

#endif // CELL_REDUCTION_OPS_TD
