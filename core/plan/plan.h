/* plan.h -- a config resolved: which plugins, which metrics and scores, which distinct
 * passes they need together, and what identifies every value.
 *
 * Room: core/plan.  A plan lives in a worker process (it runs plugin code: describe()).  It
 * is immutable once made; scoring (score.h) keeps its state apart.  Every error that the
 * config can hold is found here, before any work. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "config/config.h"
#include "graph/graph.h"
#include "plugin/instance.h"
#include "result/result.h"

#include <tcet/aggregator.h>
#include <tcet/combiner.h>
#include <tcet/dataset.h>
#include <tcet/draft/backend.h>
#include <tcet/saliency.h>
#include <tcet/space.h>

/* One source of mini-batches.  The first is the [data] section's; a metric with keys `data`,
 * `batch` or `data_seed` of its own has another. */
struct plan_data {
    struct instance *dataset;
    tcet_data_info info;
    const char *key; /* identity of the mini-batches, completed when they are drawn */
    const char *id;  /* dataset plugin */
    const struct config_section
        *section; /* that asks for it; NULL where the config has no [data] */
    uint64_t seed;
    int64_t batch, batches;
    float *x;             /* [batches, batch, channels, height, width]; NULL, as y, where no pass
                             reads them, unless these are the first */
    float *thin;          /* [batches, batch, 1, 3, 3] cut out of x; NULL: no pass wants them */
    int64_t *y;           /* [batches, batch] */
    uint32_t target;      /* TCET_TARGET_* of the losses, MAP where the task's is SELF */
    const float *targets; /* [batches, batch, ...]; NULL: classes, or no loss reads them */
    float *own_targets;   /* to be freed; NULL where they are the images */
    double x_sum;         /* float64 sum of the first mini-batch */
};

/* One distinct pass and everybody it serves. */
struct plan_pass {
    tcet_pass pass; /* precision resolved */
    uint64_t seed;  /* of the weights */
    int data;       /* index; 0 where the input is ones */
    uint32_t sites, wants;
    int forward;         /* index of the first pass with the same forward: they stand together */
    const char *text;    /* canonical; merging is by it */
    const char *reasons; /* "snip (snip_snr), nwot (lnwot)" */
};

/* One distinct saliency: plugin and parameters. */
struct plan_saliency {
    struct instance *instance;
    tcet_request request;
    tcet_pass asked; /* what request.pass points to */
    uint64_t seed;   /* of the weights; 0 without a pass */
    int data;        /* index; 0 without a pass or with ones as input */
    int pass;        /* index, or -1: needs facts of the graph alone */
    int keep;        /* S^l is needed after the pass (network partition, parameter scope) */
    const char *key;
};

struct plan_metric {
    const char *name;
    int saliency; /* index */
    struct instance *aggregator;
    int network; /* partition = network */
    int32_t direction;
    const char *key;
    int column;
};

struct plan_score {
    const char *name;
    struct instance *combiner;   /* NULL: renames its one metric */
    struct instance *aggregator; /* parameter scope only */
    uint32_t scope;              /* TCET_SCOPE_*, 0 for a rename */
    const int *inputs;           /* columns; metrics alone for scopes parameter and layer */
    size_t input_count;
    int32_t direction;
    const char *key;
    int column;
};

/* A cell of the ablation that cannot be, and why. */
struct plan_skip {
    const char *name, *reason;
};

/* Architectures that a worker may have under way at once. */
enum { IN_FLIGHT_MAX = 8 };

/* [run] share: which networks are scored once. */
enum plan_share { SHARE_NONE, SHARE_EQUAL, SHARE_CANONICAL };

enum plan_nonfinite { NONFINITE_KEEP, NONFINITE_DROP, NONFINITE_FAIL };

