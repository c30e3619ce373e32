/* fuse.c - fusing rankings (see fuse.h).
 *
 * Layer: query (L3). O(n log n) for n entries of all sides.
 *
 * RULES. A record's share from a side it is not in is 0.
 *   rrf        sum of weight / (k + rank) (Cormack, Clarke, Buettcher 2009)
 *   weighted   sum of weight * value, the weights brought to a sum of 1
 *   max, min   the greatest, the least value
 *   harmonic   sides / sum of 1 / value       geometric  (product of values) ^ (1 / sides)
 * A value is a score brought to 0..1 by its side's first `window` scores:
 *   minmax      (s - lowest) / (highest - lowest); where these are equal, 1 from there on. Lowest is 0 where what is
 *               not found counts as 0 and the side does not fill the window
 *   zscore      (1 + z / sqrt(1 + z^2)) / 2, z = (s - mean) / deviation: a sigmoid that is the same on every machine
 *   deviations  from mean - 3 deviations, 0, to mean + 3 deviations, 1
 *   relative    s / highest; where that is not above 0, as minmax
 * cut off at 0 and 1. Equal records: the better of their ranks first, then the order of insertion.
 *
 * WHEN IT IS FINAL. The scale is of a fixed window, so a record's value depends on its score only and does not grow
 * with its rank; all rules grow with each share. So what a side has not shown yet is at most the share just behind its
 * last entry (for rrf by rank, else the last entry's value), and a record's final score lies between the rule of its
 * known shares and the rule with that bound put in for the unknown ones. The first k are final, in
 * this order, if none of them can be overtaken by a record behind it or by one not seen at all. With minmax
 * nothing behind the window has a value, so that is so at once.
 *
 * INVARIANTS
 *   F1  a fused ranking that is final has the first k records of the ranking of the complete sides, in their order.
 */
#include "fuse.h"

#include <math.h>
#include <string.h>

typedef struct {
  double low, high, mean, deviation; /* of the window */
  double total;                      /* weights of all sides */
} scale;

typedef struct {
  const vs_fuse_request *r;
  scale scale[VS_FUSE_SIDES];
  double unseen[VS_FUSE_SIDES]; /* no share behind the side's end is above this */
} fusion;

void vs_fuse_init(vs_fuser *f, vs_alloc *a) {
  memset(f, 0, sizeof *f);
  f->a = a;
}

void vs_fuse_deinit(vs_fuser *f) {
  vs_free(f->a, f->hit);
  vs_fuse_init(f, f->a);
}

/* ============ Values ============ */

static void measure(const vs_fuse_side *side, scale *out) {
  uint32_t n = side->n < side->window ? side->n : side->window;
  double sum = 0, squares = 0;
  if (n == 0) return;
  out->high = side->entry[0].score;
  out->low = side->entry[n - 1].score;
  if (side->floor && n < side->window && out->low > 0) out->low = 0;
  for (uint32_t i = 0; i < n; i++) sum += side->entry[i].score;
  out->mean = sum / n;
  for (uint32_t i = 0; i < n; i++) {
    double d = side->entry[i].score - out->mean;
    squares += d * d;
  }
  out->deviation = sqrt(squares / n);
}

static double clamp(double x) { return x >= 1 ? 1 : x > 0 ? x : 0; }

static double value_of(vs_scale kind, const scale *s, double score) {
  double x;
  switch (kind) {
  case VS_SCALE_ZSCORE:
    if (s->deviation == 0) return score >= s->mean ? 0.5 : 0;
    x = (score - s->mean) / s->deviation;
    x = (1 + x / sqrt(1 + x * x)) / 2;
    break;
  case VS_SCALE_DEVIATIONS:
    if (s->deviation == 0) return score >= s->mean ? 0.5 : 0;
    x = (score - (s->mean - 3 * s->deviation)) / (6 * s->deviation);
    break;
  case VS_SCALE_RELATIVE:
    if (s->high > 0) {
      x = score / s->high;
      break;
    } /* fall through */
  default:
    if (!(s->high > s->low)) return score >= s->high ? 1 : 0;
    x = (score - s->low) / (s->high - s->low);
  }
  return clamp(x);
}

/* What entry i of a side brings; i == n: at most what the next one could. */
static double share_of(const fusion *f, uint32_t side, uint32_t i) {
  const vs_fuse_request *r = f->r;
  const vs_fuse_side *s = &r->side[side];
  if (r->method == VS_FUSE_RRF) return s->weight / (r->rrf_k + i + 1.0);
  double value = s->n == 0 ? 1 : value_of(r->scale, &f->scale[side], s->entry[i < s->n ? i : s->n - 1].score);
  return r->method == VS_FUSE_WEIGHTED ? s->weight / f->scale[side].total * value : value;
}

/* Of 0..1, by Newton's steps down from 1. */
static double cube_root(double x) {
  double y = 1;
  for (;;) {
    double next = (2 * y + x / (y * y)) / 3;
    if (!(next < y) || next <= 0) return y < 1e-100 ? 0 : y;
    y = next;
  }
}

