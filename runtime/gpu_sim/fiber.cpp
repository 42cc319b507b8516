//===- fiber.cpp - functions that can be left in the middle ---------------===//
#include "runtime/gpu_sim/fiber.h"

#include <cstdint>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace cellgrad::sim {

namespace {
thread_local Fiber *entering;
size_t page() {
  static const size_t bytes = size_t(sysconf(_SC_PAGESIZE));
  return bytes;
}
} // namespace

#ifdef __x86_64__
// Saves what a function must keep, notes the stack pointer and goes on with another one: a call that returns elsewhere.
extern "C" void cellgrad_sim_switch(void **from, void *to);
asm(R"(
.text
.p2align 4
.hidden cellgrad_sim_switch
.globl cellgrad_sim_switch
.type cellgrad_sim_switch,@function
cellgrad_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  retq
.size cellgrad_sim_switch,.-cellgrad_sim_switch
)");
#endif

Fiber::~Fiber() {
  if (stack)
    munmap(stack - page(), kStackBytes + page());
}

void Fiber::enter() {
  Fiber *self = entering;
  self->function(self->argument);
  self->suspend(); // never resumed again
}

bool Fiber::holds(const void *address) const { return address >= stack && address < stack + kStackBytes; }

bool Fiber::start(void (*what)(void *), void *with) {
  if (!stack) {
    void *memory = mmap(nullptr, kStackBytes + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      return false;
    mprotect(memory, page(), PROT_NONE);
    stack = static_cast<char *>(memory) + page();
    // Stacks that all ended at the same place of a page would share a few lines of the cache.
    static unsigned count;
    size = kStackBytes - (count++ % 32) * 128;
  }
  function = what, argument = with;
#ifdef __x86_64__
  // As if `enter` had been called and had switched away at once: six registers, the address to go on at, one word that keeps the alignment of calls.
  void **top = reinterpret_cast<void **>(stack + size) - 8;
  memset(top, 0, 8 * sizeof(void *));
  top[6] = reinterpret_cast<void *>(&Fiber::enter);
  own = top;
#else
  getcontext(&own);
  own.uc_stack.ss_sp = stack;
  own.uc_stack.ss_size = size;
  own.uc_link = nullptr;
  makecontext(&own, &Fiber::enter, 0);
#endif
  return true;
}

void Fiber::resume() {
  entering = this;
#ifdef __x86_64__
  cellgrad_sim_switch(&caller, own);
#else
  swapcontext(&caller, &own);
#endif
}

void Fiber::suspend() {
#ifdef __x86_64__
  cellgrad_sim_switch(&own, caller);
#else
  swapcontext(&own, &caller);
#endif
}

} // namespace cellgrad::sim
