//===- RtOps.td - the cellrt dialect: calls of runtime routines ----------===//
#ifndef CELL_RT_OPS_TD
#define CELL_RT_OPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def CellRt_Dialect : Dialect {
  let name = "cellrt";
  let cppNamespace = "::mlir::cellrt";
  let summary = "Calls of runtime routines and of generated loop kernels";
  let description = [{
    The narrow bridge between linalg programs and the small runtime library. `cellrt.call` names a library routine,
    on tensors or on memrefs; `cellrt.launch` runs a generated loop kernel over a range, possibly on several threads.
  }];
}

class CellRt_Op<string mnemonic, list<Trait> traits = []> : Op<CellRt_Dialect, mnemonic, traits>;

def CellRt_CallOp : CellRt_Op<"call", [
    AttrSizedOperandSegments, DestinationStyleOpInterface, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "call of a runtime routine in destination-passing style";
  let description = [{
    Runs the routine on `ins` and writes `outs`. On tensors the results are the new values of `outs`. The routines, their
    operands and their parameters are listed in `docs/design/architecture.md` ("Library calls"); the verifier checks them.

    ```mlir
    %y = cellrt.call "conv2d" params [1, 1, 0, 0, 0, 0, 1, 1, 1]
           ins(%x, %w : tensor<2x1x8x8xf32>, tensor<4x1x3x3xf32>) outs(%init : tensor<2x4x6x6xf32>) -> tensor<2x4x6x6xf32>
    ```
  }];
  let arguments = (ins StrAttr:$routine, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$params,
                       Variadic<AnyShaped>:$ins, Variadic<AnyShaped>:$outs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    $routine (`params` $params^)? (`ins` `(` $ins^ `:` type($ins) `)`)? `outs` `(` $outs `:` type($outs) `)`
    attr-dict (`->` type($results)^)?
  }];
  let builders = [OpBuilder<(ins "StringRef":$routine, "ValueRange":$ins, "ValueRange":$outs,
                                 CArg<"ArrayRef<int64_t>", "{}">:$params)>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
    /// True if the routine adds to the old contents of `outs`.
    bool accumulates();
  }];
}

def CellRt_LaunchOp : CellRt_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a generated loop kernel over a range";
  let description = [{
    Calls the function `kernel` with the data pointers of the memref operands, the scalar operands, and a half-open range of
    iterations. With `grain` below `size` the range is cut into pieces of at least `grain` iterations that run on the
    threads of the runtime; pieces may run in any order. Otherwise one call on this thread gets the whole range.

    ```mlir
    cellrt.launch @kernel_0(%x, %y) size 1048576 grain 65536 : memref<1024x1024xf32>, memref<1024x1024xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$args, I64Attr:$size, I64Attr:$grain);
  let assemblyFormat = [{
    $kernel `(` $args `)` `size` $size `grain` $grain attr-dict (`:` type($args)^)?
  }];
  let extraClassDeclaration = [{
    bool isParallel() { return getGrain() < getSize(); }
  }];
}

//===----------------------------------------------------------------------===//
// Tapes
//===----------------------------------------------------------------------===//

def CellRt_TapeResource : Resource<"::mlir::cellrt::TapeResource">;

/// What is stored on a tape, as a value: a tensor of static shape or a scalar.
def CellRt_TapeItem : AnyTypeOf<[AnyStaticShapeTensor, AnyFloat, AnySignlessInteger, Index]>;

def CellRt_TapeCreateOp : CellRt_Op<"tape_create"> {
  let summary = "an empty tape";
  let description = [{
    A handle of a stack of items of `stride` bytes each. The runtime frees it when the program ends, if `cellrt.tape_free` did not before.

    ```mlir
    %t = cellrt.tape_create stride 16 : i64
    cellrt.tape_push %t, %v : tensor<4xf32>
    %x = cellrt.tape_pop %t : tensor<4xf32>
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntPositive]>:$stride);
  let results = (outs Res<I64, "", [MemAlloc]>:$tape);
  let assemblyFormat = "`stride` $stride attr-dict `:` type($tape)";
}

def CellRt_TapePushOp : CellRt_Op<"tape_push", [MemoryEffects<[MemWrite<CellRt_TapeResource>]>]> {
  let summary = "copy a value to the top of a tape";
  let arguments = (ins I64:$tape, CellRt_TapeItem:$value);
  let assemblyFormat = "$tape `,` $value attr-dict `:` type($value)";
}

def CellRt_TapeReserveOp : CellRt_Op<"tape_reserve", [MemoryEffects<[MemWrite<CellRt_TapeResource>]>]> {
  let summary = "memory of a new item on top of a tape";
  let description = [{ `cellrt.tape_push` after bufferisation: what is written there is the item. }];
  let arguments = (ins I64:$tape);
  let results = (outs AnyStaticShapeMemRef:$item);
  let assemblyFormat = "$tape attr-dict `:` type($item)";
}

def CellRt_TapePopOp : CellRt_Op<"tape_pop", [MemoryEffects<[MemWrite<CellRt_TapeResource>]>]> {
  let summary = "take the top of a tape";
  let description = [{ As a memref, the item's own memory, which holds until the next item is put onto the tape. }];
  let arguments = (ins I64:$tape);
  let results = (outs AnyTypeOf<[AnyStaticShapeTensor, AnyStaticShapeMemRef]>:$item);
  let assemblyFormat = "$tape attr-dict `:` type($item)";
}

def CellRt_TapeFreeOp : CellRt_Op<"tape_free", [MemoryEffects<[MemWrite<CellRt_TapeResource>]>]> {
  let summary = "give the memory of a tape back";
  let arguments = (ins I64:$tape);
  let assemblyFormat = "$tape attr-dict";
}

//===----------------------------------------------------------------------===//
// Side effects and barriers
//===----------------------------------------------------------------------===//

def CellRt_ConsoleResource : Resource<"::mlir::cellrt::ConsoleResource">;

def CellRt_PrintOp : CellRt_Op<"print", [MemoryEffects<[MemWrite<CellRt_ConsoleResource>]>]> {
  let summary = "show values in the order of the program";
  let description = [{
    Each `{}` of the format is the place of one value. `dtypes` has the element types as the user knows them, which storage does not tell (unsigned).

    ```mlir
    cellrt.print "x = {}
" (%x) dtypes [f32] : tensor<4xf32>
    ```
  }];
  let arguments = (ins StrAttr:$format, Variadic<AnyTypeOf<[AnyStaticShapeTensor, AnyStridedMemRef]>>:$values, TypeArrayAttr:$dtypes);
  let assemblyFormat = "$format `(` $values `)` `dtypes` $dtypes attr-dict (`:` type($values)^)?";
  let hasVerifier = 1;
}

def CellRt_AssertOp : CellRt_Op<"assert", [MemoryEffects<[MemWrite<CellRt_ConsoleResource>]>]> {
  let summary = "end the program with an error where the condition does not hold";
  let arguments = (ins I1:$condition, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message attr-dict";
}

def CellRt_BarrierOp : CellRt_Op<"barrier", [AllTypesMatch<["x", "result"]>]> {
  let summary = "its operand, as a value that is not merged with another";
  let description = [{ Fusion keeps what is computed from it apart from what is computed from the operand, then drops it. }];
  let arguments = (ins AnyRankedTensor:$x);
  let results = (outs Res<AnyRankedTensor, "", [MemAlloc]>:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif // CELL_RT_OPS_TD
