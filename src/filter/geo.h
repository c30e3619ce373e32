/* geo.h - places on the globe: within a radius, within a box.
 *
 * Layer: filter. Internal.
 */
#ifndef VS_FILTER_GEO_H
#define VS_FILTER_GEO_H

#include "../base/value.h"

/* Metres; the mean radius of the Earth taken as a sphere. */
#define VS_GEO_EARTH_RADIUS 6371008.8

typedef struct {
  double lat, lon; /* degrees; |lat| <= 90, -180 <= lon < 180 */
} vs_geo_point;

/* Brings a location into the ranges above; false when it is none. */
bool vs_geo_normalize(double lat, double lon, vs_geo_point *out);

/* Reads a location in one of the forms of filter.h; false when it is none. */
bool vs_geo_read(const vs_value *v, vs_geo_point *out);

/* What within-radius tests need: the centre as a unit vector and the square of
 * the longest straight line through the globe, in radii. */
typedef struct {
  double x, y, z, limit;
} vs_geo_circle;

vs_geo_circle vs_geo_circle_of(vs_geo_point centre, double metres);
bool vs_geo_in_circle(vs_geo_point p, const vs_geo_circle *circle);

/* Metres between two places along the great circle. */
double vs_geo_distance(vs_geo_point a, vs_geo_point b);

/* Borders belong to the box; west > east goes across the antimeridian. The
 * longitudes may be up to 360 either way; 360 degrees or more apart is all around. */
bool vs_geo_in_box(vs_geo_point p, double south, double west, double north, double east);

#endif
