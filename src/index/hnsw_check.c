/* hnsw_check.c - does the graph satisfy its invariants? (G1 to G4 of hnsw.c)
 *
 * Layer: index (L2), internal. Runs over untrusted data after every load, so
 * it must be total and fast: each link is looked at a fixed number of times,
 * mostly in memory order. Bounds come first; nothing is followed before it
 * was compared with what it may be.
 *
 * MUTUAL LINKS by hashing: every stored link x -> y adds h(x, y, level, mark)
 * to a sum if x < y and subtracts the same number, of the ordered pair, if
 * x > y. With no link stored twice in a list the sum is zero if all links are
 * mutual; otherwise it is hardly ever zero for damage that does not aim at
 * this hash. A link that is missing on one side would make later
 * changes leave a stale link behind, never an access out of bounds.
 *
 * SPANNING TREE: n - 1 tree links that never join what is joined already.
 */
#include "hnsw.h"

/* Numbers of lists stay below it: that many lists would take more than 128 GiB. */
#define ABSENT UINT32_MAX

typedef struct {
  vs_hnsw *g;
  const vs_bitset *present;
  vs_err *err;
  vs_bitset tall;   /* nodes that reach above level 0 */
  vs_blocks parent; /* union-find, uint32 per slot */
  vs_blocks seen;   /* uint32 per slot: the last list that had it, or ABSENT */
  uint32_t stamp;   /* number of the list being checked, over all levels */
  uint32_t level;   /* the one being checked */
  uint32_t n_nodes; /* on this level */
  uint32_t n_tree;  /* tree links seen from their smaller end */
  uint64_t hash;
} checker;

static uint32_t *parent_of(const checker *c, uint32_t slot) { return vs_blocks_at(&c->parent, slot); }

static uint32_t root_of(const checker *c, uint32_t slot) {
  for (;;) {
    uint32_t *up = parent_of(c, slot);
    if (*up == slot) return slot;
    *up = *parent_of(c, *up);
    slot = *up;
  }
}

/* Levels and items of one node: the chain is made of items that exist, none
 * of which was seen before. */
static vs_status check_chain(checker *c, uint32_t slot, vs_bitset *seen, uint32_t *top) {
  const vs_hnsw *g = c->g;
  uint32_t level = 0;
  for (uint32_t up = vs_hnsw_base(g, slot)->up; up != VS_NO_SLOT; level++) {
    if (level == VS_HNSW_MAX_LEVEL || up >= g->n_upper || !vs_bitset_set(seen, up)) {
      return vs_fail(c->err, VS_CORRUPT, "graph: bad chain of levels at slot %u", slot);
    }
    up = ((const vs_links *)vs_blocks_at(&g->upper, up))->up;
  }
  if (level > 0) vs_bitset_set(&c->tall, slot);
  if (level > *top) *top = level;
  return VS_OK;
}

static vs_status check_chains(checker *c) {
  const vs_hnsw *g = c->g;
  vs_bitset seen;
  uint32_t top = 0, n_free = 0;
  vs_bitset_init(&seen, g->a);
  vs_status status = vs_bitset_reserve(&seen, g->n_upper);
  for (uint32_t i = vs_bitset_next(c->present, 0); status == VS_OK && i != VS_NO_SLOT;) {
    status = check_chain(c, i, &seen, &top);
    i = vs_bitset_next(c->present, i + 1);
  }
  for (uint32_t i = g->free_upper; status == VS_OK && i != VS_NO_SLOT; n_free++) {
    if (i >= g->n_upper || !vs_bitset_set(&seen, i)) {
      status = vs_fail(c->err, VS_CORRUPT, "graph: bad list of free items");
    } else {
      i = ((const vs_links *)vs_blocks_at(&g->upper, i))->up;
    }
  }
  if (status == VS_OK && (n_free != g->n_free || seen.n_set != g->n_upper)) {
    status = vs_fail(c->err, VS_CORRUPT, "graph: items of upper levels are lost");
  }
  if (status == VS_OK && top != g->max_level) {
    status = vs_fail(c->err, VS_CORRUPT, "graph: highest level is %u, not %u", top, g->max_level);
  }
  vs_bitset_deinit(&seen);
  return status;
}

static vs_status bad_link(checker *c, uint32_t x, uint32_t y, const char *what) {
  return vs_fail(c->err, VS_CORRUPT, "graph: link %u to %u on level %u %s", x, y, c->level, what);
}

/* Link x -> y of the spanning tree, seen from its smaller end. */
static vs_status join(checker *c, uint32_t x, uint32_t y) {
  uint32_t a = root_of(c, x), b = root_of(c, y);
  if (a == b) return bad_link(c, x, y, "closes a circle in the tree");
  *parent_of(c, a) = b;
  c->n_tree++;
  return VS_OK;
}

/* The sum has to change whatever link is lost or changed: no more is asked of it, so one
 * multiplication does, and the shift keeps sums of keys that cancel out from doing so here. */
