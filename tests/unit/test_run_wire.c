/* test_run_wire.c -- protects results between processes: a row and a plan arrive as they were sent,
 * and one cut short, or of columns that the run has not, is refused.  Room: tests. */
#include "run/wire.h" /* before cmocka, which takes the word fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COLUMNS = 3 };

static void fill(struct result_row *row, struct result_value values[2])
{
    static const struct result_layer layers[] = {{"stem", "conv", "16,3,3,3"},
                                                 {"head", "linear", "10,16"}};
    static const double numbers[] = {0.25, -1e300};

    values[0] = (struct result_value){.column = 2,
                                      .value = 1.5,
                                      .layers = numbers,
                                      .layer_count = 2,
                                      .guards = {{{"zero", 3}, {"one \"two\"", -1}}, 2},
                                      .seconds = 0.5};
    values[1] = (struct result_value){.column = 0, .value = -0.0};
    *row = (struct result_row){.arch = "|a~0|",
                               .status = RESULT_FAILED,
                               .message = "why",
                               .params = 7,
                               .macs = INT64_MAX,
                               .x_sum = 0.1,
                               .w_sum = -0.2,
                               .layers = layers,
                               .layer_count = 2,
                               .values = values,
                               .value_count = 2,
                               .times = {1, 2, 3, 4, 10}};
}

static void same_value(const struct result_value *a, const struct result_value *b)
{
    assert_int_equal(a->column, b->column);
    assert_memory_equal(&a->value, &b->value, sizeof a->value);
    assert_int_equal(!a->layers, !b->layers);
    assert_int_equal(a->layer_count, b->layer_count);
    if (a->layers)
        assert_memory_equal(a->layers, b->layers, a->layer_count * sizeof *a->layers);
    assert_int_equal(a->guards.count, b->guards.count);
    for (size_t i = 0; i < a->guards.count; i++) {
        assert_string_equal(a->guards.item[i].name, b->guards.item[i].name);
        assert_int_equal(a->guards.item[i].count, b->guards.item[i].count);
    }
    assert_true(a->seconds == b->seconds);
}

static void row_arrives(void **state)
{
    struct result_row sent, got;
    struct result_value values[2];
    struct arena a = {0};
    struct buf b = {0};
    struct error err;

    (void)state;
    fill(&sent, values);
    wire_pack_row(&b, &sent);
    assert_int_equal(wire_unpack_row(b.data, b.len, COLUMNS, &a, &got, &err), TCET_OK);
    assert_string_equal(got.arch, sent.arch);
    assert_int_equal(got.status, sent.status);
    assert_string_equal(got.message, sent.message);
    assert_true(got.params == sent.params && got.macs == sent.macs);
    assert_true(got.x_sum == sent.x_sum && got.w_sum == sent.w_sum);
    assert_int_equal(got.layer_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(got.layers[i].name, sent.layers[i].name);
        assert_string_equal(got.layers[i].kind, sent.layers[i].kind);
        assert_string_equal(got.layers[i].shape, sent.layers[i].shape);
    }
    assert_int_equal(got.value_count, 2);
    for (size_t i = 0; i < 2; i++)
        same_value(&got.values[i], &sent.values[i]);
    assert_memory_equal(&got.times, &sent.times, sizeof got.times);
    /* Of any other length it is none. */
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(wire_unpack_row(b.data, n, COLUMNS, &a, &got, &err), TCET_E_PLUGIN);
    buf_add(&b, "", 1);
    assert_int_equal(wire_unpack_row(b.data, b.len, COLUMNS, &a, &got, &err), TCET_E_PLUGIN);
    buf_free(&b);
    arena_free(&a);
}

static void refuses_row(const struct result_row *row, size_t columns)
{
    struct result_row got;
    struct arena a = {0};
    struct buf b = {0};
    struct error err;

    wire_pack_row(&b, row);
    assert_int_equal(wire_unpack_row(b.data, b.len, columns, &a, &got, &err), TCET_E_PLUGIN);
    buf_free(&b);
    arena_free(&a);
}

