/* compaction.c - which segments a checkpoint keeps, and which it writes again.
 *
 * Layer: db. Knows segments as counts of records: of each, how many it holds
 * (manifest) and how many of those are live (the collection's segment numbers).
 *
 * POLICY. A segment is written again, without its dead records, when
 *   - none of its records is live: it is then only dropped;
 *   - 7 of 10 are dead. Replacing records in random order leaves every segment
 *     a few dead ones after another, and each live record of a segment that is
 *     written again is paid for twice. The later that is done the less it costs
 *     and the more room the dead take meanwhile: with a checkpoint per quarter
 *     of the records written, half dead costs 1.3 to 1.7 times the bytes of the
 *     records, 7 of 10 costs 1.1 to 1.2, at 1.6 to 2 times the live records on
 *     the medium (tests/bench/WRITES.md);
 *   - 1 of 10 is dead while many records are deleted and not replaced, when
 *     nobody else will use the room (vs_image_compaction_due);
 *   - any is dead, or it is small, and the caller asked for it (optimize);
 *   - it is small and there are many of them.
 *
 * COST. O(slots) in two passes, the second only when live records move; both
 * stop when the budget is used up and go on in the next call.
 */
#include "image.h"

/* A segment is written again from this share of dead records on. */
#define DEAD_OF 7u
#define DEAD_OUT_OF 10u
/* ... or this one (1 / COMPACT_DEAD_SHARE) while many records are deleted. */
#define COMPACT_DEAD_SHARE 10u
#define COMPACT_MIN_DEAD 1000u
/* Above this many segments the small ones are merged. */
#define MANY_SEGMENTS 48u
#define SMALL_SEGMENT_BYTES (VS_SEGMENT_MAX_BYTES / 4)
/* Slots between two looks at the budget. */
#define SLOTS_AT_ONCE 1024u

/* live[file] of a segment that is not kept. */
#define DROPPED UINT32_MAX

static bool is_much(uint64_t dead, uint64_t all) {
  return dead >= COMPACT_MIN_DEAD && dead * COMPACT_DEAD_SHARE >= all;
}

bool vs_image_compaction_due(const vs_collection *c, const vs_store *store) {
  if (!is_much(c->n_free, c->n_slots)) return false;
  uint64_t n_items = 0;
  for (uint32_t i = 0; i < vs_store_n_files(store); i++) {
    const vs_file_ref *ref = vs_store_file(store, i);
    if (ref->kind == VS_FILE_SEGMENT) n_items += ref->n_items;
  }
  return n_items > c->n_live && is_much(n_items - c->n_live, n_items);
}

static uint32_t *live_at(const vs_image_writer *w, uint32_t file) { return vs_blocks_at(&w->live, file); }

static bool is_segment(const vs_image_writer *w, uint32_t file) {
  return vs_store_file(w->store, file)->kind == VS_FILE_SEGMENT;
}

/* The file of the manifest in force that is segment `number`. */
static uint32_t file_of(const vs_image_writer *w, uint32_t number, uint32_t hint) {
  uint32_t n = vs_store_n_files(w->store), i = hint;
  while (!is_segment(w, i) || vs_store_file(w->store, i)->number != number) {
    i = i + 1 < n ? i + 1 : 0;
    assert(i != hint);
  }
  return i;
}

/* Looks at slots within the budget: counts their records by file, or takes them out of dropped ones. */
static void look_at_slots(vs_image_writer *w, double *budget) {
  vs_collection *c = w->c;
  uint32_t hint = 0;
  while (w->slot < c->n_slots && *budget > 0) {
    uint32_t end = c->n_slots - w->slot < SLOTS_AT_ONCE ? c->n_slots : w->slot + SLOTS_AT_ONCE;
    *budget -= VS_IMAGE_SLOT_COST * (end - w->slot);
    for (; w->slot < end; w->slot++) {
      uint32_t number = vs_coll_segment(c, w->slot);
      if (number == VS_SEG_NONE) continue;
      hint = file_of(w, number, hint);
      uint32_t *live = live_at(w, hint);
      if (w->state == IMAGE_COUNT)
        ++*live;
      else if (*live == DROPPED)
        vs_coll_set_segment(c, w->slot, VS_SEG_NONE);
    }
  }
}

static bool worth_rewriting(const vs_image_writer *w, const vs_file_ref *ref, uint32_t live, uint32_t n_segments,
                            bool compact) {
  if (live == 0) return true;
  uint64_t dead = ref->n_items - live;
  bool small = ref->bytes < SMALL_SEGMENT_BYTES;
  if (w->optimize && (dead > 0 || (small && n_segments > 1))) return true;
  if (compact && dead * COMPACT_DEAD_SHARE >= ref->n_items) return true;
  return dead * DEAD_OUT_OF >= ref->n_items * DEAD_OF || (small && n_segments > MANY_SEGMENTS);
}

/* Keeps the good segments; *moves when live records are in others. */
static vs_status keep_segments(vs_image_writer *w, bool *moves, vs_err *err) {
  uint32_t n_files = vs_store_n_files(w->store), n_segments = 0;
  bool compact = vs_image_compaction_due(w->c, w->store);
  *moves = false;
  for (uint32_t i = 0; i < n_files; i++) n_segments += is_segment(w, i);
  for (uint32_t i = 0; i < n_files; i++) {
    if (!is_segment(w, i)) continue;
    uint32_t *live = live_at(w, i);
    if (!worth_rewriting(w, vs_store_file(w->store, i), *live, n_segments, compact)) {
      VS_TRY(vs_store_checkpoint_keep(w->store, i, err));
      continue;
    }
    *moves = *moves || *live > 0;
    *live = DROPPED;
  }
  return VS_OK;
}

static void enter(vs_image_writer *w, uint32_t state) {
  w->state = state;
  w->slot = 0;
}

vs_status vs_image_plan(vs_image_writer *w, double *budget, vs_err *err) {
  if (w->state == IMAGE_PLAN) {
    if (!w->whole && vs_blocks_reserve(&w->live, vs_store_n_files(w->store)) != VS_OK)
      return vs_fail(err, VS_OUT_OF_MEMORY, "no memory for a checkpoint");
    enter(w, w->whole ? IMAGE_RECORDS : IMAGE_COUNT);
  }
  if (w->state == IMAGE_COUNT) {
    look_at_slots(w, budget);
    if (w->slot < w->c->n_slots) return VS_OK;
    bool moves;
    VS_TRY(keep_segments(w, &moves, err));
    enter(w, moves ? IMAGE_MARK : IMAGE_RECORDS);
  }
  if (w->state == IMAGE_MARK) {
    look_at_slots(w, budget);
    if (w->slot == w->c->n_slots) enter(w, IMAGE_RECORDS);
  }
  return VS_OK;
}
