/* match.c - the set of records that match a filter (see match.h).
 *
 * Layer: query (L3).
 *
 * A conjunct is indexed when each of its terms is answered by an index and it
 * has no NOT over a compound (build.c folds NOT into single terms). Sets are
 * bitmaps over slots: AND and OR of two take n / 64 word operations, about
 * 1 microsecond for 100,000 slots, so that no smarter form is worth its code.
 *
 * COSTS, in nanoseconds, are those of a native build and matter only in their
 * ratios; they decide when reading metadata is cheaper than another set.
 */
#include "match.h"

#include <string.h>

#define EVALUATE_NS 120.0 /* reading a record's metadata for one conjunct */
#define SLOT_NS 0.6       /* setting a bit for a slot of a list in the order of values */
#define POSTING_NS 0.3    /* the same of a list in the order of slots */
#define WORD_NS 0.6       /* one word of a bitmap operation */
#define OPERANDS (2 * (VS_FILTER_MAX_DEPTH + 1) + 1)

void vs_prepared_init(vs_prepared *p, vs_alloc *a, vs_filter *filter) {
  memset(p, 0, sizeof *p);
  p->filter = filter;
  vs_bitset_init(&p->matches, a);
}

void vs_prepared_deinit(vs_prepared *p, vs_alloc *a) {
  vs_filter_destroy(a, p->filter);
  vs_bitset_deinit(&p->matches);
  p->filter = NULL;
}

/* ============ Bitmaps ============ */

static uint32_t n_words(const vs_bitset *b) { return b->n_bits / 64 + (b->n_bits % 64 != 0); }

/* The words from `at` on that lie side by side. */
static uint64_t *words_at(const vs_bitset *b, uint32_t at, uint32_t *n) {
  uint32_t total = n_words(b), here = b->words.mask + 1 - (at & b->words.mask);
  *n = total - at < here ? total - at : here;
  return vs_blocks_at(&b->words, at);
}

static void count(vs_bitset *b) {
  uint32_t sum = 0, n;
  for (uint32_t at = 0; at < n_words(b); at += n) {
    const uint64_t *w = words_at(b, at, &n);
    for (uint32_t i = 0; i < n; i++) sum += (uint32_t)__builtin_popcountll(w[i]);
  }
  b->n_set = sum;
}

typedef enum { COPY, UNITE, INTERSECT } combination;

/* Both have the same size. */
static void combine(vs_bitset *into, const vs_bitset *other, combination how) {
  uint32_t n;
  for (uint32_t at = 0; at < n_words(into); at += n) {
    uint64_t *w = words_at(into, at, &n);
    const uint64_t *o = words_at(other, at, &n);
    for (uint32_t i = 0; i < n; i++) w[i] = how == COPY ? o[i] : how == UNITE ? w[i] | o[i] : w[i] & o[i];
  }
}

/* ============ Terms ============ */

const vs_meta_field *vs_match_index_of(const vs_meta *m, const vs_filter_term *term) {
  const vs_meta_field *f = vs_meta_field_of(m, term);
  if (!f) return NULL;
  if (f->kind == VS_META_VALUE) return vs_value_index_answers(term) ? f : NULL;
  return vs_range_index_runs(term) != VS_RANGE_UNKNOWN ? f : NULL;
}

/* Records for which the term is TRUE; false when that is only about. */
static bool count_term(const vs_meta_field *f, const vs_filter_term *term, uint32_t *n) {
  uint64_t sum = 0;
  uint32_t from, to, used = 0;
  bool exact = true;
  if (f->kind == VS_META_VALUE) {
    vs_value_index_candidates(&f->values, term, &from, &to);
    for (uint32_t i = from; i < to; i++) {
      const vs_value_entry *e = f->values.entry[i];
      if (!vs_value_index_meets(e, term)) continue;
      sum += e->slots.n;
      used += e->element;
    }
    exact = used < 2;
  } else {
    uint32_t n_runs = vs_range_index_runs(term);
    for (uint32_t i = 0; i < n_runs; i++) {
      vs_range_run run = vs_range_index_run(&f->ranges, term, i);
      sum += run.to - run.from;
      exact = exact && !run.all_vague && run.vague[0] == 0 && run.vague[1] == 0;
    }
    exact = exact && n_runs < 2;
  }
  *n = sum > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)sum;
  return exact;
}

static void set_slot(vs_bitset *b, uint32_t slot) {
  *(uint64_t *)vs_blocks_at(&b->words, slot / 64) |= (uint64_t)1 << (slot & 63);
}

