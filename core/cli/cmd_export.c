/* cmd_export.c -- `tcet-host export FOLDER FILE`.  Room: core/cli. */
#include "cli/source.h"

#include "base/names.h"
#include "base/text.h"
#include "net/net.h"
#include "run/fit.h"
#include "run/stored.h"
#include "store/store.h"

#include <unistd.h>

/* The network of a training's folder as a file for other programs; *said: what was written. */
static tcet_status write_network(const char *folder, const char *file, int best,
                                 const struct option_list *plugins, struct arena *a,
                                 struct buf *said, struct error *err)
{
    const struct fit_options o = {.log = cli_log};
    const char *from, *to, *arch, *forgotten;
    struct train_progress p;
    struct config *config;
    tcet_status st;

    from = cli_path(a, arena_printf(a, "%s/%s.ckpt", folder, best ? "best" : "last"));
    to = cli_path(a, file);
    if (access(from, R_OK)) {
        if (stored_has_seeds(folder))
            return error_set(
                err, TCET_E_ARG,
                "%s holds a training of several seeds; name the folder of one, %s/seed-N", folder,
                folder);
        return error_set(err, TCET_E_ARG, "%s: there is no such file: %s", from,
                         best ? "nothing was measured there" : "no training was saved there");
    }
    TRY(stored_read(folder, cli_folders(plugins, a), plugins->count, &config, &forgotten, err));
    arch = config_text(config, "train", "", "arch", "");
    st = fit_export(config, arch, from, to, &o, &p, err);
    if (st >= 0)
        buf_printf(said, "%s: %lld parameters of %s, after epoch %lld of %lld\n", file,
                   (long long)p.params, arch, (long long)p.epoch, (long long)p.epochs);
    config_free(config);
    return st;
}

static int export_network(const char *folder, const char *file, int best,
                          const struct option_list *plugins)
{
    struct arena a = {0};
    struct buf said = {0};
    struct error err;
    tcet_status st = write_network(folder, file, best, plugins, &a, &said, &err);

    if (st >= 0)
        cli_write(&said);
    buf_free(&said);
    arena_free(&a);
    return st < 0 ? cli_fail(&err) : 0;
}

/* What was written is all that there is; what lacks is said, and is exit code 3. */
static tcet_status note_lacks(struct store *s, const char *folder, int *code, struct error *err)
{
    const char *merging = store_meta(s, STORE_MERGING), *shard;
    int half = merging && *merging, part;
    size_t all = store_arch_count(s);
    struct store_summary sum;
    struct buf b = {0};

    TRY(store_summarise(s, &sum, err));
    shard = store_meta(s, "shard");
    part = shard && *shard; /* its population scores are the whole's */
    buf_printf(&b, "%s is incomplete: ", folder);
    if (half)
        buf_puts(&b, "the merge into it was not finished; merge again");
    else if (!all)
        buf_puts(&b, "it holds no architectures yet");
    else if (sum.missing)
        buf_printf(&b, "%zu of %zu architectures are not scored yet; tcet-host run CONFIG --resume",
                   sum.missing, all);
    else if (sum.unranked && !part)
        buf_puts(&b, "scores over the population lack; tcet-host run CONFIG --resume");
    *code = half || !all || sum.missing || (sum.unranked && !part) ? EXIT_SOME_FAILED : 0;
    if (*code)
        cli_log(NULL, TCET_LOG_WARN, b.data);
    buf_free(&b);
    return TCET_OK;
}

/* -- Accuracies of a table that the folder has not ---------------------------------------- */

/* The columns asked for, else all that the table says are trained. */
static tcet_status choose_columns(const struct table *t, const struct option_list *asked,
                                  struct arena *a, const char *const **out, size_t *count,
                                  struct error *err)
{
    const char **names = arena_alloc(a, (t->columns + 1) * sizeof *names);
    size_t n = 0;

    *out = asked->item;
    *count = asked->count;
    for (size_t i = 0; i < asked->count; i++) {
        if (names_has(asked->item, i, asked->item[i]))
            return error_set(err, TCET_E_ARG, "--column %s twice", asked->item[i]);
    }
    if (asked->count)
        return TCET_OK;
    for (size_t i = 0; i < t->columns; i++) {
        if (table_is_trained(t, t->column[i]))
            names[n++] = t->column[i];
    }
    *out = names;
    *count = n;
    return n ? TCET_OK
             : error_set(err, TCET_E_ARG,
                         "%s: does not say which of its columns are trained; name them by --column "
                         "(`tcet-host tables FILE` lists them)",
                         t->path);
}

