/* main.c - the command line: finds the command named first and runs it.
 *
 * Layer: cli, above api: it may use libc's stdio, which the engine may not.
 * Built as a WASI command for `npx vecstore` and any WASI runtime. Directories
 * are seen only as far as the runtime opens them to the program.
 */
#include <stdio.h>
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
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int run_help(int argc, char **argv) {
  (void)argc, (void)argv;
  puts("usage: vecstore COMMAND [ARGUMENT...]\n");
  for (int i = 0; i < COMMANDS; i++) {
    printf("  %-12s %s\n", commands[i].name, commands[i].help);
  }
  return EXIT_DONE;
}

int main(int argc, char **argv) {
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
