/* words_lose_their_endings.c - the languages of dist/lang.bin stem as published; no bytes in its place do harm.
 *
 * With two arguments, a file and a language, it stems the lines of its input instead: tests/quality/stemmers.test.mjs
 * compares with Debian's stemwords so.
 */
#include "../../../src/base/crc32c.h"
#include "../../../src/base/rng.h"
#include "../../../src/base/utf8.h"
#include "../../../src/text/analyze.h"
#include "../tap.h"

#define ROOM 266u

static vs_slice read_whole(const char *path) {
  FILE *f = fopen(path, "rb");
  must(f != NULL && fseek(f, 0, SEEK_END) == 0);
  long n = ftell(f);
  must(n > 0 && fseek(f, 0, SEEK_SET) == 0);
  uint8_t *p = malloc((size_t)n);
  must(p != NULL && fread(p, 1, (size_t)n, f) == (size_t)n);
  fclose(f);
  return (vs_slice){p, (size_t)n};
}

static vs_slice name_of(const char *name) { return (vs_slice){(const uint8_t *)name, strlen(name)}; }

static int stem_lines(const char *path, const char *language) {
  vs_slice file = read_whole(path);
  vs_alloc a;
  vs_lang lang;
  char line[4096];
  uint8_t word[ROOM];
  vs_alloc_init(&a);
  must(vs_lang_read(&lang, &a, file, name_of(language), NULL) == VS_OK);
  while (fgets(line, sizeof line, stdin)) {
    size_t n = strcspn(line, "\n");
    must(n <= ROOM);
    memcpy(word, line, n);
    uint32_t end = vs_lang_stem(&lang, word, (uint32_t)n, ROOM);
    fwrite(word, 1, end, stdout);
    putchar('\n');
  }
  vs_lang_deinit(&lang, &a);
  free((void *)(uintptr_t)file.p);
  return 0;
}

static void known_stems(vs_slice file) {
  static const char *const known[][3] = {
      {"german", "häuser", "haus"},
      {"german", "straße", "strass"},
      {"french", "continuellement", "continuel"},
      {"spanish", "chicharrones", "chicharron"},
      {"italian", "abbandonata", "abbandon"},
      {"portuguese", "quilométricas", "quilométr"},
      {"dutch", "lichamelijkheden", "licham"},
      {"swedish", "jaktkarlarne", "jaktkarl"},
      {"russian", "вавиловка", "вавиловк"},
      {"danish", "undersøgelser", "undersøg"},
      {"norwegian", "havnedistriktene", "havnedistrikt"},
      {"finnish", "edeltäjistään", "edeltäj"},
  };
  vs_alloc a;
  vs_alloc_init(&a);
  uint32_t wrong = 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    vs_lang lang;
    uint8_t word[ROOM];
    must(vs_lang_read(&lang, &a, file, name_of(known[i][0]), NULL) == VS_OK);
    uint32_t n = (uint32_t)strlen(known[i][1]);
    memcpy(word, known[i][1], n);
    n = vs_lang_stem(&lang, word, n, ROOM);
    if (n != strlen(known[i][2]) || memcmp(word, known[i][2], n) != 0) {
      printf("# %s: %s became %.*s\n", known[i][0], known[i][1], (int)n, (const char *)word);
      wrong++;
    }
    vs_lang_deinit(&lang, &a);
  }
  ok(wrong == 0, "known stems of each language");
}

static void damage(vs_slice file) {
  vs_alloc a;
  vs_lang lang;
  vs_alloc_init(&a);
  uint8_t *copy = malloc(file.n);
  must(copy != NULL);
  bool found = true;
  for (size_t i = 0; i < file.n; i += i < 300 ? 1 : 97) {
    memcpy(copy, file.p, file.n);
    copy[i] ^= 0x21;
    found = found && vs_lang_read(&lang, &a, (vs_slice){copy, file.n}, name_of("german"), NULL) != VS_OK;
  }
  ok(found, "a changed byte anywhere is found");
  bool cut = true;
  for (size_t n = 0; n < file.n; n += n < 300 ? 1 : 97)
    cut = cut && vs_lang_read(&lang, &a, (vs_slice){file.p, n}, name_of("german"), NULL) == VS_CORRUPT;
  ok(cut, "a file that is cut off is damaged");
  memcpy(copy, file.p, file.n);
  copy[4] = 2;
  ok(vs_lang_read(&lang, &a, (vs_slice){copy, file.n}, name_of("german"), NULL) == VS_UNSUPPORTED, "another version");
  ok(vs_lang_read(&lang, &a, file, name_of("klingon"), NULL) == VS_NOT_FOUND, "a language that is not in it");
  ok(vs_lang_read(&lang, &a, file, name_of("germ"), NULL) == VS_NOT_FOUND, "nor one whose name begins so");
  free(copy);
}

