/* test_net_python.c -- protects what other programs read of a network of every space, and of one with
 * every operation: .pth by torch.load(weights_only=True), safetensors by a parser of its own, both with
 * the same numbers; ONNX by onnx's checker, and run by PyTorch's functions and OpenCV, with the logits of
 * a plain computation.  Skipped where Debian's python3-torch or python3-onnx is missing. */
#include "backend_reference.h"
#include "net/net.h"
#include "net_graphs.h"
#include "space_host.h" /* before cmocka.h, whose macro `fail` would break it */

#include <sys/stat.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { IMAGES = 2, DRAWS = 20, SKIPPED = 77 };

static void write_floats(const char *folder, const char *name, const float *x, int64_t n)
{
    char path[700];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(x, sizeof *x, (size_t)n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* A tracked batch norm in eval mode.  Its statistics, into running, are near those of what it reads, so
 * that values keep their size, but no variance is small, so that rounding keeps its own. */
static void eval_norm(const struct forward *f, const tcet_node *o, float *running, double *y)
{
    const double *x = in_value(f, o, 0);
    int64_t hw = (int64_t)o->h * o->w, m = f->n * hw;

    for (int64_t c = 0; c < o->c; c++) {
        double mean = 0, var = 0;

        for (int64_t i = 0; i < m; i++)
            mean += x[(i / hw * o->c + c) * hw + i % hw] / (double)m;
        for (int64_t i = 0; i < m; i++)
            var += pow(x[(i / hw * o->c + c) * hw + i % hw] - mean, 2) / (double)m;
        running[c] = (float)mean;
        running[o->c + c] = (float)var + 0.1f;
        for (int64_t i = 0; i < m; i++) {
            int64_t at = (i / hw * o->c + c) * hw + i % hw;

            y[at] = (x[at] - running[c]) / sqrt(running[o->c + c] + o->eps);
            if (o->affine)
                y[at] = y[at] * weight_of(f, o)[c] + bias_of(f, o)[c];
        }
    }
}

/* Where a module's running statistics begin. */
static int64_t running_place(const tcet_graph *g, int32_t module)
{
    int64_t place = 0;

    for (int32_t m = 0; m < module; m++) {
        for (int32_t i = 0; i < g->node_count; i++) {
            const tcet_node *o = &g->nodes[i];

            if (o->op == TCET_OP_BATCH_NORM && o->track && o->module == m) {
                place += 2 * (int64_t)o->c;
                break;
            }
        }
    }
    return place;
}

/* The plain computation; its statistics and logits. */
static void plain(const tcet_graph *g, const float *params, const float *x, float *running,
                  float *logits)
{
    int64_t pixels = IMAGES * (int64_t)g->channels * g->height * g->width;
    double *p = malloc((size_t)(g->param_floats + 1) * sizeof *p);
    double *image = malloc((size_t)pixels * sizeof *image);
    struct forward f = {.graph = g, .params = p, .image = image, .n = IMAGES};

    assert_true(p && image);
    for (int64_t i = 0; i < g->param_floats; i++)
        p[i] = params[i];
    for (int64_t i = 0; i < pixels; i++)
        image[i] = x[i];
    f.value = calloc((size_t)g->node_count, sizeof *f.value);
    for (int32_t i = 0; i < g->node_count; i++) {
        const tcet_node *o = &g->nodes[i];

        f.value[i] = calloc((size_t)(IMAGES * units(o)) + 1, sizeof **f.value);
        if (o->op == TCET_OP_BATCH_NORM && o->track)
            eval_norm(&f, o, running + running_place(g, o->module), f.value[i]);
        else
            reference[o->op](&f, o, f.value[i]);
    }
    for (int64_t i = 0; i < (int64_t)IMAGES * g->classes; i++)
        logits[i] = (float)f.value[g->output][i];
    for (int32_t i = 0; i < g->node_count; i++)
        free(f.value[i]);
    free(f.value);
    free(p);
    free(image);
}

static void write_all(const struct graph *g, const char *name, const char *arch)
{
    static const char *const files[] = {"net.safetensors", "net.pth", "net.onnx"};
    const tcet_graph *view = graph_view(g);
    int64_t pixels = IMAGES * (int64_t)view->channels * view->height * view->width;
    float *params = mem_try((size_t)view->param_floats + 1, sizeof *params);
    float *running = mem_try((size_t)net_running(g) + 1, sizeof *running);
    float *x = mem_try((size_t)pixels, sizeof *x);
    float *logits = mem_try((size_t)IMAGES * (size_t)view->classes, sizeof *logits);
    struct net net = {g, params, running, 3, name, arch, "test", "3"};
    char folder[600], path[700];
    struct error err;
    tcet_rng r;

    rng_seed(&r, 1);
    graph_draw(g, &r, params);
    rng_normal(&r, x, pixels, 0, 1);
    for (int64_t i = 0; i < net_running(g); i++)
        running[i] = 1; /* of what is not executed */
    plain(view, params, x, running, logits);
    snprintf(folder, sizeof folder, "%s/net_python/%s", TCET_TEST_BUILD, name);
    mkdir(folder, 0777);
    write_floats(folder, "input.bin", x, pixels);
    write_floats(folder, "logits.bin", logits, (int64_t)IMAGES * view->classes);
    for (int i = 0; i < 3; i++) {
        enum net_format format;

        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_true(net_format_of(path, &format, &err) >= 0);
        if (net_write(&net, format, path, &err) < 0)
            fail_msg("%s", err.text);
    }
    free(params);
    free(running);
    free(x);
    free(logits);
}

/* Runs the script over the folders of net_python. */
static void check_by_python(const char *names)
{
    char command[3000];
    int status;

    snprintf(command, sizeof command,
             "cd '%s/net_python' && for name in %s; do set -- \"$@\" \"$PWD/$name\"; done && "
             "exec /usr/bin/python3 '%s/tests/unit/net_check.py' \"$@\"",
             TCET_TEST_BUILD, names, TCET_TEST_SOURCE);
    status = system(command); /* NOLINT(concurrency-mt-unsafe) */
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED || WEXITSTATUS(status) == 127) {
        print_message(
            "skipped: wants /usr/bin/python3 with python3-torch and python3-onnx (apt-get "
            "install python3-torch python3-onnx python3-opencv)\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void every_operation(void **state)
{
    struct graph *g = graph_new();
    struct error err;
    int seen[TCET_OPS] = {0};

    (void)state;
    net_every_op(g);
    if (graph_finish(g, &err) < 0)
        fail_msg("%s", err.text);
    for (int32_t i = 0; i < graph_view(g)->node_count; i++)
        seen[graph_view(g)->nodes[i].op] = 1;
    for (int op = 1; op < TCET_OPS; op++)
        assert_int_equal(seen[op], 1);
    write_all(g, "every_operation", "none");
    graph_free(g);
    check_by_python("every_operation");
}

/* Builds arch for images of 16 x 16, or larger where these are too small; its multiply-accumulates.  A
 * network of transnas_micro would have single pixels left, from whose differences rounding grows. */
static int64_t build(struct space *s, const char *arch, struct graph *g)
{
    struct graph_counts counts;

    for (int32_t side = strcmp(s->plugin->id, "transnas_micro") ? 16 : 64; side <= 64; side *= 2) {
        const tcet_task task = {sizeof task, 3, side, side, 10, 0, 0};
        struct error err;

        graph_reset(g, &task);
        if (s->ops->build(&s->cx, s->self, arch, &task, graph_builder(g)) >= 0 &&
            graph_finish(g, &err) >= 0) {
            graph_count(g, &counts);
            return counts.macs;
        }
    }
    fail_msg("%s is not built", arch);
    return 0;
}

/* The smallest of a few networks that each space draws. */
static void every_space(void **state)
{
    static const char *const names[] = {
        "blox",     "nats_sss",   "nats_tss",    "nb101",      "nb1shot1_1",     "nb1shot1_2",
        "nb301",    "nb_macro",   "nds_enas",    "nds_amoeba", "nds_darts",      "nds_nasnet",
        "nds_pnas", "nds_resnet", "nds_resnext", "zennas",     "transnas_macro", "transnas_micro"};
    char list[600] = "", arch[TCET_ARCH_MAX], least[TCET_ARCH_MAX];
    struct graph *g = graph_new();

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct space s;
        int64_t fewest = INT64_MAX;

        assert_int_equal(space_load(&s, names[i]), 0);
        for (int k = 0; k < DRAWS; k++) {
            int64_t macs;

            assert_int_equal(s.ops->random(&s.cx, s.self, arch, sizeof arch), 0);
            macs = build(&s, arch, g);
            if (macs < fewest)
                memcpy(least, arch, sizeof least);
            fewest = macs < fewest ? macs : fewest;
        }
        build(&s, least, g);
        write_all(g, names[i], least);
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s ", names[i]);
        space_unload(&s);
    }
    graph_free(g);
    check_by_python(list);
}

static int set_up(void **state)
{
    (void)state;
    mkdir(TCET_TEST_BUILD "/net_python", 0777);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation),
        cmocka_unit_test(every_space),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
