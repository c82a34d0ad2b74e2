/* cmd_correlate.c -- `tcet-host correlate`: the scores of runs, or the columns of any table,
 * against accuracies and one another.  Never loads the backend.  Room: core/cli. */
#include "cli/ablation.h"
#include "cli/cli.h"
#include "cli/source.h"

#include "base/text.h"
#include "plugin/registry.h"
#include "run/stored.h"
#include "search/benchmark.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct correlate_flags {
    struct source_options from;
    const char *scores, *nan, *format, *mask, *bootstrap, *seed, *reference;
    bool pairs, matrix, cells, values;
};

static tcet_status settings(const struct correlate_flags *o, struct report_input *in,
                            enum report_format *f, struct error *err)
{
    static const char *const nans[] = {"lowest", "drop", NULL};
    static const char *const formats[] = {"text", "csv", "markdown", "json", "latex", "zc", NULL};
    int nan = 0, format = 0;
    uint64_t replicates = 0, seed = 0;

    TRY(cli_choose("--nan", o->nan, nans, &nan, err));
    TRY(cli_choose("--format", o->format, formats, &format, err));
    /* Of a few resamples no 95 % interval can be told. */
    if (o->bootstrap && (text_to_u64(o->bootstrap, &replicates) < 0 || replicates > 1000000 ||
                         (replicates && replicates < 100)))
        return error_set(err, TCET_E_ARG,
                         "--bootstrap \"%s\" is no number of resamples (100 to "
                         "1000000, 0: automatic)",
                         o->bootstrap);
    if (o->seed && text_to_u64(o->seed, &seed) < 0)
        return error_set(err, TCET_E_ARG, "--seed \"%s\" is no number", o->seed);
    in->nan = (enum report_nan)nan;
    in->replicates = replicates;
    in->seed = seed;
    *f = (enum report_format)format;
    if (*f == REPORT_ZC && !o->values)
        return error_set(err, TCET_E_ARG,
                         "--format zc is a file of scores and accuracies: it goes with --values");
    return TCET_OK;
}

/* A run that is not finished: what is lacking takes no part, and that must be seen. */
static void say_unfinished(const struct folder *f, enum report_format format, struct buf *out)
{
    char text[128];

    if (!f || f->arch_count == f->listed)
        return;
    snprintf(text, sizeof text, "%zu of %zu architectures %s scored; the others are left out",
             f->arch_count, f->listed, f->arch_count == 1 ? "is" : "are");
    if (format == REPORT_TEXT)
        buf_printf(out, "%s\n", text);
    else
        cli_log(NULL, TCET_LOG_INFO, text);
}

static void say_interval(const struct report *r, struct buf *out)
{
    for (size_t i = 0; i < r->line_count; i++) {
        if (isnan(r->lines[i].relation.interval.low))
            continue;
        buf_printf(out, "\n95 %% intervals by %s\n", r->lines[i].relation.interval.method);
        return;
    }
    if (r->covered < STATS_INTERVAL_MIN)
        buf_printf(out, "\nno 95 %% intervals below %d architectures\n", STATS_INTERVAL_MIN);
}

/* What is compared, over the table. */
static void say_what(const struct comparison *cmp, size_t covered, struct buf *out)
{
    struct buf line = {0};

    if (cmp->table)
        buf_printf(&line,
                   "%s of table %s, population %s; Kendall is tau-b, %zu architecture%s covered, "
                   "NaN %s",
                   cmp->column, cmp->table, cmp->in.population, covered, covered == 1 ? "" : "s",
                   cmp->in.nan == REPORT_DROP ? "dropped" : "ranks lowest");
    else
        buf_printf(&line,
                   "population %s; the run names no [benchmark] table: Kendall's tau-b between "
                   "its scores (give --table and --column to compare with accuracies)",
                   cmp->in.population);
    cli_wrap_result(out, 0, 2, line.data);
    buf_free(&line);
    if (cmp->table)
        comparison_say_join(cmp, out);
    buf_puts(out, "\n");
}

