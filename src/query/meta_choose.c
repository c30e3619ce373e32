/* meta_choose.c - which fields of the metadata deserve an index, and of which kind.
 *
 * Layer: query (L3). Reads the metadata of up to SAMPLE records at even steps
 * and counts, for every field down to DEPTH keys, how many have it, how
 * long its texts are, and how many different values it has (by hash: a
 * collision only makes a field look a little more repetitive).
 *
 *   rarer than 1 in RARE              no index
 *   mostly objects, or long texts     no index
 *   half of them arrays               value index
 *   values half repeated              value index
 *   else                              range index
 *
 * A field of 300 values is about half repeated in a sample of 512, so that
 * is where the kinds meet. O(sample * metadata).
 */
#include "meta_choose.h"

#include "../base/hashmap.h"

#include <string.h>

#define SAMPLE 512u
#define DEPTH 3u
#define RARE 50u
#define LONG_TEXT 100u
#define AUTO_FIELDS 32u
#define NAME_BYTES 200u
#define BUCKETS 1024u

typedef struct {
  uint32_t n, n_arrays, n_objects, n_values, n_distinct, name_n;
  uint64_t text_bytes;
  char name[NAME_BYTES];
  uint32_t seen[BUCKETS]; /* hashes of values, 0 = free */
} candidate;

typedef struct {
  candidate *list; /* AUTO_FIELDS + overrides */
  uint32_t n, cap;
  uint32_t n_sampled;
} survey;

static void note_value(candidate *c, const uint8_t *p, size_t n) {
  if (c->n_values >= SAMPLE) return;
  c->n_values++;
  uint32_t hash = (uint32_t)vs_hash64(1, p, n) | 1;
  for (uint32_t i = hash;; i++) {
    uint32_t *at = &c->seen[i & (BUCKETS - 1)];
    if (*at == hash) return;
    if (*at != 0) continue;
    *at = hash;
    c->n_distinct++;
    return;
  }
}

/* One value that a record has for the field; its encoding is [start, end). */
static void note(candidate *c, const vs_value *v, const uint8_t *start, const uint8_t *end) {
  if (v->tag == VS_VALUE_NULL) return;
  c->n++;
  if (v->tag == VS_VALUE_OBJECT) {
    c->n_objects++;
  } else if (v->tag == VS_VALUE_ARRAY) {
    c->n_arrays++;
  } else {
    c->text_bytes += v->bytes.n;
    note_value(c, start, (size_t)(end - start));
  }
}

static candidate *candidate_of(survey *s, const char *name, uint32_t n) {
  for (uint32_t i = 0; i < s->n; i++)
    if (s->list[i].name_n == n && memcmp(s->list[i].name, name, n) == 0) return &s->list[i];
  if (s->n == s->cap) return NULL;
  candidate *c = &s->list[s->n++];
  memset(c, 0, sizeof *c);
  memcpy(c->name, name, n);
  c->name_n = n;
  return c;
}

/* Appends .`key` to a name; false when it gets too long. */
static bool append_key(char name[NAME_BYTES], uint32_t *n, vs_slice key) {
  uint32_t at = *n;
  if (key.n > NAME_BYTES / 2) return false;
  if (at > 0) name[at++] = '.';
  if (at + 2 * key.n + 2 > NAME_BYTES) return false;
  name[at++] = '`';
  for (size_t i = 0; i < key.n; i++) {
    if (key.p[i] == '`') name[at++] = '`';
    name[at++] = (char)key.p[i];
  }
  name[at++] = '`';
  *n = at;
  return true;
}

typedef struct {
  vs_rd members;
  uint32_t left, name_n;
} level;

/* All fields of one record, objects within objects by a stack. */
static void look_at(survey *s, vs_slice metadata) {
  char name[NAME_BYTES];
  level stack[DEPTH];
  vs_rd r = vs_rd_of(metadata.p, metadata.n);
  vs_value v = vs_value_read(&r);
  uint32_t depth = 1;
  if (v.tag != VS_VALUE_OBJECT) return;
  stack[0] = (level){vs_rd_of(v.bytes.p, v.bytes.n), v.count, 0};
  while (depth > 0) {
    level *l = &stack[depth - 1];
    if (l->left == 0 || l->members.failed) {
      depth--;
      continue;
    }
    l->left--;
    vs_slice key = vs_rd_slice(&l->members);
    const uint8_t *start = l->members.p;
    v = vs_value_read(&l->members);
    uint32_t n = l->name_n;
    if (l->members.failed || key.n == 0 || !append_key(name, &n, key)) continue;
    candidate *c = candidate_of(s, name, n);
    if (c) note(c, &v, start, l->members.p);
    if (v.tag == VS_VALUE_OBJECT && depth < DEPTH) stack[depth++] = (level){vs_rd_of(v.bytes.p, v.bytes.n), v.count, n};
  }
}

