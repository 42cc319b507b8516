//===- ControlOps.td - what control flow and its derivatives are made of --===//
#ifndef CELL_CONTROL_OPS_TD
#define CELL_CONTROL_OPS_TD

include "dialect/Cell/CellBase.td"

/// An op that is kept, and kept in order, for more than its results. One with results only is dead where they are unused.
class Cell_EffectOp<string mnemonic, list<Trait> traits = []> : Op<Cell_Dialect, mnemonic, traits> {
  string example = "";
  string pythonName = "";
}

//===----------------------------------------------------------------------===//
// Tapes
//===----------------------------------------------------------------------===//

def Cell_TapeCreateOp : Cell_EffectOp<"tape_create", [NonDifferentiable]> {
  let summary = "An empty tape";
  let description = [{ A stack of tensors of one type that grows at run time. Each value of a tape is used once on every path. }];
  let results = (outs Res<Cell_Tape, "", [MemAlloc]>:$tape);
  let example = [{
    %t = cell.tape_create : !cell.tape<tensor<2x3xf32>>
    %t1 = cell.tape_push %t, %a : !cell.tape<tensor<2x3xf32>>
    %t2, %x = cell.tape_pop %t1 : !cell.tape<tensor<2x3xf32>>
    %r = cell.neg %x : tensor<2x3xf32>
  }];
  let assemblyFormat = "attr-dict `:` type($tape)";
}

class Cell_TapeOp<string mnemonic, list<Trait> traits> : Cell_EffectOp<mnemonic, traits # [Pure, NonDifferentiable]> {
  let example = Cell_TapeCreateOp.example;
}

def Cell_TapePushOp : Cell_TapeOp<"tape_push", [
    AllTypesMatch<["tape", "result"]>, TypesMatchWith<"the value has the type of the tape's elements", "tape", "value", "::llvm::cast<TapeType>($_self).getElementType()">]> {
  let summary = "The tape with one more tensor on top";
  let arguments = (ins Cell_Tape:$tape, Cell_Tensor:$value);
  let results = (outs Cell_Tape:$result);
  let assemblyFormat = "$tape `,` $value attr-dict `:` type($tape)";
}

def Cell_TapePopOp : Cell_TapeOp<"tape_pop", [
    AllTypesMatch<["tape", "rest"]>, TypesMatchWith<"the value has the type of the tape's elements", "tape", "value", "::llvm::cast<TapeType>($_self).getElementType()">]> {
  let summary = "The tape without its uppermost tensor, and that tensor";
  let description = [{ From an empty tape it is an error at run time. }];
  let arguments = (ins Cell_Tape:$tape);
  let results = (outs Cell_Tape:$rest, Cell_Tensor:$value);
  let assemblyFormat = "$tape attr-dict `:` type($tape)";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Positions that are known at run time
//===----------------------------------------------------------------------===//

def Cell_DynamicSliceOp : Cell_DifferentiableOp<"dynamic_slice"> {
  let summary = "A block of x of given sizes, whose place is known at run time";
  let description = [{
    `starts` has one 0-d integer tensor per dimension of x. A start is brought into `[0, dimension - size]`, so that the block lies inside of x.
  }];
  let arguments = (ins Cell_Tensor:$x, Variadic<Cell_IndexTensor>:$starts, DenseI64ArrayAttr:$sizes);
  let example = [{
    %s = cell.constant dense<1> : tensor<i64>
    %r = cell.dynamic_slice %a, %s, %s {sizes = array<i64: 1, 2>} : (tensor<2x3xf32>, tensor<i64>, tensor<i64>) -> tensor<1x2xf32>
  }];
  let pythonName = "";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Cell_DynamicUpdateOp : Cell_DifferentiableOp<"dynamic_update"> {
  let summary = "x with a block replaced by update, at a place known at run time";
  let description = [{ `starts` as for `cell.dynamic_slice`, the sizes are those of update. }];
  let arguments = (ins Cell_Tensor:$x, Cell_Tensor:$update, Variadic<Cell_IndexTensor>:$starts);
  let example = [{
    %s = cell.constant dense<1> : tensor<i64>
    %u = cell.slice %b {starts = array<i64: 0, 0>, limits = array<i64: 1, 2>, strides = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<1x2xf32>
    %r = cell.dynamic_update %a, %u, %s, %s : (tensor<2x3xf32>, tensor<1x2xf32>, tensor<i64>, tensor<i64>) -> tensor<2x3xf32>
  }];
  let pythonName = "";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// Side effects
//===----------------------------------------------------------------------===//

def Cell_ConsoleResource : Resource<"::mlir::cell::ConsoleResource">;

def Cell_BarrierOp : Cell_EffectOp<"barrier", [
    AllTypesMatch<["x", "result"]>, DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "Its operand, as a value that is not merged with another";
  let description = [{ What is computed from it again (to save memory) stays apart from what was computed from the operand before. }];
  let arguments = (ins Cell_Tensor:$x);
  let results = (outs Res<Cell_Tensor, "", [MemAlloc]>:$result);
  let example = "%r = cell.barrier %a : tensor<2x3xf32>";
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Cell_PrintOp : Cell_EffectOp<"print", [NonDifferentiable, MemoryEffects<[MemWrite<Cell_ConsoleResource>]>]> {
  let summary = "Prints at run time";
  let description = [{ Each `{}` in `format` is the place of one operand, also with a conversion or a format as in Python (`{!r}`, `{:.3f}`); `{{` and `}}` are braces. The text
    ends as `format` does: a new line is part of it. }];
  let arguments = (ins StrAttr:$format, Variadic<Cell_Tensor>:$values);
  let example = [{
    cell.print "a = {}\n" (%a) : tensor<2x3xf32>
    %r = cell.neg %a : tensor<2x3xf32>
  }];
  let assemblyFormat = "$format `(` $values `)` attr-dict (`:` type($values)^)?";
  let hasVerifier = 1;
}

def Cell_AssertOp : Cell_EffectOp<"assert", [NonDifferentiable, MemoryEffects<[MemWrite<Cell_ConsoleResource>]>]> {
  let summary = "An error at run time where the condition does not hold";
  let description = [{ The program ends there; the error has `message` and the place of the op. What was written to Parameters before stays written. }];
  let arguments = (ins 0DTensorOf<[I1]>:$condition, StrAttr:$message);
  let example = [{
    %h = cell.reduce_all %c {axes = array<i64: 0, 1>, keepdims = false} : (tensor<2x3xi1>) -> tensor<i1>
    cell.assert %h, "all are positive" : tensor<i1>
    %r = cell.neg %a : tensor<2x3xf32>
  }];
  let assemblyFormat = "$condition `,` $message attr-dict `:` type($condition)";
}

#endif // CELL_CONTROL_OPS_TD
