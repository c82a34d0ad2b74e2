/* figures.c -- how long the figures of a report take: the statistics, all figures of one score and one
 * baseline, and a single one of points.  Usage: bench-figures [ROWS], 423624 (all of NASBench-101) by default.
 * Room: bench. */
#include "report/agreement.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* CPU time: the machine may be busy with other things. */
static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* A score that is worth something, over networks of all sizes. */
static void fill(size_t n, double *score, double *accuracy, double *params, const char **arch)
{
    uint64_t state = 1;

    for (size_t i = 0; i < n; i++) {
        double size = next(&state);

        params[i] = exp(12 + 4 * size);
        accuracy[i] = 94 - 8 * pow(next(&state), 4) - 3 * (1 - size);
        score[i] = exp(8 * size + 4 * next(&state));
        arch[i] = "1001000 110000 conv3x3-bn-relu";
    }
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? (size_t)atoll(argv[1]) : 423624, bytes = 0;
    double *number = mem_alloc(3 * (n + 1) * sizeof *number), start, made, drawn;
    const char **arch = mem_alloc((n + 1) * sizeof *arch);
    double *score = number, *accuracy = number + n, *params = number + 2 * n;
    struct report_series s[] = {
        {.column = {.name = "score", .direction = 1}, .values = score},
        {.column = {.name = "#params", .direction = 1}, .values = params, .baseline = 1}};
    struct report_input in = {.series = s,
                              .series_count = 2,
                              .count = n,
                              .accuracy = accuracy,
                              .accuracy_name = "accuracy",
                              .population = "all"};
    struct chart_dots dots = {.x = score, .y = accuracy, .n = n, .colour = params};
    struct chart chart = {.desc = "points",
                          .x_name = "score",
                          .y_name = "accuracy",
                          .colour_name = "#params",
                          .x_wish = SCALE_WIDE,
                          .dots = &dots,
                          .dots_count = 1};
    struct figures f = {.count = 0};
    struct figure *points;
    struct report r;
    struct error err;

    fill(n, score, accuracy, params, arch);
    start = now();
    points = figures_add(&f, "points", NULL, "points");
    chart_draw(&chart, &f, points);
    printf("%zu rows\none figure of points: %.3f s, %zu bytes\n", n, now() - start,
           points->svg.len);
    figures_free(&f);
    start = now();
    if (report_make(&in, 0, &r, &err) < 0)
        return 1;
    made = now();
    agreement_figures(
        &(struct agreement){.in = &in, .report = &r, .arch = arch, .params = params, .main = s},
        &f);
    drawn = now();
    for (size_t i = 0; i < f.count; i++)
        bytes += f.item[i].svg.len;
    printf("statistics: %.3f s\n%zu figures: %.3f s, %zu bytes\n", made - start, f.count,
           drawn - made, bytes);
    report_free(&r);
    figures_free(&f);
    free(number);
    free(arch);
    return 0;
}
