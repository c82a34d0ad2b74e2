/* compare.c -- WANT.jsonl against GOT.jsonl, quantity by quantity, with a tolerance for each.
 *
 * Room: tests/golden.  Touches jansson and libc.
 *
 * usage: compare WANT.jsonl GOT.jsonl RULE...
 * A rule is "total:NAME=TOLERANCE" or "layer:NAME=TOLERANCE"; NAME may hold * (fnmatch), the
 * first rule that fits a quantity counts.  WANT holds reference records ("totals", and the
 * quantities of a layer beside its name) or rows of an export ("scores", "metrics"); GOT is an
 * export with layers, of architectures that WANT holds.  Parameters, multiply-accumulates,
 * names and order of the layers must be equal, the sums of inputs and weights agree to 1e-9.
 *
 * Every quantity that WANT has and a rule fits must stand in GOT: what is missing is a failure,
 * never a silence.  Prints the worst deviation of every quantity, and where it is if that is
 * too much.  Exit code 0: all within
 * their tolerance, 1: not, 2: unreadable input. */
#include <fnmatch.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUANTITIES_MAX = 256, ROWS_MAX = 4096 };

/* A quantity's worst deviation over all rows and layers. */
struct quantity {
    char name[96]; /* "total:snip", "layer:snip_sum" */
    double tolerance, worst;
    int count;
    char where[640];
};

struct rows {
    json_t *row[ROWS_MAX];
    size_t count;
};

static struct quantity quantities[QUANTITIES_MAX];
static size_t quantity_count;
static char **rules;
static int rule_count, failures;

static void fail(const char *arch, const char *what, const char *detail)
{
    printf("FAIL %s: %s%s%s\n", arch, what, *detail ? ": " : "", detail);
    failures++;
}

/* The tolerance of the first rule that fits, or -1. */
static double tolerance_of(const char *name)
{
    char pattern[128];

    for (int i = 0; i < rule_count; i++) {
        const char *equals = strrchr(rules[i], '=');

        if (!equals || (size_t)(equals - rules[i]) >= sizeof pattern) {
            fprintf(stderr, "compare: \"%s\" is no rule\n", rules[i]);
            exit(2);
        }
        snprintf(pattern, sizeof pattern, "%.*s", (int)(equals - rules[i]), rules[i]);
        if (!fnmatch(pattern, name, 0))
            return atof(equals + 1);
    }
    return -1;
}

static struct quantity *quantity(const char *name, double tolerance)
{
    for (size_t i = 0; i < quantity_count; i++) {
        if (!strcmp(quantities[i].name, name))
            return &quantities[i];
    }
    if (quantity_count == QUANTITIES_MAX) {
        fprintf(stderr, "compare: more than %d quantities\n", QUANTITIES_MAX);
        exit(2);
    }
    snprintf(quantities[quantity_count].name, sizeof quantities->name, "%s", name);
    quantities[quantity_count].tolerance = tolerance;
    return &quantities[quantity_count++];
}

/* A JSON number, or the texts that stand for non-finite ones.  null: 0 (the reference writes
 * it where a layer adds nothing). */
static double number(const json_t *v)
{
    const char *text = json_string_value(v);

    if (text)
        return strcmp(text, "nan") ? strcmp(text, "-inf") ? INFINITY : -INFINITY : NAN;
    return json_is_null(v) ? 0 : json_number_value(v);
}

static double deviation(double want, double got)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : INFINITY;
    if (want == got)
        return 0;
    if (isinf(want) || isinf(got))
        return INFINITY;
    return fabs(want - got) / (want != 0 ? fabs(want) : 1);
}

static void compare_number(const char *arch, const char *kind, const char *name, const char *layer,
                           const json_t *want, const json_t *got)
{
    char full[96];
    struct quantity *q;
    double d, tolerance;

    snprintf(full, sizeof full, "%s:%s", kind, name);
    tolerance = tolerance_of(full);
    if (tolerance < 0)
        return;
    if (!got) {
        fail(arch, "is missing from the export", full);
        return;
    }
    q = quantity(full, tolerance);
    d = deviation(number(want), number(got));
    if (!q->count++ || d > q->worst) {
        q->worst = d;
        snprintf(q->where, sizeof q->where, "%.17g, want %.17g, %s%s%s", number(got), number(want),
                 arch, *layer ? " " : "", layer);
    }
}

/* The reference names the layers' classes, an export their kinds. */
static const char *kind_of(const json_t *layer)
{
    const char *kind = json_string_value(json_object_get(layer, "kind"));

    if (!kind)
        return "";
    return !strcmp(kind, "Conv2d") ? "conv" : !strcmp(kind, "Linear") ? "linear" : kind;
}

