/* Random vocabularies, models and texts: tokens are those of a search through the whole vocabulary, vectors those of
 * plain sums in 64 bits, bit for bit; the largest sums do not overflow. */
#include "world.h"

#include <math.h>

#include "../../../src/embed/model.h"

enum { DIMENSION = 32, MAX_TOKENS = 24, VOCABULARY = 120, TEXT = 200 };

typedef struct {
  char spelling[VOCABULARY][8];
  const char *spellings[VOCABULARY];
  uint16_t weights[VOCABULARY];
  int8_t rows[VOCABULARY * DIMENSION];
  uint32_t n;
} model;

static bool is_there(const model *m, const char *spelling) {
  for (uint32_t i = 0; i < m->n; i++)
    if (strcmp(m->spelling[i], spelling) == 0) return true;
  return false;
}

static void make(model *m, vs_rng *rng) {
  m->n = 0;
  strcpy(m->spelling[m->n++], "[UNK]");
  strcpy(m->spelling[m->n++], ".");
  while (m->n < VOCABULARY) {
    char s[8];
    uint32_t n = 0, length = 1 + vs_rng_below(rng, 4);
    if (vs_rng_below(rng, 2)) s[n++] = '#', s[n++] = '#';
    while (length-- > 0) s[n++] = "abcd"[vs_rng_below(rng, 4)];
    s[n] = 0;
    if (!is_there(m, s)) strcpy(m->spelling[m->n++], s);
  }
  for (uint32_t i = 0; i < m->n; i++) {
    m->spellings[i] = m->spelling[i];
    m->weights[i] = (uint16_t)(vs_rng_below(rng, 4) ? vs_rng_below(rng, 32768) : 0);
  }
  for (uint32_t i = 0; i < m->n * DIMENSION; i++) m->rows[i] = (int8_t)(vs_rng_below(rng, 256) - 128);
}

/* The token whose spelling is the n characters, in front of a word or within; UINT32_MAX when there is none. */
static uint32_t look_up(const model *m, const char *p, size_t n, bool within) {
  for (uint32_t i = 0; i < m->n; i++) {
    const char *s = m->spelling[i];
    bool continues = s[0] == '#';
    if (continues) s += 2;
    if (continues == within && strlen(s) == n && memcmp(s, p, n) == 0) return i;
  }
  return UINT32_MAX;
}

static uint32_t cut_word(const model *m, const char *p, size_t n, uint32_t *tokens) {
  uint32_t n_tokens = 0;
  for (size_t at = 0; at < n;) {
    size_t length = n - at;
    uint32_t token;
    while ((token = look_up(m, p + at, length, at > 0)) == UINT32_MAX && length > 1) length--;
    if (token == UINT32_MAX) {
      tokens[0] = 0;
      return 1;
    }
    tokens[n_tokens++] = token;
    at += length;
  }
  return n_tokens;
}

static uint32_t naive_tokens(const model *m, const char *text, uint32_t *tokens) {
  uint32_t n = 0;
  for (const char *p = text; *p;) {
    size_t length = strcspn(p, " .");
    if (length == 0) length = 1;
    if (*p != ' ') n += cut_word(m, p, length, tokens + n);
    p += length;
  }
  return n < MAX_TOKENS ? n : MAX_TOKENS;
}

static void naive_vector(const model *m, const uint32_t *tokens, uint32_t n, float *out) {
  double squares = 0, sums[DIMENSION];
  for (uint32_t d = 0; d < DIMENSION; d++) {
    int64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) sum += (int64_t)m->weights[tokens[i]] * m->rows[tokens[i] * DIMENSION + d];
    sums[d] = (double)sum;
    squares = squares + sums[d] * sums[d];
  }
  for (uint32_t d = 0; d < DIMENSION; d++) out[d] = squares > 0 ? (float)(sums[d] / sqrt(squares)) : 0;
}

static unsigned one_model(vs_rng *rng, unsigned *n_zero) {
  static model m;
  size_t n_file;
  unsigned wrong = 0;
  vs_alloc alloc;
  vs_embedder *embedder;
  vs_err err;
  make(&m, rng);
  uint8_t *file = model_make(m.spellings, m.n, DIMENSION, MAX_TOKENS, m.weights, m.rows, &n_file);
  vs_alloc_init(&alloc);
  must(vs_embedder_open(&alloc, file, n_file, &embedder, &err) == VS_OK);
  for (int round = 0; round < 200; round++) {
    char text[TEXT + 1];
    uint32_t tokens[TEXT], n = vs_rng_below(rng, TEXT);
    float expected[DIMENSION], got[DIMENSION];
    for (uint32_t i = 0; i < n; i++) text[i] = "abcd  .e"[vs_rng_below(rng, vs_rng_below(rng, 9) ? 7 : 8)];
    text[n] = 0;
    uint32_t n_tokens = naive_tokens(&m, text, tokens);
    naive_vector(&m, tokens, n_tokens, expected);
    uint32_t counted = vs_embedder_embed(embedder, (const uint8_t *)text, n, got);
    wrong += counted != n_tokens || memcmp(expected, got, sizeof got) != 0;
    *n_zero += got[0] == 0 && got[1] == 0;
  }
  must(vs_embedder_dimension(embedder) == DIMENSION && strcmp(vs_embedder_name(embedder), "tiny-1") == 0);
  vs_embedder_close(embedder);
  must(alloc.used == 0);
  free(file);
  return wrong;
}

/* As many tokens as a model allows, each with the largest weight and component. */
static void largest_sums(int8_t component) {
  static const char *const SPELLINGS[] = {"a"};
  static const uint16_t WEIGHTS[] = {VS_MODEL_MAX_WEIGHT};
  int8_t row[16];
  float out[16];
  size_t n;
  vs_alloc alloc;
  vs_embedder *embedder;
  vs_err err;
  uint8_t text[2 * VS_MODEL_MAX_TOKENS + 2];
  memset(row, component, sizeof row);
  memset(text, ' ', sizeof text);
  for (size_t i = 0; i < sizeof text; i += 2) text[i] = 'a';
  uint8_t *file = model_make(SPELLINGS, 1, 16, VS_MODEL_MAX_TOKENS, WEIGHTS, row, &n);
  vs_alloc_init(&alloc);
  must(vs_embedder_open(&alloc, file, n, &embedder, &err) == VS_OK);
  uint32_t counted = vs_embedder_embed(embedder, text, sizeof text, out);
  ok(counted == VS_MODEL_MAX_TOKENS && out[0] == (component < 0 ? -0.25f : 0.25f) && out[15] == out[0],
     "%u times the component %d does not overflow", counted, component);
  vs_embedder_close(embedder);
  free(file);
}

int main(void) {
  uint64_t seed = 20261122;
  vs_rng rng = {seed};
  unsigned wrong = 0, n_zero = 0;
  for (int i = 0; i < 20; i++) wrong += one_model(&rng, &n_zero);
  if (!ok(wrong == 0 && n_zero > 0, "4,000 texts: the vectors of plain sums"))
    printf("# seed %llu\n", (unsigned long long)seed);
  largest_sums(127);
  largest_sums(-128);
  return tap_done();
}