/* Sets a run of which the keys decide everything. */
static void set_run(const vs_range_index *x, const vs_range_run *run, vs_bitset *into) {
  vs_range_cursor c = vs_range_seek(x, run->from);
  uint64_t *words = into->words.n_blocks == 1 ? vs_blocks_at(&into->words, 0) : NULL;
  for (uint32_t left = run->to - run->from; left > 0; c = (vs_range_cursor){c.chunk + 1, 0}) {
    const vs_range_chunk *chunk = x->chunk[c.chunk];
    const uint32_t *slot = chunk->slot + c.at;
    uint32_t n = chunk->n - c.at < left ? chunk->n - c.at : left;
    for (uint32_t i = 0; words && i < n; i++) words[slot[i] >> 6] |= (uint64_t)1 << (slot[i] & 63);
    for (uint32_t i = 0; !words && i < n; i++) set_slot(into, slot[i]);
    left -= n;
  }
}

static void add_run(const vs_meta *m, const vs_meta_field *f, const vs_filter_term *term, const vs_range_run *run,
                    vs_bitset *into, uint64_t *evaluated) {
  if (!run->all_vague && run->vague[0] == 0 && run->vague[1] == 0) {
    set_run(&f->ranges, run, into);
    return;
  }
  vs_range_cursor c = vs_range_seek(&f->ranges, run->from);
  for (uint32_t i = run->from; i < run->to; i++) {
    uint32_t slot = vs_range_next(&f->ranges, &c);
    uint64_t key = vs_range_key(&f->ranges, slot);
    vs_slice metadata;
    if (run->all_vague || key == run->vague[0] || key == run->vague[1]) {
      ++*evaluated;
      if (!m->records.metadata(m->records.ctx, slot, &metadata) || vs_filter_term_truth(term, metadata) != VS_TRUE)
        continue;
    }
    set_slot(into, slot);
  }
}

/* Adds the slots for which an indexed term is TRUE. */
static void add_term(const vs_meta *m, const vs_filter_term *term, vs_bitset *into, uint64_t *evaluated) {
  const vs_meta_field *f = vs_match_index_of(m, term);
  if (f->kind == VS_META_RANGE) {
    uint32_t n_runs = vs_range_index_runs(term);
    for (uint32_t i = 0; i < n_runs; i++) {
      vs_range_run run = vs_range_index_run(&f->ranges, term, i);
      add_run(m, f, term, &run, into, evaluated);
    }
    return;
  }
  uint32_t from, to;
  vs_value_index_candidates(&f->values, term, &from, &to);
  for (uint32_t i = from; i < to; i++)
    if (vs_value_index_meets(f->values.entry[i], term)) vs_postings_unite(&f->values.entry[i]->slots, into);
}

/* ============ Conjuncts ============ */

typedef struct {
  vs_filter_conjunct c;
  bool indexed, exact;
  uint32_t n;  /* matches, about; only if indexed */
  double cost; /* of making the set */
} part;

/* Counts an indexed subtree, terms being taken as independent. */
static void count_part(const vs_meta *m, const vs_filter *f, part *p) {
  double all = m->live.n_set, stack[OPERANDS] = {0};
  uint32_t n = 0, n_terms = 0;
  p->exact = true;
  for (uint32_t i = f->code[p->c.root].first; i <= p->c.root; i++) {
    const vs_filter_instr *in = &f->code[i];
    uint32_t matches;
    if (in->code == VS_FILTER_TERM) {
      const vs_filter_term *term = &f->terms[in->arg];
      const vs_meta_field *field = vs_match_index_of(m, term);
      p->exact = count_term(field, term, &matches) && p->exact && n_terms == 0;
      n_terms++;
      stack[n++] = matches < all ? matches : all;
      p->cost += matches * (field->kind == VS_META_RANGE ? SLOT_NS : POSTING_NS) + all / 64 * WORD_NS;
    } else if (in->code == VS_FILTER_CONSTANT) {
      stack[n++] = in->arg == VS_TRUE ? all : 0;
    } else if (in->code == VS_FILTER_AND) {
      assert(n > 1);
      n--;
      stack[n - 1] = all > 0 ? stack[n - 1] * stack[n] / all : 0;
    } else if (in->code == VS_FILTER_OR) {
      assert(n > 1);
      n--;
      stack[n - 1] = all > 0 ? stack[n - 1] + stack[n] - stack[n - 1] * stack[n] / all : 0;
    }
  }
  assert(n == 1);
  p->n = (uint32_t)(stack[0] + 0.5);
}

