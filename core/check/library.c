/* library.c -- rules of the file: how it opens, what it exports and needs, that its query is
 * pure, and that its descriptors hold.
 *
 * Room: core/check.  Stands on core/plugin; dlopen itself is the loader's. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "check/internal.h"

static int has_prefix(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

tcet_status library_sanitizer(struct probe *p, struct error *err)
{
    struct elf elf;

    TRY(elf_read(p->path, &p->arena, &elf, err));
    for (size_t i = 0; i < elf.undefined_count; i++) {
        if (!TCET_BUILD_ASAN && has_prefix(elf.undefined[i], "__asan_init"))
            return error_set(err, TCET_E_PLUGIN,
                             "it was built with AddressSanitizer, this tcet-host was not: build "
                             "both with -fsanitize=address, or neither");
        if (has_prefix(elf.undefined[i], "__tsan_init"))
            return error_set(err, TCET_E_PLUGIN,
                             "it was built with ThreadSanitizer: check a build without");
    }
    return TCET_OK;
}

/* Loads the file; an error does not repeat its path, which stands above all results. */
static tcet_status load(struct probe *p, struct error *err)
{
    size_t n = strlen(p->path);

    if (loader_open(p->path, &p->arena, &p->plugins, &p->plugin_count, err) >= 0)
        return TCET_OK;
    if (!strncmp(err->text, p->path, n) && !strncmp(err->text + n, ": ", 2))
        memmove(err->text, err->text + n + 2, strlen(err->text + n + 2) + 1);
    return err->status;
}

/* The loader's word on whether the system could open it. */
tcet_status library_opens(struct probe *p, struct error *err)
{
    tcet_status st = load(p, err);

    if (st == TCET_E_IO)
        return st;
    if (st >= 0 && p->plugin_count && p->plugins[0].changed)
        return error_set(err, TCET_E_PLUGIN,
                         "opening it changed %s, in which others compute too: build it without "
                         "-Ofast and -ffast-math",
                         p->plugins[0].changed);
    return TCET_OK;
}

tcet_status descriptor_loads(struct probe *p, struct error *err)
{
    return load(p, err);
}

tcet_status library_exports(struct probe *p, struct error *err)
{
    struct elf elf;
    struct buf names = {0};
    size_t extra = 0;

    TRY(elf_read(p->path, &p->arena, &elf, err));
    for (size_t i = 0; i < elf.exported_count; i++) {
        const char *name = elf.exported[i];

        /* names of the implementation come from the linker, libgcc and the sanitizers */
        if (!strcmp(name, TCET_ENTRY_SYMBOL) || has_prefix(name, "__") || !strcmp(name, "_init") ||
            !strcmp(name, "_fini") || !strcmp(name, "_edata") || !strcmp(name, "_end"))
            continue;
        if (extra++ < 5)
            buf_printf(&names, "%s%s", extra > 1 ? ", " : "", name);
    }
    if (!extra)
        return TCET_OK;
    error_set(err, TCET_E_PLUGIN,
              "it also exports %s%s: make them static, or build with tcet_add_plugin() or "
              "-fvisibility=hidden",
              names.data, extra > 5 ? " and more" : "");
    buf_free(&names);
    return err->status;
}

static int holds_backend(struct probe *p)
{
    struct error unused;

    if (loader_open(p->path, &p->arena, &p->plugins, &p->plugin_count, &unused) < 0)
        return 0;
    for (size_t i = 0; i < p->plugin_count; i++) {
        if (p->plugins[i].desc.kind == TCET_BACKEND)
            return 1;
    }
    return 0;
}

tcet_status library_needs(struct probe *p, struct error *err)
{
    static const char *const banned[] = {"blas",   "lapack", "mkl",    "atlas", "torch",
                                         "libc10", "gomp",   "libomp", "tcet"};
    struct elf elf;

    TRY(elf_read(p->path, &p->arena, &elf, err));
    for (size_t i = 0; i < elf.needed_count; i++) {
        for (size_t k = 0; k < TCET_COUNT(banned); k++) {
            if (!strstr(elf.needed[i], banned[k]))
                continue;
            if (holds_backend(p))
                return TCET_OK; /* which stands on its tensor library */
            return error_set(err, TCET_E_PLUGIN,
                             "it needs %s: the host's table offers logdet, eigvalsh, svdvals, cond "
                             "and gemm",
                             elf.needed[i]);
        }
    }
    return TCET_OK;
}

tcet_status library_quick(struct probe *p, struct error *err)
{
    double start = clock_now(), ms;

    TRY(loader_open(p->path, &p->arena, &p->plugins, &p->plugin_count, err));
    ms = 1e3 * (clock_now() - start);
    if (ms < 100)
        return TCET_OK;
    return probe_note(p, CHECK_WARN, "opening took %.0f ms: load large libraries on first use", ms);
}

/* Whether two readings of the module are of the same constant data. */
static int same_plugins(const struct plugin *a, const struct plugin *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i].desc.id != b[i].desc.id || a[i].desc.version != b[i].desc.version ||
            a[i].desc.summary != b[i].desc.summary || a[i].desc.init != b[i].desc.init ||
            memcmp(a[i].ops.bytes, b[i].ops.bytes, sizeof a[i].ops.bytes))
            return 0;
    }
    return 1;
}

/* Opens the open file again and again: only the query runs. */
static tcet_status query_often(void *arg, struct error *err)
{
    struct probe *p = arg;

    for (int k = 0; k < 100; k++) {
        struct arena a = {0};
        struct plugin *again;
        size_t count;

        TRY(loader_open(p->path, &a, &again, &count, err));
        if (count != p->plugin_count || !same_plugins(p->plugins, again, count))
            return error_set(err, TCET_E_PLUGIN, "the second answer differs from the first");
        arena_free(&a);
    }
    return TCET_OK;
}

tcet_status library_pure(struct probe *p, struct error *err)
{
    int threads = state_threads();
    size_t bytes;
    char said[200];

    TRY(loader_open(p->path, &p->arena, &p->plugins, &p->plugin_count, err));
    TRY(query_often(p, err)); /* the loader's own memory is there from now on */
    bytes = state_allocated();
    TRY(state_listen(query_often, p, said, sizeof said, err));
    if (*said)
        return error_set(err, TCET_E_PLUGIN, "it prints: %s", said);
    if (state_allocated() > bytes + 100 * 8)
        return error_set(err, TCET_E_PLUGIN, "100 queries left %zu bytes allocated",
                         state_allocated() - bytes);
    if (state_threads() != threads)
        return error_set(err, TCET_E_PLUGIN, "it starts a thread");
    return TCET_OK;
}
