/* strategy.c -- rules of search strategies, tried on a space whose architectures are four digits.
 *
 * Room: core/check.  Stands on core/plugin. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tcet/strategy.h>

#include "check/internal.h"
#include "num/rng.h"

enum { PLACES = 4, DIGITS = 4, TOY_SIZE = 256, ASKS = 120, WINDOW = 4 };

/* -- the space ---------------------------------------------------------------------------- */

static void toy_print(int64_t number, char *text)
{
    for (int i = PLACES; i-- > 0; number /= DIGITS)
        text[i] = (char)('0' + number % DIGITS);
    text[PLACES] = '\0';
}

static int toy_valid(const char *text)
{
    return strspn(text, "0123") == PLACES && !text[PLACES];
}

static tcet_status toy_at(tcet_ctx *cx, void *space, int64_t index, char *text, size_t cap)
{
    (void)space;
    if (cap <= PLACES || index < 0 || index >= TOY_SIZE)
        return tcet_fail(cx, TCET_E_ARG, "the space has 0 to 255");
    toy_print(index, text);
    return TCET_OK;
}

static tcet_status toy_random(tcet_ctx *cx, void *space, char *text, size_t cap)
{
    return toy_at(cx, space, (int64_t)(cx->host->random(cx) % TOY_SIZE), text, cap);
}

/* Place index / 3 has another digit. */
static tcet_status toy_neighbours(tcet_ctx *cx, void *space, const char *from, int64_t index,
                                  int64_t *count, char *text, size_t cap)
{
    (void)space;
    if (!toy_valid(from))
        return tcet_fail(cx, TCET_E_ARG, "no encoding");
    *count = PLACES * (DIGITS - 1);
    if (index < 0 || index >= *count || cap <= PLACES)
        return TCET_OK;
    strcpy(text, from);
    text[index / 3] = (char)('0' + (text[index / 3] - '0' + 1 + index % 3) % DIGITS);
    return TCET_OK;
}

static tcet_status toy_mutate(tcet_ctx *cx, void *space, const char *from, char *text, size_t cap)
{
    int64_t count;

    return toy_neighbours(cx, space, from, (int64_t)(cx->host->random(cx) % 12), &count, text, cap);
}

static tcet_status toy_crossover(tcet_ctx *cx, void *space, const char *a, const char *b,
                                 char *text, size_t cap)
{
    uint64_t from = cx->host->random(cx);

    (void)space;
    if (!toy_valid(a) || !toy_valid(b) || cap <= PLACES)
        return tcet_fail(cx, TCET_E_ARG, "no encoding");
    strcpy(text, a);
    for (int i = 0; i < PLACES; i++)
        text[i] = from >> i & 1 ? a[i] : b[i];
    return TCET_OK;
}

static tcet_status toy_canonical(tcet_ctx *cx, void *space, const char *text, char *key, size_t cap)
{
    (void)space;
    if (!toy_valid(text) || cap <= PLACES)
        return tcet_fail(cx, TCET_E_ARG, "no encoding");
    strcpy(key, text);
    return TCET_OK;
}

static const tcet_space_view toy = {.struct_size = sizeof toy,
                                    .value_count = 2,
                                    .size = TOY_SIZE,
                                    .at = toy_at,
                                    .random = toy_random,
                                    .mutate = toy_mutate,
                                    .crossover = toy_crossover,
                                    .canonical = toy_canonical,
                                    .neighbours = toy_neighbours};

/* -- a search ----------------------------------------------------------------------------- */

struct bout {
    struct probe *p;
    struct instance *i;
    uint64_t seed;
    int rough; /* outcomes are of all kinds */
    char text[ASKS][PLACES + 1];
    int asked, told;
    int again; /* the last ask is made once more, as if it had been rejected */
    struct buf *out;
};

/* What ask number n was: larger digits are better in the first objective, even ones in the other. */
static tcet_status tell(struct bout *b, int n, int asked, struct error *err)
{
    const char *text = b->text[n];
    uint32_t status = b->rough ? (uint32_t)n % 4 : n % 5 == 4 ? TCET_TOLD_REJECTED : 0;
    double *values = memory_new(b->p, "the values", 2 * sizeof *values, 1);
    char *lent = memory_new(b->p, "the encoding", PLACES + 1, 1);
    tcet_told t = {.struct_size = sizeof t,
                   .status = status,
                   .number = n + 1,
                   .asked = asked,
                   .value_count = status <= TCET_TOLD_REUSED ? 2 : 0,
                   .values = values,
                   .text = lent,
                   .violation = status == TCET_TOLD_REJECTED ? 0.5 : 0,
                   .reason = status >= TCET_TOLD_FAILED ? "a reason" : ""};

    strcpy(lent, text);
    for (int i = 0; i < PLACES; i++) {
        values[0] += text[i] - '0';
        values[1] += text[i] % 2;
    }
    if (b->rough && n % 8 == 1)
        values[0] = n % 16 == 1 ? INFINITY : -INFINITY;
    memory_seal(b->p);
    probe_stage("tell() of ask %d", n + 1);
    TRY(probe_end(b->i, strategy_tell(probe_enter(b->p, b->i), &t, err), err));
    memory_reset();
    return TCET_OK;
}

