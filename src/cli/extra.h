/* extra.h - a record's sparse vector and token vectors as JSON. Layer: cli; the bytes are those of db/extra.h. */
#ifndef VS_CLI_EXTRA_H
#define VS_CLI_EXTRA_H

#include <stdio.h>

#include "../base/value.h"

/* Writes the members "sparse" and "multivector" that there are, each behind a comma. */
void cli_extra_print(FILE *to, const uint8_t *extra, uint32_t n);
/* Appends the extra part that the two members make, if any (NULL tag: absent). false with what is wrong. The indices of
 * a sparse vector must ascend, which the engine checks. */
bool cli_extra_encode(vs_wr *w, const vs_value *sparse, const vs_value *multivector, const char **problem);

#endif
