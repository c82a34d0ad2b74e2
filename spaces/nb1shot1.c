/* nb1shot1.c -- the three search spaces of NAS-Bench-1Shot1: cells of NAS-Bench-101 in which each
 * vertex has a fixed number of parents (Zela et al., ICLR 2020).
 * Room: spaces.  Stands on the SDK and spaces/family.
 *
 * Encoding: NAS-Bench-101's; cells of six vertices also with the loose seventh that the official
 * upscale_to_nasbench_format() gives them.  Numbered are all cells the rule makes, loose ends included: 14,580,
 * 29,160 and 1,312,200; the published counts of different networks (2,685, 7,773 and 55,854) are
 * those of the canonical keys. */
#include "family/nb101_space.h"

/* How many sets of `size` of n things there are below `set`, in the order of their bits; all
 * of them for set = 1 << n. */
static int32_t sets_below(uint32_t set, int32_t size)
{
    int32_t n = 0;

    for (uint32_t s = 0; s < set; s++)
        n += __builtin_popcount(s) == size;
    return n;
}

/* Places: the parents of vertices 1 .. last, then the operations of the inner ones. */
static tcet_status parse(tcet_ctx *cx, const struct nb101_rule *rule, const char *text,
                         int32_t *choice)
{
    int32_t last = rule->vertices - 1;
    struct nb101_cell c, pruned;
    tcet_status st = nb101_space_parse(cx, rule, text, &c, &pruned);

    if (st < 0)
        return st;
    for (int32_t v = 1; v <= last; v++) {
        uint32_t set = 0;

        for (int32_t from = 0; from < v; from++)
            set |= (uint32_t)c.edge[from][v] << from;
        choice[v - 1] = sets_below(set, rule->parents[v]);
        if (v < last)
            choice[last + v - 1] = c.code[v] - NB101_MAX_POOL;
    }
    return TCET_OK;
}

static tcet_status print(tcet_ctx *cx, const struct nb101_rule *rule, const int32_t *choice,
                         char *text, size_t cap)
{
    int32_t last = rule->vertices - 1;
    struct nb101_cell c = {.vertices = rule->vertices};

    for (int32_t v = 1; v <= last; v++) {
        int32_t size = rule->parents[v];
        uint32_t set = (1u << size) - 1;

        while (__builtin_popcount(set) != size || sets_below(set, size) < choice[v - 1])
            set++;
        for (int32_t from = 0; from < v; from++)
            c.edge[from][v] = set >> from & 1;
        c.code[v] = v < last ? NB101_MAX_POOL + choice[last + v - 1] : NB101_OUTPUT;
    }
    return nb101_print(cx, &c, text, cap);
}

static const tcet_space_ops ops = {
    CHOICES_OPS,
    CHOICES_ORDER,
    .task = space_cifar10_task,
    .canonical = nb101_space_canonical,
    .traits = nb101_space_traits,
    .build = nb101_space_build,
};

/* SPACE(n, rule, sizes, text): plugin nb1shot1_<n>; sizes: how many values each place has. */
#define LIST(...) __VA_ARGS__
#define SPACE(n, vertices, parents, values, text)                                                  \
    static const struct nb101_rule rule_##n = {vertices, {parents}};                               \
    static const int32_t sizes_##n[] = {values};                                                   \
    static tcet_status parse_##n(tcet_ctx *cx, const char *encoding, int32_t *choice)              \
    {                                                                                              \
        return parse(cx, &rule_##n, encoding, choice);                                             \
    }                                                                                              \
    static tcet_status print_##n(tcet_ctx *cx, const int32_t *choice, char *out, size_t cap)       \
    {                                                                                              \
        return print(cx, &rule_##n, choice, out, cap);                                             \
    }                                                                                              \
    static const struct choices choices_##n = {2 * (vertices)-3, sizes_##n, parse_##n, print_##n}; \
    _Static_assert(TCET_COUNT(sizes_##n) == 2 * (vertices)-3, "one size a place");                 \
    static tcet_status init_##n(tcet_ctx *cx, void *self)                                          \
    {                                                                                              \
        (void)cx;                                                                                  \
        *(struct nb101_space *)self = (struct nb101_space){{&choices_##n}, &rule_##n};             \
        return TCET_OK;                                                                            \
    }                                                                                              \
    static const tcet_plugin nb1shot1_##n = {                                                      \
        .struct_size = sizeof(tcet_plugin),                                                        \
        .kind = TCET_SPACE,                                                                        \
        .id = "nb1shot1_" #n,                                                                      \
        .version = "1.0.0",                                                                        \
        .summary = "NAS-Bench-1Shot1 space " #n ": " text " different networks",                   \
        .cite = "Zela et al., NAS-Bench-1Shot1, ICLR 2020",                                        \
        .instance_size = sizeof(struct nb101_space),                                               \
        .ops = &ops,                                                                               \
        .init = init_##n,                                                                          \
    };

SPACE(1, 6, LIST(0, 1, 2, 2, 2, 2), LIST(1, 1, 3, 6, 10, 3, 3, 3, 3), "14,580 cells, 2,685")
SPACE(2, 6, LIST(0, 1, 1, 2, 2, 3), LIST(1, 2, 3, 6, 10, 3, 3, 3, 3), "29,160 cells, 7,773")
SPACE(3, 7, LIST(0, 1, 1, 1, 2, 2, 2), LIST(1, 2, 3, 6, 10, 15, 3, 3, 3, 3, 3),
      "1,312,200 cells, 55,854")

TCET_MODULE(&nb1shot1_1, &nb1shot1_2, &nb1shot1_3)