static void look_around(survey *s, const vs_meta *m) {
  uint32_t n = m->live.n_bits, step = m->live.n_set / SAMPLE + 1, left = 0;
  if (m->live.n_set == 0) return;
  for (uint32_t slot = vs_bitset_next(&m->live, 0); slot < n; slot = vs_bitset_next(&m->live, slot + 1)) {
    vs_slice metadata;
    if (left-- > 0) continue;
    left = step - 1;
    s->n_sampled++;
    if (m->records.metadata(m->records.ctx, slot, &metadata) && metadata.n > 0) look_at(s, metadata);
  }
}

static uint8_t kind_for(const survey *s, const candidate *c, bool asked) {
  uint32_t n_scalars = c->n - c->n_arrays - c->n_objects;
  if (c->n_arrays * 2 >= c->n && c->n > 0) return VS_META_VALUE;
  if (!asked) {
    if (c->n == 0 || c->n < s->n_sampled / RARE || c->n_objects * 2 >= c->n) return VS_META_NONE;
    if (c->text_bytes > (uint64_t)LONG_TEXT * n_scalars) return VS_META_NONE;
  }
  return c->n_distinct * 2 <= c->n_values + 2 ? VS_META_VALUE : VS_META_RANGE;
}

static vs_status choose_from(vs_meta *m, const survey *s, uint8_t *kind) {
  for (uint32_t i = 0; i < m->n_fields; i++) kind[i] = m->field[i].overridden ? m->field[i].asked : m->field[i].kind;
  for (uint32_t i = 0; i < s->n; i++) {
    const candidate *c = &s->list[i];
    vs_filter *path;
    vs_status status = vs_meta_compile_path(m->a, (vs_slice){(const uint8_t *)c->name, c->name_n}, &path, NULL);
    if (status == VS_OUT_OF_MEMORY) return status;
    if (status != VS_OK) continue;
    vs_meta_field *f = vs_meta_find(m, &path->terms[0]);
    uint8_t chosen = kind_for(s, c, f && f->overridden);
    if (f || chosen == VS_META_NONE || m->n_fields >= VS_META_MAX_FIELDS) {
      if (f && (!f->overridden || f->asked == VS_META_AUTO)) kind[f - m->field] = chosen;
      vs_filter_destroy(m->a, path);
      continue;
    }
    f = vs_meta_open_field(m, path);
    if (!f) {
      vs_filter_destroy(m->a, path);
      return VS_OUT_OF_MEMORY;
    }
    kind[f - m->field] = chosen;
  }
  for (uint32_t i = 0; i < m->n_fields; i++)
    if (kind[i] == VS_META_AUTO) kind[i] = VS_META_VALUE; /* not seen in the sample */
  return VS_OK;
}

vs_status vs_meta_choose(vs_meta *m, bool discover, uint8_t kind[VS_META_MAX_FIELDS]) {
  bool undecided = discover;
  for (uint32_t i = 0; i < m->n_fields; i++) undecided = undecided || m->field[i].asked == VS_META_AUTO;
  survey s = {.cap = undecided ? AUTO_FIELDS : 0};
  if (undecided) {
    s.list = vs_calloc(m->a, s.cap, sizeof *s.list);
    if (!s.list) return VS_OUT_OF_MEMORY;
    look_around(&s, m);
  }
  if (!discover) { /* only what was asked for by name */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s.n; i++) {
      vs_filter *path;
      vs_slice name = {(const uint8_t *)s.list[i].name, s.list[i].name_n};
      if (vs_meta_compile_path(m->a, name, &path, NULL) != VS_OK) continue;
      if (vs_meta_find(m, &path->terms[0])) s.list[kept++] = s.list[i];
      vs_filter_destroy(m->a, path);
    }
    s.n = kept;
  }
  vs_status status = choose_from(m, &s, kind);
  vs_free(m->a, s.list);
  return status;
}
