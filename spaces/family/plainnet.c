/* plainnet.c -- see plainnet.h.  Room: spaces/family. */
#include "family/plainnet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const plainnet_names[] = {
    "SuperConvK1BNRELU", "SuperConvK3BNRELU", "SuperConvK5BNRELU", "SuperConvK7BNRELU",
    "SuperResK3K3",      "SuperResK5K5",      "SuperResK7K7",      "SuperResK1K3K1",
    "SuperResK1K5K1",    "SuperResK1K7K1",    "SuperResIDWE1K3",   "SuperResIDWE2K3",
    "SuperResIDWE4K3",   "SuperResIDWE6K3",   "SuperResIDWE1K5",   "SuperResIDWE2K5",
    "SuperResIDWE4K5",   "SuperResIDWE6K5",   "SuperResIDWE1K7",   "SuperResIDWE2K7",
    "SuperResIDWE4K7",   "SuperResIDWE6K7"};

enum { PLAINNET_EXPANSIONS = 4, PLAINNET_FIRST_INVERTED = 10 };
static const int32_t plainnet_expansions[PLAINNET_EXPANSIONS] = {1, 2, 4, 6};

/* What the name with that number says. */
static void plainnet_of_name(int32_t name, struct plainnet_block *b)
{
    b->expansion = 1;
    if (name < 4) {
        b->kind = PLAINNET_CONV;
        b->kernel = 2 * name + 1;
    } else if (name < PLAINNET_FIRST_INVERTED) {
        b->kind = name < 7 ? PLAINNET_RES : PLAINNET_BOTTLENECK;
        b->kernel = 2 * ((name - 4) % 3) + 3;
    } else {
        name -= PLAINNET_FIRST_INVERTED;
        b->kind = PLAINNET_INVERTED;
        b->kernel = 2 * (name / PLAINNET_EXPANSIONS) + 3;
        b->expansion = plainnet_expansions[name % PLAINNET_EXPANSIONS];
    }
}

/* Number of a block's name. */
static int32_t plainnet_name(const struct plainnet_block *b)
{
    struct plainnet_block named = {.kind = PLAINNET_CONV};
    int32_t name = 0;

    for (plainnet_of_name(name, &named);
         named.kind != b->kind || named.kernel != b->kernel || named.expansion != b->expansion;)
        plainnet_of_name(++name, &named);
    return name;
}

/* Reads the numbers between brackets at *at. */
static tcet_status plainnet_numbers(tcet_ctx *cx, const char *text, const char **at,
                                    int32_t *number, int32_t count)
{
    static const int32_t most = 65536;

    for (int32_t i = 0; i < count; i++) {
        size_t position = (size_t)(*at - text) + 1, n;

        if (**at != (i ? ',' : '('))
            return tcet_failf(cx, TCET_E_ARG, "position %zu: '%c' is expected, not \"%.8s\"",
                              position, i ? ',' : '(', *at);
        n = strspn(*at + 1, "0123456789");
        if (n == 0 || n > 5 || atoi(*at + 1) < 1 || atoi(*at + 1) > most)
            return tcet_failf(cx, TCET_E_ARG, "position %zu: a number from 1 to %d is expected",
                              position + 1, most);
        number[i] = atoi(*at + 1);
        *at += 1 + n;
    }
    if (**at != ')')
        return tcet_failf(cx, TCET_E_ARG, "position %zu: ')' after %d numbers is expected",
                          (size_t)(*at - text) + 1, count);
    ++*at;
    return TCET_OK;
}

tcet_status plainnet_parse(tcet_ctx *cx, const char *text, struct plainnet *p)
{
    const char *at = text;

    for (p->count = 0; *at; p->count++) {
        size_t n = strcspn(at, "("), position = (size_t)(at - text) + 1;
        struct plainnet_block *b = &p->block[p->count];
        int32_t number[5], name = 0;
        tcet_status st;

        if (p->count == PLAINNET_BLOCKS)
            return tcet_failf(cx, TCET_E_ARG, "position %zu: more than %d blocks", position,
                              PLAINNET_BLOCKS);
        while (name < (int32_t)TCET_COUNT(plainnet_names) &&
               (strlen(plainnet_names[name]) != n || memcmp(plainnet_names[name], at, n) != 0))
            name++;
        if (name == (int32_t)TCET_COUNT(plainnet_names))
            return space_unknown(cx, position, "block", at, n, plainnet_names,
                                 (int32_t)TCET_COUNT(plainnet_names));
        plainnet_of_name(name, b);
        at += n;
        st = plainnet_numbers(cx, text, &at, number, b->kind == PLAINNET_CONV ? 4 : 5);
        if (st < 0)
            return st;
        b->in = number[0];
        b->out = number[1];
        b->stride = number[2];
        b->bottleneck = b->kind == PLAINNET_CONV ? 0 : number[3];
        b->layers = b->kind == PLAINNET_CONV ? number[3] : number[4];
        if (p->count > 0 && b->in != b[-1].out)
            return tcet_failf(cx, TCET_E_ARG,
                              "position %zu: the block takes %d channels, the one before gives %d",
                              position, b->in, b[-1].out);
    }
    return p->count
               ? TCET_OK
               : tcet_failf(cx, TCET_E_ARG, "position 1: a block is expected, as in %s(3,8,1,1)",
                            plainnet_names[1]);
}

