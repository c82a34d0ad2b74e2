/* Protects: what a user's table says is what is looked up, and a damaged or hostile file is
 * refused with its file and line, never misread. */
#include "base/csv.h"
#include "table/gzip.h"
#include "table/table.h" /* before cmocka, whose macro fail() would rename a member */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

static char path[64];

static int make_path(void **state)
{
    int fd;

    (void)state;
    snprintf(path, sizeof path, "/tmp/tcet-table-XXXXXX");
    fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_bytes(const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static struct table *load(const char *text)
{
    struct error err = {0};
    struct table *t = NULL;

    write_bytes(text, strlen(text));
    if (table_load(path, NULL, &t, &err) != TCET_OK)
        fail_msg("%s", err.text);
    return t;
}

/* The message of a file that must not load, without the path. */
static const char *refusal(const void *data, size_t n)
{
    static struct error err;
    struct table *t = (struct table *)&err;

    err = (struct error){0};
    write_bytes(data, n);
    assert_int_equal(table_load(path, NULL, &t, &err), TCET_E_ARG);
    assert_ptr_equal(t, &err); /* outputs are untouched on failure */
    assert_memory_equal(err.text, path, strlen(path));
    return err.text + strlen(path);
}

static void refused(const char *text, const char *message)
{
    assert_string_equal(refusal(text, strlen(text)), message);
}

static const double *column(const struct table *t, const char *name)
{
    struct error err = {0};
    const double *v = NULL;

    if (table_column(t, name, &v, &err) != TCET_OK)
        fail_msg("%s", err.text);
    return v;
}

static void tsv(void **state)
{
    struct table *t = load("# a source\n#its licence\n\nindex\tarch\tacc\n0\t|a~0|\"x\"\t93.25\n"
                           "1\t8:8, 16\t\n\n2\tlast\t-1e-3");

    (void)state;
    assert_string_equal(t->comment, "a source\nits licence");
    assert_string_equal(t->path, path);
    assert_int_equal(t->rows, 3);
    assert_int_equal(t->columns, 2);
    assert_string_equal(t->column[0], "index");
    assert_string_equal(t->arch[0], "|a~0|\"x\""); /* quotes are plain characters in TSV */
    assert_int_equal(table_row(t, "|a~0|\"x\""), 0);
    assert_int_equal(table_row(t, "8:8, 16"), 1);
    assert_int_equal(table_row(t, "last"), 2);
    assert_int_equal(table_row(t, "las"), -1);
    assert_int_equal(table_row(t, ""), -1);
    assert_true(column(t, "acc")[0] == 93.25 && isnan(column(t, "acc")[1]));
    assert_true(column(t, "acc")[2] == -1e-3 && column(t, "index")[2] == 2);
    table_free(t);
    table_free(NULL);
}

static void csv(void **state)
{
    struct table *t = load("\xef\xbb\xbfnet,\"acc, \"\"test\"\"\", b\r\n\"(1, 0)\",1, 2 \r\n"
                           "\"say \"\"a\"\"\",\"3\",n/a\r\n\r\nplain , \"-4\",nan\r\n");

    (void)state;
    assert_int_equal(t->rows, 3);
    assert_int_equal(t->columns, 2); /* no column is called arch: it is the first */
    assert_string_equal(t->comment, "");
    assert_int_equal(table_row(t, "(1, 0)"), 0);
    assert_int_equal(table_row(t, "say \"a\""), 1);
    assert_int_equal(table_row(t, "plain"), 2);
    assert_true(column(t, "acc, \"test\"")[1] == 3 && column(t, "acc, \"test\"")[2] == -4);
    assert_true(column(t, "b")[0] == 2 && isnan(column(t, "b")[1]) && isnan(column(t, "b")[2]));
    table_free(t);
}

/* the short way of reading a number and strtod agree to the last bit */
static void numbers(void **state)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "7",
                                        "94.3733",
                                        "0.1",
                                        "-73.513333333333",
                                        "9007199254740992",
                                        "9007199254740993",
                                        "123456789.123456789",
                                        "0.000000000000000001",
                                        "1e22",
                                        "1.5E-7",
                                        "inf",
                                        ".5",
                                        "5.",
                                        "+3",
                                        "12345678901234567890123",
                                        "0.30000000000000004",
                                        "-1.25e+3"};
    static const char *const missing[] = {"-", ".", "", "NaN", "NA", "n/a", "None", "NULL", "?"};
    struct buf b = {0};
    struct table *t;

    (void)state;
    buf_puts(&b, "arch\tv\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        buf_printf(&b, "n%zu\t%s\n", i, texts[i]);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        buf_printf(&b, "x%zu\t%s\n", i, missing[i]);
    buf_puts(&b, "large\t1e400\nsmall\t-1e400\n");
    t = load(b.data);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double expected = strtod(texts[i], NULL);

        assert_memory_equal(&column(t, "v")[i], &expected, sizeof expected);
    }
    for (size_t i = sizeof texts / sizeof *texts; i < t->rows - 2; i++)
        assert_true(isnan(column(t, "v")[i]));
    assert_true(column(t, "v")[t->rows - 2] == INFINITY); /* beyond a double */
    assert_true(column(t, "v")[t->rows - 1] == -INFINITY);
    table_free(t);
    buf_free(&b);
}

