/* nds.c -- see nds.h.  Room: spaces/family. */
#include "family/nds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const nds_ops[NDS_OPS] = {
    "none",         "skip_connect", "avg_pool_3x3", "max_pool_3x3",
    "max_pool_5x5", "max_pool_7x7", "conv_1x1",     "conv_3x3",
    "conv_3x1_1x3", "conv_7x1_1x7", "sep_conv_3x3", "sep_conv_5x5",
    "sep_conv_7x7", "dil_conv_3x3", "dil_conv_5x5", "dil_sep_conv_3x3"};

static const char *const nds_blocks[NDS_BLOCKS] = {"res_basic_block", "res_bottleneck_block",
                                                   "double_plain_block"};

static const char *const nds_cells[DARTS_CELLS] = {"normal", "reduce"};

/* Where reading stands. */
struct nds_reader {
    tcet_ctx *cx;
    const struct nds_family *family;
    tcet_json *j;
};

int32_t nds_inner(const struct nds_stage *s)
{
    return (int32_t)rint(s->width * s->ratio);
}

/* ---- reading ---- */

/* The text of an event, for messages. */
static const char *nds_shown(const tcet_json *j, int event)
{
    static const char *const begin[] = {"the end", "{", "}", "[", "]"};

    return event > TCET_JSON_LIST_END ? j->text : event < 0 ? "" : begin[event];
}

static tcet_status nds_fail(struct nds_reader *r, int event, const char *want)
{
    if (event == TCET_JSON_ERROR)
        return tcet_failf(r->cx, TCET_E_ARG, "position %lld: %s", (long long)r->j->position,
                          r->j->error);
    return tcet_failf(r->cx, TCET_E_ARG, "position %lld: %s is expected, not \"%.24s\"",
                      (long long)r->j->position, want, nds_shown(r->j, event));
}

/* A number of an event; low .. high. */
static tcet_status nds_number(struct nds_reader *r, int event, double low, double high,
                              int is_whole, double *out)
{
    char want[80];

    *out = event == TCET_JSON_NUMBER ? strtod(r->j->text, NULL) : NAN;
    if (*out >= low && *out <= high && (!is_whole || *out == floor(*out)))
        return TCET_OK;
    snprintf(want, sizeof want, "a %snumber from %g to %g", is_whole ? "whole " : "", low, high);
    return nds_fail(r, event, want);
}

static tcet_status nds_integer(struct nds_reader *r, int event, int32_t low, int32_t high,
                               int32_t *out)
{
    double value;
    tcet_status st = nds_number(r, event, low, high, 1, &value);

    if (st >= 0)
        *out = (int32_t)value;
    return st;
}

/* One of a few names, of those in mask. */
static tcet_status nds_name(struct nds_reader *r, int event, const char *what,
                            const char *const *names, int32_t count, uint32_t mask, int32_t *out)
{
    const char *allowed[32];
    int32_t n = 0;

    if (event != TCET_JSON_STRING && event != TCET_JSON_NAME)
        return nds_fail(r, event, what);
    for (int32_t i = 0; i < count; i++) {
        if (!(mask >> i & 1))
            continue;
        allowed[n++] = names[i];
        if (!strcmp(r->j->text, names[i])) {
            *out = i;
            return TCET_OK;
        }
    }
    return space_unknown(r->cx, (size_t)r->j->position, what, r->j->text, r->j->length, allowed, n);
}

/* The next of a list's elements: 1, 0 at its end, or an error where it has more than max. */
static int nds_element(struct nds_reader *r, int32_t have, int32_t max, int *event,
                       tcet_status *status)
{
    char want[48];

    *event = tcet_json_next(r->j);
    if (*event == TCET_JSON_LIST_END)
        return 0;
    if (have < max && *event != TCET_JSON_ERROR)
        return 1;
    snprintf(want, sizeof want, "the end of a list of %d", max);
    *status = nds_fail(r, *event, want);
    return 0;
}

/* ["sep_conv_3x3", 0] */
static tcet_status nds_edge(struct nds_reader *r, int event, int32_t inputs, int32_t *op,
                            int32_t *input)
{
    tcet_status st;

    if (event != TCET_JSON_LIST)
        return nds_fail(r, event, "a list of an operation and its input");
    st = nds_name(r, tcet_json_next(r->j), "operation", nds_ops, NDS_OPS, r->family->ops, op);
    if (st >= 0)
        st = nds_integer(r, tcet_json_next(r->j), 0, inputs - 1, input);
    if (st >= 0 && (event = tcet_json_next(r->j)) != TCET_JSON_LIST_END)
        st = nds_fail(r, event, "]");
    return st;
}

