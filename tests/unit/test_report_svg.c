/* test_report_svg.c -- protects pictures: what strangers named does not become markup, ticks are round and
 * apart, and figures of nothing, of one point and of no numbers are well-formed.  Room: tests. */
#include "report/agreement.h" /* before cmocka, whose macro fail() would rename a member */
#include "report/page.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- well-formed? ------------------------------------------------------------------------- */

static int is_entity(const char *p)
{
    static const char *const known[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};

    for (size_t i = 0; i < 5; i++) {
        if (!strncmp(p, known[i], strlen(known[i])))
            return 1;
    }
    return 0;
}

/* Elements are closed in order, entities are known, and control characters are but line ends and tabs. */
static void assert_well_formed(const char *text)
{
    char open[32][24];
    int depth = 0;

    for (const char *p = text; *p; p++) {
        assert_true((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
        if (*p == '&')
            assert_true(is_entity(p));
        if (*p != '<' || p[1] == '!' || p[1] == '?')
            continue;
        if (p[1] == '/') {
            assert_true(depth > 0);
            depth--;
            assert_memory_equal(p + 2, open[depth], strlen(open[depth]));
            assert_int_equal(p[2 + strlen(open[depth])], '>');
        } else {
            size_t n = strcspn(p + 1, " />\n");
            const char *end = strchr(p, '>');

            assert_non_null(end);
            assert_true(n && n < sizeof open[0]);
            if (end[-1] == '/')
                continue;
            assert_true(depth < 32);
            snprintf(open[depth++], sizeof open[0], "%.*s", (int)n, p + 1);
        }
    }
    assert_int_equal(depth, 0);
}

/* Numbers of pictures are numbers. */
static void assert_numbers(const struct figures *f)
{
    for (size_t i = 0; i < f->count; i++) {
        const char *picture = f->item[i].svg.data;

        assert_well_formed(picture);
        assert_null(strstr(picture, "=\"nan"));
        assert_null(strstr(picture, "=\"-nan"));
        assert_null(strstr(picture, "=\"inf"));
        assert_null(strstr(picture, "d=\"\""));
    }
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* -- text --------------------------------------------------------------------------------- */

static void strangers_names_are_text(void **state)
{
    struct buf b = {0};

    (void)state;
    svg_escape(&b, "<script>\"a\" & 'b'</script>\x1b[31m\xff\xef\xbf\xbe");
    assert_string_equal(b.data, "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"
                                "\\x1b[31m\\xff?");
    buf_free(&b);
}

static void text_is_cut_at_characters(void **state)
{
    struct arena a = {0};
    const char *cut;

    (void)state;
    assert_string_equal(svg_fit(&a, "short", 10, 100), "short");
    cut = svg_fit(&a, "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4", 10, 50);
    assert_true(svg_width(cut, 10) <= 50);
    assert_true(strlen(cut) % 2 == 1); /* pairs of bytes and the ellipsis of three */
    assert_true(svg_width("mmm", 10) > svg_width("iii", 10));
    arena_free(&a);
}

static void numbers_have_one_form(void **state)
{
    static const struct {
        double v;
        const char *text;
    } number[] = {{0, "0"},
                  {-0.04, "0"},
                  {1, "1"},
                  {-2.55, "-2.5"},
                  {3.25, "3.2"},
                  {NAN, "0"},
                  {INFINITY, "1000000"},
                  {-1e300, "-1000000"}};

    (void)state;
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        struct buf b = {0};

        svg_number(&b, number[i].v);
        assert_string_equal(b.data, number[i].text);
        buf_free(&b);
    }
}

/* -- axes --------------------------------------------------------------------------------- */

/* The texts of the ticks of these two values, joined. */
static const char *ticks(double low, double high, enum scale_wish wish, size_t most)
{
    static char text[512];
    const double v[] = {low, high};
    struct tick t[SCALE_TICKS];
    struct scale s;
    size_t n, at = 0;

    scale_fit(&s, v, 2, wish);
    assert_true(s.low < s.high);
    n = scale_ticks(&s, most, t);
    assert_true(n <= most);
    *text = '\0';
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(scale_at(&s, t[i].at)));
        assert_true(t[i].at >= s.low - 1e-9 * fabs(s.low) &&
                    t[i].at <= s.high + 1e-9 * fabs(s.high));
        if (i)
            assert_true(t[i].at > t[i - 1].at && strcmp(t[i].text, t[i - 1].text) != 0);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? " " : "", t[i].text);
    }
    return text;
}

