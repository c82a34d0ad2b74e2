/* plan_names.c -- which sections and keys a config may have (plan.h).  Room: core/plan. */
#include "plan/plan_parts.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Keys that the host itself reads; the rest of a section goes to its plugin. */
static const char *const RUN_KEYS[] = {"space",       "archs",        "seed",      "classes",
                                       "output",      "workers",      "timeout",   "retries",
                                       "memory",      "on_nonfinite", "top",       "repeats",
                                       "sample_seed", "init",         "init_bias", "in_flight"};
static const char *const BENCHMARK_KEYS[] = {"table", "column", "population"};
static const char *const ABLATION_KEYS[] = {"saliency",  "aggregator", "combiner", "with",
                                            "partition", "seed",       "batch",    "data"};
static const char *const PLUGINS_KEYS[] = {"path"};
static const char *const EXPORT_KEYS[] = {"files", "layers", "times"};

static const struct {
    const char *kind;
    int named;               /* [kind NAME] */
    const char *const *keys; /* NULL: a plugin's parameters too */
    size_t count;
} SECTIONS[] = {
    {"run", 0, RUN_KEYS, TCET_COUNT(RUN_KEYS)},
    {"backend", 0, NULL, 0},
    {"data", 0, NULL, 0},
    {"space", 0, NULL, 0},
    {"metric", 1, NULL, 0},
    {"score", 1, NULL, 0},
    {"saliency", 1, NULL, 0},
    {"aggregator", 1, NULL, 0},
    {"combiner", 1, NULL, 0},
    {"dataset", 1, NULL, 0},
    {"ablation", 0, ABLATION_KEYS, TCET_COUNT(ABLATION_KEYS)},
    {"reference", 0, NULL, 0},
    {"benchmark", 0, BENCHMARK_KEYS, TCET_COUNT(BENCHMARK_KEYS)},
    {"plugins", 0, PLUGINS_KEYS, TCET_COUNT(PLUGINS_KEYS)},
    {"export", 0, EXPORT_KEYS, TCET_COUNT(EXPORT_KEYS)},
};

int plan_is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(name, list[i]))
            return 1;
    }
    return 0;
}

const char *plan_key_hint(char *hint, size_t cap, const char *name, const char *const *own,
                          size_t own_count)
{
    for (size_t k = 0; k < TCET_COUNT(SECTIONS); k++) {
        if (SECTIONS[k].keys && plan_is_one_of(name, SECTIONS[k].keys, SECTIONS[k].count)) {
            snprintf(hint, cap, " (it is a key of [%s])", SECTIONS[k].kind);
            return hint;
        }
    }
    return text_suggest(hint, cap, name, own, own_count);
}

static void join(struct buf *out, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i ? ", " : "", list[i]);
}

static tcet_status check_section(const struct config_section *s, struct error *err)
{
    const char *kinds[TCET_COUNT(SECTIONS)];
    char hint[128];

    for (size_t k = 0; k < TCET_COUNT(SECTIONS); k++) {
        kinds[k] = SECTIONS[k].kind;
        if (strcmp(s->kind, SECTIONS[k].kind))
            continue;
        if (SECTIONS[k].named && !*s->name)
            return config_section_error(err, s, "section [%s] needs a name: [%s NAME]", s->kind,
                                        s->kind);
        if (!SECTIONS[k].named && *s->name)
            return config_section_error(err, s, "section [%s] takes no name", s->kind);
        for (size_t i = 0; SECTIONS[k].keys && i < s->key_count; i++) {
            if (!plan_is_one_of(s->keys[i]->name, SECTIONS[k].keys, SECTIONS[k].count)) {
                struct buf all = {0};
                tcet_status st;

                join(&all, SECTIONS[k].keys, SECTIONS[k].count);
                st = config_error(err, s->keys[i], "[%s] has no key \"%s\"%s; keys: %s", s->kind,
                                  s->keys[i]->name,
                                  plan_key_hint(hint, sizeof hint, s->keys[i]->name,
                                                SECTIONS[k].keys, SECTIONS[k].count),
                                  all.data);
                buf_free(&all);
                return st;
            }
        }
        return TCET_OK;
    }
    return config_section_error(
        err, s,
        "unknown section [%s]%s; sections: run, backend, data, space, metric NAME, score NAME, "
        "saliency ID, aggregator ID, combiner ID, dataset ID, ablation, benchmark, reference, "
        "plugins, export",
        s->kind, text_suggest(hint, sizeof hint, s->kind, kinds, TCET_COUNT(SECTIONS)));
}

tcet_status plan_check_unused(const struct config *c, struct error *err)
{
    for (size_t i = 0; i < c->section_count; i++)
        TRY(check_section(c->sections[i], err));
    return TCET_OK;
}
