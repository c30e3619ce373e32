/* flow.c - text with blocks and the way back to the source (flow.h).
 *
 * Layer: rag. Appending is O(bytes); the way back is a binary search over the runs.
 */
#include "flow.h"

#include <string.h>

#include "../base/utf8.h"

static const uint8_t replacement[3] = {0xef, 0xbf, 0xbd};

void vs_flow_init(vs_flow *f, vs_alloc *a) {
  vs_wr_init(&f->text, a);
  vs_wr_init(&f->blocks, a);
  vs_wr_init(&f->runs, a);
  f->failed = false;
}

void vs_flow_deinit(vs_flow *f) {
  vs_wr_deinit(&f->text);
  vs_wr_deinit(&f->blocks);
  vs_wr_deinit(&f->runs);
}

void vs_flow_reset(vs_flow *f) {
  vs_wr_reset(&f->text);
  vs_wr_reset(&f->blocks);
  vs_wr_reset(&f->runs);
  f->failed = false;
}

static vs_run *runs_of(const vs_flow *f) { return (vs_run *)(void *)f->runs.p; }
static size_t n_runs(const vs_flow *f) { return f->runs.n / sizeof(vs_run); }

/* Appends text together with its run; a verbatim run that goes on where the last ended grows that one. */
static void append(vs_flow *f, uint64_t src_at, uint32_t src_n, const void *p, size_t n) {
  if (n == 0 || f->failed) return;
  if (n >= VS_FLOW_MAX_BYTES - f->text.n) f->failed = true;
  if (f->failed) return;
  uint32_t at = vs_flow_at(f);
  vs_wr_bytes(&f->text, p, n);
  vs_run *last = n_runs(f) > 0 ? &runs_of(f)[n_runs(f) - 1] : NULL;
  if (last && src_n == n && last->src_n == last->text_n && last->text_at + last->text_n == at &&
      last->src_at + last->src_n == src_at) {
    last->src_n += src_n;
    last->text_n += (uint32_t)n;
  } else {
    vs_run run = {src_at, src_n, at, (uint32_t)n};
    vs_wr_bytes(&f->runs, &run, sizeof run);
  }
  f->failed = f->text.failed || f->runs.failed;
}

void vs_flow_verbatim(vs_flow *f, uint64_t src_at, const uint8_t *p, size_t n) {
  size_t from = 0, at = 0;
  while (at < n) {
    uint32_t len = 1;
    bool fine = p[at] < 0x80 ? p[at] != '\r' : vs_utf8_next(p + at, n - at, &len) != UINT32_MAX;
    if (fine) {
      at += len;
      continue;
    }
    append(f, src_at + from, (uint32_t)(at - from), p + from, at - from);
    if (p[at] == '\r') {
      len = at + 1 < n && p[at + 1] == '\n' ? 2 : 1;
      append(f, src_at + at, len, "\n", 1);
    } else {
      append(f, src_at + at, 1, replacement, sizeof replacement);
    }
    at += len;
    from = at;
  }
  append(f, src_at + from, (uint32_t)(n - from), p + from, n - from);
}

void vs_flow_decoded(vs_flow *f, uint64_t src_at, uint32_t src_n, const void *p, size_t n) {
  append(f, src_at, src_n, p, n);
}

void vs_flow_decoded_char(vs_flow *f, uint64_t src_at, uint32_t src_n, uint32_t code) {
  uint8_t out[4];
  size_t n = 0;
  if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) code = 0xfffd;
  if (code < 0x80) {
    out[n++] = (uint8_t)code;
  } else if (code < 0x800) {
    out[n++] = (uint8_t)(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    out[n++] = (uint8_t)(0xe0 | code >> 12);
    out[n++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
  } else {
    out[n++] = (uint8_t)(0xf0 | code >> 18);
    out[n++] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[n++] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
  }
  if (code >= 0x80) out[n++] = (uint8_t)(0x80 | (code & 0x3f));
  append(f, src_at, src_n, out, n);
}

void vs_flow_glue(vs_flow *f, const char *text) {
  size_t n = strlen(text);
  if (f->failed || n >= VS_FLOW_MAX_BYTES - f->text.n) {
    f->failed = true;
    return;
  }
  vs_wr_bytes(&f->text, text, n);
  f->failed = f->text.failed;
}

/* Index of the last run that begins at or before `at`; the first one when none does. */
static size_t run_before(const vs_flow *f, uint32_t at) {
  const vs_run *run = runs_of(f);
  size_t low = 0, high = n_runs(f);
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (run[middle].text_at <= at)
      low = middle;
    else
      high = middle;
  }
  return low;
}

