/* nds.c -- the spaces of NDS, Network Design Spaces: five of cells (DARTS, NASNet, ENAS, Amoeba, PNAS)
 * and two of residual blocks (ResNet, ResNeXt-B), as pycls trained them (Radosavovic et al., ICCV 2019).
 * Room: spaces.  Stands on the SDK and spaces/family.
 *
 * Encodings: the `net` of an entry of NDS's files as JSON, its members in any order; without aux and
 * drop_prob, and of blocks without what they do not have, it is printed.  {"family": NAME, "net": NET}
 * is read too.  The order of a node's inputs and of what a cell gives is kept in the network. */
#include "family/nds_file.h"
#include "family/nds_net.h"

#include <string.h>

struct nds {
    const char *file;
    int32_t reading;
    const struct nds_family *family;
    struct nds_file *entries;
};

enum { STAGES = 3, STEM_WIDTH = 16, TRIES = 200 };

/* ---- the design spaces ---- */

#define OP(name) (1u << NDS_##name)
#define VALUES(list)           \
    {                          \
        list, TCET_COUNT(list) \
    }

static const int32_t cell_widths[] = {16, 24, 32}, cell_depths[] = {4, 8, 12, 16, 20};
static const int32_t resnet_depths[] = {1, 2, 3, 4, 6, 8, 12, 16, 24};
static const int32_t resnet_widths[] = {16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256};
static const int32_t resnext_depths[] = {1, 2, 4, 8, 16}, resnext_groups[] = {1, 2, 4, 8, 16};
static const int32_t resnext_widths[] = {64, 128, 256, 512, 1024};
static const double resnext_ratios[] = {0.25, 0.5, 1.0};

#define CELLS(nodes_, loose_, ops_)                                                  \
    {                                                                                \
        .nodes = nodes_, .loose = loose_, .ops = ops_, .width = VALUES(cell_widths), \
        .depth = VALUES(cell_depths)                                                 \
    }
#define COMMON (OP(SKIP) | OP(AVG3) | OP(MAX3) | OP(SEP3) | OP(SEP5))

static const struct nds_family darts_family = CELLS(4, 0, COMMON | OP(NONE) | OP(DIL3) | OP(DIL5));
static const struct nds_family nasnet_family =
    CELLS(5, 1,
          COMMON | OP(CONV31) | OP(CONV71) | OP(DIL3) | OP(MAX5) | OP(MAX7) | OP(CONV1) |
              OP(CONV3) | OP(SEP7));
static const struct nds_family enas_family = CELLS(5, 1, COMMON);
static const struct nds_family amoeba_family =
    CELLS(5, 1, COMMON | OP(SEP7) | OP(DIL_SEP3) | OP(CONV71));
static const struct nds_family pnas_family = CELLS(5, 0, COMMON | OP(SEP7) | OP(CONV71) | OP(DIL3));
static const struct nds_family resnet_family = {
    .block = NDS_BASIC, .width = VALUES(resnet_widths), .depth = VALUES(resnet_depths)};
static const struct nds_family resnext_family = {.block = NDS_BOTTLENECK,
                                                 .width = VALUES(resnext_widths),
                                                 .depth = VALUES(resnext_depths),
                                                 .groups = VALUES(resnext_groups),
                                                 .ratio = resnext_ratios,
                                                 .ratios = TCET_COUNT(resnext_ratios)};

/* ---- texts ---- */

static tcet_status read_net(tcet_ctx *cx, const struct nds *s, const char *text,
                            struct nds_net *out)
{
    tcet_status st = nds_parse(cx, s->family, text, out);

    return st < 0 ? st : nds_check(cx, out, (enum nds_reading)s->reading);
}

static tcet_status put_net(tcet_ctx *cx, const struct nds_net *net, char *text, size_t cap)
{
    char out[NDS_ENCODING_MAX];
    size_t n = nds_print(net, out);

    return space_put(cx, text, cap, out, n);
}

static tcet_status space_check(tcet_ctx *cx, void *self, const char *text)
{
    struct nds_net net;
    tcet_status st = read_net(cx, self, text, &net);

    if (st >= 0 && net.aux)
        cx->host->log(cx, TCET_LOG_WARN, "the net has aux = true; the head is left out");
    return st;
}

