/* parse.c -- INI files to keys.
 * Room: core/config.  Stands on core/base and inih.
 *
 * inih splits "key = value".  Its reader stands here and supplies what inih 55 lacks: it
 * counts lines, checks each one whole, cuts comments, registers section headers (inih cuts
 * their names at 49 bytes and skips empty sections), and keeps values that are longer than
 * inih's line buffer aside for the handler, since inih would pass them on cut short. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/trust.h"
#include "base/utf8.h"
#include "config/internal.h"

enum { FILE_MAX = 16 * 1024 * 1024, DEPTH_MAX = 16, FILES_MAX = 256 };

/* An include line. */
struct include {
    struct include *next;
    const char *path;
    int line;
};

/* One file being read, and the files that include it. */
struct source {
    const struct source *parent;
    const char *name; /* as the user would name it */
    const char *dir;  /* absolute */
    dev_t dev;
    ino_t ino;
    struct config *config; /* of this file alone */
    struct buf bytes;
    size_t at; /* in bytes */
    int line;
    struct config_section *section; /* NULL before the first */
    const char *long_value;         /* of the current line, when inih must not see it */
    struct buf text;                /* the current line */
    struct include *includes, **last_include;
    struct error *err; /* status < 0: stop reading */
};

static tcet_status fault(struct source *s, const char *what)
{
    return error_set(s->err, TCET_E_ARG, "%s:%d: %s", s->name, s->line, what);
}

size_t comment_start(const char *line)
{
    size_t n = strspn(line, " \t");

    for (size_t i = n; line[i]; i++) {
        if ((line[i] == ';' || line[i] == '#') &&
            (i == n || line[i - 1] == ' ' || line[i - 1] == '\t'))
            return i;
    }
    return strlen(line);
}

const char *config_value_problem(const char *value)
{
    size_t n = strlen(value);

    if (!utf8_line(value))
        return "a value is one line of UTF-8 text";
    if (n && (isblank((unsigned char)value[0]) || isblank((unsigned char)value[n - 1])))
        return "a value neither begins nor ends with a blank";
    if (*value == ';' || *value == '#')
        return "a value begins with no ; or #, as a comment does";
    for (const char *p = value; *p; p++) {
        if ((*p == ' ' || *p == '\t') && (p[1] == ';' || p[1] == '#'))
            return "a value holds no ; or # after a blank, where a comment begins";
    }
    return NULL;
}

/* Takes the next line of the file into s->text, checked and without blanks and comment. */
static tcet_status take_line(struct source *s)
{
    const char *start = s->bytes.data + s->at;
    const char *end = memchr(start, '\n', s->bytes.len - s->at);
    size_t n = end ? (size_t)(end - start) : s->bytes.len - s->at;
    char *text;

    s->line++;
    s->at += n + (end != NULL);
    if (s->line == 1 && n >= 3 && !memcmp(start, "\xef\xbb\xbf", 3)) {
        start += 3;
        n -= 3;
    }
    if (n && start[n - 1] == '\r')
        n--;
    if (n > CONFIG_LINE_MAX)
        return fault(s, "the line is longer than 64 KiB");
    if (memchr(start, '\0', n))
        return fault(s, "the line holds a NUL byte");
    if (memchr(start, '\r', n))
        return fault(s, "a carriage return within the line: lines end by \\n or \\r\\n, not by "
                        "\\r alone");
    s->text.len = 0;
    buf_add(&s->text, start, n);
    if (!utf8_line(s->text.data))
        return fault(s, "the line is not UTF-8 text");
    s->text.data[comment_start(s->text.data)] = '\0';
    text = text_strip(s->text.data);
    s->text.len = strlen(text);
    memmove(s->text.data, text, s->text.len + 1);
    return TCET_OK;
}

/* "[kind name]". */
static tcet_status take_header(struct source *s)
{
    char *kind = s->text.data + 1, *name;
    const char *problem;

    if (s->text.data[s->text.len - 1] != ']')
        return fault(s, "a section is [KIND] or [KIND NAME], and nothing stands behind it");
    s->text.data[s->text.len - 1] = '\0';
    kind = text_strip(kind);
    name = kind + strcspn(kind, " \t");
    if (*name) {
        *name++ = '\0';
        name = text_strip(name);
    }
    problem = kind_problem(kind);
    if (!problem)
        problem = section_name_problem(kind, name);
    if (!problem && s->config->section_count >= CONFIG_KEYS_MAX)
        problem = "too many sections";
    if (problem)
        return fault(s, problem);
    s->section = section_put(s->config, kind, name, s->name, s->line);
    return TCET_OK;
}

