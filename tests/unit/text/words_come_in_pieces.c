/* words_come_in_pieces.c - identifiers are found whole and in parts, words by the pieces they are made of; the places
 * of all tokenizers' tokens are places of the text.
 */
#include "../../../src/base/rng.h"
#include "../../../src/text/analyze.h"
#include "../tap.h"

static void configure(vs_analyzer *a, vs_alloc *alloc, const char *tokenizer, int64_t least, int64_t most) {
  vs_wr w;
  vs_err err = {0};
  vs_wr_init(&w, alloc);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "tokenizer");
  vs_value_cstring(&w, tokenizer);
  vs_value_key(&w, "stemmer");
  vs_value_cstring(&w, "none");
  vs_value_key(&w, "stopwords");
  vs_value_cstring(&w, "none");
  vs_value_key(&w, "ngram");
  size_t pair = vs_value_array_begin(&w);
  vs_value_int(&w, least);
  vs_value_int(&w, most);
  vs_value_end(&w, pair, 2);
  vs_value_end(&w, mark, 4);
  vs_rd r = vs_rd_of(w.p, w.n);
  vs_value options = vs_value_read(&r);
  vs_analyzer_init(a, alloc);
  must(vs_analyzer_configure(a, &options, &err) == VS_OK);
  vs_wr_deinit(&w);
}

/* Each token as term@position:start-end. */
static bool tokens_are(const vs_analyzer *a, bool asks, const char *text, const char *want) {
  char found[1024];
  int n = 0;
  vs_tokens t;
  vs_token token;
  found[0] = 0;
  vs_tokens_begin(&t, a, (vs_slice){(const uint8_t *)text, strlen(text)});
  t.asks = asks;
  while (vs_tokens_next(&t, &token))
    n += snprintf(found + n, sizeof found - (size_t)n, "%s%.*s@%u:%u-%u", n ? " " : "", (int)token.n,
                  (const char *)token.p, (unsigned)token.position, (unsigned)token.start, (unsigned)token.end);
  if (strcmp(found, want) != 0) printf("# \"%s\" gives %s\n", text, found);
  return strcmp(found, want) == 0;
}

static void identifiers(vs_alloc *alloc) {
  vs_analyzer a;
  configure(&a, alloc, "code", 2, 3);
  ok(tokens_are(&a, false, "getUserName(id)", "getusername@0:0-11 get@0:0-3 user@1:3-7 name@2:7-11 id@3:12-14"),
     "camelCase");
  ok(tokens_are(&a, false, "_max_size__2 x_", "max_size__2@0:1-12 max@0:1-4 size@1:5-9 2@2:11-12 x@3:13-14"),
     "snake_case, digits, joints at the ends");
  ok(tokens_are(&a, false, "HTTPServer utf8 XMLID",
                "httpserver@0:0-10 http@0:0-4 server@1:4-10 utf8@2:11-15 utf@2:11-14 8@3:14-15 xmlid@4:16-21"),
     "runs of capitals");
  ok(tokens_are(&a, true, "getUserName get_user", "get@0:0-3 user@1:3-7 name@2:7-11 get@3:12-15 user@4:16-20"),
     "a query's are their parts");
  ok(tokens_are(&a, false, "größeÄndern", "größeändern@0:0-14 größe@0:0-7 ändern@1:7-14"), "letters beyond ASCII");
  vs_analyzer_deinit(&a);
}

