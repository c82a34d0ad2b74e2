/* executor.c -- memory, the forward and the backwards; see executor.h.
 * Room: plugins/backend/torch. */
#include "executor.h"
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- memory ---------------------------------------------------------------------------- */

tcet_status job_fail(struct job *j, tcet_status status, const char *what)
{
    char text[704];

    if (j->d->message[0])
        snprintf(text, sizeof text, "%.160s: %.511s", what, j->d->message);
    else
        snprintf(text, sizeof text, "%s", what);
    j->d->message[0] = '\0';
    return j->cx->host->fail(j->cx, status, text);
}

struct memory *memory_adopt(struct job *j, ts_tensor *t, void *data)
{
    struct memory *m = malloc(sizeof *m);

    if (!m) {
        ts_free(t);
        job_fail(j, TCET_E_MEMORY, "out of memory");
        return NULL;
    }
    *m = (struct memory){.data = data, .owner = t, .refs = 1};
    return m;
}

struct memory *memory_new(struct job *j, size_t bytes)
{
    ts_tensor *owner = NULL;
    struct memory *m;
    void *data = NULL;

    if (j->d->cuda)
        owner = ts_alloc(j->d, bytes, &data);
    else
        data = pool_get(bytes);
    if (!data && !owner) {
        char text[96];

        snprintf(text, sizeof text, "no %zu bytes of memory for a tensor", bytes);
        job_fail(j, TCET_E_MEMORY, text);
        return NULL;
    }
    m = memory_adopt(j, owner, data);
    if (m)
        m->bytes = bytes;
    else
        pool_put(owner ? NULL : data);
    return m;
}

struct memory *memory_ref(struct memory *m)
{
    m->refs++;
    return m;
}

void memory_drop(struct memory *m)
{
    if (!m || --m->refs > 0)
        return;
    ts_free(m->mirror);
    if (m->owner)
        ts_free(m->owner);
    else
        pool_put(m->data);
    free(m);
}

void *job_alloc(struct job *j, size_t bytes)
{
    struct memory *m;

    if (j->held_count == j->held_cap) {
        int32_t cap = j->held_cap ? 2 * j->held_cap : 64;
        struct memory **held = realloc(j->held, (size_t)cap * sizeof *held);

        if (!held) {
            job_fail(j, TCET_E_MEMORY, "out of memory");
            return NULL;
        }
        j->held = held;
        j->held_cap = cap;
    }
    m = memory_new(j, bytes);
    if (!m)
        return NULL;
    j->held[j->held_count++] = m;
    if (j->k->zero(j->d, m->data, bytes) != 0) {
        job_fail(j, TCET_E_BACKEND, "clearing memory");
        return NULL;
    }
    return m->data;
}

/* -- helpers of both directions -------------------------------------------------------- */

tcet_status job_check(struct job *j, int status, int32_t i, const char *what)
{
    char text[160];
    int32_t module;

    if (status == 0)
        return TCET_OK;
    module = job_node(j, i)->module;
    snprintf(text, sizeof text, "%s of node %d (%s)", what, (int)i,
             module >= 0 ? j->graph->modules[module].name : "no module");
    return job_fail(j, status, text);
}

static const void *number_at(const struct job *j, const void *base, int64_t at)
{
    return (const char *)base + (size_t)at * j->size;
}

const void *job_weight(const struct job *j, const tcet_node *node)
{
    const tcet_graph_module *m = &j->graph->modules[node->module];

    return m->weight_count ? number_at(j, j->params, m->weight) : NULL;
}

const void *job_bias(const struct job *j, const tcet_node *node)
{
    const tcet_graph_module *m = &j->graph->modules[node->module];

    return m->bias_count ? number_at(j, j->params, m->bias) : NULL;
}

struct ts_conv conv_shape(const struct job *j, int32_t i, int64_t n)
{
    const tcet_node *o = job_node(j, i), *in = job_node(j, job_input(j, i, 0));

    return (struct ts_conv){.n = n,
                            .c = in->c,
                            .h = in->h,
                            .w = in->w,
                            .oc = o->c,
                            .oh = o->h,
                            .ow = o->w,
                            .kh = o->kernel_h,
                            .kw = o->kernel_w,
                            .stride_h = o->stride_h,
                            .stride_w = o->stride_w,
                            .pad_h = o->padding_h,
                            .pad_w = o->padding_w,
                            .dilation_h = o->dilation_h,
                            .dilation_w = o->dilation_w,
                            .groups = o->groups};
}

struct ts_pool pool_shape(const struct job *j, int32_t i, int64_t n)
{
    const tcet_node *o = job_node(j, i), *in = job_node(j, job_input(j, i, 0));

    return (struct ts_pool){.n = n,
                            .c = in->c,
                            .h = in->h,
                            .w = in->w,
                            .oh = o->h,
                            .ow = o->w,
                            .kh = o->kernel_h,
                            .kw = o->kernel_w,
                            .stride_h = o->stride_h,
                            .stride_w = o->stride_w,
                            .pad_h = o->padding_h,
                            .pad_w = o->padding_w,
                            .count_padding = o->count_include_pad};
}

