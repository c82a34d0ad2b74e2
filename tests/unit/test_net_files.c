/* test_net_files.c -- protects network files to the byte where their layout is given: safetensors there
 * and back, and every way in which a stranger's can be wrong; the ZIP and the alignment of a .pth; that a
 * file is whole or not there.  What other programs read of them: test_net_python.c. */
#include "base/hash.h"
#include "net/net.h"
#include "net_graphs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void small(struct graph *g)
{
    struct error err;

    net_small(g);
    assert_int_equal(graph_finish(g, &err), TCET_OK);
}

/* params: conv 1, bias 2, gamma 3, beta 4, linear 5 .. 12; running mean 13, variance 14. */
static const float params[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, running[] = {13, 14};

static const char header[] =
    "{\"__metadata__\":{\"format\":\"pt\",\"space\":\"toy\",\"arch\":\"a \\\"b\\\"\"},"
    "\"stem.1.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
    "\"stem.0.weight\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1],\"data_offsets\":[8,12]},"
    "\"stem.0.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]},"
    "\"stem.1.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[16,20]},"
    "\"stem.1.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[20,24]},"
    "\"stem.1.running_mean\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[24,28]},"
    "\"stem.1.running_var\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[28,32]},"
    "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[2,4],\"data_offsets\":[32,64]}}";

static void put_header(struct buf *b, const char *json)
{
    uint64_t length = strlen(json);

    buf_add(b, &length, sizeof length);
    buf_puts(b, json);
}

static void put_data(struct buf *b)
{
    static const float floats[] = {1, 2, 3, 4, 13, 14, 5, 6, 7, 8, 9, 10, 11, 12};
    int64_t steps = 77;

    buf_add(b, &steps, sizeof steps);
    buf_add(b, floats, sizeof floats);
}

static void safetensors_bytes(void **state)
{
    struct graph *g = graph_new();
    struct net net = {g, params, running, 77, "toy", "a \"b\"", NULL, NULL};
    struct buf got = {0}, want = {0};
    struct net_about about;
    float p[12], r[2];
    int64_t steps;
    struct error err;
    char padded[2000];

    (void)state;
    small(g);
    assert_int_equal(graph_view(g)->param_floats, 12);
    assert_int_equal(net_running(g), 2);
    assert_int_equal(net_pack(&net, NET_SAFETENSORS, &got, &err), TCET_OK);
    snprintf(padded, sizeof padded, "%s%*s", header, (int)((8 - strlen(header) % 8) % 8), "");
    put_header(&want, padded);
    put_data(&want);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);

    assert_int_equal(net_unpack(got.data, got.len, g, p, r, &steps, &err), TCET_OK);
    assert_memory_equal(p, params, sizeof params);
    assert_memory_equal(r, running, sizeof running);
    assert_int_equal(steps, 77);
    assert_int_equal(net_unpack_about(got.data, got.len, &about, &err), TCET_OK);
    assert_string_equal(about.space, "toy");
    assert_string_equal(about.arch, "a \"b\"");
    assert_string_equal(about.digest, "");
    buf_free(&got);
    buf_free(&want);
    graph_free(g);
}

/* Without statistics they are those of a norm that has seen nothing. */
static void fresh_statistics(void **state)
{
    struct graph *g = graph_new();
    struct net net = {.graph = g, .params = params};
    struct buf got = {0};
    float p[12], r[2];
    int64_t steps = -1;
    struct error err;

    (void)state;
    small(g);
    assert_int_equal(net_pack(&net, NET_SAFETENSORS, &got, &err), TCET_OK);
    assert_int_equal(net_unpack(got.data, got.len, g, p, r, &steps, &err), TCET_OK);
    assert_true(r[0] == 0 && r[1] == 1 && steps == 0);
    buf_free(&got);
    graph_free(g);
}

