/* diagram_units.c -- a network's operations as units and groups (layout.h).  Room: core/report. */
#include "report/layout.h"

#include "base/text.h"

#include <tcet/plugin.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PADDING = 9, LINE = 14, NAME_ROOM = 220, CELL_ROOM = 150 };

/* What is known of operations while they become units. */
struct making {
    const struct diagram *n;
    struct layout *l;
    size_t *readers; /* of each operation */
    size_t *unit_of;
    int chains; /* a unit may have several layers */
};

const char *diagram_count(struct arena *a, int64_t n)
{
    static const char units[] = " kMGTPE";
    double v = (double)n;
    size_t unit = 0;

    if (n < 10000)
        return arena_printf(a, "%lld", (long long)n);
    for (; v >= 999.5; unit++)
        v /= 1000;
    return arena_printf(a, "%.*f%c", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[unit]);
}

/* Operations in common short forms. */
static const char *short_name(const char *operation)
{
    static const char *const names[][2] = {
        {"conv2d", "conv"}, {"batch_norm", "bn"}, {"layer_norm", "ln"}, {"identity", "skip"}};

    for (size_t i = 0; i < TCET_COUNT(names); i++) {
        if (!strcmp(operation, names[i][0]))
            return names[i][1];
    }
    return operation;
}

/* -- groups and units --------------------------------------------------------------------- */

/* Operations that follow each other with the same cell are a group, so that no two groups read each
 * other. */
static size_t group_of(struct layout *l, const char *cell)
{
    struct layout_group *g = l->group_count ? &l->group[l->group_count - 1] : NULL;

    if (!g || strcmp(g->cell, cell)) {
        l->group[l->group_count++] = (struct layout_group){.cell = cell, .first = l->unit_count};
        g = &l->group[l->group_count - 1];
    }
    return (size_t)(g - l->group);
}

static int has_layer(const struct diagram *n, const struct layout_unit *u)
{
    for (size_t i = 0; i < u->op_count; i++) {
        if (n->op[u->op[i]].layer)
            return 1;
    }
    return 0;
}

/* May the operation stand in the box of the only one that it reads? */
static int continues(const struct making *m, size_t i, size_t group)
{
    const struct diagram_op *op = &m->n->op[i], *from;
    const struct layout_unit *u;

    if (op->input_count != 1 || m->readers[op->input[0]] != 1)
        return 0;
    from = &m->n->op[op->input[0]];
    u = &m->l->unit[m->unit_of[op->input[0]]];
    return from->input_count == 1 && u->group == group &&
           (m->chains || !(op->layer && has_layer(m->n, u)));
}

/* Those of a unit need not follow each other in the network. */
static void append(struct arena *a, struct layout_unit *u, size_t op)
{
    size_t *ops = arena_alloc(a, (u->op_count + 1) * sizeof *ops);

    if (u->op_count)
        memcpy(ops, u->op, u->op_count * sizeof *ops);
    ops[u->op_count++] = op;
    u->op = ops;
}

static void add_ops(struct making *m)
{
    struct layout *l = m->l;

    for (size_t i = 0; i < m->n->count; i++) {
        const struct diagram_op *op = &m->n->op[i];
        size_t group = group_of(l, op->cell), u;

        if (continues(m, i, group)) {
            u = m->unit_of[op->input[0]];
        } else {
            u = l->unit_count++;
            l->unit[u] = (struct layout_unit){.group = group, .value = NAN};
            l->group[group].count++;
        }
        m->unit_of[i] = u;
        append(l->a, &l->unit[u], i);
        l->group[group].params += op->params;
        l->group[group].macs += op->macs;
        if (op->layer)
            l->unit[u].value = op->value;
    }
}

/* What a unit reads, each once. */
static void find_inputs(struct making *m, size_t at)
{
    struct layout_unit *u = &m->l->unit[at];
    size_t most = 0;

    for (size_t i = 0; i < u->op_count; i++)
        most += m->n->op[u->op[i]].input_count;
    u->input = arena_alloc(m->l->a, (most + 1) * sizeof *u->input);
    u->input_count = 0;
    for (size_t i = 0; i < u->op_count; i++) {
        const struct diagram_op *op = &m->n->op[u->op[i]];

        for (size_t k = 0; k < op->input_count; k++) {
            size_t from = m->unit_of[op->input[k]], seen = 0;

            while (seen < u->input_count && u->input[seen] != from)
                seen++;
            if (from != at && seen == u->input_count)
                u->input[u->input_count++] = from;
        }
    }
}

