/* cifar.c -- CIFAR-10, CIFAR-100 and ImageNet16-120 as they are published: cifar10, cifar100,
 * imagenet16_120.
 *
 * Room: plugins/dataset.  Touches common/, the SDK and libc, and the files that it is given.
 *
 * A record of the binary layout is one label byte (CIFAR-100: coarse, then fine) and 32 x 32 bytes each
 * of red, green and blue.  The version for Python is a pickle of the same rows, read by
 * common/pickle.h, which runs nothing; ImageNet16-120 has no other.  Opening reads every file once, for
 * a checksum and the labels; drawing reads the images that it needs.  The checksum is that of the
 * records, so that both versions are one data set. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/pickle.h"
#include "common/set.h"

enum { SIDE_MAX = 32, RECORD_MAX = 2 + 3 * SIDE_MAX * SIDE_MAX, FILES_MAX = 10 };
/* Seven times the largest official file: what is larger is something else. */
static const int64_t BYTES_MAX = INT64_C(1) << 30;

/* Where the files of one version are: below the folder that is named, or in `inner` below it. */
struct layout {
    const char *inner;
    const char *train; /* %d: 1 .. files */
    int files;
    const char *test;
};

/* One published data set. */
struct published {
    const char *id, *title;
    int side, padding, label_bytes;  /* padding of its crops; label bytes of a record */
    struct layout binary, pickled;   /* binary.files 0: there is no such version */
    const char *lists[PICKLE_LISTS]; /* labels of a pickle, in the order of a record */
    const char *shipped, *archive;
};

static const struct published PUBLISHED[] = {
    {.id = "cifar10",
     .title = "CIFAR-10",
     .side = 32,
     .padding = 4,
     .label_bytes = 1,
     .binary = {"cifar-10-batches-bin", "data_batch_%d.bin", 5, "test_batch.bin"},
     .pickled = {"cifar-10-batches-py", "data_batch_%d", 5, "test_batch"},
     .lists = {"labels"},
     .shipped = "cifar10_train_320.bin"},
    {.id = "cifar100",
     .title = "CIFAR-100",
     .side = 32,
     .padding = 4,
     .label_bytes = 2,
     .binary = {"cifar-100-binary", "train.bin", 1, "test.bin"},
     .pickled = {"cifar-100-python", "train", 1, "test"},
     .lists = {"coarse_labels", "fine_labels"},
     .shipped = "cifar100_test_100.bin"},
    {.id = "imagenet16_120",
     .title = "ImageNet16",
     .side = 16,
     .padding = 2,
     .label_bytes = 2,
     .pickled = {"ImageNet16", "train_data_batch_%d", 10, "val_data"},
     .lists = {"labels"}},
};
enum { IMAGENET16 = 2, IMAGENET16_CLASSES = 120, IMAGENET16_LABELS = 1000 };

struct file {
    char *path;
    int64_t first; /* number of its first image */
};

/* Files of one split. */
struct files {
    struct file file[FILES_MAX];
    int number;
    int64_t *at; /* of every image: where its pixels begin in its file */
    int64_t capacity;
};

struct cifar {
    struct set set;
    const char *path;
    int32_t labels; /* cifar100: 0 fine, 1 coarse */
    int32_t augment, balance, norm_stats;
    const struct published *of;
    struct files files[TCET_SPLITS];
    const struct layout *layout; /* of the training files, where path is a folder */
};

/* Where the label stands in a record. */
static int label_at(const struct cifar *p)
{
    return p->of->label_bytes == 2 && p->labels == 0 ? 1 : 0;
}

static size_t pixel_bytes(const struct cifar *p)
{
    return (size_t)(3 * p->of->side * p->of->side);
}

static void forget_files(struct cifar *p, uint32_t split)
{
    struct files *s = &p->files[split];

    for (int i = 0; i < s->number; i++)
        free(s->file[i].path);
    free(s->at);
    *s = (struct files){.number = 0};
    set_clear(&p->set, split);
}