static void ticks_are_round(void **state)
{
    (void)state;
    assert_string_equal(ticks(0, 1, SCALE_PLAIN, 7), "0 0.2 0.4 0.6 0.8 1");
    assert_string_equal(ticks(1, 3, SCALE_WHOLE, 6), "1 2 3");
    assert_string_equal(ticks(0, 200, SCALE_PLAIN, 6), "0 50 100 150 200");
    assert_string_equal(ticks(91.2, 93.9, SCALE_PLAIN, 7), "91.5 92 92.5 93 93.5 94");
    assert_string_equal(ticks(-3e7, 5e7, SCALE_PLAIN, 6), "-2e7 0 2e7 4e7");
    assert_string_equal(ticks(1, 100, SCALE_POWERS, 9), "1 2 5 10 20 50 100");
    assert_string_equal(ticks(1, 1e6, SCALE_WIDE, 9), "1 10 100 1000 10000 1e5 1e6");
    assert_string_equal(ticks(-1e6, 1e6, SCALE_POWERS, 6), "-1e6 -5e5 0 5e5 1e6");
}

static void degenerate_ranges_have_ticks(void **state)
{
    static const double ends[][2] = {{NAN, NAN},        {0, 0},         {5, 5},
                                     {-7, -7},          {1e308, 1e308}, {-DBL_MAX, DBL_MAX},
                                     {INFINITY, 1},     {1, 1 + 1e-15}, {5e-324, 1e308},
                                     {-5e-324, 5e-324}, {0, 1e300},     {-1e300, 1e-300}};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        for (int wish = SCALE_PLAIN; wish <= SCALE_POWERS; wish++) {
            for (size_t most = 2; most < 10; most++)
                assert_true(*ticks(ends[i][0], ends[i][1], (enum scale_wish)wish, most) != '\0');
        }
    }
}

static void an_axis_keeps_order(void **state)
{
    const double v[] = {-1e9, -3, -1e-9, 0, 1e-7, 2, 5e4, 1e12};
    struct scale s;

    (void)state;
    scale_fit(&s, v, 8, SCALE_WIDE);
    assert_int_equal(s.kind, SCALE_SYMLOG);
    for (size_t i = 1; i < 8; i++)
        assert_true(scale_at(&s, v[i]) > scale_at(&s, v[i - 1]));
    assert_true(scale_at(&s, v[0]) >= s.from && scale_at(&s, v[7]) <= s.to);
    assert_true(scale_at(&s, INFINITY) == s.to); /* what is outside is at the end */
}

/* -- figures ------------------------------------------------------------------------------ */

enum { MOST = 400 };

/* All figures of n architectures, two scores and a seed each, of kind: 0 random, 1 equal, 2 NaN, 3 of all
 * sizes and infinite. */
static void make(size_t n, int kind, const char *name, struct figures *out)
{
    static double x[MOST], y[MOST], z[MOST], accuracy[MOST], params[MOST];
    static const char *arch[MOST];
    char repeat[2][300];
    struct report_series s[] = {
        {.column = {.name = name, .direction = 1},
         .values = x,
         .has_published = 1,
         .published = .5},
        {.column = {.name = "b", .direction = -1}, .values = y},
        {.column = {.name = repeat[0], .direction = 1}, .values = x, .repeat = 1},
        {.column = {.name = repeat[1], .direction = 1}, .values = z, .repeat = 1},
        {.column = {.name = "#params", .direction = 1}, .values = params, .baseline = 1}};
    struct report_input in = {.series = s,
                              .series_count = 5,
                              .count = n,
                              .accuracy = accuracy,
                              .accuracy_name = name,
                              .population = "all"};
    struct agreement g = {.in = &in, .arch = arch, .params = params, .main = &s[1]};
    struct report r;
    struct error err;
    uint32_t state = 1;

    snprintf(repeat[0], sizeof repeat[0], "%.250s@2", name);
    snprintf(repeat[1], sizeof repeat[1], "%.250s@3", name);
    for (size_t i = 0; i < n; i++) {
        double u = (double)(state = state * 1664525 + 1013904223) / 4294967296.0;

        x[i] = kind == 0 ? u : kind == 1 ? 3 : kind == 2 ? NAN : exp(1400 * (u - 0.5));
        y[i] = kind == 3 ? (i % 3 ? -x[i] : INFINITY) : -x[i];
        z[i] = u;
        params[i] = 1e4 * (double)(i + 1);
        accuracy[i] = 90 + u;
        arch[i] = name;
    }
    g.report = report_make(&in, 0, &r, &err) < 0 ? NULL : &r;
    if (!g.report)
        in.accuracy = NULL;
    agreement_figures(&g, out);
    if (g.report)
        report_free(&r);
}

