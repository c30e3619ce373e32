/* GEO_RADIUS agrees with the haversine formula of libm, GEO_BBOX with its definition; every form of a place is read. */
#include "filters.h"

#include <math.h>

#define RADIUS 6371008.8

static double haversine(double lat1, double lon1, double lat2, double lon2) {
  double rad = acos(-1) / 180, dlat = (lat2 - lat1) * rad, dlon = (lon2 - lon1) * rad;
  double h = pow(sin(dlat / 2), 2) + cos(lat1 * rad) * cos(lat2 * rad) * pow(sin(dlon / 2), 2);
  return 2 * RADIUS * asin(sqrt(h < 1 ? h : 1));
}

static double uniform(vs_rng *r, double low, double high) {
  return low + (high - low) * ((double)(vs_rng_u64(r) >> 11) * 0x1p-53);
}

static void radius(vs_rng *r) {
  unsigned wrong = 0;
  char filter[160], metadata[160];
  for (int i = 0; i < 4000; i++) {
    double lat = uniform(r, -90, 90), lon = uniform(r, -360, 360);
    /* Near places too, down to centimetres. */
    double spread = pow(10, uniform(r, -7, 2));
    double lat2 = fmin(90, fmax(-90, lat + uniform(r, -spread, spread))), lon2 = lon + uniform(r, -spread, spread);
    lon2 = fmod(lon2, 360);
    double d = haversine(lat, lon, lat2, lon2);
    snprintf(metadata, sizeof metadata, "{'p': {'lat': %.17g, 'lon': %.17g}}", lat2, lon2);
    for (int side = -1; side <= 1; side += 2) {
      double limit = d + side * (1e-3 + d * 1e-9);
      if (limit < 0) continue;
      snprintf(filter, sizeof filter, "GEO_RADIUS(p, %.17g, %.17g, %.17g)", lat, lon, limit);
      if (filters_ask(filter, metadata) == (side > 0 ? 'T' : 'F')) continue;
      wrong++;
      printf("# %s of %s at %.9g m\n", filter, metadata, d);
    }
  }
  ok(wrong == 0, "within a millimetre of the haversine distance on either side");
  ok(filters_ask("GEO_RADIUS(p, 0, 0, 20015115)", "{'p': [180, 0]}") == 'T' &&
         filters_ask("GEO_RADIUS(p, 0, 0, 20015114)", "{'p': [180, 0]}") == 'F' &&
         filters_ask("GEO_RADIUS(p, 0, 0, 1e300)", "{'p': [180, 0]}") == 'T',
     "half way around the globe and more");
  ok(filters_ask("GEO_RADIUS(p, 52.52, 13.405, 878000)", "{'p': {'lat': 48.8566, 'lng': 2.3522}}") == 'T' &&
         filters_ask("GEO_RADIUS(p, 52.52, 13.405, 877000)", "{'p': {'lat': 48.8566, 'lng': 2.3522}}") == 'F',
     "Berlin to Paris is between 877 and 878 km");
  ok(filters_ask("GEO_RADIUS(p, 0, 179.9, 30000)", "{'p': {'lat': 0, 'lon': -179.9}}") == 'T',
     "across the antimeridian");
  ok(filters_ask("GEO_RADIUS(p, 90, 0, 1)", "{'p': {'lat': 90, 'lon': 123}}") == 'T', "the pole has no longitude");
  ok(filters_ask("GEO_RADIUS(p, 5, 5, 0)", "{'p': [5, 5]}") == 'T', "a radius of 0 is the place itself");
}

static void forms(void) {
  static const char *const there[] = {
      "{'lat': 10, 'lon': 20}",
      "{'lat': 10, 'lng': 20}",
      "{'latitude': 10, 'longitude': 20}",
      "[20, 10]",
      "[20.0, 10.0, 500]",
      "{'type': 'Point', 'coordinates': [20, 10]}",
      "{'lat': 10, 'lon': -340}",
  };
  static const char *const nowhere[] = {
      "null",
      "5",
      "'10,20'",
      "[20]",
      "[20, 10, 1, 2]",
      "['20', 10]",
      "{'lat': 10}",
      "{'lon': 10}",
      "{}",
      "[]",
      "{'lat': -91, 'lon': 0}",
      "{'lat': 0, 'lon': -361}",
      "{'lat': 91, 'lon': 0}",
      "{'lat': 0, 'lon': 361}",
      "{'lat': '10', 'lon': 20}",
      "{'coordinates': 5}",
      "{'lat': true, 'lon': 1}",
  };
  char metadata[100];
  for (size_t i = 0; i < sizeof there / sizeof there[0]; i++) {
    snprintf(metadata, sizeof metadata, "{'p': %s}", there[i]);
    ok(filters_ask("GEO_RADIUS(p, 10, 20, 1)", metadata) == 'T' &&
           filters_ask("GEO_BBOX(p, 10, 20, 10, 20)", metadata) == 'T',
       "%s is a place", there[i]);
  }
  unsigned wrong = 0;
  for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
    snprintf(metadata, sizeof metadata, "{'p': %s}", nowhere[i]);
    wrong += filters_ask("GEO_RADIUS(p, 10, 20, 1e9)", metadata) != 'U' ||
             filters_ask("NOT GEO_BBOX(p, -90, 0, 90, 360)", metadata) != 'U';
  }
  ok(wrong == 0 && filters_ask("GEO_BBOX(p, -90, 0, 90, 360)", "{}") == 'U', "what is no place is UNKNOWN");
}

/* By definition, in whole degrees: going east from west one gets to lon before passing east. */
static bool box_has(int lat, int lon, int south, int west, int north, int east) {
  if (lat < south || lat > north) return false;
  if (east - west >= 360) return true;
  int span = ((east - west) % 360 + 360) % 360, at = ((lon - west) % 360 + 360) % 360;
  return at <= span;
}

static void boxes(vs_rng *r) {
  unsigned wrong = 0, inside = 0;
  char filter[100], metadata[100];
  for (int i = 0; i < 20000; i++) {
    int v[6];
    static const int border[] = {-180, 180, 0, -360, 360, 179, -179};
    for (int j = 0; j < 6; j++) {
      v[j] = (int)vs_rng_below(r, j % 2 ? 721 : 181) - (j % 2 ? 360 : 90);
      if (j % 2 && vs_rng_below(r, 3) == 0) v[j] = border[vs_rng_below(r, 7)];
    }
    if (v[2] > v[4]) continue;
    snprintf(filter, sizeof filter, "GEO_BBOX(p, %d, %d, %d, %d)", v[2], v[3], v[4], v[5]);
    snprintf(metadata, sizeof metadata, "{'p': [%d, %d]}", v[1], v[0]);
    bool want = box_has(v[0], v[1], v[2], v[3], v[4], v[5]);
    inside += want;
    if (filters_ask(filter, metadata) == (want ? 'T' : 'F')) continue;
    wrong++;
    printf("# %s of %s, expected %d\n", filter, metadata, want);
  }
  ok(wrong == 0 && inside > 1000, "boxes, borders and the antimeridian included; %u inside", inside);
}

int main(void) {
  vs_alloc_init(&filters_alloc);
  vs_rng r = {4711};
  printf("# seed %llu\n", (unsigned long long)r.state);
  radius(&r);
  forms();
  boxes(&r);
  ok(filters_alloc.used == 0, "nothing stays allocated");
  return tap_done();
}
