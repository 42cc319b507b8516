//===- InsertSync.cpp - flags between the pipes of a kernel -------------------===//
//
// Flags are proposed for one race after the other, in program order, until none is left; then each that the others imply is dropped again. What stays is
// minimal: without any one of its flags the kernel has a race.
//
//===----------------------------------------------------------------------===//
#include "passes/AscendSchedule/Ordering.h"
#include "passes/AscendSchedule/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <map>
#include <set>

namespace mlir::cell {
#define GEN_PASS_DEF_ASCENDINSERTSYNC
#include "passes/AscendSchedule/AscendSchedulePasses.h.inc"
} // namespace mlir::cell

using namespace mlir;
using namespace mlir::ascend;

namespace {
/// A flag with all its ops, or a barrier.
struct Proposal {
  Pipe source, target;
  unsigned count = 1; // flags: one per place of the ring whose slot they follow
  Value slot;
  bool carried = false;
  bool barrier = false;
  SmallVector<Node *, 8> sets, waits;
};

class Synchronizer {
public:
  explicit Synchronizer(KernelModel &model) : model(model), ordering(model) {
    int64_t most = model.target.event_ids;
    for (const Ring &ring : model.rings)
      most = std::max<int64_t>(most, ring.count);
    firstProposed = most + 1;
  }

  LogicalResult run() {
    if (failed(propose()))
      return failure();
    do
      prune();
    while (!number());
    write(model.body, model.kernel.front());
    return success();
  }

private:
  /// Where two nodes meet: the innermost sequence around both, and what holds each there.
  struct Meeting {
    Sequence *sequence = nullptr;
    Node *first = nullptr, *second = nullptr;
  };

  static Meeting meet(Node *first, Node *second) {
    for (Node *a = first; a; a = a->parent)
      for (Node *b = second; b; b = b->parent)
        if (a->within == b->within)
          return {a->within, a, b};
    return {};
  }

  Node *insert(Sequence &sequence, int64_t index, Node::Kind kind, int proposal, bool behind) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->within = &sequence;
    node->parent = parentOf(sequence);
    node->proposal = proposal;
    node->behind = behind;
    return sequence.insert(sequence.begin() + index, std::move(node))->get();
  }

  Node *parentOf(Sequence &sequence) { return sequence.empty() ? nullptr : sequence.front()->parent; }

  Node *addFlag(Sequence &sequence, int64_t index, Node::Kind kind, int number, bool behind, int place = -1) {
    Proposal &proposal = proposals[number];
    Node *node = insert(sequence, index, kind, number, behind);
    node->source = proposal.source;
    node->target = proposal.target;
    for (unsigned i = 0; i < proposal.count; ++i)
      if (place < 0 || place == int(i))
        node->ids.push_back(firstProposed * (number + 1) + i); // its own, until it gets a number
    node->slot = place < 0 ? proposal.slot : Value();
    (kind == Node::Kind::Set ? proposal.sets : proposal.waits).push_back(node);
    return node;
  }

  void addBarrier(Node *before) {
    insert(*before->within, before->index(), Node::Kind::Barrier, proposals.size(), false)->source = Pipe::ALL;
    Proposal barrier{Pipe::ALL, Pipe::ALL};
    barrier.barrier = true;
    proposals.push_back(barrier);
  }

  /// An answer to the race: a flag behind the last of the accesses that this one must come after.
  void answer(const Problem &race) {
    const Access &now = model.accesses[race.access];
    unsigned best = 0;
    Meeting place;
    bool found = false, carried = false;
    for (unsigned key : race.keys.set_bits()) {
      unsigned number = ordering.access(key).first;
      const Access &before = model.accesses[number];
      Meeting meeting = meet(before.node, now.node);
      bool later = meeting.first->index() >= meeting.second->index();
      if (found && (later > carried || (later == carried && number < best)))
        continue;
      found = true;
      best = number;
      place = meeting;
      carried = later;
    }
    const Access &before = model.accesses[best];
    Node *loop = nullptr; // outermost around the meeting
    bool inRing = false;
    for (Node *up = place.first->parent; up; up = up->parent)
      if (up->kind == Node::Kind::Loop) {
        loop = up;
        inRing |= now.ring && up->op == model.rings[*now.ring].loop;
      }
    Proposal flag{before.pipe, now.pipe};
    flag.carried = carried;
    // Each place of a ring has a flag of its own: a step waits for the last use of its place, not for the step before, and may run ahead of the others.
    if (inRing && now.ring == before.ring && !model.rings[*now.ring].fades) {
      bool own = true;
      for (unsigned key : race.keys.set_bits())
        own &= ordering.access(key).first != best || ordering.access(key).second == 0;
      if (own) {
        flag.slot = model.rings[*now.ring].slot;
        flag.count = model.rings[*now.ring].count;
      }
    }
    if (!answered.insert({race.access, best, carried ? flag.count : 0}).second || (carried && !loop))
      return addBarrier(now.node);
    add(flag, place, loop);
  }

