/* utf8.h - checking and stepping through UTF-8.
 *
 * Layer: base. Strict per Unicode 15 table 3-7: no overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */
#ifndef VS_UTF8_H
#define VS_UTF8_H

#include "vs_base.h"

/* True if all n bytes are well-formed. Fast on ASCII. */
bool vs_utf8_valid(const void *p, size_t n);
/* Decodes one code point at p (n > 0 bytes left) and sets *len to its length;
 * UINT32_MAX with *len = 1 for an ill-formed byte. */
uint32_t vs_utf8_next(const uint8_t *p, size_t n, uint32_t *len);

#endif
