//===- ControlOps.cpp - tapes, barriers, print and assert -----------------===//
#include "dialect/Cell/Cell.h"

using namespace mlir;
using namespace mlir::cell;

LogicalResult TapePopOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  auto push = getTape().getDefiningOp<TapePushOp>();
  if (!push)
    return failure();
  results.append({push.getTape(), push.getValue()});
  return success();
}

LogicalResult BarrierOp::buildVjp(OpBuilder &, ArrayRef<Value> cotangents, ArrayRef<bool> needed, SmallVectorImpl<Value> &grads) {
  if (needed[0])
    grads[0] = cotangents[0];
  return success();
}

LogicalResult PrintOp::verify() {
  StringRef format = getFormat();
  size_t places = 0;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '{' && format[i] != '}')
      continue;
    char next = i + 1 < format.size() ? format[i + 1] : '\0';
    if (next != format[i] && !(format[i] == '{' && next == '}'))
      return emitOpError("has a brace in its format that is neither '{}' nor doubled");
    places += next != format[i];
    ++i;
  }
  if (places != getValues().size())
    return emitOpError("has ") << places << " places in its format, but " << getValues().size() << " operands";
  return success();
}

#define GET_OP_CLASSES
#include "dialect/Cell/ControlOps.cpp.inc"
