/* cmd_search.c -- `tcet-host search CONFIG`: looks for the architecture with the best score by a
 * strategy, and says what it found.  Room: core/cli. */
#include "cli/cli.h"
#include "cli/progress.h"

#include "base/text.h"
#include "run/rank.h"
#include "run/remote.h"
#include "run/seek.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct search_flags {
    struct option_list sets;
    const char *output, *workers, *in_flight, *shard, *progress;
    bool resume, quiet;
    double every; /* seconds between lines of progress where there is no terminal */
    int argc;
    char **argv;
};

/* -- progress ----------------------------------------------------------------------------- */

static void show_progress(void *arg, const struct seek_progress *p)
{
    int64_t accepted = p->asks - p->rejected;
    char note[160], best[32] = "-";

    if (!isnan(p->best))
        snprintf(best, sizeof best, "%.6g", p->best);
    snprintf(note, sizeof note, "best %s, %.0f %% accepted, %lld scored, %lld reused", best,
             p->asks ? 100 * (double)accepted / (double)p->asks : 0.0, (long long)p->scored,
             (long long)p->reused);
    progress_show(arg, (size_t)p->of_budget, (size_t)p->budget, p->seconds, "steps", note);
}

/* -- summary ------------------------------------------------------------------------------ */

/* A line of results, which a terminal gets in several. */
static void say_line(struct buf *out, const struct buf *line)
{
    cli_wrap_result(out, 0, 2, line->data);
}

static void say_best(const struct search_settings *s, struct seek_result *r, struct buf *out)
{
    const struct found_ask *best = found_best(&r->found);
    static const char *const names[] = {"layers", "size", "flops"};
    struct buf line = {0};

    if (!best) {
        buf_puts(out, "\nno architecture has a score\n");
        return;
    }
    buf_puts(out, "\n");
    buf_printf(&line, "best by %s: %.10g, ask %lld of seed %lld", s->objective[0].written,
               best->values[0], (long long)best->ask, (long long)best->seed);
    if (!isnan(best->params))
        buf_printf(&line, "; #params %.0f, MACs %.0f", best->params, best->macs);
    for (int i = 0; i < 3; i++) {
        if (!isnan(best->counts.of[i]))
            buf_printf(&line, ", %s %.0f", names[i], best->counts.of[i]);
    }
    say_line(out, &line);
    buf_free(&line);
    buf_printf(out, "%s\n", cli_shorten(&r->arena, best->arch, cli_width()));
}

/* optimum: what the mean's regret is against; NaN: nothing. */
static void say_curve(struct seek_result *r, const char *what, int accuracy, double optimum,
                      struct buf *out)
{
    static const char *const heads[] = {"evaluations", "searches", "mean", "std",
                                        "25 %",        "median",   "75 %", "regret"};
    size_t count, columns = TCET_COUNT(heads) - (size_t)isnan(optimum);
    const struct found_point *p = found_curve(&r->found, accuracy, &count);
    const char **cell = arena_alloc(&r->arena, (count + 1) * columns * sizeof *cell);

    if (!count)
        return;
    memcpy(cell, heads, columns * sizeof *cell);
    for (size_t i = 0; i < count; i++) {
        const double number[] = {p[i].mean,   p[i].std,  p[i].low,
                                 p[i].median, p[i].high, optimum - p[i].mean};
        const char **row = cell + (i + 1) * columns;

        row[0] = arena_printf(&r->arena, "%lld", (long long)p[i].evaluations);
        row[1] = arena_printf(&r->arena, "%zu", p[i].n);
        for (size_t k = 2; k < columns; k++)
            row[k] = isnan(number[k - 2])
                         ? "-"
                         : arena_printf(&r->arena, heads[k] == heads[3] ? "%.4g" : "%.6g",
                                        number[k - 2]);
    }
    buf_printf(out, "\n%s of the incumbent\n", what);
    report_table(out, cell, count + 1, columns, REPORT_TEXT, cli_width());
}

static void say_front(const struct search_settings *s, struct seek_result *r, struct buf *out)
{
    size_t count;
    double sum = 0, squares = 0, n = (double)r->progress.seeds;
    struct buf line = {0};

    if (s->objective_count < 2)
        return;
    found_front(&r->found, &count);
    buf_printf(out, "\nthe front of all asks has %zu architectures (front.csv)\n", count);
    for (size_t i = 0; i < r->progress.seeds && s->has_from; i++) {
        double v = found_hypervolume(&r->found, s->from, r->seeds[i]);

        sum += v;
        squares += v * v;
    }
    if (s->has_from) {
        buf_printf(&line, "hypervolume to (%g, %g): mean %.9g, std %.3g, over %.0f search%s",
                   s->from[0], s->from[1], sum / n,
                   n > 1 ? sqrt(fmax(0, (squares - sum * sum / n) / (n - 1))) : 0.0, n,
                   n == 1 ? "" : "es");
        say_line(out, &line);
    }
    buf_free(&line);
}

