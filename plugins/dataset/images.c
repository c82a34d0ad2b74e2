/* images.c -- your own images: a folder a class, with PNG and JPEG files.
 *
 * Room: plugins/dataset.  Touches common/, the SDK, libc and threads, and the files that it is given.
 *
 * Opening lists the files and decodes the first; drawing decodes what it needs, some files at a time
 * in threads, each into its own place, so that their number changes nothing. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/picture.h"
#include "common/set.h"

enum { CLASSES_MAX = 100000, FILES_MAX = 20000000, SIDE_MAX = 4096, ERROR = 700, THREADS_MAX = 16 };
/* A set up to so many bytes is known by its contents, a larger one by names and sizes. */
static const int64_t READ_MAX = INT64_C(1) << 28;

struct list {
    char **name;
    int64_t count, cap;
};

struct images {
    struct set set;
    const char *path, *mean, *std, *permutations;
    int64_t resize, max_pixels, threads;
    int32_t fit, colour, alpha, broken, balance, jigsaw;
    char *root[TCET_SPLITS];
    struct list classes;
    struct list files[TCET_SPLITS]; /* "CLASS/FILE", in the set's order */
};

enum { COVER, STRETCH };
enum { RGB, GRAY };
enum { BROKEN_ERROR, BROKEN_SKIP };

/* -- Lists of names -------------------------------------------------------------------------- */

static void list_free(struct list *l)
{
    for (int64_t i = 0; i < l->count; i++)
        free(l->name[i]);
    free(l->name);
    *l = (struct list){.count = 0};
}

