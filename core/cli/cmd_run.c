/* cmd_run.c -- `tcet-host run CONFIG`: the main command.  Scores, commits, exports, then prints
 * the best architectures and how the scores agree with trained accuracies.
 * Room: core/cli. */
#include "cli/about.h"
#include "cli/ablation.h"
#include "cli/cli.h"

#include "base/text.h"
#include "base/utf8.h"
#include "cli/progress.h"
#include "cli/report_parts.h"
#include "plan/plan.h"
#include "run/rank.h"
#include "run/remote.h"
#include "run/supervise.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run_flags {
    struct option_list sets, exports;
    const char *archs, *output, *workers, *in_flight, *top, *shard, *proxy, *progress, *report;
    bool resume, retry, layers, times, quiet;
    double every; /* seconds between lines of progress where there is no terminal */
    int argc;
    char **argv;
};

/* Read once, before any work. */
struct trained {
    const char *path; /* the config's file */
    struct config *config;
    struct table *table; /* NULL: none is asked for */
    struct join join;    /* the run's architectures in it */
    struct shard shard;
    const volatile int *stop;
    struct progress progress;
};

/* -- Progress --------------------------------------------------------------------------- */

static void show_progress(void *arg, const struct run_progress *p)
{
    struct trained *b = arg;
    char note[48] = "";

    if (p->failed)
        snprintf(note, sizeof note, "%zu failed", p->failed);
    progress_show(&b->progress, p->done, p->total, p->seconds, "architectures", note);
}

/* Bytes of a buffer. */
struct span {
    size_t from, to;
};

/* -- The best --------------------------------------------------------------------------- */

struct ranked {
    double key;
    size_t at;
};

