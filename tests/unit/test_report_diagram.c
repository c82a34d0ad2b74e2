/* test_report_diagram.c -- protects pictures of networks: boxes lie upon no other, lines go downwards and
 * through no box, cells are around their own, equal cells are found, and what strangers named is text.
 * Room: tests. */
#include "report/layout.h"
#include "report/page.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400, INPUTS = 8 };

/* A network that is written down here. */
struct made {
    struct diagram n;
    struct diagram_op op[MOST];
    size_t input[MOST][INPUTS];
    char cell[MOST][16];
};

/* Adds an operation of a cell (-1: none); returns its number. */
static size_t add(struct made *m, const char *operation, int cell, size_t count, ...)
{
    size_t i = m->n.count++;
    int layer = !strcmp(operation, "conv2d");
    va_list ap;

    assert_true(i < MOST && count <= INPUTS);
    if (cell >= 0)
        snprintf(m->cell[i], sizeof m->cell[i], "cell %d", cell);
    va_start(ap, count);
    for (size_t k = 0; k < count; k++)
        m->input[i][k] = va_arg(ap, size_t);
    va_end(ap);
    m->op[i] = (struct diagram_op){.name = "",
                                   .operation = operation,
                                   .kernel = layer ? "3x3" : "",
                                   .shape = layer ? "8x8x3x3" : "",
                                   .output = "8x4x4",
                                   .cell = m->cell[i],
                                   .params = layer ? 576 : 0,
                                   .macs = layer ? 9216 : 0,
                                   .layer = layer,
                                   .value = NAN,
                                   .input = m->input[i],
                                   .input_count = count};
    return i;
}

static struct made *make(void)
{
    struct made *m = calloc(1, sizeof *m);

    assert_non_null(m);
    m->n.op = m->op;
    m->n.arch = "made";
    return m;
}

/* Cells that read the two before them, as those of DARTS do; each has two convs and a skip. */
static struct made *darts(int cells)
{
    struct made *m = make();
    size_t before = add(m, "input", -1, 0), last = before;

    for (int c = 0; c < cells; c++) {
        size_t a = add(m, "conv2d", c, 1, before), b = add(m, "conv2d", c, 1, last);
        size_t sum = add(m, "add", c, 2, a, b), more = add(m, "conv2d", c, 1, sum);
        size_t end = add(m, "concat", c, 4, a, b, sum, add(m, "batch_norm", c, 1, more));

        before = last;
        last = end;
    }
    add(m, "linear", -1, 1, last);
    return m;
}

/* Operations that read any before them; the same for a seed. */
static struct made *any(uint64_t seed, size_t count, int cells)
{
    static const char *const operations[] = {"conv2d", "relu", "add", "batch_norm"};
    struct made *m = make();

    add(m, "input", -1, 0);
    while (m->n.count < count) {
        size_t at = m->n.count, from[3];
        uint64_t r;

        for (int k = 0; k < 3; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            r = seed >> 33;
            from[k] = at - 1 - (size_t)(r % (at < 12 ? at : 12));
        }
        r = seed >> 40;
        if (r % 3 == 2)
            add(m, "add", cells ? (int)(at / 9) : -1, 3, from[0], from[1], from[2]);
        else
            add(m, operations[r % 4], cells ? (int)(at / 9) : -1, 1, from[0]);
    }
    return m;
}

static int overlap(double x, double w, double x2, double w2)
{
    return x < x2 + w2 - .01 && x2 < x + w - .01;
}

