/* transnas_macro.c -- TransNAS-Bench-101, macro level: four to six modules of two residual
 * blocks, where channels double and size halves being free, 3,256 architectures (Duan et al.,
 * CVPR 2021).
 * Room: spaces.  Stands on the SDK and spaces/family. */
#include "family/transnas.h"

#include <stdio.h>
#include <string.h>

enum { SHORTEST = 4, LONGEST = 6, KINDS = 4, SIZE = 3256 };

static const char prefix[] = "64-", suffix[] = "-basic";

struct code {
    int32_t count, kind[LONGEST]; /* kinds 1 to 4 */
};

struct macro {
    int32_t task, reading;
    int32_t count;
    uint16_t order[SIZE]; /* all codes, sorted: base 5 with trailing zeros */
};

/* One to three doublings of channels and one to four halvings of size. */
static int32_t allowed(const struct code *c)
{
    int32_t wider = 0, smaller = 0;

    for (int32_t i = 0; i < c->count; i++) {
        wider += c->kind[i] == 2 || c->kind[i] == 4;
        smaller += c->kind[i] >= 3;
    }
    return c->count >= SHORTEST && wider >= 1 && wider <= 3 && smaller >= 1 && smaller <= 4;
}

static int32_t number_of(const struct code *c)
{
    int32_t n = 0;

    for (int32_t i = 0; i < LONGEST; i++)
        n = n * (KINDS + 1) + (i < c->count ? c->kind[i] : 0);
    return n;
}

static void code_of(int32_t n, struct code *c)
{
    c->count = LONGEST;
    for (int32_t i = LONGEST; i-- > 0; n /= KINDS + 1) {
        c->kind[i] = n % (KINDS + 1);
        if (!c->kind[i])
            c->count = i;
    }
}

static tcet_status parse(tcet_ctx *cx, const char *text, struct code *c)
{
    const char *at = text + sizeof prefix - 1;

    c->count = 0;
    if (strncmp(text, prefix, sizeof prefix - 1) != 0)
        return tcet_failf(cx, TCET_E_ARG, "position 1: \"64-\" is expected, as in 64-1234-basic");
    for (; *at >= '1' && *at < '1' + KINDS; at++) {
        if (c->count == LONGEST)
            return tcet_failf(cx, TCET_E_ARG, "position %zu: more than %d modules",
                              (size_t)(at - text) + 1, LONGEST);
        c->kind[c->count++] = *at - '0';
    }
    if (strcmp(at, suffix) != 0)
        return tcet_failf(cx, TCET_E_ARG,
                          "position %zu: \"%.8s\": a module 1 to 4, or \"-basic\" is expected",
                          (size_t)(at - text) + 1, at);
    if (!allowed(c))
        return tcet_failf(cx, TCET_E_ARG,
                          "\"%.16s\" is outside the space: %d to %d modules, 1 to 3 of them widen "
                          "(2, 4), 1 to 4 shrink (3, 4)",
                          text, SHORTEST, LONGEST);
    return TCET_OK;
}

static tcet_status print(tcet_ctx *cx, const struct code *c, char *text, size_t cap)
{
    char digits[LONGEST + 1] = "", out[32];
    int n;

    for (int32_t i = 0; i < c->count; i++)
        digits[i] = (char)('0' + c->kind[i]);
    n = snprintf(out, sizeof out, "%s%s%s", prefix, digits, suffix);
    return space_put(cx, text, cap, out, (size_t)n);
}

static tcet_status space_init(tcet_ctx *cx, void *self)
{
    struct macro *m = self;
    struct code c;

    (void)cx;
    for (int32_t n = 0; n <= UINT16_MAX && m->count < SIZE; n++) {
        code_of(n, &c);
        if (number_of(&c) == n && allowed(&c)) /* no 0 before another digit */
            m->order[m->count++] = (uint16_t)n;
    }
    return TCET_OK;
}

static tcet_status space_size(tcet_ctx *cx, void *self, int64_t *out)
{
    (void)cx;
    *out = ((struct macro *)self)->count;
    return TCET_OK;
}

static tcet_status space_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    const struct macro *m = self;

    (void)cx;
    transnas_task(m->task, m->reading, out);
    return TCET_OK;
}

static tcet_status space_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap)
{
    const struct macro *m = self;
    struct code c;

    if (index < 0 || index >= m->count)
        return tcet_failf(cx, TCET_E_ARG, "architecture %lld: the space has 0 to %d",
                          (long long)index, m->count - 1);
    code_of(m->order[index], &c);
    return print(cx, &c, text, cap);
}

static tcet_status space_check(tcet_ctx *cx, void *self, const char *text)
{
    struct code c;

    (void)self;
    return parse(cx, text, &c);
}

/* No two are isomorphic: the key is the encoding. */
static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    tcet_status st = space_check(cx, self, text);

    return st < 0 ? st : space_put(cx, key, cap, text, strlen(text));
}

/* depth: modules. */
static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    struct code c;
    tcet_status st = parse(cx, text, &c);

    (void)self;
    if (st < 0)
        return st;
    out->live = out->alive = 1;
    out->depth = c.count;
    return TCET_OK;
}

/* The official shortcut is nn.BatchNorm2d(planes, affine, track_running_stats): by position these
 * are its eps and momentum, so that both are True, that is 1. */
static int32_t add_shortcut_norm(tcet_builder *b, int32_t module, int32_t x)
{
    tcet_op o = tcet_op_from(TCET_OP_BATCH_NORM, module, &x, 1);

    o.affine = o.track = 1;
    o.eps = o.momentum = 1.0;
    return b->add(b, &o);
}

