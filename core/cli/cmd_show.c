/* cmd_show.c -- `tcet-host show CONFIG`: the resolved plan; or a picture of a
 * network.  Room: core/cli. */
#include "cli/picture.h"
#include "cli/progress.h"

#include "run/client.h"
#include "run/once.h"

#include <string.h>

/* How many architectures a run of this would score, or why that cannot be told. */
static void print_count(const struct config *config, const struct wire_plan *plan, const char *why,
                        struct buf *out)
{
    const char *archs = config_text(config, "run", "", "archs", "all");
    struct buf line = {0};

    if (why)
        buf_printf(&line, "architectures: %s", why);
    else
        buf_printf(&line, "architectures: %zu (%s)", plan->arch_count, archs);
    buf_puts(out, "\n");
    cli_wrap_result(out, 0, 2, line.data);
    buf_free(&line);
}

static void print_estimate(const struct estimate *e, struct buf *out)
{
    double all = e->mean * (double)e->archs;
    char one[32], many[32];
    struct buf line = {0};

    progress_clock(one, sizeof one, e->start + all);
    progress_clock(many, sizeof many, e->start + all / e->workers);
    buf_printf(
        &line,
        "estimate: %.3g s an architecture (%zu scored now, %.3g to %.3g s), %.1f s to start: "
        "about %s in one worker",
        e->mean, e->probes, e->least, e->most, e->start, one);
    if (e->workers > 1)
        buf_printf(&line, ", %s at best in %d", many, e->workers);
    cli_wrap_result(out, 0, 2, line.data);
    buf_free(&line);
}

/* The plan with its architectures; where only these cannot be had, *why says so. */
static tcet_status make_plan(const struct config *config, struct arena *a, struct wire_plan *plan,
                             const char **why, struct error *err)
{
    struct error other;

    *why = NULL;
    if (client_plan(config, 1, a, plan, err) >= 0)
        return TCET_OK;
    if (err->status != TCET_E_ARG || client_plan(config, 0, a, plan, &other) < 0)
        return err->status;
    *why = arena_strdup(a, err->text);
    return TCET_OK;
}

/* The plan, or for --config its config alone: that of a search or a training need not be a run's. */
static tcet_status make_shown(const struct config *config, bool config_only, struct arena *a,
                              struct wire_plan *plan, const char **why, struct error *err)
{
    struct buf text = {0};

    if (make_plan(config, a, plan, why, err) >= 0)
        return TCET_OK;
    if (!config_only ||
        (!config_section(config, "search", "") && !config_section(config, "train", "")))
        return err->status;
    config_print(config, &text);
    plan->config = arena_strdup(a, text.data);
    buf_free(&text);
    return TCET_OK;
}

/* Of a space alone. */
static struct config *space_alone(const char *space)
{
    struct config *c = config_new();

    cli_put_run(c, "space", space);
    return c;
}

/* Does the space read an encoding? */
static int is_read(const char *space, const char *arch)
{
    struct config *c = space_alone(space);
    struct arena a = {0};
    const char *const *answer;
    struct error none;
    size_t count = 0;
    int ok = client_space(c, (const char *const[]){"check", arch}, 2, &a, &answer, &count, &none);

    ok = ok >= 0 && count == 1 && !*answer[0];
    config_free(c);
    arena_free(&a);
    return ok;
}

/* The one space that reads an encoding. */
static tcet_status find_space(const char *arch, struct arena *a, const char **out,
                              struct error *err)
{
    const struct option_list none = {.count = 0};
    struct registry *r;
    struct buf names = {0};
    size_t found = 0;
    tcet_status st = TCET_OK;

    TRY(cli_registry(a, &none, &r, err));
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].kind != TCET_SPACE || !is_read(r->items[i].id, arch))
            continue;
        *out = arena_strdup(a, r->items[i].id);
        buf_printf(&names, "%s%s", found++ ? ", " : "", *out);
    }
    registry_close(r);
    if (!found)
        st = error_set(err, TCET_E_ARG,
                       "--graph \"%.200s\": no space reads it (--space NAME says why not one)",
                       arch);
    else if (found > 1)
        st = error_set(err, TCET_E_ARG, "--graph \"%.100s\": say by --space which it is: %s", arch,
                       names.data);
    buf_free(&names);
    return st;
}

/* The config of a picture: a file's, a run's, or that of a space alone with its own classes and
 * resolution. */
static tcet_status graph_config(const struct picture_options *p, const char *path,
                                const char *space, const struct option_list *sets, struct arena *a,
                                struct config **out, struct error *err)
{
    if (path || p->run)
        return cli_config(path ? path : arena_printf(a, "%s/config.ini", p->run), sets, out, err);
    if (!space)
        TRY(find_space(p->arch, a, &space, err));
    *out = space_alone(space);
    for (size_t i = 0; i < sets->count; i++)
        TRY(config_set(*out, sets->item[i], err));
    return TCET_OK;
}