static tcet_status space_canonical(tcet_ctx *cx, void *self, const char *text, char *key,
                                   size_t cap)
{
    char out[DARTS_CELLS * DARTS_KEY_MAX + 40], cell[DARTS_CELLS][DARTS_KEY_MAX];
    struct nds_net net;
    tcet_status st = read_net(cx, self, text, &net);
    int n;

    if (st < 0)
        return st;
    if (!net.nodes)
        return put_net(cx, &net, key, cap);
    darts_cell_key(&net.cell[DARTS_NORMAL], cell[DARTS_NORMAL]);
    darts_cell_key(&net.cell[DARTS_REDUCE], cell[DARTS_REDUCE]);
    n = snprintf(out, sizeof out, "%s %s %d %d", cell[DARTS_NORMAL], cell[DARTS_REDUCE], net.width,
                 net.depth);
    return space_put(cx, key, cap, out, (size_t)n);
}

static tcet_status space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    struct nds_net net;
    tcet_status st = read_net(cx, self, text, &net);

    if (st >= 0)
        nds_traits(&net, out);
    return st;
}

static tcet_status space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b)
{
    struct nds_net net;
    tcet_status st = read_net(cx, self, text, &net);

    return st < 0 ? st : nds_build(b, &net, task->classes);
}

/* ---- numbers ---- */

/* How many values stage's place k has: depth, width, ratio, groups. */
static int32_t place_size(const struct nds_family *f, int32_t k)
{
    const int32_t sizes[] = {f->depth.count, f->width.count, f->ratios, f->groups.count};

    return sizes[k];
}

static int32_t place_count(const struct nds_family *f)
{
    return f->block == NDS_BOTTLENECK ? 4 : 2;
}

static void set_place(const struct nds_family *f, struct nds_stage *s, int32_t k, int32_t value)
{
    switch (k) {
    case 0: s->depth = f->depth.value[value]; break;
    case 1: s->width = f->width.value[value]; break;
    case 2: s->ratio = f->ratio[value]; break;
    default: s->groups = f->groups.value[value];
    }
}

/* Which of the values stands there, or -1. */
static int32_t get_place(const struct nds_family *f, const struct nds_stage *s, int32_t k)
{
    for (int32_t value = place_size(f, k); value-- > 0;) {
        struct nds_stage other = *s;

        set_place(f, &other, k, value);
        if (other.depth == s->depth && other.width == s->width && other.groups == s->groups &&
            !(other.ratio < s->ratio) && !(other.ratio > s->ratio))
            return value;
    }
    return -1;
}

/* A net of blocks with its stem, if it has one, and strides; depths, widths ... are yet to be set. */
static struct nds_stage *begin_blocks(const struct nds *s, struct nds_net *net)
{
    int32_t stem = s->reading != NDS_NWOT;

    memset(net, 0, sizeof *net);
    net->block = s->family->block;
    net->stages = stem + STAGES;
    net->stage[0] = (struct nds_stage){1, STEM_WIDTH, 1, 1, 0.0};
    for (int32_t i = 0; i < STAGES; i++)
        net->stage[stem + i] = (struct nds_stage){.stride = i ? 2 : 1, .groups = 1, .ratio = 1.0};
    return net->stage + stem;
}

static int64_t grid_size(const struct nds_family *f)
{
    int64_t n = 1;

    for (int32_t i = 0; i < STAGES * place_count(f); i++)
        n *= place_size(f, i % place_count(f));
    return n;
}

static tcet_status space_size(tcet_ctx *cx, void *self, int64_t *out)
{
    const struct nds *s = self;

    (void)cx;
    *out = s->entries ? nds_file_count(s->entries) : s->family->nodes ? -1 : grid_size(s->family);
    return TCET_OK;
}

static tcet_status space_at(tcet_ctx *cx, void *self, int64_t index, char *text, size_t cap)
{
    const struct nds *s = self;
    int32_t places = place_count(s->family);
    int64_t size;
    struct nds_net net;
    struct nds_stage *stage;

    space_size(cx, self, &size);
    if (size < 0)
        return tcet_fail(
            cx, TCET_E_UNSUPPORTED,
            "networks of cells have no order; file = PATH gives them that of the file");
    if (index < 0 || index >= size)
        return tcet_failf(cx, TCET_E_ARG, "architecture %lld: the space has 0 to %lld",
                          (long long)index, (long long)size - 1);
    if (s->entries) {
        const char *entry = nds_file_at(s->entries, index);

        return space_put(cx, text, cap, entry, strlen(entry));
    }
    stage = begin_blocks(s, &net);
    for (int32_t i = STAGES * places; i-- > 0;) {
        int32_t n = place_size(s->family, i % places);

        set_place(s->family, &stage[i / places], i % places, (int32_t)(index % n));
        index /= n;
    }
    return put_net(cx, &net, text, cap);
}

