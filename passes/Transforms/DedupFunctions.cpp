//===- DedupFunctions.cpp - merges equal private functions ----------------===//
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/MapVector.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CELLDEDUPFUNCTIONS
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

namespace {

/// Equal for equal functions: type, attributes and the sequence of ops with their attributes and types.
llvm::hash_code hashFunction(func::FuncOp function) {
  llvm::hash_code hash = llvm::hash_combine(function.getFunctionType(), function.getArgAttrsAttr(), function.getResAttrsAttr(),
                                              function->getDiscardableAttrDictionary());
  function.getBody().walk([&](Operation *op) {
    hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue, OperationEquivalence::ignoreHashValue,
                                                                      OperationEquivalence::IgnoreLocations));
  });
  return hash;
}

bool areEqual(func::FuncOp a, func::FuncOp b) {
  return a.getFunctionType() == b.getFunctionType() && a.getArgAttrsAttr() == b.getArgAttrsAttr() && a.getResAttrsAttr() == b.getResAttrsAttr() &&
         a->getDiscardableAttrDictionary() == b->getDiscardableAttrDictionary() &&
         OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(), OperationEquivalence::IgnoreLocations);
}

struct CellDedupFunctions : cell::impl::CellDedupFunctionsBase<CellDedupFunctions> {
  void runOnOperation() override {
    // Merging callees can make their callers equal: repeat until nothing changes.
    while (mergeOnce()) {
    }
  }

  bool mergeOnce() {
    DenseMap<StringAttr, FlatSymbolRefAttr> replacement;
    llvm::MapVector<size_t, SmallVector<func::FuncOp>> groups;
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (!function.isPrivate() || function.isExternal())
        continue;
      auto &group = groups[static_cast<size_t>(hashFunction(function))];
      auto *equal = llvm::find_if(group, [&](func::FuncOp other) { return areEqual(function, other); });
      if (equal == group.end()) {
        group.push_back(function);
        continue;
      }
      replacement[function.getSymNameAttr()] = FlatSymbolRefAttr::get(equal->getSymNameAttr());
      function.erase();
    }
    if (replacement.empty())
      return false;
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](FlatSymbolRefAttr symbol) -> Attribute {
      auto known = replacement.find(symbol.getAttr());
      return known == replacement.end() ? symbol : known->second;
    });
    replacer.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true);
    return true;
  }
};

} // namespace