static tcet_status read_accuracies(const struct source_options *from, const struct config *config,
                                   const char *name, const struct option_list *columns,
                                   const char *const *archs, size_t count, struct arena *a,
                                   struct store_export *how, struct error *err)
{
    struct join j = {.count = 0};
    struct table *t = NULL;
    const char *const *names;
    size_t found = 0;
    tcet_status st = source_folder_table(from, config, name, &t, err);

    if (st >= 0)
        st = choose_columns(t, columns, a, &names, &how->accuracy_count, err);
    if (st >= 0)
        st = join_make(config, archs, count, t, NULL, &j, err);
    if (st >= 0)
        st = join_accuracies(&j, name, names, how->accuracy_count, a, &how->accuracies, err);
    for (size_t i = 0; i < j.count; i++)
        found += j.place[i].n > 0;
    if (st >= 0 && count && !found)
        st = error_set(err, TCET_E_ARG,
                       "table %.200s has none of the %zu architecture%s of the folder", name, count,
                       count == 1 ? "" : "s");
    join_free(&j);
    table_free(t);
    return st;
}

/* Joins the folder with a table, of --table or else of its config, which opens no plugins by itself. */
static tcet_status join_folder(struct store *s, const char *folder,
                               const struct source_options *from, const struct option_list *columns,
                               struct arena *a, struct store_export *how, struct error *err)
{
    const char *const *archs;
    const char *table = from->table, *forgotten;
    struct config *config;
    tcet_status st;

    TRY(store_archs(s, a, &archs, err));
    TRY(stored_read(folder, cli_folders(&from->plugins, a), from->plugins.count, &config,
                    &forgotten, err));
    if (!table)
        table = config_text(config, "benchmark", "", "table", "");
    if (!*table)
        st = error_set(err, TCET_E_ARG, "the run names no [benchmark] table; give --table");
    else
        st = read_accuracies(from, config, table, columns, archs, store_arch_count(s), a, how, err);
    if (st < 0)
        stored_error(folder, forgotten, err);
    config_free(config);
    return st;
}

static int export_scores(const char *folder, const char *file, const struct source_options *from,
                         const struct option_list *columns, struct store_export *how)
{
    struct arena a = {0};
    struct store *s = NULL;
    struct error err;
    int code = 0;
    tcet_status st = store_open(folder, STORE_READ, &s, &err);

    if (st >= 0 && (from->table || columns->count))
        st = join_folder(s, folder, from, columns, &a, how, &err);
    if (st >= 0)
        st = store_export(s, file, how, &err);
    if (st >= 0)
        st = note_lacks(s, folder, &code, &err);
    store_close(s);
    arena_free(&a);
    return st < 0 ? cli_fail(&err) : code;
}

int cmd_export(const struct command *c, int argc, char **argv)
{
    struct store_export how = {.layers = 0};
    struct source_options from = {.table = NULL};
    struct option_list columns = {.count = 0};
    bool layers = false, times = false, best = false;
    enum net_format format;
    const struct option_spec specs[] = {
        {"--layers", NULL, "per-layer values too", &layers, NULL, NULL},
        {"--times", NULL, "seconds by part too, in a .jsonl (they differ from run to run)", &times,
         NULL, NULL},
        {"--table", "TABLE",
         "accuracies of this table (name or file), not those of the run's [benchmark]", NULL,
         &from.table, NULL},
        {"--column", "NAME", "which accuracies (repeatable; default: all that are trained)", NULL,
         NULL, &columns},
        {"--key", "NAME", "column of architectures (default: arch, else the first)", NULL,
         &from.key, NULL},
        {"--duplicates", "RULE",
         "rows of one architecture: error, mean, first (default of .json), auto", NULL,
         &from.duplicates, NULL},
        {"--plugins", "DIR",
         "of a training, or with --table: plugins there may be opened (repeatable)", NULL, NULL,
         &from.plugins},
        {"--best", NULL, "of a training: the best epoch's network, not the last one's", &best, NULL,
         NULL},
    };
    const char *paths[2];
    struct error err;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), paths, 2, 2, &count);
    bool joined = from.table || columns.count;

    if (code >= 0)
        return code;
    if (net_format_of(paths[1], &format, &err) >= 0)
        return layers || times || joined
                   ? cli_usage(c, "--layers, --times, --table and --column are of scores")
                   : export_network(paths[0], paths[1], best, &from.plugins);
    if (stored_is_trained(paths[0])) /* a training has networks alone */
        return cli_fail(&err);
    if (best)
        return cli_usage(c, "--best is of networks: a .safetensors, .pth or .onnx file");
    if (!joined && (from.key || from.duplicates))
        return cli_usage(c, "--key and --duplicates go with --table or --column");
    how.layers = layers;
    how.times = times;
    return export_scores(paths[0], paths[1], &from, &columns, &how);
}
