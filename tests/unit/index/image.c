/* image.c - a saved index comes back as it was, and damaged bytes never get in.
 *
 * The loaded index answers the same and goes on the same: the same inserts
 * and removals afterwards give byte for byte the same image. Every truncation
 * and thousands of flipped bytes are refused, or give a graph that is sound.
 */
#include "world.h"

#define N 400u
#define DIM 8u
#define MAX_CHUNKS 64u

typedef struct {
  vs_wr chunk[MAX_CHUNKS];
  uint32_t n;
} saved;

static void save(world *w, saved *s) {
  bool done = false;
  s->n = 0;
  vs_index_encode_begin(w->ix);
  while (!done) {
    must(s->n < MAX_CHUNKS);
    vs_wr *out = &s->chunk[s->n++];
    vs_wr_init(out, &w->a);
    must(vs_index_encode_next(w->ix, out, &done) == VS_OK);
    must(out->n <= VS_INDEX_CHUNK_BYTES);
  }
}

static void forget(saved *s) {
  for (uint32_t i = 0; i < s->n; i++) vs_wr_deinit(&s->chunk[i]);
}

static bool same(const saved *a, const saved *b) {
  if (a->n != b->n) return false;
  for (uint32_t i = 0; i < a->n; i++) {
    if (a->chunk[i].n != b->chunk[i].n || memcmp(a->chunk[i].p, b->chunk[i].p, a->chunk[i].n) != 0) return false;
  }
  return true;
}

/* Puts a fresh index over w's vectors in the place of w's own. */
static void renew(world *w) {
  vs_index_destroy(w->ix);
  must(vs_index_create(&w->a, &w->config, &w->vectors, &w->sequences, &w->ix) == VS_OK);
}

/* The bytes are copied to exactly their size, so that the sanitizer sees a read past them. */
static vs_status load(world *w, const uint8_t *const *p, const size_t *n, uint32_t n_chunks) {
  vs_err err;
  renew(w);
  vs_status status = vs_index_load_begin(w->ix, w->n_slots, &err);
  for (uint32_t i = 0; status == VS_OK && i < n_chunks; i++) {
    uint8_t *copy = malloc(n[i] ? n[i] : 1);
    must(copy);
    if (n[i]) memcpy(copy, p[i], n[i]);
    status = vs_index_load_chunk(w->ix, (vs_slice){copy, n[i]}, &err);
    free(copy);
  }
  return status == VS_OK ? vs_index_load_end(w->ix, &err) : status;
}

static vs_status load_saved(world *w, const saved *s) {
  const uint8_t *p[MAX_CHUNKS];
  size_t n[MAX_CHUNKS];
  for (uint32_t i = 0; i < s->n; i++) {
    p[i] = s->chunk[i].p;
    n[i] = s->chunk[i].n;
  }
  return load(w, p, n, s->n);
}

static void fill(world *w, vs_index_type type, uint32_t n, uint32_t M) {
  vs_rng r = {world_seed()};
  world_init(w, DIM, type, VS_EUCLIDEAN, M, 3 * M);
  for (uint32_t i = 0; i < n; i++) {
    float x[DIM];
    for (uint32_t j = 0; j < DIM; j++) x[j] = world_gauss(&r);
    world_insert(w, i, x);
    if (i % 5 == 4) vs_index_remove(w->ix, i - 2);
  }
}

/* The same steps for whichever index is in w; the vectors are w's own. */
static void go_on(world *w) {
  w->sequence = 100000;
  for (uint32_t i = 0; i < N / 2; i++) {
    float x[DIM];
    memcpy(x, vs_vectors_at(&w->vectors, i), sizeof(x));
    if (vs_index_contains(w->ix, i)) vs_index_remove(w->ix, i);
    if (i % 3) world_insert(w, i, x);
  }
}

static void round_trip(vs_index_type type) {
  world w;
  saved before, again, after, continued;
  vs_hit hit[50][10], loaded[50][10];
  fill(&w, type, N, 5);
  save(&w, &before);
  for (uint32_t i = 0; i < 50; i++) world_search(&w, vs_vectors_at(&w.vectors, i), 10, 12, false, hit[i]);
  uint32_t count = vs_index_count(w.ix);
  go_on(&w);
  save(&w, &after);
  ok(load_saved(&w, &before) == VS_OK && vs_index_count(w.ix) == count, "type %d: an image loads", type);
  for (uint32_t i = 0; i < 50; i++) world_search(&w, vs_vectors_at(&w.vectors, i), 10, 12, false, loaded[i]);
  ok(memcmp(hit, loaded, sizeof(hit)) == 0, "type %d: and answers as before", type);
  save(&w, &again);
  ok(same(&before, &again), "type %d: saved again it is the same", type);
  go_on(&w);
  save(&w, &continued);
  ok(same(&after, &continued) && world_check(&w), "type %d: and the same calls lead to the same graph", type);
  forget(&before);
  forget(&again);
  forget(&after);
  forget(&continued);
  world_deinit(&w);
}

