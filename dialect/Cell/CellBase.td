//===- CellBase.td - the dialect, its types and the op classes -----------===//
#ifndef CELL_BASE_TD
#define CELL_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "dialect/Cell/CellInterfaces.td"

def Cell_Dialect : Dialect {
  let name = "cell";
  let cppNamespace = "::mlir::cell";
  let summary = "Cell graphs: tensor programs with derivatives";
  let description = [{
    Value semantics on ranked tensors. A captured Cell is a `func.func`; `cell.value_and_grad`, `cell.vjp`, `cell.jvp` and `cell.vmap` name a
    function by symbol and stand for its derivative, or its form for a batch, until `--cell-differentiate` writes it out. Control flow is `scf`. Elementwise ops take equal
    shapes; `cell.broadcast` is explicit. Function argument attribute `cell.param` names a Parameter, `cell.donated` allows its buffer to be
    overwritten; result attribute `cell.alias` ties a result to the argument that it updates. On functions, `cell.recompute` lets the derivative compute the function again instead of saving its values;
    `cell.custom_vjp` and `cell.custom_jvp` name a function that is its derivative; calls of one with `cell.no_inline` stay calls.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
  let hasConstantMaterializer = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

defvar Cell_FloatTypes = [F16, BF16, F32, F64];
defvar Cell_IntTypes = [I8, I16, I32, I64, UI8];
def Cell_Tensor : RankedTensorOf<!listconcat(Cell_FloatTypes, Cell_IntTypes, [I1])>;
def Cell_NumberTensor : RankedTensorOf<!listconcat(Cell_FloatTypes, Cell_IntTypes)>;
def Cell_FloatTensor : RankedTensorOf<Cell_FloatTypes>;
def Cell_IndexTensor : RankedTensorOf<Cell_IntTypes>;
def Cell_BoolTensor : RankedTensorOf<[I1]>;
/// (seed, counter) of the counter-based random generator.
def Cell_KeyTensor : RankedTensorOf<[I64]>;

def Cell_Tape : TypeDef<Cell_Dialect, "Tape"> {
  let mnemonic = "tape";
  let summary = "A stack of tensors of one type that grows at run time";
  let description = [{
    What loops save for their derivative. A tape is used linearly: each of its values has one use on every path. The derivative of a tape is a
    tape of the same type.
  }];
  let parameters = (ins "::mlir::RankedTensorType":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
}

/// What a function that is differentiated may take and give: other dialects have scalars, too.
def Cell_Value : AnyTypeOf<[Cell_Tensor, Cell_Tape, AnyFloat, AnySignlessInteger, Index], "tensor, tape or scalar">;

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

def NonDifferentiable : NativeOpTrait<"NonDifferentiable"> { let cppNamespace = "::mlir::cell"; }

/// Every op has a summary, a description, an example that parses, and the name of its Python function ("" for none).
/// Result types are always inferred; `inferReturnTypes` is the one place of all checks on operands and attributes.
class Cell_Op<string mnemonic, list<Trait> traits = []>
    : Op<Cell_Dialect, mnemonic, traits # [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  /// An .mlir snippet: the body of a function, one or more lines. Parsed by a test.
  string example = "";
  string pythonName = mnemonic;
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let results = (outs Cell_Tensor:$result);
}

/// An op with a reverse rule in C++.
class Cell_DifferentiableOp<string mnemonic, list<Trait> traits = []>
    : Cell_Op<mnemonic, traits # [DeclareOpInterfaceMethods<DifferentiableOpInterface>]>;

/// An op through which no derivative flows, said aloud.
class Cell_NonDifferentiableOp<string mnemonic, list<Trait> traits = []> : Cell_Op<mnemonic, traits # [NonDifferentiable]>;

/// Defined by simpler ops; the derivative is that of the pieces unless the op also implements DifferentiableOpInterface.
class Cell_CompositeOp<string mnemonic, list<Trait> traits = []>
    : Cell_Op<mnemonic, traits # [DeclareOpInterfaceMethods<CompositeOpInterface>]>;

/// Elementwise: equal shapes. The scalar op per kind of element type is named by `floatOp`, `intOp`, `uintOp` and `boolOp`, or `scalarBody` is
/// C++ that returns the Value from `args`, `builder`, `loc` and `type` (storage element type, f32 where the tensor is f16 or bf16).
/// A kind without a scalar op is refused with an error. `infer` names the type inference in CellInfer.h.
class Cell_ElementwiseOp<string mnemonic, int arity, list<Trait> traits = []>
    : Cell_Op<mnemonic, traits # [DeclareOpInterfaceMethods<ElementwiseOpInterface>]> {
  string floatOp = "";
  string intOp = "";
  string uintOp = intOp;
  string boolOp = "";
  code scalarBody = "";
  string infer = "inferSameType";
  list<string> partials = [];

  code scalarText = "::mlir::Value $cppClass::buildScalar(::mlir::OpBuilder &builder, ::mlir::ValueRange args) {\n"
    # !if(!empty(scalarBody),
          "  return buildScalarOp<" # !interleave(!foreach(o, [floatOp, intOp, uintOp, boolOp], !if(!empty(o), "void", "::mlir::" # o)), ", ")
              # ">(getOperation(), builder, args);",
          "  return buildScalarWith(getOperation(), builder, args, [&](::mlir::OpBuilder &builder, ::mlir::Location loc, "
              # "::mlir::ValueRange args, ::mlir::Type type) -> ::mlir::Value {" # scalarBody # "});") # "\n}\n";
  code inferText = "::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context, std::optional<::mlir::Location> location, "
    # "::mlir::ValueRange operands, ::mlir::DictionaryAttr attributes, ::mlir::OpaqueProperties properties, ::mlir::RegionRange regions, "
    # "::llvm::SmallVectorImpl<::mlir::Type> &inferred) {\n  return " # infer # "(getOperationName(), location, operands, inferred);\n}\n";
  code vjpText = "";
  let extraClassDefinition = scalarText # inferText # vjpText;
  let assemblyFormat = "operands attr-dict `:` custom<ElementwiseTypes>("
    # !interleave(!foreach(i, !range(arity), "type($" # !getdagname(arguments, i) # ")"), ", ") # ", type($result))";
}

/// Elementwise with derivatives: `partials` has one expression per operand, in the language of Expr.h, over the operands' names and
/// `result`. Reverse mode multiplies it with the cotangent. The build stops where one is missing.
class Cell_PartialsOp<string mnemonic, int arity, list<Trait> traits = []>
    : Cell_ElementwiseOp<mnemonic, arity, traits # [DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  assert !eq(!size(partials), arity), "cell." # mnemonic # ": give one partial derivative per operand";
  let vjpText = "::llvm::LogicalResult $cppClass::buildVjp(::mlir::OpBuilder &builder, ::llvm::ArrayRef<::mlir::Value> cotangents, "
    # "::llvm::ArrayRef<bool> needed, ::llvm::SmallVectorImpl<::mlir::Value> &grads) {\n"
    # "  using namespace ::mlir::cell::expr;\n  ExprScope scope(builder, getLoc());\n"
    # "  [[maybe_unused]] Expr result = scope(getOperation()->getResult(0));\n"
    # !interleave(!foreach(i, !range(arity), "  [[maybe_unused]] Expr " # !getdagname(arguments, i) # " = scope(getOperation()->getOperand(" # i # "));\n"), "")
    # !interleave(!foreach(i, !range(arity), "  if (needed[" # i # "])\n    grads[" # i # "] = scope.pull(cotangents[0], "
        # !if(!gt(!size(partials), i), partials[i], "") # ", getOperation()->getOperand(" # i # "));\n"), "")
    # "  return ::mlir::success();\n}\n";
}

class Cell_UnaryOp<string mnemonic, list<Trait> traits = []> : Cell_PartialsOp<mnemonic, 1, traits> {
  let arguments = (ins Cell_NumberTensor:$x);
}
class Cell_BinaryOp<string mnemonic, list<Trait> traits = []> : Cell_PartialsOp<mnemonic, 2, traits> {
  let arguments = (ins Cell_NumberTensor:$lhs, Cell_NumberTensor:$rhs);
}
class Cell_FloatUnaryOp<string mnemonic, list<Trait> traits = []> : Cell_PartialsOp<mnemonic, 1, traits> {
  let arguments = (ins Cell_FloatTensor:$x);
}

/// Elementwise without derivative.
class Cell_CompareOp<string mnemonic, string predicate> : Cell_ElementwiseOp<mnemonic, 2, [NonDifferentiable]> {
  let arguments = (ins Cell_Tensor:$lhs, Cell_Tensor:$rhs);
  let results = (outs Cell_BoolTensor:$result);
  let infer = "inferCompare";
  let scalarBody = "return buildCompare(getOperation(), builder, loc, args, Comparison::" # predicate # ");";
}
class Cell_LogicalOp<string mnemonic, int arity, list<Trait> traits = []> : Cell_ElementwiseOp<mnemonic, arity, traits # [NonDifferentiable]> {
  let arguments = !if(!eq(arity, 1), (ins Cell_BoolTensor:$x), (ins Cell_BoolTensor:$lhs, Cell_BoolTensor:$rhs));
  let results = (outs Cell_BoolTensor:$result);
}

#endif // CELL_BASE_TD
