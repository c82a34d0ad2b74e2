/* hostapi.c -- the host table that every plugin call gets, and the frame of a call.
 * Room: core/plugin.  Stands on core/num and core/base. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sha256.h"
#include "base/utf8.h"
#include "num/linalg.h"
#include "num/rng.h"
#include "plugin/instance.h"

/* Scratch memory of this size and more comes from the system: it may fail, and it is not
 * kept for the next call. */
enum { LARGE = 256 * 1024, ALIGN = 64 };

void (*call_log)(int level, const char *who, const char *text);
struct call_trace *call_trace;
int call_strict;

struct call_block {
    struct call_block *next;
    void *data;
};

static struct call *call_of(tcet_ctx *cx)
{
    return (struct call *)(void *)cx; /* pub is its first member */
}

static void host_log(tcet_ctx *cx, int32_t level, const char *text)
{
    char line[1024];

    if (!call_log)
        return;
    level = level < TCET_LOG_DEBUG ? TCET_LOG_DEBUG : level > TCET_LOG_WARN ? TCET_LOG_WARN : level;
    call_log(level, call_of(cx)->who, utf8_clean(line, sizeof line, text));
}

static tcet_status host_fail(tcet_ctx *cx, tcet_status code, const char *text)
{
    struct error *err = &call_of(cx)->err;

    err->status = code;
    utf8_clean(err->text, sizeof err->text, text);
    return code;
}

static void *host_scratch(tcet_ctx *cx, size_t bytes)
{
    struct call *call = call_of(cx);
    struct call_block *block;
    void *data;

    if (bytes < LARGE) /* whole cache lines, so that every piece is aligned */
        return arena_alloc(&call->scratch, (bytes + ALIGN) / ALIGN * ALIGN);
    data = mem_try(bytes, 1);
    if (!data)
        return NULL;
    block = arena_alloc(&call->scratch, sizeof *block);
    block->data = data;
    block->next = call->blocks;
    call->blocks = block;
    return data;
}

static void host_guard(tcet_ctx *cx, const char *name)
{
    struct call *call = call_of(cx);

    if (call->guards && name)
        guards_add(call->guards, name, 1);
}

static int32_t host_cancelled(tcet_ctx *cx)
{
    const struct call *call = call_of(cx);

    return call->stop && *call->stop;
}

static const char *host_data_dir(tcet_ctx *cx)
{
    (void)cx;
    return paths_data();
}

static uint64_t host_random(tcet_ctx *cx)
{
    return rng_mix(&call_of(cx)->random_state);
}

static tcet_rng *host_rng(tcet_ctx *cx, uint64_t seed)
{
    tcet_rng *r = host_scratch(cx, sizeof *r);

    if (r)
        rng_seed(r, seed);
    return r;
}

/* The linear algebra, for sizes that make sense. */
static tcet_status open_linalg(tcet_ctx *cx, int64_t m, int64_t n, const struct linalg **out)
{
    struct error err;

    if (m < 0 || n < 0)
        return host_fail(cx, TCET_E_ARG, "a matrix of negative size");
    if (linalg_get(paths_linalg(), out, &err) < 0)
        return host_fail(cx, err.status, err.text);
    return TCET_OK;
}

/* What a routine's return value means. */
static tcet_status linalg_status(tcet_ctx *cx, int rc, const char *what)
{
    char text[128];

    if (!rc)
        return TCET_OK;
    snprintf(text, sizeof text, "%s %s", what, rc < 0 ? "ran out of memory" : "did not converge");
    return host_fail(cx, rc < 0 ? TCET_E_MEMORY : TCET_E_NUMERIC, text);
}

static tcet_status host_logdet(tcet_ctx *cx, const double *a, int64_t n, double *out_logabs,
                               int32_t *out_sign, double *out_min_pivot)
{
    const struct linalg *la;
    double logabs, pivot;
    int32_t sign;

    TRY(open_linalg(cx, n, n, &la));
    TRY(linalg_status(cx, la->logdet(a, n, &logabs, &sign, &pivot), "logdet"));
    *out_logabs = logabs;
    *out_sign = sign;
    if (out_min_pivot)
        *out_min_pivot = pivot;
    return TCET_OK;
}

static tcet_status host_eigvalsh(tcet_ctx *cx, const double *a, int64_t n, double *out)
{
    const struct linalg *la;

    TRY(open_linalg(cx, n, n, &la));
    return linalg_status(cx, la->eigvalsh(a, n, out), "eigvalsh");
}

static tcet_status host_svdvals(tcet_ctx *cx, const double *a, int64_t m, int64_t n, double *out)
{
    const struct linalg *la;

    TRY(open_linalg(cx, m, n, &la));
    return linalg_status(cx, la->svdvals(a, m, n, out), "svdvals");
}

