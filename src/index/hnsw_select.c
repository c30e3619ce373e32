/* hnsw_select.c - which links are worth having, and which one has to go.
 *
 * Layer: index (L2), internal. A link x-c is DOMINATED by a neighbour s of x
 * if s is at least as near to x as c is, and c at least as near to s as to x:
 * a walk at x that wants c finds it through s. Choosing neighbours is
 * algorithm 4 of Malkov and Yashunin: nearest first, dominated ones only to
 * fill up. (Equal distances dominate here, unlike in the paper, so that among
 * thousands of equal vectors one copy is a neighbour and not all of them.)
 *
 * A full list makes room by giving up its farthest dominated link. Because
 * links are mutual the other end loses one too; a POOR node, one with fewer
 * than M/2 links, is not made poorer while there is another choice. Tree
 * links are never given up, see hnsw.c.
 */
#include "hnsw.h"

/* True if one of the n slots is at most `value` away from c. */
static bool dominated(vs_hnsw *g, vs_query c, float value, const uint32_t *slot, uint32_t n) {
  float d[4];
  for (uint32_t i = 0; i < n; i += 4) {
    uint32_t m = n - i < 4 ? n - i : 4;
    vs_space_values(g->space, c, slot + i, m, d);
    for (uint32_t j = 0; j < m; j++) {
      if (d[j] <= value) return true;
    }
  }
  return false;
}

uint32_t vs_hnsw_select(vs_hnsw *g, const vs_pair *candidate, uint32_t n, uint32_t want) {
  uint32_t *kept = g->scratch.kept, n_kept = 0, n_pruned = 0;
  float *value = g->scratch.kept_value;
  vs_pair *pruned = g->scratch.order;
  assert(want <= 2 * g->M);
  for (uint32_t i = 0; i < n && n_kept < want; i++) {
    vs_pair c = candidate[i];
    if (!dominated(g, vs_space_query_slot(g->space, c.value), c.key, kept, n_kept)) {
      kept[n_kept] = c.value;
      value[n_kept++] = c.key;
    } else if (n_pruned < want) {
      pruned[n_pruned++] = c;
    }
  }
  for (uint32_t i = 0; i < n_pruned && n_kept < want; i++) {
    kept[n_kept] = pruned[i].value;
    value[n_kept++] = pruned[i].key;
  }
  return n_kept;
}

bool vs_hnsw_poor(const vs_hnsw *g, uint32_t slot, uint32_t level) {
  return vs_hnsw_links(g, slot, level)->n <= g->M / 2;
}

bool vs_hnsw_dominated(vs_hnsw *g, uint32_t x, uint32_t y, float value, uint32_t level) {
  const vs_links *list = vs_hnsw_links(g, x, level);
  uint32_t n = 0, *slot = g->scratch.slot;
  for (uint32_t i = 0; i < list->n; i++) slot[n++] = list->link[i] & VS_LINK_SLOT;
  return dominated(g, vs_space_query_slot(g->space, y), value, slot, n);
}

static void sort_farthest_first(vs_pair *p, uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    vs_pair x = p[i];
    uint32_t j = i;
    for (; j > 0 && vs_pair_less(p[j - 1], x); j--) p[j] = p[j - 1];
    p[j] = x;
  }
}

/* y's links and one to x at distance `value`, farthest first, into scratch.order. */
static uint32_t order_links(vs_hnsw *g, const vs_links *list, uint32_t y, uint32_t x, float value) {
  vs_hnsw_scratch *s = &g->scratch;
  uint32_t n = list->n;
  for (uint32_t i = 0; i < n; i++) s->slot[i] = list->link[i] & VS_LINK_SLOT;
  vs_space_touch(g->space, s->slot, n);
  vs_space_values(g->space, vs_space_query_slot(g->space, y), s->slot, n, s->value);
  for (uint32_t i = 0; i < n; i++) s->order[i] = (vs_pair){s->value[i], list->link[i]};
  s->order[n++] = (vs_pair){value, x};
  sort_farthest_first(s->order, n);
  return n;
}

/* The link that y, whose list is full, should give up to have x at distance
 * `value`: one of its neighbours, x itself (then x is not worth it), or
 * VS_NO_SLOT when every neighbour is poor or in the tree. Testing only the few
 * farthest for being dominated saves a tenth of the build and costs more in
 * recall than that. Leaves the links in scratch.order, farthest first. */