  /// An answer to a flag that may be set too early: another one, from its wait back to the set of the next step.
  void answerEarly(Node *set) {
    const Proposal early = proposals[set->proposal];
    Meeting place = meet(early.waits.front(), set);
    Node *loop = nullptr;
    for (Node *up = place.first->parent; up; up = up->parent)
      if (up->kind == Node::Kind::Loop)
        loop = up;
    if (!loop || place.first->index() < place.second->index() || !answered.insert({unsigned(set->proposal), ~0u, 0}).second)
      return addBarrier(set);
    Proposal back{early.target, early.source, early.count, early.slot};
    back.carried = true;
    add(back, place, loop);
  }

  /// Puts the flag behind what holds its first access, or the step before did, and before what holds its second.
  void add(const Proposal &flag, const Meeting &place, Node *loop) {
    int number = proposals.size();
    proposals.push_back(flag);
    addFlag(*place.sequence, place.second->index(), Node::Kind::Wait, number, false);
    addFlag(*place.sequence, place.first->index() + 1, Node::Kind::Set, number, true);
    if (!flag.carried)
      return;
    // Up before the first step of the outermost loop, and taken down after the last.
    for (unsigned i = 0; i < flag.count; ++i)
      addFlag(*loop->within, loop->index(), Node::Kind::Set, number, false, i);
    for (unsigned i = 0; i < flag.count; ++i)
      addFlag(*loop->within, loop->index() + 1 + i, Node::Kind::Wait, number, true, i);
  }

  LogicalResult propose() {
    while (true) {
      std::optional<Problem> first;
      ordering.run([&](const Problem &problem) {
        first = problem;
        return false;
      });
      if (!first)
        return success();
      if (first->kind == Problem::SetEarly) {
        answerEarly(first->node);
        continue;
      }
      if (first->kind != Problem::Race)
        return model.kernel.emitError("internal error: stage ascend-insert-sync: flags that do not match");
      answer(*first);
    }
  }

  /// Drops what the others imply: what makes pipes wait most, first.
  void prune() {
    SmallVector<unsigned> order = llvm::to_vector(llvm::seq<unsigned>(0, proposals.size()));
    auto weight = [&](unsigned i) { return proposals[i].barrier ? 3 : proposals[i].carried ? (proposals[i].slot ? 1 : 2) : 0; };
    llvm::stable_sort(order, [&](unsigned a, unsigned b) { return weight(a) > weight(b); });
    ordering.without.resize(proposals.size());
    for (unsigned i : order) {
      if (ordering.without[i])
        continue;
      ordering.without.set(i);
      if (!ordering.holds())
        ordering.without.reset(i);
    }
  }

  /// Gives the flags of a proposal the numbers from `id` on.
  void assign(Proposal &proposal, int64_t id) {
    for (auto *nodes : {&proposal.sets, &proposal.waits})
      for (auto [at, node] : llvm::enumerate(*nodes)) {
        // The ones in the loop come first in the list; then, if there are several, those before or behind the loop, one for each place.
        int64_t place = node->ids.size() == proposal.count ? 0 : int64_t(at) - 1;
        for (auto [i, number] : llvm::enumerate(node->ids))
          number = id + place + i;
      }
  }

  /// Numbers all flags. Those of loops' rings have theirs alone; others may share one that is down again. False if numbers ran out: then one flag is
  /// gone.
  bool number() {
    std::map<std::pair<Pipe, Pipe>, SmallVector<unsigned>> pairs;
    for (auto [i, proposal] : llvm::enumerate(proposals))
      if (!proposal.barrier && !ordering.without[i])
        pairs[{proposal.source, proposal.target}].push_back(i);
    for (auto &[pair, flags] : pairs) {
      int64_t next = 0, limit = model.target.event_ids, shared = -1;
      llvm::stable_sort(flags, [&](unsigned a, unsigned b) { return proposals[a].count > proposals[b].count; });
      for (unsigned flag : flags) {
        Proposal &proposal = proposals[flag];
        if (next + proposal.count <= limit) {
          if (proposal.count == 1 && shared < 0)
            shared = next;
          assign(proposal, next);
          next += proposal.count;
          continue;
        }
        bool good = false;
        for (int64_t id = shared; proposal.count == 1 && id >= 0 && id < limit && !good; ++id) {
          assign(proposal, id);
          good = ordering.holds();
        }
        if (good)
          continue;
        giveUp(flag);
        return false;
      }
    }
    return true;
  }

