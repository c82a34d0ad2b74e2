/* pack.c -- a config as text for people, and packed for another process.
 * Room: core/config.  Stands on core/base. */
#include <string.h>

#include "config/internal.h"

static const char magic[] = "tcet-config-1";

void config_print(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->section_count; i++) {
        const struct config_section *s = c->sections[i];

        if (!strcmp(s->file, CONFIG_DERIVED))
            continue;
        buf_printf(out, "%s[%s%s%s]\n", i ? "\n" : "", s->kind, *s->name ? " " : "", s->name);
        for (size_t j = 0; j < s->key_count; j++) {
            const char *value = s->keys[j]->value;
            /* a blank would make a comment of a value that begins with one of these */
            const char *blank = *value == ';' || *value == '#' ? "" : " ";

            buf_printf(out, "%s =%s%s\n", s->keys[j]->name, blank, value);
        }
    }
}

static void pack_number(struct buf *b, uint32_t n)
{
    buf_add(b, &n, sizeof n);
}

static void pack_text(struct buf *b, const char *text)
{
    size_t n = strlen(text);

    pack_number(b, (uint32_t)n);
    buf_add(b, text, n + 1);
}

void config_pack(const struct config *c, struct buf *out)
{
    pack_text(out, magic);
    pack_text(out, c->path);
    pack_number(out, (uint32_t)c->section_count);
    for (size_t i = 0; i < c->section_count; i++) {
        const struct config_section *s = c->sections[i];

        pack_text(out, s->kind);
        pack_text(out, s->name);
        pack_text(out, s->file);
        pack_number(out, (uint32_t)s->line);
        pack_number(out, (uint32_t)s->key_count);
        for (size_t j = 0; j < s->key_count; j++) {
            const struct config_key *k = s->keys[j];

            pack_text(out, k->name);
            pack_text(out, k->value);
            pack_text(out, k->file);
            pack_text(out, k->dir);
            pack_number(out, (uint32_t)k->line);
        }
    }
}

/* Where unpacking stands; bad once anything did not fit. */
struct reader {
    const char *at, *end;
    int bad;
};

static uint32_t unpack_number(struct reader *r)
{
    uint32_t n = 0;

    if (r->bad || (size_t)(r->end - r->at) < sizeof n) {
        r->bad = 1;
        return 0;
    }
    memcpy(&n, r->at, sizeof n);
    r->at += sizeof n;
    return n;
}

/* A text inside the packed bytes, "" when bad. */
static const char *unpack_text(struct reader *r)
{
    uint32_t n = unpack_number(r);
    const char *text = r->at;

    if (r->bad || (size_t)(r->end - r->at) <= n || memchr(text, '\0', n) || text[n]) {
        r->bad = 1;
        return "";
    }
    r->at += n + 1;
    return text;
}

static void unpack_section(struct reader *r, struct config *c)
{
    const char *kind = unpack_text(r), *name = unpack_text(r), *file = unpack_text(r);
    uint32_t line = unpack_number(r), count = unpack_number(r);

    if (c->section_count >= CONFIG_KEYS_MAX)
        r->bad = 1;
    if (!r->bad)
        section_put(c, kind, name, file, (int)line);
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        const char *key = unpack_text(r), *value = unpack_text(r);
        const char *key_file = unpack_text(r), *dir = unpack_text(r);
        uint32_t key_line = unpack_number(r);

        if (c->key_count >= CONFIG_KEYS_MAX)
            r->bad = 1;
        if (!r->bad)
            config_put(c, kind, name, key, value, key_file, dir, (int)key_line);
    }
}

tcet_status config_unpack(const void *data, size_t n, struct config **out, struct error *err)
{
    struct reader r = {data, (const char *)data + n, 0};
    struct config *c = config_new();
    uint32_t sections;

    if (strcmp(unpack_text(&r), magic) != 0)
        r.bad = 1;
    c->path = arena_strdup(&c->arena, unpack_text(&r));
    sections = unpack_number(&r);
    for (uint32_t i = 0; i < sections && !r.bad; i++)
        unpack_section(&r, c);
    if (r.bad || r.at != r.end) {
        config_free(c);
        return error_set(err, TCET_E_ARG, "packed config: damaged");
    }
    *out = c;
    return TCET_OK;
}
