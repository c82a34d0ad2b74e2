/* tape.c -- exact Hessian-vector products where tangent.c has none (other devices, products and
 * smooth curves): the graph once more, on libtorch's autograd.
 * Room: plugins/backend/torch.  Rare; speed is libtorch's. */
#include "ops.h"

#include <stdlib.h>

/* Leaves of a module's parameters; -1 gradients are not wanted. */
static ts_tensor *leaf(struct job *j, const tcet_graph_module *m, int bias)
{
    int64_t count = bias ? m->bias_count : m->weight_count;
    const float *from = j->run->params + (bias ? m->bias : m->weight);

    if (count == 0)
        return NULL;
    return ts_leaf(j->d, from, bias ? &count : m->shape, bias ? 1 : m->ndim,
                   !bias && m->layer >= 0);
}

/* The logits of forward `at`; whatever else it made goes with its last reader. */
static ts_tensor *record(struct job *j, int32_t at, ts_tensor *const *w, ts_tensor *const *b)
{
    const tcet_graph *g = j->graph;
    const int64_t shape[4] = {j->ask.n, g->channels, g->height, g->width};
    const float *x = j->run->x + at * j->ask.n * shape[1] * shape[2] * shape[3];
    ts_tensor **t = calloc((size_t)g->node_count, sizeof(ts_tensor *)), *logits = NULL;
    ts_tensor **in = calloc((size_t)g->node_count + 1, sizeof(ts_tensor *));
    int32_t i = t && in ? 0 : g->node_count;

    if (i)
        job_fail(j, TCET_E_MEMORY, "out of memory");
    for (; i < g->node_count; i++) {
        const tcet_node *node = &g->nodes[i];
        int has = job_has_params(j, node);

        for (int32_t k = 0; k < node->input_count && k <= g->node_count; k++)
            in[k] = t[g->inputs[node->first_input + k]];
        if (!node->input_count && i > 0) /* an image tells how many there are */
            in[0] = t[0];
        if (norm_is_given(j, i)) {
            job_fail(j, TCET_E_UNSUPPORTED,
                     "H g, where it is libtorch's, of batch norms with given running statistics");
            break;
        }
        if (job_op(j, i)->input)
            t[i] = ts_leaf(j->d, x, shape, 4, 0);
        else
            t[i] = ts_apply(j->d, node, in, node->input_count ? node->input_count : 1,
                            has ? w[node->module] : NULL, has ? b[node->module] : NULL,
                            j->run->pass->norm);
        if (!t[i]) {
            job_fail(j, TCET_E_BACKEND, "recording the graph");
            break;
        }
    }
    for (i = 0; t && i < g->node_count; i++) {
        if (i == g->output)
            logits = t[i];
        else
            ts_free(t[i]);
    }
    free(t);
    free(in);
    return logits;
}

/* Compacts the weight modules and asks for row `row` of their H g. */
static tcet_status differentiate(struct job *j, ts_tensor *loss, ts_tensor *const *w, int64_t row)
{
    int32_t modules = j->graph->module_count, count = 0;
    ts_tensor **weights = calloc((size_t)modules + 1, sizeof(ts_tensor *));
    void **to = calloc((size_t)modules + 1, sizeof *to);
    int status = TCET_E_MEMORY;

    if (weights && to) {
        for (int32_t k = 0; k < modules; k++) {
            const tcet_graph_module *m = &j->graph->modules[k];

            if (m->layer >= 0) {
                weights[count] = w[k];
                to[count++] =
                    (char *)j->now.hessian[k] + (size_t)(row * m->weight_count) * j->ask.size;
            }
        }
        status = ts_hessian(j->d, loss, weights, count, row + 1 < j->plan.hvp_rows, to);
    }
    free(weights);
    free(to);
    return status == 0 ? TCET_OK : job_fail(j, status, "Hessian-vector product");
}

/* The loss of forward `at`, of all its images or (only >= 0) of one; NULL: failed. */
static ts_tensor *loss_value(struct job *j, int32_t at, ts_tensor *logits, int64_t only)
{
    struct ts_loss s = loss_of(j, at, 0, j->ask.n, only);
    ts_tensor *loss = ts_loss_value(j->d, &s, logits);

    if (!loss)
        job_fail(j, TCET_E_BACKEND, "loss");
    return loss;
}

/* The sum of the mini-batches' losses, each of a recording of its own. */
static ts_tensor *whole_loss(struct job *j, ts_tensor *const *w, ts_tensor *const *b)
{
    ts_tensor *sum = NULL;
    tcet_status st = TCET_OK;

    for (int32_t at = 0; at < j->ask.forwards && st == TCET_OK; at++) {
        ts_tensor *logits = record(j, at, w, b),
                  *loss = logits ? loss_value(j, at, logits, -1) : NULL;

        if (!loss)
            st = TCET_E_BACKEND;
        else if (sum)
            st = job_check(j, ts_add_to(j->d, sum, loss), j->plan.output, "loss");
        ts_free(logits);
        if (sum)
            ts_free(loss);
        else
            sum = loss;
    }
    if (st == TCET_OK)
        return sum;
    ts_free(sum);
    return NULL;
}

static tcet_status batch_row(struct job *j, ts_tensor *const *w, ts_tensor *const *b)
{
    ts_tensor *loss = whole_loss(j, w, b);
    tcet_status st = loss ? differentiate(j, loss, w, 0) : TCET_E_BACKEND;

    ts_free(loss);
    return st;
}

/* One row an image, of one recording. */
static tcet_status sample_rows(struct job *j, ts_tensor *const *w, ts_tensor *const *b)
{
    ts_tensor *logits = record(j, 0, w, b);
    tcet_status st = logits ? TCET_OK : TCET_E_BACKEND;

    for (int64_t k = 0; k < j->plan.hvp_rows && st == TCET_OK; k++) {
        ts_tensor *loss = loss_value(j, 0, logits, k);

        st = loss ? differentiate(j, loss, w, k) : TCET_E_BACKEND;
        ts_free(loss);
        if (st == TCET_OK && j->cx->host->cancelled(j->cx))
            st = job_fail(j, TCET_E_CANCELLED, "cancelled");
    }
    ts_free(logits);
    return st;
}

tcet_status tape_hessian(struct job *j)
{
    const tcet_graph *g = j->graph;
    size_t modules = (size_t)g->module_count + 1;
    ts_tensor **w = calloc(modules, sizeof(ts_tensor *)),
              **b = calloc(modules, sizeof(ts_tensor *));
    tcet_status st = w && b ? TCET_OK : job_fail(j, TCET_E_MEMORY, "out of memory");

    for (int32_t k = 0; k < g->module_count && st == TCET_OK; k++) {
        w[k] = leaf(j, &g->modules[k], 0);
        b[k] = leaf(j, &g->modules[k], 1);
        if ((g->modules[k].weight_count && !w[k]) || (g->modules[k].bias_count && !b[k]))
            st = job_fail(j, TCET_E_BACKEND, "weights");
    }
    if (st == TCET_OK)
        st = j->run->pass->gradient == TCET_GRADIENT_SAMPLE ? sample_rows(j, w, b)
                                                            : batch_row(j, w, b);
    for (size_t k = 0; w && b && k < modules; k++) {
        ts_free(w[k]);
        ts_free(b[k]);
    }
    free(w);
    free(b);
    return st;
}