/* One ask; *answer: TCET_ASK_*. */
static tcet_status ask(struct bout *b, uint32_t *answer, struct error *err)
{
    tcet_ask a = {.struct_size = sizeof a, .number = b->asked + 1, .cap = TCET_ARCH_MAX};

    memory_reset();
    a.text = memory_new(b->p, "the text to fill", TCET_ARCH_MAX, 0);
    probe_stage("ask %d", b->asked + 1);
    probe_enter(b->p, b->i)->cx.random_state =
        b->seed + (uint64_t)b->asked * 977 + (b->again ? 1000003 : 0);
    TRY(probe_end(b->i, strategy_ask(b->i, &toy, &a, err), err));
    *answer = a.answer;
    if (a.answer > TCET_ASK_END)
        return error_set(err, TCET_E_PLUGIN,
                         "ask %d is answered by %u, which is none of TCET_ASK_*", b->asked + 1,
                         a.answer);
    if (a.answer != TCET_ASK_ARCH)
        return TCET_OK;
    if (!toy_valid(a.text))
        return error_set(err, TCET_E_PLUGIN,
                         "ask %d gives \"%.40s\", which no function of the space made",
                         b->asked + 1, a.text);
    for (int k = 0; k < 2; k++) {
        if (a.parents[k] < 0 || a.parents[k] > b->asked)
            return error_set(err, TCET_E_PLUGIN, "ask %d has the parent %lld, no ask before it",
                             b->asked + 1, (long long)a.parents[k]);
    }
    strcpy(b->text[b->asked++], a.text);
    buf_add(b->out, a.text, PLACES);
    return TCET_OK;
}

static tcet_status play(struct bout *b, int asks, struct error *err)
{
    uint32_t answer = TCET_ASK_ARCH;

    while (b->asked < asks && answer != TCET_ASK_END) {
        while (b->told < b->asked - WINDOW + 1)
            TRY(tell(b, b->told++, 1, err));
        TRY(ask(b, &answer, err));
        b->again = b->rough && !b->again && answer == TCET_ASK_ARCH && b->asked % 3 == 2;
        if (b->again) {
            b->asked--;
            continue;
        }
        if (answer == TCET_ASK_WAIT && b->told == b->asked)
            return error_set(err, TCET_E_PLUGIN, "ask %d waits, though all outcomes were told",
                             b->asked + 1);
        while (answer != TCET_ASK_ARCH && b->told < b->asked)
            TRY(tell(b, b->told++, 1, err));
    }
    return TCET_OK;
}

/* A strategy is used up by a search, so each is of an instance of its own. */
static tcet_status search(struct probe *p, uint64_t seed, int asks, int rough, int warm,
                          struct buf *out, struct error *err)
{
    struct bout *b = arena_alloc(&p->arena, sizeof *b);
    tcet_status st = TCET_OK;

    *b = (struct bout){.p = p, .seed = seed, .rough = rough, .out = out};
    TRY(probe_instance(p, &p->arena, NULL, NULL, &b->i, err));
    for (int i = 0; i < warm && st >= 0; i++) {
        toy_print(17 * i, b->text[b->asked++]);
        st = tell(b, b->told++, 0, err);
    }
    if (st >= 0)
        st = play(b, asks, err);
    instance_free(b->i);
    memory_reset();
    return st;
}

tcet_status strategy_exercise(struct probe *p, struct instance *i, enum scenario s, struct buf *out,
                              struct error *err)
{
    size_t before = out->len;

    (void)i;
    TRY(search(p, s + 1, s == LARGE ? ASKS : ASKS / 4, 0, 0, out, err));
    return out->len > before
               ? TCET_OK
               : error_set(err, TCET_E_PLUGIN, "it ends before its first architecture");
}

tcet_status strategy_replay(struct probe *p, struct error *err)
{
    struct buf first = {0}, again = {0};
    tcet_status st = search(p, 7, ASKS, 0, 0, &first, err);

    if (st >= 0)
        st = search(p, 7, ASKS, 0, 0, &again, err);
    if (st >= 0 && (first.len != again.len || memcmp(first.data, again.data, first.len)))
        st = error_set(err, TCET_E_PLUGIN,
                       "it asks something else when it is told the same: a search of it cannot be "
                       "resumed");
    buf_free(&first);
    buf_free(&again);
    return st;
}

tcet_status strategy_outcomes(struct probe *p, struct error *err)
{
    struct buf out = {0};
    tcet_status st = TCET_OK;

    for (int warm = 0; warm <= 10 && st >= 0; warm += 10)
        st = search(p, 3, ASKS, 1, warm, &out, err);
    buf_free(&out);
    return st;
}
