/* index.h - nearest neighbours over slots: exact (flat) or by graph (hnsw).
 *
 * Layer: index (L2); includes base and kernels only. An index holds slots,
 * not records: ids, metadata and durability live above. It borrows the
 * vectors (vectors.h) and the per-slot insertion sequence used to break ties.
 *
 * TWO-PHASE WRITES. vs_index_prepare reserves every byte that inserting the
 * given slots can need (links, levels, scratch) and may fail; vs_index_insert
 * and vs_index_remove then cannot. Replacing a vector is remove, set the
 * vector, insert, in the same slot.
 *
 * DETERMINISM. A node's level depends only on (seed, sequence); the graph
 * depends only on the order of calls. Saving and loading an index and
 * replaying the same calls gives the same graph.
 *
 * COST. flat: search O(n). hnsw: insert and search O(log n) expected, remove
 * O(M^2) distance evaluations per level.
 *
 * The graph: Malkov and Yashunin, arXiv 1603.09320, with two differences.
 * Links are always mutual (y links x iff x links y), so a node can be taken
 * out by visiting its neighbours only; and on every level a spanning tree of
 * links is protected from eviction, so that every node stays reachable from
 * the entry point whatever the data (hnsw.c states the invariants).
 */
#ifndef VS_INDEX_H
#define VS_INDEX_H

#include "../base/bitset.h"
#include "../base/bytes.h"
#include "vectors.h"

typedef enum {
  VS_INDEX_AUTO = 0, /* graph, searched flat while small */
  VS_INDEX_HNSW = 1, /* graph, always searched as a graph */
  VS_INDEX_FLAT = 2  /* no graph */
} vs_index_type;

/* What a graph is walked on. Answers are always compared in full precision at the end. */
typedef enum {
  VS_QUANTIZE_AUTO = 0,   /* int8 once there are many vectors, where the metric has codes */
  VS_QUANTIZE_NONE = 1,   /* full vectors */
  VS_QUANTIZE_INT8 = 2,   /* 8-bit codes (kernels.h), kept in the graph's blocks */
  VS_QUANTIZE_BINARY = 3, /* one bit per dimension (binary.c), trained, in the same place */
  VS_QUANTIZE_PQ = 4      /* a centroid for each piece (pq.c), likewise */
} vs_quantization;

/* Of VS_QUANTIZE_PQ; zeros are the usual choice. */
typedef struct {
  uint32_t subvectors; /* pieces, as many as dimensions at most; 0 = one for 8 dimensions */
  uint32_t centroids;  /* 2 .. 256 of each; 0 = 256 */
  bool residual;       /* pieces of what 256 centroids of whole vectors leave */
} vs_quantization_options;

/* What lies beside a node of a graph with codes. */
typedef enum {
  VS_LAYOUT_STANDARD = 0, /* its links */
  VS_LAYOUT_TURBO = 1     /* its neighbours' 4-bit codes too, from vs_index_optimize on (turbo.h) */
} vs_layout;

#define VS_LAYOUT_TURBO_MAX_DIMENSION 2048u

typedef struct {
  vs_index_type type;
  vs_metric metric;
  uint32_t M;               /* 2 .. 128; level 0 holds 2 * M links */
  uint32_t ef_construction; /* >= M */
  uint64_t seed;
  vs_quantization quantization; /* int8: a graph, and metric cosine, dot or euclidean */
  vs_layout layout;             /* turbo: quantization auto, which then means int8 at once, or int8 */
  vs_quantization_options options;
} vs_index_config;

typedef struct vs_index vs_index;

/* One found slot. `distance` is the metric's public one. */
typedef struct {
  uint32_t slot;
  float distance;
} vs_hit;

typedef struct {
  uint32_t k;  /* > 0 */
  uint32_t ef; /* raised to k by the index */
  bool exact;  /* scan everything in full precision */
  /* With codes: 1 + how many of the nearest candidates are compared in full precision, raised to
   * k; 1 = none, distances are those of the codes; 0 = as many as lose nothing. */
  uint32_t rescore;
  /* Lets a candidate of the walk pass, or not; tested from the nearest on until enough did. NULL:
   * all pass. With it the graph is walked, whatever its size. */
  bool (*keep)(void *ctx, uint32_t slot);
  void *keep_ctx;
} vs_search_params;

/* Counters of the last search, for explain and benches. */
typedef struct {
  uint64_t n_distances;
  uint64_t n_hops; /* nodes expanded; 0 for a flat scan */
  uint64_t n_full; /* of the distances: those between full vectors */
} vs_search_stats;

