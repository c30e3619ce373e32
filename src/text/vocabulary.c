/* vocabulary.c - terms by their bytes and in order (see vocabulary.h).
 *
 * Layer: text (L2).
 */
#include "vocabulary.h"

#include <string.h>

static bool same_key(const void *ctx, uint32_t slot, vs_slice key) {
  vs_slice own = vs_term_key(ctx, slot);
  return own.n == key.n && memcmp(own.p, key.p, key.n) == 0;
}

void vs_vocabulary_init(vs_vocabulary *v, vs_alloc *a, uint64_t hash_seed) {
  memset(v, 0, sizeof *v);
  v->a = a;
  v->free = v->gone = VS_NO_TERM;
  vs_lists_init(&v->postings, a);
  vs_blocks_init(&v->terms, a, sizeof(vs_term));
  vs_hashmap_init(&v->map, a, hash_seed, same_key, v);
  vs_blocks_init(&v->order, a, sizeof(uint32_t));
  vs_blocks_init(&v->fresh, a, sizeof(uint32_t));
}

void vs_vocabulary_deinit(vs_vocabulary *v) {
  for (uint32_t i = 0; i < v->n_terms; i++) vs_list_deinit(&v->postings, &vs_term_at(v, i)->list);
  vs_lists_deinit(&v->postings);
  vs_blocks_deinit(&v->terms);
  vs_hashmap_deinit(&v->map);
  vs_blocks_deinit(&v->order);
  vs_blocks_deinit(&v->fresh);
}

vs_slice vs_term_key(const vs_vocabulary *v, uint32_t term) {
  const vs_term *t = vs_term_at(v, term);
  return (vs_slice){vs_pool_at(&v->postings.pool, t->key), t->key_n};
}

uint32_t vs_vocabulary_find(const vs_vocabulary *v, vs_slice key) { return vs_hashmap_get(&v->map, key); }

static vs_status take_entry(vs_vocabulary *v, uint32_t *entry) {
  if (v->free != VS_NO_TERM) {
    *entry = v->free;
    v->free = vs_term_at(v, *entry)->next;
  } else {
    if (v->n_terms == VS_MAX_SLOTS) return VS_OUT_OF_MEMORY;
    VS_TRY(vs_blocks_reserve(&v->terms, v->n_terms + 1));
    *entry = v->n_terms++;
  }
  memset(vs_term_at(v, *entry), 0, sizeof(vs_term));
  vs_term_at(v, *entry)->next = VS_NO_TERM;
  return VS_OK;
}

static void give_entry(vs_vocabulary *v, uint32_t entry) {
  vs_term_at(v, entry)->next = v->free;
  vs_term_at(v, entry)->key_n = 0;
  v->free = entry;
}

/* Ordering is a convenience: without memory for it, it starts anew when next asked for. */
static void forget_order(vs_vocabulary *v) {
  for (uint32_t i = 0; i < v->n_terms; i++) vs_term_at(v, i)->in_order = false;
  while (v->gone != VS_NO_TERM) {
    uint32_t term = v->gone;
    v->gone = vs_term_at(v, term)->next;
    give_entry(v, term);
  }
  v->ordered = false;
  v->n_order = v->n_fresh = v->n_gone = 0;
}

vs_status vs_vocabulary_add(vs_vocabulary *v, vs_slice key, uint32_t *term) {
  *term = vs_vocabulary_find(v, key);
  if (*term != VS_NO_TERM) return VS_OK;
  uint32_t run, head;
  uint8_t class;
  VS_TRY(vs_hashmap_reserve(&v->map, v->map.n + 1));
  VS_TRY(vs_pool_take(&v->postings.pool, (uint32_t)key.n, &run, &class));
  vs_status status = take_entry(v, &head);
  if (status != VS_OK) {
    vs_pool_give(&v->postings.pool, run, class);
    return status;
  }
  memcpy(vs_pool_at(&v->postings.pool, run), key.p, key.n);
  vs_term *t = vs_term_at(v, head);
  t->key = run;
  t->key_class = class;
  t->key_n = (uint8_t)key.n;
  vs_hashmap_put(&v->map, key, head);
  if (v->ordered) {
    if (vs_blocks_reserve(&v->fresh, v->n_fresh + 1) == VS_OK) {
      *(uint32_t *)vs_blocks_at(&v->fresh, v->n_fresh++) = head;
      t->in_order = true;
    } else {
      forget_order(v);
    }
  }
  *term = head;
  return VS_OK;
}

void vs_vocabulary_drop(vs_vocabulary *v, uint32_t term) {
  vs_term *t = vs_term_at(v, term);
  assert(t->df == 0);
  vs_hashmap_remove(&v->map, vs_term_key(v, term));
  vs_pool_give(&v->postings.pool, t->key, t->key_class);
  for (uint32_t entry = t->next; entry != VS_NO_TERM;) {
    uint32_t next = vs_term_at(v, entry)->next;
    assert(vs_term_at(v, entry)->list.n_docs == 0);
    give_entry(v, entry);
    entry = next;
  }
  assert(t->list.n_docs == 0);
  if (!t->in_order) {
    give_entry(v, term);
    return;
  }
  t->next = v->gone;
  v->gone = term;
  v->n_gone++;
  /* Many words that come and go, and nobody who asks for the order. */
  if (v->n_gone > v->map.n + 4096) forget_order(v);
}

uint32_t vs_term_in_field(const vs_vocabulary *v, uint32_t head, uint8_t field) {
  for (uint32_t entry = head; entry != VS_NO_TERM; entry = vs_term_at(v, entry)->next)
    if (vs_term_at(v, entry)->field == field) return entry;
  return VS_NO_TERM;
}

