/* internal.h -- what the files of core/check share.  Room: core/check, private. */
#ifndef CORE_CHECK_INTERNAL_H
#define CORE_CHECK_INTERNAL_H

#include "check/check.h"
#include "plugin/calls.h"

#include <tcet/saliency.h>

/* Frames from the child: text of what it is about to do; its answer. */
enum { FRAME_STAGE = 1, FRAME_ANSWER = 2 };

/* Guarded memory (memory.c): a piece between two pages that nobody may touch. */
enum { GUARD_ENDS = 1, GUARD_INPUTS = 2 };

/* One rule at work, in the child. */
struct probe {
    struct arena arena; /* of the whole trial */
    const char *path;
    struct plugin *plugins; /* of the file, once loaded */
    size_t plugin_count;
    const struct plugin *plugin; /* on trial; NULL for a rule of the file */
    const char *who;             /* "saliency snip" */
    const char *const *set;      /* "KEY=VALUE" */
    size_t set_count;
    struct config *config; /* of the bindings: --set and guesses */
    struct binding *bindings;
    size_t binding_count;
    const char *lacks;                /* a required parameter that cannot be guessed, or NULL */
    struct arena inputs;              /* shapes and the like of the current scenario */
    struct guards guards;             /* that the calls counted */
    const struct instance *opened[4]; /* datasets that have been through open() */
    size_t opened_count;
    int guarding;               /* GUARD_* */
    int stop;                   /* what cancelled() says */
    enum check_verdict verdict; /* PASS, or a test's wish for WARN or SKIP */
    char note[1024];            /* its reason */
};

/* What a trial finds: TCET_OK, or a negative status whose message is the reason. */
typedef tcet_status check_test(struct probe *p, struct error *err);

struct rule {
    struct check_rule pub;
    uint32_t kinds; /* bits 1 << kind of the plugins it is for; 0: the file */
    int gate;       /* when it is not passed, what follows cannot be tried */
    check_test *test;
};
const struct rule *rule_at(size_t i);
const struct rule *rule_find(const char *name);

#define KIND_BIT(kind) (1u << (kind))
enum {
    KINDS_NUMERIC = 1 << TCET_SALIENCY | 1 << TCET_AGGREGATOR | 1 << TCET_COMBINER,
    KINDS_STABLE = KINDS_NUMERIC | 1 << TCET_SPACE | 1 << TCET_DATASET | 1 << TCET_STRATEGY,
    KINDS_ALL = KINDS_STABLE | 1 << TCET_BACKEND
};