static tcet_status nds_edges(struct nds_reader *r, struct darts_cell *c)
{
    int event = tcet_json_next(r->j);
    int32_t n = 0, edges = 2 * r->family->nodes;
    tcet_status st = TCET_OK;

    if (event != TCET_JSON_LIST)
        return nds_fail(r, event, "a list of operations and inputs");
    c->nodes = r->family->nodes;
    while (st >= 0 && nds_element(r, n, edges, &event, &st)) {
        st = nds_edge(r, event, 2 + n / 2, &c->op[n], &c->input[n]);
        n++;
    }
    if (st >= 0 && n < edges)
        return tcet_failf(r->cx, TCET_E_ARG, "position %lld: %d operations; a cell has %d",
                          (long long)r->j->position, n, edges);
    return st;
}

static tcet_status nds_concat(struct nds_reader *r, struct darts_cell *c)
{
    int event = tcet_json_next(r->j);
    uint32_t seen = 0;
    tcet_status st = TCET_OK;

    if (event != TCET_JSON_LIST)
        return nds_fail(r, event, "a list of nodes");
    c->concat_count = 0;
    while (st >= 0 && nds_element(r, c->concat_count, r->family->nodes, &event, &st)) {
        int32_t *node = &c->concat[c->concat_count];

        st = nds_integer(r, event, 2, 1 + r->family->nodes, node);
        if (st >= 0 && seen >> *node & 1)
            return tcet_failf(r->cx, TCET_E_ARG, "position %lld: node %d twice",
                              (long long)r->j->position, *node);
        if (st >= 0)
            seen |= 1u << c->concat[c->concat_count++];
    }
    if (st >= 0 && !c->concat_count)
        return tcet_failf(r->cx, TCET_E_ARG, "position %lld: a cell gives one node or more",
                          (long long)r->j->position);
    return st;
}

/* The next member of an object that must have each of names[count] in `all` once: its number, -1 at
 * the end, or *status. */
static int32_t nds_member(struct nds_reader *r, const char *const *names, int32_t count,
                          uint32_t all, uint32_t *seen, tcet_status *status)
{
    int event = tcet_json_next(r->j);
    int32_t i = 0;

    if (event == TCET_JSON_OBJECT_END) {
        while (i < count && (*seen >> i & 1 || !(all >> i & 1)))
            i++;
        if (i < count)
            *status = tcet_failf(r->cx, TCET_E_ARG, "position %lld: \"%s\" is missing",
                                 (long long)r->j->position, names[i]);
        return -1;
    }
    if (event != TCET_JSON_NAME) {
        *status = nds_fail(r, event, "a name");
        return -1;
    }
    *status = nds_name(r, event, "key", names, count, ~0u, &i);
    if (*status < 0)
        return -1;
    if (*seen >> i & 1) {
        *status = tcet_failf(r->cx, TCET_E_ARG, "position %lld: \"%s\" twice",
                             (long long)r->j->position, names[i]);
        return -1;
    }
    *seen |= 1u << i;
    return i;
}

static tcet_status nds_genotype(struct nds_reader *r, struct nds_net *net)
{
    static const char *const names[] = {"normal", "normal_concat", "reduce", "reduce_concat"};
    int event = tcet_json_next(r->j);
    uint32_t seen = 0;
    tcet_status st = TCET_OK;
    int32_t i;

    if (event != TCET_JSON_OBJECT)
        return nds_fail(r, event, "an object");
    while (st >= 0 && (i = nds_member(r, names, 4, 15, &seen, &st)) >= 0)
        st = i % 2 ? nds_concat(r, &net->cell[i / 2]) : nds_edges(r, &net->cell[i / 2]);
    net->nodes = r->family->nodes;
    return st;
}

static tcet_status nds_cell_net(struct nds_reader *r, struct nds_net *net)
{
    enum { GENOTYPE, WIDTH, DEPTH, AUX, DROP_PROB, NAMES };
    static const char *const names[NAMES] = {"genotype", "width", "depth", "aux", "drop_prob"};
    uint32_t seen = 0;
    tcet_status st = TCET_OK;
    int32_t i;

    while (st >= 0 && (i = nds_member(r, names, NAMES, 7, &seen, &st)) >= 0) {
        if (i == GENOTYPE)
            st = nds_genotype(r, net);
        else if (i == WIDTH)
            st = nds_integer(r, tcet_json_next(r->j), 1, NDS_WIDTH_MAX, &net->width);
        else if (i == DEPTH)
            st = nds_integer(r, tcet_json_next(r->j), 1, NDS_DEPTH_MAX, &net->depth);
        else {
            int event = tcet_json_skip(r->j, tcet_json_next(r->j));

            if (event == TCET_JSON_ERROR)
                st = nds_fail(r, event, "");
            else if (i == AUX)
                net->aux = event == TCET_JSON_WORD && !strcmp(r->j->text, "true");
        }
    }
    return st;
}

