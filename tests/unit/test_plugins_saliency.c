/* test_plugins_saliency.c -- each saliency's S^l against values worked out by hand. */
#include "fake_host.h"

static const tcet_saliency_ops *ops(struct fake_plugin f)
{
    return f.ops;
}

/* The request as the host hands it to describe(). */
static tcet_request described(struct fake_plugin f, tcet_pass *pass)
{
    tcet_request r = {.struct_size = sizeof r, .sites = TCET_SITE_WEIGHT, .pass = pass};

    memset(pass, 0, sizeof *pass);
    pass->struct_size = sizeof *pass;
    assert_int_equal(ops(f)->describe(fake_begin(), f.self, &r), TCET_OK);
    return r;
}

/* S of one layer into out (zeroed first). */
static void run(struct fake_plugin f, const tcet_layer *in, double *out, int64_t rows, int64_t cols)
{
    const int64_t shape[] = {rows, cols};
    tcet_view v = fake_view(out, TCET_F64, shape, 2);

    memset(out, 0, (size_t)v.count * sizeof *out);
    assert_int_equal(ops(f)->layer(fake_begin(), f.self, in, &v), TCET_OK);
}

static void check(const double *got, const double *want, int n)
{
    for (int i = 0; i < n; i++)
        assert_near(got[i], want[i]);
}

static const double weight[] = {1, -2, 3}, gradient[] = {0.5, 0.25, -1, 2, 0, -1};
static const float weight32[] = {1, -2, 3}, gradient32[] = {0.5f, 0.25f, -1};

static tcet_layer conv(int64_t rows)
{
    static int64_t shape_w[] = {3, 1, 1, 1}, shape_g[] = {0, 3, 1, 1, 1};
    tcet_layer in = {.struct_size = sizeof in,
                     .kind = TCET_LAYER_CONV,
                     .site = TCET_SITE_WEIGHT,
                     .params = 3,
                     .rows = rows};

    shape_g[0] = rows;
    in.weight = fake_view(weight, TCET_F64, shape_w, 4);
    in.gradient = fake_view(gradient, TCET_F64, shape_g, 5);
    return in;
}

/* snip = |w g|, plain = w g, grad = g; of float32 views too; one row a sample on request. */
static void test_gradients(void **state)
{
    static const double snip_want[] = {0.5, 0.5, 3, 2, 0, 3}, plain_want[] = {0.5, -0.5, -3};
    struct fake_plugin snip = fake_new("saliency_snip", "snip", "");
    struct fake_plugin rows = fake_new("saliency_snip", "snip", "rows=sample mode=eval");
    struct fake_plugin plain = fake_new("saliency_snip", "plain", "");
    struct fake_plugin grad = fake_new("saliency_snip", "grad", "");
    tcet_layer one = conv(1), two = conv(2);
    tcet_pass pass;
    tcet_request r = described(snip, &pass);
    double s[6];

    (void)state;
    assert_int_equal(r.form, TCET_FORM_VECTOR);
    assert_int_equal(r.wants, TCET_WANT_WEIGHT | TCET_WANT_GRADIENT);
    assert_int_equal(pass.loss, TCET_LOSS_CROSS_ENTROPY);
    assert_int_equal(pass.gradient, TCET_GRADIENT_BATCH);
    assert_int_equal(pass.norm, TCET_NORM_TRAIN);
    run(snip, &one, s, 1, 3);
    check(s, snip_want, 3);
    run(plain, &one, s, 1, 3);
    check(s, plain_want, 3);
    run(grad, &one, s, 1, 3);
    check(s, gradient, 3);
    one.weight = F32(weight32, 3);
    one.gradient = F32(gradient32, 1, 3);
    run(snip, &one, s, 1, 3);
    check(s, snip_want, 3);

    r = described(rows, &pass);
    assert_int_equal(r.form, TCET_FORM_ROWS);
    assert_int_equal(pass.gradient, TCET_GRADIENT_SAMPLE);
    assert_int_equal(pass.norm, TCET_NORM_EVAL);
    run(rows, &two, s, 2, 3);
    check(s, snip_want, 6);
    fake_free(snip);
    fake_free(rows);
    fake_free(plain);
    fake_free(grad);
}

