/* io.c - what all file layers share: the rule for names, and exact reads.
 *
 * Layer: base. Knows no implementation and calls no OS.
 */
#include "io.h"

#include <string.h>

static bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool vs_io_name_ok(const char *name) {
  size_t total = 0, dots = 0, part = 0;
  for (;; total++) {
    char c = name[total];
    if (c == '\0' || c == '/') {
      /* Empty parts, "." and ".." are no names. */
      if (part == 0 || (dots == part && part <= 2)) return false;
      if (c == '\0') return true;
      dots = part = 0;
      continue;
    }
    if (!name_char(c) || total + 1 >= VS_IO_NAME_BYTES) return false;
    part++;
    dots += c == '.';
  }
}

vs_status vs_io_read_exact(vs_io *io, vs_file *f, uint64_t off, void *buf, size_t n) {
  uint8_t *p = buf;
  while (n > 0) {
    size_t got = 0;
    VS_TRY(io->ops->read(io, f, off, p, n, &got));
    if (got == 0) return VS_CORRUPT;
    p += got;
    off += got;
    n -= got;
  }
  return VS_OK;
}
