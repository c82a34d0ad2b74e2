/* memory.c -- memory that a trial lends to a plugin: each piece ends at a page that nobody may
 * touch, and inputs are read-only, so that a stray access is a fault that can be named.
 *
 * Room: core/check.  Stands on libc. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check/internal.h"

enum { PIECES = 4096, CANARY = 0xa5, SLACK_PAGES = 2 };

/* map | slack filled with CANARY, then data up to a page's end | SLACK_PAGES | */
static struct piece {
    const char *what;
    char *map, *data;
    size_t bytes, inside; /* of data; of map without the guard pages */
    int input;
} pieces[PIECES];
static int piece_count;

static size_t page(void)
{
    static size_t bytes;

    if (!bytes)
        bytes = (size_t)sysconf(_SC_PAGESIZE);
    return bytes;
}

void *memory_new(const struct probe *p, const char *what, size_t bytes, int input)
{
    struct piece *m = &pieces[piece_count];
    size_t guard = SLACK_PAGES * page();

    if (piece_count == PIECES)
        mem_exhausted(bytes);
    m->what = what;
    m->input = input;
    m->bytes = bytes;
    m->inside = (bytes + page()) / page() * page(); /* room for a canary in any case */
    m->map =
        mmap(NULL, m->inside + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m->map == MAP_FAILED)
        mem_exhausted(bytes);
    m->data = m->map + m->inside - bytes;
    memset(m->map, CANARY, m->inside - bytes);
    if (p->guarding & GUARD_ENDS)
        mprotect(m->map + m->inside, guard, PROT_NONE);
    piece_count++;
    return m->data;
}

void memory_seal(const struct probe *p)
{
    for (int i = 0; i < piece_count && (p->guarding & GUARD_INPUTS); i++) {
        if (pieces[i].input)
            mprotect(pieces[i].map, pieces[i].inside, PROT_READ);
    }
}

void memory_reset(void)
{
    while (piece_count) {
        struct piece *m = &pieces[--piece_count];

        munmap(m->map, m->inside + SLACK_PAGES * page());
    }
}

tcet_status memory_intact(struct error *err)
{
    for (int i = 0; i < piece_count; i++) {
        const struct piece *m = &pieces[i];

        for (const char *c = m->map; c < m->data; c++) {
            if ((unsigned char)*c != CANARY)
                return error_set(err, TCET_E_PLUGIN, "it wrote %zu bytes before the start of %s",
                                 (size_t)(m->data - c), m->what);
        }
    }
    return TCET_OK;
}

int memory_explain(const void *address, int writes, char *out, size_t cap)
{
    const char *at = address, *verb = writes < 0 ? "touches" : writes ? "writes to" : "reads";

    for (int i = 0; i < piece_count; i++) {
        const struct piece *m = &pieces[i];
        const char *end = m->map + m->inside;

        if (at < m->map || at >= end + SLACK_PAGES * page())
            continue;
        if (at >= end)
            snprintf(out, cap, "it %s past the end of %s (byte +%zu)", verb, m->what,
                     (size_t)(at - end));
        else
            snprintf(out, cap, "it writes to %s, which it may only read", m->what);
        return 1;
    }
    return 0;
}
