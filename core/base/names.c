/* names.c -- see names.h.  Room: core/base. */
#include "base/names.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *names_hint(char *out, size_t cap, const char *what, const char *name,
                       const char *const *names, size_t count)
{
    const char *near = text_nearest(name, names, count);
    struct buf b = {0};

    out[0] = '\0';
    if (!count)
        return out;
    buf_puts(&b, " (");
    if (near)
        buf_printf(&b, "did you mean \"%s\"? ", near);
    buf_printf(&b, "%s: ", what);
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", names[i]);
    buf_puts(&b, ")");
    if (snprintf(out, cap, "%s", b.data) >= (int)cap)
        memcpy(out + cap - 5, "...)", 5);
    buf_free(&b);
    return out;
}

int names_has(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(name, names[i]))
            return 1;
    }
    return 0;
}
