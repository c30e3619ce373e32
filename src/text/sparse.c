/* sparse.c - keeping the inverted index of sparse vectors (see sparse.h).
 *
 * Layer: text (L2). A write costs one posting per component, each O(blocks of its list + VS_SPARSE_BLOCK); one behind
 * the last, as a new record's are, O(1).
 */
#include "sparse.h"

#include <string.h>

#include "postings.h"

/* A posting's bytes at most: a varint of 32 bits, a float. */
#define POSTING_BYTES 9u

typedef struct {
  uint32_t slot[VS_SPARSE_BLOCK + 1], n;
  float value[VS_SPARSE_BLOCK + 1];
} work;

static vs_sparse_list *list_at(const vs_sparse *x, uint32_t i) { return vs_blocks_at(&x->lists, i); }

static bool same_dim(const void *ctx, uint32_t i, vs_slice key) { return list_at(ctx, i)->dim == vs_load_u32(key.p); }

void vs_sparse_init(vs_sparse *x, vs_alloc *a, const vs_sparse_source *source, uint64_t hash_seed) {
  memset(x, 0, sizeof *x);
  x->a = a;
  x->source = *source;
  x->hash_seed = hash_seed;
}

static void give_up(vs_sparse *x) {
  vs_sparse_source source = x->source;
  if (!x->begun) return;
  for (uint32_t i = 0; i < x->n_lists; i++) vs_free(x->a, list_at(x, i)->block);
  vs_pool_deinit(&x->pool);
  vs_blocks_deinit(&x->lists);
  vs_hashmap_deinit(&x->by_dim);
  vs_sparse_init(x, x->a, &source, x->hash_seed);
}

void vs_sparse_deinit(vs_sparse *x) { give_up(x); }

static void begin(vs_sparse *x) {
  vs_pool_init(&x->pool, x->a);
  vs_blocks_init(&x->lists, x->a, sizeof(vs_sparse_list));
  vs_hashmap_init(&x->by_dim, x->a, x->hash_seed, same_dim, x);
  x->begun = true;
}

static uint32_t list_number(const vs_sparse *x, uint32_t dim) {
  uint8_t key[4];
  vs_store_u32(key, dim);
  return vs_hashmap_get(&x->by_dim, (vs_slice){key, sizeof key});
}

const vs_sparse_list *vs_sparse_find(const vs_sparse *x, uint32_t dim) {
  uint32_t i = list_number(x, dim);
  return i == VS_NO_SLOT ? NULL : list_at(x, i);
}

static vs_sparse_list *list_of(vs_sparse *x, uint32_t dim) {
  uint8_t key[4];
  uint32_t i = list_number(x, dim);
  if (i != VS_NO_SLOT) return list_at(x, i);
  if (vs_blocks_reserve(&x->lists, x->n_lists + 1) != VS_OK || vs_hashmap_reserve(&x->by_dim, x->n_lists + 1) != VS_OK)
    return NULL;
  *list_at(x, x->n_lists) = (vs_sparse_list){dim, 0, 0, NULL};
  vs_store_u32(key, dim);
  vs_hashmap_put(&x->by_dim, (vs_slice){key, sizeof key}, x->n_lists);
  return list_at(x, x->n_lists++);
}

/* ============ Blocks ============ */

static uint32_t put(uint8_t *p, uint32_t delta, float value) {
  uint32_t n = 0;
  union {
    float value;
    uint32_t bits;
  } u = {value};
  for (; delta >= 128; delta >>= 7) p[n++] = (uint8_t)(delta | 128);
  p[n++] = (uint8_t)delta;
  vs_store_u32(p + n, u.bits);
  return n + 4;
}

static void take_apart(const vs_sparse *x, const vs_sparse_block *b, work *w) {
  const uint8_t *at = vs_pool_at(&x->pool, b->run);
  uint32_t slot = b->first;
  w->n = b->n;
  for (uint32_t i = 0; i < w->n; i++) {
    slot += vs_varint(&at);
    w->slot[i] = slot;
    w->value[i] = vs_load_f32(at);
    at += 4;
  }
}

/* Makes a block of postings from..to. The old run, if any, is the caller's to give back. */
static vs_status put_together(vs_sparse *x, const work *w, uint32_t from, uint32_t to, vs_sparse_block *b) {
  uint8_t bytes[VS_SPARSE_BLOCK * POSTING_BYTES];
  uint32_t n = 0;
  *b =
      (vs_sparse_block){.first = w->slot[from], .last = w->slot[to - 1], .low = w->value[from], .high = w->value[from]};
  for (uint32_t i = from; i < to; i++) {
    n += put(bytes + n, i == from ? 0 : w->slot[i] - w->slot[i - 1], w->value[i]);
    if (w->value[i] < b->low) b->low = w->value[i];
    if (w->value[i] > b->high) b->high = w->value[i];
  }
  VS_TRY(vs_pool_take(&x->pool, n, &b->run, &b->class));
  memcpy(vs_pool_at(&x->pool, b->run), bytes, n);
  b->data_n = (uint16_t)n;
  b->n = (uint8_t)(to - from);
  return VS_OK;
}

