/* postings.c - lists of postings in blocks (see postings.h).
 *
 * Layer: text (L2). A new record's slot is mostly the highest, so appending is
 * what is fast: O(bytes of the block's positions) to shift them. Anything else
 * takes a block apart and writes it anew, and joins it with a neighbour where both are thin (P4): O(block).
 */
#include "postings.h"

#include <string.h>

/* Blocks with more bytes of positions take no further posting. */
#define POS_FULL 16384u

struct vs_list_work {
  uint32_t slot[VS_BLOCK_DOCS + 1], tf[VS_BLOCK_DOCS + 1];
  uint32_t from[VS_BLOCK_DOCS + 2]; /* where the positions of each begin in pos */
  uint32_t n;
  uint8_t pos[POS_FULL + 2u * VS_POSITION_BYTES];
  uint8_t data[(VS_BLOCK_DOCS + 1) * 10u];
  uint8_t fresh[VS_POSITION_BYTES];
};

void vs_lists_init(vs_lists *p, vs_alloc *a) {
  p->a = a;
  p->work = NULL;
  vs_pool_init(&p->pool, a);
}

void vs_lists_deinit(vs_lists *p) {
  vs_pool_deinit(&p->pool);
  vs_free(p->a, p->work);
  p->work = NULL;
}

void vs_list_deinit(vs_lists *p, vs_list *l) {
  if (l->n_blocks > 1) vs_free(p->a, l->as.many.block);
  memset(l, 0, sizeof *l);
}

size_t vs_list_extra_bytes(const vs_list *l) { return l->n_blocks > 1 ? (size_t)l->as.many.cap * sizeof(vs_block) : 0; }

/* ============ Bytes ============ */

static uint32_t put_varint(uint8_t *p, uint32_t v) {
  uint32_t n = 0;
  for (; v >= 128; v >>= 7) p[n++] = (uint8_t)(v | 128);
  p[n++] = (uint8_t)v;
  return n;
}

static uint32_t put_doc(uint8_t *p, uint32_t delta, uint32_t tf) {
  uint32_t n = put_varint(p, delta << 1 | (tf == 1));
  return tf == 1 ? n : n + put_varint(p + n, tf);
}

static uint32_t kept_positions(uint32_t tf) { return tf < VS_POSITIONS ? tf : VS_POSITIONS; }

static uint32_t put_positions(uint8_t *p, const vs_posting *x) {
  uint32_t n = 0, before = 0;
  for (uint32_t i = 0; i < kept_positions(x->tf); i++) {
    n += put_varint(p + n, x->position[i] - before);
    before = x->position[i];
  }
  return n;
}

static const uint8_t *skip_varints(const uint8_t *p, uint64_t n) {
  for (; n > 0; p++) n -= *p < 128;
  return p;
}

/* ============ The row of blocks ============ */

/* Room for a new block at `at`, which is left undefined. */
static vs_status open_block(vs_lists *p, vs_list *l, uint32_t at) {
  if (l->n_blocks == 0) {
    l->n_blocks = 1;
    return VS_OK;
  }
  if (l->n_blocks == 1) {
    vs_block *row = vs_malloc(p->a, 4 * sizeof *row);
    if (!row) return VS_OUT_OF_MEMORY;
    row[at == 0] = l->as.one;
    l->as.many.block = row;
    l->as.many.cap = 4;
    l->n_blocks = 2;
    return VS_OK;
  }
  if (l->n_blocks == l->as.many.cap) {
    uint32_t cap = l->as.many.cap + l->as.many.cap / 2;
    vs_block *row = vs_realloc(p->a, l->as.many.block, (size_t)cap * sizeof *row);
    if (!row) return VS_OUT_OF_MEMORY;
    l->as.many.block = row;
    l->as.many.cap = cap;
  }
  vs_block *row = l->as.many.block;
  memmove(row + at + 1, row + at, (l->n_blocks - at) * sizeof *row);
  l->n_blocks++;
  return VS_OK;
}

/* Takes the block at `at` out of the row. */
static void close_block(vs_lists *p, vs_list *l, uint32_t at) {
  if (l->n_blocks == 1) {
    l->n_blocks = 0;
    return;
  }
  vs_block *row = l->as.many.block;
  l->n_blocks--;
  memmove(row + at, row + at + 1, (l->n_blocks - at) * sizeof *row);
  if (l->n_blocks > 1) return;
  vs_block last = row[0];
  vs_free(p->a, row);
  l->as.one = last;
}