/* What stands beside a table for other programs. */
static void log_split(const struct comparison *cmp)
{
    struct buf line = {0};

    comparison_say_split(cmp, &line);
    if (line.len) {
        line.data[line.len - 1] = '\0';
        cli_log(NULL, TCET_LOG_INFO, line.data);
    }
    buf_free(&line);
}

enum view { LINES, MATRIX, CELLS, VALUES };

/* What is to be shown; refused where the source has not what it takes. */
static tcet_status choose_view(const struct correlate_flags *o, const struct config *config,
                               const struct comparison *cmp, enum report_format format,
                               enum view *out, struct error *err)
{
    *out = o->values ? VALUES : o->cells ? CELLS : o->matrix || !cmp->in.accuracy ? MATRIX : LINES;
    if (o->pairs && !cmp->in.accuracy)
        return error_set(err, TCET_E_ARG,
                         "--pairs gives taus with and without the accuracy: give --table and "
                         "--column, or --matrix for the taus between scores");
    if (format == REPORT_ZC && !cmp->in.accuracy)
        return error_set(err, TCET_E_ARG, "--format zc has accuracies: give --table and --column");
    if (o->cells && !config_section(config, "ablation", ""))
        return error_set(err, TCET_E_ARG, "--cells: the run's config has no [ablation]");
    if (o->cells && !cmp->in.accuracy)
        return error_set(err, TCET_E_ARG,
                         "--cells compares with accuracies: give --table and "
                         "--column");
    return TCET_OK;
}

/* An ablation's own table, and for people also the one of what is no cell. */
static void print_lines(const struct config *config, const struct comparison *cmp,
                        const struct report *r, enum view view, enum report_format f,
                        struct buf *out)
{
    struct ablation ab;

    ablation_make(config, r, &ab);
    if (view == CELLS || (ab.count && f == REPORT_TEXT))
        ablation_print(&ab, f, cmp->in.wide, out);
    if (view == LINES && ab.count && f == REPORT_TEXT)
        buf_puts(out, "\n");
    if (view == LINES)
        report_print(&cmp->in, r, f, 1, out);
    if (f == REPORT_TEXT && r->line_count)
        say_interval(r, out);
    ablation_free(&ab);
}

/* A paper's taus of pairs, beside ours of the matrix. */
static void print_published(const struct comparison *cmp, const struct report *r,
                            enum report_format f, struct buf *out)
{
    enum { COLUMNS = 4 };
    static const char *const heads[COLUMNS] = {"x", "y", "tau(x,y)", "published tau(x,y)"};
    struct arena a = {0};
    const char **cell = arena_alloc(&a, (r->pair_count + 1) * COLUMNS * sizeof *cell);

    memcpy(cell, heads, sizeof heads);
    for (size_t i = 0; i < r->pair_count; i++) {
        const struct report_pair *p = &r->pairs[i];
        const char **row = cell + (i + 1) * COLUMNS;

        row[0] = p->x->column.name;
        row[1] = p->y->column.name;
        row[2] = arena_printf(&a, "%.4f", report_tau(p));
        row[3] = arena_printf(&a, "%.4g", p->published);
    }
    buf_puts(out, "\n");
    report_table(out, cell, r->pair_count + 1, COLUMNS, f, cmp->in.wide);
    arena_free(&a);
}