static void figures_of_anything_are_well_formed(void **state)
{
    static const size_t counts[] = {0, 1, 2, 12, MOST};
    char name[204];

    (void)state;
    memset(name, '<', 200);
    memcpy(name + 200, "&\">", 4);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (int kind = 0; kind < 4; kind++) {
            struct figures f = {.count = 0};
            struct buf page = {0}, file = {0};

            make(counts[i], kind, name, &f);
            assert_true(f.count > 0);
            assert_numbers(&f);
            page_begin(&page, name);
            page_details(&page, name, name);
            page_figures(&page, &f);
            page_end(&page);
            assert_well_formed(page.data);
            figure_file(&f.item[0], &file);
            assert_well_formed(file.data);
            buf_free(&page);
            buf_free(&file);
            figures_free(&f);
        }
    }
}

static const struct figure *find(const struct figures *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (!strcmp(f->item[i].name, name))
            return &f->item[i];
    }
    fail_msg("there is no figure %s", name);
    return NULL;
}

static void figures_say_what_they_should(void **state)
{
    struct figures f = {.count = 0};
    const struct figure *g;

    (void)state;
    make(100, 0, "score", &f);
    g = find(&f, "tau");
    assert_string_equal(g->cell[6], "score"); /* tau of u with 90 + u */
    assert_string_equal(g->cell[7], "1.0000");
    assert_string_equal(g->cell[10], "0.5"); /* published */
    assert_non_null(strstr(g->svg.data, "class=\"mk\""));
    g = find(&f, "scatter-score");
    assert_int_equal(count_of(g->svg.data, "<circle class=\"b"), 100);
    assert_string_equal(g->cell[5], "best 1");
    g = find(&f, "scatter-b"); /* less is better, and best is what is least */
    assert_non_null(strstr(g->svg.data, "b (less is better)"));
    g = find(&f, "seeds");
    assert_string_equal(g->cell[5], "score");
    assert_string_equal(g->cell[6], "3"); /* the score itself is the first seed */
    g = find(&f, "heat");
    assert_string_equal(g->cell[2 * g->columns + 1], "1.0000"); /* tau, below the diagonal */
    assert_string_equal(g->cell[g->columns + 2], "-"); /* partial: the accuracy leaves nothing */
    find(&f, "top-k");
    find(&f, "ranks-b");
    figures_free(&f);
}

/* Thousands of points are one path a colour, and a dot is there once. */
static void many_points_are_paths(void **state)
{
    enum { N = 20000 };
    double *x = calloc(N, sizeof *x), *y = calloc(N, sizeof *y);
    struct chart_dots dots = {.x = x, .y = y, .n = N, .colour = x};
    struct chart c = {.desc = "",
                      .x_name = "x",
                      .y_name = "y",
                      .colour_name = "c",
                      .dots = &dots,
                      .dots_count = 1};
    struct figures f = {.count = 0};
    struct figure *g = figures_add(&f, "many", NULL, "many");

    (void)state;
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)(i % 40);
        y[i] = (double)(i % 7);
    }
    chart_draw(&c, &f, g);
    assert_int_equal(count_of(g->svg.data, "<path class=\"p"), SVG_BINS);
    assert_int_equal(count_of(g->svg.data, "h0"), 40 * 7);
    assert_int_equal(count_of(g->svg.data, "<circle"), 0);
    figures_free(&f);
    free(x);
    free(y);
}

