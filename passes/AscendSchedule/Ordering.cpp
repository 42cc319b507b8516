//===- Ordering.cpp - which accesses each pipe of a kernel comes after --------===//
#include "passes/AscendSchedule/Ordering.h"

using namespace mlir;
using namespace mlir::ascend;

static constexpr int64_t kSteps = 3; // of a loop that are looked at one by one: one more than buffers mostly have copies

static unsigned number(Pipe pipe) { return static_cast<unsigned>(pipe); }

//===----------------------------------------------------------------------===//
// Keys and flags
//===----------------------------------------------------------------------===//

unsigned Ordering::flagNumber(const Node &node, int64_t id) {
  for (auto [i, name] : llvm::enumerate(names))
    if (name.source == node.source && name.target == node.target && name.id == id)
      return i;
  names.push_back({node.source, node.target, id});
  return names.size() - 1;
}

void Ordering::collectFlags(Sequence &sequence) {
  for (auto &node : sequence) {
    if (node->kind == Node::Kind::Set || node->kind == Node::Kind::Wait) {
      SmallVector<unsigned, 2> family;
      for (int64_t id : node->ids)
        family.push_back(flagNumber(*node, id));
      if (node->slot) {
        unsigned ring = model.getRing(node->slot, family.size());
        ringFlags.resize(model.rings.size());
        if (!llvm::is_contained(ringFlags[ring], family))
          ringFlags[ring].push_back(family);
      }
    }
    for (Sequence &body : node->bodies)
      collectFlags(body);
  }
}

