/* pq.c - product quantization: the codes' model and arithmetic.
 *
 * Layer: index (L2), internal; knows no graph. Jegou, Douze and Schmid, PAMI
 * 2011. A vector, padded to m * width floats, is cut into m pieces, each
 * represented by one of up to 256 centroids of its own codebook, which k-means
 * finds on a sample. With `residual` the whole vector is first represented by
 * one of 256 coarse centroids, and the pieces are those of what is left.
 *
 * x^ being what a record represents, values are those of x^ (lower = nearer):
 *   euclidean   |q|^2 + |x^|^2 - 2 <q, x^>      cosine, dot   -<q, x^>
 * <q, x^> is a sum of one table entry for each piece, and with residual one
 * more for the coarse centroid. Without, |x^|^2 is a sum of such entries too
 * and is in the tables; with, it is not, and is kept in the record.
 *
 * A RECORD: with residual, float |x^|^2 (0 for dot products) and the coarse
 * centroid; then m centroids, one byte each; up to a multiple of 4.
 *
 * COST. Tables of a query and the code of a vector: 256 products for each
 * component, twice that with residual. A value: m additions.
 */
#include "coder.h"
#include "kmeans.h"

#include <math.h>
#include <string.h>

#define CENTROIDS VS_PQ_CENTROIDS
#define ROUNDS 10u
/* Where nothing else is asked for pieces have so many floats, or fewer that there are so many pieces: fewer lose too
 * much of vectors of few dimensions. */
#define WIDTH 8u
#define LEAST_PIECES 48u
/* Points between two looks at the budget. */
#define AT_ONCE 64u

typedef struct {
  vs_coder base;
  uint32_t m, width, n; /* n = m * width */
  uint32_t k;           /* centroids of a codebook */
  uint32_t n_tables;    /* m, and one before them with residual */
  uint32_t at_codes;    /* where these begin in a record */
  float *coarse;        /* 256 n; NULL without residual */
  float *codebook;      /* 256 n */
  float *half_norms;    /* 256 for each table, the coarse ones first */
  float *products;      /* as many: scratch */
  float *table;         /* as many: of the query */
  float *x;             /* n: scratch */
  float offset;         /* |q|^2 for euclidean */
  /* While training. */
  vs_kmeans kmeans;
  float *points;   /* of the piece, or of whole vectors */
  uint32_t n_done; /* tables done */
  bool begun;
} pq;

static uint32_t has_coarse(const pq *p) { return p->n_tables - p->m; }

static void end_training(pq *p) {
  vs_free(p->base.a, p->points);
  p->points = NULL;
  if (p->kmeans.sum) vs_kmeans_deinit(&p->kmeans, p->base.a);
}

static void destroy(vs_coder *c) {
  pq *p = (pq *)c;
  vs_alloc *a = c->a;
  end_training(p);
  vs_free(a, p->coarse);
  vs_free(a, p->codebook);
  vs_free(a, p->half_norms);
  vs_free(a, p->products);
  vs_free(a, p->table);
  vs_free(a, p->x);
  vs_free(a, p);
}

static size_t bytes(const vs_coder *c) {
  const pq *p = (const pq *)c;
  size_t floats = CENTROIDS * (size_t)(p->n * (1 + has_coarse(p)) + 3 * p->n_tables) + p->n;
  return sizeof *p + floats * sizeof(float);
}

/* -- Coding ------------------------------------------------------------ */

static float *piece_norms(const pq *p) { return p->half_norms + (size_t)has_coarse(p) * CENTROIDS; }

/* Takes the coarse centroid nearest to p->x off it; gives its number. */
static uint8_t take_coarse(pq *p) {
  uint8_t coarse;
  vs_pq_products(p->x, p->coarse, 1, p->n, p->products);
  vs_pq_nearest(p->products, p->half_norms, 1, &coarse);
  for (uint32_t i = 0; i < p->n; i++) p->x[i] -= p->coarse[(size_t)i * CENTROIDS + coarse];
  return coarse;
}

/* |x^|^2 of a record with a coarse centroid. */
static float represented(const pq *p, uint8_t coarse, const uint8_t *code) {
  double square = 0;
  for (uint32_t i = 0; i < p->n; i++) {
    float v = p->coarse[(size_t)i * CENTROIDS + coarse] + p->codebook[(size_t)i * CENTROIDS + code[i / p->width]];
    square += (double)v * (double)v;
  }
  return (float)square;
}

