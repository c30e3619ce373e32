/* hnsw_filtered.c - the walk through the graph that only looks at some of its nodes.
 *
 * Layer: index (L2), internal. The pool holds nodes of the wanted set alone,
 * and only to those are distances computed; all others are bridges: where too
 * few neighbours of a node are wanted, the neighbours of its other neighbours
 * stand in for them (Patel et al., ACORN, arXiv 2403.04871, in the form that
 * needs no special graph). So a walk costs about what it costs in a graph
 * of the wanted nodes alone, plus the reading of links.
 *
 * STARVING. Bridges reach two hops far. Where the wanted nodes are rarer than
 * that around the query, or much rarer than in the whole graph, a walk would
 * end in whatever it came across first: it is not begun, and the caller scans.
 */
#include "hnsw.h"

#include <string.h>

#define EXPANDED 0x80000000u
/* At most so many lists of bridges are loaded at a time. */
#define TOUCHED 12u
/* The query's surroundings must hold this many wanted nodes, and at least this
 * part of what they would hold if the wanted were spread evenly. */
#define FEW 4u
#define MUCH_RARER 8u

/* The words of a set where they lie in one block, as those of eight million slots do; else NULL. */
static const uint64_t *words_of(const vs_bitset *among) {
  return among->words.n_blocks == 1 ? vs_blocks_at(&among->words, 0) : NULL;
}

/* A walk asks this some ten thousand times. */
static inline bool wanted(const uint64_t *words, const vs_bitset *among, uint32_t slot) {
  assert(slot < among->n_bits);
  uint64_t word = words ? words[slot >> 6] : *(const uint64_t *)vs_blocks_at(&among->words, slot >> 6);
  return word >> (slot & 63) & 1;
}

/* Puts a candidate in its place if it is among the ef nearest; gives the place, or n_pool. */
static uint32_t pool_add(vs_hnsw_scratch *s, uint32_t ef, vs_pair x) {
  vs_pair *pool = s->pool;
  uint32_t low = 0, high = s->n_pool;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    vs_pair m = pool[middle];
    if (m.key < x.key || (m.key == x.key && (m.value & ~EXPANDED) < x.value)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low >= ef) return s->n_pool;
  uint32_t n_moved = (s->n_pool < ef ? s->n_pool : ef - 1) - low;
  memmove(pool + low + 1, pool + low, n_moved * sizeof(*pool));
  pool[low] = x;
  if (s->n_pool < ef) s->n_pool++;
  return low;
}

/* Loads the lists of n nodes together: their misses then overlap. */
static void touch_lists(vs_hnsw *g, const uint32_t *node, uint32_t n) {
  uint32_t sum = 0, words = vs_hnsw_list_words(g);
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t *p = (const uint32_t *)(const void *)vs_hnsw_base(g, node[i]);
    for (uint32_t at = 0; at < words; at += 16) sum ^= p[at];
  }
  g->space->sink = sum;
}

/* The wanted, unvisited nodes one or two hops away, into scratch.slot: all direct ones, and others
 * up to `cap`; *looked_at grows by the links read. `touched` lists are loaded at a time. The bridges
 * wait in scratch.orphan, which only removing uses. */
static uint32_t gather(vs_hnsw *g, uint32_t node, const vs_bitset *among, uint32_t cap, uint32_t touched,
                       uint64_t *looked_at) {
  uint32_t *slot = g->scratch.slot, *bridge = g->scratch.orphan, n = 0, n_bridges = 0;
  const uint64_t *words = words_of(among);
  const vs_links *x = vs_hnsw_base(g, node);
  for (uint32_t i = 0; i < x->n; i++) {
    uint32_t y = x->link[i] & VS_LINK_SLOT;
    if (!wanted(words, among, y)) {
      bridge[n_bridges++] = y;
    } else if (vs_hnsw_visit(g, y)) {
      slot[n++] = y;
    }
  }
  *looked_at += x->n;
  for (uint32_t i = 0; i < n_bridges && n < cap; i++) {
    if (i % touched == 0) touch_lists(g, bridge + i, n_bridges - i < touched ? n_bridges - i : touched);
    if (!vs_hnsw_visit(g, bridge[i])) continue;
    const vs_links *y = vs_hnsw_base(g, bridge[i]);
    uint32_t j = 0;
    for (; j < y->n && n < cap; j++) {
      uint32_t z = y->link[j] & VS_LINK_SLOT;
      if (wanted(words, among, z) && vs_hnsw_visit(g, z)) slot[n++] = z;
    }
    *looked_at += j;
  }
  return n;
}

