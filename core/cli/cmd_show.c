/* cmd_show.c -- `tcet-host show CONFIG`: the resolved plan.  Room: core/cli. */
#include "cli/cli.h"

#include "run/client.h"

#include <string.h>

int cmd_show(const struct command *c, int argc, char **argv)
{
    struct option_list sets = {.count = 0};
    bool config_only = false;
    const struct option_spec specs[] = {
        {"--set", "A.B=VALUE", "override a key of the config (repeatable)", NULL, NULL, &sets},
        {"--config", NULL, "print the resolved config instead", &config_only, NULL, NULL},
    };
    const char *path;
    struct config *config = NULL;
    struct table *table = NULL;
    struct arena a = {0};
    struct buf out = {0};
    struct wire_plan plan;
    struct error err;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), &path, 1, 1, &count);

    if (code >= 0)
        return code;
    code = 0;
    if (cli_config(path, &sets, &config, &err) < 0 || run_check(config, &table, &err) < 0 ||
        client_plan(config, 0, &a, &plan, &err) < 0) {
        code = cli_fail(&err);
    } else {
        buf_puts(&out, config_only ? plan.config : plan.text);
        cli_write(&out);
        buf_free(&out);
    }
    table_free(table);
    config_free(config);
    arena_free(&a);
    return code;
}
