/* space.c - distances between stored vectors and queries (see space.h).
 *
 * Layer: index (L2); knows no graph. Cost: n distances of `dim` operations.
 */
#include "space.h"

#include "coder.h"

#include <math.h>
#include <string.h>

#define CACHE_LINE_BYTES 64u
#define CODE_ALIGN 16u

void vs_space_init(vs_space *s, const vs_vectors *vectors, vs_metric metric) {
  s->vectors = vectors;
  s->kernel = vs_kernel_f32_for(metric);
  s->metric = metric;
  s->codes = NULL;
  vs_bitset_init(&s->made, NULL); /* it gets its memory where the codes have theirs */
  s->n_late = 0;
  s->coder = NULL;
  s->n_code = s->record_bytes = 0;
  s->n_distances = 0;
  s->sink = 0;
}

/* -- Codes ------------------------------------------------------------- */

bool vs_space_has_codes(vs_metric metric) { return metric == VS_COSINE || metric == VS_DOT || metric == VS_EUCLIDEAN; }

uint32_t vs_space_code_bytes(uint32_t dim) {
  return (uint32_t)sizeof(vs_code) + ((dim + CODE_ALIGN - 1) & ~(CODE_ALIGN - 1));
}

void vs_space_use_codes(vs_space *s, const vs_blocks *codes) {
  s->codes = codes;
  s->coder = NULL;
  s->record_bytes = vs_space_code_bytes(s->vectors->dim);
  s->n_code = s->record_bytes - (uint32_t)sizeof(vs_code);
}

void vs_space_use_coder(vs_space *s, const vs_blocks *codes, vs_coder *coder) {
  s->codes = codes;
  s->coder = coder;
  s->record_bytes = coder->record_bytes;
}

void vs_space_encode(const vs_space *s, const float *v, vs_code *out) {
  uint32_t dim = s->vectors->dim;
  vs_code_encode(v, dim, s->n_code, out);
  if (s->metric != VS_COSINE) return;
  double offset = (double)out->offset, norm = (double)out->norm;
  double square = offset * ((double)dim * offset + 2 * (double)out->part) + norm;
  float inverse = square > 0 ? (float)(1 / sqrt(square)) : 0;
  out->scale *= inverse;
  out->offset *= inverse;
  out->part *= inverse;
}

vs_query vs_space_query_code(const vs_space *s, vs_query full, vs_code *record) {
  if (s->coder) {
    s->coder->cls->ask(s->coder, full.v);
    return full;
  }
  vs_space_encode(s, full.v, record);
  return (vs_query){.code = record};
}

static inline vs_code *code_at(const vs_space *s, uint32_t slot) { return (vs_code *)vs_blocks_at(s->codes, slot); }

static void encode_slot(const vs_space *s, uint32_t slot) {
  const float *v = vs_vectors_at(s->vectors, slot);
  if (!s->coder) {
    vs_space_encode(s, v, code_at(s, slot));
    return;
  }
  float scale = s->metric == VS_COSINE ? v[s->vectors->padded] : 1;
  s->coder->cls->encode(s->coder, v, scale, vs_blocks_at(s->codes, slot));
}

/* -- Late codes -------------------------------------------------------- */

void vs_space_deinit(vs_space *s) {
  vs_bitset_deinit(&s->made);
  s->n_late = 0;
}

vs_status vs_space_reserve(vs_space *s, uint32_t n_slots) {
  return s->n_late > 0 ? vs_bitset_reserve(&s->made, n_slots) : VS_OK;
}

vs_status vs_space_defer(vs_space *s, uint32_t n_slots, uint32_t n) {
  s->made.words.a = s->codes->a;
  VS_TRY(vs_bitset_reserve(&s->made, n_slots));
  vs_bitset_clear_all(&s->made);
  s->n_late = n;
  s->next_late = 0;
  return VS_OK;
}

void vs_space_set(vs_space *s, uint32_t slot) {
  encode_slot(s, slot);
  if (s->n_late > 0) vs_bitset_set(&s->made, slot);
}

void vs_space_forget(vs_space *s, uint32_t slot) {
  if (s->n_late > 0 && !vs_bitset_clear(&s->made, slot)) s->n_late--;
}

/* Makes those of n codes that are not there. */
static void make(vs_space *s, const uint32_t *slot, uint32_t n) {
  for (uint32_t i = 0; i < n && s->n_late > 0; i++) {
    if (!vs_bitset_set(&s->made, slot[i])) continue;
    encode_slot(s, slot[i]);
    s->n_late--;
  }
}