void vs_flow_copy(vs_flow *f, const vs_flow *from, uint32_t start, uint32_t end) {
  if (n_runs(from) == 0) return;
  for (size_t i = run_before(from, start); i < n_runs(from) && runs_of(from)[i].text_at < end; i++) {
    vs_run run = runs_of(from)[i];
    uint32_t a = run.text_at > start ? run.text_at : start;
    uint32_t b = run.text_at + run.text_n < end ? run.text_at + run.text_n : end;
    if (a >= b) continue;
    bool verbatim = run.src_n == run.text_n;
    uint64_t src_at = run.src_at + (verbatim ? a - run.text_at : 0);
    append(f, src_at, verbatim ? b - a : run.src_n, from->text.p + a, b - a);
  }
}

static void trim(const vs_flow *f, bool keep_indent, uint32_t *start, uint32_t *end) {
  const uint8_t *p = f->text.p;
  uint32_t first = *start;
  while (*end > *start && vs_is_space(p[*end - 1])) (*end)--;
  while (first < *end && vs_is_space(p[first])) {
    if (!keep_indent || p[first] == '\n') *start = first + 1;
    first++;
  }
}

static void add_block(vs_flow *f, vs_block block) {
  if (f->failed || block.start >= block.end) return;
  vs_wr_bytes(&f->blocks, &block, sizeof block);
  f->failed = f->blocks.failed;
}

void vs_flow_block(vs_flow *f, vs_block_type type, uint32_t start, uint32_t end) {
  if (f->failed) return;
  trim(f, type == VS_BLOCK_LINES, &start, &end);
  add_block(f, (vs_block){start, end, start, end, type, 0});
}

void vs_flow_heading(vs_flow *f, uint32_t level, uint32_t start, uint32_t end, uint32_t name_start, uint32_t name_end) {
  assert(level >= 1 && level <= 6);
  if (f->failed) return;
  trim(f, false, &start, &end);
  trim(f, false, &name_start, &name_end);
  add_block(f, (vs_block){start, end, name_start, name_end, VS_BLOCK_HEADING, level});
}

void vs_flow_paragraphs(vs_flow *f, uint32_t start, uint32_t end) {
  if (f->failed) return;
  uint32_t from = start, at = start;
  while (at < end) {
    const uint8_t *p = f->text.p;
    uint32_t line = at;
    bool blank = true;
    while (at < end && p[at] != '\n') blank = vs_is_blank(p[at++]) && blank;
    if (at < end) at++;
    if (!blank) continue;
    vs_flow_block(f, VS_BLOCK_PROSE, from, line);
    from = at;
  }
  vs_flow_block(f, VS_BLOCK_PROSE, from, end);
}

uint64_t vs_flow_source_start(const vs_flow *f, uint32_t at) {
  if (n_runs(f) == 0) return 0;
  vs_run run = runs_of(f)[run_before(f, at)];
  if (at < run.text_at) return run.src_at;
  uint32_t offset = at - run.text_at;
  if (offset >= run.text_n) return run.src_at + run.src_n;
  return run.src_at + (run.src_n == run.text_n ? offset : 0);
}

uint64_t vs_flow_source_end(const vs_flow *f, uint32_t at) {
  if (n_runs(f) == 0 || at == 0) return 0;
  vs_run run = runs_of(f)[run_before(f, at - 1)];
  uint32_t offset = at - run.text_at;
  if (offset >= run.text_n) return run.src_at + run.src_n;
  return run.src_at + (run.src_n == run.text_n ? offset : run.src_n);
}

bool vs_is_word(const uint8_t *p, size_t n, const char *word) {
  for (size_t i = 0; i < n; i++)
    if (word[i] == '\0' || vs_to_lower(p[i]) != (uint8_t)word[i]) return false;
  return word[n] == '\0';
}
