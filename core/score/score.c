/* score.c -- one architecture through the parts of scoring, in order; see score.h.
 * Room: core/score. */
#include "score/score.h"

#include "base/clock.h"
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
    struct result_row row; /* with one value a column until scorer_end */
    const uint8_t *wanted; /* one a column: what the row is to hold */
    uint8_t *needed;       /* columns to compute, inputs of scores included */
    tcet_status begun;     /* of scorer_begin */
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
    subject->random = rng_hash(subject->plan->seed + subject->again, subject->arch);
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
    struct graph_counts counts;
    struct result_layer *l = arena_alloc(&s->subject.arena, (weights->count + 1) * sizeof *l);

    for (size_t i = 0; i < weights->count; i++) {
        const tcet_graph_module *m = &g->modules[weights->modules[i]];

        l[i].name = weights->names[i];
        l[i].kind = m->kind == TCET_LAYER_LINEAR ? "linear" : "conv";
        l[i].shape = shape_text(&s->subject.arena, m);
    }
    s->row.layers = l;
    s->row.layer_count = weights->count;
    graph_count(n->graph, &counts);
    s->row.params = counts.params;
    s->row.macs = counts.macs;
}

static const struct result_value *find_value(const struct score_known *known, size_t column)
{
    for (size_t i = 0; i < known->count; i++) {
        if ((size_t)known->value[i].column == column)
            return &known->value[i];
    }
    return NULL;
}

/* Columns to compute: the wanted ones, and the inputs of wanted scores, that are not known. */
static void choose_columns(struct scorer *s, const struct score_known *known)
{
    const struct plan *p = s->subject.plan;

    for (size_t c = 0; c < p->column_count; c++) {
        const struct result_value *value = s->wanted[c] ? find_value(known, c) : NULL;

        s->needed[c] = s->wanted[c] && !value && !p->columns[c].population;
        if (value) {
            s->row.values[c] = *value;
            s->networks[TCET_NETWORK_FULL].w_sum = known->w_sum;
        }
    }
    for (size_t k = p->score_count; k-- > 0;) {
        const struct plan_score *sc = &p->scores[k];

        for (size_t i = 0; s->needed[sc->column] && i < sc->input_count; i++) {
            int c = sc->inputs[i];
            const struct result_value *value = find_value(known, (size_t)c);

            /* S^l itself is never stored, so parameter scope computes its inputs again. */
            if (value && sc->scope != TCET_SCOPE_PARAMETER) {
                if (!s->needed[c])
                    s->row.values[c] = *value;
            } else {
                s->needed[c] = 1;
                s->row.values[c].column = -1; /* if a later score took it */
            }
        }
    }
}

static tcet_status begin(struct scorer *s, const char *arch, const struct score_known *known,
                         struct error *err)
{
    const struct plan *p = s->subject.plan;

    begin_subject(s, arch);
    costs_begin(&s->costs);
    s->row =
        (struct result_row){.arch = arch, .message = "", .x_sum = p->data[0].x_sum, .w_sum = NAN};
    s->row.values = arena_alloc(&s->subject.arena, (p->column_count + 1) * sizeof *s->row.values);
    for (size_t c = 0; c < p->column_count; c++)
        s->row.values[c].column = -1;
    TRY(network_make(&s->networks[TCET_NETWORK_FULL], &s->subject, err));
    describe_network(s);
    choose_columns(s, known);
    layers_begin(&s->layers, s->row.values, s->needed);
    passes_begin(&s->passes);
    return TCET_OK;
}

/* The row's times, but the total. */
static void take_times(struct scorer *s)
{
    struct result_times *t = &s->row.times;

    t->build = t->init = 0;
    for (int i = 0; i < 2; i++) {
        t->build += s->networks[i].seconds_build;
        t->init += s->networks[i].seconds_init;
    }
    t->forward = s->costs.forward;
    t->backward = s->costs.backward;
}

