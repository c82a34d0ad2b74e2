/* utf8.c -- see utf8.h.  Room: core/base. */
#include "base/utf8.h"

#include <string.h>

size_t utf8_length(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;

    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    /* overlong forms, surrogates, and what lies above U+10FFFF */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* The sequence of n bytes at p is a control character: of ASCII, or U+0080 to U+009F, which
 * some terminals obey too. */
static int is_control(const char *p, size_t n)
{
    const unsigned char *c = (const unsigned char *)p;

    return n == 1 ? c[0] < 0x20 || c[0] == 0x7f : n == 2 && c[0] == 0xc2 && c[1] < 0xa0;
}

int utf8_line(const char *text)
{
    while (*text) {
        size_t n = utf8_length(text);

        if (!n || (is_control(text, n) && *text != '\t'))
            return 0;
        text += n;
    }
    return 1;
}

char *utf8_clean(char *out, size_t cap, const char *text)
{
    size_t at = 0;

    while (text && *text) {
        size_t n = utf8_length(text);

        if (at + (n ? n : 1) >= cap)
            break;
        if (n && !is_control(text, n)) {
            memcpy(out + at, text, n);
            at += n;
        } else {
            out[at++] = n ? ' ' : '?';
        }
        text += n ? n : 1;
    }
    out[at] = '\0';
    return out;
}

/* U+202A to U+202E and U+2066 to U+2069: what follows is shown in another order than it has. */
static int turns_around(const char *p, size_t n)
{
    const unsigned char *c = (const unsigned char *)p;

    return n == 3 && c[0] == 0xe2 &&
           ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
            (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

void utf8_show(struct buf *b, const char *text, size_t n, const char *keep)
{
    size_t shown = 0; /* bytes before are in b */

    for (size_t i = 0, more; i < n; i += more) {
        char p[5] = {0}; /* a sequence does not go on behind the text's end */
        size_t length;

        memcpy(p, text + i, n - i < 4 ? n - i : 4);
        length = utf8_length(p);
        more = length ? length : 1;
        if (length && !turns_around(p, length) &&
            (!is_control(p, length) || (*p && strchr(keep, *p))))
            continue;
        buf_add(b, text + shown, i - shown);
        for (size_t k = 0; k < more; k++)
            buf_printf(b, "\\x%02x", (unsigned char)p[k]);
        shown = i + more;
    }
    buf_add(b, text + shown, n - shown);
}
