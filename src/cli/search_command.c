/* search_command.c - `vecstore search`: the passages nearest in meaning to a question. Layer: cli. */
#include <stdio.h>
#include <string.h>

#include "../base/value.h"
#include "commands.h"
#include "json.h"
#include "model.h"
#include "options.h"
#include "store.h"

enum { SNIPPET_CHARACTERS = 240, ID_CHARACTERS = 1024, DEFAULT_HITS = 10, MAX_HITS = 10000 };

typedef struct {
  vs_alloc a;
  cli_model model;
  cli_store store;
  vs_wr question;
  uint32_t k;
  bool json;
} searcher;

static vs_value read_value(const void *p, uint32_t n) {
  vs_rd r = vs_rd_of(p, n);
  return n > 0 ? vs_value_read(&r) : (vs_value){.tag = VS_VALUE_NULL};
}

/* A text, or the first of its named fields. */
static vs_slice plain_text(const vs_abi_record *record) {
  vs_value v = read_value(record->text, record->text_n);
  if (v.tag == VS_VALUE_OBJECT && v.count > 0) {
    vs_rd members = vs_rd_of(v.bytes.p, v.bytes.n);
    vs_rd_slice(&members);
    v = vs_value_read(&members);
  }
  return v.tag == VS_VALUE_STRING ? v.bytes : (vs_slice){(const uint8_t *)"", 0};
}

/* ============ For people ============ */

/* The beginning of the text on one line, control characters left out: they could talk to the terminal. */
static void print_line(vs_slice text, size_t most) {
  size_t characters = 0;
  bool space = false;
  for (size_t i = 0; i < text.n; i++) {
    uint8_t c = text.p[i];
    bool c1 = c == 0xc2 && i + 1 < text.n && text.p[i + 1] < 0xa0;
    if (c <= ' ' || c == 0x7f || c1) {
      space = characters > 0;
      i += c1;
      continue;
    }
    if ((c & 0xc0) != 0x80 && characters++ == most) {
      fputs("…", stdout);
      return;
    }
    if (space) putchar(' ');
    space = false;
    putchar(c);
  }
}

static void print_hit(uint32_t rank, float score, const vs_abi_record *record) {
  vs_value meta = read_value(record->meta, record->meta_n), title = {0}, section = {0};
  vs_slice id = {(const uint8_t *)record->id + 1, record->id_n - 1};
  printf("%u. %.3f  ", rank, (double)score);
  if (*(const char *)record->id == 's')
    print_line(id, ID_CHARACTERS);
  else
    printf("%llu", (unsigned long long)vs_load_u64(id.p));
  putchar('\n');
  if (meta.tag == VS_VALUE_OBJECT && vs_value_get(&meta, "title", &title) && title.tag == VS_VALUE_STRING) {
    fputs("   ", stdout);
    print_line(title.bytes, SNIPPET_CHARACTERS);
    if (vs_value_get(&meta, "section", &section) && section.tag == VS_VALUE_STRING &&
        !(section.bytes.n == title.bytes.n && memcmp(section.bytes.p, title.bytes.p, title.bytes.n) == 0)) {
      fputs(" | ", stdout);
      print_line(section.bytes, SNIPPET_CHARACTERS);
    }
    putchar('\n');
  }
  fputs("   ", stdout);
  print_line(plain_text(record), SNIPPET_CHARACTERS);
  fputs("\n\n", stdout);
}

/* ============ For programs ============ */

static void write_hit(vs_wr *w, float score, float distance, const vs_abi_record *record) {
  size_t mark = vs_value_object_begin(w);
  vs_value_key(w, "id");
  if (*(const char *)record->id == 's')
    vs_value_string(w, (const uint8_t *)record->id + 1, record->id_n - 1);
  else
    vs_value_int(w, (int64_t)vs_load_u64((const uint8_t *)record->id + 1));
  vs_value_key(w, "score");
  vs_value_f64(w, (double)score);
  vs_value_key(w, "distance");
  vs_value_f64(w, (double)distance);
  vs_value_key(w, "metadata");
  if (record->meta_n > 0)
    vs_wr_bytes(w, record->meta, record->meta_n);
  else
    vs_value_end(w, vs_value_object_begin(w), 0);
  vs_value_key(w, "text");
  if (record->text_n > 0)
    vs_wr_bytes(w, record->text, record->text_n);
  else
    vs_value_null(w);
  vs_value_end(w, mark, 5);
}