vs_status vs_term_add_field(vs_vocabulary *v, uint32_t head, uint8_t field, uint32_t *entry) {
  *entry = vs_term_in_field(v, head, field);
  if (*entry != VS_NO_TERM) return VS_OK;
  /* A head without postings takes any field. */
  if (vs_term_at(v, head)->list.n_docs == 0 && vs_term_at(v, head)->next == VS_NO_TERM) {
    vs_term_at(v, head)->field = field;
    *entry = head;
    return VS_OK;
  }
  VS_TRY(take_entry(v, entry));
  vs_term *t = vs_term_at(v, *entry), *h = vs_term_at(v, head);
  t->field = field;
  t->next = h->next;
  h->next = *entry;
  return VS_OK;
}

/* ============ Order ============ */

static int compare(vs_slice a, vs_slice b) {
  int c = memcmp(a.p, b.p, vs_min_size(a.n, b.n));
  return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

static bool is_before(const vs_vocabulary *v, uint32_t a, uint32_t b) {
  return compare(vs_term_key(v, a), vs_term_key(v, b)) < 0;
}

static uint32_t *item(const vs_blocks *list, uint32_t i) { return vs_blocks_at(list, i); }

/* Merge sort, bottom up; `list` and `other` have n items each and may change places. */
static void sort_terms(const vs_vocabulary *v, vs_blocks *list, vs_blocks *other, uint32_t n) {
  for (uint64_t width = 1; width < n; width *= 2) {
    for (uint64_t from = 0; from < n; from += 2 * width) {
      uint32_t a = (uint32_t)from, middle = (uint32_t)(from + width < n ? from + width : n), b = middle,
               end = (uint32_t)(from + 2 * width < n ? from + 2 * width : n);
      for (uint32_t to = a; to < end; to++) {
        bool first = b == end || (a < middle && !is_before(v, *item(list, b), *item(list, a)));
        *item(other, to) = *item(list, first ? a : b);
        if (first)
          a++;
        else
          b++;
      }
    }
    vs_blocks t = *list;
    *list = *other;
    *other = t;
  }
}

static vs_status sort_list(vs_vocabulary *v, vs_blocks *list, uint32_t n) {
  vs_blocks other;
  vs_blocks_init(&other, v->a, sizeof(uint32_t));
  vs_status status = vs_blocks_reserve(&other, n);
  if (status == VS_OK) sort_terms(v, list, &other, n);
  vs_blocks_deinit(&other);
  return status;
}

/* Everything that is in use, sorted. */
static vs_status order_all(vs_vocabulary *v) {
  VS_TRY(vs_blocks_reserve(&v->order, v->map.n));
  v->n_order = 0;
  for (uint32_t i = 0; i < v->n_terms; i++) {
    vs_term *t = vs_term_at(v, i);
    if (t->df == 0) continue;
    *item(&v->order, v->n_order++) = i;
  }
  VS_TRY(sort_list(v, &v->order, v->n_order));
  for (uint32_t i = 0; i < v->n_order; i++) vs_term_at(v, *item(&v->order, i))->in_order = true;
  v->ordered = true;
  return VS_OK;
}

static uint32_t without_gone(const vs_vocabulary *v, vs_blocks *list, uint32_t n) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++)
    if (vs_term_at(v, *item(list, i))->df > 0) *item(list, kept++) = *item(list, i);
  return kept;
}

vs_status vs_vocabulary_sort(vs_vocabulary *v) {
  if (!v->ordered) return order_all(v);
  if (v->n_gone > 0) {
    v->n_order = without_gone(v, &v->order, v->n_order);
    v->n_fresh = without_gone(v, &v->fresh, v->n_fresh);
    while (v->gone != VS_NO_TERM) {
      uint32_t term = v->gone;
      v->gone = vs_term_at(v, term)->next;
      give_entry(v, term);
    }
    v->n_gone = 0;
  }
  if (v->n_fresh == 0) return VS_OK;
  VS_TRY(sort_list(v, &v->fresh, v->n_fresh));
  uint32_t a = v->n_order, b = v->n_fresh, to = a + b;
  VS_TRY(vs_blocks_reserve(&v->order, to));
  v->n_order = to;
  while (b > 0) {
    bool last = a == 0 || is_before(v, *item(&v->order, a - 1), *item(&v->fresh, b - 1));
    *item(&v->order, --to) = last ? *item(&v->fresh, --b) : *item(&v->order, --a);
  }
  v->n_fresh = 0;
  return VS_OK;
}

/* The first place whose term, cut at the prefix's length, is above it (or not below it). */
static uint32_t bound(const vs_vocabulary *v, vs_slice prefix, uint32_t low, bool above) {
  uint32_t high = v->n_order;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    vs_slice key = vs_term_key(v, vs_ordered_term(v, middle));
    int c = memcmp(key.p, prefix.p, vs_min_size(key.n, prefix.n));
    if (c == 0 && key.n < prefix.n) c = -1;
    if (c < 0 || (above && c == 0))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void vs_vocabulary_prefix(const vs_vocabulary *v, vs_slice prefix, uint32_t *from, uint32_t *to) {
  *from = bound(v, prefix, 0, false);
  *to = bound(v, prefix, *from, true);
}

size_t vs_vocabulary_bytes(const vs_vocabulary *v) {
  size_t n = vs_blocks_bytes(&v->postings.pool.units) + vs_blocks_bytes(&v->terms) + vs_hashmap_bytes(&v->map) +
             vs_blocks_bytes(&v->order) + vs_blocks_bytes(&v->fresh);
  for (uint32_t i = 0; i < v->n_terms; i++) n += vs_list_extra_bytes(&vs_term_at(v, i)->list);
  return n;
}
