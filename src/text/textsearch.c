/* textsearch.c - finding the best records of a text query (see textsearch.h).
 *
 * Layer: text (L2).
 *
 * WINDOWS. The slots are gone through in windows of 4,096. In each, words add
 * their scores to an array and set bits; groups combine the bits of what is in
 * them, the innermost first. Windows that nothing can match in are jumped over.
 *
 * PRUNING (MaxScore; Turtle and Flood 1995, by windows as Lucene has it). When
 * the whole is words any of which may match, and k records are found, the blocks'
 * bounds say how much each word can add in this window at most. The words that
 * together cannot lift a record over the k-th score are asked only about records that others found;
 * where that holds for all words, the window is skipped. The result is exactly that without pruning.
 */
#include "textsearch.h"

#include <string.h>

#include "search_plan.h"

/* Adding and subtracting this rounds to a multiple of 2^-36. */
#define ROUNDER 98304.0
/* More than rounding can lift a share. */
#define SLACK 1e-9

typedef struct {
  vs_search_plan plan;
  vs_textsearch *out;
  uint32_t base, end;
  uint32_t k;
} search;

void vs_textsearch_init(vs_textsearch *s, vs_alloc *a) {
  memset(s, 0, sizeof *s);
  s->a = a;
}

void vs_textsearch_deinit(vs_textsearch *s) {
  vs_free(s->a, s->hit);
  vs_free(s->a, s->term);
  vs_textsearch_init(s, s->a);
}

bool vs_textsearch_has(const vs_textsearch *s, uint32_t term) {
  uint32_t low = 0, high = s->n_terms;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (s->term[middle] < term)
      low = middle + 1;
    else
      high = middle;
  }
  return low < s->n_terms && s->term[low] == term;
}

static double rounded(double x) { return (x + ROUNDER) - ROUNDER; }

static void offer(search *s, uint32_t slot, double score) {
  vs_textsearch *o = s->out;
  const vs_texts *texts = &s->plan.x->texts;
  if (o->n_hits == s->k && score < o->hit[0].score) return;
  vs_best_offer(o->hit, &o->n_hits, s->k, (vs_text_hit){slot, score, texts->sequence(texts->ctx, slot)});
}

/* ============ Words ============ */

static double share_of(const search *s, const vs_source *f, double tf, uint32_t slot) {
  (void)s;
  return f->weight * tf / (f->norm_0 + f->norm_1 * vs_text_length(f->field, slot));
}

static double score_of(const search *s, const vs_plan_node *node, double x) {
  return rounded(node->idf * x / (s->plan.x->k1 + x));
}

static void set_bit(uint64_t *bits, uint32_t i) { bits[i / 64] |= 1ull << (i % 64); }

/* Goes through the bits that are set: for (NEXT_BIT(i, bits)). */
static uint32_t next_bit(const uint64_t *bits, uint32_t from) {
  uint32_t word = from / 64;
  if (word >= VS_WINDOW_WORDS) return VS_WINDOW;
  uint64_t left = bits[word] & (~0ull << (from % 64));
  while (left == 0) {
    if (++word == VS_WINDOW_WORDS) return VS_WINDOW;
    left = bits[word];
  }
  return word * 64 + (uint32_t)__builtin_ctzll(left);
}

static void word_window(search *s, vs_plan_node *node, uint64_t *bits, double *score) {
  vs_source *f = &s->plan.source[node->from];
  uint32_t base = s->base, end = s->end;
  if (node->n == 1) {
    vs_cursor *c = &f->cursor;
    for (vs_cursor_seek(c, base); c->slot < end; vs_cursor_next(c)) {
      set_bit(bits, c->slot - base);
      score[c->slot - base] += score_of(s, node, share_of(s, f, c->tf, c->slot));
    }
    return;
  }
  uint64_t touched[VS_WINDOW_WORDS] = {0};
  for (uint32_t i = 0; i < node->n; i++, f++) {
    vs_cursor *c = &f->cursor;
    for (vs_cursor_seek(c, base); c->slot < end; vs_cursor_next(c)) {
      set_bit(touched, c->slot - base);
      s->plan.sum[c->slot - base] += share_of(s, f, c->tf, c->slot);
    }
  }
  for (uint32_t i = next_bit(touched, 0); i < VS_WINDOW; i = next_bit(touched, i + 1)) {
    score[i] += score_of(s, node, s->plan.sum[i]);
    s->plan.sum[i] = 0;
    set_bit(bits, i);
  }
}

/* ============ Phrases ============ */

/* Do two equal words of the phrase stand at the same place? */
static bool doubles(const vs_source *f, uint32_t n, const uint32_t *place) {
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t j = i + 1; j < n; j++)
      if (f[i].term == f[j].term && place[i] == place[j]) return true;
  return false;
}