/* -- texts -------------------------------------------------------------------------------- */

static const char *counts(struct arena *a, int64_t params, int64_t macs)
{
    return arena_printf(a, "%s params, %s MACs", diagram_count(a, params), diagram_count(a, macs));
}

static void measure(struct layout_unit *u)
{
    size_t n = 0;

    for (; n < LAYOUT_LINES && u->line[n]; n++)
        u->w = fmax(u->w, svg_width(u->line[n], n ? SVG_SMALL : SVG_FONT));
    u->w = ceil(u->w) + 2 * PADDING + 6;
    u->h = (double)n * LINE + 10;
}

/* Are the operations of a unit the first `period` of them again and again? */
static int repeats(const struct diagram *n, const struct layout_unit *u, size_t period)
{
    for (size_t i = period; i < u->op_count; i++) {
        const struct diagram_op *x = &n->op[u->op[i]], *y = &n->op[u->op[i - period]];

        if (strcmp(x->operation, y->operation) || strcmp(x->kernel, y->kernel))
            return 0;
    }
    return u->op_count % period == 0;
}

/* "conv 3x3, bn, relu", or "2 x (relu, conv 3x3, bn)". */
static void name_ops(const struct diagram *n, const struct layout_unit *u, struct buf *name)
{
    size_t period = 1;

    while (period < u->op_count && (period < 2 || !repeats(n, u, period)))
        period++;
    if (period < u->op_count)
        buf_printf(name, "%zu x (", u->op_count / period);
    for (size_t i = 0; i < period && i < u->op_count; i++) {
        const struct diagram_op *op = &n->op[u->op[i]];

        buf_printf(name, "%s%s%s%s", i ? ", " : "", short_name(op->operation),
                   *op->kernel ? " " : "", op->kernel);
    }
    buf_puts(name, period < u->op_count ? ")" : "");
}

static void describe(const struct diagram *n, struct layout *l, struct layout_unit *u)
{
    struct buf name = {0};
    int64_t params = 0, macs = 0;
    size_t lines = 0;

    name_ops(n, u, &name);
    for (size_t i = 0; i < u->op_count; i++) {
        const struct diagram_op *op = &n->op[u->op[i]];

        params += op->params;
        macs += op->macs;
    }
    u->line[lines++] = svg_fit(l->a, arena_strdup(l->a, name.data), SVG_FONT, NAME_ROOM);
    u->line[lines++] = svg_fit(l->a, n->op[u->op[u->op_count - 1]].output, SVG_SMALL, NAME_ROOM);
    if (params || macs)
        u->line[lines++] = counts(l->a, params, macs);
    if (n->value_name && isfinite(u->value)) {
        char text[24];

        scale_text(text, u->value, 4);
        u->line[lines++] =
            svg_fit(l->a, arena_printf(l->a, "%s %s", n->value_name, text), SVG_SMALL, NAME_ROOM);
    }
    buf_free(&name);
    measure(u);
}

/* -- equal cells -------------------------------------------------------------------------- */

/* What a group is, but for its name and whose outputs it reads. */
static char *signature(const struct layout *l, const struct layout_group *g)
{
    struct buf text = {0};
    size_t *other = mem_alloc((l->unit_count + 1) * sizeof *other), others = 0;
    char *out;

    for (size_t i = g->first; i < g->first + g->count; i++) {
        const struct layout_unit *u = &l->unit[i];

        for (size_t k = 0; k < LAYOUT_LINES && u->line[k]; k++)
            buf_printf(&text, "%s\n", u->line[k]);
        for (size_t k = 0; k < u->input_count; k++) {
            size_t from = u->input[k], at = 0;

            if (from >= g->first) {
                buf_printf(&text, "%zu ", from - g->first);
                continue;
            }
            while (at < others && other[at] != from)
                at++;
            if (at == others)
                other[others++] = from;
            buf_printf(&text, "-%zu ", at + 1);
        }
        buf_puts(&text, "\n");
    }
    out = arena_strdup(l->a, text.len ? text.data : "");
    buf_free(&text);
    free(other);
    return out;
}

