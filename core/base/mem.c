/* mem.c -- see mem.h.  Room: core/base. */
#include "base/mem.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, BLOCK = 64 * 1024, HUGE_PAGE = 2 << 20 };

static void exhausted(size_t bytes)
{
    (void)bytes;
    abort();
}

void (*mem_exhausted)(size_t bytes) = exhausted;

void *mem_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);

    if (!p)
        mem_exhausted(bytes);
    return p;
}

void *mem_resize(void *old, size_t bytes)
{
    void *p = realloc(old, bytes ? bytes : 1);

    if (!p)
        mem_exhausted(bytes);
    return p;
}

void mem_reuse(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

void *mem_try(size_t count, size_t size)
{
    size_t bytes, align;
    void *p = NULL;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - 2 * HUGE_PAGE)
        return NULL;
    align = bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGN;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (posix_memalign(&p, align, bytes ? bytes : ALIGN) != 0)
        return NULL;
    if (align == HUGE_PAGE) /* a table's pages fault in by the hundred thousand else */
        madvise(p, bytes, MADV_HUGEPAGE);
    return memset(p, 0, bytes);
}

char *mem_strdup(const char *text)
{
    size_t n = strlen(text) + 1;

    return memcpy(mem_alloc(n), text, n);
}

struct arena_block {
    struct arena_block *next;
    size_t used, cap;
    char pad[ALIGN - 3 * sizeof(size_t)];
    char data[];
};

static struct arena_block *block_new(size_t cap)
{
    struct arena_block *b = aligned_alloc(ALIGN, sizeof *b + cap);

    if (!b)
        mem_exhausted(cap);
    b->next = NULL;
    b->used = 0;
    b->cap = cap;
    return b;
}

/* Not zeroed. */
static void *arena_take(struct arena *a, size_t bytes)
{
    size_t align = bytes >= ALIGN ? ALIGN : 16;
    struct arena_block *b = a->head;
    size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0; /* powers of two */

    if (bytes > SIZE_MAX / 2)
        mem_exhausted(bytes);
    if (!b || at > b->cap || bytes > b->cap - at) {
        size_t cap = bytes > BLOCK / 2 ? (bytes + ALIGN - 1) / ALIGN * ALIGN : BLOCK;

        b = block_new(cap);
        b->next = a->head;
        a->head = b;
        at = 0;
    }
    b->used = at + bytes;
    return b->data + at;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    return memset(arena_take(a, bytes), 0, bytes);
}

char *arena_strndup(struct arena *a, const char *text, size_t n)
{
    char *p = arena_take(a, n + 1);

    p[n] = '\0';
    return memcpy(p, text, n);
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_strndup(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list ap, again;
    char *p;
    int n;

    va_start(ap, format);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    p = arena_alloc(a, (size_t)(n > 0 ? n : 0) + 1);
    vsnprintf(p, (size_t)(n > 0 ? n : 0) + 1, format, again);
    va_end(again);
    return p;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL, *b = a->head;

    while (b) {
        struct arena_block *next = b->next;

        if (!keep) {
            keep = b;
        } else if (b->cap > keep->cap) {
            free(keep);
            keep = b;
        } else {
            free(b);
        }
        b = next;
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    a->head = keep;
}

void arena_free(struct arena *a)
{
    while (a->head) {
        struct arena_block *next = a->head->next;

        free(a->head);
        a->head = next;
    }
}

static void buf_reserve(struct buf *b, size_t more)
{
    if (more + 1 > b->cap - b->len) {
        size_t cap = b->cap ? b->cap : 256;

        while (cap - b->len < more + 1)
            cap *= 2;
        b->data = mem_resize(b->data, cap);
        b->cap = cap;
    }
}

void buf_add(struct buf *b, const void *data, size_t n)
{
    buf_reserve(b, n);
    if (n)
        memcpy(b->data + b->len, data, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_vprintf(struct buf *b, const char *format, va_list ap)
{
    va_list again;
    size_t room;
    int n;

    va_copy(again, ap);
    buf_reserve(b, 0);
    room = b->cap - b->len;
    n = vsnprintf(b->data + b->len, room, format, ap);
    if (n > 0 && (size_t)n >= room) {
        buf_reserve(b, (size_t)n);
        vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
    }
    b->len += n > 0 ? (size_t)n : 0;
    b->data[b->len] = '\0';
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    buf_vprintf(b, format, ap);
    va_end(ap);
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
