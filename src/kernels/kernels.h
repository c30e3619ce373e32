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

/* Plain dot products: out[4 i + j] = q[j] . x[i], j < 4, i < 2. They add in another order than the
 * metrics' kernels do, and are not settled: beyond the range of float they are infinite or NaN. */
void vs_dot_4x2(const float *const q[4], const float *const x[2], uint32_t n, float out[8]);

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

/* INT8 CODES. A vector v of `dim` components as v[i] ~ offset + scale * code[i],
 * with codes in -127..127, zeros up to n, a multiple of 16. The terms that
 * distances need besides the codes are kept with them:
 *   part  scale * sum of the codes          norm  scale^2 * sum of their squares
 * so that, d being dim and I the integer dot product of two records' codes,
 *   dot        q.offset (d x.offset + x.part) + x.offset q.part + q.scale x.scale I
 *   euclidean  a (d a + 2 (q.part - x.part)) + q.norm + x.norm - 2 q.scale x.scale I,
 *              a = q.offset - x.offset: large common offsets cancel before they are squared
 * are those of the rounded vectors. Multiplying scale, offset and part by a factor,
 * norm by its square, gives the record of the multiple. */
typedef struct {
  float scale, offset, part, norm;
  int8_t code[];
} vs_code;

/* Rounds v (16-byte aligned, finite). Constant vectors become exact: scale 0. */
void vs_code_encode(const float *v, uint32_t dim, uint32_t n, vs_code *out);
/* out[j] = -dot, or the squared L2 distance, of the rounded q and x[j], j < 4; never NaN.
 * With relaxed SIMD the query's codes are taken without their last bit. Records are 16-byte aligned. */
void vs_code_values(const vs_code *q, const vs_code *const x[4], uint32_t n, uint32_t dim, bool euclidean,
                    float out[4]);

/* 4-BIT CODES. A vector of m * width floats, m a multiple of 4 up to 128, is cut
 * into m pieces; each is represented by one of 16 centroids. Component t of
 * centroid k of piece j is codebook[(j * width + t) * 16 + k]. The codes of 32
 * vectors lie in two groups of 16; a group is m / 2 rows of 16 bytes, byte i of
 * row j holding vector i's codes of pieces 2j (low half) and 2j + 1. */
#define VS_CENTROIDS 16u
#define VS_MAX_PIECES 128u
#define VS_ROTATION_BLOCK 128u

typedef struct {
  float base, limit; /* set by the caller */
  float step, least; /* set by vs_tables: a product is least + step * (sum of table entries), about */
} vs_i4_scan;

/* Hadamard transform of each block of 128 floats, not scaled. n is a multiple of 128. */
void vs_hadamard(float *x, uint32_t n);
/* The tables of q's products with all centroids, 16 bytes of 6 bits for each piece. products: scratch, 16 m floats. */
void vs_tables(const float *q, const float *codebook, uint32_t m, uint32_t width, float *products, uint8_t *lut,
               vs_i4_scan *scan);
/* out[i] = base + add[i] - factor[i] * (q's product with vector i) for 32 vectors; bit i says that it is below limit.
 */
uint32_t vs_scan_32(const uint8_t *codes, const uint8_t *lut, uint32_t m, const float *add, const float *factor,
                    const vs_i4_scan *scan, float *out);
/* The centroids nearest to the pieces of x, one byte each. half_norms: half the squared length of each centroid. */
void vs_nearest(const float *x, const float *codebook, const float *half_norms, uint32_t m, uint32_t width,
                uint8_t *code);

/* 1-BIT CODES of vectors r of n floats, n a multiple of 128: the signs, bit i % 8 of byte i / 8 being set
 * where r[i] > 0. A query is r rounded to u[i] in -7..7 steps, as four planes of bits (code_b1.c). With
 * s[i] = +-1 as the bits say, sum s[i] u[i] is exact, and
 *   value = base + (add - factor * (step * sum s[i] u[i])), at least `least`
 * where the index chooses what add, factor and base are (index/binary.c). Every build gives the same bits. */
typedef struct {
  float add, factor;
  uint8_t bits[]; /* n / 8 */
} vs_code_b1;

#define VS_B1_PLANE_BYTES 128u /* of a query, for each 128 floats */
typedef struct {
  float base, step;
  int32_t sum; /* of all u */
  uint32_t unused;
  uint8_t plane[];
} vs_query_b1;

/* The bits of r, 16-byte aligned; |r| summed into add, its squares into factor. */
void vs_b1_encode(const float *r, uint32_t n, vs_code_b1 *out);
/* Planes, step and sum of a query; base is the caller's. The query is 16-byte aligned. */
void vs_b1_query(const float *r, uint32_t n, vs_query_b1 *out);
void vs_b1_values(const vs_query_b1 *q, const vs_code_b1 *const x[4], uint32_t n, float least, float out[4]);

/* PRODUCT CODES. A vector of m * width floats is cut into m pieces, each represented by one of 256
 * centroids; component t of centroid k of piece j is codebook[(j * width + t) * 256 + k], table entries of
 * piece j are at j * 256. Every build gives the same bits. All floats are 16-byte aligned. */
#define VS_PQ_CENTROIDS 256u

/* The products of all pieces of x with all their centroids. */
void vs_pq_products(const float *x, const float *codebook, uint32_t m, uint32_t width, float *products);
/* The centroids nearest to the pieces that gave the products, the first of equal ones. */
void vs_pq_nearest(const float *products, const float *half_norms, uint32_t m, uint8_t *code);
/* out[i] = the sum of the entries that code[i] names, i < 4. */
void vs_pq_sums(const float *table, const uint8_t *const code[4], uint32_t m, float out[4]);

/* Runs every kernel of this build on fixed inputs against the known answers;
 * 0 = all right, else 1 + the number of the failing case. The loader calls it
 * on the relaxed module before trusting it. */
int vs_kernels_selftest(void);

#endif
