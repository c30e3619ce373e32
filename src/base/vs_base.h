/* vs_base.h - the few definitions every file of the engine shares.
 *
 * Layer: base (L0). Includes nothing of ours.
 * Fixed-width integers, attributes, checked size arithmetic and the global
 * size limits. All byte orders in formats are little-endian; the engine runs
 * on little-endian machines only (checked in bytes.c).
 */
#ifndef VS_BASE_H
#define VS_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result must be looked at: an ignored status is a compile error. */
#define VS_MUST_USE __attribute__((warn_unused_result))

/* "No slot": slots are dense uint32 indices below VS_MAX_SLOTS. */
#define VS_NO_SLOT UINT32_MAX

/* Slots fit in 31 bits; the graph keeps a flag in bit 31 of a link. */
#define VS_MAX_SLOTS 0x7fffffffu

/* Largest vector dimension accepted. */
#define VS_MAX_DIMENSION 16384u

/* Size of one memory block: nothing larger is ever reallocated. */
#define VS_BLOCK_BYTES ((size_t)1 << 20)

/* a + b and a * b with overflow reported: false means *out is undefined. */
static inline bool vs_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool vs_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }

/* A borrowed run of bytes. */
typedef struct {
  const uint8_t *p;
  size_t n;
} vs_slice;

static inline size_t vs_min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t vs_max_size(size_t a, size_t b) { return a > b ? a : b; }

#endif
