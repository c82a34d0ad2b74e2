/* discover_print.c -- what was chosen, and how it does on networks that took no part in the choice
 * (discover_parts.h).  Room: core/cli. */
#include "cli/discover_parts.h"

#include "base/json.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

static struct discover_tau measure(const struct discover_set *set, const double *score, size_t k)
{
    struct stats_relation relation;

    stats_relate(score, set->accuracy[k], set->count, 0, 0, NULL, &relation);
    return (struct discover_tau){relation.kendall, relation.interval};
}

/* The line of that name in a sample; NULL: it has none. */
static const double *line_of(const struct discover_sample *s, const char *name)
{
    for (size_t i = 0; i < s->line_count; i++) {
        if (!strcmp(s->line[i].name, name))
            return s->line[i].score;
    }
    return NULL;
}

void discover_measure(const struct discover_samples *s, struct discover_result *r)
{
    size_t rows = r->count + s->sample[0].line_count, target = 0;

    for (size_t i = 0; i < s->sample_count; i++)
        r->targets += s->sample[i].set.count ? s->sample[i].set.accuracy_count : 0;
    r->tau = arena_alloc(&r->arena, (rows * r->targets + 1) * sizeof *r->tau);
    for (size_t i = 0; i < s->sample_count; i++) {
        const struct discover_sample *one = &s->sample[i];
        double *score = arena_alloc(&r->arena, (one->set.count + 1) * sizeof *score);

        if (!one->set.count)
            continue;
        for (size_t row = 0; row < rows; row++) {
            const double *values = score;

            if (row < r->count)
                discover_values(&one->set, &r->best[row], score);
            else
                values = line_of(one, s->sample[0].line[row - r->count].name);
            for (size_t k = 0; k < one->set.accuracy_count; k++)
                r->tau[row * r->targets + target + k] =
                    values ? measure(&one->set, values, k)
                           : (struct discover_tau){NAN, {NAN, NAN, "none"}};
        }
        target += one->set.accuracy_count;
    }
}

static const char *row_name(const struct discover_samples *s, const struct discover_result *r,
                            size_t row, struct arena *a)
{
    return row < r->count ? discover_name(&s->choosing, &r->best[row], a)
                          : arena_printf(a, "(%s)", s->sample[0].line[row - r->count].name);
}

/* "held out: cifar10_test". */
static const char *target_name(const struct discover_samples *s, size_t target, struct arena *a)
{
    for (size_t i = 0; i < s->sample_count; i++) {
        const struct discover_sample *one = &s->sample[i];

        if (!one->set.count)
            continue;
        if (target < one->set.accuracy_count)
            return arena_printf(a, "%s: %s", one->name, one->accuracy_name[target]);
        target -= one->set.accuracy_count;
    }
    return "";
}

static const char *cell(double v, enum report_format f, struct arena *a)
{
    char digits[32];

    if (isnan(v))
        return f == REPORT_CSV ? "" : "-";
    return f == REPORT_CSV ? arena_strdup(a, text_f64(digits, v)) : arena_printf(a, "%.4f", v);
}

/* A target's column in words; programs get three. */
static size_t put_target(const struct discover_tau *t, enum report_format f, struct arena *a,
                         const char **out)
{
    if (f == REPORT_CSV) {
        out[0] = cell(t->tau, f, a);
        out[1] = cell(t->interval.low, f, a);
        out[2] = cell(t->interval.high, f, a);
        return 3;
    }
    out[0] = isnan(t->interval.low) ? cell(t->tau, f, a)
                                    : arena_printf(a, "%.3f (%.3f to %.3f)", t->tau,
                                                   t->interval.low, t->interval.high);
    return 1;
}

static void print_table(const struct discover_samples *s, const struct discover_result *r,
                        enum report_format f, struct buf *out)
{
    size_t rows = r->count + s->sample[0].line_count, wide = f == REPORT_CSV ? 3 : 1;
    size_t columns = 2 + (s->near != NULL) + wide * r->targets;
    struct arena a = {0};
    const char **cells = arena_alloc(&a, (rows + 1) * columns * sizeof *cells), **at = cells;

    *at++ = "score";
    *at++ = f == REPORT_CSV ? "chosen_in_sample" : "chosen (in-sample)";
    if (s->near)
        *at++ = arena_printf(&a, "tau with %s", s->near_name);
    for (size_t t = 0; t < r->targets; t++) {
        const char *name = target_name(s, t, &a);

        *at++ = name;
        if (wide == 3) {
            *at++ = arena_printf(&a, "%s, low", name);
            *at++ = arena_printf(&a, "%s, high", name);
        }
    }
    for (size_t row = 0; row < rows; row++) {
        *at++ = row_name(s, r, row, &a);
        *at++ = cell(row < r->count ? r->best[row].tau : NAN, f, &a);
        if (s->near)
            *at++ = cell(row < r->count ? r->best[row].agreement : NAN, f, &a);
        for (size_t t = 0; t < r->targets; t++)
            at += put_target(&r->tau[row * r->targets + t], f, &a, at);
    }
    report_table(out, cells, rows + 1, columns, f, cli_width());
    arena_free(&a);
}

