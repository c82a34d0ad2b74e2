/* params.c -- rules of declared parameters: defaults, what is refused, what is taken.
 *
 * Room: core/check.  Stands on core/plugin. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check/internal.h"

tcet_status params_defaults(struct probe *p, struct error *err)
{
    struct instance *i;

    probe_stage("init() with defaults");
    if (p->lacks)
        return probe_note(p, CHECK_SKIP, "the parameter \"%s\" has no default: give --set %s=VALUE",
                          p->lacks, p->lacks);
    TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
    instance_free(i);
    return TCET_OK;
}

/* Texts that a parameter of this row must not take; n of them. */
static size_t bad_texts(struct arena *a, const tcet_param *row, const char *out[8])
{
    size_t n = 0;

    switch (row->type) {
    case TCET_P_F64:
        out[n++] = "much";
        out[n++] = "nan";
        if (row->min > -INFINITY)
            out[n++] = arena_printf(a, "%.17g", nextafter(row->min, -INFINITY));
        if (row->max < INFINITY)
            out[n++] = arena_printf(a, "%.17g", nextafter(row->max, INFINITY));
        break;
    case TCET_P_I64:
        out[n++] = "much";
        out[n++] = "1.5";
        out[n++] = "9223372036854775808";
        if (row->imin > INT64_MIN)
            out[n++] = arena_printf(a, "%lld", (long long)row->imin - 1);
        if (row->imax < INT64_MAX)
            out[n++] = arena_printf(a, "%lld", (long long)row->imax + 1);
        break;
    case TCET_P_BOOL: out[n++] = "2"; break;
    case TCET_P_CHOICE: out[n++] = "no_such_choice"; break;
    default: break; /* any text will do */
    }
    return n;
}

tcet_status params_refused(struct probe *p, struct error *err)
{
    const tcet_plugin *d = &p->plugin->desc;
    struct instance *i;

    for (uint32_t k = 0; k < d->param_count; k++) {
        const char *texts[8];
        size_t n = bad_texts(&p->arena, &d->params[k], texts);

        for (size_t t = 0; t < n; t++) {
            probe_stage("binding %s = %s", d->params[k].name, texts[t]);
            if (probe_instance(p, &p->arena, d->params[k].name, texts[t], &i, err) >= 0)
                return error_set(err, TCET_E_PLUGIN, "%s = %s is taken", d->params[k].name,
                                 texts[t]);
            if (!strstr(err->text, d->params[k].name))
                return error_prefix(err, "%s = %s is refused with words that do not name it: ",
                                    d->params[k].name, texts[t]);
        }
    }
    return TCET_OK;
}

/* Texts at the edges of what a parameter takes; n of them, at most cap. */
static size_t edge_texts(struct arena *a, const tcet_param *row, const char **out, size_t cap)
{
    size_t n = 0;

    switch (row->type) {
    case TCET_P_F64:
        out[n++] = arena_printf(a, "%.17g", row->min);
        out[n++] = arena_printf(a, "%.17g", row->max);
        break;
    case TCET_P_I64:
        out[n++] = arena_printf(a, "%lld", (long long)row->imin);
        out[n++] = arena_printf(a, "%lld", (long long)row->imax);
        break;
    case TCET_P_BOOL:
        out[n++] = "0";
        out[n++] = "1";
        break;
    case TCET_P_CHOICE:
        for (; row->choices[n] && n < cap; n++)
            out[n] = row->choices[n];
        break;
    default: out[n++] = ""; break;
    }
    return n;
}

/* Runs fn with each parameter at each edge; bounded: choices and booleans alone. */
static tcet_status for_edges(struct probe *p, int bounded,
                             tcet_status (*fn)(struct probe *p, struct instance *i,
                                               struct error *err),
                             struct error *err)
{
    const tcet_plugin *d = &p->plugin->desc;

    for (uint32_t k = 0; k < d->param_count; k++) {
        const tcet_param *row = &d->params[k];
        const char *texts[64];
        size_t n = edge_texts(&p->arena, row, texts, TCET_COUNT(texts));

        if (bounded && row->type != TCET_P_CHOICE && row->type != TCET_P_BOOL)
            continue;
        for (size_t t = 0; t < n; t++) {
            struct instance *i;

            probe_stage("init() with %s = %s", row->name, texts[t]);
            if (probe_instance(p, &p->arena, row->name, texts[t], &i, err) < 0) {
                if (probe_misbehaved(err))
                    return error_prefix(err, "%s = %s: ", row->name, texts[t]);
                continue; /* refused with a message: for this value alone, or beside others */
            }
            if (fn && fn(p, i, err) < 0)
                return error_prefix(err, "%s = %s: ", row->name, texts[t]);
            instance_free(i);
        }
    }
    return TCET_OK;
}

static tcet_status describe(struct probe *p, struct instance *i, struct error *err)
{
    struct request r;

    return check_describe(p, i, &r, err);
}

tcet_status params_range(struct probe *p, struct error *err)
{
    return for_edges(p, 0, p->plugin->desc.kind == TCET_SALIENCY ? describe : NULL, err);
}

static tcet_status use(struct probe *p, struct instance *i, struct error *err)
{
    struct buf out = {0};
    tcet_status st = exercise_of(p->plugin->desc.kind)(p, i, ORDINARY, &out, err);

    buf_free(&out);
    return st < 0 && probe_misbehaved(err) ? st : TCET_OK;
}

tcet_status calls_choices(struct probe *p, struct error *err)
{
    return for_edges(p, 1, use, err);
}
