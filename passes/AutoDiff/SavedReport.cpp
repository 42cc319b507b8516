//===- SavedReport.cpp - what derivatives save, for people ----------------===//
#include "passes/AutoDiff/SavedReport.h"

#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace mlir::cell {
#define GEN_PASS_DEF_CELLPRINTSAVED
#include "passes/Passes.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::cell;

static constexpr StringLiteral attributeName = "cell.saved";

std::optional<int64_t> mlir::cell::staticTrips(Block *block) {
  int64_t trips = 1;
  for (Operation *op = block->getParentOp(); op && !isa<func::FuncOp>(op); op = op->getParentOp()) {
    if (isa<scf::WhileOp>(op))
      return std::nullopt;
    auto loop = dyn_cast<scf::ForOp>(op);
    if (!loop)
      continue;
    auto lower = getConstantIntValue(loop.getLowerBound()), upper = getConstantIntValue(loop.getUpperBound()), step = getConstantIntValue(loop.getStep());
    if (!lower || !upper || !step || *step <= 0)
      return std::nullopt;
    trips *= std::max<int64_t>(0, (*upper - *lower + *step - 1) / *step);
  }
  return trips;
}

namespace {
/// How often functions run.
class CallCounts {
public:
  struct Count {
    int64_t times = 0;
    bool perIteration = false;
  };

  CallCounts(ModuleOp module, SymbolTable &symbols) : symbols(symbols) {
    module.walk([&](func::CallOp call) {
      if (auto callee = symbols.lookup(call.getCallee()))
        callers[callee].push_back(call);
    });
  }

  Count of(Operation *function) {
    if (auto known = counts.find(function); known != counts.end())
      return known->second;
    counts[function] = {};
    Count count{SymbolTable::getSymbolVisibility(function) == SymbolTable::Visibility::Public ? 1 : 0, false};
    for (func::CallOp call : callers.lookup(function)) {
      Count outer = of(call->getParentOfType<func::FuncOp>());
      auto trips = staticTrips(call->getBlock());
      count.times += outer.times * trips.value_or(1);
      count.perIteration |= outer.times > 0 && (outer.perIteration || !trips);
    }
    return counts[function] = count;
  }

private:
  SymbolTable &symbols;
  DenseMap<Operation *, SmallVector<func::CallOp>> callers;
  DenseMap<Operation *, Count> counts;
};

struct CellPrintSaved : cell::impl::CellPrintSavedBase<CellPrintSaved> {
  void runOnOperation() override {
    for (const SavedValue &saved : getSavedValues(getOperation())) {
      auto remark = emitRemark(saved.producedAt) << "the result of '" << saved.producer << "' is saved: " << saved.bytes << " bytes, " << saved.times
                                                 << (saved.times == 1 ? " time" : " times") << (saved.perIteration ? " per iteration" : "");
      remark.attachNote(saved.readAt) << "the derivative of '" << saved.reader << "' needs it";
    }
    markAllAnalysesPreserved();
  }
};
} // namespace

void mlir::cell::setSavedValues(ModuleOp module, SymbolTable &symbols, ArrayRef<std::pair<Operation *, SmallVector<SavedValue>>> saved) {
  Builder builder(module.getContext());
  CallCounts counts(module, symbols);
  SmallVector<SavedValue> all;
  for (auto &[function, values] : saved) {
    CallCounts::Count count = counts.of(function);
    for (SavedValue value : values) {
      value.times *= count.times;
      value.perIteration |= count.perIteration;
      if (value.times == 0 || value.bytes == 0)
        continue;
      auto *equal = llvm::find_if(all, [&](const SavedValue &other) {
        return std::tie(other.producer, other.reader, other.producedAt, other.readAt, other.type, other.bytes, other.perIteration) ==
               std::tie(value.producer, value.reader, value.producedAt, value.readAt, value.type, value.bytes, value.perIteration);
      });
      if (equal == all.end())
        all.push_back(value);
      else
        equal->times += value.times;
    }
  }
  llvm::stable_sort(all, [](const SavedValue &a, const SavedValue &b) { return a.bytes * a.times > b.bytes * b.times; });
  SmallVector<Attribute> entries;
  for (const SavedValue &value : all)
    entries.push_back(builder.getDictionaryAttr({builder.getNamedAttr("producer", builder.getStringAttr(value.producer)),
                                                 builder.getNamedAttr("at", LocationAttr(value.producedAt)),
                                                 builder.getNamedAttr("reader", builder.getStringAttr(value.reader)),
                                                 builder.getNamedAttr("read_at", LocationAttr(value.readAt)),
                                                 builder.getNamedAttr("type", TypeAttr::get(value.type)),
                                                 builder.getNamedAttr("bytes", builder.getI64IntegerAttr(value.bytes)),
                                                 builder.getNamedAttr("times", builder.getI64IntegerAttr(value.times)),
                                                 builder.getNamedAttr("per_iteration", builder.getBoolAttr(value.perIteration))}));
  if (entries.empty())
    module->removeAttr(attributeName);
  else
    module->setAttr(attributeName, builder.getArrayAttr(entries));
}

SmallVector<SavedValue> mlir::cell::getSavedValues(ModuleOp module) {
  SmallVector<SavedValue> values;
  auto entries = module->getAttrOfType<ArrayAttr>(attributeName);
  if (!entries)
    return values;
  for (Attribute attribute : entries) {
    auto entry = dyn_cast<DictionaryAttr>(attribute);
    auto producer = entry ? entry.getAs<StringAttr>("producer") : nullptr, reader = entry ? entry.getAs<StringAttr>("reader") : nullptr;
    auto at = entry ? entry.getAs<LocationAttr>("at") : nullptr, readAt = entry ? entry.getAs<LocationAttr>("read_at") : nullptr;
    auto type = entry ? entry.getAs<TypeAttr>("type") : nullptr;
    auto bytes = entry ? entry.getAs<IntegerAttr>("bytes") : nullptr, times = entry ? entry.getAs<IntegerAttr>("times") : nullptr;
    auto perIteration = entry ? entry.getAs<BoolAttr>("per_iteration") : nullptr;
    if (producer && reader && at && readAt && type && bytes && times && perIteration)
      values.push_back({producer.getValue(), reader.getValue(), at, readAt, type.getValue(), bytes.getInt(), times.getInt(), perIteration.getValue()});
  }
  return values;
}