struct ts_window window_shape(const struct job *j, int32_t i, int32_t k, int64_t n)
{
    const tcet_node *o = job_node(j, i), *in = job_node(j, job_input(j, i, k));
    struct ts_window s = {.n = n,
                          .h = in->h,
                          .w = in->w,
                          .c = in->c,
                          .sh = in->h,
                          .sw = in->w,
                          .sc = in->c,
                          .dh = o->h,
                          .dw = o->w,
                          .dc = o->c};

    if (o->op == TCET_OP_CONCAT) {
        for (int32_t p = 0; p < k; p++)
            s.dst_c += job_node(j, job_input(j, i, p))->c;
    } else if (o->op == TCET_OP_SLICE) {
        s.h = o->h;
        s.w = o->w;
        s.c = o->c;
        s.src_h = o->offset_h;
        s.src_w = o->offset_w;
        s.src_c = o->offset_c;
    } else {
        s.clear = 1;
    }
    return s;
}

struct ts_window window_reversed(struct ts_window s)
{
    return (struct ts_window){.n = s.n,
                              .h = s.h,
                              .w = s.w,
                              .c = s.c,
                              .sh = s.dh,
                              .sw = s.dw,
                              .sc = s.dc,
                              .src_h = s.dst_h,
                              .src_w = s.dst_w,
                              .src_c = s.dst_c,
                              .dh = s.sh,
                              .dw = s.sw,
                              .dc = s.sc,
                              .dst_h = s.src_h,
                              .dst_w = s.src_w,
                              .dst_c = s.src_c,
                              .clear = s.h != s.sh || s.w != s.sw || s.c != s.sc};
}

/* -- convolutions, by our kernels or libtorch's ----------------------------------------- */

static int conv_is_ours(const struct job *j, const struct ts_conv *s)
{
    return j->k->conv_takes && j->k->conv_takes(s);
}

tcet_status conv_run_forward(struct job *j, int32_t i, const struct ts_conv *s, const void *x,
                             const void *w, const void *bias, struct memory **y)
{
    ts_tensor *t;
    void *data;

    *y = NULL;
    if (conv_is_ours(j, s)) {
        tcet_status st;

        *y = memory_new(j, (size_t)(s->n * s->oc * s->oh * s->ow) * j->size);
        if (!*y)
            return TCET_E_MEMORY;
        st = job_check(j, j->k->conv_forward(j->d, s, x, w, bias, (*y)->data), i, "convolution");
        if (st != TCET_OK) {
            memory_drop(*y);
            *y = NULL;
        }
        return st;
    }
    t = ts_conv_forward(j->d, s, x, w, bias, &data);
    if (!t)
        return job_check(j, TCET_E_BACKEND, i, "convolution");
    *y = memory_adopt(j, t, data);
    return *y ? TCET_OK : TCET_E_MEMORY;
}

tcet_status conv_run_backward(struct job *j, int32_t i, const struct ts_conv *s, const void *g,
                              const void *x, const void *w, void *dw, struct memory **dx)
{
    int own = conv_is_ours(j, s), status = 0;
    ts_tensor *t = NULL;
    void *data = NULL;

    if (dx)
        *dx = NULL;
    if (!dw && !dx)
        return TCET_OK;
    if (own && dx && !(*dx = memory_new(j, (size_t)(s->n * s->c * s->h * s->w) * j->size)))
        return TCET_E_MEMORY;
    if (own && dw)
        status = j->k->conv_weights(j->d, s, g, x, dw);
    if (own && dx && status == 0)
        status = j->k->conv_input(j->d, s, g, w, (*dx)->data);
    if (!own)
        status = ts_conv_backward(j->d, s, g, x, w, dw, dx ? &t : NULL, &data);
    if (status != 0) {
        if (dx) {
            memory_drop(*dx);
            *dx = NULL;
        }
        return job_check(j, status, i, "backward of convolution");
    }
    if (t && !(*dx = memory_adopt(j, t, data)))
        return TCET_E_MEMORY;
    return TCET_OK;
}

/* -- forward --------------------------------------------------------------------------- */

static struct memory *new_value(struct job *j, int32_t i)
{
    return memory_new(j, (size_t)(j->n * node_units(job_node(j, i))) * j->size);
}

/* A copy of a finished value for the layers. */
static tcet_status keep(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->v[i];
    int64_t at = j->forward * j->n * node_units(node);

    if (!v->keep)
        return TCET_OK;
    return job_check(j,
                     j->k->to_nchw(j->d, v->val->data, j->n, node->c, (int64_t)node->h * node->w,
                                   (char *)v->kept + (size_t)at * j->size),
                     i, "output");
}

