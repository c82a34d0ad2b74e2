/* aggregator.c -- matrices of every form that an aggregator takes.
 *
 * Room: core/check.  Stands on core/plugin. */
#include <math.h>
#include <string.h>
#include <tcet/aggregator.h>
#include <tcet/saliency.h>

#include "check/internal.h"

enum { UNTOUCHED = 0x5a };

/* A form, and the extents of its matrices in scenarios of usual and of large size. */
static const struct form {
    uint32_t form;
    int64_t rows, cols, large_rows, large_cols;
} forms[] = {
    {TCET_FORM_VECTOR, 1, 54, 1, 500000}, {TCET_FORM_ROWS, 4, 54, 32, 10000},
    {TCET_FORM_KERNEL, 6, 6, 128, 128},   {TCET_FORM_SCALAR, 1, 1, 1, 1},
    {TCET_FORM_CUSTOM, 3, 5, 64, 2000},
};

/* A kernel is what it is called: X X^T of 3 columns more than rows. */
static void make_kernel(double *out, int64_t n, enum scenario s)
{
    int64_t m = n + 3;

    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            for (int64_t k = 0; k < m; k++)
                out[i * n + j] += sample(s, 31, i * m + k) * sample(s, 31, j * m + k);
        }
    }
}

/* One number out of a call that is about to be made: a place that shows whether it was used. */
static double *place(struct probe *p)
{
    double *out = memory_new(p, "the result", sizeof *out, 0);

    memset(out, UNTOUCHED, sizeof *out);
    memory_seal(p);
    return out;
}

static tcet_status take(tcet_status st, const double *value, const char *call, struct buf *out,
                        struct error *err)
{
    if (st < 0) {
        TRY(untouched(value, sizeof *value, UNTOUCHED, call, err));
        return st;
    }
    TRY(memory_intact(err));
    buf_add(out, value, sizeof *value);
    return TCET_OK;
}

static tcet_status reduce(struct probe *p, struct instance *i, const struct form *f,
                          const int64_t size[2], enum scenario s, int nan, struct buf *out,
                          struct error *err)
{
    tcet_view m, given;
    double *value;

    memory_reset();
    arena_reset(&p->inputs);
    m = view_of(p, NULL, TCET_F64, size, 2);
    m.data = memory_new(p, "S^l", (size_t)m.count * sizeof(double), 1);
    if (f->form == TCET_FORM_KERNEL && !nan)
        make_kernel(m.data, size[0], s);
    else
        for (int64_t k = 0; k < m.count; k++)
            tcet_f64(&m)[k] = nan ? NAN : sample(s, 32, k);
    value = place(p);
    given = m;
    probe_stage("reduce() of a %lld x %lld matrix", (long long)size[0], (long long)size[1]);
    TRY(take(probe_end(i, aggregator_reduce(probe_enter(p, i), &given, value, err), err), value,
             "reduce()", out, err));
    return view_same(&m, &given, "reduce()", err);
}

static tcet_status finish(struct probe *p, struct instance *i, int64_t n, enum scenario s,
                          struct buf *out, struct error *err)
{
    tcet_view v;
    double *value;

    if (!OPS(tcet_aggregator_ops, i)->finish)
        return TCET_OK;
    memory_reset();
    arena_reset(&p->inputs);
    v = view_input(p, "the layers' numbers", TCET_F64, &n, 1, s, 33);
    value = place(p);
    probe_stage("finish() of %lld layers", (long long)n);
    return take(probe_end(i,
                          aggregator_finish(probe_enter(p, i), tcet_f64(&v), (size_t)n, value, err),
                          err),
                value, "finish()", out, err);
}

static int takes(struct instance *i, uint32_t form)
{
    uint32_t mask = OPS(tcet_aggregator_ops, i)->forms;

    return !mask || (mask & TCET_FORM_BIT(form));
}

tcet_status aggregator_exercise(struct probe *p, struct instance *i, enum scenario s,
                                struct buf *out, struct error *err)
{
    int64_t layers = s == UNUSED ? 0 : s == ONE_ELEMENT ? 1 : s == LARGE ? 1000 : 7;

    for (size_t k = 0; k < TCET_COUNT(forms); k++) {
        const struct form *f = &forms[k];
        int64_t size[2] = {f->rows, f->cols};

        if (!takes(i, f->form))
            continue;
        if (s == ONE_ELEMENT)
            size[0] = size[1] = 1;
        if (s == LARGE) {
            size[0] = f->large_rows;
            size[1] = f->large_cols;
        }
        if (s == UNUSED) {
            size[0] *= f->form != TCET_FORM_KERNEL;
            size[1] = 0;
        }
        if (reduce(p, i, f, size, s, 0, out, err) < 0 &&
            (f->form != TCET_FORM_CUSTOM || probe_misbehaved(err))) /* of custom sizes, some */
            return err->status;
    }
    return finish(p, i, layers, s, out, err);
}

tcet_status calls_nan(struct probe *p, struct error *err)
{
    struct instance *i;

    TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
    for (size_t k = 0; k < TCET_COUNT(forms); k++) {
        int64_t size[2] = {forms[k].rows, forms[k].cols};
        struct buf out = {0};
        double value = NAN;
        tcet_status st;

        if (!takes(i, forms[k].form) || size[0] * size[1] == 1)
            continue; /* one element has no spread, NaN or not */
        memset(&p->guards, 0, sizeof p->guards);
        st = reduce(p, i, &forms[k], size, ORDINARY, 1, &out, err);
        if (st < 0 && probe_misbehaved(err))
            return st;
        if (st >= 0)
            memcpy(&value, out.data, sizeof value);
        buf_free(&out);
        if (isfinite(value) && !p->guards.count)
            return probe_note(p, CHECK_WARN,
                              "a %lld x %lld matrix of NaN gives %g, and nobody is told",
                              (long long)size[0], (long long)size[1], value);
    }
    instance_free(i);
    return TCET_OK;
}
