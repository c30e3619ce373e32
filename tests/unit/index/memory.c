/* memory.c - a refused allocation changes nothing, and after prepare none is needed.
 *
 * For create, prepare, search with a large ef, encode, load and check: every
 * allocation in turn fails; the call must say so and leave the index as sound
 * and as full as it was. Insert and remove must not allocate at all.
 */
#include "world.h"

#define DIM 4u
#define N 300u

static void vector(vs_rng *r, float *x) {
  for (uint32_t j = 0; j < DIM; j++) x[j] = world_gauss(r);
}

static void creation(vs_index_type type) {
  world w;
  world_init(&w, DIM, type, VS_EUCLIDEAN, 4, 20);
  size_t used = w.a.used;
  uint32_t n_failed = 0;
  vs_index *ix = NULL;
  for (uint64_t i = 1;; i++) {
    w.a.fail_at = w.a.n_calls + i;
    vs_status status = vs_index_create(&w.a, &w.config, &w.vectors, &w.sequences, &ix);
    w.a.fail_at = 0;
    if (status == VS_OK) break;
    if (status != VS_OUT_OF_MEMORY || w.a.used != used) break;
    n_failed++;
  }
  ok(ix != NULL && n_failed > 0, "type %d: create survives each of %u refusals", type, n_failed);
  vs_index_destroy(ix);
  world_deinit(&w);
}

/* Grows an index to N slots with every allocation of every prepare refused once. */
static void growth(vs_index_type type) {
  world w;
  vs_rng r = {world_seed()};
  uint32_t n_failed = 0;
  bool sound = true, silent = true;
  world_init(&w, DIM, type, VS_EUCLIDEAN, 3, 20);
  for (uint32_t slot = 0; slot < N; slot++) {
    float x[DIM];
    vector(&r, x);
    uint64_t sequence = slot;
    world_set(&w, slot, x, sequence);
    vs_status status;
    do {
      w.a.fail_at = w.a.n_calls + 1;
      status = vs_index_prepare(w.ix, slot + 1, 1, &sequence);
      for (uint64_t skip = 2; status != VS_OK && skip < 4; skip++) {
        n_failed++;
        sound = sound && status == VS_OUT_OF_MEMORY && vs_index_count(w.ix) == slot && world_check(&w);
        w.a.fail_at = w.a.n_calls + skip;
        status = vs_index_prepare(w.ix, slot + 1, 1, &sequence);
      }
      w.a.fail_at = 0;
    } while (status != VS_OK);
    uint64_t n_calls = w.a.n_calls;
    vs_index_insert(w.ix, slot);
    if (slot % 3 == 2) {
      vs_index_remove(w.ix, slot - 1);
      sequence = *(uint64_t *)vs_blocks_at(&w.sequences, slot - 1);
      must(vs_index_prepare(w.ix, slot + 1, 1, &sequence) == VS_OK);
      vs_index_insert(w.ix, slot - 1);
    }
    silent = silent && w.a.n_calls == n_calls;
  }
  ok(sound && n_failed > 0, "type %d: prepare survives each of %u refusals", type, n_failed);
  ok(silent, "type %d: insert and remove allocate nothing; a replacement needs nothing new", type);
  ok(world_check(&w) && vs_index_count(w.ix) == N, "type %d: and the index is complete", type);
  world_deinit(&w);
}

/* Removing and inserting the same number over and over must not use more and more. */
static void steady(void) {
  world w;
  vs_rng r = {world_seed()};
  world_init(&w, DIM, VS_INDEX_HNSW, VS_EUCLIDEAN, 2, 10);
  size_t settled = 0;
  for (uint32_t i = 0; i < 8000; i++) {
    float x[DIM];
    vector(&r, x);
    uint32_t slot = i % 100;
    if (vs_index_contains(w.ix, slot)) vs_index_remove(w.ix, slot);
    world_insert(&w, slot, x);
    if (i == 4000) settled = vs_index_bytes(w.ix);
  }
  ok(vs_index_bytes(w.ix) <= settled, "8000 replacements of 100 vectors hold no more memory than 4000");
  world_deinit(&w);
}

static void reading(void) {
  world w;
  vs_rng r = {world_seed()};
  world_init(&w, DIM, VS_INDEX_HNSW, VS_EUCLIDEAN, 3, 20);
  for (uint32_t i = 0; i < N; i++) {
    float x[DIM];
    vector(&r, x);
    world_insert(&w, i, x);
  }
  vs_hit hit[N];
  uint32_t n = 0;
  vs_search_params params = {.k = N, .ef = N};
  w.a.fail_at = w.a.n_calls + 1;
  ok(vs_index_search(w.ix, vs_vectors_at(&w.vectors, 0), &params, hit, &n, NULL) == VS_OUT_OF_MEMORY && n == 0,
     "a search with a larger ef can fail");
  ok(vs_index_search(w.ix, vs_vectors_at(&w.vectors, 0), &params, hit, &n, NULL) == VS_OK && n == N,
     "and works when there is memory");
  uint64_t n_calls = w.a.n_calls;
  params.ef = 10, params.k = 10;
  must(vs_index_search(w.ix, vs_vectors_at(&w.vectors, 0), &params, hit, &n, NULL) == VS_OK);
  ok(w.a.n_calls == n_calls, "a search within it allocates nothing");

  uint32_t n_refused = 0;
  vs_status status = VS_OUT_OF_MEMORY;
  for (uint64_t i = 1; status == VS_OUT_OF_MEMORY; i++) {
    w.a.fail_at = w.a.n_calls + i;
    status = vs_index_check(w.ix, NULL);
    n_refused += status == VS_OUT_OF_MEMORY;
  }
  w.a.fail_at = 0;
  ok(status == VS_OK && n_refused > 1, "check survives each of %u refusals", n_refused);

  vs_wr image;
  bool done = false;
  vs_wr_init(&image, &w.a);
  vs_index_encode_begin(w.ix);
  w.a.fail_at = w.a.n_calls + 1;
  ok(vs_index_encode_next(w.ix, &image, &done) == VS_OUT_OF_MEMORY, "encoding can fail");
  w.a.fail_at = 0;
  vs_wr_reset(&image);
  vs_index_encode_begin(w.ix);
  must(vs_index_encode_next(w.ix, &image, &done) == VS_OK && done);
  n_refused = 0;
  status = VS_OUT_OF_MEMORY;
  for (uint64_t i = 1; status == VS_OUT_OF_MEMORY; i++) {
    vs_index *copy;
    must(vs_index_create(&w.a, &w.config, &w.vectors, &w.sequences, &copy) == VS_OK);
    w.a.fail_at = w.a.n_calls + i;
    status = vs_index_load_begin(copy, N, NULL);
    if (status == VS_OK) status = vs_index_load_chunk(copy, (vs_slice){image.p, image.n}, NULL);
    if (status == VS_OK) status = vs_index_load_end(copy, NULL);
    w.a.fail_at = 0;
    n_refused += status == VS_OUT_OF_MEMORY;
    vs_index_destroy(copy);
  }
  ok(status == VS_OK && n_refused > 3, "loading survives each of %u refusals", n_refused);
  vs_wr_deinit(&image);
  world_deinit(&w);
}

int main(void) {
  creation(VS_INDEX_HNSW);
  creation(VS_INDEX_FLAT);
  growth(VS_INDEX_HNSW);
  growth(VS_INDEX_FLAT);
  steady();
  reading();
  return tap_done();
}
