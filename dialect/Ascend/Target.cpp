//===- Target.cpp - the numbers of an accelerator --------------------------===//
#include "dialect/Ascend/Target.h"

#include "dialect/Ascend/Ascend.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::ascend;

namespace {
struct Field {
  StringRef name;
  int64_t Target::*member;
};

constexpr Field kFields[] = {
#define CELL_ASCEND_FIELD(name, value, text) {#name, &Target::name},
    CELL_ASCEND_TARGET(CELL_ASCEND_FIELD)
#undef CELL_ASCEND_FIELD
};

constexpr StringRef kChips[] = {"Ascend910B1", "Ascend910B2", "Ascend910B3", "Ascend910B4"};
} // namespace

ArrayRef<StringRef> Target::getChips() { return kChips; }

ArrayRef<StringRef> Target::getNumberNames() {
  static const SmallVector<StringRef> names = llvm::map_to_vector(kFields, [](const Field &field) { return field.name; });
  return names;
}

SmallVector<int64_t> Target::getNumbers() const {
  return llvm::map_to_vector(kFields, [&](const Field &field) { return this->*field.member; });
}

bool Target::parse(StringRef chip, DictionaryAttr overrides, Target &result, function_ref<void(const std::string &)> error) {
  if (!llvm::is_contained(kChips, chip)) {
    error("there is no chip '" + chip.str() + "'; known are " + llvm::join(getChips(), ", ") + ", whose numbers a dictionary may replace");
    return false;
  }
  result = Target();
  result.chip = chip.str();
  if (chip == "Ascend910B3" || chip == "Ascend910B4") {
    result.aic_cores = 20;
    result.aiv_cores = 40;
  }
  for (NamedAttribute entry : overrides ? overrides.getValue() : ArrayRef<NamedAttribute>()) {
    StringRef name = entry.getName().getValue();
    const Field *field = llvm::find_if(kFields, [&](const Field &field) { return field.name == name; });
    if (field == std::end(kFields)) {
      StringRef nearest;
      for (const Field &field : kFields)
        if (nearest.empty() || name.edit_distance(field.name) < name.edit_distance(nearest))
          nearest = field.name;
      error("'" + name.str() + "' is not a number of a target; did you mean '" + nearest.str() + "'?");
      return false;
    }
    auto value = dyn_cast<IntegerAttr>(entry.getValue());
    if (!value || !value.getType().isInteger(64) || value.getInt() < 1) {
      error("'" + name.str() + "' must be an i64 of at least 1");
      return false;
    }
    result.*field->member = value.getInt();
  }
  for (Space space : {Space::GM, Space::L1, Space::L0A, Space::L0B, Space::L0C, Space::UB, Space::BT})
    if (!llvm::isPowerOf2_64(result.getAlign(space))) {
      error("the alignment of " + stringifySpace(space).str() + " must be a power of two");
      return false;
    }
  return true;
}

Target Target::get(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto target = op->getAttrOfType<TargetAttr>(kTargetAttr))
      return target.getTarget();
  Target result;
  parse(kDefaultChip, {}, result, [](const std::string &) {});
  return result;
}

int64_t Target::getBytes(Space space) const {
  switch (space) {
  case Space::GM:
    return gm_bytes;
  case Space::L1:
    return l1_bytes;
  case Space::L0A:
    return l0a_bytes;
  case Space::L0B:
    return l0b_bytes;
  case Space::L0C:
    return l0c_bytes;
  case Space::UB:
    return ub_bytes;
  case Space::BT:
    return bt_bytes;
  }
  llvm_unreachable("no such space");
}

int64_t Target::getAlign(Space space) const {
  switch (space) {
  case Space::GM:
    return gm_align;
  case Space::L1:
    return l1_align;
  case Space::L0A:
    return l0a_align;
  case Space::L0B:
    return l0b_align;
  case Space::L0C:
    return l0c_align;
  case Space::UB:
    return ub_align;
  case Space::BT:
    return bt_align;
  }
  llvm_unreachable("no such space");
}

int64_t Target::getFractalColumns(Type type) const { return std::max<int64_t>(1, block_bytes / getElementBytes(type)); }
