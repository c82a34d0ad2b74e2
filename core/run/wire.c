/* wire.c -- see wire.h.  Room: core/run. */
#include "run/wire.h"

#include <stdio.h>
#include <string.h>

void wire_pack_texts(struct buf *b, const char *const *text, size_t count)
{
    pack_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        pack_text(b, text[i]);
}

static const char *const *take_texts(struct unpack *u, size_t *count)
{
    const char **list;

    *count = unpack_count(u, sizeof(uint32_t));
    list = arena_alloc(u->arena, (*count + 1) * sizeof *list);
    for (size_t i = 0; i < *count; i++)
        list[i] = unpack_text(u);
    return list;
}

static void pack_guards(struct buf *b, const struct guards *g)
{
    pack_u32(b, (uint32_t)g->count);
    for (size_t i = 0; i < g->count; i++) {
        pack_text(b, g->item[i].name);
        pack_i64(b, g->item[i].count);
    }
}

static void take_guards(struct unpack *u, struct guards *g)
{
    g->count = unpack_count(u, sizeof(uint32_t) + sizeof(int64_t));
    if (g->count > GUARDS_MAX) {
        u->ok = false;
        g->count = 0;
    }
    for (size_t i = 0; i < g->count; i++) {
        g->item[i].name = unpack_text(u);
        g->item[i].count = unpack_i64(u);
    }
}

static void pack_values(struct buf *b, const struct result_value *v, size_t count)
{
    pack_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_u32(b, (uint32_t)v[i].column);
        pack_f64(b, v[i].value);
        pack_u32(b, v[i].layers != NULL);
        pack_f64s(b, v[i].layers, v[i].layers ? v[i].layer_count : 0);
        pack_guards(b, &v[i].guards);
        pack_f64(b, v[i].seconds);
    }
}

/* One a column at most. */
static struct result_value *take_values(struct unpack *u, size_t columns, size_t *count)
{
    struct result_value *v;

    *count = unpack_count(u, 32); /* what a value without layers and guards takes */
    if (*count > columns) {
        u->ok = false;
        *count = 0;
    }
    v = arena_alloc(u->arena, (*count + 1) * sizeof *v);
    for (size_t i = 0; i < *count; i++) {
        int layered;

        v[i].column = (int)unpack_u32(u);
        if (v[i].column < 0 || (size_t)v[i].column >= columns)
            u->ok = false;
        v[i].value = unpack_f64(u);
        layered = (int)unpack_u32(u);
        v[i].layers = unpack_f64s(u, &v[i].layer_count);
        if (!layered)
            v[i].layers = NULL;
        take_guards(u, &v[i].guards);
        v[i].seconds = unpack_f64(u);
    }
    return v;
}

void wire_pack_hello(struct buf *b, const struct wire_hello *h)
{
    pack_u32(b, (uint32_t)h->open_backend);
    pack_u32(b, (uint32_t)h->want_archs);
    pack_u32(b, (uint32_t)h->space_only);
    pack_u32(b, (uint32_t)h->training);
    pack_u32(b, (uint32_t)h->config_len);
    buf_add(b, h->config, h->config_len);
}

tcet_status wire_unpack_hello(const void *d, size_t n, struct arena *a, struct wire_hello *out,
                              struct error *err)
{
    struct unpack u = unpack_from(d, n, a);

    out->open_backend = (int)unpack_u32(&u);
    out->want_archs = (int)unpack_u32(&u);
    out->space_only = (int)unpack_u32(&u);
    out->training = (int)unpack_u32(&u);
    out->config_len = unpack_count(&u, 1);
    out->config = u.at;
    if (u.ok)
        u.at += out->config_len;
    return unpack_done(&u, "hello", err);
}

void wire_pack_plan(struct buf *b, const struct wire_plan *p)
{
    pack_u32(b, (uint32_t)p->column_count);
    for (size_t i = 0; i < p->column_count; i++) {
        const struct result_column *c = &p->columns[i];

        pack_text(b, c->name);
        pack_text(b, c->key);
        pack_u32(b, (uint32_t)c->is_score);
        pack_u32(b, (uint32_t)c->population);
        pack_u32(b, (uint32_t)c->layered);
        pack_u32(b, (uint32_t)c->direction);
        pack_u32(b, (uint32_t)c->index);
        pack_u32(b, (uint32_t)c->input_count);
        for (size_t k = 0; k < c->input_count; k++)
            pack_u32(b, (uint32_t)c->inputs[k]);
    }
    wire_pack_texts(b, p->archs, p->arch_count);
    pack_u32(b, (uint32_t)p->meta_count);
    for (size_t i = 0; i < p->meta_count; i++) {
        pack_text(b, p->meta[i].name);
        pack_text(b, p->meta[i].value);
    }
    pack_text(b, p->text);
    pack_text(b, p->config);
    pack_text(b, p->space);
    pack_u32(b, (uint32_t)p->in_flight);
    pack_u32(b, (uint32_t)p->share);
}

