/* Settings, records and the catalog, each well-formed as bytes and wrong in one member, field or length:
 * decoding says what is wrong with it, and takes what is right. */
#include "../../../src/base/crc32c.h"
#include "../../../src/db/catalog.h"
#include "../../../src/db/config.h"
#include "client.h"

/* ============ Settings ============ */

typedef enum { AS_IS, ABSENT, AS_NULL, NEGATIVE, HUGE, NONSENSE, TRUE_VALUE, N_WAYS } way;
static const char *const way_names[] = {"as it is", "absent", "null", "-1", "2^60", "\"nonsense\"", "true"};

typedef struct {
  const char *key, *text; /* text NULL: a number */
  int64_t number;
} member;
static const member members[] = {
    {"version", NULL, 3},      {"dimension", NULL, 8}, {"metric", "cosine", 0},
    {"indexType", "auto", 0},  {"M", NULL, 16},        {"efConstruction", NULL, 200},
    {"efSearch", NULL, 50},    {"seed", NULL, 1},      {"quantization", "auto", 0},
    {"layout", "standard", 0}, {"nextSeq", NULL, 7},   {"nextRev", NULL, 9},
    {"nSlots", NULL, 10},      {"nLive", NULL, 5},
};
#define N_MEMBERS (sizeof members / sizeof *members)

static uint32_t write_member(vs_wr *w, const member *m, way how) {
  if (how == ABSENT) return 0;
  vs_value_key(w, m->key);
  switch (how) {
  case AS_NULL: vs_value_null(w); break;
  case NEGATIVE: vs_value_int(w, -1); break;
  case HUGE: vs_value_int(w, (int64_t)1 << 60); break;
  case NONSENSE: vs_value_cstring(w, "nonsense"); break;
  case TRUE_VALUE: vs_value_bool(w, true); break;
  default:
    if (m->text)
      vs_value_cstring(w, m->text);
    else
      vs_value_int(w, m->number);
  }
  return 1;
}

/* The settings with member `which` written in some way. */
static void write_settings(vs_wr *w, uint32_t which, way how) {
  size_t mark = vs_value_object_begin(w);
  uint32_t n = 0;
  for (uint32_t i = 0; i < N_MEMBERS; i++) n += write_member(w, &members[i], i == which ? how : AS_IS);
  vs_value_end(w, mark, n);
}

/* What config.h says about it. */
static vs_status expected(const member *m, way how) {
  bool version = strcmp(m->key, "version") == 0, counter = strncmp(m->key, "n", 1) == 0;
  if (how == AS_IS) return VS_OK;
  if (version) return VS_VERSION;
  if (how == ABSENT) return counter ? VS_CORRUPT : VS_OK;
  if (how == AS_NULL) return counter || m->text ? VS_CORRUPT : VS_OK;
  if (how == HUGE && (strcmp(m->key, "nextSeq") == 0 || strcmp(m->key, "nextRev") == 0)) return VS_OK;
  return VS_CORRUPT;
}

static void saved_settings(vs_alloc *a) {
  uint32_t n_wrong = 0;
  vs_config_saved saved;
  for (uint32_t i = 0; i < N_MEMBERS; i++)
    for (way how = AS_IS; how < N_WAYS; how++) {
      vs_wr w;
      vs_err err;
      vs_wr_init(&w, a);
      write_settings(&w, i, how);
      vs_status status = vs_config_decode((vs_slice){w.p, w.n}, &saved, &err);
      if (status != expected(&members[i], how)) {
        printf("# %s %s: %s\n", members[i].key, way_names[how], vs_status_name(status));
        n_wrong++;
      }
      if (i == 0 && how == AS_IS) {
        ok(saved.config.dim == 8 && saved.n_slots == 10 && saved.n_live == 5 && saved.next_seq == 7,
           "settings as saved");
        for (size_t n = 0; n < w.n; n++) n_wrong += vs_config_decode((vs_slice){w.p, n}, &saved, NULL) == VS_OK;
      }
      vs_wr_deinit(&w);
    }
  ok(n_wrong == 0, "each member, wrong in each way, and each length: %u wrong answers", n_wrong);
  uint8_t array[16];
  vs_wr w;
  vs_wr_init(&w, a);
  vs_value_end(&w, vs_value_array_begin(&w), 0);
  memcpy(array, w.p, w.n);
  ok(vs_config_decode((vs_slice){array, w.n}, &saved, NULL) == VS_CORRUPT, "an array is no settings");
  vs_wr_deinit(&w);
}

