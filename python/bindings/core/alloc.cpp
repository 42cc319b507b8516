// Memory blocks in size classes with free lists. Used with the GIL held only, so it needs no locks.
#include "core.h"

#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

namespace cg {
namespace {

constexpr size_t kHuge = size_t(2) << 20;
constexpr int kClasses = 17 + 8 * 40;

struct FreeBlock {
  FreeBlock *next;
};
FreeBlock *freeLists[kClasses];
size_t cachedBytes, usedBytes, peakBytes, cacheLimit;

size_t defaultLimit() {
  if (const char *text = getenv("CELLGRAD_CACHE_BYTES")) {
    char *end;
    unsigned long long v = strtoull(text, &end, 10);
    if (end != text && !*end)
      return size_t(v);
  }
  return size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE)) / 8;
}

// Classes count units of 64 bytes: 1..16 exactly, then eight steps per power of two (at most 12.5 % waste).
int classOf(size_t units) {
  if (units <= 16)
    return int(units);
  int e = 63 - __builtin_clzll(units - 1);
  int sub = int((units - 1) >> (e - 3)) & 7;
  return 17 + (e - 4) * 8 + sub;
}
size_t classBytes(int c) {
  if (c <= 16)
    return size_t(c) * kAlign;
  int e = (c - 17) / 8 + 4, sub = (c - 17) % 8;
  return (size_t(9 + sub) << (e - 3)) * kAlign;
}

} // namespace

void *allocBlock(size_t bytes, uint16_t *sizeClass) {
  if (bytes > (size_t(1) << 45)) {
    PyErr_NoMemory();
    return nullptr;
  }
  int c = classOf((bytes + kAlign - 1) / kAlign);
  *sizeClass = uint16_t(c);
  size_t size = classBytes(c);
  usedBytes += size;
  if (usedBytes > peakBytes)
    peakBytes = usedBytes;
  if (FreeBlock *b = freeLists[c]) {
    freeLists[c] = b->next;
    cachedBytes -= size;
    return b;
  }
  void *p = nullptr;
  // Large blocks start on a huge page: one page fault per 2 MiB instead of 512.
  bool huge = size >= kHuge;
  if (posix_memalign(&p, huge ? kHuge : kAlign, size) != 0) {
    emptyCache(nullptr, nullptr);
    if (posix_memalign(&p, huge ? kHuge : kAlign, size) != 0) {
      usedBytes -= size;
      PyErr_Format(PyExc_MemoryError, "cannot allocate %zu bytes for a tensor", bytes);
      return nullptr;
    }
  }
  if (huge)
    madvise(p, size, MADV_HUGEPAGE);
  return p;
}

void freeBlock(void *block, uint16_t c) {
  size_t size = classBytes(c);
  usedBytes -= size;
  if (!cacheLimit)
    cacheLimit = defaultLimit();
  if (cachedBytes + size > cacheLimit) {
    free(block);
    return;
  }
  cachedBytes += size;
  auto *b = static_cast<FreeBlock *>(block);
  b->next = freeLists[c];
  freeLists[c] = b;
}

PyObject *memoryStats(PyObject *, PyObject *) {
  return Py_BuildValue("{s:n,s:n,s:n}", "used_bytes", Py_ssize_t(usedBytes), "cached_bytes", Py_ssize_t(cachedBytes),
                       "peak_bytes", Py_ssize_t(peakBytes));
}

PyObject *emptyCache(PyObject *, PyObject *) {
  for (FreeBlock *&list : freeLists)
    while (list) {
      FreeBlock *next = list->next;
      free(list);
      list = next;
    }
  cachedBytes = 0;
  Py_RETURN_NONE;
}

} // namespace cg
