/* onnx.c -- networks of your own: an architecture is an ONNX file.
 * Room: spaces.  Stands on the SDK, spaces/onnx, spaces/family and libc.
 *
 * Encodings: "PATH.onnx", relative to [space] folder or the working directory, and "PATH.onnx@DIGEST",
 * the first 16 digits of the file's SHA-256, under which it is listed and stored: a file that has
 * changed is another architecture.  docs/onnx.md says what is read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "family/common.h"
#include "onnx/net.h"

enum { DIGEST = 16, FOLDER_MAX = 1 << 16 };

/* The file that was read last: one architecture is asked about again and again. */
struct kept {
    char *path; /* as it was opened; NULL: none */
    unsigned char *data;
    struct stat info;
    int settled;
    char digest[65];
};

struct onnx {
    const char *folder, *buffers;
    int32_t weights;
    struct onnx_names names;
    char **files; /* of the folder, in the order of their names */
    int64_t file_count;
    struct kept kept;
};

enum { WEIGHTS_FILE = 0, WEIGHTS_DRAW = 1 };

/* ---- files ---- */

static int ends_in(const char *text, size_t n, const char *end)
{
    size_t k = strlen(end);

    return n > k && !memcmp(text + n - k, end, k);
}

/* Where the digest of an encoding begins, 0: it has none. */
static size_t digest_at(const char *text)
{
    size_t n = strlen(text);

    if (n < DIGEST + 2 || text[n - DIGEST - 1] != '@' ||
        strspn(text + n - DIGEST, "0123456789abcdef") != DIGEST)
        return 0;
    return n - DIGEST;
}

/* A file in memory. */
struct content {
    char path[TCET_ARCH_MAX + 1]; /* of the encoding */
    const unsigned char *data;    /* the instance's, until it opens another */
    size_t size;
    char digest[65];
};

static void drop_kept(struct kept *k)
{
    free(k->path);
    free(k->data);
    *k = (struct kept){.path = NULL};
}

/* Is it the file that was read last?  One that was written only just before could have changed since
 * within the clock's step. */
static int is_kept(const struct kept *k, const char *path, const struct stat *now)
{
    return k->path && k->settled && !strcmp(k->path, path) && k->info.st_dev == now->st_dev &&
           k->info.st_ino == now->st_ino && k->info.st_size == now->st_size &&
           k->info.st_mtim.tv_sec == now->st_mtim.tv_sec &&
           k->info.st_mtim.tv_nsec == now->st_mtim.tv_nsec &&
           k->info.st_ctim.tv_sec == now->st_ctim.tv_sec &&
           k->info.st_ctim.tv_nsec == now->st_ctim.tv_nsec;
}

/* All of an open file, which becomes the one that is kept. */
static tcet_status keep(tcet_ctx *cx, struct kept *k, const char *path, const char *said, int fd,
                        const struct stat *info)
{
    enum { STEP_SECONDS = 2 };
    size_t n = 0, size = (size_t)info->st_size;
    ssize_t got = 1;

    drop_kept(k);
    k->data = malloc(size + 1);
    k->path = strdup(path);
    if (!k->data || !k->path)
        return tcet_failf(cx, TCET_E_MEMORY, "%s: no memory for %zu bytes", said, size);
    while (got && n <= size) {
        got = read(fd, k->data + n, size + 1 - n);
        if (got < 0)
            return tcet_failf(cx, TCET_E_IO, "%s: %s", said, strerror(errno));
        n += (size_t)got;
    }
    if (n != size)
        return tcet_failf(cx, TCET_E_ARG, "%s: it changes while it is read", said);
    k->info = *info;
    k->settled = time(NULL) - info->st_ctim.tv_sec > STEP_SECONDS;
    cx->host->sha256(k->data, n, k->digest);
    return TCET_OK;
}

