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
 * A SCAN without a graph, of many vectors, looks at one bit a component first
 * (scan_bits.c), unless it is to be exact or nothing is to be quantized.
 *
 * THE IMAGE. The first chunk starts with
 *
 *   u8 format (1), u8 kind (0 = slots only, 1 = graph, 2 = graph walked on
 *   int8 codes, 3 = the same in the turbo layout, 4 = graph walked on trained
 *   codes), varint M,
 *   varint count, varint entry + 1 (0 = none), u8 highest level;
 *   kind 3: the model (turbo_train.c)
 *
 * and every chunk continues with whole nodes in the order of their slots:
 * varint (slot - previous slot; the first counts from -1), then for a graph
 * the node's levels and links (hnsw_image.c). A list of slots alone is all a
 * flat index is made of. Codes are not stored (index.h).
 */
#include "hnsw.h"

#include "calibrate.h"
#include "coding.h"
#include "flat.h"
#include "scan_bits.h"
#include "scan_many.h"
#include "turbo.h"

#include <string.h>

#define SCAN_ALWAYS 1000u
#define SCAN_GROUP 32u
/* A scan compares codes first from so many slots on for each that is compared in full in the end. */
#define SLOTS_PER_FULL 16u
/* Trained codes lose nothing that matters with so many for each wanted, and at least LEAST_TRAINED. A walk has
 * ef of them, and all are compared: what ef promises is as dear with them as without, and no more. */
#define TRAINED_FACTOR 8u
#define LEAST_TRAINED 80u
#define FORMAT 1u
#define KIND_TRAINED 4u
#define MAX_VARINT_BYTES 5u

/* From this many vectors on `auto` means int8: below, everything fits a cache
 * or is scanned, and codes would only take memory. */
#define CODES_FROM 10000u
/* After a refused conversion: not again before the index has grown by 1 / RETRY_GROWTH. */
#define RETRY_GROWTH 4u
/* While codes are late a search makes this many besides those it looks at: of 100,000 vectors
 * 800 searches make all, and each takes 0.1 ms more for it. */
#define LATE_CODES 128u
/* A scan of fewer vectors takes less than a tenth of a millisecond for each 100 components anyway. */
#define BITS_FROM 4096u
/* A scan makes so many that are missing: of 100,000 vectors of 384 floats, within a quarter of the time it takes. */
#define LATE_BITS 1024u
/* At most so many candidates more than answers, whatever ef is. */
#define SPARE_MOST 16u
/* Calibrating that was refused memory waits for so many writes. */
#define RETRY_WRITES 1000u
/* Fewer vectors are no sample to train on, and are scanned anyway. */
#define TURBO_FROM 256u
/* Budget units of coding one neighbour. */
#define NEIGHBOUR_COST 40.0
/* The same of refining a node. */
#define REFINE_COST 1500.0

struct vs_index {
  vs_alloc *a;
  vs_index_config config;
  vs_space space;             /* full vectors */
  vs_space codes;             /* codes, where the graph has them */
  bool has_codes;             /* the graph is walked on codes */
  vs_coding coding;           /* trained codes: what there is of them */
  const vs_blocks *sequences; /* borrowed */
  vs_bitset present;
  float *query;          /* padded floats */
  vs_code *record;       /* the query's code; NULL where there can be none */
  vs_hnsw graph;         /* unused when flat */
  uint32_t convert_from; /* auto: count from which to try */
  vs_bits *bits;         /* flat: what scans look at first; NULL = full vectors only */
  uint64_t n_estimates;  /* made from them */
  vs_turbo *turbo;       /* in force once trained; NULL = standard layout */
  bool trained;
  vs_calibration calibration;
  vs_calibrator *calibrator; /* at work, or NULL */
  uint32_t calibrates;       /* what the walks are on that it measures */
  uint64_t n_writes;         /* since the calibration in force */
  uint64_t writes_before;    /* those of them that came before the calibrator */
  uint64_t calibrate_from;   /* refused memory: writes from which to try again */
  enum { OPTIMIZE_IDLE, OPTIMIZE_REFINE, OPTIMIZE_TRAIN, OPTIMIZE_CODE } optimizing;
  vs_turbo_trainer trainer;
  uint32_t optimize_at; /* next slot to refine or code */
  uint32_t cursor;      /* encoding: next slot to write; decoding: one past the last slot read */
  uint32_t n_left;      /* decoding: nodes still to come */
  uint32_t n_slots;     /* decoding: bound of the slots */
  bool at_start;        /* encoding, decoding: the header is next */
};

static bool has_graph(const vs_index *ix) { return ix->config.type != VS_INDEX_FLAT; }

static uint64_t sequence_of(const vs_index *ix, uint32_t slot) {
  return *(const uint64_t *)vs_blocks_at(ix->sequences, slot);
}

/* Could this index have codes? */
static bool can_have_codes(const vs_index *ix) { return has_graph(ix) && vs_space_has_codes(ix->config.metric); }

static uint32_t code_bytes(const vs_index *ix) { return vs_space_code_bytes(ix->space.vectors->dim); }