/* A dot is a stroke of no length, of which a style without round ends shows nothing. */
static void dots_have_round_ends(void **state)
{
    enum { N = 400 };
    double x[N], y[N];
    const struct chart_dots dots[] = {{.x = x, .y = y, .n = N, .category = 0},
                                      {.x = x, .y = y, .n = N, .colour = x}};
    struct buf style = {0};

    (void)state;
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)i;
        y[i] = (double)(i * 7 % N);
    }
    svg_style(&style, 0);
    assert_non_null(strstr(style.data, "svg .d{fill:none;stroke-width:3;stroke-linecap:round}"));
    for (int kind = 0; kind < 2; kind++) {
        struct figures f = {.count = 0};
        struct figure *g = figures_add(&f, "many", NULL, "many");
        const char *p;

        chart_draw(&(struct chart){.desc = "",
                                   .x_name = "x",
                                   .y_name = "y",
                                   .colour_name = kind ? "c" : NULL,
                                   .dots = &dots[kind],
                                   .dots_count = 1},
                   &f, g);
        assert_non_null(strstr(g->svg.data, "h0"));
        for (p = g->svg.data; (p = strstr(p, "<path class=\"")); p++) {
            const char *end = strchr(p, '>'), *dot = strstr(p, "h0"), *class = strstr(p, " d\" d=");

            assert_true(!dot || dot > end || (class && class < end));
        }
        figures_free(&f);
    }
    buf_free(&style);
}

/* Places of the texts beside the y axis; returns how many. */
static size_t y_labels(const char *picture, double out[SCALE_TICKS])
{
    static const char mark[] = "<text class=\"s e\"";
    size_t n = 0;

    for (const char *p = picture; (p = strstr(p, mark)); p++) {
        const char *y = strstr(p, " y=\"");

        assert_non_null(y);
        assert_true(n < SCALE_TICKS);
        out[n++] = strtod(y + 4, NULL);
    }
    return n;
}