/* The number of the first entry of that text, or of the place on the grid; -1 where there is none. */
static tcet_status space_index_of(tcet_ctx *cx, void *self, const char *text, int64_t *out)
{
    const struct nds *s = self;
    int32_t places = place_count(s->family);
    char mine[NDS_ENCODING_MAX], other[NDS_ENCODING_MAX];
    struct nds_net net, grid;
    struct nds_stage *stage;
    int64_t index = 0;
    tcet_status st = read_net(cx, s, text, &net);

    *out = -1;
    if (st < 0 || (s->family->nodes && !s->entries))
        return st;
    nds_print(&net, mine);
    if (s->entries) {
        for (int64_t i = nds_file_count(s->entries); i-- > 0;)
            if (!strcmp(mine, nds_file_at(s->entries, i)))
                *out = i;
        return TCET_OK;
    }
    stage = begin_blocks(s, &grid);
    if (net.stages != grid.stages)
        return TCET_OK;
    for (int32_t i = 0; i < STAGES * places; i++) {
        struct nds_stage *from = &net.stage[net.stages - STAGES + i / places];
        int32_t value = get_place(s->family, from, i % places);

        if (value < 0)
            return TCET_OK;
        set_place(s->family, &stage[i / places], i % places, value);
        index = index * place_size(s->family, i % places) + value;
    }
    nds_print(&grid, other);
    if (!strcmp(mine, other))
        *out = index;
    return TCET_OK;
}

/* ---- random changes ---- */

static int32_t pick_value(tcet_ctx *cx, const struct nds_values *v)
{
    return v->value[space_pick(cx, v->count)];
}

/* Another than the one that it is. */
static int32_t pick_other_value(tcet_ctx *cx, const struct nds_values *v, int32_t not )
{
    int32_t value;

    do
        value = pick_value(cx, v);
    while (value == not );
    return value;
}

/* An operation of the space other than `not`. */
static int32_t pick_op(tcet_ctx *cx, const struct nds_family *f, int32_t not )
{
    uint32_t ops = not < 0 ? f->ops : f->ops & ~(1u << not );

    for (int32_t n = space_pick(cx, __builtin_popcount(ops)); n > 0; n--)
        ops &= ops - 1;
    return __builtin_ctz(ops);
}

static tcet_status space_random(tcet_ctx *cx, void *self, char *text, size_t cap)
{
    const struct nds *s = self;
    const struct nds_family *f = s->family;
    int32_t places = place_count(f);
    struct nds_stage *stage;
    struct nds_net net;

    stage = begin_blocks(s, &net);
    net.nodes = f->nodes;
    for (int32_t i = 0; i < STAGES * places && !f->nodes; i++)
        set_place(f, &stage[i / places], i % places, space_pick(cx, place_size(f, i % places)));
    for (int32_t i = 0; i < DARTS_CELLS && f->nodes; i++) {
        struct darts_cell *c = &net.cell[i];

        c->nodes = f->nodes;
        for (int32_t e = 0; e < 2 * f->nodes; e++) {
            c->op[e] = pick_op(cx, f, -1);
            c->input[e] = space_pick(cx, 2 + e / 2);
        }
        nds_set_concat(f, c);
    }
    net.width = pick_value(cx, &f->width);
    net.depth = pick_value(cx, &f->depth);
    return put_net(cx, &net, text, cap);
}

/* Another operation or input of one edge, or another width or depth. */
static void mutate_cells(tcet_ctx *cx, const struct nds_family *f, struct nds_net *net)
{
    int32_t edges = 2 * f->nodes, place = space_pick(cx, 2 * DARTS_CELLS * edges + 2);
    int32_t e = place / 2 % edges;
    struct darts_cell *c = &net->cell[place / 2 / edges % DARTS_CELLS];

    if (place == 2 * DARTS_CELLS * edges) {
        net->width = pick_other_value(cx, &f->width, net->width);
    } else if (place > 2 * DARTS_CELLS * edges) {
        net->depth = pick_other_value(cx, &f->depth, net->depth);
    } else if (place % 2) {
        c->op[e] = pick_op(cx, f, c->op[e]);
    } else {
        c->input[e] = space_pick_other(cx, 2 + e / 2, c->input[e]);
        if (f->loose)
            nds_set_concat(f, c);
    }
}

/* Another value at one place of one stage. */
static void mutate_blocks(tcet_ctx *cx, const struct nds *s, struct nds_net *net)
{
    const struct nds_family *f = s->family;
    int32_t first = nds_first_stage(net);
    int32_t places = net->block == NDS_BOTTLENECK && f->ratios ? 4 : 2;
    int32_t place = space_pick(cx, (net->stages - first) * places);
    struct nds_stage *stage = &net->stage[first + place / places];
    int32_t value = get_place(f, stage, place % places), n = place_size(f, place % places);

    set_place(f, stage, place % places,
              value < 0 ? space_pick(cx, n) : space_pick_other(cx, n, value));
}

