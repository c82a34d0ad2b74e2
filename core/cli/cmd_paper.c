/* cmd_paper.c -- `tcet-host paper`: the configs of conf/paper, what each reproduces and needs; and all that
 * need nothing in a small sample, with one page of our taus beside the published.  Room: core/cli. */
#include "cli/paper.h"

#include "base/folder.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where they go unless --output says so. */
static const char SAMPLES[] = "out/paper";

struct paper {
    struct arena arena;
    struct paper_item *item;
    size_t count;
};

static int is_ini(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 4 && !strcmp(e->d_name + n - 4, ".ini");
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
        struct paper_item *it = &p->item[p->count];
        size_t length = strlen(entry[i]->d_name) - 4;

        names[i] = arena_strndup(&p->arena, entry[i]->d_name, length);
        if (st >= 0 && is_named(names[i], wanted, count)) {
            it->name = names[i];
            it->path = arena_printf(&p->arena, "%s/%s", folder, entry[i]->d_name);
            st = config_about(it->path, &p->arena, &it->about, err);
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

/* Does it want a file, or weeks, that only the user has?  A table that is given is there. */
static int wants_user(const struct paper_item *it)
{
    const char *table = config_text(it->config, "benchmark", "", "table", "");

    return it->about.needs && (!*table || config_section(it->config, "search", "") ||
                               config_section(it->config, "train", ""));
}

/* ---- the list ---- */

static const char *sample_of(struct paper *p, const struct paper_item *it, const char *output)
{
    return arena_printf(&p->arena, "%s/%s", output, it->name);
}

static int has_results(struct paper *p, const char *folder)
{
    return !access(arena_printf(&p->arena, "%s/scores.db", folder), R_OK) ||
           !access(arena_printf(&p->arena, "%s/last.ckpt", folder), R_OK);
}

/* How far a run has come, and its hours beside the paper's. */
static void say_folder(struct paper *p, const struct paper_item *it, const char *path,
                       struct buf *out)
{
    struct buf hours = {0};
    struct error err;
    struct folder f;

    buf_printf(out, "  results  %s", path);
    if (!access(arena_printf(&p->arena, "%s/scores.db", path), R_OK)) {
        if (folder_read(path, &f, &err) < 0) {
            buf_printf(out, ": %s", err.text);
        } else {
            buf_printf(out, ": %zu of %zu architectures", f.arch_count, f.listed);
            if (hours_say(it->config, &f, &hours, &err) < 0)
                buf_printf(&hours, "%s", err.text);
            folder_free(&f);
        }
    }
    buf_puts(out, "\n");
    for (const char *line = hours.data; line && *line; line += strspn(line, "\n")) {
        size_t length = strcspn(line, "\n");

        buf_printf(out, "  hours    %.*s\n", (int)length, line);
        line += length;
    }
    buf_free(&hours);
}

/* Of the run that the config makes by itself and of the sample, or of those below --output alone. */
static void say_results(struct paper *p, const struct paper_item *it, const char *output,
                        struct buf *out)
{
    const char *place[2] = {NULL, sample_of(p, it, output ? cli_path(&p->arena, output) : SAMPLES)};
    int found = 0;

    if (!output)
        place[0] = config_text(it->config, "run", "", "output", NULL);
    for (int i = 0; i < 2; i++) {
        if (!place[i] || !has_results(p, place[i]))
            continue;
        say_folder(p, it, place[i], out);
        found = 1;
    }
    if (!found)
        buf_printf(out, "  results  none in %s%s%s\n", place[0] ? place[0] : "",
                   place[0] ? " or " : "", place[1]);
}

static void say_accuracies(const struct paper_item *it, struct buf *out)
{
    const char *published = comparison_published(it->config);
    const char *column = config_text(it->config, "benchmark", "", "column", "");
    struct table *t = NULL;
    struct error err;
    const char *split;

    if (compare_check(it->config, &t, &err) < 0 || !t)
        return;
    split = table_split(t, column);
    buf_printf(out, "  compares %s (%s)%s%s\n", split ? split : "accuracies", column,
               published ? "; published: " : "", published ? published : "");
    table_free(t);
}

static void list_paper(struct paper *p, const char *output, struct buf *out)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct paper_item *it = &p->item[i];
        const char *table = config_text(it->config, "benchmark", "", "table", "");

        buf_printf(out, "%s\n  %s\n", it->name, it->about.what);
        if (it->about.needs)
            buf_printf(out, "  needs    %s\n", it->about.needs);
        else
            buf_printf(out, "  needs    nothing (table %s ships)\n", table);
        say_accuracies(it, out);
        say_results(p, it, output, out);
    }
    buf_puts(out,
             "\n`tcet-host run conf/paper/NAME.ini` runs one, `tcet-host paper --sample 50` all "
             "that need nothing\n");
}

/* ---- a sample of each ---- */

/* Which architectures: a sample of the space, or of the table that the config's own are of. */
static const char *choose_archs(struct paper *p, const struct paper_item *it, int64_t sample)
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
static int run_one(struct paper *p, const struct paper_item *it, int64_t sample, const char *folder,
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

/* Of one config: how its run ended, and our figures where it has some. */
static void run_item(struct paper *p, struct paper_item *it, int64_t sample, const char *output,
                     const struct option_list *sets, int *code)
{
    const char *folder = sample_of(p, it, cli_path(&p->arena, output));
    struct error err;
    char said[512];
    int ended;

    snprintf(said, sizeof said, "%.100s: %lld architectures", it->name, (long long)sample);
    cli_log(NULL, TCET_LOG_INFO, said);
    ended = run_one(p, it, sample, folder, sets);
    it->ran = 1;
    if (ended && ended != EXIT_SOME_FAILED) {
        it->state = arena_printf(&p->arena, "failed, exit code %d", ended);
        *code = ended > 0 ? ended : EXIT_FAULT;
        return;
    }
    *code = ended && !*code ? ended : *code;
    it->state = ended ? "some failed" : "done";
    if (paper_read(it, folder, &p->arena, &err) < 0)
        it->state = arena_strdup(&p->arena, err.text);
}

/* details: every figure, not the main ones alone. */
static int run_paper(struct paper *p, int64_t sample, const char *output, int details,
                     const struct option_list *sets, struct error *err)
{
    const volatile int *stop = cli_interrupts();
    struct buf page = {0};
    int code = 0;

    TRY(folder_make(cli_path(&p->arena, output), err));
    for (size_t i = 0; i < p->count && !*stop; i++) {
        if (!wants_user(&p->item[i]))
            run_item(p, &p->item[i], sample, output, sets, &code);
    }
    if (*stop)
        code = EXIT_INTERRUPTED;
    for (size_t i = 0; details && i < p->count; i++)
        paper_details(&p->item[i], &page);
    buf_printf(&page, "Kendall's tau with the accuracies of %lld architectures each, in %s\n",
               (long long)sample, output);
    paper_page(p->item, p->count, &page);
    buf_printf(&page, "all figures of one: tcet-host correlate %s/NAME\n", output);
    cli_write(&page);
    buf_free(&page);
    return code;
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
        code = run_paper(&p, sample, output ? output : SAMPLES, count > 0, &sets, &err);
        if (code < 0)
            st = (tcet_status)code;
    } else if (st >= 0) {
        list_paper(&p, output, &out);
        cli_write_text(&out);
    }
    buf_free(&out);
    free_paper(&p);
    return st < 0 ? cli_fail(&err) : code;
}
