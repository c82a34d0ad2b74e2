/* score.c -- one architecture through the parts of scoring, in order; see score.h.
 * Room: core/score. */
#include "score/score.h"

#include "base/text.h"
#include "plugin/calls.h"
#include "score/combine.h"
#include "score/passes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scorer {
    struct subject subject;
    struct network networks[2]; /* by TCET_NETWORK_* */
    struct layers layers;
    struct passes passes;
    struct costs costs;
    struct score_row row;
    uint8_t *needed;   /* columns to compute, inputs of scores included */
    tcet_status begun; /* of scorer_begin */
};

struct scorer *scorer_new(struct plan *p)
{
    struct scorer *s = mem_alloc(sizeof *s);

    s->subject.plan = p;
    for (int i = 0; i < 2; i++)
        network_open(&s->networks[i], i == TCET_NETWORK_THIN);
    layers_open(&s->layers, &s->subject, s->networks);
    costs_open(&s->costs, p);
    passes_open(&s->passes, &s->subject, s->networks, &s->layers, &s->costs);
    s->needed = mem_alloc(p->column_count + 1);
    return s;
}

void scorer_free(struct scorer *s)
{
    if (!s)
        return;
    passes_close(&s->passes);
    costs_close(&s->costs);
    layers_close(&s->layers);
    for (int i = 0; i < 2; i++)
        network_close(&s->networks[i]);
    arena_free(&s->subject.arena);
    free(s->needed);
    free(s);
}

/* Another architecture: what was said of the last one is forgotten. */
static void begin_subject(struct scorer *s, const char *arch)
{
    struct subject *subject = &s->subject;

    arena_reset(&subject->arena);
    subject->failed = 0;
    /* Blanks at the ends of an input line are not part of the encoding. */
    subject->arch = text_strip(arena_strdup(&subject->arena, arch));
    for (int i = 0; i < 2; i++)
        network_begin(&s->networks[i]);
}

static const char *shape_text(struct arena *a, const tcet_graph_module *m)
{
    struct buf b = {0};
    const char *text;

    for (int32_t i = 0; i < m->ndim; i++)
        buf_printf(&b, "%s%lld", i ? "," : "", (long long)m->shape[i]);
    text = arena_strdup(a, b.len ? b.data : "");
    buf_free(&b);
    return text;
}

/* What the row says of the full network. */
static void describe_network(struct scorer *s)
{
    const struct network *n = &s->networks[TCET_NETWORK_FULL];
    const tcet_graph *g = graph_view(n->graph);
    const struct site *weights = &n->site[site_number(TCET_SITE_WEIGHT)];
    struct score_layer *l = arena_alloc(&s->subject.arena, (weights->count + 1) * sizeof *l);

    for (size_t i = 0; i < weights->count; i++) {
        const tcet_graph_module *m = &g->modules[weights->modules[i]];

        l[i].name = weights->names[i];
        l[i].kind = m->kind == TCET_LAYER_LINEAR ? "linear" : "conv";
        l[i].shape = shape_text(&s->subject.arena, m);
    }
    s->row.layers = l;
    s->row.layer_count = weights->count;
    graph_count(n->graph, &s->row.counts);
    s->row.w_sum = graph_weight_sum(n->graph, n->params);
}

/* Columns to compute: the wanted ones, and the inputs of wanted scores that are not known. */
static void choose_columns(struct scorer *s, const uint8_t *wanted, const struct score_value *known)
{
    const struct plan *p = s->subject.plan;

    for (size_t c = 0; c < p->column_count; c++)
        s->needed[c] = wanted[c] && !p->columns[c].population;
    for (size_t k = p->score_count; k-- > 0;) {
        const struct plan_score *sc = &p->scores[k];

        for (size_t i = 0; s->needed[sc->column] && i < sc->input_count; i++) {
            int c = sc->inputs[i];

            /* S^l itself is never stored, so parameter scope computes its inputs again. */
            if (known && known[c].have && sc->scope != TCET_SCOPE_PARAMETER) {
                if (!s->needed[c])
                    s->row.values[c] = known[c];
            } else {
                s->needed[c] = 1;
                s->row.values[c] = (struct score_value){.have = 0}; /* if a later score took it */
            }
        }
    }
}

