/* index.c - the index as its callers see it: scan or graph, and the image.
 *
 * Layer: index (L2). Puts flat.c and hnsw*.c behind index.h; what it adds
 * itself is the choice between them and the framing of the image.
 *
 * SCAN OR GRAPH (type auto). A scan costs n distances, a walk about M * ef of
 * them while n is small (measured: 700 at n = 2,000, M = 16, ef = 50), each
 * about 1.5 times as dear because it is anywhere in memory and has to be kept
 * in order. The scan is exact, which is worth a little more time: up to
 * n = 2 * M * ef it is taken, and always up to SCAN_ALWAYS, where either
 * answers within tens of microseconds.
 *
 * THE IMAGE. The first chunk starts with
 *
 *   u8 format (1), u8 kind (0 = slots only, 1 = graph), varint M,
 *   varint count, varint entry + 1 (0 = none), u8 highest level
 *
 * and every chunk continues with whole nodes in the order of their slots:
 * varint (slot - previous slot; the first counts from -1), then for a graph
 * the node's levels and links (hnsw_image.c). A list of slots alone is all a
 * flat index is made of.
 */
#include "hnsw.h"

#include "flat.h"

#include <string.h>

#define SCAN_ALWAYS 1000u
#define FORMAT 1u
#define MAX_VARINT_BYTES 5u

struct vs_index {
  vs_alloc *a;
  vs_index_config config;
  vs_space space;
  const vs_blocks *sequences; /* borrowed */
  vs_bitset present;
  float *query;     /* padded floats */
  vs_hnsw graph;    /* unused when flat */
  uint32_t cursor;  /* encoding: next slot to write; decoding: one past the last slot read */
  uint32_t n_left;  /* decoding: nodes still to come */
  uint32_t n_slots; /* decoding: bound of the slots */
  bool at_start;    /* encoding, decoding: the header is next */
};

static bool has_graph(const vs_index *ix) { return ix->config.type != VS_INDEX_FLAT; }

static uint64_t sequence_of(const vs_index *ix, uint32_t slot) {
  return *(const uint64_t *)vs_blocks_at(ix->sequences, slot);
}

/* -- Life -------------------------------------------------------------- */

static vs_status init_parts(vs_index *ix) {
  ix->query = vs_calloc(ix->a, ix->space.vectors->padded, sizeof(float));
  if (!ix->query) return VS_OUT_OF_MEMORY;
  return has_graph(ix) ? vs_hnsw_init(&ix->graph, ix->a, &ix->space, &ix->config) : VS_OK;
}

vs_status vs_index_create(vs_alloc *a, const vs_index_config *config, const vs_vectors *vectors,
                          const vs_blocks *sequences, vs_index **out) {
  if (config->type != VS_INDEX_FLAT && (config->M < 2 || config->M > 128 || config->ef_construction < config->M)) {
    return VS_INVALID_ARGUMENT;
  }
  if (config->metric >= VS_METRIC_COUNT) return VS_INVALID_ARGUMENT;
  vs_index *ix = vs_calloc(a, 1, sizeof(*ix));
  if (!ix) return VS_OUT_OF_MEMORY;
  ix->a = a;
  ix->config = *config;
  ix->sequences = sequences;
  vs_space_init(&ix->space, vectors, config->metric);
  vs_bitset_init(&ix->present, a);
  vs_status status = init_parts(ix);
  if (status != VS_OK) {
    vs_free(a, ix->query);
    vs_free(a, ix);
    return status;
  }
  *out = ix;
  return VS_OK;
}

void vs_index_destroy(vs_index *ix) {
  if (!ix) return;
  if (has_graph(ix)) vs_hnsw_deinit(&ix->graph);
  vs_bitset_deinit(&ix->present);
  vs_free(ix->a, ix->query);
  vs_free(ix->a, ix);
}

void vs_index_rebind(vs_index *ix, const vs_vectors *vectors) { ix->space.vectors = vectors; }

size_t vs_index_bytes(const vs_index *ix) {
  size_t own = sizeof(*ix) + ix->space.vectors->padded * sizeof(float);
  return own + vs_blocks_bytes(&ix->present.words) + (has_graph(ix) ? vs_hnsw_bytes(&ix->graph) : 0);
}

/* -- Writing ----------------------------------------------------------- */

vs_status vs_index_prepare(vs_index *ix, uint32_t n_slots, uint32_t n, const uint64_t *sequence) {
  if (n_slots > VS_MAX_SLOTS) return VS_OUT_OF_MEMORY;
  VS_TRY(vs_bitset_reserve(&ix->present, n_slots));
  return has_graph(ix) ? vs_hnsw_prepare(&ix->graph, n_slots, n, sequence) : VS_OK;
}