/* folder[/inner]/name to the list, when there is such a file: 1, 0, or -1 without memory. */
static int add_file(struct files *s, const char *folder, const char *inner, const char *name)
{
    size_t size = strlen(folder) + strlen(inner) + strlen(name) + 3;
    char *path = malloc(size);
    struct stat st;

    if (!path)
        return -1;
    snprintf(path, size, "%s%s%s%s%s", folder, *inner ? "/" : "", inner, *name ? "/" : "", name);
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
        free(path);
        return 0;
    }
    s->file[s->number++].path = path;
    return 1;
}

/* The training files of one version below folder: how many, or -1. */
static int find_layout(struct cifar *p, const char *folder, const struct layout *l)
{
    const char *inner[] = {"", l->inner};
    struct files *s = &p->files[TCET_SPLIT_TRAIN];
    char name[32];

    for (int k = 0; k < 2 && l->files && s->number == 0; k++) {
        for (int i = 1; i <= l->files; i++) {
            const char *digit = strstr(l->train, "%d");

            snprintf(name, sizeof name, "%.*s", digit ? (int)(digit - l->train) : 24, l->train);
            if (digit)
                snprintf(name + strlen(name), sizeof name - strlen(name), "%d%s", i, digit + 2);
            if (add_file(s, folder, inner[k], name) < 0)
                return -1;
        }
    }
    p->layout = l;
    return s->number;
}

/* The training files below folder, directly or in the folder that the archive unpacks to. */
static tcet_status find_files(tcet_ctx *cx, struct cifar *p, const char *folder)
{
    const struct published *of = p->of;
    const struct layout *some = of->binary.files ? &of->binary : &of->pickled;
    int found = find_layout(p, folder, &of->binary);

    if (found == 0)
        found = find_layout(p, folder, &of->pickled);
    if (found < 0)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
    if (found == 0)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: holds neither %s (1 to %d for %%d) nor, for Python, %s, nor do "
                          "its folders %s and %s",
                          folder, some->train, some->files, of->pickled.train, some->inner,
                          of->pickled.inner);
    return TCET_OK;
}

/* One more image, whose pixels stand at `at` of the file that is scanned. */
static tcet_status add_image(tcet_ctx *cx, struct cifar *p, uint32_t split, int64_t label,
                             int64_t at)
{
    struct files *s = &p->files[split];
    int64_t n = p->set.count[split];

    if (n == s->capacity) {
        int64_t more = n ? 2 * n : 1024;
        int64_t *grown = realloc(s->at, (size_t)more * sizeof *grown);

        if (!grown)
            return tcet_fail(cx, TCET_E_MEMORY, "no memory for the places of images");
        s->at = grown;
        s->capacity = more;
    }
    s->at[n] = at;
    return set_add(cx, &p->set, split, label);
}

/* -- The version for Python ------------------------------------------------------------------ */

/* Row i: its labels checked, and unless it is of a class that is left out, added as a record. */
static tcet_status add_row(tcet_ctx *cx, struct cifar *p, uint32_t split, const char *path,
                           const struct pickle *rows, const unsigned char *bytes, int64_t i)
{
    unsigned char label[2] = {0};
    int64_t at = (int64_t)rows->at + i * rows->columns, chosen;
    tcet_status st;

    if (p->of == &PUBLISHED[IMAGENET16]) {
        chosen = rows->labels[0][i];
        if (chosen < 1 || chosen > IMAGENET16_LABELS)
            return tcet_failf(cx, TCET_E_ARG,
                              "%s: image %" PRId64 ": label %" PRId64 ", want 1 to %d", path, i,
                              chosen, IMAGENET16_LABELS);
        if (chosen > IMAGENET16_CLASSES)
            return TCET_OK;
        label[0] = (unsigned char)--chosen;
    } else {
        for (int k = 0; k < p->of->label_bytes; k++) {
            int most = p->of->label_bytes == 1 ? 10 : k ? 100 : 20;

            if (rows->labels[k][i] >= most)
                return tcet_failf(cx, TCET_E_ARG,
                                  "%s: image %" PRId64 ": label %d, want one below %d; is this "
                                  "a %s file?",
                                  path, i, rows->labels[k][i], most, p->of->title);
            label[k] = (unsigned char)rows->labels[k][i];
        }
        chosen = label[label_at(p)];
    }
    st = add_image(cx, p, split, chosen, at);
    p->set.checksum[split] = set_hash(p->set.checksum[split], label, (size_t)p->of->label_bytes);
    p->set.checksum[split] = set_hash(p->set.checksum[split], bytes + at, pixel_bytes(p));
    return st;
}

