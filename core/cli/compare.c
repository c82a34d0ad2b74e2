/* compare.c -- scores beside a benchmark table: accuracy by architecture, population masks,
 * and the trivial baselines that stand beside every proxy (cli.h).  Room: core/cli. */
#include "cli/cli.h"

#include "base/text.h"
#include "plan/benchmark_table.h"
#include "run/client.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* #params, FLOPs and depth of every architecture, as columns. */
static void add_baselines(struct comparison *c, struct report_series *columns, size_t *n)
{
    static const char *const names[] = {"#params", "FLOPs", "depth"};

    for (int k = 0; k < 3; k++) {
        double *v = arena_alloc(&c->arena, (c->archs + 1) * sizeof *v);

        for (size_t i = 0; i < c->archs; i++) {
            const struct wire_fact *f = &c->facts[i];

            v[i] = *f->error ? NAN
                   : k == 0  ? (double)f->params
                   : k == 1  ? (double)f->macs
                             : (double)f->depth;
        }
        columns[(*n)++] = (struct report_series){
            .column = {.name = names[k], .direction = 1}, .baseline = 1, .values = v};
    }
}

/* Architectures that the space does not know have no facts: an error where that is all, else said. */
static tcet_status check_facts(const struct comparison *c, struct error *err)
{
    const char *first = NULL, *arch = NULL;
    size_t unknown = 0;
    char text[512];

    for (size_t i = 0; i < c->archs; i++) {
        if (!*c->facts[i].error)
            continue;
        if (!unknown++) {
            first = c->facts[i].error;
            arch = c->arch[i];
        }
    }
    if (!unknown)
        return TCET_OK;
    snprintf(text, sizeof text, "%zu of %zu architectures cannot be read: \"%.100s\": %.300s",
             unknown, c->archs, arch, first);
    if (unknown == c->archs)
        return error_set(err, TCET_E_ARG, "%s", text);
    cli_log(NULL, TCET_LOG_WARN, text);
    return TCET_OK;
}

static tcet_status make_mask(struct comparison *c, const char *population, struct error *err)
{
    uint8_t *mask;
    size_t live = 0;

    if (!strcmp(population, "all")) {
        c->in.population = arena_printf(&c->arena, "all (%zu)", c->archs);
        return TCET_OK;
    }
    if (strcmp(population, "live"))
        return error_set(err, TCET_E_ARG, "population \"%s\" is not one of: all, live", population);
    if (!c->facts)
        return error_set(err, TCET_E_ARG, "population live needs a space ([run] space or --space)");
    mask = arena_alloc(&c->arena, c->archs + 1);
    for (size_t i = 0; i < c->archs; i++)
        live += mask[i] = (uint8_t)(!*c->facts[i].error && c->facts[i].live);
    c->in.mask = mask;
    c->in.population = arena_printf(&c->arena, "live (%zu of %zu)", live, c->archs);
    return TCET_OK;
}

static tcet_status check_table(const struct config *config, const struct config_key *column,
                               struct table **out, struct error *err)
{
    const double *values;

    TRY(benchmark_load(config, out, err));
    if (table_column(*out, column->value, &values, err) >= 0)
        return TCET_OK;
    table_free(*out);
    *out = NULL;
    return config_error_at(err, column);
}

/* In the order of SPLIT_WORDS. */
static const char *const SPLITS[] = {"test", "validation", NULL};
static const char *const SPLIT_WORDS[] = {"test accuracy", "validation accuracy"};

tcet_status compare_check(const struct config *config, struct table **out, struct error *err)
{
    static const char *const populations[] = {"all", "live", NULL};
    struct config_key *table = config_get(config, "benchmark", "", "table");
    struct config_key *column = config_get(config, "benchmark", "", "column");
    int population, published;
    int64_t networks;

    *out = NULL;
    TRY(config_choice(config, "benchmark", "", "population", populations, 0, &population, err));
    TRY(config_choice(config, "benchmark", "", "published", SPLITS, 0, &published, err));
    TRY(config_i64(config, "benchmark", "", "networks", 0, 1, INT64_MAX, &networks, err));
    if (table && !*table->value)
        return TCET_OK; /* --set benchmark.table= for none */
    if (!table)
        return column ? config_error(err, column, "[benchmark] names a column but no table")
                      : TCET_OK;
    if (!column)
        return config_error(err, table, "[benchmark] names a table but no column");
    return check_table(config, column, out, err);
}

/* Notes how the architectures were found. */
static void count_places(struct comparison *c, const struct join *j)
{
    c->repeats = j->t->duplicates;
    c->first_counts = j->t->rule == TABLE_DUPLICATES_FIRST;
    for (size_t i = 0; i < c->archs; i++) {
        c->by_key += j->place[i].n && j->place[i].by_key;
        if (!j->place[i].n && !c->missing++)
            c->first_missing = c->arch[i];
    }
}

const char *comparison_published(const struct config *config)
{
    const char *text = config_text(config, "benchmark", "", "published", "");

    for (size_t i = 0; SPLITS[i]; i++) {
        if (!strcmp(text, SPLITS[i]))
            return SPLIT_WORDS[i];
    }
    return NULL;
}

