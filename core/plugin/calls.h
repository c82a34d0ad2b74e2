/* calls.h -- a plugin's functions as functions of the host: each begins the call, makes it and ends
 * it (instance.h), so that a place which calls a plugin is one line.
 *
 * Room: core/plugin.  What a call may use besides its arguments (guards, random_state, stop) is
 * set in the instance's `cx` before.  Arguments, outputs and threads are as the SDK's header of
 * the kind says, and an output's struct_size is filled in; optional functions may be called where
 * they are there (OPS).  Errors: those of
 * call_end. */
#ifndef CORE_CALLS_H
#define CORE_CALLS_H

#include <tcet/aggregator.h>
#include <tcet/combiner.h>
#include <tcet/dataset.h>
#include <tcet/draft/backend.h>
#include <tcet/saliency.h>
#include <tcet/space.h>
#include <tcet/strategy.h>

#include "plugin/instance.h"

tcet_status saliency_describe(struct instance *i, tcet_request *request, struct error *err);
tcet_status saliency_layer(struct instance *i, const tcet_layer *in, tcet_view *out,
                           struct error *err);
tcet_status saliency_shape(struct instance *i, const tcet_layer *in, int64_t *rows, int64_t *cols,
                           struct error *err);

tcet_status aggregator_reduce(struct instance *i, const tcet_view *s, double *out,
                              struct error *err);
/* The sum, where the plugin has no finish(). */
tcet_status aggregator_finish(struct instance *i, const double *values, size_t n, double *out,
                              struct error *err);

tcet_status combiner_score(struct instance *i, const tcet_metric *const *metrics, size_t count,
                           double *out, struct error *err);
tcet_status combiner_elements(struct instance *i, const tcet_view *const *s, size_t count,
                              tcet_view *out, struct error *err);
tcet_status combiner_rank(struct instance *i, const tcet_column *const *columns, size_t count,
                          double *out, struct error *err);

tcet_status space_size(struct instance *i, int64_t *out, struct error *err);
tcet_status space_task(struct instance *i, tcet_task *out, struct error *err);
tcet_status space_at(struct instance *i, int64_t index, char *text, size_t cap, struct error *err);
tcet_status space_check(struct instance *i, const char *text, struct error *err);
tcet_status space_canonical(struct instance *i, const char *text, char *key, size_t cap,
                            struct error *err);
tcet_status space_traits(struct instance *i, const char *text, tcet_traits *out, struct error *err);
/* build(), or build_thin().  What the builder has refused is no error here: who finishes its graph
 * is told. */
tcet_status space_build(struct instance *i, int thin, const char *text, const tcet_task *task,
                        tcet_builder *b, struct error *err);
/* The network that is to be trained: build_train(), or where the space has none build(). */
tcet_status space_build_train(struct instance *i, const char *text, const tcet_task *task,
                              tcet_builder *b, struct error *err);
tcet_status space_random(struct instance *i, char *text, size_t cap, struct error *err);
tcet_status space_mutate(struct instance *i, const char *from, char *text, size_t cap,
                         struct error *err);
tcet_status space_crossover(struct instance *i, const char *one, const char *two, char *text,
                            size_t cap, struct error *err);
tcet_status space_index_of(struct instance *i, const char *text, int64_t *out, struct error *err);
tcet_status space_neighbours(struct instance *i, const char *from, int64_t index, int64_t *count,
                             char *text, size_t cap, struct error *err);
/* The encoding under which an architecture is listed; the text itself where the space has no other. */
tcet_status space_listed(struct instance *i, const char *text, char *out, size_t cap,
                         struct error *err);
/* The natural task of one architecture; the space's where architectures have none of their own. */
tcet_status space_task_of(struct instance *i, const char *text, tcet_task *out, struct error *err);
tcet_status space_facts(struct instance *i, const char *text, const tcet_task *task,
                        tcet_facts *out, struct error *err);

tcet_status strategy_ask(struct instance *i, const tcet_space_view *space, tcet_ask *out,
                         struct error *err);
tcet_status strategy_tell(struct instance *i, const tcet_told *told, struct error *err);
tcet_status strategy_rescored(struct instance *i, const tcet_told *told, struct error *err);

tcet_status dataset_open(struct instance *i, struct error *err);
tcet_status dataset_info(struct instance *i, tcet_data_info *out, struct error *err);
tcet_status dataset_draw(struct instance *i, const tcet_data_request *request, float *x, int64_t *y,
                         struct error *err);
/* TCET_E_UNSUPPORTED where it has no such function. */
tcet_status dataset_targets(struct instance *i, const tcet_data_request *request, float *t,
                            struct error *err);
tcet_status dataset_splits(struct instance *i, tcet_data_splits *out, struct error *err);
tcet_status dataset_read(struct instance *i, const tcet_read_request *request, uint8_t *images,
                         int64_t *labels, struct error *err);

tcet_status backend_open(struct instance *i, struct error *err);
tcet_status backend_info(struct instance *i, tcet_backend_info *out, struct error *err);
tcet_status backend_supports(struct instance *i, const tcet_pass *pass, uint32_t sites,
                             uint32_t wants, struct error *err);
tcet_status backend_prepare(struct instance *i, const tcet_graph *graph, tcet_model **out,
                            struct error *err);
tcet_status backend_run(struct instance *i, tcet_model *model, tcet_run *run, struct error *err);
tcet_status backend_collect(struct instance *i, tcet_model *model, tcet_run *run,
                            struct error *err);
void backend_release(struct instance *i, tcet_model *model);
/* May the backend train? */
int backend_trains(const struct instance *i);
tcet_status backend_train_open(struct instance *i, tcet_model *model, const tcet_train *how,
                               const float *params, const uint8_t *decay, tcet_training **out,
                               struct error *err);
tcet_status backend_train_step(struct instance *i, tcet_training *t, const tcet_batch *batch,
                               double lr, double wd, int64_t step, tcet_train_result *out,
                               struct error *err);
tcet_status backend_train_eval(struct instance *i, tcet_training *t, const tcet_batch *batch,
                               uint32_t ema, tcet_train_result *out, double *logits,
                               struct error *err);
tcet_status backend_train_sizes(struct instance *i, const tcet_training *t,
                                int64_t counts[TCET_STATES], struct error *err);
tcet_status backend_train_read(struct instance *i, tcet_training *t, uint32_t state, void *to,
                               struct error *err);
tcet_status backend_train_write(struct instance *i, tcet_training *t, uint32_t state,
                                const void *from, struct error *err);
void backend_train_close(struct instance *i, tcet_training *t); /* t: NULL is fine */

#endif
