/* match.h - the set of records that match a filter: how many about, and which.
 *
 * Layer: query (L3). A filter is the AND of its conjuncts. Those that the
 * metadata indexes answer become sets of slots, the smallest first; the rest,
 * and whatever is dearer as a set, is evaluated on the metadata of the records
 * left. The result is always exact.
 */
#ifndef VS_MATCH_H
#define VS_MATCH_H

#include "meta.h"

/* A compiled filter and the records that matched when it was last asked. */
typedef struct {
  vs_filter *filter; /* owned */
  uint64_t epoch;    /* of vs_meta at that time; 0 = never asked */
  vs_bitset matches;
} vs_prepared;

void vs_prepared_init(vs_prepared *p, vs_alloc *a, vs_filter *filter);
void vs_prepared_deinit(vs_prepared *p, vs_alloc *a);

/* How the set is found. */
typedef enum { VS_MATCH_CACHED, VS_MATCH_INDEX, VS_MATCH_MIXED, VS_MATCH_EVALUATE } vs_match_method;

typedef struct {
  vs_match_method method;
  uint32_t n;       /* records that match, about */
  bool exact;       /* not only about */
  uint32_t sampled; /* records evaluated for this */
  double cost_ns;   /* of finding the set, about */
} vs_match_estimate;

/* Needs vs_meta_ready. Evaluates the filter on at most VS_MATCH_SAMPLE records,
 * and on none when indexes answer. VS_OUT_OF_MEMORY. */
#define VS_MATCH_SAMPLE 64u
VS_MUST_USE vs_status vs_match_estimate_of(const vs_meta *m, const vs_prepared *p, vs_match_estimate *out);

typedef struct {
  vs_match_method method;
  uint64_t evaluated; /* records whose metadata was read */
} vs_match_stats;

/* Brings p->matches up to date. Needs vs_meta_ready. VS_OUT_OF_MEMORY: p is
 * still usable. */
VS_MUST_USE vs_status vs_match_find(const vs_meta *m, vs_prepared *p, vs_match_stats *stats);

/* Whether the record at a slot matches, without the set. */
static inline bool vs_match_one(const vs_meta *m, const vs_prepared *p, uint32_t slot) {
  vs_slice metadata;
  return m->records.metadata(m->records.ctx, slot, &metadata) && vs_filter_match(p->filter, metadata);
}

/* What the indexes say about one term, for explain: its field's index or NULL. */
const vs_meta_field *vs_match_index_of(const vs_meta *m, const vs_filter_term *term);

#endif
