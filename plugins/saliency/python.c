/* python.c -- a saliency that a Python process computes: its views go there through shared memory, S comes
 * back.  Slow, and for a first idea (docs/python.md); tcet.saliency() of sdk/python serves it.
 *
 * Room: plugins/saliency.  Touches the SDK, libc, and the socket that it is told.
 *
 * An instance has one connection to that socket, made when the first layer comes.  A layer is told as
 *   "TCS1", uint32 length of the text, uint64 length of the memory, the text,
 * the memory's descriptor beside the first byte where it is new.  The text is JSON: what the layer is, and
 * of each view where it begins in the memory, its type and shape.  The answer is uint32 0 (S stands in
 * its place) or 1, uint32 length of a text, and that text.  Numbers are little-endian. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tcet/failf.h>
#include <tcet/saliency.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the messages are of little-endian numbers");

struct python {
    const char *socket, *views;
    int32_t form, loss, rows, norm, weights, input;
    int connection; /* 1 + the descriptor, 0: none */
    int memory;     /* 1 + the descriptor, 0: none */
    char *at;       /* the memory, of `size` bytes */
    size_t size;
    int told; /* 1: the other side has this memory */
};

/* -- views ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    uint32_t want;
    size_t offset; /* in tcet_layer */
    int gradient;  /* 1: only a pass with a gradient has it */
} views[] = {
    {"weight", TCET_WANT_WEIGHT, offsetof(tcet_layer, weight), 0},
    {"gradient", TCET_WANT_GRADIENT, offsetof(tcet_layer, gradient), 1},
    {"input", TCET_WANT_INPUT, offsetof(tcet_layer, input), 0},
    {"output", TCET_WANT_OUTPUT, offsetof(tcet_layer, output), 0},
    {"output_gradient", TCET_WANT_OUTPUT_GRADIENT, offsetof(tcet_layer, output_gradient), 1},
    {"agreement", TCET_WANT_AGREEMENT, offsetof(tcet_layer, agreement), 0},
    {"hvp", TCET_WANT_HVP, offsetof(tcet_layer, hvp), 1},
    {"channel_product", TCET_WANT_CHANNEL_PRODUCT, offsetof(tcet_layer, channel_product), 1},
    {"bias", TCET_WANT_BIAS, offsetof(tcet_layer, bias), 0},
    {"bias_gradient", TCET_WANT_BIAS_GRADIENT, offsetof(tcet_layer, bias_gradient), 1},
};

/* The wants of the list of names. */
static tcet_status read_views(tcet_ctx *cx, const struct python *p, uint32_t *wants, int *gradient)
{
    static const char between[] = ", ";

    *wants = 0;
    *gradient = 0;
    for (const char *at = p->views + strspn(p->views, between); *at;) {
        size_t n = strcspn(at, between), k = 0;

        while (k < TCET_COUNT(views) &&
               (strlen(views[k].name) != n || memcmp(at, views[k].name, n)))
            k++;
        if (k == TCET_COUNT(views))
            return tcet_failf(
                cx, TCET_E_ARG,
                "views: there is none \"%.*s\"; there are weight, gradient, input, output, "
                "output_gradient, agreement, hvp, channel_product, bias, bias_gradient",
                (int)(n > 60 ? 60 : n), at);
        *wants |= views[k].want;
        *gradient |= views[k].gradient;
        at += n;
        at += strspn(at, between);
    }
    return TCET_OK;
}

static tcet_status describe(tcet_ctx *cx, void *self, tcet_request *request)
{
    static const uint32_t forms[] = {TCET_FORM_VECTOR, TCET_FORM_SCALAR, TCET_FORM_ROWS,
                                     TCET_FORM_KERNEL};
    const struct python *p = self;
    tcet_pass *pass = request->pass;
    int gradient;
    tcet_status st = read_views(cx, p, &request->wants, &gradient);

    if (st < 0)
        return st;
    request->form = forms[p->form];
    pass->weights = p->weights ? TCET_WEIGHTS_ABSOLUTE : TCET_WEIGHTS_DRAWN;
    pass->input = p->input ? TCET_INPUT_ONES : TCET_INPUT_BATCH;
    pass->norm = (uint32_t)p->norm; /* in the order of TCET_NORM_* */
    if (!gradient)
        return TCET_OK;
    pass->hvp = (request->wants & TCET_WANT_HVP) != 0;
    pass->loss = p->loss || p->input ? TCET_LOSS_SUM : TCET_LOSS_CROSS_ENTROPY;
    pass->gradient = p->rows ? TCET_GRADIENT_SAMPLE : TCET_GRADIENT_BATCH;
    return TCET_OK;
}

