/* loader.c -- a plugin file to checked descriptors in today's layout.
 *
 * Room: core/plugin.  The only file that calls dlopen or dlsym on a plugin, or compares ABI
 * versions.  Every struct is copied into this host's zeroed current one, so that nothing
 * behind this file ever looks at a struct_size. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <tcet/tcet.h>

#include "base/fpstate.h"
#include "base/sha256.h"
#include "plugin/internal.h"

#define END(T, field) (offsetof(T, field) + sizeof(((T *)0)->field))

static tcet_status version_error(const char *path, unsigned major, const char *version,
                                 struct error *err)
{
    return error_set(err, TCET_E_PLUGIN,
                     "%s: built for tcet ABI %s, this tcet-host has %d.%d: rebuild the plugin "
                     "against this tcet-host's SDK%s",
                     path, version, TCET_ABI_MAJOR, TCET_ABI_MINOR,
                     major < TCET_ABI_MAJOR ? "" : ", or use a newer tcet-host");
}

/* struct_size says less than ABI 1.0 had, or more than a host of this minor knows. */
static tcet_status check_size(const char *what, uint32_t size, size_t min, size_t max,
                              struct error *err)
{
    if (size < min || size > max)
        return error_set(err, TCET_E_PLUGIN,
                         "struct_size of its %s is %u, it should be %zu to %zu: rebuild it with "
                         "the SDK's headers",
                         what, size, min, max);
    return TCET_OK;
}

static tcet_status check_module(const tcet_module *m, const char *path, struct error *err)
{
    const unsigned host_minor = TCET_ABI_MINOR;
    char version[32];

    if (!m)
        return error_set(err, TCET_E_PLUGIN, "%s: %s() gives NULL", path, TCET_ENTRY_SYMBOL);
    snprintf(version, sizeof version, "%u.%u", m->abi_major, m->abi_minor);
    if (m->abi_major != TCET_ABI_MAJOR || m->abi_minor > host_minor)
        return version_error(path, m->abi_major, version, err);
    if (check_size("module", m->struct_size, END(tcet_module, plugins), sizeof *m, err) < 0)
        return error_prefix(err, "%s: ", path);
    if ((m->build_flags & 1u) && !TCET_BUILD_ASAN)
        return error_set(err, TCET_E_PLUGIN,
                         "%s: built with AddressSanitizer, this tcet-host is not: rebuild one of "
                         "them",
                         path);
    if (m->plugin_count == 0 || m->plugin_count > PLUGINS_MAX || !m->plugins)
        return error_set(err, TCET_E_PLUGIN, "%s: says it holds %u plugins; 1 to %d are possible",
                         path, m->plugin_count, PLUGINS_MAX);
    return TCET_OK;
}

static tcet_status copy_params(struct plugin *p, struct arena *a, struct error *err)
{
    tcet_plugin *d = &p->desc;
    const char *from = (const char *)d->params;
    tcet_param *rows;

    if (d->param_count > PARAMS_MAX || (d->param_count && !from))
        return error_set(err, TCET_E_PLUGIN, "says it has %u parameters; 0 to %d are possible",
                         d->param_count, PARAMS_MAX);
    if (d->param_count && (d->param_stride < sizeof *rows || d->param_stride > 4096 ||
                           d->param_stride % sizeof(void *)))
        return error_set(err, TCET_E_PLUGIN, "its parameters lie %u bytes apart, should be %zu",
                         d->param_stride, sizeof *rows);
    rows = arena_alloc(a, (d->param_count + 1) * sizeof *rows);
    for (uint32_t i = 0; i < d->param_count; i++)
        memcpy(&rows[i], from + (size_t)i * d->param_stride, sizeof *rows);
    d->params = rows;
    d->param_stride = sizeof *rows;
    return TCET_OK;
}

/* One plugin into the current structs, then its rules. */
static tcet_status copy_plugin(const tcet_plugin *from, struct plugin *p, struct arena *a,
                               struct error *err)
{
    const struct kind_ops *ops;
    uint32_t size;

    TRY(check_size("descriptor", from->struct_size, END(tcet_plugin, fini), sizeof p->desc, err));
    memcpy(&p->desc, from, from->struct_size);
    p->desc.struct_size = sizeof p->desc;
    ops = kind_ops(p->desc.kind);
    if (!ops)
        return error_set(err, TCET_E_PLUGIN, "its kind %u is unknown", p->desc.kind);
    if (!p->desc.id || !id_is_valid(p->desc.id))
        return error_set(err, TCET_E_PLUGIN, "its id is not [a-z0-9_]+ of at most 64 letters");
    if (!p->desc.ops)
        return error_set(err, TCET_E_PLUGIN, "it has no ops");
    memcpy(&size, p->desc.ops, sizeof size);
    TRY(check_size("ops", size, ops->min_size, ops->size, err));
    memcpy(p->ops.bytes, p->desc.ops, size);
    memcpy(p->ops.bytes, &ops->size, sizeof size);
    p->desc.ops = p->ops.bytes;
    TRY(copy_params(p, a, err));
    return validate_plugin(p, err);
}

tcet_status loader_adopt(const tcet_module *m, const char *path, struct arena *a,
                         struct plugin **out, size_t *count, struct error *err)
{
    struct plugin *list;

