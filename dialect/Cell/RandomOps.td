//===- RandomOps.td - counter-based random numbers -----------------------===//
#ifndef CELL_RANDOM_OPS_TD
#define CELL_RANDOM_OPS_TD

include "dialect/Cell/CellBase.td"

/// `key` is (seed, counter). The numbers depend on key, `stream` and the place in the tensor only: they are the same on every target and for
/// every number of threads. Ops of one program take different streams; a program advances the counter from call to call.
class Cell_RandomOp<string mnemonic, dag attrs> : Cell_NonDifferentiableOp<mnemonic> {
  let arguments = !con((ins Cell_KeyTensor:$key), attrs, (ins DenseI64ArrayAttr:$shape, DefaultValuedAttr<I64Attr, "0">:$stream));
}

def Cell_RandomBitsOp : Cell_RandomOp<"random_bits", (ins)> {
  let summary = "Random 32-bit words";
  let description = [{
    Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; 2011). Element i in row-major order is word i mod 4 of
    the block with key (low, high half of the seed) and counter (i / 4, stream, low, high half of the counter).
  }];
  let example = [{
    %key = cell.constant dense<[1, 2]> : tensor<2xi64>
    %r = cell.random_bits %key {shape = array<i64: 2, 3>, stream = 7} : (tensor<2xi64>) -> tensor<2x3xi32>
  }];
}

def Cell_RandomUniformOp : Cell_RandomOp<"random_uniform", (ins TypeAttr:$dtype)> {
  let summary = "Uniform random numbers in [0, 1)";
  let description = [{
    Multiples of 2^-24 for f32, 2^-53 for f64 (two words per element), 2^-11 for f16, 2^-8 for bf16; the upper bits of `cell.random_bits`.
  }];
  let example = [{
    %key = cell.constant dense<[1, 2]> : tensor<2xi64>
    %r = cell.random_uniform %key {shape = array<i64: 2, 3>, dtype = f32} : (tensor<2xi64>) -> tensor<2x3xf32>
  }];
}

def Cell_RandomNormalOp : Cell_RandomOp<"random_normal", (ins TypeAttr:$dtype)> {
  let summary = "Random numbers of the standard normal distribution";
  let description = [{
    The inverse distribution function (Wichura: Algorithm AS 241, 1988) of a uniform number of 32 bits (f64: 64 bits) that is symmetric about 1/2, so
    that both tails are exact: up to 6.3 (f64: 9.1) standard deviations. f16 and bf16 compute in f32.
  }];
  let example = [{
    %key = cell.constant dense<[1, 2]> : tensor<2xi64>
    %r = cell.random_normal %key {shape = array<i64: 2, 3>, dtype = f32} : (tensor<2xi64>) -> tensor<2x3xf32>
  }];
}

def Cell_BernoulliOp : Cell_RandomOp<"bernoulli", (ins F64Attr:$p)> {
  let summary = "True with probability p";
  let description = [{ The word of `cell.random_bits` as an unsigned number is below p times 2^32. }];
  let results = (outs Cell_BoolTensor:$result);
  let example = [{
    %key = cell.constant dense<[1, 2]> : tensor<2xi64>
    %r = cell.bernoulli %key {shape = array<i64: 2, 3>, p = 0.25} : (tensor<2xi64>) -> tensor<2x3xi1>
  }];
  let pythonName = "";
  let hasFolder = 1;
}

def Cell_DropoutOp : Cell_CompositeOp<"dropout", [DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "Sets elements to 0 with probability p and divides the others by 1 - p";
  let description = [{
    Linear in `x`, and its own transpose: the derivative draws the same numbers again, so that no mask is stored.
  }];
  let arguments = (ins Cell_FloatTensor:$x, Cell_KeyTensor:$key, F64Attr:$p, DefaultValuedAttr<I64Attr, "0">:$stream);
  let example = [{
    %key = cell.constant dense<[1, 2]> : tensor<2xi64>
    %r = cell.dropout %a, %key {p = 0.5, stream = 3} : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  }];
  let hasFolder = 1;
}

#endif // CELL_RANDOM_OPS_TD
