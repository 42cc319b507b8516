//===- bind.h - what the nanobind sources share ----------------------------===//
#ifndef CELLGRAD_BINDINGS_BIND_H
#define CELLGRAD_BINDINGS_BIND_H

#include "python/bindings/compiler/ir.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

namespace cellgrad::native {

/// Holds the context. No Python API is called while it lives, so waiting for it with the GIL released cannot lock up.
class Locked {
public:
  Locked() {
    if (!contextMutex().try_lock()) {
      nanobind::gil_scoped_release release;
      contextMutex().lock();
    }
  }
  ~Locked() { contextMutex().unlock(); }
  Locked(const Locked &) = delete;
};

/// Throws CompileError, or CompilerCrash after a crash, with all diagnostics.
[[noreturn]] void raise(const Errors &errors);
/// Throws CompileError with one message at a location.
[[noreturn]] void raise(const void *location, std::string message);

/// Python's `Location`: a pointer that stays valid.
struct LocationRef {
  const void *location;
};

void bindBuilder(nanobind::module_ &m);
void bindFunction(nanobind::module_ &m);

} // namespace cellgrad::native

#endif // CELLGRAD_BINDINGS_BIND_H
