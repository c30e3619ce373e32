/* textquery_fuzz.c - arbitrary bytes as text queries, in both syntaxes.
 *
 * An input is a byte (odd: the query syntax) and a text. What is read must be a tree: parents before their children and
 * groups, one root, words and names within the bytes kept, numbers within their ranges. What is refused names a place
 * in the text. A small index is searched with what was read; the same query gives the same hits; nothing stays
 * allocated.
 */
#include "../../src/text/textsearch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                                    \
  do {                                                                                                                 \
    if (!(cond)) abort();                                                                                              \
  } while (0)

#define RECORDS 6u

static const char *const words[RECORDS] = {
    "a b c", "word wrod begin beginning", "t u v and or not", "b a the world", "\xc3\xa4 x y z", "a a a b"};

typedef struct {
  vs_wr text[RECORDS];
} world;

static bool text_of(const void *ctx, uint32_t slot, vs_slice *out) {
  const world *w = ctx;
  *out = (vs_slice){w->text[slot].p, w->text[slot].n};
  return true;
}
static uint32_t slots_of(const void *ctx) {
  (void)ctx;
  return RECORDS;
}
static uint64_t sequence_of(const void *ctx, uint32_t slot) {
  (void)ctx;
  return slot;
}

static bool within(const vs_textquery *q, vs_slice part, size_t n) {
  return part.n == 0 || (part.p >= q->bytes && part.p + part.n <= q->bytes + n);
}

static void check_tree(const vs_textquery *q, size_t n) {
  CHECK(q->n >= 1 && q->n <= VS_TEXT_NODES && q->node[0].kind == VS_ASK_ALL && q->node[0].parent == 0);
  for (uint32_t i = 1; i < q->n; i++) {
    const vs_ask *ask = &q->node[i];
    uint32_t steps = 0;
    CHECK(ask->parent < q->n && q->node[ask->parent].kind == VS_ASK_ALL);
    for (uint32_t at = i; at != 0; at = q->node[at].parent) CHECK(++steps < q->n);
    CHECK(within(q, ask->text, n) && within(q, ask->field, n));
    CHECK(ask->boost > 0 && ask->boost <= 1000 && ask->slop <= 1000);
    CHECK(ask->kind != VS_ASK_FUZZY || ask->distance <= 2 || ask->distance == VS_DISTANCE_AUTO);
  }
}

static void search(vs_textsearch *s, vs_textindex *x, const vs_textquery *q) {
  vs_text_request r = {.k = RECORDS};
  vs_err err = {0};
  vs_text_hit first[RECORDS];
  if (vs_textsearch_run(s, x, q, &r, &err) != VS_OK) return;
  uint32_t n = s->n_hits;
  CHECK(n <= RECORDS);
  if (n > 0) memcpy(first, s->hit, n * sizeof *first);
  CHECK(vs_textsearch_run(s, x, q, &r, &err) == VS_OK && s->n_hits == n);
  for (uint32_t i = 0; i < n; i++) CHECK(s->hit[i].slot == first[i].slot && s->hit[i].score == first[i].score);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 1u << 16) return 0;
  vs_slice text = {data + 1, size - 1};
  vs_alloc a;
  vs_err err = {0};
  world w;
  vs_textindex x;
  vs_textsearch s;
  vs_textquery q;
  bool done = false;
  vs_alloc_init(&a);
  for (uint32_t i = 0; i < RECORDS; i++) {
    vs_wr_init(&w.text[i], &a);
    vs_value_cstring(&w.text[i], words[i]);
  }
  vs_texts texts = {&w, text_of, slots_of, sequence_of};
  vs_textindex_init(&x, &a, &texts, 1);
  CHECK(vs_textindex_configure(&x, (vs_slice){NULL, 0}, &err) == VS_OK);
  CHECK(vs_textindex_build(&x, 1e9, &done) == VS_OK && done);
  vs_textsearch_init(&s, &a);
  vs_textquery_init(&q, &a);
  err.index = UINT32_MAX;
  vs_status status = data[0] & 1 ? vs_textquery_parse(&q, text, &err) : vs_textquery_plain(&q, text, &err);
  if (status == VS_OK) {
    check_tree(&q, text.n);
    search(&s, &x, &q);
  } else {
    CHECK(status == VS_INVALID_ARGUMENT && (err.index == UINT32_MAX || err.index <= text.n));
  }
  vs_textquery_deinit(&q);
  vs_textsearch_deinit(&s);
  vs_textindex_deinit(&x);
  for (uint32_t i = 0; i < RECORDS; i++) vs_wr_deinit(&w.text[i]);
  CHECK(a.used == 0);
  return 0;
}

#ifndef VS_LIBFUZZER

#include "replay.h"

int main(void) { return replay_corpus("tests/fuzz/corpus/textquery"); }

#endif
