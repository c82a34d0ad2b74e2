/* space.c -- rules of search spaces: numbering, building, random changes, keys, wrong texts.
 *
 * Room: core/check.  Stands on core/plugin and core/graph. */
#include <stdio.h>
#include <string.h>
#include <tcet/space.h>

#include "check/internal.h"
#include "graph/graph.h"

enum { SAMPLES = 200 };

/* A space at hand, and the text of the architecture it is asked about. */
struct bench {
    struct probe *p;
    struct instance *i;
    const tcet_space_ops *ops;
    struct error *err;
    int64_t size; /* -1: too many to number, or without an order */
    int none;     /* 1: it gives no architecture, as one of files where no folder is named */
    struct graph *graph;
    char text[TCET_ARCH_MAX];
};

static tcet_status done(struct bench *b, tcet_status st)
{
    return probe_end(b->i, st, b->err);
}

static tcet_status at(struct bench *b, int64_t index);
static tcet_status draw(struct bench *b, uint64_t stream);

static tcet_status open_bench(struct bench *b, struct probe *p, struct instance *i,
                              struct error *err)
{
    b->p = p;
    b->i = i;
    b->ops = OPS(tcet_space_ops, i);
    b->err = err;
    b->size = 0;
    b->graph = graph_new();
    probe_stage("size()");
    TRY(done(b, space_size(probe_enter(p, i), &b->size, err)));
    if (b->size < -1 || b->size == 0)
        return error_set(err, TCET_E_PLUGIN, "size() gives %lld", (long long)b->size);
    if (b->size > 0 && at(b, 0) == TCET_E_UNSUPPORTED)
        b->size = -1;
    b->none = b->size < 0 && draw(b, 1) == TCET_E_UNSUPPORTED;
    return TCET_OK;
}

static tcet_status nothing_to_ask(struct probe *p)
{
    return probe_note(p, CHECK_SKIP, "it gives no architecture of itself");
}

static tcet_status new_bench(struct bench *b, struct probe *p, struct error *err)
{
    struct instance *i;

    TRY(probe_instance(p, &p->arena, NULL, NULL, &i, err));
    return open_bench(b, p, i, err);
}

static struct instance *enter(struct bench *b, uint64_t stream)
{
    probe_enter(b->p, b->i)->cx.random_state = stream;
    return b->i;
}

/* A text as a plugin gets it: read-only, and nothing behind its NUL. */
static const char *lend(struct bench *b, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy;

    memory_reset();
    copy = memory_new(b->p, "the encoding", n, 1);
    memcpy(copy, text, n);
    return copy;
}

/* What a call wrote into a text of TCET_ARCH_MAX bytes becomes the bench's. */
static tcet_status take_text(struct bench *b, const char *made, const char *call)
{
    size_t n = strnlen(made, TCET_ARCH_MAX);

    if (n == TCET_ARCH_MAX)
        return error_set(b->err, TCET_E_PLUGIN, "%s gives a text without an end", call);
    if (n == 0 || strpbrk(made, "\r\n"))
        return error_set(b->err, TCET_E_PLUGIN, "%s gives an encoding that is no line of text",
                         call);
    memcpy(b->text, made, n + 1);
    return TCET_OK;
}

static char *new_text(struct bench *b)
{
    return memory_new(b->p, "the text to fill", TCET_ARCH_MAX, 0);
}

static tcet_status at(struct bench *b, int64_t index)
{
    char *made;

    memory_reset();
    made = new_text(b);
    probe_stage("at(%lld)", (long long)index);
    TRY(done(b, space_at(enter(b, 1), index, made, TCET_ARCH_MAX, b->err)));
    return take_text(b, made, "at()");
}

static tcet_status draw(struct bench *b, uint64_t stream)
{
    char *made;

    memory_reset();
    made = new_text(b);
    probe_stage("random()");
    TRY(done(b, space_random(enter(b, stream), made, TCET_ARCH_MAX, b->err)));
    return take_text(b, made, "random()");
}

static tcet_status check(struct bench *b)
{
    const char *text = lend(b, b->text);

    memory_seal(b->p);
    probe_stage("check() of \"%.200s\"", b->text);
    return done(b, space_check(enter(b, 1), text, b->err));
}

