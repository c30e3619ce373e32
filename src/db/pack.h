/* pack.h - a whole store as one portable file: export and import.
 *
 * Layer: db. The file is a directory in a row; little-endian:
 *   0  4  magic "VSPK"   4  4  format version   8  4  number of files   12 4  zero
 *   per file: u32 name bytes, u64 length, u32 CRC-32C of name and length, then
 *             the name, then the contents
 *   end: u32 CRC-32C of everything before it
 * The files are those of a freshly written collection directory (checksummed
 * themselves). Importing streams them into an io_mem.
 */
#ifndef VS_PACK_H
#define VS_PACK_H

#include "../base/blocks.h"
#include "../base/io.h"

typedef struct vs_pack vs_pack;

/* Lists the files of an io_mem as chunks of the portable file. Borrows io. */
VS_MUST_USE vs_status vs_pack_create(vs_alloc *a, vs_io *io, const char *dir, vs_pack **out);
vs_slice vs_pack_chunk(const vs_pack *p, uint32_t i);
void vs_pack_destroy(vs_pack *p);

typedef struct vs_import vs_import;
VS_MUST_USE vs_status vs_import_create(vs_alloc *a, vs_import **out);
void vs_import_destroy(vs_import *m);
/* The next bytes, in pieces of any size. */
VS_MUST_USE vs_status vs_import_feed(vs_import *m, vs_slice bytes, vs_err *err);
/* All bytes were given: checks the end. The files are below `dir` of the io (borrowed). */
VS_MUST_USE vs_status vs_import_end(vs_import *m, vs_io **io, vs_err *err);

/* Where the files lie inside the io of an import or export. */
#define VS_PACK_DIR ""

#endif