static uint32_t choose_victim(vs_hnsw *g, uint32_t y, uint32_t x, float value, uint32_t level) {
  vs_hnsw_scratch *s = &g->scratch;
  uint32_t n = order_links(g, vs_hnsw_links(g, y, level), y, x, value), farthest = VS_NO_SLOT;
  for (uint32_t i = 0; i < n; i++) s->slot[i] = s->order[i].value & VS_LINK_SLOT;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t z = s->slot[i];
    if ((s->order[i].value & VS_TREE_LINK) || vs_hnsw_poor(g, z, level)) continue;
    if (farthest == VS_NO_SLOT) farthest = z;
    if (dominated(g, vs_space_query_slot(g->space, z), s->order[i].key, s->slot + i + 1, n - i - 1)) return z;
  }
  return farthest;
}

bool vs_hnsw_connect(vs_hnsw *g, uint32_t x, uint32_t y, float value, uint32_t level) {
  uint32_t cap = vs_hnsw_cap(g, level);
  const vs_links *a = vs_hnsw_links(g, x, level), *b = vs_hnsw_links(g, y, level);
  if (a->n == cap || vs_hnsw_find(a, y) != VS_NO_SLOT) return false;
  if (b->n == cap) {
    uint32_t victim = choose_victim(g, y, x, value, level);
    if (victim == VS_NO_SLOT || victim == x) return false;
    vs_hnsw_unlink(g, y, victim, level);
  }
  vs_hnsw_link(g, x, y, level, 0);
  return true;
}

bool vs_hnsw_connect_both(vs_hnsw *g, uint32_t x, uint32_t y, float value, uint32_t level) {
  const vs_links *a = vs_hnsw_links(g, x, level), *b = vs_hnsw_links(g, y, level);
  uint32_t cap = vs_hnsw_cap(g, level), from_x = VS_NO_SLOT, from_y = VS_NO_SLOT;
  if (vs_hnsw_find(a, y) != VS_NO_SLOT) return false;
  if (a->n == cap) {
    from_x = choose_victim(g, x, y, value, level);
    if (from_x == VS_NO_SLOT || from_x == y) return false;
  }
  if (b->n == cap) {
    from_y = choose_victim(g, y, x, value, level);
    if (from_y == VS_NO_SLOT || from_y == x) return false;
  }
  if (from_x != VS_NO_SLOT) vs_hnsw_unlink(g, x, from_x, level);
  if (from_y != VS_NO_SLOT) vs_hnsw_unlink(g, y, from_y, level);
  vs_hnsw_link(g, x, y, level, 0);
  return true;
}

/* Makes room in x's full list for a link to y that must be: the usual victim,
 * or, if that is y or nobody, the farthest neighbour outside the tree. */
static void make_room(vs_hnsw *g, uint32_t x, uint32_t y, uint32_t level) {
  const vs_pair *order = g->scratch.order;
  float value = vs_space_value(g->space, vs_space_query_slot(g->space, x), y);
  uint32_t victim = choose_victim(g, x, y, value, level);
  for (uint32_t i = 0; victim == VS_NO_SLOT || victim == y; i++) {
    if (!(order[i].value & VS_TREE_LINK)) victim = order[i].value;
  }
  vs_hnsw_unlink(g, x, victim, level);
}

void vs_hnsw_connect_tree(vs_hnsw *g, uint32_t x, uint32_t y, uint32_t level) {
  uint32_t cap = vs_hnsw_cap(g, level);
  vs_links *a = vs_hnsw_links(g, x, level), *b = vs_hnsw_links(g, y, level);
  uint32_t at = vs_hnsw_find(a, y);
  assert(vs_hnsw_tree_degree(a) < cap && vs_hnsw_tree_degree(b) < cap);
  if (at != VS_NO_SLOT) {
    a->link[at] |= VS_TREE_LINK;
    b->link[vs_hnsw_find(b, x)] |= VS_TREE_LINK;
    return;
  }
  if (a->n == cap) make_room(g, x, y, level);
  if (b->n == cap) make_room(g, y, x, level);
  vs_hnsw_link(g, x, y, level, VS_TREE_LINK);
}

uint32_t vs_hnsw_walk_to_room(vs_hnsw *g, uint32_t from, uint32_t x, uint32_t level) {
  vs_query q = vs_space_query_slot(g->space, x);
  uint32_t cap = vs_hnsw_cap(g, level), previous = VS_NO_SLOT, node = from;
  for (;;) {
    const vs_links *list = vs_hnsw_links(g, node, level);
    if (vs_hnsw_tree_degree(list) < cap) return node;
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++) {
      uint32_t y = list->link[i] & VS_LINK_SLOT;
      if ((list->link[i] & VS_TREE_LINK) && y != previous) g->scratch.slot[n++] = y;
    }
    vs_space_values(g->space, q, g->scratch.slot, n, g->scratch.value);
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
      if (g->scratch.value[i] < g->scratch.value[best]) best = i;
    }
    previous = node;
    node = g->scratch.slot[best];
  }
}
