/* The tester tested: each fixture that is bad in one way fails the rule for it, with words, and
 * no other; good ones pass.  This program is its own child: check_file() re-executes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define FIXTURES TCET_TEST_BUILD "/tests/fixtures/"

/* What one check said: rules that failed or warned, and the first reason. */
struct said {
    char rules[256], reason[1024];
    size_t skipped;
    size_t count[4];
};

static void listen(void *arg, const struct check_result *r)
{
    struct said *s = arg;
    size_t n = strlen(s->rules);

    if (r->verdict == CHECK_PASS) {
        assert_string_equal(r->reason, "");
        return;
    }
    assert_true(*r->reason);
    if (r->verdict == CHECK_SKIP) {
        s->skipped++;
        if (s->reason[0])
            return;
    } else {
        snprintf(s->rules + n, sizeof s->rules - n, "%s%s%s", n ? " " : "",
                 r->verdict == CHECK_WARN ? "?" : "", r->rule->name);
    }
    if (!s->reason[0])
        snprintf(s->reason, sizeof s->reason, "%s", r->reason);
}

static struct said check(const char *file, const char *only, double seconds)
{
    struct said s = {.skipped = 0};
    struct check_options o = {.only = only, .seconds = seconds, .report = listen, .arg = &s};
    char path[1024];
    struct error err;

