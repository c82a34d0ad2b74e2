/* json.c -- see json.h.  Room: core/base. */
#include "base/json.h"

#include "base/text.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_write_f64(struct buf *b, double value)
{
    char number[32];

    if (isfinite(value))
        buf_puts(b, text_f64(number, value));
    else
        buf_printf(b, "\"%s\"", text_f64(number, value));
}

void json_write_string(struct buf *b, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    buf_puts(b, "\"");
    while (*p) {
        size_t n = utf8_length((const char *)p);

        if (*p == '"' || *p == '\\') {
            buf_printf(b, "\\%c", *p++);
        } else if (*p == '\n') {
            buf_puts(b, "\\n");
            p++;
        } else if (*p == '\t') {
            buf_puts(b, "\\t");
            p++;
        } else if (*p < 0x20 || *p == 0x7f) {
            buf_printf(b, "\\u%04x", *p++);
        } else if (n) {
            buf_add(b, p, n);
            p += n;
        } else {
            buf_puts(b, "\xef\xbf\xbd");
            p++;
        }
    }
    buf_puts(b, "\"");
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

static const char *skip_digits(const char *p)
{
    return p + strspn(p, "0123456789");
}

/* End of the JSON number at p, or NULL. */
static const char *number_end(const char *p)
{
    const char *digits = p + (*p == '-');

    p = skip_digits(digits);
    if (p == digits || (*digits == '0' && p > digits + 1))
        return NULL;
    if (*p == '.') {
        digits = ++p;
        p = skip_digits(p);
        if (p == digits)
            return NULL;
    }
    if (*p == 'e' || *p == 'E') {
        digits = p += 1 + (p[1] == '+' || p[1] == '-');
        p = skip_digits(p);
        if (p == digits)
            return NULL;
    }
    return p;
}

/* End of the text in JSON quotes that begins at p, or NULL; escapes as json_write_string writes
 * them. */
static const char *string_end(const char *p)
{
    static const char hex[] = "0123456789abcdef";

    while (*p != '"') {
        if (*p == '\\') {
            if (!strncmp(p + 1, "u00", 3) && p[4] && strchr(hex, p[4]) && p[5] && strchr(hex, p[5]))
                p += 6;
            else if (p[1] && strchr("\"\\nt", p[1]))
                p += 2;
            else
                return NULL;
        } else {
            size_t n = utf8_length(p);

            if (!n || (unsigned char)*p < ' ')
                return NULL;
            p += n;
        }
    }
    return p;
}

int json_numbers(const char *text,
                 void (*add)(void *user, const char *name, size_t length, double number),
                 void *user)
{
    const char *p = skip_blanks(text), *name, *end, *stop;
    double number;

    if (*p++ != '{')
        return -1;
    p = skip_blanks(p);
    if (*p == '}')
        return *skip_blanks(p + 1) ? -1 : 0;
    for (;; p = skip_blanks(p + 1)) {
        if (*p++ != '"')
            return -1;
        name = p;
        end = string_end(p);
        if (!end)
            return -1;
        p = skip_blanks(end + 1);
        if (*p++ != ':')
            return -1;
        p = skip_blanks(p);
        stop = number_end(p);
        if (!stop)
            return -1;
        number = strtod(p, NULL);
        if (!(fabs(number) <= JSON_NUMBER_MAX))
            return -1;
        add(user, name, (size_t)(end - name), number);
        p = skip_blanks(stop);
        if (*p == '}')
            return *skip_blanks(p + 1) ? -1 : 0;
        if (*p != ',')
            return -1;
    }
}

char *json_unescape(struct arena *a, const char *text, size_t length)
{
    char *out = arena_strndup(a, text, length), *to = out;

    for (const char *p = out; *p; to++) {
        if (*p != '\\') {
            *to = *p++;
        } else if (p[1] == 'u') {
            *to = (char)strtol((char[]){p[4], p[5], '\0'}, NULL, 16);
            p += 6;
        } else {
            *to = p[1] == 'n' ? '\n' : p[1] == 't' ? '\t' : p[1];
            p += 2;
        }
    }
    *to = '\0';
    return out;
}
