//===- VerifyKernels.cpp - refuse kernels that overlap, hang or race ----------===//
#include "passes/AscendSchedule/Ordering.h"
#include "passes/AscendSchedule/Passes.h"
#include "passes/AscendSchedule/Placement.h"

namespace mlir::cell {
#define GEN_PASS_DEF_ASCENDVERIFYKERNELS
#include "passes/AscendSchedule/AscendSchedulePasses.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::ascend;


namespace {
class KernelVerifier {
public:
  explicit KernelVerifier(KernelModel &model) : model(model), ordering(model) {}

  LogicalResult run() {
    checkAddresses();
    checkOverlaps();
    checkInPlace();
    checkFlagNumbers(model.body);
    if (!failed) // flags that are not what they seem would only make more noise
      ordering.run([&](const Problem &problem) {
        tell(problem);
        return ++told < kMost;
      });
    return failure(failed);
  }

private:
  InFlightDiagnostic error(Operation *op) {
    failed = true;
    return op->emitOpError();
  }

  /// Where one address lies is the business of its op's verifier.
  void checkAddresses() {
    model.kernel.walk([&](Operation *op) {
      if (isa<memref::AllocOp>(op))
        error(op) << "has no address yet: run ascend-plan-memory";
    });
  }

  /// Buffers that are alive together, within a step of the loops around both, have no byte in common.
  void checkOverlaps() {
    Lifetimes lifetimes(model);
    SmallVector<std::pair<const Buffer *, Lifetimes::Life>> lives;
    for (const Buffer &buffer : model.buffers)
      if (!buffer.offsets.empty())
        lives.push_back({&buffer, lifetimes.of(buffer.maker)});
    for (auto [i, one] : llvm::enumerate(lives))
      for (auto &other : ArrayRef(lives).take_front(i)) {
        auto [a, aLife] = one;
        auto [b, bLife] = other;
        if (a->space != b->space || aLife.first > bLife.last || bLife.first > aLife.last)
          continue;
        for (auto [x, xOffset] : llvm::enumerate(a->offsets))
          for (auto [y, yOffset] : llvm::enumerate(b->offsets))
            if ((!a->ring || a->ring != b->ring || x == y) && xOffset < yOffset + b->bytes && yOffset < xOffset + a->bytes) {
              error(a->maker) << "shares bytes [" << std::max(xOffset, yOffset) << ", " << std::min(xOffset + a->bytes, yOffset + b->bytes) << ") of "
                                             << upper(a->space) << " with a buffer that is alive at the same time";
              break;
            }
        if (failed)
          return;
      }
  }

  /// An op of the vector unit reads while it writes: what it reads is apart from its output, or the same elements in the same order.
  void checkInPlace() {
    for (const Access &now : model.accesses) {
      if (now.writes || now.pipe != Pipe::V)
        continue;
      bool inOrder = !isa<VReduceOp, VTransposeOp, VGatherOp>(now.node->op);
      for (unsigned number : now.node->accesses) {
        const Access &out = model.accesses[number];
        if (!out.writes || !out.view)
          continue;
        KernelModel::Meeting meeting = model.meetingOf(now, out);
        if (meeting == KernelModel::Meeting::Apart || (inOrder && meeting == KernelModel::Meeting::Same))
          continue;
        error(now.node->op) << "reads bytes [" << now.begin << ", " << now.end << ") of a buffer of which it writes [" << out.begin << ", " << out.end
                            << ") at the same time; the output is another buffer";
        return;
      }
    }
  }

  /// What the analysis of flags takes for granted: the numbers of a slot's flags are used with that slot only inside its loop.
  void checkFlagNumbers(Sequence &sequence) {
    for (auto &node : sequence) {
      if (node->kind == Node::Kind::Set || node->kind == Node::Kind::Wait) {
        flags.push_back(node.get());
      }
      for (Sequence &body : node->bodies)
        checkFlagNumbers(body);
    }
    if (&sequence != &model.body)
      return;
    for (Node *family : flags) {
      if (!family->slot)
        continue;
      scf::ForOp loop = model.rings[model.getRing(family->slot, family->ids.size())].loop;
      for (Node *other : flags) {
        if (family->source != other->source || family->target != other->target || (family->ids == other->ids && family->slot == other->slot) ||
            !llvm::any_of(other->ids, [&](int64_t id) { return llvm::is_contained(family->ids, id); }) || (loop && !loop->isAncestor(other->op)))
          continue;
        error(other->op) << "uses a flag that turns with another slot in the same loop: give it a number of its own";
        return;
      }
    }
  }

  void tell(const Problem &problem) {
    std::string flag = "flag <" + stringifyPipe(problem.source).str() + ", " + stringifyPipe(problem.target).str() + "> " + std::to_string(problem.id);
    StringRef path = problem.someTimes ? " on some paths" : "";
    switch (problem.kind) {
    case Problem::NeverSet:
      error(problem.node->op) << flag << " is not set" << path << " when it is waited for here: the pipe would wait for ever";
      return;
    case Problem::SetTwice:
      error(problem.node->op) << flag << " is set a second time" << path << " before it is waited for";
      return;
    case Problem::SetEarly:
      error(problem.node->op) << flag << " is set again while the wait for the last time may not be over: a flag is up or down, it does not count";
      return;
    case Problem::StaysUp:
      error(model.kernel) << flag << " is still set" << path << " at the end of the kernel";
      return;
    case Problem::Race:
      break;
    }
    const Access &now = model.accesses[problem.access];
    auto [number, place] = ordering.access(problem.keys.find_first());
    const Access &before = model.accesses[number];
    InFlightDiagnostic diagnostic = error(now.node->op);
    const Buffer &buffer = model.buffers[now.buffer];
    diagnostic << "on pipe " << upper(now.pipe) << (now.writes ? " writes " : " reads ");
    if (buffer.space == Space::GM)
      diagnostic << "global memory";
    else
      diagnostic << "bytes [" << buffer.offsets.front() + now.begin << ", " << buffer.offsets.front() + now.end << ") of " << upper(buffer.space);
    diagnostic << " without waiting for pipe " << upper(before.pipe) << ", which " << (before.writes ? "writes" : "reads") << " there";
    diagnostic.attachNote(before.node->op->getLoc()) << "by this '" << before.node->op->getName() << "'" << (before.node->op == now.node->op ? " in the step before" : "");
  }

  static constexpr int kMost = 8; // errors that are worth reading

  KernelModel &model;
  Ordering ordering;
  std::vector<Node *> flags;
  int told = 0;
  bool failed = false;
};

struct AscendVerifyKernels : cell::impl::AscendVerifyKernelsBase<AscendVerifyKernels> {
  void runOnOperation() override {
    for (func::FuncOp kernel : getScheduledKernels(getOperation())) {
      FailureOr<std::unique_ptr<KernelModel>> model = KernelModel::read(kernel);
      if (mlir::failed(model) || mlir::failed(KernelVerifier(**model).run()))
        signalPassFailure(); // the other kernels are looked at, too
    }
  }
};
} // namespace
