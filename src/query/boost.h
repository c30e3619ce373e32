/* boost.h - scores that decay with the distance of a field from an origin.
 *
 * Layer: query (L3). boost.c states the rule.
 */
#ifndef VS_BOOST_H
#define VS_BOOST_H

#include "meta.h"

#define VS_BOOST_MAX 8u

typedef enum { VS_BOOST_EXP, VS_BOOST_LINEAR, VS_BOOST_GAUSS } vs_boost_kind;

typedef struct {
  vs_filter *path; /* owned */
  uint8_t kind;    /* vs_boost_kind */
  bool place, time;
  double origin, lat, lon;
  double scale, offset, decay, weight, missing;
  double rate; /* -ln decay */
} vs_boost;

typedef struct {
  vs_boost boost[VS_BOOST_MAX];
  uint32_t n;
} vs_boosts;

/* Reads the array of vs_query's `boost`. VS_INVALID_ARGUMENT, VS_OUT_OF_MEMORY: nothing to free. */
VS_MUST_USE vs_status vs_boosts_read(vs_alloc *a, const vs_value *array, vs_boosts *out, vs_err *err);
void vs_boosts_deinit(vs_alloc *a, vs_boosts *b);

/* The factor of a record, in 0 .. 1. */
double vs_boosts_factor(const vs_boosts *b, vs_slice metadata);
/* A score with its factor. */
float vs_boosted(float score, double factor);

/* Milliseconds since 1970 of an ISO 8601 date: YYYY, YYYY-MM, YYYY-MM-DD, and with a time
 * Thh:mm[:ss[.fff]] and a zone Z or +hh:mm; without a zone UTC. False: it is none. */
bool vs_iso_date(vs_slice text, double *ms);

#endif
