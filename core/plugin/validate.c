/* validate.c -- the rules of plugin and parameter descriptors.
 * Room: core/plugin.  Stands on core/base and the SDK. */
#include <math.h>
#include <string.h>
#include <tcet/tcet.h>

#include "base/utf8.h"
#include "plugin/internal.h"

enum { INSTANCE_MAX = 64 * 1024 * 1024, ID_MAX = 64 };

int id_is_valid(const char *id)
{
    size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && n <= ID_MAX && !id[n];
}

static int text_is_valid(const char *text)
{
    return text && *text && utf8_line(text);
}

/* A field's name in C. */
static int param_name_is_valid(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return n > 0 && n <= ID_MAX && !name[n];
}

/* Bytes of the field a parameter type fills; 0 for no such type. */
static uint32_t field_size(uint32_t type)
{
    switch (type) {
    case TCET_P_F64: return sizeof(double);
    case TCET_P_I64: return sizeof(int64_t);
    case TCET_P_BOOL:
    case TCET_P_CHOICE: return sizeof(int32_t);
    case TCET_P_TEXT:
    case TCET_P_PATH: return sizeof(const char *);
    default: return 0;
    }
}

static const char *choices_problem(const tcet_param *p)
{
    size_t n = 0;

    if (p->type != TCET_P_CHOICE)
        return p->choices ? "has choices, but is no choice" : NULL;
    if (!p->choices || !p->choices[0])
        return "is a choice without choices";
    for (; p->choices[n]; n++) {
        if (n >= CHOICES_MAX)
            return "has more than 4096 choices";
        if (!text_is_valid(p->choices[n]) || strpbrk(p->choices[n], " ,"))
            return "has a choice that is no single word";
        for (size_t i = 0; i < n; i++) {
            if (!strcmp(p->choices[i], p->choices[n]))
                return "has the same choice twice";
        }
    }
    return NULL;
}

static const char *param_problem(const tcet_param *p, uint32_t instance_size)
{
    uint32_t size = field_size(p->type);
    const char *problem;

    if (!size)
        return "is of an unknown type";
    if (p->size != size)
        return "fills a field of another size than its type has";
    if (p->offset % size)
        return "fills a field that is not aligned";
    if (p->offset > instance_size || size > instance_size - p->offset)
        return "lies outside the instance";
    if (!text_is_valid(p->doc))
        return "has no description";
    if (p->type == TCET_P_F64 && !(p->min <= p->max))
        return "has an empty range";
    if (p->type == TCET_P_I64 && p->imin > p->imax)
        return "has an empty range";
    problem = choices_problem(p);
    if (problem || !p->initial)
        return problem;
    if (!utf8_line(p->initial))
        return "has a default that is no text";
    if (p->type == TCET_P_PATH && *p->initial && *p->initial != '/')
        return "has a default that is no absolute path";
    return NULL;
}

static tcet_status check_param(const struct plugin *plugin, uint32_t i, struct error *err)
{
    const tcet_param *rows = plugin->desc.params, *p = &rows[i];
    struct plugin_param param;
    struct param_value value;
    const char *problem;
    char expects[256];

    if (!p->name || !param_name_is_valid(p->name))
        return error_set(err, TCET_E_PLUGIN, "parameter %u: its name is not [A-Za-z0-9_]+", i + 1);
    problem = param_problem(p, plugin->desc.instance_size);
    if (problem)
        return error_set(err, TCET_E_PLUGIN, "parameter \"%s\" %s", p->name, problem);
    for (uint32_t j = 0; j < i; j++) {
        if (!strcmp(rows[j].name, p->name))
            return error_set(err, TCET_E_PLUGIN, "parameter \"%s\" is there twice", p->name);
        if (rows[j].offset < p->offset + p->size && p->offset < rows[j].offset + rows[j].size)
            return error_set(err, TCET_E_PLUGIN, "parameters \"%s\" and \"%s\" overlap",
                             rows[j].name, p->name);
    }
    param_from_row(p, &param);
    if (p->initial && param_parse(&param, p->initial, &value) < 0)
        return error_set(err, TCET_E_PLUGIN, "parameter \"%s\": its default \"%.80s\" is not %s",
                         p->name, p->initial, param_expects(&param, expects, sizeof expects));
    return TCET_OK;
}