/* Where the next sweep over node i's numbers should write their signs; NULL: nowhere. */
static tcet_status open_bits(struct job *j, int32_t i, uint64_t **out)
{
    struct value *v = &j->v[i];

    *out = NULL;
    if (!v->signs || v->settled || !j->k->packs || j->forward > 0)
        return TCET_OK;
    if (v->keep_bits) {
        *out = v->kept_bits;
    } else {
        size_t words = (size_t)(j->n * kernels_words(node_units(job_node(j, i))));

        v->bits = memory_new(j, words * sizeof **out);
        if (!v->bits)
            return TCET_E_MEMORY;
        *out = v->bits->data;
    }
    v->settled = 1;
    return TCET_OK;
}

/* Agreement matrices from the bits of open_bits. */
static void use_bits(struct job *j, int32_t i, const uint64_t *bits)
{
    struct value *v = &j->v[i];
    int64_t units = node_units(job_node(j, i));
    int32_t slots[2] = {v->slot, v->relu_slot};

    if (!bits)
        return;
    for (int s = 0; s < 2; s++) {
        if (slots[s] >= 0)
            j->k->agreement_bits(bits, j->n, units, j->agreement + slots[s] * j->n * j->n,
                                 j->positive + slots[s]);
    }
    memory_drop(v->bits);
    v->bits = NULL;
}

/* Signs of a stored value that no sweep has packed. */
static tcet_status settle(struct job *j, int32_t i)
{
    struct value *v = &j->v[i];
    int64_t units = node_units(job_node(j, i));
    int32_t slots[2] = {v->slot, v->relu_slot};
    tcet_status st = TCET_OK;

    if (!v->signs || v->settled || j->forward > 0)
        return TCET_OK;
    if (j->k->packs) {
        uint64_t *bits;

        st = open_bits(j, i, &bits);
        if (st == TCET_OK) {
            j->k->pack(v->val->data, j->n, units, bits);
            use_bits(j, i, bits);
        }
        return st;
    }
    v->settled = 1;
    for (int s = 0; s < 2 && st == TCET_OK; s++) {
        if (slots[s] >= 0)
            st = job_check(j,
                           j->k->agreement(j->d, v->val->data, j->n, units,
                                           j->agreement + slots[s] * j->n * j->n,
                                           j->positive + slots[s]),
                           i, "agreement");
    }
    return st;
}

/* A node as a term of a sum; packs the signs of what it reads on the way. */
static tcet_status term_of(struct job *j, int32_t i, struct ts_term *t, int32_t *packed)
{
    struct value *v = &j->v[i];
    int32_t from = i;
    tcet_status st;

    *t = (struct ts_term){.x = NULL};
    if (!v->val) {
        t->a = v->norm.a;
        t->b = v->norm.b;
        from = job_input(j, i, 0);
    }
    t->x = j->v[from].val->data;
    st = open_bits(j, from, &t->bits);
    *packed = t->bits ? from : -1;
    return st;
}

/* Writes what is wanted of node i = sum of terms: its numbers, its ReLU, its signs. */
static tcet_status sweep(struct job *j, int32_t i, const int32_t *nodes, int32_t count)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->v[i], *relu = v->relu >= 0 && j->v[v->relu].exec ? &j->v[v->relu] : NULL;
    struct ts_term small[8], *t = small;
    int32_t few[8], *packed = few;
    uint64_t *bits;
    tcet_status st;

    if (count > 8) {
        t = calloc((size_t)count, sizeof *t);
        packed = calloc((size_t)count, sizeof *packed);
    }
    st = t && packed ? TCET_OK : job_fail(j, TCET_E_MEMORY, "out of memory");
    for (int32_t k = 0; k < count && st == TCET_OK; k++)
        st = term_of(j, nodes[k], &t[k], &packed[k]);
    if (st == TCET_OK)
        st = open_bits(j, i, &bits);
    if (st == TCET_OK && v->stored && !v->val && !(v->val = new_value(j, i)))
        st = TCET_E_MEMORY;
    if (st == TCET_OK && relu && !(relu->val = new_value(j, v->relu)))
        st = TCET_E_MEMORY;
    if (st == TCET_OK && (v->stored || relu || bits)) {
        void *raw = v->val && !(count == 1 && t[0].x == v->val->data) ? v->val->data : NULL;

        st = job_check(j,
                       j->k->combine(j->d, t, count, j->n, (int64_t)node->h * node->w, node->c, raw,
                                     relu ? relu->val->data : NULL, bits),
                       i, "sum");
    }
    if (st == TCET_OK) {
        use_bits(j, i, bits);
        for (int32_t k = 0; k < count; k++) {
            if (packed[k] >= 0)
                use_bits(j, packed[k], t[k].bits);
        }
        if (relu)
            st = keep(j, v->relu);
    }
    if (t != small)
        free(t);
    if (packed != few)
        free(packed);
    return st;
}

static tcet_status forward_conv(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    struct ts_conv s = conv_shape(j, i, j->n);

    return conv_run_forward(j, i, &s, j->v[job_input(j, i, 0)].val->data, job_weight(j, node),
                            job_bias(j, node), &j->v[i].val);
}

