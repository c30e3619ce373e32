/* main.c - the command line: finds the command named first and runs it.
 *
 * Layer: cli, above api: it may use libc's stdio, which the engine may not.
 * Built as a WASI command for `npx vecstore` and any WASI runtime. Directories
 * are seen only as far as the runtime opens them to the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../api/vecstore.h"
#include "commands.h"

static int run_help(int argc, char **argv);

static int run_version(int argc, char **argv) {
  (void)argc, (void)argv;
  puts("vecstore " VS_RELEASE);
  return EXIT_DONE;
}

static int run_selftest(int argc, char **argv) {
  (void)argc, (void)argv;
  int failing = vs_selftest();
  if (failing != 0) {
    fprintf(stderr, "selftest: case %d gives a wrong result on this runtime\n", failing);
    return EXIT_FAILED;
  }
  puts("ok");
  return EXIT_DONE;
}

static const vs_command commands[] = {
    {"--help", run_help, "this list"},
    {"--version", run_version, "the release"},
    {"selftest", run_selftest, "check the distance kernels on this runtime"},
    {"stats", cli_run_stats, "DIRECTORY: a store's sizes and settings as JSON"},
    {"verify", cli_run_verify, "DIRECTORY: read and check every byte of a store"},
    {"export", cli_run_export, "DIRECTORY FILE: write a store as one portable file"},
    {"import", cli_run_import, "FILE DIRECTORY: make a store from such a file"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0], MAX_ARGUMENTS = 16 };

static int run_help(int argc, char **argv) {
  (void)argc, (void)argv;
  puts("usage: vecstore COMMAND [ARGUMENT...]\n");
  for (int i = 0; i < COMMANDS; i++) {
    printf("  %-12s %s\n", commands[i].name, commands[i].help);
  }
  return EXIT_DONE;
}

/* Some hosts run a command without passing arguments, not even its name (wizer does). There
 * the variable VECSTORE_ARGS has them, separated by spaces. */
static int arguments_from_environment(char *words[], int room) {
  char *all = getenv("VECSTORE_ARGS");
  int n = 0;
  words[n++] = "vecstore";
  for (char *word = all ? strtok(all, " ") : NULL; word && n < room; word = strtok(NULL, " ")) words[n++] = word;
  return n;
}

int main(int argc, char **argv) {
  char *words[MAX_ARGUMENTS];
  if (argc == 0) {
    argc = arguments_from_environment(words, MAX_ARGUMENTS);
    argv = words;
  }
  if (argc < 2) {
    run_help(argc, argv);
    return EXIT_USAGE;
  }
  for (int i = 0; i < COMMANDS; i++) {
    if (strcmp(argv[1], commands[i].name) == 0) {
      return commands[i].run(argc - 1, argv + 1);
    }
  }
  fprintf(stderr, "vecstore: unknown command '%s'; see vecstore --help\n", argv[1]);
  return EXIT_USAGE;
}
