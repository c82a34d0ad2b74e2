/* memory.h -- counted numbers in the device's memory.
 * Room: plugins/backend/torch. */
#ifndef BACKEND_TORCH_MEMORY_H
#define BACKEND_TORCH_MEMORY_H

#include "torch_shim.h"

struct job;

/* Numbers in the device's memory, counted. */
struct memory {
    void *data;
    size_t bytes;
    size_t used;      /* of a job's blocks: how many are given away */
    ts_tensor *owner; /* NULL: from the pool */
    int32_t refs;
    ts_tensor *mirror; /* CUDA, while layers are visited: its copy on the host, NULL */
    void *host;
};

/* What a job's memory is for: the device's work, or also the layers, who read it on the host. */
enum use { USE_WORK, USE_SHOW, USES };

/* `bytes` bytes, one reference, the caller's; NULL after job_fail. */
struct memory *memory_new(struct job *j, size_t bytes);
/* The same of a tensor of libtorch's, which it takes, and whose numbers are at `data`. */
struct memory *memory_adopt(struct job *j, ts_tensor *t, void *data);
/* One more reference; returns m. */
struct memory *memory_ref(struct memory *m);
/* One reference less, the last of which frees it; m may be NULL. */
void memory_drop(struct memory *m);
/* Zeroed memory that lives as long as the job; NULL after job_fail.  On a CUDA device, where each block costs
 * a launch to clear and one to copy, many requests share a block. */
void *job_alloc(struct job *j, enum use use, size_t bytes);

#endif
