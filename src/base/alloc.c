/* alloc.c - counted, budgeted, failing-on-demand memory on top of libc's.
 *
 * Layer: base. The only file that calls malloc, realloc and free.
 * Every allocation carries a 16-byte header right before the user's pointer:
 * the size asked for and the distance back to what libc gave, which is not
 * constant because libc may align to 8 only (Emscripten) and aligned
 * allocations skip ahead. `used` counts the size asked for plus the header.
 *
 * Invariants
 *   A1  used = sum over live allocations of (size + HEADER).
 *   A2  a refused call changes only n_calls.
 */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#define HEADER 16u
#define LIVE_MARK 0x76734c76u
#define FREED_MARK 0x76734666u

/* Bytes to ask for on top when libc's own alignment is below ours. */
#define SLACK (_Alignof(max_align_t) >= 16 ? 0u : 16u - (uint32_t)_Alignof(max_align_t))

typedef struct {
  size_t size;     /* what the user asked for */
  uint32_t offset; /* user pointer - libc pointer */
  uint32_t mark;   /* catches double frees and foreign pointers in debug builds */
} header;

_Static_assert(sizeof(header) <= HEADER, "the header fits before a 16-aligned pointer");

static header *header_of(void *p) { return (header *)(void *)((uint8_t *)p - HEADER); }

void vs_alloc_init(vs_alloc *a) { memset(a, 0, sizeof *a); }

/* Counts the attempt; says whether `more` bytes beyond `less` given back are allowed. */
static bool admit(vs_alloc *a, size_t more, size_t less) {
  uint64_t call = ++a->n_calls;
  if (a->fail_at != 0 && (call == a->fail_at || (a->fail_forever && call > a->fail_at))) return false;
  size_t after;
  if (!vs_add_size(a->used - less, more, &after)) return false;
  return a->budget == 0 || after <= a->budget || more <= less;
}

static void charge(vs_alloc *a, size_t more, size_t less) {
  a->used = a->used - less + more;
  if (a->used > a->peak) a->peak = a->used;
}

/* Places the header so that the user's pointer is aligned. */
static void *place(void *raw, size_t n, size_t align) {
  uintptr_t at = ((uintptr_t)raw + HEADER + align - 1) & ~(uintptr_t)(align - 1);
  uint32_t offset = (uint32_t)(at - (uintptr_t)raw);
  void *p = (uint8_t *)raw + offset;
  *header_of(p) = (header){n, offset, LIVE_MARK};
  return p;
}

/* In WASM libc grows the memory by what it needs at the moment, and an engine
 * may take a millisecond for each growth. Asking for more than is needed and
 * giving it back at once makes growths rare: libc keeps what it has. */
static void grow_to(vs_alloc *a, size_t n) {
#if defined(__wasm__)
  if (n > SIZE_MAX / 2 || a->used + n <= a->ahead) return;
  void *volatile p = malloc(n); /* volatile: the compiler would leave out a pair that does nothing */
  free(p);
  if (p != NULL) a->ahead = a->used + n;
#else
  (void)a, (void)n;
#endif
}

void vs_alloc_expect(vs_alloc *a, size_t n) {
  if (n > 0 && (a->budget == 0 || n <= a->budget)) grow_to(a, n);
}

/* Growing by a sixteenth of what is in use keeps both the slack and the number of growths low. */
static void grow_ahead(vs_alloc *a, size_t n) {
  size_t more = vs_min_size(a->used / 16, (size_t)64 << 20);
  if (a->used + n > a->ahead && more >= 65536) grow_to(a, n + more);
}

static void *allocate(vs_alloc *a, size_t n, size_t align) {
  assert(n > 0 && align >= 16 && align <= 4096 && (align & (align - 1)) == 0);
  size_t counted, raw_bytes;
  if (!vs_add_size(n, HEADER, &counted)) counted = SIZE_MAX;
  if (!admit(a, counted, 0) || !vs_add_size(n, align + SLACK, &raw_bytes)) return NULL;
  grow_ahead(a, raw_bytes);
  void *raw = malloc(raw_bytes);
  if (raw == NULL) return NULL;
  charge(a, counted, 0);
  a->n_live++;
  return place(raw, n, align);
}

void *vs_malloc(vs_alloc *a, size_t n) { return allocate(a, n, 16); }

void *vs_malloc_aligned(vs_alloc *a, size_t n, size_t align) { return allocate(a, n, align); }

void *vs_calloc(vs_alloc *a, size_t n, size_t size) {
  size_t total;
  if (!vs_mul_size(n, size, &total)) return NULL;
  void *p = allocate(a, total, 16);
  if (p != NULL) memset(p, 0, total);
  return p;
}

void *vs_realloc(vs_alloc *a, void *p, size_t n) {
  if (p == NULL) return allocate(a, n, 16);
  assert(n > 0);
  header old = *header_of(p);
  assert(old.mark == LIVE_MARK && old.offset <= HEADER + SLACK);
  size_t counted, raw_bytes;
  if (!vs_add_size(n, HEADER, &counted)) counted = SIZE_MAX;
  if (!admit(a, counted, old.size + HEADER) || !vs_add_size(n, 16 + SLACK, &raw_bytes)) return NULL;
  void *raw = realloc((uint8_t *)p - old.offset, raw_bytes);
  if (raw == NULL) return NULL;
  charge(a, counted, old.size + HEADER);
  /* libc moved the bytes as a whole; when the new place has another
   * alignment the user's part moves by the difference, before the header
   * is written over it. */
  uintptr_t at = ((uintptr_t)raw + HEADER + 15) & ~(uintptr_t)15;
  uint8_t *now = (uint8_t *)raw + old.offset, *want = (uint8_t *)raw + (at - (uintptr_t)raw);
  if (now != want) memmove(want, now, vs_min_size(old.size, n));
  return place(raw, n, 16);
}

void vs_free(vs_alloc *a, void *p) {
  if (p == NULL) return;
  header *h = header_of(p);
  assert(h->mark == LIVE_MARK && a->n_live > 0 && a->used >= h->size + HEADER);
  h->mark = FREED_MARK;
  a->used -= h->size + HEADER;
  a->n_live--;
  free((uint8_t *)p - h->offset);
}
