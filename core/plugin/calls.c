/* calls.c -- see calls.h.  Room: core/plugin. */
#include "plugin/calls.h"

#include <string.h>

/* One call of instance i, whose failure goes to err. */
#define CALL(kind, function, ...)                                                                 \
    call_end(                                                                                     \
        &i->cx,                                                                                   \
        OPS(tcet_##kind##_ops, i)->function(call_begin(&i->cx, #function), i->self, __VA_ARGS__), \
        err)

tcet_status saliency_describe(struct instance *i, tcet_request *request, struct error *err)
{
    return CALL(saliency, describe, request);
}

tcet_status saliency_layer(struct instance *i, const tcet_layer *in, tcet_view *out,
                           struct error *err)
{
    return CALL(saliency, layer, in, out);
}

tcet_status saliency_shape(struct instance *i, const tcet_layer *in, int64_t *rows, int64_t *cols,
                           struct error *err)
{
    return CALL(saliency, shape, in, rows, cols);
}

tcet_status aggregator_reduce(struct instance *i, const tcet_view *s, double *out,
                              struct error *err)
{
    return CALL(aggregator, reduce, s, out);
}

tcet_status aggregator_finish(struct instance *i, const double *values, size_t n, double *out,
                              struct error *err)
{
    double sum = 0;

    if (OPS(tcet_aggregator_ops, i)->finish)
        return CALL(aggregator, finish, values, (int64_t)n, out);
    for (size_t k = 0; k < n; k++)
        sum += values[k];
    *out = sum;
    return TCET_OK;
}

tcet_status combiner_score(struct instance *i, const tcet_metric *const *metrics, size_t count,
                           double *out, struct error *err)
{
    return CALL(combiner, score, metrics, (int64_t)count, out);
}

tcet_status combiner_elements(struct instance *i, const tcet_view *const *s, size_t count,
                              tcet_view *out, struct error *err)
{
    return CALL(combiner, elements, s, (int64_t)count, out);
}

tcet_status combiner_rank(struct instance *i, const tcet_column *const *columns, size_t count,
                          double *out, struct error *err)
{
    return CALL(combiner, rank, columns, (int64_t)count, out);
}

tcet_status space_size(struct instance *i, int64_t *out, struct error *err)
{
    return CALL(space, size, out);
}

tcet_status space_task(struct instance *i, tcet_task *out, struct error *err)
{
    out->struct_size = sizeof *out;
    return CALL(space, task, out);
}

tcet_status space_at(struct instance *i, int64_t index, char *text, size_t cap, struct error *err)
{
    return CALL(space, at, index, text, cap);
}

tcet_status space_check(struct instance *i, const char *text, struct error *err)
{
    return CALL(space, check, text);
}

tcet_status space_canonical(struct instance *i, const char *text, char *key, size_t cap,
                            struct error *err)
{
    return CALL(space, canonical, text, key, cap);
}

tcet_status space_traits(struct instance *i, const char *text, tcet_traits *out, struct error *err)
{
    out->struct_size = sizeof *out;
    return CALL(space, traits, text, out);
}

typedef tcet_status build_call(tcet_ctx *cx, void *self, const char *text, const tcet_task *task,
                               tcet_builder *b);

static tcet_status build(struct instance *i, build_call *call, const char *text,
                         const tcet_task *task, tcet_builder *b, struct error *err)
{
    tcet_status st = call(call_begin(&i->cx, "build"), i->self, text, task, b);

    if (st < 0 && !i->cx.err.text[0] && b->status(b) < 0)
        st = TCET_OK;
    return call_end(&i->cx, st, err);
}

tcet_status space_build(struct instance *i, int thin, const char *text, const tcet_task *task,
                        tcet_builder *b, struct error *err)
{
    const tcet_space_ops *ops = OPS(tcet_space_ops, i);

    return build(i, thin ? ops->build_thin : ops->build, text, task, b, err);
}

tcet_status space_build_train(struct instance *i, const char *text, const tcet_task *task,
                              tcet_builder *b, struct error *err)
{
    const tcet_space_ops *ops = OPS(tcet_space_ops, i);

    return build(i, ops->build_train ? ops->build_train : ops->build, text, task, b, err);
}

tcet_status space_random(struct instance *i, char *text, size_t cap, struct error *err)
{
    return CALL(space, random, text, cap);
}

tcet_status space_mutate(struct instance *i, const char *from, char *text, size_t cap,
                         struct error *err)
{
    return CALL(space, mutate, from, text, cap);
}

tcet_status space_crossover(struct instance *i, const char *one, const char *two, char *text,
                            size_t cap, struct error *err)
{
    return CALL(space, crossover, one, two, text, cap);
}

tcet_status space_index_of(struct instance *i, const char *text, int64_t *out, struct error *err)
{
    return CALL(space, index_of, text, out);
}

tcet_status space_neighbours(struct instance *i, const char *from, int64_t index, int64_t *count,
                             char *text, size_t cap, struct error *err)
{
    return CALL(space, neighbours, from, index, count, text, cap);
}

tcet_status space_listed(struct instance *i, const char *text, char *out, size_t cap,
                         struct error *err)
{
    if (OPS(tcet_space_ops, i)->listed)
        return CALL(space, listed, text, out, cap);
    if (strlen(text) >= cap)
        return error_set(err, TCET_E_ARG, "an encoding of %zu bytes; it may have %zu", strlen(text),
                         cap - 1);
    strcpy(out, text);
    return TCET_OK;
}

tcet_status space_task_of(struct instance *i, const char *text, tcet_task *out, struct error *err)
{
    if (!OPS(tcet_space_ops, i)->task_of)
        return space_task(i, out, err);
    out->struct_size = sizeof *out;
    return CALL(space, task_of, text, out);
}

tcet_status space_facts(struct instance *i, const char *text, const tcet_task *task,
                        tcet_facts *out, struct error *err)
{
    *out = (tcet_facts){.struct_size = sizeof *out};
    return CALL(space, facts, text, task, out);
}

tcet_status strategy_ask(struct instance *i, const tcet_space_view *space, tcet_ask *out,
                         struct error *err)
{
    return CALL(strategy, ask, space, out);
}

tcet_status strategy_tell(struct instance *i, const tcet_told *told, struct error *err)
{
    return CALL(strategy, tell, told);
}

tcet_status strategy_rescored(struct instance *i, const tcet_told *told, struct error *err)
{
    return CALL(strategy, rescored, told);
}

tcet_status dataset_open(struct instance *i, struct error *err)
{
    return call_end(&i->cx, OPS(tcet_dataset_ops, i)->open(call_begin(&i->cx, "open"), i->self),
                    err);
}

tcet_status dataset_info(struct instance *i, tcet_data_info *out, struct error *err)
{
    out->struct_size = sizeof *out;
    return CALL(dataset, info, out);
}

tcet_status dataset_draw(struct instance *i, const tcet_data_request *request, float *x, int64_t *y,
                         struct error *err)
{
    return CALL(dataset, draw, request, x, y);
}

tcet_status dataset_targets(struct instance *i, const tcet_data_request *request, float *t,
                            struct error *err)
{
    if (!OPS(tcet_dataset_ops, i)->targets)
        return error_set(err, TCET_E_UNSUPPORTED, "it has no function targets()");
    return CALL(dataset, targets, request, t);
}

tcet_status dataset_splits(struct instance *i, tcet_data_splits *out, struct error *err)
{
    *out = (tcet_data_splits){.struct_size = sizeof *out};
    return CALL(dataset, splits, out);
}

tcet_status dataset_read(struct instance *i, const tcet_read_request *request, uint8_t *images,
                         int64_t *labels, struct error *err)
{
    return CALL(dataset, read, request, images, labels);
}

tcet_status backend_open(struct instance *i, struct error *err)
{
    return call_end(&i->cx, OPS(tcet_backend_ops, i)->open(call_begin(&i->cx, "open"), i->self),
                    err);
}

tcet_status backend_info(struct instance *i, tcet_backend_info *out, struct error *err)
{
    out->struct_size = sizeof *out;
    return CALL(backend, info, out);
}

tcet_status backend_supports(struct instance *i, const tcet_pass *pass, uint32_t sites,
                             uint32_t wants, struct error *err)
{
    return CALL(backend, supports, pass, sites, wants);
}

tcet_status backend_prepare(struct instance *i, const tcet_graph *graph, tcet_model **out,
                            struct error *err)
{
    return CALL(backend, prepare, graph, out);
}

tcet_status backend_run(struct instance *i, tcet_model *model, tcet_run *run, struct error *err)
{
    return CALL(backend, run, model, run);
}

tcet_status backend_collect(struct instance *i, tcet_model *model, tcet_run *run, struct error *err)
{
    return CALL(backend, collect, model, run);
}

void backend_release(struct instance *i, tcet_model *model)
{
    OPS(tcet_backend_ops, i)->release(i->self, model);
}

int backend_trains(const struct instance *i)
{
    return OPS(tcet_backend_ops, i)->train_open != NULL;
}

tcet_status backend_train_open(struct instance *i, tcet_model *model, const tcet_train *how,
                               const float *params, const uint8_t *decay, tcet_training **out,
                               struct error *err)
{
    return CALL(backend, train_open, model, how, params, decay, out);
}

tcet_status backend_train_step(struct instance *i, tcet_training *t, const tcet_batch *batch,
                               double lr, double wd, int64_t step, tcet_train_result *out,
                               struct error *err)
{
    *out = (tcet_train_result){.struct_size = sizeof *out};
    return CALL(backend, train_step, t, batch, lr, wd, step, out);
}

tcet_status backend_train_eval(struct instance *i, tcet_training *t, const tcet_batch *batch,
                               uint32_t ema, tcet_train_result *out, double *logits,
                               struct error *err)
{
    *out = (tcet_train_result){.struct_size = sizeof *out};
    return CALL(backend, train_eval, t, batch, ema, out, logits);
}

tcet_status backend_train_sizes(struct instance *i, const tcet_training *t,
                                int64_t counts[TCET_STATES], struct error *err)
{
    return CALL(backend, train_sizes, t, counts);
}

tcet_status backend_train_read(struct instance *i, tcet_training *t, uint32_t state, void *to,
                               struct error *err)
{
    return CALL(backend, train_read, t, state, to);
}

tcet_status backend_train_write(struct instance *i, tcet_training *t, uint32_t state,
                                const void *from, struct error *err)
{
    return CALL(backend, train_write, t, state, from);
}

void backend_train_close(struct instance *i, tcet_training *t)
{
    if (t)
        OPS(tcet_backend_ops, i)->train_close(i->self, t);
}
