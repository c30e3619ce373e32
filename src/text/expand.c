/* expand.c - similar terms (see expand.h).
 *
 * Layer: text (L2).
 */
#include "expand.h"

#include <string.h>

#include "../base/utf8.h"

#define ROWS (VS_FUZZY_CODES + 4u)

typedef struct {
  uint32_t word[VS_FUZZY_CODES + 1], n_word, most;
  uint32_t code[ROWS + 1]; /* of the term at hand: code[i] led from row i to row i + 1 */
  uint32_t from[ROWS + 1]; /* where that code point ends in the term's bytes */
  uint8_t row[ROWS + 1][VS_FUZZY_CODES + 1];
  uint8_t key[256]; /* bytes of the term whose rows these are */
  uint32_t depth;   /* rows that hold beyond row 0 */
} walk;

uint32_t vs_count_codes(vs_slice utf8) {
  uint32_t n = 0;
  for (size_t i = 0; i < utf8.n; i++) n += (utf8.p[i] & 0xc0) != 0x80;
  return n;
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Row depth + 1 for one more code point; its least cell. */
static uint32_t step(walk *w, uint32_t depth) {
  const uint8_t *before = w->row[depth];
  uint8_t *row = w->row[depth + 1];
  uint32_t least = depth + 1, code = w->code[depth];
  row[0] = (uint8_t)(depth + 1);
  for (uint32_t j = 1; j <= w->n_word; j++) {
    bool same = w->word[j - 1] == code;
    uint32_t cell = smaller(smaller(before[j], row[j - 1]) + 1u, before[j - 1] + !same);
    if (depth > 0 && j > 1 && w->word[j - 2] == code && w->word[j - 1] == w->code[depth - 1])
      cell = smaller(cell, w->row[depth - 1][j - 2] + 1u);
    row[j] = (uint8_t)cell;
    least = smaller(least, cell);
  }
  return least;
}

/* Keeps the rows that the next term shares with the one before. */
static void share(walk *w, vs_slice key) {
  uint32_t same = 0, held = w->depth ? w->from[w->depth - 1] : 0;
  while (same < held && same < key.n && w->key[same] == key.p[same]) same++;
  while (w->depth > 0 && w->from[w->depth - 1] > same) w->depth--;
}

/* The distance of a term, or above `most`; *dead: how many bytes of it suffice to know, 0 = all are needed. With
 * `begun` the distance of its nearest beginning counts, and *dead is then the bytes of the first near enough. */
static uint32_t distance_to(walk *w, vs_slice key, bool begun, uint32_t *dead) {
  *dead = 0;
  share(w, key);
  uint32_t at = w->depth ? w->from[w->depth - 1] : 0;
  while (at < key.n) {
    uint32_t length;
    w->code[w->depth] = vs_utf8_next(key.p + at, key.n - at, &length);
    at += length;
    w->from[w->depth] = at;
    memcpy(w->key, key.p, at);
    if (w->depth == ROWS - 1 || step(w, w->depth) > w->most) {
      *dead = at;
      return w->most + 1;
    }
    w->depth++;
    if (!begun || w->row[w->depth][w->n_word] > w->most) continue;
    *dead = at;
    return w->row[w->depth--][w->n_word];
  }
  return w->row[w->depth][w->n_word];
}

/* Sorted by distance, then the more frequent first; the last falls out. */
static void keep(const vs_vocabulary *v, vs_similar *out, uint32_t *n, vs_similar x) {
  uint32_t i = *n, df = vs_term_at(v, x.term)->df;
  while (i > 0 && (out[i - 1].distance > x.distance ||
                   (out[i - 1].distance == x.distance && vs_term_at(v, out[i - 1].term)->df < df)))
    i--;
  if (i == VS_FUZZY_TERMS) return;
  uint32_t last = *n < VS_FUZZY_TERMS ? (*n)++ : VS_FUZZY_TERMS - 1;
  memmove(out + i + 1, out + i, (last - i) * sizeof *out);
  out[i] = x;
}

/* Begins a walk, and finds the run of the order in which terms have the word's first code points; false: the word is
 * too long. */
static bool begin(walk *w, const vs_vocabulary *v, vs_slice word, uint32_t distance, uint32_t fixed, uint32_t *from,
                  uint32_t *to) {
  size_t bytes = 0;
  w->n_word = w->depth = 0;
  w->most = distance;
  if (vs_count_codes(word) > VS_FUZZY_CODES) return false;
  for (size_t at = 0; at < word.n;) {
    uint32_t length;
    w->word[w->n_word++] = vs_utf8_next(word.p + at, word.n - at, &length);
    at += length;
    if (w->n_word <= fixed) bytes = at;
  }
  for (uint32_t j = 0; j <= w->n_word; j++) w->row[0][j] = (uint8_t)j;
  *from = 0;
  *to = v->n_order;
  if (bytes > 0) vs_vocabulary_prefix(v, (vs_slice){word.p, bytes}, from, to);
  return true;
}

void vs_expand_fuzzy(const vs_vocabulary *v, vs_slice word, uint32_t distance, uint32_t fixed,
                     vs_similar out[VS_FUZZY_TERMS], uint32_t *n, uint32_t *n_codes) {
  walk w;
  uint32_t i, end;
  *n = *n_codes = 0;
  if (!begin(&w, v, word, distance, fixed, &i, &end)) return;
  *n_codes = w.n_word;
  while (i < end) {
    uint32_t dead, from, term = vs_ordered_term(v, i);
    vs_slice key = vs_term_key(v, term);
    uint32_t d = distance_to(&w, key, false, &dead);
    if (dead > 0) {
      vs_vocabulary_prefix(v, (vs_slice){key.p, dead}, &from, &i);
      continue;
    }
    if (d <= distance) keep(v, out, n, (vs_similar){term, d, vs_count_codes(key)});
    i++;
  }
}

void vs_expand_begun(const vs_vocabulary *v, vs_slice word, uint32_t distance, uint32_t fixed, vs_take_run take,
                     void *ctx) {
  walk w;
  uint32_t i, end;
  if (!begin(&w, v, word, distance, fixed, &i, &end)) return;
  while (i < end) {
    uint32_t dead, from, next = i + 1;
    vs_slice key = vs_term_key(v, vs_ordered_term(v, i));
    uint32_t d = distance_to(&w, key, true, &dead);
    if (dead > 0) vs_vocabulary_prefix(v, (vs_slice){key.p, dead}, &from, &next);
    if (d <= distance) take(ctx, i, next < end ? next : end);
    i = next;
  }
}
