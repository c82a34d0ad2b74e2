/* csv.c -- see csv.h.  Room: core/base. */
#include "base/csv.h"

#include <string.h>

void csv_write(struct buf *b, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        buf_puts(b, text);
        return;
    }
    buf_puts(b, "\"");
    for (const char *p = text; *p; p++)
        buf_add(b, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    buf_puts(b, "\"");
}
