/* test_cli_options.c -- protects the command line of a command with many options: each is found, and
 * one that is none gets a suggestion from all of them.  Room: tests. */
#include "cli/options.c" /* core/cli is no library; first, since cmocka takes the word fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 100 };

static struct option_spec specs[MANY];
static bool given[MANY];
static const struct command command = {.name = "many"};

static int setup(void **state)
{
    static char names[MANY][16];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "--%c%c-word", 'a' + i / 10, 'a' + i % 10);
        specs[i] = (struct option_spec){.name = names[i], .doc = "", .flag = &given[i]};
    }
    return 0;
}

static int ask(const char *option)
{
    char *argv[] = {"tcet-host", "many", (char *)option};
    size_t count;

    return cli_options(&command, 3, argv, specs, MANY, NULL, 0, 0, &count);
}

static void all_are_found(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ask(specs[i].name), -1);
        assert_true(given[i]);
    }
}

/* What is said goes to standard error. */
static void the_last_is_suggested(void **state)
{
    char path[] = "/tmp/tcet-options-XXXXXX", said[256] = "";
    int fd = mkstemp(path), saved = dup(2), code;

    (void)state;
    assert_true(fd >= 0 && saved >= 0);
    dup2(fd, 2);
    code = ask("--jj-wrd");
    fflush(stderr);
    dup2(saved, 2);
    assert_true(pread(fd, said, sizeof said - 1, 0) > 0);
    close(fd);
    close(saved);
    unlink(path);
    assert_int_equal(code, EXIT_BAD);
    assert_string_equal(said, "tcet-host many: unknown option --jj-wrd (did you mean "
                              "\"--jj-word\"?); see `tcet-host many --help`\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_are_found),
                                       cmocka_unit_test(the_last_is_suggested)};

    return cmocka_run_group_tests(tests, setup, NULL);
}