const void *flat_input(struct job *j, int32_t i, int64_t n, const void *x, struct memory **own)
{
    const tcet_node *in = job_node(j, job_input(j, i, 0));
    int64_t hw = (int64_t)in->h * in->w;

    *own = NULL;
    if (hw == 1)
        return x;
    *own = memory_new(j, (size_t)(n * node_units(in)) * j->size);
    if (!*own || job_check(j, j->k->to_nchw(j->d, x, n, in->c, hw, (*own)->data), i, "flatten"))
        return NULL;
    return (*own)->data;
}

static tcet_status forward_linear(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct memory *own;
    const void *x = flat_input(j, i, j->n, j->v[in].val->data, &own);
    tcet_status st = TCET_E_BACKEND;

    if (x && (j->v[i].val = new_value(j, i)))
        st = job_check(j,
                       ts_linear(j->d, j->n, node_units(job_node(j, in)), node->c, x,
                                 job_weight(j, node), job_bias(j, node), j->v[i].val->data),
                       i, "linear");
    memory_drop(own);
    return st;
}

static tcet_status forward_norm(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct value *v = &j->v[i];
    uint64_t *bits;
    tcet_status st;

    if (node->op == TCET_OP_BATCH_NORM && !v->batch_stats) {
        st = job_check(j, j->k->norm_eval(j->d, node->c, &v->norm), i, "batch norm");
    } else if (node->op == TCET_OP_BATCH_NORM) {
        st = open_bits(j, in, &bits);
        if (st == TCET_OK)
            st = job_check(j,
                           j->k->norm_train(j->d, j->v[in].val->data, j->n,
                                            (int64_t)node->h * node->w, node->c, &v->norm, bits),
                           i, "batch norm");
        if (st == TCET_OK)
            use_bits(j, in, bits);
    } else {
        st = TCET_OK; /* a scaling's lines never change */
    }
    if (st == TCET_OK && (v->stored || v->relu >= 0 || v->signs))
        st = sweep(j, i, &i, 1);
    return st;
}

static tcet_status forward_add(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    int32_t few[8], *nodes = few, count = 0;
    tcet_status st;

    if (node->input_count > 8 && !(nodes = calloc((size_t)node->input_count, sizeof *nodes)))
        return job_fail(j, TCET_E_MEMORY, "out of memory");
    for (int32_t k = 0; k < node->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (job_node(j, in)->op != TCET_OP_ZERO)
            nodes[count++] = in;
    }
    st = sweep(j, i, nodes, count);
    if (nodes != few)
        free(nodes);
    return st;
}

/* Operations that write one new tensor. */
static tcet_status forward_plain(struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);
    const tcet_node *in = node->input_count ? job_node(j, job_input(j, i, 0)) : node;
    const void *x = NULL;
    struct value *v = &j->v[i];
    int64_t hw = (int64_t)in->h * in->w;
    struct ts_pool pool;
    struct ts_window window;
    int status = 0;
    void *y;

    if (node->input_count && node->op != TCET_OP_ZERO)
        x = j->v[job_input(j, i, 0)].val->data;
    v->val = new_value(j, i);
    if (!v->val)
        return TCET_E_MEMORY;
    y = v->val->data;
    switch (node->op) {
    case TCET_OP_INPUT:
        status =
            j->k->load(j->d, j->run->x + j->forward % j->run->forwards * j->n * node_units(node),
                       j->n, node->c, hw, y);
        break;
    case TCET_OP_AVG_POOL:
        pool = pool_shape(j, i, j->n);
        status = j->k->avg_pool(j->d, &pool, x, y);
        break;
    case TCET_OP_MAX_POOL:
        pool = pool_shape(j, i, j->n);
        status = j->k->max_pool(j->d, &pool, x, y);
        break;
    case TCET_OP_GLOBAL_POOL: status = j->k->global_pool(j->d, j->n, hw, in->c, x, y); break;
    case TCET_OP_CONCAT:
    case TCET_OP_SLICE:
    case TCET_OP_PAD:
        for (int32_t k = 0; k < node->input_count && status == 0; k++) {
            window = window_shape(j, i, k, j->n);
            status = j->k->window(j->d, &window, j->v[job_input(j, i, k)].val->data, y);
        }
        break;
    case TCET_OP_MUL:
        status = j->k->multiply(j->d, j->n, hw, node->c,
                                node_units(job_node(j, job_input(j, i, 1))) != node_units(node), x,
                                j->v[job_input(j, i, 1)].val->data, y);
        break;
    case TCET_OP_ZERO:
        status = j->k->zero(j->d, y, (size_t)(j->n * node_units(node)) * j->size);
        break;
    case TCET_OP_SIGMOID:
    case TCET_OP_SWISH:
    case TCET_OP_HSWISH:
    case TCET_OP_RELU6: status = j->k->curve(j->d, node->op, j->n * node_units(node), x, y); break;
    default: return job_check(j, TCET_E_UNSUPPORTED, i, "this backend does not know the operation");
    }
    return job_check(j, status, i, "forward");
}

