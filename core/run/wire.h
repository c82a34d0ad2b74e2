/* wire.h -- what the supervisor and a worker say to each other, and its packing.
 *
 * Room: core/run.  See docs/architecture.md for who sends what when. */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include "proc/frame.h"
#include "result/result.h"
#include "score/score.h"
#include "search/search.h"
#include "train/train.h"

enum wire_type {
    /* supervisor to worker */
    WIRE_HELLO = 1,  /* struct wire_hello; answered by PLAN */
    WIRE_JOB,        /* struct wire_job; answered by ROW */
    WIRE_FACTS,      /* architectures; answered by FACTS_ANSWER */
    WIRE_POPULATION, /* struct wire_population; answered by VALUES */
    WIRE_KEYS,       /* architectures; answered by KEYS_ANSWER */
    WIRE_SPACE,      /* texts: a question about the space (inspect.h); answered by SPACE_ANSWER */
    WIRE_ALIKE,      /* architectures; answered by ALIKE_ANSWER */
    /* worker to supervisor */
    WIRE_PLAN,         /* struct wire_plan */
    WIRE_ROW,          /* struct result_row */
    WIRE_FACTS_ANSWER, /* struct wire_fact[] */
    WIRE_VALUES,       /* float64s */
    WIRE_KEYS_ANSWER,  /* texts: canonical keys, "" of what the space cannot read */
    WIRE_SPACE_ANSWER, /* texts */
    WIRE_ALIKE_ANSWER, /* texts: equal where [run] share scores once (share.h), "" of what is alone */
    WIRE_LOG,          /* level, text */
    WIRE_FOREIGN,      /* text: code that is not built in and will run now (registry_foreign) */
    WIRE_ERROR,        /* status, text: the last request failed */
    /* of searches */
    WIRE_SEEK, /* to a worker, struct wire_seek: search; answered by ASKS, up to one that has ended */
    WIRE_TOLD, /* to it, struct wire_told: the score of a want */
    WIRE_ASKS, /* from it, struct wire_asks */
    /* of trainings */
    WIRE_TRAIN, /* to a worker greeted for it, texts (trainer.h): train, or measure a file; answered by
                    TRAINED, up to one that has ended */
    WIRE_TRAINED /* from it, struct train_progress */
};

struct wire_hello {
    const char *config; /* config_pack */
    size_t config_len;
    int open_backend, want_archs;
    int space_only; /* for FACTS and KEYS alone: the plan is the space */
    int training;   /* for TRAIN alone: the plan is space, data and backend */
};

struct wire_pair {
    const char *name, *value;
};

struct wire_plan {
    const struct result_column *columns;
    size_t column_count;
    const char *const *archs; /* input lines; empty unless asked for */
    size_t arch_count;
    const struct wire_pair *meta; /* provenance */
    size_t meta_count;
    const char *text;   /* plan_print */
    const char *config; /* config_print with paths made absolute */
    const char *space;  /* id */
    int in_flight;      /* architectures that the worker has under way; 1 to IN_FLIGHT_MAX */
    int share;          /* enum plan_share: plan_shares */
};

struct wire_job {
    const char *arch;
    int64_t again;         /* added to the seeds of its weights */
    const uint8_t *wanted; /* one a column */
    size_t column_count;
    struct score_known known;
};

struct wire_fact {
    int64_t params, macs, bias_macs, layers;
    int32_t live, alive, depth;
    const char *error; /* "" or why this architecture cannot be built */
};

struct wire_population {
    int score;
    const double *const *columns;
    size_t input_count, count;
};

struct wire_seek {
    int64_t seed;
    int64_t stored;          /* asks of it that search.csv holds */
    const char *const *warm; /* architectures to begin with, beside those of a file */
    size_t warm_count;
};

/* What a search has done since its last message. */
struct wire_asks {
    struct search_state state;
    const char *lines; /* of search.csv, whole ones */
    size_t lines_len;
    const struct search_want *wants;
    size_t want_count;
};

struct wire_told {
    int64_t number; /* of the want */
    struct result_row row;
};

void wire_pack_hello(struct buf *b, const struct wire_hello *h);
void wire_pack_plan(struct buf *b, const struct wire_plan *p);
void wire_pack_job(struct buf *b, const struct wire_job *j);
void wire_pack_row(struct buf *b, const struct result_row *r);
void wire_pack_texts(struct buf *b, const char *const *text, size_t count);
void wire_pack_facts(struct buf *b, const struct wire_fact *f, size_t count);
void wire_pack_population(struct buf *b, const struct wire_population *p);
void wire_pack_seek(struct buf *b, const struct wire_seek *s);
void wire_pack_asks(struct buf *b, const struct wire_asks *m);
void wire_pack_told(struct buf *b, const struct wire_told *t);
void wire_pack_trained(struct buf *b, const struct train_progress *p);

/* What is unpacked lives in the arena. */
tcet_status wire_unpack_hello(const void *d, size_t n, struct arena *a, struct wire_hello *out,
                              struct error *err);
tcet_status wire_unpack_plan(const void *d, size_t n, struct arena *a, struct wire_plan *out,
                             struct error *err);
tcet_status wire_unpack_job(const void *d, size_t n, struct arena *a, struct wire_job *out,
                            struct error *err);
/* columns: how many the run has; a row with other values than theirs is refused. */
tcet_status wire_unpack_row(const void *d, size_t n, size_t columns, struct arena *a,
                            struct result_row *out, struct error *err);
tcet_status wire_unpack_texts(const void *d, size_t n, struct arena *a, const char *const **out,
                              size_t *count, struct error *err);
tcet_status wire_unpack_facts(const void *d, size_t n, struct arena *a,
                              const struct wire_fact **out, size_t *count, struct error *err);
tcet_status wire_unpack_population(const void *d, size_t n, struct arena *a,
                                   struct wire_population *out, struct error *err);
tcet_status wire_unpack_seek(const void *d, size_t n, struct arena *a, struct wire_seek *out,
                             struct error *err);
/* The lines are borrowed from d. */
tcet_status wire_unpack_asks(const void *d, size_t n, struct arena *a, struct wire_asks *out,
                             struct error *err);
tcet_status wire_unpack_told(const void *d, size_t n, size_t columns, struct arena *a,
                             struct wire_told *out, struct error *err);
tcet_status wire_unpack_trained(const void *d, size_t n, struct train_progress *out,
                                struct error *err);
/* A WIRE_ERROR's content as an error. */
tcet_status wire_unpack_error(const void *d, size_t n, struct error *err);

#endif
