/* diagram_layout.c -- places units: rows by the longest path, the order in a row by barycentres, places
 * by the nearest ones that keep the order (layout.h).  Room: core/report. */
#include "report/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BEND = 8,    /* width of a bend's place */
    APART = 16,  /* boxes in a row */
    BELOW = 26,  /* rows */
    AROUND = 14, /* from a cell's box to its units */
    HEAD = 8,    /* above them more, for the cell's name */
    LANE = 11,   /* lines beside a cell */
    ORDER_SWEEPS = 8,
    PLACE_SWEEPS = 100,
    STRAIGHT = 8 /* a line's part between bends counts so much */
};

/* What is needed while placing. */
struct placing {
    struct layout *l;
    size_t **in_row; /* points in order, outside ones last */
    size_t *row_len, *inside;
    double *at;      /* [points]: place in its row, for the order */
    double *key;     /* [points]: where it wants to be */
    double *sum, *n; /* [points]: of their neighbours' places, and of how many */
};

/* -- rows and points ---------------------------------------------------------------------- */

static void find_rows(struct layout *l)
{
    l->row_count = 0;
    for (size_t g = 0; g < l->group_count; g++) {
        struct layout_group *group = &l->group[g];

        group->row = l->row_count;
        for (size_t i = group->first; i < group->first + group->count; i++) {
            struct layout_unit *u = &l->unit[i];

            u->row = group->row;
            for (size_t k = 0; k < u->input_count; k++) {
                const struct layout_unit *from = &l->unit[u->input[k]];

                if (from->row + 1 > u->row)
                    u->row = from->row + 1;
            }
            if (u->row + 1 > group->row + group->rows)
                group->rows = u->row + 1 - group->row;
        }
        l->row_count += group->rows;
    }
}

/* Does a line of the unit go through the group: does one read it there that has a row above it? */
static int goes_through(const struct layout *l, const struct layout_group *g, size_t source)
{
    for (size_t i = g->first; i < g->first + g->count; i++) {
        for (size_t k = 0; l->unit[i].row > g->row && k < l->unit[i].input_count; k++) {
            if (l->unit[i].input[k] == source)
                return 1;
        }
    }
    return 0;
}

static tcet_status add_points(struct placing *p, struct error *err)
{
    struct layout *l = p->l;
    size_t *last = arena_alloc(l->a, (l->unit_count + 1) * sizeof *last), total = l->unit_count;

    for (size_t i = 0; i < l->unit_count; i++) {
        last[i] = l->unit[i].row + 1;
        for (size_t k = 0; k < l->unit[i].input_count; k++) {
            size_t from = l->unit[i].input[k];

            if (last[from] < l->unit[i].row)
                last[from] = l->unit[i].row;
        }
    }
    for (size_t i = 0; i < l->unit_count; i++)
        total += last[i] - l->unit[i].row - 1;
    if (total > DIAGRAM_POINTS)
        return error_set(
            err, TCET_E_ARG,
            "the network's lines and operations have %zu places in %zu rows; a picture "
            "has at most %d (a file ending in .dot may have more)",
            total, l->row_count, DIAGRAM_POINTS);
    l->point = arena_alloc(l->a, (total + 1) * sizeof *l->point);
    for (size_t i = 0; i < l->unit_count; i++)
        l->point[i] = (struct layout_point){.source = i, .row = l->unit[i].row, .w = l->unit[i].w};
    l->point_count = l->unit_count;
    for (size_t i = 0; i < l->unit_count; i++) {
        size_t g = l->unit[i].group, above = i;
        int inside = 1;

        l->bends[i] = l->point_count;
        for (size_t row = l->unit[i].row + 1; row < last[i]; row++) {
            while (row >= l->group[g].row + l->group[g].rows) {
                g++;
                inside = goes_through(l, &l->group[g], i);
            }
            l->point[l->point_count] = (struct layout_point){
                .source = i, .row = row, .bend = 1, .outside = !inside, .from = above, .w = BEND};
            above = l->point_count++;
        }
    }
    return TCET_OK;
}

static void fill_rows(struct placing *p)
{
    struct layout *l = p->l;

    for (size_t i = 0; i < l->point_count; i++)
        p->row_len[l->point[i].row]++;
    for (size_t r = 0; r < l->row_count; r++)
        p->in_row[r] = arena_alloc(l->a, (p->row_len[r] + 1) * sizeof **p->in_row);
    memset(p->row_len, 0, l->row_count * sizeof *p->row_len);
    for (int outside = 0; outside < 2; outside++) {
        for (size_t i = 0; i < l->point_count; i++) {
            size_t r = l->point[i].row;

            if (l->point[i].outside != outside)
                continue;
            p->in_row[r][p->row_len[r]++] = i;
            p->inside[r] += !outside;
        }
    }
}

/* -- neighbours --------------------------------------------------------------------------- */

size_t layout_above(const struct layout *l, size_t source, size_t row)
{
    size_t steps = row - l->unit[source].row;

    return steps < 2 ? source : l->bends[source] + steps - 2;
}

