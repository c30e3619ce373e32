/* pool.c - runs of bytes in classes of sizes (see pool.h).
 *
 * Layer: text (L2). A run never crosses a block; what is left of a block before
 * a run that does not fit is lost, at most 64 KiB of 1 MiB. O(1).
 */
#include "pool.h"

#include <string.h>

#define UNIT 8u

void vs_pool_init(vs_pool *p, vs_alloc *a) {
  memset(p, 0, sizeof *p);
  vs_blocks_init(&p->units, a, UNIT);
  p->units.raw = true;
  p->n_units = 1;
}

void vs_pool_deinit(vs_pool *p) { vs_blocks_deinit(&p->units); }

/* 1 to 8 units, then four classes to each doubling. */
static uint32_t class_of(uint32_t units) {
  if (units <= 8) return units - 1;
  uint32_t k = 31u - (uint32_t)__builtin_clz(units - 1);
  return 8 + (k - 3) * 4 + ((units - 1 - (1u << k)) >> (k - 2));
}

static uint32_t units_of(uint32_t class) {
  assert(class < VS_POOL_CLASSES);
  if (class < 8) return class + 1;
  uint32_t k = 3 + (class - 8) / 4;
  return (1u << k) + ((class - 8) % 4 + 1) * (1u << (k - 2));
}

uint32_t vs_pool_room(uint8_t class) { return units_of(class) * UNIT; }

vs_status vs_pool_take(vs_pool *p, uint32_t bytes, uint32_t *run, uint8_t *class) {
  assert(bytes > 0 && bytes <= VS_POOL_MAX_BYTES);
  uint32_t c = class_of((bytes + UNIT - 1) / UNIT), units = units_of(c);
  *class = (uint8_t)c;
  if (p->free[c] != 0) {
    *run = p->free[c];
    memcpy(&p->free[c], vs_pool_at(p, *run), sizeof p->free[c]);
    return VS_OK;
  }
  uint32_t at = p->n_units, left = p->units.mask + 1 - (at & p->units.mask);
  if (units > left) at += left;
  if (at > UINT32_MAX - units) return VS_OUT_OF_MEMORY;
  VS_TRY(vs_blocks_reserve(&p->units, at + units));
  p->n_units = at + units;
  *run = at;
  return VS_OK;
}

void vs_pool_give(vs_pool *p, uint32_t run, uint8_t class) {
  memcpy(vs_pool_at(p, run), &p->free[class], sizeof p->free[class]);
  p->free[class] = run;
}
