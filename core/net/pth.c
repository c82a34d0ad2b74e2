/* pth.c -- a network's state_dict as PyTorch saves it: a ZIP file of stored members, of which data.pkl
 * says in pickle's protocol 2 what tensors there are, and data/K holds the K-th one's numbers.
 *
 * Room: core/net.  Stands on core/graph and core/base.  Written alone: pickles are never read.  What
 * torch.load(weights_only=True) allows is all that is used. */
#include "net/internal.h"

#include "base/hash.h"

#include <stdio.h>
#include <string.h>

enum { LOCAL = 30, ALIGNMENT = 64, DATE = 0x21 /* 1980-01-01 */ };

static void put16(struct buf *b, uint32_t v)
{
    const unsigned char bytes[2] = {(unsigned char)v, (unsigned char)(v >> 8)};

    buf_add(b, bytes, sizeof bytes);
}

static void put32(struct buf *b, uint32_t v)
{
    put16(b, v & 0xffff);
    put16(b, v >> 16);
}

/* -- ZIP ---------------------------------------------------------------------------------- */

struct zip {
    struct buf *out;
    size_t start;         /* of the archive in out */
    struct buf directory; /* central */
    uint32_t members;
};

/* What both headers of a member say, from the version that is needed to the extra field's length. */
static void put_member(struct buf *b, const char *name, uint32_t crc, size_t bytes, size_t extra)
{
    put16(b, 20); /* version 2.0 */
    put16(b, 0);
    put16(b, 0); /* stored */
    put16(b, 0);
    put16(b, DATE);
    put32(b, crc);
    put32(b, (uint32_t)bytes);
    put32(b, (uint32_t)bytes);
    put16(b, (uint32_t)strlen(name));
    put16(b, (uint32_t)extra);
}

/* A member archive/NAME, whose data begin at a multiple of 64 bytes. */
static void zip_add(struct zip *z, const char *member, const void *data, size_t n)
{
    char name[64];
    size_t at = z->out->len - z->start, begin, padding;
    uint32_t crc = crc32(data, n);

    snprintf(name, sizeof name, "archive/%s", member);
    begin = at + LOCAL + strlen(name) + 4;
    padding = (ALIGNMENT - begin % ALIGNMENT) % ALIGNMENT;
    put32(z->out, 0x04034b50);
    put_member(z->out, name, crc, n, padding + 4);
    buf_puts(z->out, name);
    buf_puts(z->out, "FB");
    put16(z->out, (uint32_t)padding);
    while (padding--)
        buf_puts(z->out, "Z");
    buf_add(z->out, data, n);
    put32(&z->directory, 0x02014b50);
    put16(&z->directory, 20);
    put_member(&z->directory, name, crc, n, 0);
    put16(&z->directory, 0); /* comment */
    put16(&z->directory, 0); /* disk */
    put16(&z->directory, 0);
    put32(&z->directory, 0);
    put32(&z->directory, (uint32_t)at);
    buf_puts(&z->directory, name);
    z->members++;
}

static void zip_end(struct zip *z)
{
    size_t at = z->out->len - z->start;

    buf_add(z->out, z->directory.data, z->directory.len);
    put32(z->out, 0x06054b50);
    put16(z->out, 0);
    put16(z->out, 0);
    put16(z->out, z->members);
    put16(z->out, z->members);
    put32(z->out, (uint32_t)z->directory.len);
    put32(z->out, (uint32_t)at);
    put16(z->out, 0);
    buf_free(&z->directory);
}

/* -- Pickle ------------------------------------------------------------------------------- */

static void pickle_text(struct buf *b, const char *text)
{
    buf_puts(b, "X"); /* BINUNICODE */
    put32(b, (uint32_t)strlen(text));
    buf_puts(b, text);
}

static void pickle_number(struct buf *b, int64_t v)
{
    buf_puts(b, "J"); /* BININT: net_pack_pth() has no larger ones */
    put32(b, (uint32_t)v);
}

static void pickle_global(struct buf *b, const char *module, const char *name)
{
    buf_printf(b, "c%s\n%s\n", module, name);
}

/* collections.OrderedDict() */
static void pickle_dict(struct buf *b)
{
    pickle_global(b, "collections", "OrderedDict");
    buf_puts(b, ")R");
}

/* name: _rebuild_tensor_v2(storage, 0, shape, stride, False, OrderedDict()) */
static void pickle_tensor(struct buf *b, const struct tensor *t, const char *key)
{
    int64_t stride = t->count;

    pickle_text(b, t->name);
    pickle_global(b, "torch._utils", "_rebuild_tensor_v2");
    buf_puts(b, "((");
    pickle_text(b, "storage");
    pickle_global(b, "torch", t->kind == TENSOR_STEPS ? "LongStorage" : "FloatStorage");
    pickle_text(b, key);
    pickle_text(b, "cpu");
    pickle_number(b, t->count);
    buf_puts(b, "tQ");
    pickle_number(b, 0);
    buf_puts(b, "(");
    for (int32_t i = 0; i < t->ndim; i++)
        pickle_number(b, t->shape[i]);
    buf_puts(b, "t(");
    for (int32_t i = 0; i < t->ndim; i++)
        pickle_number(b, stride /= t->shape[i]);
    buf_puts(b, "t\x89");
    pickle_dict(b);
    buf_puts(b, "tR");
}

static void pickle_all(const struct tensors *t, struct buf *out)
{
    char key[24];

    buf_puts(out, "\x80\x02");
    pickle_dict(out);
    buf_puts(out, "(");
    for (size_t i = 0; i < t->count; i++) {
        snprintf(key, sizeof key, "%zu", i);
        pickle_tensor(out, &t->list[i], key);
    }
    buf_puts(out, "u.");
}

tcet_status net_pack_pth(const struct net *n, struct buf *out, struct error *err)
{
    struct arena a = {0};
    struct zip z = {.out = out, .start = out->len};
    struct buf some = {0};
    struct tensors t;
    char name[32];
    size_t bytes = 0;
    tcet_status st = TCET_OK;

    net_tensors(n->graph, &a, &t);
    for (size_t i = 0; i < t.count; i++)
        bytes += net_tensor_bytes(&t.list[i]);
    if (bytes > INT32_MAX || t.count > UINT16_MAX - 3) {
        st =
            error_set(err, TCET_E_UNSUPPORTED,
                      "a .pth file of %zu tensors with %zu bytes is too large to be written; write "
                      ".safetensors",
                      t.count, bytes);
    } else {
        pickle_all(&t, &some);
        zip_add(&z, "data.pkl", some.data, some.len);
        zip_add(&z, "byteorder", "little", 6);
        for (size_t i = 0; i < t.count; i++) {
            some.len = 0;
            net_add_tensor(n, &t.list[i], &some);
            snprintf(name, sizeof name, "data/%zu", i);
            zip_add(&z, name, some.data, some.len);
        }
        zip_add(&z, "version", "3\n", 2);
        zip_end(&z);
    }
    buf_free(&some);
    arena_free(&a);
    return st;
}
