/* layerdot.c -- T-CET's joint score: the layers' numbers of two or more metrics multiplied,
 * layer by layer, and summed.
 *
 * Room: plugins/combiner.  Touches the SDK and libc alone. */
#include <stdlib.h>
#include <tcet/combiner.h>
#include <tcet/failf.h>

struct layerdot {
    int32_t match;
};

enum { MATCH_MODULE = 0, MATCH_ORDER = 1 };

/* Where module stands in m, -1: nowhere.  Metrics mostly list the same layers, so the same
 * place is tried first. */
static int64_t find(const tcet_metric *m, int32_t module, int64_t hint)
{
    if (hint < m->layers && m->module[hint] == module)
        return hint;
    for (int64_t i = 0; i < m->layers; i++) {
        if (m->module[i] == module)
            return i;
    }
    return -1;
}

/* Layers that not all metrics have contribute nothing. */
static int64_t by_module(const tcet_metric *const *metrics, int64_t count, double *out)
{
    int64_t joined = 0;
    double sum = 0.0;

    for (int64_t i = 0; i < metrics[0]->layers; i++) {
        double product = metrics[0]->values[i];
        int64_t k = 1;

        for (; k < count; k++) {
            int64_t at = find(metrics[k], metrics[0]->module[i], i);

            if (at < 0)
                break;
            product *= metrics[k]->values[at];
        }
        if (k == count) {
            sum += product;
            joined++;
        }
    }
    *out = sum;
    return joined;
}

struct entry {
    int32_t order, index;
};

static int by_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->order != y->order ? (x->order > y->order) - (x->order < y->order)
                                : (x->index > y->index) - (x->index < y->index);
}

/* The list that the official toolkit would hold: a metric read from activations has an entry
 * for every executed layer, as executed; others have one for every layer, as created. */
static int64_t list(const tcet_metric *m, struct entry *out)
{
    int64_t n = 0;

    for (int64_t i = 0; i < m->layers; i++) {
        if (m->activation && m->order[i] < 0)
            continue;
        out[n].order = m->activation ? m->order[i] : (int32_t)i;
        out[n++].index = (int32_t)i;
    }
    qsort(out, (size_t)n, sizeof *out, by_order);
    return n;
}

/* Position by position, to the end of the shortest list. */
static tcet_status by_position(tcet_ctx *cx, const tcet_metric *const *metrics, int64_t count,
                               double *out)
{
    struct entry *entries;
    double *products = NULL, sum = 0.0;
    int64_t shortest = 0, uneven = 0;

    for (int64_t k = 0; k < count; k++) {
        int64_t n;

        entries = cx->host->scratch(cx, (size_t)metrics[k]->layers * sizeof *entries);
        if (entries && k == 0)
            products = cx->host->scratch(cx, (size_t)metrics[k]->layers * sizeof *products);
        if (!entries || !products)
            return tcet_fail(cx, TCET_E_MEMORY, "no memory for the layers' order");
        n = list(metrics[k], entries);
        if (k > 0)
            uneven |= n != shortest;
        if (k == 0 || n < shortest)
            shortest = n;
        for (int64_t i = 0; i < shortest; i++) {
            double v = metrics[k]->values[entries[i].index];

            products[i] = k == 0 ? v : products[i] * v;
        }
    }
    for (int64_t i = 0; i < shortest; i++)
        sum += products[i];
    if (uneven)
        cx->host->guard(cx, "layerdot_uneven_lists");
    *out = sum;
    return TCET_OK;
}

static tcet_status score(tcet_ctx *cx, void *self, const tcet_metric *const *metrics, int64_t count,
                         double *out)
{
    const struct layerdot *p = self;

    for (int64_t k = 0; k < count; k++) {
        if (metrics[k]->layers == 0)
            return tcet_failf(cx, TCET_E_ARG,
                              "metric \"%s\" has no numbers of layers (partition = network?)",
                              metrics[k]->name);
    }
    if (p->match == MATCH_ORDER)
        return by_position(cx, metrics, count, out);
    if (by_module(metrics, count, out) == 0)
        return tcet_failf(cx, TCET_E_ARG, "metrics \"%s\" and \"%s\" have no layer in common",
                          metrics[0]->name, metrics[count - 1]->name);
    return TCET_OK;
}

static const char *const match[] = {"module", "order", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct layerdot, match, "module", match,
                      "How layers meet: the same module; or by position, metrics of activations "
                      "in order of execution and others in order of creation, to the end of the "
                      "shortest list (the official toolkit)."),
};
static const tcet_combiner_ops ops = {.struct_size = sizeof ops,
                                      .scope = TCET_SCOPE_LAYER,
                                      .direction = 0,
                                      .min_metrics = 2,
                                      .score = score};
static const tcet_plugin layerdot = {
    .struct_size = sizeof layerdot,
    .kind = TCET_COMBINER,
    .id = "layerdot",
    .version = "1.0.0",
    .summary = "T-CET: sum over layers of the product of the metrics' numbers of that layer.",
    .cite = "T-CET (AutoML 2023), eq. 7; Tiaspetto/T-CET compute_orthogornal_score.py",
    TCET_PARAMS(struct layerdot, params),
    .ops = &ops,
};

TCET_MODULE(&layerdot)
