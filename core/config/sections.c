/* sections.c -- which sections a config may have, and the host's own keys in them (config.h).
 * A new section or key of the host's has its row here.
 * Room: core/config.  Stands on core/base. */
#include "config/config.h"

#include "base/names.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Keys that the host itself reads; the rest of a section goes to its plugin. */
static const char *const RUN_KEYS[] = {
    "space",   "proxy",     "archs",     "seed",         "classes", "output",  "workers",
    "timeout", "retries",   "memory",    "on_nonfinite", "top",     "repeats", "sample_seed",
    "init",    "init_bias", "in_flight", "cpu",          "prune",   "share"};
static const char *const BENCHMARK_KEYS[] = {"table",      "column",    "population", "key",
                                             "duplicates", "published", "networks"};
static const char *const ABLATION_KEYS[] = {"saliency", "aggregator", "combiner",
                                            "with",     "partition",  "seed",
                                            "batch",    "data",       "data_seed"};
static const char *const SEARCH_KEYS[] = {
    "strategy",   "score",     "objectives", "evaluations", "iterations",
    "patience",   "time",      "max_size",   "min_size",    "max_layers",
    "min_layers", "max_flops", "min_flops",  "max_params",  "min_params",
    "max_macs",   "min_macs",  "reject",     "repeat",      "window",
    "seeds",      "warm",      "ranks",      "top",         "hypervolume_from"};
static const char *const TRAIN_KEYS[] = {
    "arch",     "seeds",        "epochs",    "batch",        "images",          "test",
    "holdout",  "test_images",  "optimizer", "lr",           "lr_per_256",      "target_lr",
    "schedule", "warmup",       "steps",     "factor",       "momentum",        "nesterov",
    "beta1",    "beta2",        "eps",       "weight_decay", "decay",           "clip",
    "ema",      "bn_momentum",  "crop",      "flip",         "mixup",           "label_smoothing",
    "erase",    "auto_augment", "cutout",    "shuffle",      "drop_last",       "threads",
    "init",     "eval_every",   "log",       "precision",    "checkpoint_every"};
static const char *const PLUGINS_KEYS[] = {"path"};
static const char *const EXPORT_KEYS[] = {"files", "layers", "times"};

static const struct {
    const char *kind;
    const char *name;        /* what its name stands for: [kind NAME]; NULL: it has none */
    const char *const *keys; /* NULL: a plugin's parameters too */
    size_t count;
} SECTIONS[] = {
    {"run", NULL, RUN_KEYS, TCET_COUNT(RUN_KEYS)},
    {"backend", NULL, NULL, 0},
    {"data", NULL, NULL, 0},
    {"space", NULL, NULL, 0},
    {"metric", "NAME", NULL, 0},
    {"score", "NAME", NULL, 0},
    {"saliency", "ID", NULL, 0},
    {"aggregator", "ID", NULL, 0},
    {"combiner", "ID", NULL, 0},
    {"dataset", "ID", NULL, 0},
    {"ablation", NULL, ABLATION_KEYS, TCET_COUNT(ABLATION_KEYS)},
    {"benchmark", NULL, BENCHMARK_KEYS, TCET_COUNT(BENCHMARK_KEYS)},
    {"reference", NULL, NULL, 0},
    {"reference_pairs", "NAME", NULL, 0},
    {"reference_hours", NULL, NULL, 0},
    {"search", NULL, SEARCH_KEYS, TCET_COUNT(SEARCH_KEYS)},
    {"strategy", "ID", NULL, 0},
    {"train", NULL, TRAIN_KEYS, TCET_COUNT(TRAIN_KEYS)},
    {"plugins", NULL, PLUGINS_KEYS, TCET_COUNT(PLUGINS_KEYS)},
    {"export", NULL, EXPORT_KEYS, TCET_COUNT(EXPORT_KEYS)},
};

int config_nameless(const char *kind)
{
    for (size_t k = 0; k < TCET_COUNT(SECTIONS); k++) {
        if (!strcmp(kind, SECTIONS[k].kind))
            return !SECTIONS[k].name;
    }
    return 0;
}

const char *config_key_hint(char *hint, size_t cap, const char *name, const char *const *own,
                            size_t own_count)
{
    for (size_t k = 0; k < TCET_COUNT(SECTIONS); k++) {
        if (SECTIONS[k].keys && names_has(SECTIONS[k].keys, SECTIONS[k].count, name)) {
            snprintf(hint, cap, " (it is a key of [%s])", SECTIONS[k].kind);
            return hint;
        }
    }
    return text_suggest(hint, cap, name, own, own_count);
}

/* What is wrong with a key that its section does not have. */
static tcet_status unknown_key(const struct config_key *key, const char *const *keys, size_t count,
                               struct error *err)
{
    struct buf all = {0};
    char hint[128];

    for (size_t i = 0; i < count; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", keys[i]);
    config_error(err, key, "[%s] has no key \"%s\"%s; keys: %s", key->section->kind, key->name,
                 config_key_hint(hint, sizeof hint, key->name, keys, count), all.data);
    buf_free(&all);
    return err->status;
}

static tcet_status unknown_section(const struct config_section *s, struct error *err)
{
    const char *kinds[TCET_COUNT(SECTIONS)];
    struct buf all = {0};
    char hint[128];

    for (size_t k = 0; k < TCET_COUNT(SECTIONS); k++) {
        const char *name = SECTIONS[k].name;

        kinds[k] = SECTIONS[k].kind;
        buf_printf(&all, "%s%s%s%s", k ? ", " : "", kinds[k], name ? " " : "", name ? name : "");
    }
    config_section_error(err, s, "unknown section [%s]%s; sections: %s", s->kind,
                         text_suggest(hint, sizeof hint, s->kind, kinds, TCET_COUNT(SECTIONS)),
                         all.data);
    buf_free(&all);
    return err->status;
}

static tcet_status check_section(const struct config_section *s, struct error *err)
{
    for (size_t k = 0; k < TCET_COUNT(SECTIONS); k++) {
        if (strcmp(s->kind, SECTIONS[k].kind))
            continue;
        if (SECTIONS[k].name && !*s->name)
            return config_section_error(err, s, "section [%s] needs a name: [%s NAME]", s->kind,
                                        s->kind);
        if (!SECTIONS[k].name && *s->name)
            return config_section_error(err, s, "section [%s] takes no name", s->kind);
        for (size_t i = 0; SECTIONS[k].keys && i < s->key_count; i++) {
            if (!names_has(SECTIONS[k].keys, SECTIONS[k].count, s->keys[i]->name))
                return unknown_key(s->keys[i], SECTIONS[k].keys, SECTIONS[k].count, err);
        }
        return TCET_OK;
    }
    return unknown_section(s, err);
}

tcet_status config_check_sections(const struct config *c, struct error *err)
{
    for (size_t i = 0; i < c->section_count; i++)
        TRY(check_section(c->sections[i], err));
    return TCET_OK;
}
