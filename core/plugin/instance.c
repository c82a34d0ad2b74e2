/* instance.c -- see instance.h.  Room: core/plugin.  Stands on core/config and core/base. */
#include "plugin/instance.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "plugin/internal.h"

static void store(char *self, const tcet_param *row, const struct param_value *v)
{
    char *field = self + row->offset;

    switch (row->type) {
    case TCET_P_F64: memcpy(field, &v->f64, sizeof v->f64); break;
    case TCET_P_I64: memcpy(field, &v->i64, sizeof v->i64); break;
    case TCET_P_BOOL:
    case TCET_P_CHOICE: memcpy(field, &v->i32, sizeof v->i32); break;
    default: memcpy(field, &v->text, sizeof v->text); break;
    }
}

/* Text with nothing that could be taken for another key, in quotes. */
static void show_text(struct buf *b, const char *text)
{
    if (*text && !text[strcspn(text, " \t=\"\\")])
        buf_puts(b, text);
    else
        json_write_string(b, text);
}

/* One "name=value" of params_text. */
static void show(struct buf *b, const struct plugin_param *p, const struct param_value *v)
{
    char number[32];

    buf_printf(b, "%s%s=", b->len ? " " : "", p->name);
    switch (p->type) {
    case TCET_P_F64: buf_puts(b, text_f64(number, v->f64)); break;
    case TCET_P_I64: buf_printf(b, "%lld", (long long)v->i64); break;
    case TCET_P_BOOL: buf_printf(b, "%d", v->i32); break;
    case TCET_P_CHOICE: buf_puts(b, p->choices[v->i32]); break;
    default: show_text(b, v->text); break;
    }
}

/* Fills self and params_text. */
static tcet_status bind(struct instance *i, const struct binding *bindings, size_t count,
                        struct arena *a, struct error *err)
{
    const tcet_plugin *d = &i->plugin->desc;
    struct plugin_param *params = arena_alloc(a, (d->param_count + 1) * sizeof *params);
    struct param_value *values = arena_alloc(a, (d->param_count + 1) * sizeof *values);
    struct buf text = {0};

    for (uint32_t n = 0; n < d->param_count; n++)
        param_from_row(&d->params[n], &params[n]);
    TRY(params_bind(params, d->param_count, bindings, count, i->cx.who, a, values, err));
    for (uint32_t n = 0; n < d->param_count; n++) {
        store(i->self, &d->params[n], &values[n]);
        if (params[n].type != TCET_P_PATH)
            show(&text, &params[n], &values[n]);
        else if (values[n].key) /* so that the config means the same in any folder */
            config_replace(values[n].key, values[n].text);
    }
    i->params_text = arena_strdup(a, text.data ? text.data : "");
    buf_free(&text);
    return TCET_OK;
}

tcet_status instance_new(const struct plugin *plugin, const struct binding *bindings, size_t count,
                         const char *who, struct arena *a, struct instance **out, struct error *err)
{
    const tcet_plugin *d = &plugin->desc;
    struct instance *i = arena_alloc(a, sizeof *i);
    tcet_status st;

    i->plugin = plugin;
    call_init(&i->cx, who);
    i->cx.foreign = plugin->info && !plugin->info->builtin;
    if (d->instance_size) {
        i->self = mem_try(1, d->instance_size);
        if (!i->self)
            return error_set(err, TCET_E_MEMORY, "%s: no memory for %u bytes", who,
                             d->instance_size);
    }
    st = bind(i, bindings, count, a, err);
    if (st >= 0 && d->init)
        st = call_end(&i->cx, d->init(call_begin(&i->cx, "init"), i->self), err);
    if (st < 0) {
        free(i->self);
        call_free(&i->cx);
        return st;
    }
    *out = i;
    return TCET_OK;
}

void instance_free(struct instance *i)
{
    struct error unused;

    if (!i)
        return;
    if (i->plugin->desc.fini) {
        call_begin(&i->cx, "fini");
        i->plugin->desc.fini(i->self);
        call_end(&i->cx, TCET_OK, &unused);
    }
    free(i->self);
    call_free(&i->cx);
}
