/* wordpiece.c - preparation, splitting and greedy longest match in one pass over the text.
 *
 * Layer: embed (L2).
 * PREPARATION per code point is fold.h's. Words end at white space; punctuation and ideographs stand alone.
 * MATCHING. A word is cut from its front into the longest spelling of the vocabulary, each next piece into the longest
 * that continues a word ("##..."). A word that cannot be cut to its end is the one unknown token.
 * HASHING. The hash of a spelling is built byte by byte, so that one walk over the rest of a word gives the hashes of
 * all of its beginnings; they are then looked up from the longest to the shortest. Nearly all look-ups that fail meet
 * an empty slot: the table is at most half full.
 * INVARIANTS
 *   W1  The table has an empty slot, and no spelling is further than MAX_PROBES from its place: looking up ends.
 *   W2  A buffered word has at most VS_WORDPIECE_WORD_MAX characters; a longer one is only counted.
 */
#include "wordpiece.h"

#include <string.h>

#include "../base/utf8.h"
#include "fold.h"

#define MAX_PROBES 512u
#define WORD_BYTES (4u * VS_WORDPIECE_WORD_MAX)
#define SEED_FIRST 0x811c9dc5u
#define SEED_NEXT 0x5bd1e995u

static uint32_t hash_add(uint32_t hash, uint8_t byte) { return (hash ^ byte) * 0x01000193u; }
static uint32_t hash_end(uint32_t hash) { return (hash ^ hash >> 15) * 0x2c1b3c6du >> 7; }

/* ============ Vocabulary ============ */

/* Spelling without "##", and whether it had it: what the hash is made of. */
static vs_slice spelling_of(const vs_wordpiece *w, uint32_t token, bool *next) {
  vs_slice s = {w->spelling + w->begin[token], w->begin[token + 1] - w->begin[token]};
  *next = s.n > 2 && s.p[0] == '#' && s.p[1] == '#';
  return *next ? (vs_slice){s.p + 2, s.n - 2} : s;
}

static bool insert(vs_wordpiece *w, uint32_t token) {
  bool next, other_next;
  vs_slice s = spelling_of(w, token, &next);
  uint32_t hash = next ? SEED_NEXT : SEED_FIRST;
  for (size_t i = 0; i < s.n; i++) hash = hash_add(hash, s.p[i]);
  uint32_t at = hash_end(hash);
  for (uint32_t probe = 0; probe < MAX_PROBES; probe++, at++) {
    uint32_t *slot = &w->slot[at & w->mask];
    if (*slot == 0) {
      *slot = token + 1;
      if (s.n > w->longest) w->longest = (uint32_t)s.n;
      return true;
    }
    vs_slice other = spelling_of(w, *slot - 1, &other_next);
    if (other_next == next && other.n == s.n && memcmp(other.p, s.p, s.n) == 0) return false;
  }
  return false;
}

vs_status vs_wordpiece_init(vs_wordpiece *w, vs_alloc *alloc, const uint8_t *lengths, const uint8_t *spellings,
                            uint32_t n_tokens, uint32_t unknown, vs_err *err) {
  assert(n_tokens > 0 && n_tokens <= VS_MAX_SLOTS / 4 && unknown < n_tokens);
  uint32_t slots = 4;
  while (slots < 2 * n_tokens) slots *= 2;
  *w = (vs_wordpiece){.alloc = alloc, .n_tokens = n_tokens, .unknown = unknown, .mask = slots - 1};
  w->spelling = spellings;
  w->begin = vs_calloc(alloc, (size_t)n_tokens + 1, sizeof *w->begin);
  w->slot = vs_calloc(alloc, slots, sizeof *w->slot);
  if (!w->begin || !w->slot) {
    vs_wordpiece_deinit(w);
    return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a vocabulary of %u tokens", n_tokens);
  }
  for (uint32_t i = 0; i < n_tokens; i++) w->begin[i + 1] = w->begin[i] + lengths[i];
  for (uint32_t i = 0; i < n_tokens; i++) {
    if (lengths[i] > 0 && insert(w, i)) continue;
    vs_wordpiece_deinit(w);
    return vs_fail(err, VS_CORRUPT, "token %u of the vocabulary is empty or there twice", i);
  }
  return VS_OK;
}

void vs_wordpiece_deinit(vs_wordpiece *w) {
  vs_free(w->alloc, w->begin);
  vs_free(w->alloc, w->slot);
  w->begin = w->slot = NULL;
}

