/* cuda_emulated_device.c -- in place of cuda.c in the copy of the torch backend whose CUDA device is emulated: what
 * a launch would do is done.  Room: tests. */
#include "cuda_emulated.h"

/* How many kernels were launched; for tests, by dlsym. */
__attribute__((visibility("default"))) int64_t tcet_test_launches;

struct cuda_code {
    int unused;
};

int cuda_open(struct ts_device *d, struct cuda_code **out)
{
    static struct cuda_code code;

    (void)d;
    *out = &code;
    return 0;
}

void cuda_close(struct cuda_code *c)
{
    (void)c;
}

int cuda_launch(struct ts_device *d, enum cuda_kernel kernel, const struct cuda_grid *grid,
                void *argument)
{
    (d->f64 ? cuda_emulated_double : cuda_emulated_float)(kernel, grid, argument);
    tcet_test_launches++;
    return 0;
}