  /// True if another flag of the same pipes now does the work of this one, or this one that of another: set behind both, waited for before both.
  bool join(unsigned flag) {
    for (unsigned other = proposals.size(); other-- > 0;) {
      Proposal &a = proposals[flag], &b = proposals[other];
      if (other == flag || ordering.without[other] || b.barrier || a.source != b.source || a.target != b.target || a.carried != b.carried || a.slot != b.slot ||
          a.sets.front()->within != b.sets.front()->within || a.waits.front()->within != b.waits.front()->within)
        continue;
      bool first = a.waits.front()->index() < b.waits.front()->index();
      Proposal &stays = first ? a : b, &goes = first ? b : a;
      Node *set = stays.sets.front(), *behind = goes.sets.front();
      int64_t from = set->index(), to = behind->index();
      if (from > to) // then `goes` would have been dropped before
        continue;
      Sequence &sequence = *set->within;
      std::rotate(sequence.begin() + from, sequence.begin() + from + 1, sequence.begin() + to + 1);
      unsigned gone = first ? other : flag;
      ordering.without.set(gone);
      if (ordering.holds())
        return true;
      ordering.without.reset(gone);
      std::rotate(sequence.begin() + from, sequence.begin() + to, sequence.begin() + to + 1);
    }
    return false;
  }

  /// One flag less: it joins another one, or a barrier stands where it would be waited for. Numbers are given anew.
  void giveUp(unsigned flag) {
    for (auto [i, proposal] : llvm::enumerate(proposals))
      assign(proposal, firstProposed * (i + 1));
    if (join(flag))
      return;
    ordering.without.set(flag);
    addBarrier(proposals[flag].waits.front());
    ordering.without.resize(proposals.size());
  }

  void write(Sequence &sequence, Block &block) {
    Operation *before = nullptr;
    for (auto [i, node] : llvm::enumerate(sequence)) {
      if (node->op) {
        before = node->op;
        for (auto [body, region] : llvm::zip(node->bodies, before->getRegions()))
          if (!region.empty())
            write(body, region.front());
        continue;
      }
      if (ordering.without[node->proposal])
        continue;
      Operation *next = nullptr;
      for (size_t j = i + 1; j < sequence.size() && !next; ++j)
        next = sequence[j]->op;
      OpBuilder builder(block.getParentOp()->getContext());
      if (node->behind && before)
        builder.setInsertionPointAfter(before);
      else if (next)
        builder.setInsertionPoint(next);
      else if (before)
        builder.setInsertionPointAfter(before);
      else
        builder.setInsertionPoint(&block, block.begin());
      Location loc = node->behind && before ? before->getLoc() : next ? next->getLoc() : block.getParentOp()->getLoc();
      if (node->kind == Node::Kind::Barrier)
        before = BarrierOp::create(builder, loc, Pipe::ALL);
      else if (node->kind == Node::Kind::Set)
        before = SetFlagOp::create(builder, loc, node->source, node->target, node->ids, node->slot);
      else
        before = WaitFlagOp::create(builder, loc, node->source, node->target, node->ids, node->slot);
    }
  }

  int64_t firstProposed; // above all numbers of flags, and above the places of a ring

  KernelModel &model;
  Ordering ordering;
  std::vector<Proposal> proposals;
  std::set<std::tuple<unsigned, unsigned, unsigned>> answered; // what has had its flag; a barrier is next
};

struct AscendInsertSync : cell::impl::AscendInsertSyncBase<AscendInsertSync> {
  static LogicalResult synchronize(func::FuncOp kernel) {
    SmallVector<Operation *> old;
    WalkResult walk = kernel.walk([&](Operation *op) {
      if (isa<SetFlagOp, WaitFlagOp, BarrierOp>(op))
        old.push_back(op);
      if (!isa<memref::AllocOp>(op))
        return WalkResult::advance();
      op->emitOpError("has no address yet: run ascend-plan-memory before ascend-insert-sync");
      return WalkResult::interrupt();
    });
    if (walk.wasInterrupted())
      return failure();
    for (Operation *op : old)
      op->erase();
    FailureOr<std::unique_ptr<KernelModel>> model = KernelModel::read(kernel);
    return failed(model) ? failure() : Synchronizer(**model).run();
  }

  void runOnOperation() override {
    for (func::FuncOp kernel : getScheduledKernels(getOperation()))
      if (failed(synchronize(kernel)))
        return signalPassFailure();
  }
};
} // namespace
