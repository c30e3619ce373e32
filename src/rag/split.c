/* split.c - packs the pieces of a flow into passages (split.h).
 *
 * Layer: rag. One walk over the blocks. Each byte is looked at a fixed number
 * of times: to count its block, its sentence and its word, and once more for
 * the overlap, which is at most half a passage.
 */
#include "split.h"

#include <string.h>

#include "../base/utf8.h"

typedef struct {
  vs_splitter *splitter;
  const vs_flow *flow;
  vs_piece_fn fn;
  void *ctx;
  uint32_t start, end; /* the passage in the making; empty when equal */
  uint32_t chars;      /* in it */
  uint32_t fresh;      /* where its first text begins that no passage before has */
  uint32_t last_level; /* of its last heading while it has nothing else; 0 = it has more */
} packer;

vs_status vs_split_check(const vs_split_options *options, vs_err *err) {
  if (options->target < VS_SPLIT_MIN_TARGET)
    return vs_fail(err, VS_INVALID_ARGUMENT, "a passage's size must be at least %u characters", VS_SPLIT_MIN_TARGET);
  if (options->overlap > options->target / 2)
    return vs_fail(err, VS_INVALID_ARGUMENT, "the overlap (%u) must be at most half of a passage's size (%u)",
                   options->overlap, options->target);
  return VS_OK;
}

void vs_splitter_init(vs_splitter *s, const vs_split_options *options) {
  memset(s, 0, sizeof *s);
  s->options = *options;
}

/* ============ The headings above ============ */

/* A new heading ends those of its own level and below. */
static void enter_heading(vs_splitter *s, const vs_flow *f, const vs_block *b) {
  for (uint32_t level = b->level; level < VS_SECTION_LEVELS; level++) s->chain[level].n = 0;
  uint32_t n = b->name_end - b->name_start;
  const uint8_t *name = f->text.p + b->name_start;
  if (n > VS_SECTION_NAME_BYTES) {
    n = VS_SECTION_NAME_BYTES;
    while (n > 0 && (name[n] & 0xc0) == 0x80) n--;
  }
  s->chain[b->level - 1].n = n;
  for (uint32_t i = 0; i < n; i++) s->chain[b->level - 1].name[i] = name[i] == '\n' ? ' ' : name[i];
}

static vs_status give(packer *k, uint32_t start, uint32_t end) {
  const vs_splitter *s = k->splitter;
  uint8_t section[VS_SECTION_LEVELS * (VS_SECTION_NAME_BYTES + 3)];
  size_t n = 0;
  for (uint32_t level = 0; level < VS_SECTION_LEVELS; level++) {
    if (s->chain[level].n == 0) continue;
    if (n > 0) {
      memcpy(section + n, " > ", 3);
      n += 3;
    }
    memcpy(section + n, s->chain[level].name, s->chain[level].n);
    n += s->chain[level].n;
  }
  return k->fn(k->ctx, start, end, (vs_slice){section, n});
}

/* ============ Packing ============ */

static bool starts_char(uint8_t c) { return (c & 0xc0) != 0x80; }

static uint32_t count_chars(const vs_flow *f, uint32_t start, uint32_t end) {
  uint32_t n = 0;
  for (uint32_t i = start; i < end; i++) n += starts_char(f->text.p[i]);
  return n;
}

static vs_status flush(packer *k) {
  vs_status status = VS_OK;
  if (k->end > k->start) status = give(k, k->start, k->end);
  k->start = k->end;
  k->fresh = k->end;
  k->chars = 0;
  k->last_level = 0;
  return status;
}

/* Where a passage that overlaps [.., end) by at most `room` characters begins: at a word, and only in
 * text that no earlier passage has; `end` when there is no such place. */
static uint32_t overlap_start(const packer *k, uint32_t room) {
  const uint8_t *p = k->flow->text.p;
  uint32_t best = k->end, n = 0;
  for (uint32_t at = k->end; at > k->fresh + 1 && n < room;) {
    do at--;
    while (!starts_char(p[at]));
    n++;
    if (vs_is_space(p[at - 1]) && !vs_is_space(p[at]) && at > k->fresh) best = at;
  }
  return best;
}

/* Adds [start, end), which has at most `target` characters, to the passage or to the next one. */
static vs_status add_piece(packer *k, uint32_t start, uint32_t end, uint32_t chars) {
  const vs_split_options *o = &k->splitter->options;
  if (k->end > k->start) {
    uint32_t gap = count_chars(k->flow, k->end, start);
    if (gap <= o->target && k->chars + gap + chars <= o->target) {
      k->end = end;
      k->chars += gap + chars;
      return VS_OK;
    }
    uint32_t room = gap + chars < o->target ? o->target - gap - chars : 0;
    uint32_t from = overlap_start(k, room < o->overlap ? room : o->overlap), before = k->end;
    VS_TRY(flush(k));
    if (from < before) {
      k->start = from;
      k->fresh = start;
      k->chars = count_chars(k->flow, from, start) + chars;
      k->end = end;
      return VS_OK;
    }
  }
  k->start = start;
  k->fresh = start;
  k->end = end;
  k->chars = chars;
  return VS_OK;
}

/* ============ Cutting ============ */

