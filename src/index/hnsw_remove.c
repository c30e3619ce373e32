/* hnsw_remove.c - taking a node out and mending the hole.
 *
 * Layer: index (L2), internal. On each level of the node x:
 *
 *  1. Unlink x. Its former neighbours, the ORPHANS (at most 2M), have lost one
 *     link each, so every one has room in its list.
 *  2. MEND THE TREE. The orphans that were linked to x in the tree are each in
 *     a different one of the trees that are left. Kruskal's algorithm over
 *     the distances between them, skipping pairs without room for a tree link,
 *     joins them. Each has room for one, having lost one, but the second and
 *     further tree link of the same orphan may not fit; what is then still
 *     apart is joined between nodes further out, found by walking along the
 *     two trees (vs_hnsw_walk_to_room), which always succeeds.
 *  3. MEND THE NEIGHBOURHOOD. The orphans were near each other. Pairs of them,
 *     nearest first, are linked unless the link would be dominated for both
 *     (hnsw_select.c) or one of them has got NEW_LINKS already; so detours
 *     that led over x get a replacement, and cliques do not form. Whoever is
 *     poor after that is linked to the nearest orphans with room, dominated
 *     or not.
 *
 * COST. O(M^2) distances and O(M^2 log M) comparisons per level.
 */
#include "hnsw.h"

/* Measured on 10,000 vectors after replacing each twice on average: two gives a
 * little more recall than one, three no more than two. */
#define NEW_LINKS 2u

/* Unlinks x on a level; the orphans go to scratch.orphan, those in the tree first. */
static uint32_t detach(vs_hnsw *g, uint32_t x, uint32_t level, uint32_t *n_tree) {
  const vs_links *list = vs_hnsw_links(g, x, level);
  uint32_t *orphan = g->scratch.orphan, n = list->n, first = 0, last = n;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t y = list->link[i] & VS_LINK_SLOT;
    if (list->link[i] & VS_TREE_LINK) {
      orphan[first++] = y;
    } else {
      orphan[--last] = y;
    }
  }
  for (uint32_t i = 0; i < n; i++) vs_hnsw_unlink(g, x, orphan[i], level);
  *n_tree = first;
  return n;
}

/* All pairs of orphans into scratch.edge, by distance; a pair i < j of places
 * is the value i << 16 | j. */
static uint32_t measure(vs_hnsw *g, uint32_t n) {
  vs_hnsw_scratch *s = &g->scratch;
  vs_heap heap;
  vs_heap_init(&heap, s->edge, n * (n - 1) / 2);
  for (uint32_t i = 0; i + 1 < n; i++) {
    uint32_t m = n - i - 1;
    vs_space_values(g->space, vs_space_query_slot(g->space, s->orphan[i]), s->orphan + i + 1, m, s->value);
    for (uint32_t j = 0; j < m; j++) vs_heap_push(&heap, (vs_pair){s->value[j], i << 16 | (i + 1 + j)});
  }
  vs_heap_sort(&heap);
  return heap.n;
}

static uint32_t group_of(uint32_t *group, uint32_t i) {
  while (group[i] != i) i = group[i] = group[group[i]];
  return i;
}

static bool has_room(const vs_hnsw *g, uint32_t slot, uint32_t level) {
  return vs_hnsw_tree_degree(vs_hnsw_links(g, slot, level)) < vs_hnsw_cap(g, level);
}

/* Step 2; the first n_tree orphans are the ones to join. */
static void mend_tree(vs_hnsw *g, uint32_t n_tree, uint32_t n_edges, uint32_t level) {
  vs_hnsw_scratch *s = &g->scratch;
  for (uint32_t i = 0; i < n_tree; i++) s->group[i] = i;
  for (uint32_t e = 0; e < n_edges; e++) {
    uint32_t i = s->edge[e].value >> 16, j = s->edge[e].value & 0xffff;
    if (i >= n_tree || j >= n_tree) continue;
    uint32_t a = group_of(s->group, i), b = group_of(s->group, j);
    if (a == b || !has_room(g, s->orphan[i], level) || !has_room(g, s->orphan[j], level)) continue;
    vs_hnsw_connect_tree(g, s->orphan[i], s->orphan[j], level);
    s->group[a] = b;
  }
  for (uint32_t i = 1; i < n_tree; i++) {
    uint32_t a = group_of(s->group, 0), b = group_of(s->group, i);
    if (a == b) continue;
    uint32_t u = vs_hnsw_walk_to_room(g, s->orphan[0], s->orphan[i], level);
    uint32_t v = vs_hnsw_walk_to_room(g, s->orphan[i], u, level);
    vs_hnsw_connect_tree(g, u, v, level);
    s->group[b] = a;
  }
}

/* True if the two orphans of an edge are not linked but could be. */
static bool linkable(const vs_hnsw *g, uint32_t x, uint32_t y, uint32_t level) {
  uint32_t cap = vs_hnsw_cap(g, level);
  const vs_links *a = vs_hnsw_links(g, x, level), *b = vs_hnsw_links(g, y, level);
  return a->n < cap && b->n < cap && vs_hnsw_find(a, y) == VS_NO_SLOT;
}

/* Step 3. */
static void mend_neighbourhood(vs_hnsw *g, uint32_t n, uint32_t n_edges, uint32_t level) {
  vs_hnsw_scratch *s = &g->scratch;
  uint32_t *left = s->group;
  for (uint32_t i = 0; i < n; i++) left[i] = NEW_LINKS;
  for (uint32_t e = 0; e < n_edges; e++) {
    uint32_t i = s->edge[e].value >> 16, j = s->edge[e].value & 0xffff, x = s->orphan[i], y = s->orphan[j];
    float value = s->edge[e].key;
    if (!left[i] || !left[j] || !linkable(g, x, y, level)) continue;
    if (vs_hnsw_dominated(g, x, y, value, level) && vs_hnsw_dominated(g, y, x, value, level)) continue;
    vs_hnsw_link(g, x, y, level, 0);
    left[i]--;
    left[j]--;
  }
  for (uint32_t e = 0; e < n_edges; e++) {
    uint32_t x = s->orphan[s->edge[e].value >> 16], y = s->orphan[s->edge[e].value & 0xffff];
    if (!vs_hnsw_poor(g, x, level) && !vs_hnsw_poor(g, y, level)) continue;
    if (linkable(g, x, y, level)) vs_hnsw_link(g, x, y, level, 0);
  }
}

/* G4: the highest level that x is not alone on has a node of just that level
 * among x's neighbours there, because the level is connected. */
static void replace_entry(vs_hnsw *g, uint32_t x) {
  for (uint32_t l = g->max_level + 1; l-- > 0;) {
    const vs_links *list = vs_hnsw_links(g, x, l);
    if (list->n == 0) continue;
    g->entry = list->link[0] & VS_LINK_SLOT;
    g->max_level = l;
    return;
  }
  g->entry = VS_NO_SLOT;
  g->max_level = 0;
}

void vs_hnsw_remove(vs_hnsw *g, uint32_t slot) {
  if (g->entry == slot) replace_entry(g, slot);
  for (uint32_t l = vs_hnsw_level(g, slot) + 1; l-- > 0;) {
    uint32_t n_tree, n = detach(g, slot, l, &n_tree);
    if (n < 2) continue;
    uint32_t n_edges = measure(g, n);
    mend_tree(g, n_tree, n_edges, l);
    mend_neighbourhood(g, n, n_edges, l);
  }
  vs_hnsw_node_close(g, slot);
  g->n--;
}
