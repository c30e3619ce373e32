/* collection.h - the live records of one collection, in memory.
 *
 * Layer: db (L4). Owns, by slot: the bodies, the vectors, the insertion
 * sequences, and the number of the segment each record was last written to;
 * the map from id to slot; the index. Knows nothing of logs or files.
 *
 * Writing is two-phase: vs_coll_prepare reserves all memory that a set of
 * changes needs and may fail, changing nothing that can be seen; the
 * vs_coll_apply_* functions then cannot fail.
 *
 * INVARIANTS
 *   C1  bodies[slot] is NULL iff the slot is on the free list or >= n_slots.
 *   C2  ids maps the id of every body to its slot, and nothing else.
 *   C3  with an index, exactly the slots that have a body are in it.
 *   C4  every rev and seq in use is below next_rev and next_seq.
 */
#ifndef VS_COLLECTION_H
#define VS_COLLECTION_H

#include "../base/hashmap.h"
#include "../index/index.h"
#include "../query/meta.h"
#include "../text/sparse.h"
#include "../text/textindex.h"
#include "marks.h"
#include "record.h"

/* Dimension not known yet: the first vector fixes it. 0 = records without vectors. */
#define VS_DIM_UNSET UINT32_MAX
/* An embedder's name, with its NUL. */
#define VS_EMBEDDER_BYTES 97u

typedef struct vs_reembed vs_reembed; /* reembed.h */

typedef struct {
  uint32_t dim;
  char embedder[VS_EMBEDDER_BYTES]; /* what made the vectors; "" = not known */
  uint32_t ef_search;
  uint32_t target_recall;     /* of queries without an ef of their own, in thousandths; 0 = ef_search decides */
  vs_calibration calibration; /* as it was saved; then the index has it */
  vs_index_config index;      /* metric, type, M, ef_construction, seed */
} vs_coll_config;

/* segment[slot]: the record is only in the log. */
#define VS_SEG_NONE 0u

typedef struct {
  vs_alloc *a;
  vs_coll_config config;
  bool has_index; /* vectors and index exist: the dimension is known and > 0 */
  vs_vectors vectors;
  vs_index *index;
  vs_blocks bodies;    /* vs_body * */
  vs_blocks sequences; /* uint64_t, borrowed by the index */
  vs_blocks segment;   /* uint32_t */
  vs_blocks free_slot; /* uint32_t stack */
  uint32_t n_free, n_slots, n_live;
  vs_hashmap ids;
  uint64_t next_seq, next_rev;
  size_t body_bytes; /* memory of all bodies */
  vs_reembed *next;  /* owned: vectors of another embedder being gathered, or NULL */
  vs_meta meta;      /* what queries know of the metadata */
  vs_textindex text; /* what text queries know of the texts */
  vs_sparse sparse;  /* what sparse queries know of the sparse vectors */
  vs_wr kept;        /* encoded object {indexes, schema, text}: options kept as given, those that are set */
  bool *wants_part;  /* where to say that opening needs the engine's second part, or NULL: it is there */
  vs_marks marks;    /* which calls of which clients were committed last */
} vs_collection;

void vs_coll_init(vs_collection *c, vs_alloc *a, const vs_coll_config *config, uint64_t hash_seed);
void vs_coll_deinit(vs_collection *c);

/* Takes over the options `indexes`, `schema` and `text` from an encoded object, where they are
 * there; null unsets the first two, of `text` each member counts (text/textoptions.h). VS_INVALID_ARGUMENT,
 * VS_OUT_OF_MEMORY: nothing changed. */
VS_MUST_USE vs_status vs_coll_keep(vs_collection *c, const vs_value *options, vs_err *err);

/* The slot's body, or NULL. */
vs_body *vs_coll_body(const vs_collection *c, uint32_t slot);
uint32_t vs_coll_find(const vs_collection *c, vs_slice id);
uint32_t vs_coll_segment(const vs_collection *c, uint32_t slot);
void vs_coll_set_segment(vs_collection *c, uint32_t slot, uint32_t number);

/* Creates vectors and index once the dimension is known (no-op for 0 or when there). */
VS_MUST_USE vs_status vs_coll_fix_dim(vs_collection *c, uint32_t dim);
/* Takes that back while the collection never held a record. */
void vs_coll_unfix_dim(vs_collection *c);

/* Slots below n_slots, n_new further ids, n_freed freed slots, and the n_inserts
 * graph inserts with the given sequences fit afterwards. */
VS_MUST_USE vs_status vs_coll_prepare(vs_collection *c, uint32_t n_slots, uint32_t n_new, uint32_t n_freed,
                                      uint32_t n_inserts, const uint64_t *sequence);

/* Installs the body (now owned by the collection) at body->slot, as a new
 * record or in place of the one there. vector: dim floats of any alignment;
 * NULL = the slot's vector stays (or there are none). */
void vs_coll_apply_upsert(vs_collection *c, vs_body *body, const void *vector);
void vs_coll_apply_delete(vs_collection *c, uint32_t slot);

/* Takes a free slot for a new record: recycled first. The caller installs it. */
uint32_t vs_coll_take_slot(vs_collection *c);
/* Gives a taken slot back unused, last taken first. Room must have been prepared. */
void vs_coll_return_slot(vs_collection *c, uint32_t slot);

/* Gives back the memory of free slots behind the last record, and of ids that are gone. No change may be prepared. */
void vs_coll_trim(vs_collection *c);

/* Makes room for loading n_slots slots, n_live of them with records; the vectors
 * take theirs as they come, so that the source can shrink meanwhile. */
VS_MUST_USE vs_status vs_coll_prepare_load(vs_collection *c, uint32_t n_slots, uint32_t n_live);
/* While loading: installs a saved record without touching the index or the table of ids; memory as needed. */
VS_MUST_USE vs_status vs_coll_load(vs_collection *c, const vs_record_view *v, uint32_t segment);
/* Whether what comes next is not to be had, as the engine's second part is not there; says so to the host. */
bool vs_coll_lacks_part(const vs_collection *c);
/* Enters the id of the slot's record, if it has one; false if another record has that id. */
bool vs_coll_load_id(vs_collection *c, uint32_t slot);
/* Applies one logged change; VS_CORRUPT when it does not fit the state. The
 * free list is not kept meanwhile: rebuild it after the last. */
VS_MUST_USE vs_status vs_coll_replay_upsert(vs_collection *c, const vs_record_view *v);
VS_MUST_USE vs_status vs_coll_replay_delete(vs_collection *c, vs_slice id);
/* After loading and after replaying: builds the free list, smallest slot on top. */
VS_MUST_USE vs_status vs_coll_rebuild_free(vs_collection *c);

#endif
