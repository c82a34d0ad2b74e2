/* linalg.c -- the door to tcet-linalg.so; see linalg.h.  Room: core/num.  Stands on core/base,
 * libdl and pthread; sees no BLAS. */
#include "num/linalg.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

tcet_status linalg_get(const char *path, const struct linalg **out, struct error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const struct linalg *loaded;
    const struct linalg *(*table)(void) = NULL;
    tcet_status status = TCET_OK;

    pthread_mutex_lock(&lock);
    if (!loaded) {
        /* Local: libtorch brings a BLAS of its own and must not meet this one. */
        void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        void *symbol = module ? dlsym(module, LINALG_SYMBOL) : NULL;

        memcpy(&table, &symbol, sizeof table); /* ISO C has no cast from object to function */
        if (table)
            loaded = table();
        else
            status = error_set(err, TCET_E_IO, "cannot load linear algebra: %s", dlerror());
    }
    if (loaded)
        *out = loaded;
    pthread_mutex_unlock(&lock);
    return status;
}
