/* hnsw_links.c - the memory of the graph: nodes, levels and mutual links.
 *
 * Layer: index (L2), internal; knows no distances. A node's level-0 list lies
 * in `base` at its slot; its lists above that are a chain of items in `upper`,
 * lowest level first. Items given back form a free list, so that removing a
 * node never frees memory that inserting one could then fail to get.
 * Reaching level l costs l steps; half the nodes above level 0 are one step up.
 *
 * Every operation keeps links mutual: it changes both lists or none.
 */
#include "hnsw.h"

#include "../base/rng.h"

static vs_links *upper_at(const vs_hnsw *g, uint32_t item) { return vs_blocks_at(&g->upper, item); }

vs_links *vs_hnsw_links(const vs_hnsw *g, uint32_t slot, uint32_t level) {
  vs_links *x = vs_hnsw_base(g, slot);
  for (uint32_t l = 0; l < level; l++) x = upper_at(g, x->up);
  return x;
}

uint32_t vs_hnsw_level(const vs_hnsw *g, uint32_t slot) {
  uint32_t level = 0;
  for (vs_links *x = vs_hnsw_base(g, slot); x->up != VS_NO_SLOT; x = upper_at(g, x->up)) level++;
  return level;
}

/* A level is reached with probability 1/M from the one below (the paper's
 * m_L = 1/ln M). Integers only, so that all machines agree: r is uniform
 * below 2^64, and once it is below 2^64 / M, r * M is uniform again. */
uint32_t vs_hnsw_draw_level(const vs_hnsw *g, uint64_t sequence) {
  uint64_t r = vs_mix64(g->seed ^ vs_mix64(sequence + 0x9e3779b97f4a7c15u));
  uint64_t bound = UINT64_MAX / g->M;
  uint32_t level = 0;
  while (level < VS_HNSW_MAX_LEVEL && r < bound) {
    level++;
    r *= g->M;
  }
  return level;
}

static uint32_t take_upper(vs_hnsw *g) {
  uint32_t item = g->free_upper;
  if (item == VS_NO_SLOT) return g->n_upper++;
  g->free_upper = upper_at(g, item)->up;
  g->n_free--;
  return item;
}

void vs_hnsw_node_open(vs_hnsw *g, uint32_t slot, uint32_t level) {
  vs_links *x = vs_hnsw_base(g, slot);
  x->n = 0;
  vs_hnsw_outdate(g, slot);
  for (uint32_t l = 0; l < level; l++) {
    x->up = take_upper(g);
    x = upper_at(g, x->up);
    x->n = 0;
  }
  x->up = VS_NO_SLOT;
}

void vs_hnsw_node_close(vs_hnsw *g, uint32_t slot) {
  vs_links *x = vs_hnsw_base(g, slot);
  uint32_t item = x->up;
  x->up = VS_NO_SLOT;
  while (item != VS_NO_SLOT) {
    vs_links *u = upper_at(g, item);
    uint32_t next = u->up;
    assert(u->n == 0);
    u->up = g->free_upper;
    g->free_upper = item;
    g->n_free++;
    item = next;
  }
}

uint32_t vs_hnsw_find(const vs_links *x, uint32_t y) {
  for (uint32_t i = 0; i < x->n; i++) {
    if ((x->link[i] & VS_LINK_SLOT) == y) return i;
  }
  return VS_NO_SLOT;
}

uint32_t vs_hnsw_tree_degree(const vs_links *x) {
  uint32_t degree = 0;
  for (uint32_t i = 0; i < x->n; i++) degree += x->link[i] >> 31;
  return degree;
}

void vs_hnsw_link(vs_hnsw *g, uint32_t x, uint32_t y, uint32_t level, uint32_t flag) {
  vs_links *a = vs_hnsw_links(g, x, level), *b = vs_hnsw_links(g, y, level);
  assert(x != y && a->n < vs_hnsw_cap(g, level) && b->n < vs_hnsw_cap(g, level));
  a->link[a->n++] = y | flag;
  b->link[b->n++] = x | flag;
  if (level > 0) return;
  vs_hnsw_outdate(g, x);
  vs_hnsw_outdate(g, y);
}

/* A loaded image that was made to deceive hnsw_check.c's hash may lack the
 * link on one side; then there is nothing to take out. */
static void drop(vs_links *x, uint32_t y) {
  uint32_t i = vs_hnsw_find(x, y);
  if (i != VS_NO_SLOT) x->link[i] = x->link[--x->n];
}

void vs_hnsw_unlink(vs_hnsw *g, uint32_t x, uint32_t y, uint32_t level) {
  drop(vs_hnsw_links(g, x, level), y);
  drop(vs_hnsw_links(g, y, level), x);
  if (level > 0) return;
  vs_hnsw_outdate(g, x);
  vs_hnsw_outdate(g, y);
}
