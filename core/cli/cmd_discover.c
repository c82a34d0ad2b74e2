/* cmd_discover.c -- `tcet-host discover`: which combination of a run's metrics ranks best, chosen on some
 * networks and measured on others.  Runs no network.  Room: core/cli. */
#include "cli/discover_parts.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct discover_flags {
    struct source_options from;
    struct option_list tests;
    const char *metrics, *forms, *most, *weights, *share, *seed, *screen, *keep, *format, *also,
        *near;
    bool quiet;
};

static tcet_status number(const char *option, const char *given, size_t low, size_t high,
                          size_t *out, struct error *err)
{
    uint64_t v;

    if (!given)
        return TCET_OK;
    if (text_to_u64(given, &v) < 0 || v < low || v > high)
        return error_set(err, TCET_E_ARG, "%s \"%s\" is no whole number from %zu to %zu", option,
                         given, low, high);
    *out = (size_t)v;
    return TCET_OK;
}

static tcet_status read_forms(const char *given, uint32_t *out, struct error *err)
{
    struct arena a = {0};
    const char *const *part;
    size_t n = given ? text_split(&a, given, ',', &part) : 0;

    *out = given ? 0 : (1u << DISCOVER_FORMS) - 1;
    for (size_t i = 0; i < n; i++) {
        int form = 0;

        if (cli_choose("--forms", part[i], DISCOVER_FORM, &form, err) < 0) {
            arena_free(&a);
            return err->status;
        }
        *out |= 1u << form;
    }
    arena_free(&a);
    return TCET_OK;
}

static tcet_status read_weights(const char *given, struct discover_options *o, struct error *err)
{
    struct arena a = {0};
    const char *const *part;
    size_t n = text_split(&a, given ? given : "0.5,1,2", ',', &part);
    tcet_status st = TCET_OK;

    if (n > DISCOVER_POWERS)
        st = error_set(err, TCET_E_ARG, "--weights: at most %d numbers", DISCOVER_POWERS);
    for (size_t i = 0; i < n && st >= 0; i++) {
        if (text_to_f64(part[i], &o->weight[i]) < 0 || !(o->weight[i] > 0) ||
            !isfinite(o->weight[i]))
            st = error_set(err, TCET_E_ARG, "--weights: \"%s\" is no number above 0", part[i]);
    }
    o->weight_count = n;
    arena_free(&a);
    return st;
}

static tcet_status settings(const struct discover_flags *f, struct discover_options *o,
                            struct discover_split *split, enum report_format *format,
                            struct error *err)
{
    static const char *const formats[] = {"text", "csv", "markdown", "json", "latex", NULL};
    int chosen = REPORT_TEXT;
    size_t seed = 0;

    *o = (struct discover_options){.most = 3, .screen = 1000, .keep = 10};
    *split = (struct discover_split){.share = 0.5};
    TRY(read_forms(f->forms, &o->forms, err));
    TRY(read_weights(f->weights, o, err));
    TRY(number("--most", f->most, 1, DISCOVER_METRICS, &o->most, err));
    TRY(number("--screen", f->screen, 0, 100000000, &o->screen, err));
    TRY(number("--keep", f->keep, 1, 1000, &o->keep, err));
    TRY(number("--seed", f->seed, 0, SIZE_MAX / 2, &seed, err));
    TRY(cli_choose("--format", f->format, formats, &chosen, err));
    if (f->share &&
        (text_to_f64(f->share, &split->share) < 0 || !(split->share > 0 && split->share <= 1)))
        return error_set(err, TCET_E_ARG, "--share \"%s\" is no number above 0 and up to 1",
                         f->share);
    split->seed = seed;
    *format = (enum report_format)chosen;
    if (split->share == 1 && !f->tests.count)
        return error_set(err, TCET_E_ARG,
                         "--share 1 chooses on all networks and leaves none to measure on: give "
                         "another run by --test");
    return TCET_OK;
}

struct shown {
    struct progress bar;
    double begin;
};

static void show_progress(void *arg, size_t done, size_t total)
{
    struct shown *s = arg;

    progress_show(&s->bar, done, total, clock_now() - s->begin, "combinations", "");
}

/* The search, and its figures on what it did not choose by. */
static tcet_status choose(const struct discover_flags *f, struct discover_options *o,
                          struct discover_samples *s, struct discover_result *r, struct error *err)
{
    enum { NEAR_AMONG = 2000 }; /* the best that are asked whether the first is better */
    struct shown shown = {progress_begin(f->quiet, PROGRESS_EVERY), clock_now()};
    size_t wanted = o->keep;
    tcet_status st;

