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
    LANE = 11,   /* lines beside a cell */
    ORDER_SWEEPS = 8,
    PLACE_SWEEPS = 10
};

/* What is needed while placing. */
struct placing {
    struct layout *l;
    size_t **in_row; /* points in order, outside ones last */
    size_t *row_len, *inside;
    double *at;  /* [points]: place in its row, for the order */
    double *key; /* [points] */
    double *up_sum, *down_sum;
    size_t *up_n, *down_n;
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

/* Does the group read the unit, or hold it? */
static int touches(const struct layout *l, const struct layout_group *g, size_t source)
{
    if (source >= g->first && source < g->first + g->count)
        return 1;
    for (size_t i = g->first; i < g->first + g->count; i++) {
        for (size_t k = 0; k < l->unit[i].input_count; k++) {
            if (l->unit[i].input[k] == source)
                return 1;
        }
    }
    return 0;
}

static void add_points(struct placing *p)
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
                inside = touches(l, &l->group[g], i);
            }
            l->point[l->point_count] = (struct layout_point){
                .source = i, .row = row, .bend = 1, .outside = !inside, .from = above, .w = BEND};
            above = l->point_count++;
        }
    }
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

static void join(struct placing *p, size_t upper, size_t lower, const double *at)
{
    p->up_sum[lower] += at[upper];
    p->up_n[lower]++;
    p->down_sum[upper] += at[lower];
    p->down_n[upper]++;
}

/* Sums of the places of each point's neighbours, in the rows above and below. */
static void add_neighbours(struct placing *p, const double *at)
{
    struct layout *l = p->l;

    memset(p->up_sum, 0, l->point_count * sizeof *p->up_sum);
    memset(p->down_sum, 0, l->point_count * sizeof *p->down_sum);
    memset(p->up_n, 0, l->point_count * sizeof *p->up_n);
    memset(p->down_n, 0, l->point_count * sizeof *p->down_n);
    for (size_t i = 0; i < l->unit_count; i++) {
        for (size_t k = 0; k < l->unit[i].input_count; k++)
            join(p, layout_above(l, l->unit[i].input[k], l->unit[i].row), i, at);
    }
    for (size_t i = l->unit_count; i < l->point_count; i++)
        join(p, l->point[i].from, i, at);
}

