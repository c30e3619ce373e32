/* The map equals an array over random puts, gets and removes, with keys that
 * crowd into few buckets too; it survives refused memory; its hash depends on
 * every byte and on the seed. */
#include "../../../src/base/hashmap.h"
#include "../../../src/base/rng.h"

#include "../tap.h"

#define KEYS 4000u
#define SEED 6u

typedef struct {
  uint8_t text[24];
  uint32_t n;
  bool in;
} key_of_slot;

static key_of_slot keys[KEYS];

static bool same(const void *ctx, uint32_t slot, vs_slice key) {
  const key_of_slot *k = (const key_of_slot *)ctx + slot;
  return k->n == key.n && memcmp(k->text, key.p, key.n) == 0;
}

static vs_slice key(uint32_t slot) { return (vs_slice){keys[slot].text, keys[slot].n}; }

/* Distinct keys of many lengths; with `crowded` only such whose hash falls
 * into the last 16 of 1024 buckets, so that runs are long and wrap around. */
static void make_keys(uint64_t seed, uint32_t n, bool crowded) {
  uint32_t next = 0;
  for (uint32_t i = 0; i < n; i++) {
    key_of_slot *k = &keys[i];
    do {
      k->n = 4 + next % 20;
      memset(k->text, (int)(next % 251), k->n);
      memcpy(k->text, &next, 4);
      next++;
    } while (crowded && (vs_hash64(seed, k->text, k->n) & 1023) < 1008);
    k->in = false;
  }
}

static int compare(const vs_hashmap *m, uint32_t n) {
  int wrong = 0;
  uint32_t count = 0;
  for (uint32_t i = 0; i < n; i++) {
    wrong += vs_hashmap_get(m, key(i)) != (keys[i].in ? i : VS_NO_SLOT);
    count += keys[i].in;
  }
  return wrong + (m->n != count);
}

static void traffic(uint32_t n, bool crowded, int steps) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_hashmap m;
  make_keys(SEED, n, crowded);
  vs_hashmap_init(&m, &a, SEED, same, keys);
  ok(vs_hashmap_get(&m, key(0)) == VS_NO_SLOT && vs_hashmap_remove(&m, key(0)) == VS_NO_SLOT,
     "an empty map has nothing");
  vs_rng rng = {SEED};
  int wrong = 0;
  for (int step = 0; step < steps; step++) {
    uint32_t i = vs_rng_below(&rng, n);
    /* Waves: mostly filling, then mostly emptying. */
    bool put = vs_rng_below(&rng, 10) < (step / (steps / 6) % 2 == 0 ? 8u : 2u);
    if (put && step % 2 == 0) {
      must(vs_hashmap_reserve(&m, m.n + 1) == VS_OK);
      wrong += vs_hashmap_add(&m, key(i), i) != !keys[i].in;
      keys[i].in = true;
    } else if (put && !keys[i].in) {
      must(vs_hashmap_reserve(&m, m.n + 1) == VS_OK);
      vs_hashmap_put(&m, key(i), i);
      keys[i].in = true;
    } else if (!put) {
      wrong += vs_hashmap_remove(&m, key(i)) != (keys[i].in ? i : VS_NO_SLOT);
      keys[i].in = false;
    }
    if (step % (steps / 40) == 0) wrong += compare(&m, n);
  }
  wrong += compare(&m, n);
  ok(wrong == 0, "%s keys: agrees with the array (seed %u, %d wrong)", crowded ? "crowded" : "ordinary", SEED, wrong);
  ok((uint64_t)m.n * 5 <= (uint64_t)m.n_buckets * 4 && vs_hashmap_bytes(&m) >= (size_t)m.n_buckets * 8,
     "load below 0.8");
  for (uint32_t i = 0; i < n; i++) {
    if (keys[i].in) vs_hashmap_remove(&m, key(i));
    keys[i].in = false;
  }
  ok(m.n == 0 && compare(&m, n) == 0, "emptied");
  vs_hashmap_deinit(&m);
  ok(a.used == 0, "nothing leaks");
}

static void refusals(void) {
  int wrong = 0, refused = 0;
  make_keys(SEED, 600, false);
  for (uint64_t fail = 1; fail < 6; fail++) {
    vs_alloc a;
    vs_alloc_init(&a);
    vs_hashmap m;
    vs_hashmap_init(&m, &a, SEED, same, keys);
    must(vs_hashmap_reserve(&m, 300) == VS_OK);
    for (uint32_t i = 0; i < 600; i++) keys[i].in = i < 300;
    for (uint32_t i = 0; i < 300; i++) vs_hashmap_put(&m, key(i), i);
    a.fail_at = a.n_calls + fail;
    uint64_t live = a.n_live;
    size_t used = a.used;
    if (vs_hashmap_reserve(&m, 600) != VS_OK) {
      refused++;
      wrong += a.used != used || a.n_live != live || compare(&m, 600) != 0;
    }
    vs_hashmap_deinit(&m);
    wrong += a.used != 0;
  }
  ok(wrong == 0 && refused > 0, "a refused growth leaves the old table (%d refused, %d wrong)", refused, wrong);
}

static void hashes(void) {
  uint8_t text[40] = {0};
  int equal = 0;
  for (size_t n = 0; n < 40; n++) equal += vs_hash64(1, text, n) == vs_hash64(1, text, n + (n < 39)) && n < 39;
  for (size_t n = 1; n <= 40; n++) {
    uint64_t h = vs_hash64(1, text, n);
    for (size_t bit = 0; bit < n * 8; bit++) {
      text[bit / 8] ^= (uint8_t)(1u << bit % 8);
      equal += vs_hash64(1, text, n) == h;
      text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    equal += vs_hash64(2, text, n) == h;
  }
  ok(equal == 0, "every bit, the length and the seed count");
}

int main(void) {
  traffic(KEYS, false, 60000);
  traffic(200, true, 12000);
  refusals();
  hashes();
  return tap_done();
}