/* folder: where the scores are from, NULL: a table. */
static tcet_status print(const struct correlate_flags *o, const struct config *config,
                         const struct folder *folder, struct comparison *cmp, struct error *err)
{
    enum report_format f = REPORT_TEXT;
    struct report r = {.line_count = 0};
    struct buf out = {0};
    enum view view;

    TRY(settings(o, &cmp->in, &f, err));
    TRY(choose_view(o, config, cmp, f, &view, err));
    if (f == REPORT_TEXT && view == LINES)
        ablation_hide(config, cmp);
    if (f == REPORT_CSV && !o->pairs)
        cmp->in.published_count = 0; /* one table a file: that of the scores */
    if (cmp->in.accuracy && view != VALUES)
        TRY(report_make(&cmp->in, view == LINES && (o->pairs || f == REPORT_JSON), &r, err));
    say_unfinished(folder, f, &out);
    if (f == REPORT_TEXT && view != VALUES)
        say_what(cmp, r.covered, &out);
    else if (view != VALUES)
        log_split(cmp);
    if (view == MATRIX)
        report_matrix(&cmp->in, f, &out);
    if (view == MATRIX && r.pair_count && f != REPORT_CSV && f != REPORT_JSON)
        print_published(cmp, &r, f, &out);
    if (view == VALUES)
        report_values(&cmp->in, cmp->arch, f, &out);
    if (view == LINES || view == CELLS)
        print_lines(config, cmp, &r, view, f, &out);
    report_free(&r);
    cli_write(&out);
    buf_free(&out);
    return TCET_OK;
}

/* A paper's figures beside ours: of the config that --reference names, else of a single folder's own. */
static tcet_status add_reference(const struct correlate_flags *o, const struct config *own,
                                 struct config **named, struct comparison *cmp, struct error *err)
{
    if (!cmp->in.accuracy)
        return o->reference
                   ? error_set(err, TCET_E_ARG,
                               "--reference: without accuracies nothing is compared with a "
                               "paper's figures; give --table and --column")
                   : TCET_OK;
    if (o->reference) {
        TRY(cli_config(o->reference, NULL, named, err));
        return comparison_reference(cmp, *named, 0, err);
    }
    return own ? comparison_reference(cmp, own, 1, err) : TCET_OK;
}

/* A run's folder, or several: its own config says the table unless the command line does. */
static tcet_status of_folders(const struct correlate_flags *o, const char *const *paths,
                              size_t count, struct error *err)
{
    struct config *named = NULL;
    struct source s;
    struct comparison cmp;
    tcet_status st;

    TRY(source_read(&o->from, paths, count, &s, err));
    st = source_compare(&o->from, &s, &cmp, err);
    if (st >= 0) {
        /* several may have other names */
        st = add_reference(o, count == 1 ? s.chosen : NULL, &named, &cmp, err);
        if (st >= 0)
            st = print(o, s.chosen, count == 1 ? &s.all : NULL, &cmp, err);
        comparison_free(&cmp);
    }
    config_free(named);
    source_free(&s);
    return st;
}

enum { COUNTS = 3 };
static const char *const counts[COUNTS] = {"params", "flops", "depth"};

static int is_listed(const struct report_series *columns, size_t count, const double *values)
{
    for (size_t i = 0; i < count; i++) {
        if (columns[i].values == values)
            return 1;
    }
    return 0;
}

/* The table's own counts, where it has them and nobody else counts, as baselines. */
static void add_counts(const struct table *t, const double *target, struct report_series *columns,
                       size_t *count)
{
    for (size_t k = 0; k < COUNTS; k++) {
        struct error none = {0};
        const double *values;

        if (table_column(t, counts[k], &values, &none) >= 0 && values != target &&
            !is_listed(columns, *count, values))
            columns[(*count)++] = (struct report_series){
                .column = {.name = counts[k], .direction = 1}, .baseline = 1, .values = values};
    }
}

/* Does a text name a column, or by a - before it one of which less is better? */
static int names_column(const struct table *t, const char *text)
{
    return table_has(t, text) || (*text == '-' && table_has(t, text + 1));
}

/* The names in --scores: parts between commas, or the longest run of parts that is a column's name,
 * since such a name may hold commas itself. */
static size_t score_names(const struct table *t, const char *text, struct arena *a,
                          const char *const **out)
{
    const char *const *part;
    size_t parts = text_split(a, text, ',', &part), count = 0;
    const char **names = arena_alloc(a, (parts + 1) * sizeof *names);

    for (size_t i = 0, next; i < parts; i = next) {
        char *joined = arena_strdup(a, part[i]);

        names[count] = joined;
        next = i + 1;
        for (size_t k = i + 1; k < parts; k++) {
            joined = arena_printf(a, "%s, %s", joined, part[k]);
            if (names_column(t, joined)) {
                names[count] = joined;
                next = k + 1;
            }
        }
        count++;
    }
    *out = names;
    return count;
}

