/* graph_stays_whole.c - whatever is inserted and removed, every node stays
 * reachable on every level, and the invariants of hnsw.c hold after each step.
 *
 * Reachability is tested here by a search of our own over the lists, not by
 * vs_index_check, which is tested alongside.
 */
#include "../../../src/index/hnsw.h"
#include "world.h"

#define SLOTS 200u
#define DIM 6u

typedef enum { RANDOM, CLUSTERED, IDENTICAL, COLLINEAR, ZERO, FEW_VALUES, KINDS } kind;
static const char *const kind_name[KINDS] = {"random", "clustered", "identical", "collinear", "zero", "few values"};

static void make(vs_rng *r, kind k, float *x) {
  float t = vs_rng_f32(r);
  uint32_t c = vs_rng_below(r, 5);
  for (uint32_t j = 0; j < DIM; j++) {
    float noise = vs_rng_f32(r) - 0.5f;
    x[j] = k == RANDOM      ? noise
           : k == CLUSTERED ? (float)((c * 7 + j * 3) % 11) + 0.01f * noise
           : k == IDENTICAL ? 0.5f
           : k == COLLINEAR ? t * (float)(j + 1)
           : k == ZERO      ? 0.0f
                            : (float)(noise > 0);
  }
}

/* The graph is the index's only member of its kind; the tests reach it through a second graph of their own. */
typedef struct {
  world w;
  vs_space space;
  vs_hnsw g;
  vs_bitset present;
} bare;

/* With an odd M, where the metric allows it, the graph is walked on codes. */
static void bare_init(bare *b, vs_metric metric, uint32_t M) {
  world_init(&b->w, DIM, VS_INDEX_FLAT, metric, M, 2 * M);
  vs_space_init(&b->space, &b->w.vectors, metric);
  bool codes = M % 2 && vs_space_has_codes(metric);
  if (codes) vs_space_use_codes(&b->space, &b->g.base);
  uint32_t code_bytes = codes ? vs_space_code_bytes(DIM) : 0;
  must(vs_hnsw_init(&b->g, &b->w.a, &b->space, &b->w.config, code_bytes) == VS_OK);
  must(vs_hnsw_reserve_refine(&b->g) == VS_OK);
  vs_bitset_init(&b->present, &b->w.a);
  must(vs_bitset_reserve(&b->present, SLOTS) == VS_OK);
}

static void bare_deinit(bare *b) {
  vs_hnsw_deinit(&b->g);
  vs_bitset_deinit(&b->present);
  world_deinit(&b->w);
}

static void insert(bare *b, uint32_t slot, const float *x) {
  uint64_t sequence = ++b->w.sequence;
  world_set(&b->w, slot, x, sequence);
  must(vs_hnsw_prepare(&b->g, SLOTS, 1, &sequence) == VS_OK);
  if (b->space.codes) vs_space_encode(&b->space, vs_vectors_at(&b->w.vectors, slot), vs_blocks_at(&b->g.base, slot));
  vs_hnsw_insert(&b->g, slot, sequence);
  vs_bitset_set(&b->present, slot);
}

static void delete(bare *b, uint32_t slot) {
  vs_hnsw_remove(&b->g, slot);
  vs_bitset_clear(&b->present, slot);
}

static uint32_t reach(const bare *b, uint32_t start, uint32_t level) {
  static uint32_t queue[SLOTS];
  bool seen[SLOTS] = {false};
  uint32_t n = 0;
  queue[n++] = start;
  seen[start] = true;
  for (uint32_t i = 0; i < n; i++) {
    const vs_links *list = vs_hnsw_links(&b->g, queue[i], level);
    for (uint32_t j = 0; j < list->n; j++) {
      uint32_t y = list->link[j] & VS_LINK_SLOT;
      if (!seen[y]) queue[n++] = y;
      seen[y] = true;
    }
  }
  return n;
}

static bool whole(bare *b) {
  uint32_t n_level[VS_HNSW_MAX_LEVEL + 1] = {0}, top = 0;
  for (uint32_t i = 0; i < SLOTS; i++) {
    if (!vs_bitset_test(&b->present, i)) continue;
    uint32_t level = vs_hnsw_level(&b->g, i);
    for (uint32_t l = 0; l <= level; l++) n_level[l]++;
    if (level > top) top = level;
  }
  if (n_level[0] == 0) return b->g.entry == VS_NO_SLOT;
  if (b->g.max_level != top || vs_hnsw_level(&b->g, b->g.entry) != top) return false;
  for (uint32_t l = 0; l <= top; l++) {
    if (reach(b, b->g.entry, l) != n_level[l]) return false;
  }
  vs_err err;
  if (vs_hnsw_check(&b->g, &b->present, &err) == VS_OK) return true;
  printf("# %s\n", err.msg);
  return false;
}

