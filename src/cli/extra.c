/* extra.c - a record's sparse vector and token vectors as JSON (extra.h). Layer: cli. */
#include "extra.h"

#include <math.h>
#include <string.h>

#include "json_read.h"

enum { SPARSE = 1, TOKENS = 2 };

static float load_f32(const uint8_t *p) {
  uint32_t bits = vs_load_u32(p);
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static void write_f32(vs_wr *w, float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  vs_wr_u32(w, bits);
}

/* ============ Printing ============ */

static void print_f32(FILE *to, float f) {
  if (f == 0 && signbit(f))
    fputs("-0.0", to);
  else
    fprintf(to, "%.9g", (double)f);
}

static const uint8_t *print_sparse(FILE *to, const uint8_t *p) {
  uint32_t n = vs_load_u32(p + 4);
  const uint8_t *index = p + 8, *value = index + (size_t)n * 4;
  fputs(",\"sparse\":{\"indices\":[", to);
  for (uint32_t i = 0; i < n; i++) fprintf(to, i ? ",%lu" : "%lu", (unsigned long)vs_load_u32(index + (size_t)i * 4));
  fputs("],\"values\":[", to);
  for (uint32_t i = 0; i < n; i++) {
    if (i) putc(',', to);
    print_f32(to, load_f32(value + (size_t)i * 4));
  }
  fputs("]}", to);
  return value + (size_t)n * 4;
}

static void print_tokens(FILE *to, const uint8_t *p) {
  bool coded = vs_load_u32(p + 4) == 1;
  uint32_t n = vs_load_u32(p + 8), dim = vs_load_u32(p + 12);
  const uint8_t *scale = p + 16, *data = scale + (coded ? (size_t)n * 4 : 0);
  fputs(coded ? ",\"multivector\":{\"type\":\"int8\",\"vectors\":[" : ",\"multivector\":[", to);
  for (uint32_t i = 0; i < n; i++) {
    fputs(i ? ",[" : "[", to);
    for (uint32_t j = 0; j < dim; j++) {
      size_t at = (size_t)i * dim + j;
      if (j) putc(',', to);
      print_f32(to, coded ? load_f32(scale + (size_t)i * 4) * (float)(int8_t)data[at] : load_f32(data + at * 4));
    }
    putc(']', to);
  }
  fputs(coded ? "]}" : "]", to);
}

void cli_extra_print(FILE *to, const uint8_t *extra, uint32_t n) {
  const uint8_t *p = extra + 4;
  if (n > 4 && vs_load_u32(p) == SPARSE) p = print_sparse(to, p);
  if (n > 4 && p < extra + n) print_tokens(to, p);
}

/* ============ Reading ============ */

static bool wrong(const char **problem, const char *what) {
  *problem = what;
  return false;
}

/* The members of an object that are named, in that order; false: there are others, or it is no object. */
static bool take_members(const vs_value *object, const char *first, const char *second, vs_value out[2]) {
  const char *const name[2] = {first, second};
  out[0] = out[1] = (vs_value){.tag = VS_VALUE_NULL};
  if (object->tag != VS_VALUE_OBJECT) return false;
  vs_rd r = vs_rd_of(object->bytes.p, object->bytes.n);
  for (uint32_t i = 0; i < object->count; i++) {
    vs_slice key = vs_rd_slice(&r);
    uint32_t j = 0;
    while (j < 2 && !(key.n == strlen(name[j]) && memcmp(key.p, name[j], key.n) == 0)) j++;
    if (j == 2) return false;
    out[j] = vs_value_read(&r);
  }
  return true;
}

static bool encode_sparse(vs_wr *w, const vs_value *sparse, const char **problem) {
  vs_value member[2];
  if (!take_members(sparse, "indices", "values", member) || member[0].tag != VS_VALUE_ARRAY ||
      member[1].tag != VS_VALUE_ARRAY || member[0].count != member[1].count)
    return wrong(problem, "sparse must be an object of indices and as many values");
  vs_wr_u32(w, SPARSE);
  vs_wr_u32(w, member[0].count);
  vs_rd r = vs_rd_of(member[0].bytes.p, member[0].bytes.n);
  for (uint32_t i = 0; i < member[0].count; i++) {
    vs_value v = vs_value_read(&r);
    if (v.tag != VS_VALUE_INT || v.i < 0 || v.i > 0xfffffffe)
      return wrong(problem, "an index of the sparse vector is no integer below 2^32 - 1");
    vs_wr_u32(w, (uint32_t)v.i);
  }
  r = vs_rd_of(member[1].bytes.p, member[1].bytes.n);
  for (uint32_t i = 0; i < member[1].count; i++) {
    vs_value v = vs_value_read(&r);
    float f;
    if (!cli_json_f32(&v, &f)) return wrong(problem, "a value of the sparse vector is no 32-bit float");
    write_f32(w, f);
  }
  return true;
}

/* The step of 8-bit codes, as js/src/extra.js has it: of 17 bits, rounded up. */
static float step_of(float most) {
  float step = most / 127;
  uint32_t bits;
  memcpy(&bits, &step, sizeof bits);
  bits = (bits + 0x7f) & ~0x7fu;
  memcpy(&step, &bits, sizeof step);
  return step;
}

/* Turns n * dim floats at `at`, the writer's last bytes, into steps and codes. */
static void encode_codes(vs_wr *w, size_t at, uint32_t n, uint32_t dim) {
  size_t size = (size_t)n * dim * 4;
  vs_wr floats;
  vs_wr_init(&floats, w->a);
  vs_wr_bytes(&floats, w->p + at, size);
  w->failed = w->failed || floats.failed;
  w->n = at;
  for (uint32_t pass = 0; pass < 2 && !w->failed; pass++) {
    for (uint32_t i = 0; i < n; i++) {
      float most = 0;
      const uint8_t *row = floats.p + (size_t)i * dim * 4;
      for (uint32_t j = 0; j < dim; j++) most = fmaxf(most, fabsf(load_f32(row + (size_t)j * 4)));
      float step = step_of(most);
      if (pass == 0) write_f32(w, step);
      for (uint32_t j = 0; pass == 1 && j < dim; j++) {
        float x = load_f32(row + (size_t)j * 4);
        vs_wr_u8(w, x == 0 ? 0 : (uint8_t)(int8_t)lround((double)x / (double)step));
      }
    }
  }
  for (size_t i = (size_t)n * dim; i % 4 != 0; i++) vs_wr_u8(w, 0);
  vs_wr_deinit(&floats);
}

static bool encode_tokens(vs_wr *w, const vs_value *multivector, const char **problem) {
  vs_value member[2] = {{.tag = VS_VALUE_NULL}, *multivector};
  bool fine = multivector->tag == VS_VALUE_ARRAY || take_members(multivector, "type", "vectors", member);
  vs_slice type = member[0].bytes;
  bool coded = member[0].tag == VS_VALUE_STRING && type.n == 4 && memcmp(type.p, "int8", 4) == 0;
  bool plain =
      member[0].tag == VS_VALUE_NULL || (member[0].tag == VS_VALUE_STRING && type.n == 3 && !memcmp(type.p, "f32", 3));
  if (!fine || !(coded || plain) || member[1].tag != VS_VALUE_ARRAY || member[1].count == 0)
    return wrong(problem, "multivector must be an array of vectors, or an object of type, f32 or int8, and vectors");
  uint32_t n = member[1].count, dim = 0;
  vs_wr_u32(w, TOKENS);
  vs_wr_u32(w, coded);
  vs_wr_u32(w, n);
  vs_wr_u32(w, 0);
  size_t at = w->n;
  vs_rd rows = vs_rd_of(member[1].bytes.p, member[1].bytes.n);
  for (uint32_t i = 0; i < n; i++) {
    vs_value row = vs_value_read(&rows);
    if (i == 0) dim = row.count;
    if (row.tag != VS_VALUE_ARRAY || row.count == 0 || row.count != dim)
      return wrong(problem, "the vectors of multivector must be arrays of one length");
    vs_rd r = vs_rd_of(row.bytes.p, row.bytes.n);
    for (uint32_t j = 0; j < dim; j++) {
      vs_value v = vs_value_read(&r);
      float f;
      if (!cli_json_f32(&v, &f)) return wrong(problem, "a component of multivector is no 32-bit float");
      write_f32(w, f);
    }
  }
  if (w->failed) return true;
  vs_store_u32(w->p + at - 4, dim);
  if (coded) encode_codes(w, at, n, dim);
  return true;
}

bool cli_extra_encode(vs_wr *w, const vs_value *sparse, const vs_value *multivector, const char **problem) {
  size_t start = w->n;
  if (sparse->tag == VS_VALUE_NULL && multivector->tag == VS_VALUE_NULL) return true;
  vs_wr_u32(w, 0);
  if (sparse->tag != VS_VALUE_NULL && !encode_sparse(w, sparse, problem)) return false;
  if (multivector->tag != VS_VALUE_NULL && !encode_tokens(w, multivector, problem)) return false;
  if (!w->failed) vs_store_u32(w->p + start, (uint32_t)(w->n - start));
  return true;
}