/* All of a regular file. */
static tcet_status read_all(tcet_ctx *cx, struct kept *k, const char *path, struct content *c)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    tcet_status st = TCET_OK;

    if (fd < 0 || fstat(fd, &info) < 0)
        st = tcet_failf(cx, TCET_E_ARG, "%s: %s", c->path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        st = tcet_failf(cx, TCET_E_ARG, "%s: no regular file", c->path);
    else if (info.st_size > ONNX_FILE_MAX)
        st = tcet_failf(cx, TCET_E_ARG, "%s: %lld bytes; files of at most %d are read", c->path,
                        (long long)info.st_size, ONNX_FILE_MAX);
    else if (!is_kept(k, path, &info))
        st = keep(cx, k, path, c->path, fd, &info);
    if (fd >= 0)
        close(fd);
    if (st < 0) {
        drop_kept(k);
        return st;
    }
    c->data = k->data;
    c->size = (size_t)info.st_size;
    memcpy(c->digest, k->digest, sizeof c->digest);
    return TCET_OK;
}

/* The file of an encoding. */
static tcet_status open_file(tcet_ctx *cx, struct onnx *s, const char *text, struct content *c)
{
    size_t digest = digest_at(text), n = digest ? digest - 1 : strlen(text);
    char *path;
    tcet_status st;

    if (n >= TCET_ARCH_MAX - DIGEST - 1 || !ends_in(text, n, ".onnx"))
        return tcet_failf(
            cx, TCET_E_ARG,
            "\"%.200s\" is no path of an ONNX file, which ends in .onnx and is at most %d "
            "bytes long%s",
            text, TCET_ARCH_MAX - DIGEST - 2,
            ends_in(text, n, ".pt") || ends_in(text, n, ".pth")
                ? "; torch.onnx.export makes one of a network in PyTorch"
                : "");
    memcpy(c->path, text, n);
    c->path[n] = '\0';
    path = cx->host->scratch(cx, strlen(s->folder) + n + 2);
    if (!path)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a path");
    sprintf(path, "%s%s%s", *text == '/' ? "" : s->folder, *text != '/' && *s->folder ? "/" : "",
            c->path);
    st = read_all(cx, &s->kept, path, c);
    if (st >= 0 && digest && memcmp(text + digest, c->digest, DIGEST) != 0)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: its content is no more what \"%.*s\" is of, but that of %.*s: the "
                          "file has changed",
                          c->path, DIGEST, text + digest, DIGEST, c->digest);
    return st;
}

/* The model of an encoding. */
struct opened {
    struct content content;
    struct onnx_memory memory;
    struct onnx_model model;
    struct onnx_net net;
};

static tcet_status open_net(tcet_ctx *cx, struct onnx *s, const char *text, struct opened *o)
{
    tcet_status st = open_file(cx, s, text, &o->content);

    o->memory = (struct onnx_memory){.cx = cx};
    if (st >= 0)
        st = onnx_model_read(&o->memory, o->content.path, o->content.data, o->content.size,
                             &o->model);
    o->net = (struct onnx_net){.cx = cx,
                               .m = &o->memory,
                               .model = &o->model,
                               .names = &s->names,
                               .buffers = s->buffers,
                               .from_file = s->weights == WEIGHTS_FILE};
    return st < 0 ? st : onnx_net_open(&o->net);
}

/* The task of a model, from its input and output. */
static tcet_status model_task(struct opened *o, tcet_task *out)
{
    const struct onnx_value_info *in, *logits;
    tcet_status st = onnx_net_ends(&o->net, &in, &logits);
    tcet_ctx *cx = o->net.cx;
    char text[128];

    if (st < 0)
        return st;
    for (int32_t k = 1; k < in->rank; k++)
        if (!in->dims[k] || in->rank > 4)
            return onnx_refuse(
                cx, &o->model, NULL,
                "its input \"%.100s\" has shape %s (0 stands for an open dimension); it "
                "must be "
                "[batch, channels, rows, columns], [batch, channels, length] or "
                "[batch, features], open in the batch alone",
                in->name, onnx_dims_text(in->dims, in->rank, text));
    if (in->rank < 2 || in->type != ONNX_FLOAT)
        return onnx_refuse(
            cx, &o->model, NULL,
            "its input \"%.100s\" has rank %d and elements of type %s; images of type "
            "float, of rank 2 to 4, are read",
            in->name, in->rank, onnx_type_name(in->type));
    if (logits->rank != 2 || !logits->dims[1])
        return onnx_refuse(cx, &o->model, NULL,
                           "its output \"%.100s\" has shape %s; a network is scored that gives "
                           "[batch, classes], one number a class",
                           logits->name, onnx_dims_text(logits->dims, logits->rank, text));
    out->channels = (int32_t)in->dims[1];
    out->height = in->rank == 4 ? (int32_t)in->dims[2] : 1;
    out->width = in->rank == 4 ? (int32_t)in->dims[3] : in->rank == 3 ? (int32_t)in->dims[2] : 1;
    out->classes = (int32_t)logits->dims[1];
    return TCET_OK;
}

