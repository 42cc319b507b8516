//===- CompositeOps.td - ops that are defined by simpler ones -------------===//
#ifndef CELL_COMPOSITE_OPS_TD
#define CELL_COMPOSITE_OPS_TD

include "dialect/Cell/CellBase.td"

/// A composite op whose reverse rule is written, because it needs less work or memory than that of its pieces. f16 and bf16 compute in f32.
class Cell_CompositeWithVjpOp<string mnemonic> : Cell_CompositeOp<mnemonic, [DeclareOpInterfaceMethods<DifferentiableOpInterface>]>;

def Cell_SoftmaxOp : Cell_CompositeWithVjpOp<"softmax"> {
  let summary = "exp(x) / sum(exp(x)) along an axis";
  let description = [{ The largest element along the axis is subtracted first, so that nothing overflows. }];
  let arguments = (ins Cell_FloatTensor:$x, I64Attr:$axis);
  let example = "%r = cell.softmax %a {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>";
}

def Cell_LogSoftmaxOp : Cell_CompositeWithVjpOp<"log_softmax"> {
  let summary = "Logarithm of softmax along an axis";
  let description = [{ `x - max - log(sum(exp(x - max)))`, exact where softmax itself would round to 0. }];
  let arguments = (ins Cell_FloatTensor:$x, I64Attr:$axis);
  let example = "%r = cell.log_softmax %a {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>";
}

def Cell_CrossEntropyOp : Cell_CompositeWithVjpOp<"cross_entropy"> {
  let summary = "Cross entropy of softmax(logits) with class indices, one loss per sample";
  let description = [{
    `labels` has the shape of `logits` without `axis`, the dimension of classes. The loss is `-log_softmax(logits)[label]`. A label out of
    `[0, classes)` takes no part: its loss and gradient are 0. The gradient is `softmax - one_hot`.
  }];
  let arguments = (ins Cell_FloatTensor:$logits, Cell_IndexTensor:$labels, I64Attr:$axis);
  let pythonName = "";
  let example = "%r = cell.cross_entropy %a, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2xf32>";
}

def Cell_SoftmaxCrossEntropyOp : Cell_CompositeWithVjpOp<"softmax_cross_entropy"> {
  let summary = "Cross entropy of softmax(logits) with probabilities, one loss per sample";
  let description = [{
    `-sum(labels * log_softmax(logits))` along `axis`, which the result does not have. The labels of a sample need not sum to 1.
  }];
  let arguments = (ins Cell_FloatTensor:$logits, Cell_FloatTensor:$labels, I64Attr:$axis);
  let pythonName = "";
  let example = "%r = cell.softmax_cross_entropy %a, %b {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2xf32>";
}

def Cell_LayerNormOp : Cell_CompositeWithVjpOp<"layer_norm"> {
  let summary = "Each sample brought to mean 0 and variance 1, then scaled and shifted";
  let description = [{
    `(x - mean) * rsqrt(variance + epsilon) * gamma + beta` with mean and variance over the dimensions from `axis` on. `gamma` and `beta` have the
    shape of those dimensions. Ba, Kiros and Hinton 2016. Only x is kept for the derivative.
  }];
  let arguments = (ins Cell_FloatTensor:$x, Cell_FloatTensor:$gamma, Cell_FloatTensor:$beta, I64Attr:$axis, F64Attr:$epsilon);
  let example = "%r = cell.layer_norm %a, %v, %v {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>";
}

def Cell_BatchNormOp : Cell_CompositeWithVjpOp<"batch_norm"> {
  let summary = "Each channel of a batch brought to mean 0 and variance 1, then scaled and shifted";
  let description = [{
    The form for training: mean and variance (biased) are those of the batch, over all dimensions but `axis`, and are results too. `gamma` and `beta` have one
    element per channel. Ioffe and Szegedy 2015.
  }];
  let arguments = (ins Cell_FloatTensor:$x, Cell_FloatTensor:$gamma, Cell_FloatTensor:$beta, I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs Cell_FloatTensor:$result, Cell_FloatTensor:$mean, Cell_FloatTensor:$variance);
  let example = "%r, %m, %s = cell.batch_norm %a, %v, %v {axis = 1 : i64, epsilon = 1.0e-5 : f64} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>)";
}

#endif // CELL_COMPOSITE_OPS_TD
