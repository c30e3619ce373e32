/* pool.h - small runs of bytes by number, without an allocation each.
 *
 * Layer: text (L2). A vocabulary has many small things: the bytes of terms and
 * of their postings. They lie in blocks of 1 MiB in units of 8 bytes; sizes come
 * in classes a quarter apart, and what is given back serves its class again.
 * Addresses hold until the next vs_pool_take.
 */
#ifndef VS_TEXT_POOL_H
#define VS_TEXT_POOL_H

#include "../base/blocks.h"

#define VS_POOL_CLASSES 48u
#define VS_POOL_MAX_BYTES 65536u

typedef struct {
  vs_blocks units;
  uint32_t n_units;               /* in use or given back; number 0 is nobody's */
  uint32_t free[VS_POOL_CLASSES]; /* the last one given back, which names the one before in its first bytes; 0 = none */
} vs_pool;

void vs_pool_init(vs_pool *p, vs_alloc *a);
void vs_pool_deinit(vs_pool *p);
/* Bytes of a class. */
uint32_t vs_pool_room(uint8_t class);
/* A run of at least `bytes` (1..VS_POOL_MAX_BYTES), its content undefined. VS_OUT_OF_MEMORY. */
VS_MUST_USE vs_status vs_pool_take(vs_pool *p, uint32_t bytes, uint32_t *run, uint8_t *class);
void vs_pool_give(vs_pool *p, uint32_t run, uint8_t class);

static inline uint8_t *vs_pool_at(const vs_pool *p, uint32_t run) { return vs_blocks_at(&p->units, run); }

#endif
