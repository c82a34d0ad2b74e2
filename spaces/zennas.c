/* zennas.c -- ZenNAS's ResNet-like space: structures of super blocks, searched by replacing
 * blocks of an initial one under a budget of size and layers (Lin et al., ICCV 2021).
 * Room: spaces.  Stands on the SDK and spaces/family.
 *
 * Scores there are taken from the network without residual links (reslink = 0), while the
 * budget counts them. */
#include "family/plainnet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct zennas {
    int64_t classes, max_size, max_layers, replaces;
    int32_t reslink;
};

static const char initial[] =
    "SuperConvK3BNRELU(3,8,1,1)SuperResK3K3(8,16,1,8,1)SuperResK3K3(16,32,2,16,1)"
    "SuperResK3K3(32,64,2,32,1)SuperResK3K3(64,64,2,32,1)SuperConvK1BNRELU(64,128,1,1)";

static tcet_status space_size(tcet_ctx *cx, void *self, int64_t *out)
{
    (void)cx, (void)self;
    *out = -1;
    return TCET_OK;
}

static tcet_status space_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap)
{
    (void)self, (void)index, (void)text, (void)cap;
    return tcet_fail(cx, TCET_E_UNSUPPORTED,
                     "zennas structures have no numbers: name them, or draw them by sample:N");
}

static tcet_status space_task(tcet_ctx *cx, void *self, tcet_task *out)
{
    (void)cx;
    out->channels = 3;
    out->height = out->width = 32;
    out->classes = (int32_t)((struct zennas *)self)->classes;
    return TCET_OK;
}

static tcet_status space_check(tcet_ctx *cx, void *self, const char *text)
{
    struct plainnet p;

    (void)self;
    return plainnet_parse(cx, text, &p);
}

/* No two structures are known to be isomorphic: the key is the encoding. */
static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    tcet_status st = space_check(cx, self, text);

    return st < 0 ? st : space_put(cx, key, cap, text, strlen(text));
}

/* depth: the official number of layers. */
static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    struct plainnet p;
    tcet_status st = plainnet_parse(cx, text, &p);

    (void)self;
    if (st < 0)
        return st;
    out->live = out->alive = 1;
    out->depth = plainnet_layers(&p);
    return TCET_OK;
}

/* Replaces `replaces` blocks, one drawn twice being replaced once, until the result is another
 * structure within the budget. */
static tcet_status vary(tcet_ctx *cx, const struct zennas *s, const char *from, int64_t replaces,
                        char *text, size_t cap)
{
    enum { TRIES = 10000 };
    struct plainnet p, changed, settled;
    char before[TCET_ARCH_MAX];
    tcet_status st = plainnet_parse(cx, from, &p);

    if (st < 0 || (st = plainnet_print(cx, &p, before, sizeof before)) < 0)
        return st;
    for (int32_t i = 0; i < TRIES; i++) {
        uint64_t done = 0;

        changed = p;
        for (int64_t j = 0; j < replaces; j++) {
            int32_t block = space_pick(cx, p.count);

            if (!(done >> block & 1))
                plainnet_replace(cx, &changed.block[block]);
            done |= (uint64_t)1 << block;
        }
        plainnet_settle(&changed, &settled);
        if ((s->max_size && plainnet_size(&settled, (int32_t)s->classes) > s->max_size) ||
            (s->max_layers && plainnet_layers(&settled) > s->max_layers))
            continue;
        if ((st = plainnet_print(cx, &settled, text, cap)) < 0 || strcmp(text, before) != 0)
            return st;
    }
    return tcet_failf(cx, TCET_E_ARG,
                      "no structure of at most %lld parameters and %lld layers found near %.400s",
                      (long long)s->max_size, (long long)s->max_layers, before);
}

static tcet_status space_random(tcet_ctx *cx, void *self, char *text, size_t cap)
{
    return vary(cx, self, initial, 1, text, cap);
}

static tcet_status space_mutate(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap)
{
    return vary(cx, self, from, ((struct zennas *)self)->replaces, text, cap);
}