/* How often the words, whose cursors are at the same record, stand as in the phrase: each occurrence counts 1 / (1 +
 * moves). The words go forward together, always the one that is farthest behind. */
static double occurrences(search *s, vs_source *f, uint32_t n, uint32_t slop) {
  uint32_t *list = s->plan.positions, count[VS_PHRASE_TERMS], at[VS_PHRASE_TERMS] = {0}, place[VS_PHRASE_TERMS];
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) count[i] = vs_cursor_positions(&f[i].cursor, list + i * VS_POSITIONS, VS_POSITIONS);
  for (;;) {
    uint32_t behind = 0;
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
      place[i] = list[i * VS_POSITIONS + at[i]];
      int64_t start = (int64_t)place[i] - f[i].position;
      if (start > most) most = start;
      if (start >= least) continue;
      least = start;
      behind = i;
    }
    if (most - least <= slop && !(slop > 0 && doubles(f, n, place))) sum += 1 / (1 + (double)(most - least));
    if (++at[behind] == count[behind]) return sum;
  }
}

/* Brings a run of sources to the first record at or after `slot` that has all of them. */
static uint32_t meet(vs_source *f, uint32_t n, uint32_t slot) {
  for (uint32_t i = 0; i < n;) {
    vs_cursor_seek(&f[i].cursor, slot);
    if (f[i].cursor.slot == VS_NO_SLOT) return VS_NO_SLOT;
    if (f[i].cursor.slot == slot) {
      i++;
    } else {
      slot = f[i].cursor.slot;
      i = 0;
    }
  }
  return slot;
}

static void phrase_window(search *s, vs_plan_node *node, uint64_t *bits, double *score) {
  uint64_t touched[VS_WINDOW_WORDS] = {0};
  for (uint32_t from = node->from; from < node->from + node->n; from += node->n_words) {
    vs_source *f = &s->plan.source[from];
    uint32_t slot = meet(f, node->n_words, s->base);
    for (; slot < s->end; slot = meet(f, node->n_words, slot + 1)) {
      double tf = occurrences(s, f, node->n_words, node->slop);
      if (tf == 0) continue;
      set_bit(touched, slot - s->base);
      s->plan.sum[slot - s->base] += share_of(s, f, tf, slot);
    }
  }
  for (uint32_t i = next_bit(touched, 0); i < VS_WINDOW; i = next_bit(touched, i + 1)) {
    score[i] += score_of(s, node, s->plan.sum[i]);
    s->plan.sum[i] = 0;
    set_bit(bits, i);
  }
}

static void leaf_window(search *s, vs_plan_node *node, uint64_t *bits, double *score) {
  if (node->kind == VS_ASK_PHRASE)
    phrase_window(s, node, bits, score);
  else
    word_window(s, node, bits, score);
}

/* What a leaf gives one record; slots must ascend. */
static double leaf_at(search *s, vs_plan_node *node, uint32_t slot) {
  double x = 0;
  uint32_t step = node->kind == VS_ASK_PHRASE ? node->n_words : 1;
  for (uint32_t from = node->from; from < node->from + node->n; from += step) {
    vs_source *f = &s->plan.source[from];
    if (step > 1) {
      if (meet(f, step, slot) == slot) x += share_of(s, f, occurrences(s, f, step, node->slop), slot);
    } else {
      vs_cursor_seek(&f->cursor, slot);
      if (f->cursor.slot == slot) x += share_of(s, f, f->cursor.tf, slot);
    }
  }
  return x > 0 ? score_of(s, node, x) : 0;
}

/* ============ Groups ============ */

static void join_child(vs_plan_node *parent, const vs_plan_node *child, const uint64_t *bits) {
  vs_group *g = parent->group;
  uint64_t *to = child->occur == VS_MUST_NOT ? g->never : child->occur == VS_MUST ? g->must : g->any;
  for (uint32_t i = 0; i < VS_WINDOW_WORDS; i++) to[i] = child->occur == VS_MUST ? to[i] & bits[i] : to[i] | bits[i];
}

static void group_begin(vs_plan_node *node) {
  vs_group *g = node->group;
  memset(g->any, 0, sizeof g->any);
  memset(g->must, 0xff, sizeof g->must);
  memset(g->never, 0, sizeof g->never);
  memset(g->score, 0, sizeof g->score);
}

/* The bits of what the group matches. */
static void group_end(const vs_plan_node *node, uint64_t *bits) {
  const vs_group *g = node->group;
  assert(g);
  for (uint32_t i = 0; i < VS_WINDOW_WORDS; i++) bits[i] = (node->n_must > 0 ? g->must[i] : g->any[i]) & ~g->never[i];
}

