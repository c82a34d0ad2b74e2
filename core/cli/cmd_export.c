/* cmd_export.c -- `tcet-host export FOLDER FILE`.  Room: core/cli. */
#include "cli/cli.h"

#include "store/store.h"

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
    store_close(s);
    return st < 0 ? cli_fail(&err) : 0;
}
