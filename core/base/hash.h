/* hash.h -- FNV-1a, 64 bits: finds what changed by accident, not what somebody forged.
 *
 * Room: core/base. */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

/* Goes on with `hash` (FNV_START at first) over n bytes. */
static inline uint64_t fnv(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
