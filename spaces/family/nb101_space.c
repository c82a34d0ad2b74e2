/* nb101_space.c -- see nb101_space.h.  Room: spaces/family. */
#include "family/nb101_space.h"

#include "family/nb101_net.h"

/* Both cells of a text, by the instance's rule. */
static tcet_status read_cell(tcet_ctx *cx, const void *self, const char *text, struct nb101_cell *c,
                             struct nb101_cell *pruned)
{
    return nb101_space_parse(cx, ((const struct nb101_space *)self)->rule, text, c, pruned);
}

/* Takes out a vertex without any edge, if there is an inner one: the official
 * upscale_to_nasbench_format() adds such a one to cells of six vertices. */
static void drop_loose(struct nb101_cell *c)
{
    struct nb101_cell from = *c;
    int32_t loose = c->vertices - 2, n = 0;

    for (; loose > 0; loose--) {
        n = 0;
        for (int32_t i = 0; i < c->vertices; i++)
            n += c->edge[i][loose] + c->edge[loose][i];
        if (!n)
            break;
    }
    if (loose <= 0)
        return;
    c->vertices--;
    for (int32_t i = 0; i < c->vertices; i++) {
        int32_t old = i + (i >= loose);

        c->code[i] = from.code[old];
        for (int32_t j = 0; j < c->vertices; j++)
            c->edge[i][j] = from.edge[old][j + (j >= loose)];
    }
}

tcet_status nb101_space_parse(tcet_ctx *cx, const struct nb101_rule *rule, const char *text,
                              struct nb101_cell *c, struct nb101_cell *pruned)
{
    tcet_status st = nb101_parse(cx, text, c, pruned);

    if (st < 0 || !rule)
        return st;
    if (c->vertices == rule->vertices + 1)
        drop_loose(c);
    if (c->vertices != rule->vertices)
        return tcet_failf(cx, TCET_E_ARG, "%d vertices, the space's cells have %d", c->vertices,
                          rule->vertices);
    for (int32_t v = 1; v < rule->vertices; v++) {
        int32_t n = 0;

        for (int32_t from = 0; from < v; from++)
            n += c->edge[from][v];
        if (n != rule->parents[v])
            return tcet_failf(cx, TCET_E_ARG, "vertex %d has %d parents, the space wants %d", v + 1,
                              n, rule->parents[v]);
    }
    return TCET_OK;
}

tcet_status nb101_space_check(tcet_ctx *cx, void *self, const char *text)
{
    struct nb101_cell c, pruned;

    return read_cell(cx, self, text, &c, &pruned);
}

tcet_status nb101_space_canonical(tcet_ctx *cx, void *self, const char *text, char *key, size_t cap)
{
    struct nb101_cell c, pruned;
    char hash[NB101_HASH];
    tcet_status st = read_cell(cx, self, text, &c, &pruned);

    if (st < 0)
        return st;
    nb101_hash(&pruned, hash);
    return space_put(cx, key, cap, hash, NB101_HASH - 1);
}

tcet_status nb101_space_traits(tcet_ctx *cx, void *self, const char *text, tcet_traits *out)
{
    struct nb101_cell c, pruned;
    tcet_status st = read_cell(cx, self, text, &c, &pruned);

    if (st < 0)
        return st;
    out->live = nb101_edges(&c) == nb101_edges(&pruned) && c.vertices == pruned.vertices;
    out->alive = 1;
    out->depth = 0;
    for (int32_t v = 0; v < pruned.vertices; v++)
        out->depth += pruned.code[v] == NB101_CONV1 || pruned.code[v] == NB101_CONV3;
    return TCET_OK;
}

tcet_status nb101_space_build(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                              tcet_builder *b)
{
    struct nb101_cell c, pruned;
    tcet_status st = read_cell(cx, self, text, &c, &pruned);

    return st < 0 ? st : nb101_build(b, &pruned, task->classes);
}