static tcet_status scan_pickle(tcet_ctx *cx, struct cifar *p, uint32_t split, const char *path)
{
    unsigned char *bytes = NULL;
    struct pickle rows = {.rows = 0};
    char error[300];
    size_t size;
    tcet_status st = set_file(cx, path, BYTES_MAX, &bytes, &size);

    if (st < 0)
        return st;
    if (pickle_read(bytes, size, p->of->lists, &rows, error, sizeof error) < 0)
        st = tcet_failf(cx, TCET_E_ARG, "%s: %s", path, error);
    else if (rows.columns != (int64_t)pixel_bytes(p))
        st = tcet_failf(cx, TCET_E_ARG,
                        "%s: images of %" PRId64 " bytes, those of %s have %zu (3 x %d x %d)", path,
                        rows.columns, p->of->title, pixel_bytes(p), p->of->side, p->of->side);
    for (int64_t i = 0; i < rows.rows && st == TCET_OK; i++)
        st = add_row(cx, p, split, path, &rows, bytes, i);
    pickle_free(&rows);
    free(bytes);
    return st;
}

/* -- The binary version ---------------------------------------------------------------------- */

/* A file's records: labels checked, contents joined to the checksum. */
static tcet_status scan_records(tcet_ctx *cx, struct cifar *p, uint32_t split, const char *path,
                                FILE *f)
{
    unsigned char record[RECORD_MAX];
    size_t size = (size_t)p->of->label_bytes + pixel_bytes(p), got;
    int64_t count = 0;
    tcet_status st;

    while ((got = fread(record, 1, size, f)) == size) {
        int at = label_at(p);

        if (record[at] >= p->set.classes)
            return tcet_failf(cx, TCET_E_ARG,
                              "%s: byte %" PRId64 ": label %d, want one below %d; is this "
                              "a %s file?",
                              path, count * (int64_t)size + at, record[at], p->set.classes,
                              p->of->title);
        st = add_image(cx, p, split, record[at], count * (int64_t)size + p->of->label_bytes);
        if (st < 0)
            return st;
        p->set.checksum[split] = set_hash(p->set.checksum[split], record, size);
        count++;
    }
    if (ferror(f))
        return tcet_failf(cx, TCET_E_IO, "%s: byte %" PRId64 ": %s", path, count * (int64_t)size,
                          strerror(errno));
    if (got)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: truncated: the record at byte %" PRId64 " has %zu bytes of "
                          "%zu",
                          path, count * (int64_t)size, got, size);
    return count ? TCET_OK : tcet_failf(cx, TCET_E_ARG, "%s: empty", path);
}

/* A file of either version; no record begins as a pickle does, for there is no label 128. */
static tcet_status scan(tcet_ctx *cx, struct cifar *p, uint32_t split, struct file *file)
{
    unsigned char first[2];
    tcet_status st = TCET_OK;
    const char *why;
    int64_t size;
    FILE *f = file_regular(file->path, &size, &why);
    size_t got;

    if (!f)
        return tcet_failf(cx, TCET_E_IO, "%s: %s", file->path, why);
    file->first = p->set.count[split];
    got = fread(first, 1, sizeof first, f);
    rewind(f);
    if (size > BYTES_MAX)
        st = tcet_failf(cx, TCET_E_ARG, "%s: has %" PRId64 " bytes, at most %" PRId64 " are read",
                        file->path, size, BYTES_MAX);
    else if (pickle_begins(first, got) || !p->of->binary.files)
        st = scan_pickle(cx, p, split, file->path);
    else
        st = scan_records(cx, p, split, file->path, f);
    fclose(f);
    return st;
}