static int same_block(const struct plainnet_block *a, const struct plainnet_block *b)
{
    return a->kind == b->kind && a->kernel == b->kernel && a->out == b->out &&
           a->bottleneck == b->bottleneck && a->layers == b->layers;
}

/* One block replaced, the first block's candidates first.  What a structure may at most have is the
 * concern of those that are drawn. */
static tcet_status space_neighbours(tcet_ctx *cx, void *self, const char *from, int64_t index,
                                    int64_t *count, char *text, size_t cap)
{
    struct plainnet p, settled;
    struct plainnet_block to, wanted = {.layers = 0};
    int64_t n = 0, place = 0;
    tcet_status st = plainnet_parse(cx, from, &p);

    (void)self;
    if (st < 0)
        return st;
    for (int32_t b = 0; b < p.count; b++) {
        int64_t candidates = plainnet_candidates(&p.block[b]), own = candidates, at = index - n;

        for (int64_t i = 0; i < candidates && own == candidates; i++) {
            plainnet_candidate(&p.block[b], i, &to);
            if (same_block(&to, &p.block[b]))
                own = i;
        }
        candidates -= own < candidates;
        n += candidates;
        if (at < 0 || at >= candidates)
            continue;
        plainnet_candidate(&p.block[b], at + (at >= own), &wanted);
        place = b;
    }
    *count = n;
    if (!wanted.layers)
        return TCET_OK;
    p.block[place] = wanted;
    plainnet_settle(&p, &settled);
    return plainnet_print(cx, &settled, text, cap);
}

/* The official counts, with residual links, which its budgets are meant by. */
static tcet_status space_facts(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_facts *out)
{
    static const char *const names[] = {"size", "layers", "flops"};
    struct plainnet p;
    tcet_status st = plainnet_parse(cx, text, &p);

    (void)self;
    if (st < 0)
        return st;
    for (out->count = 0; out->count < 3; out->count++)
        out->name[out->count] = names[out->count];
    out->value[0] = (double)plainnet_size(&p, task->classes);
    out->value[1] = plainnet_layers(&p);
    out->value[2] = plainnet_flops(&p, task->height, task->classes);
    return TCET_OK;
}

/* ---- the network ---- */

struct step {
    int32_t channels, kernel, stride;
    int32_t groups; /* 0: one */
};

/* A step of the init program, which begins when all modules are there. */
struct later {
    uint32_t step;
    int32_t module;
    double a, c;
};

struct net {
    tcet_builder *b;
    int32_t reslink;
    int32_t train; /* the init program is the training script's */
    struct later *later;
    int32_t count, cap, lacks; /* lacks: there was no memory for it */
};

static void init_later(struct net *net, uint32_t step, int32_t module, double a, double c)
{
    if (!net->train)
        return;
    if (net->count == net->cap) {
        int32_t cap = net->cap ? 2 * net->cap : 64;
        struct later *more = realloc(net->later, (size_t)cap * sizeof *more);

        if (!more) {
            net->lacks = 1;
            return;
        }
        net->later = more;
        net->cap = cap;
    }
    net->later[net->count++] = (struct later){step, module, a, c};
}

/* --weight_init custom: of a convolution or linear layer. */
static void init_weight(struct net *net, int32_t module, int32_t bias, double fan_in,
                        double fan_out)
{
    init_later(net, TCET_INIT_NORMAL, module, 0, 3.26033 * sqrt(2 / (fan_in + fan_out)));
    if (bias)
        init_later(net, TCET_INIT_BIAS, module, 0, 0);
}

/* Runs what was put off; b's status. */
static tcet_status finish(tcet_ctx *cx, struct net *net)
{
    for (int32_t i = 0; i < net->count; i++) {
        const struct later *l = &net->later[i];

        net->b->init(net->b, l->step, l->module, l->a, l->c);
    }
    free(net->later);
    return net->lacks ? tcet_fail(cx, TCET_E_MEMORY, "out of memory") : net->b->status(net->b);
}

