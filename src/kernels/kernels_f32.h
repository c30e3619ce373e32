/* kernels_f32.h - the list of vector kernels and where each build finds them.
 *
 * Layer: kernels, private to it.
 * One line per operation declares its two shapes: vs_k_<op>_f32 (one distance)
 * and vs_k_<op>_f32x4 (four against one query). Cosine has no line of its own:
 * it is the dot product, and the index multiplies by the inverse norms.
 *
 * WHERE THE CODE IS. The same names mean three things:
 *   native            ordinary functions, linked from dist_f32_simd.c
 *   VS_KERNEL_MODULE  exports of the kernel module (the same file, for WASM)
 *   WASM engine       imports from module "kernels"; wasm-merge joins the two,
 *                     so that the shipped file has neither import nor call
 *                     across modules (wasm/README.md)
 */
#ifndef VS_KERNELS_F32_H
#define VS_KERNELS_F32_H

#include "kernels.h"

#if defined(VS_KERNEL_MODULE)
#define VS_KERNEL(name) __attribute__((export_name(#name)))
#elif defined(__wasm__)
#define VS_KERNEL(name) __attribute__((import_module("kernels"), import_name(#name)))
#else
#define VS_KERNEL(name)
#endif

#define VS_KERNEL_OPS(X)                                                                                               \
  X(dot)                                                                                                               \
  X(euclidean)                                                                                                         \
  X(manhattan)                                                                                                         \
  X(hamming)                                                                                                           \
  X(jaccard)                                                                                                           \
  X(chebyshev)                                                                                                         \
  X(canberra)                                                                                                          \
  X(braycurtis)

#define VS_DECLARE_KERNEL(op)                                                                                          \
  VS_KERNEL(vs_k_##op##_f32) float vs_k_##op##_f32(const float *a, const float *b, uint32_t n);                        \
  VS_KERNEL(vs_k_##op##_f32x4)                                                                                         \
  void vs_k_##op##_f32x4(const float *q, const float *const x[4], uint32_t n, float out[4]);
VS_KERNEL_OPS(VS_DECLARE_KERNEL)
#undef VS_DECLARE_KERNEL

VS_KERNEL(vs_k_dot_4x2) void vs_k_dot_4x2(const float *const q[4], const float *const x[2], uint32_t n, float *out);
VS_KERNEL(vs_k_dot_i8_i7) int32_t vs_k_dot_i8_i7(const int8_t *a, const int8_t *b, uint32_t n);
VS_KERNEL(vs_k_code_encode) void vs_k_code_encode(const float *v, uint32_t dim, uint32_t n, vs_code *out);
VS_KERNEL(vs_k_code_x4)
void vs_k_code_x4(const vs_code *q, const vs_code *const x[4], uint32_t n, uint32_t dim, uint32_t euclidean,
                  float out[4]);
VS_KERNEL(vs_k_hadamard) void vs_k_hadamard(float *x, uint32_t n);
VS_KERNEL(vs_k_tables)
void vs_k_tables(const float *q, const float *codebook, uint32_t m, uint32_t width, float *products, uint8_t *lut,
                 vs_i4_scan *scan);
VS_KERNEL(vs_k_scan_32)
uint32_t vs_k_scan_32(const uint8_t *codes, const uint8_t *lut, uint32_t m, const float *add, const float *factor,
                      const vs_i4_scan *scan, float *out);
VS_KERNEL(vs_k_nearest)
void vs_k_nearest(const float *x, const float *codebook, const float *half_norms, uint32_t m, uint32_t width,
                  uint8_t *code);
VS_KERNEL(vs_k_b1_encode) void vs_k_b1_encode(const float *r, uint32_t n, vs_code_b1 *out);
VS_KERNEL(vs_k_b1_query) void vs_k_b1_query(const float *r, uint32_t n, vs_query_b1 *out);
VS_KERNEL(vs_k_b1_values)
void vs_k_b1_values(const vs_query_b1 *q, const vs_code_b1 *const x[4], uint32_t n, float least, float out[4]);
VS_KERNEL(vs_k_pq_products)
void vs_k_pq_products(const float *x, const float *codebook, uint32_t m, uint32_t width, float *products);
VS_KERNEL(vs_k_pq_nearest)
void vs_k_pq_nearest(const float *products, const float *half_norms, uint32_t m, uint8_t *code);
VS_KERNEL(vs_k_pq_sums)
void vs_k_pq_sums(const float *table, const uint8_t *const code[4], uint32_t m, float out[4]);

#endif
