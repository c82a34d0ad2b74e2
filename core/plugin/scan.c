/* scan.c -- descriptors from files that are not trusted: a child process opens each one.
 * Room: core/plugin.  Stands on core/base and jansson.
 *
 * A child has one pipe for everything it says.  Its last line is the answer,
 * {"tcet_scan": ...}; what stands before it is the plugin's own noise, quoted when there is
 * no answer. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/utf8.h"
#include "plugin/internal.h"

enum { JOBS_MAX = 8, ANSWER_MAX = 16 * 1024 * 1024, RETRY_SECONDS = 600 };

/* A scan is never started from a scan: an executable that forgets to dispatch
 * "scan-plugin" would otherwise start itself without end. */
static const char scanning[] = "TCET_SCANNING";

struct child {
    struct plugin_file *file; /* NULL: free */
    pid_t pid;
    int fd;
    struct buf said;
    struct waiting waited;
};

/* How long a file may take, in seconds. */
static int64_t patience(void)
{
    const char *text = getenv("TCET_SCAN_SECONDS");
    int64_t seconds;

    return text && text_to_i64(text, &seconds) == 0 && seconds >= 1 && seconds <= 3600 ? seconds
                                                                                       : 10;
}

/* This process's environment and TCET_SCANNING=1; free() it. */
static char **child_environment(void)
{
    static char mark[] = "TCET_SCANNING=1";
    size_t n = 0;
    char **list;

    while (environ[n])
        n++;
    list = mem_alloc((n + 2) * sizeof *list);
    memcpy(list, environ, n * sizeof *list);
    list[n] = mark;
    return list;
}

static int spawn(const char *exe, const char *path, pid_t *pid, int fd)
{
    char verb[] = "scan-plugin", *argv[] = {(char *)exe, verb, (char *)path, NULL};
    char **environment = child_environment();
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int rc;

    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fd, 1);
    posix_spawn_file_actions_adddup2(&actions, fd, 2);
    rc = posix_spawn(pid, exe, &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(environment);
    return rc;
}

static tcet_status start(struct child *c, struct plugin_file *file, struct error *err)
{
    const char *other = getenv("TCET_SCAN_EXE"), *exe = other && *other ? other : paths_self();
    int pipe_fd[2], rc;

    if (pipe2(pipe_fd, O_CLOEXEC) < 0)
        return error_set(err, TCET_E_IO, "cannot scan plugins: %s", strerror(errno));
    if (!file->builtin)
        registry_say_foreign(file->path);
    rc = spawn(exe, file->path, &c->pid, pipe_fd[1]);
    close(pipe_fd[1]);
    if (rc) {
        close(pipe_fd[0]);
        return error_set(err, TCET_E_IO, "cannot scan plugins: %s: %s", exe, strerror(rc));
    }
    fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK);
    c->file = file;
    c->fd = pipe_fd[0];
    c->said.len = 0;
    waiting_start(&c->waited);
    return TCET_OK;
}

json_t *scan_answer(const struct buf *said)
{
    static const char mark[] = "{\"tcet_scan\":";
    size_t end = said->len, begin;
    json_t *line, *answer;

    if (!end || said->data[end - 1] != '\n')
        return NULL;
    for (begin = --end; begin && said->data[begin - 1] != '\n';)
        begin--;
    if (strncmp(said->data + begin, mark, sizeof mark - 1) != 0)
        return NULL;
    line = json_loadb(said->data + begin, end - begin, 0, NULL);
    answer = json_incref(json_object_get(line, "tcet_scan"));
    json_decref(line);
    return answer;
}

/* "PATH: why", from how the child ended, and the first line it said. */
static json_t *failure_of(const struct child *c, int status, int late, int answered)
{
    char why[256], noise[200], text[4096 + 512], *line = NULL;

    if (answered)
        snprintf(why, sizeof why, "cannot be described");
    else if (late)
        snprintf(why, sizeof why, "was still not open after %lld s", (long long)patience());
    else if (WIFSIGNALED(status))
        snprintf(why, sizeof why, "crashed when it was opened (signal %d, %s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(why, sizeof why, "ended the program when it was opened (exit code %d)",
                 WEXITSTATUS(status));
    if (c->said.len) {
        line = c->said.data + strspn(c->said.data, "= \t\n"); /* past a sanitizer's ruler */
        line[strcspn(line, "\n")] = '\0';
    }
    snprintf(text, sizeof text, "%s: %s%s%s", c->file->path, why, line && *line ? ": " : "",
             utf8_clean(noise, sizeof noise, line));
    return describe_error(TCET_E_PLUGIN, text);
}

