//===- blake2b.cpp - the hash BLAKE2b with 32 bytes of result --------------===//
#include "runtime/program/blake2b.h"

#include <algorithm>
#include <cstring>

namespace cellgrad::program {

namespace {
constexpr uint64_t kInitial[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
/// The order in which each round takes the words of a block; rounds 10 and 11 repeat 0 and 1.
constexpr uint8_t kOrder[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

uint64_t rotate(uint64_t word, int right) { return word >> right | word << (64 - right); }
} // namespace

Blake2b::Blake2b() {
  memcpy(state, kInitial, sizeof state);
  state[0] ^= 0x01010000 ^ 32; // one lane, no key, 32 bytes of result
}

void Blake2b::compress(bool last) {
  uint64_t m[16], v[16];
  memcpy(m, block, sizeof m); // words are little-endian, as this processor's are
  memcpy(v, state, sizeof state);
  memcpy(v + 8, kInitial, sizeof kInitial);
  v[12] ^= total;
  if (last)
    v[14] = ~v[14];
  auto mix = [&](int a, int b, int c, int d, uint64_t x, uint64_t y) {
    v[a] += v[b] + x;
    v[d] = rotate(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate(v[b] ^ v[c], 63);
  };
  for (int round = 0; round < 12; ++round) {
    const uint8_t *s = kOrder[round % 10];
    for (int i = 0; i < 4; ++i)
      mix(i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
    for (int i = 0; i < 4; ++i)
      mix(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
  }
  for (int i = 0; i < 8; ++i)
    state[i] ^= v[i] ^ v[8 + i];
}

void Blake2b::update(const void *data, size_t bytes) {
  auto *from = static_cast<const uint8_t *>(data);
  while (bytes) {
    if (filled == sizeof block) { // a full block waits, since the last one is compressed in another way
      total += filled;
      compress(false);
      filled = 0;
    }
    size_t piece = std::min(bytes, sizeof block - filled);
    memcpy(block + filled, from, piece);
    filled += piece;
    from += piece;
    bytes -= piece;
  }
}

std::array<uint8_t, 32> Blake2b::finish() {
  total += filled;
  memset(block + filled, 0, sizeof block - filled);
  compress(true);
  std::array<uint8_t, 32> digest;
  memcpy(digest.data(), state, digest.size());
  return digest;
}

} // namespace cellgrad::program
