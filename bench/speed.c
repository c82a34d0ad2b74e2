/* speed.c -- how fast T-CET is scored, against plain PyTorch, against the convolutions alone,
 * and with more workers and more proxies; docs/performance.md says what each figure means.
 * Room: bench.  Touches core/run; what it compares with stands in bench/reference. */
#include "lane.h"
#include "machine.h"

#include "base/clock.h"
#include "base/text.h"
#include "plugin/instance.h"
#include "plugin/registry.h"
#include "run/worker.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CORES_MAX = 64, START_UPS = 11, TABLE_ROWS = 423624 };

/* The two that take most memory; the second one less time. */
static const char *const heaviest = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
                                    "|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
static const char *const widest = "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+"
                                  "|nor_conv_1x1~0|nor_conv_1x1~1|nor_conv_1x1~2|";

struct options {
    int64_t rounds, archs, seed, soak;
    int quick, channels_last, avx2, designs;
};

enum ratio { VS_REFERENCE, VS_CONVOLUTIONS, TWO_WORKERS, FIRST_ORDER, ALL_PROXIES, RATIOS };
static const char *const ratio_name[RATIOS] = {"vs_reference", "vs_convolutions", "two_workers",
                                               "first_order", "all_proxies"};

struct bench {
    struct options o;
    struct arena arena;
    size_t cores;
    const char *const *archs; /* [rounds][archs], each round a sample of light and heavy ones */
    struct lane lane[2 * CORES_MAX + 3];
    size_t lanes;                                                     /* that were started */
    struct lane *ours, *reference, *conv, *first_order, *all_proxies; /* cores of the first two */
    double *ratio[RATIOS];                                            /* [rounds] */
    double ours_sums[LANE_NUMBERS], conv_sums[LANE_NUMBERS];
    double ours_seconds, ours_all_seconds, reference_seconds;
    double difference; /* of our scores and the reference's, at most */
};

/* -- Architectures ---------------------------------------------------------------------- */

/* Images as the reference draws them, so that the scores can be compared too. */
static tcet_status load_config(const struct bench *b, const char *file, struct config **out,
                               struct error *err)
{
    struct config *c = NULL;
    char path[4096];
    tcet_status st;

    snprintf(path, sizeof path, "%s/%s", TCET_BENCH_SOURCE, file);
    TRY(config_load(path, &c, err));
    st = config_set(c, "data.plugin=gaussian", err);
    if (st >= 0)
        st = config_set(c, "backend.device=cpu", err);
    if (st >= 0 && b->o.avx2)
        st = config_set(c, "backend.kernels=avx2", err);
    if (st < 0)
        config_free(c);
    else
        *out = c;
    return st;
}

static tcet_status sample(struct bench *b, size_t count, const char *const **out, struct error *err)
{
    struct config *c = NULL;
    struct wire_plan plan;
    tcet_status st;

    TRY(load_config(b, "../conf/tcet_snip.ini", &c, err));
    st = config_set(c, arena_printf(&b->arena, "run.archs=sample:%zu", count), err);
    if (st >= 0)
        st = config_set(c, arena_printf(&b->arena, "run.seed=%lld", (long long)b->o.seed), err);
    if (st >= 0)
        st = client_plan(c, 1, &b->arena, &plan, err);
    if (st >= 0)
        *out = plan.archs;
    config_free(c);
    return st;
}

struct weighed {
    const char *arch;
    int64_t macs;
};

static int by_macs(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;

    return (x->macs > y->macs) - (x->macs < y->macs);
}

/* Deals the sample, sorted by cost, so that every round has its share of each part of the
 * range. */
