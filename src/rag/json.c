/* json.c - records out of JSON, without building a tree.
 *
 * Layer: rag. A pull tokenizer checks the grammar of RFC 8259 with a stack of
 * one byte per level (at most JSON_DEPTH, no recursion); what is above it
 * walks the tokens of one record and gives each scalar member its dotted
 * name. A file is walked twice at most: an object at the top must be seen
 * whole before it is known to hold records or to be one. O(bytes).
 */
#include <string.h>

#include "extract.h"

#define JSON_DEPTH 64

typedef enum {
  JSON_END,
  JSON_ERROR,
  JSON_OPEN,  /* { or [ */
  JSON_CLOSE, /* } or ] */
  JSON_KEY,
  JSON_STRING,
  JSON_NUMBER,
  JSON_TRUE,
  JSON_FALSE,
  JSON_NULL
} json_token;

enum { WANT_VALUE, WANT_VALUE_OR_CLOSE, WANT_KEY, WANT_KEY_OR_CLOSE, WANT_COMMA_OR_CLOSE, WANT_END };

typedef struct {
  vs_source s;
  size_t at;          /* of the next byte */
  size_t start, stop; /* the last token's content; without quotes for strings */
  uint8_t want;       /* what the grammar allows next */
  uint8_t opened;     /* the last OPEN was this */
  uint32_t depth;     /* containers open */
  uint8_t stack[JSON_DEPTH];
  const char *problem;
} json;

static json_token wrong(json *j, const char *problem) {
  j->problem = problem;
  return JSON_ERROR;
}

static void skip_space(json *j) {
  while (j->at < j->s.n && strchr(" \t\r\n", j->s.p[j->at]) != NULL && j->s.p[j->at] != '\0') j->at++;
}

/* ============ Tokens ============ */

static json_token read_string(json *j, json_token token) {
  const uint8_t *p = j->s.p;
  j->start = ++j->at;
  while (j->at < j->s.n && p[j->at] != '"') {
    if (p[j->at] < 0x20) return wrong(j, "a control character in a string");
    if (p[j->at] == '\\') j->at++;
    j->at++;
  }
  if (j->at >= j->s.n) return wrong(j, "a string without an end");
  j->stop = j->at++;
  return token;
}

static size_t digits(json *j) {
  size_t from = j->at;
  while (j->at < j->s.n && vs_is_digit(j->s.p[j->at])) j->at++;
  return j->at - from;
}

static json_token read_number(json *j) {
  const uint8_t *p = j->s.p;
  j->start = j->at;
  if (p[j->at] == '-') j->at++;
  size_t first = j->at, n = digits(j);
  bool fine = n == 1 || (n > 1 && p[first] != '0');
  if (fine && j->at < j->s.n && p[j->at] == '.') {
    j->at++;
    fine = digits(j) > 0;
  }
  if (fine && j->at < j->s.n && (p[j->at] | 32) == 'e') {
    j->at++;
    if (j->at < j->s.n && (p[j->at] == '+' || p[j->at] == '-')) j->at++;
    fine = digits(j) > 0;
  }
  j->stop = j->at;
  return fine ? JSON_NUMBER : wrong(j, "not a number");
}

static json_token read_word(json *j) {
  static const struct {
    const char *word;
    json_token token;
  } words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};
  for (size_t i = 0; i < 3; i++) {
    size_t n = strlen(words[i].word);
    if (j->s.n - j->at < n || memcmp(j->s.p + j->at, words[i].word, n) != 0) continue;
    j->at += n;
    return words[i].token;
  }
  return wrong(j, "not a value");
}

static json_token open_container(json *j, uint8_t c) {
  if (j->depth == JSON_DEPTH) return wrong(j, "nested deeper than 64");
  j->stack[j->depth++] = j->opened = c;
  j->want = c == '{' ? WANT_KEY_OR_CLOSE : WANT_VALUE_OR_CLOSE;
  j->at++;
  return JSON_OPEN;
}