/* False: codes for a metric without, or without a graph; turbo without int8. */
bool vs_index_supports(const vs_index_config *config);
/* VS_UNSUPPORTED: what vs_index_supports refuses. sequences: uint64 per slot in blocks, borrowed, as are the vectors.
 */
VS_MUST_USE vs_status vs_index_create(vs_alloc *a, const vs_index_config *config, const vs_vectors *vectors,
                                      const vs_blocks *sequences, vs_index **out);
void vs_index_destroy(vs_index *ix);
/* The same vectors lie at another address now. */
void vs_index_rebind(vs_index *ix, const vs_vectors *vectors);

/* Before inserting `n` further slots, all below n_slots (the new total of
 * slots in use by the caller). `sequence` lists the n sequences that will be
 * inserted, in order (their levels decide the upper-level memory). */
VS_MUST_USE vs_status vs_index_prepare(vs_index *ix, uint32_t n_slots, uint32_t n, const uint64_t *sequence);
/* The slot's vector and sequence must be set; the slot must not be in the index. Cannot fail. */
void vs_index_insert(vs_index *ix, uint32_t slot);
/* The slot must be in the index, its vector still the inserted one. Cannot fail. */
void vs_index_remove(vs_index *ix, uint32_t slot);
bool vs_index_contains(const vs_index *ix, uint32_t slot);
uint32_t vs_index_count(const vs_index *ix);

/* Writes the nearest hits to `out` (room for min(k, count)), nearest first,
 * equal distances by smaller sequence; *n_out how many. query: dim floats of
 * any alignment, finite. Fails only for memory. */
VS_MUST_USE vs_status vs_index_search(vs_index *ix, const void *query, const vs_search_params *params, vs_hit *out,
                                      uint32_t *n_out, vs_search_stats *stats);

/* The k nearest of all slots, exactly, for each of n queries in one pass: n times min(k, count) hits and n numbers.
 * Fails only for memory. */
VS_MUST_USE vs_status vs_index_search_many(vs_index *ix, const void *queries, uint32_t n, uint32_t k, vs_hit *out,
                                           uint32_t *n_out);

/* The same among some of the slots: `among` holds only slots of the index, and
 * as many bits as the caller has slots. Scanning compares all of them, by their codes first where
 * there are some and neither exact nor no rescoring is asked for. The graph finds as many as it
 * can reach, which may be fewer than there are; *local is false, and nothing found, when
 * the query's surroundings have next to none of the wanted slots. An index without a
 * graph is VS_UNSUPPORTED. */
VS_MUST_USE vs_status vs_index_scan_among(vs_index *ix, const void *query, const vs_search_params *params,
                                          const vs_bitset *among, vs_hit *out, uint32_t *n_out, vs_search_stats *stats);
VS_MUST_USE vs_status vs_index_search_among(vs_index *ix, const void *query, const vs_search_params *params,
                                            const vs_bitset *among, vs_hit *out, uint32_t *n_out, bool *local,
                                            vs_search_stats *stats);

/* TARGET RECALL. What recall (of the nearest VS_CALIBRATION_K, measured on samples of the index's own data) growing ef
 * give. It holds for the graph as it was; when that has grown by half, lost a third, or half of it was
 * replaced, or it is walked on other codes, it is due again, and the old one stays in use meanwhile. */
#define VS_CALIBRATION_K 10u
#define VS_CALIBRATION_POINTS 13u
typedef struct {
  uint32_t n; /* points; 0 = none measured yet */
  uint32_t ef[VS_CALIBRATION_POINTS];
  float recall[VS_CALIBRATION_POINTS];
  uint32_t of;     /* vectors there were */
  uint32_t walked; /* on what: full vectors, codes, neighbours' codes */
} vs_calibration;

/* Of the present graph, borrowed; n = 0: none. */
const vs_calibration *vs_index_calibration(const vs_index *ix);
/* One that was saved. */
void vs_index_calibrated(vs_index *ix, const vs_calibration *calibration);
/* Goes on calibrating for a few milliseconds where it is due and the graph is used. Failures put it off. */
void vs_index_calibrate_some(vs_index *ix);
bool vs_index_calibration_due(const vs_index *ix);
/* The least ef measured to reach the recall, or the greatest measured; *recall: what it gave. 0: not measured. */
uint32_t vs_calibration_ef(const vs_calibration *c, float target, float *recall);

/* How vs_index_search would answer now: true = flat scan. */
bool vs_index_would_scan(const vs_index *ix, uint32_t k, uint32_t ef);

/* No slot from n_slots on is in the index: gives back the memory they had, as far as it is whole blocks. */
void vs_index_trim(vs_index *ix, uint32_t n_slots);