int32_t ops_direction(const struct plugin *p)
{
    switch (p->desc.kind) {
    case TCET_SALIENCY: return ((const tcet_saliency_ops *)p->desc.ops)->direction;
    case TCET_AGGREGATOR: return ((const tcet_aggregator_ops *)p->desc.ops)->direction;
    case TCET_COMBINER: return ((const tcet_combiner_ops *)p->desc.ops)->direction;
    default: return 0;
    }
}

uint32_t ops_scope(const struct plugin *p)
{
    return p->desc.kind == TCET_COMBINER ? ((const tcet_combiner_ops *)p->desc.ops)->scope : 0;
}

static tcet_status check_combiner(const tcet_combiner_ops *ops, struct error *err)
{
    const char *missing = NULL;

    switch (ops->scope) {
    case TCET_SCOPE_PARAMETER: missing = ops->elements ? NULL : "elements"; break;
    case TCET_SCOPE_LAYER:
    case TCET_SCOPE_NETWORK: missing = ops->score ? NULL : "score"; break;
    case TCET_SCOPE_POPULATION: missing = ops->rank ? NULL : "rank"; break;
    default: return error_set(err, TCET_E_PLUGIN, "its scope %u is unknown", ops->scope);
    }
    if (missing)
        return error_set(err, TCET_E_PLUGIN, "its scope wants the function %s", missing);
    if (ops->min_metrics < 0 || ops->max_metrics < 0 ||
        (ops->max_metrics && ops->max_metrics < ops->min_metrics))
        return error_set(err, TCET_E_PLUGIN, "it takes %d to %d metrics", ops->min_metrics,
                         ops->max_metrics);
    return TCET_OK;
}

static tcet_status check_ops(const struct plugin *p, struct error *err)
{
    const struct kind_ops *ops = kind_ops(p->desc.kind);
    int32_t direction = ops_direction(p);

    for (const struct kind_function *f = ops->required; f->name; f++) {
        void (*function)(void);

        memcpy(&function, p->ops.bytes + f->offset, sizeof function);
        if (!function)
            return error_set(err, TCET_E_PLUGIN, "%s %s must have the function %s",
                             *ops->name == 'a' ? "an" : "a", ops->name, f->name);
    }
    if (p->desc.kind == TCET_COMBINER)
        TRY(check_combiner(p->desc.ops, err));
    if ((p->desc.kind == TCET_SALIENCY || p->desc.kind == TCET_AGGREGATOR) && !direction)
        return error_set(err, TCET_E_PLUGIN, "it does not state its direction (+1 or -1)");
    if (direction < -1 || direction > 1)
        return error_set(err, TCET_E_PLUGIN, "its direction is %d", direction);
    return TCET_OK;
}

tcet_status validate_plugin(const struct plugin *p, struct error *err)
{
    const tcet_plugin *d = &p->desc;

    if (!text_is_valid(d->version) || strpbrk(d->version, " \t"))
        return error_set(err, TCET_E_PLUGIN, "it has no version, or one with blanks");
    if (!text_is_valid(d->summary))
        return error_set(err, TCET_E_PLUGIN, "it has no summary in one line");
    if (d->cite && !text_is_valid(d->cite))
        return error_set(err, TCET_E_PLUGIN, "its citation is no line of text");
    if (d->flags)
        return error_set(err, TCET_E_PLUGIN, "it sets flags (0x%x) that do not exist", d->flags);
    if (d->instance_size > INSTANCE_MAX)
        return error_set(err, TCET_E_PLUGIN, "its instance is larger than 64 MiB");
    for (uint32_t i = 0; i < d->param_count; i++)
        TRY(check_param(p, i, err));
    return check_ops(p, err);
}