/* Around 0 a symmetric axis has its ticks close together. */
static void ticks_leave_their_texts_room(void **state)
{
    static const double ends[][2] = {{-1e-6, 1e-1}, {-1e-3, 1}, {-1e5, 1e7}, {0, 1e4}, {-1e-9, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const double x[] = {1, 2, 3, 4, 5, 6};
        const double y[] = {ends[i][0], 1e-6, 0, 1e-5, -1e-6, ends[i][1]};
        struct chart_line line = {.x = x, .y = y, .n = 6};
        struct figures f = {.count = 0};
        struct figure *g = figures_add(&f, "ticks", NULL, "ticks");
        double at[SCALE_TICKS];
        size_t n;

        chart_draw(&(struct chart){.desc = "",
                                   .x_name = "x",
                                   .y_name = "y",
                                   .y_wish = SCALE_WIDE,
                                   .lines = &line,
                                   .line_count = 1},
                   &f, g);
        n = y_labels(g->svg.data, at);
        assert_true(n >= 3);
        for (size_t k = 1; k < n; k++)
            assert_true(at[k - 1] - at[k] >= SVG_SMALL * 1.2);
        figures_free(&f);
    }
}

/* What is cut to fit does, in the widths of bold letters too. */
static void titles_are_bold(void **state)
{
    struct arena a = {0};
    const char *cut = svg_fit_title(&a, "illlittttrrrfffjjj illlittttrrrfffjjj", 150);

    (void)state;
    assert_true(strlen(cut) <
                strlen(svg_fit(&a, "illlittttrrrfffjjj illlittttrrrfffjjj", 12, 150)));
    assert_true(svg_width("\x1b", 10) >= svg_width("\\x1b", 10)); /* as which it is shown */
    arena_free(&a);
}

/* Those that stand out are few, have a text beside them, and there are none where nothing does. */
static void few_stand_out(void **state)
{
    static const struct {
        size_t n;
        int kind;
        size_t rings;
    } cases[] = {{3, 0, 0}, {12, 0, 3}, {100, 0, 10}, {100, 1, 0}, {100, 2, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct figures f = {.count = 0};
        const char *picture;

        make(cases[i].n, cases[i].kind, "score", &f);
        picture = find(&f, "scatter-score")->svg.data;
        assert_int_equal(count_of(picture, "<circle class=\"c1 u\""),
                         cases[i].rings + (cases[i].rings > 0)); /* and in the legend */
        assert_int_equal(strstr(picture, "class=\"l s9 j m\"") != NULL, cases[i].rings > 0);
        figures_free(&f);
    }
}

/* Texts beside points that stand in one place are all there, the further ones with a line. */
static void marks_find_room(void **state)
{
    enum { N = 10 };
    static const char *const mark[N] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"};
    double x[N + 1], y[N + 1];
    struct figures f = {.count = 0};
    struct chart_dots dots[] = {{.x = x, .y = y, .n = N, .mark = mark, .shape = SVG_RING},
                                {.x = x + N, .y = y + N, .n = 1}};

    (void)state;
    for (int i = 0; i < N; i++)
        x[i] = y[i] = 1; /* the upper right end */
    x[N] = y[N] = 0;
    chart_draw(
        &(struct chart){.desc = "", .x_name = "x", .y_name = "y", .dots = dots, .dots_count = 2},
        &f, figures_add(&f, "scatter", "marks", ""));
    assert_int_equal(count_of(f.item[0].svg.data, "class=\"l s9 j"), N);
    figures_free(&f);
}

/* Further draws of a score leave the other scores their pictures. */
static void draws_come_after_scores(void **state)
{
    enum { N = 40, DRAWS = 6 };
    static double draw[DRAWS][N], other[N], accuracy[N];
    static const char *arch[N];
    static char name[DRAWS][16];
    struct report_series s[DRAWS + 1] = {
        {.column = {.name = "other", .direction = 1}, .values = other}};
    struct report_input in = {.series = s,
                              .series_count = DRAWS + 1,
                              .count = N,
                              .accuracy = accuracy,
                              .accuracy_name = "acc",
                              .population = "all"};
    struct agreement g = {.in = &in, .arch = arch};
    struct figures f = {.count = 0};
    struct report r;
    struct error err;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        accuracy[i] = (double)i;
        other[i] = (double)(i * 17 % N);
        arch[i] = "x";
        for (size_t k = 0; k < DRAWS; k++)
            draw[k][i] = (double)i + (double)((i * k) % 3);
    }
    for (size_t k = 0; k < DRAWS; k++) {
        snprintf(name[k], sizeof name[k], "a@draw%zu", k + 1);
        s[k + 1] =
            (struct report_series){.column = {.name = name[k], .direction = 1}, .values = draw[k]};
    }
    assert_int_equal(report_make(&in, 0, &r, &err), 0);
    g.report = &r;
    agreement_figures(&g, &f);
    find(&f, "ranks-other");
    assert_non_null(strstr(find(&f, "top-k")->svg.data, ">other</text>"));
    report_free(&r);
    figures_free(&f);
}

/* The k best: their mean falls to that of all. */
static void means_of_the_best(void **state)
{
    struct figures f = {.count = 0};
    const struct figure *g, *best;

    (void)state;
    make(100, 0, "score", &f);
    g = find(&f, "top-k-mean");
    best = find(&f, "top-k");
    assert_string_equal(g->cell[g->columns + 1], best->cell[best->columns + 1]); /* k = 1 */
    for (size_t c = 2; c < g->columns; c++) /* k = n: all are the same */
        assert_string_equal(g->cell[(g->rows - 1) * g->columns + c],
                            g->cell[(g->rows - 1) * g->columns + 1]);
    figures_free(&f);
}

/* What lies outside an axis is not drawn, nor along its end. */
static void an_axis_may_be_cut(void **state)
{
    const double x[] = {1, 2, 3, 4}, y[] = {0, 90, 92, 91}, range[] = {89, 93};
    struct chart_line line = {.x = x, .y = y, .n = 4};
    struct chart_dots dots = {.x = x, .y = y, .n = 4};
    struct figures f = {.count = 0};
    struct figure *g = figures_add(&f, "cut", NULL, "cut");
    const char *p;

    (void)state;
    chart_draw(&(struct chart){.desc = "",
                               .x_name = "x",
                               .y_name = "y",
                               .y_range = range,
                               .dots = &dots,
                               .dots_count = 1,
                               .lines = &line,
                               .line_count = 1},
               &f, g);
    assert_int_equal(count_of(g->svg.data, "<circle class=\"f0\""), 6); /* 3 dots, 3 of the line */
    p = strstr(g->svg.data, "<path class=\"c0\" d=\"M");
    assert_non_null(p);
    p += strlen("<path class=\"c0\" d=\"M");
    assert_true(strtod(p, NULL) > 100); /* it comes in between 1 and 2, near 2 */
    assert_int_equal(count_of(p, "L"), 3);
    figures_free(&f);
}

static void tooltips_end_somewhere(void **state)
{
    struct figures f = {.count = 0};

    (void)state;
    make(300, 0, "score", &f);
    for (size_t i = 0; i < f.count; i++)
        assert_true(count_of(f.item[i].svg.data, "<title>") <= SVG_TIPS);
    assert_int_equal(count_of(find(&f, "scatter-score")->svg.data, "<title>"), SVG_TIPS);
    figures_free(&f);
}

static void names_of_files_are_plain_and_their_own(void **state)
{
    struct figures f = {.count = 0};

    (void)state;
    figures_add(&f, "scatter", "../a b", "");
    figures_add(&f, "scatter", "../a_b", "");
    assert_string_equal(f.item[0].name, "scatter-___a_b");
    assert_string_equal(f.item[1].name, "scatter-___a_b-2");
    figures_free(&f);
}

static void tables_for_papers_and_pages(void **state)
{
    static const char *const cells[] = {"proxy", "tau", "a_b & 50%\\", "0.5000", "<x>", "-"};
    struct buf b = {0};

    (void)state;
    report_table(&b, cells, 3, 2, REPORT_LATEX, 0);
    assert_string_equal(
        b.data,
        "% \\usepackage{booktabs}\n\\begin{tabular}{lr}\n\\toprule\n"
        "proxy & tau \\\\\n\\midrule\n"
        "a\\_b \\& 50\\%\\textbackslash{} & 0.5000 \\\\\n\\textless{}x\\textgreater{} & - \\\\\n"
        "\\bottomrule\n\\end{tabular}\n");
    b.len = 0;
    report_table(&b, (const char *const[]){"a", "b", "|x~0|", "1"}, 2, 2, REPORT_LATEX, 0);
    assert_non_null(strstr(b.data, "\n\\textbar{}x\\textasciitilde{}0\\textbar{} & 1"));
    b.len = 0;
    report_table(&b, (const char *const[]){"a", "b", "|x~0|", "1"}, 2, 2, REPORT_MARKDOWN, 0);
    assert_string_equal(b.data, "| a        | b |\n|---|---|\n| \\|x\\~0\\| | 1 |\n");
    b.len = 0;
    report_table(&b, cells, 3, 2, REPORT_HTML, 0);
    assert_well_formed(b.data);
    assert_non_null(strstr(b.data, "<td>&lt;x&gt;</td><td class=\"n\">-</td>"));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_names_are_text),
        cmocka_unit_test(text_is_cut_at_characters),
        cmocka_unit_test(numbers_have_one_form),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(degenerate_ranges_have_ticks),
        cmocka_unit_test(an_axis_keeps_order),
        cmocka_unit_test(figures_of_anything_are_well_formed),
        cmocka_unit_test(figures_say_what_they_should),
        cmocka_unit_test(many_points_are_paths),
        cmocka_unit_test(dots_have_round_ends),
        cmocka_unit_test(ticks_leave_their_texts_room),
        cmocka_unit_test(titles_are_bold),
        cmocka_unit_test(few_stand_out),
        cmocka_unit_test(draws_come_after_scores),
        cmocka_unit_test(means_of_the_best),
        cmocka_unit_test(an_axis_may_be_cut),
        cmocka_unit_test(marks_find_room),
        cmocka_unit_test(tooltips_end_somewhere),
        cmocka_unit_test(names_of_files_are_plain_and_their_own),
        cmocka_unit_test(tables_for_papers_and_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