    TRY(check_module(m, path, err));
    list = arena_alloc(a, m->plugin_count * sizeof *list);
    for (uint32_t i = 0; i < m->plugin_count; i++) {
        struct plugin *p = &list[i];

        p->path = arena_strdup(a, path);
        if (!m->plugins[i])
            return error_set(err, TCET_E_PLUGIN, "%s: plugin %u: there is none", path, i + 1);
        if (copy_plugin(m->plugins[i], p, a, err) < 0) {
            if (kind_name(p->desc.kind) && p->desc.id && id_is_valid(p->desc.id))
                return error_prefix(err, "%s: %s \"%s\": ", path, kind_name(p->desc.kind),
                                    p->desc.id);
            return error_prefix(err, "%s: plugin %u: ", path, i + 1);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (list[j].desc.kind == p->desc.kind && !strcmp(list[j].desc.id, p->desc.id))
                return error_set(err, TCET_E_PLUGIN, "%s: %s \"%s\" is there twice", path,
                                 kind_name(p->desc.kind), p->desc.id);
        }
    }
    *out = list;
    *count = m->plugin_count;
    return TCET_OK;
}

/* A file without our entry symbol: perhaps it has another major's. */
static tcet_status no_entry(void *so, const char *path, struct error *err)
{
    char symbol[32];

    for (unsigned major = 0; major < 16; major++) {
        snprintf(symbol, sizeof symbol, "tcet_module_v%u", major);
        if (dlsym(so, symbol))
            return version_error(path, major, strrchr(symbol, 'v') + 1, err);
    }
    return error_set(err, TCET_E_PLUGIN, "%s: is no tcet plugin: it lacks the symbol %s", path,
                     TCET_ENTRY_SYMBOL);
}

tcet_status loader_open(const char *path, struct arena *a, struct plugin **out, size_t *count,
                        struct error *err)
{
    struct fpstate before = fpstate_get();
    const tcet_module *(*entry)(void);
    const char *changed;
    void *so, *symbol;

    so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    changed = fpstate_difference(before, fpstate_get());
    fpstate_set(before);
    if (!so) {
        const char *why = dlerror();

        /* the system's loader puts the path before most of its messages, but not all */
        if (!strncmp(why, path, strlen(path)))
            return error_set(err, TCET_E_IO, "%s", why);
        return error_set(err, TCET_E_IO, "%s: %s", path, why);
    }
    symbol = dlsym(so, TCET_ENTRY_SYMBOL);
    if (!symbol)
        return no_entry(so, path, err);
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from object to function */
    TRY(loader_adopt(entry(), path, a, out, count, err));
    for (size_t i = 0; i < *count; i++)
        (*out)[i].changed = changed;
    return TCET_OK;
}

static void warn_of_change(const struct plugin *p)
{
    char said[512];

    if (!p->changed || !call_log)
        return;
    snprintf(
        said, sizeof said,
        "opening it changed %s, as code built with -Ofast or -ffast-math does; that was put back, "
        "for others compute in it too",
        p->changed);
    call_log(TCET_LOG_WARN, p->path, said);
}

void (*registry_foreign)(const char *text);

void registry_say_foreign(const char *path)
{
    struct buf b = {0};

    if (!registry_foreign)
        return;
    buf_printf(&b, "plugin code that is not built in: %s", path);
    registry_foreign(b.data);
    buf_free(&b);
}

static void say_replaced(const struct plugin_info *info)
{
    struct buf b = {0};

    if (!registry_foreign || !info->replaces)
        return;
    buf_printf(&b, "%s %s: the one in %s replaces the built-in one", kind_name(info->kind),
               info->id, info->path);
    registry_foreign(b.data);
    buf_free(&b);
}

/* Opening a file runs its constructors: a call like others, for whoever must name it. */
static tcet_status open_traced(const struct plugin_info *info, struct arena *a,
                               struct plugin **list, size_t *count, struct error *err)
{
    struct call cx;
    struct error none;
    tcet_status st;

    call_init(&cx, arena_printf(a, "%s %s", kind_name(info->kind), info->id));
    cx.foreign = !info->builtin;
    call_begin(&cx, "load");
    st = loader_open(info->path, a, list, count, err);
    call_end(&cx, TCET_OK, &none);
    call_free(&cx);
    return st;
}

tcet_status registry_load(const struct plugin_info *info, struct arena *a, struct plugin **out,
                          struct error *err)
{
    struct plugin *list;
    char sha[65];
    size_t count;

    TRY(sha256_file(info->path, SHA256_CODE_MAX, sha, err));
    if (strcmp(sha, info->sha256) != 0)
        return error_set(err, TCET_E_PLUGIN, "%s: has changed since this program started",
                         info->path);
    if (!info->builtin)
        registry_say_foreign(info->path);
    say_replaced(info);
    TRY(open_traced(info, a, &list, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (list[i].desc.kind == info->kind && !strcmp(list[i].desc.id, info->id)) {
            list[i].info = info;
            *out = &list[i];
            warn_of_change(*out);
            return TCET_OK;
        }
    }
    return error_set(err, TCET_E_PLUGIN, "%s: no longer holds the %s \"%s\"", info->path,
                     kind_name(info->kind), info->id);
}
