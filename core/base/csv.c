/* csv.c -- see csv.h.  Room: core/base. */
#include "base/csv.h"

#include <string.h>

#include "base/text.h"

/* What a spreadsheet runs as a formula, behind any apostrophes. */
static int is_formula(const char *text)
{
    return *text && strchr("=+-@\t\r", *text);
}

int csv_is_shielded(const char *text)
{
    return *text == '\'' && is_formula(text + strspn(text, "'"));
}

void csv_write(struct buf *b, const char *text)
{
    const char *shield = "";
    double number;

    if (csv_is_shielded(text) || (is_formula(text) && text_to_f64(text, &number) < 0))
        shield = "'";
    if (!text[strcspn(text, ",\"\r\n")]) {
        buf_puts(b, shield);
        buf_puts(b, text);
        return;
    }
    buf_puts(b, "\"");
    buf_puts(b, shield);
    for (const char *p = text; *p; p++)
        buf_add(b, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    buf_puts(b, "\"");
}
