/* boost.c - scores that decay with the distance of a field from an origin (see boost.h).
 *
 * Layer: query (L3).
 *
 * THE RULE. With d the distance of the field's value from the origin (for
 * numbers and times |value - origin|, for places metres along the great
 * circle), e = max(0, d - offset), s = scale and y = decay:
 *
 *   exp      f = y ^ (e / s)
 *   linear   f = max(0, 1 - (1 - y) * e / s)
 *   gauss    f = y ^ ((e / s) ^ 2)
 *
 * so that f is 1 up to the offset and y at offset + scale. A record without a
 * fitting value has f = missing. The factor of a record is the product over all
 * boosts of 1 - weight * (1 - f), and the score becomes
 *
 *   score - |score| * (1 - factor)
 *
 * which multiplies scores that are positive and takes negative ones down too.
 * A boosted score is never above the plain one: when the best k boosted
 * candidates are all at least as good as the plain score of the last
 * candidate fetched, nothing that was not fetched can belong to them. exec.c
 * fetches until that is so, or up to a bound.
 */
#include "boost.h"

#include "../filter/geo.h"
#include "meta_choose.h"

#include <math.h>
#include <string.h>

/* -ln y for 0 < y < 1: sixteen square roots bring it near 1, where a short series
 * does. With exp_of_minus precise to about 1e-11, and without the tables of libm,
 * which are larger than this file. */
static double minus_log(double y) {
  for (uint32_t i = 0; i < 16; i++) y = sqrt(y);
  double z = (1 - y) / (1 + y);
  return 131072 * z * (1 + z * z / 3);
}

static bool number_of(const vs_value *v, double *out) {
  if (v->tag != VS_VALUE_INT && v->tag != VS_VALUE_F64) return false;
  *out = v->tag == VS_VALUE_INT ? (double)v->i : v->f;
  return true;
}

/* A member that is a number in low .. high; absent: *out stays. */
static vs_status read_number(const vs_value *spec, const char *key, double low, double high, double *out, vs_err *err) {
  vs_value v;
  if (!vs_value_get(spec, key, &v)) return VS_OK;
  if (number_of(&v, out) && *out >= low && *out <= high) return VS_OK;
  return vs_fail(err, VS_INVALID_ARGUMENT, "boost: %s is out of range", key);
}

static vs_status read_kind(const vs_value *spec, uint8_t *out, vs_err *err) {
  static const char *const names[] = {"exp", "linear", "gauss"};
  vs_value v;
  if (vs_value_get(spec, "kind", &v) && v.tag == VS_VALUE_STRING) {
    for (uint8_t i = 0; i < 3; i++) {
      if (v.bytes.n != strlen(names[i]) || memcmp(v.bytes.p, names[i], v.bytes.n) != 0) continue;
      *out = i;
      return VS_OK;
    }
  }
  return vs_fail(err, VS_INVALID_ARGUMENT, "boost: kind must be 'exp', 'linear' or 'gauss'");
}

static vs_status read_origin(const vs_value *spec, vs_boost *b, vs_err *err) {
  vs_value v;
  if (vs_value_get(spec, "origin", &v)) {
    if (number_of(&v, &b->origin)) return VS_OK;
    if (v.tag == VS_VALUE_ARRAY && v.count == 2) {
      vs_rd r = vs_rd_of(v.bytes.p, v.bytes.n);
      vs_value lat = vs_value_read(&r), lon = vs_value_read(&r);
      b->place = true;
      if (number_of(&lat, &b->lat) && number_of(&lon, &b->lon) && fabs(b->lat) <= 90 && fabs(b->lon) <= 360)
        return VS_OK;
    }
  }
  return vs_fail(err, VS_INVALID_ARGUMENT, "boost: origin must be a number or a place [latitude, longitude]");
}

static vs_status read_one(vs_alloc *a, const vs_value *spec, vs_boost *b, vs_err *err) {
  vs_value v;
  *b = (vs_boost){.decay = 0.5, .weight = 1};
  if (spec->tag != VS_VALUE_OBJECT) return vs_fail(err, VS_INVALID_ARGUMENT, "a boost must be an object");
  VS_TRY(read_kind(spec, &b->kind, err));
  VS_TRY(read_origin(spec, b, err));
  VS_TRY(read_number(spec, "scale", 1e-300, 1e300, &b->scale, err));
  if (b->scale == 0) return vs_fail(err, VS_INVALID_ARGUMENT, "boost: scale is missing");
  VS_TRY(read_number(spec, "offset", 0, 1e300, &b->offset, err));
  VS_TRY(read_number(spec, "decay", 1e-9, 1 - 1e-9, &b->decay, err));
  b->rate = minus_log(b->decay);
  VS_TRY(read_number(spec, "weight", 0, 1, &b->weight, err));
  VS_TRY(read_number(spec, "missing", 0, 1, &b->missing, err));
  b->time = vs_value_get(spec, "time", &v) && v.tag == VS_VALUE_TRUE;
  if (!vs_value_get(spec, "field", &v) || v.tag != VS_VALUE_STRING)
    return vs_fail(err, VS_INVALID_ARGUMENT, "boost: field must be a string");
  return vs_meta_compile_path(a, v.bytes, &b->path, err);
}