/* Architecture k of n, spread over the space. */
static tcet_status choose(struct bench *b, int64_t k, int64_t n)
{
    if (b->size < 0)
        return draw(b, (uint64_t)k + 1);
    return at(b, b->size <= n ? k % b->size : (int64_t)((double)k / (double)n * (double)b->size));
}

static tcet_status key_of(struct bench *b, char key[TCET_ARCH_MAX])
{
    const char *text = lend(b, b->text);
    char *made = new_text(b);

    memory_seal(b->p);
    probe_stage("canonical() of \"%.200s\"", b->text);
    TRY(done(b, space_canonical(enter(b, 1), text, made, TCET_ARCH_MAX, b->err)));
    if (strnlen(made, TCET_ARCH_MAX) == TCET_ARCH_MAX)
        return error_set(b->err, TCET_E_PLUGIN, "canonical() gives a key without an end");
    strcpy(key, made);
    return TCET_OK;
}

static tcet_status traits_of(struct bench *b, tcet_traits *out)
{
    const char *text = lend(b, b->text);

    memory_seal(b->p);
    *out = (tcet_traits){.struct_size = sizeof *out};
    probe_stage("traits() of \"%.200s\"", b->text);
    TRY(done(b, space_traits(enter(b, 1), text, out, b->err)));
    if (out->live < 0 || out->live > 1 || out->alive < 0 || out->alive > 1)
        return error_set(b->err, TCET_E_PLUGIN,
                         "traits() of %.200s: live %d, alive %d are no yes "
                         "or no",
                         b->text, out->live, out->alive);
    return TCET_OK;
}

static tcet_status task_of(struct bench *b, tcet_task *out)
{
    *out = (tcet_task){.struct_size = sizeof *out};
    probe_stage("task()");
    TRY(done(b, space_task(enter(b, 1), out, b->err)));
    if (out->channels < 1 || out->height < 1 || out->width < 1 || out->classes < 1)
        return error_set(b->err, TCET_E_PLUGIN, "task() gives %d x %d x %d and %d classes",
                         out->channels, out->height, out->width, out->classes);
    return TCET_OK;
}

/* What builds a network; build_thin()'s images are smaller. */
enum way { BUILD, BUILD_TRAIN, BUILD_THIN, WAYS };

static tcet_status build(struct bench *b, const tcet_task *task, enum way way,
                         struct graph_counts *out)
{
    static const char *const names[WAYS] = {"build()", "build_train()", "build_thin()"};
    const char *text = lend(b, b->text), *name = names[way];
    struct instance *i;
    tcet_task t = *task;
    tcet_builder *to;

    if (way == BUILD_THIN)
        graph_thin_task(&t);
    else if (b->ops->task_of)
        TRY(done(b, space_task_of(enter(b, 1), text, &t, b->err)));
    memory_seal(b->p);
    graph_reset(b->graph, &t);
    probe_stage("%s of \"%.200s\"", name, b->text);
    i = enter(b, 1);
    to = graph_builder(b->graph);
    TRY(done(b, way == BUILD_TRAIN ? space_build_train(i, text, &t, to, b->err)
                                   : space_build(i, way == BUILD_THIN, text, &t, to, b->err)));
    if (graph_finish(b->graph, b->err) < 0)
        return error_prefix(b->err, "%s of %.200s: ", name, b->text);
    graph_count(b->graph, out);
    return TCET_OK;
}

tcet_status space_exercise(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                           struct error *err)
{
    enum { FEW = 5 };
    char key[TCET_ARCH_MAX];
    struct bench b;
    tcet_task task;
    tcet_status st;

    (void)s;
    TRY(open_bench(&b, p, i, err));
    TRY(task_of(&b, &task));
    for (int64_t k = 0; k < FEW && !b.none; k++) {
        struct graph_counts counts;
        tcet_traits traits;

        TRY(choose(&b, k, FEW));
        TRY(check(&b));
        TRY(key_of(&b, key));
        TRY(traits_of(&b, &traits));
        TRY(build(&b, &task, BUILD, &counts));
        buf_printf(out, "%s %s %d %lld %lld\n", b.text, key, traits.depth, (long long)counts.params,
                   (long long)counts.macs);
        st = draw(&b, (uint64_t)k);
        if (st == TCET_E_UNSUPPORTED)
            continue;
        TRY(st);
        buf_printf(out, "%s\n", b.text);
    }
    graph_free(b.graph);
    memory_reset();
    return TCET_OK;
}