/* The columns that --scores names, or all that are no accuracies as far as the table says. */
static tcet_status table_columns(const struct correlate_flags *o, const struct table *t,
                                 struct arena *a, struct report_series **out, size_t *count,
                                 struct error *err)
{
    const char *const *names = t->column;
    size_t n = t->columns;
    const double *target;

    TRY(table_column(t, o->from.column, &target, err));
    if (o->scores)
        n = score_names(t, o->scores, a, &names);
    *out = arena_alloc(a, (n + COUNTS) * sizeof **out);
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        const char *name = names[i];
        int32_t direction = 1;
        const double *values;

        if (!o->scores && (table_is_trained(t, name) || score_table_has_text(t, i)))
            continue;
        if (*name == '-' && !table_has(t, name)) { /* "-latency": smaller is better */
            direction = -1;
            name++;
        }
        TRY(table_column(t, name, &values, err));
        if (!o->scores && values == target) /* which may go by a second name */
            continue;
        (*out)[(*count)++] = (struct report_series){
            .column = {.name = name, .direction = direction}, .values = values};
    }
    if (!o->from.space)
        add_counts(t, target, *out, count);
    if (!*count && !o->from.space)
        return error_set(err, TCET_E_ARG,
                         "%s: holds accuracies alone; name columns by --scores, or "
                         "a --space for its baselines",
                         t->path);
    return TCET_OK;
}

static tcet_status apply_mask(const struct correlate_flags *o, const struct table *t,
                              struct comparison *cmp, struct error *err)
{
    const double *values;
    uint8_t *mask;
    size_t kept = 0;

    if (!o->mask)
        return TCET_OK;
    TRY(table_column(t, o->mask, &values, err));
    mask = arena_alloc(&cmp->arena, t->rows + 1);
    for (size_t i = 0; i < t->rows; i++)
        kept += mask[i] = values[i] > 0 && (!cmp->in.mask || cmp->in.mask[i]);
    cmp->in.mask = mask;
    cmp->in.population = arena_printf(&cmp->arena, "%s (%zu of %zu)", o->mask, kept, t->rows);
    return TCET_OK;
}

static tcet_status of_table(const struct correlate_flags *o, struct error *err)
{
    struct config *config = config_new(), *named = NULL;
    struct report_series *columns;
    struct comparison cmp;
    struct table_options options;
    struct join j = {.count = 0};
    struct table *t = NULL;
    struct arena a = {0};
    size_t count;
    int duplicates = 0;
    tcet_status st;

    if (o->from.space)
        cli_put_run(config, "space", o->from.space);
    st = source_duplicates(&o->from, &duplicates, err);
    options = (struct table_options){o->from.key, (enum table_duplicates)duplicates};
    if (st >= 0)
        st = source_table(o->from.table, &options, &t, err);
    if (st >= 0)
        st = table_columns(o, t, &a, &columns, &count, err);
    if (st >= 0)
        st = join_make(config, t->arch, t->rows, t, NULL, &j, err);
    if (st >= 0)
        st = compare_with_table(config, t->arch, t->rows, columns, count, &j, o->from.table,
                                o->from.column, o->from.population ? o->from.population : "all",
                                &cmp, err);
    if (st >= 0) {
        st = apply_mask(o, t, &cmp, err);
        if (st >= 0)
            st = add_reference(o, NULL, &named, &cmp, err);
        if (st >= 0)
            st = print(o, config, NULL, &cmp, err);
        comparison_free(&cmp);
    }
    join_free(&j);
    table_free(t);
    config_free(config);
    config_free(named);
    arena_free(&a);
    return st;
}

