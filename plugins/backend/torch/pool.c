/* pool.c -- see pool.h.  Room: plugins/backend/torch. */
#include "pool.h"

#include <tcet/plugin.h>

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { HEAD = 64, CLASSES = 256, HUGE_PAGE = 2 << 20, SPARE = 64 << 20 };

/* Stands before every block. */
struct block {
    struct block *next;
    size_t bytes; /* with the head */
    unsigned class;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *lists[CLASSES];
static size_t in_use, most, waiting;

/* Sizes in steps of an eighth of a power of two; *bytes becomes the class's size. */
static unsigned class_of(size_t *bytes)
{
    unsigned power = 8;
    size_t step;

    if (*bytes < 256)
        *bytes = 256;
    while (((size_t)2 << power) <= *bytes)
        power++;
    step = ((size_t)1 << power) / 8;
    *bytes = (*bytes + step - 1) / step * step;
    return (power - 8) * 8 + (unsigned)(*bytes / step - 8);
}

static struct block *fresh(size_t bytes)
{
    struct block *b = NULL;
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : HEAD;

    if (posix_memalign((void **)&b, align, bytes) != 0)
        return NULL;
    if (bytes >= HUGE_PAGE)
        madvise(b, bytes, MADV_HUGEPAGE);
    return b;
}

void *pool_get(size_t bytes)
{
    struct block *b;
    unsigned class;

    if (bytes > SIZE_MAX / 4)
        return NULL;
    bytes += HEAD;
    class = class_of(&bytes);
    pthread_mutex_lock(&lock);
    b = lists[class];
    if (b) {
        lists[class] = b->next;
        waiting -= b->bytes;
    }
    in_use += bytes;
    most = in_use > most ? in_use : most;
    pthread_mutex_unlock(&lock);
    if (!b && !(b = fresh(bytes))) {
        pthread_mutex_lock(&lock);
        in_use -= bytes;
        pthread_mutex_unlock(&lock);
        return NULL;
    }
    b->bytes = bytes;
    b->class = class;
    return (char *)b + HEAD;
}

void pool_put(void *data)
{
    struct block *b;
    int keep;

    if (!data)
        return;
    b = (struct block *)(void *)((char *)data - HEAD);
    pthread_mutex_lock(&lock);
    in_use -= b->bytes;
    /* a sanitizer should see the end of every block */
    keep = !TCET_BUILD_ASAN && waiting + b->bytes <= 2 * most + SPARE;
    if (keep) {
        b->next = lists[b->class];
        lists[b->class] = b;
        waiting += b->bytes;
    }
    pthread_mutex_unlock(&lock);
    if (!keep)
        free(b);
}