static bool is_indexed(const vs_meta *m, const vs_filter *f, uint32_t root) {
  for (uint32_t i = f->code[root].first; i <= root; i++) {
    if (f->code[i].code == VS_FILTER_NOT) return false;
    if (f->code[i].code == VS_FILTER_TERM && !vs_match_index_of(m, &f->terms[f->code[i].arg])) return false;
  }
  return true;
}

/* The parts, those with indexes first, the smallest of them first. Owned by the caller. */
static part *make_parts(const vs_meta *m, const vs_filter *f) {
  vs_filter_conjunct *c = vs_malloc(m->a, f->n_conjuncts * sizeof *c);
  part *p = vs_calloc(m->a, f->n_conjuncts, sizeof *p);
  if (!c || !p) {
    vs_free(m->a, c);
    vs_free(m->a, p);
    return NULL;
  }
  vs_filter_conjuncts(f, c);
  for (uint32_t i = 0; i < f->n_conjuncts; i++) {
    part next = {.c = c[i], .indexed = is_indexed(m, f, c[i].root)};
    if (next.indexed) count_part(m, f, &next);
    uint32_t at = i;
    for (; at > 0 && next.indexed && (!p[at - 1].indexed || p[at - 1].n > next.n); at--) p[at] = p[at - 1];
    p[at] = next;
  }
  vs_free(m->a, c);
  return p;
}

/* The set of an indexed part, into an empty set of full size. VS_OUT_OF_MEMORY. */
static vs_status fill_part(const vs_meta *m, const vs_filter *f, const part *p, vs_bitset *out, uint64_t *evaluated) {
  vs_bitset stack[OPERANDS] = {0};
  uint32_t n = 0;
  vs_status status = VS_OK;
  if (p->c.term) {
    add_term(m, p->c.term, out, evaluated);
    return VS_OK;
  }
  for (uint32_t i = f->code[p->c.root].first; i <= p->c.root && status == VS_OK; i++) {
    const vs_filter_instr *in = &f->code[i];
    if (in->code == VS_FILTER_TERM || in->code == VS_FILTER_CONSTANT) {
      vs_bitset_init(&stack[n], m->a);
      status = vs_bitset_reserve(&stack[n++], out->n_bits);
      if (status != VS_OK) break;
      if (in->code == VS_FILTER_TERM) add_term(m, &f->terms[in->arg], &stack[n - 1], evaluated);
      if (in->code == VS_FILTER_CONSTANT && in->arg == VS_TRUE) combine(&stack[n - 1], &m->live, COPY);
    } else if (in->code == VS_FILTER_AND || in->code == VS_FILTER_OR) {
      assert(n > 1);
      n--;
      combine(&stack[n - 1], &stack[n], in->code == VS_FILTER_AND ? INTERSECT : UNITE);
      vs_bitset_deinit(&stack[n]);
    }
  }
  if (status == VS_OK) {
    assert(n == 1);
    combine(out, &stack[0], COPY);
  }
  while (n > 0) vs_bitset_deinit(&stack[--n]);
  return status;
}

static bool meets_rest(const vs_filter *f, const part *p, uint32_t n, vs_slice metadata) {
  for (uint32_t i = 0; i < n; i++) {
    vs_truth truth =
        p[i].c.term ? vs_filter_term_truth(p[i].c.term, metadata) : vs_filter_truth_at(f, p[i].c.root, metadata);
    if (truth != VS_TRUE) return false;
  }
  return true;
}

/* Takes those out of the set that fail one of the parts. */
static void evaluate_rest(const vs_meta *m, const vs_filter *f, const part *p, uint32_t n_parts, vs_bitset *set,
                          uint64_t *evaluated) {
  uint32_t n;
  for (uint32_t at = 0; at < n_words(set); at += n) {
    uint64_t *w = words_at(set, at, &n);
    for (uint32_t i = 0; i < n; i++) {
      for (uint64_t left = w[i]; left; left &= left - 1) {
        uint32_t bit = (uint32_t)__builtin_ctzll(left);
        vs_slice metadata;
        ++*evaluated;
        if (!m->records.metadata(m->records.ctx, (at + i) * 64 + bit, &metadata) ||
            !meets_rest(f, p, n_parts, metadata))
          w[i] &= ~((uint64_t)1 << bit);
      }
    }
  }
}

/* ============ Whole filters ============ */