static uint32_t find(const vs_wordpiece *w, uint32_t hash, const uint8_t *p, uint32_t n, bool next) {
  bool other_next;
  for (uint32_t at = hash_end(hash);; at++) {
    uint32_t slot = w->slot[at & w->mask];
    if (slot == 0) return UINT32_MAX;
    vs_slice other = spelling_of(w, slot - 1, &other_next);
    if (other.n == n && other_next == next && memcmp(other.p, p, n) == 0) return slot - 1;
  }
}

/* The longest spelling at the front of the n bytes: its token and length, or UINT32_MAX. */
static uint32_t longest_match(const vs_wordpiece *w, const uint8_t *p, uint32_t n, bool next, uint32_t *length) {
  uint32_t hashes[VS_WORDPIECE_TOKEN_BYTES + 1];
  uint32_t hash = next ? SEED_NEXT : SEED_FIRST, top = n < w->longest ? n : w->longest;
  for (uint32_t i = 0; i < top; i++) hashes[i] = hash = hash_add(hash, p[i]);
  for (*length = top; *length > 0; --*length) {
    if (*length < n && (p[*length] & 0xc0) == 0x80) continue; /* within a character */
    uint32_t token = find(w, hashes[*length - 1], p, *length, next);
    if (token != UINT32_MAX) return token;
  }
  return UINT32_MAX;
}

/* ============ Words ============ */

/* The word being read and the tokens found so far. */
typedef struct {
  const vs_wordpiece *w;
  uint32_t *tokens;
  uint32_t n, max;
  uint32_t n_bytes, n_codes;
  uint8_t word[WORD_BYTES];
} reading;

static void add_code(reading *r, uint32_t code) {
  if (++r->n_codes > VS_WORDPIECE_WORD_MAX) return;
  uint8_t *p = r->word + r->n_bytes;
  if (code < 0x80) {
    p[0] = (uint8_t)code;
    r->n_bytes += 1;
  } else if (code < 0x800) {
    p[0] = (uint8_t)(0xc0 | code >> 6);
    p[1] = (uint8_t)(0x80 | (code & 0x3f));
    r->n_bytes += 2;
  } else if (code < 0x10000) {
    p[0] = (uint8_t)(0xe0 | code >> 12);
    p[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    p[2] = (uint8_t)(0x80 | (code & 0x3f));
    r->n_bytes += 3;
  } else {
    p[0] = (uint8_t)(0xf0 | code >> 18);
    p[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    p[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    p[3] = (uint8_t)(0x80 | (code & 0x3f));
    r->n_bytes += 4;
  }
}

static void put(reading *r, uint32_t at, uint32_t token) {
  if (at < r->max) r->tokens[at] = token;
}

/* Ends the word being read. Pieces are kept only when they cover all of it. */
static void end_word(reading *r) {
  if (r->n_codes == 0) return;
  uint32_t n = r->n, at = 0;
  bool whole = r->n_codes <= VS_WORDPIECE_WORD_MAX;
  while (whole && at < r->n_bytes) {
    uint32_t length, token = longest_match(r->w, r->word + at, r->n_bytes - at, at > 0, &length);
    whole = token != UINT32_MAX;
    put(r, n++, token);
    at += length;
  }
  if (!whole) {
    put(r, r->n, r->w->unknown);
    n = r->n + 1;
  }
  r->n = n < r->max ? n : r->max;
  r->n_bytes = r->n_codes = 0;
}

static void read_code(reading *r, uint32_t code) {
  vs_fold fold = vs_fold_code(code);
  if (fold.kind == VS_FOLD_DROP) return;
  if (fold.kind != VS_FOLD_KEEP) end_word(r);
  if (fold.kind == VS_FOLD_SPACE) return;
  for (uint32_t i = 0; i < fold.n; i++) add_code(r, fold.code[i]);
  if (fold.kind == VS_FOLD_ALONE) end_word(r);
}

uint32_t vs_wordpiece_tokens(const vs_wordpiece *w, const uint8_t *text, size_t n, uint32_t *tokens, uint32_t max) {
  reading r = {.w = w, .tokens = tokens, .max = max};
  for (size_t at = 0; at < n && r.n < max;) {
    uint8_t c = text[at];
    uint8_t lower = (uint8_t)(c | 0x20);
    if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')) {
      /* Setting the bit of lower case leaves digits as they are. */
      if (++r.n_codes <= VS_WORDPIECE_WORD_MAX) r.word[r.n_bytes++] = lower;
      at++;
    } else if (c == ' ') {
      end_word(&r);
      at++;
    } else {
      uint32_t length;
      read_code(&r, vs_utf8_next(text + at, n - at, &length));
      at += length;
    }
  }
  if (r.n < max) end_word(&r);
  return r.n;
}