tcet_status space_numbering(struct probe *p, struct error *err)
{
    struct bench b;

    TRY(new_bench(&b, p, err));
    if (b.none)
        return nothing_to_ask(p);
    if (b.size < 0)
        return TCET_OK;
    for (int64_t k = 0; k < SAMPLES; k++) {
        int64_t index = b.size <= SAMPLES ? k % b.size : k * (b.size / SAMPLES), back = -2;
        const char *text;

        TRY(at(&b, index));
        if (check(&b) < 0)
            return error_prefix(
                err, "at(%lld) gives %.200s, which check() refuses: ", (long long)index, b.text);
        if (!b.ops->index_of)
            continue;
        text = lend(&b, b.text);
        TRY(done(&b, space_index_of(enter(&b, 1), text, &back, err)));
        if (back != index)
            return error_set(err, TCET_E_PLUGIN, "at(%lld) is %.200s, index_of() says %lld",
                             (long long)index, b.text, (long long)back);
    }
    for (int64_t k = 0; k < 3; k++) {
        int64_t index = k == 0 ? -1 : k == 1 ? b.size : INT64_MAX;

        if (at(&b, index) >= 0)
            return error_set(err, TCET_E_PLUGIN, "at(%lld) of %lld architectures gives %.200s",
                             (long long)index, (long long)b.size, b.text);
        if (probe_misbehaved(err))
            return error_prefix(err, "at(%lld): ", (long long)index);
    }
    return TCET_OK;
}

tcet_status space_builds(struct probe *p, struct error *err)
{
    struct bench b;
    tcet_task task;

    TRY(new_bench(&b, p, err));
    if (b.none)
        return nothing_to_ask(p);
    TRY(task_of(&b, &task));
    for (int64_t k = 0; k < SAMPLES; k++) {
        TRY(choose(&b, k, SAMPLES));
        struct graph_counts first, second;

        for (enum way way = BUILD; way < (b.ops->build_thin ? WAYS : BUILD_THIN); way++) {
            enum way again = way == BUILD_THIN ? BUILD_THIN : BUILD;

            TRY(build(&b, &task, way, &first));
            if (first.layers < 1)
                return error_set(err, TCET_E_PLUGIN, "%.200s has no layer with weights", b.text);
            TRY(build(&b, &task, again, &second));
            if (memcmp(&first, &second, sizeof first))
                return error_set(err, TCET_E_PLUGIN, "%.200s is built differently %s", b.text,
                                 again == way ? "the second time" : "to be trained");
        }
    }
    return TCET_OK;
}

static tcet_status mutate(struct bench *b, uint64_t stream)
{
    const char *from = lend(b, b->text);
    char *made = new_text(b), was[TCET_ARCH_MAX];

    strcpy(was, b->text);
    memory_seal(b->p);
    probe_stage("mutate() of \"%.200s\"", was);
    TRY(done(b, space_mutate(enter(b, stream), from, made, TCET_ARCH_MAX, b->err)));
    TRY(take_text(b, made, "mutate()"));
    if (!strcmp(was, b->text))
        return error_set(b->err, TCET_E_PLUGIN, "mutate() of %.200s changes nothing", was);
    if (check(b) < 0)
        return error_prefix(b->err, "mutate() of %.200s gives %.200s, which check() refuses: ", was,
                            b->text);
    return TCET_OK;
}

static tcet_status cross(struct bench *b, const char *other, uint64_t stream)
{
    const char *one = lend(b, b->text), *two;
    char *made = new_text(b), *copy;

    copy = memory_new(b->p, "the encoding", strlen(other) + 1, 1);
    strcpy(copy, other);
    two = copy;
    memory_seal(b->p);
    probe_stage("crossover() of \"%.100s\" and \"%.100s\"", one, two);
    TRY(done(b, space_crossover(enter(b, stream), one, two, made, TCET_ARCH_MAX, b->err)));
    TRY(take_text(b, made, "crossover()"));
    if (check(b) < 0)
        return error_prefix(b->err, "crossover() gives %.200s, which check() refuses: ", b->text);
    return TCET_OK;
}

