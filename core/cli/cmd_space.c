/* cmd_space.c -- `tcet-host space NAME`: what a space is, one of its architectures layer by layer,
 * random ones, mutations, keys, and whether a list is of it.  Plugins run in a worker.
 * Room: core/cli. */
#include "cli/about.h"
#include "cli/picture.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "plugin/registry.h"
#include "run/client.h"
#include "run/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIST_MAX_BYTES = 1 << 28, AT_ONCE = 10000, ACTIONS = 5 };

struct space_flags {
    const char *name, *arch, *random, *mutate, *canonical, *list, *seed, *file;
    bool json;
    struct option_list sets, plugins;
};

/* A worker's answer. */
struct answer {
    const char *const *text;
    size_t count;
};

static tcet_status ask(const struct config *config, struct arena *a, struct answer *out,
                       const char *const *texts, size_t count, size_t least, struct error *err)
{
    TRY(client_space(config, texts, count, a, &out->text, &out->count, err));
    if (out->count < least)
        return error_set(err, TCET_E_PLUGIN, "the worker answered with %zu texts of %zu",
                         out->count, least);
    return TCET_OK;
}

/* -- The space itself --------------------------------------------------------------------- */

/* What there is of a space beside its plugin. */
struct data {
    const char *columns; /* of the shipped table of its name, those trained; NULL: there is none */
    size_t rows;
    const char *more; /* where the rest comes from; NULL: it does not say */
};

static tcet_status find_table(struct arena *a, const char *space, struct data *out,
                              struct error *err)
{
    const char *path;
    struct table *t;
    struct buf b = {0};

    if (table_path(space, paths_data(), a, &path, err) < 0)
        return TCET_OK; /* there is none */
    TRY(table_load(path, NULL, &t, err));
    for (size_t i = 0; i < t->columns; i++) {
        if (table_is_trained(t, t->column[i]))
            buf_printf(&b, "%s%s", b.len ? ", " : "", t->column[i]);
    }
    out->rows = t->rows;
    out->columns = arena_strdup(a, b.len ? b.data : "nothing trained");
    buf_free(&b);
    table_free(t);
    return TCET_OK;
}

static void put_line(struct buf *out, const char *head, const char *text)
{
    buf_printf(out, "  %-10s  %s\n", head, text);
}

static void about_text(const struct space_flags *o, const struct plugin_info *info,
                       const struct answer *t, const struct data *d, struct arena *a,
                       struct buf *out)
{
    const char *const *s = t->text;
    long long size = atoll(s[0]);

    info_text(out, info);
    buf_puts(out, "\n");
    put_line(out, "size:",
             size < 0 && !strncmp(s[6], "none: ", 6) ? "not numbered, and none is drawn"
             : size < 0                              ? "too many to number (sample:N draws)"
             : *s[1] == '1'
                 ? arena_printf(a, "%lld, numbered (index:0 to index:%lld)", size, size - 1)
                 : arena_printf(a, "%lld, not numbered", size));
    put_line(out, "task:", arena_printf(a, "%sx%sx%s, %s", s[2], s[3], s[4], s[7]));
    put_line(out, "example:", s[6]);
    put_line(out, "table:",
             d->columns ? arena_printf(a, "%s: %zu architectures; %s", o->name, d->rows, d->columns)
                        : "none ships");
    if (d->more)
        put_line(out, "more:", d->more);
}

static void about_json(const struct space_flags *o, const struct plugin_info *info,
                       const struct answer *t, const struct data *d, struct arena *a,
                       struct buf *out)
{
    const char *const *s = t->text;

    (void)a;
    buf_printf(out, "{\"size\":%s,\"numbered\":%s,\"task\":[%s,%s,%s,%s],\"example\":",
               *s[0] == '-' ? "null" : s[0], *s[1] == '1' ? "true" : "false", s[2], s[3], s[4],
               s[5]);
    json_write_string(out, s[6]);
    buf_puts(out, ",\"table\":");
    if (d->columns)
        json_write_string(out, o->name);
    else
        buf_puts(out, "null");
    buf_puts(out, ",\"more\":");
    if (d->more)
        json_write_string(out, d->more);
    else
        buf_puts(out, "null");
    buf_puts(out, ",\"plugin\":");
    info_json(out, info);
    buf_puts(out, "}\n");
}

