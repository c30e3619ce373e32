/* scan_bits.c - scanning by one bit a component first (see scan_bits.h).
 *
 * Layer: index (L2), internal; knows no graph.
 *
 * THE CODE of a vector x (a unit vector, for cosine) is the signs of r, which is
 * x less the mean, rotated (rotation.h). With q' the same of a query, s the
 * vector of signs and f = |r|^2 / |r|_1,
 *   <q', r> ~ f <q', s>,   error about f |q'| sqrt(1 - 2 / pi) as n grows
 * (Gao and Long, RaBitQ, arXiv 2405.12497). In the values the kernels give:
 *   euclidean  |q'|^2 + |r|^2 - 2 <q', r>           add = |r|^2        factor = 2 f
 *   otherwise  -<q, mean> - <mean, r> - <q', r>     add = -<mean, r>   factor = f
 * so that the error is the same multiple of the factor for all vectors: adding
 * DEVIATIONS of it to <q', s> makes the estimate a LOWER BOUND, but for one
 * neighbour in a thousand at the very edge of the k nearest. It costs nothing.
 *
 * THE SCAN reads 32 codes at a time by byte shuffles (vs_scan_32: a piece is the
 * signs of four components, its table all sums of four). What is below the
 * present limit is kept; whenever the list is full the nearest half stays and
 * sets the limit. At the end they are compared in full, nearest first, until the
 * bounds are beyond the k-th distance. If then the limit is below that distance, a second
 * pass compares what lies between: so the answer depends on the bounds only, and
 * not on the list's length, which follows what recent scans needed. On data whose
 * signs say little, bounds are low and much is compared in full; where that
 * is a quarter of all, the next scans do without (vs_bits_worth).
 *
 * COST. n / 32 groups of m / 2 rows, some hundred full distances. Memory: dim
 * bits and 8 bytes for each slot, dim rounded up to a multiple of 128.
 *
 * INVARIANT B1. A slot in `made` has the code of its present vector around the
 * present mean. Others are compared in full, in every scan, until they have one.
 */
#include "scan_bits.h"

#include "rotation.h"

#include <math.h>
#include <string.h>

#define GROUP 32u
#define LEAST_DIMENSION 64u
/* Of the error's standard deviation, sqrt(1 - 2 / pi). */
#define DEVIATIONS (2.7f * 0.6028f)
/* What rounding adds, beyond the error, in parts of the lengths multiplied. */
#define ROUNDING 4e-6f
/* Sums of a few products of lengths up to its root stay within float. */
#define LARGEST_SQUARE 1e37f
/* Vectors the mean is taken of; it is taken anew when the index has grown so many times. */
#define MEAN_SAMPLE 1024u
#define MEAN_GROWTH 4u
/* A group with as few slots wanted is compared in full: their loads take as long as the scan. */
#define FEW 2
/* Bounds on how many candidates are kept for each of the k nearest. */
#define KEPT_LEAST 64u
#define KEPT_MOST 8192u
/* A scan that compared one in so many in full was not worth it; then so many are made without. */
#define POOR_SHARE 4u
#define REST 64u

struct vs_bits {
  vs_alloc *a;
  vs_space *full;
  vs_rotation rotation;
  uint32_t n, m; /* rotated floats; pieces of four */
  float *mean;   /* padded to n, not rotated */
  float mean_norm;
  uint32_t mean_of; /* vectors there were when the mean was taken; 0 = none yet */
  vs_blocks group;  /* of 32 slots: their factors, addends, codes */
  vs_bitset made;
  uint32_t next;   /* where vs_bits_make_some goes on */
  float *codebook; /* 16 n: all signs of four, for each piece */
  float *x, *y;    /* n: scratch */
  float *products; /* 16 m */
  uint8_t *lut;    /* 16 m */
  vs_pair *kept;   /* a scan's candidates with their lower bounds */
  uint32_t cap_kept, n_kept;
  uint32_t width; /* candidates recent scans needed */
  uint32_t rest;  /* scans to be made without */
};

/* A scan under way. */
typedef struct {
  vs_bits *b;
  vs_ranking *r;
  vs_query q;
  uint32_t slot[GROUP], n; /* to be compared in full next */
  uint32_t n_full, width;
  float limit; /* what has a bound below this is in `kept` */
} scanning;

