/* entities.h - named character references. Layer: rag, internal to it. */
#ifndef VS_RAG_ENTITIES_H
#define VS_RAG_ENTITIES_H

#include "../base/vs_base.h"

/* The character of a name (without & and ;), or 0 when there is none such. */
uint32_t vs_entity_code(const uint8_t *name, size_t n);

#endif
