//===- messages.cpp - the end of DLPack messages ---------------------------===//
// For the Python module, which hands out its arrays on a GPU (python/cellgrad_program/_dlpack.py). Consumers call a message's deleter in any thread, with or without
// Python's lock, with an exception under way or after Python's end: so it runs no Python, and only notes in the integer behind the message's context that the message is done with.
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {
constexpr size_t kContext = 48, kVersionedContext = 8; // of DLManagedTensor, DLManagedTensorVersioned

void note(void *message, size_t offset) {
  int32_t *done;
  memcpy(&done, static_cast<char *>(message) + offset, sizeof done);
  __atomic_store_n(done, 1, __ATOMIC_RELEASE);
}
} // namespace

extern "C" {
__attribute__((visibility("default"))) void cgp_message_done(void *message) { note(message, kContext); }
__attribute__((visibility("default"))) void cgp_versioned_message_done(void *message) { note(message, kVersionedContext); }
}