tcet_status wire_unpack_plan(const void *d, size_t n, struct arena *a, struct wire_plan *out,
                             struct error *err)
{
    struct unpack u = unpack_from(d, n, a);
    struct result_column *columns;
    struct wire_pair *meta;

    out->column_count = unpack_count(&u, 32);
    out->columns = columns = arena_alloc(a, (out->column_count + 1) * sizeof *columns);
    for (size_t i = 0; i < out->column_count; i++) {
        struct result_column *c = &columns[i];
        int *inputs;

        c->name = unpack_text(&u);
        c->key = unpack_text(&u);
        c->is_score = (int)unpack_u32(&u);
        c->population = (int)unpack_u32(&u);
        c->layered = (enum result_layered)unpack_u32(&u);
        c->direction = (int)unpack_u32(&u);
        c->index = (int)unpack_u32(&u);
        c->input_count = unpack_count(&u, sizeof(uint32_t));
        c->inputs = inputs = arena_alloc(a, (c->input_count + 1) * sizeof *inputs);
        for (size_t k = 0; k < c->input_count; k++) {
            inputs[k] = (int)unpack_u32(&u);
            if (inputs[k] < 0 || (size_t)inputs[k] >= out->column_count)
                u.ok = false;
        }
    }
    out->archs = take_texts(&u, &out->arch_count);
    out->meta_count = unpack_count(&u, 8);
    out->meta = meta = arena_alloc(a, (out->meta_count + 1) * sizeof *meta);
    for (size_t i = 0; i < out->meta_count; i++) {
        meta[i].name = unpack_text(&u);
        meta[i].value = unpack_text(&u);
    }
    out->text = unpack_text(&u);
    out->config = unpack_text(&u);
    out->space = unpack_text(&u);
    out->in_flight = (int)unpack_u32(&u);
    out->share = (int)unpack_u32(&u);
    return unpack_done(&u, "plan", err);
}

void wire_pack_job(struct buf *b, const struct wire_job *j)
{
    pack_text(b, j->arch);
    pack_i64(b, j->again);
    pack_u32(b, (uint32_t)j->column_count);
    buf_add(b, j->wanted, j->column_count);
    pack_values(b, j->known.value, j->known.count);
    pack_f64(b, j->known.w_sum);
}

tcet_status wire_unpack_job(const void *d, size_t n, struct arena *a, struct wire_job *out,
                            struct error *err)
{
    struct unpack u = unpack_from(d, n, a);

    out->arch = unpack_text(&u);
    out->again = unpack_i64(&u);
    out->column_count = unpack_count(&u, 1);
    out->wanted = (const uint8_t *)u.at;
    if (u.ok)
        u.at += out->column_count;
    out->known.value = take_values(&u, out->column_count, &out->known.count);
    out->known.w_sum = unpack_f64(&u);
    return unpack_done(&u, "job", err);
}

void wire_pack_row(struct buf *b, const struct result_row *r)
{
    pack_text(b, r->arch);
    pack_u32(b, r->status);
    pack_text(b, r->message);
    pack_i64(b, r->params);
    pack_i64(b, r->macs);
    pack_f64(b, r->x_sum);
    pack_f64(b, r->w_sum);
    pack_u32(b, (uint32_t)r->layer_count);
    for (size_t i = 0; i < r->layer_count; i++) {
        pack_text(b, r->layers[i].name);
        pack_text(b, r->layers[i].kind);
        pack_text(b, r->layers[i].shape);
    }
    pack_values(b, r->values, r->value_count);
    pack_f64(b, r->times.build);
    pack_f64(b, r->times.init);
    pack_f64(b, r->times.forward);
    pack_f64(b, r->times.backward);
    pack_f64(b, r->times.total);
}