/* synflow asks for the data-free pass in double; norm chooses the reference's reading. */
static void test_synflow(void **state)
{
    static const double want[] = {0.5, 0.5, 3};
    struct fake_plugin f = fake_new("saliency_synflow", "synflow", "");
    struct fake_plugin original =
        fake_new("saliency_synflow", "synflow", "norm=eval precision=f32");
    tcet_layer in = conv(1);
    tcet_pass pass;
    double s[3];

    (void)state;
    described(f, &pass);
    assert_int_equal(pass.weights, TCET_WEIGHTS_ABSOLUTE);
    assert_int_equal(pass.input, TCET_INPUT_ONES);
    assert_int_equal(pass.norm, TCET_NORM_REMOVED);
    assert_int_equal(pass.loss, TCET_LOSS_SUM);
    assert_int_equal(pass.precision, TCET_PRECISION_F64);
    run(f, &in, s, 1, 3);
    check(s, want, 3);
    described(original, &pass);
    assert_int_equal(pass.norm, TCET_NORM_EVAL);
    assert_int_equal(pass.precision, TCET_PRECISION_F32);
    fake_free(f);
    fake_free(original);
}

/* ZenNAS's reading: less the sum of each output channel's weights. */
static void test_synflow_channels(void **state)
{
    static const double w[] = {1, -2, 3, 4, 0, 5}, g[] = {0.5, 0.25, -1, 2, 7, -1};
    struct fake_plugin f = fake_new("saliency_synflow", "synflow", "per=channel sign=minus");
    tcet_layer in = conv(1);
    int64_t rows, cols;
    tcet_pass pass;
    double s[2];

    (void)state;
    assert_int_equal(described(f, &pass).form, TCET_FORM_CUSTOM);
    in.weight = F64(w, 2, 3);
    in.gradient = F64(g, 1, 2, 3);
    assert_int_equal(ops(f)->shape(fake_begin(), f.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(rows, 1);
    assert_int_equal(cols, 2);
    run(f, &in, s, 1, 2);
    check(s, (const double[]){-4, -13}, 2);
    fake_free(f);
}

/* grad of all parameters: a row's weights, then its biases; of weights alone, biases that
 * another metric asked for do not enter. */
static void test_grad_all(void **state)
{
    static const double biases[] = {7, 8, 9, 10};
    struct fake_plugin all = fake_new("saliency_snip", "grad", "of=all rows=sample");
    struct fake_plugin f = fake_new("saliency_snip", "grad", "rows=sample");
    tcet_layer in = conv(2);
    int64_t rows, cols;
    tcet_pass pass;
    tcet_request r = described(all, &pass);
    double s[10];

    (void)state;
    assert_int_equal(r.sites, TCET_SITE_WEIGHT | TCET_SITE_NORM);
    assert_int_equal(r.form, TCET_FORM_CUSTOM);
    assert_true(r.wants & TCET_WANT_BIAS_GRADIENT);
    assert_false(described(f, &pass).wants & TCET_WANT_BIAS_GRADIENT);
    in.params = 5;
    in.bias_gradient = F64(biases, 2, 2);
    assert_int_equal(ops(all)->shape(fake_begin(), all.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(rows, 2);
    assert_int_equal(cols, 5);
    run(all, &in, s, 2, 5);
    check(s, (const double[]){0.5, 0.25, -1, 7, 8, 2, 0, -1, 9, 10}, 10);
    in.bias_gradient = (tcet_view){.data = NULL};
    run(f, &in, s, 2, 3);
    check(s, gradient, 6);
    fake_free(all);
    fake_free(f);
}

/* grad with matrix = 1: the same elements, a row an output; what has no such row is refused. */
static void test_grad_matrix(void **state)
{
    struct fake_plugin f = fake_new("saliency_snip", "grad", "matrix=1");
    struct fake_plugin rows_too = fake_new("saliency_snip", "grad", "matrix=1 rows=sample");
    struct fake_plugin all_too = fake_new("saliency_snip", "grad", "matrix=1 of=all");
    tcet_layer in = conv(1);
    int64_t shape_w[] = {1, 3, 1, 1}, rows, cols;
    tcet_pass pass = {.struct_size = sizeof pass};
    tcet_request r = described(f, &pass);
    double s[3];

    (void)state;
    assert_int_equal(r.form, TCET_FORM_CUSTOM);
    in.weight = fake_view(weight, TCET_F64, shape_w, 4);
    assert_int_equal(ops(f)->shape(fake_begin(), f.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(rows, 1);
    assert_int_equal(cols, 3);
    run(f, &in, s, rows, cols);
    check(s, gradient, 3);
    r.pass = &pass;
    assert_int_equal(ops(f)->describe(fake_begin(), rows_too.self, &r), TCET_E_ARG);
    assert_int_equal(ops(f)->describe(fake_begin(), all_too.self, &r), TCET_E_ARG);
    fake_free(f);
    fake_free(rows_too);
    fake_free(all_too);
}

/* Correlations of channels over images and pixels, a constant one's 0;
 * a layer that never ran has none. */
static void test_meco(void **state)
{
    static const double x[] = {1,  2, 1, -3, 0.5, 0, 7, 7,  /* image 0: four channels of 2 pixels */
                               -1, 0, 3, 1,  0,   1, 7, 7}; /* image 1 */
    struct fake_plugin out = fake_new("saliency_meco", "meco", "");
    struct fake_plugin in_of = fake_new("saliency_meco", "meco", "site=conv_in images=2 mode=eval");
    tcet_layer in = {.struct_size = sizeof in, .site = TCET_SITE_WEIGHT};
    int64_t rows, cols;
    tcet_pass pass;
    double s[16], r;

    (void)state;
    assert_int_equal(described(out, &pass).wants, TCET_WANT_OUTPUT);
    assert_int_equal(pass.input, TCET_INPUT_GAUSSIAN);
    assert_int_equal(pass.samples, 1);
    assert_int_equal(described(in_of, &pass).wants, TCET_WANT_INPUT);
    assert_int_equal(pass.samples, 2);
    assert_int_equal(pass.norm, TCET_NORM_EVAL);
    in.output = F64(x, 2, 4, 1, 2);
    assert_int_equal(ops(out)->shape(fake_begin(), out.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(rows, 4);
    assert_int_equal(cols, 4);
    run(out, &in, s, 4, 4);
    /* channel 2 of mean 3/8: products with channel 0 (mean 1/2) */
    r = (0.5 * 0.125 + 1.5 * -0.375 + -1.5 * -0.375 + -0.5 * 0.625) /
        sqrt(5.0 * (0.125 * 0.125 + 2 * 0.375 * 0.375 + 0.625 * 0.625));
    check(s, (const double[]){1, -9.0 / sqrt(5.0 * 19.0), r, 0}, 4);
    assert_near(s[8], r);
    assert_near(s[5], 1.0);
    check(s + 12, (const double[]){0, 0, 0, 0}, 4);
    in.order = -1;
    run(out, &in, s, 4, 4);
    check(s, (const double[]){0, 0, 0, 0}, 4);
    fake_free(out);
    fake_free(in_of);
}

/* The plugins that read no gradient: theta, #params (bias included), MACs. */
static void test_static(void **state)
{
    struct fake_plugin f = fake_new("saliency_weight", "weight", "");
    tcet_layer in = conv(1);
    tcet_pass pass;
    tcet_request r;
    int64_t rows, cols;
    double s[5];

    (void)state;
    run(f, &in, s, 1, 3);
    check(s, weight, 3);
    fake_free(f);

    f = fake_new("saliency_count", "ones", "");
    r = described(f, &pass);
    assert_int_equal(r.sites, TCET_SITE_WEIGHT | TCET_SITE_NORM | TCET_SITE_PARAMETER);
    assert_int_equal(r.wants, 0);
    in.params = 5;
    assert_int_equal(ops(f)->shape(fake_begin(), f.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(rows, 1);
    assert_int_equal(cols, 5);
    run(f, &in, s, 1, 5);
    check(s, (const double[]){1, 1, 1, 1, 1}, 5);
    fake_free(f);

    in.macs = 1000;
    in.bias_macs = 10;
    f = fake_new("saliency_count", "macs", "");
    run(f, &in, s, 1, 1);
    assert_near(s[0], 1000);
    fake_free(f);
    f = fake_new("saliency_count", "macs", "bias=1");
    run(f, &in, s, 1, 1);
    assert_near(s[0], 1010);
    fake_free(f);
}

/* nwot hands K on; a layer that was never executed has K = 0, whatever the view holds. */
static void test_nwot(void **state)
{
    static const double k[] = {4, 1, 1, 4}, zero[4];
    struct fake_plugin f = fake_new("saliency_nwot", "nwot", "");
    struct fake_plugin relu = fake_new("saliency_nwot", "nwot", "site=relu_in mode=train");
    tcet_layer in = {.struct_size = sizeof in, .batch = 2};
    tcet_pass pass;
    tcet_request r = described(f, &pass);
    double s[4];

    (void)state;
    assert_int_equal(r.sites, TCET_SITE_WEIGHT);
    assert_int_equal(r.form, TCET_FORM_KERNEL);
    assert_int_equal(r.merge, TCET_MERGE_SUM);
    assert_int_equal(pass.norm, TCET_NORM_EVAL);
    assert_int_equal(pass.loss, TCET_LOSS_NONE);
    in.agreement = F64(k, 2, 2);
    run(f, &in, s, 2, 2);
    check(s, k, 4);
    in.order = -1;
    run(f, &in, s, 2, 2);
    check(s, zero, 4);
    r = described(relu, &pass);
    assert_int_equal(r.sites, TCET_SITE_ACTIVATION);
    assert_int_equal(pass.norm, TCET_NORM_TRAIN);
    fake_free(f);
    fake_free(relu);
}

/* twice: K of a ReLU that is in a module of a class named, or whose name ends in a text with a dot,
 * and of nothing else, is doubled. */
static void test_nwot_twice(void **state)
{
    static const double k[] = {4, 1, 1, 4}, doubled[] = {8, 2, 2, 8};
    struct fake_plugin f = fake_new("saliency_nwot", "nwot", "site=relu_in twice=.op.0");
    struct fake_plugin c = fake_new("saliency_nwot", "nwot", "site=relu_in twice=Other,ReLUConvBN");
    tcet_layer in = {.struct_size = sizeof in, .site = TCET_SITE_ACTIVATION, .batch = 2};
    double s[4];

    (void)state;
    in.agreement = F64(k, 2, 2);
    in.container = "";
    in.name = "cells.3.layers.1.op.0";
    run(f, &in, s, 2, 2);
    check(s, doubled, 4);
    run(c, &in, s, 2, 2);
    check(s, k, 4);
    in.container = "ReLUConvBN";
    run(c, &in, s, 2, 2);
    check(s, doubled, 4);
    in.container = "ReLUConv";
    run(c, &in, s, 2, 2);
    check(s, k, 4);
    in.name = "lastact.1";
    run(f, &in, s, 2, 2);
    check(s, k, 4);
    in.name = "op.0";
    run(f, &in, s, 2, 2);
    check(s, k, 4);
    in.name = "cells.3.layers.1.op.0";
    in.site = TCET_SITE_WEIGHT;
    in.container = "ReLUConvBN";
    run(f, &in, s, 2, 2);
    check(s, k, 4);
    run(c, &in, s, 2, 2);
    check(s, k, 4);
    fake_free(f);
    fake_free(c);
}

/* -w Hg, signed; absolute on request; T of 1 is the default temperature; one row a sample on
 * request, on the pass of snip's. */
static void test_grasp(void **state)
{
    static const double hvp[] = {2, 3, -1, 0, -0.5, 4};
    struct fake_plugin rows = fake_new("saliency_grasp", "grasp", "rows=sample");
    struct fake_plugin f = fake_new("saliency_grasp", "grasp", "");
    struct fake_plugin absolute = fake_new("saliency_grasp", "grasp", "T=200 absolute=1");
    tcet_layer in = conv(1);
    tcet_pass pass;
    tcet_request r = described(f, &pass);
    double s[6];

    (void)state;
    assert_int_equal(r.form, TCET_FORM_VECTOR);
    assert_int_equal(pass.gradient, TCET_GRADIENT_BATCH);
    assert_int_equal(pass.hvp, 1);
    assert_near(pass.temperature, 0);
    in.hvp = F64(hvp, 3);
    run(f, &in, s, 1, 3);
    check(s, (const double[]){-2, 6, 3}, 3);
    described(absolute, &pass);
    assert_near(pass.temperature, 200);
    run(absolute, &in, s, 1, 3);
    check(s, (const double[]){2, 6, 3}, 3);
    r = described(rows, &pass);
    assert_int_equal(r.form, TCET_FORM_ROWS);
    assert_int_equal(pass.gradient, TCET_GRADIENT_SAMPLE);
    assert_int_equal(pass.hvp, 1);
    in = conv(2);
    in.hvp = F64(hvp, 2, 3);
    run(rows, &in, s, 2, 3);
    check(s, (const double[]){-2, 6, 3, 0, -1, -12}, 6);
    fake_free(f);
    fake_free(absolute);
    fake_free(rows);
}

/* The original's halves, Synaptic-Flow's sign and mode; rows of images have one mini-batch. */
static void test_grasp_readings(void **state)
{
    static const double hvp[] = {2, 3, -1};
    struct fake_plugin halves = fake_new("saliency_grasp", "grasp", "batches=2 source=halves");
    struct fake_plugin plus = fake_new("saliency_grasp", "grasp", "sign=plus mode=eval");
    struct fake_plugin bad = fake_new("saliency_grasp", "grasp", "batches=2 rows=sample");
    tcet_request r = {.struct_size = sizeof r};
    tcet_layer in = conv(1);
    tcet_pass pass;
    double s[3];

    (void)state;
    described(halves, &pass);
    assert_int_equal(pass.batches, 2);
    assert_int_equal(pass.source, TCET_SOURCE_PARTS);
    assert_int_equal(pass.norm, TCET_NORM_TRAIN);
    described(plus, &pass);
    assert_int_equal(pass.norm, TCET_NORM_EVAL);
    in.hvp = F64(hvp, 3);
    run(plus, &in, s, 1, 3);
    check(s, (const double[]){2, -6, -3}, 3);
    r.pass = &pass;
    assert_int_equal(ops(bad)->describe(fake_begin(), bad.self, &r), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "one mini-batch"));
    fake_free(halves);
    fake_free(plus);
    fake_free(bad);
}

/* Two images, two channels of 1 x 2: q = (1*1+2*1, 3*0+1*2; 1*2+0*1, 1*1+1*1) = (3, 2; 2, 2),
 * Delta = 1/2 mean q^2 = (3.25, 2); broadcast over the 3 weights of each channel. */
static void test_fisher(void **state)
{
    static const double w[6], q[] = {3, 2, 2, 2};
    struct fake_plugin f = fake_new("saliency_fisher", "fisher", "");
    struct fake_plugin channels = fake_new("saliency_fisher", "fisher", "broadcast=0");
    tcet_layer in = {.struct_size = sizeof in};
    int64_t rows, cols;
    double s[6];

    (void)state;
    in.weight = F64(w, 2, 3, 1, 1);
    in.channel_product = F64(q, 2, 2);
    assert_int_equal(ops(f)->shape(fake_begin(), f.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(cols, 6);
    run(f, &in, s, 1, 6);
    check(s, (const double[]){3.25, 3.25, 3.25, 2, 2, 2}, 6);
    assert_int_equal(ops(channels)->shape(fake_begin(), channels.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(cols, 2);
    run(channels, &in, s, 1, 2);
    check(s, (const double[]){3.25, 2}, 2);
    in.order = -1;
    run(f, &in, s, 1, 6);
    check(s, w, 6);
    fake_free(f);
    fake_free(channels);
}

/* zico: one row a mini-batch, from the loader or from parts of the first; running sums where
 * the gradient is not cleared. */
static void test_zico(void **state)
{
    struct fake_plugin f = fake_new("saliency_zico", "zico", "");
    struct fake_plugin halves = fake_new("saliency_zico", "zico", "source=halves batches=4");
    struct fake_plugin running = fake_new("saliency_zico", "zico", "accumulate=1");
    tcet_layer in = conv(2);
    tcet_pass pass;
    tcet_request r = described(f, &pass);
    double s[6];

    (void)state;
    assert_int_equal(r.form, TCET_FORM_ROWS);
    assert_int_equal(pass.batches, 2);
    assert_int_equal(pass.source, TCET_SOURCE_LOADER);
    run(f, &in, s, 2, 3);
    check(s, gradient, 6);
    described(halves, &pass);
    assert_int_equal(pass.batches, 4);
    assert_int_equal(pass.source, TCET_SOURCE_PARTS);
    run(running, &in, s, 2, 3);
    check(s, (const double[]){0.5, 0.25, -1, 2.5, 0.25, -2}, 6);
    fake_free(f);
    fake_free(halves);
    fake_free(running);
}

static void test_jacob(void **state)
{
    static const double j[] = {1, 2, 3, 4, 5, 6};
    struct fake_plugin f = fake_new("saliency_jacob", "jacob", "");
    tcet_layer in = {.struct_size = sizeof in, .site = TCET_SITE_INPUT};
    tcet_pass pass;
    tcet_request r = described(f, &pass);
    int64_t rows, cols;
    double s[6];

    (void)state;
    assert_int_equal(r.sites, TCET_SITE_INPUT);
    assert_int_equal(pass.loss, TCET_LOSS_SUM);
    in.output_gradient = F64(j, 2, 1, 1, 3);
    assert_int_equal(ops(f)->shape(fake_begin(), f.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(rows, 2);
    assert_int_equal(cols, 3);
    run(f, &in, s, 2, 3);
    check(s, j, 6);
    fake_free(f);
}

/* Class 7: rows (0,1,2) and (2,1,0), correlation -1, so four entries of ln(1 + 1e-5); class 3:
 * (0,1,2) and (0,1,-1): correlation -1/2; class 9: one image. */
static void test_epe(void **state)
{
    static const double j[] = {0, 1, 2, 0, 1, 2, 2, 1, 0, 0, 1, -1, 5, 0, 1};
    static const int64_t labels[] = {7, 3, 7, 3, 9};
    struct fake_plugin f = fake_new("saliency_jacob", "epe", "");
    struct fake_plugin pairs = fake_new("saliency_jacob", "epe", "combine=pairs");
    tcet_layer in = {.struct_size = sizeof in, .site = TCET_SITE_INPUT};
    double one = log(1 + 1e-5), half = log(0.5 + 1e-5), a = 4 * one, b = 2 * one + 2 * half, s[5];
    const int64_t shape[] = {1, 5};
    tcet_view out = fake_view(s, TCET_F64, shape, 2);

    (void)state;
    in.output_gradient = F64(j, 5, 1, 1, 3);
    assert_int_equal(ops(f)->layer(fake_begin(), f.self, &in, &out), TCET_E_ARG);
    assert_non_null(strstr(fake.message, "labels"));
    in.labels = labels;
    run(f, &in, s, 1, 5);
    check(s, (const double[]){fabs(a), fabs(b), one, 0, 0}, 5);
    run(pairs, &in, s, 1, 5);
    check(s, (const double[]){fabs(a - b) / 4, fabs(a - b) / 4, 0, 0, 0}, 5);
    assert_int_equal(fake_guards("epe_lone_image"), 1);
    fake_free(f);
    fake_free(pairs);
}

/* Features of two images, twice: moves |1|+|2| and |0|+|3|, mean 3; variances' mean 4. */
static void test_zen(void **state)
{
    static const float features[] = {1, 2, 3, 4, 2, 4, 3, 1}, variance[] = {1, 7};
    struct fake_plugin f = fake_new("saliency_zen", "zen", "");
    struct fake_plugin seeded = fake_new("saliency_zen", "zen", "seed=2 gamma=0.5");
    tcet_layer in = {.struct_size = sizeof in, .site = TCET_SITE_FEATURES};
    tcet_layer norm = {.struct_size = sizeof in, .site = TCET_SITE_NORM};
    tcet_pass pass;
    tcet_request r = described(f, &pass);
    double s;

    (void)state;
    assert_int_equal(r.sites, TCET_SITE_FEATURES | TCET_SITE_NORM);
    assert_int_equal(r.form, TCET_FORM_SCALAR);
    assert_int_equal(pass.weights, TCET_WEIGHTS_GAUSSIAN);
    assert_int_equal(pass.input, TCET_INPUT_MIXUP);
    assert_int_equal(pass.own_seed, 0);
    assert_near(pass.mixup, 0.01);
    in.output = F32(features, 4, 2, 1, 1);
    norm.variance = F32(variance, 2);
    run(f, &in, &s, 1, 1);
    assert_near(s, log(3));
    run(f, &norm, &s, 1, 1);
    assert_near(s, log(2));
    norm.order = -1;
    run(f, &norm, &s, 1, 1);
    assert_near(s, 0);
    assert_int_equal(fake_guards("zen_norm_without_variance"), 1);
    described(seeded, &pass);
    assert_int_equal(pass.own_seed, 1);
    assert_int_equal(pass.seed, 2);
    assert_near(pass.mixup, 0.5);
    fake_free(f);
    fake_free(seeded);
}

/* A row an image, 32 signs a number, only what is above 0; describe() says whose images. */
static void test_pattern(void **state)
{
    struct fake_plugin f = fake_new("saliency_pattern", "pattern", "");
    struct fake_plugin thin = fake_new("saliency_pattern", "pattern",
                                       "network=thin input=gaussian images=1000 batches=3");
    static float x[2 * 34];
    tcet_layer in = {.struct_size = sizeof in, .site = TCET_SITE_ACTIVATION};
    int64_t rows, cols;
    tcet_pass pass;
    tcet_request r = described(f, &pass);
    double s[4];

    (void)state;
    assert_int_equal(r.sites, TCET_SITE_ACTIVATION);
    assert_int_equal(r.form, TCET_FORM_CUSTOM);
    assert_int_equal(pass.network, TCET_NETWORK_FULL);
    assert_int_equal(pass.batches, 1);
    x[0] = 1;
    x[1] = -1;
    x[31] = 0.5f;
    x[34 + 1] = 2;
    x[34 + 33] = 3;
    in.output = F32(x, 2, 34, 1, 1);
    assert_int_equal(ops(f)->shape(fake_begin(), f.self, &in, &rows, &cols), TCET_OK);
    assert_int_equal(rows, 2);
    assert_int_equal(cols, 2);
    run(f, &in, s, 2, 2);
    check(s, (const double[]){2147483649.0, 0, 2, 2}, 4);
    described(thin, &pass);
    assert_int_equal(pass.network, TCET_NETWORK_THIN);
    assert_int_equal(pass.input, TCET_INPUT_GAUSSIAN);
    assert_int_equal(pass.samples, 1000);
    assert_int_equal(pass.repeat, 3);
    fake_free(f);
    fake_free(thin);
}

/* Repeats: the mean of the logs, of the moves and of the variances. */
static void test_zen_repeats(void **state)
{
    static const float features[] = {1, 2, 2, 4, 0, 0, 1, 0}, variance[] = {1, 7, 2, 2};
    struct fake_plugin f = fake_new("saliency_zen", "zen", "repeat=2");
    tcet_layer in = {.struct_size = sizeof in, .site = TCET_SITE_FEATURES};
    tcet_layer norm = {.struct_size = sizeof in, .site = TCET_SITE_NORM};
    tcet_pass pass;
    double s;

    (void)state;
    described(f, &pass);
    assert_int_equal(pass.repeat, 2);
    in.output = F32(features, 4, 2, 1, 1);
    norm.variance = F32(variance, 2, 2);
    run(f, &in, &s, 1, 1);
    assert_near(s, 0.5 * (log(3) + log(1)));
    run(f, &norm, &s, 1, 1);
    assert_near(s, 0.5 * (0.5 * log(4) + 0.5 * log(2)));
    fake_free(f);
}

/* Gram matrix of the rows (0.5, 0.25, -1) and (2, 0, -1). */
static void test_ntk(void **state)
{
    struct fake_plugin f = fake_new("saliency_ntk", "ntk", "");
    struct fake_plugin bare = fake_new("saliency_ntk", "ntk", "norm=0");
    tcet_layer in = conv(2);
    tcet_pass pass;
    tcet_request r = described(f, &pass);
    double s[4];

    (void)state;
    assert_int_equal(r.sites, TCET_SITE_WEIGHT | TCET_SITE_NORM);
    assert_int_equal(r.merge, TCET_MERGE_SUM);
    assert_int_equal(pass.gradient, TCET_GRADIENT_SAMPLE);
    run(f, &in, s, 2, 2);
    check(s, (const double[]){1.3125, 2, 2, 5}, 4);
    r = described(bare, &pass);
    assert_int_equal(r.sites, TCET_SITE_WEIGHT);
    fake_free(f);
    fake_free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_grad_all),
        cmocka_unit_test(test_grad_matrix),
        cmocka_unit_test(test_meco),
        cmocka_unit_test(test_synflow),
        cmocka_unit_test(test_synflow_channels),
        cmocka_unit_test(test_static),
        cmocka_unit_test(test_nwot),
        cmocka_unit_test(test_nwot_twice),
        cmocka_unit_test(test_grasp),
        cmocka_unit_test(test_grasp_readings),
        cmocka_unit_test(test_fisher),
        cmocka_unit_test(test_zico),
        cmocka_unit_test(test_jacob),
        cmocka_unit_test(test_epe),
        cmocka_unit_test(test_zen),
        cmocka_unit_test(test_zen_repeats),
        cmocka_unit_test(test_pattern),
        cmocka_unit_test(test_ntk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
