/* cmd_train.c -- `tcet-host train CONFIG`: trains one architecture and says how good it became.
 * Room: core/cli. */
#include "cli/cli.h"
#include "cli/progress.h"

#include "run/fit.h"

#include <math.h>
#include <stdio.h>

struct train_flags {
    struct option_list sets;
    const char *output, *arch;
    bool resume, quiet;
    int argc;
    char **argv;
};

/* -- saying it ---------------------------------------------------------------------------- */

struct show {
    struct progress progress;
    bool quiet;
    int64_t seeds, seed; /* how many there are, and the one that is shown */
};

/* Images of the epochs that an earlier command had trained. */
static int64_t images_before(const struct train_progress *p)
{
    return p->epochs ? p->total / p->epochs * p->began : 0;
}

static void show_progress(void *arg, int64_t seed, const struct train_progress *p)
{
    struct show *s = arg;
    int64_t before = images_before(p);
    char note[240], best[64] = "";
    int n = 0;

    if (s->seed != seed) {
        progress_end(&s->progress);
        s->progress = progress_begin(s->quiet, PROGRESS_EVERY);
        s->seed = seed;
    }
    if (s->seeds > 1)
        n = snprintf(note, sizeof note, "seed %lld, ", (long long)seed);
    if (p->best_epoch)
        snprintf(best, sizeof best, ", measured top-1 %.2f %%, best %.2f %%", p->test_top1,
                 p->best);
    snprintf(note + n, sizeof note - (size_t)n,
             "loss %.4g, %.1f %%, epoch %lld/%lld, step %lld/%lld, lr %.3g%s", p->loss, p->top1,
             (long long)p->epoch, (long long)p->epochs, (long long)p->step, (long long)p->steps,
             p->lr, best);
    if (p->done > before)
        progress_show(&s->progress, (size_t)(p->done - before), (size_t)(p->total - before),
                      (double)(p->done - before) / p->rate, "images", note);
}

void cli_put_top5(const struct train_progress *p, struct buf *out)
{
    enum { OF_FIVE = 5 };

    if (p->classes > OF_FIVE)
        buf_printf(out, ", top-5 %.2f %%", p->test_top5);
}

/* on: the images it was measured on, "test" or "train". */
static void say_one(const struct fit_one *o, const char *on, struct buf *out)
{
    const struct train_progress *p = &o->p;

    buf_printf(out, "seed %lld: ", (long long)o->seed);
    if (isnan(p->test_top1)) {
        buf_printf(out, "%lld epochs, not measured\n", (long long)p->epoch);
        return;
    }
    buf_printf(out, "last (epoch %lld) %s top-1 %.2f %%", (long long)p->epoch, on, p->test_top1);
    cli_put_top5(p, out);
    buf_printf(out, ", loss %.4f; best: selected on %s (epoch %lld) top-1 %.2f %%\n", p->test_loss,
               on, (long long)p->best_epoch, p->best);
}

/* Mean and deviation over the seeds. */
static void say_all(const struct fit_result *r, const char *on, struct buf *out)
{
    double sum[2] = {0}, squares[2] = {0}, n = (double)r->count, mean[2], std[2];

    for (size_t i = 0; i < r->count; i++) {
        const double v[2] = {r->one[i].p.test_top1, r->one[i].p.best};

        for (int k = 0; k < 2; k++) {
            sum[k] += v[k];
            squares[k] += v[k] * v[k];
        }
    }
    for (int k = 0; k < 2; k++) {
        mean[k] = sum[k] / n;
        std[k] = sqrt(fmax(0, (squares[k] - n * mean[k] * mean[k]) / (n - 1)));
    }
    if (!isnan(mean[0]))
        buf_printf(out,
                   "%zu seeds: last %s top-1 %.2f %% (std %.2f), best: selected on %s %.2f %% (std "
                   "%.2f)\n",
                   r->count, on, mean[0], std[0], on, mean[1], std[1]);
}