static int by_key(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

/* What a terminal leaves of its line for architectures, beside the other columns. */
static size_t room_for_archs(const char *const *cell, size_t rows, size_t columns)
{
    size_t room = cli_width();

    for (size_t c = 0; c + 1 < columns; c++) {
        size_t wide = 0, n;

        for (size_t r = 0; r < rows; r++) {
            n = strlen(cell[r * columns + c]);
            wide = n > wide ? n : wide;
        }
        room = room > wide + 2 ? room - wide - 2 : 0;
    }
    return room > 20 ? room : 20;
}

/* *best: where the line of the best is in `out`. */
static void print_best(const struct folder *f, size_t column, const struct comparison *cmp,
                       size_t top, struct buf *out, struct span *best)
{
    const struct report_series *c = &f->columns[column];
    struct ranked *r = mem_alloc((f->arch_count + 1) * sizeof *r);
    struct arena a = {0};
    const char **cell;
    size_t n = 0, columns = cmp ? 4 : 3;

    for (size_t i = 0; i < f->arch_count; i++) {
        double v = c->column.direction < 0 ? -c->values[i] : c->values[i];

        if (!isnan(v))
            r[n++] = (struct ranked){v, i};
    }
    qsort(r, n, sizeof *r, by_key);
    if (n > top)
        n = top;
    cell = arena_alloc(&a, (n + 1) * columns * sizeof *cell);
    cell[0] = "rank";
    cell[1] = c->column.name;
    if (cmp)
        cell[2] = cmp->column;
    cell[columns - 1] = "architecture";
    for (size_t i = 0; i < n; i++) {
        const char **row = cell + (i + 1) * columns;

        row[0] = arena_printf(&a, "%zu", i + 1);
        row[1] = arena_printf(&a, "%.6g", c->values[r[i].at]);
        if (cmp)
            row[2] = isnan(cmp->in.accuracy[r[i].at])
                         ? "-"
                         : report_accuracy(&cmp->in, cmp->in.accuracy[r[i].at], &a);
        row[columns - 1] = f->archs[r[i].at];
    }
    for (size_t i = 1, room = room_for_archs(cell, n + 1, columns); i <= n; i++)
        cell[i * columns + columns - 1] = cli_shorten(&a, cell[i * columns + columns - 1], room);
    if (n) {
        buf_printf(out, "\nbest by %s\n", c->column.name);
        best->from = out->len;
        report_table(out, cell, n + 1, columns, REPORT_TEXT, cli_width());
        best->from += strcspn(out->data + best->from, "\n") + 1; /* below the header */
        best->to = best->from + strcspn(out->data + best->from, "\n");
    } else {
        buf_printf(out, "\nno architecture has a value of %s\n", c->column.name);
    }
    arena_free(&a);
    free(r);
}

/* -- Comparison with accuracies --------------------------------------------------------- */

static tcet_status compare(const struct trained *b, const struct folder *f, struct comparison *cmp,
                           int *have, struct error *err)
{
    const struct config *config = b->config;
    struct config_key *table = config_get(config, "benchmark", "", "table");
    struct config_key *column = config_get(config, "benchmark", "", "column");
    struct config_key *population = config_get(config, "benchmark", "", "population");
    struct join tried = {.count = 0};
    tcet_status st = TCET_OK;

    *have = 0;
    if (!b->table)
        return TCET_OK;
    if (f->arch_count != b->join.count) /* else the folder's are the run's, in their order */
        st = join_make(config, f->archs, f->arch_count, b->table, NULL, &tried, err);
    if (st >= 0)
        st = compare_with_table(config, f->archs, f->arch_count, f->columns, f->column_count,
                                f->arch_count == b->join.count ? &b->join : &tried, table->value,
                                column->value, population ? population->value : "all", cmp, err);
    join_free(&tried);
    if (st < 0)
        return config_error_at(err, table);
    *have = 1;
    return comparison_reference(cmp, config, 1, err);
}

/* Looks all architectures up.  A table that has a value of none, another space's say, is refused before
 * the first is scored. */
static tcet_status join_table(void *arg, const struct wire_plan *plan, struct error *err)
{
    struct trained *b = arg;
    struct config_key *table = config_get(b->config, "benchmark", "", "table");
    const char *column = config_text(b->config, "benchmark", "", "column", "");
    const double *values;
    tcet_status st;

    if (!b->table)
        return TCET_OK;
    TRY(table_column(b->table, column, &values, err));
    st = join_make(b->config, plan->archs, plan->arch_count, b->table, b->stop, &b->join, err);
    if (st < 0)
        return st == TCET_E_CANCELLED ? st : config_error_at(err, table);
    for (size_t i = 0; i < b->join.count; i++) {
        if (!isnan(join_value(&b->join, values, i)))
            return TCET_OK;
    }
    return config_error(
        err, table,
        "table %.200s has a value of %s for none of the %zu architecture%s of space %s; "
        "\"table =\" names no table",
        table->value, column, plan->arch_count, plan->arch_count == 1 ? "" : "s", plan->space);
}

/* Leaves in the folder what the table says of its architectures, for exports and other programs. */
static tcet_status put_accuracies(void *arg, struct store *s, struct error *err)
{
    struct trained *b = arg;
    const char *table = config_text(b->config, "benchmark", "", "table", "");
    const char *column = config_text(b->config, "benchmark", "", "column", "");
    const struct store_accuracy *accuracies = NULL;
    struct arena a = {0};
    tcet_status st = TCET_OK;

    if (b->table && b->shard.count)
        join_take(&b->join, (size_t)b->shard.index - 1, (size_t)b->shard.count);
    if (b->table)
        st = join_accuracies(&b->join, table, &column, 1, &a, &accuracies, err);
    if (st >= 0)
        st = store_set_accuracies(s, accuracies, b->table ? 1 : 0, err);
    arena_free(&a);
    return st;
}

/* The last line: how one score agrees. */
static void print_headline(const struct report_line *l, const char *what, struct buf *out)
{
    const struct stats_relation *x = &l->relation;
    const char *name = l->series->column.name;
    struct buf line = {0};

    buf_printf(&line, "%s%s: ", what, name);
    if (isnan(x->kendall))
        buf_puts(&line, "no Kendall tau");
    else
        buf_printf(&line, "Spearman %.4f, Kendall tau %.4f", x->spearman, x->kendall);
    if (!isnan(x->kendall) && isnan(x->interval.low))
        buf_printf(&line, " (no interval below %d)", STATS_INTERVAL_MIN);
    else if (!isnan(x->kendall))
        buf_printf(&line, " (95 %% interval %.4f to %.4f, %s)", x->interval.low, x->interval.high,
                   x->interval.method);
    buf_printf(&line, ", n = %zu", l->n);
    buf_puts(out, "\n");
    cli_wrap_result(out, 0, 2, line.data);
    buf_free(&line);
}

/* Agreement with accuracies, closed by the main score's line, or of an ablation the best cell's.
 * *best: that one's column; untouched where there is none. */
static void print_correlations(const struct config *config, const struct folder *f,
                               struct comparison *cmp, struct buf *out, size_t *best)
{
    struct buf line = {0};
    struct ablation ab;
    struct report r;
    struct error err;
    char what[64] = "";

    if (cmp->archs < 2) {
        buf_puts(out, "a single architecture: there is no order to compare with accuracies\n");
        return;
    }
    ablation_hide(config, cmp);
    if (report_make(&cmp->in, 0, &r, &err) < 0) {
        buf_printf(out, "no correlations: %s\n", err.text);
        return;
    }
    ablation_make(config, &r, &ab);
    if (ab.count) {
        *best = ab.rows[0].column;
        snprintf(what, sizeof what, "best of %zu cells, ", ab.count);
        if (ablation_ties(&ab))
            snprintf(what, sizeof what, "best of %zu cells, as good as %zu more, ", ab.count,
                     ablation_ties(&ab));
    }
    buf_printf(&line, "agreement with %s of table %s, population %s (baselines in brackets)",
               cmp->column, cmp->table, cmp->in.population);
    cli_wrap_result(out, 0, 2, line.data);
    buf_free(&line);
    comparison_say_join(cmp, out);
    if (ab.count) {
        ablation_print(&ab, REPORT_TEXT, cmp->in.wide, out);
        buf_puts(out, "\n");
    }
    report_print(&cmp->in, &r, REPORT_TEXT, 1, out);
    for (size_t i = 0; i < r.line_count; i++) {
        if (!r.lines[i].series->baseline &&
            !strcmp(r.lines[i].series->column.name, f->columns[*best].column.name))
            print_headline(&r.lines[i], what, out);
    }
    ablation_free(&ab);
    report_free(&r);
}

/* -- Exports ---------------------------------------------------------------------------- */

static tcet_status export_all(const struct config *config, const struct run_flags *o,
                              const char *folder, struct error *err)
{
    struct config_key *files = config_get(config, "export", "", "files");
    struct arena a = {0};
    const char *const *names = NULL;
    size_t n = files ? text_split(&a, files->value, ',', &names) : 0;
    struct store_export how;
    struct store *s = NULL;
    int32_t layers, times;
    tcet_status st;

    st = config_bool(config, "export", "", "layers", o->layers, &layers, err);
    if (st >= 0)
        st = config_bool(config, "export", "", "times", o->times, &times, err);
    if (st >= 0 && (n || o->exports.count))
        st = store_open(folder, STORE_READ, &s, err);
    how = (struct store_export){.layers = st >= 0 && (layers || o->layers),
                                .times = st >= 0 && (times || o->times)};
    for (size_t i = 0; st >= 0 && i < o->exports.count; i++)
        st = store_export(s, o->exports.item[i], &how, err);
    for (size_t i = 0; st >= 0 && i < n; i++) /* configured exports stand in the run's folder */
        st = store_export(s, arena_printf(&a, "%s/%s", folder, names[i]), &how, err);
    store_close(s);
    arena_free(&a);
    return st;
}

static int is_export_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && (!strcmp(dot, ".csv") || !strcmp(dot, ".jsonl"));
}