/* Text where a number should stand is no missing value: whoever asks for the column is told. */
static void text_for_a_number(void **state)
{
    static const char *const texts[] = {"90.5%", "1_000",   "tensor(1.5)", "[9.9]", "1.2.3",
                                        "1x",    "\"1,5\"", "--1",         "e5",    "0,5"};
    struct error err = {0};
    const double *v = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf b = {0};
        char want[64];
        struct table *t;

        buf_printf(&b, "arch\tv\tw\na\t1\t2\nb\t%s\t3\n", texts[i]);
        snprintf(want, sizeof want, ":3: column \"v\": \"%s\" is no number",
                 texts[i][0] == '"' ? "1,5" : texts[i]);
        t = load(b.data);
        assert_int_equal(table_column(t, "v", &v, &err), TCET_E_ARG);
        assert_string_equal(err.text + strlen(path), want);
        assert_null(v);
        assert_true(column(t, "w")[1] == 3); /* the others are as good as before */
        assert_true(t->no_number[0].fields == 1 && t->no_number[0].numbers == 1);
        table_free(t);
        buf_free(&b);
    }
}

/* The same table, as other programs write it. */
static void other_forms(void **state)
{
    static const char *const texts[] = {
        "arch;acc;b\n(1, 0);1;2\nq;3;4\n",
        "arch|acc|b\n(1, 0)|1|2\nq|3|4\n",
        "arch acc  b\n\"(1, 0)\" 1 2\nq  3 4  \n",
        "arch,acc,b\r\"(1, 0)\",1,2\rq,3,4\r",
        "# arch,acc,b\n\"(1, 0)\",1,2\nq,3,4\n",                     /* numpy's savetxt */
        "\"arch\"\t\"acc\"\t\"b\"\n\"(1, 0)\"\t1\t2\n\"q\"\t3\t4\n", /* R's write.table */
        ",net,acc,b\n0,\"(1, 0)\",1,2\n1,q,3,4\n",                   /* pandas' index */
        "acc,arch,b\n1,\"(1, 0)\",2\n3,q,4\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct table *t = load(texts[i]);

        assert_int_equal(t->rows, 2);
        assert_int_equal(table_row(t, "(1, 0)"), 0);
        assert_int_equal(table_row(t, "q"), 1);
        assert_true(column(t, "acc")[0] == 1 && column(t, "b")[0] == 2);
        assert_true(column(t, "acc")[1] == 3 && column(t, "b")[1] == 4);
        table_free(t);
    }
}

/* The column of architectures is the one asked for; rows of one architecture can be taken together,
 * over the seeds that have a value. */
