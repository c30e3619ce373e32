/* fusions_are_final.c - what fusing says is final has the first records of the complete sides' ranking (F1), and that
 * ranking is the rules', by a naive count.
 *
 * All six rules, all four scales, one to three sides, scores with many equal ones, negative ones, weights of 0; sides
 * cut off at random depths and deepened as asked; autocut; allocation failures give no hits.
 */
#include "../../../src/query/fuse.h"

#include <math.h>

#include "../../../src/base/rng.h"
#include "../tap.h"

#define N 60u

typedef struct {
  vs_fuse_entry entry[VS_FUSE_SIDES][N];
  uint32_t n[VS_FUSE_SIDES], depth[VS_FUSE_SIDES];
  vs_fuse_request r;
} scene;

/* Slots come in another order than they were inserted. */
static uint64_t sequence(const void *ctx, uint32_t slot) {
  (void)ctx;
  return 1000 + (uint64_t)slot * 37 % 64;
}

static void order(vs_fuse_entry *e, uint32_t n) {
  for (uint32_t i = 1; i < n; i++)
    for (uint32_t j = i;
         j > 0 && (e[j].score > e[j - 1].score ||
                   (e[j].score == e[j - 1].score && sequence(NULL, e[j].slot) < sequence(NULL, e[j - 1].slot)));
         j--) {
      vs_fuse_entry t = e[j];
      e[j] = e[j - 1];
      e[j - 1] = t;
    }
}

static void make(scene *s, vs_rng *rng) {
  memset(s, 0, sizeof *s);
  s->r.method = (vs_fusion)vs_rng_below(rng, 6);
  s->r.scale = (vs_scale)vs_rng_below(rng, 4);
  s->r.rrf_k = 1 + vs_rng_below(rng, 60);
  s->r.k = 1 + vs_rng_below(rng, 12);
  s->r.n_sides = 1 + vs_rng_below(rng, VS_FUSE_SIDES);
  s->r.sequence = sequence;
  uint32_t grain = vs_rng_below(rng, 2) ? 6 : 100000, window = 1 + vs_rng_below(rng, 20);
  for (uint32_t i = 0; i < s->r.n_sides; i++) {
    uint32_t n_of = vs_rng_below(rng, 8) == 0 ? 0 : vs_rng_below(rng, N) + 1, below = vs_rng_below(rng, 3) == 0;
    for (uint32_t slot = 0; slot < N; slot++)
      if (vs_rng_below(rng, N) < n_of)
        s->entry[i][s->n[i]++] = (vs_fuse_entry){slot, 0, (double)vs_rng_below(rng, grain) / grain - (below ? 0.7 : 0)};
    order(s->entry[i], s->n[i]);
    s->depth[i] = 1 + vs_rng_below(rng, 15);
    if (s->depth[i] < window) s->depth[i] = window;
    s->r.side[i] = (vs_fuse_side){.weight = i > 0 && vs_rng_below(rng, 5) == 0 ? 0 : 0.1 + vs_rng_below(rng, 10),
                                  .entry = s->entry[i],
                                  .window = window,
                                  .floor = vs_rng_below(rng, 2) == 0};
  }
}

/* Each side as deep as it says. */
static void cut(scene *s) {
  for (uint32_t i = 0; i < s->r.n_sides; i++) {
    s->r.side[i].complete = s->n[i] < s->depth[i];
    s->r.side[i].n = s->n[i] < s->depth[i] ? s->n[i] : s->depth[i];
  }
}

/* ============ The rules once more ============ */

static double value(const scene *s, uint32_t side, double x) {
  const vs_fuse_entry *e = s->entry[side];
  const vs_fuse_side *f = &s->r.side[side];
  uint32_t n = s->n[side] < f->window ? s->n[side] : f->window;
  double high = e[0].score, low = e[n - 1].score, mean = 0, variance = 0, z;
  if (f->floor && n < f->window && low > 0) low = 0;
  for (uint32_t i = 0; i < n; i++) mean += e[i].score;
  mean /= n;
  for (uint32_t i = 0; i < n; i++) variance += (e[i].score - mean) * (e[i].score - mean);
  double deviation = sqrt(variance / n);
  if (s->r.scale == VS_SCALE_ZSCORE || s->r.scale == VS_SCALE_DEVIATIONS) {
    if (deviation == 0) return x >= mean ? 0.5 : 0;
    z = s->r.scale == VS_SCALE_ZSCORE
            ? 0.5 + 0.5 * ((x - mean) / deviation) / sqrt(1 + (x - mean) / deviation * ((x - mean) / deviation))
            : (x - mean) / deviation / 6 + 0.5;
  } else if (s->r.scale == VS_SCALE_RELATIVE && high > 0) {
    z = x / high;
  } else {
    z = high > low ? (x - low) / (high - low) : x >= high;
  }
  return z < 0 ? 0 : z > 1 ? 1 : z;
}

