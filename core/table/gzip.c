/* gzip.c -- see gzip.h.  Room: core/table.  The only file of it that knows zlib. */
#include "table/gzip.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/file.h"
#include "base/mem.h"

enum { GZIP_FIRST = 1 << 20 };

/* What is inflated so far; one byte more is always there for the NUL. */
struct inflated {
    unsigned char *text;
    size_t length, cap, max;
};

/* Room for more; 0: there is none, which err says. */
static int grow(struct inflated *o, const char *path, struct error *err)
{
    size_t cap = o->cap ? 2 * o->cap : GZIP_FIRST;
    unsigned char *text;

    if (o->length < o->cap)
        return 1;
    if (o->length >= o->max) {
        error_set(err, TCET_E_ARG, "%s: inflates to more than %zu bytes", path, o->max);
        return 0;
    }
    cap = cap < o->max ? cap : o->max;
    text = realloc(o->text, cap + 1);
    if (!text) {
        error_set(err, TCET_E_MEMORY, "%s: no memory for %zu bytes", path, cap);
        return 0;
    }
    o->text = text;
    o->cap = cap;
    return 1;
}

/* All members of z's input. */
static tcet_status inflate_all(z_stream *z, struct inflated *o, const char *path, struct error *err)
{
    int code = Z_OK;

    while (code != Z_STREAM_END || z->avail_in) {
        size_t room;

        if (code == Z_STREAM_END)
            inflateReset(z); /* the next member */
        if (!grow(o, path, err))
            return err->status;
        room = o->cap - o->length < UINT32_MAX ? o->cap - o->length : UINT32_MAX;
        z->next_out = o->text + o->length;
        z->avail_out = (uInt)room;
        code = inflate(z, Z_NO_FLUSH);
        o->length += room - z->avail_out;
        if (code == Z_BUF_ERROR && !z->avail_in)
            return error_set(err, TCET_E_ARG, "%s: cut: the compressed text has no end", path);
        if (code != Z_OK && code != Z_STREAM_END)
            return error_set(err, TCET_E_ARG, "%s: damaged: %s", path,
                             z->msg ? z->msg : "no gzip behind its first bytes");
    }
    return TCET_OK;
}

static char *inflate_text(const char *path, char *packed, size_t packed_size, size_t max,
                          size_t *size, struct error *err)
{
    struct inflated o = {.max = max};
    z_stream z = {.next_in = (unsigned char *)packed, .avail_in = (uInt)packed_size};
    tcet_status st = TCET_OK;

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) /* 16: gzip's head and sums */
        st = error_set(err, TCET_E_MEMORY, "%s: no memory for zlib", path);
    else
        st = inflate_all(&z, &o, path, err);
    inflateEnd(&z);
    free(packed);
    if (st < 0) {
        free(o.text);
        return NULL;
    }
    o.text[o.length] = '\0';
    *size = o.length;
    return (char *)o.text;
}

char *gzip_text(const char *path, size_t max, size_t *size, struct error *err)
{
    char *text = file_text(path, (int64_t)max, size, err);

    if (!text || *size < 3 || (unsigned char)text[0] != 0x1f || (unsigned char)text[1] != 0x8b)
        return text;
    return inflate_text(path, text, *size, max, size, err);
}