static void options(void **state)
{
    static const struct table_options key = {.key = "str"};
    static const struct table_options other = {.key = "strr"};
    static const struct table_options mean = {.duplicates = TABLE_DUPLICATES_MEAN};
    static const struct table_options first = {.duplicates = TABLE_DUPLICATES_FIRST};
    static const char *const keyed = "net,str,acc\n1,a~0,90\n2,b~0,91\n";
    static const char *const seeds = "arch,acc,loss\na,90,1\nb,70,2\na,92,\nc,1,-\na,94,3\n";
    struct error err = {0};
    struct table *t = NULL;

    (void)state;
    write_bytes(keyed, strlen(keyed));
    assert_int_equal(table_load(path, &key, &t, &err), TCET_OK);
    assert_int_equal(table_row(t, "b~0"), 1);
    assert_string_equal(t->key, "str");
    assert_true(column(t, "net")[1] == 2);
    table_free(t);
    assert_int_equal(table_load(path, &other, &t, &err), TCET_E_ARG);
    assert_string_equal(err.text + strlen(path), ":1: no column \"strr\" of architectures (did you "
                                                 "mean \"str\"? columns: net, str, acc)");
    write_bytes(seeds, strlen(seeds));
    assert_int_equal(table_load(path, &mean, &t, &err), TCET_OK);
    assert_true(t->rows == 3 && t->duplicates == 2);
    assert_true(column(t, "acc")[0] == 92 && column(t, "loss")[0] == 2);
    assert_true(column(t, "acc")[1] == 70 && column(t, "loss")[1] == 2);
    assert_true(column(t, "acc")[2] == 1 && isnan(column(t, "loss")[2]));
    assert_int_equal(table_row(t, "a"), 0);
    assert_int_equal(table_row(t, "c"), 2);
    assert_int_equal(table_row(t, "d"), -1);
    table_free(t);
    assert_int_equal(table_load(path, &first, &t, &err), TCET_OK);
    assert_true(t->rows == 3 && t->duplicates == 2);
    assert_true(column(t, "acc")[0] == 90 && column(t, "loss")[0] == 1);
    assert_int_equal(table_row(t, "c"), 2);
    table_free(t);
}

/* ... also of all the digits that a double has, and half-way between two doubles */
static void long_numbers(void **state)
{
    enum { ROWS = 20000 };
    double *expected = calloc(ROWS, sizeof *expected);
    uint64_t random = 1;
    struct buf b = {0};
    struct table *t;

    (void)state;
    assert_non_null(expected);
    buf_puts(&b, "arch\tv\n");
    for (int i = 0; i < ROWS; i++) {
        char text[64];
        int half = i % 4 == 0;

        random = random * 6364136223846793005u + 1442695040888963407u;
        if (half) /* an odd multiple of half the last bit of what lies above 2^60 */
            snprintf(text, sizeof text, "%llu",
                     (unsigned long long)((UINT64_C(1) << 60) + ((random >> 40) * 2 + 1) * 128));
        else
            snprintf(text, sizeof text, "%s%.*g", i & 1 ? "-" : "", 15 + i % 4,
                     (double)(random >> 11) * 0x1p-53 * (i % 3 ? 1 : 1e6));
        expected[i] = strtod(text, NULL);
        buf_printf(&b, "n%d\t%s\n", i, text);
    }
    t = load(b.data);
    for (int i = 0; i < ROWS; i++)
        assert_memory_equal(&column(t, "v")[i], &expected[i], sizeof *expected);
    table_free(t);
    buf_free(&b);
    free(expected);
}

static void damaged_files(void **state)
{
    (void)state;
    refused("", ": empty; a table begins with a line of column names");
    refused("# only\n\n# comments\n", ": empty; a table begins with a line of column names");
    refused("arch,acc\n", ": no rows below the header");
    refused("arch,acc\n\n\n", ": no rows below the header");
    refused("arch,acc\na,1\n\nb\n", ":4: 1 fields, but the header has 2");
    refused("# c\narch,acc\na,1,2\n", ":3: 3 fields, but the header has 2");
    refused("arch,acc\na,1\nb,2\na,3\n",
            ":4: architecture \"a\" stands in line 2 already; duplicates = mean takes their mean");
    refused("arch\na\n", ":1: the header \"arch\" is one column; a table has an architecture and "
                         "values, apart by tabs, commas, semicolons, bars or blanks");
    refused("arch\tacc\na\t1\n\t2\n", ":3: the architecture is empty");
    refused("arch,acc,acc\na,1,2\n", ":1: column \"acc\" twice");
    refused("arch,acc,\na,1,2\n", ":1: column 3 has no name");
    refused("arch,acc\n\"a,1\nb,2\n", ":2: field 1: the quote is not closed");
    refused("arch,acc\n\"a\"b,1\n", ":2: field 1: text after the closing quote");
    refused("\"arch,acc\na,1\n", ":1: field 1: the quote is not closed");
}

