/* words_break_as_unicode_says.c - segments end where Unicode's own test says; tokens of scripts without spaces are
 * pairs.
 *
 * WordBreakTest.txt is in Debian's package unicode-data; without it that part is left out.
 */
#include "../../../src/text/analyze.h"
#include "../tap.h"

#define TEST_FILE "/usr/share/unicode/auxiliary/WordBreakTest.txt"

/* One line: boundaries (divided) or none (times) between code points in hex. */
static bool check_line(const char *line) {
  uint8_t text[256];
  size_t n = 0, end = 0;
  bool boundary[256] = {false};
  for (const char *at = line; *at && *at != '#';) {
    if (memcmp(at, "\xc3\xb7", 2) == 0) {
      boundary[n] = true;
      at += 2;
    } else if (memcmp(at, "\xc3\x97", 2) == 0) {
      at += 2;
    } else if (*at == ' ' || *at == '\t') {
      at++;
    } else {
      char *behind;
      uint32_t code = (uint32_t)strtoul(at, &behind, 16);
      must(behind != at);
      n += vs_utf8_put(text + n, code);
      at = behind;
    }
  }
  vs_segmenter s = vs_segmenter_of((vs_slice){text, n});
  bool fine = true;
  for (size_t from = 0; from < n; from = end) {
    vs_segment_kind kind;
    end = vs_segment_end(&s, from, &kind);
    fine = fine && boundary[end];
    for (size_t i = from + 1; i < end; i++) fine = fine && !boundary[i];
  }
  if (!fine) printf("# %s", line);
  return fine;
}

static void unicode_test(void) {
  FILE *f = fopen(TEST_FILE, "r");
  if (!f) {
    ok(true, "# SKIP the package unicode-data is not installed");
    return;
  }
  char line[4096];
  uint32_t n = 0, wrong = 0;
  while (fgets(line, sizeof line, f)) {
    if (line[0] == '#' || line[0] == '\n') continue;
    n++;
    wrong += !check_line(line);
  }
  fclose(f);
  ok(n > 1000 && wrong == 0, "all %u lines of WordBreakTest, %u wrong", (unsigned)n, (unsigned)wrong);
}

/* The tokens of a text, a bar between them. */
static bool tokens_are(const vs_analyzer *a, const char *text, const char *want) {
  char out[512];
  size_t n = 0;
  vs_tokens tokens;
  vs_token token;
  vs_tokens_begin(&tokens, a, (vs_slice){(const uint8_t *)text, strlen(text)});
  while (vs_tokens_next(&tokens, &token)) {
    must(token.start < token.end && token.end <= strlen(text));
    n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s", n ? "|" : "", (int)token.n, (const char *)token.p);
  }
  out[n] = 0;
  if (strcmp(out, want) != 0) printf("# '%s' gives '%s'\n", text, out);
  return strcmp(out, want) == 0;
}

static void configure(vs_analyzer *a, vs_alloc *alloc, const char *tokenizer, const char *stemmer, const char *stops) {
  vs_wr w;
  vs_err err;
  vs_wr_init(&w, alloc);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "tokenizer");
  vs_value_cstring(&w, tokenizer);
  vs_value_key(&w, "stemmer");
  vs_value_cstring(&w, stemmer);
  vs_value_key(&w, "stopwords");
  vs_value_cstring(&w, stops);
  vs_value_end(&w, mark, 3);
  vs_rd r = vs_rd_of(w.p, w.n);
  vs_value options = vs_value_read(&r);
  vs_analyzer_init(a, alloc);
  must(vs_analyzer_configure(a, &options, &err) == VS_OK);
  vs_wr_deinit(&w);
}

static void tokenizers(void) {
  vs_alloc alloc;
  vs_analyzer a;
  vs_alloc_init(&alloc);
  configure(&a, &alloc, "standard", "none", "none");
  ok(tokens_are(&a, "The O'Neill's 3.14 e-mail\xe2\x80\x94snake_case!", "the|o'neill's|3.14|e|mail|snake_case"),
     "words, numbers, apostrophes, underscores");
  ok(tokens_are(&a, "\xe4\xb8\xad\xe5\x9b\xbd\xe4\xba\xba", "\xe4\xb8\xad\xe5\x9b\xbd|\xe5\x9b\xbd\xe4\xba\xba"),
     "ideographs come in pairs");
  ok(tokens_are(&a, "a\xe4\xb8\xad b", "a|\xe4\xb8\xad|b"), "one alone stays alone");
  ok(tokens_are(&a, "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\x91 \xef\xac\x81x \xce\xa3\xce\x91\xce\xa3",
                "ab1|fix|\xcf\x83\xce\xb1\xcf\x83"),
     "full width, ligatures and Greek case are folded");
  ok(tokens_are(&a, "CO\xe2\x82\x82", "co\xe2\x82\x82"), "subscripts belong to words");
  vs_analyzer_deinit(&a);
  configure(&a, &alloc, "standard", "english", "lucene");
  ok(tokens_are(&a, "The dog's running, and it is happily relational", "dog|run|happili|relat"),
     "stop words and possessives go, stems stay");
  vs_analyzer_deinit(&a);
  configure(&a, &alloc, "simple", "none", "none");
  ok(tokens_are(&a, "foo-bar_baz 1.5 x\xc3\xa9", "foo|bar|baz|1|5|x\xc3\xa9"),
     "simple splits at spaces and punctuation");
  vs_analyzer_deinit(&a);
  configure(&a, &alloc, "whitespace", "none", "none");
  ok(tokens_are(&a, "foo-bar  Baz.\n(x)", "foo-bar|baz.|(x)"), "whitespace splits at spaces");
  vs_analyzer_deinit(&a);
  configure(&a, &alloc, "letter", "none", "none");
  ok(tokens_are(&a, "abc123def x'y", "abc|def|x|y"), "letter keeps runs of letters");
  vs_analyzer_deinit(&a);
  configure(&a, &alloc, "keyword", "none", "none");
  ok(tokens_are(&a, "New York, NY", "new york, ny") && tokens_are(&a, "", ""), "keyword keeps the whole text");
  vs_analyzer_deinit(&a);
  must(alloc.n_live == 0);
}

/* Garbage is taken apart without harm, and every term fits. */
static void garbage(void) {
  vs_alloc alloc;
  vs_analyzer a;
  vs_alloc_init(&alloc);
  configure(&a, &alloc, "standard", "english", "lucene");
  uint32_t state = 1, longest = 0;
  for (uint32_t round = 0; round < 2000; round++) {
    uint8_t text[400];
    vs_tokens tokens;
    vs_token token;
    for (uint32_t i = 0; i < sizeof text; i++) {
      state = state * 1664525u + 1013904223u;
      text[i] = (uint8_t)(round % 2 ? state >> 24 : 'a' + (state >> 24) % 3);
    }
    vs_tokens_begin(&tokens, &a, (vs_slice){text, sizeof text});
    while (vs_tokens_next(&tokens, &token))
      if (token.n > longest) longest = token.n;
  }
  ok(longest <= VS_TERM_BYTES, "no term is longer than %u bytes: %u", VS_TERM_BYTES, (unsigned)longest);
  vs_analyzer_deinit(&a);
  must(alloc.n_live == 0);
}

int main(void) {
  unicode_test();
  tokenizers();
  garbage();
  return tap_done();
}