void vs_index_insert(vs_index *ix, uint32_t slot) {
  bool added = vs_bitset_set(&ix->present, slot);
  assert(added);
  (void)added;
  if (has_graph(ix)) vs_hnsw_insert(&ix->graph, slot, sequence_of(ix, slot));
}

void vs_index_remove(vs_index *ix, uint32_t slot) {
  bool removed = vs_bitset_clear(&ix->present, slot);
  assert(removed);
  (void)removed;
  if (has_graph(ix)) vs_hnsw_remove(&ix->graph, slot);
}

bool vs_index_contains(const vs_index *ix, uint32_t slot) { return vs_bitset_test(&ix->present, slot); }

uint32_t vs_index_count(const vs_index *ix) { return ix->present.n_set; }

/* -- Searching --------------------------------------------------------- */

bool vs_index_would_scan(const vs_index *ix, uint32_t k, uint32_t ef) {
  if (ix->config.type != VS_INDEX_AUTO) return ix->config.type == VS_INDEX_FLAT;
  uint64_t width = k > ef ? k : ef, n = vs_index_count(ix);
  return n <= SCAN_ALWAYS || n <= 2 * width * ix->config.M;
}

static vs_status search_graph(vs_index *ix, vs_query q, uint32_t ef, vs_ranking *r) {
  VS_TRY(vs_hnsw_reserve_pool(&ix->graph, ef));
  vs_hnsw_search(&ix->graph, q, 0, ef);
  const vs_hnsw_scratch *s = &ix->graph.scratch;
  for (uint32_t i = 0; i < s->n_pool; i++) vs_ranking_add(r, s->pool[i].value, s->pool[i].key);
  return VS_OK;
}

vs_status vs_index_search(vs_index *ix, const void *query, const vs_search_params *params, vs_hit *out, uint32_t *n_out,
                          vs_search_stats *stats) {
  uint32_t n = vs_index_count(ix), k = params->k < n ? params->k : n;
  uint64_t distances = ix->space.n_distances, hops = ix->graph.n_hops;
  *n_out = 0;
  if (k > 0) {
    vs_ranking r;
    vs_ranking_init(&r, out, k, ix->sequences, ix->config.metric);
    vs_query q = vs_space_query(&ix->space, query, ix->query);
    if (params->exact || vs_index_would_scan(ix, params->k, params->ef)) {
      vs_flat_scan(&ix->space, &ix->present, q, &r);
    } else {
      uint32_t ef = params->ef > k ? params->ef : k;
      VS_TRY(search_graph(ix, q, ef < n ? ef : n, &r));
    }
    *n_out = r.n;
    vs_ranking_finish(&r);
  }
  if (stats) *stats = (vs_search_stats){ix->space.n_distances - distances, ix->graph.n_hops - hops};
  return VS_OK;
}

vs_status vs_index_scan_among(vs_index *ix, const void *query, uint32_t k, const vs_bitset *among, vs_hit *out,
                              uint32_t *n_out, vs_search_stats *stats) {
  uint64_t distances = ix->space.n_distances;
  *n_out = 0;
  if (k > among->n_set) k = among->n_set;
  if (k > 0) {
    vs_ranking r;
    vs_ranking_init(&r, out, k, ix->sequences, ix->config.metric);
    vs_flat_scan(&ix->space, among, vs_space_query(&ix->space, query, ix->query), &r);
    *n_out = r.n;
    vs_ranking_finish(&r);
  }
  if (stats) *stats = (vs_search_stats){ix->space.n_distances - distances, 0};
  return VS_OK;
}

vs_status vs_index_search_among(vs_index *ix, const void *query, const vs_search_params *params, const vs_bitset *among,
                                vs_hit *out, uint32_t *n_out, bool *local, vs_search_stats *stats) {
  uint32_t n = among->n_set, k = params->k < n ? params->k : n;
  uint64_t distances = ix->space.n_distances, hops = ix->graph.n_hops;
  *n_out = 0;
  *local = false;
  if (!has_graph(ix)) return VS_UNSUPPORTED;
  if (k > 0) {
    vs_ranking r;
    uint32_t ef = params->ef > k ? params->ef : k;
    vs_hnsw_scratch *s = &ix->graph.scratch;
    vs_ranking_init(&r, out, k, ix->sequences, ix->config.metric);
    VS_TRY(vs_hnsw_reserve_pool(&ix->graph, ef));
    *local = vs_hnsw_search_among(&ix->graph, vs_space_query(&ix->space, query, ix->query), ef, among);
    for (uint32_t i = 0; i < s->n_pool; i++) vs_ranking_add(&r, s->pool[i].value, s->pool[i].key);
    *n_out = r.n;
    vs_ranking_finish(&r);
  }
  if (stats) *stats = (vs_search_stats){ix->space.n_distances - distances, ix->graph.n_hops - hops};
  return VS_OK;
}

/* -- The image --------------------------------------------------------- */

