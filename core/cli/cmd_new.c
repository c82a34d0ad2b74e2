/* cmd_new.c -- `tcet-host new KIND NAME`: a folder with a plugin that builds, passes its check
 * and runs, from the templates among the shipped data.  Room: core/cli. */
#include "cli/cli.h"

#include "base/text.h"
#include "plugin/registry.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_LONGEST = 48 };

static const char *const KINDS[] = {"saliency", "aggregator", "combiner",
                                    "space",    "dataset",    "strategy"};

/* What @WORD@ in a template stands for. */
struct word {
    const char *name, *value;
};

static tcet_status read_template(const char *path, struct buf *out, struct error *err)
{
    FILE *f = fopen(path, "rb");
    char chunk[4096];
    size_t n;

    if (!f)
        return error_set(err, TCET_E_IO, "%s: %s (is tcet-host installed whole?)", path,
                         strerror(errno));
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(out, chunk, n);
    fclose(f);
    buf_add(out, "", 0);
    return TCET_OK;
}

/* Text with every @WORD@ replaced; an @ of any other kind stays. */
static void fill_in(const char *text, const struct word *words, size_t count, struct buf *out)
{
    while (*text) {
        size_t k = 0, n = 0;

        for (; *text == '@' && k < count; k++) {
            n = strlen(words[k].name);
            if (!strncmp(text + 1, words[k].name, n) && text[n + 1] == '@')
                break;
        }
        if (*text == '@' && k < count) {
            buf_puts(out, words[k].value);
            text += n + 2;
        } else {
            buf_add(out, text++, 1);
        }
    }
}

static tcet_status write_new(const char *path, const struct buf *b, struct error *err)
{
    FILE *f = fopen(path, "wbx");
    int bad;

    if (!f)
        return error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno));
    errno = 0;
    bad = fwrite(b->data, 1, b->len, f) != b->len;
    bad |= fclose(f) != 0;
    if (bad)
        return error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno ? errno : EIO));
    return TCET_OK;
}

/* One file of the folder, from a template. */
static tcet_status make_file(struct arena *a, const char *template, const char *path,
                             const struct word *words, size_t count, struct error *err)
{
    struct buf text = {0}, filled = {0};
    tcet_status st =
        read_template(arena_printf(a, "%s/templates/%s", paths_data(), template), &text, err);

    if (st >= 0) {
        fill_in(text.data, words, count, &filled);
        st = write_new(path, &filled, err);
    }
    buf_free(&text);
    buf_free(&filled);
    return st;
}

/* A path as a word of a shell command. */
static const char *shell_word(struct arena *a, const char *path)
{
    struct buf b = {0};
    const char *word;

    if (!path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./")])
        return path;
    buf_puts(&b, "'");
    for (; *path; path++)
        buf_puts(&b, *path == '\'' ? "'\\''" : (char[]){*path, '\0'});
    buf_puts(&b, "'");
    word = arena_strdup(a, b.data);
    buf_free(&b);
    return word;
}

static tcet_status make_folder(struct arena *a, const char *kind, const char *name,
                               const char *folder, struct error *err)
{
    const struct word words[] = {{"NAME", name},
                                 {"KIND", kind},
                                 {"PREFIX", paths_sdk()},
                                 {"HOST", paths_self()},
                                 {"ABI", arena_printf(a, "%d.%d", TCET_ABI_MAJOR, TCET_ABI_MINOR)}};
    const struct {
        const char *template, *file;
    } files[] = {
        {arena_printf(a, "%s.c.in", kind), arena_printf(a, "%s/%s_%s.c", folder, kind, name)},
        {"CMakeLists.txt.in", arena_printf(a, "%s/CMakeLists.txt", folder)},
        {arena_printf(a, "%s.ini.in", kind), arena_printf(a, "%s/%s.ini", folder, name)}};

    if (mkdir(folder, 0777) < 0)
        return error_set(err, TCET_E_ARG, "%s: %s", folder,
                         errno == EEXIST ? "is there already; choose another name or --dir"
                                         : strerror(errno));
    for (size_t i = 0; i < TCET_COUNT(files); i++) {
        if (make_file(a, files[i].template, files[i].file, words, TCET_COUNT(words), err) >= 0)
            continue;
        for (size_t k = 0; k <= i; k++)
            unlink(files[k].file);
        rmdir(folder);
        return err->status;
    }
    return TCET_OK;
}

static int is_kind(const char *word)
{
    for (size_t i = 0; i < TCET_COUNT(KINDS); i++) {
        if (!strcmp(word, KINDS[i]))
            return 1;
    }
    return 0;
}

int cmd_new(const struct command *c, int argc, char **argv)
{
    const char *dir = NULL, *word[2], *folder, *shown;
    const struct option_spec specs[] = {
        {"--dir", "DIR", "make the folder NAME in DIR (the current folder)", NULL, &dir, NULL},
    };
    struct arena a = {0};
    struct error err;
    char hint[128];
    size_t count, n;
    int code = cli_options(c, argc, argv, specs, TCET_COUNT(specs), word, 2, 2, &count);

    if (code >= 0)
        return code;
    if (!is_kind(word[0]))
        return cli_usage(c,
                         "there is no template for \"%s\"%s; there is one for saliency, "
                         "aggregator, combiner, space, dataset, strategy",
                         word[0],
                         text_suggest(hint, sizeof hint, word[0], KINDS, TCET_COUNT(KINDS)));
    n = strspn(word[1], "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (!n || word[1][n] || n > NAME_LONGEST)
        return cli_usage(c, "\"%s\" is no name for a plugin: want [a-z0-9_]+, at most %d letters",
                         word[1], NAME_LONGEST);
    folder = dir ? arena_printf(&a, "%s/%s", dir, word[1]) : word[1];
    if (make_folder(&a, word[0], word[1], folder, &err) < 0) {
        code = cli_fail(&err);
    } else {
        const char *host = shell_word(&a, argv[0]);

        code = 0;
        shown = shell_word(&a, folder);
        printf("%s/%s_%s.c is yours to change.\n"
               "build:  cmake -S %s -B %s/build && cmake --build %s/build\n"
               "check:  %s check %s/build/%s_%s.so\n"
               "run:    %s %s %s/%s.ini --resume\n",
               shown, word[0], word[1], shown, shown, shown, host, shown, word[0], word[1], host,
               strcmp(word[0], "strategy") ? "run" : "search", shown, word[1]);
    }
    arena_free(&a);
    return code;
}
