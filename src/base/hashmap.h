/* hashmap.h - from byte-string keys to slots, without storing the keys.
 *
 * Layer: base. Open addressing with linear probing and backward-shift
 * deletion (no tombstones); an entry is {32-bit hash, slot} in blocks. The keys
 * lie elsewhere, so the caller passes `same`, which compares a key with a
 * slot's. Only reserve grows: it doubles the buckets until the load factor is
 * <= 0.8, rehashing into new blocks from the stored hashes (no key is read,
 * `same` is not called), and gives the old blocks back when that is done; a
 * refused allocation leaves the old table as it was. O(1) expected, reserve
 * O(n) when it doubles. Buckets come from 32 hash bits, hence at most 2^31.
 * The hash is seeded per map against chosen-key attacks.
 */
#ifndef VS_HASHMAP_H
#define VS_HASHMAP_H

#include "blocks.h"

typedef bool (*vs_same_fn)(const void *ctx, uint32_t slot, vs_slice key);

typedef struct {
  vs_blocks entries;
  uint32_t n;         /* entries in use */
  uint32_t n_buckets; /* 0 or a power of two */
  uint64_t seed;
  vs_same_fn same;
  const void *ctx; /* borrowed, handed to `same` */
} vs_hashmap;

void vs_hashmap_init(vs_hashmap *m, vs_alloc *a, uint64_t seed, vs_same_fn same, const void *ctx);
void vs_hashmap_deinit(vs_hashmap *m);
/* Makes room for n entries in all; after it, that many puts cannot fail. */
VS_MUST_USE vs_status vs_hashmap_reserve(vs_hashmap *m, uint32_t n);
/* Gives buckets back when few are used: less room than was reserved may be left. O(n) if it does. */
void vs_hashmap_shrink(vs_hashmap *m);
/* The key's slot, or VS_NO_SLOT. */
uint32_t vs_hashmap_get(const vs_hashmap *m, vs_slice key);
/* Adds a key that is not there. Room must have been reserved. */
void vs_hashmap_put(vs_hashmap *m, vs_slice key, uint32_t slot);
/* Adds a key unless it is there: false. Room must have been reserved. */
bool vs_hashmap_add(vs_hashmap *m, vs_slice key, uint32_t slot);
/* Removes a key; its slot, or VS_NO_SLOT when it was not there. */
uint32_t vs_hashmap_remove(vs_hashmap *m, vs_slice key);
size_t vs_hashmap_bytes(const vs_hashmap *m);

/* The seeded 64-bit hash in use (for tests and other tables). */
uint64_t vs_hash64(uint64_t seed, const void *p, size_t n);

#endif
