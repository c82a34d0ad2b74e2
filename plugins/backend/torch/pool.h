/* pool.h -- CPU memory that is kept for the next network.
 *
 * Room: plugins/backend/torch; stands on libc.  Freed blocks wait in lists by size, so that
 * activations of a thousand networks fault their pages in once.  Held back at most: twice
 * what was ever in use at one time, and 64 MiB.  Any thread. */
#ifndef BACKEND_TORCH_POOL_H
#define BACKEND_TORCH_POOL_H

#include <stddef.h>

/* 64-byte aligned, contents undefined; NULL when there is none. */
void *pool_get(size_t bytes);
/* NULL is ignored. */
void pool_put(void *data);

#endif
