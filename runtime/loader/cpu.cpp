//===- cpu.cpp - what kind of processor this is ----------------------------===//
#include "runtime/loader/cpu.h"

#include <cstdint>
#include <cstdio>
#ifdef __x86_64__
#include <cpuid.h>
#else
#include <sys/auxv.h>
#endif

namespace cellgrad::loader {

std::string cpuIdentity() {
  std::string text;
  auto add = [&](uint32_t word) {
    char digits[12];
    snprintf(digits, sizeof digits, "%x.", word);
    text += digits;
  };
#ifdef __x86_64__
  // Vendor, model and feature words; no words that differ from core to core (initial APIC id in leaf 1, topology).
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d)) {
    add(b), add(c), add(d);
  }
  if (__get_cpuid(1, &a, &b, &c, &d)) {
    add(a), add(c), add(d);
    if (c & bit_OSXSAVE) { // registers that the system saves
      uint32_t low, high;
      __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
      add(low);
    }
  }
  for (unsigned leaf = 0; leaf < 2; ++leaf)
    if (__get_cpuid_count(7, leaf, &a, &b, &c, &d)) {
      add(a), add(b), add(c), add(d);
    }
  if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
    add(c), add(d);
  }
  return "x86-64:" + text;
#else
  add(static_cast<uint32_t>(getauxval(AT_HWCAP)));
  add(static_cast<uint32_t>(getauxval(AT_HWCAP2)));
  return "other:" + text;
#endif
}

} // namespace cellgrad::loader
