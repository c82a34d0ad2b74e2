/* state.c -- rules of what belongs to the whole process: what a plugin leaves alone, that it
 * prints nothing, and that instances leave no memory behind.
 *
 * Room: core/check.  Stands on core/plugin and libc. */
#include <dirent.h>
#include <fenv.h>
#include <limits.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fpstate.h"
#include "check/internal.h"
#include "num/linalg.h"

/* Present where the sanitizer's allocator has taken malloc's place. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t state_allocated(void)
{
    struct mallinfo2 m;

    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static int count_entries(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

int state_threads(void)
{
    return count_entries("/proc/self/task");
}

/* -- state ------------------------------------------------------------------------------- */

struct state {
    int exceptions, fds, threads;
    struct fpstate fp;
    mode_t mask;
    char locale[1024], folder[PATH_MAX];
    sigset_t blocked;
    struct sigaction signals[NSIG];
};

static void look(struct state *s)
{
    const char *locale = setlocale(LC_ALL, NULL);

    memset(s, 0, sizeof *s);
    s->exceptions = fegetexcept();
    s->fp = fpstate_get();
    s->fds = count_entries("/proc/self/fd");
    s->threads = state_threads();
    s->mask = umask(0);
    umask(s->mask);
    snprintf(s->locale, sizeof s->locale, "%s", locale ? locale : "");
    if (!getcwd(s->folder, sizeof s->folder))
        s->folder[0] = '\0';
    sigprocmask(SIG_BLOCK, NULL, &s->blocked);
    for (int n = 1; n < NSIG; n++)
        sigaction(n, NULL, &s->signals[n]);
}

/* What differs, in words. */
static void differences(const struct state *a, const struct state *b, struct buf *out)
{
    const char *changed = fpstate_difference(a->fp, b->fp);

    if (strcmp(a->locale, b->locale))
        buf_printf(out, ", the locale (%.40s)", b->locale);
    if (strcmp(a->folder, b->folder))
        buf_printf(out, ", the current folder (%.200s)", b->folder);
    if (a->mask != b->mask)
        buf_printf(out, ", the umask (%03o)", (unsigned)b->mask);
    if (changed)
        buf_printf(out, ", %s", changed);
    if (a->exceptions != b->exceptions)
        buf_puts(out, ", floating-point traps");
    if (memcmp(&a->blocked, &b->blocked, sizeof a->blocked))
        buf_puts(out, ", blocked signals");
    for (int n = 1; n < NSIG; n++) {
        if (a->signals[n].sa_handler != b->signals[n].sa_handler ||
            a->signals[n].sa_flags != b->signals[n].sa_flags)
            buf_printf(out, ", the handler of signal %d (%s)", n, strsignal(n));
    }
    if (a->fds != b->fds)
        buf_printf(out, ", open descriptors (%d more)", b->fds - a->fds);
    if (a->threads != b->threads)
        buf_printf(out, ", threads (%d more)", b->threads - a->threads);
}

/* One instance made, used where that can be done without a host's help, and freed. */
static tcet_status use_once(struct probe *p, struct arena *a, int call, struct error *err)
{
    exercise *run = exercise_of(p->plugin->desc.kind);
    struct buf out = {0};
    struct instance *i;
    tcet_status st = TCET_OK;

    TRY(probe_instance(p, a, NULL, NULL, &i, err));
    if (run && call)
        st = run(p, i, ORDINARY, &out, err);
    instance_free(i);
    buf_free(&out);
    memory_reset();
    return st;
}

/* The host's linear algebra is loaded on first use, which is no plugin's doing. */
static void warm_up(void)
{
    const struct linalg *la;
    struct error unused;
    double one = 1, c = 0;

    if (linalg_get(paths_linalg(), &la, &unused) >= 0)
        la->gemm(0, 0, 1, 1, 1, 1.0, &one, &one, 0.0, &c);
}

tcet_status state_kept(struct probe *p, struct error *err)
{
    static struct state before, after;
    struct buf list = {0};

    warm_up();
    look(&before);
    TRY(use_once(p, &p->arena, 1, err));
    look(&after);
    differences(&before, &after, &list);
    if (!list.len)
        return TCET_OK;
    error_set(err, TCET_E_PLUGIN, "it changed %s", list.data + 2);
    buf_free(&list);
    return err->status;
}

/* -- quiet ------------------------------------------------------------------------------- */

tcet_status state_listen(tcet_status (*fn)(void *arg, struct error *err), void *arg, char *said,
                         size_t cap, struct error *err)
{
    int file = memfd_create("said", MFD_CLOEXEC), out = dup(1), errors = dup(2);
    tcet_status st;
    ssize_t n;

    *said = '\0';
    fflush(NULL);
    if (file < 0 || out < 0 || errors < 0 || dup2(file, 1) < 0 || dup2(file, 2) < 0)
        return error_set(err, TCET_E_IO, "cannot catch what is printed");
    st = fn(arg, err);
    fflush(NULL);
    dup2(out, 1);
    dup2(errors, 2);
    close(out);
    close(errors);
    n = pread(file, said, cap - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    said[strcspn(said, "\r\n")] = '\0';
    if (n > 0 && !*said)
        snprintf(said, cap, "(an empty line)");
    close(file);
    return st;
}

static tcet_status use_probe(void *arg, struct error *err)
{
    struct probe *p = arg;

    return use_once(p, &p->arena, 1, err);
}

tcet_status state_quiet(struct probe *p, struct error *err)
{
    char said[200];

    TRY(state_listen(use_probe, p, said, sizeof said, err));
    if (*said)
        return error_set(err, TCET_E_PLUGIN, "it prints: %s", said);
    return TCET_OK;
}

/* -- cycles ------------------------------------------------------------------------------ */

/* malloc keeps freed pieces at hand and counts them as given out, so a little growth means
 * nothing; what grows in every one of several windows is a leak. */
tcet_status state_cycles(struct probe *p, struct error *err)
{
    enum { WARM = 250, WINDOWS = 8, WINDOW = 125, CALL_EVERY = 20, LITTLE = 128 };
    const size_t too_much = 1 << 20;
    size_t start = 0, mark = 0, now;
    int grew = 0;
    struct arena a = {0};

    probe_stage("making and freeing instances");
    for (int k = -WARM; k <= WINDOWS * WINDOW; k++) {
        now = state_allocated();
        if (k == 0) {
            start = mark = now;
        } else if (k > 0 && k % WINDOW == 0) {
            grew += now > mark + LITTLE;
            mark = now;
        }
        if (k > 0 && (now > start + too_much || grew == WINDOWS))
            return error_set(err, TCET_E_PLUGIN, "%d cycles left %zu bytes allocated", k,
                             now - start);
        TRY(use_once(p, &a, k % CALL_EVERY == 0, err));
        arena_reset(&a);
    }
    arena_free(&a);
    return TCET_OK;
}
