/* rank.c -- see rank.h.  Room: core/run. */
#include "run/rank.h"

#include "base/text.h"

#include <stdlib.h>

#include <tcet/plugin.h>

int rank_own(int *ranks)
{
    static const char *const names[][2] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                           {"PMI_RANK", "PMI_SIZE"},
                                           {"PMIX_RANK", "SLURM_NTASKS"}};

    for (size_t i = 0; i < TCET_COUNT(names); i++) {
        const char *rank = getenv(names[i][0]), *size = getenv(names[i][1]);
        int64_t r, n;

        if (rank && size && text_to_i64(rank, &r) == 0 && text_to_i64(size, &n) == 0 && r >= 0 &&
            r < n && n <= 1 << 20) {
            *ranks = (int)n;
            return (int)r;
        }
    }
    *ranks = 1;
    return 0;
}

int rank_beside(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS",
                                        "SLURM_STEP_TASKS_PER_NODE"};
    int ranks;

    rank_own(&ranks);
    for (size_t i = 0; ranks > 1 && i < TCET_COUNT(names); i++) {
        const char *text = getenv(names[i]);
        int n = text ? atoi(text) : 0; /* Slurm's goes on: "4(x2),3" */

        if (n > 0 && n <= ranks)
            return n;
    }
    return 1;
}