    snprintf(path, sizeof path, FIXTURES "%s.so", file);
    if (check_file(path, &o, s.count, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

struct expected {
    const char *file, *rules; /* "?" before one that only warns */
    const char *reason;       /* part of the first one */
};

static void expect(const struct expected *e, const struct said *s)
{
    if (strcmp(s->rules, e->rules) || !strstr(s->reason, e->reason))
        fail_msg("%s: fails \"%s\" because of \"%s\"; want \"%s\" because of \"%s\"", e->file,
                 s->rules, s->reason, e->rules, e->reason);
}

static void expect_all(const struct expected *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct said s = check(list[i].file, NULL, 60);

        expect(&list[i], &s);
    }
}

#define EXPECT(list) expect_all(list, sizeof list / sizeof *list)

static void good_ones_pass(void **state)
{
    static const struct expected good[] = {
        {"good_minimal", "", ""}, {"good_noisy", "", ""}, {"good_older_minor", "", ""}};

    (void)state;
    EXPECT(good);
}

static void opening(void **state)
{
    static const struct expected bad[] = {
        {"bad_ctor_crash", "opens",
         "opening the file: the process was killed by signal 11 (Segmentation fault)"},
        {"bad_ctor_exit", "opens", "exited with code 3; it last printed: cannot find my licence"},
        {"bad_ctor_denormals", "opens", "opening it changed "},
        {"bad_exports", "exports-only-entry", "it also exports fixture_helper: make them static"},
        {"bad_query", "query-is-pure", "it prints: somebody asks for me"},
    };
    struct said s = check("hang/bad_ctor_hang", NULL, 2);

    (void)state;
    expect(&(struct expected){"bad_ctor_hang", "opens", "did not come back within 2 seconds"}, &s);
    EXPECT(bad);
}

static void descriptors(void **state)
{
    static const struct expected bad[] = {
        {"bad_no_symbol", "loads", "is no tcet plugin: it lacks the symbol tcet_module_v1"},
        {"bad_other_major", "loads", "built for tcet ABI 2, this tcet-host has 1.2"},
        {"bad_newer_minor", "loads", "built for tcet ABI 1.7, this tcet-host has 1.2"},
        {"bad_module_size", "loads", "struct_size of its module is 8"},
        {"bad_null_module", "loads", "tcet_module_v1() gives NULL"},
        {"bad_null_name", "loads", "plugin 1: its id is not [a-z0-9_]+"},
        {"bad_duplicate", "loads", "saliency \"twin\" is there twice"},
        {"bad_huge_count", "loads", "says it holds 2147483647 plugins"},
        {"bad_huge_params", "loads", "says it has 2147483647 parameters"},
        {"bad_missing_op", "loads", "a saliency must have the function layer"},
        {"bad_default", "loads", "its default \"2\" is not an integer from 0 to 1"},
        {"bad_overlap", "loads", "parameters \"x\" and \"z\" overlap"},
        {"bad_param_size", "loads", "fills a field of another size"},
    };

    (void)state;
    EXPECT(bad);
    if (!TCET_BUILD_ASAN) {
        static const struct expected asan[] = {
            {"bad_asan_flag", "loads", "built with AddressSanitizer, this tcet-host is not"}};

        EXPECT(asan);
    }
}

/* A crash's words are the kernel's, or a sanitizer's; where it happened is ours. */
static void ends_of_the_process(void **state)
{
    static const struct expected bad[] = {
        {"bad_layer_crash", "ordinary", "layer() of the layer stem.0: the process "},
        {"bad_layer_recursion", "ordinary", "layer() of the layer stem.0: the process "},
        {"bad_layer_abort", "ordinary",
         "layer() of the layer stem.0: the process was killed by signal 6 (Aborted)"},
        {"bad_layer_exit", "ordinary",
         "layer() of the layer stem.0: the process exited with code 0"},
        {"bad_layer_throw", "ordinary", "nobody catches this"},
    };
    struct said sleep = check("bad_layer_sleep", "ordinary", 2);
    struct said spin = check("bad_layer_spin", "ordinary", 2);

    (void)state;
    expect(&(struct expected){"bad_layer_sleep", "ordinary",
                              "layer() of the layer stem.0: it did not come back within 2 seconds"},
           &sleep);
    expect(
        &(struct expected){"bad_layer_spin", "ordinary", "it did not come back within 2 seconds"},
        &spin);
    EXPECT(bad);
}

static void calls(void **state)
{
    static const struct expected bad[] = {
        {"bad_init_silent", "defaults", "it failed (bad input) without a message"},
        {"bad_describe", "describe", "it asks for a gradient of no loss: set pass->loss"},
        {"bad_norm_output", "describe",
         "OUTPUT gives nothing at the norm site: want "
         "TCET_WANT_NORM_OUTPUT"},
        {"bad_layer_fail", "ordinary", "layer 2 is not to my taste"},
        {"bad_layer_silent", "ordinary", "it failed (numeric) without a message"},
        {"bad_layer_status", "ordinary", "it returned 7, which is no status"},
        {"bad_layer_resize", "ordinary", "changed the description of the view"},
        {"bad_layer_overrun", "no-overrun", "past the end of S^l (byte +0)"},
        {"bad_layer_overread", "no-overrun", "past the end of the weight (byte +0)"},
        {"bad_layer_input", "inputs-read-only", "it writes to the weight, which it may only read"},
        {"bad_layer_nan", "?finite", "numbers are not finite, and no guard was counted"},
        {"bad_layer_random", "deterministic", "the second time; the first call gave"},
        {"bad_layer_scratch", "scratch-fails", "layer() of the layer stem.0: the process "},
        {"bad_layer_dirty", "scratch-fails", "no memory, too late) after it had written"},
        {"bad_aggregator_nan", "?nan-shows", "a 1 x 54 matrix of NaN gives 0, and nobody is told"},
        {"bad_combiner_ends", "no-overrun", "past the end of the result (byte +0)"},
        {"bad_dataset_reading", "reading", "is another one when it is read again"},
        {"bad_dataset_labels", "ordinary", "the label 10, where there are 10 classes"},
        {"bad_space_order", "numbering draws", "at(0) is 1, index_of() says 1"},
    };

    (void)state;
    EXPECT(bad);
}

/* A backend is held against the plain reference, number by number. */
static void backends(void **state)
{
    static const struct expected bad[] = {
        {"bad_backend_gradient", "gradients sample-rows hessian same-forward deferred",
         "graph branches, weights=drawn input=batch norm=train loss=cross_entropy gradient=batch "
         "precision=f64 batches=2 source=loader: the gradient of layer 2 of the weight site: "
         "element 9 of 144 is "},
        {"bad_backend_borrow", "deferred", "of layer 0 of the weight site: element 0 of "},
        {"bad_backend_layers", "forward", "layer 0 of the norm site is shown 2 times"},
    };
    struct said good = check("good_backend", NULL, 60), all = check("good_backend", "backend", 60);
    struct said signs = check("bad_backend_layers", "signs", 60);

    (void)state;
    expect(&(struct expected){"good_backend", "", "float32 is not for references"}, &good);
    assert_int_equal(good.count[CHECK_SKIP], 1);
    assert_int_equal(all.count[CHECK_PASS], 10);
    expect(&(struct expected){"bad_backend_layers", "signs", "outputs are positive, not"}, &signs);
    EXPECT(bad);
}

/* Ten that are bad in one way each: no architecture, none at all, waiting for ever ... and one that asks
 * by the clock. */
static void strategies(void **state)
{
    struct said s = check("bad_strategies", NULL, 3);

    (void)state;
    expect(&(struct expected){"bad_strategies",
                              "ordinary ordinary ordinary ordinary ordinary ordinary ordinary "
                              "ordinary ordinary deterministic replay",
                              "ask 1 gives \"a conv or two\", which no function of the space made"},
           &s);
}

static void state_of_the_process(void **state)
{
    static const struct expected bad[] = {
        {"bad_layer_print", "quiet", "it prints: printed by stem.0"},
        {"bad_layer_files", "process", "it changed open descriptors (6 more)"},
        {"bad_layer_thread", "process", "it changed threads (1 more)"},
        {"bad_layer_leak", "cycles", "bytes allocated"},
        {"bad_init_leak", "cycles", "bytes allocated"},
    };
    struct said s = check("bad_layer_state", "process", 60);

    (void)state;
    assert_non_null(strstr(s.reason, "the current folder (/)"));
    assert_non_null(strstr(s.reason, "the rounding mode"));
    assert_non_null(strstr(s.reason, "the handler of signal 15 (Terminated)"));
    EXPECT(bad);
}

/* What follows a gate that was not passed is listed as not tried, so that the first cause is
 * the only one named. */
static void gates(void **state)
{
    struct said s = check("bad_layer_silent", NULL, 60);

    (void)state;
    assert_int_equal(s.count[CHECK_FAIL], 1);
    assert_true(s.skipped > 10);
    assert_int_equal(s.count[CHECK_SKIP], s.skipped);
}

static void chosen_rules(void **state)
{
    struct said one = check("good_minimal", "range", 60);
    struct said group = check("good_minimal", "library", 60);
    struct check_options o = {.only = "determinist", .seconds = 60};
    struct error err;
    size_t count[4];

    (void)state;
    assert_int_equal(one.count[CHECK_PASS], 2); /* of two plugins */
    assert_int_equal(group.count[CHECK_PASS], 6);
    assert_int_equal(check_file(FIXTURES "good_minimal.so", &o, count, &err), TCET_E_ARG);
    assert_string_equal(err.text, "there is no rule or group \"determinist\" (did you mean "
                                  "\"deterministic\"?); "
                                  "`tcet-host check --list` shows both");
    o.only = NULL;
    assert_int_equal(check_file(FIXTURES "none.so", &o, count, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, "none.so: No such file or directory"));
}

/* A number without a default is guessed from its range, a path must come by --set. */
static void required_parameters(void **state)
{
    const char *const set[] = {"file=/dev/null"}, *const wrong[] = {"file"};
    struct said s = check("good_required", NULL, 60), t = {.skipped = 0};
    struct check_options o = {
        .seconds = 60, .report = listen, .arg = &t, .set = set, .set_count = 1};
    struct error err;

    (void)state;
    assert_string_equal(s.rules, "");
    assert_non_null(strstr(s.reason, "\"file\" has no default: give --set file=VALUE"));
    assert_int_equal(check_file(FIXTURES "good_required.so", &o, t.count, &err), TCET_OK);
    assert_string_equal(t.rules, "");
    assert_int_equal(t.count[CHECK_SKIP], 0);
    o.set = wrong;
    assert_int_equal(check_file(FIXTURES "good_required.so", &o, t.count, &err), TCET_E_ARG);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_pass),
        cmocka_unit_test(opening),
        cmocka_unit_test(descriptors),
        cmocka_unit_test(ends_of_the_process),
        cmocka_unit_test(calls),
        cmocka_unit_test(strategies),
        cmocka_unit_test(backends),
        cmocka_unit_test(state_of_the_process),
        cmocka_unit_test(gates),
        cmocka_unit_test(chosen_rules),
        cmocka_unit_test(required_parameters),
    };

    if (argc > 1 && !strcmp(argv[1], "check-child"))
        return check_child_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
