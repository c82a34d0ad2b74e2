/* cmd_paper.c -- `tcet-host paper`: the configs of conf/paper, what each reproduces and needs; and all that
 * need nothing in a small sample, with one page of our taus beside the published.  Room: core/cli. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONFIG_MAX = 1 << 20 };

/* One config. */
struct item {
    const char *name, *path;
    const char *what, *needs; /* of its first comment; needs NULL: nothing */
    struct config *config;
};

struct paper {
    struct arena arena;
    struct item *item;
    size_t count;
};

static int is_ini(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 4 && !strcmp(e->d_name + n - 4, ".ini");
}

/* The first line of the first comment, and the line of it that begins with "Needs". */
static tcet_status read_comment(struct paper *p, struct item *it, struct error *err)
{
    size_t size;
    char *text = file_text(it->path, CONFIG_MAX, &size, err);

    if (!text)
        return err->status;
    it->what = "";
    for (char *line = text, *end; *line == ';'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        line = text_strip(line + 1);
        if (!*it->what)
            it->what = arena_strdup(&p->arena, line);
        else if (!strncmp(line, "Needs ", 6) && !it->needs)
            it->needs = arena_strdup(&p->arena, line + 6);
    }
    free(text);
    return TCET_OK;
}

static int is_named(const char *name, const char *const *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(name, wanted[i]))
            return 1;
    }
    return !count;
}

static void free_paper(struct paper *p)
{
    for (size_t i = 0; i < p->count; i++)
        config_free(p->item[i].config);
    arena_free(&p->arena);
}

/* The configs that are wanted (none named: all), by name; an error for a name that is none's. */
static tcet_status read_paper(struct paper *p, const char *const *wanted, size_t count,
                              const struct option_list *sets, struct error *err)
{
    const char *folder = arena_printf(&p->arena, "%s/conf/paper", paths_data());
    struct dirent **entry;
    int n = scandir(folder, &entry, is_ini, alphasort);
    const char **names = arena_alloc(&p->arena, (size_t)(n > 0 ? n : 0) * sizeof *names + 8);
    tcet_status st = TCET_OK;
    char hint[128];

    if (n < 0)
        return error_set(err, TCET_E_IO, "%s: %s", folder, strerror(errno));
    p->item = arena_alloc(&p->arena, ((size_t)n + 1) * sizeof *p->item);
    for (int i = 0; i < n; i++) {
        struct item *it = &p->item[p->count];
        size_t length = strlen(entry[i]->d_name) - 4;

        names[i] = arena_strndup(&p->arena, entry[i]->d_name, length);
        if (st >= 0 && is_named(names[i], wanted, count)) {
            it->name = names[i];
            it->path = arena_printf(&p->arena, "%s/%s", folder, entry[i]->d_name);
            st = read_comment(p, it, err);
            if (st >= 0)
                st = cli_config(it->path, sets, &it->config, err);
            p->count += st >= 0;
        }
        free(entry[i]);
    }
    free(entry);
    for (size_t i = 0; i < count && st >= 0; i++) {
        size_t k = 0;

        while (k < (size_t)n && strcmp(names[k], wanted[i]) != 0)
            k++;
        if (k == (size_t)n)
            st = error_set(err, TCET_E_ARG, "conf/paper has no config \"%.80s\"%s", wanted[i],
                           text_suggest(hint, sizeof hint, wanted[i], names, (size_t)n));
    }
    return st;
}

/* Where its results are, or would be. */
static const char *folder_of(struct paper *p, const struct item *it, const char *output)
{
    if (output)
        return arena_printf(&p->arena, "%s/%s", cli_path(&p->arena, output), it->name);
    return config_text(it->config, "run", "", "output", "");
}

static int has_results(struct paper *p, const char *folder)
{
    return !access(arena_printf(&p->arena, "%s/scores.db", folder), R_OK) ||
           !access(arena_printf(&p->arena, "%s/last.ckpt", folder), R_OK);
}

