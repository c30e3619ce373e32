/* json.h - values of the codec (base/value.h) as JSON. Layer: cli. */
#ifndef VS_CLI_JSON_H
#define VS_CLI_JSON_H

#include <stdio.h>

#include "../base/value.h"

/* Prints the value, indented, and a line end on stdout; false for malformed bytes. */
bool cli_json_print(const void *value, size_t n);

/* Writes it on as little room as possible and without a line end. Numbers read back as what they are. */
bool cli_json_write(FILE *to, const void *value, size_t n);
/* Text in quotes. */
void cli_json_string(FILE *to, vs_slice text);

#endif