/* -- Life -------------------------------------------------------------- */

bool vs_index_supports(const vs_index_config *config) {
  bool codes = config->type != VS_INDEX_FLAT && vs_space_has_codes(config->metric);
  vs_quantization kind = config->quantization;
  if (config->layout == VS_LAYOUT_TURBO) return codes && (kind == VS_QUANTIZE_AUTO || kind == VS_QUANTIZE_INT8);
  return codes || kind == VS_QUANTIZE_AUTO || kind == VS_QUANTIZE_NONE;
}

static void drop_turbo(vs_index *ix) {
  vs_turbo_destroy(ix->turbo);
  ix->turbo = NULL;
  ix->trained = false;
}

/* Trained codes are for walks only (coder.h). */
static void use_codes(vs_index *ix, bool codes) {
  ix->has_codes = codes;
  ix->graph.space = codes && !ix->coding.coder ? &ix->codes : &ix->space;
}

/* Codes whatever the number of vectors. */
static bool wants_codes(const vs_index *ix) {
  return ix->config.quantization == VS_QUANTIZE_INT8 || ix->config.layout == VS_LAYOUT_TURBO;
}

static vs_status init_parts(vs_index *ix) {
  bool codes = wants_codes(ix);
  ix->query = vs_calloc(ix->a, ix->space.vectors->padded, sizeof(float));
  if (!ix->query) return VS_OUT_OF_MEMORY;
  if (!has_graph(ix)) return VS_OK;
  if (can_have_codes(ix)) {
    ix->record = vs_malloc(ix->a, code_bytes(ix));
    if (!ix->record) return VS_OUT_OF_MEMORY;
    vs_space_use_codes(&ix->codes, &ix->graph.base);
  }
  VS_TRY(vs_hnsw_init(&ix->graph, ix->a, &ix->space, &ix->config, codes ? code_bytes(ix) : 0));
  use_codes(ix, codes);
  return VS_OK;
}

vs_status vs_index_create(vs_alloc *a, const vs_index_config *config, const vs_vectors *vectors,
                          const vs_blocks *sequences, vs_index **out) {
  if (config->type != VS_INDEX_FLAT && (config->M < 2 || config->M > 128 || config->ef_construction < config->M)) {
    return VS_INVALID_ARGUMENT;
  }
  if (config->metric >= VS_METRIC_COUNT) return VS_INVALID_ARGUMENT;
  if (!vs_index_supports(config)) return VS_UNSUPPORTED;
  if (config->layout == VS_LAYOUT_TURBO && !vs_turbo_supports(vectors->dim)) return VS_UNSUPPORTED;
  vs_index *ix = vs_calloc(a, 1, sizeof(*ix));
  if (!ix) return VS_OUT_OF_MEMORY;
  ix->a = a;
  ix->config = *config;
  ix->sequences = sequences;
  ix->convert_from = CODES_FROM;
  vs_space_init(&ix->space, vectors, config->metric);
  vs_space_init(&ix->codes, vectors, config->metric);
  vs_bitset_init(&ix->present, a);
  vs_coding_init(&ix->coding, a);
  vs_status status = init_parts(ix);
  if (status != VS_OK) {
    vs_free(a, ix->record);
    vs_free(a, ix->query);
    vs_free(a, ix);
    return status;
  }
  *out = ix;
  return VS_OK;
}

void vs_index_destroy(vs_index *ix) {
  if (!ix) return;
  vs_index_optimize_abandon(ix);
  if (ix->calibrator) vs_calibrator_destroy(ix->calibrator);
  drop_turbo(ix);
  if (ix->bits) vs_bits_destroy(ix->bits);
  vs_space_deinit(&ix->codes);
  vs_coding_deinit(&ix->coding);
  if (has_graph(ix)) vs_hnsw_deinit(&ix->graph);
  vs_bitset_deinit(&ix->present);
  vs_free(ix->a, ix->record);
  vs_free(ix->a, ix->query);
  vs_free(ix->a, ix);
}

void vs_index_rebind(vs_index *ix, const vs_vectors *vectors) { ix->space.vectors = ix->codes.vectors = vectors; }
size_t vs_index_turbo_bytes(const vs_index *ix) { return ix->turbo ? vs_turbo_bytes(ix->turbo) : 0; }

size_t vs_index_code_bytes(const vs_index *ix) {
  if (ix->bits) return vs_bits_bytes(ix->bits);
  return ix->has_codes ? (size_t)ix->graph.base.n_items * ix->graph.at_links : 0;
}

size_t vs_index_bytes(const vs_index *ix) {
  size_t own = sizeof(*ix) + ix->space.vectors->padded * sizeof(float) + (ix->record ? code_bytes(ix) : 0);
  own += ix->bits ? vs_bits_bytes(ix->bits) : 0;
  own += ix->calibrator ? vs_calibrator_bytes(ix->calibrator) : 0;
  own += vs_index_turbo_bytes(ix) + vs_coding_bytes(&ix->coding) + vs_blocks_bytes(&ix->codes.made.words);
  return own + vs_blocks_bytes(&ix->present.words) + (has_graph(ix) ? vs_hnsw_bytes(&ix->graph) : 0);
}