void scorer_begin(struct scorer *s, const char *arch, uint64_t again, const uint8_t *wanted,
                  const struct score_known *known)
{
    double start = clock_now();

    s->wanted = wanted;
    s->subject.again = again;
    s->begun = begin(s, arch, known, &s->subject.first);
    take_times(s);
    s->row.times.total = clock_now() - start;
}

/* Of a pruned network that does not look at its input only the head was scored: every metric says so. */
static void note_constant(struct scorer *s)
{
    const struct plan *p = s->subject.plan;

    for (size_t m = 0; m < p->metric_count; m++) {
        struct result_value *v = &s->row.values[p->metrics[m].column];

        if (s->needed[p->metrics[m].column] && result_has(v) &&
            s->networks[p->saliencies[p->metrics[m].saliency].asked.network].constant)
            guards_add(&v->guards, "constant_network", 1);
    }
}

static void end(struct scorer *s)
{
    struct combine c = {&s->subject, &s->layers, s->row.values, s->needed};

    layers_take_static(&s->layers);
    passes_run(&s->passes);
    s->row.w_sum = s->networks[TCET_NETWORK_FULL].w_sum;
    combine_metrics(&c);
    note_constant(s);
    combine_scores(&c);
    take_times(s);
    costs_charge(&s->costs, s->row.times.build + s->row.times.init, s->needed, s->row.values);
}

/* Leaves the values that were wanted. */
static void take_wanted(struct scorer *s)
{
    struct result_row *r = &s->row;

    for (size_t c = 0; c < s->subject.plan->column_count; c++) {
        if (!s->wanted[c] || !result_has(&r->values[c]))
            continue;
        r->values[r->value_count] = r->values[c];
        if (!s->subject.plan->columns[c].layered)
            r->values[r->value_count].layers = NULL;
        r->value_count++;
    }
}

/* Its total leaves out what lies between begin and end: others' time. */
const struct result_row *scorer_end(struct scorer *s)
{
    double start = clock_now();

    if (s->begun >= 0) {
        end(s);
        s->row.times.total += clock_now() - start;
    }
    take_wanted(s);
    s->row.status = s->begun >= 0 && !s->subject.failed ? RESULT_OK : RESULT_FAILED;
    if (s->row.status == RESULT_FAILED)
        s->row.message = s->subject.first.text;
    return &s->row;
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

/* The digests of the networks that the plan looks at. */
static tcet_status digest_networks(struct scorer *s, struct buf *out, struct error *err)
{
    const struct plan *p = s->subject.plan;
    const struct graph_strict how = plan_strictness(p);
    char digest[65];
    int thin = 0;

    for (size_t i = 0; i < p->saliency_count; i++)
        thin |= p->saliencies[i].asked.network == TCET_NETWORK_THIN;
    for (int i = 0; i <= thin; i++) {
        TRY(network_build_scored(&s->networks[i], &s->subject, err));
        graph_digest(s->networks[i].graph, &how, digest);
        buf_puts(out, digest);
    }
    return TCET_OK;
}

tcet_status scorer_alike(struct scorer *s, const char *arch, struct buf *out, struct error *err)
{
    struct network *n = &s->networks[TCET_NETWORK_FULL];
    char key[TCET_ARCH_MAX];
    struct graph_counts c;

    begin_subject(s, arch);
    TRY(space_check(s->subject.plan->space, s->subject.arch, err));
    if (s->subject.plan->share == SHARE_EQUAL)
        return digest_networks(s, out, err);
    TRY(space_canonical(s->subject.plan->space, s->subject.arch, key, sizeof key, err));
    TRY(network_build_scored(n, &s->subject, err));
    graph_count(n->graph, &c);
    buf_printf(out, "%s %lld %lld %lld %lld", key, (long long)c.params, (long long)c.macs,
               (long long)c.bias_macs, (long long)c.layers);
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
        const struct result_column *pc = &p->columns[sc->inputs[i]];

        c[i] = (tcet_column){sizeof *c, pc->direction, pc->name, (int64_t)count, columns[i]};
        inputs[i] = &c[i];
    }
    st = combiner_rank(sc->combiner, inputs, sc->input_count, out, err);
    arena_free(&a);
    return st;
}