/* Two builds by the same calls agree; a large one takes several chunks. */
static void determinism(void) {
  world a, b;
  saved x, y;
  fill(&a, VS_INDEX_HNSW, 2500, 48);
  fill(&b, VS_INDEX_HNSW, 2500, 48);
  save(&a, &x);
  save(&b, &y);
  ok(same(&x, &y), "the same calls give the same image");
  ok(x.n > 1 && load_saved(&a, &x) == VS_OK, "an image of %u chunks loads", x.n);
  const uint8_t *p[MAX_CHUNKS];
  size_t n[MAX_CHUNKS];
  for (uint32_t i = 0; i < x.n; i++) {
    p[i] = x.chunk[i].p;
    n[i] = x.chunk[i].n;
  }
  ok(load(&a, p, n, x.n - 1) == VS_CORRUPT, "without its last chunk it does not");
  ok(load(&a, p + 1, n + 1, x.n - 1) == VS_CORRUPT, "nor without its first");
  p[x.n] = p[x.n - 1];
  n[x.n] = n[x.n - 1];
  ok(load(&a, p, n, x.n + 1) == VS_CORRUPT, "nor with one twice");
  forget(&x);
  forget(&y);
  world_deinit(&a);
  world_deinit(&b);
}

static void truncations(vs_index_type type) {
  world w;
  saved s;
  fill(&w, type, 60, 3);
  save(&w, &s);
  must(s.n == 1);
  const uint8_t *p = s.chunk[0].p;
  bool good = true;
  for (size_t n = 0; n < s.chunk[0].n; n++) good = good && load(&w, &p, &n, 1) == VS_CORRUPT;
  ok(good, "type %d: each of %zu truncations is refused", type, s.chunk[0].n);
  ok(load(&w, &p, &s.chunk[0].n, 0) == VS_CORRUPT, "type %d: and no chunk at all", type);
  forget(&s);
  world_deinit(&w);
}

/* What is let in must be sound and usable. */
static void flips(vs_index_type type) {
  world w;
  saved s;
  vs_rng r = {world_seed()};
  uint32_t n_refused = 0, n_tries = 3000;
  fill(&w, type, 60, 3);
  save(&w, &s);
  uint8_t *bytes = malloc(s.chunk[0].n);
  must(bytes);
  const uint8_t *p = bytes;
  bool good = true;
  for (uint32_t i = 0; i < n_tries; i++) {
    memcpy(bytes, s.chunk[0].p, s.chunk[0].n);
    for (uint32_t j = vs_rng_below(&r, 3) + 1; j > 0; j--) {
      bytes[vs_rng_below(&r, i % 4 ? (uint32_t)s.chunk[0].n : 12)] ^= (uint8_t)(1 + vs_rng_below(&r, 255));
    }
    if (load(&w, &p, &s.chunk[0].n, 1) != VS_OK) {
      n_refused++;
      continue;
    }
    good = good && world_check(&w);
    vs_hit hit[10];
    world_search(&w, vs_vectors_at(&w.vectors, 0), 10, 20, false, hit);
    for (uint32_t slot = 0; slot < w.n_slots; slot++) {
      if (vs_index_contains(w.ix, slot)) vs_index_remove(w.ix, slot);
    }
  }
  ok(good && (type == VS_INDEX_FLAT || n_refused > n_tries * 9 / 10), "type %d: %u of %u flipped images refused", type,
     n_refused, n_tries);
  free(bytes);
  forget(&s);
  world_deinit(&w);
}

static void others(void) {
  world w;
  saved s, empty;
  fill(&w, VS_INDEX_HNSW, 60, 3);
  save(&w, &s);
  w.config.M = 4;
  ok(load_saved(&w, &s) == VS_CORRUPT, "an image with another M is refused");
  w.config.M = 3;
  w.config.type = VS_INDEX_FLAT;
  /* renew destroys by the index's own type, which it keeps in a copy. */
  ok(load_saved(&w, &s) == VS_CORRUPT, "and a graph where a flat index is expected");
  w.config.type = VS_INDEX_HNSW;
  w.n_slots = 20;
  ok(load_saved(&w, &s) == VS_CORRUPT, "and slots beyond the caller's");
  w.n_slots = 60;
  renew(&w);
  save(&w, &empty);
  ok(load_saved(&w, &empty) == VS_OK && vs_index_count(w.ix) == 0, "an empty index comes back empty");
  forget(&s);
  forget(&empty);
  world_deinit(&w);
}

int main(void) {
  round_trip(VS_INDEX_HNSW);
  round_trip(VS_INDEX_FLAT);
  determinism();
  truncations(VS_INDEX_HNSW);
  truncations(VS_INDEX_FLAT);
  flips(VS_INDEX_HNSW);
  flips(VS_INDEX_FLAT);
  others();
  return tap_done();
}