static tcet_status deal(struct bench *b, struct error *err)
{
    size_t rounds = (size_t)b->o.rounds, n = (size_t)b->o.archs, count = rounds * n;
    struct weighed *w = arena_alloc(&b->arena, count * sizeof *w);
    const char **dealt = arena_alloc(&b->arena, count * sizeof *dealt);
    const struct wire_fact *facts;
    const char *const *archs;
    struct config *c = NULL;
    tcet_status st;

    TRY(sample(b, count, &archs, err));
    TRY(load_config(b, "../conf/tcet_snip.ini", &c, err));
    st = client_facts(c, archs, count, &b->arena, &facts, err);
    config_free(c);
    if (st < 0)
        return st;
    for (size_t i = 0; i < count; i++)
        w[i] = (struct weighed){archs[i], facts[i].macs};
    qsort(w, count, sizeof *w, by_macs);
    for (size_t r = 0; r < rounds; r++) {
        for (size_t k = 0; k < n; k++)
            dealt[r * n + k] = w[k * rounds + (r + k) % rounds].arch;
    }
    b->archs = dealt;
    printf("%zu architectures of nats_tss (seed %lld), %.1f to %.1f M multiply-accumulates, "
           "%zu a round\n",
           count, (long long)b->o.seed, 1e-6 * (double)w[0].macs, 1e-6 * (double)w[count - 1].macs,
           n);
    return TCET_OK;
}

/* -- Rounds ------------------------------------------------------------------------------ */

static tcet_status start(struct bench *b, struct error *err)
{
    struct config *c = NULL, *first = NULL, *all = NULL;
    struct lane *l = b->lane;
    const char *layout = b->o.channels_last ? "--channels-last" : NULL;
    double begin = clock_now(), ignored;
    tcet_status st = load_config(b, "../conf/tcet_snip.ini", &c, err);

    if (st >= 0)
        st = load_config(b, "first_order.ini", &first, err);
    if (st >= 0)
        st = load_config(b, "all_proxies.ini", &all, err);
    b->reference = l;
    for (size_t i = 0; i < b->cores && st >= 0; i++)
        st = lane_script(l++, "the reference", "tcet_snip.py", layout, 2, err);
    b->conv = l;
    if (st >= 0)
        st = lane_script(l++, "the convolutions", "convolutions.py", NULL, 3, err);
    b->ours = l;
    for (size_t i = 0; i < b->cores && st >= 0; i++)
        st = lane_worker(l++, "a worker", c, "tcet_snip", err);
    b->first_order = l;
    if (st >= 0)
        st = lane_worker(l++, "first_order", first, "tcet_snip", err);
    b->all_proxies = l;
    if (st >= 0)
        st = lane_worker(l++, "all_proxies", all, "tcet_snip", err);
    b->lanes = (size_t)(l - b->lane);
    /* Before the first round all is loaded and memory is at its peak. */
    if (st >= 0)
        st = lanes_run(b->lane, b->lanes, b->o.quick ? &widest : &heaviest, 1, NULL, &ignored, err);
    config_free(c);
    config_free(first);
    config_free(all);
    if (st >= 0)
        printf("%zu processes are ready after %.1f s\n", b->lanes, clock_now() - begin);
    return st;
}

static void add(double *to, const double *from)
{
    for (int i = 0; i < LANE_NUMBERS; i++)
        to[i] += from[i];
}

/* Everything in turn, so that a drift of the machine's speed meets all alike. */
static tcet_status run_round(struct bench *b, size_t r, struct error *err)
{
    size_t n = (size_t)b->o.archs;
    const char *const *archs = b->archs + r * n;
    /* Much is spent on many proxies: the short benchmark does so on the lighter half. */
    const char *const *few = b->o.quick ? b->archs + r / 2 : archs;
    double ours_sums[LANE_NUMBERS], sums[LANE_NUMBERS], conv[LANE_NUMBERS], difference;
    double ours, bare, waiting, all, two, again, reference, alone, first_order, all_proxies;

    TRY(lanes_run(b->conv, 1, archs, n, conv, &waiting, err));
    bare = conv[CONV_EVAL] + conv[CONV_TRAIN] + conv[CONV_BACKWARD];
    TRY(lanes_run(b->ours, 1, archs, n, ours_sums, &ours, err));
    TRY(lanes_run(b->ours, 2, archs, n, NULL, &two, err));
    TRY(lanes_run(b->ours, 1, archs, n, NULL, &again, err)); /* the machine drifts */
    all = two;
    if (b->cores != 2)
        TRY(lanes_run(b->ours, b->cores, archs, n, NULL, &all, err));
    TRY(lanes_run(b->reference, b->cores, archs, n, sums, &reference, err));
    TRY(lanes_run(b->ours, 1, few, n, NULL, &alone, err));
    TRY(lanes_run(b->first_order, 1, few, n, NULL, &first_order, err));
    TRY(lanes_run(b->all_proxies, 1, few, n, NULL, &all_proxies, err));

    /* The same definition on the same weights and inputs: equal but for float32's rounding. */
    difference = fabs(ours_sums[OURS_SCORE] - sums[REFERENCE_SCORE]);
    b->difference = fmax(b->difference, difference / fmax(fabs(sums[REFERENCE_SCORE]), 1.0));
    add(b->ours_sums, ours_sums);
    add(b->conv_sums, conv);
    b->ours_seconds += ours;
    b->ours_all_seconds += all;
    b->reference_seconds += reference;
    b->ratio[VS_REFERENCE][r] = reference / all;
    b->ratio[VS_CONVOLUTIONS][r] = ours / bare;
    b->ratio[TWO_WORKERS][r] = (ours + again) / two;
    b->ratio[FIRST_ORDER][r] = first_order / alone;
    b->ratio[ALL_PROXIES][r] = all_proxies / alone;
    printf("round %zu: ours %.3f s, convolutions %.3f; %zu at once: ours %.3f, reference %.3f; "
           "ours %.3f, first order %.3f, all %.3f\n",
           r + 1, ours, bare, b->cores, all, reference, alone, first_order, all_proxies);
    fflush(stdout);
    return TCET_OK;
}

