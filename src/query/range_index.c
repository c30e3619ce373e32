/* range_index.c - slots in the order of a field's values (see range_index.h).
 *
 * Layer: query (L3); knows values and terms, not records or programs.
 */
#include "range_index.h"

#include <string.h>

#define STRING_KEY ((uint64_t)1 << 63)
#define SYMBOLS 12u

/* ============ Keys ============ */

static uint64_t number_key(const vs_value *v, bool *vague) {
  double f = v->tag == VS_VALUE_F64 ? v->f : v->tag == VS_VALUE_INT ? (double)v->i : v->tag == VS_VALUE_TRUE;
  bool exact = v->tag != VS_VALUE_INT || (v->i > -((int64_t)1 << 53) && v->i < (int64_t)1 << 53);
  uint64_t bits;
  f += 0.0; /* -0 becomes 0: they are equal */
  memcpy(&bits, &f, sizeof bits);
  bits = bits >> 63 ? ~bits : bits | STRING_KEY;
  *vague = !exact || (bits & 1);
  return bits >> 1;
}

/* Symbols of strings that begin with a digit. A symbol that stands for many
 * characters ends the key, because what follows must not decide then. */
static uint64_t symbol_of(uint8_t c, bool *one) {
  *one = true;
  if (c >= '0' && c <= '9') return 8u + (c - '0');
  switch (c) {
  case '-': return 3;
  case '.': return 5;
  case ':': return 19;
  case 'T': return 22;
  case 'Z': return 24;
  default: *one = false;
  }
  if (c < '-') return 2;
  if (c < '.') return 4;
  if (c < '0') return 6;
  if (c < 'T') return 20;
  return c < 'Z' ? 23 : 25;
}

static uint64_t digits_key(vs_slice s, bool *vague) {
  uint64_t key = 0;
  bool one = true;
  uint32_t i = 0;
  for (; i < SYMBOLS && i < s.n && one; i++) key |= symbol_of(s.p[i], &one) << (55 - 5 * i);
  *vague = !one || s.n > SYMBOLS;
  return key;
}

static uint64_t bytes_key(vs_slice s, bool *vague) {
  uint64_t key = 0;
  for (uint32_t i = 0; i < 8; i++) key = key << 8 | (i < s.n ? s.p[i] : 0);
  /* A zero byte at the end looks like the end of the string. */
  *vague = s.n > 7 || memchr(s.p, 0, s.n) != NULL;
  return key >> 3;
}

static uint64_t string_key(vs_slice s, bool *vague) {
  uint8_t first = s.n ? s.p[0] : 0;
  if (first >= '0' && first <= '9') return STRING_KEY | (uint64_t)1 << 61 | digits_key(s, vague);
  *vague = false;
  return STRING_KEY | (first > '9' ? (uint64_t)2 << 61 : 0) | (s.n ? bytes_key(s, vague) : 0);
}

/* 0 of what has no place in the order. */
static uint64_t key_of(const vs_value *v, bool *vague) {
  *vague = false;
  if (v->tag == VS_VALUE_STRING) return string_key(v->bytes, vague);
  return v->tag == VS_VALUE_NULL || v->tag > VS_VALUE_STRING ? 0 : number_key(v, vague);
}

/* ============ The list ============ */

void vs_range_index_init(vs_range_index *x, vs_alloc *a) {
  memset(x, 0, sizeof *x);
  x->a = a;
  vs_blocks_init(&x->key, a, sizeof(uint64_t));
}

void vs_range_index_deinit(vs_range_index *x) {
  for (uint32_t i = 0; i < x->n_chunks; i++) vs_free(x->a, x->chunk[i]);
  vs_free(x->a, x->chunk);
  vs_blocks_deinit(&x->key);
  vs_range_index_init(x, x->a);
}

size_t vs_range_index_bytes(const vs_range_index *x) {
  return vs_blocks_bytes(&x->key) + x->n_chunks * sizeof(**x->chunk) + x->cap_chunks * sizeof(*x->chunk);
}

/* (key, slot) at a place is below the given pair. */
static bool is_below(const vs_range_index *x, uint32_t at_slot, uint64_t key, uint32_t slot) {
  uint64_t at_key = vs_range_key(x, at_slot);
  return at_key < key || (at_key == key && at_slot < slot);
}

