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

/// The length of a place, `{}`, `{!r}` or `{:.3f}`, at the start of the text; 0 where there is none.
static size_t placeLength(StringRef text) {
  if (!text.consume_front("{"))
    return 0;
  size_t end = text.find_first_of("{}");
  if (end == StringRef::npos || text[end] != '}')
    return 0;
  StringRef how = text.take_front(end);
  if (how.consume_front("!") && !how.consume_front("r") && !how.consume_front("s"))
    return 0;
  return how.empty() || how.starts_with(":") ? end + 2 : 0;
}

LogicalResult PrintOp::verify() {
  size_t places = 0;
  for (StringRef rest = getFormat(); !rest.empty();) {
    if (rest.starts_with("{{") || rest.starts_with("}}")) {
      rest = rest.drop_front(2);
    } else if (size_t length = placeLength(rest)) {
      rest = rest.drop_front(length);
      ++places;
    } else if (rest.front() == '{' || rest.front() == '}') {
      return emitOpError("has a brace in its format that is neither doubled nor part of a place such as '{}', '{!r}' or '{:.3f}'");
    } else {
      rest = rest.drop_front();
    }
  }
  if (places != getValues().size())
    return emitOpError("has ") << places << " places in its format, but " << getValues().size() << " operands";
  return success();
}

#define GET_OP_CLASSES
#include "dialect/Cell/ControlOps.cpp.inc"