tcet_status space_draws(struct probe *p, struct error *err)
{
    char first[TCET_ARCH_MAX] = "", last[TCET_ARCH_MAX];
    int differ = 0;
    struct bench b;

    TRY(new_bench(&b, p, err));
    if (b.none)
        return nothing_to_ask(p);
    if (b.size == 1)
        return probe_note(p, CHECK_SKIP, "there is only one architecture");
    if (draw(&b, 1) == TCET_E_UNSUPPORTED)
        return probe_note(p, CHECK_SKIP, "it draws no architectures");
    for (uint64_t k = 0; k < SAMPLES; k++) {
        TRY(draw(&b, k));
        if (check(&b) < 0)
            return error_prefix(err, "random() gives %.200s, which check() refuses: ", b.text);
        strcpy(last, b.text);
        TRY(draw(&b, k));
        if (strcmp(last, b.text))
            return error_set(err, TCET_E_PLUGIN,
                             "random() gives %.200s, then %.200s, for equal numbers of "
                             "host->random",
                             last, b.text);
        if (!k)
            strcpy(first, last);
        differ |= strcmp(first, last) != 0;
        TRY(mutate(&b, k));
        if (b.ops->crossover)
            TRY(cross(&b, last, k));
    }
    if (!differ)
        return error_set(err, TCET_E_PLUGIN,
                         "random() always gives %.200s: does it use "
                         "host->random?",
                         first);
    return TCET_OK;
}

/* Neighbour `index` of what the bench holds, into out; index -1: none. */
static tcet_status neighbour(struct bench *b, int64_t index, int64_t *count, char *out)
{
    const char *from = lend(b, b->text);
    char *made = new_text(b);

    memory_seal(b->p);
    *count = -1;
    probe_stage("neighbours(%lld) of \"%.200s\"", (long long)index, b->text);
    TRY(done(b, space_neighbours(enter(b, 1), from, index, count, made, TCET_ARCH_MAX, b->err)));
    if (*count < 0)
        return error_set(b->err, TCET_E_PLUGIN, "neighbours() of %.200s counts %lld", b->text,
                         (long long)*count);
    if (strnlen(made, TCET_ARCH_MAX) == TCET_ARCH_MAX)
        return error_set(b->err, TCET_E_PLUGIN, "neighbours() gives a text without an end");
    strcpy(out, made);
    return TCET_OK;
}

/* Some of the neighbours of what the bench holds. */
static tcet_status walk_neighbours(struct bench *b)
{
    char origin[TCET_ARCH_MAX], again[TCET_ARCH_MAX];
    int64_t count, counted;

    strcpy(origin, b->text);
    TRY(neighbour(b, -1, &count, again));
    for (int64_t k = 0; k < count; k += count / SAMPLES + 1) {
        strcpy(b->text, origin);
        TRY(neighbour(b, k, &counted, again));
        TRY(neighbour(b, k, &counted, b->text));
        if (counted != count || strcmp(again, b->text))
            return error_set(b->err, TCET_E_PLUGIN,
                             "neighbours() of %.200s gives %.200s of %lld, then %.200s of %lld",
                             origin, again, (long long)count, b->text, (long long)counted);
        if (!strcmp(origin, b->text))
            return error_set(b->err, TCET_E_PLUGIN, "neighbour %lld of %.200s is itself",
                             (long long)k, origin);
        if (check(b) < 0)
            return error_prefix(
                b->err, "neighbour %lld of %.200s is %.200s, which check() refuses: ", (long long)k,
                origin, b->text);
    }
    strcpy(b->text, origin);
    return TCET_OK;
}

tcet_status space_neighbourhood(struct probe *p, struct error *err)
{
    enum { FEW = 10 };
    struct bench b;

    TRY(new_bench(&b, p, err));
    if (b.none)
        return nothing_to_ask(p);
    if (!b.ops->neighbours)
        return probe_note(p, CHECK_SKIP, "it does not list neighbours");
    for (int64_t k = 0; k < FEW; k++) {
        TRY(choose(&b, k, FEW));
        TRY(walk_neighbours(&b));
    }
    return TCET_OK;
}

tcet_status space_keys(struct probe *p, struct error *err)
{
    char key[TCET_ARCH_MAX], again[TCET_ARCH_MAX];
    struct bench b;

    TRY(new_bench(&b, p, err));
    if (b.none)
        return nothing_to_ask(p);
    for (int64_t k = 0; k < SAMPLES; k++) {
        TRY(choose(&b, k, SAMPLES));
        TRY(key_of(&b, key));
        TRY(key_of(&b, again));
        if (strcmp(key, again))
            return error_set(err, TCET_E_PLUGIN, "%.200s has the key %.200s, then %.200s", b.text,
                             key, again);
    }
    return TCET_OK;
}

