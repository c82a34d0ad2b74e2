/* tcet/draft/json.h -- JSON as a stream of events, for files too large for a tree and for encodings
 * that are JSON.
 *
 * Room: sdk.  A help for C plugins, no part of the ABI.  Needs no memory but what it is given, reads
 * each byte once, and bounds everything: texts by the buffer for them, nesting by TCET_JSON_DEPTH.
 * Beside JSON it takes what Python writes: NaN, Infinity and -Infinity.  [any] for distinct readers.
 *
 *     char text[64];
 *     tcet_json j = tcet_json_of("{\"a\": [1, 2]}", 13, text, sizeof text);
 *     while (tcet_json_next(&j) > TCET_JSON_END) ... j.text
 *
 * A file: also set read, user, buffer and buffer_size. */
#ifndef TCET_DRAFT_JSON_H
#define TCET_DRAFT_JSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TCET_JSON_DEPTH 64 /* lists and objects within each other */

/* What tcet_json_next() found.  END: the one value was read, and nothing but blanks is left. */
enum {
    TCET_JSON_ERROR = -1, /* error says why, position where; so from now on */
    TCET_JSON_END = 0,
    TCET_JSON_OBJECT = 1,
    TCET_JSON_OBJECT_END = 2,
    TCET_JSON_LIST = 3,
    TCET_JSON_LIST_END = 4,
    TCET_JSON_NAME = 5,   /* of a member: its value comes next */
    TCET_JSON_STRING = 6, /* text: without its escapes */
    TCET_JSON_NUMBER = 7, /* text: as it stands */
    TCET_JSON_WORD = 8    /* text: true, false or null */
};

/* What may come: private. */
enum { TCET_JSON_WANT_VALUE, TCET_JSON_WANT_FIRST, TCET_JSON_WANT_NAME, TCET_JSON_WANT_COMMA };

typedef struct tcet_json {
    /* More bytes into buffer: how many, 0 at the end, less than 0 where reading failed. */
    int64_t (*read)(void *user, char *buffer, size_t size);
    void *user;
    char *buffer;
    size_t buffer_size;

    char *text; /* of the event, with a NUL */
    size_t text_size, length;
    const char *error;
    int64_t position; /* of the event's first byte, from 1 */
    int64_t line;     /* that it stands in, from 1 */
    int32_t depth;    /* lists and objects that are open */

    int32_t want;
    const char *at, *stop;
    int64_t taken;    /* bytes */
    uint64_t objects; /* bit i: what is open at depth i is an object */
} tcet_json;

static inline tcet_json tcet_json_of(const char *json, size_t bytes, char *text, size_t text_size)
{
    tcet_json j = {NULL, NULL, NULL, 0, text, text_size, 0, NULL, 0, 1, 0, 0, json, json, 0, 0};

    j.stop = json + bytes;
    return j;
}

static inline int tcet_json_fail(tcet_json *j, const char *why)
{
    if (!j->error) {
        j->error = why;
        j->position = j->taken + 1;
    }
    return TCET_JSON_ERROR;
}

/* The next byte, -1 at the end. */
static inline int tcet_json_peek(tcet_json *j)
{
    int64_t got;

    if (j->at < j->stop)
        return (unsigned char)*j->at;
    if (!j->read || j->error)
        return -1;
    got = j->read(j->user, j->buffer, j->buffer_size);
    if (got < 0)
        tcet_json_fail(j, "cannot be read");
    if (got <= 0) {
        j->read = NULL;
        return -1;
    }
    j->at = j->buffer;
    j->stop = j->buffer + got;
    return (unsigned char)*j->at;
}

static inline void tcet_json_take(tcet_json *j)
{
    j->line += *j->at == '\n';
    j->at++;
    j->taken++;
}

static inline int tcet_json_skip_blanks(tcet_json *j)
{
    int c;

    while ((c = tcet_json_peek(j)) == ' ' || c == '\n' || c == '\r' || c == '\t')
        tcet_json_take(j);
    return c;
}