/* -- the other side ------------------------------------------------------------------------ */

static void hang_up(struct python *p)
{
    if (p->connection)
        close(p->connection - 1);
    if (p->at)
        munmap(p->at, p->size);
    if (p->memory)
        close(p->memory - 1);
    p->connection = p->memory = p->told = 0;
    p->at = NULL;
    p->size = 0;
}

/* It has ended, or does not keep to the protocol. */
static tcet_status lost(tcet_ctx *cx, struct python *p, const char *what)
{
    hang_up(p);
    return tcet_failf(cx, TCET_E_IO, "the Python process that serves %s %s", p->socket, what);
}

static tcet_status hang_on(tcet_ctx *cx, struct python *p)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd;

    if (p->connection)
        return TCET_OK;
    memcpy(to.sun_path, p->socket, strlen(p->socket) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) < 0) {
        int why = errno;

        close(fd);
        errno = why;
        fd = -1;
    }
    if (fd < 0)
        return tcet_failf(cx, TCET_E_IO,
                          "socket %s: %s; nobody serves it: the Python process that "
                          "tcet.saliency() was called in must run on this machine, as long as it "
                          "is asked",
                          p->socket, strerror(errno));
    p->connection = fd + 1;
    return TCET_OK;
}

/* Memory of that many bytes or more. */
static tcet_status make_room(tcet_ctx *cx, struct python *p, size_t bytes)
{
    size_t size = bytes + bytes / 2;
    void *at;
    int fd;

    if (p->at && p->size >= bytes)
        return TCET_OK;
    if (p->at)
        munmap(p->at, p->size);
    if (p->memory)
        close(p->memory - 1);
    p->at = NULL;
    p->memory = p->told = 0;
    fd = memfd_create("tcet-saliency", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
        at = MAP_FAILED;
    else
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        if (fd >= 0)
            close(fd);
        return tcet_failf(cx, TCET_E_MEMORY, "no shared memory of %zu bytes: %s", size,
                          strerror(errno));
    }
    p->memory = fd + 1;
    p->at = at;
    p->size = size;
    return TCET_OK;
}

/* Waits until the connection can be read or written; a run's timeout ends the worker that waits too long. */
static tcet_status ready(tcet_ctx *cx, struct python *p, short events)
{
    struct pollfd on = {.fd = p->connection - 1, .events = events};

    while (poll(&on, 1, 200) <= 0)
        if (cx->host->cancelled(cx)) {
            hang_up(p); /* an answer may be under way */
            return tcet_fail(cx, TCET_E_CANCELLED, "cancelled");
        }
    return TCET_OK;
}

/* All of the bytes; the memory's descriptor goes with the first of them where it is new. */
static tcet_status say(tcet_ctx *cx, struct python *p, const char *data, size_t n, int with_memory)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    int memory = p->memory - 1;

    while (n) {
        struct iovec part = {.iov_base = (void *)data, .iov_len = n};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        tcet_status st = ready(cx, p, POLLOUT);
        ssize_t sent;

        if (st < 0)
            return st;
        if (with_memory) {
            message.msg_control = control.room;
            message.msg_controllen = sizeof control.room;
            control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof memory),
                                            .cmsg_level = SOL_SOCKET,
                                            .cmsg_type = SCM_RIGHTS};
            memcpy(CMSG_DATA(&control.head), &memory, sizeof memory);
        }
        sent = sendmsg(p->connection - 1, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (sent <= 0)
            return lost(cx, p, "has ended");
        with_memory = 0;
        data += sent;
        n -= (size_t)sent;
    }
    return TCET_OK;
}

