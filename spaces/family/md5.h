/* md5.h -- MD5 (RFC 1321) of a short text, as hexadecimal digits: NAS-Bench-101 names its
 * cells by it.
 * Room: spaces/family.  Stands on libc and libm. */
#ifndef SPACES_MD5_H
#define SPACES_MD5_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MD5_DIGITS = 33 }; /* with the NUL */

static inline void md5_block(uint32_t state[4], const uint8_t *block)
{
    static const uint8_t turn[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], word[16];

    for (int i = 0; i < 16; i++)
        word[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
                  (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    for (int i = 0; i < 64; i++) {
        int round = i / 16, left = turn[round][i % 4];
        int from = round == 0 ? i : round == 1 ? 5 * i + 1 : round == 2 ? 3 * i + 5 : 7 * i;
        uint32_t f = round == 0   ? (b & c) | (~b & d)
                     : round == 1 ? (d & b) | (~d & c)
                     : round == 2 ? b ^ c ^ d
                                  : c ^ (b | ~d);
        uint32_t sum = a + f + (uint32_t)(fabs(sin(i + 1.0)) * 0x1p32) + word[from % 16];

        a = d;
        d = c;
        c = b;
        b += sum << left | sum >> (32 - left);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

static inline void md5_hex(const char *text, char out[MD5_DIGITS])
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    uint8_t tail[128] = {0};
    size_t n = strlen(text), whole = n / 64 * 64, rest = n - whole, end = rest < 56 ? 64 : 128;

    for (size_t i = 0; i < whole; i += 64)
        md5_block(state, (const uint8_t *)text + i);
    memcpy(tail, text + whole, rest);
    tail[rest] = 0x80;
    for (size_t i = 0; i < 8; i++)
        tail[end - 8 + i] = (uint8_t)((uint64_t)n * 8 >> 8 * i);
    for (size_t i = 0; i < end; i += 64)
        md5_block(state, tail + i);
    for (size_t i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", state[i / 4] >> 8 * (i % 4) & 0xff);
}

#endif
