/* cmd_list.c -- `tcet-host list` and `tcet-host info`: from scanned descriptors, so that no
 * plugin is loaded and no libtorch started.  Room: core/cli. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"
#include "plan/presets.h"
#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

tcet_status cli_registry(struct arena *a, const struct option_list *dirs, struct registry **r,
                         struct error *err)
{
    return registry_open(cli_folders(dirs, a), dirs->count, r, err);
}

static void json_text(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, ",\"%s\":", name);
    json_write_string(b, value ? value : "");
}

/* A parameter's type, and what bounds it. */
static void json_range(struct buf *b, const struct plugin_param *p)
{
    switch (p->type) {
    case TCET_P_F64:
        buf_puts(b, ",\"type\":\"number\",\"min\":");
        json_write_f64(b, p->min);
        buf_puts(b, ",\"max\":");
        json_write_f64(b, p->max);
        break;
    case TCET_P_I64:
        buf_printf(b, ",\"type\":\"integer\",\"min\":%lld,\"max\":%lld", (long long)p->imin,
                   (long long)p->imax);
        break;
    case TCET_P_CHOICE:
        buf_puts(b, ",\"type\":\"choice\",\"choices\":[");
        for (const char *const *ch = p->choices; ch && *ch; ch++) {
            buf_puts(b, ch == p->choices ? "" : ",");
            json_write_string(b, *ch);
        }
        buf_puts(b, "]");
        break;
    default:
        buf_printf(b, ",\"type\":\"%s\"",
                   p->type == TCET_P_BOOL   ? "boolean"
                   : p->type == TCET_P_PATH ? "path"
                                            : "text");
    }
}

void info_json(struct buf *b, const struct plugin_info *p)
{
    buf_puts(b, "{\"kind\":");
    json_write_string(b, kind_name(p->kind));
    json_text(b, "id", p->id);
    json_text(b, "version", p->version);
    json_text(b, "summary", p->summary);
    json_text(b, "cite", p->cite);
    json_text(b, "path", p->path);
    json_text(b, "sha256", p->sha256);
    buf_puts(b, ",\"parameters\":[");
    for (size_t i = 0; i < p->param_count; i++) {
        buf_puts(b, i ? ",{\"name\":" : "{\"name\":");
        json_write_string(b, p->params[i].name);
        json_range(b, &p->params[i]);
        buf_printf(b, ",\"required\":%s", p->params[i].initial ? "false" : "true");
        json_text(b, "default", p->params[i].initial);
        json_text(b, "doc", p->params[i].doc);
        buf_puts(b, "}");
    }
    buf_puts(b, "]}");
}

/* "saliencies" and "saliency" both mean the kind. */
static tcet_kind kind_of(const char *word)
{
    char single[32];
    size_t n = strlen(word);
    tcet_kind k = kind_from_name(word);

    if (k || n < 4 || n >= sizeof single)
        return k;
    snprintf(single, sizeof single, "%s", word);
    if (!strcmp(word + n - 3, "ies"))
        strcpy(single + n - 3, "y");
    else if (word[n - 1] == 's')
        single[n - 1] = '\0';
    return kind_from_name(single);
}

int cmd_list(const struct command *c, int argc, char **argv)
{
    struct option_list dirs = {.count = 0};
    bool json = false, names = false;
    const struct option_spec specs[] = {
        {"--plugins", "DIR", "search this folder too (repeatable)", NULL, NULL, &dirs},
        {"--names", NULL, "the names alone, one a line", &names, NULL, NULL},
        {"--json", NULL, "one JSON object a line", &json, NULL, NULL},
    };
    const char *word = NULL;
    struct arena a = {0};
    struct registry *r;
    struct buf out = {0};
    struct error err;
    tcet_kind kind = 0, last = 0;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), &word, 0, 1, &count);

    if (code >= 0)
        return code;
    if (json && names)
        return cli_usage(c, "--json has the names already");
    if (count && !strcmp(word, "proxies")) {
        if (presets_list(names, &out, &err) >= 0)
            cli_write_text(&out);
        buf_free(&out);
        return err.status < 0 ? cli_fail(&err) : 0;
    }
    if (count && !(kind = kind_of(word)))
        return cli_usage(c,
                         "\"%s\" is no kind of plugin; kinds: saliency, aggregator, combiner, "
                         "space, dataset, backend, strategy; and proxies",
                         word);
    if (cli_registry(&a, &dirs, &r, &err) < 0) {
        arena_free(&a);
        return cli_fail(&err);
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct plugin_info *p = &r->items[i];

        if (kind && p->kind != kind)
            continue;
        if (json)
            info_json(&out, p);
        if (names)
            buf_puts(&out, p->id);
        if (json || names) {
            buf_puts(&out, "\n");
            continue;
        }
        if (p->kind != last)
            buf_printf(&out, "%s%s\n", last ? "\n" : "", kind_name(p->kind));
        last = p->kind;
        buf_printf(&out, "  %-16s  %s%s\n", p->id, p->summary, p->builtin ? "" : " [not built in]");
    }
    for (size_t i = 0; i < r->broken_count && !json && !names; i++)
        cli_log(NULL, TCET_LOG_WARN, r->broken[i].error);
    if (json)
        cli_write(&out);
    else
        cli_write_text(&out);
    buf_free(&out);
    registry_close(r);
    arena_free(&a);
    return 0;
}