tcet_status plainnet_print(tcet_ctx *cx, const struct plainnet *p, char *text, size_t cap)
{
    char out[TCET_ARCH_MAX];
    size_t at = 0;

    for (int32_t i = 0; i < p->count && at < sizeof out; i++) {
        const struct plainnet_block *b = &p->block[i];

        at += (size_t)snprintf(out + at, sizeof out - at, "%s(%d,%d,%d,",
                               plainnet_names[plainnet_name(b)], b->in, b->out, b->stride);
        if (at < sizeof out && b->kind != PLAINNET_CONV)
            at += (size_t)snprintf(out + at, sizeof out - at, "%d,", b->bottleneck);
        if (at < sizeof out)
            at += (size_t)snprintf(out + at, sizeof out - at, "%d)", b->layers);
    }
    return space_put(cx, text, cap, out, at);
}

int32_t plainnet_layers(const struct plainnet *p)
{
    int32_t n = 0;

    for (int32_t i = 0; i < p->count; i++)
        n += p->block[i].layers;
    return n;
}

int32_t plainnet_wide(const struct plainnet_block *b, int32_t channels)
{
    int32_t wide = (int32_t)nearbyint(channels * b->expansion / 8.0) * 8;

    return wide > 8 ? wide : 8;
}

/* An inverted residual and, unless it is the identity, its shortcut. */
static int64_t plainnet_inverted_size(const struct plainnet_block *b, int64_t in, int64_t out,
                                      int32_t projection)
{
    int64_t wide = plainnet_wide(b, (int32_t)out), area = b->kernel * b->kernel;
    int64_t size = in * wide + wide + wide * area + wide + wide * out + out;

    return projection || in != out ? size + in * out + out : size;
}

/* One of a block's layers. */
static int64_t plainnet_layer_size(const struct plainnet_block *b, int64_t in, int32_t first)
{
    int64_t out = b->out, mid = b->bottleneck, area = b->kernel * b->kernel;
    int64_t projection = first ? in * out + out : 0;

    switch (b->kind) {
    case PLAINNET_CONV: return in * out * area + out;
    case PLAINNET_RES: return in * mid * area + mid + mid * out * area + out + projection;
    case PLAINNET_BOTTLENECK:
        return (in + out) * mid + 2 * (mid * mid * area + mid * out + 2 * mid + out) + projection;
    default:
        return plainnet_inverted_size(b, in, mid, first) + plainnet_inverted_size(b, mid, out, 0);
    }
}

int64_t plainnet_size(const struct plainnet *p, int32_t classes)
{
    int64_t size = 0;

    for (int32_t i = 0; i < p->count; i++) {
        const struct plainnet_block *b = &p->block[i];

        for (int32_t layer = 0; layer < b->layers; layer++)
            size += plainnet_layer_size(b, layer ? b->out : b->in, layer == 0);
    }
    return size + (int64_t)p->block[p->count - 1].out * classes + 1;
}

/* Of one convolution and its norm; *side becomes that of the output. */
static double plainnet_conv_flops(int64_t in, int64_t out, int64_t kernel, int64_t stride,
                                  int64_t *side)
{
    int64_t convs = in * out * kernel * kernel * *side * *side / (stride * stride);

    *side /= stride;
    return (double)(convs + *side * *side * out);
}

double plainnet_flops(const struct plainnet *p, int32_t side, int32_t classes)
{
    double flops = 0;
    int64_t at = side;

    for (int32_t i = 0; i < p->count; i++) {
        const struct plainnet_block *b = &p->block[i];
        int32_t twice = b->kind == PLAINNET_BOTTLENECK;

        for (int32_t layer = 0; layer < b->layers << twice; layer++) {
            int64_t in = layer ? b->out : b->in, stride = layer ? 1 : b->stride;
            double shrunk;

            if (b->kind == PLAINNET_CONV) {
                flops += plainnet_conv_flops(in, b->out, b->kernel, stride, &at);
                continue;
            }
            if (twice)
                flops += plainnet_conv_flops(in, b->bottleneck, 1, 1, &at);
            flops += plainnet_conv_flops(twice ? b->bottleneck : in, b->bottleneck, b->kernel,
                                         stride, &at);
            flops += plainnet_conv_flops(b->bottleneck, b->out, twice ? 1 : b->kernel, 1, &at);
            shrunk = (double)at / (double)stride;
            if (layer == 0)
                flops += (double)(in * b->out + b->out) * shrunk * shrunk;
        }
    }
    return flops + (double)p->block[p->count - 1].out * classes;
}

