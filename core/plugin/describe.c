/* describe.c -- plugin descriptors as JSON, and back.
 * Room: core/plugin.  Stands on core/base and jansson.  What is read comes from a process
 * that ran foreign code, or from a cache file: nothing in it is trusted. */
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "plugin/internal.h"

/* Doubles travel as text: JSON has no infinity. */
static json_t *number_text(double v)
{
    char text[32];

    return json_string(text_f64(text, v));
}

static json_t *describe_param(const tcet_param *p)
{
    json_t *choices = json_array();

    for (size_t i = 0; p->choices && p->choices[i]; i++)
        json_array_append_new(choices, json_string(p->choices[i]));
    return json_pack("{s:s, s:s*, s:s, s:o, s:o, s:o, s:I, s:I, s:i}", "name", p->name, "initial",
                     p->initial, "doc", p->doc, "choices", choices, "min", number_text(p->min),
                     "max", number_text(p->max), "imin", (json_int_t)p->imin, "imax",
                     (json_int_t)p->imax, "type", (int)p->type);
}

json_t *describe_plugins(const struct plugin *plugins, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        const tcet_plugin *d = &plugins[i].desc;
        json_t *params = json_array();

        for (uint32_t j = 0; j < d->param_count; j++)
            json_array_append_new(params, describe_param(&d->params[j]));
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s*, s:i, s:i, s:o}", "kind",
                                              kind_name(d->kind), "id", d->id, "version",
                                              d->version, "summary", d->summary, "cite", d->cite,
                                              "direction", ops_direction(&plugins[i]), "scope",
                                              (int)ops_scope(&plugins[i]), "params", params));
    }
    return json_pack("{s:o}", "plugins", list);
}

json_t *describe_error(tcet_status status, const char *text)
{
    char line[4096 + 512]; /* a message may be cut within a character */

    return json_pack("{s:s, s:i}", "error", utf8_clean(line, sizeof line, text), "status",
                     (int)status);
}

/* A text that a terminal can show, in one line. */
static int is_line(const char *text)
{
    return text && utf8_line(text);
}

/* The list of texts in the arena, NULL-terminated; NULL when empty. -1 for other things. */
static int read_choices(const json_t *list, struct arena *a, const char *const **out)
{
    size_t n = json_array_size(list);
    const char **choices;

    *out = NULL;
    if (!json_is_array(list) || n > CHOICES_MAX)
        return -1;
    if (!n)
        return 0;
    choices = arena_alloc(a, (n + 1) * sizeof *choices);
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (!is_line(text))
            return -1;
        choices[i] = arena_strdup(a, text);
    }
    *out = choices;
    return 0;
}

static int read_param(json_t *json, struct arena *a, struct plugin_param *out)
{
    const char *name, *initial = NULL, *doc, *min, *max;
    json_int_t imin, imax;
    json_t *choices;
    int type;

    if (json_unpack(json, "{s:s, s?s, s:s, s:o, s:s, s:s, s:I, s:I, s:i}", "name", &name, "initial",
                    &initial, "doc", &doc, "choices", &choices, "min", &min, "max", &max, "imin",
                    &imin, "imax", &imax, "type", &type) < 0 ||
        !is_line(name) || (initial && !is_line(initial)) || !is_line(doc) || type < TCET_P_F64 ||
        type > TCET_P_PATH || read_choices(choices, a, &out->choices) < 0 ||
        (type == TCET_P_CHOICE && !out->choices) || text_to_f64(min, &out->min) < 0 ||
        text_to_f64(max, &out->max) < 0)
        return -1;
    out->name = arena_strdup(a, name);
    out->initial = initial ? arena_strdup(a, initial) : NULL;
    out->doc = arena_strdup(a, doc);
    out->imin = imin;
    out->imax = imax;
    out->type = (uint32_t)type;
    return 0;
}

static int read_plugin(json_t *json, struct arena *a, struct plugin_info *out)
{
    const char *kind, *id, *version, *summary, *cite = NULL;
    struct plugin_param *params;
    json_t *list;
    int direction, scope;

    if (json_unpack(json, "{s:s, s:s, s:s, s:s, s?s, s:i, s:i, s:o}", "kind", &kind, "id", &id,
                    "version", &version, "summary", &summary, "cite", &cite, "direction",
                    &direction, "scope", &scope, "params", &list) < 0 ||
        !kind_from_name(kind) || !id_is_valid(id) || !is_line(version) || !is_line(summary) ||
        (cite && !is_line(cite)) || !json_is_array(list) || json_array_size(list) > PARAMS_MAX)
        return -1;
    out->param_count = json_array_size(list);
    params = arena_alloc(a, (out->param_count + 1) * sizeof *params);
    for (size_t i = 0; i < out->param_count; i++) {
        if (read_param(json_array_get(list, i), a, &params[i]) < 0)
            return -1;
    }
    out->params = params;
    out->kind = kind_from_name(kind);
    out->id = arena_strdup(a, id);
    out->version = arena_strdup(a, version);
    out->summary = arena_strdup(a, summary);
    out->cite = cite ? arena_strdup(a, cite) : NULL;
    out->direction = direction;
    out->scope = (uint32_t)scope;
    return 0;
}

int describe_read(const json_t *answer, struct arena *a, struct plugin_info **out, size_t *count)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    const json_t *list = json_object_get(answer, "plugins");
    size_t n = error ? 1 : json_array_size(list);
    struct plugin_info *infos;

    if (!n || n > PLUGINS_MAX || (error && !is_line(error)))
        return -1;
    infos = arena_alloc(a, n * sizeof *infos);
    if (error) {
        infos->error = arena_strdup(a, error);
        infos->id = infos->version = infos->summary = "";
    }
    for (size_t i = 0; i < n && !error; i++) {
        if (read_plugin(json_array_get(list, i), a, &infos[i]) < 0)
            return -1;
    }
    *out = infos;
    *count = n;
    return 0;
}
