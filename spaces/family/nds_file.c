/* nds_file.c -- see nds_file.h.  Room: spaces/family. */
#include "family/nds_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NDS_LISTS = 2, NDS_ENTRIES_MAX = 1 << 20 };

/* Where the texts of a list begin. */
struct nds_offsets {
    size_t *at;
    int64_t count, room;
};

struct nds_file {
    char *text; /* encodings, each with its NUL */
    size_t used, room;
    struct nds_offsets list[NDS_LISTS];
    int64_t aux;
};

/* A context whose messages are kept, to say the place before them. */
struct nds_catch {
    tcet_ctx cx; /* first */
    tcet_host host;
    char text[512];
};

static tcet_status nds_keep_message(tcet_ctx *cx, tcet_status code, const char *text)
{
    struct nds_catch *c = (struct nds_catch *)cx;

    snprintf(c->text, sizeof c->text, "%s", text);
    return code;
}

/* Where reading stands. */
struct nds_source {
    tcet_ctx *cx;
    const char *path;
    const struct nds_family *family;
    struct nds_catch inner;
    tcet_json json;
    struct nds_file *file;
};

static tcet_status nds_source_fail(struct nds_source *s, int event, const char *want)
{
    return tcet_failf(s->cx, TCET_E_ARG, "%s:%lld: entry %lld: %s%s", s->path,
                      (long long)s->json.line, (long long)nds_file_count(s->file) + 1,
                      event == TCET_JSON_ERROR ? s->json.error : want,
                      event == TCET_JSON_ERROR ? "" : " is expected");
}

/* Doubles what there is until n fit; NULL, and the old block as it was, without memory. */
static void *nds_grow(void *old, size_t *room, size_t n, size_t size)
{
    size_t more = *room ? *room : 1024;
    void *block;

    if (n <= *room)
        return old;
    while (more < n)
        more *= 2;
    block = realloc(old, more * size);
    if (block)
        *room = more;
    return block;
}

static tcet_status nds_add_entry(struct nds_source *s, int32_t list, const struct nds_net *net)
{
    struct nds_file *f = s->file;
    struct nds_offsets *o = &f->list[list];
    char text[NDS_ENCODING_MAX];
    size_t n = nds_print(net, text) + 1, room = (size_t)o->room;
    void *block;

    if (nds_file_count(f) == NDS_ENTRIES_MAX)
        return tcet_failf(s->cx, TCET_E_ARG, "%s: more than %d entries", s->path, NDS_ENTRIES_MAX);
    block = nds_grow(f->text, &f->room, f->used + n, 1);
    if (block) {
        f->text = block;
        block = nds_grow(o->at, &room, (size_t)o->count + 1, sizeof *o->at);
    }
    if (!block)
        return tcet_failf(s->cx, TCET_E_MEMORY, "%s: no memory for entry %lld", s->path,
                          (long long)nds_file_count(f) + 1);
    o->at = block;
    o->room = (int64_t)room;
    memcpy(f->text + f->used, text, n);
    o->at[o->count++] = f->used;
    f->used += n;
    f->aux += net->aux;
    return TCET_OK;
}

static tcet_status nds_read_entry(struct nds_source *s, int32_t list)
{
    struct nds_net net;
    int event, have = 0;

    while ((event = tcet_json_next(&s->json)) == TCET_JSON_NAME) {
        int is_net = !strcmp(s->json.text, "net");

        event = tcet_json_next(&s->json);
        if (is_net) {
            tcet_status st = nds_read(&s->inner.cx, s->family, &s->json, event, &net);

            if (st < 0)
                return tcet_failf(s->cx, st, "%s:%lld: entry %lld: %s", s->path,
                                  (long long)s->json.line, (long long)nds_file_count(s->file) + 1,
                                  s->inner.text);
            have = 1;
        } else if (tcet_json_skip(&s->json, event) == TCET_JSON_ERROR) {
            break;
        }
    }
    if (s->json.error)
        return nds_source_fail(s, TCET_JSON_ERROR, "");
    return have ? nds_add_entry(s, list, &net) : nds_source_fail(s, event, "its \"net\"");
}