/* A list of numbers, one a stage; all lists are of one length, or empty. */
static tcet_status nds_stages(struct nds_reader *r, int32_t high, int ratios, double *out,
                              int32_t *count)
{
    int event = tcet_json_next(r->j);
    tcet_status st = TCET_OK;

    if (event != TCET_JSON_LIST)
        return nds_fail(r, event, "a list, one number a stage");
    for (*count = 0; st >= 0 && nds_element(r, *count, NDS_STAGES_MAX, &event, &st); ++*count)
        st = nds_number(r, event, ratios ? 0 : 1, high, !ratios, &out[*count]);
    return st;
}

static tcet_status nds_block_net(struct nds_reader *r, struct nds_net *net)
{
    enum { BLOCK, DS, WS, SS, RATIOS, GROUPS, NAMES };
    static const char *const names[NAMES] = {"block_type", "ds", "ws", "ss", "bot_muls", "num_gs"};
    static const int32_t high[NAMES] = {0, NDS_DEPTH_MAX, NDS_WIDTH_MAX, 8, 16, NDS_WIDTH_MAX};
    double list[NAMES][NDS_STAGES_MAX];
    int32_t count[NAMES] = {0}, block = NDS_BASIC, i, last;
    uint32_t seen = 0;
    tcet_status st = TCET_OK;

    while (st >= 0 && (i = nds_member(r, names, NAMES, 15, &seen, &st)) >= 0)
        st = i == BLOCK
                 ? nds_name(r, tcet_json_next(r->j), "block", nds_blocks, NDS_BLOCKS, ~0u, &block)
                 : nds_stages(r, high[i], i == RATIOS, list[i], &count[i]);
    if (st < 0)
        return st;
    last = block == NDS_BOTTLENECK ? GROUPS : SS;
    if (!count[DS])
        return tcet_failf(r->cx, TCET_E_ARG,
                          "position %lld: \"ds\" has no number; one a stage, 1 to %d of them",
                          (long long)r->j->position, NDS_STAGES_MAX);
    for (i = DS; i <= last; i++)
        if (count[i] != count[DS])
            return tcet_failf(r->cx, TCET_E_ARG,
                              "position %lld: \"%s\" has %d numbers, \"ds\" %d; one a stage",
                              (long long)r->j->position, names[i], count[i], count[DS]);
    net->block = (enum nds_block)block;
    net->stages = count[DS];
    for (int32_t k = 0; k < net->stages; k++)
        net->stage[k] = (struct nds_stage){
            .depth = (int32_t)list[DS][k],
            .width = (int32_t)list[WS][k],
            .stride = (int32_t)list[SS][k],
            .groups = last == GROUPS ? (int32_t)list[GROUPS][k] : 1,
            .ratio = last == GROUPS ? list[RATIOS][k] : 1.0,
        };
    return TCET_OK;
}

/* The members of an object, from the first on. */
static tcet_status nds_net_of(struct nds_reader *r, struct nds_net *out)
{
    memset(out, 0, sizeof *out);
    return r->family->nodes ? nds_cell_net(r, out) : nds_block_net(r, out);
}

/* {"family": NAME, "net": {...}} from the value of its first member on. */
static tcet_status nds_wrapped(struct nds_reader *r, int is_net, struct nds_net *out)
{
    static const char *const names[] = {"family", "net"};
    uint32_t seen = 1u << is_net;
    tcet_status st = TCET_OK;
    int32_t i = is_net;

    do {
        int event = tcet_json_next(r->j);

        if (i && event != TCET_JSON_OBJECT)
            return nds_fail(r, event, "an object");
        if (!i && event != TCET_JSON_STRING)
            return nds_fail(r, event, "a name");
        if (i)
            st = nds_net_of(r, out);
    } while (st >= 0 && (i = nds_member(r, names, 2, 2, &seen, &st)) >= 0);
    return st;
}

tcet_status nds_read(tcet_ctx *cx, const struct nds_family *family, tcet_json *j, int event,
                     struct nds_net *out)
{
    struct nds_reader r = {cx, family, j};