/* The header with one text in another's place: the error has `words`. */
static void changed(const struct graph *g, const char *from, const char *to, const char *words)
{
    const char *at = strstr(header, from);
    struct buf json = {0}, file = {0};
    float p[12] = {0}, r[2] = {0};
    int64_t steps;
    struct error err = {.status = TCET_OK};

    assert_non_null(at);
    buf_add(&json, header, (size_t)(at - header));
    buf_puts(&json, to);
    buf_puts(&json, at + strlen(from));
    put_header(&file, json.data);
    put_data(&file);
    assert_int_equal(net_unpack(file.data, file.len, g, p, r, &steps, &err), TCET_E_ARG);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    for (int i = 0; i < 12; i++)
        assert_true(p[i] == 0);
    buf_free(&json);
    buf_free(&file);
}

static void strange_files(void **state)
{
    struct graph *g = graph_new();
    struct buf file = {0};
    float p[12], r[2];
    struct error err;

    (void)state;
    small(g);
    changed(g, "fc.weight", "fc.heavy", "has a tensor fc.heavy, the network has none");
    changed(g, "\"stem.0.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]},", "",
            "lacks the network's tensor stem.0.bias");
    changed(g, "stem.0.bias", "stem.1.bias", "has the tensor stem.1.bias twice");
    changed(g, "\"F32\"", "\"F16\"", "stem.0.weight: numbers of type F16, want F32");
    changed(g, "\"I64\"", "\"F32\"", "stem.1.num_batches_tracked: numbers of type F32, want I64");
    changed(g, "[2,4]", "[4,2]", "fc.weight: shape [4, 2], the network has [2, 4]");
    changed(g, "[2,4]", "[8]", "fc.weight: shape [8], the network has [2, 4]");
    changed(g, "[2,4]", "[1,1,1,2,4]", "want a few whole numbers");
    changed(g, "[2,4]", "[2,-4]", "want a few whole numbers");
    changed(g, "[2,4]", "[2,4.0]", "want a few whole numbers");
    changed(g, "[32,64]", "[32,68]", "fc.weight: lies at bytes 32 to 68 of 64, and has 32");
    changed(g, "[32,64]", "[64,32]", "fc.weight: lies at bytes 64 to 32 of 64");
    changed(g, "[32,64]", "[9223372036854775807,9223372036854775807]", "fc.weight: lies at");
    changed(g, "[32,64]", "[32,99999999999999999999]", "want a few whole numbers");
    changed(g, "[28,32]", "[24,28]", "tensors overlap");
    changed(g, "[32,64]", "[32,64,96]", "want a few whole numbers");
    changed(g, ",\"data_offsets\":[32,64]", "", "want dtype, shape and data_offsets");
    changed(g, "\"shape\":[2,4],", "\"form\":[2,4],", "want dtype, shape or data_offsets");
    changed(g, "{\"dtype\":\"I64\"", "[{\"dtype\":\"I64\"", "of the header");
    changed(g, "{\"__meta", "[\"__meta", "want an object");
    changed(g, "[32,64]}}", "[32,64]}} x", "of the header");
    changed(g, "[32,64]}}", "[32,64]}", "of the header");

    assert_int_equal(net_unpack("1234567", 7, g, p, r, NULL, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "too few for a safetensors file"));
    assert_int_equal(net_unpack("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, g, p, r, NULL, &err),
                     TCET_E_ARG);
    assert_non_null(strstr(err.text, "no safetensors file"));
    put_header(&file, header); /* data cut off, and too many */
    put_data(&file);
    assert_int_equal(net_unpack(file.data, file.len - 1, g, p, r, NULL, &err), TCET_E_ARG);
    buf_puts(&file, "more");
    assert_int_equal(net_unpack(file.data, file.len, g, p, r, NULL, &err), TCET_E_ARG);
    assert_non_null(strstr(err.text, "behind them, from byte 64"));
    buf_free(&file);
    graph_free(g);
}

static uint32_t read32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* Members lie at multiples of 64 bytes, with their CRC-32, and the directory finds them. */
static void pth_zip(void **state)
{
    static const char *const names[] = {"archive/data.pkl", "archive/byteorder", "archive/data/0",
                                        "archive/data/7", "archive/version"};
    struct graph *g = graph_new();
    struct net net = {g, params, running, 77, NULL, NULL, NULL, NULL};
    struct buf got = {0};
    struct error err;
    const char *end, *at;
    int found = 0;

    (void)state;
    small(g);
    assert_int_equal(net_pack(&net, NET_PTH, &got, &err), TCET_OK);
    end = got.data + got.len - 22;
    assert_int_equal(read32(end), 0x06054b50);
    assert_int_equal(read32(end + 8) & 0xffff, 11); /* 8 tensors and three more */
    at = got.data + read32(end + 16);
    for (int i = 0; i < 11; i++) {
        uint32_t length = read32(at + 28) & 0xffff, bytes = read32(at + 24);
        const char *local = got.data + read32(at + 42), *data;

        assert_int_equal(read32(at), 0x02014b50);
        assert_int_equal(read32(local), 0x04034b50);
        data = local + 30 + length + (read32(local + 28) & 0xffff);
        assert_int_equal((data - got.data) % 64, 0);
        assert_int_equal(read32(local + 14), crc32(data, bytes));
        assert_int_equal(read32(at + 16), crc32(data, bytes));
        assert_memory_equal(local + 30, at + 46, length);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            found += length == strlen(names[k]) && !memcmp(at + 46, names[k], length);
        if (length == 14 && !memcmp(at + 46, "archive/data/7", 14)) /* fc.weight, the last */
            assert_memory_equal(data, params + 4, 8 * sizeof *params);
        at += 46 + length;
    }
    assert_ptr_equal(at, end);
    assert_int_equal(found, 5);
    buf_free(&got);
    graph_free(g);
}

/* Equal networks, equal bytes; also behind other bytes. */
static void twice_the_same(void **state)
{
    struct graph *g = graph_new();
    struct error err;
    tcet_rng r;
    float *p;

    (void)state;
    net_every_op(g);
    assert_int_equal(graph_finish(g, &err), TCET_OK);
    p = mem_try((size_t)graph_view(g)->param_floats, sizeof *p);
    rng_seed(&r, 3);
    graph_draw(g, &r, p);
    for (int format = NET_SAFETENSORS; format <= NET_ONNX; format++) {
        struct net net = {.graph = g, .params = p};
        struct buf one = {0}, two = {0};

        buf_puts(&two, "before");
        assert_int_equal(net_pack(&net, (enum net_format)format, &one, &err), TCET_OK);
        assert_int_equal(net_pack(&net, (enum net_format)format, &two, &err), TCET_OK);
        assert_int_equal(two.len, one.len + 6);
        assert_memory_equal(two.data + 6, one.data, one.len);
        buf_free(&one);
        buf_free(&two);
    }
    free(p);
    graph_free(g);
}

static void whole_or_not_there(void **state)
{
    char folder[600], path[700];
    struct graph *g = graph_new();
    struct net net = {g, params, running, 77, "toy", "x", "y", "3"};
    struct net_about about;
    enum net_format format;
    float p[12], r[2];
    int64_t steps;
    struct error err;
    int entries = 0;
    DIR *d;

    (void)state;
    small(g);
    snprintf(folder, sizeof folder, "%s/test-net-XXXXXX", TCET_TEST_BUILD);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    assert_int_equal(net_format_of(path, &format, &err), TCET_OK);
    for (int i = 0; i < 2; i++) /* over one that is there */
        assert_int_equal(net_write(&net, format, path, &err), TCET_OK);
    assert_int_equal(net_read_about(path, &about, &err), TCET_OK);
    assert_string_equal(about.digest, "y");
    assert_int_equal(net_read(path, g, p, r, &steps, &err), TCET_OK);
    assert_memory_equal(p, params, sizeof params);
    d = opendir(folder);
    while (readdir(d))
        entries++;
    closedir(d);
    assert_int_equal(entries, 3);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(net_read(path, g, p, r, &steps, &err), TCET_E_ARG);
    assert_memory_equal(err.text, path, strlen(path));
    unlink(path);
    rmdir(folder);
    assert_int_equal(net_write(&net, format, path, &err), TCET_E_IO);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(net_format_of("net.pt", &format, &err), TCET_E_ARG);
    assert_int_equal(net_format_of(".pth", &format, &err), TCET_E_ARG);
    graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safetensors_bytes), cmocka_unit_test(fresh_statistics),
        cmocka_unit_test(strange_files),     cmocka_unit_test(pth_zip),
        cmocka_unit_test(twice_the_same),    cmocka_unit_test(whole_or_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