static double combine(const vs_fuse_request *r, const double *share) {
  double x = r->method == VS_FUSE_GEOMETRIC ? 1 : r->method == VS_FUSE_MIN ? INFINITY : 0;
  for (uint32_t i = 0; i < r->n_sides; i++) {
    switch (r->method) {
    case VS_FUSE_MAX: x = share[i] > x ? share[i] : x; break;
    case VS_FUSE_MIN: x = share[i] < x ? share[i] : x; break;
    case VS_FUSE_GEOMETRIC: x *= share[i]; break;
    case VS_FUSE_HARMONIC: x += 1 / share[i]; break;
    default: x += share[i];
    }
  }
  if (r->method == VS_FUSE_HARMONIC) return r->n_sides / x;
  if (r->method != VS_FUSE_GEOMETRIC || r->n_sides == 1) return x;
  return r->n_sides == 2 ? sqrt(x) : cube_root(x);
}

/* ============ Sorting ============ */

typedef bool (*before_fn)(const void *ctx, uint32_t a, uint32_t b);

static void sift(uint32_t *at, uint32_t n, uint32_t i, before_fn before, const void *ctx) {
  for (;;) {
    uint32_t last = i, child = 2 * i + 1;
    if (child < n && before(ctx, at[last], at[child])) last = child;
    if (child + 1 < n && before(ctx, at[last], at[child + 1])) last = child + 1;
    if (last == i) return;
    uint32_t t = at[i];
    at[i] = at[last];
    at[last] = t;
    i = last;
  }
}

/* `at` becomes 0..n-1 in order. */
static void sort(uint32_t *at, uint32_t n, before_fn before, const void *ctx) {
  for (uint32_t i = 0; i < n; i++) at[i] = i;
  for (uint32_t i = n / 2; i-- > 0;) sift(at, n, i, before, ctx);
  for (uint32_t left = n; left > 1; left--) {
    uint32_t t = at[0];
    at[0] = at[left - 1];
    at[left - 1] = t;
    sift(at, left - 1, 0, before, ctx);
  }
}

/* ============ Joining the sides ============ */

/* Entry i of all sides, one after the other. */
static uint32_t entry_at(const vs_fuse_request *r, uint32_t i, const vs_fuse_entry **out) {
  uint32_t side = 0;
  for (; i >= r->side[side].n; side++) i -= r->side[side].n;
  *out = &r->side[side].entry[i];
  return side;
}

static bool slot_before(const void *ctx, uint32_t a, uint32_t b) {
  const vs_fuse_entry *x, *y;
  uint32_t p = entry_at(ctx, a, &x), q = entry_at(ctx, b, &y);
  return x->slot != y->slot ? x->slot < y->slot : p < q;
}

/* The records of all sides; how many. */
static uint32_t join(const fusion *f, const uint32_t *at, uint32_t n, vs_fused *out) {
  const vs_fuse_request *r = f->r;
  uint32_t n_out = 0;
  for (uint32_t i = 0; i < n; i++) {
    const vs_fuse_entry *e;
    uint32_t side = entry_at(r, at[i], &e), rank = (uint32_t)(e - r->side[side].entry);
    if (n_out == 0 || out[n_out - 1].slot != e->slot) {
      memset(&out[n_out], 0, sizeof *out);
      out[n_out].slot = e->slot;
      out[n_out++].sequence = r->sequence(r->ctx, e->slot);
    }
    out[n_out - 1].rank[side] = rank + 1;
    out[n_out - 1].share[side] = share_of(f, side, rank);
  }
  for (uint32_t i = 0; i < n_out; i++) out[i].score = combine(r, out[i].share);
  return n_out;
}

/* ============ The order, and whether it is final ============ */

typedef struct {
  double score;
  uint32_t rank; /* the best of its ranks */
  uint64_t sequence;
} standing;

static standing standing_of(const vs_fused *x) {
  standing s = {x->score, UINT32_MAX, x->sequence};
  for (uint32_t i = 0; i < VS_FUSE_SIDES; i++)
    if (x->rank[i] > 0 && x->rank[i] < s.rank) s.rank = x->rank[i];
  return s;
}

static bool is_above(const standing *a, const standing *b) {
  if (a->score != b->score) return a->score > b->score;
  return a->rank != b->rank ? a->rank < b->rank : a->sequence < b->sequence;
}

static bool fused_before(const void *ctx, uint32_t a, uint32_t b) {
  const vs_fused *x = ctx;
  standing p = standing_of(&x[a]), q = standing_of(&x[b]);
  return is_above(&p, &q);
}

