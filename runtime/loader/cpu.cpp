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

namespace {
#ifdef __x86_64__
enum Register { EAX, EBX, ECX, EDX };
/// Which registers the system has to save for a feature, as bits of XCR0: none, up to 256 bits, up to 512 bits.
enum Saved : uint32_t { Any = 0, Ymm = 0x6, Zmm = 0xe6 };
struct Feature {
  const char *name;
  unsigned leaf, subleaf;
  Register word;
  int bit;
  Saved saved;
};
constexpr Feature kFeatures[] = {
    {"cx8", 1, 0, EDX, 8, Any}, {"cmov", 1, 0, EDX, 15, Any}, {"mmx", 1, 0, EDX, 23, Any}, {"fxsr", 1, 0, EDX, 24, Any}, {"sse", 1, 0, EDX, 25, Any},
    {"sse2", 1, 0, EDX, 26, Any}, {"sse3", 1, 0, ECX, 0, Any}, {"pclmul", 1, 0, ECX, 1, Any}, {"ssse3", 1, 0, ECX, 9, Any}, {"fma", 1, 0, ECX, 12, Ymm},
    {"cx16", 1, 0, ECX, 13, Any}, {"sse4.1", 1, 0, ECX, 19, Any}, {"sse4.2", 1, 0, ECX, 20, Any}, {"crc32", 1, 0, ECX, 20, Any}, {"movbe", 1, 0, ECX, 22, Any},
    {"popcnt", 1, 0, ECX, 23, Any}, {"aes", 1, 0, ECX, 25, Any}, {"xsave", 1, 0, ECX, 26, Any}, {"avx", 1, 0, ECX, 28, Ymm}, {"f16c", 1, 0, ECX, 29, Ymm},
    {"bmi", 7, 0, EBX, 3, Any}, {"avx2", 7, 0, EBX, 5, Ymm}, {"bmi2", 7, 0, EBX, 8, Any}, {"avx512f", 7, 0, EBX, 16, Zmm}, {"avx512dq", 7, 0, EBX, 17, Zmm},
    {"adx", 7, 0, EBX, 19, Any}, {"avx512ifma", 7, 0, EBX, 21, Zmm}, {"avx512cd", 7, 0, EBX, 28, Zmm}, {"sha", 7, 0, EBX, 29, Any},
    {"avx512bw", 7, 0, EBX, 30, Zmm}, {"avx512vl", 7, 0, EBX, 31, Zmm}, {"avx512vbmi", 7, 0, ECX, 1, Zmm}, {"avx512vbmi2", 7, 0, ECX, 6, Zmm},
    {"gfni", 7, 0, ECX, 8, Any}, {"vaes", 7, 0, ECX, 9, Ymm}, {"vpclmulqdq", 7, 0, ECX, 10, Ymm}, {"avx512vnni", 7, 0, ECX, 11, Zmm},
    {"avx512bitalg", 7, 0, ECX, 12, Zmm}, {"avx512vpopcntdq", 7, 0, ECX, 14, Zmm}, {"avx512fp16", 7, 0, EDX, 23, Zmm}, {"avxvnni", 7, 1, EAX, 4, Ymm},
    {"avx512bf16", 7, 1, EAX, 5, Zmm}, {"avxifma", 7, 1, EAX, 23, Ymm}, {"sahf", 0x80000001, 0, ECX, 0, Any}, {"lzcnt", 0x80000001, 0, ECX, 5, Any},
    {"sse4a", 0x80000001, 0, ECX, 6, Any}};

uint32_t savedRegisters() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
    return 0;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool has(const Feature &feature) {
  unsigned words[4] = {};
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &words[EAX], &words[EBX], &words[ECX], &words[EDX]))
    return false;
  return (words[feature.word] >> feature.bit & 1) && (savedRegisters() & feature.saved) == feature.saved;
}
#endif
} // namespace

const char *cpuArchitecture() {
#ifdef __x86_64__
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "unknown";
#endif
}

bool cpuHas(std::string_view name) {
#ifdef __x86_64__
  for (const Feature &feature : kFeatures)
    if (name == feature.name)
      return has(feature);
#endif
  return false;
}

std::vector<std::string> cpuFeatures() {
  std::vector<std::string> found;
#ifdef __x86_64__
  for (const Feature &feature : kFeatures)
    if (has(feature))
      found.emplace_back(feature.name);
#endif
  return found;
}

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
