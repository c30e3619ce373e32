/* vecstore.h - the public C interface: the flat ABI of vs_abi.def as declarations.
 *
 * Layer: api (L5). Everything a host can call. The same functions are what
 * the WASM modules export and what the native tests and tools link.
 * vs_abi.def documents each function, the byte layouts and the rules.
 */
#ifndef VECSTORE_H
#define VECSTORE_H

#include <stdint.h>

typedef struct vs_db vs_db;
typedef struct vs_op vs_op;

/* What vs_record answers with. Pointers are 32 bits wide in WASM, so the layout is fixed there. */
typedef struct {
  const void *id;
  uint32_t id_n;
  const void *vector;
  uint32_t dim;
  const void *meta;
  uint32_t meta_n;
  const void *text;
  uint32_t text_n;
  double seq, version, created_ms, updated_ms, rev;
  const void *extra;
  uint32_t extra_n;
} vs_abi_record;

#define VS_STATUS_CODE(name, number, js)
#define VS_CONST(name, number) enum { name = number };
#define VS_EXPORT(ret, name, args, doc) ret name args;
#include "vs_abi.def"
#undef VS_EXPORT
#undef VS_CONST
#undef VS_STATUS_CODE

#endif
