//===- Chips.h - the GPUs that code can be made for -----------------------===//
#ifndef CELL_PASSES_GPUTOLLVM_CHIPS_H
#define CELL_PASSES_GPUTOLLVM_CHIPS_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace mlir::cell {

/// A compute capability and the PTX version that its code is written in: old enough for the drivers of its time, new enough for its instructions.
struct Chip {
  llvm::StringLiteral name;
  unsigned ptx; // 78 is 7.8
  std::string features() const { return "+ptx" + std::to_string(ptx); }
};

inline constexpr Chip kChips[] = {{"sm_80", 78}, {"sm_86", 78}, {"sm_87", 78}, {"sm_89", 78}, {"sm_90", 78}, {"sm_90a", 80}, {"sm_100", 86}, {"sm_100a", 86}, {"sm_120", 87}};

/// Null for a name that is not in the table.
inline const Chip *findChip(llvm::StringRef name) {
  for (const Chip &chip : kChips)
    if (chip.name == name)
      return &chip;
  return nullptr;
}

inline std::string chipNames() {
  std::string names;
  for (const Chip &chip : kChips)
    names += (names.empty() ? "" : ", ") + chip.name.str();
  return names;
}

} // namespace mlir::cell

#endif // CELL_PASSES_GPUTOLLVM_CHIPS_H
