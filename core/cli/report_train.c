/* report_train.c -- figures of trainings (report_parts.h).
 * Room: core/cli. */
#include "cli/report_parts.h"

#include "run/stored.h"
#include "train/log.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- trainings ---------------------------------------------------------------------------- */

struct training {
    const char *name, *on; /* the images that it was measured on: "test", or "train" */
    double *epoch, *lr, *loss, *test_loss, *top1, *test_top1;
    size_t n;
};

static int is_seed(const struct dirent *d)
{
    return stored_is_seed(d->d_name);
}

size_t report_training_folders(const char *path, struct arena *a, const char **out, size_t most)
{
    struct dirent **list;
    size_t count = 0;
    int n;

    if (stored_has(path, "train.csv")) {
        out[count++] = path;
        return count;
    }
    n = scandir(path, &list, is_seed, alphasort);
    for (int i = 0; i < n; i++) {
        const char *folder = arena_printf(a, "%s/%s", path, list[i]->d_name);

        if (count < most && stored_has(folder, "train.csv"))
            out[count++] = folder;
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    return count;
}

/* As the folder's config says; one that cannot be read says nothing else. */
static const char *measured_on(const char *folder)
{
    struct config *c = NULL;
    const char *forgotten, *on = "test";
    struct error none;

    if (stored_read(folder, NULL, 0, &c, &forgotten, &none) >= 0 &&
        !strcmp(config_text(c, "train", "", "test", "test"), "train"))
        on = "train";
    config_free(c);
    return on;
}

static tcet_status read_training(const char *folder, struct arena *a, struct training *t,
                                 struct error *err)
{
    struct train_line *line;
    size_t count;
    double *all;

    TRY(train_log_read(arena_printf(a, "%s/train.csv", folder), a, &line, &count, err));
    all = arena_alloc(a, (6 * count + 1) * sizeof *all);
    *t = (struct training){arena_strdup(a, folder),
                           measured_on(folder),
                           all,
                           all + count,
                           all + 2 * count,
                           all + 3 * count,
                           all + 4 * count,
                           all + 5 * count,
                           0};
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && line[i + 1].epoch == line[i].epoch)
            continue; /* of its lines the last is the epoch's */
        t->epoch[t->n] = (double)line[i].epoch;
        t->lr[t->n] = line[i].lr;
        t->loss[t->n] = line[i].loss;
        t->test_loss[t->n] = line[i].test_loss;
        t->top1[t->n] = line[i].top1;
        t->test_top1[t->n++] = line[i].test_top1;
    }
    return TCET_OK;
}

static const char *last_and_best(const struct training *t, struct arena *a)
{
    double last = NAN, best = NAN, at = NAN;

    for (size_t i = 0; i < t->n; i++) {
        double v = t->test_top1[i];

        if (isnan(v))
            continue;
        last = v;
        if (isnan(best) || v > best) {
            best = v;
            at = t->epoch[i];
        }
    }
    return isnan(last)
               ? "nothing was measured after an epoch"
               : arena_printf(a, "%s: last %.2f %%, best %.2f %% (epoch %.0f, selected on %s)",
                              t->on, last, best, at, t->on);
}

/* What a figure shows, as numbers: the epochs, and its lines. */
static void training_table(const struct chart_line *line, size_t lines, const char *what,
                           struct arena *a, struct figure *f)
{
    const char *heads[3] = {"epoch"}, **cell;

    for (size_t k = 0; k < lines; k++)
        heads[k + 1] = line[k].name ? arena_printf(a, "%s of %s", what, line[k].name) : what;
    cell = figure_cells(f, a, line->n + 1, heads, lines + 1);
    for (size_t i = 0; i < line->n; i++) {
        *cell++ = arena_printf(a, "%.0f", line->x[i]);
        for (size_t k = 0; k < lines; k++)
            *cell++ = isnan(line[k].y[i]) ? "-" : arena_printf(a, "%.6g", line[k].y[i]);
    }
}

static struct chart_line line_of(const struct training *t, const double *y, const char *name,
                                 int category, int dashed)
{
    return (struct chart_line){
        .name = name, .x = t->epoch, .y = y, .n = t->n, .category = category, .dashed = dashed};
}

static void draw_training(const struct training *t, struct figures *out)
{
    struct arena *a = &out->arena;
    /* while it trained, changed as they were; and after each epoch */
    const char *during = "training steps", *after = arena_printf(a, "%s images", t->on);
    struct chart_line loss[] = {line_of(t, t->loss, during, 0, 1),
                                line_of(t, t->test_loss, after, 1, 0)};
    struct chart_line top[] = {line_of(t, t->top1, during, 0, 1),
                               line_of(t, t->test_top1, after, 1, 0)};
    struct chart_line lr[] = {line_of(t, t->lr, NULL, 2, 0)};
    const struct {
        const char *kind, *title, *y_name, *note, *desc;
        const struct chart_line *line;
        size_t lines;
    } figure[] = {
        {"train-top1", "Top-1 accuracy: %s", "top-1, %", last_and_best(t, a),
         "Accuracy in training and on the images measured, by epoch.", top, 2},
        {"train-loss", "Loss: %s", "loss", NULL,
         "Loss in training and on the images measured, by epoch.", loss, 2},
        {"train-lr", "Learning rate: %s", "learning rate", NULL, "Learning rate by epoch.", lr, 1},
    };

    for (size_t i = 0; i < TCET_COUNT(figure); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        struct figure *f =
            figures_add(out, figure[i].kind, t->name, arena_printf(a, figure[i].title, t->name));
#pragma GCC diagnostic pop

        training_table(figure[i].line, figure[i].lines, figure[i].y_name, a, f);
        chart_draw(&(struct chart){.note = figure[i].note,
                                   .desc = figure[i].desc,
                                   .x_name = "epoch",
                                   .y_name = figure[i].y_name,
                                   .x_wish = SCALE_WHOLE,
                                   .lines = figure[i].line,
                                   .line_count = figure[i].lines},
                   out, f);
    }
}

tcet_status report_trainings(const char *const *paths, size_t count, struct figures *out,
                             struct error *err)
{
    const char *folder[10];

    out->heading = "Trainings";
    for (size_t i = 0; i < count; i++) {
        size_t n = report_training_folders(paths[i], &out->arena, folder, TCET_COUNT(folder));

        for (size_t k = 0; k < n; k++) {
            struct training t;

            TRY(read_training(folder[k], &out->arena, &t, err));
            draw_training(&t, out);
        }
    }
    out->heading = NULL;
    return TCET_OK;
}