void vs_space_make_some(vs_space *s, const vs_bitset *present, uint32_t n) {
  for (; n > 0 && s->n_late > 0; n--) {
    uint32_t slot = vs_bitset_next(present, s->next_late);
    assert(slot != VS_NO_SLOT);
    make(s, &slot, 1);
    s->next_late = slot + 1;
  }
}

const vs_code *vs_space_code(vs_space *s, uint32_t slot) {
  if (s->n_late > 0) make(s, &slot, 1);
  return code_at(s, slot);
}

static void four_trained(const vs_space *s, const uint32_t slot[4], float out[4]) {
  const void *record[4];
  for (uint32_t j = 0; j < 4; j++) record[j] = vs_blocks_at(s->codes, slot[j]);
  s->coder->cls->values(s->coder, record, out);
}

static inline void four_codes(const vs_space *s, vs_query q, const uint32_t slot[4], float out[4]) {
  const vs_code *x[4];
  for (uint32_t j = 0; j < 4; j++) x[j] = code_at(s, slot[j]);
  vs_code_values(q.code, x, s->n_code, s->vectors->dim, s->metric == VS_EUCLIDEAN, out);
}

/* -- Both kinds -------------------------------------------------------- */

vs_query vs_space_query(const vs_space *s, const void *values, float *buffer) {
  uint32_t dim = s->vectors->dim, padded = s->vectors->padded;
  memcpy(buffer, values, dim * sizeof(float));
  for (uint32_t i = dim; i < padded; i++) buffer[i] = 0;
  if (s->metric == VS_COSINE) {
    double sum = 0;
    for (uint32_t i = 0; i < dim; i++) sum += (double)buffer[i] * (double)buffer[i];
    double inverse = sum > 0 ? 1 / sqrt(sum) : 0;
    for (uint32_t i = 0; i < dim; i++) buffer[i] = (float)((double)buffer[i] * inverse);
  }
  return (vs_query){.v = buffer, .scale = 1};
}

vs_query vs_space_query_slot(vs_space *s, uint32_t slot) {
  if (s->codes) return (vs_query){.code = vs_space_code(s, slot)};
  const float *v = vs_vectors_at(s->vectors, slot);
  return (vs_query){.v = v, .scale = s->metric == VS_COSINE ? v[s->vectors->padded] : 1};
}

static inline void four_values(const vs_space *s, vs_query q, const uint32_t slot[4], float out[4]) {
  if (s->codes) {
    if (s->coder)
      four_trained(s, slot, out);
    else
      four_codes(s, q, slot, out);
    return;
  }
  const float *x[4];
  for (uint32_t j = 0; j < 4; j++) x[j] = vs_vectors_at(s->vectors, slot[j]);
  s->kernel.four(q.v, x, s->vectors->padded, out);
  if (s->metric == VS_COSINE) {
    for (uint32_t j = 0; j < 4; j++) out[j] = out[j] * q.scale * x[j][s->vectors->padded];
  }
  for (uint32_t j = 0; j < 4; j++) out[j] = out[j] == out[j] ? out[j] : INFINITY;
}

void vs_space_values(vs_space *s, vs_query q, const uint32_t *slot, uint32_t n, float *out) {
  uint32_t i = 0;
  s->n_distances += n;
  if (s->n_late > 0) make(s, slot, n);
  for (; i + 4 <= n; i += 4) four_values(s, q, slot + i, out + i);
  if (i == n) return;
  uint32_t rest[4];
  float value[4];
  for (uint32_t j = 0; j < 4; j++) rest[j] = slot[i + j < n ? i + j : n - 1];
  four_values(s, q, rest, value);
  memcpy(out + i, value, (n - i) * sizeof(*out));
}

void vs_space_touch(vs_space *s, const uint32_t *slot, uint32_t n) {
  const vs_blocks *blocks = s->codes ? s->codes : &s->vectors->blocks;
  uint32_t bytes = s->codes ? s->record_bytes : blocks->item_bytes, sum = 0;
  if (s->n_late > 0) make(s, slot, n);
  for (uint32_t i = 0; i < n; i++) {
    const uint8_t *p = vs_blocks_at(blocks, slot[i]);
    for (uint32_t at = 0; at < bytes; at += CACHE_LINE_BYTES) {
      uint32_t word;
      memcpy(&word, p + at, sizeof(word));
      sum ^= word;
    }
  }
  s->sink = sum;
}