/* The official model sets eps of every batch norm. */
static int32_t add_norm(tcet_builder *b, int32_t module, int32_t x)
{
    tcet_op o = tcet_op_from(TCET_OP_BATCH_NORM, module, &x, 1);

    o.affine = o.track = 1;
    o.eps = 1e-3;
    o.momentum = 0.1;
    return b->add(b, &o);
}

/* Convolution and norm as the next two members of home's list; *last becomes the norm's module. */
static int32_t add_conv_norm(struct net *net, int32_t home, int32_t *member, int32_t x,
                             struct step s, int32_t *last)
{
    tcet_builder *b = net->b;
    int32_t conv = b->module(b, home, "module_list", (*member)++), norm, in, h, w;
    double area = (double)s.kernel * s.kernel;
    tcet_op o;

    conv = b->module(b, conv, "netblock", -1);
    norm = b->module(b, b->module(b, home, "module_list", (*member)++), "netblock", -1);
    o = tcet_op_from(TCET_OP_CONV2D, conv, &x, 1);
    o.channels = s.channels;
    o.kernel_h = o.kernel_w = s.kernel;
    o.stride_h = o.stride_w = s.stride;
    o.padding_h = o.padding_w = (s.kernel - 1) / 2;
    o.groups = s.groups;
    b->shape(b, x, &in, &h, &w);
    init_weight(net, conv, 0, area * in / (s.groups ? s.groups : 1), area * s.channels);
    *last = norm;
    return add_norm(b, norm, b->add(b, &o));
}

static int32_t add_relu(tcet_builder *b, int32_t home, int32_t *member, int32_t x)
{
    return tcet_add_op(b, TCET_OP_RELU, b->module(b, home, "module_list", (*member)++), x);
}

/* n convolutions with what belongs to them.  With residual links they stand in a ResBlock of
 * their own, whose shortcut is a projection (1x1 convolution with bias, and norm) or nothing. */
static int32_t add_steps(struct net *net, int32_t block, int32_t *member, int32_t x,
                         const struct step *step, int32_t n, int32_t projection)
{
    tcet_builder *b = net->b;
    int32_t home = block, inner = 0, *at = member, sum[2] = {x, x}, stride = 1, last = -1;

    if (net->reslink) {
        home = b->module(b, block, "module_list", (*member)++);
        at = &inner;
    }
    for (int32_t i = 0; i < n; i++) {
        if (i > 0)
            sum[0] = add_relu(b, home, at, sum[0]);
        sum[0] = add_conv_norm(net, home, at, sum[0], step[i], &last);
        stride *= step[i].stride;
    }
    if (net->reslink) /* a block begins as its shortcut */
        init_later(net, TCET_INIT_FILL, last, 0, 0);
    if (net->reslink && projection) {
        int32_t conv = b->module(b, home, "proj", 0), in, h, w;

        b->shape(b, x, &in, &h, &w);
        sum[1] = tcet_add_conv(b, conv, x, step[n - 1].channels, 1, stride, 0, 1);
        init_weight(net, conv, 1, in, step[n - 1].channels);
        sum[1] = add_norm(b, b->module(b, home, "proj", 1), sum[1]);
    }
    if (net->reslink)
        sum[0] = tcet_add_sum(b, home, sum, 2);
    return add_relu(b, block, member, sum[0]);
}

/* 1x1, depthwise, 1x1; a change of channels makes the shortcut a projection. */
static int32_t add_inverted(struct net *net, int32_t block, int32_t *member,
                            const struct plainnet_block *p, int32_t x, int32_t channels,
                            int32_t stride, int32_t projection)
{
    int32_t wide = plainnet_wide(p, channels), in, h, w;
    struct step s[] = {{wide, 1, 1, 0}, {wide, p->kernel, stride, wide}, {channels, 1, 1, 0}};

    net->b->shape(net->b, x, &in, &h, &w);
    return add_steps(net, block, member, x, s, 3, projection || in != channels);
}

