//===- print.cpp - tensors that a running program shows -------------------===//
#include "runtime/cpu/cellgrad_cpu.h"

#include <atomic>
#include <cstdio>
#include <cstring>

namespace {
std::atomic<cg_print_handler> current{nullptr};

constexpr int kBytes[] = {1, 1, 2, 4, 8, 1, 2, 2, 4, 8};

template <typename T>
T read(const char *data) {
  T value;
  memcpy(&value, data, sizeof value);
  return value;
}

float halfToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 1023;
  float magnitude;
  if (exponent == 31) {
    uint32_t word = 0x7f800000 | fraction << 13;
    memcpy(&magnitude, &word, sizeof word);
  } else if (exponent == 0) {
    magnitude = fraction * 0x1p-24f;
  } else {
    uint32_t word = (exponent + 112) << 23 | fraction << 13;
    memcpy(&magnitude, &word, sizeof word);
  }
  return sign ? -magnitude : magnitude;
}

float bfloatToFloat(uint16_t bits) {
  uint32_t word = uint32_t(bits) << 16;
  float value;
  memcpy(&value, &word, sizeof word);
  return value;
}

void showElement(int64_t type, const char *data) {
  switch (type) {
  case CG_BOOL: fputs(*data ? "true" : "false", stdout); break;
  case CG_I8: printf("%d", read<int8_t>(data)); break;
  case CG_I16: printf("%d", read<int16_t>(data)); break;
  case CG_I32: printf("%d", read<int32_t>(data)); break;
  case CG_I64: printf("%lld", static_cast<long long>(read<int64_t>(data))); break;
  case CG_U8: printf("%u", read<uint8_t>(data)); break;
  case CG_F16: printf("%g", halfToFloat(read<uint16_t>(data))); break;
  case CG_BF16: printf("%g", bfloatToFloat(read<uint16_t>(data))); break;
  case CG_F32: printf("%g", read<float>(data)); break;
  case CG_F64: printf("%g", read<double>(data)); break;
  }
}

/// Nested brackets; returns where the next element lies.
const char *showTensor(int64_t type, const int64_t *sizes, int64_t rank, const char *data) {
  if (rank == 0) {
    showElement(type, data);
    return data + kBytes[type];
  }
  putchar('[');
  for (int64_t i = 0; i < sizes[0]; ++i) {
    if (i)
      fputs(", ", stdout);
    data = showTensor(type, sizes + 1, rank - 1, data);
  }
  putchar(']');
  return data;
}

int showOnStandardOutput(const char *format, int64_t count, void *const *data, const int64_t *meta) {
  int64_t next = 0;
  for (const char *c = format; *c; ++c) {
    if (c[0] == '{' && c[1] != '{' && next < count) {
      showTensor(meta[0], meta + 2, meta[1], static_cast<const char *>(data[next++]));
      meta += 2 + meta[1];
      while (*c != '}') // how a place is to be shown is for those who have Python
        ++c;
    } else {
      putchar(*c);
      c += (c[0] == '{' && c[1] == '{') || (c[0] == '}' && c[1] == '}');
    }
  }
  fflush(stdout);
  return 0;
}
} // namespace

void cg_set_print_handler(cg_print_handler handler) { current.store(handler); }

void cg_print(const char *format, int64_t count, void *const *data, const int64_t *meta) {
  cg_print_handler handler = current.load(std::memory_order_relaxed);
  if ((handler ? handler : showOnStandardOutput)(format, count, data, meta))
    cg_fail(CG_FAILURE_HANDLER, "showing a value failed");
}