static void encode(vs_coder *c, const float *x, float scale, void *record) {
  pq *p = (pq *)c;
  uint8_t *out = record, *code = out + p->at_codes;
  for (uint32_t i = 0; i < c->dim; i++) p->x[i] = x[i] * scale;
  for (uint32_t i = c->dim; i < p->n; i++) p->x[i] = 0;
  uint8_t coarse = has_coarse(p) ? take_coarse(p) : 0;
  vs_pq_products(p->x, p->codebook, p->m, p->width, p->products);
  vs_pq_nearest(p->products, piece_norms(p), p->m, code);
  for (uint32_t i = p->at_codes + p->m; i < c->record_bytes; i++) out[i] = 0;
  if (!has_coarse(p)) return;
  float square = c->metric == VS_EUCLIDEAN ? represented(p, coarse, code) : 0;
  memcpy(out, &square, sizeof square);
  out[sizeof square] = coarse;
}

static void ask(vs_coder *c, const float *q) {
  pq *p = (pq *)c;
  bool euclidean = c->metric == VS_EUCLIDEAN;
  float factor = euclidean ? 2 : 1, norms = euclidean && !has_coarse(p) ? 2 : 0;
  double square = 0;
  for (uint32_t i = 0; i < p->n; i++) {
    p->x[i] = i < c->dim ? q[i] : 0;
    square += (double)p->x[i] * (double)p->x[i];
  }
  if (has_coarse(p)) vs_pq_products(p->x, p->coarse, 1, p->n, p->table);
  vs_pq_products(p->x, p->codebook, p->m, p->width, p->table + (size_t)has_coarse(p) * CENTROIDS);
  for (size_t i = 0; i < (size_t)p->n_tables * CENTROIDS; i++) {
    float norm = norms > 0 && p->half_norms[i] < INFINITY ? norms * p->half_norms[i] : 0;
    p->table[i] = norm - factor * p->table[i];
  }
  p->offset = euclidean ? (float)square : 0;
}

static void values(const vs_coder *c, const void *const record[4], float out[4]) {
  const pq *p = (const pq *)c;
  const uint8_t *code[4];
  uint32_t first = p->at_codes - has_coarse(p);
  for (int i = 0; i < 4; i++) code[i] = (const uint8_t *)record[i] + first;
  vs_pq_sums(p->table, code, p->n_tables, out);
  for (int i = 0; i < 4; i++) {
    float square = 0;
    if (has_coarse(p)) memcpy(&square, record[i], sizeof square);
    float value = out[i] + (p->offset + square);
    if (c->metric == VS_EUCLIDEAN && value < 0) value = 0;
    out[i] = value == value ? value : INFINITY;
  }
}

/* -- Training ---------------------------------------------------------- */

/* The points of the next table: whole vectors for the coarse one, else a piece of each (of what is left). */
static void gather(pq *p, const vs_sample *sample) {
  bool whole = p->n_done < has_coarse(p);
  uint32_t piece = p->n_done - has_coarse(p), width = whole ? p->n : p->width;
  for (uint32_t i = 0; i < sample->n; i++) {
    vs_sample_copy(sample, i, p->x, p->n);
    if (!whole && has_coarse(p)) take_coarse(p);
    memcpy(p->points + (size_t)i * width, p->x + (whole ? 0 : (size_t)piece * width), width * sizeof(float));
  }
  vs_kmeans *m = &p->kmeans;
  m->width = m->stride = width;
  m->k = p->k;
  m->n = sample->n;
  m->n_rounds = ROUNDS;
  m->point = p->points;
  m->codebook = whole ? p->coarse : p->codebook + (size_t)piece * width * CENTROIDS;
  m->half_norms = p->half_norms + (size_t)p->n_done * CENTROIDS;
  m->seed = sample->seed + p->n_done;
  vs_kmeans_begin(m);
}

static vs_status begin_training(pq *p, const vs_sample *sample) {
  uint32_t width = has_coarse(p) ? p->n : p->width;
  p->points = vs_malloc(p->base.a, (size_t)sample->n * width * sizeof(float));
  if (p->points && vs_kmeans_init(&p->kmeans, p->base.a, width) == VS_OK) return VS_OK;
  end_training(p);
  return VS_OUT_OF_MEMORY;
}

static vs_status train(vs_coder *c, const vs_sample *sample, double *budget, bool *done) {
  pq *p = (pq *)c;
  if (!p->points) VS_TRY(begin_training(p, sample));
  while (p->n_done < p->n_tables && *budget > 0) {
    if (!p->begun) {
      gather(p, sample);
      *budget -= sample->n;
    }
    p->begun = true;
    /* A distance is about as many operations as a point has here with all centroids of one component. */
    *budget -= (double)AT_ONCE * CENTROIDS * p->kmeans.width / c->dim;
    if (!vs_kmeans_some(&p->kmeans, AT_ONCE)) continue;
    p->begun = false;
    p->n_done++;
  }
  *done = p->n_done == p->n_tables;
  if (*done) end_training(p);
  return VS_OK;
}