/* Makes a group one unit, its first. */
static void shrink(struct making *m, struct layout_group *g, const char *like)
{
    struct layout *l = m->l;
    struct layout_unit *u = &l->unit[g->first];
    size_t total = 0, *ops;

    for (size_t i = 0; i < g->count; i++)
        total += u[i].op_count;
    ops = arena_alloc(l->a, (total + 1) * sizeof *ops);
    total = 0;
    for (size_t i = 0; i < g->count; i++) {
        for (size_t k = 0; k < u[i].op_count; k++) {
            m->unit_of[u[i].op[k]] = g->first;
            ops[total++] = u[i].op[k];
        }
        u[i].op_count = 0;
    }
    *u = (struct layout_unit){.group = u->group, .value = NAN, .op = ops, .op_count = total};
    u->line[0] = svg_fit(l->a, g->cell, SVG_FONT, NAME_ROOM);
    u->line[1] = svg_fit(l->a, arena_printf(l->a, "as %s", like), SVG_SMALL, NAME_ROOM);
    u->line[2] = counts(l->a, g->params, g->macs);
    measure(u);
    g->count = 1;
    g->cell = "";
}

/* Takes out the units that are parts of others. */
static void close_up(struct making *m)
{
    struct layout *l = m->l;
    size_t kept = 0, *to = arena_alloc(l->a, (l->unit_count + 1) * sizeof *to);

    for (size_t i = 0; i < l->unit_count; i++) {
        to[i] = kept;
        if (!l->unit[i].op_count)
            continue;
        if (!kept || l->unit[kept - 1].group != l->unit[i].group)
            l->group[l->unit[i].group].first = kept;
        l->unit[kept++] = l->unit[i];
    }
    l->unit_count = kept;
    for (size_t i = 0; i < m->n->count; i++)
        m->unit_of[i] = to[m->unit_of[i]];
    for (size_t i = 0; i < kept; i++)
        find_inputs(m, i);
}

static void show_once(struct making *m)
{
    struct layout *l = m->l;
    char **text = arena_alloc(l->a, (l->group_count + 1) * sizeof *text);
    const char **name = arena_alloc(l->a, (l->group_count + 1) * sizeof *name);

    for (size_t i = 0; i < l->group_count; i++) {
        text[i] = signature(l, &l->group[i]);
        name[i] = l->group[i].cell;
    }
    for (size_t i = 0; i < l->group_count; i++) {
        size_t like = 0;

        while (like < i && (!*name[like] || strcmp(text[like], text[i])))
            like++;
        if (like < i && *name[i] && l->group[i].count > 1)
            shrink(m, &l->group[i], name[like]);
    }
    close_up(m);
}

/* What stands in the boxes around cells. */
static void head_groups(struct layout *l)
{
    for (size_t i = 0; i < l->group_count; i++) {
        struct layout_group *g = &l->group[i];

        if (*g->cell)
            g->head = arena_printf(l->a, "%s: %s", svg_fit(l->a, g->cell, SVG_SMALL, CELL_ROOM),
                                   counts(l->a, g->params, g->macs));
    }
}

void layout_units(const struct diagram *n, enum layout_short how, struct layout *out)
{
    struct making m = {.n = n, .l = out, .chains = how == LAYOUT_CHAINS};
    struct arena *a = out->a;

    out->unit = arena_alloc(a, (n->count + 1) * sizeof *out->unit);
    out->group = arena_alloc(a, (n->count + 1) * sizeof *out->group);
    m.readers = arena_alloc(a, (n->count + 1) * sizeof *m.readers);
    m.unit_of = arena_alloc(a, (n->count + 1) * sizeof *m.unit_of);
    for (size_t i = 0; i < n->count; i++) {
        for (size_t k = 0; k < n->op[i].input_count; k++)
            m.readers[n->op[i].input[k]]++;
    }
    add_ops(&m);
    for (size_t i = 0; i < out->unit_count; i++) {
        describe(n, out, &out->unit[i]);
        find_inputs(&m, i);
    }
    if (how != LAYOUT_ALL)
        show_once(&m);
    head_groups(out);
}
