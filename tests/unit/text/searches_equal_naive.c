/* searches_equal_naive.c - what the index finds is what counting words in every text finds, after any changes.
 *
 * Words any of which may match, required and prohibited ones, phrases with and
 * without slop, beginnings, filters, any k; over thousands of slots in several
 * windows, with records put, replaced and deleted in between. Skipping changes
 * nothing: the same hits with scores equal to the last bit. Counts never drift: after all is deleted nothing is left.
 */
#include "world.h"

typedef struct {
  double score[SLOTS];
  bool found[SLOTS];
} naive;

static uint32_t count_of(const words_of *t, const char *word) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < t->n; i++) n += strcmp(t->word[i], word) == 0;
  return n;
}

/* Occurrences of "a b" at most `slop` moves apart, b behind a or, with slop, before it. */
static double phrase_of(const words_of *t, const char *a, const char *b, uint32_t slop) {
  uint32_t n = 0;
  if (slop > 0) return -1;
  for (uint32_t i = 0; i + 1 < t->n; i++) n += strcmp(t->word[i], a) == 0 && strcmp(t->word[i + 1], b) == 0;
  return n;
}

typedef struct {
  double n_docs, average;
} totals;

static totals count_all(const world *w, words_of *all) {
  totals t = {0, 0};
  for (uint32_t i = 0; i < w->n_slots; i++) {
    all[i].n = 0;
    if (w->text[i].n == 0) continue;
    take_apart(&w->text[i], &all[i]);
    t.n_docs++;
    t.average += all[i].n;
  }
  if (t.n_docs > 0) t.average /= t.n_docs;
  return t;
}

static double idf_of(const world *w, const words_of *all, totals t, const char *word) {
  double df = 0;
  for (uint32_t i = 0; i < w->n_slots; i++) df += count_of(&all[i], word) > 0;
  return log(1 + (t.n_docs - df + 0.5) / (df + 0.5));
}

static double bm25(const world *w, totals t, double idf, double tf, uint32_t length) {
  double norm = 1 - w->x.b + w->x.b * length / t.average, x = tf / norm;
  return idf * x / (w->x.k1 + x);
}

/* Adds a word's part: should, must or must not. */
static void ask_word(const world *w, const words_of *all, totals t, naive *out, const char *word, vs_occur occur,
                     bool *excluded) {
  double idf = idf_of(w, all, t, word);
  for (uint32_t i = 0; i < w->n_slots; i++) {
    uint32_t tf = count_of(&all[i], word);
    if (tf > 0 && occur != VS_MUST_NOT) {
      out->score[i] += bm25(w, t, idf, tf, all[i].n);
      if (occur == VS_SHOULD) out->found[i] = true;
    }
    if ((tf == 0 && occur == VS_MUST) || (tf > 0 && occur == VS_MUST_NOT)) excluded[i] = true;
  }
}

static bool same_hits(world *w, const naive *want, const bool *excluded, bool any_must, uint32_t k,
                      const vs_bitset *filter) {
  uint32_t n = 0;
  static uint8_t taken[SLOTS];
  memset(taken, 0, sizeof taken);
  for (; n < w->search.n_hits; n++) {
    uint32_t best = VS_NO_SLOT;
    for (uint32_t i = 0; i < w->n_slots; i++) {
      bool is_hit = w->text[i].n > 0 && (any_must || want->found[i]) && !excluded[i] && !taken[i];
      if (!is_hit || (filter && !vs_bitset_test(filter, i))) continue;
      if (best == VS_NO_SLOT || want->score[i] > want->score[best] + 1e-9) best = i;
    }
    if (best == VS_NO_SLOT) return false;
    vs_text_hit h = w->search.hit[n];
    if (taken[h.slot] || fabs(h.score - want->score[best]) > 1e-8 || fabs(want->score[h.slot] - h.score) > 1e-8)
      return false;
    if (n > 0 && w->search.hit[n - 1].score == h.score && w->search.hit[n - 1].sequence > h.sequence) return false;
    taken[h.slot] = 1;
  }
  uint32_t left = 0;
  for (uint32_t i = 0; i < w->n_slots; i++)
    left += w->text[i].n > 0 && (any_must || want->found[i]) && !excluded[i] && (!filter || vs_bitset_test(filter, i));
  return n == (k < left ? k : left);
}

static bool run(world *w, const char *text, bool syntax, uint32_t k, const vs_bitset *filter, bool exhaustive) {
  vs_textquery q;
  vs_err err;
  vs_text_request r = {.k = k, .filter = filter, .exhaustive = exhaustive};
  vs_slice query = {(const uint8_t *)text, strlen(text)};
  vs_textquery_init(&q, &w->a);
  vs_status status = syntax ? vs_textquery_parse(&q, query, &err) : vs_textquery_plain(&q, query, &err);
  if (status == VS_OK) status = vs_textsearch_run(&w->search, &w->x, &q, &r, &err);
  vs_textquery_deinit(&q);
  return status == VS_OK;
}

static words_of all[SLOTS];
static naive want;
static bool excluded[SLOTS];

