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
    FINE(store_export(s, path, &(struct store_export){.layers = 1}, &err));
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
    FINE(store_open(fuzz_folder(), STORE_READ, &s, &err));
    want = exported(s, &want_size);
    store_close(s);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_summary summary;
    struct store *s;
    struct error err = {0};
    tcet_status st;
    size_t got_size;
    char *got;
    int sealed;

    if (!size)
        return 0;
    sealed = data[0] & 1;
    fuzz_file("scores.db-wal", "", 0);
    fuzz_file("scores.db-shm", "", 0);
    stores_mutate(fuzz_file("scores.db", sound, sound_size), sealed, data + 1, size - 1);
    if (store_open(fuzz_folder(), STORE_RESUME, &s, &err) < 0) {
        CHECK(err.text[0]);
        return 0;
    }
    st = stores_run(s, archs, ARCHS, &err);
    if (st >= 0) /* facts have no other source than the run */
        st = store_set_meta(s, "space", "toy", &err);
    if (st >= 0)
        st = store_summarise(s, &summary, &err);
    store_close(s);
    if (st < 0) { /* of what was made to look right, that it is not may be found later */
        fprintf(stderr, "%s\n", err.text);
        CHECK(sealed && err.text[0]);
        return 0;
    }
    CHECK(summary.missing == 0 && summary.done + summary.failed == ARCHS);
    if (sealed)
        return 0;
    FINE(store_open(fuzz_folder(), STORE_READ, &s, &err));
    got = exported(s, &got_size);
    store_close(s);
    CHECK(got_size == want_size && !memcmp(got, want, want_size));
    free(got);
    return 0;
}
