/* hnsw.h - the graph's memory and the steps it is worked with.
 *
 * Layer: index (L2), internal to hnsw*.c and index.c. hnsw.c states what the
 * graph is and why it holds together; each hnsw_*.c below implements one
 * section of this header.
 */
#ifndef VS_HNSW_H
#define VS_HNSW_H

#include "../base/bitset.h"
#include "../base/heap.h"
#include "index.h"
#include "space.h"

#define VS_HNSW_MAX_LEVEL 15u

/* A stored link is a slot, with this bit set if the link is in the tree. */
#define VS_TREE_LINK 0x80000000u
#define VS_LINK_SLOT 0x7fffffffu

/* The links of one node on one level. */
typedef struct {
  uint32_t up; /* item of the same node one level up, in `upper`; VS_NO_SLOT = none. Free items: the next free one */
  uint32_t n;  /* links in use */
  uint32_t link[];
} vs_links;

/* Working memory; all but the pool has a size that M alone decides. */
typedef struct {
  vs_pair *pool;     /* candidates of a search, nearest first; bit 31 of a value = expanded */
  uint32_t cap_pool; /* grows with ef only */
  uint32_t n_pool;
  uint32_t *slot;    /* 2M + 1: gathered for one batch of distances */
  float *value;      /* 2M + 1: those distances */
  uint32_t *kept;    /* 2M: chosen neighbours */
  float *kept_value; /* 2M: their distances */
  vs_pair *order;    /* 2M + 1: links ordered by distance */
  uint32_t *orphan;  /* 2M: former neighbours of a removed node */
  uint32_t *group;   /* 2M: union-find over the orphans, then links each may still take */
  vs_pair *edge;     /* one for each two orphans */
} vs_hnsw_scratch;

typedef struct {
  vs_alloc *a;
  vs_space *space; /* borrowed */
  uint32_t M, ef_construction;
  uint64_t seed;
  vs_blocks base;      /* by slot: the code, if the space has codes, then vs_links with 2M links */
  vs_blocks *derived;  /* borrowed: items by slot, computed from level-0 lists (turbo.h); NULL = none */
  uint32_t at_links;   /* where the links begin in an item of `base`: 0, or the size of a code */
  vs_blocks apart;     /* while lists are moving: those of slots from n_moved on, vs_links only */
  uint32_t n_moved;    /* VS_NO_SLOT = none is moving */
  vs_blocks upper;     /* vs_links with M links, by item number */
  uint32_t n_upper;    /* items ever taken from `upper` */
  uint32_t free_upper; /* first free item, VS_NO_SLOT = none */
  uint32_t n_free;     /* length of the free list */
  uint32_t n;          /* nodes */
  uint32_t entry;      /* a node of the highest level; VS_NO_SLOT while empty */
  uint32_t max_level;  /* its level; 0 while empty */
  vs_blocks visited;   /* uint8 per slot: the epoch of the last visit */
  uint8_t epoch;
  vs_hnsw_scratch scratch;
  uint64_t n_hops; /* nodes expanded so far */
} vs_hnsw;

/* -- hnsw.c: life, insertion ------------------------------------------- */

/* code_bytes: room for a code in each item of `base`, 0 = none. */
VS_MUST_USE vs_status vs_hnsw_init(vs_hnsw *g, vs_alloc *a, vs_space *space, const vs_index_config *config,
                                   uint32_t code_bytes);
/* CODES COME OR GO. Afterwards each item of `base` has room for a code of that size, 0 = for none.
 * For codes nothing moves at once: the lists stay apart, where the memory of the items need not be
 * touched, and vs_hnsw_move_some moves the next n. Without, they are moved at once. On failure
 * nothing has changed. */