/* Random steps around a size that drifts between empty and full. */
static void churn(kind k, vs_metric metric, uint32_t M, uint32_t n_steps) {
  bare b;
  bare_init(&b, metric, M);
  vs_rng r = {world_seed() * 1000 + (uint64_t)k * 10 + M};
  uint32_t step = 0, target = SLOTS;
  bool good = true;
  for (; good && step < n_steps; step++) {
    if (step % 150 == 0) target = vs_rng_below(&r, SLOTS + 1);
    uint32_t slot = vs_rng_below(&r, SLOTS);
    bool grow = b.present.n_set < target || vs_rng_below(&r, 4) == 0;
    if (step % 97 == 96 && b.g.entry != VS_NO_SLOT) {
      delete (&b, b.g.entry);
    } else if (grow && !vs_bitset_test(&b.present, slot)) {
      float x[DIM];
      make(&r, k, x);
      insert(&b, slot, x);
    } else if (!grow && vs_bitset_test(&b.present, slot)) {
      delete (&b, slot);
    } else if (grow) {
      vs_hnsw_refine(&b.g, slot);
    } else {
      continue;
    }
    good = whole(&b);
  }
  ok(good, "%s data, metric %s, M = %u: whole after each of %u steps (seed %llu)", kind_name[k], vs_metric_name(metric),
     M, step, (unsigned long long)world_seed());
  while (b.present.n_set > 0) delete (&b, vs_bitset_next(&b.present, 0));
  float x[DIM] = {1, 2, 3};
  insert(&b, 7, x);
  ok(whole(&b) && b.g.n == 1, "  and again from empty");
  bare_deinit(&b);
}

/* The star: one node that all others are nearest to must not run out of room. */
static void star(uint32_t M) {
  bare b;
  bare_init(&b, VS_MANHATTAN, M);
  bool good = true;
  for (uint32_t i = 0; i < 120; i++) {
    float x[DIM] = {0};
    if (i > 0) x[(i - 1) % DIM] = (i / DIM) % 2 ? 1.0f + (float)i * 1e-3f : -1.0f - (float)i * 1e-3f;
    insert(&b, i, x);
    good = good && whole(&b);
  }
  delete (&b, 0);
  ok(good && whole(&b), "a star of 119 around one node, M = %u, its centre removed", M);
  bare_deinit(&b);
}

/* check must notice damage of each kind. */
static void damage(void) {
  for (int what = 0; what < 6; what++) {
    bare b;
    bare_init(&b, VS_EUCLIDEAN, 4);
    vs_rng r = {world_seed()};
    for (uint32_t i = 0; i < 100; i++) {
      float x[DIM];
      make(&r, RANDOM, x);
      insert(&b, i, x);
    }
    vs_links *list = vs_hnsw_base(&b.g, 42);
    uint32_t at = 0;
    while (!(list->link[at] & VS_TREE_LINK)) at++;
    if (what == 0) list->n--;
    if (what == 1) list->link[0] = list->link[1];
    if (what == 2) list->link[0] = 42;
    if (what == 3) b.g.max_level++;
    if (what == 4) list->link[at] &= VS_LINK_SLOT;
    if (what == 5) {
      uint32_t y = list->link[at] & VS_LINK_SLOT;
      vs_hnsw_base(&b.g, y)->link[vs_hnsw_find(vs_hnsw_base(&b.g, y), 42)] &= VS_LINK_SLOT;
      list->link[at] &= VS_LINK_SLOT;
    }
    vs_err err;
    ok(vs_hnsw_check(&b.g, &b.present, &err) == VS_CORRUPT, "damage %d is noticed: %s", what, err.msg);
    bare_deinit(&b);
  }
}

int main(void) {
  const uint32_t Ms[] = {2, 3, 5, 8};
  for (kind k = 0; k < KINDS; k++) {
    for (uint32_t i = 0; i < 4; i++) churn(k, k == CLUSTERED ? VS_COSINE : VS_EUCLIDEAN, Ms[i], 2000);
  }
  churn(RANDOM, VS_DOT, 2, 2000);
  churn(FEW_VALUES, VS_HAMMING, 2, 2000);
  churn(ZERO, VS_COSINE, 2, 2000);
  churn(FEW_VALUES, VS_JACCARD, 3, 2000);
  star(2);
  star(4);
  damage();
  return tap_done();
}
