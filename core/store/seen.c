/* seen.c -- stores that this process has looked at, or written, and whose files are as they were then: they
 * need not be looked at again.
 *
 * Room: core/store.  Touches libc alone.
 *
 * A command opens a folder several times, and to look at all rows takes longer than most of what it does
 * with them.  A file is the same while its device, number, size and time of change are, none of which
 * can be set back.  That time has ticks, so a file is known only when its last change is older than some;
 * and small files, which are looked at in no time, are always looked at. */
#include "store/internal.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

enum { SEEN_MOST = 32, BYTES_LEAST = 1 << 20, TICKS_NS = 20000000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct store_file known[SEEN_MOST];
static size_t next;

static int same(const struct store_file *a, const struct store_file *b)
{
    return a->device == b->device && a->number == b->number && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

int seen_file(const char *path, struct store_file *out)
{
    struct buf log = {0};
    struct stat info;
    int apart;

    buf_printf(&log, "%s-wal", path); /* what is in it is not in the file yet */
    apart = stat(log.data, &info) == 0 && info.st_size > 0;
    buf_free(&log);
    if (apart || stat(path, &info) || !S_ISREG(info.st_mode) || info.st_size < BYTES_LEAST)
        return 0;
    *out = (struct store_file){info.st_dev, info.st_ino, info.st_size, info.st_ctim};
    return 1;
}

int seen_before(const struct store_file *f)
{
    int found = 0;

    pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < SEEN_MOST; i++)
        found |= same(&known[i], f);
    pthread_mutex_unlock(&mutex);
    return found;
}

/* Nanoseconds since the file changed, at most a second. */
static int64_t age(const struct store_file *f)
{
    struct timespec now;
    int64_t seconds;

    clock_gettime(CLOCK_REALTIME, &now);
    seconds = (int64_t)now.tv_sec - f->changed.tv_sec;
    if (seconds > 1)
        return INT64_C(1000000000);
    return seconds < -1 ? -1 : seconds * 1000000000 + now.tv_nsec - f->changed.tv_nsec;
}

void seen_add(const char *path, const struct store_file *looked_at)
{
    const struct timespec pause = {0, TICKS_NS};
    struct store_file f, later;

    if (!seen_file(path, &f) || (looked_at && !same(&f, looked_at)))
        return;
    if (age(&f) < TICKS_NS) {
        nanosleep(&pause, NULL);
        if (!seen_file(path, &later) || !same(&f, &later) || age(&f) < TICKS_NS)
            return;
    }
    pthread_mutex_lock(&mutex);
    known[next++ % SEEN_MOST] = f;
    pthread_mutex_unlock(&mutex);
}
