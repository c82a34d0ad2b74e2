/* md5.h -- MD5 (RFC 1321) of a short text, as hexadecimal digits: NAS-Bench-101 names its
 * cells by it.
 * Room: spaces/family.  Stands on libc. */
#ifndef SPACES_MD5_H
#define SPACES_MD5_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MD5_DIGITS = 33 }; /* with the NUL */

void md5_hex(const char *text, char out[MD5_DIGITS]);

#endif
