/* import_json.c -- benchmarks whose official file is JSON: NAS-Bench-Macro, NDS, NAS-Bench-Suite-Zero
 * (import.h).  Room: core/table. */
#include "table/import_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "table/table.h"

/* ---- NAS-Bench-Macro: {"00000000": {"test_acc": [...], "mean_acc": ..., "params": ...}, ...} ---- */

enum { MACRO_MEAN, MACRO_STD, MACRO_PARAMS, MACRO_FLOPS, MACRO_VALUES };
static const char *const macro_names[MACRO_VALUES] = {"mean_acc", "std", "params", "flops"};

static tcet_status macro_entry(struct import_json *j, const char *arch, struct buf *out,
                               struct error *err)
{
    double value[MACRO_VALUES] = {NAN, NAN, NAN, NAN};
    int event = tcet_json_next(&j->json);

    if (event != TCET_JSON_OBJECT)
        return import_fail(j, event, "an object of accuracies and counts", err);
    while (tcet_json_next(&j->json) == TCET_JSON_NAME) {
        int k = 0;

        while (k < MACRO_VALUES && strcmp(j->json.text, macro_names[k]) != 0)
            k++;
        if (k < MACRO_VALUES)
            TRY(import_number(j, "a number", &value[k], err));
        else if (tcet_json_skip(&j->json, tcet_json_next(&j->json)) == TCET_JSON_ERROR)
            break;
    }
    if (j->json.error)
        return import_fail(j, TCET_JSON_ERROR, "", err);
    if (isnan(value[MACRO_MEAN]))
        return import_fail(j, 0, "its \"mean_acc\" above", err);
    buf_puts(out, arch);
    for (int k = 0; k < MACRO_VALUES; k++)
        import_put(out, value[k]);
    buf_puts(out, "\n");
    return TCET_OK;
}

static tcet_status macro_entries(struct import_json *j, struct import_names *seen, struct buf *out,
                                 struct error *err)
{
    int event = tcet_json_next(&j->json), fresh;

    if (event != TCET_JSON_OBJECT)
        return import_fail(j, event, "an object of architectures", err);
    while ((event = tcet_json_next(&j->json)) == TCET_JSON_NAME) {
        size_t at;

        if (strlen(j->json.text) != 8 || strspn(j->json.text, "012") != 8)
            return import_fail(j, 0, "an architecture, eight digits 0, 1 or 2,", err);
        at = import_names_put(seen, j->json.text, &fresh);
        if (!fresh)
            return import_fail(j, 0, "each architecture once", err);
        TRY(macro_entry(j, seen->name[at], out, err));
    }
    if (event == TCET_JSON_OBJECT_END)
        event = tcet_json_next(&j->json);
    return event == TCET_JSON_END ? TCET_OK : import_fail(j, event, "the end", err);
}

tcet_status import_nb_macro(const char *const *files, size_t count, struct buf *out, size_t *rows,
                            struct error *err)
{
    struct import_names seen = {.count = 0};
    struct import_json j;
    tcet_status st = import_open(&j, files[0], err);

    (void)count;
    buf_printf(out,
               "# NAS-Bench-Macro: trained accuracies, one line an architecture (column arch).\n"
               "# test_cifar10: accuracy in percent, mean of three seeds; test_std: their "
               "deviation.\n# Source: %s (github.com/xiusu/NAS-Bench-Macro, Apache-2.0), by "
               "tcet-host import.\n# trained = test_*\n"
               "arch\ttest_cifar10\ttest_std\tparams\tflops\n",
               import_name(files[0]));
    if (st >= 0)
        st = macro_entries(&j, &seen, out, err);
    *rows = seen.count;
    import_names_free(&seen);
    import_close(&j);
    return st;
}

/* ---- NDS, which is a table as it is (table.h) ---- */

tcet_status import_nds(const char *const *files, size_t count, struct buf *out, size_t *rows,
                       struct error *err)
{
    size_t n = strlen(files[0]);
    struct table *t;

