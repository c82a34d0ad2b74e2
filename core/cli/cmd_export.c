/* cmd_export.c -- `tcet-host export FOLDER FILE`.  Room: core/cli. */
#include "cli/cli.h"

#include "base/text.h"
#include "net/net.h"
#include "run/fit.h"
#include "run/stored.h"
#include "store/store.h"

#include <unistd.h>

/* The network of a training's folder as a file for other programs. */
static tcet_status write_network(const char *folder, const char *file, int best,
                                 const struct option_list *plugins, struct arena *a,
                                 struct error *err)
{
    const struct fit_options o = {.log = cli_log};
    const char *from, *to, *arch, *forgotten;
    struct config *config;
    tcet_status st;

    from = cli_path(a, arena_printf(a, "%s/%s.ckpt", folder, best ? "best" : "last"));
    to = cli_path(a, file);
    if (access(from, R_OK))
        return error_set(err, TCET_E_ARG, "%s: there is no such file: %s", from,
                         best ? "nothing was measured there" : "no training was saved there");
    TRY(stored_read(folder, cli_folders(plugins, a), plugins->count, &config, &forgotten, err));
    arch = config_text(config, "train", "", "arch", "");
    st = fit_export(config, arch, from, to, &o, err);
    config_free(config);
    return st;
}

static int export_network(const char *folder, const char *file, int best,
                          const struct option_list *plugins)
{
    struct arena a = {0};
    struct error err;
    tcet_status st = write_network(folder, file, best, plugins, &a, &err);

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

int cmd_export(const struct command *c, int argc, char **argv)
{
    struct store_export how = {.layers = 0};
    struct option_list plugins = {.count = 0};
    bool layers = false, times = false, best = false;
    enum net_format format;
    const struct option_spec specs[] = {
        {"--layers", NULL, "per-layer values too", &layers, NULL, NULL},
        {"--times", NULL, "seconds by part too, in a .jsonl (they differ from run to run)", &times,
         NULL, NULL},
        {"--plugins", "DIR", "of a training: plugins there may be opened (repeatable)", NULL, NULL,
         &plugins},
        {"--best", NULL, "of a training: the best epoch's network, not the last one's", &best, NULL,
         NULL},
    };
    const char *paths[2];
    struct store *s;
    struct error err;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), paths, 2, 2, &count);
    tcet_status st;

    if (code >= 0)
        return code;
    if (net_format_of(paths[1], &format, &err) >= 0)
        return layers || times ? cli_usage(c, "--layers and --times are of scores")
                               : export_network(paths[0], paths[1], best, &plugins);
    if (best)
        return cli_usage(c, "--best is of networks: a .safetensors, .pth or .onnx file");
    how.layers = layers;
    how.times = times;
    if (store_open(paths[0], STORE_READ, &s, &err) < 0)
        return cli_fail(&err);
    st = store_export(s, paths[1], &how, &err);
    if (st >= 0)
        st = note_lacks(s, paths[0], &code, &err);
    store_close(s);
    return st < 0 ? cli_fail(&err) : code;
}