VS_MUST_USE vs_status vs_hnsw_make_room(vs_hnsw *g, uint32_t code_bytes);
void vs_hnsw_move_some(vs_hnsw *g, uint32_t n);
void vs_hnsw_deinit(vs_hnsw *g);
VS_MUST_USE vs_status vs_hnsw_prepare(vs_hnsw *g, uint32_t n_slots, uint32_t n, const uint64_t *sequence);
/* No node is at n_slots or above: whole blocks from there on are given back. */
void vs_hnsw_trim(vs_hnsw *g, uint32_t n_slots);
void vs_hnsw_insert(vs_hnsw *g, uint32_t slot, uint64_t sequence);
size_t vs_hnsw_bytes(const vs_hnsw *g);

/* -- hnsw_links.c: nodes, levels, links ---------------------------------- */

static inline vs_links *vs_hnsw_base(const vs_hnsw *g, uint32_t slot) {
  if (slot >= g->n_moved) return vs_blocks_at(&g->apart, slot);
  return (vs_links *)(void *)((uint8_t *)vs_blocks_at(&g->base, slot) + g->at_links);
}
/* Size of a level-0 list, in words. */
static inline uint32_t vs_hnsw_list_words(const vs_hnsw *g) {
  return (uint32_t)(sizeof(vs_links) / sizeof(uint32_t)) + 2 * g->M;
}
static inline uint32_t vs_hnsw_cap(const vs_hnsw *g, uint32_t level) { return level ? g->M : 2 * g->M; }
/* The node must reach the level. */
vs_links *vs_hnsw_links(const vs_hnsw *g, uint32_t slot, uint32_t level);
/* The level of a node that is in the graph. */
uint32_t vs_hnsw_level(const vs_hnsw *g, uint32_t slot);
/* The level the node of this sequence gets. */
uint32_t vs_hnsw_draw_level(const vs_hnsw *g, uint64_t sequence);
/* Gives a slot empty lists on levels 0 .. level from memory that has been reserved. */
void vs_hnsw_node_open(vs_hnsw *g, uint32_t slot, uint32_t level);
/* Takes them back; they must be empty. */
void vs_hnsw_node_close(vs_hnsw *g, uint32_t slot);
/* What is derived from the node's level-0 list is out of date: its first float becomes 0. */
static inline void vs_hnsw_outdate(const vs_hnsw *g, uint32_t slot) {
  if (g->derived) *(float *)vs_blocks_at(g->derived, slot) = 0;
}
/* Where x's list has y; VS_NO_SLOT = nowhere. */
uint32_t vs_hnsw_find(const vs_links *x, uint32_t y);
/* Number of tree links in a list. */
uint32_t vs_hnsw_tree_degree(const vs_links *x);
/* Links x and y, both of which must have room; flag is 0 or VS_TREE_LINK. */
void vs_hnsw_link(vs_hnsw *g, uint32_t x, uint32_t y, uint32_t level, uint32_t flag);
/* Takes the link between x and y out on both sides. */
void vs_hnsw_unlink(vs_hnsw *g, uint32_t x, uint32_t y, uint32_t level);

/* -- hnsw_search.c: the walk ------------------------------------------- */

/* Makes room for searches with this ef. */
VS_MUST_USE vs_status vs_hnsw_reserve_pool(vs_hnsw *g, uint32_t ef);
/* From the entry down to `level` with the ef nearest of it left in the pool
 * (scratch.pool, n_pool), flags cleared. The graph must not be empty. */
void vs_hnsw_search(vs_hnsw *g, vs_query q, uint32_t level, uint32_t ef);
/* The same one level further down, starting from the best of the pool. */
void vs_hnsw_search_below(vs_hnsw *g, vs_query q, uint32_t level, uint32_t ef);
/* From the entry down to level 1; the best found there, or the entry, is alone in the pool. */
void vs_hnsw_search_entry(vs_hnsw *g, vs_query q);
/* In a pool's value while a walk goes on: the node has been expanded. */
#define VS_EXPANDED 0x80000000u
/* Puts a candidate in its place if it is among the ef nearest; gives the
 * place, or n_pool if it is not. */
