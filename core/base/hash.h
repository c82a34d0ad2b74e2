/* hash.h -- FNV-1a, 64 bits, and ZIP's CRC-32: they find what changed by accident, not what somebody
 * forged.
 *
 * Room: core/base. */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* Goes on with `hash` (FNV_START at first) over n bytes. */
static inline uint64_t fnv(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * FNV_PRIME;
    return hash;
}

/* CRC-32 of n bytes as ZIP, PNG and zlib have it. */
static inline uint32_t crc32(const void *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data;
    uint32_t table[256], crc = 0xffffffffu;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
    return ~crc;
}

#endif
