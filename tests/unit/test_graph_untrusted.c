/* test_graph_untrusted.c -- protects against reading past the end of an architecture's text:
 * each text stands in memory of just its size, where a sanitizer or valgrind sees it. */
#include "space_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* last: it makes a macro of `fail` */

static void refuses(struct space *s, const char *text)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    s->error[0] = '\0';
    assert_int_equal(s->ops->check(&s->cx, s->self, copy), TCET_E_ARG);
    assert_non_null(strstr(s->error, "position "));
    free(copy);
}

/* The name of a block alone: its numbers were looked for behind the end. */
static void zennas_texts_that_end_early(void **state)
{
    struct graph *g = graph_new();
    struct space s;

    (void)state;
    assert_int_equal(space_load(&s, "zennas"), 0);
    refuses(&s, "SuperResK7K7");
    refuses(&s, "SuperConvK1BNRELU");
    refuses(&s, "SuperResK3K3(3,8,1,8");
    refuses(&s, "SuperResK3K3(3,8,1,8,");
    assert_int_equal(space_build(&s, g, "SuperResK3K3(3,8,1,8,1)"), 0);
    space_unload(&s);
    graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(zennas_texts_that_end_early)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
