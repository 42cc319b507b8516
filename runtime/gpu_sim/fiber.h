//===- fiber.h - functions that can be left in the middle -----------------===//
#ifndef CELLGRAD_SIM_FIBER_H
#define CELLGRAD_SIM_FIBER_H

#include <cstddef>

#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace cellgrad::sim {

/// A stack of its own and where it stands. Fibers are resumed by the one thread that runs a launch, and only from outside of fibers.
class Fiber {
public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber &) = delete;
  /// False without memory for a stack. What the fiber did before is forgotten.
  bool start(void (*function)(void *), void *argument);
  /// Runs it until it suspends itself or its function returns.
  void resume();
  /// Called inside of it: back to whom resumed it.
  void suspend();

  /// True for addresses on its stack.
  bool holds(const void *address) const;

private:
  static void enter();
  static constexpr size_t kStackBytes = size_t(128) << 10;
  char *stack = nullptr; // below it lies a page that may not be touched
  size_t size = 0;       // that is used
  void (*function)(void *) = nullptr;
  void *argument = nullptr;
#ifdef __x86_64__
  void *own = nullptr, *caller = nullptr; // stack pointers
#else
  ucontext_t own, caller;
#endif
};

} // namespace cellgrad::sim

#endif // CELLGRAD_SIM_FIBER_H
