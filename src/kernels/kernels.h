/* kernels.h - distance functions on arrays, one table entry per metric.
 *
 * Layer: kernels (L1). Pure functions: no memory, no tables, no state; in
 * WASM they are compiled into a module of their own, once for SIMD128 and
 * once with relaxed SIMD, and merged into the linked engine (wasm/README.md).
 *
 * SHAPES. Vectors are float32, 16-byte aligned, padded with zeros to a
 * multiple of 4 floats; `n` is the padded length. One distance, or four at
 * once against one query (1x4), which shares the loads of the query.
 *
 * VALUES are "lower = nearer" orders, cheaper than the public distance; the
 * index adds what is missing (see vs_metric_distance):
 *   cosine     -dot           (index multiplies by the inverse norms)
 *   dot        -dot
 *   euclidean  squared L2
 *   manhattan  sum |a-b|
 *   chebyshev  max |a-b|
 *   canberra   sum |a-b| / (|a|+|b|), 0/0 = 0
 *   braycurtis sum |a-b| / sum |a+b|, 0/0 = 0
 *   hamming    number of i with (a>0.5) != (b>0.5)
 *   jaccard    1 - |A and B| / |A or B| of non-zero components, both empty = 0
 * The scalar versions are the specification: sums in double, one at a time.
 * SIMD results agree within 1e-6 * sqrt(n) of the sum of the terms' sizes,
 * exactly for hamming and jaccard counts, as long as no intermediate leaves the
 * range of float; a sum that does is +-inf, and where it would be NaN, +inf. So
 * no value is ever NaN and values are totally ordered.
 */
#ifndef VS_KERNELS_H
#define VS_KERNELS_H

#include "../base/vs_base.h"

typedef enum {
  VS_COSINE = 0,
  VS_EUCLIDEAN = 1,
  VS_DOT = 2,
  VS_MANHATTAN = 3,
  VS_HAMMING = 4,
  VS_JACCARD = 5,
  VS_CHEBYSHEV = 6,
  VS_CANBERRA = 7,
  VS_BRAYCURTIS = 8,
  VS_METRIC_COUNT
} vs_metric;

typedef float (*vs_dist_f32_fn)(const float *a, const float *b, uint32_t n);
/* out[j] = d(q, x[j]) for j < 4. */
typedef void (*vs_dist_f32_x4_fn)(const float *q, const float *const x[4], uint32_t n, float out[4]);

typedef struct {
  vs_dist_f32_fn one;
  vs_dist_f32_x4_fn four;
} vs_kernel_f32;

/* The fastest implementation this build has; looked up once per index. */
vs_kernel_f32 vs_kernel_f32_for(vs_metric metric);
/* The scalar specification: what tests compare the others with. */
vs_kernel_f32 vs_kernel_f32_scalar(vs_metric metric);

/* "cosine", ... as in the JavaScript API; NULL / VS_METRIC_COUNT when unknown. */
const char *vs_metric_name(vs_metric metric);
vs_metric vs_metric_parse(const char *name, size_t n);

/* From the kernel's value to the public distance, and from that to the public
 * score (higher = better): cosine d = 1 + v, score = 1 - d; dot d = v, score = -d;
 * euclidean d = sqrt(v); euclidean, manhattan, chebyshev, canberra, hamming
 * score = 1 / (1 + d); jaccard, braycurtis score = 1 - d. */
float vs_metric_distance(vs_metric metric, float value);
float vs_metric_score(vs_metric metric, float distance);

/* Exact int8 dot product sum a[i] * b[i], n a multiple of 16, b in 0..127:
 * the operation whose relaxed form some engines compute wrongly. */
int32_t vs_dot_i8_i7(const int8_t *a, const int8_t *b, uint32_t n);

/* Runs every kernel of this build on fixed inputs against the known answers;
 * 0 = all right, else 1 + the number of the failing case. The loader calls it
 * on the relaxed module before trusting it. */
int vs_kernels_selftest(void);

#endif
