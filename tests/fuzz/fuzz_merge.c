/* fuzz_merge.c -- the folders of two shards, whose rows were changed, are merged.  First byte: bit 0,
 * the changes have their checksums; bit 1, which shard.  What is merged can be read, and has all
 * architectures.  Room: tests/fuzz. */
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"
#include "run/merge.h"
#include "stores.h"

static const char *const all[] = {"a", "b", "c", "f"};
enum { ALL = 4, SHARDS = 2 };

static char *sound[SHARDS], folder[SHARDS][300], out[300];
static size_t sound_size[SHARDS];

static void forget(void)
{
    for (int i = 0; i < SHARDS; i++)
        free(sound[i]);
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct sha256 hash;
    char digest[65], shard[128], path[1024];

    if (*argc > 1 && !strcmp((*argv)[1], "worker")) /* for a population: it does not come up */
        _exit(3);
    atexit(forget);
    sha256_init(&hash);
    for (int i = 0; i < ALL; i++)
        sha256_add(&hash, all[i], strlen(all[i]) + 1);
    sha256_hex(&hash, digest);
    snprintf(out, sizeof out, "%s/out", fuzz_folder());
    for (int i = 0; i < SHARDS; i++) {
        const char *const archs[] = {all[i], all[i + 2]};
        FILE *f;

        snprintf(folder[i], sizeof folder[i], "%s/shard-%d", fuzz_folder(), i + 1);
        snprintf(shard, sizeof shard, "%d/2 of 4, list %s", i + 1, digest);
        sound[i] = stores_make(folder[i], archs, 2, shard, &sound_size[i]);
        snprintf(path, sizeof path, "%s/config.ini", folder[i]);
        CHECK((f = fopen(path, "w")));
        fputs("[run]\nspace = toy\n", f);
        fclose(f);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const in[SHARDS] = {folder[0], folder[1]};
    const struct merge_options options = {.plugin_count = 0};
    struct merge_summary summary;
    struct store *s;
    struct error err = {0};

    if (!size)
        return 0;
    for (int i = 0; i < SHARDS; i++) {
        char name[64];

        snprintf(name, sizeof name, "shard-%d/scores.db-wal", i + 1);
        fuzz_file(name, "", 0);
        snprintf(name, sizeof name, "shard-%d/scores.db-shm", i + 1);
        fuzz_file(name, "", 0);
        snprintf(name, sizeof name, "shard-%d/scores.db", i + 1);
        fuzz_file(name, sound[i], sound_size[i]);
        if (i == (data[0] >> 1 & 1))
            stores_mutate(fuzz_file(name, NULL, 0), data[0] & 1, data + 1, size - 1);
    }
    if (run_merge(out, in, SHARDS, &options, &summary, &err) < 0) {
        CHECK(err.text[0]);
    } else {
        FINE(store_open(out, STORE_READ, &s, &err));
        CHECK(store_arch_count(s) == ALL);
        CHECK(summary.rows.done + summary.rows.failed + summary.rows.missing == ALL);
        FINE(store_export(s, fuzz_file("out.jsonl", NULL, 0), &(struct store_export){.layers = 1},
                          &err));
        store_close(s);
    }
    nftw(out, drop, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