    if (event != TCET_JSON_OBJECT)
        return nds_fail(&r, event, "an object, the \"net\" of an entry,");
    return nds_net_of(&r, out);
}

/* Does the text begin with this member? */
static int nds_begins(const char *text, const char *member)
{
    text += strspn(text, " ");
    text += *text == '{';
    text += strspn(text, " ");
    return !strncmp(text, member, strlen(member));
}

tcet_status nds_parse(tcet_ctx *cx, const struct nds_family *family, const char *text,
                      struct nds_net *out)
{
    char word[64];
    tcet_json j = tcet_json_of(text, strlen(text), word, sizeof word);
    struct nds_reader r = {cx, family, &j};
    int is_net = nds_begins(text, "\"net\""), event = tcet_json_next(&j);
    tcet_status st;

    if (event == TCET_JSON_OBJECT && (is_net || nds_begins(text, "\"family\""))) {
        tcet_json_next(&j);
        st = nds_wrapped(&r, is_net, out);
    } else {
        st = nds_read(cx, family, &j, event, out);
    }
    if (st >= 0 && (event = tcet_json_next(&j)) != TCET_JSON_END)
        st = nds_fail(&r, event, "the end");
    return st;
}

/* ---- printing ---- */

struct nds_writer {
    char *text;
    size_t at;
};

__attribute__((format(printf, 2, 3))) static void nds_put(struct nds_writer *w, const char *format,
                                                          ...)
{
    va_list ap;

    va_start(ap, format);
    w->at += (size_t)vsnprintf(w->text + w->at, NDS_ENCODING_MAX - w->at, format, ap);
    va_end(ap);
}

static void nds_put_cell(struct nds_writer *w, const char *name, const struct darts_cell *c)
{
    nds_put(w, "\"%s\":[", name);
    for (int32_t e = 0; e < 2 * c->nodes; e++)
        nds_put(w, "%s[\"%s\",%d]", e ? "," : "", nds_ops[c->op[e]], c->input[e]);
    nds_put(w, "],\"%s_concat\":[", name);
    for (int32_t i = 0; i < c->concat_count; i++)
        nds_put(w, "%s%d", i ? "," : "", c->concat[i]);
    nds_put(w, "]");
}

/* A ratio as Python prints it: so few digits that it is read again as it is, and a point. */
static void nds_put_ratio(struct nds_writer *w, double ratio)
{
    char digits[40];
    int n = 1;

    do
        snprintf(digits, sizeof digits, "%.*g", n, ratio);
    while (n++ < 17 && strtod(digits, NULL) != ratio);
    nds_put(w, "%s%s", digits, strpbrk(digits, ".e") ? "" : ".0");
}

static void nds_put_stages(struct nds_writer *w, const struct nds_net *net)
{
    static const char *const names[] = {"ds", "ws", "ss", "bot_muls", "num_gs"};
    int32_t lists = net->block == NDS_BOTTLENECK ? 5 : 3;

    nds_put(w, "{\"block_type\":\"%s\"", nds_blocks[net->block]);
    for (int32_t list = 0; list < lists; list++) {
        nds_put(w, ",\"%s\":[", names[list]);
        for (int32_t i = 0; i < net->stages; i++) {
            const struct nds_stage *s = &net->stage[i];
            const int32_t value[] = {s->depth, s->width, s->stride, 0, s->groups};

            nds_put(w, "%s", i ? "," : "");
            if (list == 3)
                nds_put_ratio(w, s->ratio);
            else
                nds_put(w, "%d", value[list]);
        }
        nds_put(w, "]");
    }
    nds_put(w, "}");
}

size_t nds_print(const struct nds_net *net, char text[NDS_ENCODING_MAX])
{
    struct nds_writer w = {text, 0};

    if (!net->nodes) {
        nds_put_stages(&w, net);
        return w.at;
    }
    nds_put(&w, "{\"genotype\":{");
    for (int32_t i = 0; i < DARTS_CELLS; i++) {
        nds_put(&w, "%s", i ? "," : "");
        nds_put_cell(&w, nds_cells[i], &net->cell[i]);
    }
    nds_put(&w, "},\"width\":%d,\"depth\":%d}", net->width, net->depth);
    return w.at;
}

void nds_set_concat(const struct nds_family *family, struct darts_cell *c)
{
    uint32_t taken = 0;

    for (int32_t e = 0; e < 2 * c->nodes; e++)
        taken |= 1u << c->input[e];
    c->concat_count = 0;
    for (int32_t node = 2; node < 2 + c->nodes; node++)
        if (!family->loose || !(taken >> node & 1))
            c->concat[c->concat_count++] = node;
}