/* -- Writing ----------------------------------------------------------- */

vs_status vs_index_prepare(vs_index *ix, uint32_t n_slots, uint32_t n, const uint64_t *sequence) {
  if (n_slots > VS_MAX_SLOTS) return VS_OUT_OF_MEMORY;
  VS_TRY(vs_bitset_reserve(&ix->present, n_slots));
  if (ix->turbo) VS_TRY(vs_turbo_reserve(ix->turbo, n_slots));
  VS_TRY(vs_space_reserve(&ix->codes, n_slots));
  return has_graph(ix) ? vs_hnsw_prepare(&ix->graph, n_slots, n, sequence) : VS_OK;
}

void vs_index_insert(vs_index *ix, uint32_t slot) {
  bool added = vs_bitset_set(&ix->present, slot);
  assert(added);
  (void)added;
  ix->n_writes++;
  if (ix->bits) vs_bits_forget(ix->bits, slot);
  if (ix->has_codes) vs_space_set(&ix->codes, slot);
  if (ix->coding.coder) ix->coding.n_since++;
  if (has_graph(ix)) vs_hnsw_insert(&ix->graph, slot, sequence_of(ix, slot));
}

void vs_index_remove(vs_index *ix, uint32_t slot) {
  bool removed = vs_bitset_clear(&ix->present, slot);
  assert(removed);
  (void)removed;
  ix->n_writes++;
  if (has_graph(ix)) vs_hnsw_remove(&ix->graph, slot);
  vs_space_forget(&ix->codes, slot);
  if (ix->bits) vs_bits_forget(ix->bits, slot);
}

void vs_index_trim(vs_index *ix, uint32_t n_slots) {
  assert(vs_bitset_next(&ix->present, n_slots) == VS_NO_SLOT);
  if (has_graph(ix)) vs_hnsw_trim(&ix->graph, n_slots);
  if (ix->turbo) vs_blocks_truncate(&ix->turbo->node, n_slots);
}

bool vs_index_contains(const vs_index *ix, uint32_t slot) { return vs_bitset_test(&ix->present, slot); }

uint32_t vs_index_count(const vs_index *ix) { return ix->present.n_set; }

/* -- Searching --------------------------------------------------------- */

bool vs_index_would_scan(const vs_index *ix, uint32_t k, uint32_t ef) {
  if (ix->config.type != VS_INDEX_AUTO) return ix->config.type == VS_INDEX_FLAT;
  uint64_t width = k > ef ? k : ef, n = vs_index_count(ix);
  return n <= SCAN_ALWAYS || n <= 2 * width * ix->config.M;
}

static vs_search_stats counted(const vs_index *ix) {
  return (vs_search_stats){ix->space.n_distances + ix->codes.n_distances + ix->n_estimates, ix->graph.n_hops,
                           ix->space.n_distances};
}

static vs_search_stats counted_since(const vs_index *ix, vs_search_stats before) {
  vs_search_stats now = counted(ix);
  return (vs_search_stats){now.n_distances - before.n_distances, now.n_hops - before.n_hops,
                           now.n_full - before.n_full};
}

/* How many candidates of a walk on codes are compared in full precision. */
static uint32_t rescored(const vs_index *ix, const vs_search_params *params, uint32_t k) {
  if (params->rescore == 0 && ix->coding.coder) {
    uint32_t n_least = params->ef > LEAST_TRAINED ? params->ef : LEAST_TRAINED;
    return n_least / TRAINED_FACTOR > k ? n_least : k * TRAINED_FACTOR;
  }
  if (params->rescore == 0) return k + (k < 12 ? 6 : k / 2);
  uint32_t n = params->rescore - 1;
  return n == 0 || n > k ? n : k;
}

/* Ranks candidates that a walk found, in order of their values, nearest first. They are the caller's to lose. */
static void rank_found(vs_index *ix, vs_query q, const vs_search_params *params, uint32_t k, vs_pair *found, uint32_t n,
                       vs_ranking *r) {
  uint32_t n_exact = ix->has_codes ? rescored(ix, params, k) : 0;
  if (params->keep) {
    uint32_t n_kept = 0, wanted = n_exact ? n_exact : k;
    for (uint32_t i = 0; i < n && n_kept < wanted; i++)
      if (params->keep(params->keep_ctx, found[i].value)) found[n_kept++] = found[i];
    n = n_kept;
  }
  if (n_exact > 0) {
    vs_ranking_add_exact(r, &ix->space, q, found, n_exact < n ? n_exact : n);
  } else {
    for (uint32_t i = 0; i < n; i++) vs_ranking_add(r, found[i].value, found[i].key);
  }
}

static vs_status search_turbo(vs_index *ix, vs_query q, const vs_search_params *params, uint32_t k, uint32_t ef,
                              vs_ranking *r) {
  vs_turbo *t = ix->turbo;
  uint32_t n_exact = rescored(ix, params, k), n_found = n_exact && !params->keep ? n_exact : ef;
  VS_TRY(vs_hnsw_reserve_pool(&ix->graph, ef));
  VS_TRY(vs_turbo_search(t, vs_space_query_code(&ix->codes, q, ix->record), q.v, k, ef, n_found));
  rank_found(ix, q, params, k, t->found, t->n_found, r);
  return VS_OK;
}

