/* options.h - the arguments of a command: options with and without a value, and operands. Layer: cli. */
#ifndef VS_CLI_OPTIONS_H
#define VS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  const char *name;   /* with its dashes */
  const char **value; /* takes a value, put here; NULL when it takes none */
  bool *given;        /* set when it is there; may be NULL */
} cli_option;

/* Sorts argv[1..argc): options as --name value, --name=value or -n value, the rest into operands (moved to the front of
 * argv, from index 0 on). What follows "--" is operands. Gives how many; -1 after a complaint. */
int cli_parse_options(int argc, char **argv, const cli_option *options, int n);

/* A whole number in min..max, or a complaint naming the option. */
bool cli_parse_number(const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out);

#endif