/* The first place whose pair is not below the given one; (n_chunks, 0) when there is none. */
static vs_range_cursor lower_bound(const vs_range_index *x, uint64_t key, uint32_t slot) {
  uint32_t low = 0, high = x->n_chunks;
  while (low < high) { /* the first chunk whose last pair is not below */
    uint32_t middle = low + (high - low) / 2;
    const vs_range_chunk *c = x->chunk[middle];
    if (is_below(x, c->slot[c->n - 1], key, slot)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  vs_range_cursor found = {low, 0};
  if (low == x->n_chunks) return found;
  uint32_t from = 0, to = x->chunk[low]->n;
  while (from < to) {
    uint32_t middle = from + (to - from) / 2;
    if (is_below(x, x->chunk[low]->slot[middle], key, slot)) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  found.at = from;
  return found;
}

/* A new chunk at a place of the table. */
static vs_range_chunk *open_chunk(vs_range_index *x, uint32_t at) {
  if (x->n_chunks == x->cap_chunks) {
    uint32_t cap = x->cap_chunks < 4 ? 4 : x->cap_chunks * 2;
    vs_range_chunk **table = vs_realloc(x->a, x->chunk, cap * sizeof(*table));
    if (!table) return NULL;
    x->chunk = table;
    x->cap_chunks = cap;
  }
  vs_range_chunk *c = vs_malloc(x->a, sizeof *c);
  if (!c) return NULL;
  c->n = 0;
  memmove(x->chunk + at + 1, x->chunk + at, (x->n_chunks - at) * sizeof(*x->chunk));
  x->chunk[at] = c;
  x->n_chunks++;
  return c;
}

/* Halves a full chunk, unless what comes goes to its very end: ascending values then fill their chunks. */
static vs_status split(vs_range_index *x, vs_range_cursor *c) {
  vs_range_chunk *full = x->chunk[c->chunk], *right = open_chunk(x, c->chunk + 1);
  if (!right) return VS_OUT_OF_MEMORY;
  uint32_t left = c->at == VS_RANGE_CHUNK ? VS_RANGE_CHUNK : VS_RANGE_CHUNK / 2;
  right->n = full->n - left;
  memcpy(right->slot, full->slot + left, right->n * sizeof *right->slot);
  full->n = left;
  if (c->at > left || left == VS_RANGE_CHUNK) {
    c->chunk++;
    c->at -= left;
  }
  return VS_OK;
}

vs_status vs_range_index_add(vs_range_index *x, uint32_t slot, const vs_value *value) {
  bool vague;
  uint64_t key = key_of(value, &vague);
  VS_TRY(vs_blocks_reserve(&x->key, slot + 1));
  *(uint64_t *)vs_blocks_at(&x->key, slot) = 0;
  if (key == 0) return VS_OK;
  vs_range_cursor c = lower_bound(x, key, slot);
  if (c.chunk == x->n_chunks) {
    if (x->n_chunks == 0 && !open_chunk(x, 0)) return VS_OUT_OF_MEMORY;
    c.chunk = x->n_chunks - 1;
    c.at = x->chunk[c.chunk]->n;
  }
  if (x->chunk[c.chunk]->n == VS_RANGE_CHUNK) VS_TRY(split(x, &c));
  vs_range_chunk *chunk = x->chunk[c.chunk];
  memmove(chunk->slot + c.at + 1, chunk->slot + c.at, (chunk->n - c.at) * sizeof *chunk->slot);
  chunk->slot[c.at] = slot;
  chunk->n++;
  x->n++;
  x->n_vague += vague;
  *(uint64_t *)vs_blocks_at(&x->key, slot) = key;
  return VS_OK;
}

vs_status vs_range_index_append(vs_range_index *x, uint32_t slot, uint64_t key) {
  assert(key != 0);
  VS_TRY(vs_blocks_reserve(&x->key, slot + 1));
  uint64_t *at = vs_blocks_at(&x->key, slot);
  if (*at != 0) return VS_CORRUPT;
  bool full = x->n_chunks == 0 || x->chunk[x->n_chunks - 1]->n == VS_RANGE_CHUNK;
  if (full && !open_chunk(x, x->n_chunks)) return VS_OUT_OF_MEMORY;
  vs_range_chunk *last = x->chunk[x->n_chunks - 1];
  last->slot[last->n++] = slot;
  x->n++;
  *at = key;
  return VS_OK;
}

void vs_range_index_remove(vs_range_index *x, uint32_t slot) {
  uint64_t key = slot < x->key.n_items ? vs_range_key(x, slot) : 0;
  if (key == 0) return;
  vs_range_cursor c = lower_bound(x, key, slot);
  vs_range_chunk *chunk = x->chunk[c.chunk];
  assert(chunk->slot[c.at] == slot);
  chunk->n--;
  memmove(chunk->slot + c.at, chunk->slot + c.at + 1, (chunk->n - c.at) * sizeof *chunk->slot);
  *(uint64_t *)vs_blocks_at(&x->key, slot) = 0;
  x->n--;
  if (chunk->n > 0) return;
  vs_free(x->a, chunk);
  x->n_chunks--;
  memmove(x->chunk + c.chunk, x->chunk + c.chunk + 1, (x->n_chunks - c.chunk) * sizeof(*x->chunk));
}

uint32_t vs_range_index_position(const vs_range_index *x, uint64_t key) {
  vs_range_cursor c = lower_bound(x, key, 0);
  uint32_t position = c.at;
  for (uint32_t i = 0; i < c.chunk; i++) position += x->chunk[i]->n;
  return position;
}

vs_range_cursor vs_range_seek(const vs_range_index *x, uint32_t position) {
  vs_range_cursor c = {0, position};
  while (c.chunk < x->n_chunks && c.at >= x->chunk[c.chunk]->n) c.at -= x->chunk[c.chunk++]->n;
  return c;
}

bool vs_range_index_sound(const vs_range_index *x) {
  uint32_t n = 0, last_slot = 0;
  uint64_t last_key = 0;
  for (uint32_t i = 0; i < x->n_chunks; i++) {
    if (x->chunk[i]->n == 0 || x->chunk[i]->n > VS_RANGE_CHUNK) return false;
    for (uint32_t j = 0; j < x->chunk[i]->n; j++, n++) {
      uint32_t slot = x->chunk[i]->slot[j];
      uint64_t key = vs_range_key(x, slot);
      if (key == 0 || (n > 0 && (key < last_key || (key == last_key && slot <= last_slot)))) return false;
      last_slot = slot;
      last_key = key;
    }
  }
  return n == x->n;
}

/* ============ Terms ============ */

uint32_t vs_range_index_runs(const vs_filter_term *term) {
  const vs_value *c = term->constants;
  if (term->of != VS_FILTER_VALUE) return VS_RANGE_UNKNOWN;
  switch (term->op) {
  case VS_FILTER_EQ:
  case VS_FILTER_LT:
  case VS_FILTER_LE:
  case VS_FILTER_GT:
  case VS_FILTER_GE: return c[0].tag != VS_VALUE_NULL;
  case VS_FILTER_BETWEEN:
    if (c[0].tag != VS_VALUE_NULL && c[1].tag != VS_VALUE_NULL) return term->negated ? 2 : 1;
    return term->negated ? VS_RANGE_UNKNOWN : 0;
  case VS_FILTER_IN: return term->negated ? VS_RANGE_UNKNOWN : term->n_constants;
  case VS_FILTER_STARTSWITH: return term->negated ? VS_RANGE_UNKNOWN : c[0].tag == VS_VALUE_STRING;
  default: return VS_RANGE_UNKNOWN;
  }
}

/* The run of the keys of [low, high]; either may have keys that do not decide by themselves. */
static vs_range_run run_of(const vs_range_index *x, uint64_t low, uint64_t high) {
  vs_range_run run = {vs_range_index_position(x, low), vs_range_index_position(x, high + 1), {0, 0}, false};
  if (run.to < run.from) run.to = run.from;
  return run;
}

static vs_range_run run_of_prefix(const vs_range_index *x, vs_slice prefix) {
  bool vague;
  uint8_t last[SYMBOLS + 8];
  size_t n = prefix.n < SYMBOLS ? prefix.n : SYMBOLS;
  if (n == 0) return run_of(x, STRING_KEY, UINT64_MAX - 1);
  memset(last, 0xff, sizeof last);
  memcpy(last, prefix.p, n);
  vs_range_run run = run_of(x, string_key(prefix, &vague), string_key((vs_slice){last, sizeof last}, &vague));
  run.all_vague = true;
  return run;
}

vs_range_run vs_range_index_run(const vs_range_index *x, const vs_filter_term *term, uint32_t i) {
  bool vague, vague_end;
  const vs_value *c = &term->constants[term->op == VS_FILTER_IN || term->op == VS_FILTER_BETWEEN ? i : 0];
  if (term->op == VS_FILTER_STARTSWITH) return run_of_prefix(x, c->bytes);
  uint64_t key = key_of(c, &vague), first = 1, last = UINT64_MAX - 1;
  vague = vague || x->n_vague > 0;
  bool below = term->op == VS_FILTER_LT || term->op == VS_FILTER_LE || (term->op == VS_FILTER_BETWEEN && i == 0);
  vs_range_run run;
  if (term->op == VS_FILTER_BETWEEN && !term->negated) {
    uint64_t end = key_of(&term->constants[1], &vague_end);
    run = run_of(x, key, end);
    if (vague || vague_end) run.vague[1] = end;
  } else if (term->op == VS_FILTER_EQ && term->negated) {
    run = run_of(x, first, last);
    run.vague[0] = key;
    return run;
  } else if (term->op == VS_FILTER_EQ || term->op == VS_FILTER_IN) {
    run = run_of(x, key, key);
  } else {
    bool open = term->op == VS_FILTER_LT || term->op == VS_FILTER_GT || term->op == VS_FILTER_BETWEEN;
    bool exact = open && !vague;
    run = below ? run_of(x, first, key - exact) : run_of(x, key + exact, last);
  }
  if (vague) run.vague[0] = key;
  return run;
}
