/* test_table_import.c -- protects the readers of official files: what they make of made-up ones, and that
 * one that is damaged, cut or of another type is an error that says where. */
#include "table/import.h" /* before cmocka, whose macro fail() would rename a member */
#include "table/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/tcet-import-XXXXXX";
static char in[2][64], out[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (int i = 0; i < 2; i++)
        snprintf(in[i], sizeof in[i], "%s/in%d.json", folder, i);
    snprintf(out, sizeof out, "%s/out.tsv", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        unlink(in[i]);
    unlink(out);
    return rmdir(folder);
}

static void put(int i, const void *data, size_t n)
{
    FILE *f = fopen(in[i], "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

static tcet_status import(const char *format, size_t files, struct error *err)
{
    const char *path[2] = {in[0], in[1]};
    size_t rows = 0;

    unlink(out);
    *err = (struct error){0};
    return table_import(format, path, files, out, &rows, err);
}

/* The value of an architecture in a column of what was imported. */
static double value(const char *arch, const char *column)
{
    struct error err = {0};
    const double *v = NULL;
    struct table *t = NULL;
    int64_t row;
    double found;

    if (table_load(out, NULL, &t, &err) < 0 || table_column(t, column, &v, &err) < 0)
        fail_msg("%s", err.text);
    row = table_row(t, arch);
    assert_true(row >= 0);
    found = v[row];
    table_free(t);
    return found;
}

static void refused(const char *format, size_t files, const char *why)
{
    struct error err;

    assert_true(import(format, files, &err) < 0);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    assert_int_equal(access(out, F_OK), -1); /* nothing is left there */
}

static void refused_text(const char *format, const char *content, const char *why)
{
    put(0, content, strlen(content));
    refused(format, 1, why);
}

/* ---- NAS-Bench-101 ---- */

static uint32_t masked(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static size_t little(unsigned char *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)(v >> (8 * i));
    return n;
}

static size_t frame(unsigned char *to, const char *json)
{
    size_t n = strlen(json);

    little(to, n, 8);
    little(to + 8, masked(to, 8), 4);
    memcpy(to + 12, json, n);
    little(to + 12 + n, masked(to + 12, n), 4);
    return n + 16;
}

/* Three evaluations with a validation accuracy of `val` in the last, test .5; 1,000 parameters. */
static size_t message(unsigned char *to, double val)
{
    size_t n = 0;

    for (int e = 0; e < 3; e++) {
        const double v[2] = {e == 2 ? val : 0.1, 0.5};

        to[n++] = 1 << 3 | 2;
        to[n++] = 18;
        for (int k = 0; k < 2; k++) {
            uint64_t bits;

            memcpy(&bits, &v[k], 8);
            to[n++] = (unsigned char)((4 + k) << 3 | 1);
            n += little(to + n, bits, 8);
        }
    }
    to[n++] = 2 << 3;
    to[n++] = (1000 & 0x7f) | 0x80;
    to[n++] = 1000 >> 7;
    return n;
}

static void base64(const unsigned char *p, size_t n, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < n ? p[i + 2] : 0);

        for (int k = 0; k < 4; k++)
            *to++ = i + (size_t)k > n ? '=' : digits[v >> (18 - 6 * k) & 63];
    }
    *to = '\0';
}

#define HASH  "0123456789abcdef0123456789abcdef"
#define CELL3 "(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 4, 1)"

static size_t record(unsigned char *to, const char *head, double val)
{
    unsigned char bytes[128];
    char text[256], json[512];

    base64(bytes, message(bytes, val), text);
    snprintf(json, sizeof json, "[%s, \"%s\"]", head, text);
    return frame(to, json);
}

#define HEAD "\"" HASH "\", 108, \"010001000\", \"input,conv3x3-bn-relu,output\""

static void nasbench101(void **state)
{
    unsigned char file[2048];
    struct error err;
    size_t n = record(file, HEAD, 0.9), one = n;

    (void)state;
    n += record(file + n, HEAD, 0.8); /* trained twice */
    put(0, file, n);
    if (import("nasbench101", 1, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(fabs(value(CELL3, "val_cifar10") - 85) < 1e-9);
    assert_true(value(CELL3, "test_cifar10") == 50 && value(CELL3, "params") == 1000);
    assert_true(value(CELL3, "trained") == 2);
    for (size_t cut = 1; cut < n; cut++) {
        if (cut == one)
            continue;
        put(0, file, cut);
        refused("nasbench101", 1, cut < one ? "record 1 (byte 1): the file is cut" : "record 2");
    }
    file[3] ^= 1; /* the length */
    put(0, file, n);
    refused("nasbench101", 1, "record 1 (byte 1): its length has another checksum (CRC-32C)");
    file[3] ^= 1;
    file[one + 40] ^= 1; /* the second one's content */
    put(0, file, n);
    refused("nasbench101", 1, "record 2 (byte ");
}

/* Records with sound checksums whose content is not what it should be. */
static void nasbench101_content(void **state)
{
    static const struct {
        const char *json, *why;
    } bad[] = {
        {"{}", "a list of hash, epochs, matrix, operations and metrics is expected"},
        {"[1, 108, \"01\", \"input\", \"\"]", "a list of hash"},
        {"[\"" HASH "\", 36, \"0100\", \"input,output\", \"\"]",
         "108 epochs are expected, not 36: take nasbench_only108.tfrecord"},
        {"[\"" HASH "\", 108, \"0100\", \"input,output\", \"!\"]", "no base64"},
        {"[\"" HASH "\", 108, \"0100\", \"input,output\", \"CgUB\"]", "no protobuf message"},
        {"[\"" HASH "\", 108, \"0100\", \"input,output\", \"\"]", "fewer than three evaluations"},
        {"[\"xyz\", 108, \"0100\", \"input,output\", \"\"]", "32 hexadecimal digits"},
    };
    unsigned char file[2048];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(0, file, frame(file, bad[i].json));
        refused("nasbench101", 1, bad[i].why);
    }
    put(0, file, record(file, "\"" HASH "\", 108, \"0100\", \"input,conv5x5\"", 0.5));
    refused("nasbench101", 1, "an operation that NAS-Bench-101 has not");
    put(0, file, record(file, "\"" HASH "\", 108, \"010\", \"input,output\"", 0.5));
    refused("nasbench101", 1, "its matrix is not of its vertices");
}

/* ---- BLOX ---- */

static const char base[] = "---\ncolumns: [model_hash, val_top1, test_top1, train_time_s]\n---\n"
                           "aa,\"[1.0, 2.0]\",71.5,100\nbb,\"[3.0]\",60,90.5\n";
static const char info[] =
    "---\ncolumns:\n- model_hash\n- params\n- flops\n- arch_vec\nother: 1\n---\n"
    "bb,10,20,\"[[[0], [1, 1, 0, 1]], [[1], [0, 1, 1, 1]], [[1], [2, 0, 1, 1]]]\"\r\n"
    "aa,30,40,\"[[[1], [1, 1, 0, 1]], [[1], [0, 1, 1, 1]], [[1], [2, 0, 1, 1]]]\"\n";

static void blox(void **state)
{
    static const char aa[] = "[[[1], [1, 1, 0, 1]], [[1], [0, 1, 1, 1]], [[1], [2, 0, 1, 1]]]";
    static const struct {
        const char *base, *why;
    } bad[] = {
        {"", "in0.json:0: a line --- is expected"},
        {"---\ncolumns: [a]\n", "the second line --- is missing"},
        {"---\nx: 1\n---\n", "names no columns"},
        {"---\ncolumns: [model_hash, b]\n---\n", "no column \"test_top1\"; columns: model_hash, b"},
        {"---\ncolumns: [model_hash, test_top1, train_time_s]\n---\na,1\n",
         "in0.json:4: fewer fields"},
        {"---\ncolumns: [model_hash, test_top1, train_time_s]\n---\na,1,2,3\n", "4: more fields"},
        {"---\ncolumns: [model_hash, test_top1, train_time_s]\n---\na,x,2\n",
         "4: \"x\" is no number for test_top1"},
        {"---\ncolumns: [model_hash, test_top1, train_time_s]\n---\na,\"1,2\n", "quote is not"},
        {"---\ncolumns: [model_hash, test_top1, train_time_s]\n---\na,1,2\na,1,2\n",
         "5: its model stands above"},
        {"---\ncolumns: [model_hash, test_top1, train_time_s]\n---\ncc,1,2\n", "has no model cc"},
    };
    struct error err;

    (void)state;
    put(0, base, strlen(base));
    put(1, info, strlen(info));
    if (import("blox", 2, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(value(aa, "test_cifar100") == 71.5 && value(aa, "params") == 30);
    assert_true(value(aa, "flops") == 40 && value(aa, "seconds") == 100);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(0, bad[i].base, strlen(bad[i].base));
        refused("blox", 2, bad[i].why);
    }
}

/* ---- JSON ---- */

static void nb_macro(void **state)
{
    static const char good[] =
        "{\"00000012\": {\"test_acc\": [90.0, 91.0, 92.0], \"mean_acc\": 91.0,"
        " \"std\": 0.8, \"params\": 7, \"flops\": 8}}";
    struct error err;

    (void)state;
    put(0, good, strlen(good));
    if (import("nb_macro", 1, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(value("00000012", "test_cifar10") == 91 && value("00000012", "flops") == 8);
    for (size_t cut = 0; cut < strlen(good); cut++) {
        put(0, good, cut);
        refused("nb_macro", 1, "in0.json:1: byte ");
    }
    refused_text("nb_macro", "{\"0\": {}}", "eight digits 0, 1 or 2");
    refused_text("nb_macro", "{\"00000012\": {\"mean_acc\": \"x\"}}", "a number is expected");
    refused_text("nb_macro", "{\"00000012\": {}}", "its \"mean_acc\" above is expected");
    refused_text("nb_macro", "{\"00000012\": {\"mean_acc\": 1}, \"00000012\": {\"mean_acc\": 1}}",
                 "each architecture once");
    refused_text("nb_macro", "{}", "holds no architecture");
}

static void zc(void **state)
{
    static const char *const good[] = {
        "{\"nasbench201\": {\"cifar10\": {\"(4, 0)\": {\"idx\": \"0\", \"arch\": \"(4, 0)\", "
        "\"synflow\": {\"score\": 44.5, \"time\": 0.5}, \"val_accuracy\": 85.0}}}}",
        "{\"cifar10\": {\"(4, 0)\": {\"synflow\": 44.5, \"val_accuracy\": 85.0}, "
        "\"(1, 0)\": {\"snip\": null}}}"};
    static const struct {
        const char *json, *arch, *column;
    } others[] = {
        {"{\"cifar10\": {\"|none~0|+\": {\"idx\": \"0\", \"arch\": \"|none~0|+\", "
         "\"test_accuracy\": 85}}}",
         "|none~0|+", "test_cifar10"},
        {"{\"b\": {\"s\": {}}, \"a\": {\"64-4-x\": {\"snip\": {\"time\": 1, \"score\": 85}}}}",
         "64-4-x", "nbsz_snip_a"},
        {"{\"8:8\": {\"accuracy\": 85}}", "8:8", "accuracy"},
        {"{\"s\": {\"t\": {\"Genotype(a=[])\": {\"val_accuracy\": 85}}}}", "Genotype(a=[])",
         "val_t"},
    };
    struct error err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        put(0, good[i], strlen(good[i]));
        if (import("zc", 1, &err) < 0)
            fail_msg("%s", err.text);
        assert_true(value("(4, 0)", "nbsz_synflow_cifar10") == 44.5);
        assert_true(value("(4, 0)", "val_cifar10") == 85);
    }
    assert_true(isnan(value("(1, 0)", "val_cifar10")));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) { /* however a space spells them */
        put(0, others[i].json, strlen(others[i].json));
        if (import("zc", 1, &err) < 0)
            fail_msg("%s", err.text);
        assert_true(value(others[i].arch, others[i].column) == 85);
    }
    for (size_t cut = 0; cut < strlen(good[0]); cut++) {
        put(0, good[0], cut);
        refused("zc", 1, "in0.json:1: byte ");
    }
    refused_text("zc", "{\"a\": {\"b\": {\"c\": {}}}}", "an architecture, as in");
    refused_text("zc", "{\"a\": {\"(1)\": {\"snip\": []}}}", "an object of score and time");
    refused_text("zc", "{\"a\": {\"(1)\": {\"snip\": {\"score\": true}}}}", "a number is expected");
}

static void nds(void **state)
{
    struct error err;
    FILE *f = fopen(TCET_TEST_DATA "/table/nds.json", "r");
    static char text[1 << 16];
    size_t n;

    (void)state;
    assert_non_null(f);
    n = fread(text, 1, sizeof text, f);
    fclose(f);
    put(0, text, n);
    if (import("nds", 1, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(value("{\"block_type\":\"res_basic_block\",\"ds\":[1,1,1,1],\"ws\":[16,16,24,32],"
                      "\"ss\":[1,1,2,2],\"bot_muls\":[],\"num_gs\":[]}",
                      "test") == 91.5);
    put(0, text, n / 2);
    refused("nds", 1, "in0.json:");
}

static void formats(void **state)
{
    (void)state;
    refused("blocks", 1, "formats: nasbench101, blox, nb_macro, nds, zc");
    refused("blox", 1, "blox is made of 2 files: blox-base-0.csv blox-info.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nasbench101), cmocka_unit_test(nasbench101_content),
        cmocka_unit_test(blox),        cmocka_unit_test(nb_macro),
        cmocka_unit_test(zc),          cmocka_unit_test(nds),
        cmocka_unit_test(formats),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
