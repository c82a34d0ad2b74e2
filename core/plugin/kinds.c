/* kinds.c -- the kinds of plugins, and what the ops of each must hold.
 * Room: core/plugin.  Stands on the SDK. */
#include <string.h>
#include <tcet/draft/backend.h>
#include <tcet/tcet.h>

#include "plugin/internal.h"

#define END(T, field) (offsetof(T, field) + sizeof(((T *)0)->field))
#define NEEDS(T, field)            \
    {                              \
#field, offsetof(T, field) \
    }

static const struct kind_function saliency[] = {
    NEEDS(tcet_saliency_ops, describe), NEEDS(tcet_saliency_ops, layer), {NULL, 0}};
static const struct kind_function aggregator[] = {NEEDS(tcet_aggregator_ops, reduce), {NULL, 0}};
static const struct kind_function combiner[] = {{NULL, 0}}; /* its scope says: validate.c */
static const struct kind_function space[] = {
    NEEDS(tcet_space_ops, size),      NEEDS(tcet_space_ops, task),
    NEEDS(tcet_space_ops, at),        NEEDS(tcet_space_ops, check),
    NEEDS(tcet_space_ops, canonical), NEEDS(tcet_space_ops, traits),
    NEEDS(tcet_space_ops, build),     NEEDS(tcet_space_ops, random),
    NEEDS(tcet_space_ops, mutate),    {NULL, 0}};
static const struct kind_function dataset[] = {NEEDS(tcet_dataset_ops, open),
                                               NEEDS(tcet_dataset_ops, info),
                                               NEEDS(tcet_dataset_ops, draw),
                                               {NULL, 0}};
static const struct kind_function backend[] = {NEEDS(tcet_backend_ops, open),
                                               NEEDS(tcet_backend_ops, info),
                                               NEEDS(tcet_backend_ops, supports),
                                               NEEDS(tcet_backend_ops, prepare),
                                               NEEDS(tcet_backend_ops, run),
                                               NEEDS(tcet_backend_ops, release),
                                               {NULL, 0}};
static const struct kind_function strategy[] = {
    NEEDS(tcet_strategy_ops, ask), NEEDS(tcet_strategy_ops, tell), {NULL, 0}};

/* The last field of ABI 1.0 gives the least size.  Drafts have no older form. */
static const struct kind_ops kinds[] = {
    {TCET_SALIENCY, "saliency", sizeof(tcet_saliency_ops), END(tcet_saliency_ops, shape), saliency},
    {TCET_AGGREGATOR, "aggregator", sizeof(tcet_aggregator_ops), END(tcet_aggregator_ops, reserved),
     aggregator},
    {TCET_COMBINER, "combiner", sizeof(tcet_combiner_ops), END(tcet_combiner_ops, rank), combiner},
    {TCET_SPACE, "space", sizeof(tcet_space_ops), END(tcet_space_ops, index_of), space},
    {TCET_DATASET, "dataset", sizeof(tcet_dataset_ops), END(tcet_dataset_ops, draw), dataset},
    {TCET_BACKEND, "backend", sizeof(tcet_backend_ops), sizeof(tcet_backend_ops), backend},
    {TCET_STRATEGY, "strategy", sizeof(tcet_strategy_ops), END(tcet_strategy_ops, tell), strategy},
};

_Static_assert(sizeof(tcet_saliency_ops) <= sizeof((struct plugin *)0)->ops.bytes, "ops.bytes");
_Static_assert(sizeof(tcet_aggregator_ops) <= sizeof((struct plugin *)0)->ops.bytes, "ops.bytes");
_Static_assert(sizeof(tcet_combiner_ops) <= sizeof((struct plugin *)0)->ops.bytes, "ops.bytes");
_Static_assert(sizeof(tcet_space_ops) <= sizeof((struct plugin *)0)->ops.bytes, "ops.bytes");
_Static_assert(sizeof(tcet_dataset_ops) <= sizeof((struct plugin *)0)->ops.bytes, "ops.bytes");
_Static_assert(sizeof(tcet_backend_ops) <= sizeof((struct plugin *)0)->ops.bytes, "ops.bytes");
_Static_assert(sizeof(tcet_strategy_ops) <= sizeof((struct plugin *)0)->ops.bytes, "ops.bytes");

const struct kind_ops *kind_ops(tcet_kind kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].kind == kind)
            return &kinds[i];
    }
    return NULL;
}

const char *kind_name(tcet_kind kind)
{
    const struct kind_ops *ops = kind_ops(kind);

    return ops ? ops->name : NULL;
}

tcet_kind kind_from_name(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!strcmp(kinds[i].name, name))
            return kinds[i].kind;
    }
    return 0;
}
