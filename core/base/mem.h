/* mem.h -- memory by lifetime: arenas, and the growing byte buffer.
 *
 * Room: core/base.  Small allocations never return NULL: when memory is gone the handler
 * that the executable installed is called, and it does not return.  Large, size-from-input
 * allocations use mem_try() and report TCET_E_MEMORY. */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Called when a small allocation fails; must not return.  Default: abort(). */
extern void (*mem_exhausted)(size_t bytes);

void *mem_alloc(size_t bytes);             /* zeroed; free() it */
void *mem_resize(void *old, size_t bytes); /* realloc */
void *mem_try(size_t count, size_t size);  /* calloc, 64-byte aligned, NULL on failure or
                                                   overflow; free() it */
char *mem_strdup(const char *text);
/* From now on memory that is freed stays with the process, for the next allocation: for commands that
 * work on one large column after the other, where half of the time would go into pages that come and go. */
void mem_reuse(void);

/* Everything allocated from an arena dies with it. {0} is a valid empty arena. */
struct arena {
    struct arena_block *head;
};
void *arena_alloc(struct arena *a, size_t bytes); /* zeroed, 64-byte aligned if bytes >= 64 */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t n);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Forgets the contents, keeps the largest block for reuse. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

/* Growing buffer of bytes or text; data is always NUL-terminated once anything was added. */
struct buf {
    char *data;
    size_t len, cap;
};
void buf_add(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap);
void buf_free(struct buf *b);

#endif
