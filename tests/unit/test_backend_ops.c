/* test_backend_ops.c -- every operation of the graph on the torch backend, one at a time: its value
 * against plain C (backend_reference.h), the gradient that goes through it and H g against
 * differences of that, by the fused kernels and by libtorch's operators; and what it costs.
 * An operation without a case in backend_trials.h fails the test.  Without libtorch it is skipped. */
#include "backend_trials.h"

static struct result *run_pass(void *self, const struct setup *s, tcet_pass pass, uint32_t sites,
                               uint32_t wants)
{
    struct result *r = calloc(1, sizeof *r);

    if (run_graph(self, s->view, s->params, s->x, s->y, pass, sites, wants, 1, s->images, r) !=
        TCET_OK)
        fail_msg("%s", host.message);
    return r;
}

/* -- checks ------------------------------------------------------------------------------ */

static double largest(const double *x, int64_t count)
{
    double most = 0;

    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

/* slope_at along g, of all conv and linear weights: the parameter's place of H g. */
static double slope_along(const struct setup *s, const struct result *r, int64_t at)
{
    double step = 3e-5, most = 1e-9;
    double *moved = calloc((size_t)s->view->param_floats, sizeof *moved), side[2];
    const int32_t *layers = graph_layers(s->graph);

    for (int32_t l = 0; l < r->count; l++)
        most = fmax(most, largest(r->numbers[l][GRADIENT], r->counts[l][GRADIENT]));
    step /= most;
    for (int k = 0; k < 2; k++) {
        struct setup other = *s;

        memcpy(moved, s->params_f64, (size_t)s->view->param_floats * sizeof *moved);
        for (int32_t l = 0; l < s->view->layer_count; l++) {
            const tcet_graph_module *m = &s->view->modules[layers[l]];

            for (int64_t i = 0; i < m->weight_count; i++)
                moved[m->weight + i] += (k ? step : -step) * r->numbers[l][GRADIENT][i];
        }
        other.params_f64 = moved;
        side[k] = slope_at(&other, at, 3e-5);
    }
    free(moved);
    return (side[1] - side[0]) / (2 * step);
}

static void check_value(const struct setup *s, void *self)
{
    const tcet_pass pass = {.precision = TCET_PRECISION_F64};
    struct result *r = run_pass(self, s, pass, TCET_SITE_LOGITS, TCET_WANT_OUTPUT);
    double want[OP_BATCH * OP_CLASSES];

    reference_forward(s->view, s->params_f64, s->x_f64, s->images, want);
    for (int64_t i = 0; i < s->images * OP_CLASSES; i++)
        assert_near(r->numbers[0][OUTPUT][i], want[i], 1e-11, what, i);
    result_free(r);
}

/* Gradients and H g of the weights; the caller's. */
static struct result *check_derivatives(const struct setup *s, void *self)
{
    const tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                            .gradient = TCET_GRADIENT_BATCH,
                            .hvp = 1,
                            .precision = TCET_PRECISION_F64};
    struct result *r =
        run_pass(self, s, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT | TCET_WANT_HVP);
    const int32_t *layers = graph_layers(s->graph);

    assert_int_equal(r->count, s->view->layer_count);
    for (int l = 0; l < r->count; l++) {
        const tcet_graph_module *m = &s->view->modules[layers[l]];
        const double *g = r->numbers[l][GRADIENT], *h = r->numbers[l][HVP];
        double g_size = 1e-3 + largest(g, m->weight_count);
        double h_size = 1e-3 + largest(h, m->weight_count);

        for (int64_t i = 0; i < m->weight_count; i += 1 + m->weight_count / 7) {
            double slope = slope_at(s, m->weight + i, 1e-5),
                   bend = slope_along(s, r, m->weight + i);

            if (!(fabs(g[i] - slope) <= 1e-7 * g_size))
                fail_msg("%s, gradient of %s[%ld]: %.12g, want %.12g", what, r->name[l], (long)i,
                         g[i], slope);
            if (!(fabs(h[i] - bend) <= 2e-5 * h_size))
                fail_msg("%s, H g of %s[%ld]: %.12g, want %.12g", what, r->name[l], (long)i, h[i],
                         bend);
        }
    }
    return r;
}

