/* test_store_fixture.h -- a small run for the tests of core/store: folders, columns, rows.
 * Room: tests. */
#ifndef TEST_STORE_FIXTURE_H
#define TEST_STORE_FIXTURE_H

#include "store/store.h" /* before cmocka, which takes the word fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define OK(expr)                                 \
    do {                                         \
        if ((expr) != TCET_OK)                   \
            fail_msg("%s: %s", #expr, err.text); \
    } while (0)

/* A new folder a test; its name in f->top. */
struct fixture {
    char top[64], folder[96];
};

static inline int fixture_make(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    snprintf(f->top, sizeof f->top, "/tmp/tcet-store-XXXXXX");
    if (!f || !mkdtemp(f->top))
        return -1;
    snprintf(f->folder, sizeof f->folder, "%s/runs/one", f->top);
    *state = f;
    return 0;
}

static inline int fixture_drop(void **state)
{
    struct fixture *f = *state;
    char command[192];
    int rc;

    snprintf(command, sizeof command, "chmod -R u+rwx %s && rm -rf %s", f->top, f->top);
    rc = system(command);
    free(f);
    return rc;
}

/* Another run may be made in its folder. */
static inline void fixture_empty(const struct fixture *f)
{
    char command[192];

    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
}

enum { SNIP, NWOT, TCET, RANK, COLUMNS };
static const struct result_column columns[COLUMNS] = {
    [SNIP] = {"snip_snr", "key snip", 0, 0, 1, 1},
    [NWOT] = {"lnwot", "key nwot", 0, 0, 1, 1},
    [TCET] = {"tcet", "key tcet", 1, 0, 1, 0},
    [RANK] = {"rank", "key rank", 1, 1, -1, 0},
};

enum { ARCHS = 3, LAYERS = 2 };
static const char *const archs[ARCHS] = {"|conv~0|", "a,\"b\"", "|none~0|"};
static const struct result_layer layer_list[LAYERS] = {{"stem.0", "conv", "16,3,3,3"},
                                                       {"head", "linear", "10,16"}};

/* Row i with all its values: numbers that only a wrong path would give again. */
struct sample {
    struct result_row row;
    struct result_value value[3];
    double layers[2][LAYERS];
};

static inline void sample_fill(struct sample *x, int i)
{
    *x = (struct sample){
        .row = {.arch = archs[i],
                .status = RESULT_OK,
                .message = "",
                .params = 100 + i,
                .macs = 1000 + i,
                .x_sum = 0.1 * i,
                .w_sum = -1.0 / 3 * (i + 1),
                .layers = layer_list,
                .layer_count = LAYERS,
                .times = {.forward = 0.5, .total = 0.5},
                .value_count = 3},
        .layers = {{1.0 / (i + 3), 1e44 * (i + 1)}, {-0.0, 5e-324}},
    };
    x->value[0] = (struct result_value){
        .column = SNIP, .value = 1.0 / (i + 7), .layers = x->layers[0], .seconds = 0.5};
    x->value[1] = (struct result_value){.column = NWOT,
                                        .value = 40759.58231061032 + i,
                                        .layers = x->layers[1],
                                        .guards = {{{"zero", 2}, {"equal_rows", 1}}, 2},
                                        .seconds = 0.25};
    x->value[2] = (struct result_value){
        .column = TCET, .value = -1e-300 * (i + 1), .guards = {{{"zero", 1}}, 1}};
    x->value[0].layer_count = x->value[1].layer_count = LAYERS;
    x->row.values = x->value;
}

static inline struct store *open_store(const char *folder, enum store_mode mode)
{
    struct store *s = NULL;
    struct error err;

    OK(store_open(folder, mode, &s, &err));
    return s;
}

/* The run's columns and architectures. */
static inline void set_run(struct store *s)
{
    struct error err;

    OK(store_set_columns(s, columns, COLUMNS, &err));
    OK(store_set_archs(s, archs, ARCHS, &err));
    OK(store_set_meta(s, "space", "toy", &err));
}

static inline void put_sample(struct store *s, int i)
{
    struct sample x;
    struct error err;

    sample_fill(&x, i);
    OK(store_put(s, &x.row, &err));
}

static inline int exists(const char *folder, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* The folder holds a store of tests/data/store. */
static inline void fixture_copy(const struct fixture *f, const char *name)
{
    char command[512];

    snprintf(command, sizeof command, "mkdir -p %s && cp %s/store/%s %s/scores.db", f->folder,
             TCET_TEST_DATA, name, f->folder);
    assert_int_equal(system(command), 0);
}

/* A whole file as text; free() it. */
static inline char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    size_t n;

    if (!f)
        fail_msg("cannot read %s", path);
    n = fread(text, 1, (1 << 16) - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

#endif