/* What was done, and why it ended: all searches, or else how many of them. */
static void say_work(const struct seek_result *r, struct buf *out)
{
    const struct seek_progress *p = &r->progress;
    struct buf line = {0};
    size_t alike = 0;

    buf_printf(&line,
               "%lld asks of %zu search%s: %lld scored, %lld reused, %lld failed, %lld rejected; "
               "%lld scores computed now in %.1f s (%d worker%s); results in %s",
               (long long)p->asks, p->seeds, p->seeds == 1 ? "" : "es", (long long)p->scored,
               (long long)p->reused, (long long)p->failed, (long long)p->rejected,
               (long long)r->computed, p->seconds, r->workers, r->workers == 1 ? "" : "s",
               r->folder);
    say_line(out, &line);
    for (size_t i = 0; i < p->seeds; i++)
        alike += !strcmp(r->why[i], r->why[0]);
    buf_printf(out, "ended: %s", r->why[0]);
    if (alike < p->seeds)
        buf_printf(out, " (%zu of %zu searches)", alike, p->seeds);
    buf_puts(out, "\n");
    buf_free(&line);
}

/* The best of a table's column: what the incumbent's accuracy is measured against. */
static double optimum_of(const struct config *config, const struct table *t)
{
    const char *column = config_text(config, "benchmark", "", "column", "");
    const double *values;
    struct error err;
    double best = NAN;

    if (!t || table_column(t, column, &values, &err) < 0)
        return NAN;
    for (size_t i = 0; i < t->rows; i++) {
        if (!isnan(values[i]) && !(values[i] <= best))
            best = values[i];
    }
    return best;
}

static int conclude(const struct config *config, const struct table *t,
                    const struct search_settings *s, struct seek_result *r, bool quiet)
{
    const char *column = config_text(config, "benchmark", "", "column", "");
    struct buf out = {0};

    if (quiet)
        return 0;
    say_work(r, &out);
    say_best(s, r, &out);
    say_curve(r, s->objective[0].written, 0, NAN, &out);
    if (t)
        say_curve(r, column, 1, optimum_of(config, t), &out);
    say_front(s, r, &out);
    cli_write(&out);
    buf_free(&out);
    if (r->progress.failed) {
        fprintf(stderr, "tcet-host: %lld asks failed:\n", (long long)r->progress.failed);
        cli_say_reasons(&r->reasons);
    }
    return 0;
}

/* -- the whole ---------------------------------------------------------------------------- */

static int finish(const struct search_flags *o, const struct config *config, const struct table *t,
                  const struct search_settings *s, struct seek_result *r, int ranks)
{
    static const char *const again[] = {"--resume", NULL};

    if (r->stopped && !r->progress.asks) {
        fprintf(stderr, "tcet-host: interrupted before the first ask was told\n");
        return EXIT_INTERRUPTED;
    }
    if (r->stopped) {
        fprintf(stderr, "tcet-host: interrupted; %lld asks are done and kept in %s\n",
                (long long)r->progress.asks, r->folder);
        cli_say_again(ranks > 1 ? "to go on, under mpirun as before" : "to go on", o->argc, o->argv,
                      again);
        return EXIT_INTERRUPTED;
    }
    return conclude(config, t, s, r, o->quiet);
}

static tcet_status prepare(const char *path, const struct search_flags *o, struct config **config,
                           struct search_settings *settings, struct table **table,
                           struct shard *shard, struct error *err)
{
    if (o->shard)
        TRY(shard_parse(o->shard, shard, err));
    TRY(cli_config(path, &o->sets, config, err));
    TRY(cli_put_output(*config, o->output, err));
    if (o->workers)
        cli_put_run(*config, "workers", o->workers);
    if (o->in_flight)
        cli_put_run(*config, "in_flight", o->in_flight);
    TRY(run_check(*config, table, err));
    TRY(search_settings_read(*config, settings, err));
    return search_prune(*config, settings, err);
}

static int execute(const char *path, const struct search_flags *o)
{
    struct progress progress = progress_begin(o->quiet, o->every);
    struct seek_options so = {.resume = o->resume, .log = cli_log};
    struct search_settings settings = {.strategy = NULL};
    struct config *config = NULL;
    struct table *table = NULL;
    struct seek_result r;
    struct error err;
    int code;

    so.progress = show_progress;
    so.arg = &progress;
    if (rank_own(&so.ranks) > 0)
        return remote_serve(&err) < 0 ? cli_fail(&err) : 0;
    so.stop = cli_interrupts();
    if (prepare(path, o, &config, &settings, &table, &so.shard, &err) < 0 ||
        seek_run(config, &settings, &so, &r, &err) < 0) {
        progress_end(&progress);
        code = cli_fail(&err);
    } else {
        progress_end(&progress);
        code = finish(o, config, table, &settings, &r, so.ranks);
        seek_result_free(&r);
    }
    search_settings_free(&settings);
    table_free(table);
    config_free(config);
    return code;
}

int cmd_search(const struct command *c, int argc, char **argv)
{
    struct search_flags o = {.every = PROGRESS_EVERY, .argc = argc, .argv = argv};
    const struct option_spec specs[] = {
        {"--set", "A.B=VALUE", "override a key of the config (repeatable)", NULL, NULL, &o.sets},
        {"--output", "FOLDER", "where the results go ([run] output)", NULL, &o.output, NULL},
        {"--workers", "N", "worker processes ([run] workers; default: cores)", NULL, &o.workers,
         NULL},
        {"--in-flight", "N",
         "architectures at once in a worker ([run] in_flight; default: 1, GPU: 2)", NULL,
         &o.in_flight, NULL},
        {"--shard", "I/N",
         "every N-th seed from the I-th on, in OUTPUT/shard-I-of-N (auto: by Slurm job array)",
         NULL, &o.shard, NULL},
        {"--resume", NULL, "go on with the search in the folder", &o.resume, NULL, NULL},
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
    code = cli_progress(c, o.progress, &o.every);
    return code ? code : execute(path, &o);
}