/* Room in the row for a block at `at`, which is left undefined. */
static vs_status open_block(vs_sparse *x, vs_sparse_list *l, uint32_t at) {
  if (l->n_blocks == l->cap) {
    uint32_t cap = l->cap + l->cap / 2 + 1;
    vs_sparse_block *row = vs_realloc(x->a, l->block, (size_t)cap * sizeof *row);
    if (!row) return VS_OUT_OF_MEMORY;
    l->block = row;
    l->cap = cap;
  }
  memmove(l->block + at + 1, l->block + at, (l->n_blocks - at) * sizeof *l->block);
  l->n_blocks++;
  return VS_OK;
}

/* The last block that does not begin above the slot, or the first. */
static uint32_t find_block(const vs_sparse_list *l, uint32_t slot) {
  uint32_t low = 0, high = l->n_blocks;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (l->block[middle].first <= slot)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static vs_status add_alone(vs_sparse *x, vs_sparse_list *l, uint32_t at, uint32_t slot, float value) {
  work w = {.slot = {slot}, .n = 1, .value = {value}};
  vs_sparse_block b;
  VS_TRY(put_together(x, &w, 0, 1, &b));
  VS_TRY(open_block(x, l, at));
  l->block[at] = b;
  return VS_OK;
}

static vs_status append(vs_sparse *x, vs_sparse_block *b, uint32_t slot, float value) {
  uint8_t bytes[POSTING_BYTES], class;
  uint32_t n = put(bytes, slot - b->last, value), total = b->data_n + n, run;
  if (total > vs_pool_room(b->class)) {
    VS_TRY(vs_pool_take(&x->pool, total, &run, &class));
    memcpy(vs_pool_at(&x->pool, run), vs_pool_at(&x->pool, b->run), b->data_n);
    vs_pool_give(&x->pool, b->run, b->class);
    b->run = run;
    b->class = class;
  }
  memcpy(vs_pool_at(&x->pool, b->run) + b->data_n, bytes, n);
  b->data_n = (uint16_t)total;
  b->last = slot;
  b->n++;
  if (value < b->low) b->low = value;
  if (value > b->high) b->high = value;
  return VS_OK;
}

/* Among a block's postings; a full block becomes two. */
static vs_status insert(vs_sparse *x, vs_sparse_list *l, uint32_t at, uint32_t slot, float value) {
  work w;
  vs_sparse_block old = l->block[at], low, high;
  uint32_t i = 0;
  take_apart(x, &old, &w);
  while (i < w.n && w.slot[i] < slot) i++;
  memmove(w.slot + i + 1, w.slot + i, (w.n - i) * sizeof *w.slot);
  memmove(w.value + i + 1, w.value + i, (w.n - i) * sizeof *w.value);
  w.slot[i] = slot;
  w.value[i] = value;
  w.n++;
  uint32_t middle = w.n > VS_SPARSE_BLOCK ? w.n / 2 : w.n;
  VS_TRY(put_together(x, &w, 0, middle, &low));
  if (middle < w.n) {
    VS_TRY(put_together(x, &w, middle, w.n, &high));
    VS_TRY(open_block(x, l, at + 1));
    l->block[at + 1] = high;
  }
  l->block[at] = low;
  vs_pool_give(&x->pool, old.run, old.class);
  return VS_OK;
}

/* After a failure the index is given up, so that nothing need be undone. */
static vs_status add(vs_sparse *x, uint32_t dim, uint32_t slot, float value) {
  vs_sparse_list *l = list_of(x, dim);
  if (!l) return VS_OUT_OF_MEMORY;
  x->n_postings++;
  if (l->n_blocks == 0) return add_alone(x, l, 0, slot, value);
  uint32_t at = find_block(l, slot);
  vs_sparse_block *b = &l->block[at];
  if (slot < b->last) return insert(x, l, at, slot, value);
  return b->n < VS_SPARSE_BLOCK ? append(x, b, slot, value) : add_alone(x, l, at + 1, slot, value);
}

static vs_status take_out(vs_sparse *x, uint32_t dim, uint32_t slot) {
  vs_sparse_list *l = list_of(x, dim);
  assert(l && l->n_blocks > 0);
  work w;
  uint32_t at = find_block(l, slot), i = 0;
  vs_sparse_block old = l->block[at];
  take_apart(x, &old, &w);
  while (i < w.n && w.slot[i] < slot) i++;
  assert(i < w.n && w.slot[i] == slot);
  x->n_postings--;
  if (w.n == 1) {
    l->n_blocks--;
    memmove(l->block + at, l->block + at + 1, (l->n_blocks - at) * sizeof *l->block);
  } else {
    w.n--;
    memmove(w.slot + i, w.slot + i + 1, (w.n - i) * sizeof *w.slot);
    memmove(w.value + i, w.value + i + 1, (w.n - i) * sizeof *w.value);
    VS_TRY(put_together(x, &w, 0, w.n, &l->block[at]));
  }
  vs_pool_give(&x->pool, old.run, old.class);
  return VS_OK;
}

/* ============ Records ============ */

static vs_status add_record(vs_sparse *x, uint32_t slot, vs_sparse_view v) {
  for (uint32_t i = 0; i < v.n; i++)
    VS_TRY(add(x, vs_load_u32(v.index + (size_t)i * 4), slot, vs_load_f32(v.value + (size_t)i * 4)));
  x->n_docs += v.n > 0;
  return VS_OK;
}

void vs_sparse_added(vs_sparse *x, uint32_t slot, vs_sparse_view v) {
  if (!x->begun || slot >= x->built_to) return;
  if (add_record(x, slot, v) != VS_OK) give_up(x);
}

void vs_sparse_removing(vs_sparse *x, uint32_t slot, vs_sparse_view v) {
  if (!x->begun || slot >= x->built_to) return;
  for (uint32_t i = 0; i < v.n; i++) {
    if (take_out(x, vs_load_u32(v.index + (size_t)i * 4), slot) == VS_OK) continue;
    give_up(x);
    return;
  }
  x->n_docs -= v.n > 0;
}

vs_status vs_sparse_build(vs_sparse *x, double postings, bool *done) {
  uint32_t n_slots = x->source.n_slots(x->source.ctx);
  if (!x->begun) begin(x);
  for (; x->built_to < n_slots && postings > 0; x->built_to++) {
    vs_sparse_view v = x->source.sparse(x->source.ctx, x->built_to);
    postings -= 1.0 + v.n;
    if (add_record(x, x->built_to, v) == VS_OK) continue;
    give_up(x);
    return VS_OUT_OF_MEMORY;
  }
  *done = x->built_to >= n_slots;
  if (*done) x->built_to = UINT32_MAX;
  return VS_OK;
}

vs_status vs_sparse_check(const vs_sparse *x) {
  uint32_t n_slots = x->source.n_slots(x->source.ctx);
  uint64_t n = 0;
  for (uint32_t slot = 0; x->begun && slot < n_slots && slot < x->built_to; slot++) {
    vs_sparse_view v = x->source.sparse(x->source.ctx, slot);
    n += v.n;
    for (uint32_t i = 0; i < v.n; i++) {
      const vs_sparse_list *l = vs_sparse_find(x, vs_load_u32(v.index + (size_t)i * 4));
      work w;
      uint32_t j = 0;
      if (!l || l->n_blocks == 0) return VS_CORRUPT;
      take_apart(x, &l->block[find_block(l, slot)], &w);
      while (j < w.n && w.slot[j] < slot) j++;
      if (j == w.n || w.slot[j] != slot || w.value[j] != vs_load_f32(v.value + (size_t)i * 4)) return VS_CORRUPT;
    }
  }
  return n == x->n_postings ? VS_OK : VS_CORRUPT;
}

size_t vs_sparse_bytes(const vs_sparse *x) {
  if (!x->begun) return 0;
  size_t n = vs_blocks_bytes(&x->pool.units) + vs_blocks_bytes(&x->lists) + vs_hashmap_bytes(&x->by_dim);
  for (uint32_t i = 0; i < x->n_lists; i++) n += list_at(x, i)->cap * sizeof(vs_sparse_block);
  return n;
}

/* ============ Reading ============ */

static void enter(vs_sparse_cursor *c) {
  if (c->block == c->end) {
    c->slot = VS_NO_SLOT;
    return;
  }
  c->at = vs_pool_at(c->pool, c->block->run);
  c->left = c->block->n - 1u;
  c->slot = c->block->first + vs_varint(&c->at);
  c->value = vs_load_f32(c->at);
  c->at += 4;
}

void vs_sparse_cursor_begin(vs_sparse_cursor *c, const vs_sparse *x, const vs_sparse_list *l) {
  c->pool = &x->pool;
  c->block = l->block;
  c->end = l->n_blocks ? l->block + l->n_blocks : l->block;
  enter(c);
}

void vs_sparse_cursor_next(vs_sparse_cursor *c) {
  if (c->left == 0) {
    c->block++;
    enter(c);
    return;
  }
  c->left--;
  c->slot += vs_varint(&c->at);
  c->value = vs_load_f32(c->at);
  c->at += 4;
}

void vs_sparse_cursor_seek(vs_sparse_cursor *c, uint32_t slot) {
  if (c->slot >= slot) return;
  if (c->block->last < slot) {
    /* Galloping: most seeks are near. */
    size_t step = 1, left = (size_t)(c->end - c->block);
    while (step < left && c->block[step].last < slot) step *= 2;
    const vs_sparse_block *low = c->block + step / 2, *high = c->block + (step < left ? step : left);
    while (low < high) {
      const vs_sparse_block *middle = low + (high - low) / 2;
      if (middle->last < slot)
        low = middle + 1;
      else
        high = middle;
    }
    c->block = low;
    enter(c);
  }
  while (c->slot < slot) vs_sparse_cursor_next(c);
}
