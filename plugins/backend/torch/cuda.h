/* cuda.h -- the kernels of cuda_kernels.inc on a CUDA device: compiled by NVRTC, launched by the driver.
 *
 * Room: plugins/backend/torch.  Both libraries are opened when they are first needed, by their names: a build
 * needs neither their headers nor them. */
#ifndef BACKEND_TORCH_CUDA_H
#define BACKEND_TORCH_CUDA_H

#include "cuda_args.h"
#include "torch_shim.h"

enum cuda_kernel {
#define CUDA_NAME(name) CUDA_##name,
    CUDA_KERNELS(CUDA_NAME) CUDA_KERNEL_COUNT
#undef CUDA_NAME
};

/* Bytes of device memory that a stream's kernels need beside their arguments (d->scratch), zeroed once. */
enum { CUDA_SCRATCH = CUDA_PARTS * 8 + CUDA_COLUMNS * 4 };

/* Blocks of a launch, and threads of a block, by x and y. */
struct cuda_grid {
    unsigned int blocks[2], threads[2];
};

/* Finds both libraries for d's device and d's type; nothing is compiled yet.  Returns 0, or a negative status with
 * d->message.  *out is the caller's, to be put in d->code of every device of the same index and type. */
int cuda_open(struct ts_device *d, struct cuda_code **out);
void cuda_close(struct cuda_code *c);

/* Queues a kernel behind what d's stream has; `argument` is read before this returns.  The first call compiles.
 * Returns 0, or a negative status with d->message. */
int cuda_launch(struct ts_device *d, enum cuda_kernel kernel, const struct cuda_grid *grid,
                void *argument);

#endif