/* One option, or two. */
static vs_status request(vs_alloc *a, const char *key, const char *text, size_t text_n, int64_t number,
                         const char *key2, int64_t number2, vs_config_request *out) {
  vs_wr w;
  vs_wr_init(&w, a);
  size_t mark = vs_value_object_begin(&w);
  vs_value_key(&w, key);
  if (text)
    vs_value_string(&w, text, text_n);
  else
    vs_value_int(&w, number);
  if (key2) {
    vs_value_key(&w, key2);
    vs_value_int(&w, number2);
  }
  vs_value_end(&w, mark, key2 ? 2 : 1);
  vs_rd r = vs_rd_of(w.p, w.n);
  vs_value options = vs_value_read(&r);
  vs_status status = vs_config_request_read(&options, out, NULL);
  vs_wr_deinit(&w);
  return status;
}

static vs_status text_option(vs_alloc *a, const char *key, const char *text, vs_config_request *out) {
  return request(a, key, text, strlen(text), 0, NULL, 0, out);
}

static vs_status number_option(vs_alloc *a, const char *key, int64_t number, vs_config_request *out) {
  return request(a, key, NULL, 0, number, NULL, 0, out);
}

static vs_config_request defaults(vs_alloc *a) {
  vs_config_request r;
  must(number_option(a, "efSearch", 50, &r) == VS_OK);
  r.has_ef_search = false;
  r.value.dim = 8;
  return r;
}

static void options(vs_alloc *a) {
  vs_config_request r;
  char long_name[VS_EMBEDDER_BYTES + 1];
  memset(long_name, 'x', sizeof long_name);
  ok(text_option(a, "embedder", "e5", &r) == VS_OK && r.has_embedder && strcmp(r.value.embedder, "e5") == 0,
     "embedder");
  ok(text_option(a, "embedder", "", &r) == VS_INVALID_ARGUMENT, "without a name");
  ok(request(a, "embedder", "a\0b", 3, 0, NULL, 0, &r) == VS_INVALID_ARGUMENT, "with a NUL in it");
  ok(request(a, "embedder", long_name, VS_EMBEDDER_BYTES - 1, 0, NULL, 0, &r) == VS_OK, "the longest name");
  ok(request(a, "embedder", long_name, VS_EMBEDDER_BYTES, 0, NULL, 0, &r) == VS_INVALID_ARGUMENT, "one byte more");
  ok(number_option(a, "embedder", 1, &r) == VS_INVALID_ARGUMENT, "a number is no name");
  ok(number_option(a, "M", 2, &r) == VS_OK && r.value.index.ef_construction >= 2, "the least M");
  ok(number_option(a, "M", 1, &r) == VS_INVALID_ARGUMENT && number_option(a, "M", 129, &r) == VS_INVALID_ARGUMENT,
     "beyond");
  ok(request(a, "M", NULL, 0, 64, "efConstruction", 64, &r) == VS_OK, "efConstruction as large as M");
  ok(request(a, "M", NULL, 0, 64, "efConstruction", 63, &r) == VS_INVALID_ARGUMENT, "below M");
  for (uint32_t kind = 0; kind < 3; kind++)
    ok(text_option(a, "quantization", vs_quantization_name((vs_quantization)kind), &r) == VS_OK &&
           r.value.index.quantization == (vs_quantization)kind,
       "quantization %u by name", kind);
}

