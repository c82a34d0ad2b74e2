/* cmd_merge.c -- `tcet-host merge OUT IN...`: the folders of a run's shards made one.
 * Room: core/cli. */
#include "cli/cli.h"

#include "run/merge.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int interrupted;

static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

static int conclude(const char *out, const struct store_summary *sum)
{
    size_t all = sum->done + sum->failed + sum->missing;

    printf("%zu architecture%s: %zu scored, %zu failed, %zu missing; results in %s\n", all,
           all == 1 ? "" : "s", sum->done, sum->failed, sum->missing, out);
    if (sum->missing)
        fprintf(stderr,
                "tcet-host: note: not all shards were finished; to score what is missing: "
                "tcet-host run CONFIG --resume --output %s\n",
                out);
    return sum->missing || sum->failed ? EXIT_SOME_FAILED : 0;
}

int cmd_merge(const struct command *c, int argc, char **argv)
{
    struct merge_options mo = {.stop = &interrupted, .log = cli_log};
    struct sigaction sa = {.sa_handler = on_signal};
    struct option_list plugins = {.count = 0};
    const struct option_spec specs[] = {
        {"--plugins", "DIR",
         "plugins of DIR may be opened; the shards' configs alone open none (repeatable)", NULL,
         NULL, &plugins},
    };
    struct arena a = {0};
    const char **folders = mem_alloc((size_t)argc * sizeof *folders);
    struct store_summary sum;
    struct error err;
    size_t count;
    int code =
        cli_options(c, argc, argv, specs, TCET_COUNT(specs), folders, 2, (size_t)argc, &count);

    if (code < 0) {
        mo.plugins = cli_folders(&plugins, &a);
        mo.plugin_count = plugins.count;
        sigaction(SIGINT, &sa, NULL);
        sigaction(SIGTERM, &sa, NULL);
        code = run_merge(folders[0], folders + 1, count - 1, &mo, &sum, &err) < 0
                   ? cli_fail(&err)
                   : conclude(folders[0], &sum);
    }
    arena_free(&a);
    free(folders);
    return code;
}