/* The last block that does not begin above the slot, or the first. */
static uint32_t find_block(const vs_list *l, uint32_t slot) {
  const vs_block *row = vs_list_blocks(l);
  uint32_t low = 0, high = l->n_blocks;
  if (high > 0 && row[high - 1].first <= slot) return high - 1;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (row[middle].first <= slot)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* ============ Taking apart and writing anew ============ */

/* Behind what is in w already. */
static void take_more_apart(const vs_pool *pool, const vs_block *b, vs_list_work *w) {
  const uint8_t *data = vs_pool_at(pool, b->run), *pos = data + b->data_n, *begin = pos;
  uint32_t slot = b->first, from = w->from[w->n];
  memcpy(w->pos + from, pos, b->pos_n);
  for (uint32_t i = 0; i < b->n; i++, w->n++) {
    uint32_t head = vs_varint(&data);
    slot += head >> 1;
    w->slot[w->n] = slot;
    w->tf[w->n] = head & 1 ? 1 : vs_varint(&data);
    w->from[w->n] = from + (uint32_t)(pos - begin);
    pos = skip_varints(pos, kept_positions(w->tf[w->n]));
  }
  w->from[w->n] = from + b->pos_n;
}

static void take_apart(const vs_pool *pool, const vs_block *b, vs_list_work *w) {
  w->n = w->from[0] = 0;
  take_more_apart(pool, b, w);
}

/* Makes a block of w's postings from..to. The old run of the block, if any, is the caller's to give back. */
static vs_status put_together(vs_lists *p, vs_list_work *w, uint32_t from, uint32_t to, uint32_t min_len, vs_block *b) {
  uint32_t n = 0, max_tf = 0, pos_n = w->from[to] - w->from[from];
  for (uint32_t i = from; i < to; i++) {
    n += put_doc(w->data + n, i == from ? 0 : w->slot[i] - w->slot[i - 1], w->tf[i]);
    if (w->tf[i] > max_tf) max_tf = w->tf[i];
  }
  VS_TRY(vs_pool_take(&p->pool, n + pos_n, &b->run, &b->class));
  uint8_t *bytes = vs_pool_at(&p->pool, b->run);
  memcpy(bytes, w->data, n);
  memcpy(bytes + n, w->pos + w->from[from], pos_n);
  b->first = w->slot[from];
  b->last = w->slot[to - 1];
  b->min_len = min_len;
  b->data_n = (uint16_t)n;
  b->pos_n = (uint16_t)pos_n;
  b->max_tf = (uint16_t)(max_tf < UINT16_MAX ? max_tf : UINT16_MAX);
  b->n = (uint8_t)(to - from);
  return VS_OK;
}

static vs_status have_work(vs_lists *p) {
  if (!p->work) p->work = vs_malloc(p->a, sizeof *p->work);
  return p->work ? VS_OK : VS_OUT_OF_MEMORY;
}

static bool is_loose(const vs_block *a, const vs_block *b) {
  return (uint32_t)a->n + b->n <= VS_BLOCK_LOOSE && (uint32_t)a->pos_n + b->pos_n <= POS_FULL;
}

/* Makes one block of those at `at` and behind it; memory that is refused leaves them as they are. */
static void join(vs_lists *p, vs_list *l, uint32_t at) {
  vs_block *row = vs_list_blocks(l), a = row[at], b = row[at + 1], both;
  take_apart(&p->pool, &a, p->work);
  take_more_apart(&p->pool, &b, p->work);
  if (put_together(p, p->work, 0, p->work->n, a.min_len < b.min_len ? a.min_len : b.min_len, &both) != VS_OK) return;
  row[at] = both;
  close_block(p, l, at + 1);
  vs_pool_give(&p->pool, a.run, a.class);
  vs_pool_give(&p->pool, b.run, b.class);
}

/* Upholds P4 around the block at `at`. */
static void settle(vs_lists *p, vs_list *l, uint32_t at) {
  if (at + 1 < l->n_blocks && is_loose(vs_list_blocks(l) + at, vs_list_blocks(l) + at + 1)) join(p, l, at);
  if (at > 0 && at < l->n_blocks && is_loose(vs_list_blocks(l) + at - 1, vs_list_blocks(l) + at)) join(p, l, at - 1);
}

/* ============ Adding ============ */

/* Behind the block's last posting. */
static vs_status append(vs_lists *p, vs_block *b, const vs_posting *x, const uint8_t *pos, uint32_t pos_n) {
  uint8_t doc[10], class;
  uint32_t doc_n = put_doc(doc, x->slot - b->last, x->tf), total = (uint32_t)b->data_n + b->pos_n + doc_n + pos_n, run;
  uint8_t *old = vs_pool_at(&p->pool, b->run), *bytes = old;
  if (total > vs_pool_room(b->class)) {
    VS_TRY(vs_pool_take(&p->pool, total, &run, &class));
    old = vs_pool_at(&p->pool, b->run);
    bytes = vs_pool_at(&p->pool, run);
    memcpy(bytes, old, b->data_n);
    memcpy(bytes + b->data_n + doc_n, old + b->data_n, b->pos_n);
    vs_pool_give(&p->pool, b->run, b->class);
    b->run = run;
    b->class = class;
  } else {
    memmove(bytes + b->data_n + doc_n, bytes + b->data_n, b->pos_n);
  }
  memcpy(bytes + b->data_n, doc, doc_n);
  b->data_n = (uint16_t)(b->data_n + doc_n);
  memcpy(bytes + b->data_n + b->pos_n, pos, pos_n);
  b->pos_n = (uint16_t)(b->pos_n + pos_n);
  b->last = x->slot;
  b->n++;
  if (x->tf > b->max_tf) b->max_tf = (uint16_t)(x->tf < UINT16_MAX ? x->tf : UINT16_MAX);
  if (x->len < b->min_len) b->min_len = x->len;
  return VS_OK;
}

static vs_status add_alone(vs_lists *p, vs_list *l, uint32_t at, const vs_posting *x, const uint8_t *pos,
                           uint32_t pos_n) {
  vs_block b = {x->slot, x->slot, 0, x->len, 0, (uint16_t)pos_n, 0, 1, 0};
  uint8_t doc[10];
  b.data_n = (uint16_t)put_doc(doc, 0, x->tf);
  b.max_tf = (uint16_t)(x->tf < UINT16_MAX ? x->tf : UINT16_MAX);
  VS_TRY(vs_pool_take(&p->pool, b.data_n + pos_n, &b.run, &b.class));
  memcpy(vs_pool_at(&p->pool, b.run), doc, b.data_n);
  memcpy(vs_pool_at(&p->pool, b.run) + b.data_n, pos, pos_n);
  vs_status status = open_block(p, l, at);
  if (status == VS_OK)
    vs_list_blocks(l)[at] = b;
  else
    vs_pool_give(&p->pool, b.run, b.class);
  return status;
}

/* Among the block's postings; a full block becomes two. */
static vs_status insert(vs_lists *p, vs_list *l, uint32_t at, const vs_posting *x, const uint8_t *pos, uint32_t pos_n) {
  vs_list_work *w = p->work;
  vs_block old = vs_list_blocks(l)[at], low, high;
  take_apart(&p->pool, &old, w);
  uint32_t i = 0;
  while (i < w->n && w->slot[i] < x->slot) i++;
  if (i < w->n && w->slot[i] == x->slot) return VS_CORRUPT;
  uint32_t tail = w->n - i;
  memmove(w->slot + i + 1, w->slot + i, tail * sizeof *w->slot);
  memmove(w->tf + i + 1, w->tf + i, tail * sizeof *w->tf);
  memmove(w->pos + w->from[i] + pos_n, w->pos + w->from[i], old.pos_n - w->from[i]);
  memcpy(w->pos + w->from[i], pos, pos_n);
  memmove(w->from + i + 1, w->from + i, (tail + 1) * sizeof *w->from);
  w->n++;
  for (uint32_t j = i + 1; j <= w->n; j++) w->from[j] += pos_n;
  w->slot[i] = x->slot;
  w->tf[i] = x->tf;
  uint32_t min_len = x->len < old.min_len ? x->len : old.min_len;
  bool splits = w->n > VS_BLOCK_DOCS || w->from[w->n] > POS_FULL;
  uint32_t middle = splits ? w->n / 2 : w->n;
  VS_TRY(put_together(p, w, 0, middle, min_len, &low));
  if (splits) {
    vs_status status = put_together(p, w, middle, w->n, min_len, &high);
    if (status == VS_OK) {
      status = open_block(p, l, at + 1);
      if (status != VS_OK) vs_pool_give(&p->pool, high.run, high.class);
    }
    if (status != VS_OK) {
      vs_pool_give(&p->pool, low.run, low.class);
      return status;
    }
    vs_list_blocks(l)[at + 1] = high;
  }
  vs_list_blocks(l)[at] = low;
  vs_pool_give(&p->pool, old.run, old.class);
  return VS_OK;
}

vs_status vs_list_add_bytes(vs_lists *p, vs_list *l, const vs_posting *x, const uint8_t *pos, uint32_t pos_n) {
  VS_TRY(have_work(p));
  uint32_t at = find_block(l, x->slot);
  vs_status status;
  if (l->n_blocks == 0) {
    status = add_alone(p, l, 0, x, pos, pos_n);
  } else {
    vs_block *b = &vs_list_blocks(l)[at];
    if (x->slot == b->last || x->slot == b->first) return VS_CORRUPT;
    bool is_behind = x->slot > b->last, is_full = b->n == VS_BLOCK_DOCS || (uint32_t)b->pos_n + pos_n > POS_FULL;
    if (is_behind && !is_full) {
      status = append(p, b, x, pos, pos_n);
    } else if (is_behind) {
      status = add_alone(p, l, at + 1, x, pos, pos_n);
      if (status == VS_OK) settle(p, l, at + 1);
    } else {
      uint32_t n = l->n_blocks;
      status = insert(p, l, at, x, pos, pos_n);
      if (l->n_blocks > n) settle(p, l, at + 1);
      if (l->n_blocks > n) settle(p, l, at);
    }
  }
  if (status == VS_OK) l->n_docs++;
  return status;
}

vs_status vs_list_add(vs_lists *p, vs_list *l, const vs_posting *x) {
  VS_TRY(have_work(p));
  vs_status status = vs_list_add_bytes(p, l, x, p->work->fresh, put_positions(p->work->fresh, x));
  assert(status != VS_CORRUPT);
  return status;
}

/* ============ Removing ============ */

vs_status vs_list_remove(vs_lists *p, vs_list *l, uint32_t slot, bool *found) {
  *found = false;
  if (l->n_blocks == 0) return VS_OK;
  uint32_t at = find_block(l, slot), i = 0;
  vs_block old = vs_list_blocks(l)[at], fresh;
  if (slot < old.first || slot > old.last) return VS_OK;
  VS_TRY(have_work(p));
  vs_list_work *w = p->work;
  take_apart(&p->pool, &old, w);
  while (i < w->n && w->slot[i] < slot) i++;
  if (i == w->n || w->slot[i] != slot) return VS_OK;
  *found = true;
  if (w->n == 1) {
    close_block(p, l, at);
  } else {
    uint32_t gone = w->from[i + 1] - w->from[i], tail = w->n - i - 1;
    memmove(w->pos + w->from[i], w->pos + w->from[i + 1], old.pos_n - w->from[i + 1]);
    memmove(w->slot + i, w->slot + i + 1, tail * sizeof *w->slot);
    memmove(w->tf + i, w->tf + i + 1, tail * sizeof *w->tf);
    memmove(w->from + i, w->from + i + 1, (tail + 1) * sizeof *w->from);
    w->n--;
    for (uint32_t j = i; j <= w->n; j++) w->from[j] -= gone;
    VS_TRY(put_together(p, w, 0, w->n, old.min_len, &fresh));
    vs_list_blocks(l)[at] = fresh;
  }
  vs_pool_give(&p->pool, old.run, old.class);
  l->n_docs--;
  if (l->n_blocks > 1) settle(p, l, at < l->n_blocks ? at : l->n_blocks - 1);
  return VS_OK;
}

/* ============ Reading ============ */

void vs_cursor_enter(vs_cursor *c) {
  if (c->block == c->end) {
    c->slot = VS_NO_SLOT;
    return;
  }
  c->at = vs_pool_at(c->pool, c->block->run);
  c->pos = c->at + c->block->data_n;
  c->skip = 0;
  c->left = c->block->n - 1u;
  uint32_t head = vs_varint(&c->at);
  c->slot = c->block->first;
  c->tf = head & 1 ? 1 : vs_varint(&c->at);
}

void vs_cursor_begin(vs_cursor *c, const vs_lists *p, const vs_list *l) {
  c->pool = &p->pool;
  c->block = vs_list_blocks(l);
  c->end = c->block + l->n_blocks;
  vs_cursor_enter(c);
}

void vs_cursor_seek(vs_cursor *c, uint32_t slot) {
  if (c->slot >= slot) return;
  if (c->block->last < slot) {
    /* Galloping: most seeks are near. */
    size_t step = 1, left = (size_t)(c->end - c->block);
    while (step < left && c->block[step].last < slot) step *= 2;
    const vs_block *low = c->block + step / 2, *high = c->block + (step < left ? step : left);
    while (low < high) {
      const vs_block *middle = low + (high - low) / 2;
      if (middle->last < slot)
        low = middle + 1;
      else
        high = middle;
    }
    c->block = low;
    vs_cursor_enter(c);
  }
  while (c->slot < slot) vs_cursor_next(c);
}

uint32_t vs_cursor_positions(vs_cursor *c, uint32_t *out, uint32_t cap) {
  uint32_t n = kept_positions(c->tf), position = 0;
  c->pos = skip_varints(c->pos, c->skip);
  c->skip = 0;
  const uint8_t *at = c->pos;
  if (n > cap) n = cap;
  for (uint32_t i = 0; i < n; i++) {
    position += vs_varint(&at);
    out[i] = position;
  }
  return n;
}
