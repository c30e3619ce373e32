/* marks.c - remembering committed calls (marks.h). O(clients) per call of a function here. */
#include "marks.h"

#include <string.h>

/* The client, moved to the end of the row; a new one takes the place of the first where there is no room. */
static vs_mark_client *latest(vs_marks *m, const uint8_t *client) {
  uint32_t i = 0;
  while (i < m->n && memcmp(m->client[i].client, client, VS_MARK_CLIENT_BYTES) != 0) i++;
  vs_mark_client found;
  if (i < m->n) {
    found = m->client[i];
  } else {
    memset(&found, 0, sizeof found);
    memcpy(found.client, client, VS_MARK_CLIENT_BYTES);
    i = 0;
    if (m->n < VS_MARK_CLIENTS) i = m->n++;
  }
  memmove(&m->client[i], &m->client[i + 1], (m->n - 1 - i) * sizeof found);
  m->client[m->n - 1] = found;
  return &m->client[m->n - 1];
}

void vs_marks_put(vs_marks *m, const uint8_t *client, const vs_mark_result *result) {
  vs_mark_client *c = latest(m, client);
  if (c->n == VS_MARK_CALLS) memmove(c->result, c->result + 1, --c->n * sizeof *result);
  c->result[c->n++] = *result;
}

const vs_mark_result *vs_marks_find(const vs_marks *m, const uint8_t *client, uint64_t call) {
  for (uint32_t i = 0; i < m->n; i++) {
    const vs_mark_client *c = &m->client[i];
    if (memcmp(c->client, client, VS_MARK_CLIENT_BYTES) != 0) continue;
    for (uint32_t j = 0; j < c->n; j++)
      if (c->result[j].call == call) return &c->result[j];
  }
  return NULL;
}

/* ============ In the log ============ */

void vs_mark_encode(const uint8_t *client, const vs_mark_result *result, uint8_t out[VS_MARK_BYTES]) {
  memcpy(out, client, VS_MARK_CLIENT_BYTES);
  vs_store_u64(out + 16, result->call);
  vs_store_u32(out + 24, result->inserted);
  vs_store_u32(out + 28, result->updated);
  vs_store_u32(out + 32, result->deleted);
}

vs_status vs_marks_replay(vs_marks *m, vs_slice payload) {
  if (payload.n != VS_MARK_BYTES) return VS_CORRUPT;
  vs_mark_result result = {vs_load_u64(payload.p + 16), vs_load_u32(payload.p + 24), vs_load_u32(payload.p + 28),
                           vs_load_u32(payload.p + 32)};
  vs_marks_put(m, payload.p, &result);
  return VS_OK;
}

/* ============ In the manifest ============ */

void vs_marks_write(const vs_marks *m, vs_wr *w) {
  size_t mark = vs_value_array_begin(w);
  uint32_t n = 0;
  for (uint32_t i = 0; i < m->n; i++) {
    const vs_mark_client *c = &m->client[i];
    vs_value_int(w, (int64_t)vs_load_u64(c->client));
    vs_value_int(w, (int64_t)vs_load_u64(c->client + 8));
    vs_value_int(w, c->n);
    for (uint32_t j = 0; j < c->n; j++) {
      vs_value_int(w, (int64_t)c->result[j].call);
      vs_value_int(w, c->result[j].inserted);
      vs_value_int(w, c->result[j].updated);
      vs_value_int(w, c->result[j].deleted);
    }
    n += 3 + 4 * c->n;
  }
  vs_value_end(w, mark, n);
}

/* The next integer of the array, in 0..max. */
static uint64_t next(vs_rd *r, uint64_t max) {
  vs_value v = vs_value_read(r);
  if (v.tag != VS_VALUE_INT || (uint64_t)v.i > max) r->failed = true;
  return (uint64_t)v.i;
}

vs_status vs_marks_read(vs_marks *m, const vs_value *config) {
  vs_value array;
  memset(m, 0, sizeof *m);
  if (!vs_value_get(config, "marks", &array)) return VS_OK;
  if (array.tag != VS_VALUE_ARRAY) return VS_CORRUPT;
  vs_rd r = vs_rd_of(array.bytes.p, array.bytes.n);
  while (vs_rd_left(&r) > 0 && !r.failed) {
    uint8_t client[VS_MARK_CLIENT_BYTES];
    vs_store_u64(client, next(&r, UINT64_MAX));
    vs_store_u64(client + 8, next(&r, UINT64_MAX));
    uint64_t n = next(&r, VS_MARK_CALLS);
    for (uint64_t i = 0; i < n && !r.failed; i++) {
      vs_mark_result result = {.call = next(&r, INT64_MAX)};
      result.inserted = (uint32_t)next(&r, UINT32_MAX);
      result.updated = (uint32_t)next(&r, UINT32_MAX);
      result.deleted = (uint32_t)next(&r, UINT32_MAX);
      if (!r.failed) vs_marks_put(m, client, &result);
    }
  }
  return r.failed ? VS_CORRUPT : VS_OK;
}
