/* link.c -- see link.h.  Room: core/run. */
#include "run/link.h"

#include "proc/frame.h"

#include <string.h>

/* The next whole frame among the bytes that were read. */
static int next_frame(struct link *l, uint32_t *type, const char **data, size_t *n)
{
    struct buf *in = &l->child.in;
    size_t used;
    int got = frame_take(in, l->read, type, data, n, &used);

    if (got > 0) {
        l->read += used;
    } else if (got == 0 && l->read) {
        memmove(in->data, in->data + l->read, in->len - l->read);
        in->len -= l->read;
        l->read = 0;
    }
    return got;
}

int link_frame(struct link *l, uint32_t *type, const char **data, size_t *n)
{
    int got = next_frame(l, type, data, n), gone;

    if (got)
        return got;
    gone = child_read(&l->child) < 0;
    got = next_frame(l, type, data, n);
    return got == 0 && gone ? LINK_OVER : got;
}
