/* checkpoint.c -- see checkpoint.h.  Room: core/train. */
#include "train/checkpoint.h"

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MAGIC[8] = "tcetckpt";
enum { VERSION = 1, HEAD_MAX = 1 << 20, DIGEST = 64 };

/* -- writing ------------------------------------------------------------------------------ */

static void write_head(const struct checkpoint *c, struct buf *out)
{
    char text[32];

    buf_printf(out, "epochs=%lld\nsteps=%lld\nbest_epoch=%lld\nlines=%lld\n", (long long)c->epochs,
               (long long)c->steps, (long long)c->best_epoch, (long long)c->lines);
    buf_printf(out, "best=%s\n", text_f64(text, c->best));
    buf_printf(out, "test_loss=%s\n", text_f64(text, c->test_loss));
    buf_printf(out, "test_top1=%s\n", text_f64(text, c->test_top1));
    buf_printf(out, "test_top5=%s\n", text_f64(text, c->test_top5));
    buf_printf(out, "made_by=%s\n\n%s", c->made_by, c->about);
}

static tcet_status write_as(const char *folder, const char *name, const char *keep,
                            const struct checkpoint *c, struct error *err)
{
    struct file_part part[2 + 2 * CHECKPOINT_STATES + 1];
    uint64_t size[CHECKPOINT_STATES];
    struct buf head = {0}, front = {0}, path = {0}, previous = {0};
    struct sha256 sum;
    char digest[DIGEST + 1];
    size_t n = 0;
    uint32_t number[2];
    tcet_status st;

    write_head(c, &head);
    number[0] = VERSION;
    number[1] = (uint32_t)head.len;
    buf_add(&front, MAGIC, sizeof MAGIC);
    buf_add(&front, number, sizeof number);
    part[n++] = (struct file_part){front.data, front.len};
    part[n++] = (struct file_part){head.data, head.len};
    for (int i = 0; i < CHECKPOINT_STATES; i++) {
        size[i] = c->state[i].n;
        part[n++] = (struct file_part){&size[i], sizeof size[i]};
        part[n++] = (struct file_part){c->state[i].data, c->state[i].n};
    }
    sha256_init(&sum);
    for (size_t i = 0; i < n; i++)
        sha256_add(&sum, part[i].data, part[i].n);
    sha256_hex(&sum, digest);
    part[n++] = (struct file_part){digest, DIGEST};
    buf_printf(&path, "%s/%s", folder, name);
    buf_printf(&previous, "%s/%s", folder, keep ? keep : "");
    st = file_replace(path.data, keep ? previous.data : NULL, part, n, err);
    buf_free(&head);
    buf_free(&front);
    buf_free(&path);
    buf_free(&previous);
    return st;
}

tcet_status checkpoint_write(const char *folder, const struct checkpoint *c, struct error *err)
{
    return write_as(folder, "last.ckpt", "previous.ckpt", c, err);
}

tcet_status checkpoint_write_best(const char *folder, const struct checkpoint *c, struct error *err)
{
    return write_as(folder, "best.ckpt", NULL, c, err);
}

/* -- reading ------------------------------------------------------------------------------ */

static tcet_status is_none(struct error *err, const char *what)
{
    return error_set(err, TCET_E_ARG, "%s", what);
}

static int head_i64(const char *value, int64_t *out)
{
    return text_to_i64(value, out) == 0 && *out >= 0 ? 0 : -1;
}

static int head_f64(const char *value, double *out)
{
    *out = NAN;
    return strcmp(value, "nan") ? text_to_f64(value, out) : 0;
}

/* One line of the head; 0: it is one. */
static int take_line(char *line, struct checkpoint *c)
{
    const struct {
        const char *name;
        int64_t *whole;
        double *real;
    } fields[] = {{"epochs", &c->epochs, NULL},
                  {"steps", &c->steps, NULL},
                  {"best_epoch", &c->best_epoch, NULL},
                  {"lines", &c->lines, NULL},
                  {"best", NULL, &c->best},
                  {"test_loss", NULL, &c->test_loss},
                  {"test_top1", NULL, &c->test_top1},
                  {"test_top5", NULL, &c->test_top5}};
    char *value = strchr(line, '=');

    if (!value)
        return -1;
    *value++ = '\0';
    for (size_t i = 0; i < TCET_COUNT(fields); i++) {
        if (!strcmp(line, fields[i].name))
            return fields[i].whole ? head_i64(value, fields[i].whole)
                                   : head_f64(value, fields[i].real);
    }
    if (!strcmp(line, "made_by"))
        c->made_by = value;
    return 0;
}

