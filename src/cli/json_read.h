/* json_read.h - one JSON text as a value of the codec (base/value.h). Layer: cli; pure. */
#ifndef VS_CLI_JSON_READ_H
#define VS_CLI_JSON_READ_H

#include "../base/value.h"

/* Appends the value that the n bytes are, by the letter of RFC 8259; false with what is wrong in *problem. Whole
 * numbers become INT as far as JavaScript would tell them from others: those beyond 2^53 when written without
 * point and exponent. One beyond 64 bits is refused, or with `n_rounded` becomes the nearest double, which is
 * counted there. Refused beside malformed text: ill-formed UTF-8 and halves of surrogate pairs, a name that occurs
 * twice in an object, nesting deeper than VS_VALUE_MAX_DEPTH, numbers beyond a double. */
bool cli_json_read(const void *p, size_t n, vs_wr *out, uint64_t *n_rounded, const char **problem);

/* The number as a float; false when it is none, or too large for one. */
bool cli_json_f32(const vs_value *v, float *out);

/* Finding where the values of a long array end, without holding it: bytes are looked at once. */
typedef struct {
  size_t at; /* bytes looked at */
  uint32_t depth;
  bool in_string, escaped;
} cli_json_scan;

/* Goes on to the first comma or closing bracket outside of everything opened since the scan began; true with `at` on
 * it. The text need not be JSON: what is between is for cli_json_read. */
bool cli_json_scan_value(cli_json_scan *scan, const uint8_t *p, size_t n);

#endif