/* A change to the request that clashes with a store of the defaults; the status it gets. */
static void merging(vs_alloc *a) {
  vs_config_request base = defaults(a), r;
  vs_coll_config saved = base.value;
#define MERGE(change, want, what)                                                                                      \
  do {                                                                                                                 \
    r = base;                                                                                                          \
    saved = base.value;                                                                                                \
    change;                                                                                                            \
    ok(vs_config_merge(&saved, &r, NULL) == (want), what);                                                             \
  } while (0)
  MERGE((void)0, VS_OK, "nothing asked for");
  MERGE((r.has_dim = true, r.value.dim = 9), VS_INVALID_ARGUMENT, "another dimension");
  MERGE((r.has_dim = true, saved.dim = VS_DIM_UNSET), VS_OK, "the first dimension");
  ok(saved.dim == 8, "is taken");
  MERGE((r.has_metric = true, r.value.index.metric = VS_DOT), VS_INVALID_ARGUMENT, "another metric");
  MERGE((r.has_type = true, r.value.index.type = VS_INDEX_FLAT), VS_INVALID_ARGUMENT, "flat in place of a graph");
  MERGE((r.has_type = true, saved.index.type = VS_INDEX_FLAT), VS_INVALID_ARGUMENT, "a graph in place of flat");
  MERGE((r.has_type = true, r.value.index.type = VS_INDEX_HNSW), VS_OK, "a graph always walked");
  ok(saved.index.type == VS_INDEX_HNSW, "is taken");
  MERGE((r.has_M = true, r.value.index.M = 17), VS_INVALID_ARGUMENT, "another M");
  MERGE((r.has_ef_construction = true, r.value.index.ef_construction = 201), VS_INVALID_ARGUMENT,
        "another efConstruction");
  MERGE((r.has_ef_search = true, r.value.ef_search = 99), VS_OK, "another efSearch");
  ok(saved.ef_search == 99, "is taken");
  MERGE((r.has_embedder = true, strcpy(r.value.embedder, "e5")), VS_OK, "the first embedder");
  ok(strcmp(saved.embedder, "e5") == 0, "is taken");
  MERGE((r.has_embedder = true, strcpy(r.value.embedder, "e5"), strcpy(saved.embedder, "e6")), VS_INVALID_ARGUMENT,
        "another embedder");
  MERGE((r.has_quantization = true, r.value.index.quantization = VS_QUANTIZE_INT8), VS_OK, "codes");
  MERGE((r.has_quantization = true, r.value.index.quantization = VS_QUANTIZE_INT8, saved.index.metric = VS_MANHATTAN),
        VS_UNSUPPORTED, "codes for a metric without");
  MERGE((r.has_layout = true, r.value.index.layout = VS_LAYOUT_TURBO), VS_OK, "turbo");
  MERGE((r.has_layout = true, r.value.index.layout = VS_LAYOUT_TURBO, saved.index.metric = VS_MANHATTAN),
        VS_UNSUPPORTED, "turbo for a metric without codes");
  MERGE((r.has_layout = true, r.value.index.layout = VS_LAYOUT_TURBO, saved.dim = VS_LAYOUT_TURBO_MAX_DIMENSION + 1),
        VS_UNSUPPORTED, "turbo for too many dimensions");
  MERGE((r.has_layout = true, r.value.index.layout = VS_LAYOUT_TURBO, saved.dim = VS_DIM_UNSET), VS_OK,
        "turbo before the dimension is known");
#undef MERGE
}

/* ============ Records ============ */

static void put_value(vs_wr *w, vs_slice *out, uint8_t tag, uint32_t n_members, bool strings) {
  size_t from = w->n;
  if (tag == VS_VALUE_OBJECT) {
    size_t mark = vs_value_object_begin(w);
    for (uint32_t i = 0; i < n_members; i++) {
      vs_value_key(w, i == 0 ? "a" : "b");
      if (strings || i == 0)
        vs_value_cstring(w, "text");
      else
        vs_value_int(w, 1);
    }
    vs_value_end(w, mark, n_members);
  } else if (tag == VS_VALUE_STRING) {
    vs_value_cstring(w, "text");
  } else {
    vs_value_int(w, 5);
  }
  *out = (vs_slice){w->p + from, w->n - from};
}