    (void)count;
    if (n < 6 || strcmp(files[0] + n - 5, ".json") != 0)
        return error_set(err, TCET_E_ARG, "%s: a file of NDS ends in .json", files[0]);
    TRY(table_load(files[0], NULL, &t, err));
    buf_printf(out,
               "# NDS: trained accuracies, one line an architecture (column net).\n# test, "
               "test_best: accuracy in percent, of the last and of the best epoch; of entries with "
               "one net the first.\n# Source: %s (dl.fbaipublicfiles.com/nds/data.zip), by "
               "tcet-host import.\n# trained = test test_best\nnet",
               import_name(files[0]));
    for (size_t c = 0; c < t->columns; c++)
        buf_printf(out, "\t%s", t->column[c]);
    for (size_t i = 0; i < t->rows; i++) {
        buf_puts(out, "\n\"");
        for (const char *p = t->arch[i]; *p; p++) /* quotes are doubled, as in CSV */
            buf_add(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
        buf_puts(out, "\"");
        for (size_t c = 0; c < t->columns; c++)
            import_put(out, t->values[c * t->rows + i]);
    }
    buf_puts(out, "\n");
    *rows = t->rows;
    table_free(t);
    return TCET_OK;
}

/* ---- NAS-Bench-Suite-Zero: [space ->] [task ->] architecture -> proxy -> number or {score, time} ---- */

enum { ZC_COLUMNS_MAX = 4096, ZC_CELLS_MAX = 1 << 27, ZC_NAME_MAX = 128 };

struct zc_cell {
    uint32_t row, column;
    double value;
};

struct zc {
    struct import_json j;
    struct import_names archs, columns;
    struct buf cells;
    int depth; /* zc_depth */
    struct error *err;
};

/* A value of a proxy; *have 0: it is a text. */
static tcet_status zc_value(struct zc *z, double *out, int *have)
{
    int event = tcet_json_next(&z->j.json);

    *out = NAN;
    *have = event != TCET_JSON_STRING;
    if (event == TCET_JSON_STRING || event == TCET_JSON_WORD)
        return TCET_OK;
    if (event == TCET_JSON_NUMBER) {
        *out = strtod(z->j.json.text, NULL);
        return TCET_OK;
    }
    if (event != TCET_JSON_OBJECT)
        return import_fail(&z->j, event, "a number, or an object of score and time,", z->err);
    while ((event = tcet_json_next(&z->j.json)) == TCET_JSON_NAME) {
        if (!strcmp(z->j.json.text, "score"))
            TRY(import_number(&z->j, "a number", out, z->err));
        else if (tcet_json_skip(&z->j.json, tcet_json_next(&z->j.json)) == TCET_JSON_ERROR)
            break;
    }
    return event == TCET_JSON_OBJECT_END ? TCET_OK : import_fail(&z->j, event, "a name", z->err);
}

static tcet_status zc_entry(struct zc *z, const char *task)
{
    char name[3 * ZC_NAME_MAX];
    struct zc_cell c;
    int event, fresh, have;

    if (!import_arch_ok(z->j.json.text))
        return import_fail(&z->j, 0, "an architecture", z->err);
    c.row = (uint32_t)import_names_put(&z->archs, z->j.json.text, &fresh);
    event = tcet_json_next(&z->j.json);
    if (event != TCET_JSON_OBJECT)
        return import_fail(&z->j, event, "an object of proxies", z->err);
    while ((event = tcet_json_next(&z->j.json)) == TCET_JSON_NAME) {
        const char *proxy = z->j.json.text;

        if (strlen(proxy) >= ZC_NAME_MAX)
            return import_fail(&z->j, 0, "a proxy's name", z->err);
        if (!strcmp(proxy, "val_accuracy") || !strcmp(proxy, "test_accuracy"))
            snprintf(name, sizeof name, "%.*s_%s", (int)strcspn(proxy, "_"), proxy,
                     *task ? task : "accuracy");
        else if (!strcmp(proxy,
                         "accuracy")) /* what correlate writes of a column that says neither */
            snprintf(name, sizeof name, "%s", *task ? task : "accuracy");
        else
            snprintf(name, sizeof name, "nbsz_%s%s%s", proxy, *task ? "_" : "", task);
        if (!*proxy || !import_arch_ok(name))
            return import_fail(&z->j, 0, "a proxy's name", z->err);
        TRY(zc_value(z, &c.value, &have));
        if (!have || !strncmp(name, "nbsz_idx", 8))
            continue;
        c.column = (uint32_t)import_names_put(&z->columns, name, &fresh);
        if (z->columns.count > ZC_COLUMNS_MAX || z->cells.len / sizeof c >= ZC_CELLS_MAX)
            return import_fail(&z->j, 0, "no more proxies", z->err);
        buf_add(&z->cells, &c, sizeof c);
    }
    return event == TCET_JSON_OBJECT_END ? TCET_OK : import_fail(&z->j, event, "a name", z->err);
}

/* How many names stand above an architecture's: the first value that is no object is a proxy's of one, or
 * its score or time.  Less than 0: there is none, or no JSON, which the reading itself will say. */
static int zc_depth(const char *path)
{
    struct import_json j;
    struct error none;
    int open = 0, depth = -1, event;

    if (import_open(&j, path, &none) >= 0) {
        for (event = tcet_json_next(&j.json); open >= 0; event = tcet_json_next(&j.json)) {
            if (event == TCET_JSON_NAME) {
                int parts = !strcmp(j.json.text, "score") || !strcmp(j.json.text, "time") ? 3 : 2;

                event = tcet_json_next(&j.json);
                if (event != TCET_JSON_OBJECT) {
                    depth = open - parts;
                    break;
                }
            }
            if (event == TCET_JSON_OBJECT)
                open++;
            else if (event == TCET_JSON_OBJECT_END)
                open--;
            else
                break;
        }
    }
    import_close(&j);
    return depth;
}

/* An object of spaces or of tasks, and at z->depth of architectures. */
static tcet_status zc_level(struct zc *z, const char *task, int depth)
{
    char name[ZC_NAME_MAX];
    int event = tcet_json_next(&z->j.json);

    if (event != TCET_JSON_OBJECT)
        return import_fail(&z->j, event, "an object of tasks or architectures", z->err);
    while ((event = tcet_json_next(&z->j.json)) == TCET_JSON_NAME) {
        if (depth == z->depth) {
            TRY(zc_entry(z, task));
            continue;
        }
        if (depth == 2 || strlen(z->j.json.text) >= sizeof name || !import_arch_ok(z->j.json.text))
            return import_fail(&z->j, 0, "an architecture, as in \"(4, 0, 3, 1, 4, 3)\",", z->err);
        snprintf(name, sizeof name, "%s", z->j.json.text);
        TRY(zc_level(z, name, depth + 1));
    }
    return event == TCET_JSON_OBJECT_END ? TCET_OK : import_fail(&z->j, event, "a name", z->err);
}

static tcet_status zc_write(struct zc *z, const char *path, struct buf *out)
{
    size_t rows = z->archs.count, columns = z->columns.count;
    double *v = mem_try(rows * columns + 1, sizeof *v);

    if (!v)
        return error_set(z->err, TCET_E_MEMORY, "%s: no memory for %zu columns of %zu", path,
                         columns, rows);
    for (size_t i = 0; i < rows * columns; i++)
        v[i] = NAN;
    for (size_t i = 0; i < z->cells.len / sizeof(struct zc_cell); i++) {
        const struct zc_cell *c = (const struct zc_cell *)(void *)z->cells.data + i;

        v[c->row * columns + c->column] = c->value;
    }
    buf_printf(
        out,
        "# NAS-Bench-Suite-Zero's form: accuracies (val_* of validation, test_*) and zero-cost "
        "scores (nbsz_*), one\n# line an architecture (column arch: as the file spells it, "
        "NASLib's numbers or others).\n# Source: %s (of github.com/automl/NASLib, Apache-2.0, "
        "or in its form), by tcet-host import.\n# trained = val_* "
        "test_*",
        import_name(path));
    for (size_t c = 0; c < columns; c++) {
        const char *name = z->columns.name[c];

        if (strncmp(name, "nbsz_", 5) && strncmp(name, "val_", 4) && strncmp(name, "test_", 5))
            buf_printf(out, " %s", name);
    }
    buf_puts(out, "\narch");
    for (size_t c = 0; c < columns; c++)
        buf_printf(out, "\t%s", z->columns.name[c]);
    for (size_t i = 0; i < rows; i++) {
        buf_printf(out, "\n%s", z->archs.name[i]);
        for (size_t c = 0; c < columns; c++)
            import_put(out, v[i * columns + c]);
    }
    buf_puts(out, "\n");
    free(v);
    return TCET_OK;
}

tcet_status import_zc(const char *const *files, size_t count, struct buf *out, size_t *rows,
                      struct error *err)
{
    struct zc z = {.err = err, .depth = zc_depth(files[0])};
    tcet_status st = import_open(&z.j, files[0], err);
    int event;

    (void)count;
    if (st >= 0)
        st = zc_level(&z, "", 0);
    if (st >= 0 && (event = tcet_json_next(&z.j.json)) != TCET_JSON_END)
        st = import_fail(&z.j, event, "the end", err);
    if (st >= 0)
        st = zc_write(&z, files[0], out);
    *rows = z.archs.count;
    import_names_free(&z.archs);
    import_names_free(&z.columns);
    buf_free(&z.cells);
    import_close(&z.j);
    return st;
}
