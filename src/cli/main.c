/* main.c - the command line: finds the command named first and runs it.
 *
 * Layer: cli, above api: it may use libc's stdio, which the engine may not.
 * Built as a WASI command for `npx vecstore` and any WASI runtime. Directories
 * are seen only as far as the runtime opens them to the program.
 */
#include <stdbool.h>
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

#define MODEL_HELP                                                                                                     \
  "  --model FILE     the embedding model; else the variable VECSTORE_MODEL, else the\n"                               \
  "                   one of the package vecstore-static-en where that is installed\n"

static const vs_command commands[] = {
    {"index", cli_run_index, "DIR|FILE... --store PATH [OPTION...]", "make a store of files, or bring it up to date",
     "Reads txt, md, html, json, jsonl and csv files, cuts them into passages, and writes\n"
     "each with its vector to the store. Run again, it reads only files that changed and\n"
     "removes the passages of files that are gone. Hidden files and node_modules are\n"
     "left out. It may be interrupted at any time: running it again goes on.\n\n"
     "  --store PATH     the store's directory; made when it is not there\n" MODEL_HELP
     "  --ext LIST       only files with these endings, as in --ext md,txt\n"
     "  --size N         characters of a passage at most (1000)\n"
     "  --overlap N      characters a passage repeats of the one before (0)\n"
     "  --quiet          no progress\n\n"
     "Examples:\n"
     "  vecstore index docs --store notes.db\n"
     "  vecstore index README.md src --ext md --store code.db --size 600 --overlap 80\n"},
    {"search", cli_run_search, "PATH QUESTION... [OPTION...]", "find the passages nearest in meaning",
     "  -k N             how many (10)\n"
     "  --json           an array of {id, score, distance, metadata, text}\n" MODEL_HELP "\n"
     "Examples:\n"
     "  vecstore search notes.db how do I restore a backup\n"
     "  vecstore search notes.db \"restore a backup\" -k 3 --json\n"},
    {"stats", cli_run_stats, "DIRECTORY", "a store's sizes and settings as JSON",
     "Example:\n  vecstore stats notes.db\n"},
    {"verify", cli_run_verify, "DIRECTORY [--repair]", "read and check every byte of a store",
     "Prints ok, or what is wrong with which file; the exit status is 1 then.\n\n"
     "  --repair         take what can be read of a damaged store, build its index anew, write all of it to new\n"
     "                   files, and only then remove the damaged ones; prints what was found and lost, as JSON\n\n"
     "Examples:\n"
     "  vecstore verify notes.db\n"
     "  vecstore verify notes.db --repair\n"},
    {"export", cli_run_export, "STORE FILE [--format portable|jsonl]", "write a store into one file",
     "  --format F       portable: the whole store, checksummed (the default);\n"
     "                   jsonl: its records as JSON Lines\n\n"
     "Examples:\n  vecstore export notes.db notes.vecstore\n"
     "  vecstore export notes.db notes.jsonl --format jsonl\n"},
    {"import", cli_run_import, "FILE|DIRECTORY STORE [OPTION]", "make a store of such a file, or add records to one",
     "A portable file makes a new store. JSON Lines, {\"id\", \"vector\", \"text\", \"metadata\",\n"
     "\"sparse\", \"multivector\"} each,\n"
     "are written in batches to a store that is there or not; a wrong line is named and ends it.\n\n"
     "  --format F       portable or jsonl; else by the ending, .jsonl or .ndjson\n"
     "  --from F         vecstore-rs: a directory of the Rust library vecstore 0.0.1\n\n"
     "Examples:\n  vecstore import notes.vecstore copy.db\n  vecstore import notes.jsonl notes.db\n"
     "  vecstore import --from vecstore-rs old new.db\n"},
    {"selftest", run_selftest, "", "check the distance kernels on this runtime", ""},
    {"--version", run_version, "", "the release", ""},
    {"--help", run_help, "", "this list", ""},
};
enum { COMMANDS = sizeof commands / sizeof commands[0], MAX_ARGUMENTS = 64 };

static int run_help(int argc, char **argv) {
  (void)argc, (void)argv;
  puts("usage: vecstore COMMAND [ARGUMENT...]\n");
  for (int i = 0; i < COMMANDS; i++) printf("  %-12s %s\n", commands[i].name, commands[i].help);
  puts("\nvecstore COMMAND --help tells more. Exit status: 0 done, 1 failed, 2 wrongly called.");
  return EXIT_DONE;
}

/* The command's own help, when one of its arguments asks for it. */
static bool is_help_asked(int argc, char **argv, const vs_command *command) {
  for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0) continue;
    printf("usage: vecstore %s %s\n\n%s\n\n%s", command->name, command->usage, command->help, command->more);
    return true;
  }
  return false;
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
      return is_help_asked(argc, argv, &commands[i]) ? EXIT_DONE : commands[i].run(argc - 1, argv + 1);
    }
  }
  fprintf(stderr, "vecstore: unknown command '%s'; see vecstore --help\n", argv[1]);
  return EXIT_USAGE;
}