/* All that a picture must keep to. */
static void assert_laid_out(const struct layout *l)
{
    for (size_t i = 0; i < l->unit_count; i++) {
        const struct layout_unit *u = &l->unit[i];
        const struct layout_group *g = &l->group[u->group];

        assert_true(u->w > 0 && u->h > 0 && u->x >= -.01 && u->x + u->w <= l->width + .01);
        assert_true(u->y >= 0 && u->y + u->h <= l->height + .01);
        assert_true(u->x >= g->x && u->x + u->w <= g->x + g->w + .01);
        assert_true(u->y >= g->y && u->y + u->h <= g->y + g->h + .01);
        for (size_t k = 0; k < i; k++) {
            const struct layout_unit *o = &l->unit[k];

            assert_false(overlap(u->x, u->w, o->x, o->w) && overlap(u->y, u->h, o->y, o->h));
        }
        for (size_t k = 0; k < u->input_count; k++) {
            const struct layout_unit *from = &l->unit[u->input[k]];
            size_t above = layout_above(l, u->input[k], u->row);

            assert_true(from->y + from->h < u->y);
            assert_int_equal(l->point[above].source, u->input[k]);
            assert_int_equal(l->point[above].row + 1, u->row);
        }
    }
    for (size_t i = 1; i < l->group_count; i++)
        assert_true(l->group[i - 1].y + l->group[i - 1].h < l->group[i].y);
}

/* Has the group the line's source, or a reader of it below its first row? */
static int has_line(const struct layout *l, const struct layout_group *g, size_t source)
{
    for (size_t i = g->first; i < g->first + g->count; i++) {
        for (size_t k = 0; k < l->unit[i].input_count; k++) {
            if (l->unit[i].input[k] == source && l->unit[i].row > g->row)
                return 1;
        }
    }
    return source >= g->first && source < g->first + g->count;
}

/* A line crosses a row between its boxes, and a cell that does not read it beside the cell. */
static void assert_lines_free(const struct layout *l)
{
    for (size_t i = l->unit_count; i < l->point_count; i++) {
        const struct layout_point *b = &l->point[i];

        assert_int_equal(l->point[b->from].row + 1, b->row);
        assert_int_equal(l->point[b->from].source, b->source);
        for (size_t k = 0; k < l->unit_count; k++) {
            const struct layout_unit *u = &l->unit[k];

            if (u->row == b->row)
                assert_false(overlap(b->x - .1, .2, u->x, u->w));
        }
        for (size_t k = 0; k < l->group_count; k++) {
            const struct layout_group *g = &l->group[k];

            if (b->row >= g->row && b->row < g->row + g->rows)
                assert_int_equal(overlap(b->x - .1, .2, g->x, g->w), has_line(l, g, b->source));
        }
    }
}

static void check(struct made *m)
{
    for (int once = 0; once < 2; once++) {
        struct arena a = {0};
        struct layout l = {.a = &a};
        struct error err;

        layout_units(&m->n, once, &l);
        assert_int_equal(layout_place(&l, &err), TCET_OK);
        assert_laid_out(&l);
        assert_lines_free(&l);
        arena_free(&a);
    }
    free(m);
}

static void test_nothing_overlaps(void **state)
{
    struct made *chain = make();
    size_t at = add(chain, "input", -1, 0);

    (void)state;
    check(make());
    for (int i = 0; i < 6; i++)
        at = add(chain, i % 2 ? "conv2d" : "relu", -1, 1, at);
    check(chain);
    check(darts(1));
    check(darts(9));
    for (uint64_t seed = 0; seed < 40; seed++)
        check(any(seed, 5 + (size_t)seed * 3, seed % 2 != 0));
    check(any(7, MOST, 1));
}

static void test_chains_are_one_box(void **state)
{
    struct made *m = make();
    struct arena a = {0};
    struct layout l = {.a = &a};
    size_t at = add(m, "input", -1, 0);

    (void)state;
    at = add(m, "relu", 0, 1, at);
    at = add(m, "conv2d", 0, 1, at);
    at = add(m, "batch_norm", 0, 1, at);
    at = add(m, "relu", 0, 1, at);
    at = add(m, "conv2d", 0, 1, at);
    m->op[5].value = 2.5;
    m->n.value_name = "snip";
    layout_units(&m->n, 0, &l);
    assert_int_equal(l.unit_count, 3); /* the second layer begins another */
    assert_int_equal(l.unit[1].op_count, 4);
    assert_string_equal(l.unit[1].line[0], "relu, conv 3x3, bn, relu");
    assert_string_equal(l.unit[1].line[2], "576 params, 9216 MACs");
    assert_null(l.unit[1].line[3]);
    assert_string_equal(l.unit[2].line[3], "snip 2.5");
    assert_int_equal(l.group[1].params, 2 * 576);
    arena_free(&a);
    free(m);
}

