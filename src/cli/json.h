/* json.h - a value of the codec (base/value.h) as indented JSON on stdout. Layer: cli. */
#ifndef VS_CLI_JSON_H
#define VS_CLI_JSON_H

#include "../base/value.h"

/* Prints the value and a line end; false for malformed bytes. */
bool cli_json_print(const void *value, size_t n);

#endif
