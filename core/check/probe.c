/* probe.c -- the child: loads the plugin, tries one rule, answers.  Also what trials share:
 * instances, the context of a call, and the words for a fault.
 *
 * Room: core/check.  Stands on core/plugin and core/proc. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check/internal.h"
#include "base/file.h"
#include "num/rng.h"
#include "proc/child.h"
#include "proc/frame.h"

/* -- answers ----------------------------------------------------------------------------- */

static void answer(enum check_verdict verdict, const char *reason, const struct probe *p)
    __attribute__((noreturn));

/* Verdict, reason, and what plugins the file holds (so far as it was loaded). */
static void answer(enum check_verdict verdict, const char *reason, const struct probe *p)
{
    struct buf b = {0};
    struct error unused;

    pack_u32(&b, verdict);
    pack_text(&b, reason);
    pack_u32(&b, p ? (uint32_t)p->plugin_count : 0);
    for (size_t i = 0; p && i < p->plugin_count; i++) {
        pack_u32(&b, p->plugins[i].desc.kind);
        pack_text(&b, p->plugins[i].desc.id);
    }
    frame_send(CHILD_FD, FRAME_ANSWER, b.data, b.len, &unused);
    _exit(0); /* past exit handlers and leak checks: they are not on trial */
}

tcet_status probe_note(struct probe *p, enum check_verdict v, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(p->note, sizeof p->note, format, ap);
    va_end(ap);
    p->verdict = v;
    return TCET_OK;
}

static char stage[256]; /* what the plugin is about to do */

void probe_stage(const char *format, ...)
{
    char text[sizeof stage];
    struct error unused;
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (!strcmp(text, stage))
        return;
    memcpy(stage, text, sizeof stage);
    frame_send(CHILD_FD, FRAME_STAGE, text, strlen(text), &unused);
}

int probe_misbehaved(const struct error *err)
{
    return err->status == TCET_E_PLUGIN;
}

/* -- faults ------------------------------------------------------------------------------ */

static struct sigaction before[2]; /* of SIGSEGV, SIGBUS */

static int is_write(const void *context)
{
#if defined(__x86_64__)
    const ucontext_t *u = context;

    return (u->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#else
    (void)context;
    return -1; /* not to be told */
#endif
}

/* A fault in lent memory is answered with words; any other is left to what was there before
 * (the default, or a sanitizer), by going back to the faulting instruction. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
    char what[256], text[600];

    if (memory_explain(info->si_addr, is_write(context), what, sizeof what)) {
        snprintf(text, sizeof text, "%s: %s", stage, what);
        answer(CHECK_FAIL, text, NULL);
    }
    sigaction(sig, &before[sig == SIGBUS], NULL);
}

static void catch_faults(void)
{
    static char stack[64 * 1024]; /* a plugin may have used up its own */
    stack_t s = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction a = {.sa_flags = SA_SIGINFO | SA_ONSTACK};

    a.sa_sigaction = on_fault;
    sigaltstack(&s, NULL);
    sigaction(SIGSEGV, &a, &before[0]);
    sigaction(SIGBUS, &a, &before[1]);
}

/* -- instances --------------------------------------------------------------------------- */

static const tcet_param *find_param(const tcet_plugin *d, const char *name, size_t n)
{
    for (uint32_t i = 0; i < d->param_count; i++) {
        if (strlen(d->params[i].name) == n && !strncmp(d->params[i].name, name, n))
            return &d->params[i];
    }
    return NULL;
}

/* A value for a parameter that has no default; NULL where none can be thought of. */
static const char *guess(struct arena *a, const tcet_param *p)
{
    double f = p->min > 1 ? p->min : p->max < 1 ? p->max : 1;
    int64_t i = p->imin > 1 ? p->imin : p->imax < 1 ? p->imax : 1;

    switch (p->type) {
    case TCET_P_F64: return arena_printf(a, "%.17g", f);
    case TCET_P_I64: return arena_printf(a, "%lld", (long long)i);
    case TCET_P_BOOL: return "0";
    case TCET_P_CHOICE: return p->choices[0];
    default: return NULL;
    }
}

static void put(struct config *c, const char *key, const char *value)
{
    char here[PATH_MAX];
    struct error err;

    if (file_here(here, &err) < 0)
        answer(CHECK_FAIL, err.text, NULL);
    config_put(c, "", "", key, value, "--set", here, 0);
}

/* Every key as a binding. */
static size_t bind_all(struct arena *a, const struct config *c, struct binding **out)
{
    const struct config_section *s = config_section(c, "", "");
    size_t n = s ? s->key_count : 0;

    *out = arena_alloc(a, (n + 1) * sizeof **out);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = (struct binding){s->keys[i]->name, s->keys[i]};
    return n;
}

/* What every instance of this trial is given: --set, and guesses for what has no default. */
static void put_all(struct probe *p, struct config *c)
{
    const tcet_plugin *d = &p->plugin->desc;

    for (uint32_t i = 0; i < d->param_count; i++) {
        const char *value = d->params[i].initial ? NULL : guess(&p->arena, &d->params[i]);

        if (value)
            put(c, d->params[i].name, value);
    }
    for (size_t i = 0; i < p->set_count; i++) {
        const char *equals = strchr(p->set[i], '=');
        const tcet_param *row = find_param(d, p->set[i], (size_t)(equals - p->set[i]));

        if (row)
            put(c, row->name, equals + 1);
    }
}