static bool print_hits(searcher *s, int32_t n) {
  vs_wr out;
  vs_wr_init(&out, &s->a);
  size_t mark = vs_value_array_begin(&out);
  for (int32_t i = 0; i < n; i++) {
    const uint8_t *hit = (const uint8_t *)vs_query_hits(s->store.db) + (size_t)i * VS_HIT_BYTES;
    float score, distance;
    memcpy(&score, hit + 4, sizeof score);
    memcpy(&distance, hit + 8, sizeof distance);
    const vs_abi_record *record = vs_record(s->store.db, vs_load_u32(hit));
    if (s->json)
      write_hit(&out, score, distance, record);
    else
      print_hit((uint32_t)i + 1, score, record);
  }
  vs_value_end(&out, mark, (uint32_t)n);
  bool printed = !s->json || (!out.failed && cli_json_print(out.p, out.n));
  if (!printed) fputs("vecstore: the results cannot be printed as JSON\n", stderr);
  if (!s->json && n == 0) puts("nothing found");
  vs_wr_deinit(&out);
  return printed;
}

static bool search(searcher *s) {
  uint32_t dim = vs_embedder_dimension(s->model.embedder);
  float *vector = vs_calloc(&s->a, dim, sizeof *vector);
  if (!vector || s->question.failed) {
    fputs("vecstore: no memory\n", stderr);
    vs_free(&s->a, vector);
    return false;
  }
  vs_embedder_embed(s->model.embedder, s->question.p, s->question.n, vector);
  int32_t n = vs_query(s->store.db, vector, dim, s->k, 0, 0, 1e300, -1e300, 0, NULL, 0);
  vs_free(&s->a, vector);
  if (n >= 0) return print_hits(s, n);
  cli_store_complain(&s->store);
  return false;
}

/* The store's vectors must be of this model; searching is no reason to say so of a store that does not know. */
static bool check_embedder(searcher *s) {
  const uint8_t *stats = vs_stats(s->store.db);
  const char *model = vs_embedder_name(s->model.embedder);
  vs_value all, embedder = {0}, name = {0};
  if (!stats) {
    cli_store_complain(&s->store);
    return false;
  }
  all = read_value(stats + 4, vs_load_u32(stats));
  if (!vs_value_get(&all, "embedder", &embedder) || embedder.tag != VS_VALUE_OBJECT ||
      !vs_value_get(&embedder, "name", &name) || name.tag != VS_VALUE_STRING) {
    fprintf(stderr, "vecstore: %s: the store has no embedder; its vectors cannot be compared with those of '%s'\n",
            s->store.path, model);
    return false;
  }
  if (name.bytes.n == strlen(model) && memcmp(name.bytes.p, model, name.bytes.n) == 0) return true;
  fprintf(stderr, "vecstore: %s: the store has embedder '%.*s', the model is '%s'\n", s->store.path, (int)name.bytes.n,
          (const char *)name.bytes.p, model);
  return false;
}

static bool with_model_and_store(searcher *s, const char *model, const char *path) {
  if (!cli_model_open(&s->model, &s->a, model)) return false;
  if (!cli_store_begin(&s->store, path)) return false;
  if (!cli_store_open(&s->store, CLI_STORE_EXISTING, NULL, 0)) {
    vs_db_free(s->store.db);
    return false;
  }
  bool found = check_embedder(s) && search(s);
  return cli_store_close(&s->store) && found;
}

int cli_run_search(int argc, char **argv) {
  searcher s = {.k = DEFAULT_HITS};
  const char *model = NULL, *k = NULL;
  const cli_option options[] = {{"-k", &k, NULL}, {"--model", &model, NULL}, {"--json", NULL, &s.json}};
  int n = cli_parse_options(argc, argv, options, sizeof options / sizeof options[0]);
  if (n < 0) return EXIT_USAGE;
  if (n < 2) {
    fputs("vecstore: search needs a store's path and a question\n", stderr);
    return EXIT_USAGE;
  }
  if (k && !cli_parse_number("-k", k, 1, MAX_HITS, &s.k)) return EXIT_USAGE;
  vs_alloc_init(&s.a);
  vs_wr_init(&s.question, &s.a);
  for (int i = 1; i < n; i++) {
    if (i > 1) vs_wr_u8(&s.question, ' ');
    vs_wr_bytes(&s.question, argv[i], strlen(argv[i]));
  }
  bool done = with_model_and_store(&s, model, argv[0]);
  vs_wr_deinit(&s.question);
  if (s.model.bytes) cli_model_close(&s.model);
  return done ? EXIT_DONE : EXIT_FAILED;
}
