/* What a careful person would write by hand for the cases "tiny" and "chain": one pass over memory, 16 lanes, OpenMP. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern "C" {

typedef float v16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i16 __attribute__((vector_size(64), aligned(4)));

static inline v16 load(const float *p) { v16 v; memcpy(&v, p, 64); return v; }
static inline void store(float *p, v16 v) { memcpy(p, &v, 64); }

/* exp by 2^n * p(r), |r| <= ln2/2; relative error below 2e-7 on [-87, 88]. */
static inline v16 vexp(v16 x) {
  v16 lo = {0}, hi = {0};
  lo -= 87.0f, hi += 88.0f;
  x = x < lo ? lo : x;
  x = x > hi ? hi : x;
  v16 t = x * 1.44269504f + 12582912.0f; /* round to nearest by the mantissa's end */
  v16 n = t - 12582912.0f;
  v16 r = x - n * 0.693145752f - n * 1.42860677e-6f;
  v16 p = r * 1.98756915e-4f + 1.39819995e-3f;
  p = p * r + 8.33345190e-3f;
  p = p * r + 4.16657960e-2f;
  p = p * r + 1.66666657e-1f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  i16 e = (__builtin_convertvector(n, i16) + 127) << 23;
  v16 scale;
  memcpy(&scale, &e, 64);
  return p * scale;
}

/* value = sum(sigmoid(x y) exp(-x x / 2) + tanh(y) x); dx and dy are its gradients. n is a multiple of 16. */
double chain(const float *x, const float *y, float *dx, float *dy, int64_t n) {
  double total = 0;
#pragma omp parallel for schedule(static) reduction(+ : total)
  for (int64_t block = 0; block < n; block += 4096) {
    int64_t end = block + 4096 < n ? block + 4096 : n;
    v16 sum = {0};
    for (int64_t i = block; i < end; i += 16) {
      v16 a = load(x + i), b = load(y + i);
      v16 s = 1.0f / (1.0f + vexp(-(a * b)));
      v16 g = vexp(-0.5f * a * a);
      v16 h = 1.0f - 2.0f / (vexp(2.0f * b) + 1.0f);
      sum += s * g + h * a;
      v16 ds = g * s * (1.0f - s);
      store(dx + i, ds * b - s * g * a + h);
      store(dy + i, ds * a + (1.0f - h * h) * a);
    }
    for (int k = 0; k < 16; ++k)
      total += sum[k];
  }
  return total;
}

void tiny(const float *x, const float *y, const float *z, float *v, float *dy, float *dz) {
  for (int i = 0; i < 2; ++i) {
    float e = __builtin_expf(y[i]);
    v[i] = x[i] * e * z[i] * z[i];
    dy[i] = v[i];
    dz[i] = x[i] * e * 2 * z[i];
  }
}

/* Each thread copies its part: the rate at which this machine moves memory. */
void copy(const float *from, float *to, int64_t n) {
#pragma omp parallel for schedule(static)
  for (int64_t block = 0; block < n; block += 65536)
    memcpy(to + block, from + block, 4 * (size_t)(block + 65536 < n ? 65536 : n - block));
}

/* Many independent multiply-adds: what the cores can do at most, in operations. */
double peak(int64_t rounds) {
  double result = 0;
#pragma omp parallel reduction(+ : result)
  {
    v16 acc[12], a = {0}, b = {0};
    a += 0.999f, b += 0.001f;
    for (int k = 0; k < 12; ++k)
      acc[k] = a + (float)k;
    for (int64_t i = 0; i < rounds; ++i)
      for (int k = 0; k < 12; ++k)
        acc[k] = acc[k] * a + b;
    for (int k = 0; k < 12; ++k)
      result += acc[k][0];
  }
  return result;
}
}