/* Checks "key = value" and shortens it to what fits inih's line of cap bytes. */
static tcet_status take_pair(struct source *s, size_t cap)
{
    char *equals = strchr(s->text.data, '='), *key;
    const char *problem;

    if (!equals)
        return fault(s, "expected [SECTION] or KEY = VALUE");
    *equals = '\0';
    key = arena_strdup(&s->config->arena, s->text.data);
    *equals = '=';
    problem = key_problem(text_strip(key));
    if (problem)
        return fault(s, problem);
    if (s->text.len + 2 > cap) {
        s->long_value = text_strip(arena_strdup(&s->config->arena, equals + 1));
        s->text.len = 0;
        buf_printf(&s->text, "%s =", key);
    }
    return TCET_OK;
}

/* ini_reader: hands over the next "key = value" line. */
static char *read_pair(char *out, int cap, void *arg)
{
    struct source *s = arg;

    s->long_value = NULL;
    while (s->err->status >= 0 && s->at < s->bytes.len) {
        if (take_line(s) < 0 || !s->text.len)
            continue;
        if (s->text.data[0] == '[') {
            take_header(s);
        } else if (take_pair(s, (size_t)cap) >= 0) {
            memcpy(out, s->text.data, s->text.len);
            memcpy(out + s->text.len, "\n", 2);
            return out;
        }
    }
    return NULL;
}

/* ini_handler: one key of the current section. */
static int take_key(void *arg, const char *section, const char *name, const char *value)
{
    struct source *s = arg;
    const struct config_key *earlier;
    struct include *i;

    (void)section; /* cut at 49 bytes: s->section is the whole */
    if (s->long_value)
        value = s->long_value;
    if ((!s->section || !strcmp(s->section->kind, "run")) && !strcmp(name, "include")) {
        if (!*value) {
            fault(s, "include wants a file");
            return 0;
        }
        i = arena_alloc(&s->config->arena, sizeof *i);
        i->path = arena_strdup(&s->config->arena, value);
        i->line = s->line;
        *s->last_include = i;
        s->last_include = &i->next;
        return 1;
    }
    if (!s->section) {
        error_set(s->err, TCET_E_ARG, "%s:%d: \"%s\" stands before any [section]; only include may",
                  s->name, s->line, name);
        return 0;
    }
    earlier = config_section_key(s->section, name);
    if (earlier) {
        error_set(s->err, TCET_E_ARG, "%s:%d: %s is given twice in [%s%s%s], first in line %d",
                  s->name, s->line, name, s->section->kind, *s->section->name ? " " : "",
                  s->section->name, earlier->line);
        return 0;
    }
    if (s->config->key_count >= CONFIG_KEYS_MAX) {
        fault(s, "too many keys");
        return 0;
    }
    config_put(s->config, s->section->kind, s->section->name, name, value, s->name, s->dir,
               s->line);
    return 1;
}

/* An included file must be no easier to change than the one that includes it. */
static tcet_status check_trust(struct source *s)
{
    struct distrust lacks;

    if (!s->parent || !trust_lacks_path(&s->config->arena, s->name, s->parent->dir, &lacks))
        return TCET_OK;
    return error_set(s->err, TCET_E_ARG, "%s: %s; not read%s", s->name, lacks.why, lacks.mend);
}

/* The whole file into s->bytes, and who it is. */
static tcet_status read_file(struct source *s)
{
    char chunk[16 * 1024];
    struct stat info;
    ssize_t n = 0;
    int fd = open(s->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), why = errno;

    if (fd >= 0 && fstat(fd, &info) == 0) {
        if (s->parent && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
            close(fd);
            return error_set(s->err, TCET_E_ARG, "%s: is no file", s->name);
        }
        fcntl(fd, F_SETFL, 0); /* a pipe that the user names, <(...) say, is read to its end */
        s->dev = info.st_dev;
        s->ino = info.st_ino;
        while ((n = read(fd, chunk, sizeof chunk)) > 0 && s->bytes.len <= FILE_MAX)
            buf_add(&s->bytes, chunk, (size_t)n);
        why = errno;
    }
    if (fd >= 0)
        close(fd);
    if (fd < 0 || n < 0)
        return error_set(s->err, TCET_E_IO, "%s: %s", s->name, strerror(why));
    if (s->bytes.len > FILE_MAX)
        return error_set(s->err, TCET_E_ARG, "%s: larger than 16 MiB", s->name);
    return TCET_OK;
}

