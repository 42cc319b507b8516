//===- library.h - what the simulated libraries of products share ---------===//
#ifndef CELLGRAD_GPU_SIM_LIBRARY_H
#define CELLGRAD_GPU_SIM_LIBRARY_H

#include "runtime/cpu/halves.h"
#include "runtime/sim_driver/driver.h"
#include "runtime/sim_driver/memory.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace cellgrad::sim {

enum class Element { F16, BF16, F32, F64 };
inline int64_t bytesOf(Element type) { return type == Element::F64 ? 8 : type == Element::F32 ? 4 : 2; }

/// Element i of device memory; `tf32`: rounded as tensor cores take it.
inline double read(const void *data, int64_t i, Element type, bool tf32 = false) {
  if (type == Element::F64)
    return static_cast<const double *>(data)[i];
  if (type == Element::F32) {
    float x = static_cast<const float *>(data)[i];
    if (!tf32 || std::isnan(x))
      return x;
    uint32_t bits;
    memcpy(&bits, &x, 4);
    bits = (bits + 0x1000) & ~uint32_t(0x1fff);
    memcpy(&x, &bits, 4);
    return x;
  }
  uint16_t half = static_cast<const uint16_t *>(data)[i];
  return type == Element::BF16 ? fromBfloat(half) : fromHalf(half);
}
inline void write(void *data, int64_t i, Element type, double x) {
  if (type == Element::F64)
    static_cast<double *>(data)[i] = x;
  else if (type == Element::F32)
    static_cast<float *>(data)[i] = float(x);
  else
    static_cast<uint16_t *>(data)[i] = type == Element::BF16 ? toBfloat(float(x)) : toHalf(float(x));
}

/// Whether `count` elements of one block of device memory begin there.
inline bool isMemory(const void *data, int64_t count, Element type) { return data && describeFault(data, size_t(count * bytesOf(type))).empty(); }

/// CELLGRAD_SIM_LIBRARY_DELAY: milliseconds that each product takes longer; CELLGRAD_SIM_LIBRARY_REFUSES: no product is taken.
inline void delayLibrary() {
  if (const char *text = getenv("CELLGRAD_SIM_LIBRARY_DELAY"))
    std::this_thread::sleep_for(std::chrono::milliseconds(atoi(text)));
}
inline bool libraryRefuses() { return getenv("CELLGRAD_SIM_LIBRARY_REFUSES"); }

} // namespace cellgrad::sim

#endif // CELLGRAD_GPU_SIM_LIBRARY_H
