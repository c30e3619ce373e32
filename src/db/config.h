/* config.h - a collection's configuration: from options, to and from the manifest.
 *
 * Layer: db. The manifest's blob is an encoded object with version, dimension
 * (null while unknown), metric, indexType, M, efConstruction, efSearch, seed,
 * quantization, layout, nextSeq, nextRev, nSlots, nLive, and where they are known
 * or set embedder, indexes, schema and marks (marks.h). Version 1 was without quantization and
 * layout, which then are what an absent option means; version 2 had no metadata
 * indexes in the image; version 3 had no trained codes. quantization is a name, or for
 * product quantization with options an object {type: 'pq', subvectors, centroids, residual}.
 * Version 4 may have targetRecall, in thousandths, and calibration: an array of the vectors there
 * were, what was walked on, then ef and recall in millionths in turn.
 */
#ifndef VS_CONFIG_H
#define VS_CONFIG_H

#include "../base/value.h"
#include "collection.h"

/* What an open asked for: absent options have their bit clear. */
typedef struct {
  bool has_dim, has_metric, has_type, has_M, has_ef_construction, has_ef_search, has_seed, has_quantization, has_layout,
      has_embedder, has_target_recall;
  vs_coll_config value; /* defaults where absent */
} vs_config_request;

/* Reads and range-checks the options object of vs_op_open. */
VS_MUST_USE vs_status vs_config_request_read(const vs_value *options, vs_config_request *out, vs_err *err);

/* Refuses, as VS_UNSUPPORTED, a combination that there is no index for. */
VS_MUST_USE vs_status vs_config_check(const vs_coll_config *config, vs_err *err);

const char *vs_quantization_name(vs_quantization quantization);
const char *vs_layout_name(vs_layout layout);

/* The saved configuration wins where an option is absent; a contradiction is
 * VS_INVALID_ARGUMENT naming both values. ef_search, auto/hnsw, quantization and layout may change;
 * an embedder is taken where none is saved. */
VS_MUST_USE vs_status vs_config_merge(vs_coll_config *saved, const vs_config_request *request, vs_err *err);

typedef struct {
  vs_coll_config config;
  uint64_t next_seq, next_rev;
  uint32_t n_slots, n_live;
} vs_config_saved;

void vs_config_encode(const vs_collection *c, vs_wr *w);
VS_MUST_USE vs_status vs_config_decode(vs_slice blob, vs_config_saved *out, vs_err *err);

#endif
