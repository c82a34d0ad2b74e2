/* fuzz_resume.c -- a run goes on with a store whose rows were changed.  First byte: 1, the changes
 * have their checksums; 0, they have not: then all that is changed is found, and what the run ends
 * with are the bytes that an undisturbed one gives.  Room: tests/fuzz. */
#include "stores.h"

static const char *const archs[] = {"a", "b", "f"};
enum { ARCHS = 3 };

static char *sound, *want;
static size_t sound_size, want_size;

static void forget(void)
{
    free(sound);
    free(want);
}

static char *exported(struct store *s, size_t *size)
{
    const char *path = fuzz_file("out.jsonl", NULL, 0);
    struct error err = {0};
    char *bytes = malloc(1 << 20);
    FILE *f;

    CHECK(bytes);
    if (store_export(s, path, &(struct store_export){.layers = 1}, &err) < 0)
        fprintf(stderr, "%s\n", err.text);
    CHECK((f = fopen(path, "rb")));
    *size = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct store *s;
    struct error err;

    (void)argc, (void)argv;
    atexit(forget);
    sound = stores_make(fuzz_folder(), archs, ARCHS, "", &sound_size);
    CHECK(store_open(fuzz_folder(), STORE_READ, &s, &err) == TCET_OK);
    want = exported(s, &want_size);
    store_close(s);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_summary summary;
    struct store *s;
    struct error err = {0};
    size_t got_size;
    char *got;

    if (!size)
        return 0;
    fuzz_file("scores.db-wal", "", 0);
    fuzz_file("scores.db-shm", "", 0);
    stores_mutate(fuzz_file("scores.db", sound, sound_size), data[0] & 1, data + 1, size - 1);
    if (store_open(fuzz_folder(), STORE_RESUME, &s, &err) < 0) {
        CHECK(err.text[0]);
        return 0;
    }
    stores_run(s, archs, ARCHS);
    if (!(data[0] & 1)) /* facts have no other source than the run */
        CHECK(store_set_meta(s, "space", "toy", &err) == TCET_OK);
    CHECK(store_summarise(s, &summary, &err) == TCET_OK);
    CHECK(summary.missing == 0 && summary.done + summary.failed == ARCHS);
    store_close(s);
    /* What a run leaves can be read. */
    if (store_open(fuzz_folder(), STORE_READ, &s, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        CHECK(!"the store is sound after the resume");
    }
    got = exported(s, &got_size);
    store_close(s);
    CHECK(data[0] & 1 || (got_size == want_size && !memcmp(got, want, want_size)));
    free(got);
    return 0;
}