static void nul_and_binary(void **state)
{
    (void)state;
    assert_string_equal(refusal("arch,acc\na,1\nb\0,2\n", 18),
                        ":3: a NUL byte; tables are plain text, or such in gzip");
    assert_string_equal(refusal("\xfd"
                                "7zXZ\0\0",
                                7),
                        ":1: a NUL byte; tables are plain text, or such in gzip");
}

/* neither a long field nor a wide header with many short lines takes memory before it is refused */
static void giants(void **state)
{
    size_t n = 100000;
    struct buf b = {0};

    (void)state;
    buf_puts(&b, "arch,acc\na,1\n");
    for (size_t i = 0; i < n; i++)
        buf_puts(&b, "z");
    buf_puts(&b, ",2\n");
    refused(b.data, ":3: field 1 has 100000 bytes, at most 65536 are allowed");
    buf_free(&b);

    buf_puts(&b, "arch");
    for (size_t i = 1; i < n; i++)
        buf_printf(&b, "\tc%zu", i);
    for (size_t i = 0; i < 10 * n; i++)
        buf_puts(&b, "\nx");
    refused(b.data, ":1: 100000 columns, at most 10000 are read");
    buf_free(&b);
}

static void unreadable(void **state)
{
    struct error err = {0};
    struct table *t = NULL;

    (void)state;
    assert_int_equal(table_load("/nowhere/t.csv", NULL, &t, &err), TCET_E_IO);
    assert_string_equal(err.text, "/nowhere/t.csv: No such file or directory");
    assert_int_equal(table_load("/tmp", NULL, &t, &err), TCET_E_IO);
    assert_string_equal(err.text, "/tmp: not a regular file");
    assert_int_equal(table_load("/dev/zero", NULL, &t, &err), TCET_E_IO);
}

static void unknown_column(void **state)
{
    struct table *t = load("arch,test_cifar10,test_cifar100\na,1,2\n");
    struct error err = {0};
    const double *v = NULL;

    (void)state;
    assert_int_equal(table_column(t, "test_cfar10", &v, &err), TCET_E_ARG);
    assert_string_equal(err.text + strlen(path),
                        ": no column \"test_cfar10\" (did you mean "
                        "\"test_cifar10\"? columns: test_cifar10, test_cifar100)");
    assert_int_equal(table_column(t, "arch", &v, &err), TCET_E_ARG);
    assert_null(v);
    table_free(t);
}

static void names_and_paths(void **state)
{
    static const char *const paths[] = {"./t", "a/b", "t.csv", "t.tsv", "/x/y.txt"};
    struct arena a = {0};
    struct error err = {0};
    const char *out = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(table_path(paths[i], "/nowhere", &a, &out, &err), TCET_OK);
        assert_string_equal(out, paths[i]);
    }
    assert_int_equal(table_path("small", TCET_TEST_DATA "/table", &a, &out, &err), TCET_OK);
    assert_string_equal(out, TCET_TEST_DATA "/table/tables/small.tsv");
    out = NULL;
    assert_int_equal(table_path("smal", TCET_TEST_DATA "/table", &a, &out, &err), TCET_E_ARG);
    assert_string_equal(err.text,
                        "no table \"smal\" (did you mean \"small\"? shipped tables: "
                        "other, small); a path has a / in it or ends in .csv, .tsv or .json");
    assert_int_equal(table_path("small", "/nowhere", &a, &out, &err), TCET_E_ARG);
    assert_string_equal(err.text,
                        "no table \"small\"; a path has a / in it or ends in .csv, .tsv or .json");
    assert_null(out);
    arena_free(&a);
}