static tcet_status host_cond(tcet_ctx *cx, const double *a, int64_t m, int64_t n, double *out)
{
    int64_t count = m < n ? m : n;
    double *s;

    if (count <= 0)
        return host_fail(cx, TCET_E_ARG, "the condition number of an empty matrix");
    s = mem_try((size_t)count, sizeof *s);
    if (!s)
        return host_fail(cx, TCET_E_MEMORY, "cond ran out of memory");
    if (host_svdvals(cx, a, m, n, s) < 0) {
        free(s);
        return call_of(cx)->err.status;
    }
    *out = s[count - 1] == 0 ? (double)INFINITY : s[0] / s[count - 1];
    free(s);
    return TCET_OK;
}

static tcet_status host_gemm(tcet_ctx *cx, int32_t ta, int32_t tb, int64_t m, int64_t n, int64_t k,
                             double alpha, const double *a, const double *b, double beta, double *c)
{
    const struct linalg *la;

    TRY(open_linalg(cx, m < k ? m : k, n, &la));
    return linalg_status(cx, la->gemm(ta, tb, m, n, k, alpha, a, b, beta, c), "gemm");
}

static const void *host_extension(tcet_ctx *cx, const char *id)
{
    (void)cx;
    (void)id;
    return NULL; /* no version knows any */
}

static double host_epsilon(tcet_ctx *cx)
{
    return call_of(cx)->epsilon;
}

static void host_sha256(const void *data, size_t n, char *out)
{
    struct sha256 s;

    sha256_init(&s);
    sha256_add(&s, data, n);
    sha256_hex(&s, out);
}

static const tcet_host host_table = {
    .struct_size = sizeof host_table,
    .abi_major = TCET_ABI_MAJOR,
    .abi_minor = TCET_ABI_MINOR,
    .log = host_log,
    .fail = host_fail,
    .scratch = host_scratch,
    .guard = host_guard,
    .cancelled = host_cancelled,
    .data_dir = host_data_dir,
    .random = host_random,
    .rng = host_rng,
    .rng_uniform = rng_uniform,
    .rng_normal = rng_normal,
    .rng_randint = rng_randint,
    .rng_permutation = rng_permutation,
    .logdet = host_logdet,
    .eigvalsh = host_eigvalsh,
    .svdvals = host_svdvals,
    .cond = host_cond,
    .gemm = host_gemm,
    .extension = host_extension,
    .epsilon = host_epsilon,
    .sha256 = host_sha256,
};

static void free_blocks(struct call *cx)
{
    for (; cx->blocks; cx->blocks = cx->blocks->next)
        free(cx->blocks->data);
}

void call_init(struct call *cx, const char *who)
{
    *cx = (struct call){.pub.host = &host_table, .who = who, .epsilon = DBL_EPSILON};
}

tcet_ctx *call_begin(struct call *cx, const char *function)
{
    free_blocks(cx);
    arena_reset(&cx->scratch);
    cx->err.status = TCET_OK;
    cx->err.text[0] = '\0';
    cx->process = getpid();
    if (call_trace) {
        struct call_where *now = &call_trace->now;

        cx->outer = *now;
        snprintf(now->who, sizeof now->who, "%s", cx->who);
        snprintf(now->function, sizeof now->function, "%s", function);
        if (cx->foreign)
            memcpy(call_trace->foreign, now->who, sizeof call_trace->foreign);
        call_trace->calls++;
    }
    if (call_strict)
        cx->fp = fpstate_get();
    return &cx->pub;
}

tcet_status call_end(struct call *cx, tcet_status st, struct error *err)
{
    const char *changed;

    if (cx->process != getpid())
        _exit(127);
    if (call_trace) {
        call_trace->now = cx->outer;
        call_trace->calls++;
    }
    changed = call_strict ? fpstate_difference(cx->fp, fpstate_get()) : NULL;
    if (changed) {
        fpstate_set(cx->fp);
        return error_set(err, TCET_E_PLUGIN,
                         "%s: misbehaves: it changed %s, in which others compute too", cx->who,
                         changed);
    }
    if (st == TCET_OK)
        return TCET_OK;
    if (st > 0 || st < TCET_E_PLUGIN)
        return error_set(err, TCET_E_PLUGIN, "%s: misbehaves: it returned %d, which is no status",
                         cx->who, st);
    if (cx->err.text[0])
        return error_set(err, st, "%s: %s", cx->who, cx->err.text);
    if (st == TCET_E_CANCELLED)
        return error_set(err, st, "%s: cancelled", cx->who);
    return error_set(err, TCET_E_PLUGIN, "%s: misbehaves: it failed (%s) without a message",
                     cx->who, error_name(st));
}

void call_free(struct call *cx)
{
    free_blocks(cx);
    arena_free(&cx->scratch);
}