/* -- The model's bytes: the coarse codebook if there is one, then the others; k of 256 centroids ------- */

static void write_book(const pq *p, const float *book, vs_wr *out) {
  for (uint32_t i = 0; i < p->n; i++) vs_wr_bytes(out, book + (size_t)i * CENTROIDS, p->k * sizeof(float));
}

static void write(const vs_coder *c, vs_wr *out) {
  const pq *p = (const pq *)c;
  if (has_coarse(p)) write_book(p, p->coarse, out);
  write_book(p, p->codebook, out);
}

static bool read_book(const pq *p, float *book, vs_rd *in) {
  const uint8_t *from = vs_rd_bytes(in, (size_t)p->n * p->k * sizeof(float));
  if (in->failed) return false;
  for (uint32_t i = 0; i < p->n; i++) {
    float *row = book + (size_t)i * CENTROIDS;
    memcpy(row, from + (size_t)i * p->k * sizeof(float), p->k * sizeof(float));
    for (uint32_t k = 0; k < p->k; k++)
      if (!isfinite(row[k])) return false;
  }
  return true;
}

static bool read(vs_coder *c, vs_rd *in) {
  pq *p = (pq *)c;
  if (has_coarse(p) && !read_book(p, p->coarse, in)) return false;
  if (!read_book(p, p->codebook, in) || vs_rd_left(in) > 0) return false;
  if (has_coarse(p)) vs_kmeans_half_norms(p->coarse, p->n, p->k, p->half_norms);
  for (uint32_t j = 0; j < p->m; j++) {
    const float *book = p->codebook + (size_t)j * p->width * CENTROIDS;
    vs_kmeans_half_norms(book, p->width, p->k, piece_norms(p) + (size_t)j * CENTROIDS);
  }
  return true;
}

/* -- Life -------------------------------------------------------------- */

static const vs_coder_class class = {.kind = VS_QUANTIZE_PQ,
                                     .late = 16,
                                     .code_cost = 300,
                                     .train = train,
                                     .encode = encode,
                                     .ask = ask,
                                     .values = values,
                                     .write = write,
                                     .read = read,
                                     .bytes = bytes,
                                     .destroy = destroy};

static void shape(pq *p, uint32_t dim, const vs_quantization_options *o) {
  uint32_t usual = (dim + WIDTH - 1) / WIDTH, m = o->subvectors;
  if (!m) m = usual > LEAST_PIECES ? usual : dim / 2 < LEAST_PIECES ? (dim + 1) / 2 : LEAST_PIECES;
  if (m > dim) m = dim;
  p->width = (dim + m - 1) / m;
  p->m = (dim + p->width - 1) / p->width;
  p->n = p->m * p->width;
  p->k = o->centroids ? o->centroids : CENTROIDS;
  p->n_tables = p->m + (o->residual ? 1 : 0);
  p->at_codes = o->residual ? (uint32_t)sizeof(float) + 1 : 0;
}

vs_status vs_pq_create(vs_alloc *a, vs_metric metric, uint32_t dim, const vs_quantization_options *options,
                       vs_coder **out) {
  pq *p = vs_calloc(a, 1, sizeof(*p));
  if (!p) return VS_OUT_OF_MEMORY;
  p->base = (vs_coder){.cls = &class, .a = a, .metric = metric, .dim = dim, .options = *options};
  shape(p, dim, options);
  p->base.record_bytes = (p->at_codes + p->m + 3) & ~3u;
  size_t book = CENTROIDS * (size_t)p->n, tables = CENTROIDS * (size_t)p->n_tables;
  if (options->residual) p->coarse = vs_calloc(a, book, sizeof(float));
  p->codebook = vs_calloc(a, book, sizeof(float));
  p->half_norms = vs_calloc(a, tables, sizeof(float));
  p->products = vs_malloc(a, tables * sizeof(float));
  p->table = vs_calloc(a, tables, sizeof(float));
  p->x = vs_calloc(a, p->n, sizeof(float));
  bool model = (p->coarse || !options->residual) && p->codebook && p->half_norms;
  if (!model || !p->products || !p->table || !p->x) {
    destroy(&p->base);
    return VS_OUT_OF_MEMORY;
  }
  *out = &p->base;
  return VS_OK;
}