static void print_range(struct buf *b, const struct plugin_param *p)
{
    switch (p->type) {
    case TCET_P_F64: buf_printf(b, "number from %g to %g", p->min, p->max); break;
    case TCET_P_I64:
        buf_printf(b, "integer from %lld to %lld", (long long)p->imin, (long long)p->imax);
        break;
    case TCET_P_BOOL: buf_puts(b, "yes or no"); break;
    case TCET_P_CHOICE:
        for (const char *const *ch = p->choices; ch && *ch; ch++)
            buf_printf(b, "%s%s", ch == p->choices ? "" : " | ", *ch);
        break;
    case TCET_P_PATH: buf_puts(b, "path"); break;
    default: buf_puts(b, "text");
    }
}

void info_text(struct buf *b, const struct plugin_info *p)
{
    static const char *const scopes[] = {"", "parameter", "layer", "network", "population"};

    buf_printf(b, "%s %s %s\n  %s\n", kind_name(p->kind), p->id, p->version, p->summary);
    if (p->cite)
        buf_printf(b, "  source:    %s\n", p->cite);
    if (p->scope && p->scope < TCET_COUNT(scopes))
        buf_printf(b, "  scope:     %s\n", scopes[p->scope]);
    if (p->direction)
        buf_printf(b, "  direction: %s\n",
                   p->direction > 0 ? "larger is better" : "smaller is better");
    buf_printf(b, "  file:      %s\n", p->path);
    if (!p->param_count)
        buf_puts(b, "  no parameters\n");
    for (size_t i = 0; i < p->param_count; i++) {
        const struct plugin_param *q = &p->params[i];

        if (q->initial)
            buf_printf(b, "  %s = %s\n", q->name, q->initial);
        else
            buf_printf(b, "  %s (required)\n", q->name);
        buf_printf(b, "      %s\n      ", q->doc);
        print_range(b, q);
        buf_puts(b, "\n");
    }
}

int cmd_info(const struct command *c, int argc, char **argv)
{
    struct option_list dirs = {.count = 0};
    bool json = false;
    const struct option_spec specs[] = {
        {"--plugins", "DIR", "search this folder too (repeatable)", NULL, NULL, &dirs},
        {"--json", NULL, "one JSON object a line", &json, NULL, NULL},
    };
    const char *id, **ids;
    struct arena a = {0};
    struct registry *r;
    struct buf out = {0};
    struct error err;
    char hint[128];
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), &id, 1, 1, &count);

    if (code >= 0)
        return code;
    if (cli_registry(&a, &dirs, &r, &err) < 0) {
        arena_free(&a);
        return cli_fail(&err);
    }
    ids = arena_alloc(&a, (r->count + 1) * sizeof *ids);
    for (size_t i = 0; i < r->count; i++) {
        ids[i] = r->items[i].id;
        if (strcmp(id, ids[i]))
            continue;
        if (json)
            info_json(&out, &r->items[i]);
        else
            info_text(&out, &r->items[i]);
        if (json)
            buf_puts(&out, "\n");
    }
    code = 0;
    if (!json && out.len)
        buf_puts(&out, "\n");
    if (!json)
        presets_text(id, &out, &err);
    if (!out.len)
        code =
            cli_usage(c,
                      "there is no plugin or proxy \"%s\"%s; `tcet-host list` and `tcet-host list "
                      "proxies` show all",
                      id, text_suggest(hint, sizeof hint, id, ids, r->count));
    else if (json)
        cli_write(&out);
    else
        cli_write_text(&out);
    buf_free(&out);
    registry_close(r);
    arena_free(&a);
    return code;
}
