/* child.c -- see child.h.  Room: core/proc. */
#include "proc/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Reads of one call: a child that never stops talking must not keep its parent from all else.
 * More than a full pipe or socket holds. */
enum { AT_ONCE = 64 };

/* After fork: only async-signal-safe calls. */
static void become(const char *path, char *const args[], int fd, int output, size_t memory,
                   int keep, pid_t parent)
{
    int null = open("/dev/null", O_RDONLY);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    if (memory) {
        struct rlimit r = {memory, memory};

        setrlimit(RLIMIT_AS, &r);
    }
    signal(SIGINT, SIG_IGN); /* the supervisor decides when to stop */
    signal(SIGPIPE, SIG_DFL);
    /* Everything moves above CHILD_FD first, so that no dup2 lands on what is needed. */
    fd = fcntl(fd, F_DUPFD, 16);
    output = fcntl(output, F_DUPFD, 16);
    if (fd < 0 || output < 0 || null < 0)
        _exit(127);
    dup2(null, 0);
    dup2(output, 1);
    dup2(output, 2);
    dup2(fd, CHILD_FD);
    if (keep >= 0)
        fcntl(keep, F_SETFD, 0);
    close(fd);
    close(output);
    execv(path, args);
    _exit(127);
}

tcet_status child_start(struct child *c, const char *path, char *const args[], size_t memory,
                        int keep, struct error *err)
{
    int pair[2] = {-1, -1}, out[2] = {-1, -1};
    pid_t parent = getpid(), pid;

    memset(c, 0, sizeof *c);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 || pipe2(out, O_CLOEXEC) < 0) {
        int cause = errno;

        if (pair[0] >= 0) {
            close(pair[0]);
            close(pair[1]);
        }
        return error_set(err, TCET_E_IO, "cannot start a worker process: %s", strerror(cause));
    }
    pid = fork();
    if (pid == 0)
        become(path, args, pair[1], out[1], memory, keep, parent);
    close(pair[1]);
    close(out[1]);
    if (pid < 0) {
        int cause = errno;

        close(pair[0]);
        close(out[0]);
        return error_set(err, TCET_E_IO, "cannot start a worker process: %s", strerror(cause));
    }
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    c->pid = pid;
    c->fd = pair[0];
    c->output = out[0];
    return TCET_OK;
}

static void read_output(struct child *c)
{
    char chunk[4096];
    ssize_t n = -1;

    if (c->output < 0)
        return;
    for (int i = 0; i < AT_ONCE && (n = read(c->output, chunk, sizeof chunk)) > 0; i++) {
        const char *p = chunk;
        size_t k = (size_t)n, cap = sizeof c->tail - 1;

        if (k > cap) {
            p += k - cap;
            k = cap;
        }
        if (c->tail_len + k > cap) {
            size_t drop = c->tail_len + k - cap;

            memmove(c->tail, c->tail + drop, c->tail_len - drop);
            c->tail_len -= drop;
        }
        memcpy(c->tail + c->tail_len, p, k);
        c->tail_len += k;
        c->tail[c->tail_len] = '\0';
    }
    if (n == 0) { /* closed by the child: poll would find it ready for ever */
        close(c->output);
        c->output = -1;
    }
}

int child_read(struct child *c)
{
    char chunk[65536];

    if (c->drained) {
        c->drained = 0;
        return 0;
    }
    if (!c->quiet)
        read_output(c);
    for (int i = 0; i < AT_ONCE; i++) {
        ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);

        if (n > 0) {
            buf_add(&c->in, chunk, (size_t)n);
            c->drained = (size_t)n < sizeof chunk;
            if (c->drained)
                return 0;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else {
            return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
        }
    }
    return 0;
}

/* The last non-empty line of the tail, made printable. */
static const char *last_line(struct child *c)
{
    size_t end = c->tail_len, start;

    while (end && (c->tail[end - 1] == '\n' || c->tail[end - 1] == ' '))
        end--;
    c->tail[end] = '\0';
    for (start = end; start && c->tail[start - 1] != '\n'; start--) {
        if ((unsigned char)c->tail[start - 1] < 0x20)
            c->tail[start - 1] = ' ';
    }
    return c->tail + start;
}

void child_stop(struct child *c, char *how, size_t cap)
{
    int status = 0;
    const char *line;

    if (!c->pid)
        return;
    if (waitpid(c->pid, &status, WNOHANG) == 0) {
        kill(c->pid, SIGKILL);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    read_output(c);
    line = last_line(c);
    if (how && cap) {
        if (WIFSIGNALED(status))
            snprintf(how, cap, "was killed by signal %d (%s)%s%s", WTERMSIG(status),
                     strsignal(WTERMSIG(status)), *line ? "; it last printed: " : "", line);
        else
            snprintf(how, cap, "exited with code %d%s%s", WEXITSTATUS(status),
                     *line ? "; it last printed: " : "", line);
    }
    close(c->fd);
    if (c->output >= 0)
        close(c->output);
    buf_free(&c->in);
    memset(c, 0, sizeof *c);
}

void child_finish(struct child *c, double seconds)
{
    struct timespec pause = {0, 2000000};

    if (!c->pid)
        return;
    shutdown(c->fd, SHUT_WR);
    for (double waited = 0; waited < seconds; waited += 0.002) {
        siginfo_t info = {0};

        read_output(c);
        if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid)
            break;
        nanosleep(&pause, NULL);
    }
    child_stop(c, NULL, 0);
}