static void prepare(struct probe *p)
{
    const tcet_plugin *d = &p->plugin->desc;
    const struct config_section *s;

    p->config = config_new();
    put_all(p, p->config);
    p->binding_count = bind_all(&p->arena, p->config, &p->bindings);
    s = config_section(p->config, "", "");
    for (uint32_t i = 0; i < d->param_count && !p->lacks; i++) {
        if (!d->params[i].initial && (!s || !config_section_key(s, d->params[i].name)))
            p->lacks = d->params[i].name;
    }
}

tcet_status probe_instance(struct probe *p, struct arena *a, const char *key, const char *value,
                           struct instance **out, struct error *err)
{
    struct binding *bindings = p->bindings;
    size_t count = p->binding_count;

    if (key) { /* lives as long as the child */
        struct config *c = config_new();

        put_all(p, c);
        put(c, key, value);
        count = bind_all(a, c, &bindings);
    }
    TRY(instance_new(p->plugin, bindings, count, p->who, a, out, err));
    for (size_t k = 0; k < TCET_COUNT(p->opened); k++) {
        if (p->opened[k] == *out) /* another one, that had the same place */
            p->opened[k] = NULL;
    }
    return TCET_OK;
}

/* -- calls ------------------------------------------------------------------------------- */

/* The host's table with two functions that may fail. */
static struct {
    const tcet_host *host;
    tcet_host table;
    int64_t left; /* requests until one fails; negative: none will */
    int failed;
} hook = {.left = -1};

static int fails_now(void)
{
    int now = hook.left == 0;

    hook.failed |= now;
    hook.left -= hook.left >= 0;
    return now;
}

static void *hooked_scratch(tcet_ctx *cx, size_t bytes)
{
    return fails_now() ? NULL : hook.host->scratch(cx, bytes);
}

static tcet_rng *hooked_rng(tcet_ctx *cx, uint64_t seed)
{
    return fails_now() ? NULL : hook.host->rng(cx, seed);
}

void probe_fail_scratch(int64_t n)
{
    hook.left = n;
    hook.failed = 0;
}

int probe_scratch_failed(void)
{
    return hook.failed;
}

struct instance *probe_enter(struct probe *p, struct instance *i)
{
    if (!hook.host) {
        hook.host = i->cx.pub.host;
        hook.table = *hook.host;
        hook.table.scratch = hooked_scratch;
        hook.table.rng = hooked_rng;
    }
    i->cx.pub.host = &hook.table;
    i->cx.random_state = rng_hash(1, p->who);
    i->cx.guards = &p->guards;
    i->cx.stop = &p->stop;
    return i;
}

tcet_status probe_end(struct instance *i, tcet_status st, struct error *err)
{
    if (st == TCET_E_PLUGIN && i->cx.err.text[0])
        st = err->status = TCET_E_ARG;
    return st;
}

/* -- the child --------------------------------------------------------------------------- */

static tcet_status choose_plugin(struct probe *p, const char *kind, const char *id,
                                 struct error *err)
{
    TRY(loader_open(p->path, &p->arena, &p->plugins, &p->plugin_count, err));
    for (size_t i = 0; i < p->plugin_count; i++) {
        if (!strcmp(kind_name(p->plugins[i].desc.kind), kind) && !strcmp(p->plugins[i].desc.id, id))
            p->plugin = &p->plugins[i];
    }
    if (!p->plugin)
        return error_set(err, TCET_E_PLUGIN, "it no longer holds the %s \"%s\"", kind, id);
    p->who = arena_printf(&p->arena, "%s %s", kind, id);
    prepare(p);
    return TCET_OK;
}

static void out_of_memory(size_t bytes)
{
    char text[64];

    snprintf(text, sizeof text, "the check itself ran out of memory (%zu bytes)", bytes);
    answer(CHECK_SKIP, text, NULL);
}

int check_child_main(int argc, char **argv)
{
    struct rlimit no_core = {0, 0};
    struct probe p = {.verdict = CHECK_PASS};
    const struct rule *r = argc > 5 ? rule_find(argv[3]) : NULL;
    struct error err;
    tcet_status st = TCET_OK;

    if (!r)
        return 2;
    setrlimit(RLIMIT_CORE, &no_core);
    mem_exhausted = out_of_memory;
    p.path = argv[2];
    p.set = (const char *const *)argv + 6;
    p.set_count = (size_t)argc - 6;
    catch_faults();
    probe_stage("opening the file");
    if (r->kinds)
        st = choose_plugin(&p, argv[4], argv[5], &err);
    if (st >= 0)
        st = r->test(&p, &err);
    if (st < 0)
        answer(CHECK_FAIL, err.text[0] ? err.text : error_name(st), &p);
    answer(p.verdict, p.note, &p);
}
