/* Token numbers of tricky strings are those of the reference tokenizer, which tests/embed/tokens.tsv records
 * (models/static-en/distill/golden.py), cut at any maximum. */
#include "world.h"

#include "../../../src/embed/model.h"
#include "../../../src/embed/wordpiece.h"

#define MAX 512

static uint32_t from_hex(int c) { return (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10); }

/* Undoes the escapes up to the tab, in place; gives the number of bytes and what follows the tab. */
static size_t unescape(uint8_t *line, uint8_t **rest) {
  uint8_t *out = line, *in = line;
  while (*in != '\t') {
    must(*in != 0);
    if (*in == '\\') {
      *out++ = (uint8_t)(from_hex(in[2]) << 4 | from_hex(in[3]));
      in += 4;
    } else {
      *out++ = *in++;
    }
  }
  *rest = in + 1;
  return (size_t)(out - line);
}

static uint32_t numbers_of(uint8_t *text, uint32_t *numbers) {
  uint32_t n = 0;
  for (char *p = (char *)text, *end; n < MAX; p = end) {
    unsigned long value = strtoul(p, &end, 10);
    if (end == p) break;
    numbers[n++] = (uint32_t)value;
  }
  return n;
}

/* A block of the text's size, so that a byte read too far is noticed. */
static bool agrees(const vs_wordpiece *w, const uint8_t *text, size_t n, const uint32_t *expected, uint32_t n_expected,
                   uint32_t max) {
  uint32_t got[MAX];
  uint8_t *exact = malloc(n ? n : 1);
  must(exact != NULL);
  memcpy(exact, text, n);
  memset(got, 0xff, sizeof got);
  uint32_t n_got = vs_wordpiece_tokens(w, exact, n, got, max);
  free(exact);
  if (n_expected > max) n_expected = max;
  return n_got == n_expected && memcmp(got, expected, n_got * sizeof *got) == 0 &&
         (max == MAX || got[max] == UINT32_MAX);
}

int main(void) {
  size_t n_model, n_golden;
  uint8_t *bytes = read_file(SHIPPED_MODEL, &n_model), *golden = read_file("tests/embed/tokens.tsv", &n_golden);
  vs_alloc alloc;
  vs_model model;
  vs_wordpiece words;
  vs_err err;
  vs_alloc_init(&alloc);
  must(vs_model_decode(bytes, n_model, &model, &err) == VS_OK);
  must(vs_wordpiece_init(&words, &alloc, model.lengths, model.spellings, model.n_tokens, model.unknown, &err) == VS_OK);
  unsigned n_texts = 0, wrong = 0, wrong_cut = 0;
  uint32_t expected[MAX];
  for (uint8_t *line = golden, *end; (end = memchr(line, '\n', (size_t)(golden + n_golden - line))) != NULL;
       line = end + 1) {
    uint8_t *rest;
    *end = 0;
    size_t n = unescape(line, &rest);
    uint32_t n_expected = numbers_of(rest, expected);
    n_texts++;
    if (!agrees(&words, line, n, expected, n_expected, MAX)) {
      wrong++;
      printf("# text %u differs: %.*s\n", n_texts, (int)n, (const char *)line);
    }
    for (uint32_t max = 0; max < 12; max++) wrong_cut += !agrees(&words, line, n, expected, n_expected, max);
  }
  ok(n_texts >= 300 && wrong == 0, "%u texts: the reference's tokens", n_texts);
  ok(wrong_cut == 0, "cut at 0 to 11 tokens: the first of them");
  vs_wordpiece_deinit(&words);
  ok(alloc.used == 0, "nothing is left");
  free(bytes);
  free(golden);
  return tap_done();
}
