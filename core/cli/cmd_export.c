/* cmd_export.c -- `tcet-host export FOLDER FILE`.  Room: core/cli. */
#include "cli/cli.h"

#include "store/store.h"

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
    struct store_export how = {0, 0};
    bool layers = false, times = false;
    const struct option_spec specs[] = {
        {"--layers", NULL, "per-layer values too", &layers, NULL, NULL},
        {"--times", NULL, "seconds by part too, in a .jsonl (they differ from run to run)", &times,
         NULL, NULL},
    };
    const char *paths[2];
    struct store *s;
    struct error err;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), paths, 2, 2, &count);
    tcet_status st;

    if (code >= 0)
        return code;
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
