//===- AscendOps.td - the ascend dialect: kernels, flags, DMA and the cube ----===//
#ifndef ASCEND_OPS_TD
#define ASCEND_OPS_TD

include "dialect/Ascend/AscendBase.td"

//===----------------------------------------------------------------------===//
// Kernels and memory
//===----------------------------------------------------------------------===//

def Ascend_BlockIdxOp : Ascend_Op<"block_idx", [Pure]> {
  let summary = "number of this core among those that run the kernel";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Ascend_BlockNumOp : Ascend_Op<"block_num", [Pure]> {
  let summary = "number of cores that run the kernel";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Ascend_AddressOp : Ascend_Op<"address"> {
  let summary = "a buffer at a planned place";
  let description = [{
    What `memref.alloc` becomes once memory is planned. Offsets are bytes in the space of the type. With several offsets, `slot` chooses:
    offset number `slot mod count`, which gives the buffers of a loop's steps in turn.

    ```mlir
    %a = ascend.address [0] : memref<1024xf32, #ascend.space<ub>>
    %b = ascend.address [4096, 8192] slot %i : memref<1024xf32, #ascend.space<ub>>
    ```
  }];
  let arguments = (ins DenseI64ArrayAttr:$offsets, Optional<Index>:$slot);
  // Two at one place are two lives of its memory: they are not merged or moved.
  let results = (outs Res<AnyMemRef, "", [MemAlloc]>:$result);
  let assemblyFormat = "$offsets (`slot` $slot^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Flags and barriers
//===----------------------------------------------------------------------===//

class Ascend_FlagOp<string mnemonic> : Ascend_Op<mnemonic> {
  let arguments = (ins Ascend_PipeAttr:$source, Ascend_PipeAttr:$target, DenseI64ArrayAttr:$ids, Optional<Index>:$slot);
  let assemblyFormat = "custom<PipePair>($source, $target) $ids (`slot` $slot^)? attr-dict";
  let builders = [OpBuilder<(ins "Pipe":$source, "Pipe":$target, "int64_t":$id), [{
    build($_builder, $_state, source, target, $_builder.getDenseI64ArrayAttr(id), ::mlir::Value());
  }]>];
  let hasVerifier = 1;
}

def Ascend_SetFlagOp : Ascend_FlagOp<"set_flag"> {
  let summary = "raise a flag when the first pipe has done its earlier work";
  let description = [{
    The flag is known by both pipes and its number. With several numbers, `slot` chooses: number `slot mod count`.

    ```mlir
    ascend.set_flag <mte2, v> [0]
    ascend.wait_flag <mte2, v> [0]
    ascend.set_flag <mte3, mte2> [0, 1] slot %i
    ```
  }];
}

def Ascend_WaitFlagOp : Ascend_FlagOp<"wait_flag"> {
  let summary = "the second pipe waits for the flag, and takes it down";
  let description = [{ See `ascend.set_flag`. }];
}

def Ascend_BarrierOp : Ascend_Op<"barrier"> {
  let summary = "later work of the pipe starts after its earlier work is done";
  let description = [{
    `all` orders all pipes of the core.

    ```mlir
    ascend.barrier <v>
    ascend.barrier <all>
    ```
  }];
  let arguments = (ins Ascend_PipeAttr:$pipe);
  let assemblyFormat = "$pipe attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Transfers
//===----------------------------------------------------------------------===//

def Ascend_LoadOp : Ascend_MoveOp<"load", "MTE2"> {
  let summary = "global memory to UB, or a vector to L1";
  let description = [{
    Shapes are equal; rows may have any pitch in global memory. Into L1 go vectors only (a bias); matrices go through `ascend.nd2nz`.

    ```mlir
    ascend.load ins(%g : memref<64x128xf32, strided<[1000, 1], offset: ?>, #ascend.space<gm>>) outs(%u : memref<64x128xf32, #ascend.space<ub>>)
    ```
  }];
}

def Ascend_StoreOp : Ascend_PipeOp<"store", "MTE3"> {
  let summary = "UB to global memory";
  let description = [{
    `atomic = add` adds to what is there, whichever core comes first.

    ```mlir
    ascend.store ins(%u : memref<128xf32, #ascend.space<ub>>) outs(%g : memref<128xf32, #ascend.space<gm>>) atomic = add
    ```
  }];
  let arguments = (ins AnyMemRef:$source, AnyMemRef:$out, UnitAttr:$atomic_add);
  let assemblyFormat = "`ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` (`atomic` `=` `add` $atomic_add^)? attr-dict";
  let more = "bool accumulates() { return getAtomicAdd(); }";
}

def Ascend_Nd2NzOp : Ascend_MoveOp<"nd2nz", "MTE2"> {
  let summary = "a matrix of global memory to L1, in fractals";
  let description = [{
    `[R, C]` becomes `[ceil(C / C0), ceil(R / 16), 16, C0]`, where C0 elements are 32 bytes. What has no source is filled with zeros.

    ```mlir
    ascend.nd2nz ins(%g : memref<100x64xf16, #ascend.space<gm>>) outs(%a : memref<4x7x16x16xf16, #ascend.space<l1>>)
    ```
  }];
}

class Ascend_ToL0Op<string mnemonic> : Ascend_PipeOp<mnemonic, "MTE1"> {
  let arguments = (ins AnyMemRef:$source, AnyMemRef:$out, UnitAttr:$transpose);
  let assemblyFormat = "`ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` (`transpose` $transpose^)? attr-dict";
}

def Ascend_L1ToL0AOp : Ascend_ToL0Op<"l1_to_l0a"> {
  let summary = "left operand of the cube, from L1";
  let description = [{
    The matrix `[M, K]`, in L1 `[K/C0, M/16, 16, C0]` (with `transpose`: the fractals of `[K, M]`), becomes `[M/16, K/C0, 16, C0]`.

    ```mlir
    ascend.l1_to_l0a ins(%l : memref<4x8x16x16xf16, #ascend.space<l1>>) outs(%a : memref<8x4x16x16xf16, #ascend.space<l0a>>)
    ```
  }];
}

def Ascend_L1ToL0BOp : Ascend_ToL0Op<"l1_to_l0b"> {
  let summary = "right operand of the cube, from L1";
  let description = [{
    The matrix `[K, N]`, in L1 `[N/C0, K/16, 16, C0]` (with `transpose`: the fractals of `[N, K]`), becomes `[K/C0, N/16, 16, C0]`; inside a fractal
    a row holds C0 values along K.

    ```mlir
    ascend.l1_to_l0b ins(%l : memref<8x4x16x16xf16, #ascend.space<l1>>) outs(%b : memref<4x8x16x16xf16, #ascend.space<l0b>>)
    ```
  }];
}

def Ascend_L1ToBtOp : Ascend_MoveOp<"l1_to_bt", "MTE1"> {
  let summary = "bias of the cube, from L1";
  let description = [{ One number per column of the product. f16 becomes f32 on the way. }];
}

def Ascend_CopyOp : Ascend_MoveOp<"copy", "V"> {
  let summary = "UB to UB";
}

def Ascend_FixpipeOp : Ascend_PipeOp<"fixpipe", "FIX"> {
  let summary = "result of the cube to a matrix of global memory";
  let description = [{
    `[N/16, M/16, 16, 16]` becomes `[M, N]`; what the matrix has no place for is left out. Converts to the element type of the matrix: f32 to f32, f16
    or bf16 (nearest, ties to even), i32 to i32, i16, i8 or f16. `relu` is taken before. `atomic = add` adds to what is there.

    ```mlir
    ascend.fixpipe ins(%c : memref<8x7x16x16xf32, #ascend.space<l0c>>) outs(%g : memref<100x128xf16, #ascend.space<gm>>) relu
    ```
  }];
  let arguments = (ins AnyMemRef:$source, AnyMemRef:$out, UnitAttr:$relu, UnitAttr:$atomic_add);
  let assemblyFormat = [{
    `ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` (`relu` $relu^)? (`atomic` `=` `add` $atomic_add^)? attr-dict
  }];
  let more = "bool accumulates() { return getAtomicAdd(); }";
}

//===----------------------------------------------------------------------===//
// Cube
//===----------------------------------------------------------------------===//

def Ascend_MmadOp : Ascend_PipeOp<"mmad", "M"> {
  let summary = "product of matrices in L0A and L0B, added up in L0C";
  let description = [{
    `[M/16, K/C0, 16, C0]` times `[K/C0, N/16, 16, C0]` gives `[N/16, M/16, 16, 16]`. Where `init` holds the sum starts from the bias, or from
    zero; else from what is in L0C. f16, bf16 and f32 are added up in f32, i8 in i32.

    ```mlir
    ascend.mmad ins(%a, %b, %first : memref<8x4x16x16xf16, #ascend.space<l0a>>, memref<4x8x16x16xf16, #ascend.space<l0b>>)
      outs(%c : memref<8x8x16x16xf32, #ascend.space<l0c>>)
    ```
  }];
  let arguments = (ins AnyMemRef:$lhs, AnyMemRef:$rhs, I1:$init, Optional<AnyMemRef>:$bias, AnyMemRef:$out);
  let assemblyFormat = [{
    `ins` `(` $lhs `,` $rhs `,` $init `:` type($lhs) `,` type($rhs) `)` (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $out `:` type($out) `)` attr-dict
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs, "::mlir::Value":$init, "::mlir::Value":$out), [{
    build($_builder, $_state, lhs, rhs, init, ::mlir::Value(), out);
  }]>];
  let more = "bool accumulates() { return ::mlir::ascend::detail::mayBeFalse(getInit()); }";
}

def Ascend_MmadL1Op : Ascend_PipeOp<"mmad_l1", "M"> {
  let summary = "product of matrices in L1, added up in L0C";
  let description = [{
    A macro: `ascend-decompose` makes `l1_to_l0a`, `l1_to_l0b` and `mmad` of it, tile by tile. The left operand has the fractals of `[M, K]`
    (`transpose_a`: `[K, M]`), the right one those of `[K, N]` (`transpose_b`: `[N, K]`); the bias is a vector of N numbers in L1.

    ```mlir
    ascend.mmad_l1 ins(%a, %b, %first : memref<4x8x16x16xf16, #ascend.space<l1>>, memref<8x4x16x16xf16, #ascend.space<l1>>)
      outs(%c : memref<8x8x16x16xf32, #ascend.space<l0c>>)
    ```
  }];
  let arguments = (ins AnyMemRef:$lhs, AnyMemRef:$rhs, I1:$init, Optional<AnyMemRef>:$bias, AnyMemRef:$out, UnitAttr:$transpose_a, UnitAttr:$transpose_b);
  let assemblyFormat = [{
    `ins` `(` $lhs `,` $rhs `,` $init `:` type($lhs) `,` type($rhs) `)` (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $out `:` type($out) `)` (`transpose_a` $transpose_a^)? (`transpose_b` $transpose_b^)? attr-dict
  }];
  let more = [{
    ::mlir::ascend::Pipe getInPipe() { return ::mlir::ascend::Pipe::MTE1; }
    bool accumulates() { return ::mlir::ascend::detail::mayBeFalse(getInit()); }
  }];
}

#endif // ASCEND_OPS_TD
