/* words_stand_for_many.c - misspelt words and beginnings stand for the terms that a look at every term gives.
 *
 * Terms come and go between the questions, so that the order is merged and
 * cleaned. And refused memory: whatever fails, a write stands, and the index is given up or exact.
 */
#include "../../../src/text/expand.h"
#include "world.h"

/* Optimal string alignment distance, the whole table. */
static uint32_t distance(const char *a, const char *b) {
  uint32_t d[20][20], n = (uint32_t)strlen(a), m = (uint32_t)strlen(b);
  for (uint32_t i = 0; i <= n; i++) {
    for (uint32_t j = 0; j <= m; j++) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      uint32_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
      if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
        best = d[i - 2][j - 2] + 1;
      d[i][j] = best;
    }
  }
  return d[n][m];
}

#define N_TERMS 1500u
static char term[N_TERMS][12];
static bool used[N_TERMS];

static void some_term(char *out, vs_rng *r) {
  uint32_t n = 1 + vs_rng_below(r, 8);
  for (uint32_t i = 0; i < n; i++) out[i] = (char)('a' + vs_rng_below(r, 4));
  out[n] = 0;
}

static vs_slice bytes_of(const char *text) { return (vs_slice){(const uint8_t *)text, strlen(text)}; }

static void change_terms(vs_vocabulary *v, vs_rng *r, uint32_t n) {
  for (; n > 0; n--) {
    uint32_t i = vs_rng_below(r, N_TERMS), id;
    if (used[i]) {
      id = vs_vocabulary_find(v, bytes_of(term[i]));
      vs_term_at(v, id)->df = 0;
      vs_vocabulary_drop(v, id);
      used[i] = false;
      continue;
    }
    some_term(term[i], r);
    if (vs_vocabulary_find(v, bytes_of(term[i])) != VS_NO_TERM) continue;
    must(vs_vocabulary_add(v, bytes_of(term[i]), &id) == VS_OK);
    vs_term_at(v, id)->df = 1;
    used[i] = true;
  }
}

static bool fuzzy_equals(const vs_vocabulary *v, vs_rng *r) {
  char word[12];
  vs_similar found[VS_FUZZY_TERMS];
  uint32_t n, n_codes, most = vs_rng_below(r, 3), want = 0;
  some_term(word, r);
  vs_expand_fuzzy(v, bytes_of(word), most, 0, found, &n, &n_codes);
  bool fine = n_codes == strlen(word);
  for (uint32_t i = 0; i < N_TERMS; i++) want += used[i] && distance(word, term[i]) <= most;
  for (uint32_t i = 0; i < n; i++) {
    char own[12];
    vs_slice key = vs_term_key(v, found[i].term);
    memcpy(own, key.p, key.n);
    own[key.n] = 0;
    fine = fine && distance(word, own) == found[i].distance && (i == 0 || found[i - 1].distance <= found[i].distance);
  }
  return fine && n == (want < VS_FUZZY_TERMS ? want : VS_FUZZY_TERMS);
}

static bool prefix_equals(const vs_vocabulary *v, vs_rng *r) {
  char word[12];
  uint32_t from, to, want = 0;
  some_term(word, r);
  word[vs_rng_below(r, 4)] = 0;
  if (!word[0]) return true;
  vs_vocabulary_prefix(v, bytes_of(word), &from, &to);
  for (uint32_t i = 0; i < N_TERMS; i++) want += used[i] && strncmp(term[i], word, strlen(word)) == 0;
  bool fine = to - from == want;
  for (uint32_t i = from; i < to; i++) {
    vs_slice key = vs_term_key(v, vs_ordered_term(v, i));
    fine = fine && key.n >= strlen(word) && memcmp(key.p, word, strlen(word)) == 0;
  }
  return fine;
}

static void expansions(void) {
  vs_alloc a;
  vs_vocabulary v;
  vs_rng r = {20261123};
  bool fuzzy = true, prefix = true;
  vs_alloc_init(&a);
  vs_vocabulary_init(&v, &a, 3);
  for (uint32_t round = 0; round < 200; round++) {
    change_terms(&v, &r, round == 0 ? 2 * N_TERMS : vs_rng_below(&r, 60));
    must(vs_vocabulary_sort(&v) == VS_OK);
    fuzzy = fuzzy && fuzzy_equals(&v, &r);
    prefix = prefix && prefix_equals(&v, &r);
  }
  ok(fuzzy, "misspelt words stand for exactly the terms within the distance, nearest first");
  ok(prefix, "beginnings for exactly the terms that begin so");
  vs_vocabulary_deinit(&v);
  ok(a.n_live == 0, "all memory is given back");
}

/* The same changes with the at-th allocation refused; then the index must answer as one built anew. */
static bool refused_at(world *w, uint64_t at) {
  vs_rng r = {77};
  char text[256];
  vs_text_request request = {.k = 5};
  vs_textquery q;
  vs_err err;
  bool done;
  world_open(w, 1.2, 0.75);
  for (uint32_t i = 0; i < 40; i++) {
    write_words(text, sizeof text, &r);
    world_put(w, i, text);
  }
  w->a.fail_at = w->a.n_calls + at;
  if (vs_textindex_build(&w->x, 1e9, &done) == VS_OK) must(done);
  for (uint32_t i = 0; i < 30; i++) {
    write_words(text, sizeof text, &r);
    uint32_t slot = vs_rng_below(&r, 60);
    /* The owner of the records has their memory already. */
    uint64_t fail_at = w->a.fail_at;
    if (w->text[slot].cap == 0) {
      w->a.fail_at = 0;
      vs_wr_bytes(&w->text[slot], text, 256);
      vs_wr_reset(&w->text[slot]);
      w->a.fail_at = fail_at;
    }
    world_put(w, slot, i % 3 ? text : NULL);
  }
  w->a.fail_at = 0;
  world_build(w);
  static words_of all[SLOTS];
  uint32_t n = 0, words = 0;
  for (uint32_t i = 0; i < w->n_slots; i++) {
    if (w->text[i].n == 0) continue;
    take_apart(&w->text[i], &all[i]);
    n++;
    words += all[i].n;
  }
  bool fine = w->x.n_docs == n && w->x.field[0].n_words == words;
  vs_textquery_init(&q, &w->a);
  must(vs_textquery_plain(&q, bytes_of("w0 w1"), &err) == VS_OK);
  w->a.fail_at = w->a.n_calls + 1 + at % 7;
  vs_status status = vs_textsearch_run(&w->search, &w->x, &q, &request, &err);
  fine = fine && (status == VS_OK || status == VS_OUT_OF_MEMORY);
  w->a.fail_at = 0;
  fine = fine && vs_textsearch_run(&w->search, &w->x, &q, &request, &err) == VS_OK && w->search.n_hits == 5;
  vs_textquery_deinit(&q);
  world_close(w);
  return fine;
}

int main(void) {
  static world w;
  bool fine = true;
  expansions();
  for (uint64_t at = 1; at < 60; at++) fine = fine && refused_at(&w, at);
  ok(fine, "refused memory gives the index up, not the writes, and it is exact when built again");
  return tap_done();
}
