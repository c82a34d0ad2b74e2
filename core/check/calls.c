/* calls.c -- rules that hold for the calls of every kind, whatever a kind's calls are; and the
 * numbers and views they are given.
 *
 * Room: core/check.  Stands on core/plugin. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check/internal.h"
#include "num/rng.h"

exercise *exercise_of(tcet_kind kind)
{
    switch (kind) {
    case TCET_SALIENCY: return saliency_exercise;
    case TCET_AGGREGATOR: return aggregator_exercise;
    case TCET_COMBINER: return combiner_exercise;
    case TCET_SPACE: return space_exercise;
    case TCET_DATASET: return dataset_exercise;
    case TCET_STRATEGY: return strategy_exercise;
    default: return NULL;
    }
}

/* -- inputs ------------------------------------------------------------------------------ */

double sample(enum scenario s, uint64_t seed, int64_t i)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)i;
    double u = (double)(rng_mix(&state) >> 11) * 0x1p-53;

    if (s == ZEROS)
        return 0;
    if (s == NONFINITE && i % 5 < 3)
        return i % 5 == 0 ? NAN : i % 5 == 1 ? INFINITY : -INFINITY;
    return 2 * u - 1;
}

static size_t element_size(uint8_t dtype)
{
    return dtype == TCET_F32 ? 4 : dtype == TCET_U8 ? 1 : 8;
}

tcet_view view_of(struct probe *p, void *data, uint8_t dtype, const int64_t *shape, int32_t ndim)
{
    int64_t *extents = arena_alloc(&p->inputs, 2 * (size_t)(ndim + 1) * sizeof *extents);
    tcet_view v = {.data = data,
                   .shape = extents,
                   .stride = extents + ndim,
                   .count = 1,
                   .ndim = ndim,
                   .dtype = dtype};

    for (int32_t k = ndim - 1; k >= 0; k--) {
        extents[k] = shape[k];
        extents[ndim + k] = v.count;
        v.count *= shape[k];
    }
    return v;
}

tcet_view view_input(struct probe *p, const char *what, uint8_t dtype, const int64_t *shape,
                     int32_t ndim, enum scenario s, uint64_t seed)
{
    tcet_view v = view_of(p, NULL, dtype, shape, ndim);

    v.data = memory_new(p, what, (size_t)v.count * element_size(dtype), 1);
    for (int64_t i = 0; i < v.count; i++) {
        if (dtype == TCET_F32)
            ((float *)v.data)[i] = (float)sample(s, seed, i);
        else
            ((double *)v.data)[i] = sample(s, seed, i);
    }
    return v;
}

tcet_status view_same(const tcet_view *before, const tcet_view *after, const char *call,
                      struct error *err)
{
    int same = before->data == after->data && before->shape == after->shape &&
               before->stride == after->stride && before->count == after->count &&
               before->ndim == after->ndim && before->dtype == after->dtype;

    for (int32_t k = 0; same && k < before->ndim; k++)
        same = before->shape[k] == after->shape[k];
    if (same)
        return TCET_OK;
    return error_set(err, TCET_E_PLUGIN,
                     "%s changed the description of the view it was given (\"not to be resized\")",
                     call);
}

tcet_status untouched(const void *data, size_t bytes, int byte, const char *call, struct error *err)
{
    const unsigned char *c = data;
    char why[400];

    for (size_t i = 0; i < bytes; i++) {
        if (c[i] == byte)
            continue;
        snprintf(why, sizeof why, "%.399s", err->text);
        return error_set(err, TCET_E_PLUGIN,
                         "%s failed (%s) after it had written to its output; outputs of a failed "
                         "call are untouched",
                         call, why);
    }
    return TCET_OK;
}

/* -- rules ------------------------------------------------------------------------------- */

/* One instance through one scenario. */
static tcet_status one_run(struct probe *p, enum scenario s, struct buf *out, struct error *err)
{
    struct instance *i;
    tcet_status st;

    memset(&p->guards, 0, sizeof p->guards);
    TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
    st = exercise_of(p->plugin->desc.kind)(p, i, s, out, err);
    instance_free(i);
    return st;
}

/* For inputs on which a plugin may fail, so long as it says why. */
static tcet_status may_refuse(struct probe *p, enum scenario s, struct error *err)
{
    struct buf out = {0};
    tcet_status st;

    p->guarding = GUARD_ENDS | GUARD_INPUTS;
    st = one_run(p, s, &out, err);
    buf_free(&out);
    return st < 0 && probe_misbehaved(err) ? st : TCET_OK;
}

tcet_status calls_ordinary(struct probe *p, struct error *err)
{
    struct buf out = {0};
    tcet_status st = one_run(p, ORDINARY, &out, err);

    buf_free(&out);
    if (st < 0 && p->plugin->desc.kind == TCET_DATASET && !probe_misbehaved(err))
        return probe_note(p, CHECK_SKIP, "%s (--set KEY=VALUE gives its parameters)", err->text);
    return st;
}