/* The query as the graph's walk needs it. */
static vs_query walking(vs_index *ix, vs_query q) {
  return ix->has_codes ? vs_space_query_code(&ix->codes, q, ix->record) : q;
}

/* Ranks what a walk left in the pool. */
static void rank_pool(vs_index *ix, vs_query q, const vs_search_params *params, uint32_t k, vs_ranking *r) {
  rank_found(ix, q, params, k, ix->graph.scratch.pool, ix->graph.scratch.n_pool, r);
}

/* Before a walk: what was put off at loading or converting goes on a little. */
static void catch_up(vs_index *ix) {
  vs_space_make_some(&ix->codes, &ix->present, ix->coding.coder ? ix->coding.coder->cls->late : LATE_CODES);
  vs_hnsw_move_some(&ix->graph, LATE_CODES);
}

/* Around a walk for a query. With 8-bit codes the graph is on them all the time. */
static void walk_on_codes(vs_index *ix, bool codes) {
  if (ix->coding.coder) ix->graph.space = codes ? &ix->codes : &ix->space;
}

static vs_status search_graph(vs_index *ix, vs_query q, const vs_search_params *params, uint32_t k, uint32_t ef,
                              vs_ranking *r) {
  catch_up(ix);
  if (ix->trained) return search_turbo(ix, q, params, k, ef, r);
  VS_TRY(vs_hnsw_reserve_pool(&ix->graph, ef));
  walk_on_codes(ix, true);
  vs_hnsw_search(&ix->graph, walking(ix, q), 0, ef);
  walk_on_codes(ix, false);
  rank_pool(ix, q, params, k, r);
  return VS_OK;
}

/* Could scans for k of n look at bits first? They are made now, if there is memory; without, all goes on as before. */
static bool scans_bits(vs_index *ix, uint32_t k, uint32_t n) {
  if (has_graph(ix) || ix->config.quantization == VS_QUANTIZE_NONE || n < BITS_FROM || k > n / SLOTS_PER_FULL)
    return false;
  if (!ix->bits && vs_bits_supports(ix->config.metric, ix->space.vectors->dim) &&
      vs_bits_create(ix->a, &ix->space, &ix->bits) != VS_OK)
    return false;
  if (!ix->bits) return false;
  vs_bits_make_some(ix->bits, &ix->present, LATE_BITS);
  return vs_bits_worth(ix->bits);
}

static void scan_full(vs_index *ix, vs_query q, const vs_search_params *params, const vs_bitset *among, vs_ranking *r) {
  uint64_t n = 0;
  bool done =
      !params->exact && scans_bits(ix, r->cap, among->n_set) && vs_bits_scan(ix->bits, among, q, r, &n) == VS_OK;
  if (!done) vs_flat_scan(&ix->space, among, q, r);
  ix->n_estimates += n;
}

vs_status vs_index_search(vs_index *ix, const void *query, const vs_search_params *params, vs_hit *out, uint32_t *n_out,
                          vs_search_stats *stats) {
  uint32_t n = vs_index_count(ix), k = params->k < n ? params->k : n;
  vs_search_stats before = counted(ix);
  *n_out = 0;
  if (k > 0) {
    vs_ranking r;
    vs_ranking_init(&r, out, k, ix->sequences, ix->config.metric);
    vs_query q = vs_space_query(&ix->space, query, ix->query);
    if (params->exact || (!params->keep && vs_index_would_scan(ix, params->k, params->ef))) {
      scan_full(ix, q, params, &ix->present, &r);
    } else {
      /* Codes need a few candidates more than there are answers, or the last of these is whoever is left. */
      uint32_t wanted = ix->has_codes ? rescored(ix, params, k) : 0, least = wanted > k ? wanted : k;
      if (least > k + SPARE_MOST) least = k + SPARE_MOST;
      uint32_t ef = params->ef > least ? params->ef : least;
      VS_TRY(search_graph(ix, q, params, k, ef < n ? ef : n, &r));
    }
    *n_out = r.n;
    vs_ranking_finish(&r);
  }
  if (stats) *stats = counted_since(ix, before);
  return VS_OK;
}

vs_status vs_index_search_many(vs_index *ix, const void *queries, uint32_t n, uint32_t k, vs_hit *out,
                               uint32_t *n_out) {
  uint32_t count = vs_index_count(ix);
  return vs_scan_many(ix->a, &ix->space, ix->sequences, &ix->present, queries, n, k < count ? k : count, out, n_out);
}

/* -- Calibration ------------------------------------------------------- */

static uint32_t walked_on(const vs_index *ix) { return (uint32_t)ix->has_codes + (uint32_t)ix->trained; }

const vs_calibration *vs_index_calibration(const vs_index *ix) { return &ix->calibration; }