static tcet_status forward_node(struct job *j, int32_t i)
{
    struct value *v = &j->v[i];
    tcet_status st;

    switch (job_node(j, i)->op) {
    case TCET_OP_RELU: return TCET_OK; /* written with its input */
    case TCET_OP_BATCH_NORM:
    case TCET_OP_SCALE: st = forward_norm(j, i); break;
    case TCET_OP_ADD: st = forward_add(j, i); break;
    case TCET_OP_CONV2D: st = forward_conv(j, i); break;
    case TCET_OP_LINEAR: st = forward_linear(j, i); break;
    default: st = forward_plain(j, i); break;
    }
    if (st == TCET_OK && v->relu >= 0 && j->v[v->relu].exec && !j->v[v->relu].val)
        st = sweep(j, i, &i, 1);
    if (st == TCET_OK && v->val)
        st = keep(j, i);
    return st;
}

/* Ends the lives that end with forward step i. */
static tcet_status retire(struct job *j, int32_t i)
{
    for (int32_t k = j->v[i].retire_head; k >= 0; k = j->v[k].next_last) {
        struct value *v = &j->v[k];
        tcet_status st = v->val ? settle(j, k) : TCET_OK;

        if (st != TCET_OK)
            return st;
        if (v->first_back < 0) {
            memory_drop(v->val);
            v->val = NULL;
        }
    }
    return TCET_OK;
}

tcet_status executor_forward(struct job *j)
{
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        tcet_status st = TCET_OK;

        if (j->v[i].rep == i && j->v[i].exec)
            st = forward_node(j, i);
        if (st == TCET_OK)
            st = retire(j, i);
        if (st != TCET_OK)
            return st;
        if (j->cx->host->cancelled(j->cx))
            return job_fail(j, TCET_E_CANCELLED, "cancelled");
    }
    return TCET_OK;
}

/* -- backward -------------------------------------------------------------------------- */

void gradient_give(struct job *j, int32_t i, struct memory *g)
{
    struct value *v = &j->v[i];
    int32_t p = j->parts++;

    j->part[p] = (struct part){.g = g, .next = -1};
    if (v->parts < 0)
        v->parts = p;
    else
        j->part[v->parts_tail].next = p;
    v->parts_tail = p;
}

void gradient_drop(struct job *j, int32_t *head)
{
    for (int32_t p = *head; p >= 0; p = j->part[p].next) {
        memory_drop(j->part[p].g);
        j->part[p].g = NULL;
    }
    *head = -1;
}

const void *job_value(const struct job *j, int32_t i)
{
    return number_at(j, j->v[i].val->data, j->first * node_units(job_node(j, i)));
}

static struct memory *new_gradient(struct job *j, int32_t i)
{
    return memory_new(j, (size_t)(j->count * node_units(job_node(j, i))) * j->size);
}

/* Does the batch norm i need sums over its gradient? */
static int needs_sums(const struct job *j, int32_t i)
{
    const tcet_node *node = job_node(j, i);

    return node->op == TCET_OP_BATCH_NORM && j->v[i].up &&
           (j->v[i].batch_stats || (j->norm_gradients && node->affine));
}

static void add_sum(struct job *j, int32_t i, struct ts_sum *sums, int32_t *norms, int32_t *count)
{
    int32_t in = job_input(j, i, 0);

    sums[*count] =
        (struct ts_sum){.x = job_value(j, in), .mean = j->v[i].norm.mean, .s2 = j->v[i].s2};
    norms[(*count)++] = i;
}

/* The batch norms whose sums can ride on the gathering of node i. */
static int32_t riding_norms(struct job *j, int32_t i, struct ts_sum *sums, int32_t *norms)
{
    int32_t count = 0;

    if (needs_sums(j, i))
        add_sum(j, i, sums, norms, &count);
    if (job_node(j, i)->op != TCET_OP_ADD)
        return count;
    for (int32_t k = 0; k < job_node(j, i)->input_count; k++) {
        int32_t in = job_input(j, i, k);

        if (needs_sums(j, in) && j->v[in].readers == 1)
            add_sum(j, in, sums, norms, &count);
    }
    return count;
}