/* A whole encoded record of these parts, `extra` bytes behind it. */
static vs_status decode_record(vs_slice id, vs_slice meta, vs_slice text, uint32_t at, uint32_t with, size_t extra,
                               int64_t cut) {
  static uint8_t bytes[4096];
  vs_record_view view;
  vs_body head = {.seq = 1, .rev = 2, .slot = 3, .version = 1};
  head.id_n = (uint32_t)id.n, head.meta_n = (uint32_t)meta.n, head.text_n = (uint32_t)text.n;
  vs_record_encode_header(&head, 2, bytes);
  uint8_t *p = bytes + VS_RECORD_HEADER_BYTES;
  const vs_slice parts[3] = {id, meta, text};
  for (uint32_t i = 0; i < 3; i++) {
    if (parts[i].n) memcpy(p, parts[i].p, parts[i].n);
    p += parts[i].n;
  }
  memset(p, 0, 8 + extra);
  p += 8 + extra;
  if (at != UINT32_MAX) vs_store_u32(bytes + at, with);
  size_t n = (size_t)(p - bytes);
  uint8_t *exact = malloc(n);
  must(exact != NULL);
  memcpy(exact, bytes, n);
  vs_status status = vs_record_decode((vs_slice){exact, cut >= 0 ? (size_t)cut : n}, &view);
  free(exact);
  return status;
}

static void records(vs_alloc *a) {
  static const vs_slice none = {NULL, 0}, id = {(const uint8_t *)"sab", 3};
  const uint32_t nowhere = UINT32_MAX;
  uint32_t n_wrong = 0;
  vs_wr w;
  vs_slice meta, text, number, mixed, named;
  vs_wr_init(&w, a);
  must(vs_wr_space(&w, 1024) != NULL);
  vs_wr_reset(&w); /* room, so that the slices stay where they are */
  put_value(&w, &meta, VS_VALUE_OBJECT, 2, false);
  put_value(&w, &text, VS_VALUE_STRING, 0, false);
  put_value(&w, &number, VS_VALUE_INT, 0, false);
  put_value(&w, &mixed, VS_VALUE_OBJECT, 2, false);
  put_value(&w, &named, VS_VALUE_OBJECT, 2, true);
  ok(decode_record(id, meta, text, nowhere, 0, 0, -1) == VS_OK, "a record");
  ok(decode_record(id, none, none, nowhere, 0, 0, -1) == VS_OK, "without metadata and text");
  ok(decode_record(id, none, named, nowhere, 0, 0, -1) == VS_OK, "with named texts");
  size_t whole = VS_RECORD_HEADER_BYTES + id.n + meta.n + text.n + 8;
  for (size_t n = 0; n < whole; n++) n_wrong += decode_record(id, meta, text, nowhere, 0, 0, (int64_t)n) != VS_CORRUPT;
  ok(n_wrong == 0, "every shorter length is refused");
  ok(decode_record(id, meta, text, nowhere, 0, 1, -1) == VS_CORRUPT, "and a byte more");
  static const struct {
    uint32_t at, with;
    const char *what;
  } fields[] = {{0, VS_MAX_SLOTS, "a slot beyond all"},
                {8, 0, "sequence 0"},
                {16, 0, "revision 0"},
                {48, 1, "an unknown flag"},
                {52, 1u << 30, "2^30 floats"},
                {56, UINT32_MAX, "a long id"},
                {60, UINT32_MAX, "long metadata"},
                {64, UINT32_MAX, "a long text"}};
  for (uint32_t i = 0; i < sizeof fields / sizeof *fields; i++)
    ok(decode_record(id, meta, text, fields[i].at, fields[i].with, 0, -1) == VS_CORRUPT, "%s", fields[i].what);
  static const vs_slice ids[] = {{(const uint8_t *)"", 0},
                                 {(const uint8_t *)"s", 1},
                                 {(const uint8_t *)"x1", 2},
                                 {(const uint8_t *)"s\xff", 2},
                                 {(const uint8_t *)"i\1\0\0\0\0\0\0", 8},
                                 {(const uint8_t *)"i\0\0\0\0\0\0\x20\0", 9},
                                 {(const uint8_t *)"i\1\0\0\0\0\0\0\0\0", 10}};
  for (uint32_t i = 0; i < sizeof ids / sizeof *ids; i++)
    ok(decode_record(ids[i], meta, text, nowhere, 0, 0, -1) == VS_CORRUPT, "id %u is none", i);
  ok(decode_record((vs_slice){(const uint8_t *)"i\xff\xff\xff\xff\xff\xff\x1f\0", 9}, meta, text, nowhere, 0, 0, -1) ==
         VS_OK,
     "2^53 - 1 is an id");
  static uint8_t long_id[VS_ID_MAX_BYTES + 2];
  memset(long_id, 's', sizeof long_id);
  ok(vs_id_ok((vs_slice){long_id, VS_ID_MAX_BYTES + 1}) && !vs_id_ok((vs_slice){long_id, VS_ID_MAX_BYTES + 2}),
     "1,024 bytes are an id, 1,025 are none");
  ok(decode_record(id, number, text, nowhere, 0, 0, -1) == VS_CORRUPT, "metadata that is a number");
  ok(decode_record(id, (vs_slice){meta.p, meta.n - 1}, text, nowhere, 0, 0, -1) == VS_CORRUPT, "metadata cut off");
  ok(decode_record(id, meta, number, nowhere, 0, 0, -1) == VS_CORRUPT, "a text that is a number");
  ok(decode_record(id, meta, mixed, nowhere, 0, 0, -1) == VS_CORRUPT, "a named text that is a number");
  ok(decode_record(id, meta, (vs_slice){text.p, text.n - 1}, nowhere, 0, 0, -1) == VS_CORRUPT, "a text cut off");
  a->fail_at = a->n_calls + 1;
  ok(vs_body_create(a, id, meta, text, (vs_slice){0}) == NULL, "no memory, no body");
  a->fail_at = 0;
  vs_wr_deinit(&w);
}