void Ordering::prepare() {
  ringFlags.clear();
  ringFlags.resize(model.rings.size());
  names.clear();
  collectFlags(model.body); // may find rings
  loopRings.clear();
  for (auto [i, ring] : llvm::enumerate(model.rings))
    if (ring.loop)
      loopRings[ring.loop].push_back(i);
  ringKeys.resize(model.rings.size());
  if (prepared)
    return;
  prepared = true;
  for (auto [i, access] : llvm::enumerate(model.accesses)) {
    access.key = keyOwner.size();
    unsigned places = access.ring ? model.rings[*access.ring].count : 1;
    SmallVector<unsigned, 2> keys;
    for (unsigned place = 0; place < places; ++place) {
      keys.push_back(keyOwner.size());
      keyOwner.push_back({i, place});
    }
    if (access.ring)
      ringKeys[*access.ring].push_back(keys);
  }
  for (const Access &now : model.accesses) {
    llvm::BitVector keys(keyOwner.size());
    for (auto [key, owner] : llvm::enumerate(keyOwner)) {
      const Access &before = model.accesses[owner.first];
      // What the scalar unit does is done before it hands out the next op.
      if (before.pipe != now.pipe && before.pipe != Pipe::S && (now.writes || before.writes) && model.mayTouch(now, before, owner.second))
        keys.set(key);
    }
    conflicts.push_back(std::move(keys));
  }
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

/// Keeps what both know. True if `into` has changed.
bool Ordering::meet(State &into, const State &other) const {
  bool changed = false;
  auto keep = [&](llvm::BitVector &a, const llvm::BitVector &b) {
    if (a.test(b)) { // a has bits that b has not
      a &= b;
      changed = true;
    }
  };
  for (unsigned pipe = 0; pipe < kPipes; ++pipe)
    keep(into.known[pipe], other.known[pipe]);
  for (auto [a, b] : llvm::zip(into.flags, other.flags)) {
    if (a.at != b.at && a.at != Flag::Either) {
      a.at = Flag::Either;
      changed = true;
    }
    keep(a.with, b.with);
  }
  return changed;
}

/// The next step of the ring's loop.
void Ordering::turn(State &state, unsigned ring) const {
  bool fades = model.rings[ring].fades;
  auto turnBits = [&](llvm::BitVector &bits) {
    for (const auto &keys : ringKeys[ring])
      if (fades) {
        bits[keys[1]] = bits[keys[1]] && bits[keys[0]];
        bits.set(keys[0]);
      } else {
        bool first = bits[keys[0]];
        for (unsigned i = 0; i + 1 < keys.size(); ++i)
          bits[keys[i]] = bits[keys[i + 1]];
        bits[keys.back()] = first;
      }
    for (const auto &family : ringFlags[ring]) {
      bool first = bits[waitKey(family[0])];
      for (unsigned i = 0; i + 1 < family.size(); ++i)
        bits[waitKey(family[i])] = bits[waitKey(family[i + 1])];
      bits[waitKey(family.back())] = first;
    }
  };
  for (llvm::BitVector &bits : state.known)
    turnBits(bits);
  for (Flag &flag : state.flags)
    turnBits(flag.with);
  for (const auto &family : ringFlags[ring])
    for (unsigned i = 0; i + 1 < family.size(); ++i)
      std::swap(state.flags[family[i]], state.flags[family[i + 1]]);
}

/// The place of the ring may be any: what holds, holds for all.
void Ordering::anyPlace(State &state, unsigned ring) const {
  State turned = state;
  for (unsigned i = 1; i < model.rings[ring].count; ++i) {
    turn(turned, ring);
    meet(state, turned);
  }
}

/// The ring's loop begins or is over.
void Ordering::leave(State &state, unsigned ring) const {
  if (!model.rings[ring].fades)
    return anyPlace(state, ring);
  auto fold = [&](llvm::BitVector &bits) {
    for (const auto &keys : ringKeys[ring]) {
      bits[keys[2]] = bits[keys[2]] && bits[keys[1]] && bits[keys[0]];
      bits.set(keys[0]);
      bits.set(keys[1]);
    }
  };
  for (llvm::BitVector &bits : state.known)
    fold(bits);
  for (Flag &flag : state.flags)
    fold(flag.with);
}

//===----------------------------------------------------------------------===//
// Walk
//===----------------------------------------------------------------------===//

void Ordering::problem(Problem problem) {
  if (!quiet && !stopped)
    stopped = !report(problem);
}

void Ordering::check(Node &node, State &state, Pipe pipe) {
  if (quiet)
    return;
  for (unsigned number_ : node.accesses) {
    const Access &access = model.accesses[number_];
    const llvm::BitVector &known = state.known[number(pipe)];
    if (access.pipe != pipe || !conflicts[number_].test(known))
      continue;
    Problem race{Problem::Race, &node, number_, conflicts[number_]};
    race.keys.reset(known);
    problem(race);
  }
}

/// Something has run of which only its own pipe knows. A flag that is up knows of the execution before this one at most.
void Ordering::forget(State &state, unsigned key, Pipe knows) const {
  for (unsigned other = 0; other < kPipes; ++other)
    state.known[other][key] = other == number(knows);
  for (Flag &flag : state.flags)
    if (flag.at != Flag::Down)
      flag.with.reset(key);
}

void Ordering::record(Node &node, State &state, Pipe pipe) {
  for (unsigned number_ : node.accesses)
    if (model.accesses[number_].pipe == pipe && pipe != Pipe::S)
      forget(state, model.accesses[number_].key, pipe);
}

void Ordering::runOp(Node &node, State &state) {
  check(node, state, node.source);
  if (node.target == node.source)
    return record(node, state, node.source);
  // A macro: what it writes comes after what it reads.
  record(node, state, node.source);
  state.known[number(node.target)] |= state.known[number(node.source)];
  check(node, state, node.target);
  record(node, state, node.target);
}

void Ordering::setFlag(Node &node, State &state) {
  unsigned at = flagNumber(node, node.ids.front());
  Flag &flag = state.flags[at];
  if (flag.at != Flag::Down)
    problem({Problem::SetTwice, &node, 0, {}, node.source, node.target, node.ids.front(), flag.at == Flag::Either});
  else if (!state.known[number(node.source)].test(waitKey(at)))
    problem({Problem::SetEarly, &node, 0, {}, node.source, node.target, node.ids.front()});
  flag.at = Flag::Up;
  flag.with = state.known[number(node.source)];
}

void Ordering::waitFlag(Node &node, State &state) {
  unsigned at = flagNumber(node, node.ids.front());
  Flag &flag = state.flags[at];
  if (flag.at != Flag::Up)
    problem({Problem::NeverSet, &node, 0, {}, node.source, node.target, node.ids.front(), flag.at == Flag::Either});
  if (flag.at != Flag::Down)
    state.known[number(node.target)] |= flag.with;
  flag.at = Flag::Down;
  flag.with.set();
  forget(state, waitKey(at), node.target);
  // Nothing is handed out while the scalar unit waits.
  if (node.target == Pipe::S)
    for (llvm::BitVector &known : state.known)
      known |= state.known[number(Pipe::S)];
}

void Ordering::walkLoop(Node &node, State &state) {
  State entry = state, out;
  ArrayRef<unsigned> rings = loopRings[node.op];
  // Slots that start at 0 and count a known number of steps: places are known before and behind the loop.
  auto knowsPlace = [&](unsigned number) {
    Ring ring = model.rings[number];
    if (ring.fades || !ring.advances || !node.steps)
      return false;
    return !isa<BlockArgument>(ring.slot) || (ring.slot == ring.loop.getInductionVar() && isConstantIntValue(ring.loop.getLowerBound(), 0));
  };
  auto nextStep = [&](State next) {
    for (unsigned ring : rings)
      model.rings[ring].advances ? turn(next, ring) : anyPlace(next, ring);
    return next;
  };
  for (unsigned ring : rings)
    if (!knowsPlace(ring))
      leave(state, ring);
  // The first steps one by one: what they are sure to bring about holds behind them. Then any number of further ones, until nothing changes.
  int64_t sure = std::min(node.steps.value_or(0), kSteps);
  for (int64_t i = 0; i < sure; ++i) {
    out = state;
    walk(node.bodies[0], out);
    state = nextStep(out);
  }
  if (!node.steps || *node.steps > sure) {
    State head = state;
    ++quiet;
    do {
      out = head;
      walk(node.bodies[0], out);
    } while (meet(head, nextStep(out)));
    --quiet;
    if (!quiet) {
      out = head;
      walk(node.bodies[0], out);
    }
  }
  for (unsigned ring : rings)
    if (knowsPlace(ring)) // on to the place of the first step
      for (int64_t step = *node.steps - 1; step >= 0 && (step % model.rings[ring].count) != 0; ++step)
        turn(out, ring);
  if (node.steps == 0)
    out = entry;
  for (unsigned ring : rings)
    if (!knowsPlace(ring))
      leave(out, ring);
  if (!node.steps)
    meet(out, entry);
  state = std::move(out);
}

void Ordering::walk(Sequence &sequence, State &state) {
  for (auto &owned : sequence) {
    Node &node = *owned;
    if (stopped)
      return;
    if (node.proposal >= 0 && node.proposal < int(without.size()) && without[node.proposal])
      continue;
    switch (node.kind) {
    case Node::Kind::Run:
      runOp(node, state);
      break;
    case Node::Kind::Set:
      setFlag(node, state);
      break;
    case Node::Kind::Wait:
      waitFlag(node, state);
      break;
    case Node::Kind::Barrier:
      if (node.source == Pipe::ALL)
        for (llvm::BitVector &known : state.known)
          known.set();
      break;
    case Node::Kind::Loop:
      walkLoop(node, state);
      break;
    case Node::Kind::Branch: {
      State other = state;
      walk(node.bodies[0], state);
      walk(node.bodies[1], other);
      meet(state, other);
      break;
    }
    }
  }
}

void Ordering::run(llvm::function_ref<bool(const Problem &)> hear) {
  prepare();
  report = hear;
  stopped = false;
  quiet = 0;
  State state;
  for (llvm::BitVector &known : state.known)
    known.resize(keyOwner.size() + names.size(), true);
  Flag down;
  down.with.resize(keyOwner.size() + names.size(), true);
  state.flags.assign(names.size(), down);
  walk(model.body, state);
  for (auto [name, flag] : llvm::zip(names, state.flags))
    if (flag.at != Flag::Down)
      problem({Problem::StaysUp, nullptr, 0, {}, name.source, name.target, name.id, flag.at == Flag::Either});
}

bool Ordering::holds() {
  bool good = true;
  run([&](const Problem &) { return good = false; });
  return good;
}
