/* measure.c -- see measure.h.  Room: core/train. */
#include "train/measure.h"

#include "plugin/calls.h"

#include <stdlib.h>
#include <string.h>

tcet_status measure_open(struct measure *m, struct plan *p, const struct batch_images *images,
                         int64_t batch, struct error *err)
{
    const struct augment_shape *s = &images->shape;

    *m = (struct measure){.plan = p, .images = *images, .batch = batch};
    m->x = mem_try((size_t)batch * (size_t)s->channels * (size_t)s->h * (size_t)s->w, sizeof *m->x);
    m->targets = mem_try((size_t)batch * (size_t)images->classes, sizeof *m->targets);
    return m->x && m->targets
               ? TCET_OK
               : error_set(err, TCET_E_MEMORY, "no memory for %lld images", (long long)batch);
}

tcet_status measure_run(struct measure *m, tcet_training *t, int ema,
                        tcet_status (*alive)(void *arg, struct error *err), void *arg,
                        struct measured *out, struct error *err)
{
    const struct batch_images *i = &m->images;
    int64_t right = 0, right5 = 0;
    double loss = 0;

    for (int64_t at = 0; at < i->count; at += m->batch) {
        int64_t n = i->count - at < m->batch ? i->count - at : m->batch;
        tcet_batch batch = {.struct_size = sizeof batch, .n = n, .x = m->x, .targets = m->targets};
        tcet_train_result r;

        batch_plain(i, at, n, m->x);
        memset(m->targets, 0, (size_t)(n * i->classes) * sizeof *m->targets);
        for (int64_t k = 0; k < n; k++)
            m->targets[k * i->classes + i->labels[at + k]] = 1;
        TRY(backend_train_eval(m->plan->backend, t, &batch, (uint32_t)ema, &r, NULL, err));
        loss += r.loss;
        right += r.correct;
        right5 += r.correct5;
        TRY(alive(arg, err));
    }
    out->loss = loss / (double)i->count;
    out->top1 = 100 * (double)right / (double)i->count;
    out->top5 = 100 * (double)right5 / (double)i->count;
    return TCET_OK;
}

void measure_close(struct measure *m)
{
    free(m->x);
    free(m->targets);
}