    if (s->near && o->keep < NEAR_AMONG)
        o->keep = NEAR_AMONG;
    o->progress = show_progress;
    o->arg = &shown;
    o->stop = cli_interrupts();
    st = discover_best(&s->choosing, o, &r->arena, &r->best, &r->count, &r->tried, err);
    progress_end(&shown.bar);
    r->seconds = clock_now() - shown.begin;
    TRY(st);
    if (!r->tried)
        return error_set(
            err, TCET_E_ARG,
            "these metrics make no combination: --forms layerdot wants two with values by "
            "layer, which a table of scores has not, single one");
    if (!r->count)
        return error_set(err, TCET_E_ARG,
                         "no combination has a Kendall tau: all scores or accuracies are equal");
    if (s->near) {
        r->looked = r->count;
        TRY(discover_nearest(&s->choosing, s->near, cli_interrupts(), r->best, &r->count, err));
        r->within = r->count;
        r->count = r->count < wanted ? r->count : wanted;
    }
    discover_measure(s, r);
    return TCET_OK;
}

static tcet_status discover(const struct discover_flags *f, const char *path, struct error *err)
{
    struct discover_options o;
    struct discover_split split;
    struct discover_samples samples = {.sample_count = 0};
    struct discover_result r = {.count = 0};
    enum report_format format = REPORT_TEXT;
    struct buf out = {0};
    tcet_status st;

    TRY(settings(f, &o, &split, &format, err));
    st = discover_read(&f->from, path, f->also, &f->tests, f->metrics, f->near, &split, &samples,
                       err);
    if (st >= 0)
        st = choose(f, &o, &samples, &r, err);
    if (st >= 0) {
        discover_print(&samples, &r, format, &out);
        cli_write(&out);
    }
    buf_free(&out);
    arena_free(&r.arena);
    discover_free(&samples);
    return st;
}

int cmd_discover(const struct command *c, int argc, char **argv)
{
    struct discover_flags f = {.metrics = NULL};
    const struct option_spec specs[] = {
        {"--column", "A,B,...",
         "accuracies to choose by, their mean tau (default: the run's [benchmark])", NULL,
         &f.from.column, NULL},
        {"--also", "A,B,...", "further accuracies of the table, looked at when all is chosen", NULL,
         &f.also, NULL},
        {"--table", "TABLE", "shipped table's name, or a file (default: the run's)", NULL,
         &f.from.table, NULL},
        {"--test", "FOLDER",
         "another run (or table) with the same metrics, to measure on: its own table and column "
         "(repeatable)",
         NULL, NULL, &f.tests},
        {"--share", "X", "share of the networks that the choice is made on (0.5)", NULL, &f.share,
         NULL},
        {"--seed", "N", "which networks these are (0)", NULL, &f.seed, NULL},
        {"--metrics", "A,B,...", "only these metrics (default: all of the run)", NULL, &f.metrics,
         NULL},
        {"--forms", "F,G,...", "single, layerdot, logsum, logrank, rankave (default: all)", NULL,
         &f.forms, NULL},
        {"--most", "N", "metrics in a combination, up to 4 (3)", NULL, &f.most, NULL},
        {"--weights", "X,Y,...", "powers that logsum tries for each metric (0.5,1,2)", NULL,
         &f.weights, NULL},
        {"--screen", "N", "networks of the choice on which all are tried first; 0: all (1000)",
         NULL, &f.screen, NULL},
        {"--keep", "N", "combinations that are shown (10)", NULL, &f.keep, NULL},
        {"--near", "NAME",
         "of those that the first is not better than by the 95 % interval of the difference, "
         "the one that agrees most with this column, say tcet_snip",
         NULL, &f.near, NULL},
        {"--population", "WHICH", "all, or live (no dead edge)", NULL, &f.from.population, NULL},
        {"--space", "NAME", "of a table of scores", NULL, &f.from.space, NULL},
        {"--key", "NAME", "the table's column of architectures", NULL, &f.from.key, NULL},
        {"--duplicates", "RULE", "rows of one architecture: error, mean, first, auto", NULL,
         &f.from.duplicates, NULL},
        {"--plugins", "DIR", "plugins of DIR may be opened (repeatable)", NULL, NULL,
         &f.from.plugins},
        {"--format", "F", "text, csv, markdown, json, latex (booktabs)", NULL, &f.format, NULL},
        {"--quiet", NULL, "no progress", &f.quiet, NULL, NULL},
    };
    const char *path[1];
    struct error err = {.status = TCET_OK};
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), path, 1, 1, &count);

    if (code >= 0)
        return code;
    mem_reuse();
    return discover(&f, path[0], &err) < 0 ? cli_fail(&err) : 0;
}
