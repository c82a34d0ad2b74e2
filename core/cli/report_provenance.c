/* report_provenance.c -- where the numbers of a report come from (report_parts.h).  Room: core/cli. */
#include "cli/report_parts.h"

#include "base/file.h"
#include "base/text.h"
#include "report/page.h"
#include "run/stored.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEEDS = 64 };

/* A folder, and what it says of itself: its store, where it is of a run or a search; the folders of a
 * training's seeds, itself where it has one; its config, NULL: there is none that can be read. */
struct origin {
    const char *path;
    struct store *store;
    const char *part[SEEDS];
    size_t parts;
    const struct config *config;
    struct store *own_store; /* opened here */
    struct config *own_config;
    int is_table;
};

static const struct {
    const char *fact, *name;
} FACTS[] = {{"space", "space"},         {"space_parameters", "its parameters"},
             {"task", "task"},           {"data_used", "data"},
             {"seed", "seed"},           {"backend", "backend"},
             {"device", "device"},       {"instructions", "instructions"},
             {"precision", "precision"}, {"main", "ranked by"},
             {"measured", "measured on"}};

/* What stands where a folder does not say it. */
static const char MISSING[] = "not recorded";

static tcet_status open_origin(const struct report_origin *of, struct arena *a, struct origin *o,
                               struct error *err)
{
    const char *forgotten;
    struct error none;

    *o = (struct origin){
        .path = of->path, .store = of->store, .config = of->config, .is_table = of->is_table};
    if (o->is_table)
        return TCET_OK;
    o->parts = report_training_folders(of->path, a, o->part, TCET_COUNT(o->part));
    if (!o->store && stored_has(of->path, "scores.db")) {
        TRY(store_open(of->path, STORE_READ, &o->own_store, err));
        o->store = o->own_store;
    }
    if (!o->config && stored_read(o->parts ? o->part[0] : of->path, NULL, 0, &o->own_config,
                                  &forgotten, &none) >= 0)
        o->config = o->own_config;
    return TCET_OK;
}

static void close_origin(struct origin *o)
{
    config_free(o->own_config);
    store_close(o->own_store);
}

static const char *key_of(const struct origin *o, const char *section, const char *key)
{
    return o->config ? config_text(o->config, section, "", key, "") : "";
}

/* Of a search that runs no network: its scores are a table's, or counts. */
static int is_tabular(const struct origin *o)
{
    return o->config && config_section(o->config, "search", "") && o->store &&
           !store_meta(o->store, "backend");
}

static const char *scores_of(const struct origin *o)
{
    const char *objectives = key_of(o, "search", "objectives");

    return *objectives ? objectives : key_of(o, "search", "score");
}

/* What a search that runs no network says in its config; NULL: nothing. */
static const char *tabular_fact(const struct origin *o, const char *fact, struct arena *a)
{
    const char *table = key_of(o, "benchmark", "table");

    if (!strcmp(fact, "data_used"))
        return arena_printf(a, "no images: %s%s%s", scores_of(o), *table ? " of table " : "",
                            table);
    if (!strcmp(fact, "backend") || !strcmp(fact, "device") || !strcmp(fact, "precision"))
        return "none (no network is run)";
    return NULL;
}

/* Seeds of a training, by its folders. */
static const char *training_seeds(const struct origin *o, struct arena *a)
{
    const char *out = NULL;

    for (size_t i = 0; i < o->parts; i++) {
        const char *seed = stored_fact(o->part[i], "seed", a);

        if (seed)
            out = out ? arena_printf(a, "%s, %s", out, seed) : seed;
    }
    return out ? out : key_of(o, "train", "seeds");
}

/* What a config says of a fact that was not recorded; NULL: nothing. */
static const char *config_fact(const struct origin *o, const char *fact, struct arena *a)
{
    static const struct {
        const char *fact, *section, *key;
    } keys[] = {{"space", "run", "space"},       {"data_used", "data", "plugin"},
                {"seed", "run", "seed"},         {"backend", "backend", "plugin"},
                {"device", "backend", "device"}, {"precision", "backend", "precision"}};

    for (size_t i = 0; i < TCET_COUNT(keys); i++) {
        const char *text = key_of(o, keys[i].section, keys[i].key);

        if (!strcmp(keys[i].fact, fact) && *text)
            return arena_printf(a, "%s (by the config)", text);
    }
    return NULL;
}