static tcet_status hear(tcet_ctx *cx, struct python *p, void *data, size_t n)
{
    char *at = data;

    while (n) {
        tcet_status st = ready(cx, p, POLLIN);
        ssize_t got = st < 0 ? 0 : recv(p->connection - 1, at, n, MSG_DONTWAIT);

        if (st < 0)
            return st;
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return lost(cx, p, "ended before it answered");
        at += got;
        n -= (size_t)got;
    }
    return TCET_OK;
}

/* -- a layer ------------------------------------------------------------------------------ */

enum { TEXT_MAX = 8192, ALIGN = 64, ANSWER_MAX = 4096 };

struct message {
    char text[TEXT_MAX];
    size_t n;     /* of the text */
    size_t bytes; /* of memory so far */
};

__attribute__((format(printf, 2, 3))) static void put(struct message *m, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(m->text + m->n, sizeof m->text - m->n, format, ap);
    va_end(ap);
    m->n += n < 0 ? 0 : (size_t)n;
    m->n = m->n < sizeof m->text ? m->n : sizeof m->text - 1;
}

/* A text as JSON has it; what is no printable ASCII is '?'. */
static void put_text(struct message *m, const char *text)
{
    put(m, "\"");
    for (size_t i = 0; text[i] && i < 512; i++)
        if (text[i] == '"' || text[i] == '\\')
            put(m, "\\%c", text[i]);
        else
            put(m, "%c", text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    put(m, "\"");
}

static size_t element(const tcet_view *v)
{
    return v->dtype == TCET_F32 ? 4 : v->dtype == TCET_U8 ? 1 : 8;
}

/* A view's place, after those before it. */
static size_t put_view(struct message *m, const char *name, const tcet_view *v)
{
    static const char *const types[] = {"f", "d", "q", "B", "Q"}; /* Python's, by TCET_F32 ... */
    size_t at = m->bytes;

    put(m, "%s\"%s\":[%zu,\"%s\",[", m->text[m->n - 1] == '{' ? "" : ",", name, at,
        types[v->dtype]);
    for (int32_t k = 0; k < v->ndim; k++)
        put(m, "%s%lld", k ? "," : "", (long long)v->shape[k]);
    put(m, "]]");
    m->bytes = (at + (size_t)v->count * element(v) + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

static const tcet_view *view_of(const tcet_layer *in, size_t k)
{
    const tcet_view *v = (const tcet_view *)(const void *)((const char *)in + views[k].offset);

    return v->data ? v : NULL;
}

/* The text; places[k] of each view, and that of S last. */
static void write_text(struct message *m, const tcet_layer *in, const tcet_view *out,
                       size_t *places)
{
    const int64_t shape[] = {in->batch};
    const tcet_view labels = {.shape = shape, .count = in->batch, .ndim = 1, .dtype = TCET_I64};
    size_t k;

    put(m, "{\"name\":");
    put_text(m, in->name ? in->name : "");
    put(m,
        ",\"kind\":%u,\"index\":%d,\"order\":%d,\"calls\":%d,\"cell\":%d,\"params\":%lld,"
        "\"macs\":%lld,\"rows\":%lld,\"batch\":%lld,\"units\":%lld,\"views\":{",
        in->kind, in->index, in->order, in->calls, in->cell, (long long)in->params,
        (long long)in->macs, (long long)in->rows, (long long)in->batch, (long long)in->units);
    for (k = 0; k < TCET_COUNT(views); k++)
        if (view_of(in, k))
            places[k] = put_view(m, views[k].name, view_of(in, k));
    if (in->labels)
        places[k] = put_view(m, "labels", &labels);
    put(m, "},\"out\":{");
    places[k + 1] = put_view(m, "S", out);
    put(m, "}}");
}

/* The answer: S in its place, or the function's error. */
static tcet_status answer(tcet_ctx *cx, struct python *p, const char *name)
{
    char text[ANSWER_MAX];
    uint32_t head[2];
    tcet_status st = hear(cx, p, head, sizeof head);

    if (st < 0)
        return st;
    if (head[0] > 1 || head[1] >= sizeof text)
        return lost(cx, p, "answered what is no answer");
    st = hear(cx, p, text, head[1]);
    if (st < 0)
        return st;
    text[head[1]] = '\0';
    return head[0] ? tcet_failf(cx, TCET_E_ARG, "layer %.200s: in Python: %.700s", name, text)
                   : TCET_OK;
}

static tcet_status layer(tcet_ctx *cx, void *self, const tcet_layer *in, tcet_view *out)
{
    enum { COUNT = TCET_COUNT(views) };
    struct python *p = self;
    size_t places[COUNT + 2] = {0};
    struct message *m = cx->host->scratch(cx, sizeof *m);
    char head[16] = "TCS1";
    uint32_t length;
    uint64_t size;
    tcet_status st;

    if (!m)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a message");
    write_text(m, in, out, places);
    st = hang_on(cx, p);
    if (st >= 0)
        st = make_room(cx, p, m->bytes + ALIGN);
    if (st < 0)
        return st;
    for (size_t k = 0; k < COUNT; k++)
        if (view_of(in, k))
            memcpy(p->at + places[k], view_of(in, k)->data,
                   (size_t)view_of(in, k)->count * element(view_of(in, k)));
    if (in->labels)
        memcpy(p->at + places[COUNT], in->labels, (size_t)in->batch * sizeof *in->labels);
    length = (uint32_t)m->n;
    size = p->size;
    memcpy(head + 4, &length, sizeof length);
    memcpy(head + 8, &size, sizeof size);
    st = say(cx, p, head, sizeof head, !p->told);
    if (st >= 0)
        st = say(cx, p, m->text, m->n, 0);
    if (st < 0)
        return st;
    p->told = 1;
    st = answer(cx, p, in->name ? in->name : "");
    if (st >= 0)
        memcpy(out->data, p->at + places[COUNT + 1], (size_t)out->count * sizeof(double));
    return st;
}

static tcet_status init(tcet_ctx *cx, void *self)
{
    const struct python *p = self;
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path;

    if (strlen(p->socket) >= most)
        return tcet_failf(cx, TCET_E_ARG, "socket %s: its path has more than %zu bytes", p->socket,
                          most - 1);
    return TCET_OK;
}

static void fini(void *self)
{
    hang_up(self);
}

static const char *const form[] = {"vector", "scalar", "rows", "kernel", NULL};
static const char *const loss[] = {"cross_entropy", "sum", NULL};
static const char *const rows[] = {"batch", "sample", NULL};
static const char *const norm[] = {"train", "eval", "removed", NULL};
static const char *const weights[] = {"drawn", "absolute", NULL};
static const char *const input[] = {"batch", "ones", NULL};
static const tcet_param params[] = {
    TCET_PARAM_TEXT(struct python, socket, NULL,
                    "Unix socket on which tcet.saliency(function) in Python waits"),
    TCET_PARAM_TEXT(struct python, views, "weight, gradient",
                    "What the function gets of a layer: weight, gradient, input, output, "
                    "output_gradient, agreement, hvp, channel_product, bias, bias_gradient."),
    TCET_PARAM_CHOICE(struct python, form, "vector", form,
                      "S: as the weight, one number, a row an image as the weight, or a number a "
                      "pair of images."),
    TCET_PARAM_CHOICE(struct python, loss, "cross_entropy", loss,
                      "Of the gradient; sum: of all logits."),
    TCET_PARAM_CHOICE(struct python, rows, "batch", rows,
                      "Gradient: one, of the mean loss of the batch; or one an image, of its own."),
    TCET_PARAM_CHOICE(struct python, norm, "train", norm,
                      "Batch norm: statistics of the batch, the running ones, or none."),
    TCET_PARAM_CHOICE(struct python, weights, "drawn", weights, "absolute: their magnitudes."),
    TCET_PARAM_CHOICE(struct python, input, "batch", input,
                      "ones: one image of ones, whose loss is the sum of its logits."),
};

static const tcet_saliency_ops ops = {
    .struct_size = sizeof ops, .direction = 1, .describe = describe, .layer = layer};
static const tcet_plugin plugin = {
    .struct_size = sizeof plugin,
    .kind = TCET_SALIENCY,
    .id = "python",
    .version = "1.0.0",
    .summary = "A function in Python, for a first idea: tcet.saliency(function) serves it. Slow.",
    TCET_PARAMS(struct python, params),
    .ops = &ops,
    .init = init,
    .fini = fini,
};

TCET_MODULE(&plugin)
