/* safetensors.c -- a network as a safetensors file, and back: a length, a JSON header that says where
 * each tensor lies, their numbers without gaps.
 *
 * Room: core/net.  Stands on core/graph and core/base.  What is read is a stranger's: every name, type,
 * shape and place is checked against the network before a number is taken. */
#include "net/internal.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tcet/draft/json.h>

/* The header's largest size is the reference implementation's. */
enum { LENGTH = 8, HEADER_MAX = 100000000, TEXT_MAX = 2 * TCET_ARCH_MAX };
static const int64_t FILE_MAX = INT64_C(1) << 34;

/* -- Writing ------------------------------------------------------------------------------ */

static void put_about(struct buf *b, const char *key, const char *value)
{
    if (!value)
        return;
    buf_printf(b, ",\"%s\":", key);
    json_write_string(b, value);
}

tcet_status net_pack_safetensors(const struct net *n, struct buf *out, struct error *err)
{
    struct arena a = {0};
    struct buf header = {0};
    struct tensors t;
    uint64_t length;
    size_t at = 0;

    (void)err;
    net_tensors(n->graph, &a, &t);
    buf_puts(&header, "{\"__metadata__\":{\"format\":\"pt\"");
    put_about(&header, "space", n->space);
    put_about(&header, "arch", n->arch);
    put_about(&header, "digest", n->digest);
    put_about(&header, "epoch", n->epoch);
    buf_puts(&header, "}");
    for (int steps = 1; steps >= 0; steps--) { /* the int64 first, so that all are aligned */
        for (size_t i = 0; i < t.count; i++) {
            const struct tensor *x = &t.list[i];

            if ((x->kind == TENSOR_STEPS) != steps)
                continue;
            buf_puts(&header, ",");
            json_write_string(&header, x->name);
            buf_printf(&header, ":{\"dtype\":\"%s\",\"shape\":[", steps ? "I64" : "F32");
            for (int32_t k = 0; k < x->ndim; k++)
                buf_printf(&header, "%s%lld", k ? "," : "", (long long)x->shape[k]);
            buf_printf(&header, "],\"data_offsets\":[%zu,%zu]}", at, at + net_tensor_bytes(x));
            at += net_tensor_bytes(x);
        }
    }
    buf_puts(&header, "}");
    while (header.len % LENGTH)
        buf_puts(&header, " ");
    length = header.len;
    buf_add(out, &length, sizeof length);
    buf_add(out, header.data, header.len);
    for (int steps = 1; steps >= 0; steps--) {
        for (size_t i = 0; i < t.count; i++) {
            if ((t.list[i].kind == TENSOR_STEPS) == steps)
                net_add_tensor(n, &t.list[i], out);
        }
    }
    buf_free(&header);
    arena_free(&a);
    return TCET_OK;
}

/* -- Reading ------------------------------------------------------------------------------ */

/* Where a tensor lies in the data, which has `bytes` bytes. */
struct found {
    int64_t from, to;
    int is_there;
};

struct reader {
    tcet_json json;
    char text[TEXT_MAX];
    const unsigned char *data; /* behind the header */
    int64_t bytes;
    struct tensors tensors; /* by name */
    struct found *found;    /* [tensors.count] */
    struct error *err;
};

static tcet_status bad_header(struct reader *r, const char *want)
{
    if (r->json.error)
        return error_set(r->err, TCET_E_ARG, "byte %lld of the header: %s",
                         (long long)r->json.position, r->json.error);
    return error_set(r->err, TCET_E_ARG, "byte %lld of the header: want %s",
                     (long long)r->json.position, want);
}

static tcet_status expect(struct reader *r, int event, const char *want)
{
    return tcet_json_next(&r->json) == event ? TCET_OK : bad_header(r, want);
}

/* The header's beginning: r->json stands within its object, r->data behind it. */
static tcet_status begin(struct reader *r, const void *data, size_t n, struct error *err)
{
    uint64_t length;

    r->err = err;
    if (n < LENGTH)
        return error_set(err, TCET_E_ARG, "has %zu bytes, too few for a safetensors file", n);
    memcpy(&length, data, sizeof length);
    if (length > HEADER_MAX || length > n - LENGTH)
        return error_set(err, TCET_E_ARG,
                         "says that its header has %llu bytes, of %zu: no safetensors file",
                         (unsigned long long)length, n);
    r->data = (const unsigned char *)data + LENGTH + length;
    r->bytes = (int64_t)(n - LENGTH - length);
    r->json = tcet_json_of((const char *)data + LENGTH, (size_t)length, r->text, sizeof r->text);
    return expect(r, TCET_JSON_OBJECT, "an object");
}

/* A list of whole numbers, at most `max` of them. */
static tcet_status read_numbers(struct reader *r, int64_t *out, int32_t max, int32_t *count)
{
    int event;

    *count = 0;
    TRY(expect(r, TCET_JSON_LIST, "a list"));
    while ((event = tcet_json_next(&r->json)) == TCET_JSON_NUMBER) {
        if (*count == max || text_to_i64(r->json.text, &out[*count]) < 0 || out[*count] < 0)
            return bad_header(r, "a few whole numbers from 0");
        ++*count;
    }
    return event == TCET_JSON_LIST_END ? TCET_OK : bad_header(r, "whole numbers");
}