/* Memory held for links, levels, codes and scratch, and the codes' part of it. */
size_t vs_index_bytes(const vs_index *ix);
size_t vs_index_code_bytes(const vs_index *ix);
/* The same of what the turbo layout has besides. */
size_t vs_index_turbo_bytes(const vs_index *ix);

/* CONVERSION between full vectors and codes. The graph stays as it is. It is due
 * when what is configured and what is in force differ. To codes it takes no time,
 * as these are made when they are first looked at (space.h) and searches move the
 * lists bit by bit (hnsw.h); back, all lists are copied at once. It may fail for
 * memory, and then everything is as before. Under VS_QUANTIZE_AUTO a refusal makes
 * it due again only when the index has grown. */
void vs_index_configure(vs_index *ix, vs_quantization quantization, vs_layout layout); /* as supported */
vs_quantization vs_index_quantization(const vs_index *ix);                             /* in force: never AUTO */
bool vs_index_conversion_due(const vs_index *ix);
/* What takes no training. */
VS_MUST_USE vs_status vs_index_convert(vs_index *ix);

/* TRAINED CODES (binary, pq) come into force by training on a sample, from VS_TRAIN_FROM vectors on:
 * the conversion is due and vs_index_train does it, in calls of about *budget distances; nothing may be
 * inserted or removed until *done, and it may be given up. Codes that fail their test (training.c) are
 * refused: the index takes int8, until it has grown fourfold or `again`. With `again` codes in force are
 * trained anew if a fifth of the vectors came after their training. */
#define VS_TRAIN_FROM 1000u
VS_MUST_USE vs_status vs_index_train(vs_index *ix, bool again, double *budget, bool *done);
void vs_index_train_abandon(vs_index *ix);
/* The share of neighbours that the configured codes kept in their test, if they are refused; else -1. */
double vs_index_refused(const vs_index *ix);

/* OPTIMIZING. With codes: looks again for every node's neighbours; with the
 * turbo layout then trains the codebooks on the vectors as they are now and
 * codes the neighbours; from then on walks use these codes, and make again what
 * has changed. Each call goes on for about *budget units (of a distance); nothing
 * may be inserted or removed until *done. It may fail for memory; then, or when it
 * is given up, the layout stays as it was. */
VS_MUST_USE vs_status vs_index_optimize(vs_index *ix, double *budget, bool *done);
void vs_index_optimize_abandon(vs_index *ix);
vs_layout vs_index_layout(const vs_index *ix); /* in force */

/* THE IMAGE. A sequence of chunks (each at most VS_INDEX_CHUNK_BYTES) that the
 * caller stores in order. encode_begin, then encode_next (which appends one
 * chunk) until *done; nothing may change in between, and after a failure it
 * starts again from encode_begin. Decoding: load_begin, load_chunk per chunk in order,
 * load_end, which checks the whole graph (vs_index_check) before it is used;
 * any failure is VS_CORRUPT with a message and leaves an index that can only
 * be destroyed. Decoding allocates O(chunk bytes) and trusts nothing:
 * n_slots bounds every slot. Codes are not stored: they are made again of the
 * vectors, each when it is first looked at, so the vectors of all slots must be
 * set before the index is used. */
#define VS_INDEX_CHUNK_BYTES (256u * 1024u)
void vs_index_encode_begin(vs_index *ix);
VS_MUST_USE vs_status vs_index_encode_next(vs_index *ix, vs_wr *out, bool *done);
VS_MUST_USE vs_status vs_index_load_begin(vs_index *ix, uint32_t n_slots, vs_err *err);
VS_MUST_USE vs_status vs_index_load_chunk(vs_index *ix, vs_slice chunk, vs_err *err);
VS_MUST_USE vs_status vs_index_load_end(vs_index *ix, vs_err *err);

/* THE MODEL of trained codes, or that they are refused, is bytes of their own: after the last chunk
 * encode_model appends one piece of at most VS_INDEX_CHUNK_BYTES until *done (at once where there is none),
 * and load_model takes the pieces, in order, before load_end. A model that cannot be read is none: it is
 * trained anew when conversions are. */
VS_MUST_USE vs_status vs_index_encode_model(vs_index *ix, vs_wr *out, bool *done);
VS_MUST_USE vs_status vs_index_load_model(vs_index *ix, vs_slice piece);

/* Checks every invariant of the structure (degrees, levels, mutual links,
 * protected tree spans each level, entry point). VS_CORRUPT with a message. */
VS_MUST_USE vs_status vs_index_check(vs_index *ix, vs_err *err);

#endif
