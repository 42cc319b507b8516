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

#endif // CELL_RT_OPS_TD
