/* import_nb101.c -- nasbench_only108.tfrecord (import.h): records of length, CRC-32C, JSON and CRC-32C;
 * in the JSON, base64 of a protobuf message.  Room: core/table. */
#include "table/import_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { RECORD_MAX = 1 << 16, VERTICES = 7, HASH = 32, ENTRIES_MAX = 1 << 22 };
enum { TRAIN, VAL, TEST, SECONDS, VALUES };
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* One architecture, over the times it was trained. */
struct entry {
    double sum[VALUES], params;
    int32_t trained;
    size_t arch; /* where its text begins */
};

struct reader {
    const char *path;
    long long record, byte; /* from 1; of the record's first byte */
    uint32_t table[256];
    struct import_names hashes;
    struct buf entries, text;
    struct error *err;
};

static tcet_status fail(struct reader *r, const char *why)
{
    return error_set(r->err, TCET_E_ARG, "%s: record %lld (byte %lld): %s", r->path, r->record,
                     r->byte, why);
}

/* CRC-32C, turned and shifted as TensorFlow keeps it. */
static uint32_t masked_crc(const struct reader *r, const unsigned char *p, size_t n)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ r->table[(crc ^ p[i]) & 0xff];
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void fill_crc(uint32_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78u : 0);
    }
}

static uint64_t little(const unsigned char *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = n; i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

/* ---- base64 and protobuf ---- */

/* In place; the number of bytes, -1 where it is none. */
static int64_t base64(char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    size_t n = 0, have = 0, i = 0;

    for (; text[i] && text[i] != '='; i++) {
        const char *d = strchr(digits, text[i]);

        if (text[i] == '\n') /* as Python's encodestring breaks lines */
            continue;
        if (!d)
            return -1;
        bits = bits << 6 | (uint32_t)(d - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            text[n++] = (char)(bits >> have & 0xff);
        }
    }
    return text[i + strspn(text + i, "=\n")] ? -1 : (int64_t)n;
}

struct span {
    const unsigned char *at, *end;
};

static int varint(struct span *s, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && s->at < s->end; shift += 7) {
        *out |= (uint64_t)(*s->at & 0x7f) << shift;
        if (!(*s->at++ & 0x80))
            return 1;
    }
    return 0;
}

/* The next field: its number and what it holds; 0 at the end, -1 where the message is none. */
static int field(struct span *s, uint32_t *number, uint32_t *wire, uint64_t *value,
                 struct span *bytes)
{
    uint64_t tag, n = 0;

    if (s->at == s->end)
        return 0;
    if (!varint(s, &tag) || tag >> 32)
        return -1;
    *number = (uint32_t)tag >> 3;
    *wire = tag & 7;
    if (*wire == WIRE_VARINT)
        return varint(s, value) ? 1 : -1;
    n = *wire == WIRE_FIXED64 ? 8 : *wire == WIRE_FIXED32 ? 4 : UINT64_MAX;
    if (*wire == WIRE_BYTES && !varint(s, &n))
        return -1;
    if (n > (uint64_t)(s->end - s->at))
        return -1;
    *bytes = (struct span){s->at, s->at + n};
    s->at += n;
    if (*wire != WIRE_BYTES)
        *value = little(bytes->at, n);
    return 1;
}

/* An evaluation: 2 seconds, 3 train, 4 validation, 5 test, as doubles. */
static int evaluation(struct span s, double *out)
{
    static const int place[6] = {-1, -1, SECONDS, TRAIN, VAL, TEST};
    struct span bytes;
    uint32_t number, wire;
    uint64_t value;
    int rc;

    for (int i = 0; i < VALUES; i++)
        out[i] = 0; /* proto2 leaves out what is not set */
    while ((rc = field(&s, &number, &wire, &value, &bytes)) > 0) {
        if (number < 2 || number > 5)
            continue;
        if (wire != WIRE_FIXED64)
            return -1;
        memcpy(&out[place[number]], &value, sizeof value);
        if (!isfinite(out[place[number]]))
            return -1;
    }
    return rc;
}