/* probe.c */
/* The verdict becomes v, with a reason. */
tcet_status probe_note(struct probe *p, enum check_verdict v, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Tells the parent what is about to happen, for the words of a crash. */
void probe_stage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An instance from defaults, --set, and one more key (NULL: none); texts in a. */
tcet_status probe_instance(struct probe *p, struct arena *a, const char *key, const char *value,
                           struct instance **out, struct error *err);
/* The instance, to be called (calls.h) with a fixed random stream, the probe's guards and stop, and
 * scratch memory that may fail (probe_fail_scratch). */
struct instance *probe_enter(struct probe *p, struct instance *i);
/* What a call gave; a plugin that accuses its host (TCET_E_PLUGIN, with a message) gives TCET_E_ARG,
 * so that TCET_E_PLUGIN is always the verdict of a rule. */
tcet_status probe_end(struct instance *i, tcet_status st, struct error *err);
/* From now on the n-th request (from 0) of scratch memory or a generator fails; negative:
 * none does.  probe_scratch_failed: whether one has. */
void probe_fail_scratch(int64_t n);
int probe_scratch_failed(void);
/* True for an error that is the plugin's fault by the contract, not its considered answer. */
int probe_misbehaved(const struct error *err);

/* memory.c */
/* Zeroed memory that ends where a page ends; what: static, for messages.  An input becomes
 * read-only by memory_seal().  All dies with memory_reset(). */
void *memory_new(const struct probe *p, const char *what, size_t bytes, int input);
void memory_seal(const struct probe *p);
void memory_reset(void);
/* Whether the bytes before each output are as they were; sets err. */
tcet_status memory_intact(struct error *err);
/* What a fault at this address means, into out; 0 when it is none of ours. */
int memory_explain(const void *address, int writes, char *out, size_t cap);

/* elf.c: what a shared object says of itself, without running it. */
struct elf {
    const char **exported, **needed, **undefined;
    size_t exported_count, needed_count, undefined_count;
};
tcet_status elf_read(const char *path, struct arena *a, struct elf *out, struct error *err);

/* Scenarios: sets of inputs. */
enum scenario {
    ORDINARY,
    ONE_ELEMENT,
    LARGE,
    ZEROS,
    NONFINITE,
    UNUSED /* saliency: a layer never executed; aggregator: an empty matrix; combiner: no layers */
};
/* A kind's calls on a scenario; adds what they gave to out (numbers: float64).  TCET_OK, or
 * the first failure: the plugin's own, or TCET_E_PLUGIN where it broke the contract. */
typedef tcet_status exercise(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                             struct error *err);
exercise saliency_exercise, aggregator_exercise, combiner_exercise, space_exercise,
    dataset_exercise, strategy_exercise;
/* That of a kind; NULL for drafts. */
exercise *exercise_of(tcet_kind kind);

/* Input numbers of a scenario: element i of a sequence named by seed. */
double sample(enum scenario s, uint64_t seed, int64_t i);
/* Borrowed shape and strides of a view of these extents. */
tcet_view view_of(struct probe *p, void *data, uint8_t dtype, const int64_t *shape, int32_t ndim);
/* An input view filled from sample(); what: as memory_new. */
tcet_view view_input(struct probe *p, const char *what, uint8_t dtype, const int64_t *shape,
                     int32_t ndim, enum scenario s, uint64_t seed);
/* TCET_E_PLUGIN unless the plugin left the view's description alone. */
tcet_status view_same(const tcet_view *before, const tcet_view *after, const char *call,
                      struct error *err);
/* TCET_E_PLUGIN unless these bytes all equal `byte`: a failed call leaves outputs alone. */
tcet_status untouched(const void *data, size_t bytes, int byte, const char *call,
                      struct error *err);

/* The trials. */
check_test library_sanitizer, library_opens, library_exports, library_needs, library_quick,
    library_pure, descriptor_loads;
check_test params_defaults, params_refused, params_range;
check_test calls_describe, calls_ordinary, calls_ends, calls_inputs, calls_one_element, calls_large,
    calls_zeros, calls_nonfinite, calls_nan, calls_unused, calls_finite, calls_choices,
    calls_deterministic, calls_scratch, calls_cancelled;
check_test space_numbering, space_builds, space_draws, space_neighbourhood, space_keys,
    space_refuses, space_bounds;
check_test strategy_replay, strategy_outcomes;
check_test dataset_identity, dataset_numbers, dataset_reading;
check_test backend_device, backend_forward, backend_gradients, backend_rows, backend_signs,
    backend_variances, backend_hessian, backend_repeats, backend_shared, backend_deferred,
    backend_single;
check_test state_kept, state_quiet, state_cycles;

/* state.c */
/* Bytes that malloc has given out. */
size_t state_allocated(void);
/* Runs fn with standard output and error caught; *said: the first line of it, "" for none. */
tcet_status state_listen(tcet_status (*fn)(void *arg, struct error *err), void *arg, char *said,
                         size_t cap, struct error *err);
int state_threads(void);

/* saliency.c: describe() with its rules. */
struct request {
    tcet_request pub;
    tcet_pass pass;
};
tcet_status check_describe(struct probe *p, struct instance *i, struct request *out,
                           struct error *err);

#endif