static void test_equal_cells_once(void **state)
{
    struct made *m = darts(6);
    struct arena a = {0};
    struct layout l = {.a = &a};
    size_t as = 0;

    (void)state;
    m->op[14].output = "9x4x4"; /* of the third cell: it is like none */
    layout_units(&m->n, 1, &l);
    for (size_t i = 0; i < l.unit_count; i++) {
        if (strncmp(l.unit[i].line[0], "cell ", 5))
            continue;
        as++;
        assert_string_equal(l.unit[i].line[1], "as cell 1"); /* the first reads one output twice */
        assert_string_equal(l.unit[i].line[2], "1728 params, 27.6k MACs");
        assert_int_equal(l.unit[i].input_count, 2);
    }
    assert_int_equal(as, 3);
    arena_free(&a);
    free(m);
}

/* Chains with several layers are one box where pictures would be too high, named by what repeats. */
static void test_chains_in_one_box(void **state)
{
    struct made *m = make();
    struct arena a = {0};
    struct layout l = {.a = &a};
    size_t at = add(m, "input", -1, 0);

    (void)state;
    for (int i = 0; i < 2; i++) {
        at = add(m, "relu", 0, 1, at);
        at = add(m, "conv2d", 0, 1, at);
        at = add(m, "batch_norm", 0, 1, at);
    }
    add(m, "linear", -1, 1, at);
    layout_units(&m->n, LAYOUT_ONCE, &l);
    assert_int_equal(l.unit_count, 4);
    l = (struct layout){.a = &a};
    layout_units(&m->n, LAYOUT_CHAINS, &l);
    assert_int_equal(l.unit_count, 3);
    assert_string_equal(l.unit[1].line[0], "2 x (relu, conv 3x3, bn)");
    assert_string_equal(l.unit[1].line[2], "1152 params, 18.4k MACs");
    assert_string_equal(l.group[1].head, "cell 0: 1152 params, 18.4k MACs");
    assert_int_equal(layout_place(&l, &(struct error){.status = TCET_OK}), TCET_OK);
    assert_true(l.group[1].w >= svg_width(l.group[1].head, SVG_SMALL)); /* it fits its box */
    arena_free(&a);
    free(m);
}

/* Layers of value 0 have the lowest colour, and the legend says so. */
static void test_legend_has_zeros(void **state)
{
    for (int zero = 0; zero < 2; zero++) {
        struct made *m = darts(2);
        struct figures figures = {.count = 0};
        struct figure *f = figures_add(&figures, "network", NULL, "x");
        struct error err;

        m->n.value_name = "score";
        for (size_t i = 0; i < m->n.count; i++)
            m->op[i].value = 1000 + (double)i;
        m->op[2].value = zero ? 0 : 1002;
        assert_int_equal(diagram_draw(&m->n, &figures, f, &err), TCET_OK);
        assert_int_equal(strstr(f->svg.data, ">0, 1001<") != NULL, zero);
        assert_int_equal(strstr(f->svg.data, ">1001<") != NULL, !zero);
        figures_free(&figures);
        free(m);
    }
    (void)state;
}

static void test_counts(void **state)
{
    static const struct {
        int64_t n;
        const char *text;
    } cases[] = {{0, "0"},           {9999, "9999"},       {10000, "10.0k"},
                 {99960, "100k"},    {999499, "999k"},     {999500, "1.00M"},
                 {2359296, "2.36M"}, {INT64_MAX, "9.22E"}, {-5, "-5"}};
    struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(diagram_count(&a, cases[i].n), cases[i].text);
    arena_free(&a);
}

