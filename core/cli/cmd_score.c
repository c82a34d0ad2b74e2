/* cmd_score.c -- `tcet-host score CONFIG ARCH`: one architecture, no store.
 * Room: core/cli. */
#include "cli/cli.h"

#include "base/json.h"
#include "run/once.h"

#include <stdio.h>
#include <string.h>

/* Does a value have numbers for the conv and linear layers that are listed? */
static int is_listed(const struct wire_plan *p, const struct result_row *r, size_t i)
{
    const struct result_value *v = &r->values[i];

    return v->layers && p->columns[v->column].layered == RESULT_ROW_LAYERS &&
           v->layer_count == r->layer_count;
}

/* Values of layers that are not those listed. */
static void note_others(const struct wire_plan *p, const struct result_row *r, struct buf *out)
{
    for (size_t i = 0; i < r->value_count; i++) {
        const struct result_column *c = &p->columns[r->values[i].column];

        if (c->layered == RESULT_OTHER_LAYERS)
            buf_printf(out,
                       "%s: not listed, its layers are others than convolutions and linear ones\n",
                       c->name);
    }
}

static void print_text(const struct wire_plan *p, const struct result_row *r, bool layers,
                       struct buf *out)
{
    struct arena a = {0};

    if (r->status == RESULT_FAILED) { /* it has no numbers; what failed is said */
        buf_printf(out, "%s\n", p->archs[0]);
        return;
    }
    buf_printf(out, "%s\n%lld parameters, %lld multiply-accumulates\n\n", p->archs[0],
               (long long)r->params, (long long)r->macs);
    for (size_t i = 0; i < r->value_count; i++) {
        const struct result_value *v = &r->values[i];

        buf_printf(out, "%-24s %.10g%s", p->columns[v->column].name, v->value,
                   v->guards.count ? "   guards " : "");
        guards_write(out, &v->guards);
        buf_puts(out, "\n");
    }
    if (layers) {
        const char **cell;
        size_t columns = 3, at[64];

        for (size_t i = 0; i < r->value_count && columns < 3 + 64; i++) {
            if (is_listed(p, r, i))
                at[columns++ - 3] = i;
        }
        cell = arena_alloc(&a, (r->layer_count + 1) * columns * sizeof *cell);
        cell[0] = "layer";
        cell[1] = "kind";
        cell[2] = "shape";
        for (size_t c = 3; c < columns; c++)
            cell[c] = p->columns[r->values[at[c - 3]].column].name;
        for (size_t l = 0; l < r->layer_count; l++) {
            const char **row = cell + (l + 1) * columns;

            row[0] = r->layers[l].name;
            row[1] = r->layers[l].kind;
            row[2] = r->layers[l].shape;
            for (size_t c = 3; c < columns; c++)
                row[c] = arena_printf(&a, "%.6g", r->values[at[c - 3]].layers[l]);
        }
        buf_puts(out, "\n");
        report_table(out, cell, r->layer_count + 1, columns, REPORT_TEXT, cli_width());
        note_others(p, r, out);
    }
    arena_free(&a);
}

static void print_json(const struct wire_plan *p, const struct result_row *r, bool layers,
                       struct buf *out)
{
    buf_puts(out, "{\"arch\":");
    json_write_string(out, p->archs[0]);
    buf_printf(out, ",\"params\":%lld,\"macs\":%lld,\"scores\":{", (long long)r->params,
               (long long)r->macs);
    for (size_t i = 0; i < r->value_count; i++) {
        buf_puts(out, i ? "," : "");
        json_write_string(out, p->columns[r->values[i].column].name);
        buf_puts(out, ":");
        json_write_f64(out, r->values[i].value);
    }
    buf_puts(out, "},\"guards\":{");
    for (size_t i = 0, some = 0; i < r->value_count; i++) {
        if (!r->values[i].guards.count)
            continue;
        buf_puts(out, some++ ? "," : "");
        json_write_string(out, p->columns[r->values[i].column].name);
        buf_puts(out, ":");
        guards_write(out, &r->values[i].guards);
    }
    buf_puts(out, "}");
    for (size_t l = 0; layers && l < r->layer_count; l++) {
        int first = 1;

        buf_puts(out, l ? ",{\"name\":" : ",\"layers\":[{\"name\":");
        json_write_string(out, r->layers[l].name);
        buf_puts(out, ",\"kind\":");
        json_write_string(out, r->layers[l].kind);
        buf_printf(out, ",\"shape\":[%s],\"metrics\":{", r->layers[l].shape);
        for (size_t i = 0; i < r->value_count; i++) {
            if (!is_listed(p, r, i))
                continue;
            buf_puts(out, first ? "" : ",");
            first = 0;
            json_write_string(out, p->columns[r->values[i].column].name);
            buf_puts(out, ":");
            json_write_f64(out, r->values[i].layers[l]);
        }
        buf_puts(out, l + 1 == r->layer_count ? "}}]" : "}}");
    }
    buf_puts(out, "}\n");
}

int cmd_score(const struct command *c, int argc, char **argv)
{
    struct option_list sets = {.count = 0};
    bool layers = false, json = false;
    const struct option_spec specs[] = {
        {"--set", "A.B=VALUE", "override a key of the config (repeatable)", NULL, NULL, &sets},
        {"--layers", NULL, "per-layer values too", &layers, NULL, NULL},
        {"--json", NULL, "print one JSON object", &json, NULL, NULL},
    };
    const char *words[2];
    struct config *config = NULL;
    struct arena a = {0};
    struct wire_plan plan;
    struct result_row row;
    struct buf out = {0};
    struct error err;
    size_t count;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), words, 2, 2, &count);

    if (code >= 0)
        return code;
    code = 0;
    if (plan_archs_list(words[1]))
        return cli_usage(c, "score takes one architecture, an encoding or index:N");
    if (cli_config(words[0], &sets, &config, &err) < 0)
        return cli_fail(&err);
    config_put(config, "run", "", "archs", words[1], "", cli_here(), 0);
    if (score_once(config, &(struct once_log){cli_log, NULL}, &a, &plan, &row, &err) < 0) {
        code = cli_fail(&err);
    } else {
        if (json)
            print_json(&plan, &row, layers, &out);
        else
            print_text(&plan, &row, layers, &out);
        cli_write(&out);
        if (row.status == RESULT_FAILED) {
            cli_say("failed", row.message);
            code = EXIT_SOME_FAILED;
        }
    }
    buf_free(&out);
    config_free(config);
    arena_free(&a);
    return code;
}