static tcet_status space_mutate(tcet_ctx *cx, void *self, const char *from, char *text, size_t cap)
{
    const struct nds *s = self;
    struct nds_net net, child;
    tcet_status st = read_net(cx, s, from, &net);

    if (st < 0)
        return st;
    for (int32_t i = 0; i < TRIES; i++) {
        child = net;
        if (net.nodes)
            mutate_cells(cx, s->family, &child);
        else
            mutate_blocks(cx, s, &child);
        st = nds_check(cx, &child, net.reading);
        if (st >= 0)
            return put_net(cx, &child, text, cap);
    }
    return st;
}

/* Of each node, and of width and depth, one parent or the other. */
static void cross_cells(tcet_ctx *cx, const struct nds_family *f, struct nds_net *a,
                        const struct nds_net *b)
{
    for (int32_t i = 0; i < DARTS_CELLS; i++) {
        struct darts_cell *c = &a->cell[i];

        for (int32_t node = 0; node < f->nodes; node++)
            if (space_pick(cx, 2)) {
                memcpy(&c->op[2 * node], &b->cell[i].op[2 * node], 2 * sizeof *c->op);
                memcpy(&c->input[2 * node], &b->cell[i].input[2 * node], 2 * sizeof *c->input);
            }
        nds_set_concat(f, c);
    }
    if (space_pick(cx, 2))
        a->width = b->width;
    if (space_pick(cx, 2))
        a->depth = b->depth;
}

/* Of each stage one parent's depth, and one's width with what depends on it.  Networks of other blocks
 * or numbers of stages have nothing to exchange: one of them. */
static void cross_blocks(tcet_ctx *cx, struct nds_net *a, const struct nds_net *b)
{
    if (a->block != b->block || a->stages != b->stages) {
        if (space_pick(cx, 2))
            *a = *b;
        return;
    }
    for (int32_t i = 0; i < a->stages; i++) {
        int32_t depth = space_pick(cx, 2) ? a->stage[i].depth : b->stage[i].depth;

        if (space_pick(cx, 2))
            a->stage[i] = b->stage[i];
        a->stage[i].depth = depth;
    }
}

static tcet_status space_crossover(tcet_ctx *cx, void *self, const char *a, const char *b,
                                   char *text, size_t cap)
{
    const struct nds *s = self;
    struct nds_net net, other;
    tcet_status st;

    if ((st = read_net(cx, s, a, &net)) < 0 || (st = read_net(cx, s, b, &other)) < 0)
        return st;
    if (net.nodes)
        cross_cells(cx, s->family, &net, &other);
    else
        cross_blocks(cx, &net, &other);
    return put_net(cx, &net, text, cap);
}

/* ---- neighbours ---- */

/* Networks that are offered one after the other; those that are allowed count. */
struct walk {
    tcet_ctx *cx;
    const struct nds_net *from;
    int64_t index, count;
    struct nds_net chosen; /* the one at index */
};

static void offer(struct walk *w, struct nds_net *net)
{
    if (nds_check(w->cx, net, w->from->reading) < 0)
        return;
    if (w->count++ == w->index)
        w->chosen = *net;
}

static void offer_values(struct walk *w, const struct nds_values *v, struct nds_net *net,
                         int32_t *place)
{
    int32_t was = *place;

    for (int32_t i = 0; i < v->count; i++) {
        *place = v->value[i];
        if (*place != was)
            offer(w, net);
    }
    *place = was;
}

/* Another operation or input of one edge, or another width or depth. */
static void walk_cells(const struct nds_family *f, struct walk *w)
{
    struct nds_net net = *w->from;

    for (int32_t i = 0; i < DARTS_CELLS * 2 * f->nodes; i++) {
        struct darts_cell *c = &net.cell[i / (2 * f->nodes)], was = *c;
        int32_t e = i % (2 * f->nodes);

        for (int32_t op = 0; op < NDS_OPS; op++) {
            if (!(f->ops >> op & 1) || op == was.op[e])
                continue;
            c->op[e] = op;
            offer(w, &net);
        }
        *c = was;
        for (int32_t input = 0; input < 2 + e / 2; input++) {
            if (input == was.input[e])
                continue;
            c->input[e] = input;
            if (f->loose)
                nds_set_concat(f, c);
            offer(w, &net);
        }
        *c = was;
    }
    offer_values(w, &f->width, &net, &net.width);
    offer_values(w, &f->depth, &net, &net.depth);
}

