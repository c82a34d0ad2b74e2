/* Opening what others made: a file at its limit, beyond it, none, and things that are no file and may
 * have no end. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/tcet-file-XXXXXX";

static void refused(const char *path, int64_t max, tcet_status status, const char *what)
{
    char want[256];
    struct error err = {.status = TCET_OK};
    int64_t size = 7;

    snprintf(want, sizeof want, "%s: %s", path, what);
    assert_null(file_open(path, max, &size, &err));
    assert_int_equal(err.status, status);
    assert_string_equal(err.text, want);
    assert_int_equal(size, 7);
}

static void opens_and_refuses(void **state)
{
    struct error err;
    int64_t size;
    char text[8] = "";
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    f = fopen("five", "wb");
    assert_int_equal(fputs("12345", f), 1);
    fclose(f);
    f = file_open("five", 5, &size, &err);
    assert_non_null(f);
    assert_int_equal(size, 5);
    assert_int_equal(fread(text, 1, sizeof text, f), 5);
    assert_string_equal(text, "12345");
    fclose(f);
    f = file_open("five", 5, NULL, &err);
    assert_non_null(f);
    fclose(f);
    assert_int_equal(truncate("five", (int64_t)3 << 30), 0);
    refused("five", (int64_t)2 << 30, TCET_E_ARG, "larger than 2 GiB");
    refused("five", 16 << 20, TCET_E_ARG, "larger than 16 MiB");
    refused("none", 5, TCET_E_IO, "No such file or directory");
    refused("/tmp", 5, TCET_E_IO, "not a regular file");
    refused("/dev/zero", 5, TCET_E_IO, "not a regular file");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    refused("pipe", 5, TCET_E_IO, "not a regular file");
    unlink("pipe");
    unlink("five");
    assert_int_equal(chdir("/"), 0);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(opens_and_refuses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
