/* Random texts, split with random sizes: the invariants S1..S5 of split.h, against what a naive reader counts. */
#include "../../../src/base/rng.h"
#include "collect.h"

static const char *const words[] = {
    "alpha", "B.",  "gamma.", "é",    "日本語。テキスト", "x", "Supercalifragilistic", "end!", "why?",
    "😀😀",  "1.5", "e.g.",   "(see", "that.)",           "J."};

/* Text with paragraphs, headings, fences; `bytes` long about. */
static size_t make_text(vs_rng *rng, char *out, size_t bytes, bool markdown) {
  size_t n = 0;
  bool fenced = false;
  while (n < bytes) {
    uint32_t what = vs_rng_below(rng, 24);
    if (what == 0)
      n += (size_t)sprintf(out + n, "\n\n");
    else if (what == 1)
      n += (size_t)sprintf(out + n, "\n");
    else if (what == 2 && markdown && !fenced)
      n += (size_t)sprintf(out + n, "\n%.*s Head %zu\n", (int)vs_rng_below(rng, 6) + 1, "######", n);
    else if (what == 3 && markdown && vs_rng_below(rng, 4) == 0) {
      n += (size_t)sprintf(out + n, "\n```\n# no heading\n");
      fenced = !fenced;
    } else if (what == 4) {
      for (uint32_t i = vs_rng_below(rng, 90); i > 0; i--) n += (size_t)sprintf(out + n, "ü");
    } else
      n += (size_t)sprintf(out + n, "%s ", words[vs_rng_below(rng, sizeof words / sizeof words[0])]);
  }
  return n;
}

static uint32_t characters(const char *p, size_t n) {
  uint32_t count = 0;
  for (size_t i = 0; i < n; i++) count += ((uint8_t)p[i] & 0xc0) != 0x80;
  return count;
}

static bool blank(const char *p, uint64_t from, uint64_t to) {
  for (; from < to; from++)
    if (!strchr(" \n", p[from])) return false;
  return true;
}

/* A heading line of Markdown that begins at one of the places in (from, to), outside fences. */
static bool heading_within(const char *p, uint64_t from, uint64_t to) {
  bool fenced = false, text_seen = false;
  for (uint64_t at = 0; at < to;) {
    uint64_t end = at;
    while (end < to && p[end] != '\n') end++;
    bool fence = end - at >= 3 && strncmp(p + at, "```", 3) == 0, heading = !fenced && p[at] == '#';
    if (fence) fenced = !fenced;
    if (at >= from && heading && text_seen) return true;
    if (end > from && !heading && !blank(p, at > from ? at : from, end)) text_seen = true;
    at = end + 1;
  }
  return false;
}

static const char *check(const char *text, size_t n, const passages *all, uint32_t target, uint32_t overlap,
                         bool markdown) {
  uint64_t reached = 0, before = 0;
  for (uint32_t i = 0; i < all->n; i++) {
    const kept *k = &all->p[i];
    if (k->end - k->start != k->text_n || memcmp(text + k->start, k->text, k->text_n) != 0)
      return "the offsets are exact";
    if (characters(k->text, k->text_n) > target) return "S1: it fits";
    if (markdown && heading_within(text, k->start, k->end)) return "S2: one section";
    if (k->start > reached && !blank(text, reached, k->start)) return "S3: nothing is lost";
    if (k->end <= reached || k->start < before) return "S3: something new, and nothing three times";
    if (k->start < reached) {
      if (characters(text + k->start, reached - k->start) > overlap) return "S4: the overlap is small enough";
      if (!strchr(" \n", text[k->start - 1])) return "S4: it begins with a word";
      before = reached;
    }
    if (strchr(" \n", text[k->end - 1])) return "it does not end in white space";
    reached = k->end;
  }
  return blank(text, reached, n) ? NULL : "S3: the end is there";
}

int main(void) {
  static char text[1 << 16];
  for (uint64_t seed = 1; seed <= 400; seed++) {
    vs_rng rng = {seed};
    bool markdown = seed % 2 == 0;
    size_t n = make_text(&rng, text, 200 + vs_rng_below(&rng, seed % 20 == 0 ? 40000 : 3000), markdown);
    uint32_t target = VS_SPLIT_MIN_TARGET + vs_rng_below(&rng, 400),
             overlap = vs_rng_below(&rng, 2) * vs_rng_below(&rng, target / 2 + 1);
    passages all;
    read_bytes(&all, markdown ? VS_DOC_MD : VS_DOC_TXT, "t", text, n, 1 + vs_rng_below(&rng, 5000), target, overlap);
    const char *broken = all.status != VS_OK ? all.err.msg
                         : all.sound         ? check(text, n, &all, target, overlap, markdown)
                                             : "sound";
    if (broken) ok(false, "seed %llu, size %u, overlap %u: %s", (unsigned long long)seed, target, overlap, broken);
    for (uint32_t i = 0; i < all.n; i++) {
      free(all.p[i].title);
      free(all.p[i].section);
      free(all.p[i].text);
      vs_wr_deinit(&all.p[i].fields);
    }
    free(all.p);
    if (all.a.n_live != 0) ok(false, "seed %llu leaks", (unsigned long long)seed);
  }
  ok(true, "400 random texts");

  vs_alloc a;
  vs_alloc_init(&a);
  vs_document *d;
  vs_err err;
  ok(vs_document_create(&a, VS_DOC_TXT, (vs_slice){NULL, 0}, &(vs_split_options){100, 51}, keep, NULL, &d, &err) ==
         VS_INVALID_ARGUMENT,
     "an overlap above half is refused: %s", err.msg);
  ok(vs_document_create(&a, VS_DOC_TXT, (vs_slice){NULL, 0}, &(vs_split_options){0, 0}, keep, NULL, &d, &err) ==
         VS_INVALID_ARGUMENT,
     "so is size 0: %s", err.msg);
  ok(a.n_live == 0, "without a trace");
  return tap_done();
}
