/* wire.h -- protobuf's wire format, one field at a time, without a copy.  Room: spaces/onnx. */
#ifndef SPACES_ONNX_WIRE_H
#define SPACES_ONNX_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* What is left of a message. */
struct wire {
    const unsigned char *at, *end;
};

struct wire_field {
    uint32_t number, type;
    uint64_t value;   /* of a number */
    struct wire body; /* of WIRE_BYTES */
};

/* A varint of at most ten bytes; 0 where the message ends within it. */
static inline int wire_varint(struct wire *w, uint64_t *out)
{
    uint64_t v = 0;

    for (int shift = 0; shift < 70 && w->at < w->end; shift += 7) {
        unsigned char byte = *w->at++;

        if (shift < 64)
            v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = v;
            return 1;
        }
    }
    return 0;
}

/* A number of n bytes, little-endian. */
static inline int wire_fixed(struct wire *w, size_t n, uint64_t *out)
{
    if ((size_t)(w->end - w->at) < n)
        return 0;
    *out = 0;
    for (size_t i = 0; i < n; i++)
        *out |= (uint64_t)*w->at++ << 8 * i;
    return 1;
}

/* 1: a field; 0: the end; -1: this is no protobuf message. */
static inline int wire_next(struct wire *w, struct wire_field *f)
{
    uint64_t key, size;
    int good = 0;

    if (w->at == w->end)
        return 0;
    if (!wire_varint(w, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff)
        return -1;
    f->number = (uint32_t)(key >> 3);
    f->type = key & 7;
    f->value = 0;
    f->body = (struct wire){w->at, w->at};
    switch (f->type) {
    case WIRE_VARINT: good = wire_varint(w, &f->value); break;
    case WIRE_64: good = wire_fixed(w, 8, &f->value); break;
    case WIRE_32: good = wire_fixed(w, 4, &f->value); break;
    case WIRE_BYTES:
        good = wire_varint(w, &size) && size <= (uint64_t)(w->end - w->at);
        if (good) {
            f->body = (struct wire){w->at, w->at + size};
            w->at += size;
        }
        break;
    default: break;
    }
    return good ? 1 : -1;
}

static inline float wire_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float out;

    memcpy(&out, &low, sizeof out);
    return out;
}

#endif
