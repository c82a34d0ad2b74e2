/* cmd_evaluate.c -- `tcet-host evaluate FILE.safetensors CONFIG`: measures its network.
 * Room: core/cli. */
#include "cli/cli.h"

#include "base/json.h"
#include "net/net.h"
#include "run/fit.h"

#include <string.h>

struct evaluate_flags {
    struct option_list sets;
    const char *arch;
    bool json;
};

static void print(const char *file, const struct train_progress *p, bool json, struct buf *out)
{
    if (!json) {
        buf_printf(out, "top-1 %.2f %%", p->test_top1);
        cli_put_top5(p, out);
        buf_printf(out, ", loss %.6f on %lld images\n", p->test_loss, (long long)p->test_images);
        return;
    }
    buf_puts(out, "{\"file\":");
    json_write_string(out, file);
    buf_puts(out, ",\"top1\":");
    json_write_f64(out, p->test_top1);
    buf_puts(out, ",\"top5\":");
    json_write_f64(out, p->test_top5);
    buf_puts(out, ",\"loss\":");
    json_write_f64(out, p->test_loss);
    buf_printf(out, ",\"images\":%lld,\"parameters\":%lld}\n", (long long)p->test_images,
               (long long)p->params);
}

/* The architecture is the command line's, else the file's, else the config's. */
static tcet_status prepare(const char *file, const char *path, const struct evaluate_flags *o,
                           struct config **config, struct train_settings *settings,
                           struct error *err)
{
    struct net_about about;
    struct table *none = NULL;
    enum net_format format;
    const char *space;

    if (net_format_of(file, &format, err) >= 0 && format != NET_SAFETENSORS)
        return error_set(err, TCET_E_ARG,
                         "%s: only .safetensors files are read; `tcet-host export FOLDER "
                         "FILE.safetensors` writes one",
                         file);
    TRY(net_read_about(file, &about, err));
    TRY(cli_config(path, &o->sets, config, err));
    if (o->arch)
        config_put(*config, "train", "", "arch", o->arch, "command line", cli_here(), 0);
    else if (*about.arch)
        config_put(*config, "train", "", "arch", about.arch, file, cli_here(), 0);
    TRY(run_check(*config, &none, err));
    table_free(none);
    space = config_text(*config, "run", "", "space", "");
    if (*about.space && strcmp(about.space, space))
        return error_set(err, TCET_E_ARG,
                         "%s holds a network of space %s, and %s has [run] space = %s", file,
                         about.space, path, space);
    return train_settings_read(*config, settings, err);
}

int cmd_evaluate(const struct command *c, int argc, char **argv)
{
    struct evaluate_flags o = {.json = false};
    const struct option_spec specs[] = {
        {"--set", "A.B=VALUE", "override a key of the config (repeatable)", NULL, NULL, &o.sets},
        {"--arch", "A", "the file's architecture, where it does not say it", NULL, &o.arch, NULL},
        {"--json", NULL, "one JSON object", &o.json, NULL, NULL},
    };
    struct fit_options fo = {.log = cli_log};
    struct train_settings settings;
    struct train_progress p;
    struct config *config = NULL;
    struct arena a = {0};
    struct buf out = {0};
    struct error err;
    const char *paths[2];
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), paths, 2, 2, &count);

    if (code >= 0)
        return code;
    fo.stop = cli_interrupts();
    if (prepare(paths[0], paths[1], &o, &config, &settings, &err) < 0 ||
        fit_evaluate(config, settings.arch->value, cli_path(&a, paths[0]), &fo, &p, &err) < 0) {
        code = err.status == TCET_E_CANCELLED ? EXIT_INTERRUPTED : cli_fail(&err);
    } else {
        print(paths[0], &p, o.json, &out);
        cli_write(&out);
        code = 0;
    }
    buf_free(&out);
    config_free(config);
    arena_free(&a);
    return code;
}