/* The images that a training was measured on. */
static const char *measured_on(const struct origin *o, struct arena *a)
{
    const char *test = key_of(o, "train", "test"), *holdout = key_of(o, "train", "holdout");

    if (!strcmp(test, "train") || !strcmp(test, "none"))
        return *test == 't' ? "the training images" : "none";
    return *holdout && strcmp(holdout, "0") != 0
               ? arena_printf(a, "test: the last %s training images, held out", holdout)
               : "test images";
}

static const char *fact_of(const struct origin *o, const char *fact, struct arena *a)
{
    const char *text = o->store ? store_meta(o->store, fact) : NULL;
    const char *search = key_of(o, "search", "seeds");

    if (!strcmp(fact, "measured"))
        return o->parts ? measured_on(o, a) : "-";

    if (o->is_table && !strcmp(fact, "data_used"))
        return arena_printf(a, "table of scores %s", o->path);
    if (o->parts && !strcmp(fact, "seed"))
        text = training_seeds(o, a);
    else if (o->parts)
        text = stored_fact(o->part[0], fact, a);
    if (!strcmp(fact, "main"))
        return text && *text ? text : *scores_of(o) ? scores_of(o) : "-";
    if (!strcmp(fact, "seed") && o->config && config_section(o->config, "search", ""))
        return arena_printf(a, "%s%ssearches %s", text ? text : "", text ? " (weights), " : "",
                            *search ? search : "1");
    if (!text && is_tabular(o))
        text = tabular_fact(o, fact, a);
    if (!text)
        text = config_fact(o, fact, a);
    if (text && *text)
        return text;
    return !text && strcmp(fact, "space_parameters") && strcmp(fact, "instructions") ? MISSING
                                                                                     : "-";
}

/* Takes out the rows in which no folder has anything; returns how many are left. */
static size_t drop_empty(const char **cell, size_t rows, size_t columns)
{
    size_t kept = 0;

    for (size_t i = 0; i < rows; i++) {
        int any = 0;

        for (size_t k = 1; k < columns; k++)
            any |= strcmp(cell[i * columns + k], "-") != 0;
        if (any)
            memmove(cell + kept++ * columns, cell + i * columns, columns * sizeof *cell);
    }
    return kept;
}

/* A folder's config, as text. */
static void add_config(const struct origin *o, struct arena *a, struct buf *configs)
{
    const char *file = arena_printf(a, "%s/config.ini", o->parts ? o->part[0] : o->path);
    struct error none;
    size_t size;
    char *text = o->is_table || access(file, R_OK) ? NULL : file_text(file, 1 << 24, &size, &none);

    if (text)
        page_details(configs, file, text);
    free(text);
}

/* A folder's column, of which cell is the head, and its config. */
static tcet_status add_folder(const struct report_origin *of, const char **cell, size_t columns,
                              struct buf *configs, struct arena *a, struct error *err)
{
    struct origin o;

    TRY(open_origin(of, a, &o, err));
    *cell = of->path;
    for (size_t i = 0; i < TCET_COUNT(FACTS); i++)
        cell[(i + 1) * columns] = arena_strdup(a, fact_of(&o, FACTS[i].fact, a));
    cell += (TCET_COUNT(FACTS) + 1) * columns;
    *cell = "-";
    if (o.parts)
        *cell = "1, trained";
    else if (o.store && store_arch_count(o.store))
        *cell = arena_printf(a, "%zu", store_arch_count(o.store));
    add_config(&o, a, configs);
    close_origin(&o);
    return TCET_OK;
}

tcet_status report_provenance(const struct report_origin *of, size_t count, struct report_out *out,
                              struct error *err)
{
    size_t rows = TCET_COUNT(FACTS) + 2, columns = count + 1;
    struct arena a = {0};
    const char **cell = arena_alloc(&a, rows * columns * sizeof *cell);
    struct buf configs = {0};
    tcet_status st = TCET_OK;

    cell[0] = "written by tcet-host " TCET_VERSION;
    for (size_t i = 0; i < TCET_COUNT(FACTS); i++)
        cell[(i + 1) * columns] = FACTS[i].name;
    cell[(rows - 1) * columns] = "architectures";
    for (size_t k = 0; k < count && st >= 0; k++)
        st = add_folder(&of[k], cell + k + 1, columns, &configs, &a, err);
    if (st >= 0) {
        rows = drop_empty(cell, rows, columns);
        page_heading(&out->page, "Provenance");
        page_facts(&out->page, cell, rows, columns);
        report_tables_cells(&out->tables, "provenance", cell, rows, columns);
        buf_puts(&out->page, configs.len ? configs.data : "");
    }
    buf_free(&configs);
    arena_free(&a);
    return st;
}
