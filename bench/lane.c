/* lane.c -- see lane.h.  Room: bench. */
#include "lane.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

extern char **environ;

tcet_status lane_worker(struct lane *l, const char *name, const struct config *config,
                        const char *score, struct error *err)
{
    struct arena a = {0};
    struct wire_plan plan;
    const char *data;
    size_t n;
    tcet_status st;

    *l = (struct lane){.name = name, .worker = client_here(0), .column = -1};
    TRY(client_start(&l->worker, config, &(struct wire_hello){.open_backend = 1}, 0, err));
    st = client_wait(&l->worker, WIRE_PLAN, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_plan(data, n, &a, &plan, err);
    for (size_t i = 0; st >= 0 && i < plan.column_count; i++) {
        if (!strcmp(plan.columns[i].name, score))
            l->column = (int)i;
    }
    if (st >= 0 && l->column < 0)
        st = error_set(err, TCET_E_ARG, "%s: no score %s", name, score);
    l->columns = st >= 0 ? plan.column_count : 0;
    l->worker.state = CLIENT_IDLE;
    arena_free(&a);
    return st;
}

tcet_status lane_script(struct lane *l, const char *name, const char *script, const char *option,
                        int numbers, struct error *err)
{
    char path[4096];
    char *args[] = {PYTHON, "-B", path, (char *)option, NULL};
    posix_spawn_file_actions_t io;
    int to[2], from[2], cause;

    *l = (struct lane){.name = name, .worker = client_here(0), .numbers = numbers};
    snprintf(path, sizeof path, "%s/reference/%s", TCET_BENCH_SOURCE, script);
    if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
        return error_set(err, TCET_E_IO, "%s: no pipe: %s", name, strerror(errno));
    posix_spawn_file_actions_init(&io);
    posix_spawn_file_actions_adddup2(&io, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&io, from[1], STDOUT_FILENO);
    cause = posix_spawn(&l->pid, PYTHON, &io, NULL, args, environ);
    posix_spawn_file_actions_destroy(&io);
    close(to[0]);
    close(from[1]);
    l->to = fdopen(to[1], "w");
    l->from = fdopen(from[0], "r");
    if (cause) {
        l->pid = 0;
        return error_set(err, TCET_E_IO, "%s: cannot start %s: %s", name, PYTHON, strerror(cause));
    }
    return TCET_OK;
}

static tcet_status ask_worker(struct lane *l, const char *arch, double *number, struct error *err)
{
    uint8_t *wanted = mem_alloc(l->columns);
    struct wire_job job = {.arch = arch, .wanted = wanted, .column_count = l->columns};
    struct result_row row;
    struct buf b = {0};
    struct arena a = {0};
    const char *data;
    size_t n;
    tcet_status st;

    memset(wanted, 1, l->columns);
    wire_pack_job(&b, &job);
    st = client_send(&l->worker, WIRE_JOB, &b, err);
    if (st >= 0)
        st = client_wait(&l->worker, WIRE_ROW, &data, &n, err);
    if (st >= 0)
        st = wire_unpack_row(data, n, l->columns, &a, &row, err);
    if (st >= 0 && row.status == RESULT_FAILED)
        st = error_set(err, TCET_E_PLUGIN, "%s: %s", l->name, row.message);
    if (st >= 0) {
        number[OURS_BUILD] = row.times.build;
        number[OURS_INIT] = row.times.init;
        number[OURS_FORWARD] = row.times.forward;
        number[OURS_BACKWARD] = row.times.backward;
        number[OURS_TOTAL] = row.times.total;
    }
    for (size_t i = 0; st >= 0 && i < row.value_count; i++) {
        if (row.values[i].column == l->column)
            number[OURS_SCORE] = row.values[i].value;
    }
    arena_free(&a);
    buf_free(&b);
    free(wanted);
    return st;
}

static tcet_status ask_script(struct lane *l, const char *arch, double *number, struct error *err)
{
    char line[512];
    char *at = line;

    if (fprintf(l->to, "%s\n", arch) < 0 || fflush(l->to) != 0 ||
        !fgets(line, sizeof line, l->from))
        return error_set(err, TCET_E_IO, "%s has ended", l->name);
    for (int i = 0; i < l->numbers; i++) {
        char *end;

        number[i] = strtod(at, &end);
        if (end == at)
            return error_set(err, TCET_E_IO, "%s answered \"%s\"", l->name, line);
        at = end;
    }
    return TCET_OK;
}

tcet_status lane_ask(struct lane *l, const char *arch, double number[LANE_NUMBERS],
                     struct error *err)
{
    memset(number, 0, LANE_NUMBERS * sizeof *number);
    return l->to ? ask_script(l, arch, number, err) : ask_worker(l, arch, number, err);
}

double lane_memory(const struct lane *l, const char *field)
{
    char path[64], line[256];
    size_t n = strlen(field);
    double mib = NAN;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status",
             (int)(l->to ? l->pid : l->worker.link.child.pid));
    f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (!strncmp(line, field, n) && line[n] == ':')
            mib = strtod(line + n + 1, NULL) / 1024.0;
    }
    if (f)
        fclose(f);
    return mib;
}

