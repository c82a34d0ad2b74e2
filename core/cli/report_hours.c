/* report_hours.c -- what a run's scores take over the whole space, beside a paper's hours (report_parts.h).
 * Room: core/cli. */
#include "cli/report_parts.h"

#include "base/text.h"
#include "report/page.h"
#include "run/client.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 5 };

/* Hours that [reference_hours] names for a score, as text; "-": none. */
static tcet_status published(const struct config *config, const char *name, struct arena *a,
                             const char **out, struct error *err)
{
    const struct config_key *k = config_get(config, "reference_hours", "", name);
    double hours;

    *out = "-";
    if (!k)
        return TCET_OK;
    if (text_to_f64(k->value, &hours) < 0)
        return config_error(err, k, "\"%s\" is no number", k->value);
    *out = arena_printf(a, "%.1f", hours);
    return TCET_OK;
}

static int is_shown(const struct report_series *s)
{
    return !s->repeat && s->seconds > 0;
}

tcet_status hours_networks(const struct config *config, double *out, struct error *err)
{
    struct arena a = {0};
    const char *const *about;
    size_t count = 0;
    int64_t given;
    tcet_status st;

    *out = 0;
    TRY(config_i64(config, "benchmark", "", "networks", 0, 1, INT64_MAX, &given, err));
    if (given) {
        *out = (double)given;
        return TCET_OK;
    }
    if (!config_get(config, "run", "", "space"))
        return TCET_OK;
    st = client_space(config, (const char *const[]){"about"}, 1, &a, &about, &count, err);
    if (st >= 0 && count)
        *out = atof(about[0]);
    arena_free(&a);
    return st;
}

tcet_status hours_say(const struct config *config, const struct folder *f, struct buf *out,
                      struct error *err)
{
    const struct config_section *s = config_section(config, "reference_hours", "");
    double networks = 0;
    struct arena a = {0};
    tcet_status st = TCET_OK;

    for (size_t i = 0; s && i < f->column_count && st >= 0; i++) {
        const struct report_series *c = &f->columns[i];
        const char *theirs = "-";

        if (!is_shown(c) || !config_get(config, "reference_hours", "", c->column.name))
            continue;
        if (!networks)
            st = hours_networks(config, &networks, err);
        if (st >= 0)
            st = published(config, c->column.name, &a, &theirs, err);
        if (st >= 0 && networks > 0)
            buf_printf(
                out, "%s %.2f h of one worker for %.0f networks (%.0f ms each); published: %s h\n",
                c->column.name, c->seconds * networks / 3600, networks, c->seconds * 1e3, theirs);
    }
    arena_free(&a);
    return st;
}

static tcet_status add_rows(const struct config *config, const struct folder *f, double networks,
                            const char **cell, struct arena *a, struct error *err)
{
    for (size_t i = 0; i < f->column_count; i++) {
        const struct report_series *s = &f->columns[i];

        if (!is_shown(s))
            continue;
        *cell++ = s->column.name;
        *cell++ = arena_printf(a, "%.1f", s->seconds * 1e3);
        *cell++ = arena_printf(a, "%.0f", networks);
        *cell++ = arena_printf(a, "%.2f", s->seconds * networks / 3600);
        TRY(published(config, s->column.name, a, cell++, err));
    }
    return TCET_OK;
}

tcet_status report_hours(const struct config *config, const struct folder *f,
                         struct report_out *out, struct error *err)
{
    static const char *const heads[COLUMNS] = {"score", "ms a network", "networks",
                                               "hours of one worker", "published hours"};
    struct arena a = {0};
    const char **cell;
    size_t rows = 0;
    double networks = 0;
    tcet_status st = TCET_OK;

    for (size_t i = 0; i < f->column_count; i++)
        rows += (size_t)is_shown(&f->columns[i]);
    if (rows)
        st = hours_networks(config, &networks, err);
    if (st >= 0 && networks > 0) {
        cell = arena_alloc(&a, (rows + 1) * COLUMNS * sizeof *cell);
        memcpy(cell, heads, sizeof heads);
        st = add_rows(config, f, networks, cell + COLUMNS, &a, err);
        if (st >= 0) {
            page_heading(&out->page, "Time for the whole space");
            page_text(
                &out->page,
                "What each score took here on average, times the networks of the space, or as "
                "many as the published hours are of ([benchmark] networks); networks that are "
                "equal are scored once, so a whole run takes less. Published hours are "
                "[reference_hours]'s, of another machine.");
            page_facts(&out->page, cell, rows + 1, COLUMNS);
            report_tables_cells(&out->tables, "hours", cell, rows + 1, COLUMNS);
        }
    }
    arena_free(&a);
    return st;
}