static void senseless_rows(void **state)
{
    struct result_value values[2];
    struct result_row row;

    (void)state;
    fill(&row, values);
    refuses_row(&row, 1); /* more values than columns */
    refuses_row(&row, 2); /* the first is of the third */
    values[0].column = -1;
    refuses_row(&row, COLUMNS);
    fill(&row, values);
    row.status = RESULT_MISSING;
    refuses_row(&row, COLUMNS);
}

static void plan_arrives(void **state)
{
    static const int inputs[] = {0, 1};
    const struct result_column columns[] = {
        {"a", "key a", 0, 0, 1, RESULT_ROW_LAYERS, 0, NULL, 0},
        {"b", "key b", 0, 0, -1, RESULT_OTHER_LAYERS, 1, NULL, 0},
        {"c", "key c", 1, 1, 1, RESULT_NO_LAYERS, 0, inputs, 2},
    };
    struct wire_plan sent = {.columns = columns, .column_count = 3, .text = "t", .in_flight = 2};
    struct wire_plan got;
    struct arena a = {0};
    struct buf b = {0};
    struct error err;

    (void)state;
    wire_pack_plan(&b, &sent);
    assert_int_equal(wire_unpack_plan(b.data, b.len, &a, &got, &err), TCET_OK);
    assert_int_equal(got.column_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct result_column *c = &got.columns[i], *want = &columns[i];

        assert_string_equal(c->name, want->name);
        assert_string_equal(c->key, want->key);
        assert_int_equal(c->is_score, want->is_score);
        assert_int_equal(c->population, want->population);
        assert_int_equal(c->direction, want->direction);
        assert_int_equal(c->layered, want->layered);
        assert_int_equal(c->index, want->index);
        assert_int_equal(c->input_count, want->input_count);
    }
    assert_memory_equal(got.columns[2].inputs, inputs, sizeof inputs);
    b.len = 0;
    sent.columns = &columns[2]; /* its inputs are columns that a plan of one has not */
    sent.column_count = 1;
    wire_pack_plan(&b, &sent);
    assert_int_equal(wire_unpack_plan(b.data, b.len, &a, &got, &err), TCET_E_PLUGIN);
    buf_free(&b);
    arena_free(&a);
}

/* What a search says, and what it is told; of a message cut short nothing is taken. */
static void search_arrives(void **state)
{
    const struct search_want wants[] = {{7, "a", 0}, {-3, "b", 2}};
    const struct wire_asks m = {.state = {.asks = 9,
                                          .scored = 5,
                                          .rejected = 1,
                                          .ended = 1,
                                          .why = "enough",
                                          .best = 2.5,
                                          .best_ask = 4},
                                .lines = "1,1\n",
                                .lines_len = 4,
                                .wants = wants,
                                .want_count = 2};
    struct wire_asks out;
    struct arena a = {0};
    struct buf b = {0};
    struct error err;

    (void)state;
    wire_pack_asks(&b, &m);
    assert_int_equal(wire_unpack_asks(b.data, b.len, &a, &out, &err), TCET_OK);
    assert_int_equal(out.state.asks, 9);
    assert_int_equal(out.state.rejected, 1);
    assert_int_equal(out.state.best_ask, 4);
    assert_true(out.state.best == 2.5 && out.state.ended == 1);
    assert_string_equal(out.state.why, "enough");
    assert_int_equal(out.want_count, 2);
    assert_int_equal(out.wants[1].number, -3);
    assert_int_equal(out.wants[1].again, 2);
    assert_string_equal(out.wants[1].arch, "b");
    assert_memory_equal(out.lines, "1,1\n", 4);
    for (size_t n = 0; n < b.len; n++)
        assert_true(wire_unpack_asks(b.data, n, &a, &out, &err) < 0);
    buf_free(&b);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_arrives), cmocka_unit_test(senseless_rows),
        cmocka_unit_test(plan_arrives), cmocka_unit_test(search_arrives)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
