/* options.c - sorting a command's arguments (options.h). Layer: cli. */
#include "options.h"

#include <stdio.h>
#include <string.h>

static const cli_option *find(const cli_option *options, int n, const char *name, size_t length) {
  for (int i = 0; i < n; i++)
    if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0) return &options[i];
  return NULL;
}

/* Takes the option at argv[i]; gives how many arguments it has taken, or 0 after a complaint. */
static int take_option(int argc, char **argv, int i, const cli_option *options, int n) {
  const char *equals = strchr(argv[i], '=');
  size_t length = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);
  const cli_option *option = find(options, n, argv[i], length);
  if (!option) {
    fprintf(stderr, "vecstore: unknown option '%s'\n", argv[i]);
    return 0;
  }
  if (option->given) *option->given = true;
  if (!option->value && !equals) return 1;
  if (!option->value) {
    fprintf(stderr, "vecstore: option '%s' takes no value\n", option->name);
    return 0;
  }
  if (!equals && i + 1 >= argc) {
    fprintf(stderr, "vecstore: option '%s' needs a value\n", option->name);
    return 0;
  }
  *option->value = equals ? equals + 1 : argv[i + 1];
  return equals ? 1 : 2;
}

int cli_parse_options(int argc, char **argv, const cli_option *options, int n) {
  int operands = 0;
  for (int i = 1; i < argc;) {
    if (strcmp(argv[i], "--") == 0) {
      for (i++; i < argc; i++) argv[operands++] = argv[i];
    } else if (argv[i][0] != '-' || argv[i][1] == '\0') {
      argv[operands++] = argv[i++];
    } else {
      int taken = take_option(argc, argv, i, options, n);
      if (taken == 0) return -1;
      i += taken;
    }
  }
  return operands;
}

bool cli_parse_number(const char *option, const char *text, uint32_t min, uint32_t max, uint32_t *out) {
  uint64_t value = 0;
  bool fine = *text != '\0';
  for (const char *p = text; *p != '\0' && fine; p++) {
    value = value * 10 + (uint64_t)(*p - '0');
    fine = *p >= '0' && *p <= '9' && value <= max;
  }
  if (!fine || value < min) {
    fprintf(stderr, "vecstore: option '%s' must be a whole number from %u to %u, not '%s'\n", option, min, max, text);
    return false;
  }
  *out = (uint32_t)value;
  return true;
}
