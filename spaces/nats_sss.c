/* nats_sss.c -- NATS-Bench's size space: one fixed cell, five channel counts of eight values,
 * 32,768 architectures (Dong et al., TPAMI 2021).
 * Room: spaces.  Stands on the SDK and spaces/family. */
#include "family/choices.h"
#include "family/nats.h"

#include <stdio.h>
#include <string.h>

enum { PLACES = 5, CHOICES = 8, STEP = 8, TEXT = 16 };

struct sss {
    struct choices_space base;
    int32_t dataset;
};

/* The channels differ, the cell does not: skip_connect from the input to the output,
 * nor_conv_3x3 elsewhere. */
static const int32_t cell_ops[CELL_EDGES] = {NATS_CONV3, NATS_CONV3, NATS_CONV3,
                                             NATS_SKIP,  NATS_CONV3, NATS_CONV3};

static const char *const channel_names[CHOICES] = {"8", "16", "24", "32", "40", "48", "56", "64"};

/* "c0:c1:c2:c3:c4": choice i stands for STEP (i + 1) channels. */
static tcet_status parse(tcet_ctx *cx, const char *text, int32_t *choice)
{
    const char *at = text;

    for (int32_t i = 0; i < PLACES; i++) {
        size_t n = strcspn(at, ":"), position = (size_t)(at - text) + 1;
        int32_t c = 0;

        while (c < CHOICES && (strlen(channel_names[c]) != n || memcmp(at, channel_names[c], n)))
            c++;
        if (c == CHOICES)
            return space_unknown(cx, position, "channel count", at, n, channel_names, CHOICES);
        choice[i] = c;
        at += n;
        if (i + 1 < PLACES && *at++ != ':')
            return tcet_failf(cx, TCET_E_ARG, "position %zu: %d channel counts, there must be %d",
                              position + n, i + 1, PLACES);
    }
    if (*at)
        return tcet_failf(cx, TCET_E_ARG, "position %zu: more than %d channel counts",
                          (size_t)(at - text) + 1, PLACES);
    return TCET_OK;
}

static tcet_status print(tcet_ctx *cx, const int32_t *choice, char *text, size_t cap)
{
    char out[TEXT];
    int n = snprintf(out, sizeof out, "%s:%s:%s:%s:%s", channel_names[choice[0]],
                     channel_names[choice[1]], channel_names[choice[2]], channel_names[choice[3]],
                     channel_names[choice[4]]);

    return space_put(cx, text, cap, out, (size_t)n);
}

static const int32_t sizes[PLACES] = {CHOICES, CHOICES, CHOICES, CHOICES, CHOICES};
static const struct choices sss = {PLACES, sizes, parse, print};

static tcet_status space_init(tcet_ctx *cx, void *self)
{
    (void)cx;
    ((struct choices_space *)self)->choices = &sss;
    return TCET_OK;
}

static tcet_status space_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    (void)cx;
    nats_task(((struct sss *)self)->dataset, out);
    return TCET_OK;
}

static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    tcet_status st = choices_check(cx, self, text);

    if (st < 0)
        return st;
    out->live = out->alive = 1;
    out->depth = 0;
    for (int32_t e = 0; e < CELL_EDGES; e++)
        out->depth += cell_ops[e] == NATS_CONV3;
    return TCET_OK;
}

/* DynamicShapeTinyNet with one cell a stage */
static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    int32_t c[PLACES], x;
    tcet_status st = parse(cx, text, c);

    (void)self;
    if (st < 0)
        return st;
    for (int32_t i = 0; i < PLACES; i++)
        c[i] = STEP * (c[i] + 1);
    x = nats_stem(b, c[0]);
    x = nats_cell(b, 0, cell_ops, x, c[0], c[0]);
    x = nats_block(b, 1, x, c[1]);
    x = nats_cell(b, 2, cell_ops, x, c[1], c[2]);
    x = nats_block(b, 3, x, c[3]);
    x = nats_cell(b, 4, cell_ops, x, c[3], c[4]);
    nats_head(b, x, task->classes);
    return b->status(b);
}

static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct sss, dataset, "cifar10", nats_datasets,
                      "whose input size and classes the network has"),
};

static const tcet_space_ops ops = {
    CHOICES_OPS,
    CHOICES_ORDER,
    .task = space_task,
    .canonical = choices_canonical, /* no two are isomorphic */
    .traits = space_traits,
    .build = space_build,
};

static const tcet_plugin nats_sss = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "nats_sss",
    .version = "1.0.0",
    .summary = "NATS-Bench size space: five channel counts, 32,768 networks",
    .cite = "Dong et al., NATS-Bench, TPAMI 2021",
    TCET_PARAMS(struct sss, params),
    .ops = &ops,
    .init = space_init,
};

TCET_MODULE(&nats_sss)