/* head: n bytes and a NUL. */
static tcet_status read_head(char *head, size_t n, struct checkpoint *c, struct error *err)
{
    char *line = head, *end;

    c->epochs = c->steps = c->best_epoch = c->lines = -1;
    c->best = c->test_loss = c->test_top1 = c->test_top5 = NAN;
    c->made_by = "";
    if (strlen(head) != n)
        return is_none(err, "its head is damaged");
    for (; (end = strchr(line, '\n')) && end != line; line = end + 1) {
        *end = '\0';
        if (take_line(line, c) < 0)
            return is_none(err, "its head is damaged");
    }
    if (!end || c->epochs < 0 || c->steps < 0 || c->best_epoch < 0 || c->lines < 0)
        return is_none(err, "its head is damaged");
    c->about = end + 1;
    return TCET_OK;
}

tcet_status checkpoint_parse(const char *data, size_t n, struct arena *a, struct checkpoint *out,
                             struct error *err)
{
    struct checkpoint c = {.about = NULL};
    struct sha256 sum;
    char digest[DIGEST + 1], *head;
    uint32_t number[2];
    size_t at = sizeof MAGIC + sizeof number;

    if (n < at + DIGEST || memcmp(data, MAGIC, sizeof MAGIC))
        return is_none(err, "no checkpoint of a training, or cut off");
    memcpy(number, data + sizeof MAGIC, sizeof number);
    if (number[0] != VERSION)
        return error_set(err, TCET_E_ARG, "a checkpoint of version %u; this program reads %d",
                         number[0], VERSION);
    n -= DIGEST;
    sha256_init(&sum);
    sha256_add(&sum, data, n);
    sha256_hex(&sum, digest);
    if (memcmp(digest, data + n, DIGEST))
        return is_none(err, "it is damaged: its SHA-256 is another");
    if (number[1] > HEAD_MAX || number[1] > n - at)
        return is_none(err, "its head is damaged");
    head = arena_strndup(a, data + at, number[1]);
    TRY(read_head(head, number[1], &c, err));
    at += number[1];
    for (int i = 0; i < CHECKPOINT_STATES; i++) {
        uint64_t size = 0;

        if (n - at >= sizeof size)
            memcpy(&size, data + at, sizeof size);
        if (n - at < sizeof size || size > n - at - sizeof size)
            return is_none(err, "its states are damaged");
        at += sizeof size;
        c.state[i] = (struct checkpoint_state){data + at, (size_t)size};
        at += (size_t)size;
    }
    if (at != n)
        return is_none(err, "there is more in it than a checkpoint");
    *out = c;
    return TCET_OK;
}

tcet_status checkpoint_read_file(const char *path, struct arena *a, struct checkpoint *out,
                                 struct error *err)
{
    size_t size;
    char *text = file_text(path, INT64_C(1) << 36, &size, err), *data;

    if (!text)
        return err->status;
    data = arena_alloc(a, size + 1);
    memcpy(data, text, size);
    free(text);
    if (checkpoint_parse(data, size, a, out, err) < 0)
        return error_prefix(err, "%s: ", path);
    return TCET_OK;
}

tcet_status checkpoint_read(const char *folder, struct arena *a, struct checkpoint *out, int *found,
                            const char **note, struct error *err)
{
    const char *last = arena_printf(a, "%s/last.ckpt", folder);
    const char *previous = arena_printf(a, "%s/previous.ckpt", folder);
    int has_last = !access(last, F_OK), has_previous = !access(previous, F_OK);
    struct error first;

    *found = has_last || has_previous;
    *note = "";
    if (!*found || (has_last && checkpoint_read_file(last, a, out, &first) >= 0))
        return TCET_OK;
    if (!has_last)
        error_set(&first, TCET_E_ARG, "%s is lacking", last);
    if (!has_previous)
        return error_set(err, TCET_E_ARG, "%s", first.text);
    if (checkpoint_read_file(previous, a, out, err) < 0)
        return error_set(err, TCET_E_ARG, "%.900s; %.900s", first.text, arena_strdup(a, err->text));
    if (has_last)
        (void)!rename(last, arena_printf(a, "%s/damaged.ckpt", folder));
    *note = arena_printf(a, "%s; going on from %s", first.text, previous);
    return TCET_OK;
}
