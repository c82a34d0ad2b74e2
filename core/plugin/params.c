/* params.c -- text to parameter values, against what a plugin declares.
 * Room: core/plugin.  Stands on core/config and core/base. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "base/text.h"
#include "plugin/internal.h"

void param_from_row(const tcet_param *row, struct plugin_param *out)
{
    *out = (struct plugin_param){.name = row->name,
                                 .initial = row->initial,
                                 .doc = row->doc,
                                 .choices = row->choices,
                                 .min = row->min,
                                 .max = row->max,
                                 .imin = row->imin,
                                 .imax = row->imax,
                                 .type = row->type};
}

int param_parse(const struct plugin_param *p, const char *text, struct param_value *out)
{
    struct param_value v = {.text = text};
    int bad = 0;

    switch (p->type) {
    case TCET_P_F64:
        bad = text_to_f64(text, &v.f64) < 0 || !(v.f64 >= p->min && v.f64 <= p->max);
        break;
    case TCET_P_I64:
        bad = text_to_i64(text, &v.i64) < 0 || v.i64 < p->imin || v.i64 > p->imax;
        break;
    case TCET_P_BOOL: bad = text_to_bool(text, &v.i32) < 0; break;
    case TCET_P_CHOICE:
        while (p->choices[v.i32] && strcmp(p->choices[v.i32], text) != 0)
            v.i32++;
        bad = !p->choices[v.i32];
        break;
    default: break; /* any text will do */
    }
    if (!bad)
        *out = v;
    return -bad;
}

/* "a number from 0 to 1", leaving out what does not bound. */
static void range(char *out, size_t cap, const char *what, const char *low, const char *high)
{
    if (low && high)
        snprintf(out, cap, "%s from %s to %s", what, low, high);
    else if (low)
        snprintf(out, cap, "%s of at least %s", what, low);
    else if (high)
        snprintf(out, cap, "%s of at most %s", what, high);
    else
        snprintf(out, cap, "%s", what);
}

const char *param_expects(const struct plugin_param *p, char *out, size_t cap)
{
    char low[32], high[32];

    switch (p->type) {
    case TCET_P_F64:
        snprintf(low, sizeof low, "%.15g", p->min);
        snprintf(high, sizeof high, "%.15g", p->max);
        range(out, cap, "a number", isinf(p->min) ? NULL : low, isinf(p->max) ? NULL : high);
        break;
    case TCET_P_I64:
        snprintf(low, sizeof low, "%lld", (long long)p->imin);
        snprintf(high, sizeof high, "%lld", (long long)p->imax);
        range(out, cap, "an integer", p->imin == INT64_MIN ? NULL : low,
              p->imax == INT64_MAX ? NULL : high);
        break;
    case TCET_P_BOOL: snprintf(out, cap, "0, 1, true, false, yes, no, on or off"); break;
    case TCET_P_CHOICE: snprintf(out, cap, "one of its choices"); break;
    default: snprintf(out, cap, "a text"); break;
    }
    return out;
}

static size_t choice_count(const struct plugin_param *p)
{
    size_t n = 0;

    while (p->choices && p->choices[n])
        n++;
    return n;
}

static tcet_status bad_value(const struct plugin_param *p, const struct config_key *k,
                             const char *who, struct error *err)
{
    char expects[256], hint[1024] = "";

    if (p->type == TCET_P_CHOICE)
        names_hint(hint, sizeof hint, "choices", k->value, p->choices, choice_count(p));
    if (p->type == TCET_P_I64 && k->value[strspn(k->value, "+-0123456789")] == '\0' &&
        strlen(k->value) > 18)
        snprintf(hint, sizeof hint, "; 64 bits do not hold it");
    return config_error(err, k, "%s = \"%.80s\": %s wants %s%s", k->name, k->value, who,
                        param_expects(p, expects, sizeof expects), hint);
}

static const struct plugin_param *find_param(const struct plugin_param *params, size_t n,
                                             const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(params[i].name, name))
            return &params[i];
    }
    return NULL;
}

/* A binding that names no parameter. */
static tcet_status unknown_param(const struct plugin_param *params, size_t n,
                                 const struct binding *b, const char *who, struct error *err)
{
    struct arena a = {0};
    const char **names = arena_alloc(&a, (n + 1) * sizeof *names);
    char hint[1024];

    for (size_t i = 0; i < n; i++)
        names[i] = params[i].name;
    names_hint(hint, sizeof hint, "parameters", b->name, names, n);
    arena_free(&a);
    if (!n)
        return config_error(err, b->key, "%s: %s has no parameters", b->key->name, who);
    return config_error(err, b->key, "%s: %s has no parameter \"%s\"%s", b->key->name, who, b->name,
                        hint);
}

tcet_status params_bind(const struct plugin_param *params, size_t n, const struct binding *bindings,
                        size_t count, const char *who, struct arena *a, struct param_value *values,
                        struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!find_param(params, n, bindings[i].name))
            return unknown_param(params, n, &bindings[i], who, err);
    }
    for (size_t i = 0; i < n; i++) {
        const struct plugin_param *p = &params[i];
        struct config_key *key = NULL;

        for (size_t j = 0; j < count; j++) {
            if (!strcmp(bindings[j].name, p->name))
                key = bindings[j].key;
        }
        if (!key && !p->initial)
            return error_set(err, TCET_E_ARG, "%s: the parameter \"%s\" must be given (%s)", who,
                             p->name, p->doc);
        if (param_parse(p, key ? key->value : p->initial, &values[i]) < 0)
            return bad_value(p, key, who, err);
        if (p->type == TCET_P_PATH && key && *key->value)
            values[i].text = config_path(a, key);
        else
            values[i].text = arena_strdup(a, values[i].text);
        values[i].key = key;
    }
    return TCET_OK;
}

tcet_status params_check(const struct plugin_info *info, const struct binding *bindings,
                         size_t count, const char *who, struct error *err)
{
    struct arena a = {0};
    struct param_value *values = arena_alloc(&a, (info->param_count + 1) * sizeof *values);
    tcet_status st =
        params_bind(info->params, info->param_count, bindings, count, who, &a, values, err);

    arena_free(&a);
    return st;
}
