/* report_files.c -- the files of a report: the page, and its pictures as SVG, and by rsvg-convert as PNG and
 * PDF (report_parts.h).  Room: core/cli. */
#include "cli/report_parts.h"

#include "base/file.h"
#include "base/folder.h"
#include "report/page.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char CONVERTER[] = "rsvg-convert";

static tcet_status write_file(const char *path, const struct buf *b, struct error *err)
{
    const struct file_part part = {b->data, b->len};

    return file_replace(path, NULL, &part, 1, err);
}

/* Writes the picture of each figure into a folder; path[count]: the files, in `a`. */
static tcet_status write_pictures(const char *folder, const struct figures *f, struct arena *a,
                                  char **path, struct error *err)
{
    for (size_t i = 0; i < f->count; i++) {
        struct buf text = {0};
        tcet_status st;

        path[i] = arena_printf(a, "%s/%s.svg", folder, f->item[i].name);
        figure_file(&f->item[i], &text);
        st = write_file(path[i], &text, err);
        buf_free(&text);
        TRY(st);
    }
    return TCET_OK;
}

/* Runs rsvg-convert to its end. */
static tcet_status convert(char *const *args, const char *out, struct error *err)
{
    pid_t pid;
    int status = 0, failed = posix_spawnp(&pid, CONVERTER, NULL, NULL, args, environ);

    if (failed)
        return error_set(err, TCET_E_IO, "%s: cannot start %s: %s", out, CONVERTER,
                         strerror(failed));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status ? error_set(err, TCET_E_IO, "%s: %s could not write it", out, CONVERTER)
                  : TCET_OK;
}

static tcet_status write_png(const char *folder, const struct figures *f, char *const *svg,
                             struct arena *a, struct error *err)
{
    TRY(folder_make(folder, err));
    for (size_t i = 0; i < f->count; i++) {
        char *out = arena_printf(a, "%s/%s.png", folder, f->item[i].name);
        char *args[] = {
            (char *)CONVERTER, "--zoom=2", "--background-color=white", "-o", out, svg[i], NULL};

        TRY(convert(args, out, err));
    }
    return TCET_OK;
}

static tcet_status write_pdf(const char *file, const struct figures *f, char *const *svg,
                             struct arena *a, struct error *err)
{
    char **args = arena_alloc(a, (f->count + 6) * sizeof *args), **next = args;

    *next++ = (char *)CONVERTER;
    *next++ = "-f";
    *next++ = "pdf";
    *next++ = "-o";
    *next++ = (char *)file;
    for (size_t i = 0; i < f->count; i++)
        *next++ = svg[i];
    return f->count ? convert(args, file, err)
                    : error_set(err, TCET_E_ARG, "--pdf %s: there is no picture", file);
}

/* What rsvg-convert makes, of pictures in a folder that goes again. */
static tcet_status write_converted(const struct report_page *p, const struct figures *f,
                                   struct arena *a, struct error *err)
{
    const char *base = getenv("TMPDIR");
    char *folder = arena_printf(a, "%s/tcet-report.XXXXXX", base && *base ? base : "/tmp");
    char **svg = arena_alloc(a, (f->count + 1) * sizeof *svg);
    tcet_status st;

    if (!mkdtemp(folder))
        return error_set(err, TCET_E_IO, "%s: cannot make it: %s", folder, strerror(errno));
    st = write_pictures(folder, f, a, svg, err);
    if (st >= 0 && p->png)
        st = write_png(p->png, f, svg, a, err);
    if (st >= 0 && p->pdf)
        st = write_pdf(p->pdf, f, svg, a, err);
    for (size_t i = 0; i < f->count; i++) {
        if (svg[i])
            unlink(svg[i]);
    }
    rmdir(folder);
    return st;
}

tcet_status report_check_converter(const struct report_page *p, struct error *err)
{
    const char *path = getenv("PATH");
    int found = !p->png && !p->pdf;

    for (const char *at = path ? path : ""; *at && !found; at += strspn(at, ":")) {
        struct buf file = {0};
        size_t n = strcspn(at, ":");

        buf_printf(&file, "%.*s/%s", (int)n, at, CONVERTER);
        found = !access(file.data, X_OK);
        buf_free(&file);
        at += n;
    }
    return found ? TCET_OK
                 : error_set(err, TCET_E_ARG,
                             "%s needs %s, which is not installed (Debian's package librsvg2-bin); "
                             "--svg needs nothing",
                             p->png ? "--png" : "--pdf", CONVERTER);
}

tcet_status report_write_files(const struct report_page *p, const struct report_out *out,
                               struct error *err)
{
    const struct figures *f = &out->figures;
    struct arena a = {0};
    char **svg = arena_alloc(&a, (f->count + 1) * sizeof *svg);
    tcet_status st = write_file(p->file, &out->page, err);

    if (st >= 0 && p->svg)
        st = folder_make(p->svg, err);
    if (st >= 0 && p->svg)
        st = write_pictures(p->svg, f, &a, svg, err);
    if (st >= 0 && (p->png || p->pdf))
        st = write_converted(p, f, &a, err);
    if (st >= 0 && p->tables)
        st = report_tables_write(p->tables, &out->tables, f, err);
    arena_free(&a);
    return st;
}
