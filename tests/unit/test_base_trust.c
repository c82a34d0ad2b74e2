/* test_base_trust.c -- protects code and configs from strangers who may not write to them but to a
 * folder or a link on the way.  Owners are tested where the tests run as root. */
#include "base/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { STRANGER = 54321, OTHER = 54322 };

static char top[64] = "/tmp/tcet-trust.XXXXXX";
static struct arena arena;

static void shell(const char *format, ...)
{
    char command[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(command, sizeof command, format, ap);
    va_end(ap);
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* What is wrong with that path below top, %s of `want` standing for top; NULL: nothing. */
static void lacks(const char *path, const char *known, const char *want, const char *mend)
{
    char expected[512];
    struct distrust d = {NULL, NULL};
    const char *there = arena_printf(&arena, "%s/%s", top, path);
    int bad = trust_lacks_path(&arena, there, known, &d);

    if (!want) {
        if (bad)
            fail_msg("%s: %s%s", path, d.why, d.mend);
        return;
    }
    assert_int_equal(bad, 1);
    snprintf(expected, sizeof expected, want, top);
    assert_string_equal(d.why, expected);
    snprintf(expected, sizeof expected, mend, top);
    assert_string_equal(d.mend, expected);
}

static int make(void **state)
{
    (void)state;
    strcpy(top, "/tmp/tcet-trust.XXXXXX");
    if (!mkdtemp(top))
        return -1;
    shell("cd %s && mkdir -p a/b/c && touch a/b/c/f && chmod -R go-w .", top);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    shell("rm -rf %s", top);
    return 0;
}

static void modes(void **state)
{
    (void)state;
    lacks("a/b/c/f", NULL, NULL, ""); /* though /tmp is anyone's */
    lacks("a/b/none", NULL, NULL, "");
    shell("chmod o+w %s/a/b/c/f", top);
    lacks("a/b/c/f", NULL, "anyone may write to it", " (chmod o-w)");
    shell("chmod o-w %s/a/b/c/f; chmod o+w %s/a", top, top);
    lacks("a/b/c/f", NULL, "anyone may write to %s/a", " (chmod o-w %s/a)");
    lacks("a", NULL, "anyone may write to it", " (chmod o-w)");
    lacks("a/b/c/", arena_printf(&arena, "%s/a/b", top), NULL, "");
    lacks("a/b/c/", arena_printf(&arena, "%s/a.b", top), "anyone may write to %s/a",
          " (chmod o-w %s/a)");
    shell("chmod +t %s/a", top);
    lacks("a/b/c/f", NULL, NULL, "");
    lacks("a", NULL, "anyone may write to it", " (chmod o-w)");
    shell("chmod -t,o-w %s/a; chmod g+w %s/a", top, top); /* our own group */
    lacks("a/b/c/f", NULL, NULL, "");
}

static void relative(void **state)
{
    struct distrust d;

    (void)state;
    assert_int_equal(chdir(top), 0);
    assert_int_equal(trust_lacks_path(&arena, "a/b", NULL, &d), 0);
    shell("chmod o+w .");
    assert_int_equal(trust_lacks_path(&arena, "a/b", NULL, &d), 1);
    assert_int_equal(trust_lacks_path(&arena, "./a/b", ".", &d), 0); /* however it is spelt */
    assert_int_equal(trust_lacks_path(&arena, "a/../a/b", arena_printf(&arena, "%s/a", top), &d),
                     0);
    assert_int_equal(trust_lacks_path(&arena, "a/b", "/tmp", &d), 1);
    assert_int_equal(chdir("/"), 0);
}

static void links(void **state)
{
    (void)state;
    shell("cd %s && mkdir -p safe open/in && chmod 777 open && ln -s ../open/in safe/link && "
          "ln -s ../../a/b open/in/on && ln -s loop safe/loop && ln -s %s/a/b/c/f safe/file",
          top, top);
    lacks("safe/file", NULL, NULL, "");
    lacks("safe/link", NULL, "anyone may write to %s/safe/../open", " (chmod o-w %s/safe/../open)");
    lacks("safe/link/on/c", NULL, "anyone may write to %s/safe/../open",
          " (chmod o-w %s/safe/../open)");
    lacks("safe/loop", NULL, NULL, "");
    shell("chmod o-w %s/open; chmod o+w %s/a", top, top);
    lacks("safe/file", NULL, "anyone may write to %s/a", " (chmod o-w %s/a)");
}

static void owners(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    shell("chown %d:%d %s/a", STRANGER, STRANGER, top);
    lacks("a/b/c/f", NULL, "%s/a belongs to another user", "");
    shell("chown -R %d:%d %s/a", STRANGER, STRANGER, top);
    lacks("a/b/c/f", NULL, NULL, ""); /* whoever names it knows whose it is */
    shell("chmod g+w %s/a/b", top);
    lacks("a/b/c/f", NULL, NULL, ""); /* their own group */
    shell("chgrp %d %s/a/b", OTHER, top);
    lacks("a/b/c/f", NULL, "a group of strangers may write to %s/a/b", " (chmod g-w %s/a/b)");
    lacks("a/b", NULL, "a group of strangers may write to it", " (chmod g-w)");
    shell("chown 0 %s/a/b", top); /* as Debian's /usr/local is */
    lacks("a/b/c/f", NULL, NULL, "");
    shell("chmod -R 755 %s/a && chown -h %d %s/a/b && ln -s a/b %s/link && chown -h %d %s/link",
          top, STRANGER, top, top, OTHER, top);
    lacks("link", NULL, "%s/link belongs to another user", "");
}

/* Folders above the program itself are not asked about: who may change them may change it. */
static void program_above(void **state)
{
    char exe[512], folder[600];
    struct distrust d = {NULL, NULL};
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    (void)state;
    assert_true(n > 0);
    exe[n] = '\0';
    *strrchr(exe, '/') = '\0';
    snprintf(folder, sizeof folder, "%s/trust-XXXXXX", exe);
    assert_non_null(mkdtemp(folder));
    shell("chmod o+w %s", exe);
    n = trust_lacks_path(&arena, folder, NULL, &d);
    shell("chmod o-w %s; rmdir %s", exe, folder);
    if (n)
        fail_msg("%s", d.why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(modes, make, clean),
        cmocka_unit_test_setup_teardown(relative, make, clean),
        cmocka_unit_test_setup_teardown(links, make, clean),
        cmocka_unit_test_setup_teardown(owners, make, clean),
        cmocka_unit_test(program_above),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_free(&arena);
    return failed;
}
