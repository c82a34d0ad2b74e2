/* presets.c -- see presets.h.  Room: core/plan. */
#include "plan/presets.h"

#include "base/names.h"
#include "base/text.h"
#include "plugin/registry.h"

#include <stdio.h>
#include <string.h>

static tcet_status load(struct config **out, struct error *err)
{
    struct arena a = {0};
    tcet_status st = config_load(arena_printf(&a, "%s/conf/proxies.ini", paths_data()), out, err);

    arena_free(&a);
    return st;
}

static const struct config_section *find(const struct config *presets, const char *name)
{
    for (size_t i = 0; i < presets->section_count; i++) {
        if (!strcmp(presets->sections[i]->name, name))
            return presets->sections[i];
    }
    return NULL;
}

/* The names of all presets; they live in a. */
static const char **all_names(const struct config *presets, struct arena *a)
{
    const char **names = arena_alloc(a, (presets->section_count + 1) * sizeof *names);

    for (size_t i = 0; i < presets->section_count; i++)
        names[i] = arena_strdup(a, presets->sections[i]->name);
    return names;
}

static tcet_status unknown(const struct config *presets, const char *name, struct error *err)
{
    struct arena a = {0};
    char hint[1024];

    error_set(err, TCET_E_ARG, "there is no proxy \"%.80s\"%s", name,
              names_hint(hint, sizeof hint, "proxies", name, all_names(presets, &a),
                         presets->section_count));
    arena_free(&a);
    return err->status;
}

static int same_keys(const struct config_section *a, const struct config_section *b)
{
    if (a->key_count != b->key_count || strcmp(a->kind, b->kind) != 0)
        return 0;
    for (size_t i = 0; i < a->key_count; i++) {
        const struct config_key *k = config_section_key(b, a->keys[i]->name);

        if (!k || strcmp(k->value, a->keys[i]->value) != 0)
            return 0;
    }
    return 1;
}

/* Adds one section, after the metrics that it joins. */
static tcet_status add(struct config *c, const struct config *presets,
                       const struct config_section *s, struct error *err)
{
    static const char *const kinds[] = {"metric", "score"};
    struct config_key *metrics = config_section_key(s, "metrics");
    struct arena a = {0};
    const char *const *parts;
    size_t count = metrics ? text_split(&a, metrics->value, ',', &parts) : 0;

    err->status = TCET_OK;
    for (size_t i = 0; i < count && err->status >= 0; i++)
        add(c, presets, find(presets, parts[i]), err);
    arena_free(&a);
    TRY(err->status);
    for (size_t k = 0; k < TCET_COUNT(kinds); k++) {
        const struct config_section *other = config_section(c, kinds[k], s->name);

        if (other && same_keys(other, s))
            return TCET_OK;
        if (other)
            return config_section_error(
                err, other,
                "[%s %s] is another than the proxy of that name, which [run] "
                "proxy asks for; give it another name",
                other->kind, s->name);
    }
    for (size_t i = 0; i < s->key_count; i++) {
        const struct config_key *k = s->keys[i];

        config_put(c, s->kind, s->name, k->name, k->value, k->file, k->dir, k->line);
    }
    return TCET_OK;
}

tcet_status presets_add(struct config *c, struct error *err)
{
    struct config_key *key = config_get(c, "run", "", "proxy");
    struct arena a = {0};
    const char *const *names;
    struct config *presets;
    size_t count;

    if (!key)
        return TCET_OK;
    TRY(load(&presets, err));
    err->status = TCET_OK;
    count = text_split(&a, key->value, ',', &names);
    for (size_t i = 0; i < count && err->status >= 0; i++) {
        const struct config_section *s = find(presets, names[i]);

        if (s) {
            add(c, presets, s, err);
        } else {
            unknown(presets, names[i], err);
            config_error_at(err, key);
        }
    }
    config_free(presets);
    arena_free(&a);
    return err->status;
}

/* What the file says above a section, without the semicolons, as one line. */
static void comment_above(const struct config_section *s, struct buf *out)
{
    FILE *f = fopen(s->file, "r");
    struct buf comment = {0};
    char line[512];
    int at = 0;

    while (f && ++at < s->line && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line == ';')
            buf_printf(&comment, "%s%s", comment.len ? " " : "", line + 1 + (line[1] == ' '));
        else
            comment.len = 0;
    }
    if (f)
        fclose(f);
    if (comment.len)
        buf_add(out, comment.data, comment.len);
    buf_free(&comment);
}

static void print(const struct config *presets, const struct config_section *s, struct buf *out)
{
    struct config_key *metrics = config_section_key(s, "metrics");
    struct arena a = {0};
    const char *const *parts;
    size_t count = metrics ? text_split(&a, metrics->value, ',', &parts) : 0;

    for (size_t i = 0; i < count; i++)
        print(presets, find(presets, parts[i]), out);
    buf_printf(out, "\n[%s %s]\n", s->kind, s->name);
    for (size_t i = 0; i < s->key_count; i++)
        buf_printf(out, "%s = %s\n", s->keys[i]->name, s->keys[i]->value);
    arena_free(&a);
}

tcet_status presets_text(const char *name, struct buf *out, struct error *err)
{
    const struct config_section *s;
    struct config *presets;

    TRY(load(&presets, err));
    s = find(presets, name);
    if (s) {
        buf_printf(out, "proxy %s: [run] proxy = %s, or --proxy %s\n", name, name, name);
        comment_above(s, out);
        buf_puts(out, "\n");
        print(presets, s, out);
        err->status = TCET_OK;
    } else {
        unknown(presets, name, err);
    }
    config_free(presets);
    return err->status;
}

tcet_status presets_list(int names_only, struct buf *out, struct error *err)
{
    struct config *presets;

    TRY(load(&presets, err));
    for (size_t i = 0; i < presets->section_count; i++) {
        buf_printf(out, names_only ? "%s" : "%-16s  ", presets->sections[i]->name);
        if (!names_only)
            comment_above(presets->sections[i], out);
        buf_puts(out, "\n");
    }
    config_free(presets);
    return err->status = TCET_OK;
}