static int32_t add_block(struct net *net, int32_t module, const struct plainnet_block *p, int32_t x)
{
    tcet_builder *b = net->b;
    int32_t member = 0, mid = p->bottleneck, last;

    for (int32_t i = 0; i < p->layers; i++) {
        int32_t stride = i ? 1 : p->stride;

        if (p->kind == PLAINNET_CONV) {
            x = add_conv_norm(net, module, &member, x, (struct step){p->out, p->kernel, stride, 0},
                              &last);
            x = add_relu(b, module, &member, x);
        } else if (p->kind == PLAINNET_RES) {
            struct step s[] = {{mid, p->kernel, stride, 0}, {p->out, p->kernel, 1, 0}};

            x = add_steps(net, module, &member, x, s, 2, i == 0);
        } else if (p->kind == PLAINNET_INVERTED) {
            x = add_inverted(net, module, &member, p, x, mid, stride, i == 0);
            x = add_inverted(net, module, &member, p, x, p->out, 1, 0);
        } else {
            struct step s[] = {{mid, 1, 1, 0}, {mid, p->kernel, stride, 0}, {p->out, 1, 1, 0}};

            x = add_steps(net, module, &member, x, s, 3, i == 0);
            s[1].stride = 1;
            x = add_steps(net, module, &member, x, s, 3, 0);
        }
    }
    return x;
}

static tcet_status build(tcet_ctx *cx, const struct zennas *s, const char *text,
                         const tcet_task *task, tcet_builder *b, int32_t train)
{
    struct net net = {.b = b, .reslink = s->reslink, .train = train};
    struct plainnet p;
    int32_t x, module, in, h, w;
    tcet_status st = plainnet_parse(cx, text, &p);

    if (st < 0)
        return st;
    if (p.block[0].in != task->channels)
        return tcet_failf(cx, TCET_E_ARG, "the first block takes %d channels, the input has %d",
                          p.block[0].in, task->channels);
    x = tcet_add_op(b, TCET_OP_INPUT, -1, 0);
    for (int32_t i = 0; i < p.count; i++) {
        b->cell(b, i);
        x = add_block(&net, b->module(b, -1, "module_list", i), &p.block[i], x);
    }
    b->cell(b, -1);
    x = tcet_add_op(b, TCET_OP_GLOBAL_POOL, -1, x);
    module = b->module(b, b->module(b, -1, "fc_linear", -1), "netblock", -1);
    b->shape(b, x, &in, &h, &w);
    b->output(b, tcet_add_linear(b, module, x, task->classes, 1));
    init_weight(&net, module, 1, in, task->classes);
    return finish(cx, &net);
}

static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    return build(cx, self, text, task, b, 0);
}

/* As `--weight_init custom` of the official train_image_classification.py. */
static tcet_status space_build_train(tcet_ctx *cx, void *self, const char *text,
                                     const tcet_task *task, tcet_builder *b)
{
    return build(cx, self, text, task, b, 1);
}

static const tcet_param params[] = {
    TCET_PARAM_I64(struct zennas, classes, "100", 2, 100000,
                   "natural classes; the budget counts the classifier"),
    TCET_PARAM_I64(struct zennas, max_size, "1000000", 0, INT64_MAX,
                   "most parameters, by the official count, of drawn structures; 0: no limit"),
    TCET_PARAM_I64(struct zennas, max_layers, "18", 0, 1000000,
                   "most layers, by the official count, of drawn structures; 0: no limit"),
    TCET_PARAM_I64(struct zennas, replaces, "2", 1, 64, "blocks that one mutation replaces"),
    TCET_PARAM_BOOL(struct zennas, reslink, "0", "residual links; official scores go without"),
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
    .facts = space_facts,
    .build_train = space_build_train,
};

static const tcet_plugin zennas = {
    .struct_size = sizeof(tcet_plugin),
    .kind = TCET_SPACE,
    .id = "zennas",
    .version = "1.0.0",
    .summary = "ZenNAS's ResNet-like structures under a budget",
    .cite = "Lin et al., Zen-NAS, ICCV 2021",
    TCET_PARAMS(struct zennas, params),
    .ops = &ops,
};

TCET_MODULE(&zennas)
