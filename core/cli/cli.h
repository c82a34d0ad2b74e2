/* cli.h -- what the commands share: options, messages, exit codes, the run's summary.
 *
 * Room: core/cli, the only room that prints.  Results go to standard output, messages and
 * progress to standard error. */
#ifndef CORE_CLI_H
#define CORE_CLI_H

#include "config/config.h"
#include "report/report.h"
#include "run/wire.h"
#include "table/table.h"

#include <stdbool.h>

/* Exit codes: 0 success; 1 a fault of this program or machine (out of memory); 2 bad input:
 * command line, config, plugin, data, table, folder; 3 the run ended but some architectures
 * failed, or what was exported is incomplete; 130 interrupted. */
enum { EXIT_FAULT = 1, EXIT_BAD = 2, EXIT_SOME_FAILED = 3, EXIT_INTERRUPTED = 130 };

/* One accepted option.  Exactly one of flag, text, list is set. */
struct option_spec {
    const char *name;  /* "--resume" */
    const char *value; /* "FILE": takes a value, named so in the help; NULL: a flag */
    const char *doc;
    bool *flag;
    const char **text;
    struct option_list *list; /* may be given several times */
};

struct option_list {
    const char *item[256];
    size_t count;
};

struct command {
    const char *name, *usage, *summary, *example;
    int (*main)(const struct command *self, int argc, char **argv);
};
extern const struct command COMMANDS[];
extern const size_t COMMAND_COUNT;

/* Sorts argv (after the command's name) into options and positionals.  Handles --help.
 * Returns -1 to go on, else the exit code. */
int cli_options(const struct command *c, int argc, char **argv, const struct option_spec *specs,
                size_t spec_count, const char **positional, size_t least, size_t most,
                size_t *count);

/* Adds text, broken at blanks so that no line has more than CLI_WIDTH columns where that can be: it
 * begins at column `at`, and its other lines at `indent`.  Ends the last line. */
enum { CLI_WIDTH = 80 };
void cli_wrap(struct buf *out, size_t at, size_t indent, const char *text);
/* The same for results, which are broken where people read them, on a terminal, and whole for other
 * programs. */
void cli_wrap_result(struct buf *out, size_t at, size_t indent, const char *text);

/* A line on standard error, "tcet-host: KIND: TEXT".  What strangers wrote into it does nothing to a
 * terminal (utf8_show). */
void cli_say(const char *kind, const char *text);
/* Prints the error and returns its exit code. */
int cli_fail(const struct error *err);
/* A complaint about the command line. */
int cli_usage(const struct command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cli_log(void *arg, int level, const char *text);
/* Writes a buffer to standard output, with utf8_show: only line ends and tabs are control characters.
 * That it could not is main's to say at the end. */
void cli_write(const struct buf *b);

/* Config of a command: file, then --set texts, then --archs and the like as keys of [run]. */
tcet_status cli_config(const char *path, const struct option_list *sets, struct config **out,
                       struct error *err);
/* Puts one key of [run] as if by --set. */
void cli_put_run(struct config *c, const char *key, const char *value);

/* What a run folder or a table says about scores, ready for report_make. */
struct comparison {
    struct arena arena;
    struct report_input in;
    const char *table, *column; /* as named */
    size_t archs;
    const char *const *arch;
    const struct wire_fact *facts; /* NULL without a space */
    size_t by_key, missing;        /* joined by an isomorphic spelling; not in the table at all */
    const char *first_missing;
};

/* Where not every architecture stands in the table as it is spelt: a line that says how many do, and
 * by what. */
void comparison_say_join(const struct comparison *c, struct buf *out);

/* What [benchmark] asks for, before any work: the table can be read and has the column, the
 * population has a name.  A path is made absolute in the config, from the file that names it.
 * *out: the table, to be freed; NULL where none is asked for, and on failure. */
tcet_status compare_check(const struct config *config, struct table **out, struct error *err);
/* What the supervisor or a worker cannot refuse before any work: sections and keys, [export],
 * [benchmark], whose table is *out. */
tcet_status run_check(const struct config *config, struct table **out, struct error *err);
/* Fills accuracy, mask and baselines from a table t, which the user calls `table`, and the space's
 * facts.  population: "all" or "live"; config supplies the space.  Columns: the caller's. */
tcet_status compare_with_table(const struct config *config, const char *const *archs, size_t count,
                               const struct report_series *columns, size_t column_count,
                               const struct table *t, const char *table, const char *column,
                               const char *population, struct comparison *out, struct error *err);
void comparison_free(struct comparison *c);

/* Columns of a run folder, with their values.  Architectures that the run has not come to yet
 * are left out: they would look like scores that are no number. */
struct folder {
    struct arena arena;
    const char *const *archs;
    size_t arch_count, listed; /* those tried, done or failed; all of the run */
    struct report_series *columns;
    size_t column_count;
    size_t main_column; /* what the summary ranks by */
    const char *space, *data, *config_text;
};
tcet_status folder_read(const char *path, struct folder *out, struct error *err);
/* Adds a paper's figures from [reference] to the columns they name.  Errors name the key. */
tcet_status folder_reference(struct folder *f, const struct config *config, struct error *err);
/* How the seeds of repeated scores agree, as lines of text; nothing without repeats. */
void folder_stability(const struct folder *f, struct buf *out);
void folder_free(struct folder *f);

int cmd_run(const struct command *c, int argc, char **argv);
int cmd_search(const struct command *c, int argc, char **argv);
int cmd_score(const struct command *c, int argc, char **argv);
int cmd_show(const struct command *c, int argc, char **argv);
int cmd_list(const struct command *c, int argc, char **argv);
int cmd_info(const struct command *c, int argc, char **argv);
int cmd_check(const struct command *c, int argc, char **argv);
int cmd_new(const struct command *c, int argc, char **argv);
int cmd_correlate(const struct command *c, int argc, char **argv);
int cmd_merge(const struct command *c, int argc, char **argv);
int cmd_export(const struct command *c, int argc, char **argv);
int cmd_tables(const struct command *c, int argc, char **argv);
int cmd_version(const struct command *c, int argc, char **argv);

#endif
