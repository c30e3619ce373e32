/* sparse_search.c - the records with the highest inner product with a sparse vector (see sparse.h).
 *
 * Layer: text (L2). Slots are gone through in windows of 4,096. As the search by words does, MaxScore (Turtle and Flood
 * 1995) with the blocks' bounds: when k records are known, the dimensions that together cannot lift a record over the
 * k-th score in this window are asked only about records that others found; where that holds for all, the window is
 * skipped. A block's bound is the greater of weight * low and weight * high, at least 0 as a record need not have
 * the dimension, so values and weights of either sign are right.
 *
 * Sums made in that order are rounded differently from record to record, so they only decide, with room for
 * rounding, what is worth its exact score: the inner product with the record's own vector, in one fixed order.
 */
#include <math.h>
#include <string.h>

#include "sparse.h"

#define WINDOW 4096u
#define WORDS (WINDOW / 64u)

typedef struct {
  vs_sparse_cursor cursor;
  double weight, bound;
} term;

typedef struct {
  const vs_sparse *x;
  vs_sparse_view q;
  const vs_bitset *filter;
  vs_sparse_found *out;
  term *term;
  uint32_t *order; /* the terms, those that can add least first */
  double *sum;     /* WINDOW of them */
  uint32_t n_terms, k, base, end;
  double slack; /* more than rounding can lift a sum */
} search;

void vs_sparse_found_init(vs_sparse_found *h, vs_alloc *a) {
  memset(h, 0, sizeof *h);
  h->a = a;
}

void vs_sparse_found_deinit(vs_sparse_found *h) {
  vs_free(h->a, h->hit);
  vs_sparse_found_init(h, h->a);
}

double vs_sparse_dot(vs_sparse_view q, vs_sparse_view v, uint32_t *shared) {
  double sum = 0;
  *shared = 0;
  for (uint32_t i = 0, j = 0; i < q.n && j < v.n;) {
    uint32_t a = vs_load_u32(q.index + (size_t)i * 4), b = vs_load_u32(v.index + (size_t)j * 4);
    if (a < b) {
      i++;
    } else if (b < a) {
      j++;
    } else {
      double weight = (double)vs_load_f32(q.value + (size_t)i++ * 4);
      sum += weight * (double)vs_load_f32(v.value + (size_t)j++ * 4);
      *shared += weight != 0;
    }
  }
  return sum;
}

static void offer(search *s, uint32_t slot) {
  vs_sparse_found *o = s->out;
  const vs_sparse_source *source = &s->x->source;
  uint32_t shared;
  double score = vs_sparse_dot(s->q, source->sparse(source->ctx, slot), &shared);
  o->scored++;
  vs_best_offer(o->hit, &o->n_hits, s->k, (vs_text_hit){slot, score, source->sequence(source->ctx, slot)});
}

/* ============ A window ============ */

static uint32_t next_bit(const uint64_t *bits, uint32_t from) {
  uint32_t word = from / 64;
  if (word >= WORDS) return WINDOW;
  uint64_t left = bits[word] & (~0ull << (from % 64));
  while (left == 0) {
    if (++word == WORDS) return WINDOW;
    left = bits[word];
  }
  return word * 64 + (uint32_t)__builtin_ctzll(left);
}

/* The most that a term adds to a record of this window. */
static double bound_of(const search *s, term *t) {
  double most = 0;
  vs_sparse_cursor_seek(&t->cursor, s->base);
  for (const vs_sparse_block *b = t->cursor.block; b != t->cursor.end && b->first < s->end; b++) {
    double low = t->weight * (double)b->low, high = t->weight * (double)b->high;
    double bound = low > high ? low : high;
    if (bound > most) most = bound;
  }
  return most;
}

static void order_terms(search *s) {
  for (uint32_t i = 0; i < s->n_terms; i++) {
    double bound = s->term[i].bound = bound_of(s, &s->term[i]);
    uint32_t at = i;
    for (; at > 0 && s->term[s->order[at - 1]].bound > bound; at--) s->order[at] = s->order[at - 1];
    s->order[at] = i;
  }
}

/* All of a term in this window. */
static void add_term(search *s, term *t, uint64_t *bits) {
  vs_sparse_cursor *c = &t->cursor;
  for (vs_sparse_cursor_seek(c, s->base); c->slot < s->end; vs_sparse_cursor_next(c)) {
    uint32_t i = c->slot - s->base;
    bits[i / 64] |= 1ull << (i % 64);
    s->sum[i] += t->weight * (double)c->value;
  }
}

static void keep_allowed(const search *s, uint64_t *bits) {
  for (uint32_t i = 0; s->filter && i < WORDS; i++) {
    uint32_t word = s->base / 64 + i;
    bits[i] &= word < s->filter->words.n_items ? *(uint64_t *)vs_blocks_at(&s->filter->words, word) : 0;
  }
}

/* Asks a term about the records found; those that cannot come among the best any more are dropped. `rest`: the most
 * that this term and those after it add. */
