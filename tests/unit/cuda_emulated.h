/* cuda_emulated.h -- the kernels of a CUDA device on the CPU: a block after the other, its threads as fibers that
 * stop at each barrier.  Room: tests. */
#ifndef TESTS_CUDA_EMULATED_H
#define TESTS_CUDA_EMULATED_H

#include "../../plugins/backend/torch/cuda.h"

/* Runs a kernel to its end; fails the process where threads of a block wait at different numbers of barriers. */
void cuda_emulated_float(enum cuda_kernel kernel, const struct cuda_grid *grid,
                         const void *argument);
void cuda_emulated_double(enum cuda_kernel kernel, const struct cuda_grid *grid,
                          const void *argument);

#endif