static void list_paper(struct paper *p, const char *output, struct buf *out)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct item *it = &p->item[i];
        const char *folder = folder_of(p, it, output);
        const char *table = config_text(it->config, "benchmark", "", "table", "");

        buf_printf(out, "%s\n  %s\n", it->name, it->what);
        if (it->needs)
            buf_printf(out, "  needs    %s\n", it->needs);
        else
            buf_printf(out, "  needs    nothing (table %s ships)\n", table);
        buf_printf(out, "  results  %s%s\n", has_results(p, folder) ? folder : "none in ",
                   has_results(p, folder) ? "" : folder);
    }
    buf_puts(out,
             "\n`tcet-host run conf/paper/NAME.ini` runs one, `tcet-host paper --sample 50` all "
             "that need nothing\n");
}

/* ---- a sample of each ---- */

/* Which architectures: a sample of the space, or of the table that the config's own are of. */
static const char *choose_archs(struct paper *p, const struct item *it, int64_t sample)
{
    const char *archs = config_text(it->config, "run", "", "archs", "");

    return arena_printf(&p->arena, "%s:%lld", !strncmp(archs, "table", 5) ? "table" : "sample",
                        (long long)sample);
}

/* Runs this program again; its exit code, -1: it could not be started, or a signal ended it. */
static int start(const char *const *argument)
{
    pid_t child;
    int status;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        execv("/proc/self/exe", (char **)(uintptr_t)argument);
        _exit(EXIT_FAULT);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The child's exit code, -1: it did not end by itself. */
static int run_one(struct paper *p, const struct item *it, int64_t sample, const char *folder,
                   const struct option_list *sets)
{
    const char **argument = arena_alloc(&p->arena, (12 + 2 * sets->count) * sizeof *argument);
    const char *archs;
    size_t n = 0;

    archs = choose_archs(p, it, sample);
    argument[n++] = "tcet-host";
    argument[n++] = "run";
    argument[n++] = it->path;
    argument[n++] = "--archs";
    argument[n++] = archs;
    argument[n++] = "--output";
    argument[n++] = folder;
    argument[n++] = "--resume";
    argument[n++] = "--quiet";
    for (size_t i = 0; i < sets->count; i++) {
        argument[n++] = "--set";
        argument[n++] = sets->item[i];
    }
    return start(argument);
}

/* NaN: a dash for our figure, nothing for the published one. */
static void add_line(struct buf *out, const char *name, double ours, double published,
                     const char *note)
{
    buf_printf(out, "  %-30s ", name);
    if (isnan(ours))
        buf_puts(out, "      -");
    else
        buf_printf(out, "%7.3f", ours);
    if (!isnan(published))
        buf_printf(out, " %9.2f%s", published, note);
    buf_puts(out, "\n");
}

/* Our taus of one folder beside the published. */
static tcet_status add_page(const struct item *it, const char *path, struct buf *out,
                            struct error *err)
{
    const char *column = config_text(it->config, "benchmark", "", "column", "");
    const char *population = config_text(it->config, "benchmark", "", "population", "all");
    const char *name = config_text(it->config, "benchmark", "", "table", "");
    struct comparison cmp = {.archs = 0};
    struct report r = {.line_count = 0};
    struct join j = {.count = 0};
    struct table *t = NULL;
    struct folder f;
    tcet_status st;

    TRY(folder_read(path, &f, err));
    st = folder_reference(&f, it->config, err);
    if (st >= 0)
        st = compare_check(it->config, &t, err);
    if (st >= 0 && t)
        st = join_make(it->config, f.archs, f.arch_count, t, NULL, &j, err);
    if (st >= 0)
        st = compare_with_table(it->config, f.archs, f.arch_count, f.columns, f.column_count,
                                t ? &j : NULL, name, column, population, &cmp, err);
    if (st >= 0)
        st = comparison_reference(&cmp, it->config, 1, err);
    if (st >= 0)
        st = report_make(&cmp.in, 0, &r, err);
    for (size_t i = 0; st >= 0 && i < r.line_count; i++) {
        const struct report_line *l = &r.lines[i];

        if (l->series->baseline)
            continue;
        add_line(out, l->series->column.name, l->relation.kendall,
                 l->series->has_published ? l->series->published : NAN, "");
    }
    for (size_t i = 0; st >= 0 && i < r.pair_count; i++) {
        const struct report_pair *pair = &r.pairs[i];
        char both[160];

        snprintf(both, sizeof both, "%s, %s", pair->x->column.name, pair->y->column.name);
        add_line(out, both, report_tau(pair), pair->published, "");
    }
    report_free(&r);
    comparison_free(&cmp);
    join_free(&j);
    table_free(t);
    folder_free(&f);
    return st;
}

static tcet_status run_paper(struct paper *p, int64_t sample, const char *output,
                             const struct option_list *sets, int *code, struct error *err)
{
    const volatile int *stop = cli_interrupts();
    struct buf page = {0};
    tcet_status st = TCET_OK;
    char said[512];

    TRY(folder_make(cli_path(&p->arena, output), err));
    for (size_t i = 0; i < p->count && st >= 0 && !*stop; i++) {
        const struct item *it = &p->item[i];
        const char *folder = folder_of(p, it, output);
        int ended;

        buf_printf(&page, "\n%s: %s\n", it->name, it->what);
        if (it->needs) {
            buf_printf(&page, "  not run: needs %s\n", it->needs);
            continue;
        }
        snprintf(said, sizeof said, "%.100s: %lld architectures", it->name, (long long)sample);
        cli_log(NULL, TCET_LOG_INFO, said);
        ended = run_one(p, it, sample, folder, sets);
        if (ended && ended != EXIT_SOME_FAILED) {
            buf_printf(&page, "  failed, exit code %d\n", ended);
            *code = ended > 0 ? ended : EXIT_FAULT;
        } else {
            *code = ended && !*code ? ended : *code;
            buf_printf(&page, "  %-30s %7s %9s\n", "proxy", "ours", "published");
            st = add_page(it, folder, &page, err);
        }
    }
    if (*stop)
        *code = EXIT_INTERRUPTED;
    if (st >= 0) {
        printf("Kendall's tau with the accuracies of %lld architectures each, in %s\n",
               (long long)sample, output);
        cli_write(&page);
    }
    buf_free(&page);
    return st;
}

int cmd_paper(const struct command *c, int argc, char **argv)
{
    const char *sample_text = NULL, *output = NULL, *names[128];
    struct option_list sets = {.count = 0};
    const struct option_spec specs[] = {
        {"--sample", "N", "run all that need nothing, on N architectures each", NULL, &sample_text,
         NULL},
        {"--output", "FOLDER", "where their folders go (default out/paper)", NULL, &output, NULL},
        {"--set", "A.B=VALUE", "override a key of the configs (repeatable)", NULL, NULL, &sets},
    };
    struct paper p = {.count = 0};
    struct buf out = {0};
    struct error err;
    int64_t sample = 0;
    size_t count;
    int code =
        cli_options(c, argc, argv, specs, TCET_COUNT(specs), names, 0, TCET_COUNT(names), &count);
    tcet_status st;

    if (code >= 0)
        return code;
    code = 0;
    if (sample_text && (text_to_i64(sample_text, &sample) < 0 || sample < 2))
        return cli_usage(c, "--sample \"%.40s\" is no number of architectures, 2 or more",
                         sample_text);
    st = read_paper(&p, names, count, &sets, &err);
    if (st >= 0 && sample) {
        st = run_paper(&p, sample, output ? output : "out/paper", &sets, &code, &err);
    } else if (st >= 0) {
        list_paper(&p, output, &out);
        cli_write_text(&out);
    }
    buf_free(&out);
    free_paper(&p);
    return st < 0 ? cli_fail(&err) : code;
}