void vs_index_calibrated(vs_index *ix, const vs_calibration *calibration) {
  ix->calibration = *calibration;
  ix->n_writes = 0;
}

bool vs_index_calibration_due(const vs_index *ix) {
  const vs_calibration *c = &ix->calibration;
  uint64_t n = vs_index_count(ix), of = c->of;
  if (!has_graph(ix) || vs_index_would_scan(ix, VS_CALIBRATION_K, VS_CALIBRATION_K)) return false;
  return c->n == 0 || c->walked != walked_on(ix) || 2 * n > 3 * of || 3 * n < 2 * of || ix->n_writes > of;
}

static vs_status walk_to_calibrate(void *ctx, const float *query, uint32_t ef, vs_hit *out, uint32_t *n) {
  vs_index *ix = ctx;
  vs_ranking r;
  vs_search_params params = {.k = VS_CALIBRATION_K};
  vs_ranking_init(&r, out, VS_CALIBRATION_K, ix->sequences, ix->config.metric);
  vs_query q = vs_space_query(&ix->space, query, ix->query);
  VS_TRY(search_graph(ix, q, &params, VS_CALIBRATION_K, ef, &r));
  *n = r.n;
  vs_ranking_finish(&r);
  return VS_OK;
}

void vs_index_calibrate_some(vs_index *ix) {
  bool done = false;
  if (ix->optimizing != OPTIMIZE_IDLE || ix->n_writes < ix->calibrate_from) return;
  bool stale =
      ix->calibrator && (ix->calibrates != walked_on(ix) || ix->n_writes - ix->writes_before > vs_index_count(ix) / 8);
  if (stale || !vs_index_calibration_due(ix)) {
    vs_calibrator_destroy(ix->calibrator);
    ix->calibrator = NULL;
  }
  if (!vs_index_calibration_due(ix)) return;
  vs_status status = VS_OK;
  if (!ix->calibrator) {
    status = vs_calibrator_create(ix->a, &ix->space, ix->sequences, &ix->present, &ix->calibrator);
    ix->calibrates = walked_on(ix);
    ix->writes_before = ix->n_writes;
  }
  vs_calibration result;
  if (status == VS_OK) status = vs_calibrator_step(ix->calibrator, &ix->present, walk_to_calibrate, ix, &result, &done);
  if (status == VS_OK && !done) return;
  vs_calibrator_destroy(ix->calibrator);
  ix->calibrator = NULL;
  ix->calibrate_from = status == VS_OK ? 0 : ix->n_writes + RETRY_WRITES;
  if (!done) return;
  result.walked = ix->calibrates;
  ix->calibration = result;
  ix->n_writes -= ix->writes_before;
}

uint32_t vs_calibration_ef(const vs_calibration *c, float target, float *recall) {
  *recall = 0;
  if (c->n == 0) return 0;
  uint32_t i = 0;
  while (i + 1 < c->n && c->recall[i] < target) i++;
  *recall = c->recall[i];
  return c->ef[i];
}

/* -- Conversion -------------------------------------------------------- */

void vs_index_configure(vs_index *ix, vs_quantization quantization, vs_layout layout) {
  ix->config.quantization = quantization;
  ix->config.layout = layout;
  if (quantization != VS_QUANTIZE_NONE) return;
  vs_bits_destroy(ix->bits);
  ix->bits = NULL;
}

vs_quantization vs_index_quantization(const vs_index *ix) {
  if (ix->coding.coder) return ix->coding.coder->cls->kind;
  return ix->has_codes ? VS_QUANTIZE_INT8 : VS_QUANTIZE_NONE;
}

/* What should be in force now. */
static vs_quantization wanted(const vs_index *ix) {
  vs_quantization now = vs_index_quantization(ix), kind = ix->config.quantization;
  if (!can_have_codes(ix)) return VS_QUANTIZE_NONE;
  if (wants_codes(ix)) return VS_QUANTIZE_INT8;
  if (kind == VS_QUANTIZE_AUTO) {
    return now == VS_QUANTIZE_NONE && vs_index_count(ix) >= ix->convert_from ? VS_QUANTIZE_INT8 : now;
  }
  if (!vs_coding_is_trained(kind)) return kind;
  if (now != kind && vs_coding_is_refused(&ix->coding, &ix->config, vs_index_count(ix))) return VS_QUANTIZE_INT8;
  return vs_index_count(ix) >= VS_TRAIN_FROM ? kind : now;
}

bool vs_index_conversion_due(const vs_index *ix) {
  return wanted(ix) != vs_index_quantization(ix) || vs_coding_is_other(&ix->coding, &ix->config, vs_index_count(ix));
}

/* The graph's items lose their codes. */
static vs_status remove_codes(vs_index *ix) {
  VS_TRY(vs_hnsw_make_room(&ix->graph, 0));
  vs_space_deinit(&ix->codes);
  vs_coder_destroy(ix->coding.coder);
  ix->coding.coder = NULL;
  vs_space_use_codes(&ix->codes, &ix->graph.base);
  use_codes(ix, false);
  return VS_OK;
}

