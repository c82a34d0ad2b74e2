/* picture.c -- see picture.h.  Plugins run in a worker, whose texts become the picture.  Room: core/cli. */
#include "cli/picture.h"

#include "base/file.h"
#include "base/text.h"
#include "cli/report_parts.h"
#include "report/diagram.h"
#include "report/page.h"
#include "run/client.h"
#include "run/inspect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -- the network, as a worker tells it ---------------------------------------------------- */

/* "0 3": operations before the one at `at`. */
static tcet_status read_inputs(const char *text, size_t at, struct arena *a, struct diagram_op *op,
                               struct error *err)
{
    size_t *input = arena_alloc(a, (strlen(text) / 2 + 2) * sizeof *input);
    char *rest;

    op->input = input;
    while (*text) {
        unsigned long long n = strtoull(text, &rest, 10);

        if (rest == text || n >= at)
            return error_set(err, TCET_E_PLUGIN,
                             "the worker's operation %zu reads \"%.40s\", which is none before it",
                             at, text);
        input[op->input_count++] = (size_t)n;
        text = rest + strspn(rest, " ");
    }
    return TCET_OK;
}

/* Counts of the whole network, as its boxes have theirs. */
static tcet_status note_totals(const char *params, const char *macs, struct arena *a,
                               struct diagram *out, struct error *err)
{
    int64_t p, m;

    if (text_to_i64(params, &p) < 0 || text_to_i64(macs, &m) < 0)
        return error_set(err, TCET_E_PLUGIN, "the worker counted \"%.40s\", \"%.40s\"", params,
                         macs);
    out->note = arena_printf(a, "%s params, %s MACs", diagram_count(a, p), diagram_count(a, m));
    return TCET_OK;
}

static tcet_status read_network(const struct config *config, const char *arch, struct arena *a,
                                struct diagram *out, struct error *err)
{
    const char *const question[] = {"layers", arch};
    const char *const *text;
    struct diagram_op *op;
    size_t count;

    TRY(client_space(config, question, TCET_COUNT(question), a, &text, &count, err));
    if (count < INSPECT_HEAD || (count - INSPECT_HEAD) % INSPECT_FIELDS)
        return error_set(err, TCET_E_PLUGIN, "the worker answered with %zu texts", count);
    out->count = (count - INSPECT_HEAD) / INSPECT_FIELDS;
    out->op = op = arena_alloc(a, (out->count + 1) * sizeof *op);
    out->arch = text[0];
    TRY(note_totals(text[1], text[2], a, out, err));
    for (size_t i = 0; i < out->count; i++) {
        const char *const *t = text + INSPECT_HEAD + i * INSPECT_FIELDS;

        op[i] = (struct diagram_op){.name = t[0],
                                    .operation = t[1],
                                    .shape = t[2],
                                    .output = t[5],
                                    .kernel = t[6],
                                    .layer = *t[7] == '1',
                                    .cell = t[8],
                                    .value = NAN};
        if (text_to_i64(t[3], &op[i].params) < 0 || text_to_i64(t[4], &op[i].macs) < 0)
            return error_set(err, TCET_E_PLUGIN, "the worker counted \"%.40s\", \"%.40s\"", t[3],
                             t[4]);
        TRY(read_inputs(t[9], i, a, &op[i], err));
    }
    return TCET_OK;
}

/* -- values of a run ---------------------------------------------------------------------- */

/* The columns of an architecture that have values by layer. */
static const char *names_of(struct store *s, const struct config *config,
                            const struct result_row *row, struct arena *a)
{
    struct buf names = {0};
    const char *out;

    for (size_t i = 0; i < store_column_count(s); i++) {
        const char *name = store_column_at(s, i)->name;

        if (report_layer_values(s, config, row, name, a))
            buf_printf(&names, "%s%s", names.len ? ", " : "", name);
    }
    out = arena_strdup(a, names.len ? names.data : "");
    buf_free(&names);
    return out;
}

