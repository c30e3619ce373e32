/* pack.h - a whole store as one portable file: export and import.
 *
 * Layer: db. The file is a directory in a row; little-endian:
 *   0  4  magic "VSPK"   4  4  format version 2   8  8  zero
 *   per file: u32 name bytes, u64 length, u32 CRC-32C of name and length, then
 *             the name, then the contents
 *   end mark: the same with name bytes and length 0
 *   end: u32 CRC-32C of everything before it
 * Version 1 had the number of files at 8 and no end mark, so that nothing
 * could be given out before all was made; it is still read. The files are
 * those of a freshly written collection directory (checksummed themselves).
 *
 * Export gives the files out as they are finished, in pieces. Importing
 * streams them into an io_mem.
 */
#ifndef VS_PACK_H
#define VS_PACK_H

#include "../base/blocks.h"
#include "../base/io.h"

typedef struct vs_pack vs_pack;

/* Nothing packed yet; the files are taken from an io_mem, which is borrowed. */
VS_MUST_USE vs_status vs_pack_create(vs_alloc *a, vs_io *io, vs_pack **out);
/* The next piece has this file, which is not written any more. */
VS_MUST_USE vs_status vs_pack_add(vs_pack *p, const char *name);
/* ... and all that are left in the directory; it is the last. */
VS_MUST_USE vs_status vs_pack_end(vs_pack *p, const char *dir);
/* Chunk i of the piece; n = 0 after its last. */
vs_slice vs_pack_chunk(const vs_pack *p, uint32_t i);
/* The piece was read: removes its files and begins the next. */
void vs_pack_drop(vs_pack *p);
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
