/* sparse_searches_equal_naive.c - the index of sparse vectors finds what comparing every record finds, to the last bit.
 *
 * Random lives: records added, replaced and removed while the index is built in steps and after it; weights of either
 * sign; filters; every k; indices up to 2^32 - 2; equal scores go by insertion. The index agrees with the records
 * after each (S1..S3), and after memory was refused it is built anew.
 */
#include "../../../src/text/sparse.h"

#include "../../../src/base/rng.h"
#include "../tap.h"

#define SLOTS 9000u
#define MOST 12u

typedef struct {
  uint8_t bytes[MOST * 8];
  uint32_t n;
  bool there;
} record;

typedef struct {
  record r[SLOTS];
  uint32_t n_slots, n_dims;
  bool negative;
  vs_rng rng;
} world;

static world w;
static uint32_t n_matching; /* of the last search */

static vs_sparse_view view_of(const record *r) {
  return r->there ? (vs_sparse_view){r->bytes, r->bytes + (size_t)r->n * 4, r->n} : (vs_sparse_view){NULL, NULL, 0};
}

static vs_sparse_view sparse(const void *ctx, uint32_t slot) { return view_of(&((const world *)ctx)->r[slot]); }
static uint32_t n_slots(const void *ctx) { return ((const world *)ctx)->n_slots; }
static uint64_t sequence(const void *ctx, uint32_t slot) {
  (void)ctx;
  return (uint64_t)slot * 7919 % 9001;
}

static void put_f32(uint8_t *p, float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  vs_store_u32(p, bits);
}

static void make(record *r, uint32_t most) {
  uint32_t dim = 0, n = vs_rng_below(&w.rng, most + 1), step = w.n_dims / most + 1;
  r->there = true;
  r->n = 0;
  uint32_t dims[MOST];
  for (uint32_t i = 0; i < n; i++) {
    dim += 1 + vs_rng_below(&w.rng, step);
    dims[r->n++] = i + 1 == n && vs_rng_below(&w.rng, 9) == 0 ? 0xfffffffe : dim;
  }
  for (uint32_t i = 0; i < r->n; i++) {
    float x = (float)vs_rng_below(&w.rng, 40) / 8;
    vs_store_u32(r->bytes + (size_t)i * 4, dims[i]);
    put_f32(r->bytes + (size_t)(r->n + i) * 4, w.negative && vs_rng_below(&w.rng, 3) == 0 ? -x : x * 1.1f);
  }
}

static double naive(vs_sparse_view q, vs_sparse_view v, bool *shares) {
  double sum = 0;
  *shares = false;
  for (uint32_t i = 0; i < q.n; i++)
    for (uint32_t j = 0; j < v.n; j++) {
      if (vs_load_u32(q.index + (size_t)i * 4) != vs_load_u32(v.index + (size_t)j * 4)) continue;
      double weight = (double)vs_load_f32(q.value + (size_t)i * 4);
      sum += weight * (double)vs_load_f32(v.value + (size_t)j * 4);
      *shares = *shares || weight != 0;
    }
  return sum;
}

static bool is_above(double a, uint32_t x, double b, uint32_t y) {
  return a > b || (a == b && sequence(NULL, x) < sequence(NULL, y));
}

static const char *wrong_search(const vs_sparse *x, vs_sparse_found *f, const vs_bitset *filter) {
  record q;
  make(&q, MOST);
  vs_sparse_view v = view_of(&q);
  static double score[SLOTS];
  static bool left[SLOTS];
  uint32_t k = vs_rng_below(&w.rng, 4) == 0 ? SLOTS : vs_rng_below(&w.rng, 20), n = 0;
  must(vs_sparse_search(x, v, k, filter, f) == VS_OK);
  for (uint32_t slot = 0; slot < w.n_slots; slot++) {
    score[slot] = naive(v, view_of(&w.r[slot]), &left[slot]);
    left[slot] = left[slot] && (!filter || vs_bitset_test(filter, slot));
    n += left[slot];
  }
  n_matching = k > 0 ? n : 0;
  if (f->n_hits != (k < n ? k : n)) return "another number of hits";
  for (uint32_t i = 0; i < f->n_hits; i++) {
    uint32_t slot = f->hit[i].slot;
    if (!left[slot]) return "a record that does not belong there";
    left[slot] = false;
    if (f->hit[i].score != score[slot]) return "another score";
    if (i > 0 && !is_above(f->hit[i - 1].score, f->hit[i - 1].slot, score[slot], slot)) return "out of order";
  }
  for (uint32_t slot = 0; f->n_hits > 0 && slot < w.n_slots; slot++)
    if (left[slot] && is_above(score[slot], slot, f->hit[f->n_hits - 1].score, f->hit[f->n_hits - 1].slot))
      return "a better record is missing";
  return NULL;
}

