/* kernels_isa.h -- the instruction sets that kernels.c is compiled for.
 * Room: plugins/backend/torch. */
#ifndef BACKEND_TORCH_KERNELS_ISA_H
#define BACKEND_TORCH_KERNELS_ISA_H

#include "kernels.h"

const struct kernels *kernels_baseline(int32_t f64);
const struct kernels *kernels_avx2(int32_t f64);
const struct kernels *kernels_avx512(int32_t f64);

/* KERNELS_ISA is baseline, avx2 or avx512. */
#ifdef KERNELS_ISA
#define KERNELS_PASTE_(isa) kernels_##isa
#define KERNELS_PASTE(isa)  KERNELS_PASTE_(isa)
#define KERNELS_NAME        KERNELS_PASTE(KERNELS_ISA)
#define KERNELS_TEXT_(isa)  #isa
#define KERNELS_TEXT(isa)   KERNELS_TEXT_(isa)
#endif

#endif