/* The best as a section for a config. */
static void print_section(const struct discover_samples *s, const struct discover_candidate *c,
                          struct buf *out)
{
    int weighted = 0;

    if (c->form == DISCOVER_SINGLE)
        return;
    buf_printf(out,
               "\nthe first for a config, with its [metric] sections beside it:\n"
               "[score found]\ncombiner = %s\nmetrics  = ",
               DISCOVER_FORM[c->form]);
    for (size_t k = 0; k < c->count; k++) {
        buf_printf(out, "%s%s", k ? ", " : "", s->choosing.metrics[c->metric[k]].name);
        weighted |= c->weight[k] != 1.0;
    }
    if (c->form == DISCOVER_LOGSUM && weighted) {
        buf_puts(out, "\nweights  = ");
        for (size_t k = 0; k < c->count; k++)
            buf_printf(out, "%s%g", k ? ", " : "", c->weight[k]);
    }
    buf_puts(out, "\n");
}

static void print_json(const struct discover_samples *s, const struct discover_result *r,
                       struct buf *out)
{
    size_t rows = r->count + s->sample[0].line_count;
    struct arena a = {0};

    buf_printf(out, "{\"tried\":%zu,\"chosen_on\":%zu,", r->tried, s->choosing.count);
    if (s->near)
        buf_printf(out, "\"looked_at\":%zu,\"within_noise\":%zu,", r->looked, r->within);
    buf_puts(out, "\"population\":");
    json_write_string(out, s->population);
    buf_puts(out, ",\"scores\":[");
    for (size_t row = 0; row < rows; row++) {
        buf_puts(out, row ? ",{\"score\":" : "{\"score\":");
        json_write_string(out, row_name(s, r, row, &a));
        buf_puts(out, ",\"chosen_in_sample\":");
        json_write_f64(out, row < r->count ? r->best[row].tau : NAN);
        if (s->near) {
            buf_puts(out, ",\"agreement\":");
            json_write_f64(out, row < r->count ? r->best[row].agreement : NAN);
        }
        buf_puts(out, ",\"measured\":[");
        for (size_t t = 0; t < r->targets; t++) {
            const struct discover_tau *tau = &r->tau[row * r->targets + t];

            buf_puts(out, t ? ",{\"on\":" : "{\"on\":");
            json_write_string(out, target_name(s, t, &a));
            buf_puts(out, ",\"tau\":");
            json_write_f64(out, tau->tau);
            buf_puts(out, ",\"low\":");
            json_write_f64(out, tau->interval.low);
            buf_puts(out, ",\"high\":");
            json_write_f64(out, tau->interval.high);
            buf_puts(out, "}");
        }
        buf_puts(out, "]}");
    }
    buf_puts(out, "]}\n");
    arena_free(&a);
}

void discover_print(const struct discover_samples *s, const struct discover_result *r,
                    enum report_format f, struct buf *out)
{
    struct buf line = {0};

    if (f == REPORT_JSON) {
        print_json(s, r, out);
        return;
    }
    if (f == REPORT_TEXT) {
        buf_printf(&line, "chosen on %zu networks of %s (population %s) by Kendall's tau-b with",
                   s->choosing.count, s->path, s->population);
        for (size_t k = 0; k < s->choosing.accuracy_count; k++)
            buf_printf(&line, "%s %s", k ? "," : "", s->sample[0].accuracy_name[k]);
        buf_printf(&line,
                   " of table %s%s: the best of %zu combinations, %.0f a second.  Its tau there is "
                   "in-sample: the best of many looks better than it is.  The other columns are of "
                   "networks that no choice saw",
                   s->table, s->choosing.accuracy_count > 1 ? " (their mean)" : "", r->tried,
                   (double)r->tried / (r->seconds > 0 ? r->seconds : 1));
        if (s->sample[0].set.count)
            buf_printf(&line, ", %zu of them held out", s->sample[0].set.count);
        buf_puts(&line, ".");
        if (s->near)
            buf_printf(
                &line,
                "  Of the first %zu, %zu are such that the best is not better (95 %% interval of "
                "the difference, jackknife); of these those come first that agree most with %s, "
                "by tau-b there.",
                r->looked, r->within, s->near_name);
        cli_wrap_result(out, 0, 2, line.data);
        buf_puts(out, "\n");
    }
    print_table(s, r, f, out);
    if (f == REPORT_TEXT)
        print_section(s, &r->best[0], out);
    buf_free(&line);
}