static tcet_status about(const struct space_flags *o, const struct config *config, struct arena *a,
                         struct buf *out, struct error *err)
{
    const char *const question[] = {"about"};
    struct registry *r;
    struct answer t;
    struct data d = {.columns = NULL};

    TRY(ask(config, a, &t, question, 1, 7, err));
    TRY(find_table(a, o->name, &d, err));
    d.more = space_sources(o->name, a);
    TRY(cli_registry(a, &o->plugins, &r, err));
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].kind == TCET_SPACE && !strcmp(r->items[i].id, o->name))
            (o->json ? about_json : about_text)(o, &r->items[i], &t, &d, a, out);
    }
    registry_close(r);
    return TCET_OK;
}

/* -- One architecture --------------------------------------------------------------------- */

/* Those that are listed. */
enum { LISTED = 6 };
static const char *const fields[LISTED] = {"name",   "operation", "shape",
                                           "params", "macs",      "output"};

static void layers_text(const struct answer *t, struct arena *a, struct buf *out)
{
    size_t rows = (t->count - INSPECT_HEAD) / INSPECT_FIELDS;
    const char **cell = arena_alloc(a, (rows + 1) * LISTED * sizeof *cell);

    memcpy(cell, fields, sizeof fields);
    for (size_t i = 0; i < rows * LISTED; i++) {
        size_t column = i % LISTED;
        const char *text = t->text[INSPECT_HEAD + i / LISTED * INSPECT_FIELDS + column];

        cell[LISTED + i] = (column == 3 || column == 4) && !strcmp(text, "0") ? "" : text;
    }
    buf_printf(out, "%s\n%s parameters, %s multiply-accumulates; %s, depth %s\n\n", t->text[0],
               t->text[1], t->text[2],
               *t->text[4] != '1'   ? "input and output are not connected"
               : *t->text[3] == '1' ? "no dead edge"
                                    : "with a dead edge",
               t->text[5]);
    report_table(out, cell, rows + 1, LISTED, REPORT_TEXT, cli_width());
}

/* "16x3x3" as [16,3,3]. */
static void put_shape(struct buf *out, const char *text)
{
    buf_puts(out, "[");
    for (; *text; text++)
        buf_add(out, *text == 'x' ? "," : text, 1);
    buf_puts(out, "]");
}

static void layers_json(const struct answer *t, struct arena *a, struct buf *out)
{
    size_t rows = (t->count - INSPECT_HEAD) / INSPECT_FIELDS;

    (void)a;
    buf_puts(out, "{\"arch\":");
    json_write_string(out, t->text[0]);
    buf_printf(out, ",\"params\":%s,\"macs\":%s,\"live\":%s,\"alive\":%s,\"depth\":%s,\"layers\":[",
               t->text[1], t->text[2], *t->text[3] == '1' ? "true" : "false",
               *t->text[4] == '1' ? "true" : "false", t->text[5]);
    for (size_t i = 0; i < rows; i++) {
        const char *const *row = t->text + INSPECT_HEAD + i * INSPECT_FIELDS;

        for (size_t k = 0; k < LISTED; k++) {
            buf_printf(out, "%s\"%s\":", k ? "," : i ? ",{" : "{", fields[k]);
            if (k < 2)
                json_write_string(out, row[k]);
            else if (k == 3 || k == 4)
                buf_puts(out, row[k]);
            else
                put_shape(out, row[k]);
        }
        buf_puts(out, "}");
    }
    buf_puts(out, "]}\n");
}

static tcet_status layers(const struct space_flags *o, const struct config *config, struct arena *a,
                          struct buf *out, struct error *err)
{
    const char *const question[] = {"layers", o->arch};
    struct answer t;

    TRY(ask(config, a, &t, question, 2, INSPECT_HEAD, err));
    (o->json ? layers_json : layers_text)(&t, a, out);
    return TCET_OK;
}

static tcet_status canonical(const struct space_flags *o, const struct config *config,
                             struct arena *a, struct buf *out, struct error *err)
{
    const char *const question[] = {"canonical", o->canonical};
    struct answer t;

    TRY(ask(config, a, &t, question, 2, 3, err));
    if (!o->json) {
        buf_printf(out, "%s\n", t.text[0]);
        return TCET_OK;
    }
    buf_puts(out, "{\"key\":");
    json_write_string(out, t.text[0]);
    buf_printf(out, ",\"index\":%s,\"arch\":", *t.text[1] == '-' ? "null" : t.text[1]);
    json_write_string(out, t.text[2]);
    buf_puts(out, "}\n");
    return TCET_OK;
}

