/* hnsw.c - the graph index: what it is, why it holds together, insertion.
 *
 * Layer: index (L2), internal; knows slots and distances, no records.
 * Malkov and Yashunin, "Efficient and robust approximate nearest neighbor
 * search using Hierarchical Navigable Small World graphs", arXiv 1603.09320.
 *
 * THE GRAPH. Every node has a level drawn from its sequence; on each level
 * from 0 to its own it has a list of links, at most 2M on level 0 and M above
 * (the CAP of the level). Some links are TREE links, marked in bit 31.
 *
 * INVARIANTS, after every operation and for every level l:
 *   G1  Links join nodes of level >= l; none joins a node to itself; no two
 *       join the same nodes; lists do not exceed the cap.
 *   G2  Links are mutual: y is in x's list iff x is in y's, with one marking.
 *   G3  The tree links form a spanning tree of the nodes of level >= l.
 *   G4  The entry is a node of the highest level there is.
 * vs_hnsw_check tests all of them.
 *
 * WHY. By G3 each level is connected, whatever the data (thousands of equal
 * vectors, clusters far apart), so a walk with ef >= n finds everything, and
 * every node stays findable for ever; plain HNSW loses nodes when the last
 * node that links to them prefers others. By G2 a node can be taken out by
 * visiting its neighbours only.
 *
 * G3 IS KEPT, because
 *   (a) only links outside the tree are ever given up for better ones;
 *   (b) a new node gets exactly one tree link, to a node with ROOM: one whose
 *       tree degree is below the cap. Walking along the tree without turning
 *       back ends in a leaf, of tree degree 1 < cap (the cap is 2 at least),
 *       so there always is one. If its list is full, one of its links is not
 *       in the tree and makes way;
 *   (c) taking a node of tree degree t out leaves t trees, each containing
 *       one former neighbour; t - 1 new tree links, each between different
 *       ones of these trees, join them again. By the argument of (b) each
 *       tree always has a node with room (hnsw_remove.c).
 *
 * COST. Insertion: a walk with ef_construction per level and O(M^2)
 * distances to choose and evict. Memory per node: 8 + 8M bytes on level 0,
 * and (8 + 4M) / (M - 1) on average above. With codes the level-0 item is
 * ONE BLOCK, the node's code and its links, a multiple of 64 bytes (576 for
 * 384 dimensions and M = 16): a hop reads nothing else. After loading or
 * converting the lists lie apart at first (vs_hnsw_make_room).
 */
#include "hnsw.h"

#include <string.h>

/* Blocks with codes are read whole and start on a cache line. */
#define BLOCK_ALIGN 64u

static vs_status init_scratch(vs_hnsw *g) {
  vs_hnsw_scratch *s = &g->scratch;
  size_t cap = 2 * (size_t)g->M, n_edges = cap * (cap - 1) / 2;
  VS_TRY(vs_hnsw_reserve_pool(g, g->ef_construction));
  s->slot = vs_malloc(g->a, (cap + 1) * sizeof(*s->slot));
  s->value = vs_malloc(g->a, (cap + 1) * sizeof(*s->value));
  s->kept = vs_malloc(g->a, cap * sizeof(*s->kept));
  s->kept_value = vs_malloc(g->a, cap * sizeof(*s->kept_value));
  s->order = vs_malloc(g->a, (cap + 1) * sizeof(*s->order));
  s->orphan = vs_malloc(g->a, cap * sizeof(*s->orphan));
  s->group = vs_malloc(g->a, cap * sizeof(*s->group));
  s->edge = vs_malloc(g->a, n_edges * sizeof(*s->edge));
  bool found = s->slot && s->value && s->kept && s->kept_value;
  return found && s->order && s->orphan && s->group && s->edge ? VS_OK : VS_OUT_OF_MEMORY;
}

static void layout(const vs_hnsw *g, vs_blocks *base, uint32_t code_bytes) {
  uint32_t bytes = code_bytes + (uint32_t)(sizeof(vs_links) + 2 * (size_t)g->M * sizeof(uint32_t));
  vs_blocks_init(base, g->a, code_bytes ? (bytes + BLOCK_ALIGN - 1) & ~(BLOCK_ALIGN - 1) : bytes);
}

vs_status vs_hnsw_init(vs_hnsw *g, vs_alloc *a, vs_space *space, const vs_index_config *config, uint32_t code_bytes) {
  memset(g, 0, sizeof(*g));
  g->a = a;
  g->space = space;
  g->M = config->M;
  g->ef_construction = config->ef_construction;
  g->seed = config->seed;
  g->entry = VS_NO_SLOT;
  g->free_upper = VS_NO_SLOT;
  g->at_links = code_bytes;
  layout(g, &g->base, code_bytes);
  layout(g, &g->apart, 0);
  g->n_moved = VS_NO_SLOT;
  vs_blocks_init(&g->upper, a, (uint32_t)(sizeof(vs_links) + (size_t)g->M * sizeof(uint32_t)));
  vs_blocks_init(&g->visited, a, 1);
  vs_status status = init_scratch(g);
  if (status != VS_OK) vs_hnsw_deinit(g);
  return status;
}

void vs_hnsw_deinit(vs_hnsw *g) {
  vs_hnsw_scratch *s = &g->scratch;
  vs_free(g->a, s->pool);
  vs_free(g->a, s->slot);
  vs_free(g->a, s->value);
  vs_free(g->a, s->kept);
  vs_free(g->a, s->kept_value);
  vs_free(g->a, s->order);
  vs_free(g->a, s->orphan);
  vs_free(g->a, s->group);
  vs_free(g->a, s->edge);
  memset(s, 0, sizeof(*s));
  vs_blocks_deinit(&g->base);
  vs_blocks_deinit(&g->apart);
  vs_blocks_deinit(&g->upper);
  vs_blocks_deinit(&g->visited);
}