/* Computes the gathered ones' distances and offers them; gives the lowest place taken. */
static uint32_t offer(vs_hnsw *g, vs_query q, uint32_t n, uint32_t ef) {
  vs_hnsw_scratch *s = &g->scratch;
  uint32_t lowest = s->n_pool;
  vs_space_touch(g->space, s->slot, n);
  vs_space_values(g->space, q, s->slot, n, s->value);
  for (uint32_t i = 0; i < n; i++) {
    if (s->n_pool == ef && s->value[i] > s->pool[ef - 1].key) continue;
    uint32_t at = pool_add(s, ef, (vs_pair){s->value[i], s->slot[i]});
    if (at < lowest) lowest = at;
  }
  return lowest;
}

/* Begins with the wanted nodes around `start`; false when there are too few. */
static bool begin(vs_hnsw *g, vs_query q, uint32_t start, uint32_t ef, const vs_bitset *among, uint32_t cap) {
  uint64_t looked_at = 0;
  vs_hnsw_new_epoch(g);
  vs_hnsw_visit(g, start);
  g->scratch.pool[0].value = start;
  g->scratch.n_pool = wanted(words_of(among), among, start);
  g->n_hops++;
  uint32_t n = gather(g, start, among, cap, TOUCHED, &looked_at);
  if (n < FEW || (uint64_t)n * MUCH_RARER * g->n < looked_at * among->n_set) return false;
  offer(g, q, n, ef);
  return true;
}

bool vs_hnsw_search_among(vs_hnsw *g, vs_query q, uint32_t ef, const vs_bitset *among) {
  vs_hnsw_scratch *s = &g->scratch;
  assert(g->entry != VS_NO_SLOT && ef > 0 && ef <= s->cap_pool);
  s->pool[0] = (vs_pair){vs_space_value(g->space, q, g->entry), g->entry};
  s->n_pool = 1;
  for (uint32_t l = g->max_level; l > 0; l--) vs_hnsw_search_below(g, q, l, 1);
  /* Nodes near the query deserve more neighbours than a new node would get, the others fewer:
   * measured, this keeps the recall of many at little more than the distances of few. The more are
   * wanted, the more come without bridges, and the fewer bridges are needed for the rest. */
  uint32_t per_list = (uint32_t)((uint64_t)2 * g->M * among->n_set / g->n);
  uint32_t near = g->M + g->M * 3 / 8, far = g->M / 2 + g->M / 8 + per_list / 2;
  uint32_t touched = per_list < 2 ? TOUCHED : near / per_list < TOUCHED ? near / per_list + 1 : TOUCHED;
  assert(near <= 2 * g->M && far <= 2 * g->M); /* what fits in scratch.slot */
  uint64_t looked_at = 0;
  if (!begin(g, q, s->pool[0].value, ef, among, near)) {
    s->n_pool = 0;
    return false;
  }
  for (uint32_t cursor = 0; cursor < s->n_pool;) {
    if (s->pool[cursor].value & EXPANDED) {
      cursor++;
      continue;
    }
    uint32_t node = s->pool[cursor].value;
    s->pool[cursor].value |= EXPANDED;
    g->n_hops++;
    uint32_t at = offer(g, q, gather(g, node, among, cursor < ef * 2 / 5 ? near : far, touched, &looked_at), ef);
    if (at < cursor) cursor = at;
  }
  for (uint32_t i = 0; i < s->n_pool; i++) s->pool[i].value &= ~EXPANDED;
  return true;
}