/* The whole gradient of node i from its parts; *out is NULL when there is none. */
static tcet_status gather(struct job *j, int32_t i, struct memory **out)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->v[i];
    int32_t edges = node->input_count + 1, plain = 0, masked = 0, norms_count = 0, *norms;
    struct ts_sum *sums;
    const void **x;
    tcet_status st = TCET_OK;
    int whole;

    *out = NULL;
    for (int32_t p = v->parts; p >= 0; p = j->part[p].next)
        plain++;
    for (int32_t p = v->masked; p >= 0; p = j->part[p].next)
        masked++;
    if (plain + masked == 0)
        return TCET_OK;
    sums = calloc((size_t)edges, sizeof *sums);
    norms = calloc((size_t)edges, sizeof *norms);
    x = calloc((size_t)(plain + masked), sizeof *x);
    if (!sums || !norms || !x)
        st = job_fail(j, TCET_E_MEMORY, "out of memory");
    if (st == TCET_OK) {
        int32_t at = 0;

        for (int32_t p = v->parts; p >= 0; p = j->part[p].next)
            x[at++] = j->part[p].g->data;
        for (int32_t p = v->masked; p >= 0; p = j->part[p].next)
            x[at++] = j->part[p].g->data;
        if (!v->summed)
            norms_count = riding_norms(j, i, sums, norms);
        whole = plain == 1 && masked == 0;
        *out = whole ? memory_ref(j->part[v->parts].g) : new_gradient(j, i);
        if (!*out)
            st = TCET_E_MEMORY;
        else if (!whole || norms_count)
            st = job_check(j,
                           j->k->gather(j->d, x, plain, x + plain, masked,
                                        masked ? job_value(j, v->relu) : NULL,
                                        j->count * node->h * node->w, node->c,
                                        whole ? NULL : (*out)->data,
                                        norms_count ? j->v[norms[0]].s1 : NULL, sums, norms_count),
                           i, "gradient");
    }
    for (int32_t k = 0; k < norms_count; k++) {
        j->v[norms[k]].summed = 1;
        if (k > 0)
            j->v[norms[k]].s1 = j->v[norms[0]].s1;
    }
    free(sums);
    free(norms);
    free(x);
    gradient_drop(j, &v->parts);
    gradient_drop(j, &v->masked);
    return st;
}

void *gradient_row(const struct job *j, const tcet_node *node, int64_t row)
{
    const tcet_graph_module *m;

    if (node->module < 0 || !j->gradient[node->module])
        return NULL;
    m = &j->graph->modules[node->module];
    if (j->one_gradient && m->layer >= 0)
        row = 0;
    return (char *)j->gradient[node->module] + (size_t)(row * m->weight_count) * j->size;
}

/* The gradient of a bias, or of a norm's beta: each channel's sum of g, in the place of this call
 * of the module. */
static tcet_status back_bias(struct job *j, int32_t i, int64_t row, const struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    const void *whole = g->data;
    const tcet_graph_module *m;
    double *to;

    if (node->module < 0 || !j->bias_gradient[node->module])
        return TCET_OK;
    m = &j->graph->modules[node->module];
    to = j->bias_gradient[node->module] + (j->v[i].call * j->rows + row) * m->bias_count;
    return job_check(j,
                     j->k->gather(j->d, &whole, 1, NULL, 0, NULL, j->count * node->h * node->w,
                                  node->c, NULL, to, NULL, 0),
                     i, "gradient of the bias");
}

static tcet_status back_conv(struct job *j, int32_t i, int64_t row, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct ts_conv s = conv_shape(j, i, j->count);
    void *dw = gradient_row(j, node, row);
    const void *x = dw ? job_value(j, in) : NULL;
    struct memory *dx = NULL;
    tcet_status st;

    st = conv_run_backward(j, i, &s, g->data, x, job_weight(j, node), dw, j->v[in].up ? &dx : NULL);
    if (st == TCET_OK && dx)
        gradient_give(j, in, dx);
    return st;
}

static tcet_status back_linear(struct job *j, int32_t i, int64_t row, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    const tcet_node *from = job_node(j, in);
    int64_t hw = (int64_t)from->h * from->w;
    void *dw = gradient_row(j, node, row);
    struct memory *own = NULL, *dx = NULL, *flat = NULL;
    const void *x = NULL;
    tcet_status st = TCET_E_MEMORY;

    if (dw && !(x = flat_input(j, i, j->count, job_value(j, in), &own)))
        goto out;
    if (j->v[in].up && !(dx = new_gradient(j, in)))
        goto out;
    if (dx && hw > 1 && !(flat = new_gradient(j, in)))
        goto out;
    st = job_check(j,
                   ts_linear_back(j->d, j->count, node_units(from), node->c, g->data, x,
                                  job_weight(j, node),
                                  flat ? flat->data
                                  : dx ? dx->data
                                       : NULL,
                                  dw),
                   i, "backward of linear");
    if (st == TCET_OK && flat)
        st = job_check(j, j->k->from_nchw(j->d, flat->data, j->count, from->c, hw, dx->data), i,
                       "flatten");
    if (st == TCET_OK && dx) {
        gradient_give(j, in, dx);
        dx = NULL;
    }
out:
    memory_drop(own);
    memory_drop(flat);
    memory_drop(dx);
    return st;
}