static json_token close_container(json *j) {
  j->depth--;
  j->want = j->depth > 0 ? WANT_COMMA_OR_CLOSE : WANT_END;
  j->at++;
  return JSON_CLOSE;
}

static json_token read_key(json *j) {
  json_token token = read_string(j, JSON_KEY);
  if (token == JSON_ERROR) return token;
  skip_space(j);
  if (j->at >= j->s.n || j->s.p[j->at] != ':') return wrong(j, "no colon after a name");
  j->at++;
  j->want = WANT_VALUE;
  return JSON_KEY;
}

static json_token read_value(json *j, uint8_t c) {
  if (c == '{' || c == '[') return open_container(j, c);
  j->want = j->depth > 0 ? WANT_COMMA_OR_CLOSE : WANT_END;
  if (c == '"') return read_string(j, JSON_STRING);
  return c == '-' || vs_is_digit(c) ? read_number(j) : read_word(j);
}

static json_token next(json *j) {
  skip_space(j);
  if (j->want == WANT_END) return j->at == j->s.n ? JSON_END : wrong(j, "something behind the value");
  if (j->at == j->s.n) return wrong(j, "it ends too early");
  uint8_t c = j->s.p[j->at], closing = 0;
  if (j->depth > 0) closing = j->stack[j->depth - 1] == '{' ? '}' : ']';
  if (j->want == WANT_COMMA_OR_CLOSE) {
    if (c == closing) return close_container(j);
    if (c != ',') return wrong(j, "neither a comma nor an end");
    j->at++;
    skip_space(j);
    if (j->at == j->s.n) return wrong(j, "it ends too early");
    c = j->s.p[j->at];
    j->want = closing == '}' ? WANT_KEY : WANT_VALUE;
  } else if (c == closing && j->want != WANT_VALUE) {
    return close_container(j);
  }
  if (j->want == WANT_VALUE || j->want == WANT_VALUE_OR_CLOSE) return read_value(j, c);
  return c == '"' ? read_key(j) : wrong(j, "no name where one is due");
}

/* ============ Strings ============ */