void comparison_say_split(const struct comparison *c, struct buf *out)
{
    int shown = c->in.published_count > 0;

    for (size_t i = 0; i < c->in.series_count; i++)
        shown |= c->in.series[i].has_published;
    if (!shown || (!c->split && !c->published))
        return;
    if (c->split && c->published && !strcmp(c->split, c->published))
        buf_printf(out, "ours and the published figures: %s\n", c->split);
    else if (c->published)
        buf_printf(out, "ours: %s; the published figures: %s\n", c->split ? c->split : c->column,
                   c->published);
    else
        buf_printf(out, "ours: %s\n", c->split);
}

void comparison_say_join(const struct comparison *c, struct buf *out)
{
    comparison_say_split(c, out);
    if (c->repeats)
        buf_printf(out, "%zu row%s of the table %s of an architecture above %s\n", c->repeats,
                   c->repeats == 1 ? "" : "s", c->repeats == 1 ? "is" : "are",
                   c->first_counts ? "and left out" : "and in its mean");
    if (!c->by_key && !c->missing)
        return;
    buf_printf(out, "%zu of %zu architectures stand in the table as they are spelt",
               c->archs - c->by_key - c->missing, c->archs);
    if (c->by_key)
        buf_printf(out, ", %zu by their canonical key", c->by_key);
    if (c->missing)
        buf_printf(out, ", %zu not at all (%s%.100s)", c->missing,
                   c->missing > 1 ? "the first: " : "", c->first_missing);
    buf_puts(out, "\n");
}

tcet_status compare_with_table(const struct config *config, const char *const *archs, size_t count,
                               const struct report_series *columns, size_t column_count,
                               const struct join *j, const char *table, const char *column,
                               const char *population, struct comparison *out, struct error *err)
{
    struct comparison c = {.archs = count,
                           .arch = archs,
                           .table = table,
                           .column = column,
                           .published = config ? comparison_published(config) : NULL};
    struct report_series *all = arena_alloc(&c.arena, (column_count + 4) * sizeof *all);
    double *accuracy = arena_alloc(&c.arena, (count + 1) * sizeof *accuracy);
    tcet_status st = j ? join_column(j, column, accuracy, err) : TCET_OK;

    if (st >= 0 && j) {
        count_places(&c, j);
        c.split = table_split(j->t, column);
    }
    if (st >= 0 && config && config_section(config, "run", "") &&
        config_get(config, "run", "", "space"))
        st = client_facts(config, archs, count, &c.arena, &c.facts, err);
    if (st >= 0 && c.facts)
        st = check_facts(&c, err);
    if (column_count)
        memcpy(all, columns, column_count * sizeof *all);
    c.in.series = c.series = all;
    c.in.count = count;
    c.in.accuracy = j ? accuracy : NULL;
    c.in.accuracy_name = column;
    c.in.wide = cli_width();
    if (st >= 0 && c.facts)
        add_baselines(&c, all, &column_count);
    c.in.series_count = column_count;
    if (st >= 0)
        st = make_mask(&c, population, err);
    if (st < 0) {
        comparison_free(&c);
        return st;
    }
    *out = c;
    return TCET_OK;
}

void comparison_free(struct comparison *c)
{
    arena_free(&c->arena);
}

/* Is a score of that name compared? */
static int is_compared(const struct comparison *c, const char *name)
{
    for (size_t i = 0; i < c->in.series_count; i++) {
        if (!strcmp(c->in.series[i].column.name, name))
            return 1;
    }
    return 0;
}

/* The pairs of [reference_pairs]; one of no score is an error where its config is the run's own, else it is
 * left out. */
static tcet_status add_pairs(const struct comparison *c, const struct config *config, int own,
                             struct buf *all, struct error *err)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *s = config->sections[i];

        for (size_t k = 0; !strcmp(s->kind, "reference_pairs") && k < s->key_count; k++) {
            const struct config_key *key = s->keys[k];
            struct report_published p = {s->name, key->name, 0};
            int x = is_compared(c, p.x), y = is_compared(c, p.y);

            if (own && (!x || !y))
                return config_error(err, key,
                                    "[reference_pairs %s] names \"%s\", which is neither a metric "
                                    "nor a score",
                                    p.x, x ? p.y : p.x);
            if (text_to_f64(key->value, &p.tau) < 0)
                return config_error(err, key, "\"%s\" is no number", key->value);
            if (x && y)
                buf_add(all, &p, sizeof p);
        }
    }
    return TCET_OK;
}

tcet_status comparison_reference(struct comparison *c, const struct config *config, int own,
                                 struct error *err)
{
    const struct config_section *s = own ? NULL : config_section(config, "reference", "");
    struct buf all = {0};
    tcet_status st = add_pairs(c, config, own, &all, err);

    c->published = comparison_published(config);
    c->in.published_count = st >= 0 ? all.len / sizeof *c->in.published : 0;
    if (c->in.published_count)
        c->in.published = memcpy(arena_alloc(&c->arena, all.len), all.data, all.len);
    buf_free(&all);
    for (size_t k = 0; st >= 0 && s && k < s->key_count; k++) {
        for (size_t i = 0; i < c->in.series_count; i++) {
            if (strcmp(c->series[i].column.name, s->keys[k]->name) != 0)
                continue;
            if (text_to_f64(s->keys[k]->value, &c->series[i].published) < 0)
                return config_error(err, s->keys[k], "\"%s\" is no number", s->keys[k]->value);
            c->series[i].has_published = 1;
        }
    }
    return st;
}
