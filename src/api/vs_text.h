/* vs_text.h - the C interface of the text module: the flat ABI of vs_text.def as declarations.
 *
 * Layer: api (L5). Kept apart from vecstore.h because it is linked into a WebAssembly module of its own
 * (dist/vecstore.text.wasm), which has neither store nor index. vs_text.def documents each function.
 */
#ifndef VS_TEXT_H
#define VS_TEXT_H

#include <stdint.h>

typedef struct vs_tm vs_tm;

#define VS_CONST(name, number) enum { name = number };
#define VS_EXPORT(ret, name, args, doc) ret name args;
#include "vs_text.def"
#undef VS_EXPORT
#undef VS_CONST

#endif