/* The points in the row above which a point is joined to. */
static size_t upper_count(const struct layout *l, size_t i)
{
    return l->point[i].bend ? 1 : l->unit[i].input_count;
}

static size_t upper(const struct layout *l, size_t i, size_t k)
{
    return l->point[i].bend ? l->point[i].from
                            : layout_above(l, l->unit[i].input[k], l->unit[i].row);
}

/* Adds a neighbour's place. */
static void add(struct placing *p, size_t to, double at, double weight)
{
    p->sum[to] += weight * at;
    p->n[to] += weight;
}

/* -- the order in rows -------------------------------------------------------------------- */

struct sorted {
    double key;
    size_t was, point;
};

static int compare(const void *x, const void *y)
{
    const struct sorted *a = x, *b = y;

    return a->key < b->key ? -1 : a->key > b->key ? 1 : a->was < b->was ? -1 : a->was > b->was;
}

static void number_row(struct placing *p, size_t r)
{
    for (size_t i = 0; i < p->row_len[r]; i++)
        p->at[p->in_row[r][i]] = (double)i - (double)(p->inside[r] - 1) / 2;
}

/* Orders a row by the means of its points' neighbours, those in sum and n; without any a point stays. */
static void order_row(struct placing *p, size_t r, struct sorted *s)
{
    for (size_t i = 0; i < p->inside[r]; i++) {
        size_t at = p->in_row[r][i];

        s[i] = (struct sorted){p->n[at] > 0 ? p->sum[at] / p->n[at] : p->at[at], i, at};
    }
    qsort(s, p->inside[r], sizeof *s, compare);
    for (size_t i = 0; i < p->inside[r]; i++)
        p->in_row[r][i] = s[i].point;
    number_row(p, r);
}

static void order(struct placing *p)
{
    const struct layout *l = p->l;
    struct sorted *s = arena_alloc(l->a, (l->point_count + 1) * sizeof *s);

    for (size_t r = 0; r < l->row_count; r++)
        number_row(p, r);
    for (int sweep = 0; sweep < ORDER_SWEEPS; sweep++) {
        int down = sweep % 2 == 0;

        memset(p->sum, 0, l->point_count * sizeof *p->sum);
        memset(p->n, 0, l->point_count * sizeof *p->n);
        for (size_t step = 0; step < l->row_count; step++) {
            size_t r = down ? step : l->row_count - 1 - step;

            for (size_t i = 0; down && i < p->inside[r]; i++) {
                size_t at = p->in_row[r][i];

                for (size_t k = 0; k < upper_count(l, at); k++)
                    add(p, at, p->at[upper(l, at, k)], 1);
            }
            order_row(p, r, s);
            for (size_t i = 0; !down && i < p->row_len[r]; i++) {
                size_t at = p->in_row[r][i];

                for (size_t k = 0; k < upper_count(l, at); k++)
                    add(p, upper(l, at, k), p->at[at], 1);
            }
        }
    }
}

/* -- places ------------------------------------------------------------------------------- */

/* The places nearest to those wanted (least squares, bends counting more) which keep points in order and apart: pools of
 * neighbours that would overlap share the mean of what they want. */
static void settle(struct placing *p, size_t r, double *sum, double *weight, size_t *len)
{
    struct layout *l = p->l;
    size_t n = p->inside[r], pools = 0, i = 0;
    double offset = 0;

    for (size_t k = 0; k < n; k++) {
        const struct layout_point *at = &l->point[p->in_row[r][k]];

        if (k)
            offset += (l->point[p->in_row[r][k - 1]].w + at->w) / 2 + APART;
        weight[pools] = at->bend ? STRAIGHT : 1;
        sum[pools] = weight[pools] * (p->key[p->in_row[r][k]] - offset);
        len[pools++] = 1;
        while (pools > 1 &&
               sum[pools - 2] * weight[pools - 1] > sum[pools - 1] * weight[pools - 2]) {
            sum[pools - 2] += sum[pools - 1];
            weight[pools - 2] += weight[pools - 1];
            len[pools - 2] += len[pools - 1];
            pools--;
        }
    }
    offset = 0;
    for (size_t pool = 0; pool < pools; pool++) {
        for (size_t k = 0; k < len[pool]; k++, i++) {
            struct layout_point *at = &l->point[p->in_row[r][i]];

            if (i)
                offset += (l->point[p->in_row[r][i - 1]].w + at->w) / 2 + APART;
            at->x = sum[pool] / weight[pool] + offset;
        }
    }
}