static inline void tcet_json_put(tcet_json *j, unsigned c)
{
    if (j->length + 1 < j->text_size)
        j->text[j->length++] = (char)c;
    else
        tcet_json_fail(j, "a name, string or number that is longer than any expected here");
}

/* Four hexadecimal digits; -1 where they are not there. */
static inline int32_t tcet_json_hex(tcet_json *j)
{
    int32_t value = 0;

    for (int i = 0; i < 4; i++) {
        int c = tcet_json_peek(j);

        if (c >= '0' && c <= '9')
            value = value * 16 + c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            value = value * 16 + (c | 32) - 'a' + 10;
        else
            return -1;
        tcet_json_take(j);
    }
    return value;
}

/* A code point behind \u, in two halves where it is beyond 65,535, as UTF-8. */
static inline void tcet_json_unicode(tcet_json *j)
{
    int32_t c = tcet_json_hex(j), low = 0;

    if (c >= 0xd800 && c < 0xdc00 && tcet_json_peek(j) == '\\') {
        tcet_json_take(j);
        if (tcet_json_peek(j) == 'u') {
            tcet_json_take(j);
            low = tcet_json_hex(j);
        }
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + low - 0xdc00 : -1;
    }
    if (c <= 0 || (c >= 0xd800 && c < 0xe000)) {
        tcet_json_fail(j, "no character's \\u escape");
        return;
    }
    if (c < 0x80) {
        tcet_json_put(j, (unsigned)c);
        return;
    }
    if (c < 0x800) {
        tcet_json_put(j, 0xc0u | (unsigned)c >> 6);
    } else {
        if (c < 0x10000) {
            tcet_json_put(j, 0xe0u | (unsigned)c >> 12);
        } else {
            tcet_json_put(j, 0xf0u | (unsigned)c >> 18);
            tcet_json_put(j, 0x80u | ((unsigned)c >> 12 & 63u));
        }
        tcet_json_put(j, 0x80u | ((unsigned)c >> 6 & 63u));
    }
    tcet_json_put(j, 0x80u | ((unsigned)c & 63u));
}

/* From the opening quote to the closing one. */
static inline void tcet_json_string(tcet_json *j)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c;

    j->length = 0;
    tcet_json_take(j);
    while (!j->error && (c = tcet_json_peek(j)) != '"') {
        int i = 0;

        if (c < ' ') {
            tcet_json_fail(j, c < 0 ? "the string is not closed" : "a control character");
            return;
        }
        tcet_json_take(j);
        if (c != '\\') {
            tcet_json_put(j, (unsigned)c);
            continue;
        }
        c = tcet_json_peek(j);
        while (from[i] && from[i] != c)
            i++;
        if (c != 'u' && !from[i]) {
            tcet_json_fail(j, "no escape of JSON");
            return;
        }
        tcet_json_take(j);
        if (c == 'u')
            tcet_json_unicode(j);
        else
            tcet_json_put(j, (unsigned char)to[i]);
    }
    if (!j->error)
        tcet_json_take(j);
    j->text[j->length] = '\0';
}

static inline int tcet_json_is(const tcet_json *j, const char *word)
{
    size_t i = 0;

    while (word[i] && word[i] == j->text[i])
        i++;
    return !word[i] && i == j->length;
}