/* Gives each layer its value, by the name of its module. */
static tcet_status join_values(const struct picture_options *o, const struct result_row *row,
                               const double *v, struct diagram *n, struct error *err)
{
    struct diagram_op *op = (struct diagram_op *)n->op;

    for (size_t i = 0; i < n->count; i++) {
        size_t at = 0;

        if (!op[i].layer)
            continue;
        while (at < row->layer_count && strcmp(row->layers[at].name, op[i].name))
            at++;
        if (at == row->layer_count)
            return error_set(err, TCET_E_ARG,
                             "%.200s: its network of this architecture has no layer \"%.80s\": the "
                             "space has other parameters there",
                             o->run, op[i].name);
        op[i].value = v[at];
    }
    return TCET_OK;
}

/* With the run's store open. */
static tcet_status read_column(const struct picture_options *o, const struct config *config,
                               struct store *s, struct arena *a, struct diagram *n,
                               struct error *err)
{
    struct result_row row;
    const char *names, *column = o->column;
    const double *v;
    int found;

    TRY(report_row(s, n->arch, a, &row, &found, err));
    if (!found || row.status != RESULT_OK)
        return error_set(err, TCET_E_ARG, "%.200s: has no scores of the architecture %.200s",
                         o->run, n->arch);
    names = names_of(s, config, &row, a);
    if (!*names)
        return error_set(err, TCET_E_ARG, "%.200s: has no column with values by layer", o->run);
    if (!column)
        column = arena_strndup(a, names, strcspn(names, ","));
    v = report_layer_values(s, config, &row, column, a);
    if (!v)
        return error_set(err, TCET_E_ARG,
                         "%.120s: \"%.60s\" is no column with values by layer; those are: %.200s",
                         o->run, column, names);
    n->value_name = arena_strdup(a, column);
    return join_values(o, &row, v, n, err);
}

static tcet_status read_values(const struct picture_options *o, const struct config *config,
                               struct arena *a, struct diagram *n, struct error *err)
{
    struct store *s;
    tcet_status st;

    TRY(store_open(o->run, STORE_READ, &s, err));
    st = read_column(o, config, s, a, n, err);
    store_close(s);
    return st;
}

/* -- the file ----------------------------------------------------------------------------- */

static int ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);

    return n > m && !strcmp(path + n - m, ending);
}

static tcet_status draw(const struct diagram *n, int dot, struct buf *out, struct error *err)
{
    struct figures figures = {.count = 0};
    struct figure *f;
    tcet_status st = TCET_OK;

    if (dot) {
        diagram_dot(n, out);
        return TCET_OK;
    }
    f = figures_add(&figures, "network", NULL, n->arch);
    st = diagram_draw(n, &figures, f, err);
    if (st >= 0)
        figure_file(f, out);
    figures_free(&figures);
    return st;
}

tcet_status picture_write(const struct picture_options *o, const struct config *config,
                          struct buf *said, struct error *err)
{
    struct arena a = {0};
    struct diagram n = {.count = 0};
    struct buf text = {0};
    int dot = ends_in(o->file, ".dot");
    tcet_status st = TCET_OK;

    if (!dot && !ends_in(o->file, ".svg"))
        return error_set(err, TCET_E_ARG, "-o %.300s: a picture goes into a .svg or .dot file",
                         o->file);
    st = read_network(config, o->arch, &a, &n, err);
    if (st >= 0 && o->run)
        st = read_values(o, config, &a, &n, err);
    if (st >= 0)
        st = draw(&n, dot, &text, err);
    if (st >= 0)
        st = file_replace(o->file, NULL, &(struct file_part){text.data, text.len}, 1, err);
    if (st >= 0)
        buf_printf(said, "%s: %zu operations of %s%s%s\n", o->file, n.count, n.arch,
                   n.value_name ? ", coloured by " : "", n.value_name ? n.value_name : "");
    buf_free(&text);
    arena_free(&a);
    return st;
}
