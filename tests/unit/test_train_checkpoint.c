/* Protects: a checkpoint that comes back as it was; one that is damaged anywhere, or cut off, is never
 * taken, and harms the one before it neither when it is read nor when it is written; train.csv, which is
 * cut to what a checkpoint counts, and is never longer than that; settings that cannot be. */
#include "base/file.h"
#include "train/checkpoint.h"
#include "train/log.h"
#include "train/settings.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const float params[] = {1.5f, -2, 3e-40f};
static const double wide[] = {0.1, INFINITY};

static struct checkpoint some(int64_t epochs)
{
    return (struct checkpoint){.about = "arch=a\nlr=0.1\n",
                               .made_by = "libtorch 1, aten=x",
                               .epochs = epochs,
                               .steps = 7 * epochs,
                               .best_epoch = 1,
                               .best = 1.0 / 3,
                               .test_loss = NAN,
                               .test_top1 = 50,
                               .test_top5 = 75,
                               .lines = 123,
                               .state = {{params, sizeof params}, {wide, sizeof wide}}};
}

static int make_folder(void **state)
{
    char *folder = strdup("/tmp/tcet-checkpoint.XXXXXX");

    if (!folder || !mkdtemp(folder))
        return -1;
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"last.ckpt", "previous.ckpt", "damaged.ckpt",
                                        "best.ckpt", "train.csv",     "times.csv"};
    char path[256];

    for (size_t i = 0; i < TCET_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", (char *)*state, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(*state), 0);
    free(*state);
    return 0;
}

static void write_epoch(const char *folder, int64_t epochs)
{
    struct checkpoint c = some(epochs);
    struct error err;

    assert_int_equal(checkpoint_write(folder, &c, &err), TCET_OK);
}

static void reads(const char *folder, int64_t epochs, const char *note)
{
    const struct checkpoint want = some(epochs);
    struct arena a = {0};
    struct checkpoint c;
    const char *said;
    struct error err;
    int found;

    assert_int_equal(checkpoint_read(folder, &a, &c, &found, &said, &err), TCET_OK);
    assert_true(found);
    if (*note)
        assert_non_null(strstr(said, note));
    else
        assert_string_equal(said, "");
    assert_string_equal(c.about, want.about);
    assert_string_equal(c.made_by, want.made_by);
    assert_int_equal(c.epochs, epochs);
    assert_int_equal(c.steps, want.steps);
    assert_int_equal(c.best_epoch, want.best_epoch);
    assert_int_equal(c.lines, want.lines);
    assert_true(c.best == want.best && c.test_top1 == 50 && c.test_top5 == 75 &&
                isnan(c.test_loss));
    for (int i = 0; i < CHECKPOINT_STATES; i++) {
        assert_int_equal(c.state[i].n, want.state[i].n);
        if (c.state[i].n)
            assert_memory_equal(c.state[i].data, want.state[i].data, c.state[i].n);
    }
    arena_free(&a);
}

static void test_round_trip(void **state)
{
    struct arena a = {0};
    struct checkpoint c;
    const char *note;
    struct error err;
    int found = 1;

    assert_int_equal(checkpoint_read(*state, &a, &c, &found, &note, &err), TCET_OK);
    assert_false(found);
    arena_free(&a);
    write_epoch(*state, 1);
    reads(*state, 1, "");
    write_epoch(*state, 2);
    reads(*state, 2, "");
}

/* Changes or cuts FOLDER/last.ckpt. */
static void spoil(const char *folder, long at, int cut)
{
    char path[256];
    FILE *f;
    int byte;

    snprintf(path, sizeof path, "%s/last.ckpt", folder);
    if (cut) {
        assert_int_equal(truncate(path, at), 0);
        return;
    }
    f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    byte = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(byte ^ 1 << at % 8, f);
    fclose(f);
}