static void test_names_are_text(void **state)
{
    struct made *m = darts(2);
    struct figures figures = {.count = 0};
    struct figure *f = figures_add(&figures, "network", NULL, "<&>\"]]>");
    struct buf file = {0}, dot = {0};
    struct error err;

    (void)state;
    m->n.arch = "\"]; evil \\";
    m->n.value_name = "<s>&\x01";
    m->n.note = "<b>";
    for (size_t i = 0; i < m->n.count; i++) {
        m->op[i].name = "</title><script>";
        m->op[i].operation = "<op&";
        m->op[i].cell = m->op[i].cell[0] ? "<cell>\"" : "";
        m->op[i].output = "\xff<&";
        m->op[i].layer = 1;
        m->op[i].value = (double)i;
    }
    assert_int_equal(diagram_draw(&m->n, &figures, f, &err), TCET_OK);
    figure_file(f, &file);
    assert_null(strstr(file.data, "<script"));
    assert_null(strstr(file.data, "<op"));
    assert_null(strstr(file.data, "<cell"));
    assert_null(strstr(file.data, "<s>"));
    assert_non_null(strstr(file.data, "&lt;op&amp;"));
    assert_non_null(strstr(file.data, "class=\"b11\""));
    diagram_dot(&m->n, &dot);
    assert_non_null(strstr(dot.data, "label=\"\\\"]; evil \\\\\"\n"));
    assert_non_null(strstr(dot.data, "label=\"<cell>\\\"\"\n"));
    assert_null(strchr(dot.data, '\x01'));
    buf_free(&file);
    buf_free(&dot);
    figures_free(&figures);
    free(m);
}

static void test_too_many(void **state)
{
    struct figures figures = {.count = 0};
    struct figure *f = figures_add(&figures, "network", NULL, "large");
    struct diagram_op *op = calloc(DIAGRAM_OPS + 1, sizeof *op);
    const struct diagram n = {.arch = "large", .op = op, .count = DIAGRAM_OPS + 1};
    struct error err;

    (void)state;
    assert_non_null(op);
    assert_int_equal(diagram_draw(&n, &figures, f, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "4001 operations; a picture has at most 4000"));
    figures_free(&figures);
    free(op);
}

/* Each operation is read by the next and by the last: half a million lines' places. */
static void test_too_many_lines(void **state)
{
    enum { MANY = 1000 };
    struct figures figures = {.count = 0};
    struct figure *f = figures_add(&figures, "network", NULL, "large");
    struct diagram_op *op = calloc(MANY, sizeof *op);
    size_t *input = calloc(MANY, sizeof *input);
    const struct diagram n = {.arch = "large", .op = op, .count = MANY};
    struct error err;

    (void)state;
    assert_non_null(op);
    assert_non_null(input);
    for (size_t i = 0; i < MANY; i++) {
        input[i] = i;
        op[i] = (struct diagram_op){.name = "",
                                    .operation = "relu",
                                    .kernel = "",
                                    .shape = "",
                                    .output = "1",
                                    .cell = "",
                                    .value = NAN,
                                    .input = i ? input + i - 1 : NULL,
                                    .input_count = i > 0};
    }
    op[MANY - 1].input = input;
    op[MANY - 1].input_count = MANY - 1;
    assert_int_equal(diagram_draw(&n, &figures, f, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "places in 1000 rows; a picture has at most 200000"));
    free(input);
    figures_free(&figures);
    free(op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_overlaps), cmocka_unit_test(test_chains_are_one_box),
        cmocka_unit_test(test_equal_cells_once), cmocka_unit_test(test_chains_in_one_box),
        cmocka_unit_test(test_legend_has_zeros), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_names_are_text),   cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_too_many_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