/* Takes name, also when there is no memory: -1. */
static int list_add(struct list *l, char *name)
{
    if (name && l->count == l->cap) {
        int64_t more = l->cap ? 2 * l->cap : 64;
        char **grown = realloc(l->name, (size_t)more * sizeof *grown);

        if (!grown) {
            free(name);
            return -1;
        }
        l->name = grown;
        l->cap = more;
    }
    if (!name)
        return -1;
    l->name[l->count++] = name;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "a/b", malloc'd. */
static char *join(const char *a, const char *b)
{
    size_t size = strlen(a) + strlen(b) + 2;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s/%s", a, b);
    return path;
}

static int is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot &&
           (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

/* Sub-folders of a folder, or its pictures, sorted by name (bytewise); names with a dot in front are
 * left out. */
static tcet_status list_folder(tcet_ctx *cx, const char *folder, int pictures, struct list *out)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    tcet_status st = TCET_OK;

    if (!d)
        return tcet_failf(cx, TCET_E_IO, "%s: %s", folder, strerror(errno));
    while (st == TCET_OK && (e = readdir(d))) {
        char *path;

        if (e->d_name[0] == '.' || (pictures && !is_picture(e->d_name)))
            continue;
        path = join(folder, e->d_name);
        if (path && is_folder(path) != pictures && list_add(out, strdup(e->d_name)) < 0)
            st = tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
        if (!path || out->count > FILES_MAX)
            st = tcet_failf(cx, TCET_E_MEMORY, "%s: more files than can be listed", folder);
        free(path);
    }
    closedir(d);
    if (st == TCET_OK && out->count)
        qsort(out->name, (size_t)out->count, sizeof *out->name, by_name);
    return st;
}

/* -- Decoding -------------------------------------------------------------------------------- */

/* What the threads of one call share. */
struct decoding {
    const struct images *p;
    uint32_t split;
    const int64_t *images;
    int64_t n;
    int32_t h, w;
    unsigned char *out; /* NULL: only whether a file can be decoded */
    char *wrong;        /* NULL, or of every image whether it cannot */
    atomic_llong next;
    atomic_llong failed; /* the first image that failed; n: none */
};

/* A file's picture; the message says what can be done, too. */
static int decode_file(const struct images *p, const char *path, struct picture *out, char *error,
                       size_t cap)
{
    struct picture_rules rules = {p->max_pixels, p->set.channels, p->alpha};
    int done = picture_read(path, &rules, out, error, cap);
    size_t n = strlen(error);

    if (done < 0 && p->broken == BROKEN_ERROR)
        snprintf(error + n, cap - n, "; [data] broken = skip leaves such files out");
    return done;
}

static int decode(const struct decoding *d, int64_t i, char *error, size_t cap)
{
    const struct images *p = d->p;
    char *path = join(p->root[d->split], p->files[d->split].name[d->images[i]]);
    size_t image = (size_t)p->set.channels * (size_t)d->h * (size_t)d->w;
    struct picture picture;
    char text[ERROR / 2];
    int done;

    if (!path) {
        snprintf(error, cap, "no memory for a file's name");
        return -1;
    }
    done = decode_file(p, path, &picture, error, cap);
    if (done == 0 && d->out) {
        done = picture_fit(&picture, p->fit == STRETCH, (int32_t)p->resize, d->h, d->w,
                           d->out + (size_t)i * image, text, sizeof text);
        if (done < 0)
            snprintf(error, cap, "%s: %s", path, text);
    }
    picture_free(&picture);
    free(path);
    return done;
}

static void *decode_some(void *user)
{
    struct decoding *d = user;
    char error[ERROR] = "";
    long long i;

    while ((i = atomic_fetch_add(&d->next, 1)) < d->n) {
        if (decode(d, i, error, sizeof error) >= 0)
            continue;
        if (d->wrong) {
            d->wrong[i] = 1;
        } else {
            long long first = atomic_load(&d->failed);

            while (i < first && !atomic_compare_exchange_weak(&d->failed, &first, i)) {
            }
        }
    }
    return NULL;
}

/* All of d, in threads; the error is that of the first image that fails, whichever thread had it. */
static tcet_status decode_all(tcet_ctx *cx, struct decoding *d)
{
    pthread_t thread[THREADS_MAX];
    int64_t started = 0;
    char error[ERROR] = "";

    atomic_init(&d->next, 0);
    atomic_init(&d->failed, d->n);
    while (started < d->p->threads - 1 && started < d->n - 1 &&
           pthread_create(&thread[started], NULL, decode_some, d) == 0)
        started++;
    decode_some(d); /* this thread too: without any other it does all */
    while (started > 0)
        pthread_join(thread[--started], NULL);
    if (atomic_load(&d->failed) < d->n) {
        if (decode(d, atomic_load(&d->failed), error, sizeof error) < 0)
            return tcet_fail(cx, TCET_E_ARG, error);
        return tcet_fail(cx, TCET_E_MEMORY, "no memory to decode images");
    }
    return cx->host->cancelled(cx) ? tcet_fail(cx, TCET_E_CANCELLED, "stopped") : TCET_OK;
}

static tcet_status pixels(tcet_ctx *cx, void *self, uint32_t split, const int64_t *images,
                          int64_t n, int32_t h, int32_t w, void *out)
{
    struct decoding d = {
        .p = self, .split = split, .images = images, .n = n, .h = h, .w = w, .out = out};

    return decode_all(cx, &d);
}

/* Puts the split's files into the set's order, that of list_pictures(): those of a class are in theirs. */
static tcet_status put_in_turn(tcet_ctx *cx, struct images *p, uint32_t split)
{
    struct list *files = &p->files[split];
    int32_t *label = p->set.label[split], *labels;
    int64_t n = files->count, classes = p->set.top_label[split] + INT64_C(1), to = 0;
    int64_t *first = calloc((size_t)classes, sizeof *first); /* of a class, that has no place yet */
    int64_t *next = malloc((size_t)(n + 1) * sizeof *next);  /* of the same class; n: none */
    char **names = malloc((size_t)(n + 1) * sizeof *names);
    tcet_status st = TCET_OK;

    labels = malloc((size_t)(n + 1) * sizeof *labels);
    if (!first || !next || !names || !labels)
        st = tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
    for (int64_t k = 0; st == TCET_OK && k < classes; k++)
        first[k] = n;
    for (int64_t i = n - 1; st == TCET_OK && i >= 0; i--) {
        next[i] = first[label[i]];
        first[label[i]] = i;
    }
    while (st == TCET_OK && to < n) {
        for (int64_t k = 0; k < classes; k++) {
            if (first[k] == n)
                continue;
            names[to] = files->name[first[k]];
            labels[to++] = (int32_t)k;
            first[k] = next[first[k]];
        }
    }
    if (st == TCET_OK) {
        memcpy(files->name, names, (size_t)n * sizeof *names);
        memcpy(label, labels, (size_t)n * sizeof *labels);
    }
    free(first);
    free(next);
    free(names);
    free(labels);
    return st;
}

/* broken = skip: leaves out the files that cannot be decoded, and says how many they are.  What is left is
 * the set of a folder that never had them. */
static tcet_status leave_out_broken(tcet_ctx *cx, struct images *p, uint32_t split)
{
    struct list *files = &p->files[split];
    int64_t all = files->count, kept = 0, *order = malloc((size_t)(all ? all : 1) * sizeof *order);
    char *wrong = calloc((size_t)(all ? all : 1), 1), *first = NULL, text[700];
    struct decoding d = {.p = p, .split = split, .images = order, .n = all, .wrong = wrong};
    int32_t *label = p->set.label[split];
    tcet_status st = order && wrong ? TCET_OK : tcet_fail(cx, TCET_E_MEMORY, "no memory");

    for (int64_t i = 0; order && i < all; i++)
        order[i] = i;
    if (st == TCET_OK)
        st = decode_all(cx, &d);
    p->set.top_label[split] = 0;
    for (int64_t i = 0; st == TCET_OK && i < all; i++) {
        if (wrong[i]) {
            if (!first)
                first = files->name[i];
            else
                free(files->name[i]);
            continue;
        }
        label[kept] = label[i];
        if (label[i] > p->set.top_label[split])
            p->set.top_label[split] = label[i];
        files->name[kept++] = files->name[i];
    }
    if (first) {
        snprintf(text, sizeof text,
                 "%.300s: %" PRId64 " of %" PRId64 " files cannot be decoded and "
                 "are left out (broken = skip), first %.200s",
                 p->root[split], all - kept, all, first);
        cx->host->log(cx, TCET_LOG_WARN, text);
        free(first);
    }
    if (st == TCET_OK) {
        files->count = p->set.count[split] = kept;
        st = put_in_turn(cx, p, split);
    }
    free(order);
    free(wrong);
    return st;
}

/* -- Opening --------------------------------------------------------------------------------- */

/* The number of a class, or -1. */
static int64_t class_of(const struct images *p, const char *name)
{
    char **found = p->classes.count ? bsearch(&name, p->classes.name, (size_t)p->classes.count,
                                              sizeof name, by_name)
                                    : NULL;

    return found ? found - p->classes.name : -1;
}

/* The pictures of folder k of a split. */
static tcet_status list_class(tcet_ctx *cx, const struct images *p, uint32_t split,
                              const char *name, struct list *out)
{
    char *path = join(p->root[split], name);
    tcet_status st;

    if (!path)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
    if (class_of(p, name) < 0)
        st = tcet_failf(cx, TCET_E_ARG, "%s: a class that %s does not have", path, p->root[0]);
    else
        st = list_folder(cx, path, 1, out);
    if (st == TCET_OK && out->count == 0)
        st = tcet_failf(cx, TCET_E_ARG, "%s: holds no .png, .jpg or .jpeg file", path);
    free(path);
    return st;
}

/* The pictures of all class folders of a split: the first of each class, then the second of each ...,
 * so that the first and the last of a split are of all classes. */
static tcet_status list_pictures(tcet_ctx *cx, struct images *p, uint32_t split,
                                 const struct list *folders)
{
    struct list *of = calloc((size_t)folders->count, sizeof *of);
    tcet_status st = of ? TCET_OK : tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
    int64_t most = 0;

    for (int64_t k = 0; st == TCET_OK && k < folders->count; k++) {
        st = list_class(cx, p, split, folders->name[k], &of[k]);
        most = of[k].count > most ? of[k].count : most;
    }
    for (int64_t i = 0; st == TCET_OK && i < most; i++) {
        for (int64_t k = 0; st == TCET_OK && k < folders->count; k++) {
            if (i >= of[k].count)
                continue;
            st = set_add(cx, &p->set, split, class_of(p, folders->name[k]));
            if (st == TCET_OK &&
                list_add(&p->files[split], join(folders->name[k], of[k].name[i])) < 0)
                st = tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
        }
    }
    for (int64_t k = 0; of && k < folders->count; k++)
        list_free(&of[k]);
    free(of);
    return st;
}

static tcet_status list_split(tcet_ctx *cx, struct images *p, uint32_t split)
{
    struct list folders = {.count = 0};
    tcet_status st = list_folder(cx, p->root[split], 0, &folders);

    if (st == TCET_OK && (folders.count == 0 || folders.count > CLASSES_MAX))
        st = tcet_failf(cx, TCET_E_ARG,
                        "%s: has %" PRId64 " sub-folders; want a folder for each class, %d at most",
                        p->root[split], folders.count, CLASSES_MAX);
    if (st == TCET_OK && split == TCET_SPLIT_TRAIN) {
        p->classes = folders;
        st = list_pictures(cx, p, split, &p->classes);
    } else {
        if (st == TCET_OK)
            st = list_pictures(cx, p, split, &folders);
        list_free(&folders);
    }
    if (st == TCET_OK && p->broken == BROKEN_SKIP)
        st = leave_out_broken(cx, p, split);
    if (st == TCET_OK && p->set.count[split] == 0)
        st = tcet_failf(cx, TCET_E_ARG, "%s: no file can be decoded", p->root[split]);
    return st;
}

/* Names and sizes of all files, and their contents unless that is too much to read. */
static tcet_status sum_up(tcet_ctx *cx, struct images *p, uint32_t split)
{
    const struct list *files = &p->files[split];
    uint64_t *sum = &p->set.checksum[split];
    int64_t total = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < files->count && (pass == 0 || total <= READ_MAX); i++) {
            char *path = join(p->root[split], files->name[i]);
            unsigned char *bytes = NULL;
            struct stat info;
            size_t size;
            tcet_status st = TCET_OK;

            if (!path)
                return tcet_fail(cx, TCET_E_MEMORY, "no memory for a file's name");
            if (pass == 1)
                st = set_file(cx, path, PICTURE_BYTES_MAX, &bytes, &size);
            else if (stat(path, &info) < 0)
                st = tcet_failf(cx, TCET_E_IO, "%s: %s", path, strerror(errno));
            free(path);
            if (st < 0)
                return st;
            if (pass == 1) {
                *sum = set_hash(*sum, bytes, size);
                free(bytes);
                continue;
            }
            *sum = set_hash(*sum, files->name[i], strlen(files->name[i]) + 1);
            *sum = set_hash(*sum, &(int64_t){info.st_size}, sizeof(int64_t));
            total += info.st_size;
        }
    }
    return TCET_OK;
}

