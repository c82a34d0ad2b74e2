/* lines.c -- see lines.h.  Room: core/search. */
#include "search/lines.h"

#include "base/csv.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

void line_header(const struct search_settings *s, const char *accuracy, struct buf *out)
{
    buf_puts(out, "seed,ask,arch,parents,origin,status,score");
    for (size_t i = 1; i < s->objective_count; i++) {
        buf_puts(out, ",");
        csv_write(out, s->objective[i].written);
    }
    buf_puts(out, ",params,macs,size,layers,flops,best,");
    csv_write(out, *accuracy ? accuracy : "accuracy");
    buf_puts(out, "\n");
}

/* Digits of a whole number. */
static void put_i64(struct buf *out, int64_t v)
{
    char digits[24], *p = digits + sizeof digits;
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do
        *--p = (char)('0' + left % 10);
    while (left /= 10);
    if (v < 0)
        *--p = '-';
    buf_add(out, p, (size_t)(digits + sizeof digits - p));
}

/* A comma and a number; nothing behind it where there is none. */
static void put_f64(struct buf *out, double v)
{
    char text[32];

    buf_puts(out, ",");
    if (isnan(v))
        return;
    if (v == floor(v) && fabs(v) < 1e15 && (v != 0 || !signbit(v)))
        put_i64(out, (int64_t)v);
    else
        buf_puts(out, text_f64(text, v));
}

void line_write(const struct line *l, struct buf *out)
{
    put_i64(out, l->seed);
    buf_puts(out, ",");
    put_i64(out, l->ask);
    buf_puts(out, ",");
    csv_write(out, l->arch);
    buf_puts(out, ",");
    for (int i = 0; i < 2; i++) {
        if (!l->parents[i])
            continue;
        buf_puts(out, i && l->parents[0] ? " " : "");
        put_i64(out, l->parents[i]);
    }
    buf_puts(out, ",");
    buf_puts(out, l->origin);
    buf_puts(out, ",");
    buf_puts(out, l->status);
    for (size_t i = 0; i < l->value_count; i++)
        put_f64(out, l->values[i]);
    put_f64(out, l->params);
    put_f64(out, l->macs);
    put_f64(out, l->counts.of[COUNT_SIZE]);
    put_f64(out, l->counts.of[COUNT_LAYERS]);
    put_f64(out, l->counts.of[COUNT_FLOPS]);
    put_f64(out, l->best);
    put_f64(out, l->accuracy);
    buf_puts(out, "\n");
}

size_t line_split(char *text, const char **field, size_t n)
{
    size_t count = 0;

    for (char *from = text; from && count < n;) {
        char *to = from, *start = from;

        if (*from == '"') {
            for (from++; *from && (*from != '"' || from[1] == '"'); from++) {
                from += *from == '"';
                *to++ = *from;
            }
            from += *from == '"';
        } else {
            to = from += strcspn(from, ",");
        }
        from = *from == ',' ? from + 1 : NULL;
        *to = '\0';
        field[count++] = start + csv_is_shielded(start);
    }
    return count;
}
