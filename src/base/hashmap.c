/* hashmap.c - open addressing with linear probing and backward-shift deletion.
 *
 * Layer: base. Knows keys only through vs_hash64 and the caller's `same`.
 * A bucket holds the low 32 bits of the key's hash and slot + 1; 0 marks an
 * empty bucket, which is what new blocks hold. The home of an entry is
 * hash % n_buckets, so growth and deletion need no key. Deletion moves later
 * entries of the run back over the hole (Knuth 6.4, algorithm R), so that
 * lookups stay short for ever.
 *
 * Invariants
 *   H1  no bucket between an entry's home and its place is empty.
 *   H2  5 * n <= 4 * n_buckets: a probe always meets an empty bucket.
 */
#include "hashmap.h"

#include "bytes.h"
#include "rng.h"

#include <string.h>

#define LEAST_BUCKETS 8u
#define MOST_BUCKETS 0x80000000u

typedef struct {
  uint32_t hash;
  uint32_t slot_plus_1;
} entry;

static entry *entry_at(const vs_hashmap *m, uint32_t bucket) { return vs_blocks_at(&m->entries, bucket); }

/* A chain of splitmix64 finalizers over 8-byte words, the length mixed in
 * first so that a tail padded with zeros differs from real zeros. */
uint64_t vs_hash64(uint64_t seed, const void *p, size_t n) {
  const uint8_t *at = p;
  uint64_t h = vs_mix64(seed ^ (n * 0x9e3779b97f4a7c15u));
  for (; n >= 8; n -= 8, at += 8) h = vs_mix64(h ^ vs_load_u64(at));
  if (n > 0) {
    uint8_t tail[8] = {0};
    memcpy(tail, at, n);
    h = vs_mix64(h ^ vs_load_u64(tail));
  }
  /* The seed again: without it the last step could be undone by anybody. */
  return vs_mix64(h + seed);
}

void vs_hashmap_init(vs_hashmap *m, vs_alloc *a, uint64_t seed, vs_same_fn same, const void *ctx) {
  vs_blocks_init(&m->entries, a, sizeof(entry));
  m->n = 0;
  m->n_buckets = 0;
  m->seed = seed;
  m->same = same;
  m->ctx = ctx;
}

void vs_hashmap_deinit(vs_hashmap *m) {
  vs_blocks_deinit(&m->entries);
  m->n = 0;
  m->n_buckets = 0;
}

/* Puts an entry into the first empty bucket from its home on. */
static void place(const vs_blocks *entries, uint32_t n_buckets, entry e) {
  uint32_t bucket = e.hash & (n_buckets - 1);
  for (;; bucket = (bucket + 1) & (n_buckets - 1)) {
    entry *at = vs_blocks_at(entries, bucket);
    if (at->slot_plus_1 != 0) continue;
    *at = e;
    return;
  }
}

/* Moves the entries into a table of another size, a power of two that holds them. */
static vs_status resize(vs_hashmap *m, uint32_t n_buckets) {
  vs_blocks next;
  vs_blocks_init(&next, m->entries.a, sizeof(entry));
  vs_status status = vs_blocks_reserve(&next, n_buckets);
  if (status != VS_OK) {
    vs_blocks_deinit(&next);
    return status;
  }
  for (uint32_t i = 0; i < m->n_buckets; i++) {
    entry e = *entry_at(m, i);
    if (e.slot_plus_1 != 0) place(&next, n_buckets, e);
  }
  vs_blocks_deinit(&m->entries);
  m->entries = next;
  m->n_buckets = n_buckets;
  return VS_OK;
}

vs_status vs_hashmap_reserve(vs_hashmap *m, uint32_t n) {
  uint32_t n_buckets = m->n_buckets > 0 ? m->n_buckets : LEAST_BUCKETS;
  while ((uint64_t)n * 5 > (uint64_t)n_buckets * 4) {
    if (n_buckets == MOST_BUCKETS) return VS_OUT_OF_MEMORY;
    n_buckets *= 2;
  }
  return n_buckets == m->n_buckets ? VS_OK : resize(m, n_buckets);
}

void vs_hashmap_shrink(vs_hashmap *m) {
  uint32_t n_buckets = m->n_buckets;
  /* A quarter of what it may hold, so that a table at its edge is not resized to and fro. */
  while (n_buckets > LEAST_BUCKETS && (uint64_t)m->n * 5 <= n_buckets) n_buckets /= 2;
  vs_status status = n_buckets == m->n_buckets ? VS_OK : resize(m, n_buckets);
  (void)status; /* refused, the large table is as good */
}

/* The bucket of a key, or VS_NO_SLOT. */
static uint32_t find(const vs_hashmap *m, vs_slice key) {
  if (m->n == 0) return VS_NO_SLOT;
  uint32_t hash = (uint32_t)vs_hash64(m->seed, key.p, key.n), mask = m->n_buckets - 1;
  for (uint32_t bucket = hash & mask;; bucket = (bucket + 1) & mask) {
    const entry *e = entry_at(m, bucket);
    if (e->slot_plus_1 == 0) return VS_NO_SLOT;
    if (e->hash == hash && m->same(m->ctx, e->slot_plus_1 - 1, key)) return bucket;
  }
}

uint32_t vs_hashmap_get(const vs_hashmap *m, vs_slice key) {
  uint32_t bucket = find(m, key);
  return bucket != VS_NO_SLOT ? entry_at(m, bucket)->slot_plus_1 - 1 : VS_NO_SLOT;
}

void vs_hashmap_put(vs_hashmap *m, vs_slice key, uint32_t slot) {
  assert(slot < VS_MAX_SLOTS);
  assert(((uint64_t)m->n + 1) * 5 <= (uint64_t)m->n_buckets * 4);
  place(&m->entries, m->n_buckets, (entry){(uint32_t)vs_hash64(m->seed, key.p, key.n), slot + 1});
  m->n++;
}

bool vs_hashmap_add(vs_hashmap *m, vs_slice key, uint32_t slot) {
  assert(slot < VS_MAX_SLOTS);
  assert(((uint64_t)m->n + 1) * 5 <= (uint64_t)m->n_buckets * 4);
  uint32_t hash = (uint32_t)vs_hash64(m->seed, key.p, key.n), mask = m->n_buckets - 1;
  for (uint32_t bucket = hash & mask;; bucket = (bucket + 1) & mask) {
    entry *e = entry_at(m, bucket);
    if (e->slot_plus_1 == 0) {
      *e = (entry){hash, slot + 1};
      m->n++;
      return true;
    }
    if (e->hash == hash && m->same(m->ctx, e->slot_plus_1 - 1, key)) return false;
  }
}

uint32_t vs_hashmap_remove(vs_hashmap *m, vs_slice key) {
  uint32_t hole = find(m, key), mask = m->n_buckets - 1;
  if (hole == VS_NO_SLOT) return VS_NO_SLOT;
  uint32_t slot = entry_at(m, hole)->slot_plus_1 - 1;
  for (uint32_t next = (hole + 1) & mask;; next = (next + 1) & mask) {
    const entry *e = entry_at(m, next);
    if (e->slot_plus_1 == 0) break;
    /* It may move back only if the hole is not before its home (H1). */
    if (((next - e->hash) & mask) < ((next - hole) & mask)) continue;
    *entry_at(m, hole) = *e;
    hole = next;
  }
  *entry_at(m, hole) = (entry){0, 0};
  m->n--;
  return slot;
}

size_t vs_hashmap_bytes(const vs_hashmap *m) { return vs_blocks_bytes(&m->entries); }