/* ResNetBasicblock: its shortcut is a 1x1 convolution and norm where anything changes. */
static int32_t add_block(struct transnas *t, int32_t module, const int32_t *code, int32_t x,
                         int32_t in_channels, int32_t channels, int32_t stride)
{
    tcet_builder *b = t->b;
    int32_t terms[2] = {x, x};

    (void)code;
    terms[1] = transnas_relu_conv_norm(t, transnas_module(t, module, "conv_a", -1), terms[1],
                                       channels, 3, stride);
    terms[1] = transnas_relu_conv_norm(t, transnas_module(t, module, "conv_b", -1), terms[1],
                                       channels, 3, 1);
    if (stride != 1 || in_channels != channels) {
        terms[0] =
            transnas_conv(t, transnas_module(t, module, "downsample", 0), x, channels, 1, stride);
        terms[0] = add_shortcut_norm(b, transnas_module(t, module, "downsample", 1), terms[0]);
    }
    return tcet_add_sum(b, module, terms, 2);
}

static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    struct code c;
    tcet_status st = parse(cx, text, &c);
    const struct macro *m = self;
    const struct transnas_encoder e = {c.kind, c.count, NULL, add_block};

    return st < 0 ? st : transnas_build(cx, b, m->task, m->reading, &e, task);
}

static tcet_status space_random(tcet_ctx *cx, void *self, char *text, size_t cap)
{
    return space_at(cx, self, space_pick(cx, ((struct macro *)self)->count), text, cap);
}

/* One change of a code: kind 0 takes the module at `place` out, with `join` kind comes in before it,
 * else the module there becomes one of it.  Is the result another architecture of the space? */
static int change(const struct code *from, int32_t place, int32_t kind, int join, struct code *to)
{
    *to = *from;
    if (join && from->count == LONGEST)
        return 0;
    if (!kind || join) {
        to->count += join ? 1 : -1;
        memmove(&to->kind[place + join], &from->kind[place + !join],
                (size_t)(from->count - place - !join) * sizeof *from->kind);
    }
    if (kind)
        to->kind[place] = kind;
    return allowed(to) && number_of(to) != number_of(from);
}

/* One module becomes another, leaves, or joins, drawn again until the space allows it. */
static tcet_status space_mutate(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap)
{
    struct code c, to;
    tcet_status st = parse(cx, from, &c);
    int32_t what, place, kind;

    (void)self;
    if (st < 0)
        return st;
    do {
        what = space_pick(cx, 3);
        place = space_pick(cx, c.count);
        kind = what == 0   ? 1 + space_pick_other(cx, KINDS, c.kind[place] - 1)
               : what == 2 ? 1 + space_pick(cx, KINDS)
                           : 0;
    } while (!change(&c, place, kind, what == 2, &to));
    return print(cx, &to, text, cap);
}

/* All that a mutation may make, each once: of each place, it taken out, another there, one before. */
static tcet_status space_neighbours(tcet_ctx *cx, void *self, const char *from, int64_t index,
                                    int64_t *count, char *text, size_t cap)
{
    enum { MOST = LONGEST * (2 * KINDS + 1) };
    int64_t seen[MOST], n = 0;
    struct code c, to, wanted = {.count = 0};
    tcet_status st = parse(cx, from, &c);

    (void)self;
    if (st < 0)
        return st;
    for (int32_t i = 0; i < c.count * (2 * KINDS + 1); i++) {
        int32_t how = i % (2 * KINDS + 1), known = 0;

        if (!change(&c, i / (2 * KINDS + 1), how > KINDS ? how - KINDS : how, how > KINDS, &to))
            continue;
        while (known < n && seen[known] != number_of(&to))
            known++;
        if (known < n)
            continue;
        seen[n] = number_of(&to);
        if (n++ == index)
            wanted = to;
    }
    *count = n;
    return wanted.count ? print(cx, &wanted, text, cap) : TCET_OK;
}

static tcet_status space_index_of(tcet_ctx *cx, void *self, const char *text, int64_t *out)
{
    const struct macro *m = self;
    struct code c;
    int32_t low = 0, high = m->count;
    tcet_status st = parse(cx, text, &c);

    if (st < 0)
        return st;
    while (high - low > 1) {
        int32_t middle = (low + high) / 2;

        if (m->order[middle] <= number_of(&c))
            low = middle;
        else
            high = middle;
    }
    *out = low;
    return TCET_OK;
}

static const tcet_param params[] = {
    TRANSNAS_PARAMS(struct macro),
};

static const tcet_space_ops ops = {
    .struct_size = sizeof(tcet_space_ops),
    .size = space_size,
    .task = space_task,
    .at = space_at,
    .check = space_check,
    .canonical = space_canonical,
    .traits = space_traits,
    .build = space_build,
    .random = space_random,
    .mutate = space_mutate,
    .neighbours = space_neighbours,
    .index_of = space_index_of,
};

static const tcet_plugin transnas_macro = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "transnas_macro",
    .version = "1.1.0",
    .summary = "TransNAS-Bench-101 macro: 3,256 skeletons of residual blocks",
    .cite = "Duan et al., TransNAS-Bench-101, CVPR 2021",
    TCET_PARAMS(struct macro, params),
    .ops = &ops,
    .init = space_init,
};

TCET_MODULE(&transnas_macro)