/* All of two results, number by number. */
static void check_same(const struct result *a, const struct result *b)
{
    for (int l = 0; l < a->count; l++) {
        for (int k = 0; k < 2; k++) {
            int view = k ? HVP : GRADIENT;
            const double *x = a->numbers[l][view], *y = b->numbers[l][view];
            double size = 1e-3 + largest(y, b->counts[l][view]);

            assert_int_equal(a->counts[l][view], b->counts[l][view]);
            for (int64_t i = 0; i < a->counts[l][view]; i++)
                if (!(fabs(x[i] - y[i]) <= 1e-10 * size))
                    fail_msg("%s, %s of %s[%ld]: %.15g by one kernel, %.15g by the other", what,
                             k ? "H g" : "gradient", a->name[l], (long)i, x[i], y[i]);
        }
    }
}

/* What the graph's table calls an activation is a layer of that site. */
static void check_sites(const struct setup *s, void *self, uint32_t op)
{
    const tcet_pass pass = {.precision = TCET_PRECISION_F64};
    struct result *r = run_pass(self, s, pass, TCET_SITE_ACTIVATION, TCET_WANT_AGREEMENT);

    assert_int_equal(r->count, graph_op(op)->activation);
    result_free(r);
}

/* Milliseconds of a forward and a backward in float32, in a network of some size; the best of a
 * few runs. */
static void print_speed(const struct trial *t, void *const *kernels)
{
    const tcet_pass pass = {.loss = TCET_LOSS_CROSS_ENTROPY,
                            .gradient = TCET_GRADIENT_BATCH,
                            .precision = TCET_PRECISION_F32};
    struct setup s;

    set_up(&s, t, OP_SIDE, 64, 0);
    print_message("%-12s %-26s", graph_op(t->op.op)->name, t->variant);
    for (int k = 0; k < 2; k++) {
        double best[2] = {1e9, 1e9};

        for (int repeat = 0; repeat < 5; repeat++) {
            struct result *r = run_pass(kernels[k], &s, pass, TCET_SITE_WEIGHT, TCET_WANT_GRADIENT);

            for (int d = 0; d < 2; d++)
                best[d] = fmin(best[d], 1e3 * r->seconds[d]);
            result_free(r);
        }
        print_message("  %s %6.3f + %6.3f ms", k ? "aten" : "fused", best[0], best[1]);
    }
    print_message("\n");
    tear_down(&s);
}

static void check_trial(const struct trial *t, void *const *kernels, int beside)
{
    struct setup s;
    struct result *r[2];

    set_up(&s, t, OP_SIDE, OP_BATCH, beside);
    for (int k = 0; k < 2; k++) {
        snprintf(what, sizeof what, "%s %s%s (%s)", graph_op(t->op.op)->name, t->variant,
                 beside ? ", its input read twice" : "", k ? "aten" : "fused");
        check_value(&s, kernels[k]);
        check_sites(&s, kernels[k], t->op.op);
        r[k] = check_derivatives(&s, kernels[k]);
    }
    check_same(r[0], r[1]);
    result_free(r[0]);
    result_free(r[1]);
    tear_down(&s);
}

/* Protects every operation's forward, backward and R, in both kinds of kernels. */
static void test_ops(void **state)
{
    void *kernels[2];

    (void)state;
    NEED_TORCH();
    kernels[0] = cpu;
    kernels[1] = instance("device", device_of_test(), "kernels", "aten", NULL);
    if (ops->open(&host.cx, kernels[1]) != TCET_OK)
        fail_msg("%s", host.message);
    for (int t = 0; t < TRIALS; t++) {
        check_trial(&trials[t], kernels, 0);
        check_trial(&trials[t], kernels, 1);
        print_speed(&trials[t], kernels);
    }
    drop(kernels[1]);
}

/* Nobody adds an operation without a reference and a case. */
static void test_all_ops_have_a_case(void **state)
{
    (void)state;
    for (uint32_t op = 1; op < TCET_OPS; op++) {
        int found = 0;

        for (int t = 0; t < TRIALS; t++)
            found += trials[t].op.op == op;
        if (!found || !reference[op])
            fail_msg("operation %s has no case in backend_trials.h or no reference",
                     graph_op(op)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ops_have_a_case),
        cmocka_unit_test(test_ops),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