/* NAS-Bench-101's size; generous for slow machines and sanitizers */
/* Which columns were measured after training is for the table to say. */
static void trained(void **state)
{
    struct table *t = load("# trained nets\n# trained = test_*, acc\n# alias a = acc\n"
                           "arch,test_c10,acc,accuracy,snip,test\nx,1,2,3,4,5\n");

    (void)state;
    assert_true(table_is_trained(t, "test_c10"));
    assert_true(table_is_trained(t, "acc"));
    assert_false(table_is_trained(t, "accuracy"));
    assert_false(table_is_trained(t, "snip"));
    assert_false(table_is_trained(t, "test"));
    assert_false(table_is_trained(t, "nets"));
    table_free(t);
    t = load("arch,acc\nx,1\n");
    assert_false(table_is_trained(t, "acc"));
    table_free(t);
}

static void large(void **state)
{
    uint32_t n = 423624;
    struct buf b = {0};
    struct table *t;
    struct error err = {0};
    clock_t start;

    (void)state;
    buf_puts(&b, "arch,a,b,c\n");
    for (uint32_t i = 0; i < n; i++)
        buf_printf(&b, "%08x%08x%08x%08x,%u.%05u,0.%07u,%u\n", i * 2654435761u, i, ~i, i * 40503u,
                   i % 100, i % 99991, i, i);
    write_bytes(b.data, b.len);
    buf_free(&b);
    start = clock();
    assert_int_equal(table_load(path, NULL, &t, &err), TCET_OK);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
    assert_int_equal(t->rows, n);
    assert_true(column(t, "c")[n - 1] == n - 1);
    for (uint32_t i = 0; i < n; i += 1000)
        assert_int_equal(table_row(t, t->arch[i]), i);
    table_free(t);
}

/* Names that a spreadsheet would run come back from what csv_write makes of them, and so do
 * architectures; a number with an apostrophe is the number. */
static void shielded(void **state)
{
    static const char *const names[] = {"-s", "=1+2", "'-s", "''=x", "'s", "@a,b"};
    struct buf b = {0};
    struct table *t;

    (void)state;
    buf_puts(&b, "arch");
    for (size_t i = 0; i < TCET_COUNT(names); i++) {
        buf_puts(&b, ",");
        csv_write(&b, names[i]);
    }
    buf_puts(&b, "\n");
    csv_write(&b, "+a");
    buf_puts(&b, ",'-1.5,2,3,4,5,6\n");
    t = load(b.data);
    assert_int_equal(t->columns, TCET_COUNT(names));
    for (size_t i = 0; i < TCET_COUNT(names); i++)
        assert_string_equal(t->column[i], names[i]);
    assert_int_equal(table_row(t, "+a"), 0);
    assert_true(t->values[0] == -1.5);
    table_free(t);
    buf_free(&b);
}

/* Rows by key: of several with one the mean, or the first where the table says so; none has an empty one. */
static void keys(void **state)
{
    static const char *const text = "arch,acc\na,90\nb,70\nc,92\nd,1\n";
    static const char *const key[] = {"k2", "k1", "k2", ""};
    struct arena a = {0};
    struct error err = {0};

    (void)state;
    write_bytes(text, strlen(text));
    for (int first = 0; first < 2; first++) {
        const struct table_options options = {.duplicates = first ? TABLE_DUPLICATES_FIRST
                                                                  : TABLE_DUPLICATES_MEAN};
        struct table *t = NULL;
        struct table_keys k;
        double value = -1;

        assert_int_equal(table_load(path, &options, &t, &err), TCET_OK);
        table_sort_keys(t, key, &a, &k);
        assert_int_equal(table_at_key(&k, t->values, "k1", &value), 1);
        assert_true(value == 70);
        assert_int_equal(table_at_key(&k, t->values, "k2", &value), 1);
        assert_true(value == (first ? 90 : 91));
        assert_int_equal(table_at_key(&k, t->values, "", &value), 0);
        assert_int_equal(table_at_key(&k, t->values, "k3", &value), 0);
        table_free(t);
    }
    arena_free(&a);
}