static void test_damage(void **state)
{
    char path[256];
    struct stat info;

    snprintf(path, sizeof path, "%s/last.ckpt", (char *)*state);
    write_epoch(*state, 1);
    write_epoch(*state, 2);
    assert_int_equal(stat(path, &info), 0);
    for (long at = 0; at < info.st_size; at++) {
        for (int cut = 0; cut < 2; cut++) {
            spoil(*state, at, cut);
            reads(*state, 1, "going on from");
            reads(*state, 1, "is lacking"); /* the damaged one was set aside */
            write_epoch(*state, 2);
            reads(*state, 2, "");
        }
    }
}

static void test_lines(void **state)
{
    struct train_log l = TRAIN_LOG_CLOSED;
    struct train_line line = {1, 5, 0.1, 2.5, 10, NAN, NAN, NAN};
    struct error err;
    char path[256], text[512];
    int64_t one;
    FILE *f;

    assert_int_equal(train_log_open(&l, *state, 0, 0, &err), TCET_OK);
    train_log_add(&l, &line);
    one = train_log_bytes(&l);
    assert_int_equal(train_log_sync(&l, &err), TCET_OK);
    line.epoch = 2;
    train_log_add(&l, &line);
    assert_int_equal(train_log_flush(&l, &err), TCET_OK);
    train_log_close(&l);
    l = (struct train_log)TRAIN_LOG_CLOSED;
    assert_int_equal(train_log_open(&l, *state, 0, 0, &err), TCET_E_ARG); /* it is there */
    train_log_close(&l);
    l = (struct train_log)TRAIN_LOG_CLOSED;
    assert_int_equal(train_log_open(&l, *state, one, 1, &err), TCET_OK);
    line.epoch = 3;
    train_log_add(&l, &line);
    assert_int_equal(train_log_flush(&l, &err), TCET_OK);
    train_log_close(&l);
    snprintf(path, sizeof path, "%s/train.csv", (char *)*state);
    f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    assert_string_equal(text, "epoch,step,lr,loss,top1,test_loss,test_top1,test_top5\n"
                              "1,5,0.10000000000000001,2.5,10,,,\n"
                              "3,5,0.10000000000000001,2.5,10,,,\n");
    l = (struct train_log)TRAIN_LOG_CLOSED;
    assert_int_equal(train_log_open(&l, *state, 10000, 1, &err), TCET_E_ARG);
    train_log_close(&l);
}

static tcet_status settings_of(const char *key, const char *value, struct train_settings *s,
                               struct error *err)
{
    struct config *c = config_new();
    tcet_status st;

    config_put(c, "train", "", "arch", "a", "f.ini", "/", 1);
    config_put(c, "train", "", key, value, "f.ini", "/", 2);
    st = train_settings_read(c, s, err);
    config_free(c);
    return st;
}

static void test_settings(void **state)
{
    static const struct {
        const char *key, *value, *says;
    } bad[] = {
        {"epochs", "0", "epochs = "},
        {"batch", "65537", "65536"},
        {"lr", "nan", "lr = \"nan\": expected a number"},
        {"momentum", "1.5", "from 0 to 1"},
        {"ema", "1", "to below 1"},
        {"seeds", "3..1", "FIRST..LAST"},
        {"seeds", "1..100000", "at most 1000"},
        {"warmup", "200", "more epochs than the 100"},
        {"schedule", "cosin", "did you mean \"cosine\""},
        {"schedule", "step", "needs steps"},
        {"precision", "f16", "f32, f64, tf32, bf16"},
        {"decay", "some", "weights, all"},
    };
    struct train_settings s;
    struct error err;

    (void)state;
    for (size_t i = 0; i < TCET_COUNT(bad); i++) {
        assert_int_equal(settings_of(bad[i].key, bad[i].value, &s, &err), TCET_E_ARG);
        if (!strstr(err.text, bad[i].says) || strncmp(err.text, "f.ini:2: ", 9))
            fail_msg("%s = %s: %s", bad[i].key, bad[i].value, err.text);
    }
    assert_int_equal(settings_of("lr_per_256", "0.1", &s, &err), TCET_OK);
    assert_true(s.schedule.peak == 0.025 && s.how.norm_momentum == -1 && s.batch.shuffle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_damage, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_lines, make_folder, remove_folder),
        cmocka_unit_test(test_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
