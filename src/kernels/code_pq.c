/* code_pq.c - product quantization: the tables of a query, the sums over them, the nearest centroids.
 *
 * Layer: kernels (L1), part of the kernel module in WASM: no data, no stack.
 * Specified in kernels.h (PRODUCT CODES); Jegou, Douze and Schmid, "Product
 * quantization for nearest neighbor search", PAMI 2011. A table is 256 products
 * of one piece, computed four centroids at a time: 256 n multiplications for a
 * query, m additions for a record. Products and sums are in one order and never
 * fused, so that every build gives the same bits and so chooses the same codes.
 */
#include "kernels_f32.h"
#include "lanes.h"

#define CENTROIDS VS_PQ_CENTROIDS

#if defined(__wasm_simd128__)
static inline lanes times(lanes a, lanes b) { return wasm_f32x4_mul(a, b); }
static inline void store(float *p, lanes v) { wasm_v128_store(p, v); }
#else
static inline lanes times(lanes a, lanes b) { return a * b; }
static inline void store(float *p, lanes v) { *(lanes *)(void *)p = v; }
#endif

/* The products of one piece with 16 centroids. */
static inline void products_16(const float *x, const float *codebook, uint32_t width, float *out) {
  lanes a = lanes_all(0), b = a, c = a, d = a;
  for (uint32_t t = 0; t < width; t++, codebook += CENTROIDS) {
    lanes component = lanes_all(x[t]);
    a = lanes_add(a, times(component, lanes_load(codebook)));
    b = lanes_add(b, times(component, lanes_load(codebook + 4)));
    c = lanes_add(c, times(component, lanes_load(codebook + 8)));
    d = lanes_add(d, times(component, lanes_load(codebook + 12)));
  }
  store(out, a);
  store(out + 4, b);
  store(out + 8, c);
  store(out + 12, d);
}

void vs_k_pq_products(const float *x, const float *codebook, uint32_t m, uint32_t width, float *products) {
  for (uint32_t j = 0; j < m; j++) {
    const float *piece = x + (size_t)j * width, *book = codebook + (size_t)j * width * CENTROIDS;
    for (uint32_t k = 0; k < CENTROIDS; k += 16) products_16(piece, book + k, width, products + j * CENTROIDS + k);
  }
}

void vs_k_pq_nearest(const float *products, const float *half_norms, uint32_t m, uint8_t *code) {
  for (uint32_t j = 0; j < m; j++, products += CENTROIDS, half_norms += CENTROIDS) {
    float best = half_norms[0] - products[0];
    uint32_t nearest = 0;
    for (uint32_t k = 1; k < CENTROIDS; k++) {
      float value = half_norms[k] - products[k];
      nearest = value < best ? k : nearest;
      best = value < best ? value : best;
    }
    code[j] = (uint8_t)nearest;
  }
}

void vs_k_pq_sums(const float *table, const uint8_t *const code[4], uint32_t m, float out[4]) {
  const uint8_t *x0 = code[0], *x1 = code[1], *x2 = code[2], *x3 = code[3];
  float a = 0, b = 0, c = 0, d = 0;
  for (uint32_t j = 0; j < m; j++, table += CENTROIDS) {
    a += table[x0[j]];
    b += table[x1[j]];
    c += table[x2[j]];
    d += table[x3[j]];
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}