/* ============ The catalog ============ */

typedef void (*damage)(uint8_t *p, size_t *n);
static void mend(uint8_t *p, size_t n) { vs_store_u32(p + 20, vs_crc32c(vs_crc32c(0, p + 24, n - 24), p, 20)); }
static void nothing(uint8_t *p, size_t *n) { (void)p, (void)n; }
static void empty(uint8_t *p, size_t *n) { (void)p, *n = 0; }
static void cut_header(uint8_t *p, size_t *n) { (void)p, *n = 23; }
static void magic(uint8_t *p, size_t *n) { (void)n, p[0] ^= 1; }
static void length(uint8_t *p, size_t *n) { vs_store_u32(p + 16, 1), mend(p, *n); }
static void sum(uint8_t *p, size_t *n) { (void)n, p[21] ^= 1; }
static void body(uint8_t *p, size_t *n) { p[24] = 0xee, mend(p, *n); }
static void newer(uint8_t *p, size_t *n) { vs_store_u32(p + 4, 2), mend(p, *n); }

static void catalog(vs_alloc *a) {
  static const struct {
    damage how;
    vs_status status;
    vs_catalog_state state;
    const char *what;
  } cases[] = {{nothing, VS_OK, VS_CATALOG_SOUND, "as written"},
               {empty, VS_OK, VS_CATALOG_DAMAGED, "empty"},
               {cut_header, VS_OK, VS_CATALOG_DAMAGED, "cut in its header"},
               {magic, VS_OK, VS_CATALOG_DAMAGED, "of another kind"},
               {length, VS_OK, VS_CATALOG_DAMAGED, "of another length"},
               {sum, VS_OK, VS_CATALOG_DAMAGED, "with a wrong checksum"},
               {body, VS_OK, VS_CATALOG_DAMAGED, "malformed under a right checksum"},
               {newer, VS_VERSION, VS_CATALOG_DAMAGED, "of a newer version"}};
  vs_io *io;
  vs_file *f;
  uint8_t bytes[512];
  size_t n;
  vs_catalog_state state;
  must(vs_io_fault_create(a, &io) == VS_OK);
  ok(vs_catalog_read(a, io, &state, NULL) == VS_OK && state == VS_CATALOG_ABSENT, "no catalog");
  must(vs_catalog_create(a, io, state, NULL) == VS_OK);
  must(io->ops->open(io, VS_CATALOG_FILE, VS_IO_READ, &f) == VS_OK);
  must(io->ops->read(io, f, 0, bytes, sizeof bytes, &n) == VS_OK && n < sizeof bytes);
  io->ops->close(io, f);
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t copy[512];
    size_t m = n;
    memcpy(copy, bytes, n);
    cases[i].how(copy, &m);
    must(io->ops->remove(io, VS_CATALOG_FILE) == VS_OK &&
         io->ops->open(io, VS_CATALOG_FILE, VS_IO_CREATE, &f) == VS_OK);
    if (m) must(io->ops->append(io, f, copy, m) == VS_OK);
    io->ops->close(io, f);
    vs_status status = vs_catalog_read(a, io, &state, NULL);
    ok(status == cases[i].status && state == cases[i].state, "a catalog %s", cases[i].what);
    if (state != VS_CATALOG_DAMAGED || status != VS_OK) continue;
    must(vs_catalog_create(a, io, state, NULL) == VS_OK);
    ok(vs_catalog_read(a, io, &state, NULL) == VS_OK && state == VS_CATALOG_SOUND, "is written anew");
  }
  io->ops->destroy(io);
}

