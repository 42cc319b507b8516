//===- AscendVectorOps.td - the ascend dialect: the vector unit ---------------===//
#ifndef ASCEND_VECTOR_OPS_TD
#define ASCEND_VECTOR_OPS_TD

include "dialect/Ascend/AscendBase.td"

class Ascend_VectorOp<string mnemonic, list<Trait> traits = []> : Ascend_PipeOp<mnemonic, "V", traits>;

def Ascend_Scalar : AnyTypeOf<[AnyFloat, AnySignlessInteger], "scalar">;
def Ascend_BufferOrScalar : AnyTypeOf<[AnyMemRef, Ascend_Scalar], "memref or scalar">;

def Ascend_VBinOp : Ascend_VectorOp<"vbin"> {
  let summary = "two buffers, element by element";
  let description = [{
    An operand may have size 1 where the output has more: it is repeated. add, sub, mul, max and min take f32, f16, i32 and i16; div f32 and f16;
    and, or and xor integers and i1. Shifts have a scalar operand: `ascend.vbin_scalar`.

    ```mlir
    ascend.vbin <sub> ins(%x, %m : memref<16x512xf32, #ascend.space<ub>>, memref<16x1xf32, #ascend.space<ub>>)
      outs(%y : memref<16x512xf32, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins Ascend_BinaryAttr:$kind, AnyMemRef:$lhs, AnyMemRef:$rhs, AnyMemRef:$out);
  let assemblyFormat = "$kind `ins` `(` $lhs `,` $rhs `:` type($lhs) `,` type($rhs) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
  let more = "int64_t getScratchBytes();";
}

def Ascend_VBinScalarOp : Ascend_VectorOp<"vbin_scalar"> {
  let summary = "a buffer and a scalar, element by element";
  let description = [{
    `reverse` takes the scalar as the left operand (sub and div). add, mul, max, min and sub take f32, f16, i32 and i16; div f32 and f16; shl and shr (of
    signed numbers) i32 and i16.

    ```mlir
    ascend.vbin_scalar <sub> ins(%x, %one : memref<512xf32, #ascend.space<ub>>, f32) outs(%y : memref<512xf32, #ascend.space<ub>>) reverse
    ```
  }];
  let arguments = (ins Ascend_BinaryAttr:$kind, AnyMemRef:$lhs, Ascend_Scalar:$rhs, AnyMemRef:$out, UnitAttr:$reverse);
  let assemblyFormat = [{
    $kind `ins` `(` $lhs `,` $rhs `:` type($lhs) `,` type($rhs) `)` `outs` `(` $out `:` type($out) `)` (`reverse` $reverse^)? attr-dict
  }];
  let more = "int64_t getScratchBytes();";
}

def Ascend_VUnOp : Ascend_VectorOp<"vun"> {
  let summary = "one buffer, element by element";
  let description = [{
    exp, ln, sqrt, rsqrt, rec and abs take f32 and f16; relu also i32; neg f32, f16, i32 and i16; not integers and i1.

    ```mlir
    ascend.vun <exp> ins(%x : memref<512xf32, #ascend.space<ub>>) outs(%x : memref<512xf32, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins Ascend_UnaryAttr:$kind, AnyMemRef:$source, AnyMemRef:$out);
  let assemblyFormat = "$kind `ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
}

def Ascend_VCastOp : Ascend_VectorOp<"vcast"> {
  let summary = "another element type";
  let description = [{
    Between the types that the device library converts (see `docs/design/ascend-dialect.md`). Floats become integers, and wider floats narrower ones,
    with the given rounding; f32 to f32 rounds to whole numbers. Integers are signed; what does not fit is cut off (integers) or ends at the nearest value (floats).

    ```mlir
    ascend.vcast <rint> ins(%x : memref<512xf32, #ascend.space<ub>>) outs(%h : memref<512xf16, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins Ascend_RoundingAttr:$rounding, AnyMemRef:$source, AnyMemRef:$out);
  let assemblyFormat = "$rounding `ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
  let more = "int64_t getScratchBytes();";
}

def Ascend_VBrcOp : Ascend_VectorOp<"vbrc"> {
  let summary = "fill with a scalar, or repeat along axes of size 1";
  let description = [{
    ```mlir
    ascend.vbrc ins(%zero : f32) outs(%y : memref<16x512xf32, #ascend.space<ub>>)
    ascend.vbrc ins(%m : memref<16x1xf32, #ascend.space<ub>>) outs(%y : memref<16x512xf32, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins Ascend_BufferOrScalar:$source, AnyMemRef:$out);
  let assemblyFormat = "`ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
  let more = "int64_t getScratchBytes();";
}

def Ascend_VReduceOp : Ascend_VectorOp<"vreduce"> {
  let summary = "reduction of axes";
  let description = [{
    The rank stays; reduced axes have size 1 in the output, which is overwritten. Takes f32, f16, i32 and i16.

    ```mlir
    ascend.vreduce <max> dims = [1] ins(%x : memref<16x512xf32, #ascend.space<ub>>) outs(%m : memref<16x1xf32, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins Ascend_ReduceAttr:$kind, DenseI64ArrayAttr:$dims, AnyMemRef:$source, AnyMemRef:$out);
  let assemblyFormat = "$kind `dims` `=` $dims `ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
  let more = "int64_t getScratchBytes();";
}

def Ascend_VCmpOp : Ascend_VectorOp<"vcmp"> {
  let summary = "comparison with a buffer or a scalar";
  let description = [{
    eq and ne take f32, f16 and i32, the others f32 and f16. The output is a mask: i1, which takes a byte per element of the buffer.

    ```mlir
    ascend.vcmp <gt> ins(%x, %zero : memref<512xf32, #ascend.space<ub>>, f32) outs(%p : memref<512xi1, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins Ascend_CompareAttr:$kind, AnyMemRef:$lhs, Ascend_BufferOrScalar:$rhs, AnyMemRef:$out);
  let assemblyFormat = "$kind `ins` `(` $lhs `,` $rhs `:` type($lhs) `,` type($rhs) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
}

def Ascend_VSelOp : Ascend_VectorOp<"vsel"> {
  let summary = "the first value where the mask holds, else the second";
  let description = [{
    Values are buffers or scalars; f32, f16, bf16, i16, i32 and i64. Buffers may have size 1 where the output has more.

    ```mlir
    ascend.vsel ins(%p, %x, %zero : memref<512xi1, #ascend.space<ub>>, memref<512xf32, #ascend.space<ub>>, f32)
      outs(%y : memref<512xf32, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins AnyMemRef:$mask, Ascend_BufferOrScalar:$lhs, Ascend_BufferOrScalar:$rhs, AnyMemRef:$out);
  let assemblyFormat = [{
    `ins` `(` $mask `,` $lhs `,` $rhs `:` type($mask) `,` type($lhs) `,` type($rhs) `)` `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let more = "int64_t getScratchBytes();";
}

def Ascend_VTransposeOp : Ascend_VectorOp<"vtranspose"> {
  let summary = "axes in another order";
  let description = [{
    Axis `i` of the output is axis `permutation[i]` of the source.

    ```mlir
    ascend.vtranspose permutation = [1, 0] ins(%x : memref<16x64xf32, #ascend.space<ub>>) outs(%y : memref<64x16xf32, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins DenseI64ArrayAttr:$permutation, AnyMemRef:$source, AnyMemRef:$out);
  let assemblyFormat = "`permutation` `=` $permutation `ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
  let more = "int64_t getScratchBytes();";
}

def Ascend_VGatherOp : Ascend_VectorOp<"vgather"> {
  let summary = "elements of the last axis by index";
  let description = [{
    `out[..., j] = source[..., indices[..., j]]`, indices i32 and inside the axis. Takes f32, f16, bf16, i32 and i16.

    ```mlir
    ascend.vgather ins(%x, %i : memref<1000xf32, #ascend.space<ub>>, memref<64xi32, #ascend.space<ub>>) outs(%y : memref<64xf32, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins AnyMemRef:$source, AnyMemRef:$indices, AnyMemRef:$out);
  let assemblyFormat = "`ins` `(` $source `,` $indices `:` type($source) `,` type($indices) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
  let more = "int64_t getScratchBytes();";
}

def Ascend_VArangeOp : Ascend_VectorOp<"varange"> {
  let summary = "numbers that grow evenly along each axis";
  let description = [{
    `out[i, j, ...] = offset + i * strides[0] + j * strides[1] + ...`; one stride per axis. Takes f32, f16, i16, i32 and i64.

    ```mlir
    ascend.varange offset %c0 strides[%c512, %c1] outs(%y : memref<16x512xi32, #ascend.space<ub>>)
    ```
  }];
  let arguments = (ins Index:$offset, Variadic<Index>:$strides, AnyMemRef:$out);
  let assemblyFormat = "`offset` $offset `strides` `[` $strides `]` `outs` `(` $out `:` type($out) `)` attr-dict";
}

#endif // ASCEND_VECTOR_OPS_TD
