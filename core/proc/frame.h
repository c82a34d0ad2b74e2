/* frame.h -- messages between the supervisor and its workers: length-prefixed frames on a
 * socket, and bounds-checked packing of numbers and texts.
 *
 * Room: core/proc.  Stands on core/base.  Same machine, same binary: native byte order. */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "base/error.h"
#include "base/mem.h"

#include <stdbool.h>
#include <sys/types.h>

enum { FRAME_MAX = 1 << 30 }; /* bytes of one message; a larger length is nonsense */

/* Adds a message to b as frame_send would send it. */
tcet_status frame_pack(struct buf *b, uint32_t type, const void *data, size_t n, struct error *err);
/* Sends one frame whole.  TCET_E_IO when the other end is gone. */
tcet_status frame_send(int fd, uint32_t type, const void *data, size_t n, struct error *err);
/* Blocks for one frame; payload replaces *in.  TCET_E_IO at end of file or nonsense. */
tcet_status frame_recv(int fd, uint32_t *type, struct buf *in, struct error *err);
/* Takes one whole frame out of the bytes gathered so far: 1 and *type, *data (borrowed until
 * `gathered` changes), *n, and the frame's length in *used; 0 when incomplete; -1 nonsense. */
int frame_take(const struct buf *gathered, size_t from, uint32_t *type, const char **data,
               size_t *n, size_t *used);

void pack_u32(struct buf *b, uint32_t v);
void pack_i64(struct buf *b, int64_t v);
void pack_f64(struct buf *b, double v);
void pack_text(struct buf *b, const char *text); /* NULL travels as "" */
void pack_f64s(struct buf *b, const double *v, size_t n);

/* Reading: after the first short read everything is 0 and ok is false. */
struct unpack {
    const char *at, *end;
    struct arena *arena; /* texts and arrays are copied here */
    bool ok;
};
struct unpack unpack_from(const void *data, size_t n, struct arena *arena);
uint32_t unpack_u32(struct unpack *u);
int64_t unpack_i64(struct unpack *u);
double unpack_f64(struct unpack *u);
const char *unpack_text(struct unpack *u);
/* A count that must not exceed what `element` bytes each would still fit. */
size_t unpack_count(struct unpack *u, size_t element);
const double *unpack_f64s(struct unpack *u, size_t *n);
tcet_status unpack_done(const struct unpack *u, const char *what, struct error *err);

#endif
