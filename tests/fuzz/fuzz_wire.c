/* fuzz_wire.c -- messages between processes: the first byte is the kind of message, the rest
 * its content.  What arrives is read, or refused; it costs memory in proportion to its
 * length.  Room: tests/fuzz. */
#include <string.h>

#include "fuzz.h"
#include "run/wire.h"

static size_t touched; /* what was read, so that reading is not optimised away */

static void touch(const void *data, size_t n)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < n; i++)
        touched += p[i];
}

static void touch_texts(const char *const *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        touch(text[i], strlen(text[i]));
}

static void touch_values(const struct result_value *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        touch(&v[i].value, sizeof v[i].value);
        CHECK(v[i].guards.count <= GUARDS_MAX);
        for (size_t k = 0; k < v[i].guards.count; k++)
            touch_texts(&v[i].guards.item[k].name, 1);
        if (v[i].layers)
            touch(v[i].layers, v[i].layer_count * sizeof *v[i].layers);
    }
}

static void plan(const void *data, size_t n, struct arena *a, struct error *err)
{
    struct wire_plan p;

    if (wire_unpack_plan(data, n, a, &p, err) < 0)
        return;
    for (size_t i = 0; i < p.column_count; i++) {
        touch_texts(&p.columns[i].name, 1);
        touch_texts(&p.columns[i].key, 1);
        touch(p.columns[i].inputs, p.columns[i].input_count * sizeof *p.columns[i].inputs);
    }
    touch_texts(p.archs, p.arch_count);
    for (size_t i = 0; i < p.meta_count; i++) {
        touch_texts(&p.meta[i].name, 1);
        touch_texts(&p.meta[i].value, 1);
    }
    touch_texts((const char *const[]){p.text, p.config, p.space}, 3);
}

static void job(const void *data, size_t n, struct arena *a, struct error *err)
{
    struct wire_job j;

    if (wire_unpack_job(data, n, a, &j, err) < 0)
        return;
    touch_texts(&j.arch, 1);
    touch(j.wanted, j.column_count);
    touch_values(j.known.value, j.known.count);
}

static void row(const void *data, size_t n, struct arena *a, struct error *err)
{
    enum { COLUMNS = 8 };
    struct result_row r;

    if (wire_unpack_row(data, n, COLUMNS, a, &r, err) < 0)
        return;
    CHECK(r.status == RESULT_OK || r.status == RESULT_FAILED);
    for (size_t i = 0; i < r.layer_count; i++)
        touch_texts((const char *const[]){r.layers[i].name, r.layers[i].kind, r.layers[i].shape},
                    3);
    touch_texts((const char *const[]){r.arch, r.message}, 2);
    for (size_t i = 0; i < r.value_count; i++)
        CHECK(r.values[i].column >= 0 && r.values[i].column < COLUMNS);
    touch_values(r.values, r.value_count);
}

static void others(int kind, const void *data, size_t n, struct arena *a, struct error *err)
{
    struct wire_hello hello;
    struct wire_population population = {.count = 1};
    const struct wire_fact *facts;
    const char *const *texts;
    size_t count;

    if (kind == WIRE_HELLO && wire_unpack_hello(data, n, a, &hello, err) == TCET_OK)
        touch(hello.config, hello.config_len);
    if ((kind == WIRE_FACTS || kind == WIRE_KEYS || kind == WIRE_KEYS_ANSWER) &&
        wire_unpack_texts(data, n, a, &texts, &count, err) == TCET_OK)
        touch_texts(texts, count);
    if (kind == WIRE_FACTS_ANSWER &&
        wire_unpack_facts(data, n, a, &facts, &count, err) == TCET_OK) {
        for (size_t i = 0; i < count; i++)
            touch_texts(&facts[i].error, 1);
    }
    if (kind == WIRE_POPULATION &&
        wire_unpack_population(data, n, a, &population, err) == TCET_OK) {
        CHECK(population.input_count || !population.count);
        for (size_t i = 0; i < population.input_count; i++)
            touch(population.columns[i], population.count * sizeof(double));
    }
    if (kind == WIRE_ERROR)
        CHECK(wire_unpack_error(data, n, err) < 0);
}

static void searches(int kind, const void *data, size_t n, struct arena *a, struct error *err)
{
    enum { COLUMNS = 8 };
    struct wire_seek seek;
    struct wire_asks asks;
    struct wire_told told;

    if (kind == WIRE_SEEK && wire_unpack_seek(data, n, a, &seek, err) >= 0)
        touch_texts(seek.warm, seek.warm_count);
    if (kind == WIRE_ASKS && wire_unpack_asks(data, n, a, &asks, err) >= 0) {
        for (size_t i = 0; i < asks.want_count; i++)
            touch_texts(&asks.wants[i].arch, 1);
        touch(asks.lines, asks.lines_len);
        touch(asks.state.why, strlen(asks.state.why));
    }
    if (kind == WIRE_TOLD && wire_unpack_told(data, n, COLUMNS, a, &told, err) >= 0)
        touch_values(told.row.values, told.row.value_count);
}

/* A stream of frames. */
static void frames(const void *data, size_t n)
{
    struct buf in = {0};
    const char *payload;
    uint32_t type;
    size_t at = 0, length, used;

    buf_add(&in, data, n);
    while (frame_take(&in, at, &type, &payload, &length, &used) == 1) {
        CHECK(used > 0 && used <= in.len - at);
        touch(payload, length);
        at += used;
    }
    buf_free(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct arena a = {0};

    if (!size)
        return 0;
    switch (data[0]) {
    case WIRE_PLAN: plan(data + 1, size - 1, &a, &err); break;
    case WIRE_JOB: job(data + 1, size - 1, &a, &err); break;
    case WIRE_ROW: row(data + 1, size - 1, &a, &err); break;
    case WIRE_SEEK:
    case WIRE_ASKS:
    case WIRE_TOLD: searches(data[0], data + 1, size - 1, &a, &err); break;
    case 'F': frames(data + 1, size - 1); break;
    default: others(data[0], data + 1, size - 1, &a, &err); break;
    }
    arena_free(&a);
    return 0;
}