static tcet_status scan_all(tcet_ctx *cx, struct cifar *p, uint32_t split)
{
    struct files *s = &p->files[split];
    tcet_status st = TCET_OK;

    for (int i = 0; i < s->number && st == TCET_OK; i++)
        st = scan(cx, p, split, &s->file[i]);
    if (st == TCET_OK && s->number && p->set.count[split] == 0)
        st = tcet_failf(cx, TCET_E_ARG, "%s: has no image of the first %d classes", s->file[0].path,
                        IMAGENET16_CLASSES);
    return st;
}

/* -- The plugin ------------------------------------------------------------------------------ */

/* Means and deviations of red, green and blue. */
struct norm_stats {
    float mean[3], std[3];
};

static const struct norm_stats *norm_stats_of(const struct cifar *p)
{
    static const struct norm_stats samsung = {{0.4914f, 0.4822f, 0.4465f},
                                              {0.2023f, 0.1994f, 0.2010f}};
    static const struct norm_stats own[] = {
        {{(float)(125.3 / 255), (float)(123.0 / 255), (float)(113.9 / 255)},
         {(float)(63.0 / 255), (float)(62.1 / 255), (float)(66.7 / 255)}},
        {{(float)(129.3 / 255), (float)(124.1 / 255), (float)(112.4 / 255)},
         {(float)(68.2 / 255), (float)(65.4 / 255), (float)(70.4 / 255)}},
        {{(float)(122.68 / 255), (float)(116.66 / 255), (float)(104.01 / 255)},
         {(float)(63.22 / 255), (float)(61.26 / 255), (float)(65.09 / 255)}}};
    int k = (int)(p->of - PUBLISHED);

    return p->norm_stats || k == IMAGENET16 ? &own[k] : &samsung;
}

/* The test file beside the training files, where path is their folder. */
static tcet_status find_test(tcet_ctx *cx, void *self)
{
    struct cifar *p = self;
    const char *first = p->files[TCET_SPLIT_TRAIN].file[0].path, *end = strrchr(first, '/');
    char *folder;
    int added;

    forget_files(p, TCET_SPLIT_TEST);
    if (!p->layout || !end)
        return TCET_OK;
    folder = strndup(first, (size_t)(end - first));
    added = folder ? add_file(&p->files[TCET_SPLIT_TEST], folder, "", p->layout->test) : -1;
    free(folder);
    if (added < 0)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
    return scan_all(cx, p, TCET_SPLIT_TEST);
}

static tcet_status pixels(tcet_ctx *cx, void *self, uint32_t split, const int64_t *images,
                          int64_t n, int32_t h, int32_t w, void *out)
{
    const struct cifar *p = self;
    const struct files *s = &p->files[split];
    FILE *f[FILES_MAX] = {NULL};
    size_t bytes = pixel_bytes(p);
    tcet_status st = TCET_OK;

    (void)h, (void)w;
    for (int64_t i = 0; i < n && st == TCET_OK; i++) {
        int64_t at = s->at[images[i]], size;
        const char *why;
        int k = s->number - 1;

        while (images[i] < s->file[k].first)
            k--;
        if (!f[k])
            f[k] = file_regular(s->file[k].path, &size, &why);
        if (!f[k] || fseek(f[k], (long)at, SEEK_SET) != 0 ||
            fread((unsigned char *)out + (size_t)i * bytes, 1, bytes, f[k]) != bytes)
            st = tcet_failf(cx, TCET_E_IO, "%s: byte %" PRId64 ": cannot be read any more",
                            s->file[k].path, at);
    }
    for (int k = 0; k < FILES_MAX; k++) {
        if (f[k])
            fclose(f[k]);
    }
    return st;
}