/* ============ Values ============ */

static void values(vs_alloc *a) {
  static const vs_value scalars[] = {{.tag = VS_VALUE_TRUE},
                                     {.tag = VS_VALUE_FALSE},
                                     {.tag = VS_VALUE_INT, .i = -3},
                                     {.tag = VS_VALUE_F64, .f = 0.5},
                                     {.tag = VS_VALUE_STRING, .bytes = {(const uint8_t *)"x", 1}}};
  uint32_t n_same = 0, number = 77;
  for (uint32_t i = 0; i < 5; i++) {
    vs_wr w;
    vs_wr_init(&w, a);
    vs_value_scalar(&w, &scalars[i]);
    vs_rd r = vs_rd_of(w.p, w.n);
    vs_value v = vs_value_read(&r);
    n_same += v.tag == scalars[i].tag && v.i == scalars[i].i && v.bytes.n == scalars[i].bytes.n && !r.failed;
    vs_wr_deinit(&w);
  }
  ok(n_same >= 4, "scalars are written as they are");
  vs_value v, none = scalars[2];
  ok(!vs_value_get(&none, "a", &v) && vs_value_member(&none, "a").n == 0, "a number has no members");
  static const uint8_t torn[] = {1, 'a', VS_VALUE_STRING, 9};
  const vs_value object = {.tag = VS_VALUE_OBJECT, .count = 1, .bytes = {torn, sizeof torn}};
  ok(!vs_value_get(&object, "a", &v) && vs_value_member(&object, "a").n == 0, "nor has what is cut off");
  static const uint8_t five[] = {1, 'a', VS_VALUE_INT, 10};
  const vs_value sound = {.tag = VS_VALUE_OBJECT, .count = 1, .bytes = {five, sizeof five}};
  ok(vs_value_get_u32(&sound, "a", 5, &number) && number == 5, "a number up to 5");
  ok(!vs_value_get_u32(&sound, "a", 4, &number) && vs_value_get_u32(&sound, "b", 4, &number) && number == 5,
     "a larger one is refused, an absent one leaves what was");
}

int main(void) {
  vs_alloc a;
  vs_alloc_init(&a);
  saved_settings(&a);
  options(&a);
  merging(&a);
  records(&a);
  catalog(&a);
  values(&a);
  ok(a.n_live == 0, "nothing is left behind");
  return tap_done();
}
