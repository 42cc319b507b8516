//===- core.h - one simulated core: memories, checks, operations ----------===//
#ifndef CELLGRAD_ASCEND_CORE_H
#define CELLGRAD_ASCEND_CORE_H

#include "runtime/ascend_sim/ascend_sim.h"

#include <memory>
#include <string>
#include <vector>

namespace cellgrad::ascend {

/// The shape of a fractal. What the cube does is written for it: an image with another one (`fractal_rows`, `block_bytes`) is refused.
constexpr int64_t kFractalRows = 16, kBlockBytes = 32;

/// The numbers of the target that the simulator needs, by their names in dialect/Ascend/Target.h.
#define CG_ASCEND_NUMBERS(X)                                                                                                                          \
  X(aic_cores) X(aiv_cores) X(aicpu_cores) X(aicpu_op_cycles) X(aicpu_memory_cycles) X(clock_mhz) X(gm_bytes) X(l2_bytes) X(ub_bytes) X(l1_bytes) X(l0a_bytes) X(l0b_bytes) X(l0c_bytes) X(bt_bytes) X(gm_align)  \
  X(ub_align) X(l1_align) X(l0a_align) X(l0b_align) X(l0c_align) X(bt_align) X(block_bytes) X(fractal_rows) X(event_ids) X(queue_depth) X(issue_cycles) X(gm_read_latency)             \
  X(gm_write_latency) X(gm_overhead) X(gm_rate) X(l2_read_rate) X(l2_write_rate) X(hbm_read_rate) X(hbm_write_rate) X(ub_rate) X(l1_l0a_rate)           \
  X(l1_l0b_rate) X(l0c_rate) X(l1_l0_startup) X(mmad_startup) X(cube_k_f32) X(cube_k_f16) X(cube_k_i8) X(vector_bytes) X(vector_rate)                   \
  X(vector_rate_hard_f32) X(vector_rate_hard_f16) X(vector_delay) X(vector_delay_hard) X(vector_startup) X(reduce_repeat) X(reduce_startup)             \
  X(barrier_cycles)
struct Target {
#define CG_ASCEND_FIELD(name) int64_t name = 0;
  CG_ASCEND_NUMBERS(CG_ASCEND_FIELD)
#undef CG_ASCEND_FIELD
  std::string chip;
  int64_t bytes(int space) const;
  int64_t align(int space) const;
  /// Empty, or what the image lacks.
  std::string read(const cg_ascend_target &from);
};

const char *spaceName(int space);
const char *pipeName(int pipe);
int64_t elementBytes(int type);

/// Operand `i` of an operation. The static part and the view stay where they are.
struct Operand {
  const cg_ascend_operand *info;
  const cg_ascend_view *view;
  bool scalar() const { return info->space == CG_ASCEND_SCALAR; }
  int64_t elements() const;
};
inline Operand operandOf(const cg_ascend_op &op, const cg_ascend_view *views, int64_t i) { return {&op.operand[i], &views[i]}; }

/// The bytes of a view as equal runs at regular distances: sizes of 1 left out, dimensions that lie behind each other merged. rank 0: one run.
struct Runs {
  char *data = nullptr;
  int64_t bytes = 0; // of one run; 0: the view is empty
  int rank = 0;
  int64_t count[CG_ASCEND_MAX_RANK], step[CG_ASCEND_MAX_RANK]; // outermost first, in bytes
  char *low = nullptr, *high = nullptr;                        // all lies in [low, high)

  explicit Runs(const Operand &operand);
  bool overlaps(const Runs &other) const;
  template <typename F> void each(F visit) const {
    int64_t index[CG_ASCEND_MAX_RANK] = {};
    for (char *at = data;;) {
      visit(at);
      int d = rank - 1;
      for (; d >= 0; --d) {
        at += step[d];
        if (++index[d] < count[d])
          break;
        at -= step[d] * count[d];
        index[d] = 0;
      }
      if (d < 0)
        return;
    }
  }
};

/// Does what the operation says; the operands have been checked. Empty, or what is wrong with the values that it found.
std::string execute(const cg_ascend_op &op, const cg_ascend_view *views);

/// Of execute, by kind of operation.
std::string executeVector(const cg_ascend_op &op, const cg_ascend_view *views);
void executeMove(const cg_ascend_op &op, const cg_ascend_view *views);
void executeCube(const cg_ascend_op &op, const cg_ascend_view *views);
/// out += source, element by element, for atomic stores.
void accumulate(const Operand &source, const Operand &out);

/// The local memories of a core and which bytes of them were written. Used by one block after the other.
class Memories {
public:
  explicit Memories(const Target &target);
  /// All bytes are as if never written, and NaN.
  void clear();
  char *base(int space) const { return spaces[space].data; }
  int64_t bytes(int space) const { return spaces[space].bytes; }
  void markWritten(int space, const Runs &runs);
  bool allWritten(int space, const Runs &runs) const;

private:
  struct Space {
    std::unique_ptr<char[]> memory;
    char *data = nullptr;
    int64_t bytes = 0, low = 0, high = 0; // written: [low, high)
    std::vector<uint64_t> written;        // a bit per byte
  };
  Space spaces[CG_ASCEND_SPACES];
};

/// What is wrong with the operands of an operation before it does anything: bounds, alignment, space, overlap, bytes that nothing wrote. Notes what it writes.
std::string check(const Target &target, Memories &memories, const cg_ascend_op &op, const cg_ascend_view *views);

} // namespace cellgrad::ascend

#endif // CELLGRAD_ASCEND_CORE_H