/* [export] as it will be needed at the end. */
static tcet_status check_export_section(const struct config *config, struct error *err)
{
    struct config_key *files = config_get(config, "export", "", "files");
    struct arena a = {0};
    const char *const *names = NULL;
    size_t n = files ? text_split(&a, files->value, ',', &names) : 0;
    int32_t flag;
    tcet_status st = config_bool(config, "export", "", "layers", 0, &flag, err);

    if (st >= 0)
        st = config_bool(config, "export", "", "times", 0, &flag, err);
    for (size_t i = 0; st >= 0 && i < n; i++) {
        if (!is_export_name(names[i]) || strchr(names[i], '/'))
            st = config_error(err, files,
                              "\"%s\": a name that ends in .csv or .jsonl, without "
                              "folders; exports stand in the run's folder",
                              names[i]);
    }
    arena_free(&a);
    return st;
}

tcet_status run_check(const struct config *config, struct table **out, struct error *err)
{
    TRY(config_check_sections(config, err));
    TRY(check_export_section(config, err));
    return compare_check(config, out, err);
}

/* Export files that could not be written at the end are refused at the start. */
/* Can a file be made there? */
static tcet_status check_place(const char *option, const char *name, struct error *err)
{
    struct arena a = {0};
    const char *slash = strrchr(name, '/');
    const char *folder = slash ? arena_strndup(&a, name, (size_t)(slash + 1 - name)) : ".";
    tcet_status st = access(folder, W_OK)
                         ? error_set(err, TCET_E_IO, "%s %s: cannot write there: %s", option, name,
                                     strerror(errno))
                         : TCET_OK;

    arena_free(&a);
    return st;
}

