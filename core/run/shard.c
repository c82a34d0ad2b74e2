/* shard.c -- see shard.h.  Room: core/run. */
#include "run/shard.h"

#include "base/sha256.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { SHARDS_MAX = 1000000 };

static int number(const char *name, int64_t fallback, int64_t *out)
{
    const char *text = getenv(name);

    *out = fallback;
    return text ? text_to_i64(text, out) : 0;
}

/* Task ids need not start at 1 nor be without gaps, but --array=1,5,6 has no order of ours. */
static tcet_status from_slurm(struct shard *out, struct error *err)
{
    int64_t id, count, min, max, step;

    if (!getenv("SLURM_ARRAY_TASK_ID") || !getenv("SLURM_ARRAY_TASK_COUNT"))
        return error_set(err, TCET_E_ARG,
                         "--shard auto: not in a Slurm job array "
                         "(SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT are "
                         "not set); give I/N");
    if (number("SLURM_ARRAY_TASK_ID", 0, &id) < 0 ||
        number("SLURM_ARRAY_TASK_COUNT", 0, &count) < 0 ||
        number("SLURM_ARRAY_TASK_MIN", 1, &min) < 0 ||
        number("SLURM_ARRAY_TASK_MAX", INT64_MAX, &max) < 0 ||
        number("SLURM_ARRAY_TASK_STEP", 1, &step) < 0 || min < 0 || step < 1 || count < 1 ||
        count > SHARDS_MAX || id < min || (id - min) % step || (id - min) / step >= count ||
        (max != INT64_MAX && (max < min || (max - min) / step + 1 != count)))
        return error_set(err, TCET_E_ARG,
                         "--shard auto: the Slurm job array is no plain range "
                         "such as --array=1-8; give I/N");
    *out = (struct shard){(int)((id - min) / step) + 1, (int)count};
    return TCET_OK;
}

tcet_status shard_parse(const char *text, struct shard *out, struct error *err)
{
    const char *slash = strchr(text, '/');
    struct arena a = {0};
    int64_t i = 0, n = 0;
    int bad;

    if (!strcmp(text, "auto"))
        return from_slurm(out, err);
    bad = !slash || text_to_i64(arena_strndup(&a, text, (size_t)(slash - text)), &i) < 0 ||
          text_to_i64(slash + 1, &n) < 0 || n < 1 || n > SHARDS_MAX || i < 1 || i > n;
    arena_free(&a);
    if (bad)
        return error_set(err, TCET_E_ARG,
                         "--shard \"%s\": expected I/N with I from 1 to N (at "
                         "most %d), or auto in a Slurm job array",
                         text, SHARDS_MAX);
    *out = (struct shard){(int)i, (int)n};
    return TCET_OK;
}

void shard_digest(const char *const *items, size_t count, char out[65])
{
    struct sha256 hash;

    sha256_init(&hash);
    for (size_t i = 0; i < count; i++)
        sha256_add(&hash, items[i], strlen(items[i]) + 1);
    sha256_hex(&hash, out);
}

struct shard_part shard_take(struct shard shard, const char *const *items, size_t count,
                             const char *folder, struct arena *a)
{
    size_t step = (size_t)shard.count, n = 0;
    const char **ours;
    char digest[65];

    if (!step)
        return (struct shard_part){items, count, "", folder};
    ours = arena_alloc(a, (count / step + 2) * sizeof *ours);
    for (size_t i = (size_t)shard.index - 1; i < count; i += step)
        ours[n++] = items[i];
    shard_digest(items, count, digest);
    return (struct shard_part){
        ours, n, arena_printf(a, "%d/%d of %zu, list %s", shard.index, shard.count, count, digest),
        arena_printf(a, "%s/shard-%d-of-%d", folder, shard.index, shard.count)};
}