static inline uint64_t hash_of(uint64_t link) {
  uint64_t h = link * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

/* One list: bounds, repeats, its part of the hash and of the tree. Signs are
 * put on without a branch, which no processor could predict. */
static vs_status check_list(checker *c, uint32_t x, const vs_links *list) {
  if (list->n > vs_hnsw_cap(c->g, c->level)) {
    return vs_fail(c->err, VS_CORRUPT, "graph: too many links at slot %u", x);
  }
  uint64_t sum = 0;
  uint32_t stamp = ++c->stamp;
  for (uint32_t i = 0; i < list->n; i++) {
    uint32_t y = list->link[i] & VS_LINK_SLOT, tree = list->link[i] >> 31, *seen = vs_blocks_at(&c->seen, y);
    if (y == x) return bad_link(c, x, y, "joins a node to itself");
    if (*seen == ABSENT) return bad_link(c, x, y, "leads to no node");
    if (*seen == stamp) return bad_link(c, x, y, "is there twice");
    *seen = stamp;
    uint32_t lo = x < y ? x : y, hi = x < y ? y : x;
    uint64_t minus = 0 - (uint64_t)(x > y);
    sum += (hash_of((uint64_t)hi << 32 | tree << 31 | lo) ^ minus) - minus;
    if (tree && x < y) VS_TRY(join(c, x, y));
  }
  c->hash += sum;
  c->n_nodes++;
  return VS_OK;
}

static void begin_level(checker *c, uint32_t level) {
  c->level = level;
  c->n_nodes = c->n_tree = 0;
  c->hash = 0;
}

static vs_status end_level(const checker *c) {
  if (c->hash != 0) return vs_fail(c->err, VS_CORRUPT, "graph: links of level %u are not mutual", c->level);
  if (c->n_nodes > 0 && c->n_tree != c->n_nodes - 1) {
    return vs_fail(c->err, VS_CORRUPT, "graph: the tree of level %u has %u links for %u nodes", c->level, c->n_tree,
                   c->n_nodes);
  }
  return VS_OK;
}

/* The two callers of check_list keep it a function of its own: an engine that
 * compiles WebAssembly in tiers speeds up what is called often, and would run
 * the whole pass at its lowest tier if all of it were one call. */
static vs_status check_base_level(checker *c) {
  begin_level(c, 0);
  for (uint32_t x = 0; x < c->parent.n_items; x++) {
    *parent_of(c, x) = x;
    if (!vs_bitset_test(c->present, x)) *(uint32_t *)vs_blocks_at(&c->seen, x) = ABSENT;
  }
  for (uint32_t x = vs_bitset_next(c->present, 0); x != VS_NO_SLOT; x = vs_bitset_next(c->present, x + 1)) {
    VS_TRY(check_list(c, x, vs_hnsw_base(c->g, x)));
  }
  return end_level(c);
}

/* The node's list on a level above 0; NULL if it does not reach it. */
static const vs_links *list_at(const vs_hnsw *g, uint32_t slot, uint32_t level) {
  const vs_links *list = vs_hnsw_base(g, slot);
  for (uint32_t l = 0; l < level && list; l++) {
    list = list->up == VS_NO_SLOT ? NULL : (const vs_links *)vs_blocks_at(&g->upper, list->up);
  }
  return list;
}

/* Chains have been checked. A link to a node that does not reach the level shows as not mutual. */
static vs_status check_upper_level(checker *c, uint32_t level) {
  begin_level(c, level);
  for (uint32_t x = vs_bitset_next(&c->tall, 0); x != VS_NO_SLOT; x = vs_bitset_next(&c->tall, x + 1))
    *parent_of(c, x) = x;
  for (uint32_t x = vs_bitset_next(&c->tall, 0); x != VS_NO_SLOT; x = vs_bitset_next(&c->tall, x + 1)) {
    const vs_links *list = list_at(c->g, x, level);
    if (list) VS_TRY(check_list(c, x, list));
  }
  return end_level(c);
}

static vs_status check_all(checker *c) {
  const vs_hnsw *g = c->g;
  if (g->n != c->present->n_set)
    return vs_fail(c->err, VS_CORRUPT, "graph: %u nodes instead of %u", g->n, c->present->n_set);
  VS_TRY(vs_bitset_reserve(&c->tall, g->base.n_items));
  VS_TRY(check_chains(c));
  if (g->n == 0) {
    return g->entry == VS_NO_SLOT ? VS_OK : vs_fail(c->err, VS_CORRUPT, "graph: an empty graph has an entry");
  }
  if (!vs_bitset_test(c->present, g->entry) || vs_hnsw_level(g, g->entry) != g->max_level) {
    return vs_fail(c->err, VS_CORRUPT, "graph: entry %u is not on the highest level", g->entry);
  }
  VS_TRY(vs_blocks_reserve(&c->parent, g->base.n_items));
  VS_TRY(vs_blocks_reserve(&c->seen, c->parent.n_items));
  VS_TRY(check_base_level(c));
  for (uint32_t l = 1; l <= g->max_level; l++) VS_TRY(check_upper_level(c, l));
  return VS_OK;
}

vs_status vs_hnsw_check(vs_hnsw *g, const vs_bitset *present, vs_err *err) {
  checker c = {.g = g, .present = present, .err = err};
  vs_bitset_init(&c.tall, g->a);
  vs_blocks_init(&c.parent, g->a, sizeof(uint32_t));
  vs_blocks_init(&c.seen, g->a, sizeof(uint32_t));
  vs_status status = check_all(&c);
  vs_blocks_deinit(&c.seen);
  vs_blocks_deinit(&c.parent);
  vs_bitset_deinit(&c.tall);
  return status;
}
