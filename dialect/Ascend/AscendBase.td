//===- AscendBase.td - the ascend dialect: attributes and the pipe interface --===//
#ifndef ASCEND_BASE_TD
#define ASCEND_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Ascend_Dialect : Dialect {
  let name = "ascend";
  let cppNamespace = "::mlir::ascend";
  let summary = "Kernels of a Da Vinci like accelerator, at the level of buffers, pipes and flags";
  let description = [{
    A kernel is a `func.func` with `gpu.kernel` and `ascend.core` in a `gpu.module` with `ascend.target`; `ascend.block_dim` is the number of cores that
    run it. Values are memrefs in an explicit space. Ops are destination style and belong to a pipe: pipes run side by side, each in the order of the
    program, and are ordered by flags and barriers. See `docs/design/ascend-dialect.md`.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// C++ symbols are upper case (Space::UB, Pipe::MTE2) or, for what an op computes, capitalised (BinaryKind::Add).
class Ascend_Enum<string name, string summary, list<string> cases, bit upper = 0>
    : I32EnumAttr<name, summary, !foreach(i, !range(!size(cases)),
          I32EnumAttrCase<!toupper(!if(upper, cases[i], !substr(cases[i], 0, 1))) # !if(upper, "", !substr(cases[i], 1)), i, cases[i]>)> {
  let cppNamespace = "::mlir::ascend";
  let genSpecializedAttr = 0;
}

def Ascend_Space : Ascend_Enum<"Space", "a memory of the accelerator", ["gm", "l1", "l0a", "l0b", "l0c", "ub", "bt"], 1>;
def Ascend_Pipe : Ascend_Enum<"Pipe", "a queue of a core", ["s", "v", "m", "mte1", "mte2", "mte3", "fix", "all"], 1>;
def Ascend_Core : Ascend_Enum<"Core", "a kind of core", ["aic", "aiv", "aicpu"], 1>;
def Ascend_BinaryKind : Ascend_Enum<"BinaryKind", "an operation on two values", ["add", "sub", "mul", "div", "max", "min", "and", "or", "xor", "shl", "shr"]>;
def Ascend_UnaryKind : Ascend_Enum<"UnaryKind", "an operation on one value", ["exp", "ln", "sqrt", "rsqrt", "rec", "abs", "relu", "neg", "not"]>;
def Ascend_ReduceKind : Ascend_Enum<"ReduceKind", "a reduction", ["sum", "max", "min"]>;
def Ascend_CompareKind : Ascend_Enum<"CompareKind", "a comparison", ["eq", "ne", "lt", "le", "gt", "ge"]>;
def Ascend_Rounding : Ascend_Enum<"Rounding", "to a nearby value: nearest (ties to even; away from zero), down, up, towards zero",
                                  ["rint", "round", "floor", "ceil", "trunc"]>;

/// Written `<name>` in an op, `#ascend.mnemonic<name>` elsewhere.
class Ascend_EnumAttr<EnumAttrInfo info, string mnemonic> : EnumAttr<Ascend_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}
def Ascend_SpaceAttr : Ascend_EnumAttr<Ascend_Space, "space">;
def Ascend_PipeAttr : Ascend_EnumAttr<Ascend_Pipe, "pipe">;
def Ascend_CoreAttr : Ascend_EnumAttr<Ascend_Core, "core">;
def Ascend_BinaryAttr : Ascend_EnumAttr<Ascend_BinaryKind, "binary">;
def Ascend_UnaryAttr : Ascend_EnumAttr<Ascend_UnaryKind, "unary">;
def Ascend_ReduceAttr : Ascend_EnumAttr<Ascend_ReduceKind, "reduce">;
def Ascend_CompareAttr : Ascend_EnumAttr<Ascend_CompareKind, "compare">;
def Ascend_RoundingAttr : Ascend_EnumAttr<Ascend_Rounding, "rounding">;

def Ascend_TargetAttr : AttrDef<Ascend_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "A chip, and numbers of it that differ";
  let description = [{
    Names a chip of `Target.h`; the dictionary replaces single numbers of its description.

    ```mlir
    gpu.module @kernels attributes {ascend.target = #ascend.target<"Ascend910B3", {ub_bytes = 65536 : i64}>} {}
    ```
  }];
  let parameters = (ins StringRefParameter<"name of the chip">:$chip, OptionalParameter<"::mlir::DictionaryAttr">:$overrides);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$chip), [{ return $_get($_ctxt, chip, ::mlir::DictionaryAttr()); }]>];
  let assemblyFormat = "`<` $chip (`,` $overrides^)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = "/// The chip's description.\n::mlir::ascend::Target getTarget() const;";
}

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

def Ascend_PipeOpInterface : OpInterface<"AscendPipeOpInterface"> {
  let cppNamespace = "::mlir::ascend";
  let description = [{ An op that one pipe of a core runs, with the memory that it reads and writes. All that orders, checks, runs or prints kernels asks here. }];
  let methods = [
    InterfaceMethod<"The pipe that runs the op; of a macro, the one that writes its result.", "::mlir::ascend::Pipe", "getPipe">,
    InterfaceMethod<"The pipe that reads the operands: another than `getPipe` for a macro.", "::mlir::ascend::Pipe", "getInPipe", (ins), [{}],
                    [{ return $_op.getPipe(); }]>,
    InterfaceMethod<"True if the old contents of the output count.", "bool", "accumulates", (ins), [{}], [{ return false; }]>,
    InterfaceMethod<"The memrefs that are read, the output included if the op accumulates.", "::llvm::SmallVector<::mlir::Value>", "getReads", (ins), [{}],
                    [{ return ::mlir::ascend::detail::getReads($_op.getOperation(), $_op.accumulates()); }]>,
    InterfaceMethod<"The memrefs that are written.", "::llvm::SmallVector<::mlir::Value>", "getWrites", (ins), [{}],
                    [{ return {$_op.getOperation()->getOperands().back()}; }]>,
    InterfaceMethod<[{
      Bytes of UB that the device library's function for the op needs while it runs, besides its operands. Planned memory leaves room for them, at the
      offset of the attribute `ascend.scratch`.
    }], "int64_t", "getScratchBytes", (ins), [{}], [{ return 0; }]>];
}

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

class Ascend_Op<string mnemonic, list<Trait> traits = []> : Op<Ascend_Dialect, mnemonic, traits>;

/// An op of one pipe. Its last operand, `out`, is written; all others are read.
class Ascend_PipeOp<string mnemonic, string pipe, list<Trait> traits = []>
    : Ascend_Op<mnemonic, traits # [Ascend_PipeOpInterface, MemoryEffectsOpInterface, DestinationStyleOpInterface]> {
  let hasVerifier = 1;
  code more = "";
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutMutable(); }
    void getEffects(::llvm::SmallVectorImpl<::mlir::SideEffects::EffectInstance<::mlir::MemoryEffects::Effect>> &effects) {
      ::mlir::ascend::detail::getPipeOpEffects(*this, effects);
    }
  }] # "::mlir::ascend::Pipe getPipe() { return ::mlir::ascend::Pipe::" # pipe # "; }\n" # more;
}

/// From one buffer to another.
class Ascend_MoveOp<string mnemonic, string pipe, list<Trait> traits = []> : Ascend_PipeOp<mnemonic, pipe, traits> {
  let arguments = (ins AnyMemRef:$source, AnyMemRef:$out);
  let assemblyFormat = "`ins` `(` $source `:` type($source) `)` `outs` `(` $out `:` type($out) `)` attr-dict";
}

#endif // ASCEND_BASE_TD