static int hex_digit(uint8_t c) {
  if (vs_is_digit(c)) return c - '0';
  return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The code unit of \uXXXX at p, or -1. */
static int32_t unit_at(const uint8_t *p, size_t n) {
  if (n < 6 || p[0] != '\\' || p[1] != 'u') return -1;
  int32_t unit = 0;
  for (size_t i = 2; i < 6; i++) {
    int digit = hex_digit(p[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

/* Decodes the escape at `at` into the flow; gives its length. An unknown one is itself. */
static size_t decode_escape(vs_flow *f, const vs_source *s, size_t at, size_t stop) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n \t";
  const uint8_t *p = s->p + at;
  int32_t unit = unit_at(p, stop - at);
  if (unit >= 0xd800 && unit <= 0xdbff) {
    int32_t low = unit_at(p + 6, stop - at - 6);
    if (low >= 0xdc00 && low <= 0xdfff) {
      vs_flow_decoded_char(f, s->at + at, 12, 0x10000u + (((uint32_t)unit - 0xd800) << 10) + ((uint32_t)low - 0xdc00));
      return 12;
    }
  }
  if (unit >= 0) {
    vs_flow_decoded_char(f, s->at + at, 6, (uint32_t)unit);
    return 6;
  }
  const char *known = p[1] != '\0' ? strchr(from, p[1]) : NULL;
  if (known)
    vs_flow_decoded(f, s->at + at, 2, &to[known - from], 1);
  else
    vs_flow_verbatim(f, s->at + at, p, 1);
  return known ? 2 : 1;
}

/* Decodes the last string token into d->values; gives where it begins there. */
static uint32_t decode_string(vs_document *d, const json *j) {
  uint32_t begin = vs_flow_at(&d->values);
  size_t at = j->start;
  while (at < j->stop) {
    const uint8_t *escape = memchr(j->s.p + at, '\\', j->stop - at);
    size_t plain = (escape ? (size_t)(escape - j->s.p) : j->stop) - at;
    vs_flow_verbatim(&d->values, j->s.at + at, j->s.p + at, plain);
    at += plain;
    if (escape) at += decode_escape(&d->values, &j->s, at, j->stop);
  }
  return begin;
}

/* ============ Records ============ */

static vs_status complain(vs_document *d, const json *j) {
  return vs_fail(d->err, VS_CORRUPT, "not valid JSON at byte %llu: %s", (unsigned long long)(j->s.at + j->at),
                 j->problem);
}

/* Puts the last key behind the first n bytes of the dotted name, which stays below VS_DOC_LONG_BYTES: it is copied for
 * each member below it. */
static void name_member(vs_document *d, const json *j, size_t n) {
  d->path.n = n;
  uint32_t begin = decode_string(d, j);
  vs_slice name = vs_flow_slice(&d->values, begin, vs_flow_at(&d->values));
  size_t room = n + 1 < VS_DOC_LONG_BYTES ? VS_DOC_LONG_BYTES - n - 1 : 0;
  if (name.n > room) {
    while (room > 0 && (name.p[room] & 0xc0) == 0x80) room--;
    name.n = room;
  }
  if (n > 0 && name.n > 0) vs_wr_u8(&d->path, '.');
  vs_wr_bytes(&d->path, name.p, name.n);
}

static void add_scalar(vs_document *d, const json *j, json_token token) {
  vs_slice name = d->path.n > 0 ? (vs_slice){d->path.p, d->path.n} : (vs_slice){(const uint8_t *)"text", 4};
  uint32_t begin = vs_flow_at(&d->values);
  if (token == JSON_STRING) decode_string(d, j);
  if (token == JSON_NUMBER) vs_flow_verbatim(&d->values, j->s.at + j->start, j->s.p + j->start, j->stop - j->start);
  vs_field_type type = token == JSON_STRING   ? VS_FIELD_STRING
                       : token == JSON_NUMBER ? VS_FIELD_NUMBER
                       : token == JSON_TRUE   ? VS_FIELD_TRUE
                                              : VS_FIELD_FALSE;
  if (token != JSON_NULL) vs_record_add(d, name, type, begin, vs_flow_at(&d->values));
}

/* Takes the members of the value whose first token was just read, to its end. */
static vs_status take_members(vs_document *d, json *j, json_token token) {
  size_t length[JSON_DEPTH + 1] = {0}; /* of the dotted name at each level */
  uint32_t base = j->depth - (token == JSON_OPEN);
  length[base] = d->path.n;
  for (;;) {
    switch (token) {
    case JSON_ERROR:
    case JSON_END: return complain(d, j);
    case JSON_OPEN: length[j->depth] = d->path.n; break;
    case JSON_CLOSE: d->path.n = length[j->depth]; break;
    case JSON_KEY: name_member(d, j, length[j->depth]); break;
    default: add_scalar(d, j, token);
    }
    if (d->flow.failed || d->values.failed || d->path.failed)
      return vs_fail(d->err, VS_OUT_OF_MEMORY, "no memory for a record");
    if (j->depth == base && token != JSON_KEY) return VS_OK;
    token = next(j);
  }
}

/* One record: the value whose first token was just read. `key`: its name among its siblings. */
static vs_status take_record(vs_document *d, json *j, json_token token, const json *key) {
  vs_record_begin(d);
  vs_wr_reset(&d->path);
  if (key) {
    uint32_t begin = decode_string(d, key);
    vs_record_add(d, (vs_slice){(const uint8_t *)"key", 3}, VS_FIELD_STRING, begin, vs_flow_at(&d->values));
  }
  VS_TRY(take_members(d, j, token));
  return vs_record_finish(d);
}

/* The elements of an array just opened, each a record. */
static vs_status take_elements(vs_document *d, json *j) {
  for (;;) {
    json_token token = next(j);
    if (token == JSON_CLOSE) return VS_OK;
    if (token == JSON_ERROR) return complain(d, j);
    VS_TRY(take_record(d, j, token, NULL));
  }
}

typedef enum { ONE_RECORD, MEMBERS_ARE_RECORDS, ARRAYS_OF_RECORDS } json_shape;

/* What the object just opened is; walks it to its end. */
static vs_status find_shape(vs_document *d, json j, json_shape *out) {
  uint32_t members = 0, objects = 0, lists = 0, texts = 0, base = j.depth;
  bool list_begins = false, names_text = false;
  for (json_token token = next(&j); j.depth >= base; token = next(&j)) {
    if (token == JSON_ERROR || token == JSON_END) return complain(d, &j);
    bool opens = token == JSON_OPEN;
    lists += opens && list_begins && j.opened == '{';
    list_begins = opens && j.depth == base + 1 && j.opened == '[';
    if (token == JSON_KEY && j.depth == base) {
      members++;
      names_text = vs_record_names_text((vs_slice){j.s.p + j.start, j.stop - j.start});
    }
    objects += opens && j.depth == base + 1 && j.opened == '{';
    if (token == JSON_STRING && j.depth == base) texts += names_text || j.stop - j.start > VS_DOC_LONG_BYTES;
  }
  *out = members > 1 && objects == members ? MEMBERS_ARE_RECORDS
         : lists > 0 && texts == 0         ? ARRAYS_OF_RECORDS
                                           : ONE_RECORD;
  return VS_OK;
}

/* Passes over the value whose first token was just read. */
static vs_status pass_over(vs_document *d, json *j, json_token token) {
  uint32_t base = j->depth - (token == JSON_OPEN);
  while (j->depth > base)
    if (next(j) == JSON_ERROR) return complain(d, j);
  return VS_OK;
}

/* The members of the object just opened: records themselves, or arrays of them. */
static vs_status take_object(vs_document *d, json *j, json_shape shape) {
  for (;;) {
    json_token token = next(j);
    if (token == JSON_CLOSE) return VS_OK;
    if (token == JSON_ERROR) return complain(d, j);
    json key = *j;
    token = next(j);
    if (token == JSON_ERROR) return complain(d, j);
    if (shape == MEMBERS_ARE_RECORDS)
      VS_TRY(take_record(d, j, token, &key));
    else if (token == JSON_OPEN && j->opened == '[')
      VS_TRY(take_elements(d, j));
    else
      VS_TRY(pass_over(d, j, token));
  }
}

vs_status vs_extract_json(vs_document *d, vs_source s) {
  json j = {.s = s, .want = WANT_VALUE};
  json_token token = next(&j);
  if (token == JSON_ERROR) return complain(d, &j);
  json_shape shape = ONE_RECORD;
  if (token == JSON_OPEN && j.opened == '{') VS_TRY(find_shape(d, j, &shape));
  if (token == JSON_OPEN && j.opened == '[')
    VS_TRY(take_elements(d, &j));
  else if (shape == ONE_RECORD)
    VS_TRY(take_record(d, &j, token, NULL));
  else
    VS_TRY(take_object(d, &j, shape));
  return next(&j) == JSON_END ? VS_OK : complain(d, &j);
}

vs_status vs_extract_json_line(vs_document *d, vs_source s) {
  json j = {.s = s, .want = WANT_VALUE};
  skip_space(&j);
  if (j.at == s.n) return VS_OK;
  json_token token = next(&j);
  if (token == JSON_ERROR) return complain(d, &j);
  VS_TRY(take_record(d, &j, token, NULL));
  return next(&j) == JSON_END ? VS_OK : complain(d, &j);
}