static tcet_status begin(struct scorer *s, const char *arch, const uint8_t *wanted,
                         const struct score_value *known, struct error *err)
{
    const struct plan *p = s->subject.plan;

    begin_subject(s, arch);
    costs_begin(&s->costs);
    s->row = (struct score_row){.x_sum = p->data[0].x_sum, .w_sum = NAN};
    s->row.values = arena_alloc(&s->subject.arena, (p->column_count + 1) * sizeof *s->row.values);
    TRY(network_make(&s->networks[TCET_NETWORK_FULL], &s->subject, err));
    describe_network(s);
    choose_columns(s, wanted, known);
    layers_begin(&s->layers, s->row.values, s->needed);
    passes_begin(&s->passes);
    return TCET_OK;
}

/* The row's times, but the total. */
static void take_times(struct scorer *s)
{
    struct score_row *row = &s->row;

    row->seconds_build = row->seconds_init = 0;
    for (int i = 0; i < 2; i++) {
        row->seconds_build += s->networks[i].seconds_build;
        row->seconds_init += s->networks[i].seconds_init;
    }
    row->seconds_forward = s->costs.forward;
    row->seconds_backward = s->costs.backward;
}

void scorer_begin(struct scorer *s, const char *arch, const uint8_t *wanted,
                  const struct score_value *known)
{
    double start = costs_clock();

    s->begun = begin(s, arch, wanted, known, &s->subject.first);
    take_times(s);
    s->row.seconds_total = costs_clock() - start;
}

static void end(struct scorer *s)
{
    struct combine c = {&s->subject, &s->layers, s->row.values, s->needed};

    layers_take_static(&s->layers);
    passes_run(&s->passes);
    combine_metrics(&c);
    combine_scores(&c);
    take_times(s);
    costs_charge(&s->costs, s->row.seconds_build + s->row.seconds_init, s->needed, s->row.values);
}

/* Its total leaves out what lies between begin and end: others' time. */
tcet_status scorer_end(struct scorer *s, struct score_row **out, struct error *err)
{
    double start = costs_clock();

    *out = &s->row;
    if (s->begun >= 0) {
        end(s);
        s->row.seconds_total += costs_clock() - start;
    }
    if (s->begun >= 0 && !s->subject.failed)
        return TCET_OK;
    *err = s->subject.first;
    return err->status;
}

tcet_status scorer_facts(struct scorer *s, const char *arch, struct arch_facts *out,
                         struct error *err)
{
    struct network *n = &s->networks[TCET_NETWORK_FULL];
    struct instance *space = s->subject.plan->space;

    begin_subject(s, arch);
    TRY(space_check(space, s->subject.arch, err));
    TRY(space_traits(space, s->subject.arch, &out->traits, err));
    TRY(network_build(n, &s->subject, err));
    graph_count(n->graph, &out->counts);
    return TCET_OK;
}

tcet_status score_population(struct plan *p, int score, const double *const *columns, size_t count,
                             double *out, struct error *err)
{
    const struct plan_score *sc = &p->scores[score];
    struct arena a = {0};
    tcet_column *c = arena_alloc(&a, sc->input_count * sizeof *c);
    const tcet_column **inputs = arena_alloc(&a, sc->input_count * sizeof *inputs);
    tcet_status st;

    for (size_t i = 0; i < sc->input_count; i++) {
        const struct plan_column *pc = &p->columns[sc->inputs[i]];

        c[i] = (tcet_column){sizeof *c, pc->direction, pc->name, (int64_t)count, columns[i]};
        inputs[i] = &c[i];
    }
    st = combiner_rank(sc->combiner, inputs, sc->input_count, out, err);
    arena_free(&a);
    return st;
}
