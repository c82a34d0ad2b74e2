/* once.c -- see once.h.  Room: core/run. */
#include "run/once.h"

#include "base/clock.h"
#include "run/client.h"
#include "run/pool.h"

#include <string.h>

static tcet_status start(const struct config *config, const struct once_log *log, struct client *c,
                         struct arena *a, struct wire_plan *plan, struct error *err)
{
    const char *data;
    size_t n, memory;

    *c = client_here(0);
    c->log = log->log;
    c->log_arg = log->arg;
    TRY(pool_memory_limits(config, &memory, &c->link.share, err));
    TRY(client_start(c, config, &(struct wire_hello){.open_backend = 1, .want_archs = 1}, memory,
                     err));
    TRY(client_wait(c, WIRE_PLAN, &data, &n, err));
    return wire_unpack_plan(data, n, a, plan, err);
}

static tcet_status one(struct client *c, const struct wire_plan *plan, const char *arch,
                       struct arena *a, struct result_row *row, struct error *err)
{
    uint8_t *wanted = arena_alloc(a, plan->column_count + 1);
    struct wire_job j = {.arch = arch, .wanted = wanted, .column_count = plan->column_count};
    struct buf b = {0};
    const char *data;
    size_t n;
    tcet_status st;

    memset(wanted, 1, plan->column_count);
    wire_pack_job(&b, &j);
    st = client_send(c, WIRE_JOB, &b, err);
    buf_free(&b);
    TRY(st);
    TRY(client_wait(c, WIRE_ROW, &data, &n, err));
    TRY(wire_unpack_row(data, n, plan->column_count, a, row, err));
    if (strcmp(row->arch, arch))
        return error_set(err, TCET_E_PLUGIN, "the worker sent the row of another architecture");
    return TCET_OK;
}

tcet_status score_once(const struct config *config, const struct once_log *log, struct arena *a,
                       struct wire_plan *plan, struct result_row *row, struct error *err)
{
    struct client c;
    tcet_status st = start(config, log, &c, a, plan, err);

    if (st >= 0)
        st = one(&c, plan, plan->archs[0], a, row, err);
    client_stop(&c);
    return st;
}

/* The first is scored twice: what is made once, caches of kernels say, is not its time. */
static tcet_status time_probes(struct client *c, const struct wire_plan *plan, size_t probes,
                               struct arena *a, struct estimate *out, struct error *err)
{
    double began, took, sum = 0;
    struct result_row row;

    for (size_t i = 0; i <= probes; i++) {
        size_t at = (2 * (i ? i - 1 : 0) + 1) * plan->arch_count / (2 * probes);

        began = clock_now();
        TRY(one(c, plan, plan->archs[at], a, &row, err));
        took = clock_now() - began;
        if (row.status == RESULT_FAILED)
            return error_set(err, TCET_E_PLUGIN, "%.200s failed: %s", row.arch, row.message);
        if (!i)
            continue;
        sum += took;
        out->least = i == 1 || took < out->least ? took : out->least;
        out->most = took > out->most ? took : out->most;
    }
    out->mean = sum / (double)probes;
    return TCET_OK;
}

tcet_status estimate_run(const struct config *config, size_t probes, const struct once_log *log,
                         struct arena *a, struct wire_plan *plan, struct estimate *out,
                         struct error *err)
{
    double began = clock_now();
    int64_t workers;
    struct client c;
    tcet_status st;

    TRY(config_i64(config, "run", "", "workers", pool_cores(), 1, 1024, &workers, err));
    st = start(config, log, &c, a, plan, err);
    *out = (struct estimate){.workers = (int)workers, .start = clock_now() - began};
    if (st >= 0) {
        out->archs = plan->arch_count;
        out->probes = probes < plan->arch_count ? probes : plan->arch_count;
        st = time_probes(&c, plan, out->probes, a, out, err);
    }
    client_stop(&c);
    return st;
}