/* A text that is no encoding: refused, with a message, by check(). */
static tcet_status refuse(struct bench *b, const char *text)
{
    size_t n = strlen(text);

    memcpy(b->text, text, n < sizeof b->text ? n + 1 : sizeof b->text);
    b->text[sizeof b->text - 1] = '\0';
    if (check(b) >= 0)
        return error_set(b->err, TCET_E_PLUGIN, "check() takes \"%.200s\"", b->text);
    return probe_misbehaved(b->err) ? b->err->status : TCET_OK;
}

tcet_status space_refuses(struct probe *p, struct error *err)
{
    static const char *const texts[] = {
        "",    " ",    "no such thing",        "\xff\xfe", "0:0:0:0:0:0:0:0:0:0",
        "|||", "%s%n", "99999999999999999999", "-1"};
    char good[TCET_ARCH_MAX], longest[TCET_ARCH_MAX];
    struct bench b;
    size_t n;

    TRY(new_bench(&b, p, err));
    if (b.none)
        return nothing_to_ask(p);
    TRY(choose(&b, 0, 1));
    strcpy(good, b.text);
    n = strlen(good);
    for (size_t k = 0; k < TCET_COUNT(texts); k++)
        TRY(refuse(&b, texts[k]));
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    TRY(refuse(&b, longest));
    for (size_t k = 0; k < n; k++) { /* an encoding cut short may be another one: no crash */
        memcpy(b.text, good, k);
        b.text[k] = '\0';
        if (check(&b) < 0 && probe_misbehaved(err))
            return error_prefix(err, "\"%.200s\": ", b.text);
    }
    for (size_t k = 0; k < n; k++) { /* as may one with another letter */
        strcpy(b.text, good);
        b.text[k] = b.text[k] == '~' ? '!' : '~';
        if (check(&b) < 0 && probe_misbehaved(err))
            return error_prefix(err, "\"%.200s\": ", b.text);
    }
    return TCET_OK;
}

/* Which call fills the short text. */
enum filler { FILL_AT, FILL_RANDOM, FILL_CANONICAL, FILL_MUTATE };

static tcet_status fill(struct bench *b, enum filler f, char *out, size_t cap)
{
    char *from = memory_new(b->p, "the encoding", sizeof b->text, 1);

    memcpy(from, b->text, sizeof b->text);
    memory_seal(b->p);
    switch (f) {
    case FILL_AT: return space_at(enter(b, 1), 0, out, cap, b->err);
    case FILL_RANDOM: return space_random(enter(b, 1), out, cap, b->err);
    case FILL_CANONICAL: return space_canonical(enter(b, 1), from, out, cap, b->err);
    default: return space_mutate(enter(b, 1), from, out, cap, b->err);
    }
}

tcet_status space_bounds(struct probe *p, struct error *err)
{
    static const char *const calls[] = {"at()", "random()", "canonical()", "mutate()"};
    struct bench b;

    p->guarding = GUARD_ENDS | GUARD_INPUTS;
    TRY(new_bench(&b, p, err));
    if (b.none)
        return nothing_to_ask(p);
    TRY(choose(&b, 0, 1));
    for (int f = b.size < 0 ? FILL_RANDOM : FILL_AT; f <= FILL_MUTATE; f++) {
        if (f == FILL_MUTATE && b.size == 1)
            break;
        for (size_t cap = 1; cap <= 256; cap = cap < 8 ? cap + 1 : cap * 2) {
            char *out;
            tcet_status st;

            memory_reset();
            out = memory_new(p, "the text to fill", cap, 0);
            memset(out, 'x', cap);
            probe_stage("%s into %zu bytes", calls[f], cap);
            st = done(&b, fill(&b, f, out, cap));
            if (st < 0 && probe_misbehaved(err))
                return error_prefix(err, "%s into %zu bytes: ", calls[f], cap);
            if (st >= 0 && !memchr(out, '\0', cap))
                return error_set(err, TCET_E_PLUGIN, "%s leaves no NUL in %zu bytes", calls[f],
                                 cap);
        }
    }
    return TCET_OK;
}
