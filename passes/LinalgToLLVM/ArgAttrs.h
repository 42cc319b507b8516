//===- ArgAttrs.h - attributes of many arguments --------------------------===//
#ifndef CELL_PASSES_LINALGTOLLVM_ARGATTRS_H
#define CELL_PASSES_LINALGTOLLVM_ARGATTRS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::cell {

/// Lets `change` edit the attributes of each argument, and sets all at once: each change of one makes a list of all, and deep networks have thousands.
inline void changeArgAttrs(func::FuncOp func, llvm::function_ref<void(unsigned, NamedAttrList &)> change) {
  SmallVector<DictionaryAttr> attributes;
  for (unsigned i = 0, e = func.getNumArguments(); i < e; ++i) {
    DictionaryAttr old = func.getArgAttrDict(i);
    NamedAttrList list(old ? old.getValue() : ArrayRef<NamedAttribute>());
    change(i, list);
    attributes.push_back(list.getDictionary(func.getContext()));
  }
  func.setAllArgAttrs(attributes);
}

} // namespace mlir::cell

#endif // CELL_PASSES_LINALGTOLLVM_ARGATTRS_H