static tcet_status find_test(tcet_ctx *cx, void *self)
{
    struct images *p = self;
    tcet_status st = TCET_OK;

    list_free(&p->files[TCET_SPLIT_TEST]);
    if (p->root[TCET_SPLIT_TEST])
        st = list_split(cx, p, TCET_SPLIT_TEST);
    return st == TCET_OK ? sum_up(cx, p, TCET_SPLIT_TEST) : st;
}

/* The size of the first training image, where nobody asks for another. */
static tcet_status natural_size(tcet_ctx *cx, struct images *p)
{
    char *path = join(p->root[TCET_SPLIT_TRAIN], p->files[TCET_SPLIT_TRAIN].name[0]);
    struct picture picture;
    char error[ERROR] = "";
    tcet_status st = TCET_OK;

    if (!path)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for a file's name");
    if (decode_file(p, path, &picture, error, sizeof error) < 0)
        st = tcet_fail(cx, TCET_E_ARG, error);
    p->set.height = picture.height > SIDE_MAX ? SIDE_MAX : picture.height;
    p->set.width = picture.width > SIDE_MAX ? SIDE_MAX : picture.width;
    if (p->resize)
        p->set.height = p->set.width = (int32_t)p->resize;
    picture_free(&picture);
    free(path);
    return st;
}