/* What the options for a picture ask for that cannot be, NULL: nothing. */
static const char *refuse(const struct picture_options *p, int other, const char *archs,
                          const char *space, const char *path)
{
    return !p->arch && (p->file || p->run || p->column) ? "-o, --run and --column go with --graph"
           : space && !p->arch                          ? "--space is of --graph"
           : space && (path || p->run) ? "--space goes without CONFIG and --run, which name theirs"
           : p->arch && !p->file       ? "--graph needs -o FILE"
           : p->arch && archs          ? "--graph names its architecture: it goes without --archs"
           : p->arch && other          ? "--graph goes without --config, --estimate and --proxy"
           : p->column && !p->run      ? "--column is of --run"
                                       : NULL;
}

static int show_graph(const struct picture_options *p, const char *path, const char *space,
                      const struct option_list *sets)
{
    struct config *config = NULL;
    struct arena a = {0};
    struct buf said = {0};
    struct error err;
    int code = 0;

    if (graph_config(p, path, space, sets, &a, &config, &err) < 0 ||
        config_check_sections(config, &err) < 0 || picture_write(p, config, &said, &err) < 0)
        code = cli_fail(&err);
    else
        cli_write(&said);
    config_free(config);
    buf_free(&said);
    arena_free(&a);
    return code;
}

/* The config, with --archs and --proxy where they are given. */
static tcet_status read_config(const char *path, const struct option_list *sets, const char *archs,
                               const char *proxy, struct config **config, struct error *err)
{
    tcet_status st = cli_config(path, sets, config, err);

    if (st >= 0 && archs)
        cli_put_run(*config, "archs", archs);
    if (st >= 0 && proxy)
        cli_put_run(*config, "proxy", proxy);
    return st;
}

int cmd_show(const struct command *c, int argc, char **argv)
{
    enum { PROBES = 5 };
    struct option_list sets = {.count = 0};
    struct picture_options picture = {.arch = NULL};
    bool config_only = false, estimate = false;
    const char *archs = NULL, *proxy = NULL, *space = NULL;
    const struct option_spec specs[] = {
        {"--set", "A.B=VALUE", "override a key of the config (repeatable)", NULL, NULL, &sets},
        {"--archs", "WHICH",
         "all, first:N, sample:N, table, table:N, file:PATH, index:N or an encoding", NULL, &archs,
         NULL},
        {"--proxy", "A,B,...", "proxies by name, beside the config's (`tcet-host list proxies`)",
         NULL, &proxy, NULL},
        {"--config", NULL, "print the resolved config instead", &config_only, NULL, NULL},
        {"--estimate", NULL, "score five architectures and tell how long all would take", &estimate,
         NULL, NULL},
        {"--graph", "ARCH", "write a picture of this architecture's network instead", NULL,
         &picture.arch, NULL},
        {"-o", "FILE", "of --graph: a .svg file, or .dot for Graphviz", NULL, &picture.file, NULL},
        {"--space", "NAME", "of --graph without CONFIG: the space, where several read ARCH", NULL,
         &space, NULL},
        {"--run", "FOLDER", "of --graph: a run with values by layer, shown as colours", NULL,
         &picture.run, NULL},
        {"--column", "NAME", "of --run: whose values (default: the first column with such)", NULL,
         &picture.column, NULL},
    };
    const char *path = NULL, *why = NULL;
    struct config *config = NULL;
    struct table *table = NULL;
    struct arena a = {0};
    struct buf out = {0};
    struct wire_plan plan;
    struct estimate e;
    struct error err;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), &path, 0, 1, &count);

    if (code >= 0)
        return code;
    why = refuse(&picture, config_only || estimate || proxy, archs, space, path);
    if (!why && !path && !picture.arch)
        why = "something is missing: CONFIG, or --graph";
    if (why)
        return cli_usage(c, "%s", why);
    if (picture.arch)
        return show_graph(&picture, path, space, &sets);
    code = 0;
    if (read_config(path, &sets, archs, proxy, &config, &err) < 0 ||
        run_check(config, &table, &err) < 0 ||
        (estimate
             ? estimate_run(config, PROBES, &(struct once_log){cli_log, NULL}, &a, &plan, &e, &err)
             : make_shown(config, config_only, &a, &plan, &why, &err)) < 0) {
        code = cli_fail(&err);
    } else {
        buf_puts(&out, config_only ? plan.config : plan.text);
        if (!config_only)
            print_count(config, &plan, why, &out);
        if (estimate)
            print_estimate(&e, &out);
        if (config_only)
            cli_write(&out);
        else
            cli_write_text(&out);
        buf_free(&out);
    }
    table_free(table);
    config_free(config);
    arena_free(&a);
    return code;
}