static tcet_status check_outputs(const struct run_flags *o, struct error *err)
{
    for (size_t i = 0; i < o->exports.count; i++) {
        if (!is_export_name(o->exports.item[i]))
            return error_set(err, TCET_E_ARG, "--export %s: the name must end in .csv or .jsonl",
                             o->exports.item[i]);
        TRY(check_place("--export", o->exports.item[i], err));
    }
    return o->report ? check_place("--report", o->report, err) : TCET_OK;
}

/* -- The whole -------------------------------------------------------------------------- */

/* What was done, on what. */
static void print_work(const struct run_result *r, struct buf *out)
{
    const struct run_progress *p = &r->progress;
    struct buf line = {0};

    for (size_t i = 0; i < r->plan.meta_count; i++) {
        const struct wire_pair *m = &r->plan.meta[i];
        int data = !strcmp(m->name, "data_used");

        if (!data && strcmp(m->name, "backend"))
            continue;
        line.len = 0;
        buf_printf(&line, "%s: %s", data ? "data" : "backend", m->value);
        cli_wrap_result(out, 0, 2, line.data);
    }
    line.len = 0;
    buf_printf(&line, "%zu architecture%s: %zu scored now in %.1f s (%d worker%s)",
               r->plan.arch_count, r->plan.arch_count == 1 ? "" : "s", p->done - p->failed,
               p->seconds, r->workers, r->workers == 1 ? "" : "s");
    if (p->shared)
        buf_printf(&line,
                   ", %zu of them taken from the %zu that were run, whose networks they have",
                   p->shared, p->done - p->shared);
    if (r->completed)
        buf_printf(&line, ", %zu of them only in %s (the rest was stored)", r->completed,
                   r->lacked);
    buf_printf(&line, ", %zu from the store, %zu failed", p->stored, r->failed);
    if (r->failed && p->stored) /* some may have failed before */
        buf_printf(&line, " (%zu now)", p->failed);
    buf_printf(&line, "; results in %s", r->folder);
    cli_wrap_result(out, 0, 2, line.data);
    buf_free(&line);
}

/* Published figures without a table that ours could be told by: what it takes to have one. */
static void say_lacking(const struct trained *b, struct buf *out)
{
    const char *space = config_text(b->config, "run", "", "space", ""), *from = NULL;
    struct config_about about = {.needs = NULL};
    struct arena a = {0};
    struct buf line = {0};
    struct error none;
    int has = 0;

    for (size_t i = 0; i < b->config->section_count; i++)
        has |= !strcmp(b->config->sections[i]->kind, "reference") ||
               !strcmp(b->config->sections[i]->kind, "reference_pairs");
    if (!has)
        return;
    buf_puts(&line, "no tau beside the published: [benchmark] names no table. ");
    if (config_about(b->path, &a, &about, &none) >= 0 && about.needs)
        buf_printf(&line, "It needs %s. %s", about.needs, about.how);
    else if ((from = space_sources(space, &a)))
        buf_printf(&line, "Accuracies of %s: %s", space, from);
    buf_puts(out, "\n");
    cli_wrap_result(out, 0, 2, line.data);
    buf_free(&line);
    arena_free(&a);
}

