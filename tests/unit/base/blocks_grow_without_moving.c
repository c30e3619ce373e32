/* Blocks keep every item through growth, move nothing once the first block is
 * full, hand out zeros, and give memory back; a refusal loses nothing. */
#include "../../../src/base/blocks.h"

#include "../tap.h"

static void grow_and_check(uint32_t item_bytes, uint32_t most) {
  vs_alloc a;
  vs_alloc_init(&a);
  vs_blocks b;
  vs_blocks_init(&b, &a, item_bytes);
  ok(a.used == 0 && vs_blocks_bytes(&b) == 0, "%u-byte items: an empty array holds nothing", item_bytes);
  int wrong = 0;
  uint32_t n = 0, per_block = 1u << b.shift;
  while (n < most) {
    uint32_t want = n + n / 3 + 1;
    uint8_t *first = b.n_items >= per_block ? vs_blocks_at(&b, 0) : NULL;
    must(vs_blocks_reserve(&b, want) == VS_OK);
    wrong += b.n_items < want || (first != NULL && first != vs_blocks_at(&b, 0));
    for (uint32_t i = n; i < want; i++) {
      uint8_t *p = vs_blocks_at(&b, i);
      for (uint32_t k = 0; k < item_bytes; k++) wrong += p[k] != 0;
      memcpy(p, &i, item_bytes < 4 ? item_bytes : 4);
    }
    wrong += (uintptr_t)vs_blocks_at(&b, 0) % 64 != 0 || a.used < vs_blocks_bytes(&b);
    wrong += a.used != vs_blocks_bytes(&b) + 16 * ((size_t)b.n_blocks + 1);
    n = want;
  }
  for (uint32_t i = 0; i < n; i++) wrong += memcmp(vs_blocks_at(&b, i), &i, item_bytes < 4 ? item_bytes : 4) != 0;
  ok(wrong == 0 && b.n_blocks > 1, "all of %u items are kept in %u blocks (%d wrong)", n, b.n_blocks, wrong);
  uint32_t kept = per_block + 3;
  vs_blocks_truncate(&b, kept);
  ok(b.n_blocks == ((kept - 1) >> b.shift) + 1, "truncate gives whole blocks back");
  must(vs_blocks_reserve(&b, n) == VS_OK);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t v = 0, expected = 0;
    memcpy(&v, vs_blocks_at(&b, i), item_bytes < 4 ? item_bytes : 4);
    if (i < kept) memcpy(&expected, &i, item_bytes < 4 ? item_bytes : 4);
    wrong += v != expected;
  }
  ok(wrong == 0, "items come back as zeros, those kept as they were");
  vs_blocks_truncate(&b, 0);
  ok(b.n_items == 0 && b.n_blocks == 0, "truncate to nothing");
  vs_blocks_deinit(&b);
  ok(a.used == 0, "nothing leaks");
}

static void refusals(void) {
  int wrong = 0;
  for (uint64_t fail = 1; fail <= 8; fail++) {
    vs_alloc a;
    vs_alloc_init(&a);
    vs_blocks b;
    vs_blocks_init(&b, &a, 4096);
    must(vs_blocks_reserve(&b, 10) == VS_OK);
    for (uint32_t i = 0; i < 10; i++) memcpy(vs_blocks_at(&b, i), &i, 4);
    a.fail_at = a.n_calls + fail;
    vs_status s = vs_blocks_reserve(&b, 1000);
    wrong += s != (fail <= 5 ? VS_OUT_OF_MEMORY : VS_OK);
    a.fail_at = 0;
    wrong += vs_blocks_reserve(&b, 1000) != VS_OK;
    for (uint32_t i = 0; i < 10; i++) wrong += memcmp(vs_blocks_at(&b, i), &i, 4) != 0;
    vs_blocks_deinit(&b);
    wrong += a.used != 0;
  }
  ok(wrong == 0, "a refusal at any allocation loses nothing (%d wrong)", wrong);
}

int main(void) {
  grow_and_check(1, 3000000);
  grow_and_check(24, 200000);
  grow_and_check(1u << 20, 5);
  refusals();
  return tap_done();
}
