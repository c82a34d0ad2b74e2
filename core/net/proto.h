/* proto.h -- protobuf's wire format, as much as an ONNX file needs.  Room: core/net. */
#ifndef CORE_NET_PROTO_H
#define CORE_NET_PROTO_H

#include "base/mem.h"

#include <string.h>

enum { PROTO_VARINT = 0, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

static inline void proto_varint(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_add(b, &(unsigned char){(unsigned char)(v | 0x80)}, 1);
    buf_add(b, &(unsigned char){(unsigned char)v}, 1);
}

static inline void proto_int(struct buf *b, uint32_t field, int64_t v)
{
    proto_varint(b, field << 3 | PROTO_VARINT);
    proto_varint(b, (uint64_t)v);
}

static inline void proto_float(struct buf *b, uint32_t field, float v)
{
    proto_varint(b, field << 3 | PROTO_FIXED32);
    buf_add(b, &v, sizeof v);
}

static inline void proto_bytes(struct buf *b, uint32_t field, const void *data, size_t n)
{
    proto_varint(b, field << 3 | PROTO_BYTES);
    proto_varint(b, n);
    buf_add(b, data, n);
}

static inline void proto_text(struct buf *b, uint32_t field, const char *text)
{
    proto_bytes(b, field, text, strlen(text));
}

/* A message, which is empty afterwards. */
static inline void proto_message(struct buf *b, uint32_t field, struct buf *message)
{
    proto_bytes(b, field, message->len ? message->data : "", message->len);
    buf_free(message);
    *message = (struct buf){0};
}

#endif