static tcet_status conclude(const struct trained *b, const struct run_flags *o,
                            const struct run_result *r, size_t top, struct error *err)
{
    struct comparison cmp;
    struct folder f;
    struct buf out = {0}, agreement = {0};
    struct span best = {0, 0};
    size_t column;
    int have = 0;
    tcet_status st;

    TRY(export_all(b->config, o, r->folder, err));
    TRY(folder_read(r->folder, &f, err));
    column = f.main_column;
    st = folder_reference(&f, b->config, err);
    if (st >= 0)
        st = compare(b, &f, &cmp, &have, err);
    if (st >= 0 && !o->quiet) {
        print_work(r, &out);
        folder_stability(&f, &agreement);
        if (have)
            print_correlations(b->config, &f, &cmp, &agreement, &column);
        else
            say_lacking(b, &agreement);
        if (top)
            print_best(&f, column, have ? &cmp : NULL, top, &out, &best);
        buf_puts(&out, "\n");
        buf_add(&out, agreement.data, agreement.len);
        cli_write_bold(&out, best.from, best.to);
    }
    if (have)
        comparison_free(&cmp);
    buf_free(&agreement);
    buf_free(&out);
    folder_free(&f);
    return st;
}

void cli_say_reasons(const struct reasons *why)
{
    for (size_t i = 0; i < why->count; i++) {
        struct buf text = {0};

        utf8_show(&text, why->item[i].text, strnlen(why->item[i].text, 400), "\n\t");
        fprintf(stderr, "tcet-host:   %zu: %s\n", why->item[i].count, text.len ? text.data : "");
        buf_free(&text);
    }
    if (why->other)
        fprintf(stderr, "tcet-host:   %zu: for other reasons\n", why->other);
}

/* What failed and why: reasons that several share stand once. */
static void print_failures(const struct run_result *r, const struct run_flags *o)
{
    static const char *const again[] = {"--resume", "--retry-failed", NULL};

    fprintf(stderr,
            "tcet-host: %zu architecture%s failed (`tcet-host export %s failed.jsonl` has the "
            "rows):\n",
            r->failed, r->failed == 1 ? "" : "s", r->folder);
    cli_say_reasons(&r->reasons);
    cli_say_again("to try them again", o->argc, o->argv, again);
}

/* The folder is named as one would for `report`: from the current folder where it is in there. */
static tcet_status write_report(const struct run_flags *o, const char *folder, struct error *err)
{
    const struct report_page p = {.file = o->report};
    size_t n = strlen(cli_here());

    if (!strncmp(folder, cli_here(), n) && folder[n] == '/' && folder[n + 1])
        folder += n + 1;
    return o->report ? report_page_write(&p, &folder, 1, err) : TCET_OK;
}

static int finish(const struct trained *b, const struct run_flags *o, struct run_result *r,
                  size_t top, int ranks)
{
    static const char *const again[] = {"--resume", NULL};
    struct error err;

    if (r->stopped && !r->workers) {
        fprintf(stderr, "tcet-host: interrupted before the first architecture; nothing was kept\n");
        return EXIT_INTERRUPTED;
    }
    if (r->stopped) {
        fprintf(stderr,
                "tcet-host: interrupted; %zu of %zu architectures are done and kept in %s\n",
                r->progress.done + r->progress.stored, r->plan.arch_count, r->folder);
        cli_say_again(ranks > 1 ? "to go on, under mpirun as before" : "to go on", o->argc, o->argv,
                      again);
        return EXIT_INTERRUPTED;
    }
    if (conclude(b, o, r, top, &err) < 0 || write_report(o, r->folder, &err) < 0)
        return cli_fail(&err);
    if (r->failed) {
        print_failures(r, o);
        return EXIT_SOME_FAILED;
    }
    return 0;
}

