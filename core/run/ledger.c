/* ledger.c -- see ledger.h.  Room: core/run. */
#include "run/ledger.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tcet_status fail(const struct ledger *l, const char *what, struct error *err)
{
    return error_set(err, TCET_E_IO, "%s: cannot %s: %s", l->path, what, strerror(errno));
}

static tcet_status write_all(struct ledger *l, const char *data, size_t n, struct error *err)
{
    while (n) {
        ssize_t done = write(l->fd, data, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(l, "write", err);
        data += done;
        n -= (size_t)done;
        l->dirty = 1;
    }
    return TCET_OK;
}

static tcet_status read_all(struct ledger *l, size_t n, struct error *err)
{
    size_t have = 0;

    l->old = mem_try(n + 1, 1);
    if (!l->old)
        return error_set(err, TCET_E_MEMORY, "%s: no memory to read it", l->path);
    while (have < n) {
        ssize_t got = pread(l->fd, l->old + have, n - have, (off_t)have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail(l, "read", err);
        have += (size_t)got;
    }
    while (have && l->old[have - 1] != '\n') /* cut off in the middle of a line */
        have--;
    if (have < n && ftruncate(l->fd, (off_t)have))
        return fail(l, "shorten", err);
    l->old[l->old_len = have] = '\0';
    return TCET_OK;
}

tcet_status ledger_open(struct ledger *l, const char *folder, const char *header, int resume,
                        struct error *err)
{
    struct buf path = {0};
    struct stat info;
    size_t n = strlen(header);

    buf_printf(&path, "%s/search.csv", folder);
    *l = (struct ledger){.path = path.data};
    l->fd = open(path.data, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (l->fd < 0 || fstat(l->fd, &info))
        return fail(l, "open", err);
    if (!S_ISREG(info.st_mode))
        return error_set(err, TCET_E_ARG, "%s: is no file", l->path);
    TRY(read_all(l, (size_t)info.st_size, err));
    if (l->old_len && strcmp(l->old, header) && !resume)
        return error_set(err, TCET_E_ARG,
                         "%s holds an earlier search; use --resume to go on with it, or choose "
                         "another run.output",
                         folder);
    if (!l->old_len)
        return write_all(l, header, n, err);
    if (strncmp(l->old, header, n))
        return error_set(err, TCET_E_ARG,
                         "%s: its columns are not those of this search; choose another run.output",
                         l->path);
    l->compared = n;
    l->next = l->old + n;
    return TCET_OK;
}

const char *ledger_line_end(const struct ledger *l, const char *line)
{
    return text_line_end(line, l->old + l->old_len);
}

int64_t ledger_stored(struct ledger *l, int64_t seed, const char **first)
{
    char start[32];
    int64_t count = 0;
    size_t n = (size_t)snprintf(start, sizeof start, "%lld,", (long long)seed);

    for (*first = l->next; l->next && text_begins(l->next, l->old + l->old_len, start, n); count++)
        l->next = ledger_line_end(l, l->next) + 1;
    if (!count)
        *first = NULL;
    return count;
}

/* Names the first line that differs. */
static tcet_status differs(const struct ledger *l, const char *lines, size_t n, struct error *err)
{
    const char *was = l->old + l->compared;
    struct text_difference d = text_difference(was, l->old_len - l->compared, lines, n);

    return error_set(err, TCET_E_ARG,
                     "%s: this is another search than the folder's: it has \"%.*s\" where this one "
                     "gives \"%.*s\" (config, plugin, data or budget changed); choose "
                     "another run.output",
                     l->path, d.one_n, d.one, d.other_n, d.other);
}

tcet_status ledger_add(struct ledger *l, const char *lines, size_t n, struct error *err)
{
    size_t left = l->old ? l->old_len - l->compared : 0;
    size_t known = left < n ? left : n;

    if (known && memcmp(l->old + l->compared, lines, known))
        return differs(l, lines, n, err);
    l->compared += known;
    return write_all(l, lines + known, n - known, err);
}

tcet_status ledger_end(const struct ledger *l, struct error *err)
{
    struct text_difference d;

    if (l->compared >= l->old_len)
        return TCET_OK;
    d = text_difference(l->old + l->compared, l->old_len - l->compared, "", 0);
    return error_set(
        err, TCET_E_ARG,
        "%s: this is another search than the folder's, which goes on where this one has "
        "ended, by \"%.*s\" (budget or seeds changed); choose another run.output",
        l->path, d.one_n, d.one);
}

tcet_status ledger_sync(struct ledger *l, struct error *err)
{
    if (!l->dirty)
        return TCET_OK;
    l->dirty = 0;
    return fdatasync(l->fd) ? fail(l, "write", err) : TCET_OK;
}

void ledger_close(struct ledger *l)
{
    if (l->path && l->fd >= 0)
        close(l->fd);
    free(l->path);
    free(l->old);
}
