//===- blake2b.h - the hash BLAKE2b with 32 bytes of result ----------------===//
#ifndef CELLGRAD_RUNTIME_PROGRAM_BLAKE2B_H
#define CELLGRAD_RUNTIME_PROGRAM_BLAKE2B_H

#include <array>
#include <cstddef>
#include <cstdint>

namespace cellgrad::program {

/// RFC 7693, without a key. Data may come in pieces.
class Blake2b {
public:
  Blake2b();
  void update(const void *data, size_t bytes);
  std::array<uint8_t, 32> finish();

private:
  void compress(bool last);
  uint64_t state[8];
  uint64_t total = 0; // bytes compressed, those of `block` included when it is
  uint8_t block[128];
  size_t filled = 0;
};

} // namespace cellgrad::program

#endif // CELLGRAD_RUNTIME_PROGRAM_BLAKE2B_H