/* ---- the space ---- */

static struct opened *new_opened(tcet_ctx *cx)
{
    struct opened *o = cx->host->scratch(cx, sizeof *o);

    if (!o)
        tcet_fail(cx, TCET_E_MEMORY, "no memory for a model");
    return o;
}

static tcet_status space_size(tcet_ctx *cx, void *self, int64_t *out)
{
    const struct onnx *s = self;

    (void)cx;
    *out = s->files ? s->file_count : -1;
    return TCET_OK;
}

static tcet_status space_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    struct onnx *s = self;
    struct opened *o;
    tcet_status st;

    if (!s->files)
        return space_cifar10_task(cx, self, out); /* of no file: whoever asks names none */
    o = new_opened(cx);
    st = o ? open_net(cx, s, s->files[0], o) : TCET_E_MEMORY;
    return st < 0 ? st : model_task(o, out);
}

static tcet_status space_task_of(tcet_ctx *cx, void *self, const char *text, tcet_task *out)
{
    struct opened *o = new_opened(cx);
    tcet_status st = o ? open_net(cx, self, text, o) : TCET_E_MEMORY;

    return st < 0 ? st : model_task(o, out);
}

static tcet_status space_listed(tcet_ctx *cx, void *self, const char *text, char *out, size_t cap)
{
    struct content *c = cx->host->scratch(cx, sizeof *c);
    char *whole = cx->host->scratch(cx, TCET_ARCH_MAX);
    tcet_status st;

    if (!c || !whole)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a path");
    st = open_file(cx, self, text, c);
    if (st < 0)
        return st;
    return space_put(cx, out, cap, whole,
                     (size_t)snprintf(whole, TCET_ARCH_MAX, "%s@%.*s", c->path, DIGEST, c->digest));
}

static tcet_status space_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap)
{
    const struct onnx *s = self;

    if (!s->files)
        return tcet_fail(cx, TCET_E_UNSUPPORTED,
                         "ONNX files have no order; [space] folder = PATH gives them that of a "
                         "folder");
    if (index < 0 || index >= s->file_count)
        return tcet_failf(cx, TCET_E_ARG, "file %lld: the folder has 0 to %lld", (long long)index,
                          (long long)s->file_count - 1);
    return space_listed(cx, self, s->files[index], text, cap);
}

static tcet_status space_check(tcet_ctx *cx, void *self, const char *text)
{
    struct opened *o = new_opened(cx);
    tcet_task task = {.struct_size = sizeof task};
    tcet_status st = o ? open_net(cx, self, text, o) : TCET_E_MEMORY;

    if (st >= 0)
        st = model_task(o, &task);
    return st < 0 ? st : onnx_net_check(&o->net);
}

/* The content alone: two paths of one file are one network. */
static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    struct content *c = cx->host->scratch(cx, sizeof *c);
    tcet_status st;

    if (!c)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a path");
    st = open_file(cx, self, text, c);
    return st < 0 ? st : space_put(cx, key, cap, c->digest, 64);
}

static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    static const char *const layers[] = {"Conv", "Gemm", "MatMul"};
    struct opened *o = new_opened(cx);
    tcet_status st = o ? open_net(cx, self, text, o) : TCET_E_MEMORY;

    if (st < 0)
        return st;
    out->live = out->alive = 1;
    out->depth = 0;
    for (int32_t i = 0; i < o->model.node_count; i++)
        for (size_t k = 0; k < TCET_COUNT(layers); k++)
            out->depth += !strcmp(o->model.nodes[i].op, layers[k]);
    return TCET_OK;
}

