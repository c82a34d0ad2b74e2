/* cifar.c -- CIFAR-10 and CIFAR-100 in the official binary layout: cifar10, cifar100.
 *
 * Room: plugins/dataset.  Touches the SDK and libc, and the files that it is given.
 *
 * A record is one label byte (CIFAR-100: coarse, then fine) and 32 x 32 bytes each of red,
 * green and blue.  Opening reads every file once, for a checksum and the labels; drawing
 * reads the images that it needs. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tcet/dataset.h>
#include <tcet/failf.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, PIXELS = 3 * PLANE, RECORD_MAX = 2 + PIXELS, FILES_MAX = 5 };
enum { PADDING = 4 }; /* black pixels on each side of an image before it is cropped */
/* Seven times the largest official file: what is larger is something else. */
static const int64_t BYTES_MAX = INT64_C(1) << 30;

struct file {
    char *path;
    int64_t first; /* number of its first image */
    int64_t count;
};

/* Files of one split. */
struct files {
    struct file file[FILES_MAX];
    int number;
    int64_t count;
    int top_label; /* the largest that occurs */
    uint64_t checksum;
};

struct cifar {
    const char *path;
    int32_t labels; /* cifar100: 0 fine, 1 coarse */
    int32_t augment, balance, norm_stats;
    int hundred;              /* 1: CIFAR-100 */
    struct files train, test; /* test: looked for when splits are asked for */
    int test_known;
};

static int record_size(const struct cifar *p)
{
    return (p->hundred ? 2 : 1) + PIXELS;
}

/* Where the label stands in a record, and how many there are. */
static int label_at(const struct cifar *p)
{
    return p->hundred && p->labels == 0 ? 1 : 0;
}

static int label_count(const struct cifar *p)
{
    return !p->hundred ? 10 : p->labels == 0 ? 100 : 20;
}

