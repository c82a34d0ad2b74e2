/* seen.c -- stores that were looked at, and whose files are as they were then: they need not be looked at
 * again, by this process or the user's next (a list in the user's cache).  What this process wrote it need
 * not look at itself; others do, since nobody has seen what was in the file meanwhile.
 *
 * Room: core/store.  May use base.
 *
 * A command opens a folder several times, and to look at all rows takes longer than most of what it does
 * with them.  A file is the same while its device, number, size and time of change are, none of which
 * can be set back.  That time has ticks, so a file is known only when its last change is older than some;
 * and small files, which are looked at in no time, are always looked at. */
#include "store/internal.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cache.h"

enum { SEEN_MOST = 256, BYTES_LEAST = 1 << 18, TICKS_NS = 20000000 };

/* Another name whenever a look finds more than before. */
static const char name[] = "stores-1";

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct store_file file;
    int looked;     /* at all of it, rather than written */
} known[SEEN_MOST]; /* the latest last */
static size_t count;
static int read_before; /* the user's list has been read */

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

/* Puts a file behind the others, in the place of what was known of it. */
static void note(const struct store_file *f, int looked)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (known[i].file.device != f->device || known[i].file.number != f->number)
            known[kept++] = known[i];
    if (kept == SEEN_MOST)
        memmove(known, known + 1, (size_t)--kept * sizeof *known);
    known[kept].file = *f;
    known[kept].looked = looked;
    count = kept + 1;
}

/* The user's list: a file a line, its device, number, size and the seconds and nanoseconds of its change. */
static void read_list(void)
{
    struct arena a = {0};
    const char *path = cache_path(&a, name, 0);
    FILE *file = path ? cache_open(path) : NULL;
    intmax_t n[5];

    for (int i = 0; file && i < SEEN_MOST; i++) {
        if (fscanf(file, "%jd %jd %jd %jd %jd", &n[0], &n[1], &n[2], &n[3], &n[4]) != 5)
            break;
        note(
            &(struct store_file){(dev_t)n[0], (ino_t)n[1], (off_t)n[2], {(time_t)n[3], (long)n[4]}},
            1);
    }
    if (file)
        fclose(file);
    arena_free(&a);
}

static void write_list(void)
{
    struct arena a = {0};
    const char *path = cache_path(&a, name, 1);
    struct buf text = {0};

    for (size_t i = 0; i < count; i++) {
        const struct store_file *f = &known[i].file;

        if (known[i].looked)
            buf_printf(&text, "%jd %jd %jd %jd %ld\n", (intmax_t)f->device, (intmax_t)f->number,
                       (intmax_t)f->size, (intmax_t)f->changed.tv_sec, f->changed.tv_nsec);
    }
    if (path)
        cache_replace(path, text.data, text.len);
    buf_free(&text);
    arena_free(&a);
}

int seen_before(const struct store_file *f)
{
    int found = 0;

    pthread_mutex_lock(&mutex);
    if (!read_before)
        read_list();
    read_before = 1;
    for (size_t i = 0; i < count; i++)
        found |= same(&known[i].file, f);
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
    if (looked_at) {
        read_list(); /* others may have added to it */
        read_before = 1;
    }
    note(&f, looked_at != NULL);
    if (looked_at)
        write_list();
    pthread_mutex_unlock(&mutex);
}
