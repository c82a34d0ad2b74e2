/* plan_text.c -- what identifies a plan's values, and the plan in words (plan.h).
 * Room: core/plan. */
#include "plan/plan_parts.h"

#include "base/text.h"
#include "plugin/request.h"

#include <stdio.h>
#include <string.h>

/* -- Keys ------------------------------------------------------------------------------- */

/* Raised when the host itself (draws, inputs of passes, what layers hold, guards) makes other
 * numbers of the same plugins. */
enum { SCORING = 2 };

void plan_make_keys(struct plan *p)
{
    const char *space = arena_printf(
        &p->arena, "%d space %s task=%dx%dx%d/%d%s%s", SCORING, plan_instance_key(p, p->space),
        p->task.channels, p->task.height, p->task.width, p->task.classes,
        p->prune ? " prune=dead" : "", p->share == SHARE_CANONICAL ? " share=canonical" : "");
    static const char *const nonfinite[] = {"keep", "drop", "fail"};

    for (size_t i = 0; i < p->metric_count; i++) {
        struct plan_metric *m = &p->metrics[i];
        const struct plan_saliency *s = &p->saliencies[m->saliency];
        const char *pass = "static";

        if (s->pass >= 0) {
            struct buf b = {0};

            pass_text(&s->asked, &b);
            pass = arena_printf(&p->arena,
                                "pass{%s} seed=%llu%s data{%s} backend{%s %s %s %s} cpu{%s}",
                                b.data, (unsigned long long)s->seed,
                                s->asked.weights == TCET_WEIGHTS_GAUSSIAN ? "" : p->init_text,
                                s->asked.input == TCET_INPUT_ONES ? "ones" : p->data[s->data].key,
                                plan_instance_key(p, p->backend), p->backend_info.version,
                                p->backend_info.device, p->backend_code, p->instructions);
            buf_free(&b);
        }
        m->key = arena_printf(&p->arena,
                              "%s | %s | saliency %s | aggregator %s | partition=%s nonfinite=%s",
                              space, pass, s->key, plan_instance_key(p, m->aggregator),
                              m->network ? "network" : "layer", nonfinite[p->nonfinite]);
        p->columns[m->column].key = m->key;
        p->columns[m->column].direction = m->direction;
    }
    for (size_t i = 0; i < p->score_count; i++) {
        struct plan_score *sc = &p->scores[i];
        struct buf b = {0};

        buf_printf(&b, "score %s %s", sc->combiner ? plan_instance_key(p, sc->combiner) : "=",
                   sc->aggregator ? plan_instance_key(p, sc->aggregator) : "");
        for (size_t k = 0; k < sc->input_count; k++)
            buf_printf(&b, " (%s %s)", p->columns[sc->inputs[k]].name,
                       p->columns[sc->inputs[k]].key);
        sc->key = arena_strdup(&p->arena, b.data);
        buf_free(&b);
        p->columns[sc->column].key = sc->key;
        p->columns[sc->column].direction = sc->direction;
    }
}

/* Of the names' column: the longest of all. */
static int name_width(const struct plan *p)
{
    size_t w = 20;

    for (size_t i = 0; i < p->column_count; i++)
        w = strlen(p->columns[i].name) > w ? strlen(p->columns[i].name) : w;
    for (size_t i = 0; i < p->skip_count; i++)
        w = strlen(p->skips[i].name) > w ? strlen(p->skips[i].name) : w;
    return (int)w;
}

const char *plan_target_text(const struct plan *p, uint32_t target, char out[PLAN_TARGET_TEXT])
{
    static const struct {
        const char *before, *after;
    } texts[] = {
        [TCET_TARGET_CLASS] = {"", "classes"},
        [TCET_TARGET_SHARES] = {"shares of ", "classes"},
        [TCET_TARGET_NUMBERS] = {"", "numbers"},
        [TCET_TARGET_PIXELS] = {"", "classes at every pixel"},
        [TCET_TARGET_MAP] = {"", "numbers at every pixel"},
        [TCET_TARGET_SELF] = {"the image's own ", "numbers at every pixel"},
    };

    snprintf(out, PLAN_TARGET_TEXT, "%s%d %s", texts[target].before, p->task.classes,
             texts[target].after);
    return out;
}

void plan_print(const struct plan *p, struct buf *out)
{
    int wide = name_width(p);
    char task[PLAN_TARGET_TEXT];

    buf_printf(out, "space    %s %s: %s, %dx%dx%d\n", p->space->plugin->desc.id,
               p->space->params_text, plan_target_text(p, p->task.target, task), p->task.channels,
               p->task.height, p->task.width);
    for (size_t i = 0; i < p->data_count; i++) {
        const struct plan_data *d = &p->data[i];

        buf_printf(out, "data     %s: %s; %lld mini-batch%s of %lld, seed %llu\n", d->id,
                   d->info.description, (long long)d->batches, d->batches == 1 ? "" : "es",
                   (long long)d->batch, (unsigned long long)d->seed);
    }
    buf_printf(out, "weights  seed %llu%s\n", (unsigned long long)p->seed, p->init_text);
    buf_printf(out, "backend  %s, precision %s\n", p->backend->plugin->desc.id,
               p->precision == TCET_PRECISION_F64 ? "f64" : "f32");
    buf_puts(out, "\nmetrics\n");
    for (size_t i = 0; i < p->metric_count; i++) {
        const struct plan_metric *m = &p->metrics[i];
        const struct plan_saliency *s = &p->saliencies[m->saliency];
        char where[32];

        snprintf(where, sizeof where, "pass %d", s->pass + 1);
        buf_printf(out, "  %-*s %s{%s} -> %s{%s}%s, %s\n", wide, m->name,
                   s->instance->plugin->desc.id, s->instance->params_text,
                   m->aggregator->plugin->desc.id, m->aggregator->params_text,
                   m->network ? ", whole network" : "", s->pass < 0 ? "no pass" : where);
    }
    if (p->score_count)
        buf_puts(out, "\nscores\n");
    for (size_t i = 0; i < p->score_count; i++) {
        const struct plan_score *sc = &p->scores[i];

        buf_printf(out, "  %-*s %s%s%s%s (", wide, sc->name,
                   sc->combiner ? sc->combiner->plugin->desc.id : "is", sc->combiner ? "{" : "",
                   sc->combiner ? sc->combiner->params_text : "", sc->combiner ? "}" : "");
        for (size_t k = 0; k < sc->input_count; k++)
            buf_printf(out, "%s%s", k ? ", " : "", p->columns[sc->inputs[k]].name);
        buf_printf(out, ")%s%s\n", sc->aggregator ? " -> " : "",
                   sc->aggregator ? sc->aggregator->plugin->desc.id : "");
    }
    if (p->skip_count)
        buf_puts(out, "\nskipped\n");
    for (size_t i = 0; i < p->skip_count; i++)
        buf_printf(out, "  %-*s %s\n", wide, p->skips[i].name, p->skips[i].reason);
    buf_printf(out, "\npasses: %zu asked for, %zu will run per architecture\n", p->passes_asked,
               p->pass_count);
    for (size_t i = 0; i < p->pass_count; i++) {
        buf_printf(out, "  pass %zu: %s\n", i + 1, p->passes[i].text);
        if (p->passes[i].forward != (int)i)
            buf_printf(out, "          its backward alone, on the forward of pass %d\n",
                       p->passes[i].forward + 1);
        buf_printf(out, "          for %s\n", p->passes[i].reasons);
    }
}
