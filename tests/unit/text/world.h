/* world.h - a small collection of texts for the tests of src/text, and a naive search over it.
 *
 * The naive search knows BM25 and the trees of text/textquery.h and nothing of
 * postings: for every record it takes the text apart again.
 */
#ifndef TEXT_WORLD_H
#define TEXT_WORLD_H

#include <math.h>

#include "../../../src/base/rng.h"
#include "../../../src/text/textsearch.h"
#include "../tap.h"

#define SLOTS 9000u
#define WORDS 60u

typedef struct {
  vs_alloc a;
  vs_textindex x;
  vs_textsearch search;
  vs_wr text[SLOTS]; /* encoded; no bytes: no record */
  uint64_t seq[SLOTS];
  uint32_t n_slots;
} world;

static bool world_text(const void *ctx, uint32_t slot, vs_slice *out) {
  const world *w = ctx;
  *out = (vs_slice){w->text[slot].p, w->text[slot].n};
  return w->text[slot].n > 0;
}
static uint32_t world_slots(const void *ctx) { return ((const world *)ctx)->n_slots; }
static uint64_t world_sequence(const void *ctx, uint32_t slot) { return ((const world *)ctx)->seq[slot]; }

__attribute__((unused)) static void world_open(world *w, double k1, double b) {
  memset(w, 0, sizeof *w);
  vs_alloc_init(&w->a);
  for (uint32_t i = 0; i < SLOTS; i++) vs_wr_init(&w->text[i], &w->a);
  vs_textindex_init(&w->x, &w->a, &(vs_texts){w, world_text, world_slots, world_sequence}, 7);
  vs_textsearch_init(&w->search, &w->a);
  vs_wr options;
  vs_err err;
  vs_wr_init(&options, &w->a);
  size_t mark = vs_value_object_begin(&options);
  vs_value_key(&options, "stemmer");
  vs_value_cstring(&options, "none");
  vs_value_key(&options, "stopwords");
  vs_value_cstring(&options, "none");
  vs_value_key(&options, "k1");
  vs_value_f64(&options, k1);
  vs_value_key(&options, "b");
  vs_value_f64(&options, b);
  vs_value_end(&options, mark, 4);
  must(vs_textindex_configure(&w->x, (vs_slice){options.p, options.n}, &err) == VS_OK);
  vs_wr_deinit(&options);
}

__attribute__((unused)) static void world_close(world *w) {
  vs_textsearch_deinit(&w->search);
  vs_textindex_deinit(&w->x);
  for (uint32_t i = 0; i < SLOTS; i++) vs_wr_deinit(&w->text[i]);
  must(w->a.n_live == 0);
}

/* A word: low numbers are frequent. */
__attribute__((unused)) static uint32_t some_word(vs_rng *r) {
  return vs_rng_below(r, 1 + vs_rng_below(r, 1 + vs_rng_below(r, WORDS)));
}

/* "w7 w0 ..." of 1 to 12 words. */
__attribute__((unused)) static void write_words(char *out, size_t cap, vs_rng *r) {
  size_t n = 0;
  for (uint32_t i = 1 + vs_rng_below(r, 12); i > 0; i--)
    n += (size_t)snprintf(out + n, cap - n, "w%u ", (unsigned)some_word(r));
}

/* Puts a text at a slot, or takes it away (NULL), as the owner of records would. */
__attribute__((unused)) static void world_put(world *w, uint32_t slot, const char *text) {
  if (w->text[slot].n > 0) vs_textindex_removing(&w->x, slot, (vs_slice){w->text[slot].p, w->text[slot].n});
  vs_wr_reset(&w->text[slot]);
  if (!text) return;
  vs_value_cstring(&w->text[slot], text);
  if (slot >= w->n_slots) w->n_slots = slot + 1;
  w->seq[slot] = 1 + (slot * 7919u) % SLOTS;
  vs_textindex_added(&w->x, slot, (vs_slice){w->text[slot].p, w->text[slot].n});
}

__attribute__((unused)) static void world_build(world *w) {
  bool done = vs_textindex_ready(&w->x);
  while (!done) must(vs_textindex_build(&w->x, 2000, &done) == VS_OK);
}

/* ============ The naive way ============ */

typedef struct {
  char word[16][8];
  uint32_t n;
} words_of;

__attribute__((unused)) static void take_apart(const vs_wr *text, words_of *out) {
  vs_rd r = vs_rd_of(text->p, text->n);
  vs_value v = vs_value_read(&r);
  char copy[256];
  memcpy(copy, v.bytes.p, v.bytes.n);
  copy[v.bytes.n] = 0;
  out->n = 0;
  for (char *at = strtok(copy, " "); at; at = strtok(NULL, " ")) snprintf(out->word[out->n++], 8, "%s", at);
}

#endif
