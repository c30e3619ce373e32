/* html.c - the text of an HTML page, in one pass over its bytes.
 *
 * Layer: rag. Follows the tokenizer of the HTML standard (13.2.5) as far as
 * text needs it: tags with quoted attributes, comments, raw text elements,
 * character references. It builds no tree: elements that begin a block end
 * the one before, white space collapses outside <pre>, and what is inside
 * an element that is left out is passed over by counting tags of its name.
 * Nothing is searched twice: what has no end goes on to the end of the file. O(bytes).
 */
#include <string.h>

#include "entities.h"
#include "extract.h"

/* A heading above this length is one whose end tag is missing. */
#define HEADING_BYTES 500u
#define NAME_BYTES 16u

typedef struct {
  vs_document *d;
  vs_flow *f;
  vs_source s;
  size_t at;
  uint32_t block;           /* where the block in the making begins in the text */
  uint32_t heading;         /* its level while it is a heading */
  uint32_t pre, table;      /* such elements open */
  bool lines;               /* the block is to be cut at lines */
  bool new_cell;            /* the next text begins a cell of a table's row */
  size_t space_at, space_n; /* white space seen since the last text; n = 0: none */
  char skipped[NAME_BYTES]; /* the element that is passed over, or "" */
  uint32_t skipped_depth;
  bool titled;
} html;

typedef struct {
  char name[NAME_BYTES]; /* lower case; "" for one that is longer */
  bool closing, empty;   /* </x>, <x/> */
  bool hidden;
} tag;

static bool is_one_of(const char *name, const char *const *list) {
  if (name[0] == '\0') return false;
  while (*list != NULL && strcmp(*list, name) != 0) list++;
  return *list != NULL;
}

/* Lists of names, each ended by NULL. */
static const char *const raw_elements[] = {"script", "style", "textarea", "iframe", "xmp", "noembed", "noframes", NULL};
static const char *const dropped_elements[] = {"nav",    "noscript", "template", "object", "svg",
                                               "canvas", "audio",    "video",    "select", NULL};
static const char *const hideable_elements[] = {"div",  "span",   "section", "article", "aside",  "header", "footer",
                                                "main", "form",   "table",   "ul",      "ol",     "a",      "b",
                                                "i",    "button", "figure",  "details", "dialog", NULL};
static const char *const block_elements[] = {
    "p",     "div",     "section", "article",    "aside",   "header",     "footer", "main",     "ul",      "ol", "li",
    "dl",    "dt",      "dd",      "blockquote", "figure",  "figcaption", "form",   "fieldset", "address", "hr", "pre",
    "table", "caption", "tr",      "details",    "summary", "dialog",     "body",   "html",     "head",    "h1", "h2",
    "h3",    "h4",      "h5",      "h6",         "option",  "legend",     "center", "menu",     NULL};

/* ============ Text ============ */

static void end_block(html *h) {
  uint32_t end = vs_flow_at(h->f);
  if (h->heading > 0 && end - h->block <= HEADING_BYTES)
    vs_flow_heading(h->f, h->heading, h->block, end, h->block, end);
  else
    vs_flow_block(h->f, h->lines ? VS_BLOCK_LINES : VS_BLOCK_PROSE, h->block, end);
  if (end > h->block) vs_flow_glue(h->f, "\n\n");
  h->block = vs_flow_at(h->f);
  h->heading = 0;
  h->space_n = 0;
  h->new_cell = false;
  h->lines = h->pre > 0 || h->table > 0;
}

static bool at_block_start(const html *h) { return vs_flow_at(h->f) == h->block; }

/* What is due before visible text: a cell's mark or the collapsed space. */
static void before_text(html *h) {
  bool line_start = at_block_start(h) || h->f->text.p[vs_flow_at(h->f) - 1] == '\n';
  if (h->new_cell && !line_start)
    vs_flow_glue(h->f, " | ");
  else if (h->space_n > 0 && !line_start)
    vs_flow_decoded(h->f, h->s.at + h->space_at, (uint32_t)h->space_n, " ", 1);
  h->new_cell = false;
  h->space_n = 0;
}

