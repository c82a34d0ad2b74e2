/* pass.c -- passes as text, and when one serves for another (plan.h).  Room: core/plan. */
#include "plan/plan.h"

static const char *const WEIGHTS[] = {"drawn", "absolute", "gaussian"};
static const char *const INPUTS[] = {"batch", "ones", "gaussian", "mixup"};
static const char *const NORMS[] = {"train", "eval", "removed"};
static const char *const LOSSES[] = {"none", "cross_entropy", "sum"};
static const char *const GRADIENTS[] = {"none", "batch", "sample"};
static const char *const PRECISIONS[] = {"run", "f32", "f64"};
static const char *const SOURCES[] = {"loader", "parts"};
static const char *const NETWORKS[] = {"full", "thin"};

void pass_text(const tcet_pass *p, struct buf *out)
{
    buf_printf(out, "weights=%s input=%s norm=%s loss=%s gradient=%s precision=%s",
               WEIGHTS[p->weights], INPUTS[p->input], NORMS[p->norm], LOSSES[p->loss],
               GRADIENTS[p->gradient], PRECISIONS[p->precision]);
    if (p->batches > 1)
        buf_printf(out, " batches=%u source=%s", p->batches, SOURCES[p->source]);
    if (p->samples)
        buf_printf(out, " samples=%u", p->samples);
    if (p->hvp)
        buf_puts(out, " hvp");
    if (p->own_seed)
        buf_printf(out, " seed=%llu", (unsigned long long)p->seed);
    if (p->input == TCET_INPUT_MIXUP)
        buf_printf(out, " mixup=%.17g", p->mixup);
    if (p->network)
        buf_printf(out, " network=%s", NETWORKS[p->network]);
    if (p->repeat > 1)
        buf_printf(out, " repeat=%u", p->repeat);
    if (p->temperature != 0 && p->temperature != 1)
        buf_printf(out, " temperature=%.17g", p->temperature);
}

int pass_same_forward(const tcet_pass *b, const tcet_pass *a)
{
    return a->weights == b->weights && a->input == b->input && a->norm == b->norm &&
           a->precision == b->precision && a->batches == b->batches && a->source == b->source &&
           a->samples == b->samples && a->own_seed == b->own_seed && a->seed == b->seed &&
           a->mixup == b->mixup && a->repeat == b->repeat && a->network == b->network;
}

int pass_covers(const tcet_pass *b, const tcet_pass *a)
{
    int same_backward = a->loss == b->loss && a->gradient == b->gradient && a->hvp <= b->hvp &&
                        a->temperature == b->temperature;
    int forward_only = a->loss == TCET_LOSS_NONE && a->gradient == TCET_GRADIENT_NONE && !a->hvp;

    return pass_same_forward(b, a) && (same_backward || forward_only);
}
