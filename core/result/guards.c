/* guards.c -- see guards.h.  Room: core/result. */
#include "result/guards.h"

#include "base/json.h"

#include <string.h>

void guards_sum(int64_t *sum, int64_t n)
{
    if (__builtin_add_overflow(*sum, n, sum))
        *sum = n < 0 ? INT64_MIN : INT64_MAX;
}

void guards_add(struct guards *g, const char *name, int64_t n)
{
    const size_t last = GUARDS_MAX - 1;
    size_t i = 0;

    while (i < g->count && strcmp(g->item[i].name, name) != 0)
        i++;
    if (i >= last) {
        i = last;
        name = "other";
    }
    if (i >= g->count)
        g->count = i + 1;
    g->item[i].name = name;
    guards_sum(&g->item[i].count, n);
}

void guards_write(struct buf *b, const struct guards *g)
{
    for (size_t i = 0; i < g->count; i++) {
        buf_puts(b, i ? "," : "{");
        json_write_string(b, g->item[i].name);
        buf_printf(b, ":%lld", (long long)g->item[i].count);
    }
    buf_puts(b, g->count ? "}" : "");
}

struct reader {
    struct guards *guards;
    struct arena *arena;
};

static void read_one(void *user, const char *name, size_t length, double count)
{
    struct reader *r = user;

    guards_add(r->guards, json_unescape(r->arena, name, length), (int64_t)count);
}

int guards_read(struct guards *g, const char *text, struct arena *a)
{
    struct reader r = {g, a};

    *g = (struct guards){.count = 0};
    return *text ? json_numbers(text, read_one, &r) : 0;
}