static void conclude(const struct train_settings *s, const struct fit_result *r)
{
    const struct train_progress *p = &r->one[0].p;
    const char *on = s->test == TEST_TRAIN ? "train" : "test";
    struct buf out = {0};
    int64_t now = 0;
    double seconds = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct train_progress *one = &r->one[i].p;
        int64_t images = one->done - images_before(one);

        now += images;
        seconds += images ? (double)images / one->rate : 0;
    }
    buf_printf(&out, "trained %s\n", s->arch->value);
    buf_printf(&out, "%lld parameters, %lld training images", (long long)p->params,
               (long long)p->train_images);
    if (p->test_images)
        buf_printf(&out, ", %lld test images", (long long)p->test_images);
    if (now)
        buf_printf(&out, ", %.4g images a second, %.1f s in all", (double)now / seconds,
                   r->seconds);
    else
        buf_puts(&out, "; all of it was done before");
    buf_puts(&out, "\n");
    for (size_t i = 0; i < r->count; i++)
        say_one(&r->one[i], on, &out);
    if (r->count > 1)
        say_all(r, on, &out);
    buf_printf(&out, "results in %s\n", r->folder);
    cli_write_text(&out);
    buf_free(&out);
}

/* -- the whole ---------------------------------------------------------------------------- */

static tcet_status prepare(const char *path, const struct train_flags *o, struct arena *a,
                           struct config **config, struct train_settings *settings,
                           struct error *err)
{
    struct table *none = NULL;

    TRY(cli_config(path, &o->sets, config, err));
    TRY(cli_put_output(*config, o->output, err));
    if (o->arch)
        config_put(*config, "train", "", "arch", o->arch, "command line", cli_here(), 0);
    TRY(run_check(*config, &none, err));
    table_free(none);
    TRY(train_settings_read(*config, settings, err));
    TRY(cli_best_arch(*config, a, err));
    return train_settings_read(*config, settings, err);
}

static int execute(const char *path, const struct train_flags *o)
{
    struct show show = {
        .progress = progress_begin(o->quiet, PROGRESS_EVERY), .quiet = o->quiet, .seed = -1};
    struct fit_options fo = {
        .resume = o->resume, .progress = show_progress, .log = cli_log, .arg = &show};
    static const char *const again[] = {"--resume", NULL};
    struct train_settings settings;
    struct config *config = NULL;
    struct arena a = {0};
    struct fit_result r;
    struct error err;
    int code = 0;

    fo.stop = cli_interrupts();
    if (prepare(path, o, &a, &config, &settings, &err) < 0) {
        code = cli_fail(&err);
    } else {
        show.seeds = settings.last_seed - settings.first_seed + 1;
        if (fit_run(config, &settings, settings.arch->value, &fo, &r, &err) < 0) {
            progress_end(&show.progress);
            code = cli_fail(&err);
        } else {
            progress_end(&show.progress);
            if (r.stopped) {
                fprintf(stderr, "tcet-host: interrupted; what was saved is in %s\n", r.folder);
                cli_say_again("to go on", o->argc, o->argv, again);
                code = EXIT_INTERRUPTED;
            } else if (!o->quiet) {
                conclude(&settings, &r);
            }
            fit_result_free(&r);
        }
    }
    config_free(config);
    arena_free(&a);
    return code;
}

int cmd_train(const struct command *c, int argc, char **argv)
{
    struct train_flags o = {.argc = argc, .argv = argv};
    const struct option_spec specs[] = {
        {"--set", "A.B=VALUE", "override a key of the config (repeatable)", NULL, NULL, &o.sets},
        {"--arch", "A", "train this one, or best:FOLDER of a search or run ([train] arch)", NULL,
         &o.arch, NULL},
        {"--output", "FOLDER", "where the results go ([run] output)", NULL, &o.output, NULL},
        {"--resume", NULL, "go on with the training in the folder", &o.resume, NULL, NULL},
        {"--quiet", NULL, "no progress, no summary", &o.quiet, NULL, NULL},
    };
    const char *path;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), &path, 1, 1, &count);

    return code >= 0 ? code : execute(path, &o);
}