/* The mean of the neighbours above and below, as wanted; its own place without any. */
static double mean_of(const struct placing *p, size_t i, int up, int down, double own)
{
    double n = (up ? (double)p->up_n[i] : 0) + (down ? (double)p->down_n[i] : 0);
    double sum = (up ? p->up_sum[i] : 0) + (down ? p->down_sum[i] : 0);

    return n > 0 ? sum / n : own;
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

static void order(struct placing *p)
{
    struct sorted *s = arena_alloc(p->l->a, (p->l->point_count + 1) * sizeof *s);

    for (size_t r = 0; r < p->l->row_count; r++)
        number_row(p, r);
    for (int sweep = 0; sweep < ORDER_SWEEPS; sweep++) {
        int down = sweep % 2 == 0;

        add_neighbours(p, p->at);
        for (size_t r = 0; r < p->l->row_count; r++) {
            for (size_t i = 0; i < p->inside[r]; i++) {
                size_t point = p->in_row[r][i];

                s[i] = (struct sorted){mean_of(p, point, down, !down, p->at[point]), i, point};
            }
            qsort(s, p->inside[r], sizeof *s, compare);
            for (size_t i = 0; i < p->inside[r]; i++)
                p->in_row[r][i] = s[i].point;
        }
        for (size_t r = 0; r < p->l->row_count; r++)
            number_row(p, r);
    }
}

/* -- places ------------------------------------------------------------------------------- */

/* The places nearest to those wanted (least squares) which keep points in order and apart: pools of
 * neighbours that would overlap share the mean of what they want. */
static void settle(struct placing *p, size_t r, double *sum, size_t *len)
{
    struct layout *l = p->l;
    size_t n = p->inside[r], pools = 0, i = 0;
    double offset = 0;

    for (size_t k = 0; k < n; k++) {
        const struct layout_point *at = &l->point[p->in_row[r][k]];

        if (k)
            offset += (l->point[p->in_row[r][k - 1]].w + at->w) / 2 + APART;
        sum[pools] = p->key[p->in_row[r][k]] - offset;
        len[pools++] = 1;
        while (pools > 1 &&
               sum[pools - 2] * (double)len[pools - 1] > sum[pools - 1] * (double)len[pools - 2]) {
            sum[pools - 2] += sum[pools - 1];
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
            at->x = sum[pool] / (double)len[pool] + offset;
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
    for (size_t r = g->row; r < g->row + g->rows; r++) {
        for (size_t i = p->inside[r]; i < p->row_len[r]; i++)
            l->point[p->in_row[r][i]].x = g->x + g->w + LANE + LANE * (double)(i - p->inside[r]);
    }
}

static void place_across(struct placing *p)
{
    struct layout *l = p->l;
    double *sum = arena_alloc(l->a, (l->point_count + 1) * sizeof *sum);
    size_t *len = arena_alloc(l->a, (l->point_count + 1) * sizeof *len);
    double *x = arena_alloc(l->a, (l->point_count + 1) * sizeof *x);

    for (size_t sweep = 0; sweep <= PLACE_SWEEPS; sweep++) {
        int last = sweep + 2 > PLACE_SWEEPS;

        for (size_t i = 0; i < l->point_count; i++)
            x[i] = l->point[i].x;
        add_neighbours(p, x);
        for (size_t r = 0; r < l->row_count; r++) {
            for (size_t i = 0; i < p->inside[r]; i++) {
                size_t at = p->in_row[r][i];

                p->key[at] =
                    sweep ? mean_of(p, at, last || sweep % 2, last || !(sweep % 2), x[at]) : 0;
            }
            settle(p, r, sum, len);
        }
        for (size_t g = 0; g < l->group_count; g++)
            bound(p, &l->group[g]);
    }
}

static void place_down(struct layout *l)
{
    double y = 0;

    for (size_t i = 0; i < l->unit_count; i++)
        l->row_h[l->unit[i].row] = fmax(l->row_h[l->unit[i].row], l->unit[i].h);
    for (size_t g = 0; g < l->group_count; g++) {
        struct layout_group *group = &l->group[g];

        group->y = y;
        y += *group->cell ? AROUND : 0;
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

void layout_place(struct layout *l)
{
    struct placing p = {.l = l};
    struct arena *a = l->a;
    size_t n;

    find_rows(l);
    l->bends = arena_alloc(a, (l->unit_count + 1) * sizeof *l->bends);
    add_points(&p);
    n = l->point_count + 1;
    l->row_y = arena_alloc(a, (l->row_count + 1) * sizeof *l->row_y);
    l->row_h = arena_alloc(a, (l->row_count + 1) * sizeof *l->row_h);
    p.in_row = arena_alloc(a, (l->row_count + 1) * sizeof *p.in_row);
    p.row_len = arena_alloc(a, (l->row_count + 1) * sizeof *p.row_len);
    p.inside = arena_alloc(a, (l->row_count + 1) * sizeof *p.inside);
    p.at = arena_alloc(a, n * sizeof *p.at);
    p.key = arena_alloc(a, n * sizeof *p.key);
    p.up_sum = arena_alloc(a, n * sizeof *p.up_sum);
    p.down_sum = arena_alloc(a, n * sizeof *p.down_sum);
    p.up_n = arena_alloc(a, n * sizeof *p.up_n);
    p.down_n = arena_alloc(a, n * sizeof *p.down_n);
    fill_rows(&p);
    order(&p);
    place_across(&p);
    place_down(l);
    shift(l);
}