static void change(vs_sparse *x) {
  uint32_t slot = vs_rng_below(&w.rng, w.n_slots + 1);
  if (slot == w.n_slots && w.n_slots == SLOTS) return;
  record *r = &w.r[slot];
  if (r->there) {
    vs_sparse_removing(x, slot, view_of(r));
    r->there = false;
  }
  if (slot == w.n_slots) w.n_slots++;
  if (vs_rng_below(&w.rng, 4) == 0) return;
  make(r, MOST);
  vs_sparse_added(x, slot, view_of(r));
}

static void live(uint64_t seed, uint32_t n_records, uint64_t *n_left_out) {
  vs_alloc a;
  vs_sparse x;
  vs_sparse_found f;
  vs_bitset filter;
  const char *wrong = NULL;
  memset(&w, 0, sizeof w);
  w.rng.state = seed * 0x9e3779b97f4a7c15u;
  vs_alloc_init(&a);
  w.n_dims = seed % 3 == 0 ? 40 : 3000;
  w.negative = seed % 2 == 0;
  vs_sparse_init(&x, &a, &(vs_sparse_source){&w, sparse, n_slots, sequence}, seed);
  vs_sparse_found_init(&f, &a);
  vs_bitset_init(&filter, &a);
  for (; w.n_slots < n_records; w.n_slots++) make(&w.r[w.n_slots], MOST);
  must(vs_bitset_reserve(&filter, SLOTS) == VS_OK);
  for (uint32_t i = 0; i < SLOTS; i++)
    if (vs_rng_below(&w.rng, 3) == 0) vs_bitset_set(&filter, i);
  for (uint32_t round = 0; round < 6 && !wrong; round++) {
    if (round == 3) {
      a.fail_at = a.n_calls + 1 + vs_rng_below(&w.rng, 3);
      a.fail_forever = true;
      for (uint32_t i = 0; i < 400; i++) change(&x);
      a.fail_at = 0;
      a.fail_forever = false;
    }
    for (bool done = vs_sparse_ready(&x); !done;) {
      must(vs_sparse_build(&x, 1 + vs_rng_below(&w.rng, 20000), &done) == VS_OK);
      for (uint32_t i = 0; i < 20; i++) change(&x);
    }
    for (uint32_t i = 0; i < n_records / 10; i++) change(&x);
    if (vs_sparse_check(&x) != VS_OK) wrong = "the index disagrees with the records";
    for (uint32_t i = 0; i < 6 && !wrong; i++) {
      wrong = wrong_search(&x, &f, i % 3 == 0 ? &filter : NULL);
      *n_left_out += n_matching - f.scored;
    }
  }
  ok(!wrong, "seed %llu, %u records: %s", (unsigned long long)seed, n_records,
     wrong ? wrong : "as by comparing every record");
  vs_bitset_deinit(&filter);
  vs_sparse_found_deinit(&f);
  vs_sparse_deinit(&x);
  must(a.n_live == 0);
}

int main(void) {
  uint64_t n_left_out = 0;
  for (uint64_t seed = 1; seed <= 8; seed++) live(seed, 300, &n_left_out);
  for (uint64_t seed = 9; seed <= 10; seed++) live(seed, 8800, &n_left_out);
  ok(n_left_out > 10000, "%llu records that match were never scored", (unsigned long long)n_left_out);
  return tap_done();
}
