/* cuda_emulated.c -- see cuda_emulated.h; compiled once a type: NUM, and EMULATED, the function's name.
 * Room: tests. */
#include "cuda_emulated.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

/* Of a function that jumps away: no frame that is left ends, so that its memory need not be cleared. */
#define JUMPS __attribute__((noinline, no_sanitize("address")))

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size) \
    ((void)(save), (void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(save, bottom, size) \
    ((void)(save), (void)(bottom), (void)(size))
#endif

enum { STACK = 1 << 16 };

/* A thread of the block in hand, with a stack that serves one block after the other.  Threads change by GCC's
 * setjmp and longjmp, since swapcontext() asks the kernel for the signals' mask each time. */
struct fiber {
    void *at[5];
    void *fake;
    char *stack; /* NULL: it has not begun */
    int ended;
};

static struct {
    unsigned int x, y, z;
} threadIdx, blockIdx, blockDim, gridDim;

static struct fiber fibers[CUDA_THREADS], *running;
static void *scheduler[5];
static void *scheduler_fake;
static const void *scheduler_bottom;
static size_t scheduler_size;
static enum cuda_kernel kernel_now;
static const void *argument_now;

static JUMPS void to_scheduler(void)
{
    if (!running) {
        fprintf(stderr, "has_barriers: a kernel with barriers is not listed\n");
        abort();
    }
    __sanitizer_start_switch_fiber(&running->fake, scheduler_bottom, scheduler_size);
    if (!__builtin_setjmp(running->at))
        __builtin_longjmp(scheduler, 1);
    __sanitizer_finish_switch_fiber(running->fake, &scheduler_bottom, &scheduler_size);
}

static void __syncthreads(void)
{
    to_scheduler();
}

static void __threadfence(void)
{
}

#define KERNEL static void
#define DEVICE static inline
#define SHARED static
#define UNROLL
#define __popc __builtin_popcount
#define atomicAdd(to, more)               \
    __extension__({                       \
        __typeof__(*(to)) before = *(to); \
        *(to) += (more);                  \
        before;                           \
    })

#define ALIGNED
#define BOUNDS(threads, blocks)
#include "../../plugins/backend/torch/cuda_kernels.inc"
#include "../../plugins/backend/torch/cuda_conv.inc"

/* Each kernel, with its argument's type. */
static void call(void)
{
    switch (kernel_now) {
#define CASE(name, type) \
    case CUDA_##name: name(*(const struct type *)argument_now); break
        CASE(combine, cuda_combine);
        CASE(gather, cuda_gather);
        CASE(gather_sums, cuda_gather);
        CASE(norm_train, cuda_norm);
        CASE(norm_eval, cuda_norm);
        CASE(norm_slope, cuda_norm);
        CASE(max_pool, cuda_pool);
        CASE(max_pool_back, cuda_pool);
        CASE(avg_pool, cuda_pool);
        CASE(avg_pool_back, cuda_pool);
        CASE(total, cuda_total);
        CASE(multiply, cuda_multiply);
        CASE(window, cuda_window);
        CASE(signs, cuda_agreement);
        CASE(agree, cuda_agreement);
        CASE(soft_loss, cuda_loss);
        CASE(class_loss, cuda_loss);
        CASE(add_sums, cuda_add);
        CASE(update, cuda_update);
        CASE(average, cuda_update);
        CASE(filters, cuda_filters);
        CASE(conv_16, cuda_conv);
        CASE(conv_32, cuda_conv);
        CASE(conv_64, cuda_conv);
        CASE(conv_128, cuda_conv);
        CASE(back_16, cuda_conv);
        CASE(back_32, cuda_conv);
        CASE(back_64, cuda_conv);
        CASE(back_128, cuda_conv);
        CASE(weigh_16, cuda_weigh);
        CASE(weigh_32, cuda_weigh);
        CASE(weigh_64, cuda_weigh);
        CASE(weigh_128, cuda_weigh);
        CASE(add_parts, cuda_weigh);
    default: abort();
    }
}

/* One block after the other. */
static void fiber_main(void)
{
    __sanitizer_finish_switch_fiber(NULL, &scheduler_bottom, &scheduler_size);
    for (;;) {
        call();
        running->ended = 1;
        to_scheduler();
    }
}

/* On a stack of its own. */
static void begin(struct fiber *f)
{
    static char stacks[CUDA_THREADS][STACK] __attribute__((aligned(64)));
    static ucontext_t first;

    f->stack = stacks[f - fibers];
    getcontext(&first);
    first.uc_stack.ss_sp = f->stack;
    first.uc_stack.ss_size = STACK;
    first.uc_link = NULL;
    makecontext(&first, fiber_main, 0);
    __sanitizer_start_switch_fiber(&scheduler_fake, f->stack, STACK);
    setcontext(&first);
}

/* On with it, to its next barrier or end. */
static JUMPS void go_on(struct fiber *f)
{
    __sanitizer_start_switch_fiber(&scheduler_fake, f->stack, STACK);
    __builtin_longjmp(f->at, 1);
}

/* Each thread to its next barrier or its end, forwards and backwards in turn, so that a missing barrier shows;
 * returns how many are not at their end. */
static unsigned int step(unsigned int threads)
{
    static int backwards;
    unsigned int left = 0;

    backwards = !backwards;
    for (unsigned int k = 0; k < threads; k++) {
        unsigned int t = backwards ? threads - 1 - k : k;

        running = &fibers[t];
        if (running->ended)
            continue;
        threadIdx.x = t % blockDim.x;
        threadIdx.y = t / blockDim.x;
        if (!__builtin_setjmp(scheduler)) {
            if (running->stack)
                go_on(running);
            else
                begin(running);
        }
        __sanitizer_finish_switch_fiber(scheduler_fake, NULL, NULL);
        left += !running->ended;
    }
    return left;
}

/* Kernels without barriers need no fibers. */
static int has_barriers(void)
{
    switch (kernel_now) {
    case CUDA_gather_sums:
    case CUDA_norm_train:
    case CUDA_total:
    case CUDA_agree:
    case CUDA_soft_loss: return 1;
    default: return kernel_now >= CUDA_conv_16 && kernel_now <= CUDA_weigh_128;
    }
}

static void run_block(void)
{
    unsigned int threads = blockDim.x * blockDim.y, left;

    for (unsigned int t = 0; t < threads && !has_barriers(); t++) {
        threadIdx.x = t % blockDim.x;
        threadIdx.y = t / blockDim.x;
        running = NULL;
        call();
    }
    if (!has_barriers())
        return;
    for (unsigned int t = 0; t < threads; t++)
        fibers[t].ended = 0;
    do
        left = step(threads);
    while (left == threads);
    if (left > 0) {
        fprintf(stderr, "a kernel's threads do not all come to a barrier\n");
        abort();
    }
}

void EMULATED(enum cuda_kernel kernel, const struct cuda_grid *grid, const void *argument)
{
    kernel_now = kernel;
    argument_now = argument;
    gridDim.x = grid->blocks[0];
    gridDim.y = grid->blocks[1];
    blockDim.x = grid->threads[0];
    blockDim.y = grid->threads[1];
    for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++) {
        for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)
            run_block();
    }
}
