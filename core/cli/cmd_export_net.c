/* cmd_export_net.c -- `tcet-host export-net CONFIG ARCH FILE`: a network with drawn weights, in a file of
 * another program.  Plugins run in a worker, which writes the file.  Room: core/cli. */
#include "cli/cli.h"

#include "net/net.h"
#include "run/client.h"

#include <string.h>

/* `best:FOLDER` as an encoding; it is an argument, so that errors name no key. */
static tcet_status resolve(struct config *config, const char **arch, struct arena *a,
                           struct error *err)
{
    config_put(config, "train", "", "arch", *arch, "", cli_here(), 0);
    TRY(cli_best_arch(config, a, err));
    *arch = config_text(config, "train", "", "arch", "");
    return TCET_OK;
}

static tcet_status export_net(struct config *config, const char *arch, const char *path,
                              struct error *err)
{
    enum { TEXTS = 2 };
    struct arena a = {0};
    const char *question[] = {"net", arch, cli_path(&a, path)}, *const * text;
    enum net_format format;
    struct buf out = {0};
    size_t count;
    tcet_status st = net_format_of(path, &format, err);

    if (st >= 0)
        st = config_check_sections(config, err);
    if (st >= 0 && !strncmp(arch, "best:", 5))
        st = resolve(config, &question[1], &a, err);
    if (st >= 0)
        st = client_space(config, question, TCET_COUNT(question), &a, &text, &count, err);
    if (st >= 0 && count != TEXTS)
        st =
            error_set(err, TCET_E_PLUGIN, "the worker answered with %zu texts of %d", count, TEXTS);
    if (st >= 0) {
        buf_printf(&out, "%s: %s parameters of %s\n", path, text[1], text[0]);
        cli_write(&out);
    }
    buf_free(&out);
    arena_free(&a);
    return st;
}

int cmd_export_net(const struct command *c, int argc, char **argv)
{
    struct option_list sets = {.count = 0};
    const struct option_spec specs[] = {
        {"--set", "A.B=VALUE", "override a key of the config (repeatable)", NULL, NULL, &sets},
    };
    const char *given[3];
    struct config *config = NULL;
    struct error err;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), given, 3, 3, &count);

    if (code >= 0)
        return code;
    code = cli_config(given[0], &sets, &config, &err) < 0 ||
                   export_net(config, given[1], given[2], &err) < 0
               ? cli_fail(&err)
               : 0;
    config_free(config);
    return code;
}
