/* nb1shot1_3.c -- search space 3 of NAS-Bench-1Shot1: 1,312,200 cells, 55,854 of them different
 * (Zela et al., ICLR 2020).
 * Room: spaces.  Stands on the SDK and spaces/family. */
#define NB1SHOT1_ID       "nb1shot1_3"
#define NB1SHOT1_SUMMARY  "NAS-Bench-1Shot1 space 3: 1,312,200 cells, 55,854 different networks"
#define NB1SHOT1_VERTICES 7
#define NB1SHOT1_PARENTS    \
    {                       \
        0, 1, 1, 1, 2, 2, 2 \
    }
#define NB1SHOT1_SIZES                    \
    {                                     \
        1, 2, 3, 6, 10, 15, 3, 3, 3, 3, 3 \
    }

#include "family/nb1shot1.h"