struct plan {
    struct arena arena;
    struct config *config;
    struct registry *registry;
    uint64_t seed;
    enum graph_init init;  /* of weights, after the space's own initialisation */
    int zero_bias;         /* 1: and biases are 0 */
    const char *init_text; /* " init=kaiming init_bias=zero"; "" where neither is asked for */
    int prune;             /* 1: networks are scored without what is dead ([run] prune = dead) */
    enum plan_share share;
    uint32_t precision; /* TCET_PRECISION_F32 or _F64 */
    enum plan_nonfinite nonfinite;
    struct instance *space, *backend;
    tcet_task task;
    struct plan_data *data; /* at least one */
    size_t data_count;
    tcet_backend_info backend_info; /* empty until plan_open_backend */
    char backend_code[65];          /* digest of its code, "" none */
    int any_cpu;                    /* [run] cpu = any: */
    const char *instructions; /* of this machine, on which numbers depend; "" until then, "any" */
    int in_flight; /* architectures that a worker has under way: [run] in_flight, else what the
                      open backend gains from */
    struct plan_pass *passes;
    size_t pass_count, passes_asked;
    struct plan_saliency *saliencies;
    size_t saliency_count;
    struct plan_metric *metrics;
    size_t metric_count;
    struct plan_score *scores;
    size_t score_count;
    struct result_column *columns; /* in config order */
    size_t column_count;
    struct plan_skip *skips;
    size_t skip_count;
    int main_column;      /* what the summary ranks by */
    const char *identity; /* of plan_make_train: space, data and backend, a line each */
};

/* Makes a plan.  Loads plugin code, draws the mini-batches; does not open the backend.
 * [ablation] and [run] repeats are expanded into sections of config, which is borrowed for
 * the plan's life.  Errors name file and line. */
tcet_status plan_make(struct config *config, struct plan **out, struct error *err);
/* The space alone, for facts of architectures: no metric, data or backend is looked at. */
tcet_status plan_make_space(struct config *config, struct plan **out, struct error *err);
/* Space, backend and first dataset, for training: no metric is looked at, no mini-batch drawn. */
tcet_status plan_make_train(struct config *config, struct plan **out, struct error *err);
/* A strategy with the parameters of [strategy ID], to be instance_free()d before the plan; k: the key
 * that names it, NULL: none does. */
tcet_status plan_make_strategy(struct plan *p, const char *id, const struct config_key *k,
                               struct instance **out, struct error *err);
/* Opens the backend (loads libtorch, finds the device) and completes the keys with its
 * identity. */
tcet_status plan_open_backend(struct plan *p, struct error *err);
void plan_free(struct plan *p);
/* The weights that a seed draws for a network: its init program, then [run] init.  params:
 * [graph_view(g)->param_floats]. */
void plan_draw_weights(const struct plan *p, const struct graph *g, uint64_t seed, float *params);

/* Which networks are scored once, as far as it can be: none where no pass is run, so that nothing is
 * saved, and equal ones only where all plugins are built in (another's may ask for an architecture's
 * name, or for random numbers, which depend on it). */
enum plan_share plan_shares(const struct plan *p);
/* What has to be equal of two networks for their values to be so. */
struct graph_strict plan_strictness(const struct plan *p);

/* Targets of a kind in the plan's sizes: "47 classes", "9 numbers", "17 classes at every pixel". */
enum { PLAN_TARGET_TEXT = 80 };
const char *plan_target_text(const struct plan *p, uint32_t target, char out[PLAN_TARGET_TEXT]);
/* For people: metrics, scores, merged passes and why each is needed. */
void plan_print(const struct plan *p, struct buf *out);

/* The architectures that [run] archs names, in order.  `file:` paths are read here; an error
 * names file, line and position. */
tcet_status plan_archs(struct plan *p, struct arena *a, const char *const **out, size_t *count,
                       struct error *err);
/* N of "index:N", one that the space has where it numbers them.  Errors (TCET_E_ARG) name the range. */
tcet_status plan_arch_number(struct plan *p, const char *text, int64_t *out, struct error *err);
/* A line of a list of architectures, n bytes and a 0 behind them, in place: without its end, and the first of a
 * file without its byte order mark.  Errors (TCET_E_ARG): it is no text, or too long. */
tcet_status plan_list_line(char *line, size_t n, int first, const char *path, struct error *err);
/* Does a value of [run] archs stand for a list: all, first:N, sample:N, table, table:N, file:PATH? */
int plan_archs_list(const char *archs);
/* The first of them, for what depends on one (space_task_of): of a list its first line, of a number
 * of them the space's first; without [run] archs [train] arch, unless it is `best:`.  out[0] is NUL
 * where there is neither. */
tcet_status plan_first_arch(struct plan *p, char out[TCET_ARCH_MAX], struct error *err);
/* The architectures of a file, one a line, that a key names. */
tcet_status plan_archs_file(struct plan *p, const struct config_key *k, struct arena *a,
                            const char *const **out, size_t *count, struct error *err);

#endif
