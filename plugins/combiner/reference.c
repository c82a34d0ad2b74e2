/* reference.c -- ranks among a fixed population, which a file holds: a score of one network alone
 * (refrank).
 *
 * Room: plugins/combiner.  Touches the SDK and libc alone. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tcet/combiner.h>
#include <tcet/failf.h>
#include <unistd.h>

enum { BYTES_MAX = 64 << 20, COLUMNS_MAX = 1024, ROWS_MAX = 1 << 20 };

struct column {
    char *name;     /* in the text */
    double *values; /* sorted, smallest first; NULL: not a column of numbers alone */
    int64_t count;
};

struct reference {
    const char *reference;
    int32_t log;
    char *text; /* the file, cut into fields */
    struct column column[COLUMNS_MAX];
    int columns;
};

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The whole of a regular file, with a NUL behind it. */
static tcet_status read_text(tcet_ctx *cx, struct reference *p, size_t *size)
{
    int fd = open(p->reference, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t n = 0;
    ssize_t got = 1;

    if (fd < 0 || fstat(fd, &st) < 0) {
        tcet_failf(cx, TCET_E_IO, "reference = %s: %s", p->reference, strerror(errno));
        if (fd >= 0)
            close(fd);
        return TCET_E_IO;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > BYTES_MAX) {
        close(fd);
        return tcet_failf(cx, TCET_E_ARG, "reference = %s: %s", p->reference,
                          S_ISREG(st.st_mode) ? "is larger than 64 MiB" : "is no regular file");
    }
    p->text = malloc((size_t)st.st_size + 1);
    while (p->text && n < (size_t)st.st_size && got > 0) {
        got = read(fd, p->text + n, (size_t)st.st_size - n);
        n += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (!p->text)
        return tcet_fail(cx, TCET_E_MEMORY, "no memory for the reference");
    if (got < 0)
        return tcet_failf(cx, TCET_E_IO, "reference = %s: cannot be read", p->reference);
    p->text[n] = 0;
    *size = n;
    return TCET_OK;
}

/* The field at *at, ended by a NUL in its place; *at goes behind it.  *last: the line ends with it.
 * A quote in a quoted field is doubled, as everywhere in CSV; what matters here is where it ends. */
static char *field(char **at, char separator, int *last)
{
    char *start = *at, *p = start, *end;
    int quoted = *p == '"';

    if (quoted) {
        start = ++p;
        while (*p && (*p != '"' || p[1] == '"'))
            p += *p == '"' ? 2 : 1;
        end = p;
        p += *p == '"';
    } else
        end = p;
    while (*p && *p != separator && *p != '\n')
        p++;
    if (!quoted)
        end = p;
    while (end > start && (end[-1] == '\r' || end[-1] == ' '))
        end--;
    *last = *p != separator;
    *at = *p ? p + 1 : p;
    *end = 0;
    return start;
}

/* *number: the header's line. */
static tcet_status read_header(tcet_ctx *cx, struct reference *p, char **at, char *separator,
                               int64_t *number)
{
    size_t line;
    int last = 0;

    if (!strncmp(*at, "\xef\xbb\xbf", 3))
        *at += 3;
    while (**at == '#') { /* comments */
        *at += strcspn(*at, "\n");
        *at += **at == '\n';
        ++*number;
    }
    line = strcspn(*at, "\n");
    *separator = memchr(*at, '\t', line) ? '\t' : ',';
    while (!last) {
        if (p->columns == COLUMNS_MAX)
            return tcet_failf(cx, TCET_E_ARG, "reference = %s: more than %d columns", p->reference,
                              COLUMNS_MAX);
        p->column[p->columns++].name = field(at, *separator, &last);
    }
    return TCET_OK;
}

/* Text into a column makes it one that has no numbers, such as the architectures. */
static void put(struct column *c, const char *text)
{
    char *end;
    double v = strtod(text, &end);

    if (c->count < 0 || !*text)
        return;
    if (*end || end == text)
        c->count = -1;
    else if (!isnan(v))
        c->values[c->count++] = v;
}

static tcet_status read_rows(tcet_ctx *cx, struct reference *p, char *at, char separator,
                             int64_t rows, int64_t line)
{
    for (int k = 0; k < p->columns; k++) {
        p->column[k].values = malloc((size_t)(rows + 1) * sizeof(double));
        if (!p->column[k].values)
            return tcet_fail(cx, TCET_E_MEMORY, "no memory for the reference");
    }
    while (*at) {
        int last = 0, k = 0;

        line++;
        if (*at == '\n') {
            at++;
            continue;
        }
        for (; !last && k < p->columns; k++)
            put(&p->column[k], field(&at, separator, &last));
        if (!last || k != p->columns)
            return tcet_failf(cx, TCET_E_ARG, "reference = %s:%lld: %s fields than the header",
                              p->reference, (long long)line, last ? "fewer" : "more");
    }
    for (int k = 0; k < p->columns; k++) {
        if (p->column[k].count > 0)
            qsort(p->column[k].values, (size_t)p->column[k].count, sizeof(double), ascending);
    }
    return TCET_OK;
}

static void fini(void *self)
{
    struct reference *p = self;

    for (int k = 0; k < p->columns; k++)
        free(p->column[k].values);
    free(p->text);
}

static tcet_status init(tcet_ctx *cx, void *self)
{
    struct reference *p = self;
    char *at, separator;
    int64_t rows = 0, line = 1;
    size_t size = 0;
    tcet_status st;

    st = read_text(cx, p, &size);
    if (st >= 0 && memchr(p->text, 0, size))
        st = tcet_failf(cx, TCET_E_ARG, "reference = %s: is no text", p->reference);
    for (size_t i = 0; st >= 0 && i < size; i++)
        rows += p->text[i] == '\n';
    if (st >= 0 && rows > ROWS_MAX)
        st = tcet_failf(cx, TCET_E_ARG, "reference = %s: more than %d lines", p->reference,
                        ROWS_MAX);
    if (st >= 0) {
        at = p->text;
        st = read_header(cx, p, &at, &separator, &line);
    }
    if (st >= 0)
        st = read_rows(cx, p, at, separator, rows + 1, line);
    if (st < 0)
        fini(p);
    return st;
}

/* How many of the sorted values are below x. */
static int64_t below(const double *v, int64_t n, double x)
{
    int64_t low = 0, high = n;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;

        if (v[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Place of x among n sorted values, from 0 to n + 1: of a value that stands there its mean rank,
 * between two linear, beyond the ends towards 0 and n + 1, so that more is always higher. */
static double place(const double *v, int64_t n, double x)
{
    int64_t less = below(v, n, x), upto = less;
    double scale = v[n - 1] - v[n / 2], left, right;

    while (upto < n && v[upto] == x)
        upto++;
    if (upto > less)
        return 0.5 * (double)(less + 1 + upto);
    if (!(scale > 0.0) || !isfinite(scale))
        scale = 1.0;
    if (less == n)
        return (double)n + 1.0 - 1.0 / (1.0 + (x - v[n - 1]) / scale);
    if (less == 0)
        return 1.0 / (1.0 + (v[0] - x) / scale);
    left = 0.5 * (double)(below(v, n, v[less - 1]) + 1 + less);
    while (upto < n && v[upto] == v[less])
        upto++;
    right = 0.5 * (double)(less + 1 + upto);
    return left + (right - left) * ((x - v[less - 1]) / (v[less] - v[less - 1]));
}

static const struct column *find(const struct reference *p, const char *name)
{
    for (int k = 0; k < p->columns; k++) {
        if (!strcmp(p->column[k].name, name))
            return &p->column[k];
    }
    return NULL;
}

static tcet_status score(tcet_ctx *cx, void *self, const tcet_metric *const *metrics, int64_t count,
                         double *out)
{
    const struct reference *p = self;
    double sum = 0.0;

    for (int64_t k = 0; k < count; k++) {
        const struct column *c = find(p, metrics[k]->name);
        double x = metrics[k]->value, rank;

        if (!c || c->count < 1)
            return tcet_failf(cx, TCET_E_ARG, "reference = %s: %s \"%s\"", p->reference,
                              c ? "there are no numbers in column" : "there is no column",
                              metrics[k]->name);
        if (isnan(x)) {
            *out = NAN;
            return TCET_OK;
        }
        rank = place(c->values, c->count, x) / (double)(c->count + 1);
        if (metrics[k]->direction < 0)
            rank = 1.0 - rank;
        sum += p->log ? log(rank) : rank / (double)count;
    }
    *out = sum;
    return TCET_OK;
}

static const tcet_param params[] = {
    TCET_PARAM_PATH(struct reference, reference, NULL,
                    "A CSV or TSV file with a column a metric, by its name: a run of networks of "
                    "the space, as `tcet-host export` writes it."),
    TCET_PARAM_BOOL(struct reference, log, "1",
                    "Sum of ln(rank / (n + 1)), as logrank's; 0: mean of the ranks so divided."),
};
static const tcet_combiner_ops ops = {.struct_size = sizeof ops,
                                      .scope = TCET_SCOPE_NETWORK,
                                      .direction = 1,
                                      .min_metrics = 1,
                                      .score = score};
static const tcet_plugin refrank = {
    .struct_size = sizeof refrank,
    .kind = TCET_COMBINER,
    .id = "refrank",
    .version = "1.0.0",
    .summary = "Ranks of one network's numbers among a fixed population of a file, summed as logs.",
    .cite = "after the rank sum of AZ-NAS (CVPR 2024)",
    TCET_PARAMS(struct reference, params),
    .ops = &ops,
    .init = init,
    .fini = fini,
};

TCET_MODULE(&refrank)
