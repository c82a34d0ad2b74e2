/* nb101_net.c -- see nb101_net.h.  Room: spaces/family. */
#include "family/nb101_net.h"

#include <math.h>
#include <string.h>

enum { NB101_STEM = 128, NB101_STACKS = 3, NB101_CELLS = 3 };
enum { NB101_CONVS = 1 + NB101_STACKS * NB101_CELLS * 2 * NB101_VERTICES };

/* Modules of one convolution, norm and relu; made before they are used, since the official
 * model makes all operations of a cell before its projections but runs them mixed. */
struct nb101_conv {
    int32_t conv, norm, relu;
};

struct nb101_net {
    tcet_builder *b;
    int32_t count, module[NB101_CONVS];
    double std[NB101_CONVS]; /* of the second drawing */
};

static struct nb101_conv nb101_make(tcet_builder *b, int32_t parent)
{
    struct nb101_conv m;

    m.conv = b->module(b, parent, "conv_bn_relu", 0);
    m.norm = b->module(b, parent, "conv_bn_relu", 1);
    m.relu = b->module(b, parent, "conv_bn_relu", 2);
    return m;
}

static int32_t nb101_run(struct nb101_net *net, struct nb101_conv m, int32_t x, int32_t channels,
                         int32_t kernel)
{
    x = tcet_add_conv(net->b, m.conv, x, channels, kernel, 1, kernel / 2, 0);
    x = tcet_add_norm(net->b, m.norm, x);
    return tcet_add_op(net->b, TCET_OP_RELU, m.relu, x);
}

/* Remembers a convolution, in creation order, to be drawn again. */
static void nb101_remember(struct nb101_net *net, int32_t module, int32_t channels, int32_t kernel)
{
    net->module[net->count] = module;
    net->std[net->count++] = sqrt(2.0 / (kernel * kernel * channels));
}

/* Channels of every vertex: the output's are shared out among its inputs, the others have as
 * many as they pass on. */
static void nb101_channels(const struct nb101_cell *c, int32_t in_channels, int32_t channels,
                           int32_t out[NB101_VERTICES])
{
    int32_t last = c->vertices - 1, parts = 0, rest;

    memset(out, 0, NB101_VERTICES * sizeof *out);
    for (int32_t v = 1; v < last; v++)
        parts += c->edge[v][last];
    rest = parts ? channels % parts : 0;
    for (int32_t v = 1; v < last; v++)
        if (c->edge[v][last])
            out[v] = channels / parts + (rest-- > 0);
    for (int32_t v = last - 1; v > 0; v--)
        if (!c->edge[v][last])
            for (int32_t to = v + 1; to < last; to++)
                if (c->edge[v][to] && out[to] > out[v])
                    out[v] = out[to];
    out[0] = in_channels;
    out[last] = channels;
}

/* The first `channels` channels of x. */
static int32_t nb101_truncate(tcet_builder *b, int32_t x, int32_t has, int32_t channels)
{
    tcet_op o = tcet_op_from(TCET_OP_SLICE, -1, &x, 1);

    o.channels = channels;
    return has == channels ? x : b->add(b, &o);
}

static int32_t nb101_add_cell(struct nb101_net *net, int32_t parent, const struct nb101_cell *c,
                              int32_t x, int32_t in_channels, int32_t out_channels)
{
    struct nb101_conv op[NB101_VERTICES], projection[NB101_VERTICES];
    int32_t channels[NB101_VERTICES], node[NB101_VERTICES], terms[NB101_VERTICES], n,
        last = c->vertices - 1;
    tcet_builder *b = net->b;

    nb101_channels(c, in_channels, out_channels, channels);
    for (int32_t v = 1; v < last; v++) {
        int32_t module = b->module(b, parent, "vertex_op", v),
                kernel = c->code[v] == NB101_CONV3 ? 3 : 1;

        if (c->code[v] == NB101_MAX_POOL) {
            op[v].conv = b->module(b, module, "maxpool", -1);
            continue;
        }
        op[v] = nb101_make(b, b->module(b, module, kernel == 3 ? "conv3x3" : "conv1x1", -1));
        nb101_remember(net, op[v].conv, channels[v], kernel);
    }
    for (int32_t v = 1; v <= last; v++)
        if (c->edge[0][v]) {
            projection[v] = nb101_make(b, b->module(b, parent, "input_op", v));
            nb101_remember(net, projection[v].conv, channels[v], 1);
        }
    for (int32_t v = 1; v < last; v++) {
        n = 0;
        for (int32_t from = 1; from < v; from++)
            if (c->edge[from][v])
                terms[n++] = nb101_truncate(b, node[from], channels[from], channels[v]);
        if (c->edge[0][v])
            terms[n++] = nb101_run(net, projection[v], x, channels[v], 1);
        node[v] = n == 1 ? terms[0] : tcet_add_sum(b, -1, terms, n);
        node[v] =
            c->code[v] == NB101_MAX_POOL
                ? tcet_add_pool(b, TCET_OP_MAX_POOL, op[v].conv, node[v], 3, 1, 1)
                : nb101_run(net, op[v], node[v], channels[v], c->code[v] == NB101_CONV3 ? 3 : 1);
    }
    n = 0;
    for (int32_t v = 1; v < last; v++)
        if (c->edge[v][last])
            terms[n++] = node[v];
    if (n > 1) {
        tcet_op o = tcet_op_from(TCET_OP_CONCAT, -1, terms, n);

        terms[0] = b->add(b, &o);
    }
    if (!c->edge[0][last])
        return terms[0];
    terms[1] = nb101_run(net, projection[last], x, out_channels, 1);
    return n == 0 ? terms[1] : tcet_add_sum(b, -1, terms, 2);
}

tcet_status nb101_build(tcet_builder *b, const struct nb101_cell *pruned, int32_t classes)
{
    struct nb101_net net = {.b = b};
    int32_t x, layer = 0, channels = NB101_STEM, in_channels = NB101_STEM, cell = 0, module;
    struct nb101_conv stem;

    x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    stem = nb101_make(b, b->module(b, -1, "layers", layer++));
    nb101_remember(&net, stem.conv, NB101_STEM, 3);
    x = nb101_run(&net, stem, x, NB101_STEM, 3);
    for (int32_t stack = 0; stack < NB101_STACKS; stack++) {
        if (stack > 0) {
            module = b->module(b, -1, "layers", layer++);
            x = tcet_add_pool(b, TCET_OP_MAX_POOL, module, x, 2, 2, 0);
            channels *= 2;
        }
        for (int32_t i = 0; i < NB101_CELLS; i++) {
            b->cell(b, cell++);
            module = b->module(b, -1, "layers", layer++);
            x = nb101_add_cell(&net, module, pruned, x, in_channels, channels);
            in_channels = channels;
        }
    }
    b->cell(b, -1);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, -1, x);
    module = b->module(b, -1, "classifier", -1);
    b->output(b, tcet_add_linear(b, module, x, classes, 1));
    for (int32_t i = 0; i < net.count; i++)
        b->init(b, TCET_INIT_NORMAL, net.module[i], 0.0, net.std[i]);
    b->init(b, TCET_INIT_NORMAL, module, 0.0, 0.01);
    b->init(b, TCET_INIT_BIAS, module, 0.0, 0.0);
    return b->status(b);
}
