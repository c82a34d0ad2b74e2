/* Protects: results of the linear algebra module against matrices with known answers, inputs
 * left as they were, degenerate sizes and values, and that loading it shows no BLAS symbol to
 * the process. */
#include "num/linalg.h" /* before cmocka, whose macro fail() would rename a member */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <math.h>
#include <string.h>

static const struct linalg *la;

static int load(void **state)
{
    struct error err = {0};

    (void)state;
    return linalg_get(TCET_TEST_BUILD "/lib/tcet/tcet-linalg.so", &la, &err);
}

static void missing_module(void **state)
{
    struct error err = {0};
    const struct linalg *table = NULL;

    (void)state;
    assert_int_equal(linalg_get("/nowhere/tcet-linalg.so", &table, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, "/nowhere/tcet-linalg.so"));
    assert_null(table);
}

static void loaded_once(void **state)
{
    struct error err = {0};
    const struct linalg *again = NULL;

    (void)state;
    assert_int_equal(load(NULL), TCET_OK);
    assert_int_equal(linalg_get(TCET_TEST_BUILD "/lib/tcet/tcet-linalg.so", &again, &err), TCET_OK);
    assert_ptr_equal(again, la);
}

static void blas_stays_private(void **state)
{
    (void)state;
    assert_null(dlsym(RTLD_DEFAULT, "dgemm_"));
    assert_null(dlsym(RTLD_DEFAULT, "dgetrf_"));
    assert_null(dlsym(RTLD_DEFAULT, "cblas_dgemm"));
}

static void close_to(double value, double expected)
{
    assert_true(fabs(value - expected) <= 1e-12 * (1 + fabs(expected)));
}

static void determinants(void **state)
{
    static const double a[] = {2, 1, 0, 4, 1, 3, 1, 1, 1}; /* det -5 */
    static const double singular[] = {1, 2, 2, 4}, spoilt[] = {1, NAN, 0, 1};
    double kept[9], log_abs, pivot;
    int32_t sign;

    (void)state;
    memcpy(kept, a, sizeof a);
    assert_int_equal(la->logdet(kept, 3, &log_abs, &sign, &pivot), 0);
    close_to(log_abs, log(5));
    assert_int_equal(sign, -1);
    assert_true(pivot > 0 && pivot <= 4);
    assert_memory_equal(kept, a, sizeof a);

    assert_int_equal(la->logdet(singular, 2, &log_abs, &sign, &pivot), 0);
    assert_true(isinf(log_abs) && log_abs < 0);
    assert_int_equal(sign, 0);
    assert_true(pivot == 0);

    assert_int_equal(la->logdet(spoilt, 2, &log_abs, &sign, &pivot), 0);
    assert_true(isnan(log_abs));

    assert_int_equal(la->logdet(NULL, 0, &log_abs, &sign, &pivot), 0);
    assert_true(log_abs == 0 && sign == 1 && isinf(pivot));
}

/* eigenvalues 2 - 2 cos(k pi / (n + 1)) */
static void eigenvalues(void **state)
{
    enum { N = 40 };
    static double a[N * N];
    double w[N], pi = acos(-1);

    (void)state;
    for (int i = 0; i < N; i++) {
        a[i * N + i] = 2;
        if (i) {
            a[i * N + i - 1] = -1;
            a[(i - 1) * N + i] = 77; /* above the diagonal: not read */
        }
    }
    assert_int_equal(la->eigvalsh(a, N, w), 0);
    for (int k = 0; k < N; k++)
        close_to(w[k], 2 - 2 * cos((k + 1) * pi / (N + 1)));
    a[5 * N] = INFINITY;
    assert_int_equal(la->eigvalsh(a, N, w), 0);
    assert_true(isnan(w[0]) && isnan(w[N - 1]));
    assert_int_equal(la->eigvalsh(NULL, 0, NULL), 0);
}

static void singular_values(void **state)
{
    static const double a[] = {3, 0, 0, 0, 0, 0, -4, 0}; /* 2 x 4 */
    static const double b[] = {1, 2, 3, 4, 5, 6};        /* 3 x 2: s^2 = (91 +- sqrt 8185)/2 */
    double s[2];

    (void)state;
    assert_int_equal(la->svdvals(a, 2, 4, s), 0);
    close_to(s[0], 4);
    close_to(s[1], 3);
    assert_int_equal(la->svdvals(b, 3, 2, s), 0);
    close_to(s[0], sqrt((91 + sqrt(8185)) / 2));
    close_to(s[1], sqrt((91 - sqrt(8185)) / 2));
    assert_int_equal(la->svdvals(b, 0, 2, s), 0);
}

static void products(void **state)
{
    static const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 8, 9, 10, 11, 12};
    double c[9] = {1, 1, 1, 1};

    (void)state;
    assert_int_equal(la->gemm(0, 0, 2, 2, 3, 2, a, b, 10, c), 0); /* [2x3] [3x2] */
    assert_true(c[0] == 126 && c[1] == 138 && c[2] == 288 && c[3] == 318);
    for (int i = 0; i < 9; i++)
        c[i] = NAN;
    assert_int_equal(la->gemm(1, 1, 3, 3, 2, 1, a, b, 0, c), 0); /* [2x3]^T [3x2]^T */
    assert_true(c[0] == 39 && c[1] == 49 && c[3] == 54 && c[8] == 105);
    assert_int_equal(la->gemm(0, 0, 1, 1, 0, 1, a, b, 0, c), 0); /* empty sum */
    assert_true(c[0] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_module),     cmocka_unit_test(loaded_once),
        cmocka_unit_test(blas_stays_private), cmocka_unit_test(determinants),
        cmocka_unit_test(eigenvalues),        cmocka_unit_test(singular_values),
        cmocka_unit_test(products),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
