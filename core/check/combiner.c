/* combiner.c -- metrics of one architecture or of many, by the scope that a combiner states.
 *
 * Room: core/check.  Stands on core/plugin. */
#include <math.h>
#include <string.h>
#include <tcet/combiner.h>

#include "check/internal.h"

enum { UNTOUCHED = 0x5a, METRICS_MAX = 16 };

static const char *const names[METRICS_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h",
                                               "i", "j", "k", "l", "m", "n", "o", "p"};

/* As few metrics as it takes, but two where it may. */
static int64_t metric_count(const tcet_combiner_ops *ops)
{
    int64_t n = ops->min_metrics ? ops->min_metrics : 2;

    if (n < 2 && (!ops->max_metrics || ops->max_metrics >= 2))
        n = 2;
    return n < METRICS_MAX ? n : METRICS_MAX;
}

static double *place(struct probe *p, int64_t n)
{
    double *out = memory_new(p, "the result", (size_t)n * sizeof *out, 0);

    memset(out, UNTOUCHED, (size_t)n * sizeof *out);
    return out;
}

static tcet_status take(tcet_status st, const double *values, int64_t n, const char *call,
                        struct buf *out, struct error *err)
{
    if (st < 0) {
        TRY(untouched(values, (size_t)n * sizeof *values, UNTOUCHED, call, err));
        return st;
    }
    TRY(memory_intact(err));
    buf_add(out, values, (size_t)n * sizeof *values);
    return TCET_OK;
}

/* Metric k with its layers. */
static void make_metric(struct probe *p, int64_t k, int64_t layers, enum scenario s,
                        tcet_metric *out)
{
    int32_t *module = memory_new(p, "the modules", (size_t)layers * sizeof *module, 1);
    int32_t *order = memory_new(p, "the orders", (size_t)layers * sizeof *order, 1);
    const char **layer = memory_new(p, "the layers' names", (size_t)layers * sizeof *layer, 1);
    tcet_view values =
        view_input(p, "the layers' numbers", TCET_F64, &layers, 1, s, 41 + (uint64_t)k);

    for (int64_t i = 0; i < layers; i++) {
        module[i] = (int32_t)(3 * i + 1);
        order[i] = (int32_t)(layers - 1 - i);
        layer[i] = "cells.0.op";
    }
    *out = (tcet_metric){.struct_size = sizeof *out,
                         .direction = 1,
                         .name = names[k],
                         .value = sample(s, 40, k + 3),
                         .layers = layers,
                         .module = module,
                         .order = order,
                         .layer = layer,
                         .values = tcet_f64(&values),
                         .activation = k == 1};
}

static tcet_status score(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                         struct error *err)
{
    int64_t count = metric_count(OPS(tcet_combiner_ops, i));
    int64_t layers = s == UNUSED ? 0 : s == ONE_ELEMENT ? 1 : s == LARGE ? 2000 : 7;
    tcet_metric *metrics = memory_new(p, "the metrics", (size_t)count * sizeof *metrics, 1);
    const tcet_metric **list = memory_new(p, "the metrics", (size_t)count * sizeof *list, 1);
    double *value = place(p, 1);

    for (int64_t k = 0; k < count; k++) {
        make_metric(p, k, layers, s, &metrics[k]);
        list[k] = &metrics[k];
    }
    memory_seal(p);
    probe_stage("score() of %lld metrics with %lld layers", (long long)count, (long long)layers);
    return take(
        probe_end(i, combiner_score(probe_enter(p, i), list, (size_t)count, value, err), err),
        value, 1, "score()", out, err);
}

static tcet_status elements(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                            struct error *err)
{
    int64_t count = metric_count(OPS(tcet_combiner_ops, i)), size[2] = {4, 54};
    tcet_view *views = memory_new(p, "the matrices", (size_t)count * sizeof *views, 1);
    const tcet_view **list = memory_new(p, "the matrices", (size_t)count * sizeof *list, 1);
    tcet_view result, given;
    tcet_status st;

    if (s == ONE_ELEMENT)
        size[0] = size[1] = 1;
    if (s == LARGE)
        size[1] = 50000;
    if (s == UNUSED)
        size[1] = 0;
    for (int64_t k = 0; k < count; k++) {
        views[k] = view_input(p, "S^l", TCET_F64, size, 2, s, 51 + (uint64_t)k);
        list[k] = &views[k];
    }
    result = view_of(p, NULL, TCET_F64, size, 2);
    result.data = memory_new(p, "the result", (size_t)result.count * sizeof(double), 0);
    given = result;
    memory_seal(p);
    probe_stage("elements() of %lld matrices, %lld x %lld", (long long)count, (long long)size[0],
                (long long)size[1]);
    st = probe_end(i, combiner_elements(probe_enter(p, i), list, (size_t)count, &given, err), err);
    if (st < 0) {
        TRY(untouched(result.data, (size_t)result.count * sizeof(double), 0, "elements()", err));
        return st;
    }
    TRY(view_same(&result, &given, "elements()", err));
    TRY(memory_intact(err));
    buf_add(out, result.data, (size_t)result.count * sizeof(double));
    return TCET_OK;
}

/* Numbers of many architectures: some equal, some missing. */
static tcet_status rank(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                        struct error *err)
{
    int64_t count = metric_count(OPS(tcet_combiner_ops, i));
    int64_t archs = s == ONE_ELEMENT ? 1 : s == LARGE ? 3000 : 20;
    tcet_column *columns = memory_new(p, "the columns", (size_t)count * sizeof *columns, 1);
    const tcet_column **list = memory_new(p, "the columns", (size_t)count * sizeof *list, 1);
    double *values = place(p, archs);

    for (int64_t k = 0; k < count; k++) {
        tcet_view v = view_input(p, "a column", TCET_F64, &archs, 1, s, 61 + (uint64_t)k);

        for (int64_t a = 0; a < archs; a++) {
            if (s == UNUSED || a % 7 == 6)
                tcet_f64(&v)[a] = NAN;
            else if (a % 5 == 4)
                tcet_f64(&v)[a] = tcet_f64(&v)[a - 1];
        }
        columns[k] = (tcet_column){.struct_size = sizeof *columns,
                                   .direction = k % 2 ? -1 : 1,
                                   .name = names[k],
                                   .count = archs,
                                   .values = tcet_f64(&v)};
        list[k] = &columns[k];
    }
    memory_seal(p);
    probe_stage("rank() of %lld architectures", (long long)archs);
    return take(
        probe_end(i, combiner_rank(probe_enter(p, i), list, (size_t)count, values, err), err),
        values, archs, "rank()", out, err);
}

tcet_status combiner_exercise(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                              struct error *err)
{
    memory_reset();
    arena_reset(&p->inputs);
    switch (OPS(tcet_combiner_ops, i)->scope) {
    case TCET_SCOPE_PARAMETER: return elements(p, i, s, out, err);
    case TCET_SCOPE_POPULATION: return rank(p, i, s, out, err);
    default: return score(p, i, s, out, err);
    }
}
