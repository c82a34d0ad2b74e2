/* mpi.c -- the door to tcet-mpi.so; see mpi.h.  Room: core/proc.  Stands on core/base and
 * libdl; sees no MPI. */
#include "proc/mpi.h"

#include <dlfcn.h>
#include <string.h>

tcet_status mpi_get(const char *path, const struct mpi **out, struct error *err)
{
    /* Global: the library loads components of its own, which look for its symbols. */
    void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
    void *symbol = module ? dlsym(module, MPI_SYMBOL) : NULL;
    const struct mpi *(*table)(void) = NULL;

    memcpy(&table, &symbol, sizeof table); /* ISO C has no cast from object to function */
    if (!table)
        return error_set(err, TCET_E_IO,
                         "cannot load MPI (was this tcet-host built with "
                         "TCET_WITH_MPI?): %s",
                         dlerror());
    *out = table();
    return TCET_OK;
}