/* Ends a child and puts its answer into the file. */
static void finish(struct child *c, json_t *answer, int late, struct arena *a)
{
    struct plugin_file *f = c->file;
    const json_t *status;
    int how = 0;

    /* after an answer the child has nothing left to do, and its exit handlers are foreign */
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, &how, 0) < 0 && errno == EINTR)
        ;
    close(c->fd);
    if (answer && describe_read(answer, a, &f->infos, &f->info_count) == 0) {
        status = json_object_get(answer, "status");
        f->expires = json_integer_value(status) == TCET_E_IO ? -1 : 0;
    } else {
        json_t *failure = failure_of(c, how, late, answer != NULL);

        json_decref(answer);
        answer = failure;
        describe_read(answer, a, &f->infos, &f->info_count);
        f->expires = (int64_t)time(NULL) + RETRY_SECONDS;
    }
    f->answer = answer;
    c->file = NULL;
}

/* Takes what a child has to say; ends it when it is done, or late. */
static void listen_to(struct child *c, int readable, struct arena *a)
{
    char chunk[64 * 1024];
    ssize_t n = readable ? read(c->fd, chunk, sizeof chunk) : -1;
    json_t *answer;

    if (n > 0) {
        buf_add(&c->said, chunk, (size_t)n);
        answer = scan_answer(&c->said);
        if (answer || c->said.len > ANSWER_MAX)
            finish(c, answer, 0, a);
    } else if (n == 0) {
        finish(c, NULL, 0, a);
    } else if (waiting_look(&c->waited, c->pid) > (double)patience()) {
        finish(c, NULL, 1, a);
    }
}

static void listen_to_all(struct child *children, size_t jobs, struct arena *a)
{
    struct pollfd fds[JOBS_MAX];

    for (size_t i = 0; i < jobs; i++)
        fds[i] = (struct pollfd){.fd = children[i].file ? children[i].fd : -1, .events = POLLIN};
    if (poll(fds, jobs, WAITING_LOOK_MS) < 0) {
        for (size_t i = 0; i < jobs; i++)
            fds[i].revents = 0;
    }
    for (size_t i = 0; i < jobs; i++) {
        if (children[i].file)
            listen_to(&children[i], fds[i].revents != 0, a);
    }
}

tcet_status scan_files(struct plugin_file *files, size_t count, struct arena *a, struct error *err)
{
    struct child children[JOBS_MAX] = {{0}};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t jobs = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (size_t)cores;
    size_t next = 0, running = 1;
    tcet_status st = TCET_OK;
    char sha[65];

    if (getenv(scanning))
        return error_set(err, TCET_E_IO, "cannot scan plugins: %s does not know scan-plugin",
                         paths_self());
    while (running) {
        running = 0;
        for (size_t i = 0; i < jobs; i++) {
            while (next < count && files[next].answer)
                next++;
            if (st >= 0 && !children[i].file && next < count) {
                struct plugin_file *f = &files[next++];

                st = sha256_file(f->path, SHA256_CODE_MAX, sha, err);
                f->sha256 = arena_strdup(a, sha);
                if (st >= 0)
                    st = start(&children[i], f, err);
            }
            running += children[i].file != NULL;
        }
        if (running)
            listen_to_all(children, jobs, a);
    }
    for (size_t i = 0; i < jobs; i++)
        buf_free(&children[i].said);
    return st;
}

/* All of n bytes; 0, or -1. */
static int write_all(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t done = write(fd, data, n);

        if (done < 0 && errno != EINTR)
            return -1;
        if (done > 0) {
            data += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

int scan_main(const char *path)
{
    struct rlimit no_core = {0, 0};
    struct arena a = {0};
    struct plugin *plugins;
    struct error err;
    json_t *answer;
    char *text;
    size_t count;
    int out, rc = -1;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a plugin that hangs must not outlive the scan */
    setrlimit(RLIMIT_CORE, &no_core);
    fflush(stdout);
    out = fcntl(1, F_DUPFD_CLOEXEC, 3);
    if (out < 0 || dup2(2, 1) < 0)
        return 1;
    if (loader_open(path, &a, &plugins, &count, &err) < 0)
        answer = describe_error(err.status, err.text);
    else
        answer = describe_plugins(plugins, count);
    answer = answer ? json_pack("{s:o}", "tcet_scan", answer) : NULL;
    text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    if (text) {
        struct buf line = {0};

        buf_printf(&line, "\n%s\n", text);
        rc = write_all(out, line.data, line.len);
        buf_free(&line);
    }
    free(text);
    json_decref(answer);
    close(out);
    arena_free(&a);
    return rc < 0;
}
