/* lines.c - plain text and Markdown, line by line.
 *
 * Layer: rag. Markdown is kept as it is written; only what the splitter must
 * know is recognized: headings, fenced code, tables, paragraphs. The rules are
 * CommonMark 0.31's (4.2 ATX headings, 4.3 setext headings, 4.5 fenced code),
 * without containers: a fence or heading inside a list item counts when
 * it is indented by at most three columns. O(bytes).
 */
#include "extract.h"

#include <string.h>

void vs_extract_txt(vs_document *d, vs_source s) {
  vs_flow_verbatim(&d->flow, s.at, s.p, s.n);
  if (d->flow.failed) return;
  vs_flow_paragraphs(&d->flow, 0, vs_flow_at(&d->flow));
}

/* ============ Markdown ============ */

typedef struct {
  vs_document *d;
  const uint8_t *p;    /* the flow's text */
  uint32_t from;       /* where the block in the making begins */
  uint32_t line, stop; /* the line being looked at, without its end */
  bool open;           /* there is a block in the making */
  bool table;          /* all of its lines begin with a bar */
} md;

static uint32_t indent_of(const md *m) {
  uint32_t at = m->line;
  while (at < m->stop && m->p[at] == ' ') at++;
  return at - m->line;
}

static uint32_t marks_of(const md *m, uint32_t at, uint8_t mark) {
  uint32_t n = 0;
  while (at + n < m->stop && m->p[at + n] == mark) n++;
  return n;
}

static bool blank_from(const md *m, uint32_t at) {
  while (at < m->stop && vs_is_blank(m->p[at])) at++;
  return at == m->stop;
}

static void close_block(md *m, uint32_t end) {
  if (m->open) vs_flow_block(&m->d->flow, m->table ? VS_BLOCK_LINES : VS_BLOCK_PROSE, m->from, end);
  m->open = false;
}

/* A line of at least three marks opens code, one of at least as many of the same closes it. */
static bool fence_line(md *m) {
  vs_md_state *state = &m->d->md;
  uint32_t indent = indent_of(m), at = m->line + indent;
  if (indent > 3 || at == m->stop) return false;
  uint8_t mark = m->p[at];
  uint32_t n = mark == '`' || mark == '~' ? marks_of(m, at, mark) : 0;
  if (state->fence != 0) {
    if (mark != state->fence || n < state->fence_marks || !blank_from(m, at + n)) return false;
    vs_flow_block(&m->d->flow, VS_BLOCK_LINES, m->from, m->stop);
    state->fence = 0;
    m->open = false;
    return true;
  }
  if (n < 3 || (mark == '`' && at + n < m->stop && memchr(m->p + at + n, '`', m->stop - at - n))) return false;
  close_block(m, m->line);
  *state = (vs_md_state){mark, n};
  m->from = m->line;
  m->open = true;
  return true;
}

static bool atx_heading(md *m) {
  uint32_t indent = indent_of(m), at = m->line + indent, level = marks_of(m, at, '#'), name = at + level;
  if (indent > 3 || level < 1 || level > 6 || (name < m->stop && !vs_is_blank(m->p[name]))) return false;
  uint32_t end = m->stop;
  while (end > name && vs_is_blank(m->p[end - 1])) end--;
  uint32_t closing = end;
  while (closing > name && m->p[closing - 1] == '#') closing--;
  if (closing == name || vs_is_blank(m->p[closing - 1])) end = closing;
  close_block(m, m->line);
  vs_flow_heading(&m->d->flow, level, m->line, m->stop, name, end);
  return true;
}

/* A paragraph underlined with = or - is a heading. */
static bool setext_heading(md *m) {
  uint32_t indent = indent_of(m), at = m->line + indent;
  if (!m->open || m->table || indent > 3 || at == m->stop || (m->p[at] != '=' && m->p[at] != '-')) return false;
  uint32_t n = marks_of(m, at, m->p[at]);
  if (!blank_from(m, at + n)) return false;
  /* A list's or quotation's last line with a rule below is none. */
  uint32_t first = m->from;
  while (vs_is_blank(m->p[first])) first++;
  if (strchr(">-*+", m->p[first]) != NULL && m->p[first] != '\0' && vs_is_blank(m->p[first + 1])) return false;
  vs_flow_heading(&m->d->flow, m->p[at] == '=' ? 1 : 2, m->from, m->stop, m->from, m->line);
  m->open = false;
  return true;
}

static void md_line(md *m) {
  if (fence_line(m) || m->d->md.fence != 0) return;
  if (blank_from(m, m->line)) {
    close_block(m, m->line);
    return;
  }
  if (atx_heading(m) || setext_heading(m)) return;
  bool bar = m->p[m->line + indent_of(m)] == '|';
  if (m->open && m->table != bar) close_block(m, m->line);
  if (!m->open) {
    m->open = true;
    m->from = m->line;
    m->table = bar;
  }
}

void vs_extract_md(vs_document *d, vs_source s, bool first) {
  size_t skipped = first ? vs_extract_front_matter(d, s) : 0;
  vs_flow *f = &d->flow;
  uint32_t begin = vs_flow_at(f);
  vs_flow_verbatim(f, s.at + skipped, s.p + skipped, s.n - skipped);
  if (f->failed) return;
  md m = {.d = d, .p = f->text.p, .from = begin, .open = d->md.fence != 0};
  uint32_t end = vs_flow_at(f);
  for (uint32_t at = begin; at < end;) {
    const uint8_t *newline = memchr(f->text.p + at, '\n', end - at);
    m.line = at;
    m.stop = newline ? (uint32_t)(newline - f->text.p) : end;
    md_line(&m);
    at = m.stop + 1;
  }
  if (d->md.fence != 0)
    vs_flow_block(f, VS_BLOCK_LINES, m.from, end);
  else
    close_block(&m, end);
}
