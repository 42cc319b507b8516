//===- Combiner.cpp - how partial results of a reduction are joined -------===//
#include "passes/LinalgToGpu/Combiner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::cell;

namespace {
/// Walks from the results of selections to the values that they select from. False if they depend on anything else.
struct SelectionSlice {
  linalg::LinalgOp op;
  const llvm::SmallDenseMap<Value, unsigned> &accumulators, &elements;
  llvm::SmallSetVector<Operation *, 16> operations;
  llvm::SmallSetVector<unsigned, 4> touched;

  bool visit(Value value) {
    if (auto it = accumulators.find(value); it != accumulators.end()) {
      touched.insert(it->second);
      return true;
    }
    if (auto it = elements.find(value); it != elements.end()) {
      touched.insert(it->second);
      return true;
    }
    Operation *def = value.getDefiningOp();
    if (matchPattern(value, m_Constant()))
      return true;
    if (!def || def->getBlock() != op.getBlock())
      return false;
    if (!isa<arith::SelectOp, arith::CmpFOp, arith::CmpIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp>(def) || (!isa<arith::SelectOp>(def) && !def->getResult(0).getType().isInteger(1)))
      return false;
    bool complete = true;
    for (Value operand : def->getOperands())
      complete &= visit(operand); // all of them: what they touch counts
    operations.insert(def);
    return complete;
  }
};

/// Decides by trying whether a selection comes to the same for every order and grouping of what it selects from. All that the operations of a slice do is
/// compare and choose, so three numbers around each constant and NaN stand for every case. Zeros of both signs count as one: which of two equal numbers is
/// taken shows nowhere else. A position that goes with the largest number must take part in the comparison of ties.
class SelectionTable {
  using Case = SmallVector<Attribute, 2>; // one element per member of the group

public:
  SelectionTable(linalg::LinalgOp op, ArrayRef<Operation *> operations, ArrayRef<std::pair<Value, Value>> members, ArrayRef<Value> results)
      : op(op), operations(operations), members(members), results(results) {}

  bool isOrderFree() {
    cases = {{}};
    for (auto [running, element] : members) {
      SmallVector<Case> longer;
      for (const Case &prefix : cases)
        for (Attribute value : samplesOf(running.getType())) {
          longer.push_back(prefix);
          longer.back().push_back(value);
        }
      cases = std::move(longer);
      if (cases.size() > kMaxCases)
        return false;
    }
    unsigned n = cases.size();
    table.resize(n * n);
    for (unsigned a = 0; a < n; ++a)
      for (unsigned b = 0; b < n; ++b) {
        std::optional<unsigned> chosen = choose(cases[a], cases[b]);
        if (!chosen)
          return false;
        table[a * n + b] = *chosen;
      }
    for (unsigned a = 0; a < n; ++a) {
      if (table[a * n + a] != a)
        return false; // what was selected is offered again
      for (unsigned b = 0; b < n; ++b) {
        if (table[a * n + b] != table[b * n + a])
          return false;
        for (unsigned c = 0; c < n; ++c)
          if (table[table[a * n + b] * n + c] != table[a * n + table[b * n + c]])
            return false;
      }
    }
    return true;
  }

  /// Whether every choice, made by `isOrderFree`, is that of the largest (smallest) number in `value` and then of the smallest in `position`.
  bool isExtreme(unsigned value, unsigned position, bool isLargest) const {
    auto beats = [&](const Case &a, const Case &b) {
      int order = 0; // of a against b
      if (auto x = dyn_cast<FloatAttr>(a[value])) {
        APFloat p = x.getValue(), q = cast<FloatAttr>(b[value]).getValue();
        order = p.isNaN() || q.isNaN() ? int(p.isNaN()) - int(q.isNaN()) : (p > q) - (p < q);
        order = isLargest || p.isNaN() || q.isNaN() ? order : -order;
      } else {
        const APInt &p = cast<IntegerAttr>(a[value]).getValue(), &q = cast<IntegerAttr>(b[value]).getValue();
        order = (p.sgt(q) - p.slt(q)) * (isLargest ? 1 : -1);
      }
      return order > 0 || (order == 0 && cast<IntegerAttr>(a[position]).getValue().slt(cast<IntegerAttr>(b[position]).getValue()));
    };
    for (unsigned a = 0; a < cases.size(); ++a)
      for (unsigned b = 0; b < cases.size(); ++b)
        if (table[a * cases.size() + b] != (beats(cases[b], cases[a]) ? b : a))
          return false;
    return true;
  }

private:
  static constexpr unsigned kMaxCases = 100;
  linalg::LinalgOp op;
  ArrayRef<Operation *> operations;
  ArrayRef<std::pair<Value, Value>> members; // the running value and what is offered
  ArrayRef<Value> results;
  SmallVector<Case> cases;
  std::vector<unsigned> table; // which case is chosen of two