static tcet_status nds_read_list(struct nds_source *s, int32_t list)
{
    int event;
    tcet_status st = TCET_OK;

    while (st >= 0 && (event = tcet_json_next(&s->json)) != TCET_JSON_LIST_END)
        st = event == TCET_JSON_OBJECT ? nds_read_entry(s, list)
                                       : nds_source_fail(s, event, "an object");
    return st;
}

static tcet_status nds_read_file(struct nds_source *s)
{
    static const char *const lists[NDS_LISTS] = {"top", "mid"};
    int event = tcet_json_next(&s->json);
    tcet_status st = TCET_OK;

    if (event == TCET_JSON_LIST) {
        st = nds_read_list(s, 0);
    } else if (event != TCET_JSON_OBJECT) {
        return nds_source_fail(s, event, "a list of entries, or \"top\" and \"mid\",");
    } else {
        while (st >= 0 && (event = tcet_json_next(&s->json)) != TCET_JSON_OBJECT_END) {
            int32_t list = 0;

            while (list < NDS_LISTS && event == TCET_JSON_NAME &&
                   strcmp(s->json.text, lists[list]) != 0)
                list++;
            if (event != TCET_JSON_NAME || list == NDS_LISTS)
                return nds_source_fail(s, event, "\"top\" or \"mid\"");
            event = tcet_json_next(&s->json);
            st = event == TCET_JSON_LIST ? nds_read_list(s, list)
                                         : nds_source_fail(s, event, "a list of entries");
        }
    }
    if (st >= 0 && (event = tcet_json_next(&s->json)) != TCET_JSON_END)
        return nds_source_fail(s, event, "the end");
    if (st >= 0 && !nds_file_count(s->file))
        return tcet_failf(s->cx, TCET_E_ARG, "%s: holds no entry", s->path);
    return st;
}

static int64_t nds_more(void *user, char *buffer, size_t size)
{
    FILE *f = user;
    size_t n = fread(buffer, 1, size, f);

    return n || !ferror(f) ? (int64_t)n : -1;
}

static FILE *nds_open(tcet_ctx *cx, const char *path, tcet_status *status)
{
    struct stat info;
    FILE *f = NULL;

    if (stat(path, &info) < 0)
        *status = tcet_failf(cx, TCET_E_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        *status = tcet_failf(cx, TCET_E_IO, "%s: no regular file", path);
    else if (!(f = fopen(path, "rb")))
        *status = tcet_failf(cx, TCET_E_IO, "%s: %s", path, strerror(errno));
    return f;
}

tcet_status nds_file_load(tcet_ctx *cx, const char *path, const struct nds_family *family,
                          struct nds_file **out)
{
    char word[256], buffer[1 << 14], note[400];
    struct nds_source s = {.cx = cx, .path = path, .family = family};
    tcet_status st = TCET_OK;
    FILE *f = nds_open(cx, path, &st);

    if (!f)
        return st;
    s.inner.cx.host = &s.inner.host;
    s.inner.host = (tcet_host){.struct_size = sizeof(tcet_host), .fail = nds_keep_message};
    s.json = tcet_json_of("", 0, word, sizeof word);
    s.json.read = nds_more;
    s.json.user = f;
    s.json.buffer = buffer;
    s.json.buffer_size = sizeof buffer;
    s.file = calloc(1, sizeof *s.file);
    st = s.file ? nds_read_file(&s) : tcet_failf(cx, TCET_E_MEMORY, "%s: no memory", path);
    fclose(f);
    if (st >= 0 && s.file->aux) {
        snprintf(note, sizeof note, "%.250s: aux = true of %lld networks; the head is left out",
                 path, (long long)s.file->aux);
        cx->host->log(cx, TCET_LOG_WARN, note);
    }
    if (st >= 0)
        *out = s.file;
    else
        nds_file_free(s.file);
    return st;
}

void nds_file_free(struct nds_file *f)
{
    if (!f)
        return;
    for (int32_t i = 0; i < NDS_LISTS; i++)
        free(f->list[i].at);
    free(f->text);
    free(f);
}

int64_t nds_file_count(const struct nds_file *f)
{
    return f->list[0].count + f->list[1].count;
}

const char *nds_file_at(const struct nds_file *f, int64_t i)
{
    const struct nds_offsets *top = &f->list[0], *mid = &f->list[1];

    return f->text + (i < top->count ? top->at[i] : mid->at[i - top->count]);
}