/* Programs that no compiler made, with a checksum that is right. */
static void other_programs(vs_slice file) {
  const uint64_t seed = 20261123;
  vs_rng r = {seed};
  vs_alloc a;
  vs_alloc_init(&a);
  uint8_t *copy = malloc(file.n);
  must(copy != NULL);
  bool fine = true;
  for (uint32_t round = 0; round < 1500 && fine; round++) {
    vs_lang lang;
    memcpy(copy, file.p, file.n);
    for (uint64_t n = 1 + vs_rng_below(&r, 200); n > 0; n--)
      copy[12 + vs_rng_below(&r, (uint32_t)file.n - 12)] = (uint8_t)vs_rng_below(&r, vs_rng_below(&r, 2) ? 256 : 32);
    uint32_t crc = vs_crc32c(0, copy + 12, file.n - 12);
    for (int i = 0; i < 4; i++) copy[8 + i] = (uint8_t)(crc >> 8 * i);
    if (vs_lang_read(&lang, &a, (vs_slice){copy, file.n}, name_of(round % 2 ? "german" : "french"), NULL) != VS_OK)
      continue;
    for (uint32_t i = 0; i < 5; i++) {
      uint8_t word[ROOM] = "amtsgerichtsentscheidungen";
      uint32_t n = vs_lang_stem(&lang, word, 26 - vs_rng_below(&r, 26), ROOM);
      fine = fine && n <= ROOM && vs_utf8_valid(word, n);
    }
    vs_lang_deinit(&lang, &a);
  }
  ok(fine, "other programs end within the word (seed %llu)", (unsigned long long)seed);
  free(copy);
}

static void analyzer_needs_it(vs_slice file) {
  vs_alloc a;
  vs_analyzer german;
  vs_wr w;
  vs_err err = {0};
  vs_alloc_init(&a);
  vs_wr_init(&w, &a);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, "stemmer");
  vs_value_cstring(&w, "german");
  vs_value_key(&w, "stopwords");
  vs_value_cstring(&w, "german");
  vs_value_end(&w, mark, 2);
  vs_rd r = vs_rd_of(w.p, w.n);
  vs_value options = vs_value_read(&r);
  vs_analyzer_init(&german, &a);
  must(vs_analyzer_configure(&german, &options, &err) == VS_OK);
  ok(vs_analyzer_lacks(&german) && strcmp(vs_analyzer_lacks(&german), "german") == 0, "german is lacking");
  ok(vs_analyzer_learn(&german, (vs_slice){file.p, 40}, &err) == VS_CORRUPT && vs_analyzer_lacks(&german), "still is");
  uint32_t refused = 0;
  for (uint64_t at = 1; vs_analyzer_lacks(&german) && at < 1000; at++) {
    a.fail_at = a.n_calls + at;
    refused += vs_analyzer_learn(&german, file, &err) == VS_OUT_OF_MEMORY;
  }
  a.fail_at = 0;
  ok(refused > 0 && !vs_analyzer_lacks(&german), "refused memory %u times, then there", (unsigned)refused);
  static const char text[] = "Die Häuser und der Straße";
  vs_tokens t;
  vs_token token;
  vs_tokens_begin(&t, &german, (vs_slice){(const uint8_t *)text, sizeof text - 1});
  ok(vs_tokens_next(&t, &token) && token.n == 4 && memcmp(token.p, "haus", 4) == 0 && token.start == 4,
     "stop words go");
  ok(vs_tokens_next(&t, &token) && token.n == 6 && memcmp(token.p, "strass", 6) == 0 && !vs_tokens_next(&t, &token),
     "and places are those of the text");
  vs_analyzer_deinit(&german);
  vs_wr_deinit(&w);
}

int main(int argc, char **argv) {
  if (argc == 3) return stem_lines(argv[1], argv[2]);
  vs_slice file = read_whole("dist/lang.bin");
  known_stems(file);
  damage(file);
  other_programs(file);
  analyzer_needs_it(file);
  free((void *)(uintptr_t)file.p);
  return tap_done();
}