  SmallVector<Attribute> samplesOf(Type type) {
    llvm::SmallSetVector<Attribute, 8> samples;
    if (auto real = dyn_cast<FloatType>(type)) {
      auto add = [&](double value) { samples.insert(FloatAttr::get(real, value)); };
      for (double value : {std::numeric_limits<double>::quiet_NaN(), 1.0, 2.0, 3.0})
        add(value);
      forConstants(type, [&](TypedAttr constant) {
        double value = cast<FloatAttr>(constant).getValueAsDouble();
        for (double other : {value - 1, value == 0 ? 0.0 : value, value + 1})
          add(other);
      });
    } else if (type.isIntOrIndex()) {
      unsigned bits = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
      auto add = [&](const APInt &value) { samples.insert(IntegerAttr::get(type, value)); };
      for (int64_t value : {-2, -1, 1, 2}) // negative as signed ones, large as others
        add(APInt(bits, value, /*isSigned=*/true, /*implicitTrunc=*/true));
      forConstants(type, [&](TypedAttr constant) {
        APInt value = cast<IntegerAttr>(constant).getValue();
        add(value - 1), add(value), add(value + 1);
      });
    }
    return llvm::to_vector(samples);
  }

  void forConstants(Type type, llvm::function_ref<void(TypedAttr)> visit) {
    for (Operation *operation : operations)
      for (Value operand : operation->getOperands()) {
        TypedAttr constant;
        if (operand.getType() == type && !type.isInteger(1) && matchPattern(operand, m_Constant(&constant)))
          visit(constant);
      }
  }

  std::optional<unsigned> choose(const Case &a, const Case &b) {
    llvm::SmallDenseMap<Value, Attribute> known;
    for (auto [i, member] : llvm::enumerate(members)) {
      known[member.first] = a[i];
      known[member.second] = b[i];
    }
    auto valueOf = [&](Value value) {
      Attribute attribute = known.lookup(value);
      if (!attribute)
        matchPattern(value, m_Constant(&attribute));
      return attribute;
    };
    for (Operation *operation : operations) {
      SmallVector<Attribute> operands;
      for (Value operand : operation->getOperands()) {
        operands.push_back(valueOf(operand));
        if (!operands.back())
          return std::nullopt;
      }
      auto truth = [&](unsigned i) { return cast<IntegerAttr>(operands[i]).getValue().getBoolValue(); };
      auto number = [&](unsigned i) { return cast<IntegerAttr>(operands[i]).getValue(); };
      auto real = [&](unsigned i) { return cast<FloatAttr>(operands[i]).getValue(); };
      Attribute result;
      Builder builder(op.getContext());
      if (isa<arith::SelectOp>(operation) && operands.size() == 3)
        result = truth(0) ? operands[1] : operands[2];
      else if (auto compare = dyn_cast<arith::CmpFOp>(operation); compare && isa<FloatAttr>(operands[0]))
        result = builder.getBoolAttr(arith::applyCmpPredicate(compare.getPredicate(), real(0), real(1)));
      else if (auto compare = dyn_cast<arith::CmpIOp>(operation); compare && isa<IntegerAttr>(operands[0]))
        result = builder.getBoolAttr(arith::applyCmpPredicate(compare.getPredicate(), number(0), number(1)));
      else if (isa<arith::AndIOp>(operation))
        result = builder.getBoolAttr(truth(0) && truth(1));
      else if (isa<arith::OrIOp>(operation))
        result = builder.getBoolAttr(truth(0) || truth(1));
      else if (isa<arith::XOrIOp>(operation))
        result = builder.getBoolAttr(truth(0) != truth(1));
      else
        return std::nullopt;
      known[operation->getResult(0)] = result;
    }
    Case chosen;
    for (Value result : results)
      chosen.push_back(valueOf(result));
    auto found = llvm::find(cases, chosen);
    return found == cases.end() ? std::nullopt : std::optional<unsigned>(found - cases.begin());
  }
};

/// True if some value of the body that `value` is computed from is a running result.
bool readsRunning(linalg::LinalgOp op, Value value, ArrayRef<bool> reduced) {
  SmallVector<Value> work{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    for (unsigned o = 0; o < reduced.size(); ++o)
      if (reduced[o] && next == op.getMatchingBlockArgument(op.getDpsInitOperand(o)))
        return true;
    Operation *def = next.getDefiningOp();
    if (!def || !op->isAncestor(def) || !seen.insert(def).second)
      continue;
    def->walk([&](Operation *inner) { llvm::append_range(work, inner->getOperands()); });
  }
  return false;
}
} // namespace