/* Is what stands in the header the tensor t? */
static tcet_status check_tensor(struct reader *r, const struct tensor *t, const char *dtype,
                                const int64_t *shape, int32_t ndim, const struct found *f)
{
    const char *want = t->kind == TENSOR_STEPS ? "I64" : "F32";
    int same = ndim == t->ndim;

    for (int32_t i = 0; i < ndim && same; i++)
        same = shape[i] == t->shape[i];
    if (strcmp(dtype, want) != 0)
        return error_set(r->err, TCET_E_ARG, "%s: numbers of type %s, want %s", t->name,
                         *dtype ? dtype : "unknown", want);
    if (!same) {
        char text[2][96] = {"", ""};
        const int64_t *list[2] = {shape, t->shape};
        const int32_t length[2] = {ndim, t->ndim};

        for (int k = 0; k < 2; k++) {
            size_t at = 0;

            for (int32_t i = 0; i < length[k] && at < sizeof text[k]; i++)
                at += (size_t)snprintf(text[k] + at, sizeof text[k] - at, "%s%lld", i ? ", " : "",
                                       (long long)list[k][i]);
        }
        return error_set(r->err, TCET_E_ARG, "%s: shape [%s], the network has [%s]", t->name,
                         text[0], text[1]);
    }
    if (f->from > f->to || f->to > r->bytes || f->to - f->from != (int64_t)net_tensor_bytes(t))
        return error_set(r->err, TCET_E_ARG, "%s: lies at bytes %lld to %lld of %lld, and has %zu",
                         t->name, (long long)f->from, (long long)f->to, (long long)r->bytes,
                         net_tensor_bytes(t));
    return TCET_OK;
}