static void take_row(struct unpack *u, size_t columns, struct arena *a, struct result_row *out)
{
    struct result_layer *layers;

    out->arch = unpack_text(u);
    out->status = (enum result_status)unpack_u32(u);
    if (out->status != RESULT_OK && out->status != RESULT_FAILED)
        u->ok = false;
    out->message = unpack_text(u);
    out->params = unpack_i64(u);
    out->macs = unpack_i64(u);
    out->x_sum = unpack_f64(u);
    out->w_sum = unpack_f64(u);
    out->layer_count = unpack_count(u, 3 * sizeof(uint32_t));
    out->layers = layers = arena_alloc(a, (out->layer_count + 1) * sizeof *layers);
    for (size_t i = 0; i < out->layer_count; i++) {
        layers[i].name = unpack_text(u);
        layers[i].kind = unpack_text(u);
        layers[i].shape = unpack_text(u);
    }
    out->values = take_values(u, columns, &out->value_count);
    out->times.build = unpack_f64(u);
    out->times.init = unpack_f64(u);
    out->times.forward = unpack_f64(u);
    out->times.backward = unpack_f64(u);
    out->times.total = unpack_f64(u);
}

tcet_status wire_unpack_row(const void *d, size_t n, size_t columns, struct arena *a,
                            struct result_row *out, struct error *err)
{
    struct unpack u = unpack_from(d, n, a);

    take_row(&u, columns, a, out);
    return unpack_done(&u, "row", err);
}

tcet_status wire_unpack_texts(const void *d, size_t n, struct arena *a, const char *const **out,
                              size_t *count, struct error *err)
{
    struct unpack u = unpack_from(d, n, a);

    *out = take_texts(&u, count);
    return unpack_done(&u, "architectures", err);
}

void wire_pack_facts(struct buf *b, const struct wire_fact *f, size_t count)
{
    pack_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_i64(b, f[i].params);
        pack_i64(b, f[i].macs);
        pack_i64(b, f[i].bias_macs);
        pack_i64(b, f[i].layers);
        pack_u32(b, (uint32_t)f[i].live);
        pack_u32(b, (uint32_t)f[i].alive);
        pack_u32(b, (uint32_t)f[i].depth);
        pack_text(b, f[i].error);
    }
}

tcet_status wire_unpack_facts(const void *d, size_t n, struct arena *a,
                              const struct wire_fact **out, size_t *count, struct error *err)
{
    struct unpack u = unpack_from(d, n, a);
    struct wire_fact *f;

    *count = unpack_count(&u, 48);
    *out = f = arena_alloc(a, (*count + 1) * sizeof *f);
    for (size_t i = 0; i < *count; i++) {
        f[i].params = unpack_i64(&u);
        f[i].macs = unpack_i64(&u);
        f[i].bias_macs = unpack_i64(&u);
        f[i].layers = unpack_i64(&u);
        f[i].live = (int32_t)unpack_u32(&u);
        f[i].alive = (int32_t)unpack_u32(&u);
        f[i].depth = (int32_t)unpack_u32(&u);
        f[i].error = unpack_text(&u);
    }
    return unpack_done(&u, "facts", err);
}

void wire_pack_population(struct buf *b, const struct wire_population *p)
{
    pack_u32(b, (uint32_t)p->score);
    pack_u32(b, (uint32_t)p->input_count);
    for (size_t i = 0; i < p->input_count; i++)
        pack_f64s(b, p->columns[i], p->count);
}

tcet_status wire_unpack_population(const void *d, size_t n, struct arena *a,
                                   struct wire_population *out, struct error *err)
{
    struct unpack u = unpack_from(d, n, a);
    const double **columns;

    out->score = (int)unpack_u32(&u);
    out->count = 0;
    out->input_count = unpack_count(&u, 4);
    out->columns = columns = arena_alloc(a, (out->input_count + 1) * sizeof *columns);
    for (size_t i = 0; i < out->input_count; i++) {
        size_t count;

        columns[i] = unpack_f64s(&u, &count);
        if (i && count != out->count)
            u.ok = false;
        out->count = count;
    }
    return unpack_done(&u, "population", err);
}

void wire_pack_seek(struct buf *b, const struct wire_seek *s)
{
    pack_i64(b, s->seed);
    pack_i64(b, s->stored);
    wire_pack_texts(b, s->warm, s->warm_count);
}

tcet_status wire_unpack_seek(const void *d, size_t n, struct arena *a, struct wire_seek *out,
                             struct error *err)
{
    struct unpack u = unpack_from(d, n, a);

    out->seed = unpack_i64(&u);
    out->stored = unpack_i64(&u);
    out->warm = take_texts(&u, &out->warm_count);
    return unpack_done(&u, "search", err);
}

/* The state's numbers in order, with their place. */
static void state_numbers(struct search_state *s, int64_t *number[6])
{
    number[0] = &s->asks;
    number[1] = &s->scored;
    number[2] = &s->reused;
    number[3] = &s->failed;
    number[4] = &s->rejected;
    number[5] = &s->best_ask;
}