static void note_space(html *h, size_t at, size_t n) {
  if (h->space_n > 0) return;
  h->space_at = at;
  h->space_n = n;
}

/* A code for windows-1252, which pages mean by numbers from 128 to 159. */
static uint32_t from_windows(uint32_t code) {
  static const uint16_t table[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                     0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                     0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                     0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
  return code >= 0x80 && code <= 0x9f ? table[code - 0x80] : code;
}

/* Reads the reference at p[0] = '&': its character and length; 0 when it is none. */
static size_t read_reference(const uint8_t *p, size_t n, uint32_t *code) {
  size_t at = 1;
  if (n > 2 && p[1] == '#') {
    bool hex = (p[2] | 32) == 'x';
    size_t from = at = hex ? 3 : 2;
    uint32_t value = 0;
    for (; at < n && (vs_is_digit(p[at]) || (hex && (p[at] | 32) >= 'a' && (p[at] | 32) <= 'f')); at++) {
      uint32_t digit = vs_is_digit(p[at]) ? (uint32_t)(p[at] - '0') : (uint32_t)((p[at] | 32) - 'a' + 10);
      value = value > 0x10ffff ? value : value * (hex ? 16 : 10) + digit;
    }
    if (at == from) return 0;
    *code = from_windows(value);
  } else {
    while (at < n && (vs_is_letter(p[at]) || vs_is_digit(p[at]))) at++;
    *code = vs_entity_code(p + 1, at - 1);
    bool ended = at < n && p[at] == ';';
    /* Old names do without the semicolon: those of Latin 1 and of the signs of the markup itself. */
    if (*code == 0 || (!ended && (*code > 0xff || *code < 0x22))) return 0;
  }
  return at < n && p[at] == ';' ? at + 1 : at;
}

static void put_reference(html *h, size_t *at) {
  uint32_t code;
  size_t n = read_reference(h->s.p + *at, h->s.n - *at, &code);
  if (n == 0) {
    before_text(h);
    vs_flow_verbatim(h->f, h->s.at + *at, h->s.p + *at, 1);
    n = 1;
  } else if (h->pre == 0 && (code == 0xa0 || code == ' ' || code == '\t' || code == '\n')) {
    note_space(h, *at, n);
  } else if (code != 0xad) {
    before_text(h);
    vs_flow_decoded_char(h->f, h->s.at + *at, (uint32_t)n, code);
  }
  *at += n;
}

/* Text without tags from h->at to `stop`. */
static void put_text(html *h, size_t stop) {
  const uint8_t *p = h->s.p;
  size_t at = h->at;
  while (at < stop) {
    size_t from = at;
    if (h->pre == 0 && vs_is_space(p[at])) {
      while (at < stop && vs_is_space(p[at])) at++;
      note_space(h, from, at - from);
      continue;
    }
    if (p[at] == '&') {
      put_reference(h, &at);
      continue;
    }
    while (at < stop && p[at] != '&' && (h->pre > 0 || !vs_is_space(p[at]))) at++;
    before_text(h);
    vs_flow_verbatim(h->f, h->s.at + from, p + from, at - from);
  }
  h->at = stop;
}

/* ============ Tags ============ */

/* Goes to behind the next '>'. */
static void to_bracket(html *h) {
  const uint8_t *bracket = h->at < h->s.n ? memchr(h->s.p + h->at, '>', h->s.n - h->at) : NULL;
  h->at = bracket ? (size_t)(bracket - h->s.p) + 1 : h->s.n;
}

/* Goes to behind a comment that begins at h->at. */
static void pass_comment(html *h) {
  const uint8_t *p = h->s.p;
  size_t n = h->s.n, at = h->at + 4;
  /* <!--> and <!---> end at once. */
  size_t bracket = at + (at < n && p[at] == '-');
  if (bracket < n && p[bracket] == '>') {
    h->at = bracket + 1;
    return;
  }
  for (; at + 1 < n; at++) {
    if (p[at] != '-' || p[at + 1] != '-') continue;
    size_t end = at + 2;
    while (end < n && p[end] == '-') end++;
    if (end < n && p[end] == '>') {
      h->at = end + 1;
      return;
    }
    at = end - 1;
  }
  h->at = n;
}

/* Reads an attribute at h->at, which is neither white space nor '/' nor '>'. */
static void read_attribute(html *h, tag *t) {
  const uint8_t *p = h->s.p;
  size_t n = h->s.n, name = h->at;
  do h->at++;
  while (h->at < n && !vs_is_space(p[h->at]) && p[h->at] != '/' && p[h->at] != '>' && p[h->at] != '=');
  size_t name_n = h->at - name, at = h->at;
  while (at < n && vs_is_space(p[at])) at++;
  vs_slice value = {p, 0};
  if (at < n && p[at] == '=') {
    at++;
    while (at < n && vs_is_space(p[at])) at++;
    bool quoted = at < n && (p[at] == '"' || p[at] == '\'');
    size_t from = at + quoted;
    if (quoted) {
      const uint8_t *quote = from < n ? memchr(p + from, p[at], n - from) : NULL;
      at = quote ? (size_t)(quote - p) : n;
    } else {
      while (at < n && !vs_is_space(p[at]) && p[at] != '>') at++;
    }
    value = (vs_slice){p + vs_min_size(from, at), at - vs_min_size(from, at)};
    h->at = vs_min_size(at + quoted, n);
  }
  if (vs_is_word(p + name, name_n, "hidden")) t->hidden = true;
  if (vs_is_word(p + name, name_n, "aria-hidden") && vs_is_word(value.p, value.n, "true")) t->hidden = true;
}

/* Reads the tag at h->at = '<', which a letter or "/letter" follows. */
static tag read_tag(html *h) {
  const uint8_t *p = h->s.p;
  size_t n = h->s.n, length = 0;
  tag t = {.name = ""};
  h->at++;
  if (p[h->at] == '/') {
    t.closing = true;
    h->at++;
  }
  for (; h->at < n && !vs_is_space(p[h->at]) && p[h->at] != '/' && p[h->at] != '>'; h->at++) {
    if (length < NAME_BYTES - 1) t.name[length] = (char)vs_to_lower(p[h->at]);
    length++;
  }
  t.name[length < NAME_BYTES ? length : 0] = '\0';
  while (h->at < n && p[h->at] != '>') {
    t.empty = p[h->at] == '/';
    if (t.empty || vs_is_space(p[h->at]))
      h->at++;
    else
      read_attribute(h, &t);
  }
  if (h->at < n) h->at++;
  return t;
}

/* Goes to the end tag of a raw text element whose start tag was just read; gives where its text ends. */
static size_t pass_raw(html *h, const char *name) {
  size_t n = strlen(name);
  while (h->at < h->s.n) {
    const uint8_t *bracket = memchr(h->s.p + h->at, '<', h->s.n - h->at);
    if (!bracket) break;
    size_t at = (size_t)(bracket - h->s.p);
    h->at = at + 1;
    if (h->s.n - at < n + 2 || bracket[1] != '/' || !vs_is_word(bracket + 2, n, name)) continue;
    if (at + 2 + n < h->s.n && (vs_is_letter(bracket[2 + n]) || vs_is_digit(bracket[2 + n]))) continue;
    to_bracket(h);
    return at;
  }
  h->at = h->s.n;
  return h->s.n;
}

/* The page's title: its text with white space collapsed. */
static void take_title(html *h) {
  size_t from = h->at, stop = pass_raw(h, "title"), after = h->at;
  if (h->titled) return;
  html inner = {.d = h->d, .f = &h->d->values, .s = {h->s.p, stop, h->s.at}, .at = from};
  vs_flow_reset(inner.f);
  put_text(&inner, stop);
  vs_wr_bytes(&h->d->title, inner.f->text.p, inner.f->text.n);
  if (inner.f->failed) h->f->failed = true;
  h->titled = inner.f->text.n > 0;
  h->at = after;
}

/* ============ Elements ============ */

static void count_open(uint32_t *open, const tag *t) {
  if (!t->closing)
    *open += !t->empty;
  else if (*open > 0)
    *open -= 1;
}

static void block_tag(html *h, const tag *t, size_t from) {
  bool is_heading = t->name[0] == 'h' && t->name[1] >= '1' && t->name[1] <= '6';
  bool is_table = strcmp(t->name, "table") == 0, is_pre = strcmp(t->name, "pre") == 0;
  bool is_row = strcmp(t->name, "tr") == 0, within = h->table > 0 && !is_table && !is_heading && !is_pre;
  bool in_heading = h->heading > 0 && !is_heading && vs_flow_at(h->f) - h->block <= HEADING_BYTES;
  if (within && is_row) {
    bool fresh = at_block_start(h) || h->f->text.p[vs_flow_at(h->f) - 1] == '\n';
    if (!fresh) vs_flow_glue(h->f, "\n");
    h->new_cell = false;
    h->space_n = 0;
  } else if (within || in_heading) {
    note_space(h, from, h->at - from);
  } else {
    end_block(h);
  }
  if (is_table) count_open(&h->table, t);
  if (is_pre) count_open(&h->pre, t);
  if (is_table || is_pre) h->lines = h->pre > 0 || h->table > 0;
  if (is_heading && !t->closing) h->heading = (uint32_t)(t->name[1] - '0');
}

/* An element is opened or closed; its tag began at `from`. */
static void take_tag(html *h, const tag *t, size_t from) {
  if (!t->closing && is_one_of(t->name, raw_elements)) {
    pass_raw(h, t->name);
    return;
  }
  if (h->skipped_depth > 0) {
    if (strcmp(t->name, h->skipped) == 0) count_open(&h->skipped_depth, t);
    return;
  }
  bool hides = t->hidden && is_one_of(t->name, hideable_elements);
  if (!t->closing && !t->empty && (hides || is_one_of(t->name, dropped_elements))) {
    end_block(h);
    memcpy(h->skipped, t->name, NAME_BYTES);
    h->skipped_depth = 1;
  } else if (!t->closing && strcmp(t->name, "title") == 0) {
    take_title(h);
  } else if (strcmp(t->name, "br") == 0) {
    h->space_n = 0;
    if (!at_block_start(h)) vs_flow_decoded(h->f, h->s.at + from, (uint32_t)(h->at - from), "\n", 1);
  } else if (strcmp(t->name, "td") == 0 || strcmp(t->name, "th") == 0) {
    h->new_cell = h->new_cell || !t->closing;
  } else if (is_one_of(t->name, block_elements)) {
    block_tag(h, t, from);
  }
}

/* What begins with the '<' at h->at. */
static void take_markup(html *h) {
  const uint8_t *p = h->s.p + h->at;
  size_t left = h->s.n - h->at, from = h->at;
  bool closes = left > 2 && p[1] == '/' && vs_is_letter(p[2]);
  if (closes || (left > 1 && vs_is_letter(p[1]))) {
    tag t = read_tag(h);
    take_tag(h, &t, from);
  } else if (left >= 4 && memcmp(p, "<!--", 4) == 0) {
    pass_comment(h);
  } else if (left > 1 && (p[1] == '!' || p[1] == '?' || p[1] == '/')) {
    to_bracket(h);
  } else if (h->skipped_depth > 0) {
    h->at++;
  } else {
    before_text(h);
    vs_flow_verbatim(h->f, h->s.at + h->at, p, 1);
    h->at++;
  }
}

void vs_extract_html(vs_document *d, vs_source s) {
  html h = {.d = d, .f = &d->flow, .s = s};
  while (h.at < s.n && !h.f->failed) {
    const uint8_t *markup = memchr(s.p + h.at, '<', s.n - h.at);
    size_t stop = markup ? (size_t)(markup - s.p) : s.n;
    if (h.skipped_depth == 0)
      put_text(&h, stop);
    else
      h.at = stop;
    if (markup) take_markup(&h);
  }
  if (!h.f->failed) end_block(&h);
}