/* Adds text to the file as a member of gzip's. */
static void add_member(const char *text)
{
    gzFile f = gzopen(path, "ab");

    assert_non_null(f);
    assert_int_equal(gzwrite(f, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(f), Z_OK);
}

static size_t read_bytes(unsigned char *out, size_t cap)
{
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(out, 1, cap, f) : 0;

    assert_true(n > 0 && n < cap);
    fclose(f);
    return n;
}

/* A table in gzip is the table, its members one after the other; what is cut or damaged is an error. */
static void compressed(void **state)
{
    static const char *const says[] = {"cut", "damaged", "damaged"};
    unsigned char packed[512];
    size_t n;
    struct table *t;
    struct error err = {0};

    (void)state;
    write_bytes("", 0);
    add_member("# trained = acc\narch\tacc\na\t1.5\n");
    n = read_bytes(packed, sizeof packed);
    add_member("b\t2.5\n");
    assert_int_equal(table_load(path, NULL, &t, &err), TCET_OK);
    assert_int_equal(t->rows, 2);
    assert_true(t->values[table_row(t, "b")] == 2.5 && table_is_trained(t, "acc"));
    table_free(t);
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        if (i)
            packed[i == 1 ? n - 5 : 12] ^= 0x40; /* the checksum; the text */
        write_bytes(packed, i ? n : n - 3);
        assert_int_equal(table_load(path, NULL, &t, &err), TCET_E_ARG);
        assert_non_null(strstr(err.text, says[i]));
        assert_non_null(strstr(err.text, path));
    }
}

/* What inflates without end is stopped at the bound, and what fits is read whole. */
static void inflated_too_far(void **state)
{
    char zeros[4096];
    size_t size;
    char *text;
    struct error err = {0};

    (void)state;
    memset(zeros, 'x', sizeof zeros - 1);
    zeros[sizeof zeros - 1] = '\0';
    write_bytes("", 0);
    for (int i = 0; i < 10; i++)
        add_member(zeros);
    text = gzip_text(path, 1 << 16, &size, &err);
    assert_non_null(text);
    assert_int_equal(size, 10 * (sizeof zeros - 1));
    assert_int_equal(strlen(text), size);
    free(text);
    assert_null(gzip_text(path, 40000, &size, &err));
    assert_non_null(strstr(err.text, "more than 40000 bytes"));
}

/* What comments say: a word of a list, with * for all that begin so, or a text. */
static void comments(void **state)
{
    struct arena a = {0};
    struct table *t =
        load("# space = nats_tss\n#  less=cost time_*\n# lesser = acc\narch,acc\na,1\n");

    (void)state;
    assert_string_equal(table_says(t, "space", &a), "nats_tss");
    assert_null(table_says(t, "table", &a));
    assert_true(table_lists(t, "less", "cost") && table_lists(t, "less", "time_gpu"));
    assert_false(table_lists(t, "less", "acc") || table_lists(t, "less", "cos"));
    table_free(t);
    arena_free(&a);
}

/* Which accuracies a column has, by its name or its second one; what its comment says of it. */
static void split(void **state)
{
    struct table *t =
        load("# val_*, other: accuracy in percent, as a model predicts it.\n"
             "# test_a: accuracy\n# predicted: not a column\n# alias a_test = test_a\n"
             "arch\tval_a\ttest_a\tb_valid\ttested\tval\nx\t1\t2\t3\t4\t5\n");

    (void)state;
    assert_string_equal(table_split(t, "val_a"), "validation accuracy, predicted");
    assert_string_equal(table_split(t, "test_a"), "test accuracy");
    assert_string_equal(table_split(t, "a_test"), "test accuracy");
    assert_string_equal(table_split(t, "b_valid"), "validation accuracy");
    assert_null(table_split(t, "tested"));
    assert_null(table_split(t, "val"));
    assert_null(table_split(t, "none"));
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split),
        cmocka_unit_test(tsv),
        cmocka_unit_test(csv),
        cmocka_unit_test(text_for_a_number),
        cmocka_unit_test(other_forms),
        cmocka_unit_test(options),
        cmocka_unit_test(keys),
        cmocka_unit_test(numbers),
        cmocka_unit_test(long_numbers),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(nul_and_binary),
        cmocka_unit_test(giants),
        cmocka_unit_test(unreadable),
        cmocka_unit_test(unknown_column),
        cmocka_unit_test(names_and_paths),
        cmocka_unit_test(shielded),
        cmocka_unit_test(trained),
        cmocka_unit_test(large),
        cmocka_unit_test(compressed),
        cmocka_unit_test(inflated_too_far),
        cmocka_unit_test(comments),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