/* Another value at one place of one stage. */
static void walk_blocks(const struct nds_family *f, struct walk *w)
{
    struct nds_net net = *w->from;
    int32_t places = net.block == NDS_BOTTLENECK && f->ratios ? 4 : 2;

    for (int32_t i = nds_first_stage(&net) * places; i < net.stages * places; i++) {
        struct nds_stage *stage = &net.stage[i / places], was = *stage;

        for (int32_t value = 0; value < place_size(f, i % places); value++) {
            if (value == get_place(f, &was, i % places))
                continue;
            set_place(f, stage, i % places, value);
            offer(w, &net);
            *stage = was;
        }
    }
}

static tcet_status space_neighbours(tcet_ctx *cx, void *self, const char *from, int64_t index,
                                    int64_t *count, char *text, size_t cap)
{
    const struct nds *s = self;
    struct nds_net net;
    struct walk w = {.cx = cx, .from = &net, .index = index};
    tcet_status st = read_net(cx, s, from, &net);

    if (st < 0)
        return st;
    if (net.nodes)
        walk_cells(s->family, &w);
    else
        walk_blocks(s->family, &w);
    *count = w.count;
    return index < 0 || index >= w.count ? TCET_OK : put_net(cx, &w.chosen, text, cap);
}

/* ---- the plugins ---- */

static void space_fini(void *self)
{
    nds_file_free(((struct nds *)self)->entries);
}

static tcet_status init_family(tcet_ctx *cx, struct nds *s, const struct nds_family *family)
{
    s->family = family;
    return *s->file ? nds_file_load(cx, s->file, family, &s->entries) : TCET_OK;
}

#define FILE_PARAM                                                                                \
    TCET_PARAM_PATH(                                                                              \
        struct nds, file, "",                                                                     \
        "a .json file of NDS, whose entries all, sample:N and index:N then are, in their order; " \
        "none: the whole design space")

static const char *const readings[] = {"auto", "pycls", "nwot", NULL};

static const tcet_param cell_params[] = {FILE_PARAM};
static const tcet_param block_params[] = {
    FILE_PARAM,
    TCET_PARAM_CHOICE(
        struct nds, reading, "auto", readings,
        "pycls: as trained, the first entry is the stem; nwot: as nas-without-training "
        "builds them, with a stem of its own and num_gs as a group's width; auto: pycls where "
        "the second entry has stride 1, as in NDS's files, else nwot"),
};

static const tcet_space_ops ops = {
    .struct_size = sizeof(tcet_space_ops),
    .size = space_size,
    .task = space_cifar10_task,
    .at = space_at,
    .check = space_check,
    .canonical = space_canonical,
    .traits = space_traits,
    .build = space_build,
    .random = space_random,
    .mutate = space_mutate,
    .crossover = space_crossover,
    .index_of = space_index_of,
    .neighbours = space_neighbours,
};

#define SPACE(name, params_, text)                                                                \
    static tcet_status init_##name(tcet_ctx *cx, void *self)                                      \
    {                                                                                             \
        return init_family(cx, self, &name##_family);                                             \
    }                                                                                             \
    static const tcet_plugin nds_##name = {                                                       \
        .struct_size = sizeof(tcet_plugin),                                                       \
        .kind = TCET_SPACE,                                                                       \
        .id = "nds_" #name,                                                                       \
        .version = "1.0.0",                                                                       \
        .summary = "NDS: " text,                                                                  \
        .cite = "Radosavovic et al., On Network Design Spaces for Visual Recognition, ICCV 2019", \
        TCET_PARAMS(struct nds, params_),                                                         \
        .ops = &ops,                                                                              \
        .init = init_##name,                                                                      \
        .fini = space_fini,                                                                       \
    }

SPACE(darts, cell_params, "cells of DARTS, any width and depth");
SPACE(nasnet, cell_params, "cells of NASNet, any width and depth");
SPACE(enas, cell_params, "cells of ENAS, any width and depth");
SPACE(amoeba, cell_params, "cells of AmoebaNet, any width and depth");
SPACE(pnas, cell_params, "cells of PNAS, any width and depth");
SPACE(resnet, block_params, "stages of basic residual blocks");
SPACE(resnext, block_params, "stages of bottleneck blocks with groups");

TCET_MODULE(&nds_darts, &nds_nasnet, &nds_enas, &nds_amoeba, &nds_pnas, &nds_resnet, &nds_resnext)
