/* commands.h - what a command of the command line is.
 *
 * Layer: cli, above api. A command lives in a file of its own and is listed in
 * main.c; it prints its result to stdout, its complaints to stderr, and
 * returns the exit status: 0 done, 1 failed, 2 wrongly called.
 */
#ifndef VS_CLI_COMMANDS_H
#define VS_CLI_COMMANDS_H

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct {
  const char *name;
  int (*run)(int argc, char **argv); /* argv[0] is the command's name */
  const char *usage;                 /* what follows the name */
  const char *help;                  /* one line */
  const char *more;                  /* the rest of `vecstore NAME --help`: options and examples */
} vs_command;

/* index_command.c, search_command.c */
int cli_run_index(int argc, char **argv);
int cli_run_search(int argc, char **argv);

/* store_commands.c */
int cli_run_stats(int argc, char **argv);
int cli_run_verify(int argc, char **argv);
int cli_run_export(int argc, char **argv);
int cli_run_import(int argc, char **argv);

#endif
