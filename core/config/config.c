/* config.c -- the model of config.h: sections, keys, --set, typed reading, errors.
 * Room: core/config.  Stands on core/base. */
#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/names.h"
#include "base/text.h"
#include "base/utf8.h"
#include "config/internal.h"

struct config *config_new(void)
{
    struct config *c = mem_alloc(sizeof *c);

    c->path = "";
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    arena_free(&c->arena);
    free(c);
}

/* A list of pointers that doubles at every power of two; the old copies stay in the arena. */
static void *list_grow(struct arena *a, void *list, size_t count)
{
    void *bigger;

    if (count & (count - 1))
        return list;
    bigger = arena_alloc(a, (count ? 2 * count : 1) * sizeof(void *));
    if (count)
        memcpy(bigger, list, count * sizeof(void *));
    return bigger;
}

struct config_section *config_section(const struct config *c, const char *kind, const char *name)
{
    for (size_t i = 0; i < c->section_count; i++) {
        if (!strcmp(c->sections[i]->kind, kind) && !strcmp(c->sections[i]->name, name))
            return c->sections[i];
    }
    return NULL;
}

struct config_section *section_put(struct config *c, const char *kind, const char *name,
                                   const char *file, int line)
{
    struct config_section *s = config_section(c, kind, name);

    if (s)
        return s;
    s = arena_alloc(&c->arena, sizeof *s);
    s->kind = arena_strdup(&c->arena, kind);
    s->name = arena_strdup(&c->arena, name);
    s->file = arena_strdup(&c->arena, file);
    s->line = line;
    s->config = c;
    c->sections = list_grow(&c->arena, c->sections, c->section_count);
    c->sections[c->section_count++] = s;
    return s;
}

struct config_key *config_section_key(const struct config_section *s, const char *key)
{
    for (size_t i = 0; i < s->key_count; i++) {
        if (!strcmp(s->keys[i]->name, key))
            return s->keys[i];
    }
    return NULL;
}

void config_put(struct config *c, const char *kind, const char *name, const char *key,
                const char *value, const char *file, const char *dir, int line)
{
    struct config_section *s = section_put(c, kind, name, file, line);
    struct config_key *k = config_section_key(s, key);

    if (!k) {
        k = arena_alloc(&c->arena, sizeof *k);
        k->name = arena_strdup(&c->arena, key);
        k->section = s;
        s->keys = list_grow(&c->arena, s->keys, s->key_count);
        s->keys[s->key_count++] = k;
        c->key_count++;
    }
    k->value = arena_strdup(&c->arena, value);
    k->file = arena_strdup(&c->arena, file);
    k->dir = arena_strdup(&c->arena, dir);
    k->line = line;
    k->from = NULL;
}

void config_derive(struct config *c, const char *kind, const char *name, const char *key,
                   const char *value, const struct config_key *from)
{
    config_put(c, kind, name, key, value, CONFIG_DERIVED, from->dir, 0);
    config_section_key(config_section(c, kind, name), key)->from = from->from ? from->from : from;
}

void config_replace(struct config_key *k, const char *value)
{
    k->value = arena_strdup(&k->section->config->arena, value);
}

