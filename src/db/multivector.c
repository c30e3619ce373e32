/* multivector.c - MaxSim over the token vectors of records (see multivector.h).
 *
 * Layer: db. O(query tokens * record tokens * dimension) for each record. A record's tokens lie unaligned and perhaps
 * as 8-bit codes; four at a time become rows that the kernels take. The sum is made in double, in the order of the
 * query's tokens.
 */
#include "multivector.h"

#include <math.h>
#include <string.h>

#include "extra.h"

typedef struct {
  vs_kernel_f32 kernel;
  float *query, *rows, *best; /* query: n rows of `stride` floats; rows: 4 of them; best: n */
  uint32_t n, dim, stride;
} scorer;

static void read_row(const vs_tokens_view *t, uint32_t i, float *out) {
  size_t at = (size_t)i * t->dim;
  for (uint32_t j = 0; j < t->dim; j++)
    out[j] = t->scale ? vs_load_f32(t->scale + (size_t)i * 4) * (float)(int8_t)t->data[at + j]
                      : vs_load_f32(t->data + (at + j) * 4);
}

static double score_of(scorer *s, const vs_tokens_view *t) {
  double sum = 0;
  for (uint32_t i = 0; i < s->n; i++) s->best[i] = -INFINITY;
  for (uint32_t from = 0; from < t->n; from += 4) {
    const float *row[4];
    float value[4];
    uint32_t n = t->n - from < 4 ? t->n - from : 4;
    for (uint32_t j = 0; j < 4; j++) {
      row[j] = s->rows + (size_t)j * s->stride;
      /* What fills up a group is its last row once more, which changes no maximum. */
      read_row(t, from + (j < n ? j : n - 1), s->rows + (size_t)j * s->stride);
    }
    for (uint32_t i = 0; i < s->n; i++) {
      s->kernel.four(s->query + (size_t)i * s->stride, row, s->stride, value);
      for (uint32_t j = 0; j < 4; j++)
        if (-value[j] > s->best[i]) s->best[i] = -value[j];
    }
  }
  for (uint32_t i = 0; i < s->n; i++) sum += (double)s->best[i];
  return sum;
}

static vs_status score_all(vs_db_state *db, scorer *s, vs_maxsim_item *item, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    const vs_body *b = vs_coll_body(&db->coll, item[i].slot);
    if (!b) return vs_fail(&db->err, VS_NOT_FOUND, "there is no record at slot %u", item[i].slot);
    vs_extra_view v = vs_extra_read(vs_body_extra(b));
    item[i].has = v.tokens.data != NULL;
    if (!item[i].has) continue;
    if (v.tokens.dim != s->dim)
      return vs_fail(&db->err, VS_DIMENSION_MISMATCH, "the query's tokens have %u dimensions, a record's %u", s->dim,
                     v.tokens.dim);
    item[i].score = score_of(s, &v.tokens);
  }
  return VS_OK;
}

vs_status vs_multivector_score(vs_db_state *db, vs_maxsim_item *item, uint32_t n_items, const uint8_t *query,
                               uint32_t n, uint32_t dim) {
  if (n == 0 || dim == 0 || dim > VS_MAX_DIMENSION || n > VS_EXTRA_MAX_BYTES / 4 / dim ||
      !vs_floats_finite(query, n * dim))
    return vs_fail(&db->err, VS_INVALID_ARGUMENT, "the query's tokens are malformed, or hold NaN or an infinity");
  scorer s = {.kernel = vs_kernel_f32_for(VS_DOT), .n = n, .dim = dim, .stride = (dim + 3) & ~3u};
  vs_alloc *a = &db->alloc;
  /* Zeros behind a row's end stay. */
  s.query = vs_calloc(a, (size_t)n, s.stride * sizeof(float));
  s.rows = vs_calloc(a, 4, s.stride * sizeof(float));
  s.best = vs_calloc(a, n, sizeof(float));
  vs_status status = VS_OUT_OF_MEMORY;
  if (s.query && s.rows && s.best) {
    for (uint32_t i = 0; i < n; i++)
      memcpy(s.query + (size_t)i * s.stride, query + (size_t)i * dim * 4, (size_t)dim * 4);
    status = score_all(db, &s, item, n_items);
  } else {
    vs_fail(&db->err, status, "no memory to compare the records' tokens");
  }
  vs_free(a, s.query);
  vs_free(a, s.rows);
  vs_free(a, s.best);
  return status;
}