static vs_status add_slices(packer *k, uint32_t start, uint32_t end) {
  const uint8_t *p = k->flow->text.p;
  uint32_t target = k->splitter->options.target;
  while (start < end) {
    uint32_t at = start, chars = 0;
    while (at < end && chars < target) {
      do at++;
      while (at < end && !starts_char(p[at]));
      chars++;
    }
    VS_TRY(add_piece(k, start, at, chars));
    start = at;
  }
  return VS_OK;
}

static vs_status add_words(packer *k, uint32_t start, uint32_t end) {
  const uint8_t *p = k->flow->text.p;
  while (start < end) {
    uint32_t at = start;
    while (at < end && !vs_is_space(p[at])) at++;
    uint32_t chars = count_chars(k->flow, start, at);
    if (chars > k->splitter->options.target)
      VS_TRY(add_slices(k, start, at));
    else if (at > start)
      VS_TRY(add_piece(k, start, at, chars));
    while (at < end && vs_is_space(p[at])) at++;
    start = at;
  }
  return VS_OK;
}

/* A full stop after a single capital is an initial's, and one before a small letter an abbreviation's. */
static bool ends_sentence(const uint8_t *p, uint32_t start, uint32_t dot, uint32_t next, uint32_t end) {
  if (p[dot] != '.') return true;
  if (next < end && p[next] >= 'a' && p[next] <= 'z') return false;
  bool capital = dot > start && p[dot - 1] >= 'A' && p[dot - 1] <= 'Z';
  return !(capital && (dot - start == 1 || vs_is_space(p[dot - 2])));
}

/* A line that begins so is an item of a list or of a table. */
static bool begins_item(const uint8_t *p, uint32_t at, uint32_t end) {
  while (at < end && vs_is_blank(p[at])) at++;
  return at < end && (strchr("-*+|>", p[at]) != NULL || vs_is_digit(p[at])) && p[at] != '\0';
}

/* Ideographic full stop and the full-width exclamation and question marks, after which no space comes. */
static bool is_wide_stop(const uint8_t *p, uint32_t at, uint32_t end) {
  if (end - at < 3) return false;
  return memcmp(p + at, "\xe3\x80\x82", 3) == 0 || memcmp(p + at, "\xef\xbc\x81", 3) == 0 ||
         memcmp(p + at, "\xef\xbc\x9f", 3) == 0;
}

/* The end of the sentence that begins at `start`. */
static uint32_t sentence_end(const uint8_t *p, uint32_t start, uint32_t end) {
  for (uint32_t at = start; at < end; at++) {
    if (p[at] == '\n' && begins_item(p, at + 1, end)) return at;
    if (is_wide_stop(p, at, end)) return at + 3;
    if (p[at] != '.' && p[at] != '!' && p[at] != '?') continue;
    uint32_t close = at + 1;
    while (close < end && strchr(".!?\"')]", p[close]) != NULL && p[close] != '\0') close++;
    uint32_t next = close;
    while (next < end && vs_is_space(p[next])) next++;
    if (next > close && ends_sentence(p, start, at, next, end)) return close;
    at = close - 1;
  }
  return end;
}

static uint32_t line_end(const uint8_t *p, uint32_t start, uint32_t end) {
  const uint8_t *newline = memchr(p + start, '\n', end - start);
  return newline ? (uint32_t)(newline - p) : end;
}

static vs_status add_block(packer *k, const vs_block *b) {
  const uint8_t *p = k->flow->text.p;
  uint32_t chars = count_chars(k->flow, b->start, b->end), target = k->splitter->options.target;
  /* A paragraph that does not fit below its heading is cut rather than parted from it. */
  bool parted = k->last_level != 0 && k->chars + count_chars(k->flow, k->end, b->start) + chars > target;
  if (chars <= target && !parted) return add_piece(k, b->start, b->end, chars);
  bool lines = b->type == VS_BLOCK_LINES;
  for (uint32_t start = b->start; start < b->end;) {
    uint32_t at = lines ? line_end(p, start, b->end) : sentence_end(p, start, b->end), stop = at;
    while (stop > start && vs_is_space(p[stop - 1])) stop--;
    chars = count_chars(k->flow, start, stop);
    if (chars > target)
      VS_TRY(add_words(k, start, stop));
    else if (stop > start)
      VS_TRY(add_piece(k, start, stop, chars));
    while (at < b->end && (lines ? p[at] == '\n' : vs_is_space(p[at]))) at++;
    start = at;
  }
  return VS_OK;
}

vs_status vs_split_flow(vs_splitter *s, const vs_flow *f, vs_piece_fn fn, void *ctx) {
  packer k = {.splitter = s, .flow = f, .fn = fn, .ctx = ctx};
  for (uint32_t i = 0; i < vs_flow_n_blocks(f); i++) {
    vs_block b = vs_flow_block_at(f, i);
    if (b.type == VS_BLOCK_HEADING) {
      /* Headings without text between them stay together while they lead deeper. */
      if (k.last_level == 0 || b.level <= k.last_level) VS_TRY(flush(&k));
      enter_heading(s, f, &b);
      VS_TRY(add_block(&k, &b));
      k.last_level = b.level;
    } else {
      VS_TRY(add_block(&k, &b));
      k.last_level = 0;
    }
  }
  return flush(&k);
}