/* The highest that a record can come to stand; NULL: one that was not seen. */
static standing highest(const fusion *f, const vs_fused *x) {
  const vs_fuse_request *r = f->r;
  double share[VS_FUSE_SIDES];
  standing s = x ? standing_of(x) : (standing){0, UINT32_MAX, 0};
  for (uint32_t i = 0; i < r->n_sides; i++) {
    bool known = (x && x->rank[i] > 0) || r->side[i].complete;
    share[i] = known ? x ? x->share[i] : 0 : f->unseen[i];
    if (!known && r->side[i].n + 1 < s.rank) s.rank = r->side[i].n + 1;
  }
  s.score = combine(r, share);
  return s;
}

/* The sides that must show more before the first k of `x`, which is in order, are final. */
static uint32_t sides_to_deepen(const fusion *f, const vs_fused *x, const uint32_t *at, uint32_t n) {
  const vs_fuse_request *r = f->r;
  uint32_t open = 0, promising = 0;
  for (uint32_t i = 0; i < r->n_sides; i++) {
    if (r->side[i].complete) continue;
    open |= 1u << i;
    if (f->unseen[i] > 0) promising |= 1u << i;
  }
  if (open == 0) return 0;
  uint32_t wanted = promising ? promising : open;
  if (n < r->k) return open;
  standing challenger = highest(f, NULL);
  for (uint32_t i = n; i-- > 0;) {
    standing own = standing_of(&x[at[i]]), most = highest(f, &x[at[i]]);
    if (i < r->k && is_above(&challenger, &own)) return wanted;
    if (is_above(&most, &challenger)) challenger = most;
  }
  return 0;
}

static bool number_before(const void *ctx, uint32_t a, uint32_t b) {
  const double *x = ctx;
  return x[a] < x[b];
}

/* How many are left before the wanted clear drop: above twice the median drop and a hundredth of the first score. */
static uint32_t cut(const vs_fused *hit, uint32_t n, uint32_t wanted, double *drop, uint32_t *at) {
  if (n < 2) return n;
  for (uint32_t i = 0; i + 1 < n; i++) drop[i] = hit[i].score - hit[i + 1].score;
  sort(at, n - 1, number_before, drop);
  uint32_t middle = (n - 1) / 2;
  double median = (n - 1) % 2 ? drop[at[middle]] : (drop[at[middle - 1]] + drop[at[middle]]) / 2;
  for (uint32_t i = 0; i + 1 < n; i++)
    if (drop[i] > 2 * median && drop[i] > 0.01 * fabs(hit[0].score) && --wanted == 0) return i + 1;
  return n;
}

/* ============ The whole ============ */

static void begin(fusion *f, const vs_fuse_request *r) {
  double total = 0;
  memset(f, 0, sizeof *f);
  f->r = r;
  for (uint32_t i = 0; i < r->n_sides; i++) total += r->side[i].weight;
  for (uint32_t i = 0; i < r->n_sides; i++) {
    measure(&r->side[i], &f->scale[i]);
    f->scale[i].total = total > 0 ? total : 1;
  }
  for (uint32_t i = 0; i < r->n_sides; i++) f->unseen[i] = r->side[i].complete ? 0 : share_of(f, i, r->side[i].n);
}

vs_status vs_fuse_run(vs_fuser *f, const vs_fuse_request *r) {
  fusion work;
  uint64_t n = 0;
  f->n_hits = f->deeper = 0;
  for (uint32_t i = 0; i < r->n_sides; i++) n += r->side[i].n;
  if (n > UINT32_MAX / sizeof(vs_fused)) return VS_OUT_OF_MEMORY;
  if (n > f->cap) {
    vs_free(f->a, f->hit);
    f->hit = vs_malloc(f->a, (size_t)n * sizeof *f->hit);
    f->cap = f->hit ? (uint32_t)n : 0;
    if (!f->hit) return VS_OUT_OF_MEMORY;
  }
  begin(&work, r);
  if (n == 0) {
    f->deeper = sides_to_deepen(&work, NULL, NULL, 0);
    return VS_OK;
  }
  uint32_t *at = vs_calloc(f->a, (size_t)n, sizeof *at);
  vs_fused *all = vs_calloc(f->a, (size_t)n, sizeof *all);
  double *drop = vs_calloc(f->a, (size_t)n, sizeof *drop);
  vs_status status = at && all && drop ? VS_OK : VS_OUT_OF_MEMORY;
  if (status == VS_OK) {
    sort(at, (uint32_t)n, slot_before, r);
    uint32_t n_all = join(&work, at, (uint32_t)n, all);
    sort(at, n_all, fused_before, all);
    f->deeper = sides_to_deepen(&work, all, at, n_all);
    f->n_hits = n_all < r->k ? n_all : r->k;
    for (uint32_t i = 0; i < f->n_hits; i++) f->hit[i] = all[at[i]];
    if (r->autocut > 0) f->n_hits = cut(f->hit, f->n_hits, r->autocut, drop, at);
  }
  vs_free(f->a, at);
  vs_free(f->a, all);
  vs_free(f->a, drop);
  return status;
}