/* -- What is printed --------------------------------------------------------------------- */

static void print_parts(const struct bench *b)
{
    double n = (double)(b->o.rounds * b->o.archs);
    const double *s = b->ours_sums, *c = b->conv_sums;
    double known = s[OURS_BUILD] + s[OURS_INIT] + s[OURS_FORWARD] + s[OURS_BACKWARD];

    printf("one worker, ms an architecture: build %.2f, init %.2f, forward %.2f, backward %.2f, "
           "other %.2f, messages %.2f\n",
           1e3 * s[OURS_BUILD] / n, 1e3 * s[OURS_INIT] / n, 1e3 * s[OURS_FORWARD] / n,
           1e3 * s[OURS_BACKWARD] / n, 1e3 * (s[OURS_TOTAL] - known) / n,
           1e3 * (b->ours_seconds - s[OURS_TOTAL]) / n);
    printf("convolutions alone: forward %.2f (eval %.2f, train %.2f), backward %.2f\n",
           1e3 * (c[CONV_EVAL] + c[CONV_TRAIN]) / n, 1e3 * c[CONV_EVAL] / n,
           1e3 * c[CONV_TRAIN] / n, 1e3 * c[CONV_BACKWARD] / n);
    printf("scores differ from the reference's by at most %.1e (sum of a round, float32)\n",
           b->difference);
    printf("architectures a second on %zu cores: ours %.2f, reference %.2f\n", b->cores,
           (double)b->cores * n / b->ours_all_seconds, (double)b->cores * n / b->reference_seconds);
    printf("peak memory of a process, MiB: worker %.0f, all proxies %.0f, reference %.0f\n",
           lane_memory(b->ours, "VmHWM"), lane_memory(b->all_proxies, "VmHWM"),
           lane_memory(b->reference, "VmHWM"));
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts v. */
static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

/* Two processes that share nothing: what a shared machine itself grants two_workers. */
static void print_machine(const struct bench *b)
{
    enum { TRIES = 9 };
    size_t tries = b->o.quick ? 3 : TRIES;
    double v[MACHINE_WORKS][TRIES];

    for (size_t i = 0; i < tries; i++) {
        for (int k = 0; k < MACHINE_WORKS; k++)
            v[k][i] = machine_two((enum machine_work)k);
    }
    printf("two processes that share nothing, times one (median of %zu):", tries);
    for (int k = 0; k < MACHINE_WORKS; k++) {
        double middle = median(v[k], tries);

        printf("%s %s %.2f (%.2f to %.2f)", k ? "," : "", machine_name[k], middle, v[k][0],
               v[k][tries - 1]);
    }
    printf("\n");
}

static tcet_status print_start_up(const char *host, const char *command, struct error *err)
{
    char *args[] = {"tcet-host", (char *)command, NULL};
    double seconds[START_UPS];

    for (int i = 0; i < START_UPS; i++)
        TRY(program_run(host, args, 0, &seconds[i], err));
    printf("tcet-host %s: %.1f ms\n", command, 1e3 * median(seconds, START_UPS));
    return TCET_OK;
}

/* A table as large as NAS-Bench-101's, with scores that follow the accuracy loosely. */
static tcet_status write_table(int fd, struct error *err)
{
    FILE *f = fdopen(fd, "w");
    uint64_t state = 1;
    int failed = !f;

    if (f)
        fputs("arch,accuracy,first,second\n", f);
    for (int i = 0; i < TABLE_ROWS && f; i++) {
        double v[3];

        for (int k = 0; k < 3; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            v[k] = (double)(state >> 11) * 0x1p-53;
        }
        fprintf(f, "a%d,%.4f,%.17g,%.17g\n", i, 100 * v[0], v[0] + v[1], v[2] - v[0]);
    }
    if (f)
        failed = ferror(f) | (fclose(f) != 0);
    return failed ? error_set(err, TCET_E_IO, "cannot write a table") : TCET_OK;
}

static tcet_status print_correlate(const char *host, struct error *err)
{
    char path[] = "/tmp/tcet-speed-XXXXXX.csv";
    char *args[] = {"tcet-host", "correlate", "--table", path, "--column", "accuracy", NULL};
    int fd = mkostemps(path, 4, O_CLOEXEC);
    double seconds;
    tcet_status st;

    if (fd < 0)
        return error_set(err, TCET_E_IO, "cannot make a temporary file");
    st = write_table(fd, err);
    if (st >= 0)
        st = program_run(host, args, 0, &seconds, err);
    unlink(path);
    if (st >= 0)
        printf("correlate, %d rows, 2 scores: %.2f s\n", TABLE_ROWS, seconds);
    return st;
}

/* What needs no worker. */
static tcet_status print_others(const struct bench *b, struct error *err)
{
    char host[4096], space[4096];
    char *args[] = {"bench-space", "nats_tss", b->o.quick ? "20000" : "200000", NULL};
    int folder = (int)(strrchr(paths_self(), '/') - paths_self());
    double ignored;

    snprintf(host, sizeof host, "%.*s/tcet-host", folder, paths_self());
    snprintf(space, sizeof space, "%.*s/bench-space", folder, paths_self());
    TRY(print_start_up(host, "list", err));
    TRY(print_start_up(host, "version", err));
    TRY(print_correlate(host, err));
    fflush(stdout);
    return program_run(space, args, 1, &ignored, err);
}

static void print_load(const char *when)
{
    double load;

    if (getloadavg(&load, 1) == 1)
        printf("load average %s: %.2f\n", when, load);
}

static tcet_status speed(struct bench *b, struct error *err)
{
    size_t rounds = (size_t)b->o.rounds;

    print_load("before");
    printf("the reference runs %s\n", b->o.channels_last
                                          ? "channels last, its faster memory format"
                                          : "in PyTorch's own memory format, as the toolkits do");
    TRY(deal(b, err));
    TRY(start(b, err));
    for (int k = 0; k < RATIOS; k++)
        b->ratio[k] = arena_alloc(&b->arena, rounds * sizeof *b->ratio[k]);
    for (size_t r = 0; r < rounds; r++)
        TRY(run_round(b, r, err));
    print_parts(b);
    TRY(print_others(b, err));
    print_machine(b);
    print_load("after");
    for (int k = 0; k < RATIOS; k++) {
        double middle = median(b->ratio[k], rounds);

        printf("%s=%.3f spread %.3f to %.3f, median of %zu rounds\n", ratio_name[k], middle,
               b->ratio[k][0], b->ratio[k][rounds - 1], rounds);
    }
    return TCET_OK;
}

/* -- Designs for two cores ----------------------------------------------------------------- */

enum design { TWO_FREE, TWO_PINNED, TWO_THREADS, DESIGNS };

/* Both lanes to a core each, or to all again. */
static void pin(struct bench *b, int on)
{
    for (int i = 0; i < 2; i++) {
        cpu_set_t all, one;
        int seen = 0;

        if (sched_getaffinity(0, sizeof all, &all) < 0)
            return;
        CPU_ZERO(&one);
        for (int k = 0; k < CPU_SETSIZE; k++) {
            if (CPU_ISSET(k, &all) && seen++ == i)
                CPU_SET(k, &one);
        }
        sched_setaffinity(b->ours[i].worker.link.child.pid, sizeof all, on ? &one : &all);
    }
}

/* One design, with one worker alone before and after it: how many times as much it does. */
static tcet_status try_design(struct bench *b, enum design d, const char *const *archs, size_t n,
                              double *ratio, struct error *err)
{
    struct lane *l = d == TWO_THREADS ? b->ours + 2 : b->ours;
    size_t lanes = d == TWO_THREADS ? 1 : 2;
    double before, seconds, after;

    TRY(lanes_run(b->ours, 1, archs, n, NULL, &before, err));
    if (d == TWO_PINNED)
        pin(b, 1);
    TRY(lanes_run(l, lanes, archs, n, NULL, &seconds, err));
    pin(b, 0);
    TRY(lanes_run(b->ours, 1, archs, n, NULL, &after, err));
    *ratio = (double)lanes * (before + after) / 2 / seconds;
    return TCET_OK;
}

/* Three ways to use a second core, and what the machine grants any. */
static tcet_status designs(struct bench *b, struct error *err)
{
    static const char *const names[DESIGNS] = {
        "two processes", "two processes, each on a core of its own", "one process of two threads"};
    size_t rounds = (size_t)b->o.rounds, n = (size_t)b->o.archs;
    double *v[DESIGNS], ignored;
    struct config *c = NULL;
    tcet_status st;

    print_load("before");
    TRY(deal(b, err));
    TRY(load_config(b, "../conf/tcet_snip.ini", &c, err));
    b->ours = b->lane;
    b->lanes = 3;
    st = lane_worker(&b->ours[0], "a worker", c, "tcet_snip", err);
    if (st >= 0)
        st = lane_worker(&b->ours[1], "a worker", c, "tcet_snip", err);
    if (st >= 0)
        st = config_set(c, "backend.threads=2", err);
    if (st >= 0)
        st = lane_worker(&b->ours[2], "two threads", c, "tcet_snip", err);
    config_free(c);
    if (st < 0)
        return st;
    TRY(lanes_run(b->ours, 3, &heaviest, 1, NULL, &ignored, err));
    for (int d = 0; d < DESIGNS; d++)
        v[d] = arena_alloc(&b->arena, rounds * sizeof *v[d]);
    for (size_t r = 0; r < rounds; r++) {
        for (int d = 0; d < DESIGNS; d++)
            TRY(try_design(b, (enum design)d, b->archs + r * n, n, &v[d][r], err));
    }
    for (int d = 0; d < DESIGNS; d++) {
        double middle = median(v[d], rounds);

        printf("%s: %.2f times one worker (%.2f to %.2f)\n", names[d], middle, v[d][0],
               v[d][rounds - 1]);
    }
    print_machine(b);
    print_load("after");
    return TCET_OK;
}

/* -- Soak -------------------------------------------------------------------------------- */

/* Many small networks through one worker: its memory must not grow. */
static tcet_status soak(struct bench *b, struct error *err)
{
    static const char *const small[] = {"data.batch=8", "data.resolution=16"};
    size_t count = (size_t)b->o.soak, step = (count + 19) / 20;
    double start, mib = 0, settled = 0, number[LANE_NUMBERS];
    const char *const *archs;
    size_t distinct = count < 15625 ? count : 15625;
    struct config *c = NULL;
    tcet_status st;

    TRY(sample(b, distinct, &archs, err));
    TRY(load_config(b, "../conf/tcet_snip.ini", &c, err));
    st = config_set(c, small[0], err);
    if (st >= 0)
        st = config_set(c, small[1], err);
    if (st >= 0)
        st = lane_worker(b->lane, "a worker", c, "tcet_snip", err);
    b->lanes = 1;
    config_free(c);
    start = clock_now();
    for (size_t i = 0; i < count && st >= 0; i++) {
        st = lane_ask(b->lane, archs[i % distinct], number, err);
        if (st >= 0 && ((i + 1) % step == 0 || i + 1 == count || i == 0)) {
            mib = lane_memory(b->lane, "VmRSS");
            settled = (i + 1) / step <= 2 ? mib : settled;
            printf("%6zu architectures, %6.1f s: %.1f MiB\n", i + 1, clock_now() - start, mib);
            fflush(stdout);
        }
    }
    if (st >= 0)
        printf("soak_growth=%.1f MiB over the last nine tenths\n", mib - settled);
    return st;
}

/* -- Command line ------------------------------------------------------------------------ */

static int usage(FILE *f)
{
    fputs("usage: bench/speed [--quick] [--channels-last] [--avx2] [--rounds N] [--archs N]\n"
          "                   [--seed N]\n"
          "       bench/speed --designs [--rounds N] [--archs N] [--seed N]\n"
          "       bench/speed --soak N\n"
          "       bench/speed --space NAME | --kernels, with options of their own: --kernels "
          "--help\n\n"
          "  --quick      one architecture a round, less than 50 s\n"
          "  --channels-last  the reference in PyTorch's faster memory format, not in its own, as\n"
          "               the toolkits run it\n"
          "  --avx2       without AVX-512 on either side, libtorch's libraries included\n"
          "  --rounds N   rounds, whose median counts (5, the least)\n"
          "  --archs N    architectures a round (8)\n"
          "  --seed N     which architectures (1)\n"
          "  --designs    instead: three ways to use a second core, and what the machine grants\n"
          "  --soak N     instead: N small architectures through one worker, and its memory\n"
          "  --space NAME instead: T-CET(SNIP) over libtorch's convolutions in any space\n"
          "  --kernels    instead: where the time goes, by kernel and shape\n\n"
          "Ends with vs_reference, vs_convolutions, two_workers, first_order, all_proxies;\n"
          "docs/performance.md says what they are.\n",
          f);
    return f == stdout ? 0 : 2;
}

static int parse(int argc, char **argv, struct options *o)
{
    static const char *const names[] = {"--rounds", "--archs", "--seed", "--soak"};
    static const int64_t least[] = {5, 1, 0, 1}, most[] = {1000, 3000, INT32_MAX, 10000000};
    int64_t *const values[] = {&o->rounds, &o->archs, &o->seed, &o->soak};

    for (int i = 1; i < argc; i++) {
        size_t k = 0;

        if (!strcmp(argv[i], "--quick")) {
            o->quick = 1;
            o->archs = 1;
            continue;
        }
        if (!strcmp(argv[i], "--designs")) {
            o->designs = 1;
            continue;
        }
        if (!strcmp(argv[i], "--channels-last")) {
            o->channels_last = 1;
            continue;
        }
        if (!strcmp(argv[i], "--avx2")) {
            o->avx2 = 1;
            continue;
        }
        while (k < TCET_COUNT(names) && strcmp(argv[i], names[k]) != 0)
            k++;
        if (k == TCET_COUNT(names) || i + 1 == argc || text_to_i64(argv[i + 1], values[k]) < 0 ||
            *values[k] < least[k] || *values[k] > most[k])
            return -1;
        i++;
    }
    return o->rounds * o->archs <= 15625 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct bench *b;
    cpu_set_t cpus;
    struct error err;
    tcet_status st;

    if (argc > 2 && !strcmp(argv[1], "worker")) {
        close(atoi(argv[2])); /* the page that names the plugin of a crash */
        return worker_main(CHILD_FD);
    }
    if (argc > 2 && !strcmp(argv[1], "scan-plugin"))
        return scan_main(argv[2]);
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
        return usage(stdout);
    b = mem_alloc(sizeof *b);
    b->o = (struct options){.rounds = 5, .archs = 8, .seed = 1};
    if (parse(argc, argv, &b->o) < 0) {
        free(b);
        return usage(stderr);
    }
    if (b->o.avx2) { /* of every process that is started */
        setenv("ATEN_CPU_CAPABILITY", "avx2", 1);
        setenv("DNNL_MAX_CPU_ISA", "AVX2", 1);
        setenv("OPENBLAS_CORETYPE", "Haswell", 1);
    }
    b->cores = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (size_t)CPU_COUNT(&cpus) : 2;
    b->cores = b->cores < 2 ? 2 : b->cores > CORES_MAX ? CORES_MAX : b->cores;
    st = b->o.soak ? soak(b, &err) : b->o.designs ? designs(b, &err) : speed(b, &err);
    for (size_t i = 0; i < b->lanes; i++)
        lane_stop(&b->lane[i]);
    arena_free(&b->arena);
    free(b);
    if (st < 0)
        fprintf(stderr, "bench/speed: %s\n", err.text);
    return st < 0;
}