static void refine(search *s, term *t, double rest, double threshold, uint64_t *bits) {
  for (uint32_t i = next_bit(bits, 0); i < WINDOW; i = next_bit(bits, i + 1)) {
    if (s->sum[i] + rest < threshold) {
      bits[i / 64] &= ~(1ull << (i % 64));
      s->sum[i] = 0;
      continue;
    }
    vs_sparse_cursor_seek(&t->cursor, s->base + i);
    if (t->cursor.slot == s->base + i) s->sum[i] += t->weight * (double)t->cursor.value;
  }
}

static void search_window(search *s) {
  uint64_t bits[WORDS] = {0};
  uint32_t first = 0;
  double threshold = -INFINITY, rest = s->slack;
  if (s->out->n_hits == s->k) {
    threshold = s->out->hit[0].score;
    order_terms(s);
    while (first < s->n_terms && rest + s->term[s->order[first]].bound < threshold)
      rest += s->term[s->order[first++]].bound;
    if (first == s->n_terms) {
      s->out->skipped++;
      return;
    }
  }
  memset(s->sum, 0, WINDOW * sizeof *s->sum);
  for (uint32_t i = first; i < s->n_terms; i++) add_term(s, &s->term[s->order[i]], bits);
  keep_allowed(s, bits);
  while (first-- > 0) {
    term *t = &s->term[s->order[first]];
    refine(s, t, rest, threshold, bits);
    rest -= t->bound;
    rest = rest > s->slack ? rest + s->slack : 2 * s->slack; /* differences of sums */
  }
  for (uint32_t i = next_bit(bits, 0); i < WINDOW; i = next_bit(bits, i + 1)) {
    if (s->out->n_hits == s->k && s->sum[i] + 2 * s->slack < s->out->hit[0].score) continue;
    offer(s, s->base + i);
  }
}

/* The first slot at or after `from` that has a dimension of the query. */
static uint32_t next_slot(search *s, uint32_t from) {
  uint32_t next = VS_NO_SLOT;
  for (uint32_t i = 0; i < s->n_terms; i++) {
    vs_sparse_cursor_seek(&s->term[i].cursor, from);
    if (s->term[i].cursor.slot < next) next = s->term[i].cursor.slot;
  }
  return next;
}

/* ============ The whole ============ */

static double larger(double a, double b) { return a > b ? a : b; }

static void take_terms(search *s) {
  double sum = 0;
  for (uint32_t i = 0; i < s->q.n; i++) {
    double weight = (double)vs_load_f32(s->q.value + (size_t)i * 4), most = 0;
    const vs_sparse_list *l = vs_sparse_find(s->x, vs_load_u32(s->q.index + (size_t)i * 4));
    if (weight == 0 || !l || l->n_blocks == 0) continue;
    for (uint32_t j = 0; j < l->n_blocks; j++) {
      most = larger(most, fabs((double)l->block[j].low));
      most = larger(most, fabs((double)l->block[j].high));
    }
    sum += fabs(weight) * most;
    s->order[s->n_terms] = s->n_terms;
    s->term[s->n_terms].weight = weight;
    vs_sparse_cursor_begin(&s->term[s->n_terms++].cursor, s->x, l);
  }
  /* A sum of n terms is off by less than n * 2^-53 of the sum of their sizes. */
  s->slack = sum * (4 + s->n_terms) * 4.5e-16;
}

static vs_status reserve(search *s) {
  vs_sparse_found *o = s->out;
  if (s->k > o->cap) {
    vs_text_hit *hit = vs_calloc(o->a, s->k, sizeof *hit);
    if (!hit) return VS_OUT_OF_MEMORY;
    vs_free(o->a, o->hit);
    o->hit = hit;
    o->cap = s->k;
  }
  s->term = vs_calloc(o->a, s->q.n, sizeof *s->term);
  s->order = vs_calloc(o->a, s->q.n, sizeof *s->order);
  s->sum = vs_calloc(o->a, WINDOW, sizeof *s->sum);
  return s->term && s->order && s->sum ? VS_OK : VS_OUT_OF_MEMORY;
}

vs_status vs_sparse_search(const vs_sparse *x, vs_sparse_view q, uint32_t k, const vs_bitset *filter,
                           vs_sparse_found *out) {
  assert(vs_sparse_ready(x));
  search s = {.x = x, .q = q, .filter = filter, .out = out, .k = k < x->n_docs ? k : x->n_docs};
  out->n_hits = 0;
  out->scored = out->skipped = 0;
  if (s.k == 0 || q.n == 0) return VS_OK;
  vs_status status = reserve(&s);
  if (status == VS_OK) {
    take_terms(&s);
    for (uint32_t slot = next_slot(&s, 0); slot != VS_NO_SLOT; slot = next_slot(&s, s.end)) {
      s.base = slot / WINDOW * WINDOW;
      s.end = s.base + WINDOW;
      search_window(&s);
    }
    vs_best_order(out->hit, out->n_hits);
  }
  vs_free(out->a, s.term);
  vs_free(out->a, s.order);
  vs_free(out->a, s.sum);
  return status;
}
