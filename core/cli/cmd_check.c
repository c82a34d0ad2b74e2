/* cmd_check.c -- `tcet-host check FILE.so`: rule by rule, what the contract says and whether
 * the plugin keeps it.  Room: core/cli. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct output {
    const char *file;
    bool json;
    char plugin[160];  /* of the last line */
    char skipped[160]; /* reason that several rules share, */
    size_t skips;      /* so many */
    bool started;
};

/* Rules that could not be tried for one reason are one line. */
static void flush_skips(struct output *o, struct buf *b)
{
    if (o->skips)
        buf_printf(b, "  skip  %zu more rule%s: %s\n", o->skips, o->skips == 1 ? "" : "s",
                   o->skipped);
    o->skips = 0;
}

static void print_json(struct output *o, const struct check_result *r)
{
    const struct {
        const char *name, *text;
    } fields[] = {{"file", o->file},
                  {"plugin", r->plugin},
                  {"rule", r->rule->name},
                  {"group", r->rule->group},
                  {"verdict", check_verdict_name(r->verdict)},
                  {"sentence", r->rule->sentence},
                  {"reason", r->reason}};
    struct buf b = {0};

    for (size_t i = 0; i < TCET_COUNT(fields); i++) {
        buf_printf(&b, "%s\"%s\":", i ? "," : "{", fields[i].name);
        json_write_string(&b, fields[i].text);
    }
    buf_puts(&b, "}\n");
    cli_write(&b);
    buf_free(&b);
}

static void print_result(void *arg, const struct check_result *r)
{
    struct output *o = arg;
    struct buf b = {0};

    if (o->json) {
        print_json(o, r);
        return;
    }
    if (o->skips && (strcmp(o->plugin, r->plugin) || strcmp(o->skipped, r->reason)))
        flush_skips(o, &b);
    if (!o->started || strcmp(o->plugin, r->plugin))
        buf_printf(&b, "%s%s\n", o->started ? "\n" : "", *r->plugin ? r->plugin : o->file);
    o->started = true;
    snprintf(o->plugin, sizeof o->plugin, "%s", r->plugin);
    if (r->verdict == CHECK_SKIP && !strncmp(r->reason, "not tried", 9)) {
        snprintf(o->skipped, sizeof o->skipped, "%s", r->reason);
        o->skips++;
    } else {
        buf_printf(&b, "  %s  %-18s %s\n", check_verdict_name(r->verdict), r->rule->name,
                   r->rule->sentence);
        if (*r->reason)
            buf_printf(&b, "        %s\n", r->reason);
    }
    cli_write_text(&b);
    buf_free(&b);
}

static void print_rules(bool json)
{
    const struct check_rule *r;
    struct buf b = {0};

    for (size_t i = 0; (r = check_rule_at(i)); i++) {
        if (!json) {
            buf_printf(&b, "%-11s %-18s %s\n", r->group, r->name, r->sentence);
            continue;
        }
        buf_puts(&b, "{\"rule\":");
        json_write_string(&b, r->name);
        buf_puts(&b, ",\"group\":");
        json_write_string(&b, r->group);
        buf_puts(&b, ",\"sentence\":");
        json_write_string(&b, r->sentence);
        buf_puts(&b, "}\n");
    }
    if (json)
        cli_write(&b);
    else
        cli_write_text(&b);
    buf_free(&b);
}

static void print_totals(struct output *o, const size_t count[4])
{
    struct buf b = {0};

    flush_skips(o, &b);
    cli_write(&b);
    buf_free(&b);
    printf("\n%zu passed, %zu failed", count[CHECK_PASS], count[CHECK_FAIL]);
    if (count[CHECK_WARN])
        printf(", %zu warned", count[CHECK_WARN]);
    if (count[CHECK_SKIP])
        printf(", %zu not tried", count[CHECK_SKIP]);
    printf("\n");
}

int cmd_check(const struct command *c, int argc, char **argv)
{
    struct option_list sets = {.count = 0};
    struct output output = {.json = false};
    struct check_options o = {.report = print_result, .arg = &output, .seconds = 20};
    const char *only = NULL, *timeout = NULL;
    bool list = false;
    const struct option_spec specs[] = {
        {"--only", "NAME", "one rule, or a group: library descriptor params calls backend state",
         NULL, &only, NULL},
        {"--set", "KEY=VALUE", "a parameter's value, where the plugin needs one (repeatable)", NULL,
         NULL, &sets},
        {"--timeout", "SECONDS", "how long one rule may take (20)", NULL, &timeout, NULL},
        {"--json", NULL, "one JSON object a line", &output.json, NULL, NULL},
        {"--list", NULL, "print the rules and leave", &list, NULL, NULL},
    };
    struct error err;
    size_t count, totals[4];
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), &output.file, 0, 1, &count);

    if (code >= 0)
        return code;
    if (list) {
        print_rules(output.json);
        return 0;
    }
    if (!count)
        return cli_usage(c, "which file?");
    if (timeout && (text_to_f64(timeout, &o.seconds) < 0 || !(o.seconds > 0 && o.seconds <= 3600)))
        return cli_usage(c, "--timeout %s: want a number of seconds, at most 3600", timeout);
    o.only = only;
    o.set = sets.item;
    o.set_count = sets.count;
    if (check_file(output.file, &o, totals, &err) < 0)
        return cli_fail(&err);
    if (!output.json)
        print_totals(&output, totals);
    return totals[CHECK_FAIL] ? EXIT_BAD : 0;
}