bool vs_bits_supports(vs_metric metric, uint32_t dim) { return vs_space_has_codes(metric) && dim >= LEAST_DIMENSION; }

/* -- Life -------------------------------------------------------------- */

static vs_status allocate(vs_bits *b) {
  vs_alloc *a = b->a;
  VS_TRY(vs_rotation_init(&b->rotation, a, b->full->vectors->dim));
  b->mean = vs_calloc(a, b->n, sizeof(float));
  b->codebook = vs_calloc(a, VS_CENTROIDS * (size_t)b->n, sizeof(float));
  b->x = vs_malloc(a, b->n * sizeof(float));
  b->y = vs_malloc(a, b->n * sizeof(float));
  b->products = vs_malloc(a, VS_CENTROIDS * (size_t)b->m * sizeof(float));
  b->lut = vs_malloc(a, VS_CENTROIDS * (size_t)b->m);
  return b->mean && b->codebook && b->x && b->y && b->products && b->lut ? VS_OK : VS_OUT_OF_MEMORY;
}

vs_status vs_bits_create(vs_alloc *a, vs_space *full, vs_bits **out) {
  vs_bits *b = vs_calloc(a, 1, sizeof(*b));
  if (!b) return VS_OUT_OF_MEMORY;
  b->a = a;
  b->full = full;
  b->n = (full->vectors->dim + VS_ROTATION_BLOCK - 1) / VS_ROTATION_BLOCK * VS_ROTATION_BLOCK;
  b->m = b->n / 4;
  vs_blocks_init(&b->group, a, 2 * GROUP * (uint32_t)sizeof(float) + VS_CENTROIDS * b->m);
  b->group.raw = true;
  vs_bitset_init(&b->made, a);
  vs_status status = allocate(b);
  if (status != VS_OK) {
    vs_bits_destroy(b);
    return status;
  }
  for (uint32_t i = 0; i < VS_CENTROIDS * b->n; i++) {
    uint32_t component = i / VS_CENTROIDS % 4, centroid = i % VS_CENTROIDS;
    b->codebook[i] = centroid >> component & 1 ? 1 : -1;
  }
  *out = b;
  return VS_OK;
}

void vs_bits_destroy(vs_bits *b) {
  if (!b) return;
  vs_rotation_deinit(&b->rotation, b->a);
  vs_blocks_deinit(&b->group);
  vs_bitset_deinit(&b->made);
  vs_free(b->a, b->mean);
  vs_free(b->a, b->codebook);
  vs_free(b->a, b->x);
  vs_free(b->a, b->y);
  vs_free(b->a, b->products);
  vs_free(b->a, b->lut);
  vs_free(b->a, b->kept);
  vs_free(b->a, b);
}

size_t vs_bits_bytes(const vs_bits *b) {
  size_t floats = (2 + 1 + VS_CENTROIDS + 2) * (size_t)b->n + VS_CENTROIDS * (size_t)b->m;
  return sizeof(*b) + floats * sizeof(float) + VS_CENTROIDS * (size_t)b->m + b->cap_kept * sizeof(vs_pair) +
         vs_blocks_bytes(&b->group) + vs_blocks_bytes(&b->made.words);
}

/* -- Codes ------------------------------------------------------------- */

