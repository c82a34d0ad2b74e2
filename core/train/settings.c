/* settings.c -- see settings.h.  Room: core/train.
 *
 * One table says every number: its key, where it goes, its default and its range. */
#include "train/settings.h"

#include "base/text.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS_MOST = 1000 };

enum kind { INTEGER, WIDE, NUMBER, YES_NO, CHOICE };

struct row {
    const char *key;
    enum kind kind;
    size_t at; /* in struct train_settings: int32_t, int64_t, double, int32_t, int */
    double fallback, min, max;  /* of a choice the fallback is an index */
    const char *const *choices; /* NULL-terminated */
};

static const char *const OPTIMISERS[] = {"sgd", "adamw", NULL};
static const char *const PRECISIONS[] = {"f32", "f64", "tf32", "bf16", NULL};
static const char *const SCHEDULES[] = {"cosine", "linear", "step", "constant", NULL};
static const char *const TESTS[] = {"test", "train", "none", NULL};
static const char *const LOGS[] = {"epoch", "step", NULL};
static const char *const INITS[] = {"space", "default", NULL};
static const char *const DECAYS[] = {"weights", "all", NULL};

#define AT(field) offsetof(struct train_settings, field)

static const struct row ROWS[] = {
    {"epochs", WIDE, AT(epochs), 100, 1, 1e6, NULL},
    {"batch", WIDE, AT(batch.batch), 64, 1, 65536, NULL},
    {"images", WIDE, AT(images), 0, 0, 1e12, NULL},
    {"test", CHOICE, AT(test), TEST_TEST, 0, 0, TESTS},
    {"holdout", WIDE, AT(holdout), 0, 0, 1e12, NULL},
    {"test_images", WIDE, AT(test_images), 0, 0, 1e12, NULL},
    {"optimizer", CHOICE, AT(how.optimiser), TCET_OPTIMISER_SGD, 0, 0, OPTIMISERS},
    {"lr", NUMBER, AT(schedule.peak), 0.1, 0, 1e6, NULL},
    {"lr_per_256", NUMBER, AT(lr_per_256), 0, 0, 1e6, NULL},
    {"target_lr", NUMBER, AT(schedule.target), 0, 0, 1e6, NULL},
    {"schedule", CHOICE, AT(schedule.kind), SCHEDULE_COSINE, 0, 0, SCHEDULES},
    {"warmup", NUMBER, AT(schedule.warmup), 0, 0, 1e6, NULL},
    {"factor", NUMBER, AT(schedule.factor), 0.1, 0, 1, NULL},
    {"momentum", NUMBER, AT(how.momentum), 0.9, 0, 1, NULL},
    {"nesterov", YES_NO, AT(how.nesterov), 1, 0, 0, NULL},
    {"beta1", NUMBER, AT(how.beta1), 0.9, 0, 1, NULL},
    {"beta2", NUMBER, AT(how.beta2), 0.999, 0, 1, NULL},
    {"eps", NUMBER, AT(how.eps), 1e-8, 0, 1, NULL},
    {"weight_decay", NUMBER, AT(weight_decay), 5e-4, 0, 1e6, NULL},
    {"decay", CHOICE, AT(decay_all), 0, 0, 0, DECAYS},
    {"clip", NUMBER, AT(how.clip), 0, 0, 1e12, NULL},
    {"ema", NUMBER, AT(how.ema), 0, 0, 1, NULL},
    {"bn_momentum", NUMBER, AT(how.norm_momentum), -1, 0, 1, NULL},
    {"label_smoothing", NUMBER, AT(batch.smoothing), 0, 0, 1, NULL},
    {"mixup", NUMBER, AT(batch.mixup), 0, 0, 1e3, NULL},
    {"crop", INTEGER, AT(batch.augment.crop), 0, 0, 256, NULL},
    {"flip", YES_NO, AT(batch.augment.flip), 0, 0, 0, NULL},
    {"auto_augment", YES_NO, AT(batch.augment.auto_augment), 0, 0, 0, NULL},
    {"erase", YES_NO, AT(batch.augment.erase), 0, 0, 0, NULL},
    {"cutout", INTEGER, AT(batch.augment.cutout), 0, 0, 4096, NULL},
    {"shuffle", YES_NO, AT(batch.shuffle), 1, 0, 0, NULL},
    {"drop_last", YES_NO, AT(batch.drop_last), 1, 0, 0, NULL},
    {"threads", INTEGER, AT(batch.threads), 1, 0, BATCH_THREADS_MAX, NULL},
    {"init", CHOICE, AT(default_init), 0, 0, 0, INITS},
    {"eval_every", WIDE, AT(eval_every), 1, 1, 1e6, NULL},
    {"checkpoint_every", WIDE, AT(checkpoint_every), 1, 1, 1e6, NULL},
    {"log", CHOICE, AT(log_steps), 0, 0, 0, LOGS},
};

static tcet_status read_number(const struct config *c, const struct row *r, double *out,
                               struct error *err)
{
    const struct config_key *k = config_get(c, "train", "", r->key);

    *out = r->fallback;
    if (!k || !*k->value)
        return TCET_OK;
    if (text_to_f64(k->value, out) == 0 && *out >= r->min && *out <= r->max)
        return TCET_OK;
    return config_error(err, k, "%s = \"%.80s\": expected a number from %g to %g", r->key, k->value,
                        r->min, r->max);
}

static tcet_status read_row(const struct config *c, const struct row *r, void *to,
                            struct error *err)
{
    int64_t n;
    int choice;

