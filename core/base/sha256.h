/* sha256.h -- SHA-256 (FIPS 180-4) of bytes and files.  Room: core/base. */
#ifndef CORE_SHA256_H
#define CORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sha256 {
    uint32_t state[8];
    uint64_t bytes; /* taken so far */
    unsigned char block[64];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t n);
/* Writes 64 lower-case hex digits and a NUL; the state is used up. */
void sha256_hex(struct sha256 *s, char out[65]);

enum { SHA256_CODE_MAX = 1 << 30 }; /* of a plugin's file */
/* Digest of a whole regular file of at most max bytes.  Errors name the file (file_open). */
tcet_status sha256_file(const char *path, int64_t max, char out[65], struct error *err);

#endif