static void pieces(vs_alloc *alloc) {
  vs_analyzer a;
  configure(&a, alloc, "ngram", 2, 3);
  ok(tokens_are(&a, false, "Abcd", "ab@0:0-2 abc@0:0-3 bc@1:1-3 bcd@1:1-4 cd@2:2-4"), "from least to most");
  ok(tokens_are(&a, false, "a bc", "a@0:0-1 bc@2:2-4"), "a short word is one; words keep apart");
  ok(tokens_are(&a, true, "abcd xy", "abc@0:0-3 bcd@1:1-4 xy@3:5-7"), "a query takes the longest");
  ok(tokens_are(&a, false, "\xc3\xa4o\xcc\x88u", "\xc3\xa4o\xcc\x88@0:0-5 \xc3\xa4o\xcc\x88u@0:0-6 o\xcc\x88u@1:2-6"),
     "marks stay with their letters");
  vs_analyzer_deinit(&a);
  configure(&a, alloc, "ngram", 3, 3);
  ok(tokens_are(&a, false, "abcd", "abc@0:0-3 bcd@1:1-4"), "of one length");
  vs_analyzer_deinit(&a);
}

static void wrong_options(vs_alloc *alloc) {
  static const int64_t wrong[][2] = {{0, 2}, {3, 2}, {1, 17}, {-1, 1}};
  uint32_t refused = 0;
  for (size_t i = 0; i < 4; i++) {
    vs_wr w;
    vs_analyzer a;
    vs_wr_init(&w, alloc);
    size_t mark = vs_value_object_begin(&w);
    vs_value_key(&w, "ngram");
    size_t pair = vs_value_array_begin(&w);
    vs_value_int(&w, wrong[i][0]);
    vs_value_int(&w, wrong[i][1]);
    vs_value_end(&w, pair, 2);
    vs_value_end(&w, mark, 1);
    vs_rd r = vs_rd_of(w.p, w.n);
    vs_value options = vs_value_read(&r);
    vs_analyzer_init(&a, alloc);
    refused += vs_analyzer_configure(&a, &options, NULL) == VS_INVALID_ARGUMENT;
    vs_analyzer_deinit(&a);
    vs_wr_deinit(&w);
  }
  ok(refused == 4, "wrong lengths are refused");
}

/* Any text, whatever is in it. */
static void any_text(vs_alloc *alloc) {
  static const char *const names[] = {"standard", "simple", "whitespace", "letter", "keyword", "code", "ngram"};
  static const uint32_t codes[] = {'a',    'B',    '_',     ' ',   '1',    0xdf, 0x301, 0x200d,
                                   0x4e2d, 0x3042, 0x1f600, 0x130, 0xfb03, '\'', 's',   0xac00};
  const uint64_t seed = 7;
  vs_rng r = {seed};
  bool fine = true;
  for (uint32_t which = 0; which < 7; which++) {
    vs_analyzer a;
    configure(&a, alloc, names[which], 1 + which % 3, 4);
    for (uint32_t round = 0; round < 3000 && fine; round++) {
      uint8_t text[160];
      uint32_t n = 0, many = vs_rng_below(&r, 30), before = 0;
      for (uint32_t i = 0; i < many; i++) n += vs_utf8_put(text + n, codes[vs_rng_below(&r, 16)]);
      if (n > 0 && vs_rng_below(&r, 8) == 0) text[vs_rng_below(&r, n)] = (uint8_t)vs_rng_below(&r, 256);
      uint8_t *own = malloc(n ? n : 1);
      must(own != NULL);
      if (n > 0) memcpy(own, text, n);
      vs_tokens t;
      vs_token token;
      vs_tokens_begin(&t, &a, (vs_slice){own, n});
      t.asks = round & 1;
      for (uint32_t i = 0; vs_tokens_next(&t, &token) && fine; i++) {
        fine = token.start < token.end && token.end <= n && token.n > 0 && token.n <= VS_TERM_BYTES && i < 1000;
        fine = fine && (i == 0 || (token.position >= before && token.position <= before + many + 2));
        before = token.position;
      }
      free(own);
    }
    vs_analyzer_deinit(&a);
  }
  ok(fine, "tokens of any text lie within it, in order (seed %u)", (unsigned)seed);
}

int main(void) {
  vs_alloc alloc;
  vs_alloc_init(&alloc);
  identifiers(&alloc);
  pieces(&alloc);
  wrong_options(&alloc);
  any_text(&alloc);
  ok(alloc.used == 0, "all memory is given back");
  return tap_done();
}