/* Batch norm and scaling; writes over g where nobody else holds it. */
static tcet_status back_norm(struct job *j, int32_t i, int64_t row, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, 0);
    struct value *v = &j->v[i];
    void *dgamma = node->op == TCET_OP_BATCH_NORM ? gradient_row(j, node, row) : NULL;
    struct ts_term t[2] = {{.x = g->data}};
    struct memory *dx;
    tcet_status st = TCET_OK;

    if (node->op == TCET_OP_SCALE) {
        t[0].a = v->norm.a;
    } else {
        st = job_check(j,
                       j->k->norm_slope(j->d, node->c, j->count * node->h * node->w, &v->norm,
                                        v->s1, needs_sums(j, i) ? v->s2 : NULL, v->k1,
                                        v->batch_stats ? v->k2 : NULL, v->k3, dgamma),
                       i, "backward of batch norm");
        t[0].a = v->k1;
        if (v->batch_stats) {
            t[0].b = v->k3;
            t[1] = (struct ts_term){.x = job_value(j, in), .a = v->k2};
        }
    }
    if (st != TCET_OK || !j->v[in].up)
        return st;
    dx = g->refs == 1 ? memory_ref(g) : new_gradient(j, in);
    if (!dx)
        return TCET_E_MEMORY;
    st = job_check(j,
                   j->k->combine(j->d, t, t[1].x ? 2 : 1, j->count, (int64_t)node->h * node->w,
                                 node->c, dx->data, NULL, NULL),
                   i, "backward of batch norm");
    if (st == TCET_OK)
        gradient_give(j, in, dx);
    else
        memory_drop(dx);
    return st;
}

/* Gradient of input k of node i, by operations that write one new tensor. */
static tcet_status back_plain(struct job *j, int32_t i, int32_t k, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    int32_t in = job_input(j, i, k), other;
    const tcet_node *from = job_node(j, in);
    int64_t n = j->count, hw = (int64_t)from->h * from->w;
    struct memory *m;
    struct ts_pool pool;
    struct ts_window window;
    int status = 0, spread;
    void *dx;

    if (!j->v[in].up)
        return TCET_OK;
    m = new_gradient(j, in);
    if (!m)
        return TCET_E_MEMORY;
    dx = m->data;
    switch (node->op) {
    case TCET_OP_AVG_POOL:
        pool = pool_shape(j, i, n);
        status = j->k->avg_pool_back(j->d, &pool, g->data, dx);
        break;
    case TCET_OP_MAX_POOL:
        pool = pool_shape(j, i, n);
        status = j->k->max_pool_back(j->d, &pool, job_value(j, in), g->data, dx);
        break;
    case TCET_OP_GLOBAL_POOL:
        status = j->k->global_pool_back(j->d, n, hw, from->c, g->data, dx);
        break;
    case TCET_OP_CONCAT:
    case TCET_OP_SLICE:
    case TCET_OP_PAD:
        window = window_reversed(window_shape(j, i, k, n));
        status = j->k->window(j->d, &window, g->data, dx);
        break;
    case TCET_OP_MUL:
        other = job_input(j, i, 1 - k);
        spread = node_units(job_node(j, job_input(j, i, 1))) != node_units(node);
        if (spread && k == 1)
            status = j->k->multiply_back(j->d, n, (int64_t)node->h * node->w, node->c, g->data,
                                         job_value(j, other), dx);
        else
            status = j->k->multiply(j->d, n, (int64_t)node->h * node->w, node->c, spread, g->data,
                                    job_value(j, other), dx);
        break;
    default:
        status =
            j->k->curve_back(j->d, node->op, n * node_units(node), job_value(j, in), g->data, dx);
        break;
    }
    if (status != 0) {
        memory_drop(m);
        return job_check(j, status, i, "backward");
    }
    gradient_give(j, in, m);
    return TCET_OK;
}

static tcet_status back_node(struct job *j, int32_t i, int64_t row, struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    tcet_status st;

    st = back_bias(j, i, row, g);
    if (st != TCET_OK)
        return st;
    switch (node->op) {
    case TCET_OP_INPUT:
    case TCET_OP_ZERO: return TCET_OK;
    case TCET_OP_CONV2D: return back_conv(j, i, row, g);
    case TCET_OP_LINEAR: return back_linear(j, i, row, g);
    case TCET_OP_BATCH_NORM:
    case TCET_OP_SCALE: return back_norm(j, i, row, g);
    case TCET_OP_ADD:
        for (int32_t k = 0; k < node->input_count; k++) {
            int32_t in = job_input(j, i, k);

            if (j->v[in].up && job_node(j, in)->op != TCET_OP_ZERO)
                gradient_give(j, in, memory_ref(g));
        }
        return TCET_OK;
    default:
        for (int32_t k = 0; k < node->input_count && st == TCET_OK; k++)
            st = back_plain(j, i, k, g);
        return st;
    }
}