/* They get room for codes, which are late then: the coder's, which it takes, or 8-bit ones. If memory is
 * refused, they have none, and the coder is still the caller's. */
static vs_status add_codes(vs_index *ix, vs_coder *coder) {
  if (ix->has_codes) VS_TRY(remove_codes(ix));
  vs_status status = vs_space_defer(&ix->codes, ix->graph.base.n_items, 0);
  if (status == VS_OK) status = vs_hnsw_make_room(&ix->graph, coder ? coder->record_bytes : code_bytes(ix));
  if (status != VS_OK) {
    vs_space_deinit(&ix->codes);
    return status;
  }
  if (coder) {
    vs_space_use_coder(&ix->codes, &ix->graph.base, coder);
  } else {
    vs_space_use_codes(&ix->codes, &ix->graph.base);
  }
  ix->codes.n_late = vs_index_count(ix);
  ix->coding.coder = coder;
  use_codes(ix, true);
  return VS_OK;
}

vs_status vs_index_convert(vs_index *ix) {
  if (ix->turbo && ix->config.layout == VS_LAYOUT_STANDARD) drop_turbo(ix);
  vs_quantization kind = wanted(ix);
  if (kind == vs_index_quantization(ix) || vs_coding_is_trained(kind)) return VS_OK;
  vs_status status = kind == VS_QUANTIZE_NONE ? remove_codes(ix) : add_codes(ix, NULL);
  if (status != VS_OK) ix->convert_from = vs_index_count(ix) + vs_index_count(ix) / RETRY_GROWTH;
  return status;
}

/* -- Training ---------------------------------------------------------- */

double vs_index_refused(const vs_index *ix) {
  const vs_coding *c = &ix->coding;
  bool refused = vs_coding_is_trained(c->refused.kind) && c->refused.kind == ix->config.quantization && !c->coder;
  return refused ? c->refused.recall / 10000.0 : -1;
}

void vs_index_train_abandon(vs_index *ix) { vs_coding_abandon(&ix->coding); }

vs_status vs_index_train(vs_index *ix, bool again, double *budget, bool *done) {
  vs_coding *c = &ix->coding;
  bool passed = false;
  *done = !can_have_codes(ix) || !vs_coding_is_due(c, &ix->config, vs_index_count(ix), again);
  if (*done) return VS_OK;
  VS_TRY(vs_coding_train(c, &ix->config, &ix->space, &ix->present, budget, &passed, done));
  if (!*done) return VS_OK;
  if (!passed) return ix->has_codes && !c->coder ? VS_OK : add_codes(ix, NULL);
  vs_status status = add_codes(ix, c->training.coder);
  if (status == VS_OK) {
    vs_coding_accept(c);
  } else {
    vs_coding_abandon(c);
  }
  return status;
}

/* -- Optimizing -------------------------------------------------------- */

vs_layout vs_index_layout(const vs_index *ix) { return ix->trained ? VS_LAYOUT_TURBO : VS_LAYOUT_STANDARD; }

void vs_index_optimize_abandon(vs_index *ix) {
  if (ix->optimizing == OPTIMIZE_TRAIN) vs_turbo_train_end(ix->turbo, &ix->trainer, false);
  if (!ix->trained) drop_turbo(ix);
  ix->optimizing = OPTIMIZE_IDLE;
}

static bool wants_turbo(const vs_index *ix) {
  return ix->config.layout == VS_LAYOUT_TURBO && vs_index_count(ix) >= TURBO_FROM;
}

static vs_status optimize_begin(vs_index *ix) {
  vs_status status = vs_hnsw_reserve_refine(&ix->graph);
  if (status == VS_OK && wants_turbo(ix) && !ix->turbo) status = vs_turbo_create(ix->a, &ix->graph, &ix->turbo);
  if (status == VS_OK && ix->turbo) status = vs_turbo_reserve(ix->turbo, ix->graph.base.n_items);
  ix->optimizing = OPTIMIZE_REFINE;
  ix->optimize_at = 0;
  if (status != VS_OK) vs_index_optimize_abandon(ix);
  return status;
}

/* The next slot, or VS_NO_SLOT after the last. */
static uint32_t optimize_next(vs_index *ix) {
  uint32_t slot = vs_bitset_next(&ix->present, ix->optimize_at);
  if (slot != VS_NO_SLOT) ix->optimize_at = slot + 1;
  return slot;
}

static vs_status refine_some(vs_index *ix, double *budget) {
  for (; ix->optimizing == OPTIMIZE_REFINE && *budget > 0; *budget -= REFINE_COST) {
    uint32_t slot = optimize_next(ix);
    if (slot != VS_NO_SLOT) {
      vs_hnsw_refine(&ix->graph, slot);
      continue;
    }
    vs_status status = ix->turbo ? vs_turbo_train_begin(ix->turbo, &ix->trainer, &ix->present) : VS_OK;
    ix->optimizing = ix->turbo ? OPTIMIZE_TRAIN : OPTIMIZE_IDLE;
    if (status == VS_OK) continue;
    ix->optimizing = OPTIMIZE_IDLE;
    vs_index_optimize_abandon(ix);
    return status;
  }
  return VS_OK;
}