vs_status vs_boosts_read(vs_alloc *a, const vs_value *array, vs_boosts *out, vs_err *err) {
  out->n = 0;
  if (array->tag != VS_VALUE_ARRAY || array->count > VS_BOOST_MAX)
    return vs_fail(err, VS_INVALID_ARGUMENT, "boost must be an array of at most %u", VS_BOOST_MAX);
  vs_rd r = vs_rd_of(array->bytes.p, array->bytes.n);
  for (uint32_t i = 0; i < array->count; i++) {
    vs_value spec = vs_value_read(&r);
    vs_status status = read_one(a, &spec, &out->boost[i], err);
    if (status != VS_OK) {
      vs_boosts_deinit(a, out);
      return status;
    }
    out->n++;
  }
  return VS_OK;
}

void vs_boosts_deinit(vs_alloc *a, vs_boosts *b) {
  for (uint32_t i = 0; i < b->n; i++) vs_filter_destroy(a, b->boost[i].path);
  b->n = 0;
}

/* ============ Dates ============ */

/* n digits at *at; -1 when there are none such. */
static int digits(vs_slice s, size_t *at, uint32_t n) {
  int value = 0;
  if (s.n - *at < n) return -1;
  for (uint32_t i = 0; i < n; i++) {
    uint8_t c = s.p[(*at)++];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

static bool next_is(vs_slice s, size_t *at, char c) {
  if (*at >= s.n || s.p[*at] != (uint8_t)c) return false;
  ++*at;
  return true;
}

/* Days since 1970-01-01 in the Gregorian calendar, years counted from March. */
static double days_of(int year, int month, int day) {
  static const uint16_t before[] = {306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275};
  int y = month < 3 ? year - 1 : year;
  return 365.0 * y + floor(y / 4.0) - floor(y / 100.0) + floor(y / 400.0) + before[month - 1] + day - 1 - 719468;
}

static bool days_in(int year, int month, int day) {
  static const uint8_t n[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month >= 1 && month <= 12 && day >= 1 && day <= n[month - 1] + (month == 2 && leap);
}

/* The time of day in ms, and the zone's offset taken off. */
static bool read_time(vs_slice s, size_t *at, double *ms) {
  int hour = digits(s, at, 2), minute = next_is(s, at, ':') ? digits(s, at, 2) : -1, second = 0;
  double fraction = 0, unit = 100;
  if (hour < 0 || minute < 0 || hour > 24 || minute > 59) return false;
  if (next_is(s, at, ':')) {
    second = digits(s, at, 2);
    if (second < 0 || second > 59) return false;
    if (next_is(s, at, '.'))
      for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; ++*at, unit /= 10) fraction += unit * (s.p[*at] - '0');
  }
  *ms = ((hour * 60 + minute) * 60 + second) * 1000.0 + fraction;
  if (next_is(s, at, 'Z') || *at == s.n) return true;
  int sign = next_is(s, at, '+') ? -1 : next_is(s, at, '-') ? 1 : 0;
  int zone_hour = digits(s, at, 2), zone_minute = next_is(s, at, ':') ? digits(s, at, 2) : -1;
  *ms += sign * (zone_hour * 60 + zone_minute) * 60000.0;
  return sign != 0 && zone_hour >= 0 && zone_minute >= 0;
}

bool vs_iso_date(vs_slice s, double *ms) {
  size_t at = 0;
  double time = 0;
  int year = digits(s, &at, 4), month = 1, day = 1;
  if (year < 0) return false;
  if (next_is(s, &at, '-')) {
    month = digits(s, &at, 2);
    if (next_is(s, &at, '-')) {
      day = digits(s, &at, 2);
      if ((next_is(s, &at, 'T') || next_is(s, &at, ' ')) && !read_time(s, &at, &time)) return false;
    }
  }
  if (at != s.n || !days_in(year, month, day)) return false;
  *ms = days_of(year, month, day) * 86400000 + time;
  return true;
}

/* ============ The factor ============ */

/* e to the power -x for x >= 0: a series for x / 1024, squared ten times. */
static double exp_of_minus(double x) {
  if (x > 700) return 0;
  double r = -x / 1024, sum = 1;
  for (uint32_t i = 12; i > 0; i--) sum = 1 + sum * r / i;
  for (uint32_t i = 0; i < 10; i++) sum *= sum;
  return sum;
}

static bool distance_of(const vs_boost *b, const vs_value *v, double *d) {
  double x;
  if (b->place) {
    vs_geo_point p;
    if (!vs_geo_read(v, &p)) return false;
    *d = vs_geo_distance(p, (vs_geo_point){b->lat, b->lon});
    return true;
  }
  if (!number_of(v, &x) && !(b->time && v->tag == VS_VALUE_STRING && vs_iso_date(v->bytes, &x))) return false;
  *d = fabs(x - b->origin);
  return true;
}

static double factor_of(const vs_boost *b, vs_slice metadata) {
  vs_value v;
  double d;
  const vs_filter_term *path = &b->path->terms[0];
  if (!vs_filter_find(path->path, path->n_path, metadata, &v) || !distance_of(b, &v, &d)) return b->missing;
  double e = d > b->offset ? (d - b->offset) / b->scale : 0;
  if (b->kind == VS_BOOST_LINEAR) return e * (1 - b->decay) < 1 ? 1 - e * (1 - b->decay) : 0;
  return exp_of_minus(b->rate * (b->kind == VS_BOOST_GAUSS ? e * e : e));
}

double vs_boosts_factor(const vs_boosts *b, vs_slice metadata) {
  double product = 1;
  for (uint32_t i = 0; i < b->n; i++) product *= 1 - b->boost[i].weight * (1 - factor_of(&b->boost[i], metadata));
  return product;
}

float vs_boosted(float score, double factor) { return (float)(score - fabs((double)score) * (1 - factor)); }