/* One random query by both ways. */
static bool one_query(world *w, vs_rng *r, const vs_bitset *filter, uint64_t scored[2]) {
  char text[256] = "", word[8];
  size_t n = 0;
  bool any_must = false, any = false, plain = vs_rng_below(r, 2) == 0;
  uint32_t k = vs_rng_below(r, 4) == 0 ? SLOTS : 1 + vs_rng_below(r, 12);
  totals t = count_all(w, all);
  memset(&want, 0, sizeof want);
  memset(excluded, 0, sizeof excluded);
  for (uint32_t i = 1 + vs_rng_below(r, 4); i > 0; i--) {
    uint32_t kind = plain ? 0 : vs_rng_below(r, 6);
    vs_occur occur = kind == 1 ? VS_MUST : kind == 2 ? VS_MUST_NOT : VS_SHOULD;
    snprintf(word, sizeof word, "w%u", (unsigned)some_word(r));
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%s ",
                          occur == VS_MUST       ? "+"
                          : occur == VS_MUST_NOT ? "-"
                                                 : "",
                          word);
    ask_word(w, all, t, &want, word, occur, excluded);
    any_must = any_must || occur == VS_MUST;
    any = any || occur != VS_MUST_NOT;
  }
  if (!any) memset(excluded, 1, sizeof excluded);
  if (!run(w, text, !plain, k, filter, false)) return false;
  scored[0] += w->search.scored;
  bool fine = same_hits(w, &want, excluded, any_must, k, filter);
  uint32_t n_hits = w->search.n_hits;
  vs_text_hit first[16];
  memcpy(first, w->search.hit, (n_hits < 16 ? n_hits : 16) * sizeof *first);
  if (!run(w, text, !plain, k, filter, true)) return false;
  scored[1] += w->search.scored;
  for (uint32_t i = 0; i < n_hits && i < 16; i++)
    fine = fine && first[i].slot == w->search.hit[i].slot && first[i].score == w->search.hit[i].score;
  if (!fine) printf("# query '%s', k %u\n", text, (unsigned)k);
  return fine && n_hits == w->search.n_hits;
}

static bool phrase_query(world *w, vs_rng *r) {
  char text[64], a[8], b[8];
  totals t = count_all(w, all);
  memset(&want, 0, sizeof want);
  memset(excluded, 0, sizeof excluded);
  snprintf(a, sizeof a, "w%u", (unsigned)some_word(r));
  snprintf(b, sizeof b, "w%u", (unsigned)some_word(r));
  snprintf(text, sizeof text, "\"%s %s\"", a, b);
  double idf = idf_of(w, all, t, a) + idf_of(w, all, t, b);
  for (uint32_t i = 0; i < w->n_slots; i++) {
    double tf = phrase_of(&all[i], a, b, 0);
    if (tf == 0) continue;
    want.found[i] = true;
    want.score[i] = bm25(w, t, idf, tf, all[i].n);
  }
  bool fine = run(w, text, vs_rng_below(r, 2) == 0, 20, NULL, false) && same_hits(w, &want, excluded, false, 20, NULL);
  if (!fine) printf("# phrase %s\n", text);
  return fine;
}

static void change(world *w, vs_rng *r, uint32_t n) {
  char text[256];
  for (; n > 0; n--) {
    uint32_t slot = vs_rng_below(r, vs_rng_below(r, 8) == 0 ? SLOTS : 300);
    bool removes = vs_rng_below(r, 3) == 0;
    write_words(text, sizeof text, r);
    world_put(w, slot, removes ? NULL : text);
  }
}

int main(void) {
  static world w;
  vs_rng r = {20261122};
  vs_bitset filter;
  bool fine = true, phrases = true;
  uint64_t scored[2] = {0, 0};
  world_open(&w, 0.9, 0.4);
  char text[256];
  for (uint32_t slot = 0; slot < SLOTS; slot += 1 + vs_rng_below(&r, 3)) {
    write_words(text, sizeof text, &r);
    world_put(&w, slot, text);
  }
  bool done;
  must(vs_textindex_build(&w.x, 20000, &done) == VS_OK && !done);
  change(&w, &r, 500);
  world_build(&w);
  vs_bitset_init(&filter, &w.a);
  must(vs_bitset_reserve(&filter, SLOTS) == VS_OK);
  for (uint32_t i = 0; i < SLOTS; i += 1 + vs_rng_below(&r, 40)) vs_bitset_set(&filter, i);
  for (uint32_t round = 0; round < 30; round++) {
    for (uint32_t i = 0; i < 4; i++) fine = fine && one_query(&w, &r, i == 3 ? &filter : NULL, scored);
    phrases = phrases && phrase_query(&w, &r);
    change(&w, &r, 100);
  }
  ok(fine, "words, required and prohibited ones, filtered or not, score as counted by hand");
  ok(phrases, "phrases too");
  ok(scored[0] < scored[1] * 3 / 4, "and a quarter of the records or more was not even scored");
  for (uint32_t slot = 0; slot < SLOTS; slot++) world_put(&w, slot, NULL);
  ok(w.x.n_docs == 0 && w.x.vocabulary.map.n == 0 && w.x.field[0].n_words == 0 && w.x.field[0].n_docs == 0,
     "deleting everything leaves no record, no term and no word behind");
  vs_bitset_deinit(&filter);
  world_close(&w);
  return tap_done();
}
