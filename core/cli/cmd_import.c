/* cmd_import.c -- `tcet-host import`: official files of benchmarks as tables.  Room: core/cli. */
#include "cli/cli.h"

#include "table/import.h"

#include <stdio.h>
#include <string.h>

static void list_formats(struct buf *out)
{
    for (size_t i = 0; i < IMPORT_FORMAT_COUNT; i++) {
        const struct import_format *f = &IMPORT_FORMATS[i];

        buf_printf(out, "%-12s %s: %s\n", f->name, f->what, f->files);
    }
}

/* A file that ends between two entries is sound by itself: the number of architectures tells. */
static void note_part(const char *format, const char *file, size_t rows)
{
    const struct import_format *f = import_format(format);
    char text[512];

    if (!f->whole || rows == f->whole)
        return;
    snprintf(text, sizeof text, "%.300s: %zu architecture%s, where %s has %zu: it is %s", file,
             rows, rows == 1 ? "" : "s", f->what, f->whole,
             rows < f->whole ? "cut, or a part" : "no official file");
    cli_log(NULL, TCET_LOG_WARN, text);
}

int cmd_import(const struct command *c, int argc, char **argv)
{
    bool list = false;
    const struct option_spec specs[] = {
        {"--list", NULL, "the formats, one a line", &list, NULL, NULL},
    };
    const char *given[4], *const *files;
    struct arena a = {0};
    struct buf out = {0};
    struct error err;
    size_t count, rows = 0;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), given, 0, 4, &count);
    tcet_status st = TCET_OK;

    if (code >= 0)
        return code;
    if (list && !count) {
        list_formats(&out);
    } else {
        if (list || count < 3)
            return cli_usage(c, list ? "--list goes alone"
                                     : "a format, its files and the table to write are expected");
        files = given + 1;
        st = table_import(given[0], files, count - 2, cli_path(&a, given[count - 1]), &rows, &err);
        if (st >= 0)
            note_part(given[0], given[1], rows);
        if (st >= 0)
            buf_printf(&out, "%s: %zu architectures (`tcet-host tables %s` prints its columns)\n",
                       given[count - 1], rows, given[count - 1]);
    }
    if (st >= 0)
        cli_write(&out);
    buf_free(&out);
    arena_free(&a);
    return st < 0 ? cli_fail(&err) : 0;
}