/* Architectures, a line each. */
static void put_archs(const struct space_flags *o, const struct answer *t, struct buf *out)
{
    for (size_t i = 0; i < t->count; i++) {
        if (o->json)
            json_write_string(out, t->text[i]);
        else
            buf_puts(out, t->text[i]);
        buf_puts(out, "\n");
    }
}

static tcet_status draw(const struct space_flags *o, const struct config *config, struct arena *a,
                        struct buf *out, struct error *err)
{
    const char *seed = o->seed ? o->seed : "1";
    const char *const random[] = {"random", o->random, seed}, *const mutate[] = {
                                                                  "mutate", o->mutate, "1", seed};
    struct answer t;

    TRY(ask(config, a, &t, o->random ? random : mutate, o->random ? 3 : 4, 1, err));
    put_archs(o, &t, out);
    return TCET_OK;
}

/* -- A list ------------------------------------------------------------------------------- */

/* The lines of a file that are not empty, their numbers, and why one is no text, else NULL. */
struct lines {
    const char **text, **why;
    size_t *number, count;
};

static tcet_status read_lines(const char *path, struct arena *a, struct lines *out,
                              struct error *err)
{
    struct buf texts = {0}, whys = {0}, numbers = {0};
    char *line = NULL;
    size_t cap = 0, number = 0;
    FILE *f = file_open(path, LIST_MAX_BYTES, NULL, err);
    tcet_status st = TCET_OK;
    ssize_t n;

    if (!f)
        return err->status;
    while ((n = getline(&line, &cap, f)) >= 0) {
        struct error bad;
        const char *why = plan_list_line(line, (size_t)n, !number++, path, &bad) < 0
                              ? arena_strdup(a, bad.text)
                              : NULL;
        const char *text = why ? "" : text_strip(arena_strdup(a, line));

        if (!why && !*text)
            continue;
        buf_add(&texts, &text, sizeof text);
        buf_add(&whys, &why, sizeof why);
        buf_add(&numbers, &number, sizeof number);
    }
    if (ferror(f))
        st = error_set(err, TCET_E_IO, "%s: cannot read: %s", path, strerror(errno));
    fclose(f);
    free(line);
    out->count = numbers.len / sizeof *out->number;
    out->text = arena_alloc(a, texts.len + 1);
    out->why = arena_alloc(a, whys.len + 1);
    out->number = arena_alloc(a, numbers.len + 1);
    if (out->count) {
        memcpy(out->text, texts.data, texts.len);
        memcpy(out->why, whys.data, whys.len);
        memcpy(out->number, numbers.data, numbers.len);
    }
    buf_free(&texts);
    buf_free(&whys);
    buf_free(&numbers);
    return st;
}

static void put_bad_line(const struct space_flags *o, size_t number, const char *why,
                         struct buf *out)
{
    if (!o->json) {
        buf_printf(out, "%s:%zu: %s\n", o->list, number, why);
        return;
    }
    buf_printf(out, "{\"line\":%zu,\"error\":", number);
    json_write_string(out, why);
    buf_puts(out, "}\n");
}

/* Each bad line is named; *bad: how many. */
static tcet_status check_list(const struct space_flags *o, const struct config *config,
                              struct arena *a, size_t *bad, struct buf *out, struct error *err)
{
    const char **question = arena_alloc(a, (AT_ONCE + 1) * sizeof *question);
    struct lines lines = {.count = 0};

    TRY(read_lines(o->list, a, &lines, err));
    question[0] = "check";
    for (size_t at = 0; at < lines.count; at += AT_ONCE) {
        size_t some = lines.count - at < AT_ONCE ? lines.count - at : AT_ONCE;
        struct answer t;

        memcpy(question + 1, lines.text + at, some * sizeof *question);
        TRY(ask(config, a, &t, question, some + 1, some, err));
        for (size_t i = 0; i < some; i++) {
            const char *why = lines.why[at + i] ? lines.why[at + i] : t.text[i];

            if (!*why)
                continue;
            ++*bad;
            put_bad_line(o, lines.number[at + i], why, out);
        }
    }
    if (!o->json)
        buf_printf(out, "%zu architecture%s, %zu bad\n", lines.count, lines.count == 1 ? "" : "s",
                   *bad);
    return TCET_OK;
}

