/* frame.c -- see frame.h.  Room: core/proc. */
#include "proc/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AT_ONCE = 8192 };

struct head {
    uint32_t type, length;
};

static tcet_status send_all(int fd, const char *p, size_t n, struct error *err)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return error_set(err, TCET_E_IO, "cannot write to the other process: %s",
                             strerror(errno));
        p += k;
        n -= (size_t)k;
    }
    return TCET_OK;
}

tcet_status frame_send(int fd, uint32_t type, const void *data, size_t n, struct error *err)
{
    struct head h = {type, (uint32_t)n};
    char both[AT_ONCE];

    if (n > FRAME_MAX)
        return error_set(err, TCET_E_ARG, "a message of %zu bytes is too long", n);
    if (n && n <= sizeof both - sizeof h) { /* most are short: one call of the system, not two */
        memcpy(both, &h, sizeof h);
        memcpy(both + sizeof h, data, n);
        return send_all(fd, both, sizeof h + n, err);
    }
    TRY(send_all(fd, (const char *)&h, sizeof h, err));
    return send_all(fd, data, n, err);
}

tcet_status frame_pack(struct buf *b, uint32_t type, const void *data, size_t n, struct error *err)
{
    struct head h = {type, (uint32_t)n};

    if (n > FRAME_MAX)
        return error_set(err, TCET_E_ARG, "a message of %zu bytes is too long", n);
    buf_add(b, &h, sizeof h);
    buf_add(b, data, n);
    return TCET_OK;
}

static tcet_status recv_all(int fd, char *p, size_t n, struct error *err)
{
    while (n) {
        ssize_t k = read(fd, p, n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return error_set(err, TCET_E_IO, "cannot read from the other process: %s",
                             strerror(errno));
        if (k == 0)
            return error_set(err, TCET_E_IO, "the other process closed its end");
        p += k;
        n -= (size_t)k;
    }
    return TCET_OK;
}

tcet_status frame_recv(int fd, uint32_t *type, struct buf *in, struct error *err)
{
    struct head h;
    char chunk[16384];

    TRY(recv_all(fd, (char *)&h, sizeof h, err));
    if (h.length > FRAME_MAX)
        return error_set(err, TCET_E_IO, "the other process sent nonsense");
    in->len = 0;
    for (size_t left = h.length; left;) {
        size_t n = left < sizeof chunk ? left : sizeof chunk;

        TRY(recv_all(fd, chunk, n, err));
        buf_add(in, chunk, n);
        left -= n;
    }
    *type = h.type;
    return TCET_OK;
}

int frame_take(const struct buf *gathered, size_t from, uint32_t *type, const char **data,
               size_t *n, size_t *used)
{
    struct head h;

    if (gathered->len - from < sizeof h)
        return 0;
    memcpy(&h, gathered->data + from, sizeof h);
    if (h.length > FRAME_MAX)
        return -1;
    if (gathered->len - from - sizeof h < h.length)
        return 0;
    *type = h.type;
    *data = gathered->data + from + sizeof h;
    *n = h.length;
    *used = sizeof h + h.length;
    return 1;
}

void pack_u32(struct buf *b, uint32_t v)
{
    buf_add(b, &v, sizeof v);
}

void pack_i64(struct buf *b, int64_t v)
{
    buf_add(b, &v, sizeof v);
}

void pack_f64(struct buf *b, double v)
{
    buf_add(b, &v, sizeof v);
}

void pack_text(struct buf *b, const char *text)
{
    size_t n = text ? strlen(text) : 0;

    pack_u32(b, (uint32_t)n);
    buf_add(b, text ? text : "", n);
}

void pack_f64s(struct buf *b, const double *v, size_t n)
{
    pack_u32(b, (uint32_t)n);
    buf_add(b, v, n * sizeof *v);
}

struct unpack unpack_from(const void *data, size_t n, struct arena *arena)
{
    return (struct unpack){data, (const char *)data + n, arena, true};
}

static bool take(struct unpack *u, void *out, size_t n)
{
    if (!u->ok || (size_t)(u->end - u->at) < n) {
        u->ok = false;
        memset(out, 0, n);
        return false;
    }
    memcpy(out, u->at, n);
    u->at += n;
    return true;
}

uint32_t unpack_u32(struct unpack *u)
{
    uint32_t v;

    take(u, &v, sizeof v);
    return v;
}

int64_t unpack_i64(struct unpack *u)
{
    int64_t v;

    take(u, &v, sizeof v);
    return v;
}

double unpack_f64(struct unpack *u)
{
    double v;

    take(u, &v, sizeof v);
    return v;
}

size_t unpack_count(struct unpack *u, size_t element)
{
    size_t n = unpack_u32(u);

    if (!u->ok || n > (size_t)(u->end - u->at) / (element ? element : 1)) {
        u->ok = false;
        return 0;
    }
    return n;
}

const char *unpack_text(struct unpack *u)
{
    size_t n = unpack_count(u, 1);
    char *text;

    if (!u->ok)
        return "";
    text = arena_strndup(u->arena, u->at, n);
    u->at += n;
    return text;
}

const double *unpack_f64s(struct unpack *u, size_t *n)
{
    double *v;

    *n = unpack_count(u, sizeof *v);
    v = arena_alloc(u->arena, *n * sizeof *v);
    take(u, v, *n * sizeof *v);
    return v;
}

tcet_status unpack_done(const struct unpack *u, const char *what, struct error *err)
{
    if (!u->ok || u->at != u->end)
        return error_set(err, TCET_E_PLUGIN, "malformed %s message from the other process", what);
    return TCET_OK;
}