static double score(const scene *s, uint32_t slot) {
  double sum = 0, most = 0, least = 1e9, inverse = 0, product = 1, total = 0;
  for (uint32_t i = 0; i < s->r.n_sides; i++) total += s->r.side[i].weight;
  for (uint32_t i = 0; i < s->r.n_sides; i++) {
    uint32_t at = 0;
    while (at < s->n[i] && s->entry[i][at].slot != slot) at++;
    bool there = at < s->n[i];
    double v = there ? value(s, i, s->entry[i][at].score) : 0;
    if (s->r.method == VS_FUSE_RRF) sum += there ? s->r.side[i].weight / (s->r.rrf_k + at + 1) : 0;
    if (s->r.method == VS_FUSE_WEIGHTED) sum += s->r.side[i].weight * v / total;
    most = v > most ? v : most;
    least = v < least ? v : least;
    inverse += 1 / v;
    product *= v;
  }
  switch (s->r.method) {
  case VS_FUSE_MAX: return most;
  case VS_FUSE_MIN: return least;
  case VS_FUSE_HARMONIC: return s->r.n_sides / inverse;
  case VS_FUSE_GEOMETRIC: return pow(product, 1.0 / s->r.n_sides);
  default: return sum;
  }
}

static const char *wrong_whole(const scene *s, const vs_fuser *f) {
  uint32_t there = 0;
  for (uint32_t slot = 0; slot < N; slot++) {
    bool found = false;
    for (uint32_t i = 0; i < s->r.n_sides; i++)
      for (uint32_t j = 0; j < s->n[i]; j++) found = found || s->entry[i][j].slot == slot;
    there += found;
    for (uint32_t i = 0; found && i < f->n_hits; i++) found = f->hit[i].slot != slot;
    if (found && f->n_hits > 0 && score(s, slot) > f->hit[f->n_hits - 1].score + 1e-9)
      return "a better record is missing";
  }
  if (f->n_hits != (there < s->r.k ? there : s->r.k)) return "another number of hits";
  if (f->deeper != 0) return "complete sides are to be searched deeper";
  for (uint32_t i = 0; i < f->n_hits; i++) {
    if (fabs(f->hit[i].score - score(s, f->hit[i].slot)) > 1e-9) return "another score";
    if (i > 0 && f->hit[i].score > f->hit[i - 1].score) return "out of order";
  }
  return NULL;
}

static void check_seed(uint64_t seed, uint32_t *n_early) {
  static scene s;
  vs_alloc a;
  vs_fuser f;
  vs_rng rng;
  uint32_t whole[N], n_whole;
  rng.state = seed * 0x9e3779b97f4a7c15u;
  vs_alloc_init(&a);
  vs_fuse_init(&f, &a);
  make(&s, &rng);
  for (uint32_t i = 0; i < s.r.n_sides; i++) {
    s.r.side[i].n = s.n[i];
    s.r.side[i].complete = true;
  }
  must(vs_fuse_run(&f, &s.r) == VS_OK);
  const char *wrong = wrong_whole(&s, &f);
  n_whole = f.n_hits;
  for (uint32_t i = 0; i < n_whole; i++) whole[i] = f.hit[i].slot;
  while (!wrong) {
    bool partial = false;
    cut(&s);
    must(vs_fuse_run(&f, &s.r) == VS_OK);
    for (uint32_t i = 0; i < s.r.n_sides; i++) {
      partial = partial || !s.r.side[i].complete;
      if (!(f.deeper >> i & 1)) continue;
      if (s.r.side[i].complete) wrong = "a complete side is to be searched deeper";
      s.depth[i] += 1 + vs_rng_below(&rng, 6);
    }
    if (f.deeper) continue;
    *n_early += partial;
    if (f.n_hits != n_whole) wrong = "a final ranking has another length";
    for (uint32_t i = 0; !wrong && i < n_whole; i++)
      if (f.hit[i].slot != whole[i]) wrong = "a final ranking differs from the complete one";
    break;
  }
  if (wrong) ok(false, "seed %llu, method %d, scale %d: %s", (unsigned long long)seed, s.r.method, s.r.scale, wrong);
  a.fail_at = a.n_calls + 1 + vs_rng_below(&rng, 3);
  if (vs_fuse_run(&f, &s.r) != VS_OK && f.n_hits != 0)
    ok(false, "seed %llu: hits without memory", (unsigned long long)seed);
  vs_fuse_deinit(&f);
  must(a.n_live == 0);
}

static void check_autocut(void) {
  static const double scores[] = {1, 0.98, 0.97, 0.6, 0.59, 0.58, 0.2, 0.19};
  static const uint32_t left[] = {8, 3, 6, 8};
  vs_fuse_entry e[8];
  vs_alloc a;
  vs_fuser f;
  vs_alloc_init(&a);
  vs_fuse_init(&f, &a);
  for (uint32_t i = 0; i < 8; i++) e[i] = (vs_fuse_entry){i, 0, scores[i]};
  for (uint32_t i = 0; i < 4; i++) {
    vs_fuse_request r = {.method = VS_FUSE_WEIGHTED,
                         .scale = VS_SCALE_RELATIVE,
                         .k = 8,
                         .autocut = i,
                         .n_sides = 1,
                         .sequence = sequence};
    r.side[0] = (vs_fuse_side){.weight = 1, .entry = e, .n = 8, .window = 8, .complete = true};
    must(vs_fuse_run(&f, &r) == VS_OK);
    ok(f.n_hits == left[i], "autocut %u leaves %u", i, left[i]);
  }
  vs_fuse_deinit(&f);
}

int main(void) {
  uint32_t n_early = 0;
  for (uint64_t seed = 1; seed <= 4000; seed++) check_seed(seed, &n_early);
  ok(n_early > 500, "%u of 4000 rankings were final before their sides were complete", n_early);
  check_autocut();
  return tap_done();
}