/* Absolute folder of a file. */
static const char *folder_of(struct arena *a, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *named = !slash          ? arena_strdup(a, ".")
                  : slash == file ? arena_strdup(a, "/")
                                  : arena_strndup(a, file, (size_t)(slash - file));
    char *real = realpath(named, NULL);
    const char *dir = arena_strdup(a, real ? real : named);

    free(real);
    return dir;
}

/* An included file's name as the user would say it: beside the one that includes it. */
static const char *include_name(struct arena *a, const char *from, const char *path)
{
    const char *slash = strrchr(from, '/');

    if (path[0] == '/' || path[0] == '~' || !slash)
        return path[0] == '~' ? path_from(a, ".", path) : arena_strdup(a, path);
    return arena_printf(a, "%.*s/%s", (int)(slash - from), from, path);
}

static void add_keys(struct config *to, const struct config *from)
{
    for (size_t i = 0; i < from->section_count; i++) {
        const struct config_section *s = from->sections[i];

        section_put(to, s->kind, s->name, s->file, s->line);
        for (size_t j = 0; j < s->key_count; j++) {
            const struct config_key *k = s->keys[j];

            config_put(to, s->kind, s->name, k->name, k->value, k->file, k->dir, k->line);
        }
    }
}

/* What forbids this file to be read from its parent, or NULL. */
static const char *include_problem(const struct source *s, int files)
{
    int depth = 0;

    for (const struct source *p = s->parent; p; p = p->parent) {
        if (p->dev == s->dev && p->ino == s->ino)
            return "the file includes itself";
        depth++;
    }
    return depth > DEPTH_MAX   ? "files include each other more than 16 deep"
           : files > FILES_MAX ? "more than 256 files are included"
                               : NULL;
}

/* Reads one file and what it includes into `to`: included keys first, so that its own win. */
static tcet_status read_source(const char *name, const struct source *parent, int *files,
                               struct config *to, struct error *err)
{
    struct source s = {.parent = parent, .name = name, .err = err, .config = config_new()};
    const char *problem;
    int rc;

    s.last_include = &s.includes;
    s.dir = folder_of(&s.config->arena, name);
    err->status = TCET_OK;
    if (read_file(&s) < 0 || check_trust(&s) < 0)
        goto out;
    problem = include_problem(&s, ++*files);
    if (problem) {
        error_set(err, TCET_E_ARG, "%s: %s", name, problem);
        goto out;
    }
    rc = ini_parse_stream(read_pair, &s, take_key, &s);
    if (rc && !err->status)
        error_set(err, TCET_E_ARG, "%s:%d: bad syntax", name, s.line);
    if (err->status < 0)
        goto out;
    for (const struct include *i = s.includes; i; i = i->next) {
        if (read_source(include_name(&to->arena, name, i->path), &s, files, to, err) < 0) {
            error_prefix(err, "%s:%d: include: ", name, i->line);
            goto out;
        }
    }
    if (to->key_count + s.config->key_count > CONFIG_KEYS_MAX ||
        to->section_count + s.config->section_count > CONFIG_KEYS_MAX)
        error_set(err, TCET_E_ARG, "%s: too many sections and keys", name);
    else
        add_keys(to, s.config);
out:
    buf_free(&s.bytes);
    buf_free(&s.text);
    config_free(s.config);
    return err->status;
}

tcet_status config_load(const char *path, struct config **out, struct error *err)
{
    struct config *c = config_new();
    int files = 0;

    c->path = arena_strdup(&c->arena, path);
    if (read_source(c->path, NULL, &files, c, err) < 0) {
        config_free(c);
        return err->status;
    }
    *out = c;
    return TCET_OK;
}
