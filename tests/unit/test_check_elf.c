/* Shared objects are read without running them: exports and needed libraries of real ones, and
 * no crash on a file that is cut short or whose bytes were changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define FIXTURES TCET_TEST_BUILD "/tests/fixtures/"

static int holds(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strncmp(list[i], name, strlen(name)))
            return 1;
    }
    return 0;
}

static void reads_real_files(void **state)
{
    struct arena a = {0};
    struct error err;
    struct elf e;

    (void)state;
    assert_int_equal(elf_read(FIXTURES "bad_exports.so", &a, &e, &err), TCET_OK);
    assert_true(holds(e.exported, e.exported_count, "tcet_module_v1"));
    assert_true(holds(e.exported, e.exported_count, "fixture_helper"));
    assert_int_equal(elf_read(FIXTURES "bad_layer_throw.so", &a, &e, &err), TCET_OK);
    assert_true(holds(e.needed, e.needed_count, "libstdc++.so"));
    assert_true(holds(e.undefined, e.undefined_count, "__cxa_throw"));
    assert_int_equal(elf_read(TCET_TEST_SOURCE "/CMakeLists.txt", &a, &e, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "CMakeLists.txt: is no ELF file"));
    assert_int_equal(elf_read(FIXTURES "none.so", &a, &e, &err), TCET_E_IO);
    arena_free(&a);
}

static char *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *bytes;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

static void read_bytes(const char *bytes, size_t size)
{
    char path[] = TCET_TEST_BUILD "/tests/elf.XXXXXX";
    int fd = mkstemp(path);
    struct arena a = {0};
    struct error err;
    struct elf e;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    if (elf_read(path, &a, &e, &err) < 0)
        assert_true(err.text[0]);
    arena_free(&a);
    unlink(path);
}

static void survives_damage(void **state)
{
    size_t size;
    char *bytes = slurp(FIXTURES "good_minimal.so", &size);
    uint32_t random = 1;

    (void)state;
    for (size_t n = 0; n < size; n += size / 97 + 1)
        read_bytes(bytes, n);
    for (int k = 0; k < 300; k++) {
        char *copy = malloc(size);

        assert_non_null(copy);
        memcpy(copy, bytes, size);
        for (int i = 0; i < 8; i++) {
            size_t at;

            random = random * 1664525 + 1013904223;
            /* the file's head, its end with the section headers, or anywhere */
            at = i % 3 == 0 ? random % 64 : i % 3 == 1 ? size - 1 - random % 2048 : random % size;
            copy[at] = (char)(random >> 24);
        }
        read_bytes(copy, size);
        free(copy);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_real_files),
        cmocka_unit_test(survives_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