/* Says something of the file. */
static void note(struct opened *o, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void note(struct opened *o, int32_t level, const char *format, ...)
{
    char text[1000];
    int n = snprintf(text, sizeof text, "%.300s: ", o->content.path);
    va_list args;

    va_start(args, format);
    vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    o->net.cx->host->log(o->net.cx, level, text);
}

/* A convolution with a bias whose weight the exporter made up: its batch norm was folded into it. */
static void note_folded(struct opened *o)
{
    int32_t folded = 0, dropouts = 0;

    for (int32_t i = 0; i < o->model.node_count; i++) {
        const struct onnx_node *n = &o->model.nodes[i];

        folded += !strcmp(n->op, "Conv") && n->input_count > 2 && strstr(n->inputs[1], "onnx::");
        dropouts += !n->dead && !strcmp(n->op, "Dropout");
    }
    if (folded)
        note(o, TCET_LOG_WARN,
             "batch norms are folded into %d of its convolutions, whose weights are then others "
             "than the network's; export it in training mode "
             "(torch.onnx.TrainingMode.TRAINING) to have them",
             folded);
    if (dropouts)
        note(o, TCET_LOG_INFO, "dropout is off");
}

static void note_shared(struct opened *o)
{
    const struct onnx_net *x = &o->net;

    if (x->merged)
        note(o, TCET_LOG_INFO,
             "%d initializers (\"%.100s\") are equal to others and stand in the file once: each "
             "counts as its module's own",
             x->merged, x->merged_as);
    if (x->shared)
        note(o, TCET_LOG_INFO,
             "%d initializers (\"%.100s\") are of several layers or norms, which differ in others: "
             "each has a copy, which counts and is trained as its own",
             x->shared, x->shared_as);
    if (x->again)
        note(o, TCET_LOG_INFO,
             "layers or norms are used again, %d times, with all of their initializers "
             "(\"%.100s\"): each is one module",
             x->again, x->again_as);
}

/* Does the node hand on its first input, number by number? */
static int hands_on(const struct onnx_node *n)
{
    static const char *const ops[] = {"Identity", "Reshape", "Flatten", "Squeeze", "Dropout"};
    int found = 0;

    for (size_t k = 0; k < TCET_COUNT(ops); k++)
        found |= !strcmp(n->op, ops[k]);
    return found && n->input_count;
}

/* Softmax belongs to the loss: proxies take a network's output for logits. */
static void note_output(struct opened *o)
{
    struct onnx_value *v = onnx_net_value(&o->net, o->model.outputs[0].name);
    const struct onnx_node *n = onnx_net_producer(&o->net, v);

    while (n && hands_on(n))
        n = onnx_net_producer(&o->net, onnx_net_input(&o->net, n, 0));
    if (n && (!strcmp(n->op, "Softmax") || !strcmp(n->op, "Sigmoid")))
        note(o, TCET_LOG_WARN,
             "its output is that of a %s (node %d), and proxies take it for logits: their loss has "
             "a "
             "softmax of its own; export the network without it",
             n->op, n->number);
}

static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    struct opened *o = new_opened(cx);
    int of_folder = ((const struct onnx *)self)->file_count > 0;
    tcet_task own = {.struct_size = sizeof own};
    tcet_status st = o ? open_net(cx, self, text, o) : TCET_E_MEMORY;

    if (st >= 0)
        st = model_task(o, &own);
    if (st < 0)
        return st;
    if (own.channels != task->channels || own.height != task->height || own.width != task->width ||
        own.classes != task->classes)
        return onnx_refuse(
            cx, &o->model, NULL,
            "it is for images of %dx%dx%d and %d classes; the run, by its first "
            "architecture%s%.200s%s, [data] resolution and [run] classes, is for %dx%dx%d and %d: "
            "list networks of one input and one number of classes in a file each (archs = "
            "file:PATH)",
            own.channels, own.height, own.width, own.classes,
            of_folder ? " (with archs = all " : "",
            of_folder ? ((const struct onnx *)self)->files[0] : "", of_folder ? ")" : "",
            task->channels, task->height, task->width, task->classes);
    o->net.b = b;
    st = onnx_net_translate(&o->net);
    if (st >= 0) {
        note_folded(o);
        note_shared(o);
        note_output(o);
    }
    return st;
}

