/* cli.h -- what the commands share: options, messages, exit codes, the run's summary.
 *
 * Room: core/cli, the only room that prints.  Results go to standard output, messages and
 * progress to standard error. */
#ifndef CORE_CLI_H
#define CORE_CLI_H

#include "cli/join.h"
#include "config/config.h"
#include "plugin/registry.h"
#include "report/report.h"
#include "run/reasons.h"
#include "run/wire.h"
#include "store/store.h"
#include "table/table.h"

#include <stdbool.h>

/* Exit codes: 0 success; 1 a fault of this program or machine (out of memory); 2 bad input:
 * command line, config, plugin, data, table, folder; 3 the run ended but some architectures
 * failed, or what was exported is incomplete; 130 interrupted. */
enum { EXIT_FAULT = 1, EXIT_BAD = 2, EXIT_SOME_FAILED = 3, EXIT_INTERRUPTED = 130 };
/* The same for the manual page. */
struct exit_meaning {
    int code;
    const char *meaning;
};
extern const struct exit_meaning EXIT_MEANINGS[];
extern const size_t EXIT_MEANING_COUNT;

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
 * Returns -1 to go on, else the exit code; a current folder that is gone is bad input of every
 * command, since names are taken from it. */
int cli_options(const struct command *c, int argc, char **argv, const struct option_spec *specs,
                size_t spec_count, const char **positional, size_t least, size_t most,
                size_t *count);

/* Which of the choices (ends with NULL) an option's value is; *out stays where it is not given. */
tcet_status cli_choose(const char *what, const char *given, const char *const *choices, int *out,
                       struct error *err);

/* Shows the options of a command, which its main does not know to be run for that alone: each calls
 * cli_options first.  Not from two threads. */
typedef void cli_visitor(void *arg, const struct command *c, const struct option_spec *specs,
                         size_t count);
void cli_visit(const struct command *c, cli_visitor *see, void *arg);
/* The current folder, of which cli_options has seen that it is there. */
const char *cli_here(void);
/* A path as given on the command line, made absolute. */
const char *cli_path(struct arena *a, const char *path);
/* The same of several folders. */
const char *const *cli_folders(const struct option_list *given, struct arena *a);

/* Adds text, broken at blanks so that no line has more than CLI_WIDTH columns where that can be: it
 * begins at column `at`, and its other lines at `indent`.  Ends the last line. */
enum { CLI_WIDTH = 80 };
void cli_wrap(struct buf *out, size_t at, size_t indent, const char *text);
/* How wide tables may be: the terminal's width, CLI_WIDTH at least; 0, any, where standard output is
 * none. */
size_t cli_width(void);
/* On a terminal, a text of more than `room` columns without its middle; else as it is.  In `a`. */
const char *cli_shorten(struct arena *a, const char *text, size_t room);
/* cli_wrap for results, which are broken where people read them, on a terminal, and whole for other
 * programs. */
void cli_wrap_result(struct buf *out, size_t at, size_t indent, const char *text);

/* A line on standard error, "tcet-host: WHAT: " and the command line as it can be given to a shell again,
 * with these flags (ends with NULL) where they are not among its own. */
void cli_say_again(const char *what, int argc, char **argv, const char *const *options);
/* Lines on standard error: why architectures failed, and how often. */
void cli_say_reasons(const struct reasons *why);
/* A line on standard error, "tcet-host: KIND: TEXT".  What strangers wrote into it does nothing to a
 * terminal (utf8_show). */
