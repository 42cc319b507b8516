//===- Target.h - the numbers of an accelerator ---------------------------===//
//
// The one place of hardware numbers: passes, verifiers, the simulator and the cycle model ask here. Numbers are plain integers with a
// name each, so that the dictionary of `#ascend.target` can replace any of them. What each is taken from stands in
// docs/design/ascend-dialect.md.
//
//===----------------------------------------------------------------------===//
#ifndef CELL_DIALECT_ASCEND_TARGET_H
#define CELL_DIALECT_ASCEND_TARGET_H

#include <cstdint>
#include <string>

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class DictionaryAttr;
class InFlightDiagnostic;
class Operation;
class Type;
} // namespace mlir

namespace mlir::ascend {

enum class Space : uint32_t;

/// name, value of the built-in chips, what it is. Sizes are bytes, rates bytes per cycle, times cycles.
#define CELL_ASCEND_TARGET(X)                                                                                                               \
  X(aic_cores, 24, "cube cores")                                                                                                            \
  X(aiv_cores, 48, "vector cores")                                                                                                          \
  X(aicpu_cores, 8, "general cores that run kernels")                                                                                       \
  X(aicpu_op_cycles, 1, "a scalar operation of a general core (assumed)")                                                                   \
  X(aicpu_memory_cycles, 8, "a load or store of a general core, through its caches (assumed)")                                              \
  X(clock_mhz, 1850, "clock of both kinds of core")                                                                                         \
  X(gm_bytes, 64ll << 30, "global memory")                                                                                                  \
  X(l2_bytes, 192 << 20, "cache in front of global memory")                                                                                 \
  X(ub_bytes, 192 << 10, "unified buffer of a vector core")                                                                                 \
  X(l1_bytes, 512 << 10, "L1 of a cube core")                                                                                               \
  X(l0a_bytes, 64 << 10, "left operand of the cube")                                                                                        \
  X(l0b_bytes, 64 << 10, "right operand of the cube")                                                                                       \
  X(l0c_bytes, 128 << 10, "sums of the cube")                                                                                               \
  X(bt_bytes, 1 << 10, "bias of the cube")                                                                                                  \
  X(gm_align, 1, "alignment of an address in global memory")                                                                                \
  X(ub_align, 32, "alignment of a buffer and of a row in UB")                                                                               \
  X(l1_align, 32, "alignment of a buffer in L1")                                                                                            \
  X(l0a_align, 512, "alignment of a buffer in L0A")                                                                                         \
  X(l0b_align, 512, "alignment of a buffer in L0B")                                                                                         \
  X(l0c_align, 512, "alignment of a buffer in L0C")                                                                                         \
  X(bt_align, 64, "alignment of a buffer in BT")                                                                                            \
  X(block_bytes, 32, "unit of transfers and of fractal rows")                                                                               \
  X(fractal_rows, 16, "rows of a fractal, and rows and columns of one in L0C")                                                              \
  X(event_ids, 8, "flags per pair of pipes")                                                                                                \
  X(queue_depth, 32, "ops that wait in a pipe")                                                                                             \
  X(issue_cycles, 1, "one op handed to a pipe by the scalar unit")                                                                          \
  X(gm_read_latency, 307, "first byte of global memory")                                                                                    \
  X(gm_write_latency, 153, "last byte to global memory")                                                                                    \
  X(gm_overhead, 4, "start of a transfer to or from global memory")                                                                         \
  X(gm_rate, 87, "global memory path of one core")                                                                                          \
  X(l2_read_rate, 110, "L2 to one core group (a cube core and its vector cores)")                                                           \
  X(l2_write_rate, 86, "one core group to L2")                                                                                              \
  X(hbm_read_rate, 32, "memory to one core group")                                                                                          \
  X(hbm_write_rate, 32, "one core group to memory")                                                                                         \
  X(ub_rate, 128, "UB side of a transfer")                                                                                                  \
  X(l1_l0a_rate, 256, "L1 to L0A")                                                                                                          \
  X(l1_l0b_rate, 128, "L1 to L0B")                                                                                                          \
  X(l0c_rate, 128, "reading L0C")                                                                                                           \
  X(l1_l0_startup, 25, "start of a transfer from L1")                                                                                       \
  X(mmad_startup, 20, "start of a product")                                                                                                 \
  X(cube_k_f32, 4, "products along K per cycle, f32")                                                                                       \
  X(cube_k_f16, 16, "products along K per cycle, f16 and bf16")                                                                             \
  X(cube_k_i8, 32, "products along K per cycle, i8")                                                                                        \
  X(vector_bytes, 256, "one repeat of the vector unit")                                                                                     \
  X(vector_repeats, 255, "repeats of one instruction")                                                                                      \
  X(vector_rate, 256, "simple operations")                                                                                                  \
  X(vector_rate_hard_f32, 128, "exp, ln, square roots and division, f32")                                                                   \
  X(vector_rate_hard_f16, 64, "exp, ln, square roots and division, f16")                                                                    \
  X(vector_delay, 6, "depth of simple operations")                                                                                          \
  X(vector_delay_hard, 13, "depth of exp, ln, square roots and division")                                                                   \
  X(vector_startup, 15, "start of a vector instruction")                                                                                    \
  X(reduce_repeat, 7, "reduction of one repeat along the row")                                                                              \
  X(reduce_startup, 20, "start of a reduction along the row")                                                                               \
  X(barrier_cycles, 8, "a barrier or a flag")

/// The description of a chip. Default: Ascend910B1.
struct Target {
  std::string chip = "Ascend910B1";
#define CELL_ASCEND_FIELD(name, value, text) int64_t name = value;
  CELL_ASCEND_TARGET(CELL_ASCEND_FIELD)
#undef CELL_ASCEND_FIELD

  /// The chip that is meant where none is named.
  static constexpr const char *kDefaultChip = "Ascend910B3";
  static llvm::ArrayRef<llvm::StringRef> getChips();

  /// The description of `chip` with `overrides` (may be null) in place; false, with a reason given to `error`, if one of them is wrong.
  static bool parse(llvm::StringRef chip, DictionaryAttr overrides, Target &result, llvm::function_ref<void(const std::string &)> error);

  /// The target of the kernel module around `op` (its attribute `ascend.target`), else the default chip.
  static Target get(Operation *op);

  /// Bytes and alignment of a space.
  int64_t getBytes(Space space) const;
  int64_t getAlign(Space space) const;
  /// C0: elements of `type` in the row of a fractal.
  int64_t getFractalColumns(Type type) const;

  /// All numbers in the order of the list above, and their names: what a compiled kernel hands to the simulator.
  llvm::SmallVector<int64_t> getNumbers() const;
  static llvm::ArrayRef<llvm::StringRef> getNumberNames();
};

} // namespace mlir::ascend

#endif // CELL_DIALECT_ASCEND_TARGET_H