static void forget_files(struct files *s)
{
    for (int i = 0; i < s->number; i++)
        free(s->file[i].path);
    *s = (struct files){.checksum = UINT64_C(0xcbf29ce484222325)};
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

/* What to say of the version for Python, which strangers' files make dangerous to read. */
static tcet_status fail_pickle(tcet_ctx *cx, const struct cifar *p, const char *path)
{
    return tcet_failf(cx, TCET_E_ARG,
                      "%s: holds Python pickles, which are not read; get the binary version of %s, "
                      "cifar-%d-binary.tar.gz of www.cs.toronto.edu/~kriz/cifar.html (of "
                      "ImageNet16-120 there is none: [data] resolution = 16 lets CIFAR stand in)",
                      path, p->hundred ? "CIFAR-100" : "CIFAR-10", p->hundred ? 100 : 10);
}

/* Does a folder hold the version for Python? */
static int has_pickles(const char *folder)
{
    static const char *const names[][2] = {{"", "data_batch_1"},
                                           {"cifar-10-batches-py", "data_batch_1"},
                                           {"", "train_data_batch_1"}, /* ImageNet16's */
                                           {"", "train"},
                                           {"cifar-100-python", "train"}};
    struct files some = {.number = 0};
    int found = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
        found = add_file(&some, folder, names[i][0], names[i][1]) > 0;
    forget_files(&some);
    return found;
}

/* A pickle of protocol 2 to 5 begins so, and no record does: there is no label 128. */
static int is_pickle(const unsigned char *record)
{
    return record[0] == 0x80 && record[1] >= 2 && record[1] <= 5;
}

/* The training files below folder, directly or in the folder that the archive unpacks to. */
static tcet_status find_files(tcet_ctx *cx, struct cifar *p, const char *folder)
{
    static const char *const inner10[] = {"", "cifar-10-batches-bin"};
    static const char *const inner100[] = {"", "cifar-100-binary"};
    char name[32];
    int added = 0;

    for (int k = 0; k < 2 && p->train.number == 0; k++) {
        if (p->hundred)
            added = add_file(&p->train, folder, inner100[k], "train.bin");
        for (int i = 1; !p->hundred && i <= FILES_MAX && added >= 0; i++) {
            snprintf(name, sizeof name, "data_batch_%d.bin", i);
            added = add_file(&p->train, folder, inner10[k], name);
        }
        if (added < 0)
            return tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
    }
    if (p->train.number == 0 && has_pickles(folder))
        return fail_pickle(cx, p, folder);
    if (p->train.number == 0)
        return tcet_failf(cx, TCET_E_ARG, "%s: holds no %s, nor does its folder %s", folder,
                          p->hundred ? "train.bin" : "data_batch_1.bin ... data_batch_5.bin",
                          p->hundred ? inner100[1] : inner10[1]);
    if (!p->hundred && p->train.number < FILES_MAX) {
        char text[600];

        snprintf(text, sizeof text, "%.400s: only %d of the 5 data_batch files are there", folder,
                 p->train.number);
        cx->host->log(cx, TCET_LOG_WARN, text);
    }
    return TCET_OK;
}

/* One file's records: counted, labels checked, contents joined to the checksum (FNV-1a). */
static tcet_status scan(tcet_ctx *cx, const struct cifar *p, struct files *s, struct file *file)
{
    unsigned char record[RECORD_MAX];
    size_t size = (size_t)record_size(p), got;
    uint64_t h = s->checksum;
    tcet_status st = TCET_OK;
    struct stat info;
    FILE *f = fopen(file->path, "rb");

    if (!f)
        return tcet_failf(cx, TCET_E_IO, "%s: %s", file->path, strerror(errno));
    if (fstat(fileno(f), &info) == 0 && info.st_size > BYTES_MAX) {
        st = tcet_failf(cx, TCET_E_ARG, "%s: has %" PRId64 " bytes, at most %" PRId64 " are read",
                        file->path, (int64_t)info.st_size, BYTES_MAX);
        goto out;
    }
    file->first = s->count;
    while ((got = fread(record, 1, size, f)) == size) {
        int at = label_at(p);

        if (file->count == 0 && is_pickle(record)) {
            st = fail_pickle(cx, p, file->path);
            goto out;
        }
        if (record[at] >= label_count(p)) {
            st = tcet_failf(cx, TCET_E_ARG,
                            "%s: byte %" PRId64 ": label %d, want one below %d; is this "
                            "a %s file?",
                            file->path, file->count * (int64_t)size + at, record[at],
                            label_count(p), p->hundred ? "CIFAR-100" : "CIFAR-10");
            goto out;
        }
        if (record[at] > s->top_label)
            s->top_label = record[at];
        for (size_t i = 0; i < size; i++)
            h = (h ^ record[i]) * UINT64_C(0x100000001b3);
        file->count++;
    }
    if (ferror(f))
        st = tcet_failf(cx, TCET_E_IO, "%s: byte %" PRId64 ": %s", file->path,
                        file->count * (int64_t)size, strerror(errno));
    else if (got)
        st = tcet_failf(cx, TCET_E_ARG,
                        "%s: truncated: the record at byte %" PRId64 " has %zu bytes of "
                        "%zu",
                        file->path, file->count * (int64_t)size, got, size);
    else if (file->count == 0)
        st = tcet_failf(cx, TCET_E_ARG, "%s: empty", file->path);
    s->count += file->count;
    s->checksum = h;
out:
    fclose(f);
    return st;
}

static tcet_status cifar_open(tcet_ctx *cx, struct cifar *p)
{
    static const char *const shipped[] = {"cifar10_train_320.bin", "cifar100_test_100.bin"};
    struct stat info;
    tcet_status st = TCET_OK;

    forget_files(&p->train);
    forget_files(&p->test);
    p->test_known = 0;
    if (!p->path || !*p->path) {
        const char *dir = cx->host->data_dir(cx);
        int added = add_file(&p->train, dir, "data", shipped[p->hundred]);

        if (added < 0)
            return tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
        if (added == 0)
            return tcet_failf(cx, TCET_E_IO, "%s/data/%s: the shipped images are missing", dir,
                              shipped[p->hundred]);
    } else if (stat(p->path, &info) < 0) {
        return tcet_failf(cx, TCET_E_IO, "%s: %s", p->path, strerror(errno));
    } else if (S_ISDIR(info.st_mode)) {
        st = find_files(cx, p, p->path);
    } else if (add_file(&p->train, p->path, "", "") <= 0) {
        return tcet_failf(cx, TCET_E_ARG, "%s: neither a file nor a folder", p->path);
    }
    for (int i = 0; i < p->train.number && st == TCET_OK; i++)
        st = scan(cx, p, &p->train, &p->train.file[i]);
    return st;
}

static tcet_status open10(tcet_ctx *cx, void *self)
{
    return cifar_open(cx, self);
}

static tcet_status open100(tcet_ctx *cx, void *self)
{
    struct cifar *p = self;

    p->hundred = 1;
    return cifar_open(cx, p);
}

static tcet_status info(tcet_ctx *cx, void *self, tcet_data_info *out)
{
    const struct cifar *p = self;

    (void)cx;
    out->channels = 3;
    out->height = out->width = SIDE;
    out->classes = label_count(p);
    out->count = p->train.count;
    snprintf(out->identity, sizeof out->identity, "%s%s n=%" PRId64 " fnv1a=%016" PRIx64,
             p->hundred ? "cifar100" : "cifar10", p->hundred && p->labels ? " coarse" : "",
             p->train.count, p->train.checksum);
    snprintf(out->description, sizeof out->description, "%" PRId64 " images of %.200s%s",
             p->train.count, p->train.file[0].path, p->train.number > 1 ? " ..." : "");
    return TCET_OK;
}

/* What of the request these files cannot give. */
static tcet_status check_request(tcet_ctx *cx, const struct cifar *p, const tcet_data_request *r,
                                 int32_t h, int32_t w)
{
    if (r->channels && r->channels != 3)
        return tcet_failf(cx, TCET_E_ARG, "the network wants images of %d channels, these have 3",
                          r->channels);
    if (h < 1 || w < 1 || SIDE % h || SIDE % w)
        return tcet_failf(
            cx, TCET_E_ARG,
            "the network wants images of %d x %d, these are 32 x 32; set [data] resolution "
            "to 32, or to 16, 8, 4, 2 or 1 (averaged), or [data] plugin to gaussian, "
            "which makes any size",
            h, w);
    if (r->classes && r->classes <= p->train.top_label)
        return tcet_failf(cx, TCET_E_ARG, "the network has %d classes, %s has labels up to %d",
                          r->classes, p->train.file[0].path, p->train.top_label);
    if (r->batch < 1 || r->batches < 1 || r->batch > p->train.count / r->batches)
        return tcet_failf(cx, TCET_E_ARG,
                          "needs %" PRId64 " images (%" PRId64 " of batch %" PRId64
                          "), %s%s has %" PRId64
                          "; set [data] path to the whole set, or data = gaussian in the metric",
                          r->batches * r->batch, r->batches, r->batch, p->train.file[0].path,
                          p->train.number > 1 ? " and the next" : "", p->train.count);
    return TCET_OK;
}

/* torchvision's RandomCrop(32, padding=4) and RandomHorizontalFlip, with their draws. */
static void augment(const tcet_host *host, tcet_rng *rng, unsigned char *pixels)
{
    unsigned char whole[PIXELS];
    int64_t top, left;
    float coin;

    host->rng_randint(rng, &top, 1, 0, 2 * PADDING + 1);
    host->rng_randint(rng, &left, 1, 0, 2 * PADDING + 1);
    host->rng_uniform(rng, &coin, 1, 0.0, 1.0);
    memcpy(whole, pixels, PIXELS);
    for (int32_t i = 0; i < PIXELS; i++) {
        int32_t column = coin < 0.5f ? SIDE - 1 - i % SIDE : i % SIDE;
        int32_t r = i % PLANE / SIDE + (int32_t)top - PADDING;
        int32_t c = column + (int32_t)left - PADDING;

        pixels[i] =
            r < 0 || r >= SIDE || c < 0 || c >= SIDE ? 0 : whole[i / PLANE * PLANE + r * SIDE + c];
    }
}

/* Means and deviations of red, green and blue. */
struct norm_stats {
    float mean[3], std[3];
};

static const struct norm_stats *norm_stats_of(const struct cifar *p)
{
    static const struct norm_stats samsung = {{0.4914f, 0.4822f, 0.4465f},
                                              {0.2023f, 0.1994f, 0.2010f}};
    static const struct norm_stats autodl[] = {
        {{(float)(125.3 / 255), (float)(123.0 / 255), (float)(113.9 / 255)},
         {(float)(63.0 / 255), (float)(62.1 / 255), (float)(66.7 / 255)}},
        {{(float)(129.3 / 255), (float)(124.1 / 255), (float)(112.4 / 255)},
         {(float)(68.2 / 255), (float)(65.4 / 255), (float)(70.4 / 255)}}};

    return p->norm_stats ? &autodl[p->hundred] : &samsung;
}

/* Bytes to [3, h, w]: mean of each box, then as torchvision's ToTensor and Normalize. */
static void convert(const unsigned char *pixels, const struct norm_stats *stats, int32_t h,
                    int32_t w, float *x)
{
    int32_t bh = SIDE / h, bw = SIDE / w;

    for (int c = 0; c < 3; c++) {
        for (int32_t i = 0; i < h * w; i++) {
            const unsigned char *box = pixels + c * PLANE + i / w * bh * SIDE + i % w * bw;
            int32_t sum = 0;

            for (int32_t k = 0; k < bh * bw; k++)
                sum += box[k / bw * SIDE + k % bw];
            x[c * h * w + i] =
                ((float)sum / (float)(bh * bw) / 255.0f - stats->mean[c]) / stats->std[c];
        }
    }
}

/* The first `bytes` of record `image`; f keeps the files open. */
static tcet_status read_record(tcet_ctx *cx, const struct cifar *p, const struct files *s, FILE **f,
                               int64_t image, unsigned char *record, size_t bytes)
{
    int k = s->number - 1;
    int64_t at;

    while (image < s->file[k].first)
        k--;
    at = (image - s->file[k].first) * record_size(p);
    if (!f[k])
        f[k] = fopen(s->file[k].path, "rb");
    if (f[k] && fseek(f[k], (long)at, SEEK_SET) == 0 && fread(record, 1, bytes, f[k]) == bytes)
        return TCET_OK;
    return tcet_failf(cx, TCET_E_IO, "%s: byte %" PRId64 ": cannot be read any more",
                      s->file[k].path, at);
}

static void close_all(FILE **f)
{
    for (int k = 0; k < FILES_MAX; k++) {
        if (f[k])
            fclose(f[k]);
    }
}

/* balance: of the order's images the first of every class, class by class in each mini-batch. */
static tcet_status balance(tcet_ctx *cx, const struct cifar *p, const tcet_data_request *r,
                           FILE **f, int64_t *order)
{
    enum { CLASSES_MAX = 100 };
    int64_t classes = label_count(p), share = r->batch / classes, images = r->batch * r->batches;
    int64_t taken[CLASSES_MAX] = {0}, found = 0, *to;
    unsigned char record[2];

    if (share * classes != r->batch)
        return tcet_failf(
            cx, TCET_E_ARG,
            "balance = 1 wants as many images of every class: a batch that is a multiple "
            "of %" PRId64 ", not %" PRId64,
            classes, r->batch);
    to = cx->host->scratch(cx, (size_t)images * sizeof *to);
    if (!to)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the order of images");
    for (int64_t i = 0; i < p->train.count && found < images; i++) {
        tcet_status st = read_record(cx, p, &p->train, f, order[i], record, sizeof record);
        int64_t label, *n;

        if (st < 0)
            return st;
        label = record[label_at(p)];
        if (label >= classes)
            return tcet_failf(cx, TCET_E_IO, "image %" PRId64 ": its label has become %" PRId64,
                              order[i], label);
        n = &taken[label];
        if (*n == share * r->batches)
            continue;
        to[*n / share * r->batch + label * share + *n % share] = order[i];
        ++*n;
        found++;
    }
    for (int64_t k = 0; k < classes; k++) {
        if (taken[k] < share * r->batches)
            return tcet_failf(cx, TCET_E_ARG,
                              "balance = 1 wants %" PRId64
                              " images of every class; of class %" PRId64 " there are %" PRId64,
                              share * r->batches, k, taken[k]);
    }
    memcpy(order, to, (size_t)images * sizeof *to);
    return TCET_OK;
}

/* The images in the order of torch.randperm(count) under the seed; the same generator goes on
 * with their crops and flips. */
static tcet_status draw(tcet_ctx *cx, void *self, const tcet_data_request *r, float *x, int64_t *y)
{
    const struct cifar *p = self;
    int32_t h = r->height ? r->height : SIDE, w = r->width ? r->width : SIDE;
    int64_t images = r->batch * r->batches, *order;
    unsigned char record[RECORD_MAX];
    size_t size = (size_t)record_size(p);
    FILE *f[FILES_MAX] = {NULL};
    tcet_rng *rng;
    tcet_status st = check_request(cx, p, r, h, w);

    if (st < 0)
        return st;
    order = cx->host->scratch(cx, (size_t)p->train.count * sizeof *order);
    rng = cx->host->rng(cx, r->seed);
    if (!order || !rng)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the order of images");
    cx->host->rng_permutation(rng, order, p->train.count);
    if (p->balance)
        st = balance(cx, p, r, f, order);
    for (int64_t i = 0; i < images && st == TCET_OK; i++) {
        st = read_record(cx, p, &p->train, f, order[i], record, size);
        if (st < 0)
            break;
        y[i] = record[label_at(p)];
        if (p->augment)
            augment(cx->host, rng, record + size - PIXELS);
        convert(record + size - PIXELS, norm_stats_of(p), h, w, x + i * 3 * h * w);
    }
    close_all(f);
    return st;
}

/* -- What training reads ------------------------------------------------------------------- */

static const char *test_name(const struct cifar *p)
{
    return p->hundred ? "test.bin" : "test_batch.bin";
}

/* The test file beside the training files, where path is their folder; looked for once. */
static tcet_status find_test(tcet_ctx *cx, struct cifar *p)
{
    const char *first = p->train.file[0].path, *end = strrchr(first, '/');
    struct stat st;
    char *folder;
    int added;

    if (p->test_known || !p->path || !*p->path || stat(p->path, &st) < 0 || !S_ISDIR(st.st_mode) ||
        !end) {
        p->test_known = 1;
        return TCET_OK;
    }
    folder = strndup(first, (size_t)(end - first));
    added = folder ? add_file(&p->test, folder, "", test_name(p)) : -1;
    free(folder);
    if (added < 0)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the file names");
    for (int i = 0; i < p->test.number; i++) {
        tcet_status scanned = scan(cx, p, &p->test, &p->test.file[i]);

        if (scanned < 0) {
            forget_files(&p->test);
            return scanned;
        }
    }
    p->test_known = 1;
    return TCET_OK;
}

static tcet_status splits(tcet_ctx *cx, void *self, tcet_data_splits *out)
{
    struct cifar *p = self;
    const struct norm_stats *stats = norm_stats_of(p);
    tcet_status st = find_test(cx, p);

    if (st < 0)
        return st;
    out->channels = 3;
    out->height = out->width = SIDE;
    out->classes = label_count(p);
    out->count[TCET_SPLIT_TRAIN] = p->train.count;
    out->count[TCET_SPLIT_TEST] = p->test.count;
    for (int c = 0; c < 3; c++) {
        out->mean[c] = stats->mean[c];
        out->std[c] = stats->std[c];
    }
    snprintf(out->identity, sizeof out->identity,
             "%s%s n=%" PRId64 " fnv1a=%016" PRIx64 " test n=%" PRId64 " fnv1a=%016" PRIx64,
             p->hundred ? "cifar100" : "cifar10", p->hundred && p->labels ? " coarse" : "",
             p->train.count, p->train.checksum, p->test.count, p->test.checksum);
    return TCET_OK;
}

/* Which images of which files a request is for. */
static tcet_status check_read(tcet_ctx *cx, const struct cifar *p, const tcet_read_request *r,
                              const struct files **from)
{
    int32_t h = r->height ? r->height : SIDE, w = r->width ? r->width : SIDE;
    const struct files *s = r->split == TCET_SPLIT_TEST ? &p->test : &p->train;

    if (r->split >= TCET_SPLITS)
        return tcet_failf(cx, TCET_E_ARG, "there is no split %u", r->split);
    if (h < 1 || w < 1 || SIDE % h || SIDE % w)
        return tcet_failf(cx, TCET_E_ARG,
                          "the network wants images of %d x %d, these are 32 x 32; 16, 8, 4, 2 and "
                          "1 are averaged",
                          h, w);
    if (s->count == 0)
        return tcet_failf(cx, TCET_E_ARG,
                          "%s: has no test images; set path to the folder of the whole set, with "
                          "%s, or hold some of the training images out",
                          p->train.file[0].path, test_name(p));
    if (r->n < 0 || (!r->indices && (r->first < 0 || r->first > s->count - r->n)))
        return tcet_failf(
            cx, TCET_E_ARG,
            "%" PRId64 " images from number %" PRId64 " on are asked for, %s%s has %" PRId64, r->n,
            r->first, s->file[0].path, s->number > 1 ? " and the next" : "", s->count);
    for (int64_t i = 0; i < r->n && r->indices; i++) {
        if (r->indices[i] < 0 || r->indices[i] >= s->count)
            return tcet_failf(cx, TCET_E_ARG, "image %" PRId64 " is asked for, %s%s has %" PRId64,
                              r->indices[i], s->file[0].path, s->number > 1 ? " and the next" : "",
                              s->count);
    }
    *from = s;
    return TCET_OK;
}

/* Bytes to [3, h, w]: the mean of each box, rounded. */
static void shrink(const unsigned char *pixels, int32_t h, int32_t w, uint8_t *out)
{
    int32_t bh = SIDE / h, bw = SIDE / w, box = bh * bw;

    for (int32_t i = 0; i < 3 * h * w; i++) {
        const unsigned char *at = pixels + i / (h * w) * PLANE + i / w % h * bh * SIDE + i % w * bw;
        int32_t sum = box / 2;

        for (int32_t k = 0; k < box; k++)
            sum += at[k / bw * SIDE + k % bw];
        out[i] = (uint8_t)(sum / box);
    }
}

static tcet_status read_images(tcet_ctx *cx, void *self, const tcet_read_request *r,
                               uint8_t *images, int64_t *labels)
{
    struct cifar *p = self;
    int32_t h = r->height ? r->height : SIDE, w = r->width ? r->width : SIDE;
    unsigned char record[RECORD_MAX];
    size_t size = (size_t)record_size(p);
    FILE *f[FILES_MAX] = {NULL};
    const struct files *s = NULL;
    tcet_status st = find_test(cx, p);

    if (st == TCET_OK)
        st = check_read(cx, p, r, &s);
    for (int64_t i = 0; i < r->n && st == TCET_OK; i++) {
        int64_t image = r->indices ? r->indices[i] : r->first + i;

        st = read_record(cx, p, s, f, image, record, size);
        if (st < 0)
            break;
        labels[i] = record[label_at(p)];
        if (labels[i] >= label_count(p))
            st = tcet_failf(cx, TCET_E_IO, "image %" PRId64 ": its label has become %" PRId64,
                            image, labels[i]);
        shrink(record + size - PIXELS, h, w, images + i * 3 * h * w);
    }
    close_all(f);
    return st;
}

static void fini(void *self)
{
    struct cifar *p = self;

    forget_files(&p->train);
    forget_files(&p->test);
}

static const char *const labels[] = {"fine", "coarse", NULL};
static const char *const norm_stats[] = {"samsung", "autodl", NULL};
#define PATH(text) TCET_PARAM_PATH(struct cifar, path, "", text)
#define AUGMENT                                                                              \
    TCET_PARAM_BOOL(struct cifar, augment, "0",                                              \
                    "Random crops after a padding of 4, and random horizontal flips, drawn " \
                    "under the seed (zero-cost-nas, NASLib).")
#define BALANCE                                                                              \
    TCET_PARAM_BOOL(struct cifar, balance, "0",                                              \
                    "As many images of every class in a mini-batch, class by class (GraSP, " \
                    "zero-cost-nas's dataload = grasp); 0: as they come.")
#define NORM_STATS(pair)                                                                    \
    TCET_PARAM_CHOICE(struct cifar, norm_stats, "samsung", norm_stats,                      \
                      "Mean and deviation: zero-cost-nas's for both CIFARs, or those that " \
                      "AutoDL-Projects has for this one, " pair ".")
static const tcet_param params10[] = {
    PATH("A file of the official binary layout, or a folder with data_batch_1.bin ... "
         "data_batch_5.bin or with cifar-10-batches-bin; empty: the shipped 320 training images."),
    AUGMENT,
    BALANCE,
    NORM_STATS("(125.3, 123.0, 113.9)/255 and (63.0, 62.1, 66.7)/255"),
};
static const tcet_param params100[] = {
    PATH("A file of the official binary layout, or a folder with train.bin or with "
         "cifar-100-binary; empty: the shipped 100 test images."),
    TCET_PARAM_CHOICE(struct cifar, labels, "fine", labels, "100 classes, or their 20 groups."),
    AUGMENT,
    BALANCE,
    NORM_STATS("(129.3, 124.1, 112.4)/255 and (68.2, 65.4, 70.4)/255"),
};

static const tcet_dataset_ops ops10 = {.struct_size = sizeof ops10,
                                       .open = open10,
                                       .info = info,
                                       .draw = draw,
                                       .splits = splits,
                                       .read = read_images};
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
static const tcet_dataset_ops ops100 = {.struct_size = sizeof ops100,
                                        .open = open100,
                                        .info = info,
                                        .draw = draw,
                                        .splits = splits,
                                        .read = read_images};
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

TCET_MODULE(&cifar10, &cifar100)