void cli_say(const char *kind, const char *text);
/* Prints the error and returns its exit code. */
int cli_fail(const struct error *err);
/* A complaint about the command line. */
int cli_usage(const struct command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The seconds of --progress, which may be NULL, into *every; its exit code, 0 where they are right. */
int cli_progress(const struct command *c, const char *text, double *every);
void cli_log(void *arg, int level, const char *text);
/* Writes a buffer to standard output, with utf8_show: only line ends and tabs are control characters.
 * That it could not is main's to say at the end. */
void cli_write(const struct buf *b);
/* cli_write for text, not tables: on a terminal lines that are too long are broken at blanks.  They go on
 * below the last column that two blanks or more begin in their left half, else at their indentation. */
void cli_write_text(const struct buf *b);
/* cli_write, with the bytes [from, to) in bold on a terminal, unless NO_COLOR is set. */
void cli_write_bold(const struct buf *b, size_t from, size_t to);

/* Config of a command: file, then --set texts, then --archs and the like as keys of [run]. */
tcet_status cli_config(const char *path, const struct option_list *sets, struct config **out,
                       struct error *err);
/* Puts one key of [run] as if by --set. */
void cli_put_run(struct config *c, const char *key, const char *value);
/* The same of --output, NULL: not given; refused where config.ini could not hold it. */
tcet_status cli_put_output(struct config *c, const char *output, struct error *err);
/* From now on Ctrl-C, SIGTERM and SIGHUP set the flag that is returned, and end nothing by themselves. */
const volatile int *cli_interrupts(void);

/* All plugins, those of folders given on the command line too. */
tcet_status cli_registry(struct arena *a, const struct option_list *dirs, struct registry **r,
                         struct error *err);
/* A plugin described for people, and as a JSON object. */
void info_text(struct buf *b, const struct plugin_info *p);
void info_json(struct buf *b, const struct plugin_info *p);

/* What a run folder or a table says about scores, ready for report_make. */
struct comparison {
    struct arena arena;
    struct report_input in;
    struct report_series *series; /* in's */
    const char *table, *column;   /* as named */
    const char *split;     /* what the column's accuracies are (table_split); NULL: unknown */
    const char *published; /* what a paper's figures are of, "test accuracy"; NULL: unknown */
    size_t archs;
    const char *const *arch;
    const struct wire_fact *facts; /* NULL without a space */
    size_t by_key, missing;        /* joined by an isomorphic spelling; not in the table at all */
    size_t repeats;                /* the table's rows of an architecture above */
    int first_counts;              /* these are left out, not in its mean */
    const char *first_missing;
};

/* Lines that say what must be known of the figures: which accuracies ours and a paper's are of, where both
 * are shown; and where not every architecture stands in the table as it is spelt, how many do, and by
 * what. */
void comparison_say_join(const struct comparison *c, struct buf *out);
/* The first of these alone. */
void comparison_say_split(const struct comparison *c, struct buf *out);
/* What [benchmark] published says that a paper's figures are of: "test accuracy"; NULL: nothing. */
const char *comparison_published(const struct config *config);

/* What [benchmark] asks for, before any work: the table can be read and has the column, the
 * population has a name.  A path is made absolute in the config, from the file that names it.
 * *out: the table, to be freed; NULL where none is asked for, and on failure. */
tcet_status compare_check(const struct config *config, struct table **out, struct error *err);
/* What the supervisor or a worker cannot refuse before any work: sections and keys, [export],
 * [benchmark], whose table is *out. */
tcet_status run_check(const struct config *config, struct table **out, struct error *err);
/* Fills accuracy, mask and baselines from the architectures' places in a table (NULL: no accuracy), which
 * the user calls `table`, and the space's facts.  population: "all" or "live"; config supplies the space.
 * Columns: the caller's. */
tcet_status compare_with_table(const struct config *config, const char *const *archs, size_t count,
                               const struct report_series *columns, size_t column_count,
                               const struct join *j, const char *table, const char *column,
                               const char *population, struct comparison *out, struct error *err);
void comparison_free(struct comparison *c);

/* Columns of a run folder, with their values.  Architectures that the run has not come to yet
 * are left out: they would look like scores that are no number. */
struct folder {
    struct arena arena;
    const char *const *archs;
    const size_t *place;       /* their ordinals in the store; NULL without one */
    size_t arch_count, listed; /* those tried, done or failed; all of the run */
    struct report_series *columns;
    size_t column_count;
    size_t main_column; /* what the summary ranks by */
    const char *space, *data, *config_text;
    struct store *store; /* open for reading, since opening looks at all of it; NULL of a joined
                          * one, and of a table */
    struct table *table; /* that it is (source.h); NULL of a run's folder */
    const double *group; /* of a table that says so: networks of equal numbers are one; else NULL */
};
tcet_status folder_read(const char *path, struct folder *out, struct error *err);
/* Adds a paper's figures from [reference] to the columns they name.  Errors name the key. */
tcet_status folder_reference(struct folder *f, const struct config *config, struct error *err);
/* The same of pairs, from [reference_pairs NAME], for what is compared; names and pairs live as long as
 * config.  own: it is the run's own config; else one with a paper's figures, of which those of scores that
 * are not compared are left out, and whose [reference] is read too. */
tcet_status comparison_reference(struct comparison *c, const struct config *config, int own,
                                 struct error *err);
/* How the seeds of repeated scores agree, as lines of text; nothing without repeats. */
void folder_stability(const struct folder *f, struct buf *out);
/* Several folders as one: of the architectures that all have, in the first one's order, all columns;
 * a name that two have is "FOLDER/NAME".  Borrows from f; of one space, else an error.  *out: to be
 * freed before them. */
tcet_status folder_join(const struct folder *f, const char *const *paths, size_t count,
                        struct folder *out, struct error *err);
void folder_free(struct folder *f);
/* Puts an encoding of the config's space in place of what [train] arch says, which may be best:FOLDER of a
 * search or run.  Errors name file, line and key. */
tcet_status cli_best_arch(struct config *c, struct arena *a, struct error *err);

int cmd_run(const struct command *c, int argc, char **argv);
int cmd_search(const struct command *c, int argc, char **argv);
int cmd_train(const struct command *c, int argc, char **argv);
int cmd_evaluate(const struct command *c, int argc, char **argv);
/* ", top-5 71.2 %" of what was measured; nothing where there are no more than five classes. */
struct train_progress;
void cli_put_top5(const struct train_progress *p, struct buf *out);
int cmd_score(const struct command *c, int argc, char **argv);
int cmd_show(const struct command *c, int argc, char **argv);
int cmd_list(const struct command *c, int argc, char **argv);
int cmd_info(const struct command *c, int argc, char **argv);
int cmd_check(const struct command *c, int argc, char **argv);
int cmd_new(const struct command *c, int argc, char **argv);
int cmd_correlate(const struct command *c, int argc, char **argv);
int cmd_discover(const struct command *c, int argc, char **argv);
int cmd_report(const struct command *c, int argc, char **argv);
int cmd_merge(const struct command *c, int argc, char **argv);
int cmd_export(const struct command *c, int argc, char **argv);
int cmd_space(const struct command *c, int argc, char **argv);
int cmd_export_net(const struct command *c, int argc, char **argv);
int cmd_tables(const struct command *c, int argc, char **argv);
int cmd_import(const struct command *c, int argc, char **argv);
int cmd_paper(const struct command *c, int argc, char **argv);
int cmd_completion(const struct command *c, int argc, char **argv);
int cmd_version(const struct command *c, int argc, char **argv);

#endif