static void train_some(vs_index *ix, double *budget) {
  while (ix->optimizing == OPTIMIZE_TRAIN && *budget > 0) {
    *budget -= vs_turbo_round_cost(&ix->trainer);
    if (!vs_turbo_train_round(ix->turbo, &ix->trainer)) continue;
    vs_turbo_train_end(ix->turbo, &ix->trainer, true);
    ix->graph.derived = &ix->turbo->node;
    ix->trained = true;
    ix->optimizing = OPTIMIZE_CODE;
    ix->optimize_at = 0;
  }
}

vs_status vs_index_optimize(vs_index *ix, double *budget, bool *done) {
  *done = ix->optimizing == OPTIMIZE_IDLE && !ix->has_codes;
  if (*done) return VS_OK;
  if (ix->optimizing == OPTIMIZE_IDLE) VS_TRY(optimize_begin(ix));
  VS_TRY(refine_some(ix, budget));
  *done = ix->optimizing == OPTIMIZE_IDLE;
  train_some(ix, budget);
  for (; ix->optimizing == OPTIMIZE_CODE && *budget > 0; *budget -= NEIGHBOUR_COST * 1.5 * ix->graph.M) {
    uint32_t slot = optimize_next(ix);
    if (slot == VS_NO_SLOT) {
      ix->optimizing = OPTIMIZE_IDLE;
      *done = true;
      return VS_OK;
    }
    vs_turbo_refresh(ix->turbo, slot);
  }
  return VS_OK;
}

/* The nearest candidates by their codes, into the pool. */
static vs_status scan_codes(vs_index *ix, vs_query q, uint32_t n, const vs_bitset *among) {
  vs_hnsw_scratch *s = &ix->graph.scratch;
  uint32_t slot[SCAN_GROUP], m = 0, left = among->n_set;
  float value[SCAN_GROUP];
  VS_TRY(vs_hnsw_reserve_pool(&ix->graph, n));
  s->n_pool = 0;
  for (uint32_t base = 0; left > 0; base += 64) {
    uint64_t word = *(const uint64_t *)vs_blocks_at(&among->words, base / 64);
    for (; word; word &= word - 1) {
      slot[m++] = base + (uint32_t)__builtin_ctzll(word);
      left--;
      if (m < SCAN_GROUP && left > 0) continue;
      vs_space_touch(&ix->codes, slot, m);
      vs_space_values(&ix->codes, q, slot, m, value);
      for (uint32_t i = 0; i < m; i++)
        if (s->n_pool < n || value[i] < s->pool[n - 1].key) vs_hnsw_pool_add(s, n, (vs_pair){value[i], slot[i]});
      m = 0;
    }
  }
  return VS_OK;
}

vs_status vs_index_scan_among(vs_index *ix, const void *query, const vs_search_params *params, const vs_bitset *among,
                              vs_hit *out, uint32_t *n_out, vs_search_stats *stats) {
  vs_search_stats before = counted(ix);
  uint32_t k = params->k < among->n_set ? params->k : among->n_set;
  *n_out = 0;
  if (k > 0) {
    vs_ranking r;
    uint32_t n_exact = rescored(ix, params, k);
    vs_ranking_init(&r, out, k, ix->sequences, ix->config.metric);
    vs_query q = vs_space_query(&ix->space, query, ix->query);
    if (ix->has_codes && !params->exact && n_exact > 0 && n_exact < among->n_set / SLOTS_PER_FULL) {
      VS_TRY(scan_codes(ix, walking(ix, q), n_exact, among));
      vs_ranking_add_exact(&r, &ix->space, q, ix->graph.scratch.pool, ix->graph.scratch.n_pool);
    } else {
      scan_full(ix, q, params, among, &r);
    }
    *n_out = r.n;
    vs_ranking_finish(&r);
  }
  if (stats) *stats = counted_since(ix, before);
  return VS_OK;
}

vs_status vs_index_search_among(vs_index *ix, const void *query, const vs_search_params *params, const vs_bitset *among,
                                vs_hit *out, uint32_t *n_out, bool *local, vs_search_stats *stats) {
  uint32_t n = among->n_set, k = params->k < n ? params->k : n;
  vs_search_stats before = counted(ix);
  *n_out = 0;
  *local = false;
  if (!has_graph(ix)) return VS_UNSUPPORTED;
  if (k > 0) {
    vs_ranking r;
    uint32_t ef = params->ef > k ? params->ef : k;
    vs_ranking_init(&r, out, k, ix->sequences, ix->config.metric);
    VS_TRY(vs_hnsw_reserve_pool(&ix->graph, ef));
    catch_up(ix);
    vs_query q = vs_space_query(&ix->space, query, ix->query);
    walk_on_codes(ix, true);
    *local = vs_hnsw_search_among(&ix->graph, walking(ix, q), ef, among);
    walk_on_codes(ix, false);
    rank_pool(ix, q, params, k, &r);
    *n_out = r.n;
    vs_ranking_finish(&r);
  }
  if (stats) *stats = counted_since(ix, before);
  return VS_OK;
}