tcet_status calls_ends(struct probe *p, struct error *err)
{
    struct buf out = {0};
    tcet_status st;

    p->guarding = GUARD_ENDS;
    st = one_run(p, ORDINARY, &out, err);
    buf_free(&out);
    return st;
}

tcet_status calls_inputs(struct probe *p, struct error *err)
{
    struct buf out = {0};
    tcet_status st;

    p->guarding = GUARD_INPUTS;
    st = one_run(p, ORDINARY, &out, err);
    buf_free(&out);
    return st;
}

tcet_status calls_finite(struct probe *p, struct error *err)
{
    struct buf out = {0};
    size_t bad = 0, n;
    double v;

    TRY(one_run(p, ORDINARY, &out, err));
    n = out.len / sizeof v;
    for (size_t i = 0; i < n; i++) {
        memcpy(&v, out.data + i * sizeof v, sizeof v);
        bad += !isfinite(v);
    }
    buf_free(&out);
    if (bad && !p->guards.count)
        return probe_note(p, CHECK_WARN,
                          "%zu of %zu numbers are not finite, and no guard was counted", bad, n);
    return TCET_OK;
}

tcet_status calls_one_element(struct probe *p, struct error *err)
{
    return may_refuse(p, ONE_ELEMENT, err);
}

tcet_status calls_large(struct probe *p, struct error *err)
{
    return may_refuse(p, LARGE, err);
}

tcet_status calls_zeros(struct probe *p, struct error *err)
{
    return may_refuse(p, ZEROS, err);
}

tcet_status calls_nonfinite(struct probe *p, struct error *err)
{
    return may_refuse(p, NONFINITE, err);
}

tcet_status calls_unused(struct probe *p, struct error *err)
{
    return may_refuse(p, UNUSED, err);
}

/* Runs ORDINARY and compares with what was given before. */
static tcet_status compare(struct probe *p, struct instance *i, const struct buf *first,
                           const char *when, struct error *err)
{
    struct buf again = {0};
    size_t at = 0;

    TRY(exercise_of(p->plugin->desc.kind)(p, i, ORDINARY, &again, err));
    while (at < first->len && at < again.len && first->data[at] == again.data[at])
        at++;
    if (at == first->len && at == again.len) {
        buf_free(&again);
        return TCET_OK;
    }
    if (p->plugin->desc.kind != TCET_SPACE && p->plugin->desc.kind != TCET_STRATEGY &&
        at / 8 * 8 + 8 <= first->len && at / 8 * 8 + 8 <= again.len) {
        double was, is;

        memcpy(&was, first->data + at / 8 * 8, sizeof was);
        memcpy(&is, again.data + at / 8 * 8, sizeof is);
        error_set(err, TCET_E_PLUGIN, "number %zu is %.17g %s; the first call gave %.17g", at / 8,
                  is, when, was);
    } else {
        error_set(err, TCET_E_PLUGIN, "it gives something else %s", when);
    }
    buf_free(&again);
    return err->status;
}

tcet_status calls_deterministic(struct probe *p, struct error *err)
{
    exercise *run = exercise_of(p->plugin->desc.kind);
    struct buf first = {0}, other = {0};
    struct instance *i, *second;
    struct error unused;

    TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
    TRY(run(p, i, ORDINARY, &first, err));
    TRY(compare(p, i, &first, "the second time", err));
    run(p, i, ONE_ELEMENT, &other, &unused);
    TRY(compare(p, i, &first, "after a call with other inputs", err));
    TRY(probe_instance(p, &p->arena, NULL, NULL, &second, err));
    TRY(compare(p, second, &first, "from a second instance", err));
    instance_free(second);
    TRY(compare(p, i, &first, "after another instance was freed", err));
    instance_free(i);
    buf_free(&first);
    buf_free(&other);
    return TCET_OK;
}

tcet_status calls_scratch(struct probe *p, struct error *err)
{
    enum { ENOUGH = 64 }; /* requests tried; later ones resemble these */

    for (int64_t n = 0; n < ENOUGH; n++) {
        struct buf out = {0};
        struct instance *i;
        tcet_status st;
        int failed;

        TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
        probe_fail_scratch(n);
        st = exercise_of(p->plugin->desc.kind)(p, i, ORDINARY, &out, err);
        failed = probe_scratch_failed();
        probe_fail_scratch(-1);
        buf_free(&out);
        if (st < 0 && probe_misbehaved(err))
            return error_prefix(err, "when request %lld for scratch memory fails: ", (long long)n);
        if (st < 0 && st != TCET_E_MEMORY)
            return error_set(err, TCET_E_PLUGIN,
                             "when request %lld for scratch memory fails, it gives %s instead of "
                             "TCET_E_MEMORY",
                             (long long)n, error_name(st));
        instance_free(i);
        if (!failed)
            break;
    }
    return TCET_OK;
}

tcet_status calls_cancelled(struct probe *p, struct error *err)
{
    p->stop = 1;
    return may_refuse(p, LARGE, err);
}