/* Options that the source of the scores has no use for must not look as if they did something.
 * -1: none. */
static int check_source(const struct command *c, const struct correlate_flags *o, bool folder)
{
    const struct {
        const char *name, *given;
    } of_tables[] = {{"--scores", o->scores}, {"--mask", o->mask}};

    for (size_t i = 0; folder && i < TCET_COUNT(of_tables); i++) {
        if (of_tables[i].given)
            return cli_usage(c, "%s goes with a table alone, not with a run's folder",
                             of_tables[i].name);
    }
    if (!folder && o->from.plugins.count)
        return cli_usage(c, "--plugins goes with a run's folder");
    if (!folder && (!o->from.table || !o->from.column))
        return cli_usage(c, "give a run's folder, or --table and --column");
    if (o->pairs + o->matrix + o->cells + o->values > 1)
        return cli_usage(
            c, "--pairs, --matrix, --cells and --values are four tables: give one of them");
    return -1;
}

int cmd_correlate(const struct command *c, int argc, char **argv)
{
    struct correlate_flags o = {.scores = NULL};
    const struct option_spec specs[] = {
        {"--table", "TABLE", "shipped table's name, or a CSV, TSV or NDS's JSON file", NULL,
         &o.from.table, NULL},
        {"--column", "NAME", "accuracy column of the table", NULL, &o.from.column, NULL},
        {"--key", "NAME", "column of architectures (default: arch, else the first)", NULL,
         &o.from.key, NULL},
        {"--duplicates", "RULE",
         "rows of one architecture: error, mean, first (default of .json), auto", NULL,
         &o.from.duplicates, NULL},
        {"--scores", "A,B,...", "without FOLDER: score columns of the table (-A: less is better)",
         NULL, &o.scores, NULL},
        {"--space", "NAME", "of tables: their space, for its baselines and other spellings", NULL,
         &o.from.space, NULL},
        {"--population", "WHICH", "all, or live (no dead edge)", NULL, &o.from.population, NULL},
        {"--mask", "NAME", "without FOLDER: rows where this column is > 0", NULL, &o.mask, NULL},
        {"--plugins", "DIR",
         "with FOLDER: plugins of DIR may be opened; its config alone opens none (repeatable)",
         NULL, NULL, &o.from.plugins},
        {"--nan", "POLICY", "lowest (default) or drop", NULL, &o.nan, NULL},
        {"--pairs", NULL, "partial tau and product shares of every pair (csv: these alone)",
         &o.pairs, NULL, NULL},
        {"--matrix", NULL, "taus between all scores and the accuracy, instead of the table",
         &o.matrix, NULL, NULL},
        {"--cells", NULL, "an ablation's table alone: a line a cell, a column a factor", &o.cells,
         NULL, NULL},
        {"--values", NULL, "each architecture's accuracy and scores, instead of the table",
         &o.values, NULL, NULL},
        {"--format", "F",
         "text, csv, markdown, json, latex (booktabs); with --values also zc, "
         "NAS-Bench-Suite-Zero's JSON",
         NULL, &o.format, NULL},
        {"--reference", "CONFIG", "a paper's figures beside, of this config ([reference], pairs)",
         NULL, &o.reference, NULL},
        {"--bootstrap", "N", "resamples for the intervals, 100 or more (default: automatic)", NULL,
         &o.bootstrap, NULL},
        {"--seed", "N", "seed of the resampling", NULL, &o.seed, NULL},
    };
    const char *paths[64];
    struct error err = {.status = TCET_OK};
    size_t count;
    int code =
        cli_options(c, argc, argv, specs, TCET_COUNT(specs), paths, 0, TCET_COUNT(paths), &count);
    tcet_status st;

    if (code >= 0)
        return code;
    mem_reuse();
    code = check_source(c, &o, count != 0);
    if (code >= 0)
        return code;
    st = count ? of_folders(&o, paths, count, &err) : of_table(&o, &err);
    return st < 0 ? cli_fail(&err) : 0;
}