/* The values near `channels`: 2.5, 2, 1.5, 1.25, 1 times or parts of it, as multiples of 8 rounded
 * half to even; each once.  Returns how many. */
static int32_t plainnet_channels(int32_t channels, int32_t value[9])
{
    static const double factor[] = {2.5, 2, 1.5, 1.25, 1};
    int32_t n = 0;

    for (int32_t i = 0; i < 9; i++) {
        double x = i < 5 ? channels * factor[i] : channels / factor[i - 5];
        int32_t v, j = 0;

        x = x < 8 ? 8 : x > 2048 ? 2048 : x;
        v = (int32_t)nearbyint(x / 8) * 8;
        while (j < n && value[j] != v)
            j++;
        if (j == n)
            value[n++] = v;
    }
    return n;
}

static int32_t plainnet_pick_channels(tcet_ctx *cx, int32_t channels)
{
    int32_t value[9], n = plainnet_channels(channels, value);

    return value[space_pick(cx, n)];
}

static int32_t plainnet_least_layers(const struct plainnet_block *b)
{
    return b->layers > 2 ? b->layers - 2 : 1;
}

void plainnet_replace(tcet_ctx *cx, struct plainnet_block *b)
{
    static const int32_t kernels[] = {3, 3, 3, 5, 5, 5, 7, 7};
    int32_t least = plainnet_least_layers(b);

    b->out = plainnet_pick_channels(cx, b->out);
    if (b->kind == PLAINNET_CONV) {
        b->layers = 1;
        return;
    }
    if (b->kind == PLAINNET_INVERTED) {
        b->kernel = 3 + 2 * space_pick(cx, 3);
        b->expansion = plainnet_expansions[space_pick(cx, PLAINNET_EXPANSIONS)];
    } else {
        b->kind = space_pick(cx, 2) ? PLAINNET_RES : PLAINNET_BOTTLENECK;
        b->kernel = kernels[space_pick(cx, 8)];
    }
    b->bottleneck = plainnet_pick_channels(cx, b->bottleneck);
    b->layers = least + space_pick(cx, b->layers + 3 - least);
}

enum { PLAINNET_RES_NAMES = 6 }; /* two kinds, three kernels */

int64_t plainnet_candidates(const struct plainnet_block *b)
{
    int32_t value[9], n = plainnet_channels(b->out, value);

    if (b->kind == PLAINNET_CONV)
        return n;
    return (int64_t)n * plainnet_channels(b->bottleneck, value) * PLAINNET_RES_NAMES *
           (b->layers + 3 - plainnet_least_layers(b));
}

void plainnet_candidate(const struct plainnet_block *from, int64_t i, struct plainnet_block *to)
{
    int32_t out[9], mid[9], outs = plainnet_channels(from->out, out), mids;
    int32_t least = plainnet_least_layers(from);

    *to = *from;
    to->out = out[i % outs];
    to->layers = 1;
    if (from->kind == PLAINNET_CONV)
        return;
    i /= outs;
    mids = plainnet_channels(from->bottleneck, mid);
    to->bottleneck = mid[i % mids];
    i /= mids;
    plainnet_of_name(4 + (int32_t)(i % PLAINNET_RES_NAMES), to);
    to->layers = least + (int32_t)(i / PLAINNET_RES_NAMES);
}

void plainnet_settle(const struct plainnet *from, struct plainnet *to)
{
    to->count = 0;
    for (int32_t i = 0; i < from->count && to->count < PLAINNET_BLOCKS; i++) {
        struct plainnet_block *b = &to->block[to->count++];

        *b = from->block[i];
        if (to->count > 1)
            b->in = b[-1].out;
        if (b->kind == PLAINNET_CONV || b->layers < PLAINNET_SPLIT || to->count == PLAINNET_BLOCKS)
            continue;
        b[1] = b[0];
        b[0].layers = PLAINNET_SPLIT / 2;
        b[1].layers -= PLAINNET_SPLIT / 2;
        b[1].in = b[0].out;
        b[1].stride = 1;
        to->count++;
    }
}