/* A group's left and right end, and the lines beside it. */
static void bound(struct placing *p, struct layout_group *g)
{
    struct layout *l = p->l;
    double left = INFINITY, right = -INFINITY;

    for (size_t r = g->row; r < g->row + g->rows; r++) {
        for (size_t i = 0; i < p->inside[r]; i++) {
            const struct layout_point *at = &l->point[p->in_row[r][i]];

            left = fmin(left, at->x - at->w / 2);
            right = fmax(right, at->x + at->w / 2);
        }
    }
    g->x = left - AROUND;
    g->w = right - left + 2 * AROUND;
    if (g->head)
        g->w = fmax(g->w, ceil(svg_width(g->head, SVG_SMALL)) + 2 * LAYOUT_INSET);
    for (size_t r = g->row; r < g->row + g->rows; r++) {
        for (size_t i = p->inside[r]; i < p->row_len[r]; i++)
            l->point[p->in_row[r][i]].x = g->x + g->w + LANE + LANE * (double)(i - p->inside[r]);
    }
}

/* How much two points draw each other: parts of a line between bends are to be straight, lines beside
 * groups draw nobody. */
static double weight_of(const struct layout_point *a, const struct layout_point *b)
{
    return a->outside || b->outside ? 0 : a->bend && b->bend ? STRAIGHT : 1;
}

static void place_across(struct placing *p)
{
    struct layout *l = p->l;
    double *sum = arena_alloc(l->a, (l->point_count + 1) * sizeof *sum);
    double *weight = arena_alloc(l->a, (l->point_count + 1) * sizeof *weight);
    size_t *len = arena_alloc(l->a, (l->point_count + 1) * sizeof *len);

    /* Half the way to the neighbours' mean at a time, since all move at once. */
    for (int sweep = 0; sweep <= PLACE_SWEEPS; sweep++) {
        memset(p->sum, 0, l->point_count * sizeof *p->sum);
        memset(p->n, 0, l->point_count * sizeof *p->n);
        for (size_t i = 0; i < l->point_count; i++) {
            for (size_t k = 0; k < upper_count(l, i); k++) {
                size_t above = upper(l, i, k);
                double w = weight_of(&l->point[i], &l->point[above]);

                add(p, i, l->point[above].x, w);
                add(p, above, l->point[i].x, w);
            }
        }
        for (size_t i = 0; i < l->point_count; i++)
            p->key[i] = p->n[i] > 0 ? (l->point[i].x + p->sum[i] / p->n[i]) / 2 : l->point[i].x;
        for (size_t r = 0; r < l->row_count; r++)
            settle(p, r, sum, weight, len);
    }
    for (size_t g = 0; g < l->group_count; g++)
        bound(p, &l->group[g]);
}

static void place_down(struct layout *l)
{
    double y = 0;

    for (size_t i = 0; i < l->unit_count; i++)
        l->row_h[l->unit[i].row] = fmax(l->row_h[l->unit[i].row], l->unit[i].h);
    for (size_t g = 0; g < l->group_count; g++) {
        struct layout_group *group = &l->group[g];

        group->y = y;
        y += *group->cell ? AROUND + HEAD : 0;
        for (size_t r = group->row; r < group->row + group->rows; r++) {
            l->row_y[r] = y;
            y += l->row_h[r] + (r + 1 < group->row + group->rows ? BELOW : 0);
        }
        y += *group->cell ? AROUND : 0;
        group->h = y - group->y;
        y += BELOW;
    }
    l->height = fmax(0, y - BELOW);
}

/* Moves all so that the left end is 0. */
static void shift(struct layout *l)
{
    double left = INFINITY, right = 0;

    for (size_t g = 0; g < l->group_count; g++)
        left = fmin(left, l->group[g].x);
    for (size_t g = 0; g < l->group_count; g++) {
        l->group[g].x -= left;
        right = fmax(right, l->group[g].x + l->group[g].w);
    }
    for (size_t i = 0; i < l->point_count; i++) {
        l->point[i].x -= left;
        right = fmax(right, l->point[i].x + l->point[i].w / 2);
    }
    for (size_t i = 0; i < l->unit_count; i++) {
        l->unit[i].x = l->point[i].x - l->unit[i].w / 2;
        l->unit[i].y = l->row_y[l->unit[i].row];
    }
    l->width = right;
}

tcet_status layout_place(struct layout *l, struct error *err)
{
    struct placing p = {.l = l};
    struct arena *a = l->a;
    size_t n;

    find_rows(l);
    l->bends = arena_alloc(a, (l->unit_count + 1) * sizeof *l->bends);
    TRY(add_points(&p, err));
    n = l->point_count + 1;
    l->row_y = arena_alloc(a, (l->row_count + 1) * sizeof *l->row_y);
    l->row_h = arena_alloc(a, (l->row_count + 1) * sizeof *l->row_h);
    p.in_row = arena_alloc(a, (l->row_count + 1) * sizeof *p.in_row);
    p.row_len = arena_alloc(a, (l->row_count + 1) * sizeof *p.row_len);
    p.inside = arena_alloc(a, (l->row_count + 1) * sizeof *p.inside);
    p.at = arena_alloc(a, n * sizeof *p.at);
    p.key = arena_alloc(a, n * sizeof *p.key);
    p.sum = arena_alloc(a, n * sizeof *p.sum);
    p.n = arena_alloc(a, n * sizeof *p.n);
    fill_rows(&p);
    order(&p);
    place_across(&p);
    place_down(l);
    shift(l);
    return TCET_OK;
}
