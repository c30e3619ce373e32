/* binary.c - one bit per dimension: the codes' model and arithmetic.
 *
 * Layer: index (L2), internal; knows no graph. After Gao and Long, "RaBitQ",
 * SIGMOD 2024. c is the mean of the vectors, r the rotated x - c, s its signs,
 * p the rotated q - c. With f = |r|^2 / sum |r[i]| the vector f s has r's
 * product with r itself, so f <s, p> estimates <r, p> without bias for p
 * along r. In the values of the space (lower = nearer):
 *   euclidean   |q - x|^2 = |p|^2 + |r|^2 - 2 <r, p>       base |p|^2      add |r|^2     factor 2 f
 *   cosine, dot -<q, x> = -<q, c> - <c, x - c> - <r, p>     base -<q, c>    add -<c, x-c> factor f
 * The query's p is rounded to 15 steps (kernels/code_b1.c), an error of a fifth
 * of that of the bits, as after rotation no component stands out.
 *
 * Around the mean the products are small, and so are their errors: vectors
 * with a large common part, as embeddings have, lose nothing by it.
 *
 * COST. A code takes a rotation, about 2 us at 384 dimensions. A record has
 * 8 bytes and one bit for each dimension, rounded up to 128.
 */
#include "coder.h"
#include "rotation.h"

#include <math.h>
#include <string.h>

typedef struct {
  vs_coder base;
  vs_rotation rotation;
  float *mean;    /* n floats, zeros from dim on */
  float *x, *r;   /* n floats each: scratch */
  double *sum;    /* while training: dim */
  uint32_t n_sum; /* vectors in it */
  vs_query_b1 *query;
} binary;

static size_t query_bytes(uint32_t n) { return sizeof(vs_query_b1) + n / VS_ROTATION_BLOCK * VS_B1_PLANE_BYTES; }

static void destroy(vs_coder *c) {
  binary *b = (binary *)c;
  vs_alloc *a = c->a;
  vs_rotation_deinit(&b->rotation, a);
  vs_free(a, b->mean);
  vs_free(a, b->x);
  vs_free(a, b->r);
  vs_free(a, b->sum);
  vs_free(a, b->query);
  vs_free(a, b);
}

static size_t bytes(const vs_coder *c) {
  const binary *b = (const binary *)c;
  return sizeof *b + 5 * (size_t)b->rotation.n * sizeof(float) + query_bytes(b->rotation.n) +
         (b->sum ? c->dim * sizeof(double) : 0);
}

static vs_status train(vs_coder *c, const vs_sample *sample, double *budget, bool *done) {
  binary *b = (binary *)c;
  if (!b->sum && !(b->sum = vs_calloc(c->a, c->dim, sizeof(double)))) return VS_OUT_OF_MEMORY;
  for (; b->n_sum < sample->n && *budget > 0; *budget -= 1) {
    vs_sample_copy(sample, b->n_sum++, b->x, c->dim);
    for (uint32_t i = 0; i < c->dim; i++) b->sum[i] += (double)b->x[i];
  }
  *done = b->n_sum == sample->n;
  if (!*done) return VS_OK;
  for (uint32_t i = 0; i < c->dim; i++) b->mean[i] = (float)(b->sum[i] / (double)b->n_sum);
  vs_free(c->a, b->sum);
  b->sum = NULL;
  return VS_OK;
}

/* The rotated x * scale - mean into b->r; gives its product with the mean. */
static float residual(binary *b, const float *x, float scale) {
  uint32_t dim = b->base.dim, n = b->rotation.n;
  double along = 0;
  for (uint32_t i = 0; i < dim; i++) {
    float d = x[i] * scale - b->mean[i];
    b->x[i] = d;
    along += (double)d * (double)b->mean[i];
  }
  for (uint32_t i = dim; i < n; i++) b->x[i] = 0;
  vs_rotate(&b->rotation, b->x, b->r);
  return (float)along;
}

static void encode(vs_coder *c, const float *x, float scale, void *record) {
  binary *b = (binary *)c;
  vs_code_b1 *out = record;
  float along = residual(b, x, scale);
  vs_b1_encode(b->r, b->rotation.n, out);
  float square = out->factor, factor = out->add > 0 ? square / out->add : 0;
  bool euclidean = c->metric == VS_EUCLIDEAN;
  out->add = euclidean ? square : -along;
  out->factor = euclidean ? 2 * factor : factor;
}

static void ask(vs_coder *c, const float *q) {
  binary *b = (binary *)c;
  float along = residual(b, q, 1);
  vs_b1_query(b->r, b->rotation.n, b->query);
  double square = 0;
  const float *v = c->metric == VS_EUCLIDEAN ? b->r : b->mean;
  for (uint32_t i = 0; i < b->rotation.n; i++) square += (double)v[i] * (double)v[i];
  b->query->base = c->metric == VS_EUCLIDEAN ? (float)square : -along - (float)square;
}

static void values(const vs_coder *c, const void *const record[4], float out[4]) {
  const binary *b = (const binary *)c;
  float least = c->metric == VS_EUCLIDEAN ? 0 : -INFINITY;
  vs_b1_values(b->query, (const vs_code_b1 *const *)record, b->rotation.n, least, out);
  for (int i = 0; i < 4; i++) out[i] = out[i] == out[i] ? out[i] : INFINITY;
}

static void write(const vs_coder *c, vs_wr *out) {
  vs_wr_bytes(out, ((const binary *)c)->mean, c->dim * sizeof(float));
}

static bool read(vs_coder *c, vs_rd *in) {
  binary *b = (binary *)c;
  const uint8_t *mean = vs_rd_bytes(in, c->dim * sizeof(float));
  if (in->failed || vs_rd_left(in) > 0) return false;
  memcpy(b->mean, mean, c->dim * sizeof(float));
  for (uint32_t i = 0; i < c->dim; i++)
    if (!isfinite(b->mean[i])) return false;
  return true;
}

static const vs_coder_class class = {.kind = VS_QUANTIZE_BINARY,
                                     .late = 128,
                                     .code_cost = 40,
                                     .train = train,
                                     .encode = encode,
                                     .ask = ask,
                                     .values = values,
                                     .write = write,
                                     .read = read,
                                     .bytes = bytes,
                                     .destroy = destroy};

vs_status vs_binary_create(vs_alloc *a, vs_metric metric, uint32_t dim, vs_coder **out) {
  binary *b = vs_calloc(a, 1, sizeof(*b));
  if (!b) return VS_OUT_OF_MEMORY;
  b->base = (vs_coder){.cls = &class, .a = a, .metric = metric, .dim = dim};
  vs_status status = vs_rotation_init(&b->rotation, a, dim);
  size_t n = b->rotation.n;
  b->base.record_bytes = (uint32_t)(sizeof(vs_code_b1) + n / 8);
  b->mean = vs_calloc(a, n, sizeof(float));
  b->x = vs_malloc(a, n * sizeof(float));
  b->r = vs_malloc(a, n * sizeof(float));
  b->query = vs_calloc(a, 1, query_bytes((uint32_t)n));
  if (status != VS_OK || !b->mean || !b->x || !b->r || !b->query) {
    destroy(&b->base);
    return VS_OUT_OF_MEMORY;
  }
  *out = &b->base;
  return VS_OK;
}
