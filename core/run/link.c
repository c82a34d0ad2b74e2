/* link.c -- see link.h.  Room: core/run. */
#include "run/link.h"

#include "proc/frame.h"

#include <string.h>

int link_next(struct link *l, uint32_t *type, const char **data, size_t *n)
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