size_t vs_hnsw_bytes(const vs_hnsw *g) {
  size_t cap = 2 * (size_t)g->M;
  size_t scratch = g->scratch.cap_pool * sizeof(vs_pair) + (6 * cap + 2) * sizeof(uint32_t) +
                   (cap + 1 + cap * (cap - 1) / 2) * sizeof(vs_pair);
  return vs_blocks_bytes(&g->base) + vs_blocks_bytes(&g->apart) + vs_blocks_bytes(&g->upper) +
         vs_blocks_bytes(&g->visited) + scratch;
}

vs_status vs_hnsw_prepare(vs_hnsw *g, uint32_t n_slots, uint32_t n, const uint64_t *sequence) {
  uint64_t n_upper = g->n_upper;
  for (uint32_t i = 0; i < n; i++) n_upper += vs_hnsw_draw_level(g, sequence[i]);
  n_upper -= n_upper - g->n_upper < g->n_free ? n_upper - g->n_upper : g->n_free;
  if (n_upper >= VS_NO_SLOT) return VS_OUT_OF_MEMORY;
  VS_TRY(vs_blocks_reserve(&g->base, n_slots));
  if (g->n_moved != VS_NO_SLOT) VS_TRY(vs_blocks_reserve(&g->apart, n_slots));
  VS_TRY(vs_blocks_reserve(&g->visited, n_slots));
  return vs_blocks_reserve(&g->upper, (uint32_t)n_upper);
}

void vs_hnsw_trim(vs_hnsw *g, uint32_t n_slots) {
  vs_blocks_truncate(&g->base, n_slots);
  vs_blocks_truncate(&g->apart, n_slots);
  vs_blocks_truncate(&g->visited, n_slots);
}

vs_status vs_hnsw_make_room(vs_hnsw *g, uint32_t code_bytes) {
  vs_blocks next;
  layout(g, &next, code_bytes);
  next.raw = code_bytes > 0; /* codes and lists are written before they are read, and untouched memory costs nothing */
  vs_status status = vs_blocks_reserve(&next, g->base.n_items);
  if (status != VS_OK) {
    vs_blocks_deinit(&next);
    return status;
  }
  if (g->at_links == 0) {
    g->apart = g->base;
    g->n_moved = 0;
  } else {
    vs_hnsw_move_some(g, VS_NO_SLOT);
    for (uint32_t slot = 0; slot < g->base.n_items; slot++)
      memcpy(vs_blocks_at(&next, slot), vs_hnsw_base(g, slot), next.item_bytes);
    vs_blocks_deinit(&g->base);
  }
  g->base = next;
  g->at_links = code_bytes;
  return VS_OK;
}

void vs_hnsw_move_some(vs_hnsw *g, uint32_t n) {
  if (g->n_moved == VS_NO_SLOT) return;
  for (; n > 0 && g->n_moved < g->apart.n_items; n--) {
    const void *from = vs_blocks_at(&g->apart, g->n_moved++);
    memcpy(vs_hnsw_base(g, g->n_moved - 1), from, g->apart.item_bytes);
  }
  if (g->n_moved < g->apart.n_items) return;
  g->n_moved = VS_NO_SLOT;
  vs_blocks_deinit(&g->apart);
}

/* The neighbour that becomes the tree link of x: the nearest one with much
 * room, so that no node fills up with tree links while others are free; else
 * the nearest with any; else a node further out. */
static uint32_t choose_parent(vs_hnsw *g, uint32_t x, uint32_t n_kept, uint32_t level) {
  const uint32_t *kept = g->scratch.kept;
  uint32_t cap = vs_hnsw_cap(g, level), fallback = VS_NO_SLOT;
  for (uint32_t i = 0; i < n_kept; i++) {
    uint32_t degree = vs_hnsw_tree_degree(vs_hnsw_links(g, kept[i], level));
    if (degree <= cap / 2) return kept[i];
    if (degree < cap && fallback == VS_NO_SLOT) fallback = kept[i];
  }
  return fallback != VS_NO_SLOT ? fallback : vs_hnsw_walk_to_room(g, kept[0], x, level);
}

/* Gives x its links on one level; the pool holds the nodes near it. On level
 * 0 it asks for 1.5 M of them: against M that is 0.2 to 4 points of recall@10
 * at ef 10 to 50 and none from ef 80 on, for 3 to 12 % more distances and 13
 * to 23 % more build time; 2M was no better. */
static void join_level(vs_hnsw *g, uint32_t x, uint32_t level) {
  vs_hnsw_scratch *s = &g->scratch;
  uint32_t n = vs_hnsw_select(g, s->pool, s->n_pool, level ? g->M : g->M + g->M / 2);
  vs_hnsw_connect_tree(g, x, choose_parent(g, x, n, level), level);
  for (uint32_t i = 0; i < n; i++) vs_hnsw_connect(g, x, s->kept[i], s->kept_value[i], level);
}

void vs_hnsw_insert(vs_hnsw *g, uint32_t slot, uint64_t sequence) {
  uint32_t level = vs_hnsw_draw_level(g, sequence);
  vs_hnsw_node_open(g, slot, level);
  if (g->entry != VS_NO_SLOT) {
    vs_query q = vs_space_query_slot(g->space, slot);
    uint32_t l = level < g->max_level ? level : g->max_level;
    vs_hnsw_search(g, q, l, g->ef_construction);
    for (;;) {
      join_level(g, slot, l);
      if (l == 0) break;
      vs_hnsw_search_below(g, q, --l, g->ef_construction);
    }
  }
  if (g->entry == VS_NO_SLOT || level > g->max_level) {
    g->entry = slot;
    g->max_level = level;
  }
  g->n++;
}