/* All of the tree in this window: the innermost first. `bits` becomes what the whole matches. */
static void tree_window(search *s, uint64_t *bits) {
  vs_search_plan *p = &s->plan;
  uint64_t own[VS_WINDOW_WORDS];
  for (uint32_t i = 0; i < p->n_nodes; i++)
    if (p->node[i].group) group_begin(&p->node[i]);
  for (uint32_t depth = p->depth; depth > 0; depth--) {
    for (uint32_t i = 1; i < p->n_nodes; i++) {
      vs_plan_node *node = &p->node[i];
      if (node->depth != depth || !node->alive) continue;
      vs_plan_node *parent = &p->node[node->parent];
      assert(parent->group && (node->kind != VS_ASK_ALL || node->group));
      memset(own, 0, sizeof own);
      if (node->kind != VS_ASK_ALL) {
        leaf_window(s, node, own, parent->group->score);
      } else {
        group_end(node, own);
        for (uint32_t j = next_bit(own, 0); j < VS_WINDOW; j = next_bit(own, j + 1))
          parent->group->score[j] += node->group->score[j];
      }
      join_child(parent, node, own);
    }
  }
  group_end(&p->node[0], bits);
}

/* ============ Where the next match can be ============ */

static uint32_t leaf_next(search *s, const vs_plan_node *node, uint32_t from) {
  uint32_t next = VS_NO_SLOT, step = node->kind == VS_ASK_PHRASE ? node->n_words : 1;
  for (uint32_t i = 0; i < node->n; i += step) {
    vs_source *f = &s->plan.source[node->from + i];
    uint32_t slot = meet(f, step, from);
    if (slot < next) next = slot;
  }
  return next;
}

static uint32_t tree_next(search *s, uint32_t from) {
  vs_search_plan *p = &s->plan;
  for (uint32_t i = 0; i < p->n_nodes; i++)
    if (p->node[i].kind == VS_ASK_ALL) p->node[i].next = p->node[i].n_must > 0 ? 0 : VS_NO_SLOT;
  for (uint32_t depth = p->depth; depth > 0; depth--) {
    for (uint32_t i = 1; i < p->n_nodes; i++) {
      vs_plan_node *node = &p->node[i], *parent = &p->node[node->parent];
      if (node->depth != depth || !node->alive) continue;
      bool counts = node->occur == (parent->n_must > 0 ? VS_MUST : VS_SHOULD);
      if (!counts) continue;
      if (node->kind != VS_ASK_ALL) node->next = leaf_next(s, node, from);
      bool later = parent->n_must > 0;
      if (later ? node->next > parent->next : node->next < parent->next) parent->next = node->next;
    }
  }
  return p->node[0].next;
}

/* ============ Pruning ============ */

static double block_bound(vs_source *f, const vs_block *b) {
  if (f->bounded != b) {
    f->bounded = b;
    /* A saturated count may be anything. */
    double tf = b->max_tf == UINT16_MAX ? 1e12 : b->max_tf;
    f->bound = f->weight * tf / (f->norm_0 + f->norm_1 * b->min_len);
  }
  return f->bound;
}

static double leaf_bound(search *s, const vs_plan_node *node) {
  double x = 0;
  if (node->kind == VS_ASK_PHRASE) return node->n > 0 ? node->idf + SLACK : 0;
  for (uint32_t i = 0; i < node->n; i++) {
    vs_source *f = &s->plan.source[node->from + i];
    double most = 0;
    vs_cursor_seek(&f->cursor, s->base);
    for (const vs_block *b = f->cursor.block; b != f->cursor.end && b->first < s->end; b++) {
      double bound = block_bound(f, b);
      if (bound > most) most = bound;
    }
    x += most;
  }
  return x > 0 ? node->idf * x / (s->plan.x->k1 + x) * (1 + 1e-12) + SLACK : 0;
}

/* Only words any of which may match? */
static bool is_flat(const vs_search_plan *p) {
  for (uint32_t i = 1; i < p->n_nodes; i++) {
    const vs_plan_node *node = &p->node[i];
    if (node->alive && (node->kind == VS_ASK_ALL || node->occur != VS_SHOULD)) return false;
  }
  return true;
}

/* The leaves, those that can add least first. order: room for all nodes. */
static uint32_t order_leaves(search *s, vs_plan_node **order) {
  vs_search_plan *p = &s->plan;
  uint32_t n = 0;
  for (uint32_t i = 1; i < p->n_nodes; i++) {
    vs_plan_node *node = &p->node[i];
    if (!node->alive) continue;
    node->bound = leaf_bound(s, node);
    uint32_t at = n++;
    for (; at > 0 && order[at - 1]->bound > node->bound; at--) order[at] = order[at - 1];
    order[at] = node;
  }
  return n;
}