void wire_pack_asks(struct buf *b, const struct wire_asks *m)
{
    struct search_state state = m->state;
    int64_t *number[6];

    state_numbers(&state, number);
    for (size_t i = 0; i < TCET_COUNT(number); i++)
        pack_i64(b, *number[i]);
    pack_f64(b, state.best);
    pack_u32(b, (uint32_t)state.ended);
    pack_text(b, state.why);
    pack_u32(b, (uint32_t)m->want_count);
    for (size_t i = 0; i < m->want_count; i++) {
        pack_i64(b, m->wants[i].number);
        pack_i64(b, m->wants[i].again);
        pack_text(b, m->wants[i].arch);
    }
    pack_u32(b, (uint32_t)m->lines_len);
    buf_add(b, m->lines ? m->lines : "", m->lines_len);
}

tcet_status wire_unpack_asks(const void *d, size_t n, struct arena *a, struct wire_asks *out,
                             struct error *err)
{
    struct unpack u = unpack_from(d, n, a);
    struct search_want *wants;
    int64_t *number[6];

    state_numbers(&out->state, number);
    for (size_t i = 0; i < TCET_COUNT(number); i++)
        *number[i] = unpack_i64(&u);
    out->state.best = unpack_f64(&u);
    out->state.ended = (int)unpack_u32(&u);
    snprintf(out->state.why, sizeof out->state.why, "%s", unpack_text(&u));
    out->want_count = unpack_count(&u, 20);
    out->wants = wants = arena_alloc(a, (out->want_count + 1) * sizeof *wants);
    for (size_t i = 0; i < out->want_count; i++) {
        wants[i].number = unpack_i64(&u);
        wants[i].again = unpack_i64(&u);
        wants[i].arch = unpack_text(&u);
    }
    out->lines_len = unpack_count(&u, 1);
    out->lines = u.at;
    if (u.ok)
        u.at += out->lines_len;
    return unpack_done(&u, "asks", err);
}

void wire_pack_told(struct buf *b, const struct wire_told *t)
{
    pack_i64(b, t->number);
    wire_pack_row(b, &t->row);
}

tcet_status wire_unpack_told(const void *d, size_t n, size_t columns, struct arena *a,
                             struct wire_told *out, struct error *err)
{
    struct unpack u = unpack_from(d, n, a);

    out->number = unpack_i64(&u);
    take_row(&u, columns, a, &out->row);
    return unpack_done(&u, "score", err);
}

/* A progress's numbers in order, with their place. */
enum { TRAINED_WHOLE = 13, TRAINED_REAL = 9 };
static void trained_numbers(struct train_progress *p, int64_t *whole[TRAINED_WHOLE],
                            double *real[TRAINED_REAL])
{
    int64_t *const w[TRAINED_WHOLE] = {&p->epoch,        &p->epochs,      &p->step,   &p->steps,
                                       &p->best_epoch,   &p->done,        &p->total,  &p->began,
                                       &p->train_images, &p->test_images, &p->params, &p->ended,
                                       &p->classes};
    double *const r[TRAINED_REAL] = {&p->lr,        &p->loss,      &p->top1,
                                     &p->test_top1, &p->test_loss, &p->test_top5,
                                     &p->best,      &p->rate,      &p->waited};

    memcpy(whole, w, sizeof w);
    memcpy(real, r, sizeof r);
}

void wire_pack_trained(struct buf *b, const struct train_progress *p)
{
    struct train_progress copy = *p;
    int64_t *whole[TRAINED_WHOLE];
    double *real[TRAINED_REAL];

    trained_numbers(&copy, whole, real);
    for (int i = 0; i < TRAINED_WHOLE; i++)
        pack_i64(b, *whole[i]);
    for (int i = 0; i < TRAINED_REAL; i++)
        pack_f64(b, *real[i]);
}

tcet_status wire_unpack_trained(const void *d, size_t n, struct train_progress *out,
                                struct error *err)
{
    struct unpack u = unpack_from(d, n, NULL);
    int64_t *whole[TRAINED_WHOLE];
    double *real[TRAINED_REAL];

    trained_numbers(out, whole, real);
    for (int i = 0; i < TRAINED_WHOLE; i++)
        *whole[i] = unpack_i64(&u);
    for (int i = 0; i < TRAINED_REAL; i++)
        *real[i] = unpack_f64(&u);
    return unpack_done(&u, "progress", err);
}

tcet_status wire_unpack_error(const void *d, size_t n, struct error *err)
{
    struct arena a = {0};
    struct unpack u = unpack_from(d, n, &a);
    tcet_status st = (tcet_status)unpack_u32(&u);

    error_set(err, u.ok && st < 0 ? st : TCET_E_PLUGIN, "%s", unpack_text(&u));
    arena_free(&a);
    return err->status;
}