/* The metrics: the third evaluation is that of the last epoch. */
static const char *metrics(const char *data, size_t n, double *out, double *params)
{
    struct span s = {(const unsigned char *)data, (const unsigned char *)data + n}, bytes;
    uint32_t number, wire;
    uint64_t value;
    int evaluations = 0, rc;

    *params = NAN;
    while ((rc = field(&s, &number, &wire, &value, &bytes)) > 0) {
        if (number == 1 && wire == WIRE_BYTES && evaluations++ == 2 && evaluation(bytes, out) < 0)
            return "its evaluation is no message of doubles";
        if (number == 2 && wire == WIRE_VARINT)
            *params = (double)value;
    }
    if (rc < 0)
        return "its metrics are no protobuf message, or are cut";
    return evaluations < 3 ? "its metrics have fewer than three evaluations" : NULL;
}

/* ---- records ---- */

/* NASLib's tuple: the matrix, and a code a vertex. */
static const char *cell(struct buf *out, const char *matrix, char *ops)
{
    static const char *const names[] = {"input", "output", "maxpool3x3", "conv1x1-bn-relu",
                                        "conv3x3-bn-relu"};
    size_t vertices = 0, n = strlen(matrix), codes[VERTICES];

    for (char *op = ops, *next; op; op = next) {
        size_t c = 0;

        next = strchr(op, ',');
        if (next)
            *next++ = '\0';
        while (c < TCET_COUNT(names) && strcmp(op, names[c]) != 0)
            c++;
        if (c == TCET_COUNT(names) || vertices == VERTICES)
            return c == TCET_COUNT(names) ? "it has an operation that NAS-Bench-101 has not"
                                          : "it has more than seven vertices";
        codes[vertices++] = c;
    }
    if (n != vertices * vertices || strspn(matrix, "01") != n)
        return "its matrix is not of its vertices, of 0 and 1";
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%c", i ? ", " : "(", matrix[i]);
    for (size_t i = 0; i < vertices; i++)
        buf_printf(out, ", %zu", codes[i]);
    buf_add(out, ")", 2);
    return NULL;
}

static tcet_status keep(struct reader *r, char *const part[5])
{
    double v[VALUES], params;
    int64_t bytes = base64(part[4]);
    const char *wrong = bytes < 0 ? "its metrics are no base64" : NULL;
    struct entry *e, fresh = {{0}, NAN, 0, r->text.len};
    size_t at;
    int is_new;

    if (!wrong && (strlen(part[0]) != HASH || strspn(part[0], "0123456789abcdef") != HASH))
        wrong = "its hash is not 32 hexadecimal digits";
    if (!wrong)
        wrong = metrics(part[4], (size_t)bytes, v, &params);
    if (!wrong && r->hashes.count == ENTRIES_MAX)
        wrong = "more architectures than any expected here";
    if (wrong)
        return fail(r, wrong);
    at = import_names_put(&r->hashes, part[0], &is_new);
    if (is_new) {
        wrong = cell(&r->text, part[2], part[3]);
        if (wrong)
            return fail(r, wrong);
        fresh.params = params;
        buf_add(&r->entries, &fresh, sizeof fresh);
    }
    e = (struct entry *)(void *)r->entries.data + at;
    for (int i = 0; i < VALUES; i++)
        e->sum[i] += v[i];
    e->trained++;
    return TCET_OK;
}

/* nasbench_full.tfrecord has trainings of 4, 12 and 36 epochs too. */
static tcet_status other_epochs(struct reader *r, const char *epochs)
{
    char why[160];

    snprintf(why, sizeof why,
             "108 epochs are expected, not %.20s: take nasbench_only108.tfrecord, not "
             "nasbench_full.tfrecord",
             epochs);
    return fail(r, why);
}

/* [hash, epochs, matrix, operations, metrics] */
static tcet_status record(struct reader *r, const char *data, size_t n)
{
    static const int events[5] = {TCET_JSON_STRING, TCET_JSON_NUMBER, TCET_JSON_STRING,
                                  TCET_JSON_STRING, TCET_JSON_STRING};
    struct arena a = {0};
    char *word = arena_alloc(&a, RECORD_MAX), *part[5], why[160];
    tcet_json j = tcet_json_of(data, n, word, RECORD_MAX);
    int event = tcet_json_next(&j), ok = event == TCET_JSON_LIST;
    tcet_status st;

    for (int i = 0; ok && i < 5; i++) {
        event = tcet_json_next(&j);
        ok = event == events[i];
        part[i] = arena_strdup(&a, word);
    }
    ok = ok && (event = tcet_json_next(&j)) == TCET_JSON_LIST_END;
    ok = ok && (event = tcet_json_next(&j)) == TCET_JSON_END;
    if (!ok) {
        snprintf(why, sizeof why, "%s",
                 event == TCET_JSON_ERROR
                     ? j.error
                     : "a list of hash, epochs, matrix, operations and metrics is expected");
        st = fail(r, why);
    } else {
        st = strcmp(part[1], "108") != 0 ? other_epochs(r, part[1]) : keep(r, part);
    }
    arena_free(&a);
    return st;
}

static tcet_status records(struct reader *r, FILE *f)
{
    unsigned char head[12], foot[4];
    char *data = mem_alloc(RECORD_MAX);
    tcet_status st = TCET_OK;
    size_t got;

    for (r->byte = 1; st >= 0 && (got = fread(head, 1, sizeof head, f)) > 0;) {
        uint64_t n = little(head, 8);

        r->record++;
        if (got < sizeof head)
            st = fail(r, "the file is cut within its length");
        else if (masked_crc(r, head, 8) != little(head + 8, 4))
            st = fail(r, "its length has another checksum (CRC-32C): damaged, or no TFRecord file");
        else if (n > RECORD_MAX)
            st = fail(r, "it is larger than any expected here");
        else if (fread(data, 1, n, f) < n || fread(foot, 1, 4, f) < 4)
            st = fail(r, "the file is cut within it");
        else if (masked_crc(r, (unsigned char *)data, n) != little(foot, 4))
            st = fail(r, "its content has another checksum (CRC-32C): damaged");
        else
            st = record(r, data, n);
        r->byte += 16 + (long long)n;
    }
    if (st >= 0 && ferror(f))
        st = error_set(r->err, TCET_E_IO, "%s: cannot be read", r->path);
    free(data);
    return st;
}

tcet_status import_nasbench101(const char *const *files, size_t count, struct buf *out,
                               size_t *rows, struct error *err)
{
    struct reader r = {.path = files[0], .err = err};
    FILE *f = file_open(files[0], INT64_MAX, NULL, err);
    tcet_status st;

    (void)count;
    if (!f)
        return err->status;
    fill_crc(r.table);
    st = records(&r, f);
    fclose(f);
    buf_printf(out,
               "# NAS-Bench-101: trained accuracies, one line an architecture (column arch: the "
               "matrix and the operations).\n# *_cifar10: accuracy in percent after 108 epochs, "
               "mean over the trainings (column trained: how many).\n# seconds: of a training, "
               "mean; params: as its authors count them.\n# Source: %s (github.com/google-research/"
               "nasbench, Apache-2.0), by tcet-host import.\n# trained = val_* test_* train_*\n"
               "arch\tval_cifar10\ttest_cifar10\ttrain_cifar10\tseconds\tparams\ttrained\n",
               import_name(files[0]));
    *rows = r.hashes.count;
    for (size_t i = 0; st >= 0 && i < *rows; i++) {
        const struct entry *e = (const struct entry *)(void *)r.entries.data + i;

        buf_puts(out, r.text.data + e->arch);
        import_put(out, 100 * e->sum[VAL] / e->trained);
        import_put(out, 100 * e->sum[TEST] / e->trained);
        import_put(out, 100 * e->sum[TRAIN] / e->trained);
        import_put(out, e->sum[SECONDS] / e->trained);
        import_put(out, e->params);
        import_put(out, e->trained);
        buf_puts(out, "\n");
    }
    import_names_free(&r.hashes);
    buf_free(&r.entries);
    buf_free(&r.text);
    return st;
}