/* mean and std, where ImageNet's have a name. */
static tcet_status statistics(tcet_ctx *cx, struct images *p)
{
    int gray = p->colour == GRAY;
    const char *mean = gray ? "0.449" : "0.485 0.456 0.406";
    const char *std = gray ? "0.226" : "0.229 0.224 0.225";

    return set_statistics(cx, &p->set, strcmp(p->mean, "imagenet") ? p->mean : mean,
                          strcmp(p->std, "imagenet") ? p->std : std);
}

static void forget(struct images *p)
{
    set_forget(&p->set);
    jigsaw_close(&p->set.jigsaw);
    list_free(&p->classes);
    for (uint32_t split = 0; split < TCET_SPLITS; split++) {
        list_free(&p->files[split]);
        free(p->root[split]);
        p->root[split] = NULL;
    }
}

/* path itself, or its sub-folders train, and val or test. */
static tcet_status find_roots(tcet_ctx *cx, struct images *p)
{
    static const char *const tests[] = {"val", "test"};
    char **root = p->root;

    if (!*p->path)
        return tcet_fail(cx, TCET_E_ARG,
                         "set path to a folder with a sub-folder of images for each "
                         "class, or with such folders train and val");
    root[TCET_SPLIT_TRAIN] = join(p->path, "train");
    if (root[TCET_SPLIT_TRAIN] && !is_folder(root[TCET_SPLIT_TRAIN])) {
        free(root[TCET_SPLIT_TRAIN]);
        root[TCET_SPLIT_TRAIN] = strdup(p->path);
    } else {
        for (int i = 0; i < 2 && !root[TCET_SPLIT_TEST]; i++) {
            root[TCET_SPLIT_TEST] = join(p->path, tests[i]);
            if (root[TCET_SPLIT_TEST] && !is_folder(root[TCET_SPLIT_TEST])) {
                free(root[TCET_SPLIT_TEST]);
                root[TCET_SPLIT_TEST] = NULL;
            }
        }
    }
    return root[TCET_SPLIT_TRAIN] ? TCET_OK : tcet_fail(cx, TCET_E_MEMORY, "no memory for a name");
}