void vs_index_encode_begin(vs_index *ix) {
  ix->cursor = 0;
  ix->at_start = true;
}

static void encode_header(const vs_index *ix, vs_wr *out) {
  const vs_hnsw *g = &ix->graph;
  bool graph = has_graph(ix);
  vs_wr_u8(out, FORMAT);
  vs_wr_u8(out, graph);
  vs_wr_varint(out, graph ? g->M : 0);
  vs_wr_varint(out, vs_index_count(ix));
  vs_wr_varint(out, graph && g->entry != VS_NO_SLOT ? g->entry + 1 : 0);
  vs_wr_u8(out, (uint8_t)(graph ? g->max_level : 0));
}

vs_status vs_index_encode_next(vs_index *ix, vs_wr *out, bool *done) {
  size_t start = out->n;
  size_t room = VS_INDEX_CHUNK_BYTES - MAX_VARINT_BYTES - (has_graph(ix) ? vs_hnsw_node_bytes(&ix->graph) : 0);
  if (ix->at_start) encode_header(ix, out);
  ix->at_start = false;
  uint32_t slot;
  while ((slot = vs_bitset_next(&ix->present, ix->cursor)) != VS_NO_SLOT && out->n - start <= room && !out->failed) {
    vs_wr_varint(out, slot + 1 - ix->cursor);
    if (has_graph(ix)) vs_hnsw_encode_node(&ix->graph, slot, out);
    ix->cursor = slot + 1;
  }
  *done = slot == VS_NO_SLOT;
  return out->failed ? VS_OUT_OF_MEMORY : VS_OK;
}

vs_status vs_index_load_begin(vs_index *ix, uint32_t n_slots, vs_err *err) {
  assert(vs_index_count(ix) == 0);
  ix->cursor = 0;
  ix->n_left = 0;
  ix->n_slots = n_slots;
  ix->at_start = true;
  vs_status status = vs_index_prepare(ix, n_slots, 0, NULL);
  return status == VS_OK ? VS_OK : vs_fail(err, status, "no memory for an index of %u slots", n_slots);
}

static vs_status load_header(vs_index *ix, vs_rd *in, vs_err *err) {
  vs_hnsw *g = &ix->graph;
  bool graph = has_graph(ix);
  uint32_t format = vs_rd_u8(in);
  uint32_t kind = vs_rd_u8(in);
  uint64_t m = vs_rd_varint(in), count = vs_rd_varint(in), entry = vs_rd_varint(in);
  uint32_t max_level = vs_rd_u8(in);
  if (in->failed || format != FORMAT) return vs_fail(err, VS_CORRUPT, "index image: unknown format %u", format);
  if (kind != graph || m != (graph ? g->M : 0)) return vs_fail(err, VS_CORRUPT, "index image: of another index");
  if (count > ix->n_slots || entry > ix->n_slots || (entry > 0) != (graph && count > 0) ||
      max_level > (entry > 0 ? VS_HNSW_MAX_LEVEL : 0)) {
    return vs_fail(err, VS_CORRUPT, "index image: bad header");
  }
  ix->n_left = (uint32_t)count;
  if (graph) {
    g->n = (uint32_t)count;
    g->entry = entry > 0 ? (uint32_t)entry - 1 : VS_NO_SLOT;
    g->max_level = max_level;
  }
  return VS_OK;
}

vs_status vs_index_load_chunk(vs_index *ix, vs_slice chunk, vs_err *err) {
  vs_rd in = vs_rd_of(chunk.p, chunk.n);
  if (ix->at_start) VS_TRY(load_header(ix, &in, err));
  ix->at_start = false;
  while (vs_rd_left(&in) > 0) {
    uint64_t step = vs_rd_varint(&in);
    if (in.failed || step == 0 || step > ix->n_slots - ix->cursor || ix->n_left == 0) {
      return vs_fail(err, VS_CORRUPT, "index image: bad slot after %u", ix->cursor);
    }
    ix->cursor += (uint32_t)step;
    ix->n_left--;
    vs_bitset_set(&ix->present, ix->cursor - 1);
    if (!has_graph(ix)) continue;
    vs_status status = vs_hnsw_decode_node(&ix->graph, ix->cursor - 1, ix->n_slots, &in);
    if (status != VS_OK) return vs_fail(err, status, "index image: bad node at slot %u", ix->cursor - 1);
  }
  return VS_OK;
}

vs_status vs_index_load_end(vs_index *ix, vs_err *err) {
  if (ix->at_start || ix->n_left > 0) return vs_fail(err, VS_CORRUPT, "index image: incomplete");
  return vs_index_check(ix, err);
}

vs_status vs_index_check(vs_index *ix, vs_err *err) {
  return has_graph(ix) ? vs_hnsw_check(&ix->graph, &ix->present, err) : VS_OK;
}
