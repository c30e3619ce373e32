/* Whatever happens to the bytes of a block file, salvaging gives blocks that were written, whole
 * and in order; where one block is hit it gives all the others. Never reads outside. */
#include "../../../src/base/crc32c.h"
#include "../../../src/base/rng.h"
#include "../../../src/store/store_impl.h"
#include "../tap.h"

#define MAX_BLOCKS 12u

typedef struct {
  uint8_t *p;
  uint64_t n, at[MAX_BLOCKS]; /* of the blocks' headers */
  uint32_t bytes[MAX_BLOCKS], n_blocks;
} file;

/* Blocks of all lengths; many bytes are small numbers, which look like lengths. */
static file make(vs_rng *r) {
  file f = {.n = VS_BLOCK_FILE_HEADER_BYTES, .n_blocks = 1 + vs_rng_below(r, MAX_BLOCKS)};
  must((f.p = calloc(1, 1 << 20)) != NULL);
  bool small = vs_rng_below(r, 2);
  for (uint32_t i = 0; i < f.n_blocks; i++) {
    uint32_t n = 1 + vs_rng_below(r, vs_rng_below(r, 3) ? 300 : 30000);
    uint8_t *p = f.p + f.n;
    f.at[i] = f.n;
    f.bytes[i] = n;
    for (uint32_t k = 0; k < n; k++) p[8 + k] = small && k % 4 ? 0 : (uint8_t)vs_rng_u64(r);
    vs_store_u32(p, n);
    vs_store_u32(p + 4, vs_crc32c(vs_crc32c(0, p, 4), p + 8, n));
    f.n += 8 + n;
  }
  vs_store_u32(f.p + f.n, VS_BLOCK_FOOTER_MARKER);
  f.n += VS_BLOCK_FOOTER_BYTES;
  return f;
}

/* How many of the file's blocks come back, each as it was, in order; UINT32_MAX when something else does. */
static uint32_t salvaged(const file *f, const uint8_t *damaged, uint64_t n, bool *told) {
  /* Of exactly this length, so that reading behind the end is noticed. */
  uint8_t *copy = malloc(n ? (size_t)n : 1);
  must(copy != NULL);
  memcpy(copy, damaged, (size_t)n);
  uint64_t off = VS_BLOCK_FILE_HEADER_BYTES;
  uint32_t next = 0, found = 0;
  *told = false;
  for (;;) {
    vs_slice block;
    vs_salvage_block(copy, n, &off, &block, told);
    if (block.n == 0) break;
    uint64_t at = (uint64_t)(block.p - copy) - VS_BLOCK_HEADER_BYTES;
    while (next < f->n_blocks && f->at[next] < at) next++;
    bool same = next < f->n_blocks && f->at[next] == at && f->bytes[next] == block.n &&
                memcmp(block.p, f->p + at + 8, block.n) == 0;
    if (!same) {
      found = UINT32_MAX;
      break;
    }
    found++;
  }
  free(copy);
  return found;
}

int main(void) {
  uint32_t wrong = 0;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    vs_rng r = {seed};
    file f = make(&r);
    bool told;
    uint32_t all = salvaged(&f, f.p, f.n, &told);
    bool right = all == f.n_blocks && !told;
    for (uint32_t i = 0; i < 6 && right; i++) { /* one block is hit: in its length, its checksum or its payload */
      uint32_t b = vs_rng_below(&r, f.n_blocks);
      uint64_t at = f.at[b] + (i < 3 ? vs_rng_below(&r, 8) : vs_rng_below(&r, f.bytes[b] + 8));
      f.p[at] ^= (uint8_t)(1 + vs_rng_below(&r, 255));
      right = salvaged(&f, f.p, f.n, &told) == f.n_blocks - 1 && told;
      if (!right) printf("# seed %llu, block %u of %u hit\n", (unsigned long long)seed, b, f.n_blocks);
      f.p[f.at[b]] = 0; /* written anew below */
      vs_store_u32(f.p + f.at[b], f.bytes[b]);
      vs_rng again = {seed};
      file fresh = make(&again);
      memcpy(f.p, fresh.p, (size_t)f.n);
      free(fresh.p);
    }
    uint8_t *many = malloc((size_t)f.n);
    must(many != NULL);
    for (uint32_t i = 0; i < 10 && right; i++) { /* any damage, any length */
      memcpy(many, f.p, (size_t)f.n);
      for (uint32_t k = vs_rng_below(&r, 20); k > 0; k--) many[vs_rng_u64(&r) % f.n] = (uint8_t)vs_rng_u64(&r);
      uint64_t n = vs_rng_below(&r, 2) ? f.n : vs_rng_u64(&r) % f.n;
      right = salvaged(&f, many, n, &told) <= f.n_blocks;
      if (!right) printf("# seed %llu: something that was never written\n", (unsigned long long)seed);
    }
    free(many);
    free(f.p);
    wrong += !right;
  }
  ok(wrong == 0, "200 files, each damaged 16 times: %u wrong", wrong);
  return tap_done();
}
