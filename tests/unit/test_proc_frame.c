/* test_proc_frame.c -- protects both ends of a socket from each other: frames arrive whole however
 * the bytes were cut, and no length or count in what arrives is believed unchecked.
 * Room: tests. */
#include "proc/frame.h" /* before cmocka, which takes the word fail */

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void cut_anywhere(void **state)
{
    struct buf in = {0}, sent = {0};
    struct error err;
    int pair[2];
    char chunk[64];
    ssize_t n;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(frame_send(pair[0], 7, "abc", 3, &err), TCET_OK);
    assert_int_equal(frame_send(pair[0], 8, "", 0, &err), TCET_OK);
    n = read(pair[1], chunk, sizeof chunk);
    assert_int_equal(n, 8 + 3 + 8);
    buf_add(&sent, chunk, (size_t)n);
    for (size_t have = 0; have <= sent.len; have++) {
        struct buf part = {sent.data, have, have};
        const char *data;
        uint32_t type;
        size_t got, used;
        int first = frame_take(&part, 0, &type, &data, &got, &used);

        assert_int_equal(first, have >= 11);
        if (!first)
            continue;
        assert_int_equal(type, 7);
        assert_int_equal(got, 3);
        assert_memory_equal(data, "abc", 3);
        assert_int_equal(used, 11);
        assert_int_equal(frame_take(&part, used, &type, &data, &got, &used), have == 19);
    }
    buf_free(&sent);
    buf_free(&in);
    close(pair[0]);
    close(pair[1]);
}

static void other_end_is_gone(void **state)
{
    struct buf in = {0};
    struct error err;
    uint32_t type;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(write(pair[1], "half", 4), 4);
    close(pair[1]);
    assert_int_equal(frame_recv(pair[0], &type, &in, &err), TCET_E_IO);
    /* a send to nobody is an error, not a signal that ends us */
    assert_int_equal(frame_send(pair[0], 1, "x", 1, &err), TCET_E_IO);
    close(pair[0]);
    buf_free(&in);
}

static void absurd_length(void **state)
{
    uint32_t head[2] = {1, UINT32_MAX};
    struct buf b = {0}, in = {0};
    struct error err;
    const char *data;
    uint32_t type;
    size_t n, used;
    int pair[2];

    (void)state;
    buf_add(&b, head, sizeof head);
    assert_int_equal(frame_take(&b, 0, &type, &data, &n, &used), -1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(write(pair[1], head, sizeof head), sizeof head);
    assert_int_equal(frame_recv(pair[0], &type, &in, &err), TCET_E_IO);
    close(pair[0]);
    close(pair[1]);
    buf_free(&b);
    buf_free(&in);
}

static void pack_and_unpack(void **state)
{
    static const double numbers[] = {-0.0, 5e-324, INFINITY};
    struct arena a = {0};
    struct buf b = {0};
    struct error err;
    struct unpack u;
    const double *list;
    size_t n;

    (void)state;
    pack_u32(&b, 4000000000u);
    pack_i64(&b, INT64_MIN);
    pack_f64(&b, NAN);
    pack_text(&b, "t\xc3\xa9xt");
    pack_text(&b, NULL);
    pack_f64s(&b, numbers, 3);
    u = unpack_from(b.data, b.len, &a);
    assert_true(unpack_u32(&u) == 4000000000u);
    assert_true(unpack_i64(&u) == INT64_MIN);
    assert_true(isnan(unpack_f64(&u)));
    assert_string_equal(unpack_text(&u), "t\xc3\xa9xt");
    assert_string_equal(unpack_text(&u), "");
    list = unpack_f64s(&u, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(list, numbers, sizeof numbers);
    assert_int_equal(unpack_done(&u, "test", &err), TCET_OK);

    /* Every message that is cut short, or goes on after its end, is refused. */
    for (size_t cut = 0; cut < b.len; cut++) {
        u = unpack_from(b.data, cut, &a);
        unpack_u32(&u);
        unpack_i64(&u);
        unpack_f64(&u);
        unpack_text(&u);
        unpack_text(&u);
        unpack_f64s(&u, &n);
        assert_int_equal(unpack_done(&u, "test", &err), TCET_E_PLUGIN);
    }
    u = unpack_from(b.data, b.len, &a);
    unpack_u32(&u);
    assert_int_equal(unpack_done(&u, "test", &err), TCET_E_PLUGIN);
    buf_free(&b);
    arena_free(&a);
}

/* A count is limited by the bytes that follow, so no message asks for gigabytes. */
static void absurd_count(void **state)
{
    struct arena a = {0};
    struct buf b = {0};
    struct unpack u;
    size_t n;

    (void)state;
    pack_u32(&b, UINT32_MAX);
    u = unpack_from(b.data, b.len, &a);
    unpack_f64s(&u, &n);
    assert_int_equal(n, 0);
    assert_false(u.ok);
    u = unpack_from(b.data, b.len, &a);
    assert_string_equal(unpack_text(&u), "");
    assert_false(u.ok);
    buf_free(&b);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_anywhere),  cmocka_unit_test(other_end_is_gone),
        cmocka_unit_test(absurd_length), cmocka_unit_test(pack_and_unpack),
        cmocka_unit_test(absurd_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