/* Where the training images are: the shipped ones, a folder's, or a file. */
static tcet_status find_train(tcet_ctx *cx, struct cifar *p)
{
    struct files *s = &p->files[TCET_SPLIT_TRAIN];
    struct stat info;

    if (!p->path || !*p->path) {
        const char *dir = cx->host->data_dir(cx);
        int added = p->of->shipped ? add_file(s, dir, "data", p->of->shipped) : 0;

        if (added < 0)
            return tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
        if (!p->of->shipped)
            return tcet_failf(cx, TCET_E_ARG,
                              "no images of %s are shipped: set path to the folder with "
                              "train_data_batch_1 ... train_data_batch_10",
                              p->of->id);
        if (added == 0)
            return tcet_failf(cx, TCET_E_IO, "%s/data/%s: the shipped images are missing", dir,
                              p->of->shipped);
        return TCET_OK;
    }
    if (stat(p->path, &info) < 0)
        return tcet_failf(cx, TCET_E_IO, "%s: %s", p->path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return find_files(cx, p, p->path);
    if (add_file(s, p->path, "", "") <= 0)
        return tcet_failf(cx, TCET_E_ARG, "%s: neither a file nor a folder", p->path);
    return TCET_OK;
}

/* Says it where some of a folder's training files are missing. */
static void warn_missing(tcet_ctx *cx, const struct cifar *p)
{
    int found = p->files[TCET_SPLIT_TRAIN].number;
    char text[600];

    if (!p->layout || found == p->layout->files)
        return;
    snprintf(text, sizeof text, "%.400s: only %d of the %d %s files are there", p->path, found,
             p->layout->files, p->of == &PUBLISHED[IMAGENET16] ? "train_data_batch" : "data_batch");
    cx->host->log(cx, TCET_LOG_WARN, text);
}

static tcet_status open_set(tcet_ctx *cx, struct cifar *p, int which)
{
    static const char *const hints[] = {
        "set path to the folder of the whole set, with test_batch.bin",
        "set path to the folder of the whole set, with test.bin",
        "set path to the folder of the whole set, with val_data"};
    static const int classes[] = {10, 100, IMAGENET16_CLASSES};
    const struct norm_stats *stats;
    tcet_status st;

    p->of = &PUBLISHED[which];
    p->layout = NULL;
    set_forget(&p->set);
    for (uint32_t split = 0; split < TCET_SPLITS; split++)
        forget_files(p, split);
    stats = norm_stats_of(p);
    p->set.channels = 3;
    p->set.height = p->set.width = p->of->side;
    p->set.classes = p->labels ? 20 : classes[which];
    p->set.padding = p->augment ? p->of->padding : 0;
    p->set.balance = p->balance;
    p->set.test_hint = hints[which];
    p->set.pixels = pixels;
    p->set.find_test = find_test;
    snprintf(p->set.name, sizeof p->set.name, "%s%s", p->of->id, p->labels ? " coarse" : "");
    st = set_normalise(cx, &p->set, stats->mean, stats->std);
    if (st == TCET_OK)
        st = find_train(cx, p);
    if (st == TCET_OK)
        st = scan_all(cx, p, TCET_SPLIT_TRAIN);
    if (st == TCET_OK)
        warn_missing(cx, p);
    if (st == TCET_OK)
        snprintf(p->set.where, sizeof p->set.where, "%.480s%s",
                 p->files[TCET_SPLIT_TRAIN].file[0].path,
                 p->files[TCET_SPLIT_TRAIN].number > 1 ? " and the next" : "");
    return st;
}

static tcet_status open10(tcet_ctx *cx, void *self)
{
    return open_set(cx, self, 0);
}

static tcet_status open100(tcet_ctx *cx, void *self)
{
    return open_set(cx, self, 1);
}

static tcet_status open16(tcet_ctx *cx, void *self)
{
    return open_set(cx, self, IMAGENET16);
}

static void fini(void *self)
{
    struct cifar *p = self;

    set_forget(&p->set);
    for (uint32_t split = 0; split < TCET_SPLITS; split++)
        forget_files(p, split);
}

static const char *const labels[] = {"fine", "coarse", NULL};
static const char *const norm_stats[] = {"samsung", "autodl", NULL};
#define PATH(text) TCET_PARAM_PATH(struct cifar, path, "", text)
#define AUGMENT(padding)                           \
    TCET_PARAM_BOOL(                               \
        struct cifar, augment, "0",                \
        "Random crops after a padding of " padding \
        ", and random horizontal flips, drawn under the seed (zero-cost-nas, NASLib).")
#define BALANCE                                                                              \
    TCET_PARAM_BOOL(struct cifar, balance, "0",                                              \
                    "As many images of every class in a mini-batch, class by class (GraSP, " \
                    "zero-cost-nas's dataload = grasp); 0: as they come.")
#define NORM_STATS(pair)                                                                    \
    TCET_PARAM_CHOICE(struct cifar, norm_stats, "samsung", norm_stats,                      \
                      "Mean and deviation: zero-cost-nas's for both CIFARs, or those that " \
                      "AutoDL-Projects has for this one, " pair ".")
static const tcet_param params10[] = {
    PATH("A file of an official version, binary or for Python, or a folder with data_batch_1.bin "
         "... "
         "data_batch_5.bin, data_batch_1 ... data_batch_5, cifar-10-batches-bin or "
         "cifar-10-batches-py; empty: the shipped 320 training images."),
    AUGMENT("4"),
    BALANCE,
    NORM_STATS("(125.3, 123.0, 113.9)/255 and (63.0, 62.1, 66.7)/255"),
};
static const tcet_param params100[] = {
    PATH("A file of an official version, binary or for Python, or a folder with train.bin, train, "
         "cifar-100-binary or cifar-100-python; empty: the shipped 100 test images."),
    TCET_PARAM_CHOICE(struct cifar, labels, "fine", labels, "100 classes, or their 20 groups."),
    AUGMENT("4"),
    BALANCE,
    NORM_STATS("(129.3, 124.1, 112.4)/255 and (68.2, 65.4, 70.4)/255"),
};

static const tcet_param params16[] = {
    PATH("A folder with the official pickled batches, train_data_batch_1 ... train_data_batch_10 "
         "and "
         "val_data, or with ImageNet16; or one of these files."),
    AUGMENT("2"),
    BALANCE,
};

static const tcet_dataset_ops ops10 = SET_OPS(open10);
static const tcet_plugin cifar10 = {
    .struct_size = sizeof cifar10,
    .kind = TCET_DATASET,
    .id = "cifar10",
    .version = "1.0.0",
    .summary = "CIFAR-10 images, shuffled and normalised.",
    .cite = "Krizhevsky: Learning multiple layers of features from tiny images, 2009; mean and "
            "deviation of SamsungLabs/zero-cost-nas or D-X-Y/AutoDL-Projects",
    TCET_PARAMS(struct cifar, params10),
    .ops = &ops10,
    .fini = fini,
};
static const tcet_dataset_ops ops100 = SET_OPS(open100);
static const tcet_plugin cifar100 = {
    .struct_size = sizeof cifar100,
    .kind = TCET_DATASET,
    .id = "cifar100",
    .version = "1.0.0",
    .summary = "CIFAR-100 images, shuffled and normalised.",
    .cite = "Krizhevsky: Learning multiple layers of features from tiny images, 2009; mean and "
            "deviation of SamsungLabs/zero-cost-nas or D-X-Y/AutoDL-Projects",
    TCET_PARAMS(struct cifar, params100),
    .ops = &ops100,
    .fini = fini,
};

static const tcet_dataset_ops ops16 = SET_OPS(open16);
static const tcet_plugin imagenet16_120 = {
    .struct_size = sizeof imagenet16_120,
    .kind = TCET_DATASET,
    .id = "imagenet16_120",
    .version = "1.0.0",
    .summary =
        "ImageNet16-120: the first 120 classes of ImageNet at 16 x 16, shuffled and normalised.",
    .cite =
        "Chrabaszcz et al.: A downsampled variant of ImageNet, 2017; classes, mean and deviation "
        "of D-X-Y/NATS-Bench",
    TCET_PARAMS(struct cifar, params16),
    .ops = &ops16,
    .fini = fini,
};

TCET_MODULE(&cifar10, &cifar100, &imagenet16_120)
