/* hnsw_search.c - the walk through the graph towards a query.
 *
 * Layer: index (L2), internal. Algorithms 2 and 5 of Malkov and Yashunin: on
 * each level expand the nearest node not yet expanded, until the ef nearest
 * seen are all expanded; go down from the nearest.
 *
 * What makes it fast, in order of gain:
 *  - All unvisited neighbours of a node are gathered first, their memory is
 *    touched together (vs_space_touch), and only then are distances computed,
 *    four at a time: a hop costs one round of cache misses, not thirty.
 *  - The links of the likely next node are loaded in the same round.
 *  - One sorted array holds both heaps of the paper: insertion is a short
 *    memmove, the next node to expand is a cursor.
 *  - Visited marks are one byte per node and never cleared but once in 255
 *    walks. Nothing is allocated.
 *
 * Nodes at equal distance are ordered by slot, which makes walks reproducible.
 */
#include "hnsw.h"

#include <string.h>

vs_status vs_hnsw_reserve_pool(vs_hnsw *g, uint32_t ef) {
  if (ef <= g->scratch.cap_pool) return VS_OK;
  size_t bytes;
  if (!vs_mul_size(ef, sizeof(vs_pair), &bytes)) return VS_OUT_OF_MEMORY;
  vs_pair *pool = vs_realloc(g->a, g->scratch.pool, bytes);
  if (!pool) return VS_OUT_OF_MEMORY;
  g->scratch.pool = pool;
  g->scratch.cap_pool = ef;
  return VS_OK;
}

void vs_hnsw_new_epoch(vs_hnsw *g) {
  if (++g->epoch != 0) return;
  const vs_blocks *v = &g->visited;
  for (uint32_t i = 0; i < v->n_items; i += v->mask + 1) {
    uint32_t left = v->n_items - i;
    memset(vs_blocks_at(v, i), 0, left <= v->mask ? left : v->mask + 1);
  }
  g->epoch = 1;
}

uint32_t vs_hnsw_pool_add(vs_hnsw_scratch *s, uint32_t ef, vs_pair x) {
  vs_pair *pool = s->pool;
  uint32_t lo = 0, hi = s->n_pool;
  while (lo < hi) {
    uint32_t mid = (lo + hi) / 2;
    vs_pair m = pool[mid];
    if (m.key < x.key || (m.key == x.key && (m.value & ~VS_EXPANDED) < x.value)) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  if (lo >= ef) return s->n_pool;
  uint32_t n_moved = (s->n_pool < ef ? s->n_pool : ef - 1) - lo;
  memmove(pool + lo + 1, pool + lo, n_moved * sizeof(*pool));
  pool[lo] = x;
  if (s->n_pool < ef) s->n_pool++;
  return lo;
}

/* The unvisited neighbours of a list, into scratch.slot. */
static uint32_t gather(vs_hnsw *g, const vs_links *x) {
  uint32_t n = 0, *slot = g->scratch.slot;
  for (uint32_t i = 0; i < x->n; i++) {
    uint32_t y = x->link[i] & VS_LINK_SLOT;
    slot[n] = y;
    n += vs_hnsw_visit(g, y);
  }
  return n;
}

/* Loads what the walk will read if the pool does not change. */
static void touch_links(vs_hnsw *g, uint32_t slot) {
  const uint32_t *p = (const uint32_t *)(const void *)vs_hnsw_base(g, slot);
  uint32_t sum = 0, words = vs_hnsw_list_words(g);
  for (uint32_t i = 0; i < words; i += 16) sum ^= p[i];
  g->space->sink = sum;
}

/* Walks one level; the pool holds the starting points, none expanded. */
static void walk(vs_hnsw *g, vs_query q, uint32_t level, uint32_t ef) {
  vs_hnsw_scratch *s = &g->scratch;
  vs_hnsw_new_epoch(g);
  for (uint32_t i = 0; i < s->n_pool; i++) vs_hnsw_visit(g, s->pool[i].value);
  for (uint32_t cursor = 0; cursor < s->n_pool;) {
    uint32_t node = s->pool[cursor].value;
    s->pool[cursor++].value |= VS_EXPANDED;
    g->n_hops++;
    uint32_t n = gather(g, vs_hnsw_links(g, node, level));
    while (cursor < s->n_pool && (s->pool[cursor].value & VS_EXPANDED)) cursor++;
    if (level == 0 && cursor < s->n_pool) touch_links(g, s->pool[cursor].value);
    vs_space_touch(g->space, s->slot, n);
    vs_space_values(g->space, q, s->slot, n, s->value);
    for (uint32_t i = 0; i < n; i++) {
      if (s->n_pool == ef && s->value[i] > s->pool[ef - 1].key) continue;
      uint32_t at = vs_hnsw_pool_add(s, ef, (vs_pair){s->value[i], s->slot[i]});
      if (at < cursor) cursor = at;
    }
  }
  for (uint32_t i = 0; i < s->n_pool; i++) s->pool[i].value &= ~VS_EXPANDED;
}

void vs_hnsw_search_below(vs_hnsw *g, vs_query q, uint32_t level, uint32_t ef) {
  assert(ef > 0 && ef <= g->scratch.cap_pool && g->scratch.n_pool > 0);
  g->scratch.n_pool = 1;
  walk(g, q, level, ef);
}

/* From the entry down to the level above `level`. */
static void descend(vs_hnsw *g, vs_query q, uint32_t level) {
  vs_hnsw_scratch *s = &g->scratch;
  assert(g->entry != VS_NO_SLOT && level <= g->max_level);
  s->pool[0] = (vs_pair){vs_space_value(g->space, q, g->entry), g->entry};
  s->n_pool = 1;
  for (uint32_t l = g->max_level; l > level; l--) vs_hnsw_search_below(g, q, l, 1);
}

void vs_hnsw_search_entry(vs_hnsw *g, vs_query q) { descend(g, q, 0); }

void vs_hnsw_search(vs_hnsw *g, vs_query q, uint32_t level, uint32_t ef) {
  descend(g, q, level);
  vs_hnsw_search_below(g, q, level, ef);
}