/* -- The command -------------------------------------------------------------------------- */

/* A config of the space alone; --set and --plugins add to it. */
static tcet_status space_config(const struct space_flags *o, struct config *c, struct error *err)
{
    struct buf path = {0};
    struct table *none = NULL;

    cli_put_run(c, "space", o->name);
    for (size_t i = 0; i < o->plugins.count; i++)
        buf_printf(&path, "%s%s", i ? ":" : "", o->plugins.item[i]);
    if (path.len)
        config_put(c, "plugins", "", "path", path.data, "command line", cli_here(), 0);
    buf_free(&path);
    for (size_t i = 0; i < o->sets.count; i++)
        TRY(config_set(c, o->sets.item[i], err));
    return run_check(c, &none, err);
}

static tcet_status do_action(const struct space_flags *o, const struct config *c, size_t *bad,
                             struct buf *out, struct error *err)
{
    struct arena a = {0};
    const struct picture_options picture = {.arch = o->arch, .file = o->file};
    tcet_status st = o->file                  ? picture_write(&picture, c, out, err)
                     : o->arch                ? layers(o, c, &a, out, err)
                     : o->canonical           ? canonical(o, c, &a, out, err)
                     : o->list                ? check_list(o, c, &a, bad, out, err)
                     : o->random || o->mutate ? draw(o, c, &a, out, err)
                                              : about(o, c, &a, out, err);

    arena_free(&a);
    return st;
}

int cmd_space(const struct command *c, int argc, char **argv)
{
    struct space_flags o = {.name = NULL};
    const struct option_spec specs[] = {
        {"--arch", "A", "the layers of this architecture", NULL, &o.arch, NULL},
        {"-o", "FILE", "a picture of --arch's network instead: .svg, or .dot for Graphviz", NULL,
         &o.file, NULL},
        {"--random", "N", "so many random architectures", NULL, &o.random, NULL},
        {"--mutate", "A", "a mutation of this architecture", NULL, &o.mutate, NULL},
        {"--seed", "S", "of --random and --mutate (1)", NULL, &o.seed, NULL},
        {"--canonical", "A", "its key, which isomorphic architectures share", NULL, &o.canonical,
         NULL},
        {"--list", "FILE", "names every line that is no architecture", NULL, &o.list, NULL},
        {"--set", "A.B=VALUE", "a key of the config, such as space.file=PATH (repeatable)", NULL,
         NULL, &o.sets},
        {"--plugins", "DIR", "search this folder too (repeatable)", NULL, NULL, &o.plugins},
        {"--json", NULL, "JSON, of architectures and bad lines one a line", &o.json, NULL, NULL},
    };
    const char *name[2] = {NULL}; /* the second one too many */
    const char *const actions[ACTIONS + 1] = {"--arch", "--random", "--mutate", "--canonical",
                                              "--list"};
    struct config *config;
    struct buf out = {0};
    struct error err = {.status = TCET_OK};
    size_t count, chosen = 0, bad = 0;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), name, 1, 2, &count);

    if (code >= 0)
        return code;
    if (count > 1)
        return cli_usage(c, "an architecture goes with an option: --arch '%.200s'", name[1]);
    o.name = name[0];
    for (size_t i = 0; i < ACTIONS; i++) {
        const char *const given[ACTIONS] = {o.arch, o.random, o.mutate, o.canonical, o.list};

        if (given[i] && chosen++)
            return cli_usage(c,
                             "%s: one of --arch, --random, --mutate, --canonical and --list at a "
                             "time",
                             actions[i]);
    }
    if (o.seed && !o.random && !o.mutate)
        return cli_usage(c, "--seed is of --random and --mutate");
    if (o.file && (!o.arch || o.json))
        return cli_usage(c, "-o is of --arch, and goes without --json");
    config = config_new();
    code = space_config(&o, config, &err) < 0 || do_action(&o, config, &bad, &out, &err) < 0
               ? cli_fail(&err)
               : 0;
    if (!code && (o.json || o.arch || o.random || o.mutate || o.canonical || o.list))
        cli_write(&out);
    else if (!code)
        cli_write_text(&out);
    buf_free(&out);
    config_free(config);
    return code ? code : bad ? EXIT_BAD : 0;
}
