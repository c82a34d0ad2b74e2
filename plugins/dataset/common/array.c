/* array.c -- see array.h.  Room: plugins/dataset/common.  Stands on zlib and libc. */
#include "common/array.h"

#include "common/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum {
    HEADER_MAX = 1 << 16, /* text of a .npy header */
    PREFIX_MAX = HEADER_MAX + 12,
    DIRECTORY_MAX = 1 << 20, /* of an archive; some thousand arrays */
    END_SIZE = 22,           /* an archive's last record, without its comment */
    RATIO_MAX = 1032         /* deflate's own limit */
};

struct failure {
    const char *path;
    char *error;
    size_t cap;
};

static int say(const struct failure *f, const char *what)
{
    snprintf(f->error, f->cap, "%s: %s", f->path, what);
    return -1;
}

static uint64_t little(const unsigned char *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* -- The header of an array ------------------------------------------------------------------ */

static void skip_blanks(const char **at)
{
    *at += strspn(*at, " \t\n");
}

/* A text in quotes without escapes, of less than cap characters. */
static int take_text(const char **at, char *out, size_t cap)
{
    char quote = **at;
    const char *end;

    if (quote != '\'' && quote != '"')
        return -1;
    end = strchr(*at + 1, quote);
    if (!end || (size_t)(end - *at - 1) >= cap || memchr(*at, '\\', (size_t)(end - *at)))
        return -1;
    memcpy(out, *at + 1, (size_t)(end - *at - 1));
    out[end - *at - 1] = '\0';
    *at = end + 1;
    return 0;
}

/* (3, 4), (3,) or (). */
static int take_shape(const char **at, struct array *a)
{
    if (*(*at)++ != '(')
        return -1;
    for (a->dims = 0;; a->dims++) {
        int64_t v = 0;

        skip_blanks(at);
        if (**at == ')')
            break;
        if (a->dims == ARRAY_DIMS || **at < '0' || **at > '9')
            return -1;
        for (; **at >= '0' && **at <= '9'; ++*at) {
            v = 10 * v + (**at - '0');
            if (v > INT64_C(1) << 40)
                return -1;
        }
        a->shape[a->dims] = v;
        *at += **at == 'L'; /* python 2's */
        skip_blanks(at);
        if (**at == ',')
            ++*at;
        else if (**at != ')')
            return -1;
    }
    ++*at;
    return 0;
}

/* '<f4' and the like. */
static int take_type(const struct failure *f, const char *descr, struct array *a)
{
    char text[120];
    int bytes = descr[0] && descr[1] && descr[2] >= '1' && descr[2] <= '8' && !descr[3]
                    ? descr[2] - '0'
                    : 0;

    if (descr[0] == '>' && bytes > 1)
        return say(f, "holds big-endian numbers; in numpy: x.astype(x.dtype.newbyteorder('<'))");
    a->kind = bytes ? descr[1] : '\0';
    a->element = bytes;
    if (strchr("<>|=", descr[0]) && bytes && bytes != 3 && bytes < 9 &&
        (bytes & (bytes - 1)) == 0 &&
        (a->kind == 'u' || a->kind == 'i' || (a->kind == 'f' && bytes >= 4) ||
         (a->kind == 'b' && bytes == 1)))
        return 0;
    snprintf(text, sizeof text,
             "holds numbers of type \"%.20s\"; integers, float32 and float64 are read", descr);
    return say(f, text);
}

/* {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } */
static int take_dict(const struct failure *f, const char *at, struct array *a)
{
    static const char *const broken = "its header is not numpy's: {'descr': ..., 'fortran_order': "
                                      "..., 'shape': (...), }";
    char key[16], descr[32] = "";
    int seen = 0, fortran = 0;

    skip_blanks(&at);
    if (*at++ != '{')
        return say(f, broken);
    for (;;) {
        skip_blanks(&at);
        if (*at == '}')
            break;
        if (take_text(&at, key, sizeof key) < 0)
            return say(f, broken);
        skip_blanks(&at);
        if (*at++ != ':')
            return say(f, broken);
        skip_blanks(&at);
        if (!strcmp(key, "descr") && !(seen & 1) && take_text(&at, descr, sizeof descr) == 0) {
            seen |= 1;
        } else if (!strcmp(key, "fortran_order") && !(seen & 2) &&
                   (!strncmp(at, "False", 5) || !strncmp(at, "True", 4))) {
            fortran = *at == 'T';
            at += fortran ? 4 : 5;
            seen |= 2;
        } else if (!strcmp(key, "shape") && !(seen & 4) && take_shape(&at, a) == 0) {
            seen |= 4;
        } else {
            return say(f, broken);
        }
        skip_blanks(&at);
        if (*at == ',')
            at++;
        else if (*at != '}')
            return say(f, broken);
    }
    if (seen != 7)
        return say(f, broken);
    if (take_type(f, descr, a) < 0)
        return -1;
    return fortran ? say(f, "is in Fortran's order; in numpy: numpy.ascontiguousarray(x)") : 0;
}

/* The first bytes of a .npy file: fills *a but for where the numbers are; *header: bytes before them. */
static int take_header(const struct failure *f, const unsigned char *bytes, size_t size,
                       struct array *a, int64_t *header)
{
    size_t prefix = 10, length;
    char *text;
    int done;

    if (size < prefix || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return say(f, "is no array of numpy (.npy)");
    if (bytes[6] < 1 || bytes[6] > 3)
        return say(f, "is of a version of .npy that is not known (1 to 3 are)");
    if (bytes[6] > 1)
        prefix = 12;
    length = size < prefix ? 0 : (size_t)little(bytes + 8, prefix == 10 ? 2 : 4);
    if (size < prefix || length > HEADER_MAX || length > size - prefix)
        return say(f, "is cut within its header, or has one of more than 65536 bytes");
    text = malloc(length + 1);
    if (!text)
        return say(f, "no memory for its header");
    memcpy(text, bytes + prefix, length);
    text[length] = '\0';
    done = take_dict(f, text, a);
    free(text);
    *header = (int64_t)(prefix + length);
    a->bytes = a->element;
    for (int i = 0; done == 0 && i < a->dims; i++) {
        if (__builtin_mul_overflow(a->bytes, a->shape[i], &a->bytes) || a->bytes > INT64_C(1) << 50)
            done = say(f, "its shape is that of more numbers than a file can hold");
    }
    return done;
}

/* -- Archives ---------------------------------------------------------------------------------- */

struct member {
    int method;
    uint32_t crc;
    int64_t at, packed, size;
};

static int read_at(FILE *file, int64_t at, size_t n, void *out)
{
    return fseeko(file, at, SEEK_SET) == 0 && fread(out, 1, n, file) == n ? 0 : -1;
}

/* The archive's directory, malloc'd: NULL after a message. */
static unsigned char *read_directory(const struct failure *f, FILE *file, int64_t size,
                                     size_t *length)
{
    size_t tail = size < END_SIZE + 65535 ? (size_t)size : END_SIZE + 65535;
    unsigned char *end = malloc(tail + 1), *directory = NULL;
    int64_t at = -1;

    if (end && read_at(file, size - (int64_t)tail, tail, end) == 0) {
        for (int64_t i = (int64_t)tail - END_SIZE; i >= 0 && at < 0; i--) {
            if (!memcmp(end + i, "PK\5\6", 4))
                at = i;
        }
    }
    if (at < 0) {
        say(f, "is an archive (.npz) without its end; is the file cut?");
    } else {
        int64_t from = (int64_t)little(end + at + 16, 4);

        *length = (size_t)little(end + at + 12, 4);
        if (*length > DIRECTORY_MAX || from > size || (int64_t)*length > size - from)
            say(f,
                "an archive (.npz) with a directory that cannot be; those of more than 4 GiB are "
                "not read");
        else if (!(directory = malloc(*length + 1)) || read_at(file, from, *length, directory) < 0)
            say(f, "the archive's directory cannot be read");
    }
    free(end);
    return directory;
}

/* Looks for "NAME.npy", or NAME itself. */
static int find_member(const struct failure *f, FILE *file, int64_t size, const char *name,
                       struct member *out)
{
    size_t length = 0, wanted = strlen(name), n = 0;
    unsigned char *d = read_directory(f, file, size, &length), local[30];
    char text[200] = "";
    int found = 0;

    if (!d)
        return -1;
    for (size_t at = 0; !found && length - at >= 46 && !memcmp(d + at, "PK\1\2", 4);
         at += 46 + n + (size_t)little(d + at + 30, 2) + (size_t)little(d + at + 32, 2)) {
        const unsigned char *entry = d + at;

        n = (size_t)little(entry + 28, 2);
        if (46 + n + (size_t)little(entry + 30, 2) + (size_t)little(entry + 32, 2) > length - at)
            break;
        found = (n == wanted || (n == wanted + 4 && !memcmp(entry + 46 + wanted, ".npy", 4))) &&
                !memcmp(entry + 46, name, wanted);
        if (!found) {
            size_t used = strlen(text);

            snprintf(text + used, sizeof text - used, "%s%.*s", used ? ", " : "",
                     (int)(n > 4 ? n - 4 : n), (const char *)entry + 46);
            continue;
        }
        *out = (struct member){.method = (int)little(entry + 10, 2),
                               .crc = (uint32_t)little(entry + 16, 4),
                               .packed = (int64_t)little(entry + 20, 4),
                               .size = (int64_t)little(entry + 24, 4),
                               .at = (int64_t)little(entry + 42, 4)};
        if (little(entry + 8, 2) & 1)
            found = -1; /* encrypted */
        break;
    }
    free(d);
    if (found < 0)
        return say(f, "the archive is encrypted");
    if (!found) {
        snprintf(f->error, f->cap, "%s: holds no array \"%s\"; it has: %s", f->path, name, text);
        return -1;
    }
    if (read_at(file, out->at, sizeof local, local) < 0 || memcmp(local, "PK\3\4", 4) != 0)
        return say(f, "the archive's directory points to what is no array");
    out->at += 30 + (int64_t)little(local + 26, 2) + (int64_t)little(local + 28, 2);
    if (out->packed > size - out->at || out->at > size)
        return say(f, "the archive is cut, or has arrays of more than 4 GiB, which are not read");
    return 0;
}

/* All of a deflated member into out, which has room for `size` bytes: 0, or -1. */
static int inflate_all(FILE *file, const struct member *m, unsigned char *out, int64_t size)
{
    enum { BLOCK = 1 << 16 };
    unsigned char *in = malloc(BLOCK);
    int64_t left = m->packed, done = 0;
    z_stream z = {.next_in = Z_NULL};
    int st = in && inflateInit2(&z, -15) == Z_OK ? Z_OK : Z_MEM_ERROR;

    if (st == Z_OK && fseeko(file, m->at, SEEK_SET) != 0)
        st = Z_ERRNO;
    while (st == Z_OK) {
        int64_t before;

        if (z.avail_in == 0 && left > 0) {
            size_t n = left < BLOCK ? (size_t)left : BLOCK;

            if (fread(in, 1, n, file) != n)
                break;
            left -= (int64_t)n;
            z.next_in = in;
            z.avail_in = (uInt)n;
        }
        z.next_out = out + done;
        z.avail_out = size - done < 1 << 30 ? (uInt)(size - done) : 1 << 30;
        before = (int64_t)z.avail_out;
        st = inflate(&z, Z_NO_FLUSH);
        done += before - (int64_t)z.avail_out;
    }
    inflateEnd(&z);
    free(in);
    return st == Z_STREAM_END && done == size && left == 0 ? 0 : -1;
}

static int open_deflated(const struct failure *f, FILE *file, const struct member *m,
                         struct array *a)
{
    int64_t header;
    uLong crc = crc32(0, Z_NULL, 0);

    if (m->size > ARRAY_MEMORY_MAX || m->size / RATIO_MAX > m->packed + 1)
        return say(f, "an array that would be larger than its deflated bytes can give");
    a->memory = malloc((size_t)m->size + 1);
    if (!a->memory)
        return say(f, "no memory for a deflated array");
    if (inflate_all(file, m, a->memory, m->size) < 0)
        return say(f, "a deflated array is damaged, or not as large as the archive says");
    for (int64_t i = 0; i < m->size; i += 1 << 30)
        crc = crc32(crc, a->memory + i, (uInt)(m->size - i < 1 << 30 ? m->size - i : 1 << 30));
    if ((uint32_t)crc != m->crc)
        return say(f, "a deflated array has another checksum than the archive says");
    if (take_header(f, a->memory, (size_t)m->size, a, &header) < 0)
        return -1;
    a->start = header;
    return header + a->bytes == m->size
               ? 0
               : say(f, "an array has more or fewer numbers than its shape says");
}

/* The array of `size` bytes that stands at `at` of the file. */
static int open_stored(const struct failure *f, FILE *file, int64_t at, int64_t size,
                       struct array *a)
{
    size_t n = size < PREFIX_MAX ? (size_t)size : PREFIX_MAX;
    unsigned char *prefix = malloc(n + 1);
    int64_t header = 0;
    int done;

    if (!prefix || read_at(file, at, n, prefix) < 0)
        done = say(f, "its header cannot be read");
    else
        done = take_header(f, prefix, n, a, &header);
    free(prefix);
    if (done == 0 && header + a->bytes != size)
        done = say(f, size < header + a->bytes ? "truncated: has fewer numbers than its shape says"
                                               : "has more numbers than its shape says");
    a->at = at + header;
    return done;
}

/* -- Files ------------------------------------------------------------------------------------- */

static FILE *open_file(const struct failure *f, int64_t *size)
{
    const char *why;
    FILE *file = file_regular(f->path, size, &why);

    if (!file)
        say(f, why);
    return file;
}

int array_open(const char *path, const char *member, struct array *out, char *error, size_t cap)
{
    const struct failure f = {path, error, cap};
    unsigned char magic[4] = {0};
    struct member m;
    int64_t size = 0;

    *out = (struct array){.file = NULL};
    out->file = open_file(&f, &size);
    if (!out->file)
        return -1;
    if (size < 4 || read_at(out->file, 0, sizeof magic, magic) < 0)
        return say(&f, "is too short for an array of numpy");
    if (memcmp(magic, "PK\3\4", 4) != 0)
        return open_stored(&f, out->file, 0, size, out);
    out->archived = 1;
    if (!member || !*member)
        return say(&f, "is an archive (.npz): which of its arrays, is not said");
    if (find_member(&f, out->file, size, member, &m) < 0)
        return -1;
    if (m.method == 8)
        return open_deflated(&f, out->file, &m, out);
    if (m.method != 0 || m.packed != m.size)
        return say(&f, "an archive (.npz) whose arrays are neither stored nor deflated");
    return open_stored(&f, out->file, m.at, m.size, out);
}

int array_open_raw(const char *path, char kind, int element, int64_t row, struct array *out,
                   char *error, size_t cap)
{
    const struct failure f = {path, error, cap};
    int64_t size = 0;

    *out = (struct array){.kind = kind, .element = element, .dims = 1};
    out->file = open_file(&f, &size);
    if (!out->file)
        return -1;
    if (size % row || size == 0) {
        snprintf(error, cap,
                 "%s: has %" PRId64 " bytes, which is no number of images of %" PRId64 " bytes",
                 path, size, row);
        return -1;
    }
    out->shape[0] = size / row;
    out->bytes = size;
    return 0;
}

int array_read(const struct array *a, int64_t first, int64_t n, void *out)
{
    if (!a->memory)
        return read_at(a->file, a->at + first, (size_t)n, out);
    memcpy(out, a->memory + a->start + first, (size_t)n);
    return 0;
}

void array_close(struct array *a)
{
    if (a->file)
        fclose(a->file);
    free(a->memory);
    *a = (struct array){.file = NULL};
}

int64_t array_whole(const struct array *a, const void *numbers, int64_t i)
{
    uint64_t v = little((const unsigned char *)numbers + i * a->element, a->element);

    if (a->kind == 'i' && a->element < 8 && v >> (8 * a->element - 1))
        v |= ~UINT64_C(0) << (8 * a->element);
    return a->kind == 'u' && v > INT64_MAX ? INT64_MAX : (int64_t)v;
}