std::optional<Combiner> Combiner::of(linalg::LinalgOp op, ArrayRef<bool> reduced) {
  Combiner result;
  result.op = op;
  Operation *yield = op.getBlock()->getTerminator();
  llvm::SmallDenseMap<Value, unsigned> accumulators, offered;
  SmallVector<unsigned> selections;
  for (unsigned o = 0; o < reduced.size(); ++o) {
    if (!reduced[o])
      continue;
    unsigned i = result.numbers.size();
    result.numbers.push_back(o);
    BlockArgument running = op.getMatchingBlockArgument(op.getDpsInitOperand(o));
    Operation *def = yield->getOperand(o).getDefiningOp();
    if (!def || def->getBlock() != op.getBlock())
      return std::nullopt;
    std::optional<TypedAttr> neutral;
    if (def->getNumOperands() == 2 && def->getNumResults() == 1 && running.hasOneUse() && llvm::is_contained(def->getOperands(), running))
      neutral = arith::getNeutralElement(def);
    if (neutral) {
      result.neutrals.push_back(*neutral);
      result.operations.push_back(def);
      result.elements.push_back(def->getOperand(def->getOperand(0) == running));
      continue;
    }
    auto select = dyn_cast<arith::SelectOp>(def);
    if (!select || (select.getTrueValue() == running) == (select.getFalseValue() == running))
      return std::nullopt;
    result.neutrals.push_back({});
    result.operations.push_back(nullptr);
    result.elements.push_back(select.getTrueValue() == running ? select.getFalseValue() : select.getTrueValue());
    selections.push_back(i);
    accumulators[running] = i;
  }
  if (llvm::any_of(result.elements, [&](Value element) { return readsRunning(op, element, reduced); }))
    return std::nullopt;
  // Nor what is stored at each point: lanes have sums of their own parts.
  for (unsigned o = 0; o < reduced.size(); ++o)
    if (!reduced[o] && readsRunning(op, yield->getOperand(o), reduced))
      return std::nullopt;
  // Selections that look at each other's values belong together; each group has its own elements.
  llvm::SmallDenseSet<unsigned> done;
  for (unsigned i : selections) {
    if (done.contains(i))
      continue;
    llvm::SmallSetVector<unsigned, 4> group;
    group.insert(i);
    SmallVector<Operation *> operations;
    for (bool grown = true; grown;) {
      offered.clear();
      for (unsigned member : group)
        if (!offered.try_emplace(result.elements[member], member).second)
          return std::nullopt;
      SelectionSlice slice{op, accumulators, offered, {}, {}};
      unsigned before = group.size();
      bool complete = true;
      for (unsigned member : llvm::to_vector(group))
        complete &= slice.visit(yield->getOperand(result.numbers[member]));
      group.insert(slice.touched.begin(), slice.touched.end());
      grown = group.size() != before;
      if (!grown && !complete)
        return std::nullopt;
      operations.assign(slice.operations.begin(), slice.operations.end());
    }
    SmallVector<std::pair<Value, Value>> members;
    SmallVector<Value> chosen;
    for (unsigned member : group) {
      if (!done.insert(member).second)
        return std::nullopt;
      members.push_back({op.getMatchingBlockArgument(op.getDpsInitOperand(result.numbers[member])), result.elements[member]});
      chosen.push_back(yield->getOperand(result.numbers[member]));
    }
    SelectionTable choices(op, operations, members, chosen);
    if (!choices.isOrderFree())
      return std::nullopt;
    auto isNumber = [](Value value) { return value.getType().isIntOrIndexOrFloat() && !value.getType().isInteger(1); };
    if (members.size() == 2 && isNumber(members[0].first) && members[1].first.getType().isIntOrIndex() && !members[1].first.getType().isInteger(1))
      for (bool isLargest : {true, false})
        if (choices.isExtreme(0, 1, isLargest))
          result.extremes.push_back({group[0], group[1], isLargest});
    result.groups.push_back(llvm::to_vector(group));
    result.slices.push_back(operations);
  }
  return result;
}

std::optional<Combiner::Extreme> Combiner::extreme(unsigned i) const {
  for (const Extreme &found : extremes)
    if (found.value == i || found.position == i)
      return found;
  return std::nullopt;
}

SmallVector<Value> Combiner::combine(KernelBuilder &k, ValueRange a, ValueRange b) const {
  SmallVector<Value> result(numbers.size());
  for (unsigned i = 0; i < numbers.size(); ++i)
    if (operations[i])
      result[i] = finish(k, i, a[i], b[i]);
  linalg::LinalgOp body = op;
  for (auto [group, slice] : llvm::zip_equal(groups, slices)) {
    IRMapping map;
    for (unsigned i : group) {
      map.map(body.getMatchingBlockArgument(body.getDpsInitOperand(numbers[i])), a[i]);
      map.map(elements[i], b[i]);
    }
    for (Operation *operation : slice)
      k.cloneInto(*operation, map);
    for (unsigned i : group)
      result[i] = map.lookup(body.getBlock()->getTerminator()->getOperand(numbers[i]));
  }
  return result;
}

Value Combiner::finish(KernelBuilder &k, unsigned i, Value start, Value partial) const {
  if (!operations[i])
    return partial; // a selection had the start among what it selected from
  IRMapping map;
  linalg::LinalgOp body = op;
  Operation *operation = operations[i];
  Value running = body.getMatchingBlockArgument(body.getDpsInitOperand(numbers[i]));
  Operation *clone = k.clone(*operation);
  for (OpOperand &operand : clone->getOpOperands())
    operand.set(operand.get() == running ? start : partial);
  return clone->getResult(0);
}