static void compare_layers(const char *arch, const json_t *want, const json_t *got)
{
    size_t n = json_array_size(want);

    if (n != json_array_size(got)) {
        fail(arch, "another number of layers", "");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        json_t *w = json_array_get(want, i), *g = json_array_get(got, i);
        json_t *values = json_object_get(w, "metrics"), *value;
        const char *name = json_string_value(json_object_get(w, "name")), *key;

        if (!json_equal(json_object_get(w, "name"), json_object_get(g, "name")) ||
            !json_equal(json_object_get(w, "shape"), json_object_get(g, "shape")) ||
            strcmp(kind_of(w), kind_of(g))) {
            fail(arch, "another layer stands in the place of", name);
            return;
        }
        json_object_foreach(values ? values : w, key, value)
        {
            if (values || json_is_real(value) || json_is_null(value) || json_is_integer(value))
                compare_number(arch, "layer", key, name, value,
                               json_object_get(json_object_get(g, "metrics"), key));
        }
    }
}

static void compare_row(const json_t *want, const json_t *got)
{
    static const char *const exact[] = {"params", "macs"}, *const sums[] = {"x_sum", "w_sum"};
    const char *arch = json_string_value(json_object_get(want, "arch")), *key;
    const char *status = json_string_value(json_object_get(got, "status"));
    json_t *totals = json_object_get(want, "totals"), *value;

    if (!status || strcmp(status, "ok"))
        fail(arch, "the row's status is not ok", "");
    for (int i = 0; i < 2; i++) {
        if (!json_equal(json_object_get(want, exact[i]), json_object_get(got, exact[i])))
            fail(arch, "another", exact[i]);
        if (!(deviation(number(json_object_get(want, sums[i])),
                        number(json_object_get(got, sums[i]))) <= 1e-9))
            fail(arch, "another", sums[i]);
    }
    json_object_foreach(totals ? totals : json_object_get(want, "scores"), key, value)
        compare_number(arch, "total", key, "", value,
                       json_object_get(json_object_get(got, "scores"), key));
    compare_layers(arch, json_object_get(want, "layers"), json_object_get(got, "layers"));
}

static void load(const char *path, struct rows *out)
{
    char *line = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "r");

    if (!f) {
        perror(path);
        exit(2);
    }
    while (getline(&line, &cap, f) > 0 && out->count < ROWS_MAX) {
        json_error_t why;
        json_t *row = json_loads(line, 0, &why);

        if (!json_string_value(json_object_get(row, "arch"))) {
            fprintf(stderr, "%s: line %zu: %s\n", path, out->count + 1,
                    row ? "no architecture" : why.text);
            exit(2);
        }
        out->row[out->count++] = row;
    }
    free(line);
    fclose(f);
}

static const json_t *find(const struct rows *rows, const json_t *arch)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (json_equal(json_object_get(rows->row[i], "arch"), arch))
            return rows->row[i];
    }
    return NULL;
}

static void unload(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        json_decref(rows->row[i]);
}

int main(int argc, char **argv)
{
    static struct rows want, got;

    if (argc < 4) {
        fprintf(stderr, "usage: compare WANT.jsonl GOT.jsonl total:NAME=TOLERANCE ...\n");
        return 2;
    }
    rules = argv + 3;
    rule_count = argc - 3;
    load(argv[1], &want);
    load(argv[2], &got);
    if (!got.count)
        fail(argv[2], "holds no row", "");
    for (size_t i = 0; i < got.count; i++) {
        const json_t *arch = json_object_get(got.row[i], "arch"), *w = find(&want, arch);

        if (w)
            compare_row(w, got.row[i]);
        else
            fail(json_string_value(arch), "there is no reference for it", "");
    }
    for (size_t i = 0; i < quantity_count; i++) {
        const struct quantity *q = &quantities[i];
        int bad = !(q->worst <= q->tolerance);

        failures += bad;
        printf("%-4s %-26s %9.2e of %.0e, %4d values%s%s\n", bad ? "FAIL" : "ok", q->name, q->worst,
               q->tolerance, q->count, bad ? "; worst " : "", bad ? q->where : "");
    }
    if (!quantity_count)
        fail(argv[2], "no rule fits anything", "");
    printf("%zu rows, %zu quantities, %d failed\n", got.count, quantity_count, failures);
    unload(&want);
    unload(&got);
    return failures != 0;
}
