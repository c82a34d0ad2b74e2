/* cmd_merge.c -- `tcet-host merge OUT IN...`: the folders of shards made one.
 * Room: core/cli. */
#include "cli/cli.h"

#include "run/merge.h"

#include <stdio.h>
#include <stdlib.h>

static int conclude(const char *out, const struct merge_summary *sum)
{
    size_t all = sum->rows.done + sum->rows.failed + sum->rows.missing;

    if (sum->seeds)
        printf("%zu search%s: %zu asks, %zu scored; results in %s\n", sum->seeds,
               sum->seeds == 1 ? "" : "es", sum->asks, sum->scored, out);
    else
        printf("%zu architecture%s: %zu scored, %zu failed, %zu missing; results in %s\n", all,
               all == 1 ? "" : "s", sum->rows.done, sum->rows.failed, sum->rows.missing, out);
    if (sum->rows.missing || !sum->ended)
        fprintf(stderr,
                "tcet-host: note: not all shards were finished; to score what is missing: "
                "tcet-host %s CONFIG --resume --output %s\n",
                sum->seeds ? "search" : "run", out);
    return sum->rows.missing || sum->rows.failed || !sum->ended ? EXIT_SOME_FAILED : 0;
}

static int fail(const struct error *err)
{
    if (err->status != TCET_E_CANCELLED)
        return cli_fail(err);
    fprintf(stderr, "tcet-host: interrupted; the same command merges again\n");
    return EXIT_INTERRUPTED;
}

int cmd_merge(const struct command *c, int argc, char **argv)
{
    struct merge_options mo = {.log = cli_log};
    struct option_list plugins = {.count = 0};
    const struct option_spec specs[] = {
        {"--plugins", "DIR",
         "plugins of DIR may be opened; the shards' configs alone open none (repeatable)", NULL,
         NULL, &plugins},
    };
    struct arena a = {0};
    const char **folders = mem_alloc((size_t)argc * sizeof *folders);
    struct merge_summary sum;
    struct error err;
    size_t count;
    int code =
        cli_options(c, argc, argv, specs, TCET_COUNT(specs), folders, 2, (size_t)argc, &count);

    if (code < 0) {
        mo.plugins = cli_folders(&plugins, &a);
        mo.plugin_count = plugins.count;
        mo.stop = cli_interrupts();
        code = run_merge(folders[0], folders + 1, count - 1, &mo, &sum, &err) < 0
                   ? fail(&err)
                   : conclude(folders[0], &sum);
    }
    arena_free(&a);
    free(folders);
    return code;
}