static float product(const float *a, const float *b, uint32_t n) {
  float sum[8] = {0};
  for (uint32_t i = 0; i < n; i += 8) {
    for (uint32_t j = 0; j < 8; j++) sum[j] += a[i + j] * b[i + j];
  }
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* x less the mean, rotated, into b->y; x is `scale` times the given vector. */
static void centre(vs_bits *b, const float *v, float scale) {
  uint32_t dim = b->full->vectors->dim;
  for (uint32_t i = 0; i < dim; i++) b->x[i] = v[i] * scale - b->mean[i];
  for (uint32_t i = dim; i < b->n; i++) b->x[i] = 0;
  vs_rotate(&b->rotation, b->x, b->y);
}

static float scale_of(const vs_bits *b, uint32_t slot) {
  return b->full->metric == VS_COSINE ? vs_vectors_inv_norm(b->full->vectors, slot) : 1;
}

static void code(vs_bits *b, uint32_t slot) {
  uint32_t lane = slot % GROUP;
  float *factor = (float *)vs_blocks_at(&b->group, slot / GROUP) + lane, *add = factor + GROUP;
  uint8_t *row = (uint8_t *)(factor - lane + 2 * (size_t)GROUP) + (lane / 16) * 8 * (size_t)b->m + lane % 16;
  const float *v = vs_vectors_at(b->full->vectors, slot);
  float scale = scale_of(b, slot), along = 0, sum[4] = {0};
  centre(b, v, scale);
  for (uint32_t i = 0; i < b->n; i += 8, row += 16) {
    uint32_t bits = 0;
    for (uint32_t j = 0; j < 8; j++) {
      bits |= (uint32_t)(b->y[i + j] >= 0) << j;
      sum[j % 4] += fabsf(b->y[i + j]);
    }
    *row = (uint8_t)bits;
  }
  float total = (sum[0] + sum[2]) + (sum[1] + sum[3]), square = product(b->y, b->y, b->n);
  float f = total > 0 ? square / total : 0;
  bool euclidean = b->full->metric == VS_EUCLIDEAN;
  if (!euclidean) {
    for (uint32_t i = 0; i < b->full->vectors->dim; i++) along += b->mean[i] * (v[i] * scale - b->mean[i]);
  }
  *factor = euclidean ? 2 * f : f;
  *add = euclidean ? square * (1 - ROUNDING) : -along - ROUNDING * b->mean_norm * sqrtf(square);
  if (square <= LARGEST_SQUARE && fabsf(*add) <= LARGEST_SQUARE) return;
  *factor = 0;
  *add = -INFINITY; /* always compared in full */
}

static void take_mean(vs_bits *b, const vs_bitset *present) {
  uint32_t dim = b->full->vectors->dim, n = 0, step = present->n_bits / MEAN_SAMPLE + 1;
  memset(b->mean, 0, b->n * sizeof(float));
  for (uint32_t at = 0, slot; (slot = vs_bitset_next(present, at)) != VS_NO_SLOT; at = slot + step, n++) {
    const float *v = vs_vectors_at(b->full->vectors, slot);
    float scale = scale_of(b, slot), weight = 1 / (float)(n + 1);
    for (uint32_t i = 0; i < dim; i++) b->mean[i] += (v[i] * scale - b->mean[i]) * weight;
  }
  b->mean_norm = sqrtf(product(b->mean, b->mean, b->n));
  b->mean_of = present->n_set;
  bool sound = b->mean_norm < INFINITY;
  for (uint32_t i = 0; i < dim; i++) sound = sound && fabsf(b->mean[i]) < INFINITY;
  if (!sound) memset(b->mean, 0, b->n * sizeof(float));
  if (!sound) b->mean_norm = 0;
  vs_bitset_clear_all(&b->made);
  b->next = 0;
}

void vs_bits_forget(vs_bits *b, uint32_t slot) {
  if (slot < b->made.n_bits) vs_bitset_clear(&b->made, slot);
}

void vs_bits_make_some(vs_bits *b, const vs_bitset *present, uint32_t n) {
  if (b->made.n_set == present->n_set) return;
  if (vs_blocks_reserve(&b->group, (present->n_bits + GROUP - 1) / GROUP) != VS_OK) return;
  if (vs_bitset_reserve(&b->made, present->n_bits) != VS_OK) return;
  if (b->mean_of == 0 || present->n_set / MEAN_GROWTH > b->mean_of) take_mean(b, present);
  for (uint32_t wraps = 0; n > 0 && wraps < 2 && b->made.n_set < present->n_set;) {
    uint32_t slot = vs_bitset_next(present, b->next);
    b->next = slot == VS_NO_SLOT ? 0 : slot + 1;
    wraps += slot == VS_NO_SLOT;
    if (slot == VS_NO_SLOT || vs_bitset_test(&b->made, slot)) continue;
    code(b, slot);
    vs_bitset_set(&b->made, slot);
    n--;
  }
}

bool vs_bits_worth(vs_bits *b) {
  if (b->rest == 0) return true;
  b->rest--;
  return false;
}

/* -- The scan ---------------------------------------------------------- */

/* The tables and the constant part of all estimates; false: they could leave the range of float. */
static bool prepare(vs_bits *b, vs_query q, vs_i4_scan *scan) {
  uint32_t dim = b->full->vectors->dim;
  centre(b, q.v, 1);
  float square = product(b->y, b->y, b->n), length = sqrtf(square);
  vs_tables(b->y, b->codebook, b->m, 4, b->products, b->lut, scan);
  scan->least += DEVIATIONS * length;
  if (b->full->metric == VS_EUCLIDEAN) {
    scan->base = square * (1 - ROUNDING);
  } else {
    float along = 0, own = 0;
    for (uint32_t i = 0; i < dim; i++) {
      along += q.v[i] * b->mean[i];
      own += q.v[i] * q.v[i];
    }
    scan->base = -along - ROUNDING * b->mean_norm * sqrtf(own);
  }
  return square <= LARGEST_SQUARE && fabsf(scan->base) <= LARGEST_SQUARE;
}

static void flush(scanning *s) {
  float value[GROUP];
  vs_space_touch(s->b->full, s->slot, s->n);
  vs_space_values(s->b->full, s->q, s->slot, s->n, value);
  for (uint32_t i = 0; i < s->n; i++) vs_ranking_add(s->r, s->slot[i], value[i]);
  s->n_full += s->n;
  s->n = 0;
}

static inline void compare(scanning *s, uint32_t slot) {
  s->slot[s->n++] = slot;
  if (s->n == GROUP) flush(s);
}

/* Puts the `want` least of n pairs first, in any order; Hoare's selection, the middle of three as the pivot. */
static void select_least(vs_pair *p, uint32_t n, uint32_t want) {
  uint32_t low = 0, high = n - 1;
  while (low < high) {
    float a = p[low].key, b = p[low + (high - low) / 2].key, c = p[high].key;
    float pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
    uint32_t i = low, j = high;
    for (;;) {
      while (p[i].key < pivot) i++;
      while (p[j].key > pivot) j--;
      if (i >= j) break;
      vs_pair t = p[i];
      p[i++] = p[j];
      p[j--] = t;
    }
    if (p[j].key > pivot) j--;
    if (want <= j) {
      high = j;
    } else {
      low = j + 1;
    }
  }
}

/* Keeps what is below the width-th least bound, which becomes the limit. */
static void shrink(scanning *s) {
  vs_bits *b = s->b;
  select_least(b->kept, b->n_kept, s->width);
  float limit = b->kept[s->width - 1].key;
  for (uint32_t i = 0; i < s->width; i++) limit = b->kept[i].key > limit ? b->kept[i].key : limit;
  uint32_t n = 0;
  for (uint32_t i = 0; i < b->n_kept; i++)
    if (b->kept[i].key < limit) b->kept[n++] = b->kept[i];
  b->n_kept = n;
  s->limit = limit;
}

/* Slots of one group: estimated and kept, or, few or without codes, compared. */
static void first_pass(scanning *s, vs_i4_scan *scan, uint32_t group, uint32_t wanted, uint32_t made) {
  vs_bits *b = s->b;
  uint32_t coded = wanted & made, direct = wanted & ~made;
  if (__builtin_popcount(coded) <= FEW) direct = wanted, coded = 0;
  for (; direct; direct &= direct - 1) compare(s, group * GROUP + (uint32_t)__builtin_ctz(direct));
  if (!coded) return;
  float bound[GROUP];
  const float *factor = vs_blocks_at(&b->group, group);
  const uint8_t *codes = (const uint8_t *)(factor + 2 * (size_t)GROUP);
  scan->limit = s->limit;
  uint32_t mask = vs_scan_32(codes, b->lut, b->m, factor + GROUP, factor, scan, bound) & coded;
  for (; mask; mask &= mask - 1) {
    uint32_t i = (uint32_t)__builtin_ctz(mask);
    b->kept[b->n_kept++] = (vs_pair){bound[i], group * GROUP + i};
  }
  if (b->n_kept + GROUP > b->cap_kept) shrink(s);
}

/* What the first pass let go though it may be near enough. */
static void second_pass(scanning *s, vs_i4_scan *scan, uint32_t group, uint32_t wanted, uint32_t made) {
  vs_bits *b = s->b;
  uint32_t coded = wanted & made;
  if (__builtin_popcount(coded) <= FEW) return;
  float bound[GROUP];
  const float *factor = vs_blocks_at(&b->group, group);
  scan->limit = s->r->limit;
  uint32_t mask =
      vs_scan_32((const uint8_t *)(factor + 2 * (size_t)GROUP), b->lut, b->m, factor + GROUP, factor, scan, bound) &
      coded;
  for (; mask; mask &= mask - 1) {
    uint32_t i = (uint32_t)__builtin_ctz(mask);
    if (bound[i] >= s->limit) compare(s, group * GROUP + i);
  }
}

static uint64_t word_of(const vs_bitset *b, uint32_t i) {
  return i * 64 < b->n_bits ? *(const uint64_t *)vs_blocks_at(&b->words, i) : 0;
}

typedef void (*pass_fn)(scanning *s, vs_i4_scan *scan, uint32_t group, uint32_t wanted, uint32_t made);

static void over_groups(scanning *s, vs_i4_scan *scan, const vs_bitset *among, pass_fn pass) {
  for (uint32_t i = 0; i * 64 < among->n_bits; i++) {
    uint64_t wanted = word_of(among, i), made = word_of(&s->b->made, i);
    if ((uint32_t)wanted) pass(s, scan, 2 * i, (uint32_t)wanted, (uint32_t)made);
    if (wanted >> GROUP) pass(s, scan, 2 * i + 1, (uint32_t)(wanted >> GROUP), (uint32_t)(made >> GROUP));
  }
  flush(s);
}

/* Compares the candidates that may be near enough, the likeliest first. */
static void compare_kept(scanning *s) {
  vs_bits *b = s->b;
  uint32_t first = b->n_kept < GROUP ? b->n_kept : GROUP;
  if (b->n_kept > GROUP) select_least(b->kept, b->n_kept, GROUP);
  for (uint32_t i = 0; i < first; i++) compare(s, b->kept[i].value);
  flush(s);
  for (uint32_t i = first; i < b->n_kept; i++)
    if (b->kept[i].key <= s->r->limit) compare(s, b->kept[i].value);
  flush(s);
}

static vs_status reserve_kept(vs_bits *b, uint32_t n) {
  if (n <= b->cap_kept) return VS_OK;
  vs_pair *kept = vs_realloc(b->a, b->kept, n * sizeof(vs_pair));
  if (!kept) return VS_OUT_OF_MEMORY;
  b->kept = kept;
  b->cap_kept = n;
  return VS_OK;
}

static uint32_t bounded(uint32_t width, uint32_t k) {
  uint32_t least = k < KEPT_MOST ? 2 * k + KEPT_LEAST : KEPT_MOST;
  return width < least ? least : width > 2 * KEPT_MOST ? 2 * KEPT_MOST : width;
}

vs_status vs_bits_scan(vs_bits *b, const vs_bitset *among, vs_query q, vs_ranking *r, uint64_t *n_scanned) {
  vs_i4_scan scan;
  scanning s = {.b = b, .r = r, .q = q, .width = bounded(b->width, r->cap), .limit = INFINITY};
  VS_TRY(reserve_kept(b, 2 * s.width + GROUP));
  *n_scanned = 0;
  if (b->made.n_set == 0 || !prepare(b, q, &scan)) {
    vs_flat_scan(b->full, among, q, r);
    return VS_OK;
  }
  b->n_kept = 0;
  over_groups(&s, &scan, among, first_pass);
  uint32_t n_direct = s.n_full;
  compare_kept(&s);
  if (s.limit < r->limit) over_groups(&s, &scan, among, second_pass);
  *n_scanned = among->n_set;
  uint32_t needed = (s.n_full - n_direct) / 4 * 5;
  b->width = needed > b->width ? needed : b->width - (b->width - needed) / 8;
  if (s.n_full - n_direct > among->n_set / POOR_SHARE && among->n_set > KEPT_MOST) b->rest = REST;
  return VS_OK;
}
