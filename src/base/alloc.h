/* alloc.h - the engine's only way to memory: counted, budgeted, and able to
 * fail on demand.
 *
 * Layer: base. Every module takes a vs_alloc from its parent; nothing calls
 * malloc directly. `used` is exact (what was asked for plus our 16-byte
 * header), so stats can be checked against it. Tests set `fail_at` to make
 * allocation N fail, once or for ever. Not thread-safe: one engine, one thread.
 */
#ifndef VS_ALLOC_H
#define VS_ALLOC_H

#include "status.h"

typedef struct {
  size_t used;       /* bytes held now */
  size_t peak;       /* highest `used` seen */
  size_t budget;     /* refuse to go above this; 0 = no limit */
  uint64_t n_live;   /* allocations held now */
  uint64_t n_calls;  /* allocation attempts so far (grow counts, free does not) */
  uint64_t fail_at;  /* attempt number that fails; 0 = none */
  bool fail_forever; /* every attempt from fail_at on fails */
  size_t ahead;      /* WASM: `used` up to here needs no further growth of the memory */
} vs_alloc;

void vs_alloc_init(vs_alloc *a);

/* n > 0 bytes aligned to 16, owned by the caller; NULL when refused. */
VS_MUST_USE void *vs_malloc(vs_alloc *a, size_t n);

/* The same, zeroed, of n * size bytes (overflow gives NULL). */
VS_MUST_USE void *vs_calloc(vs_alloc *a, size_t n, size_t size);

/* n bytes aligned to `align`, a power of two from 16 to 4096. */
VS_MUST_USE void *vs_malloc_aligned(vs_alloc *a, size_t n, size_t align);

/* Grows or shrinks; p may be NULL. On failure NULL and p is untouched.
 * Only for memory from vs_malloc/vs_calloc (alignment 16). */
VS_MUST_USE void *vs_realloc(vs_alloc *a, void *p, size_t n);

/* Tells that about n bytes more will be asked for soon, so that the memory
 * can grow once instead of many times. Only a hint: n must be in proportion to real
 * input, not a number that somebody claims. */
void vs_alloc_expect(vs_alloc *a, size_t n);

/* Frees any of the above; NULL is allowed. */
void vs_free(vs_alloc *a, void *p);

#endif