static void keep_allowed(const search *s, uint64_t *bits) {
  const vs_bitset *set = s->plan.r->filter;
  for (uint32_t i = 0; set && i < VS_WINDOW_WORDS; i++) {
    uint32_t word = s->base / 64 + i;
    bits[i] &= word < set->words.n_items ? *(uint64_t *)vs_blocks_at(&set->words, word) : 0;
  }
}

/* The window when k records are known; false: nothing in it can be among the best. */
static bool pruned_window(search *s, vs_plan_node **order, uint64_t *bits) {
  vs_group *g = s->plan.node[0].group;
  uint32_t n = order_leaves(s, order), first = 0;
  double threshold = s->out->hit[0].score, rest = 0;
  while (first < n && rest + order[first]->bound < threshold) rest += order[first++]->bound;
  if (first == n) return false;
  group_begin(&s->plan.node[0]);
  memset(bits, 0, sizeof g->any);
  for (uint32_t i = first; i < n; i++) leaf_window(s, order[i], bits, g->score);
  keep_allowed(s, bits);
  while (first-- > 0) {
    for (uint32_t i = next_bit(bits, 0); i < VS_WINDOW; i = next_bit(bits, i + 1)) {
      if (g->score[i] + rest < threshold)
        bits[i / 64] &= ~(1ull << (i % 64));
      else
        g->score[i] += leaf_at(s, order[first], s->base + i);
    }
    rest -= order[first]->bound;
    rest = rest > 0 ? rest + SLACK : SLACK; /* differences of sums */
  }
  return true;
}

/* ============ The whole ============ */

static vs_status reserve_hits(vs_textsearch *o, uint32_t k) {
  if (k <= o->cap_hits) return VS_OK;
  vs_text_hit *hit = vs_malloc(o->a, (size_t)k * sizeof *hit);
  if (!hit) return VS_OUT_OF_MEMORY;
  vs_free(o->a, o->hit);
  o->hit = hit;
  o->cap_hits = k;
  return VS_OK;
}

static void run(search *s, vs_plan_node **order) {
  uint64_t bits[VS_WINDOW_WORDS];
  const vs_bitset *filter = s->plan.r->filter;
  bool flat = is_flat(&s->plan) && !s->plan.r->exhaustive;
  for (uint32_t from = 0;; from = s->end) {
    uint32_t next = tree_next(s, from);
    if (filter && next != VS_NO_SLOT) {
      uint32_t allowed = vs_bitset_next(filter, next);
      if (allowed == VS_NO_SLOT) return;
      if (allowed > next) next = allowed;
    }
    if (next == VS_NO_SLOT) return;
    s->base = next & ~63u;
    if (s->base < from) s->base = from;
    s->end = s->base + VS_WINDOW;
    s->out->windows++;
    if (flat && s->out->n_hits == s->k) {
      if (!pruned_window(s, order, bits)) {
        s->out->skipped++;
        continue;
      }
    } else {
      tree_window(s, bits);
      keep_allowed(s, bits);
    }
    const double *score = s->plan.node[0].group->score;
    assert(score); /* as of every node that is alive */
    for (uint32_t i = next_bit(bits, 0); i < VS_WINDOW; i = next_bit(bits, i + 1)) {
      s->out->scored++;
      offer(s, s->base + i, score[i]);
    }
  }
}

vs_status vs_textsearch_run(vs_textsearch *o, vs_textindex *x, const vs_textquery *q, const vs_text_request *r,
                            vs_err *err) {
  assert(vs_textindex_ready(x));
  search s = {.plan = {.a = o->a, .x = x, .r = r, .out = o}, .out = o};
  o->n_hits = o->n_terms = 0;
  o->scored = o->windows = o->skipped = 0;
  s.k = r->k < x->n_docs ? r->k : x->n_docs;
  vs_plan_node **order = NULL;
  vs_status status = vs_search_plan_make(&s.plan, q, err);
  if (status == VS_OK && s.k > 0) {
    order = vs_malloc(o->a, s.plan.n_nodes * sizeof(*order));
    status = order ? reserve_hits(o, s.k) : VS_OUT_OF_MEMORY;
    if (status != VS_OK) vs_fail(err, status, "no memory for the query");
  }
  if (status == VS_OK && s.k > 0 && s.plan.node[0].alive) {
    run(&s, order);
    vs_best_order(s.out->hit, s.out->n_hits);
  }
  vs_free(o->a, order);
  vs_search_plan_release(&s.plan);
  return status;
}