/* -- The image --------------------------------------------------------- */

void vs_index_encode_begin(vs_index *ix) {
  ix->cursor = 0;
  ix->at_start = true;
  vs_coding_encode_begin(&ix->coding);
}

static void encode_header(const vs_index *ix, vs_wr *out) {
  const vs_hnsw *g = &ix->graph;
  bool graph = has_graph(ix);
  vs_wr_u8(out, FORMAT);
  vs_wr_u8(out, graph ? (ix->coding.coder ? KIND_TRAINED : 1 + ix->has_codes + ix->trained) : 0);
  vs_wr_varint(out, graph ? g->M : 0);
  vs_wr_varint(out, vs_index_count(ix));
  vs_wr_varint(out, graph && g->entry != VS_NO_SLOT ? g->entry + 1 : 0);
  vs_wr_u8(out, (uint8_t)(graph ? g->max_level : 0));
  if (ix->trained) vs_turbo_encode_model(ix->turbo, out);
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
  vs_status status = vs_bitset_reserve(&ix->present, n_slots);
  return status == VS_OK ? VS_OK : vs_fail(err, status, "no memory for an index of %u slots", n_slots);
}

/* The image says whether its graph has codes; the configuration decides what comes after. */
static vs_status prepare_layout(vs_index *ix, bool codes) {
  if (has_graph(ix) && ix->has_codes) VS_TRY(remove_codes(ix));
  VS_TRY(vs_index_prepare(ix, ix->n_slots, 0, NULL));
  return codes ? add_codes(ix, NULL) : VS_OK;
}

static vs_status load_turbo(vs_index *ix, vs_rd *in) {
  VS_TRY(vs_turbo_create(ix->a, &ix->graph, &ix->turbo));
  if (!vs_turbo_decode_model(ix->turbo, in)) return VS_CORRUPT;
  VS_TRY(vs_turbo_reserve(ix->turbo, ix->n_slots));
  ix->graph.derived = &ix->turbo->node;
  ix->trained = true;
  return VS_OK;
}

static vs_status load_header(vs_index *ix, vs_rd *in, vs_err *err) {
  vs_hnsw *g = &ix->graph;
  bool graph = has_graph(ix);
  uint32_t format = vs_rd_u8(in);
  uint32_t kind = vs_rd_u8(in);
  uint64_t m = vs_rd_varint(in), count = vs_rd_varint(in), entry = vs_rd_varint(in);
  uint32_t max_level = vs_rd_u8(in);
  if (in->failed || format != FORMAT) return vs_fail(err, VS_CORRUPT, "index image: unknown format %u", format);
  bool known = kind < 2 ? kind == graph : can_have_codes(ix);
  known = kind == 3 ? known && vs_turbo_supports(ix->space.vectors->dim) : known && kind <= KIND_TRAINED;
  if (!known || m != (graph ? g->M : 0)) return vs_fail(err, VS_CORRUPT, "index image: of another index");
  if (count > ix->n_slots || entry > ix->n_slots || (entry > 0) != (graph && count > 0) ||
      max_level > (entry > 0 ? VS_HNSW_MAX_LEVEL : 0)) {
    return vs_fail(err, VS_CORRUPT, "index image: bad header");
  }
  bool codes = kind == 3 || (kind == 2 && ix->config.quantization != VS_QUANTIZE_NONE);
  vs_status status = prepare_layout(ix, codes);
  if (status == VS_OK && kind == 3) status = load_turbo(ix, in);
  if (status == VS_CORRUPT) return vs_fail(err, status, "index image: bad model");
  if (status != VS_OK) return vs_fail(err, status, "no memory for an index of %u slots", ix->n_slots);
  ix->n_left = (uint32_t)count;
  ix->coding.expected = kind == KIND_TRAINED;
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

vs_status vs_index_encode_model(vs_index *ix, vs_wr *out, bool *done) {
  return vs_coding_encode(&ix->coding, out, done);
}

vs_status vs_index_load_model(vs_index *ix, vs_slice piece) { return vs_coding_load(&ix->coding, piece); }

/* Codes of a model that has been loaded come into force. */
static vs_status load_model_end(vs_index *ix) {
  vs_coder *coder = NULL;
  if (!can_have_codes(ix)) return VS_OK;
  VS_TRY(vs_coding_decode(&ix->coding, &ix->config, ix->space.vectors->dim, &coder));
  if (!coder) return VS_OK;
  vs_status status = add_codes(ix, coder);
  if (status != VS_OK) vs_coder_destroy(coder);
  return status;
}

vs_status vs_index_load_end(vs_index *ix, vs_err *err) {
  if (ix->at_start || ix->n_left > 0) return vs_fail(err, VS_CORRUPT, "index image: incomplete");
  VS_TRY(load_model_end(ix));
  if (ix->has_codes) ix->codes.n_late = vs_index_count(ix);
  return vs_index_check(ix, err);
}

vs_status vs_index_check(vs_index *ix, vs_err *err) {
  return has_graph(ix) ? vs_hnsw_check(&ix->graph, &ix->present, err) : VS_OK;
}