    switch (r->kind) {
    case NUMBER: return read_number(c, r, to, err);
    case YES_NO: return config_bool(c, "train", "", r->key, (int32_t)r->fallback, to, err);
    case CHOICE:
        TRY(config_choice(c, "train", "", r->key, r->choices, (int)r->fallback, &choice, err));
        *(int *)to = choice;
        return TCET_OK;
    default:
        TRY(config_i64(c, "train", "", r->key, (int64_t)r->fallback, (int64_t)r->min,
                       (int64_t)r->max, &n, err));
        if (r->kind == WIDE)
            *(int64_t *)to = n;
        else
            *(int32_t *)to = (int32_t)n;
        return TCET_OK;
    }
}

/* steps = 30, 60: epochs from which on the rate is lower. */
static tcet_status read_steps(const struct config *c, struct train_settings *s, struct error *err)
{
    const struct config_key *k = config_get(c, "train", "", "steps");
    struct schedule *t = &s->schedule;
    struct arena a = {0};
    const char *const *part;
    size_t n = k ? text_split(&a, k->value, ',', &part) : 0;
    int bad = n > SCHEDULE_STEPS_MAX || (t->kind == SCHEDULE_STEP && !n) ||
              (t->kind != SCHEDULE_STEP && n);

    for (size_t i = 0; i < n && !bad; i++)
        bad = text_to_f64(part[i], &t->step[i]) < 0 || t->step[i] < (i ? t->step[i - 1] : 0);
    t->steps = (int32_t)n;
    arena_free(&a);
    if (!bad)
        return TCET_OK;
    if (k)
        return config_error(
            err, k, "steps = \"%.80s\": expected up to %d rising epochs, with schedule = step",
            k->value, SCHEDULE_STEPS_MAX);
    return config_error(err, config_get(c, "train", "", "schedule"),
                        "schedule = step needs steps: the epochs from which on the rate is factor "
                        "times what it was");
}

/* precision = that of [backend] where it is not given. */
static tcet_status read_precision(const struct config *c, struct train_settings *s,
                                  struct error *err)
{
    int f64 = !strcmp(config_text(c, "backend", "", "precision", "f32"), "f64"), choice;

    TRY(config_choice(c, "train", "", "precision", PRECISIONS,
                      f64 ? TCET_TRAIN_F64 : TCET_TRAIN_F32, &choice, err));
    s->how.precision = (uint32_t)choice;
    return TCET_OK;
}

/* What one key alone cannot say. */
static tcet_status check_together(const struct config *c, struct train_settings *s,
                                  struct error *err)
{
    const struct config_key *lr = config_get(c, "train", "", "lr");
    const struct config_key *each = config_get(c, "train", "", "lr_per_256");
    const struct config_key *ema = config_get(c, "train", "", "ema");

    if (lr && each)
        return config_error(err, each,
                            "lr and lr_per_256 are both given: lr = lr_per_256 * batch / "
                            "256");
    if (s->lr_per_256 > 0)
        s->schedule.peak = s->lr_per_256 * (double)s->batch.batch / 256;
    if (s->schedule.warmup > (double)s->epochs)
        return config_error(err, config_get(c, "train", "", "warmup"),
                            "warmup = %g: more epochs than the %lld of the training",
                            s->schedule.warmup, (long long)s->epochs);
    if (s->holdout && s->test != TEST_TEST)
        return config_error(err, config_get(c, "train", "", "holdout"),
                            "holdout = %lld: the images that are held out are measured with test = "
                            "test, which this config does not have",
                            (long long)s->holdout);
    if (s->how.ema >= 1)
        return config_error(err, ema, "ema = %s: expected a number from 0 to below 1", ema->value);
    s->schedule.epochs = s->epochs;
    return TCET_OK;
}

tcet_status train_settings_read(const struct config *c, struct train_settings *out,
                                struct error *err)
{
    struct train_settings s = {.arch = config_get(c, "train", "", "arch")};

    if (!config_section(c, "train", ""))
        return error_set(err, TCET_E_ARG, "%s: there is no [train]; `tcet-host help train`",
                         c->path);
    if (!s.arch || !*s.arch->value)
        return error_set(err, TCET_E_ARG,
                         "%s: [train] arch is missing: an architecture of the space, or "
                         "best:FOLDER of a search or run",
                         c->path);
    s.how.struct_size = sizeof s.how;
    for (size_t i = 0; i < TCET_COUNT(ROWS); i++)
        TRY(read_row(c, &ROWS[i], (char *)&s + ROWS[i].at, err));
    TRY(config_range(c, "train", "", "seeds", 1, SEEDS_MOST, &s.first_seed, &s.last_seed, err));
    TRY(read_precision(c, &s, err));
    TRY(read_steps(c, &s, err));
    TRY(check_together(c, &s, err));
    *out = s;
    return TCET_OK;
}

void train_settings_print(const struct train_settings *s, struct buf *out)
{
    char text[32];

    for (size_t i = 0; i < TCET_COUNT(ROWS); i++) {
        const struct row *r = &ROWS[i];
        const void *at = (const char *)s + r->at;

        if (at == (const void *)&s->batch.threads) /* changes no number */
            continue;
        buf_printf(out, "%s=", r->key);
        switch (r->kind) {
        case NUMBER: buf_puts(out, text_f64(text, *(const double *)at)); break;
        case WIDE: buf_printf(out, "%lld", (long long)*(const int64_t *)at); break;
        case CHOICE: buf_puts(out, r->choices[*(const int *)at]); break;
        default: buf_printf(out, "%d", *(const int32_t *)at);
        }
        buf_puts(out, "\n");
    }
    for (int i = 0; i < s->schedule.steps; i++)
        buf_printf(out, "step=%s\n", text_f64(text, s->schedule.step[i]));
    buf_printf(out, "precision=%s\n", PRECISIONS[s->how.precision]);
}
