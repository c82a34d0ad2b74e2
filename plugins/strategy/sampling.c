/* sampling.c -- searches that do not learn: random, exhaustive.
 *
 * Room: plugins/strategy.  Touches the SDK alone. */
#include <tcet/strategy.h>

struct exhaustive {
    int64_t next;
};

static tcet_status tell_nothing(tcet_ctx *cx, void *self, const tcet_told *told)
{
    (void)cx;
    (void)self;
    (void)told;
    return TCET_OK;
}

static tcet_status random_ask(tcet_ctx *cx, void *self, const tcet_space_view *space, tcet_ask *out)
{
    (void)self;
    out->origin = "random";
    return space->random(cx, space->space, out->text, out->cap);
}

static tcet_status exhaustive_ask(tcet_ctx *cx, void *self, const tcet_space_view *space,
                                  tcet_ask *out)
{
    struct exhaustive *p = self;

    if (space->size < 0)
        return tcet_fail(cx, TCET_E_UNSUPPORTED,
                         "this space has too many architectures to go through them all");
    if (p->next >= space->size) {
        out->answer = TCET_ASK_END;
        return TCET_OK;
    }
    out->origin = "next";
    return space->at(cx, space->space, p->next++, out->text, out->cap);
}

static const tcet_strategy_ops random_ops = {
    .struct_size = sizeof random_ops, .ask = random_ask, .tell = tell_nothing};
static const tcet_plugin random_plugin = {
    .struct_size = sizeof random_plugin,
    .kind = TCET_STRATEGY,
    .id = "random",
    .version = "1.0.0",
    .summary = "Random search: one random architecture after another.",
    .ops = &random_ops,
};

static const tcet_strategy_ops exhaustive_ops = {
    .struct_size = sizeof exhaustive_ops, .ask = exhaustive_ask, .tell = tell_nothing};
static const tcet_plugin exhaustive = {
    .struct_size = sizeof exhaustive,
    .kind = TCET_STRATEGY,
    .id = "exhaustive",
    .version = "1.0.0",
    .summary = "Every architecture of the space once, in the space's order.",
    .instance_size = sizeof(struct exhaustive),
    .ops = &exhaustive_ops,
};

TCET_MODULE(&random_plugin, &exhaustive)