const char *kind_problem(const char *kind)
{
    if (!*kind || kind[strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_")])
        return "a section begins with a word of small letters, digits and _";
    return NULL;
}

const char *section_name_problem(const char *kind, const char *name)
{
    if (*name && config_nameless(kind))
        return "this section takes no name";
    if (!utf8_line(name) || name[strcspn(name, " \t.,=[];#")])
        return "a section's name is one word without . , = [ ] ; #";
    return NULL;
}

const char *key_problem(const char *key)
{
    if (!*key || key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789_.-")])
        return "a key is made of letters, digits, _, - and .";
    if (strlen(key) > 128)
        return "the key is longer than 128 letters";
    return NULL;
}

tcet_status config_set(struct config *c, const char *text, struct error *err)
{
    struct arena a = {0};
    const char *equals = strchr(text, '='), *problem = NULL, *name = "";
    char *kind, *key, *dot, *value, here[PATH_MAX];
    tcet_status st = TCET_OK;

    if (!equals || !memchr(text, '.', (size_t)(equals - text)))
        return error_set(err, TCET_E_ARG,
                         "--set %s: expected SECTION.KEY=VALUE or SECTION.NAME.KEY=VALUE", text);
    kind = text_strip(arena_strndup(&a, text, (size_t)(equals - text)));
    value = text_strip(arena_strdup(&a, equals + 1));
    key = strchr(kind, '.');
    *key++ = '\0';
    dot = config_nameless(kind) ? NULL : strchr(key, '.');
    if (dot) {
        *dot = '\0';
        name = key;
        key = dot + 1;
    }
    problem = kind_problem(kind);
    if (!problem)
        problem = section_name_problem(kind, name);
    if (!problem)
        problem = key_problem(key);
    if (!problem)
        problem = config_value_problem(value);
    if (!problem && strlen(text) > CONFIG_LINE_MAX)
        problem = "the text is longer than 64 KiB";
    if (!problem && !strcmp(kind, "run") && !strcmp(key, "include"))
        problem = "files are included by files only";
    if (!problem && c->key_count >= CONFIG_KEYS_MAX)
        problem = "too many keys";
    if (problem)
        st = error_set(err, TCET_E_ARG, "--set %.200s: %s", text, problem);
    else if ((st = file_here(here, err)) >= 0)
        config_put(c, kind, name, key, value, "--set", here, 0);
    arena_free(&a);
    return st;
}

struct config_key *config_get(const struct config *c, const char *kind, const char *name,
                              const char *key)
{
    const struct config_section *s = config_section(c, kind, name);

    return s ? config_section_key(s, key) : NULL;
}

const char *config_text(const struct config *c, const char *kind, const char *name, const char *key,
                        const char *fallback)
{
    struct config_key *k = config_get(c, kind, name, key);

    return k ? k->value : fallback;
}

/* "FILE:LINE: ", or "--set A.B.C: ", or "--set C: " of a section without a kind. */
static void place(char *out, size_t cap, const struct config_section *s, const char *file, int line,
                  const char *key)
{
    if (line)
        snprintf(out, cap, "%s:%d: ", file, line);
    else if (!*file)
        *out = '\0';
    else if (!*s->kind)
        snprintf(out, cap, "%s %s: ", file, key ? key : "");
    else if (*s->name)
        snprintf(out, cap, "%s %s.%s%s%s: ", file, s->kind, s->name, key ? "." : "",
                 key ? key : "");
    else
        snprintf(out, cap, "%s %s%s%s: ", file, s->kind, key ? "." : "", key ? key : "");
}

static tcet_status place_error(struct error *err, const char *where, const char *format, va_list ap)
{
    char text[sizeof err->text];

    vsnprintf(text, sizeof text, format, ap);
    return error_set(err, TCET_E_ARG, "%s%s", where, text);
}

tcet_status config_error(struct error *err, const struct config_key *k, const char *format, ...)
{
    char where[512];
    va_list ap;

    if (k->from)
        k = k->from;
    place(where, sizeof where, k->section, k->file, k->line, k->name);
    va_start(ap, format);
    place_error(err, where, format, ap);
    va_end(ap);
    return err->status;
}

tcet_status config_section_error(struct error *err, const struct config_section *s,
                                 const char *format, ...)
{
    char where[512];
    va_list ap;

    place(where, sizeof where, s, s->file, s->line, NULL);
    va_start(ap, format);
    place_error(err, where, format, ap);
    va_end(ap);
    return err->status;
}

/* Puts a place before the message that err holds. */
static tcet_status prefix(struct error *err, const char *where)
{
    err->status = TCET_E_ARG;
    return error_prefix(err, "%s", where);
}

tcet_status config_error_at(struct error *err, const struct config_key *k)
{
    char where[512];

    if (!k)
        return err->status;
    if (k->from)
        k = k->from;
    place(where, sizeof where, k->section, k->file, k->line, k->name);
    return prefix(err, where);
}

tcet_status config_section_error_at(struct error *err, const struct config_section *s)
{
    char where[512];

    if (!s)
        return err->status;
    place(where, sizeof where, s, s->file, s->line, NULL);
    return prefix(err, where);
}

tcet_status config_i64(const struct config *c, const char *kind, const char *name, const char *key,
                       int64_t fallback, int64_t min, int64_t max, int64_t *out, struct error *err)
{
    const struct config_key *k = config_get(c, kind, name, key);
    int64_t v = fallback;

    if (k && (text_to_i64(k->value, &v) < 0 || v < min || v > max))
        return config_error(err, k, "%s = \"%.80s\": expected an integer from %lld to %lld",
                            k->name, k->value, (long long)min, (long long)max);
    *out = v;
    return TCET_OK;
}

tcet_status config_bool(const struct config *c, const char *kind, const char *name, const char *key,
                        int32_t fallback, int32_t *out, struct error *err)
{
    const struct config_key *k = config_get(c, kind, name, key);
    int32_t v = fallback;

    if (k && text_to_bool(k->value, &v) < 0)
        return config_error(err, k,
                            "%s = \"%.80s\": expected 0, 1, true, false, yes, no, on or off",
                            k->name, k->value);
    *out = v;
    return TCET_OK;
}

tcet_status config_choice(const struct config *c, const char *kind, const char *name,
                          const char *key, const char *const *choices, int fallback, int *out,
                          struct error *err)
{
    const struct config_key *k = config_get(c, kind, name, key);
    char hint[1024];
    size_t n = 0;

    if (!k) {
        *out = fallback;
        return TCET_OK;
    }
    for (; choices[n]; n++) {
        if (!strcmp(choices[n], k->value)) {
            *out = (int)n;
            return TCET_OK;
        }
    }
    names_hint(hint, sizeof hint, "choices", k->value, choices, n);
    return config_error(err, k, "%s = \"%.80s\" is not a choice%s", k->name, k->value, hint);
}

tcet_status config_range(const struct config *c, const char *kind, const char *name,
                         const char *key, int64_t fallback, int64_t most, int64_t *first,
                         int64_t *last, struct error *err)
{
    const struct config_key *k = config_get(c, kind, name, key);
    const char *dots = k ? strstr(k->value, "..") : NULL;
    char start[32];

    *first = *last = fallback;
    if (!k)
        return TCET_OK;
    snprintf(start, sizeof start, "%.*s", dots ? (int)(dots - k->value) : 31, k->value);
    if ((!dots || dots - k->value < 31) && text_to_i64(start, first) == 0 &&
        text_to_i64(dots ? dots + 2 : k->value, last) == 0 && *first >= 0 && *last >= *first &&
        *last - *first < most)
        return TCET_OK;
    return config_error(err, k,
                        "%s = \"%.80s\": expected a number, or FIRST..LAST, at most %lld of them",
                        key, k->value, (long long)most);
}

char *path_from(struct arena *a, const char *dir, const char *value)
{
    const char *home = getenv("HOME");

    if (value[0] == '/')
        return arena_strdup(a, value);
    if (value[0] == '~' && value[1] == '/' && home)
        return arena_printf(a, "%s/%s", home, value + 2);
    if (value[0] == '.' && value[1] == '/')
        value += 2;
    return arena_printf(a, "%s/%s", strcmp(dir, "/") != 0 ? dir : "", value);
}

char *config_path(struct arena *a, const struct config_key *k)
{
    return path_from(a, k->dir, k->value);
}