static tcet_status space_random(tcet_ctx *cx, void *self, char *text, size_t cap)
{
    (void)self;
    (void)text;
    (void)cap;
    return tcet_fail(cx, TCET_E_UNSUPPORTED,
                     "networks of your own are files: none is drawn at random");
}

static tcet_status space_mutate(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap)
{
    (void)from;
    (void)self;
    (void)text;
    (void)cap;
    return tcet_fail(cx, TCET_E_UNSUPPORTED, "networks of your own are files: none is changed");
}

/* ---- the instance ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static tcet_status add_file(tcet_ctx *cx, struct onnx *s, const char *name)
{
    char *copy = strdup(name), **grown;

    if (s->file_count == FOLDER_MAX) {
        free(copy);
        return tcet_failf(cx, TCET_E_ARG, "%s: more than %d files", s->folder, FOLDER_MAX);
    }
    grown = realloc(s->files, (size_t)(s->file_count + 1) * sizeof *grown);
    if (grown)
        s->files = grown;
    if (!copy || !grown) {
        free(copy);
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the names of files");
    }
    s->files[s->file_count++] = copy;
    return TCET_OK;
}

static void space_fini(void *self)
{
    struct onnx *s = self;

    for (int64_t i = 0; i < s->file_count; i++)
        free(s->files[i]);
    free(s->files);
    s->files = NULL;
    s->file_count = 0;
    onnx_names_free(&s->names);
    drop_kept(&s->kept);
}

static tcet_status space_init(tcet_ctx *cx, void *self)
{
    struct onnx *s = self;
    struct dirent *e;
    tcet_status st = TCET_OK;
    DIR *d;

    if (!*s->folder)
        return TCET_OK;
    d = opendir(s->folder);
    if (!d)
        return tcet_failf(cx, TCET_E_ARG, "folder %s: %s", s->folder, strerror(errno));
    while (st >= 0 && (e = readdir(d)))
        if (ends_in(e->d_name, strlen(e->d_name), ".onnx"))
            st = add_file(cx, s, e->d_name);
    closedir(d);
    if (st >= 0 && !s->file_count)
        st = tcet_failf(cx, TCET_E_ARG, "folder %s: no file in it ends in .onnx", s->folder);
    if (st < 0)
        space_fini(s);
    else
        qsort(s->files, (size_t)s->file_count, sizeof *s->files, by_name);
    return st;
}

static const char *const weights[] = {"file", "draw", NULL};
static const tcet_param params[] = {
    TCET_PARAM_PATH(
        struct onnx, folder, "",
        "folder of .onnx files, which are then numbered and in which paths begin; none: "
        "paths begin in the working directory"),
    TCET_PARAM_TEXT(struct onnx, buffers, "",
                    "names of initializers that are numbers of the network and not learned, with "
                    "commas: whole, or behind the last dot (mask,mean); a file does not say which"),
    TCET_PARAM_CHOICE(struct onnx, weights, "file", weights,
                      "file: the file's weights; draw: PyTorch's default draws, by the run's seed"),
};

static const tcet_space_ops ops = {.struct_size = sizeof ops,
                                   .size = space_size,
                                   .task = space_task,
                                   .at = space_at,
                                   .check = space_check,
                                   .canonical = space_canonical,
                                   .traits = space_traits,
                                   .build = space_build,
                                   .random = space_random,
                                   .mutate = space_mutate,
                                   .listed = space_listed,
                                   .task_of = space_task_of};
static const tcet_plugin plugin = {
    .struct_size = sizeof plugin,
    .kind = TCET_SPACE,
    .id = "onnx",
    .version = "1.0.0",
    .summary =
        "Networks of your own: an architecture is the path of an ONNX file (models/net.onnx).",
    .ops = &ops,
    TCET_PARAMS(struct onnx, params),
    .init = space_init,
    .fini = space_fini,
};

TCET_MODULE(&plugin)
