/* nb1shot1_1.c -- search space 1 of NAS-Bench-1Shot1: 14,580 cells, 2,685 of them different
 * (Zela et al., ICLR 2020).
 * Room: spaces.  Stands on the SDK and spaces/family. */
#define NB1SHOT1_ID       "nb1shot1_1"
#define NB1SHOT1_SUMMARY  "NAS-Bench-1Shot1 space 1: 14,580 cells, 2,685 different networks"
#define NB1SHOT1_VERTICES 6
#define NB1SHOT1_PARENTS \
    {                    \
        0, 1, 2, 2, 2, 2 \
    }
#define NB1SHOT1_SIZES             \
    {                              \
        1, 1, 3, 6, 10, 3, 3, 3, 3 \
    }

#include "family/nb1shot1.h"