static vs_status find_set(const vs_meta *m, const vs_filter *f, part *p, vs_bitset *set, vs_match_stats *stats) {
  uint32_t taken = 0, total = f->n_conjuncts;
  vs_bitset next;
  vs_bitset_init(&next, m->a);
  vs_status status = vs_bitset_reserve(set, m->live.n_bits);
  vs_bitset_clear_all(set);
  for (; status == VS_OK && taken < total && p[taken].indexed; taken++) {
    if (taken == 0) {
      status = fill_part(m, f, &p[taken], set, &stats->evaluated);
      count(set);
      continue;
    }
    if (set->n_set * EVALUATE_NS <= p[taken].cost) break;
    status = vs_bitset_reserve(&next, set->n_bits);
    if (status != VS_OK) break;
    vs_bitset_clear_all(&next);
    status = fill_part(m, f, &p[taken], &next, &stats->evaluated);
    combine(set, &next, INTERSECT);
    count(set);
  }
  vs_bitset_deinit(&next);
  if (status != VS_OK) return status;
  stats->method = taken == total ? VS_MATCH_INDEX : taken > 0 ? VS_MATCH_MIXED : VS_MATCH_EVALUATE;
  if (taken == 0) combine(set, &m->live, COPY);
  /* Damage that no checksum noticed must not lead to a slot without a record. */
  if (m->from_saved && taken == total) combine(set, &m->live, INTERSECT);
  if (taken < total) evaluate_rest(m, f, p + taken, total - taken, set, &stats->evaluated);
  count(set);
  return VS_OK;
}

vs_status vs_match_find(const vs_meta *m, vs_prepared *p, vs_match_stats *stats) {
  assert(m->built);
  *stats = (vs_match_stats){VS_MATCH_CACHED, 0};
  if (p->epoch == m->epoch) return VS_OK;
  p->epoch = 0;
  if (p->matches.n_bits != m->live.n_bits) { /* sets must have one size to be combined */
    vs_bitset_deinit(&p->matches);
    vs_bitset_init(&p->matches, m->a);
  }
  part *parts = make_parts(m, p->filter);
  if (!parts) return VS_OUT_OF_MEMORY;
  vs_status status = find_set(m, p->filter, parts, &p->matches, stats);
  vs_free(m->a, parts);
  if (status == VS_OK) p->epoch = m->epoch;
  return status;
}

/* The share of the records that meet the parts without an index, from a sample. */
static double sample_rest(const vs_meta *m, const vs_filter *f, const part *p, uint32_t n_parts, uint32_t *sampled) {
  uint32_t n = m->live.n_set, wanted = n < VS_MATCH_SAMPLE ? n : VS_MATCH_SAMPLE, met = 0, last = VS_NO_SLOT;
  *sampled = 0;
  for (uint32_t i = 0; i < wanted; i++) {
    vs_slice metadata;
    uint32_t slot = vs_bitset_next(&m->live, (uint32_t)((uint64_t)i * m->live.n_bits / wanted));
    if (slot == last || slot == VS_NO_SLOT) continue;
    last = slot;
    if (!m->records.metadata(m->records.ctx, slot, &metadata)) continue;
    ++*sampled;
    met += meets_rest(f, p, n_parts, metadata);
  }
  if (*sampled == n) return n > 0 ? (double)met / n : 0;
  return (met + 0.5) / (*sampled + 1.0);
}

vs_status vs_match_estimate_of(const vs_meta *m, const vs_prepared *p, vs_match_estimate *out) {
  const vs_filter *f = p->filter;
  uint32_t all = m->live.n_set, taken = 0;
  *out = (vs_match_estimate){VS_MATCH_CACHED, p->matches.n_set, true, 0, 0};
  if (p->epoch == m->epoch) return VS_OK;
  part *parts = make_parts(m, f);
  if (!parts) return VS_OUT_OF_MEMORY;
  double left = all;
  out->exact = f->n_conjuncts == 1;
  for (; taken < f->n_conjuncts && parts[taken].indexed; taken++) {
    double share = all > 0 ? parts[taken].n / (double)all : 0;
    if (taken == 0 || left * EVALUATE_NS > parts[taken].cost) out->cost_ns += parts[taken].cost;
    left *= share < 1 ? share : 1;
    out->exact = out->exact && parts[taken].exact;
  }
  out->method = taken == f->n_conjuncts ? VS_MATCH_INDEX : taken > 0 ? VS_MATCH_MIXED : VS_MATCH_EVALUATE;
  if (taken < f->n_conjuncts) {
    out->cost_ns += left * EVALUATE_NS;
    left *= sample_rest(m, f, parts + taken, f->n_conjuncts - taken, &out->sampled);
    out->exact = out->sampled == all && taken == 0;
  }
  vs_free(m->a, parts);
  out->n = (uint32_t)(left + 0.5);
  return VS_OK;
}
