/* geo.c - places on the globe: within a radius, within a box.
 *
 * Layer: filter. Knows degrees and values, nothing of fields.
 *
 * Distance is along the great circle of a sphere of the Earth's mean radius,
 * as by the haversine formula (the true ellipsoid differs by up to 0.5 %). It
 * is not computed for tests: two places are within d of each other iff the straight
 * line between them through the sphere is no longer than 2 sin(d / 2), and
 * the squares of those compare without square roots or inverse functions.
 * Differences of coordinates keep the precision for near places (about
 * 1e-9 m) that one minus a cosine would lose.
 *
 * Sine and cosine are our own, for degrees: the reduction to 45 degrees is
 * exact there, after which Taylor's series to x^16 is precise to the last
 * bits, and libm stays out of the WASM build (a square root is an instruction).
 */
#include "geo.h"

#include <math.h>

#define RADIANS 0.017453292519943295769

/* sin x for |x| <= pi / 4, from x and its square. */
static double sin_series(double x, double s) {
  return x * (1 + s * (-1.0 / 6 +
                       s * (1.0 / 120 +
                            s * (-1.0 / 5040 +
                                 s * (1.0 / 362880 + s * (-1.0 / 39916800 +
                                                          s * (1.0 / 6227020800.0 + s * (-1.0 / 1307674368000.0))))))));
}

static double cos_series(double s) {
  return 1 + s * (-1.0 / 2 +
                  s * (1.0 / 24 +
                       s * (-1.0 / 720 +
                            s * (1.0 / 40320 + s * (-1.0 / 3628800 +
                                                    s * (1.0 / 479001600.0 + s * (-1.0 / 87178291200.0 +
                                                                                  s * (1.0 / 20922789888000.0))))))));
}

/* Sine of degrees, |degrees| <= 720. */
static double sin_degrees(double degrees) {
  int quarter = (int)(degrees / 90 + (degrees < 0 ? -0.5 : 0.5));
  double x = (degrees - quarter * 90.0) * RADIANS;
  double v = (quarter & 1) == 0 ? sin_series(x, x * x) : cos_series(x * x);
  return (quarter & 2) == 0 ? v : -v;
}

static double cos_degrees(double degrees) { return sin_degrees(degrees + 90); }

/* A longitude of [-360, 360] as one of [-180, 180). */
static double wrap(double lon) { return lon >= 180 ? lon - 360 : lon < -180 ? lon + 360 : lon; }

bool vs_geo_normalize(double lat, double lon, vs_geo_point *out) {
  if (!(lat >= -90 && lat <= 90 && lon >= -360 && lon <= 360)) return false;
  *out = (vs_geo_point){lat, wrap(lon)};
  return true;
}

/* ============ Reading ============ */

static bool is_number(const vs_value *v) { return v->tag == VS_VALUE_INT || v->tag == VS_VALUE_F64; }

static bool get_number(const vs_value *object, const char *key, double *out) {
  vs_value v;
  if (!vs_value_get(object, key, &v) || !is_number(&v)) return false;
  *out = v.f;
  return true;
}

/* [lon, lat], perhaps with a height. */
static bool read_pair(const vs_value *array, vs_geo_point *out) {
  if (array->tag != VS_VALUE_ARRAY || array->count < 2 || array->count > 3) return false;
  vs_rd r = vs_rd_of(array->bytes.p, array->bytes.n);
  vs_value lon = vs_value_read(&r), lat = vs_value_read(&r);
  return !r.failed && is_number(&lon) && is_number(&lat) && vs_geo_normalize(lat.f, lon.f, out);
}

bool vs_geo_read(const vs_value *v, vs_geo_point *out) {
  if (v->tag != VS_VALUE_OBJECT) return read_pair(v, out);
  vs_value pair;
  if (vs_value_get(v, "coordinates", &pair)) return read_pair(&pair, out);
  double lat, lon;
  if (!get_number(v, "lat", &lat) && !get_number(v, "latitude", &lat)) return false;
  if (!get_number(v, "lon", &lon) && !get_number(v, "lng", &lon) && !get_number(v, "longitude", &lon)) return false;
  return vs_geo_normalize(lat, lon, out);
}

/* ============ Testing ============ */

vs_geo_circle vs_geo_circle_of(vs_geo_point centre, double metres) {
  double flat = cos_degrees(centre.lat), half_degrees = metres / VS_GEO_EARTH_RADIUS / RADIANS / 2;
  /* From half way around the globe on everything is within; no square of a chord is 5. */
  double chord = half_degrees < 90 ? 2 * sin_degrees(half_degrees) : 0;
  return (vs_geo_circle){flat * cos_degrees(centre.lon), flat * sin_degrees(centre.lon), sin_degrees(centre.lat),
                         half_degrees < 90 ? chord * chord : 5};
}

bool vs_geo_in_circle(vs_geo_point p, const vs_geo_circle *circle) {
  double flat = cos_degrees(p.lat);
  double dx = flat * cos_degrees(p.lon) - circle->x;
  double dy = flat * sin_degrees(p.lon) - circle->y;
  double dz = sin_degrees(p.lat) - circle->z;
  return dx * dx + dy * dy + dz * dz <= circle->limit;
}

/* The angle is that of a chord: 2 asin(chord / 2). Halving the angle three times brings
 * it where a short series has all digits that matter (1e-9 of the distance). */
double vs_geo_distance(vs_geo_point a, vs_geo_point b) {
  double flat = cos_degrees(a.lat), other = cos_degrees(b.lat);
  double dx = flat * cos_degrees(a.lon) - other * cos_degrees(b.lon);
  double dy = flat * sin_degrees(a.lon) - other * sin_degrees(b.lon);
  double dz = sin_degrees(a.lat) - sin_degrees(b.lat);
  double square = (dx * dx + dy * dy + dz * dz) / 4; /* of the sine of half the angle */
  for (uint32_t i = 0; i < 3; i++) square = square / (2 * (1 + sqrt(1 - (square < 1 ? square : 1))));
  double series = 1 + square * (1.0 / 6 + square * (3.0 / 40 + square * (15.0 / 336 + square * (105.0 / 3456))));
  return 16 * VS_GEO_EARTH_RADIUS * sqrt(square) * series;
}

/* Degrees from one longitude going east to another, both of [-180, 180). */
static double eastwards(double from, double to) { return to < from ? to - from + 360 : to - from; }

bool vs_geo_in_box(vs_geo_point p, double south, double west, double north, double east) {
  if (p.lat < south || p.lat > north) return false;
  if (east - west >= 360) return true;
  return eastwards(wrap(west), p.lon) <= eastwards(wrap(west), wrap(east));
}
