//===- SquashOps.td - a dialect with one op --------------------------------===//
#ifndef SQUASH_OPS_TD
#define SQUASH_OPS_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "dialect/Cell/CellInterfaces.td"

def Squash_Dialect : Dialect {
  let name = "squash";
  let summary = "Functions that press the real line into an interval";
  let cppNamespace = "::squash";
}

// DifferentiableOpInterface is what makes an op one that cellgrad differentiates: `buildVjp` in Squash.cpp.
def Squash_SoftsignOp : Op<Squash_Dialect, "softsign", [Pure, SameOperandsAndResultType, DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "x / (1 + |x|), elementwise";
  let arguments = (ins RankedTensorOf<[F16, F32, F64]>:$x);
  let results = (outs RankedTensorOf<[F16, F32, F64]>:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif // SQUASH_OPS_TD