uint32_t vs_hnsw_pool_add(vs_hnsw_scratch *s, uint32_t ef, vs_pair x);
/* Starts a new set of visited nodes. */
void vs_hnsw_new_epoch(vs_hnsw *g);
/* Adds a node to it; false if it was there. */
static inline bool vs_hnsw_visit(vs_hnsw *g, uint32_t slot) {
  uint8_t *mark = vs_blocks_at(&g->visited, slot);
  if (*mark == g->epoch) return false;
  *mark = g->epoch;
  return true;
}

/* -- hnsw_filtered.c: the walk among some of the nodes ------------------- */

/* As vs_hnsw_search on level 0, but only nodes of `among`, which must be nodes
 * of the graph and whose bits reach to the last of them, come into the pool.
 * False: the query's surroundings have too few of them, the pool is empty. */
bool vs_hnsw_search_among(vs_hnsw *g, vs_query q, uint32_t ef, const vs_bitset *among);

/* -- hnsw_select.c: which links are worth having ----------------------- */

/* Chooses at most `want` neighbours for a node out of `n` candidates ordered by
 * their distance to it, nearest first, into scratch.kept and kept_value; gives
 * their number. */
uint32_t vs_hnsw_select(vs_hnsw *g, const vs_pair *candidate, uint32_t n, uint32_t want);
/* True if x has so few links on the level that it must not lose one. */
bool vs_hnsw_poor(const vs_hnsw *g, uint32_t slot, uint32_t level);
/* True if some neighbour of x is at most `value`, the distance of x and y, away from y. */
bool vs_hnsw_dominated(vs_hnsw *g, uint32_t x, uint32_t y, float value, uint32_t level);
/* Links x to y at the given distance if both gain by it, evicting a link of a
 * full list. False = the link was not worth its place. */
bool vs_hnsw_connect(vs_hnsw *g, uint32_t x, uint32_t y, float value, uint32_t level);
/* The same, but a full list of x makes way too. */
bool vs_hnsw_connect_both(vs_hnsw *g, uint32_t x, uint32_t y, float value, uint32_t level);
/* Links x to y in the tree, whatever it evicts, or moves an existing link
 * there. Both tree degrees must be below the cap. */
void vs_hnsw_connect_tree(vs_hnsw *g, uint32_t x, uint32_t y, uint32_t level);
/* Walks the tree away from `from`, towards x, to a node with room for another tree link. */
uint32_t vs_hnsw_walk_to_room(vs_hnsw *g, uint32_t from, uint32_t x, uint32_t level);

/* -- hnsw_refine.c ----------------------------------------------------- */

/* Memory for refining, then refining of one node, which cannot fail. */
VS_MUST_USE vs_status vs_hnsw_reserve_refine(vs_hnsw *g);
void vs_hnsw_refine(vs_hnsw *g, uint32_t slot);

/* -- hnsw_remove.c ----------------------------------------------------- */

void vs_hnsw_remove(vs_hnsw *g, uint32_t slot);

/* -- hnsw_image.c: one node as bytes ----------------------------------- */

/* Upper bound of an encoded node's size. */
size_t vs_hnsw_node_bytes(const vs_hnsw *g);
/* Appends the node's levels and links. */
void vs_hnsw_encode_node(const vs_hnsw *g, uint32_t slot, vs_wr *out);
/* Reads one back; links are bounded by n_slots and otherwise unchecked. */
VS_MUST_USE vs_status vs_hnsw_decode_node(vs_hnsw *g, uint32_t slot, uint32_t n_slots, vs_rd *in);

/* -- hnsw_check.c ------------------------------------------------------ */

/* Checks the invariants of hnsw.c; `present` says which slots are nodes. */
VS_MUST_USE vs_status vs_hnsw_check(vs_hnsw *g, const vs_bitset *present, vs_err *err);

#endif
