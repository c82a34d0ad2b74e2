/* nb1shot1_2.c -- search space 2 of NAS-Bench-1Shot1: 29,160 cells, 7,773 of them different
 * (Zela et al., ICLR 2020).
 * Room: spaces.  Stands on the SDK and spaces/family. */
#define NB1SHOT1_ID       "nb1shot1_2"
#define NB1SHOT1_SUMMARY  "NAS-Bench-1Shot1 space 2: 29,160 cells, 7,773 different networks"
#define NB1SHOT1_VERTICES 6
#define NB1SHOT1_PARENTS \
    {                    \
        0, 1, 1, 2, 2, 3 \
    }
#define NB1SHOT1_SIZES             \
    {                              \
        1, 2, 3, 6, 10, 3, 3, 3, 3 \
    }

#include "family/nb1shot1.h"
