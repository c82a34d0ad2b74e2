/* log.c -- see log.h.  Room: core/train. */
#include "train/log.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char HEADER[] = "epoch,step,lr,loss,top1,test_loss,test_top1,test_top5\n";

static tcet_status fail(const char *path, const char *what, struct error *err)
{
    return error_set(err, TCET_E_IO, "%s: cannot %s: %s", path, what, strerror(errno));
}

tcet_status train_log_open(struct train_log *l, const char *folder, int64_t bytes, int again,
                           struct error *err)
{
    struct buf path = {0}, times = {0};
    struct stat info;

    buf_printf(&path, "%s/train.csv", folder);
    buf_printf(&times, "%s/times.csv", folder);
    l->path = path.data;
    l->times = times.data;
    l->fd = open(l->path,
                 O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | (bytes ? 0 : O_CREAT) |
                     (bytes || again ? 0 : O_EXCL),
                 0666);
    if (l->fd < 0 && errno == EEXIST)
        return error_set(err, TCET_E_ARG,
                         "%s is there: use --resume to begin anew in its folder, or choose another "
                         "run.output",
                         l->path);
    if (l->fd < 0 && errno == ENOENT)
        return error_set(err, TCET_E_ARG,
                         "%s: there is no such file, with whose %lld bytes the checkpoint goes on; "
                         "put it back, or choose another run.output",
                         l->path, (long long)bytes);
    if (l->fd < 0 || fstat(l->fd, &info))
        return fail(l->path, "open", err);
    if (!S_ISREG(info.st_mode))
        return error_set(err, TCET_E_ARG, "%s: is no file", l->path);
    if (info.st_size < bytes)
        return error_set(
            err, TCET_E_ARG,
            "%s has %lld bytes, and the checkpoint was made when it had %lld: it was cut "
            "off or changed; put it back, or choose another run.output",
            l->path, (long long)info.st_size, (long long)bytes);
    if (ftruncate(l->fd, (off_t)bytes))
        return fail(l->path, "shorten", err);
    l->written = bytes;
    if (!bytes)
        buf_puts(&l->text, HEADER);
    return TCET_OK;
}

static void add_number(struct buf *b, double v)
{
    char text[32];

    buf_puts(b, ",");
    buf_puts(b, isnan(v) ? "" : text_f64(text, v));
}

void train_log_add(struct train_log *l, const struct train_line *line)
{
    const double number[] = {line->lr,        line->loss,      line->top1,
                             line->test_loss, line->test_top1, line->test_top5};

    buf_printf(&l->text, "%lld,%lld", (long long)line->epoch, (long long)line->step);
    for (size_t i = 0; i < TCET_COUNT(number); i++)
        add_number(&l->text, number[i]);
    buf_puts(&l->text, "\n");
}

int64_t train_log_bytes(const struct train_log *l)
{
    return l->written + (int64_t)l->text.len;
}

tcet_status train_log_flush(struct train_log *l, struct error *err)
{
    size_t done = 0;

    while (done < l->text.len) {
        ssize_t n = write(l->fd, l->text.data + done, l->text.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(l->path, "write", err);
        done += (size_t)n;
    }
    l->written += (int64_t)done;
    l->text.len = 0;
    return TCET_OK;
}

tcet_status train_log_sync(struct train_log *l, struct error *err)
{
    TRY(train_log_flush(l, err));
    return fdatasync(l->fd) ? fail(l->path, "write", err) : TCET_OK;
}

tcet_status train_log_time(struct train_log *l, int64_t epoch, double seconds, int64_t images,
                           struct error *err)
{
    FILE *f = fopen(l->times, "ae");
    int bad = !f;

    if (f && ftell(f) == 0)
        bad |= fputs("epoch,seconds,images_per_second\n", f) < 0;
    if (f)
        bad |= fprintf(f, "%lld,%.3f,%.1f\n", (long long)epoch, seconds,
                       seconds > 0 ? (double)images / seconds : 0) < 0;
    if (f && fclose(f))
        bad = 1;
    return bad ? fail(l->times, "write", err) : TCET_OK;
}

void train_log_close(struct train_log *l)
{
    if (l->fd >= 0)
        close(l->fd);
    free(l->path);
    free(l->times);
    buf_free(&l->text);
}

/* One line without its end. */
static int read_line(char *text, struct train_line *out)
{
    double *const number[] = {&out->lr,        &out->loss,      &out->top1,
                              &out->test_loss, &out->test_top1, &out->test_top5};
    char *field[2 + TCET_COUNT(number)];
    size_t n = 0;

    for (char *p = text; p && n < TCET_COUNT(field); n++) {
        field[n] = p;
        p = strchr(p, ',');
        if (p)
            *p++ = '\0';
        else if (n + 1 < TCET_COUNT(field))
            return -1;
    }
    if (n < TCET_COUNT(field) || text_to_i64(field[0], &out->epoch) < 0 ||
        text_to_i64(field[1], &out->step) < 0)
        return -1;
    for (size_t i = 0; i < TCET_COUNT(number); i++) {
        *number[i] = NAN;
        if (*field[2 + i] && text_to_f64(field[2 + i], number[i]) < 0)
            return -1;
    }
    return 0;
}

tcet_status train_log_read(const char *path, struct arena *a, struct train_line **out,
                           size_t *count, struct error *err)
{
    size_t size, lines = 0;
    char *text = file_text(path, INT64_MAX, &size, err), *next;
    const char *end;

    if (!text)
        return err->status;
    end = text + size;
    for (const char *p = text; (p = text_line_end(p, end)); p++)
        lines++;
    *out = arena_alloc(a, (lines + 1) * sizeof **out);
    *count = 0;
    if (strncmp(text, HEADER, sizeof HEADER - 1)) {
        free(text);
        return error_set(err, TCET_E_ARG, "%s:1: is no train.csv: it does not begin with %.*s",
                         path, (int)sizeof HEADER - 2, HEADER);
    }
    for (char *p = text + sizeof HEADER - 1; (next = text_line_end(p, end)); p = next + 1) {
        *next = '\0';
        if (read_line(p, &(*out)[*count]) < 0) {
            free(text);
            return error_set(err, TCET_E_ARG,
                             "%s:%zu: is no line of a training: epoch, step and six "
                             "numbers between commas",
                             path, *count + 2);
        }
        ++*count;
    }
    free(text);
    return TCET_OK;
}