static int execute(const char *path, const struct run_flags *o)
{
    struct run_options ro = {.resume = o->resume,
                             .retry_failed = o->retry,
                             .log = cli_log,
                             .accept = join_table,
                             .opened = put_accuracies};
    struct trained b = {.path = path, .progress = progress_begin(o->quiet, o->every)};
    struct run_result r;
    struct error err;
    int64_t top;
    int code;

    if (rank_own(&ro.ranks) > 0)
        return remote_serve(&err) < 0 ? cli_fail(&err) : 0;
    if ((o->shard && shard_parse(o->shard, &ro.shard, &err) < 0) ||
        cli_config(path, &o->sets, &b.config, &err) < 0)
        return cli_fail(&err);
    ro.arg = &b;
    b.shard = ro.shard;
    if (o->archs)
        cli_put_run(b.config, "archs", o->archs);
    if (cli_put_output(b.config, o->output, &err) < 0) {
        config_free(b.config);
        return cli_fail(&err);
    }
    if (o->workers)
        cli_put_run(b.config, "workers", o->workers);
    if (o->in_flight)
        cli_put_run(b.config, "in_flight", o->in_flight);
    if (o->top)
        cli_put_run(b.config, "top", o->top);
    if (o->proxy)
        cli_put_run(b.config, "proxy", o->proxy);
    ro.stop = b.stop = cli_interrupts();
    ro.progress = show_progress;
    if (run_check(b.config, &b.table, &err) < 0 || check_outputs(o, &err) < 0 ||
        config_i64(b.config, "run", "", "top", 10, 0, 1000000, &top, &err) < 0 ||
        run_supervise(b.config, &ro, &r, &err) < 0) {
        progress_end(&b.progress);
        code = cli_fail(&err);
    } else {
        progress_end(&b.progress);
        code = finish(&b, o, &r, (size_t)top, ro.ranks);
        run_result_free(&r);
    }
    join_free(&b.join);
    table_free(b.table);
    config_free(b.config);
    return code;
}

int cmd_run(const struct command *c, int argc, char **argv)
{
    struct run_flags o = {.every = PROGRESS_EVERY, .argc = argc, .argv = argv};
    const struct option_spec specs[] = {
        {"--set", "A.B=VALUE", "override a key of the config (repeatable)", NULL, NULL, &o.sets},
        {"--proxy", "A,B,...", "proxies by name, beside the config's (`tcet-host list proxies`)",
         NULL, &o.proxy, NULL},
        {"--archs", "WHICH",
         "all, first:N, sample:N, table, table:N, file:PATH, index:N or an encoding", NULL,
         &o.archs, NULL},
        {"--output", "FOLDER", "where the results go ([run] output)", NULL, &o.output, NULL},
        {"--workers", "N", "worker processes ([run] workers; default: cores)", NULL, &o.workers,
         NULL},
        {"--in-flight", "N",
         "architectures at once in a worker ([run] in_flight; default: 1, GPU: 2)", NULL,
         &o.in_flight, NULL},
        {"--shard", "I/N", "part I of N, in OUTPUT/shard-I-of-N (auto: by Slurm job array)", NULL,
         &o.shard, NULL},
        {"--resume", NULL, "go on with the results in the folder", &o.resume, NULL, NULL},
        {"--retry-failed", NULL, "with --resume: score failed architectures again", &o.retry, NULL,
         NULL},
        {"--export", "FILE", "write FILE.csv or FILE.jsonl at the end (repeatable)", NULL, NULL,
         &o.exports},
        {"--report", "FILE", "write a page of figures at the end (`tcet-host report`)", NULL,
         &o.report, NULL},
        {"--layers", NULL, "exports hold per-layer values", &o.layers, NULL, NULL},
        {"--times", NULL, "exports to .jsonl hold seconds by part", &o.times, NULL, NULL},
        {"--top", "N", "how many of the best to print (default 10)", NULL, &o.top, NULL},
        {"--progress", "SECONDS",
         "between lines of progress where there is no terminal (default 60, 0: none)", NULL,
         &o.progress, NULL},
        {"--quiet", NULL, "no progress, no summary", &o.quiet, NULL, NULL},
    };
    const char *path;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), &path, 1, 1, &count);

    if (code >= 0)
        return code;
    if (o.retry && !o.resume)
        return cli_usage(c, "--retry-failed goes with --resume: without it no row has failed yet");
    code = cli_progress(c, o.progress, &o.every);
    return code ? code : execute(path, &o);
}