void lane_stop(struct lane *l)
{
    if (l->to)
        fclose(l->to);
    if (l->from)
        fclose(l->from);
    if (l->pid > 0)
        waitpid(l->pid, NULL, 0);
    client_stop(&l->worker);
    *l = (struct lane){.worker = client_here(0)};
}

struct sweep {
    struct lane *lane;
    const char *const *archs;
    size_t count;
    int backwards;
    double sums[LANE_NUMBERS];
    tcet_status status;
    struct error err;
};

static void *sweep(void *arg)
{
    struct sweep *s = arg;
    double number[LANE_NUMBERS];

    for (size_t i = 0; i < s->count && s->status >= 0; i++) {
        s->status =
            lane_ask(s->lane, s->archs[s->backwards ? s->count - 1 - i : i], number, &s->err);
        for (int k = 0; k < LANE_NUMBERS && s->status >= 0; k++)
            s->sums[k] += number[k];
    }
    return NULL;
}

tcet_status lanes_run(struct lane *l, size_t count, const char *const *archs, size_t arch_count,
                      double sums[LANE_NUMBERS], double *seconds, struct error *err)
{
    struct sweep *s = mem_alloc(count * sizeof *s);
    pthread_t *thread = mem_alloc(count * sizeof *thread);
    double start = clock_now();
    tcet_status st = TCET_OK;
    size_t started = 0;

    for (size_t i = 0; i < count; i++)
        s[i] = (struct sweep){
            .lane = &l[i], .archs = archs, .count = arch_count, .backwards = (int)(i % 2)};
    while (started < count && pthread_create(&thread[started], NULL, sweep, &s[started]) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    *seconds = clock_now() - start;
    if (started < count)
        st = error_set(err, TCET_E_IO, "cannot start a thread");
    for (size_t i = 0; i < started && st >= 0; i++) {
        st = s[i].status;
        if (st < 0)
            *err = s[i].err;
    }
    if (sums)
        memcpy(sums, s[0].sums, sizeof s[0].sums);
    free(thread);
    free(s);
    return st;
}

tcet_status program_run(const char *path, char *const args[], int show, double *seconds,
                        struct error *err)
{
    posix_spawn_file_actions_t io;
    double start = clock_now();
    int status = 0, cause;
    pid_t pid;

    posix_spawn_file_actions_init(&io);
    if (!show)
        posix_spawn_file_actions_addopen(&io, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    cause = posix_spawn(&pid, path, &io, NULL, args, environ);
    posix_spawn_file_actions_destroy(&io);
    if (cause)
        return error_set(err, TCET_E_IO, "cannot start %s: %s", path, strerror(cause));
    waitpid(pid, &status, 0);
    *seconds = clock_now() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return error_set(err, TCET_E_IO, "%s %s failed", path, args[1]);
    return TCET_OK;
}