static tcet_status open_images(tcet_ctx *cx, void *self)
{
    struct images *p = self;
    tcet_status st;

    forget(p);
    p->set.channels = p->colour == GRAY ? 1 : 3;
    p->set.channels_hint =
        p->colour == GRAY ? "; set [data] colour = rgb" : "; [data] colour = gray makes one";
    p->set.hint_channels = p->colour == GRAY ? 3 : 1;
    p->set.resizes = 1;
    p->set.balance = p->balance;
    p->set.pixels = pixels;
    p->set.find_test = find_test;
    p->set.test_hint = "put them into folders train and val of path";
    st = find_roots(cx, p);
    if (st == TCET_OK) {
        snprintf(p->set.where, sizeof p->set.where, "%.500s", p->root[TCET_SPLIT_TRAIN]);
        st = list_split(cx, p, TCET_SPLIT_TRAIN);
    }
    p->set.classes = (int32_t)p->classes.count;
    snprintf(p->set.name, sizeof p->set.name, "images classes=%d", p->set.classes);
    if (st == TCET_OK)
        st = natural_size(cx, p);
    if (st == TCET_OK && p->jigsaw)
        st = jigsaw_open(cx, p->permutations, &p->set.jigsaw);
    if (st == TCET_OK)
        st = sum_up(cx, p, TCET_SPLIT_TRAIN);
    return st == TCET_OK ? statistics(cx, p) : st;
}

static void fini(void *self)
{
    forget(self);
}

static const char *const fits[] = {"cover", "stretch", NULL};
static const char *const colours[] = {"rgb", "gray", NULL};
static const char *const alphas[] = {"drop", "black", "white", NULL};
static const char *const brokens[] = {"error", "skip", NULL};
static const tcet_param params[] = {
    TCET_PARAM_PATH(
        struct images, path, "",
        "A folder with a sub-folder for each class, sorted by name, and PNG and JPEG files "
        "in these; or with such folders train, and val or test."),
    TCET_PARAM_I64(struct images, resize, "0", 0, SIDE_MAX,
                   "The shorter side before the middle is cut out; 0: as small as covers the "
                   "network's input."),
    TCET_PARAM_CHOICE(struct images, fit, "cover", fits,
                      "cover keeps an image's shape and cuts out its middle; stretch does not."),
    TCET_PARAM_CHOICE(struct images, colour, "rgb", colours,
                      "Three channels (gray images three times the same), or one."),
    TCET_PARAM_CHOICE(struct images, alpha, "drop", alphas,
                      "Transparency: dropped, or the image put on black or white."),
    TCET_PARAM_TEXT(struct images, mean, "imagenet",
                    "Of each channel, for values in [0, 1]: numbers, imagenet, or computed."),
    TCET_PARAM_TEXT(struct images, std, "imagenet", "The deviation, likewise."),
    TCET_PARAM_BOOL(struct images, balance, "0",
                    "As many images of every class in a mini-batch, class by class."),
    TCET_PARAM_CHOICE(struct images, broken, "error", brokens,
                      "A file that cannot be decoded: an error, or left out and counted (all are "
                      "decoded first)."),
    TCET_PARAM_I64(struct images, max_pixels, "50000000", 1, 1000000000,
                   "Larger images are refused before they are decoded."),
    TCET_PARAM_BOOL(
        struct images, jigsaw, "0",
        "Puzzles: nine tiles of each image as channels, in a random order, which is the "
        "class; for TransNAS's task jigsaw."),
    TCET_PARAM_PATH(struct images, permutations, "",
                    "With jigsaw: a .npy file of integers [n, 9], the orders; none: 1,000 of our "
                    "own."),
    TCET_PARAM_I64(struct images, threads, "4", 1, THREADS_MAX,
                   "That decode; values stay the same."),
};

static const tcet_dataset_ops ops = SET_OPS(open_images);
static const tcet_plugin images = {
    .struct_size = sizeof images,
    .kind = TCET_DATASET,
    .id = "images",
    .version = "1.0.0",
    .summary = "Your own images: a folder of PNG and JPEG files for each class.",
    TCET_PARAMS(struct images, params),
    .ops = &ops,
    .fini = fini,
};

TCET_MODULE(&images)