/* The description of tensor i. */
static tcet_status read_tensor(struct reader *r, size_t i)
{
    int64_t shape[4] = {0}, place[2] = {0};
    int32_t ndim = -1, places = -1;
    char dtype[16] = "";
    int event;

    TRY(expect(r, TCET_JSON_OBJECT, "an object"));
    while ((event = tcet_json_next(&r->json)) == TCET_JSON_NAME) {
        if (tcet_json_is(&r->json, "dtype")) {
            TRY(expect(r, TCET_JSON_STRING, "a type"));
            snprintf(dtype, sizeof dtype, "%s", r->json.text);
        } else if (tcet_json_is(&r->json, "shape")) {
            TRY(read_numbers(r, shape, 4, &ndim));
        } else if (tcet_json_is(&r->json, "data_offsets")) {
            TRY(read_numbers(r, place, 2, &places));
        } else {
            return bad_header(r, "dtype, shape or data_offsets");
        }
    }
    if (event != TCET_JSON_OBJECT_END || ndim < 0 || places != 2)
        return bad_header(r, "dtype, shape and data_offsets");
    r->found[i] = (struct found){place[0], place[1], 1};
    return check_tensor(r, &r->tensors.list[i], dtype, shape, ndim, &r->found[i]);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

static int by_place(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    return (x->from > y->from) - (x->from < y->from);
}

/* All of the network's tensors and no other, once each, without gaps. */
static tcet_status read_header(struct reader *r, struct arena *a)
{
    size_t bytes = r->tensors.count * sizeof *r->found;
    struct found *sorted = arena_alloc(a, bytes + 1);
    int64_t at = 0;
    int event;

    while ((event = tcet_json_next(&r->json)) == TCET_JSON_NAME) {
        struct tensor key = {.name = r->json.text}, *t;

        if (tcet_json_is(&r->json, "__metadata__")) {
            if (tcet_json_skip(&r->json, tcet_json_next(&r->json)) < 0)
                return bad_header(r, "metadata");
            continue;
        }
        t = bsearch(&key, r->tensors.list, r->tensors.count, sizeof *t, by_name);
        if (!t)
            return error_set(r->err, TCET_E_ARG, "has a tensor %.200s, the network has none",
                             r->json.text);
        if (r->found[t - r->tensors.list].is_there)
            return error_set(r->err, TCET_E_ARG, "has the tensor %s twice", t->name);
        TRY(read_tensor(r, (size_t)(t - r->tensors.list)));
    }
    if (event != TCET_JSON_OBJECT_END || tcet_json_next(&r->json) != TCET_JSON_END)
        return bad_header(r, "a tensor's name, or the end");
    for (size_t i = 0; i < r->tensors.count; i++) {
        if (!r->found[i].is_there)
            return error_set(r->err, TCET_E_ARG, "lacks the network's tensor %s",
                             r->tensors.list[i].name);
    }
    if (bytes)
        memcpy(sorted, r->found, bytes);
    qsort(sorted, r->tensors.count, sizeof *sorted, by_place);
    for (size_t i = 0; i < r->tensors.count; at = sorted[i++].to) {
        if (sorted[i].from != at)
            break;
    }
    if (at != r->bytes)
        return error_set(r->err, TCET_E_ARG,
                         "tensors overlap, or there is something between them or behind them, "
                         "from byte %lld of the data on",
                         (long long)at);
    return TCET_OK;
}

tcet_status net_unpack(const void *data, size_t n, const struct graph *g, float *params,
                       float *running, int64_t *steps, struct error *err)
{
    struct arena a = {0};
    struct reader *r = arena_alloc(&a, sizeof *r);
    tcet_status st;

    net_tensors(g, &a, &r->tensors);
    qsort(r->tensors.list, r->tensors.count, sizeof *r->tensors.list, by_name);
    r->found = arena_alloc(&a, r->tensors.count * sizeof *r->found + 1);
    st = begin(r, data, n, err);
    if (st >= 0)
        st = read_header(r, &a);
    for (size_t i = 0; i < r->tensors.count && st >= 0; i++) {
        const struct tensor *t = &r->tensors.list[i];
        const unsigned char *from = r->data + r->found[i].from;

        if (t->kind != TENSOR_STEPS)
            memcpy((t->kind == TENSOR_PARAM ? params : running) + t->place, from,
                   net_tensor_bytes(t));
        else if (steps)
            memcpy(steps, from, sizeof *steps);
    }
    arena_free(&a);
    return st;
}

/* One text of the metadata; another's is not kept. */
static tcet_status read_text(struct reader *r, const char *key, char *out, size_t cap, int *taken)
{
    if (!tcet_json_is(&r->json, key) || *taken)
        return TCET_OK;
    *taken = 1;
    TRY(expect(r, TCET_JSON_STRING, "a text"));
    if (strlen(r->json.text) >= cap)
        return error_set(r->err, TCET_E_ARG, "its %s has more than %zu bytes", key, cap - 1);
    memcpy(out, r->json.text, strlen(r->json.text) + 1);
    return TCET_OK;
}

static tcet_status read_metadata(struct reader *r, struct net_about *out)
{
    int event;

    TRY(expect(r, TCET_JSON_OBJECT, "an object"));
    while ((event = tcet_json_next(&r->json)) == TCET_JSON_NAME) {
        int taken = 0;

        TRY(read_text(r, "space", out->space, sizeof out->space, &taken));
        TRY(read_text(r, "digest", out->digest, sizeof out->digest, &taken));
        TRY(read_text(r, "arch", out->arch, sizeof out->arch, &taken));
        if (!taken)
            TRY(expect(r, TCET_JSON_STRING, "a text"));
    }
    return event == TCET_JSON_OBJECT_END ? TCET_OK : bad_header(r, "metadata");
}

tcet_status net_unpack_about(const void *data, size_t n, struct net_about *out, struct error *err)
{
    struct reader *r = mem_alloc(sizeof *r);
    struct net_about about = {.space = ""};
    tcet_status st = begin(r, data, n, err);
    int event = TCET_JSON_NAME;

    while (st >= 0 && (event = tcet_json_next(&r->json)) == TCET_JSON_NAME) {
        if (tcet_json_is(&r->json, "__metadata__"))
            st = read_metadata(r, &about);
        else if (tcet_json_skip(&r->json, tcet_json_next(&r->json)) < 0)
            st = bad_header(r, "a tensor");
    }
    if (st >= 0 && event != TCET_JSON_OBJECT_END)
        st = bad_header(r, "a tensor's name, or the end");
    if (st >= 0)
        *out = about;
    free(r);
    return st;
}

/* A whole file in memory, to be freed; NULL after an error. */
static void *read_file(const char *path, size_t *n, struct error *err)
{
    int64_t size;
    FILE *f = file_open(path, FILE_MAX, &size, err);
    void *data;

    if (!f)
        return NULL;
    *n = (size_t)size;
    data = mem_try(*n + 1, 1);
    if (!data) {
        error_set(err, TCET_E_MEMORY, "%s: no memory for %zu bytes", path, *n);
    } else if (fread(data, 1, *n, f) != *n) {
        error_set(err, TCET_E_IO, "%s: %s", path,
                  ferror(f) ? strerror(errno) : "became shorter while it was read");
        free(data);
        data = NULL;
    }
    fclose(f);
    return data;
}

tcet_status net_read_about(const char *path, struct net_about *out, struct error *err)
{
    size_t n = 0;
    void *data = read_file(path, &n, err);
    tcet_status st;

    if (!data)
        return err->status;
    st = net_unpack_about(data, n, out, err);
    free(data);
    return st < 0 ? error_prefix(err, "%s: ", path) : TCET_OK;
}

tcet_status net_read(const char *path, const struct graph *g, float *params, float *running,
                     int64_t *steps, struct error *err)
{
    size_t n = 0;
    void *data = read_file(path, &n, err);
    tcet_status st;

    if (!data)
        return err->status;
    st = net_unpack(data, n, g, params, running, steps, err);
    free(data);
    return st < 0 ? error_prefix(err, "%s: ", path) : TCET_OK;
}