/* Copies of node i's gradient, and of its products with the value, for the layers. */
static tcet_status keep_gradient(struct job *j, int32_t i, const struct memory *g)
{
    const tcet_node *node = job_node(j, i);
    struct value *v = &j->v[i];
    int64_t image = j->forward * j->n + j->first, hw = (int64_t)node->h * node->w;
    tcet_status st = TCET_OK;

    if (v->keep_gradient)
        st = job_check(
            j,
            j->k->to_nchw(j->d, g->data, j->count, node->c, hw,
                          (char *)v->kept_gradient + (size_t)(image * node_units(node)) * j->size),
            i, "output gradient");
    if (st == TCET_OK && v->keep_product && node->op != TCET_OP_ZERO)
        st = job_check(
            j,
            j->k->multiply_back(j->d, j->count, hw, node->c, g->data, job_value(j, i),
                                (char *)v->kept_product + (size_t)(image * node->c) * j->size),
            i, "products with the output gradient");
    return st;
}

static void retire_back(struct job *j, int32_t i)
{
    if (j->run->keep_forward)
        return;
    for (int32_t k = j->v[i].retire_back_head; k >= 0; k = j->v[k].next_back) {
        memory_drop(j->v[k].val);
        j->v[k].val = NULL;
    }
}

/* One backward of images [first, first + count) into row `row`; only: the image of them
 * whose own loss it is, -1 all. */
static tcet_status backward(struct job *j, int64_t row, int64_t only, int last)
{
    const tcet_pass *pass = j->run->pass;
    const tcet_node *out = job_node(j, j->output);
    const int64_t *y = j->run->y;
    struct memory *g = new_gradient(j, j->output);
    tcet_status st;

    if (!g)
        return TCET_E_MEMORY;
    j->parts = 0;
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        j->v[i].parts = j->v[i].masked = -1;
        j->v[i].summed = 0;
    }
    st =
        job_check(j,
                  j->k->loss(j->d, pass->loss == TCET_LOSS_CROSS_ENTROPY, job_value(j, j->output),
                             y ? y + j->forward * j->n + j->first : NULL, j->count, node_units(out),
                             pass->temperature != 0 ? pass->temperature : 1, only, g->data),
                  j->output, "loss");
    gradient_give(j, j->output, g);
    for (int32_t i = j->graph->node_count - 1; i >= 0 && st == TCET_OK; i--) {
        struct value *v = &j->v[i];

        if (v->rep == i && v->reach && v->up) {
            if (job_node(j, i)->op == TCET_OP_RELU && !v->keep_gradient && !v->keep_product) {
                struct value *in = &j->v[job_input(j, i, 0)];

                in->masked = v->parts;
                v->parts = -1;
            } else {
                st = gather(j, i, &g);
                if (st == TCET_OK && g)
                    st = keep_gradient(j, i, g);
                if (st == TCET_OK && g && v->keep_dy)
                    v->dy = memory_ref(g);
                if (st == TCET_OK && g && job_node(j, i)->op == TCET_OP_RELU) {
                    gradient_give(j, i, g);
                    j->v[job_input(j, i, 0)].masked = v->parts;
                    v->parts = -1;
                } else {
                    if (st == TCET_OK && g)
                        st = back_node(j, i, row, g);
                    memory_drop(g);
                }
            }
        }
        if (last)
            retire_back(j, i);
        if (j->cx->host->cancelled(j->cx) && st == TCET_OK)
            st = job_fail(j, TCET_E_CANCELLED, "cancelled");
    }
    for (int32_t i = 0; i < j->graph->node_count; i++) {
        gradient_drop(j, &j->v[i].parts);
        gradient_drop(j, &j->v[i].masked);
    }
    return st;
}

/* Where only the row in hand is held: clears it for the next one, which is added to it. */
static tcet_status clear_gradient(struct job *j)
{
    int status = 0;

    for (int32_t k = 0; j->one_gradient && k < j->graph->module_count && status == 0; k++) {
        const tcet_graph_module *m = &j->graph->modules[k];

        if (m->layer >= 0)
            status = j->k->zero(j->d, j->gradient[k], (size_t)m->weight_count * j->size);
    }
    return job_check(j, status, j->output, "gradient");
}

/* All backwards of the forward in hand. */
tcet_status executor_backwards(struct job *j)
{
    tcet_status st = TCET_OK;

    j->first = 0;
    j->count = j->n;
    if (j->run->pass->gradient == TCET_GRADIENT_BATCH) {
        st = backward(j, j->forward, -1, !j->tangents);
        return st == TCET_OK && j->tangents ? job_hessian(j, 0) : st;
    }
    for (int64_t i = 0; i < j->n && st == TCET_OK; i++) {
        int64_t row = j->forward * j->n + i;

        if (j->tangents) {
            st = clear_gradient(j);
            if (st == TCET_OK)
                st = backward(j, row, i, 0);
            if (st == TCET_OK)
                st = job_hessian(j, i);
        } else if (j->coupled) {
            st = backward(j, row, i, i == j->n - 1);
        } else {
            /* nothing of the other images takes part */
            j->first = i;
            j->count = 1;
            st = backward(j, row, 0, i == j->n - 1);
        }
    }
    return st;
}