static inline const char *tcet_json_digits(const char *p, int *ok)
{
    *ok = *ok && *p >= '0' && *p <= '9';
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* A number, or one of the words. */
static inline int tcet_json_scalar(tcet_json *j)
{
    const char *p;
    int c, ok = 1;

    j->length = 0;
    while (!j->error && ((c = tcet_json_peek(j)) == '-' || c == '+' || c == '.' ||
                         (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'))) {
        tcet_json_put(j, (unsigned)c);
        tcet_json_take(j);
    }
    j->text[j->length] = '\0';
    if (j->error)
        return TCET_JSON_ERROR;
    if (tcet_json_is(j, "true") || tcet_json_is(j, "false") || tcet_json_is(j, "null"))
        return TCET_JSON_WORD;
    if (tcet_json_is(j, "NaN") || tcet_json_is(j, "Infinity") || tcet_json_is(j, "-Infinity"))
        return TCET_JSON_NUMBER;
    p = j->text + (*j->text == '-');
    p = *p == '0' ? p + 1 : tcet_json_digits(p, &ok);
    if (*p == '.')
        p = tcet_json_digits(p + 1, &ok);
    if (*p == 'e' || *p == 'E')
        p = tcet_json_digits(p + 1 + (p[1] == '-' || p[1] == '+'), &ok);
    if (ok && !*p)
        return TCET_JSON_NUMBER;
    return tcet_json_fail(j, j->length ? "neither a number nor true, false or null"
                                       : "a value is expected");
}

static inline int tcet_json_open(tcet_json *j, int object)
{
    if (j->depth == TCET_JSON_DEPTH)
        return tcet_json_fail(j, "more than 64 lists and objects within each other");
    tcet_json_take(j);
    j->objects &= ~(UINT64_C(1) << j->depth);
    j->objects |= (uint64_t)object << j->depth++;
    j->want = TCET_JSON_WANT_FIRST;
    return object ? TCET_JSON_OBJECT : TCET_JSON_LIST;
}

static inline int tcet_json_next(tcet_json *j)
{
    int in = j->depth > 0, object = in && j->objects >> (j->depth - 1) & 1, c;

    if (j->error)
        return TCET_JSON_ERROR;
    c = tcet_json_skip_blanks(j);
    if (!in && j->want == TCET_JSON_WANT_COMMA)
        return c < 0 && !j->error ? TCET_JSON_END
                                  : tcet_json_fail(j, "nothing is expected behind the value");
    if (in && c == (object ? '}' : ']') &&
        (j->want == TCET_JSON_WANT_FIRST || j->want == TCET_JSON_WANT_COMMA)) {
        j->position = j->taken + 1;
        tcet_json_take(j);
        j->depth--;
        j->want = TCET_JSON_WANT_COMMA;
        return object ? TCET_JSON_OBJECT_END : TCET_JSON_LIST_END;
    }
    if (in && j->want == TCET_JSON_WANT_COMMA) {
        if (c != ',')
            return tcet_json_fail(j, object ? "',' or '}' is expected" : "',' or ']' is expected");
        tcet_json_take(j);
        c = tcet_json_skip_blanks(j);
        j->want = object ? TCET_JSON_WANT_NAME : TCET_JSON_WANT_VALUE;
    }
    j->position = j->taken + 1;
    if (object && j->want != TCET_JSON_WANT_VALUE) {
        if (c != '"')
            return tcet_json_fail(j, "a name in quotes is expected");
        tcet_json_string(j);
        if (j->error)
            return TCET_JSON_ERROR;
        if (tcet_json_skip_blanks(j) != ':')
            return tcet_json_fail(j, "':' is expected");
        tcet_json_take(j);
        j->want = TCET_JSON_WANT_VALUE;
        return TCET_JSON_NAME;
    }
    if (c == '{' || c == '[')
        return tcet_json_open(j, c == '{');
    j->want = TCET_JSON_WANT_COMMA;
    if (c != '"')
        return tcet_json_scalar(j);
    tcet_json_string(j);
    return j->error ? TCET_JSON_ERROR : TCET_JSON_STRING;
}

/* Reads on to the end of the value of which `event` is the beginning; the last event, or
 * TCET_JSON_ERROR. */
static inline int tcet_json_skip(tcet_json *j, int event)
{
    int32_t depth = j->depth;

    if (event == TCET_JSON_OBJECT || event == TCET_JSON_LIST)
        while (j->depth >= depth && event > TCET_JSON_END)
            event = tcet_json_next(j);
    return event;
}

#ifdef __cplusplus
}
#endif
#endif
