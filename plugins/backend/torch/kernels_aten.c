/* kernels_aten.c -- the plain table (libtorch calls, any device), and the choice of one.
 * Room: plugins/backend/torch. */
#include "kernels_isa.h"

#define ATEN_TABLE(type)                                                                           \
    {                                                                                              \
        .name = "aten", .f64 = (type), .packs = 0, .load = ts_load, .to_nchw = ts_to_nchw,         \
        .from_nchw = ts_from_nchw, .combine = ts_combine, .gather = ts_gather,                     \
        .norm_train = ts_norm_train, .norm_eval = ts_norm_eval, .norm_slope = ts_norm_slope,       \
        .avg_pool = ts_avg_pool, .avg_pool_back = ts_avg_pool_back, .max_pool = ts_max_pool,       \
        .max_pool_back = ts_max_pool_back, .global_pool = ts_global_pool,                          \
        .global_pool_back = ts_global_pool_back, .plain = ts_plain_step, .multiply = ts_multiply,  \
        .multiply_back = ts_multiply_back, .window = ts_window_copy, .zero = ts_zero,              \
        .loss = ts_loss_back, .soft_loss = ts_soft_loss, .add_sums = ts_add_sums, .clip = ts_clip, \
        .update = ts_update_step, .average = ts_average, .agreement = ts_agreement,                \
    }

static const struct kernels aten[2] = {ATEN_TABLE(0), ATEN_TABLE(1)};

const struct kernels *kernels_aten(int32_t f64)
{
    return &aten[f64 != 0];
}

const struct kernels *kernels_cpu(int32_t which, int32_t f64)
{
    which = which == KERNELS_OWN ? KERNELS_AUTO : which;
#if defined(TCET_KERNELS_X86)
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");

    if (which == KERNELS_AVX512 || (which == KERNELS_AUTO && avx512))
        return avx512 ? kernels_avx512(f64) : NULL;
    if (which == KERNELS_AVX2 || (which == KERNELS_AUTO && avx2))
        return avx2 ? kernels_avx2(f64) : NULL;
#endif
    return which == KERNELS_AUTO || which == KERNELS_BASELINE ? kernels_baseline(f64) : NULL;
}
