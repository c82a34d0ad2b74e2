/* options.c -- the command line of one command (cli.h).  Room: core/cli. */
#include "cli/cli.h"

#include "base/hash.h"
#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"

#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Columns of n bytes of UTF-8. */
static size_t columns(const char *text, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static void wrap(struct buf *out, size_t at, size_t indent, size_t width, const char *text)
{
    int first = 1; /* word of its line */

    while (*(text += strspn(text, " "))) {
        size_t n = strcspn(text, " "), wide = columns(text, n);

        if (!first && at + 1 + wide > width) {
            buf_printf(out, "\n%*s", (int)indent, "");
            at = indent;
            first = 1;
        }
        if (!first)
            buf_puts(out, " ");
        buf_add(out, text, n);
        at += wide + !first;
        first = 0;
        text += n;
    }
    buf_puts(out, "\n");
}

void cli_wrap(struct buf *out, size_t at, size_t indent, const char *text)
{
    wrap(out, at, indent, CLI_WIDTH, text);
}

size_t cli_width(void)
{
    struct winsize w;

    if (!isatty(STDOUT_FILENO))
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > CLI_WIDTH ? w.ws_col : CLI_WIDTH;
}

void cli_wrap_result(struct buf *out, size_t at, size_t indent, const char *text)
{
    if (isatty(STDOUT_FILENO))
        cli_wrap(out, at, indent, text);
    else
        buf_printf(out, "%s\n", text);
}

const char *cli_shorten(struct arena *a, const char *text, size_t room)
{
    size_t n = strlen(text), head, tail;

    if (!isatty(STDOUT_FILENO) || columns(text, n) <= room || room < 8)
        return text;
    head = (room - 1) * 2 / 3;
    tail = n - (room - 1 - head);
    while (head && ((unsigned char)text[head] & 0xc0) == 0x80)
        head--;
    while (tail < n && ((unsigned char)text[tail] & 0xc0) == 0x80)
        tail++;
    return arena_printf(a, "%.*s\u2026%s", (int)head, text, text + tail);
}

static void print_help(const struct command *c, const struct option_spec *specs, size_t count)
{
    enum { LEFT = 24 };
    struct buf out = {0};

    buf_printf(&out, "tcet-host %s: ", c->name);
    cli_wrap(&out, out.len, 2, c->summary);
    buf_printf(&out, "\nusage: tcet-host %s %s\n", c->name, c->usage);
    if (count)
        buf_puts(&out, "\n");
    for (size_t i = 0; i < count; i++) {
        char left[64];
        int n = snprintf(left, sizeof left, "%s%s%s", specs[i].name, specs[i].value ? " " : "",
                         specs[i].value ? specs[i].value : "");

        buf_printf(&out, "  %-*s ", LEFT, left);
        cli_wrap(&out, 3 + (size_t)(n > LEFT ? n : LEFT), 3 + LEFT, specs[i].doc);
    }
    buf_printf(&out, "\nexample:\n  %s\n", c->example);
    cli_write(&out);
    buf_free(&out);
}

int cli_usage(const struct command *c, const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "tcet-host %s: ", c->name);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fprintf(stderr, "; see `tcet-host %s --help`\n", c->name);
    return EXIT_BAD;
}

int cli_progress(const struct command *c, const char *text, double *every)
{
    if (text && (text_to_f64(text, every) < 0 || !(*every >= 0) || *every > 86400))
        return cli_usage(c, "--progress \"%.40s\" is no number of seconds from 0 to 86400", text);
    return 0;
}

/* Sets one option; value is NULL for a flag. */
static int set_option(const struct command *c, const struct option_spec *o, const char *value)
{
    if (o->flag) {
        *o->flag = true;
    } else if (o->text) {
        *o->text = value;
    } else if (o->list->count == sizeof o->list->item / sizeof *o->list->item) {
        return cli_usage(c, "%s is given too often", o->name);
    } else {
        o->list->item[o->list->count++] = value;
    }
    return -1;
}

static int unknown_option(const struct command *c, const char *arg, size_t n,
                          const struct option_spec *specs, size_t count)
{
    const char **names = mem_alloc((count + 1) * sizeof *names);
    char given[64], hint[128];
    int code;

    for (size_t k = 0; k < count; k++)
        names[k] = specs[k].name;
    snprintf(given, sizeof given, "%.*s", (int)(n < sizeof given ? n : sizeof given - 1), arg);
    code = cli_usage(c, "unknown option %s%s", given,
                     text_suggest(hint, sizeof hint, given, names, count));
    free(names);
    return code;
}

/* Handles argv[*i]; may consume the next word as its value. */
static int one_option(const struct command *c, int argc, char **argv, int *i,
                      const struct option_spec *specs, size_t count)
{
    const char *arg = argv[*i], *equals = strchr(arg, '=');
    size_t n = equals ? (size_t)(equals - arg) : strlen(arg);

    for (size_t k = 0; k < count; k++) {
        const struct option_spec *o = &specs[k];

        if (strlen(o->name) != n || strncmp(o->name, arg, n))
            continue;
        if (!o->value)
            return equals ? cli_usage(c, "%s takes no value", o->name) : set_option(c, o, NULL);
        if (equals)
            return set_option(c, o, equals + 1);
        if (*i + 1 >= argc)
            return cli_usage(c, "%s needs a value: %s", o->name, o->value);
        return set_option(c, o, argv[++*i]);
    }
    return unknown_option(c, arg, n, specs, count);
}

static struct {
    cli_visitor *see;
    void *arg;
} visiting;

void cli_visit(const struct command *c, cli_visitor *see, void *arg)
{
    char *argv[] = {"tcet-host", (char *)c->name, NULL};

    visiting.see = see;
    visiting.arg = arg;
    c->main(c, 2, argv);
    visiting.see = NULL;
}

static char here[PATH_MAX];

const char *cli_here(void)
{
    return here;
}

const char *cli_path(struct arena *a, const char *path)
{
    return *path == '/' ? path : arena_printf(a, "%s/%s", here, path);
}

const char *const *cli_folders(const struct option_list *given, struct arena *a)
{
    const char **list = arena_alloc(a, (given->count + 1) * sizeof *list);

    for (size_t i = 0; i < given->count; i++)
        list[i] = cli_path(a, given->item[i]);
    return list;
}

int cli_options(const struct command *c, int argc, char **argv, const struct option_spec *specs,
                size_t spec_count, const char **positional, size_t least, size_t most,
                size_t *count)
{
    struct error err;
    int only_words = 0;

    if (visiting.see) {
        visiting.see(visiting.arg, c, specs, spec_count);
        return 0;
    }
    *count = 0;
    for (int i = 2; i < argc; i++) {
        int code = -1;

        if (!only_words && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))) {
            print_help(c, specs, spec_count);
            return 0;
        }
        if (!only_words && !strcmp(argv[i], "--"))
            only_words = 1;
        else if (!only_words && argv[i][0] == '-' && argv[i][1])
            code = one_option(c, argc, argv, &i, specs, spec_count);
        else if (*count == most)
            code = cli_usage(c, "unexpected \"%s\"", argv[i]);
        else
            positional[(*count)++] = argv[i];
        if (code >= 0)
            return code;
    }
    if (*count < least)
        return cli_usage(c, "something is missing: tcet-host %s %s", c->name, c->usage);
    return file_here(here, &err) < 0 ? cli_fail(&err) : -1;
}

tcet_status cli_choose(const char *what, const char *given, const char *const *choices, int *out,
                       struct error *err)
{
    struct buf all = {0};
    tcet_status st;

    for (int n = 0; choices[n]; n++) {
        if (given && !strcmp(given, choices[n])) {
            *out = n;
            buf_free(&all);
            return TCET_OK;
        }
        buf_printf(&all, "%s%s", n ? ", " : "", choices[n]);
    }
    st = given ? error_set(err, TCET_E_ARG, "%s \"%s\" is not one of: %s", what, given, all.data)
               : TCET_OK;
    buf_free(&all);
    return st;
}

/* A word as a shell reads it back. */
static void shell_word(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:=,+@%";

    if (*word && !word[strspn(word, plain)]) {
        buf_puts(out, word);
        return;
    }
    buf_puts(out, "'");
    for (; *word; word++) {
        if (*word == '\'')
            buf_puts(out, "'\\''");
        else
            buf_add(out, word, 1);
    }
    buf_puts(out, "'");
}

static void command_line(struct buf *out, int argc, char **argv, const char *const *options)
{
    const char *launcher = getenv("TCET_LAUNCHER"); /* ./tcet-host says how it was called */
    int end = 0, given;

    while (end < argc && (end < 2 || strcmp(argv[end], "--")))
        end++;
    shell_word(out, launcher && *launcher ? launcher : argv[0]);
    for (int i = 1; i < end; i++) {
        buf_puts(out, " ");
        shell_word(out, argv[i]);
    }
    for (; *options; options++) {
        given = 0;
        for (int i = 2; i < end; i++)
            given |= !strcmp(argv[i], *options);
        if (!given)
            buf_printf(out, " %s", *options);
    }
    for (int i = end; i < argc; i++) {
        buf_puts(out, " ");
        shell_word(out, argv[i]);
    }
}

void cli_say_again(const char *what, int argc, char **argv, const char *const *options)
{
    struct buf line = {0};

    command_line(&line, argc, argv, options);
    cli_say(what, line.data);
    buf_free(&line);
}

void cli_say(const char *kind, const char *text)
{
    struct buf b = {0};

    buf_printf(&b, "tcet-host: %s: ", kind);
    utf8_show(&b, text, strlen(text), "\n\t");
    buf_puts(&b, "\n");
    fputs(b.data, stderr);
    buf_free(&b);
}

int cli_fail(const struct error *err)
{
    cli_say("error", err->text[0] ? err->text : error_name(err->status));
    return err->status == TCET_E_MEMORY ? EXIT_FAULT : EXIT_BAD;
}

/* Was this note written before?  Several workers have the same to say. */
static int was_said(const char *text)
{
    enum { KEPT = 256 };
    static uint64_t said[KEPT];
    static size_t count;
    uint64_t hash = fnv(FNV_START, text, strlen(text));

    for (size_t i = 0; i < count && i < KEPT; i++) {
        if (said[i] == hash)
            return 1;
    }
    said[count++ % KEPT] = hash;
    return 0;
}

void cli_log(void *arg, int level, const char *text)
{
    static const char *const names[] = {"debug", "note", "warning"};

    (void)arg;
    if (level == TCET_LOG_INFO && was_said(text))
        return;
    if (level > TCET_LOG_DEBUG && isatty(2))
        fputs("\r\033[K", stderr);
    if (level > TCET_LOG_DEBUG)
        cli_say(names[level < 3 ? level : 2], text);
}

void cli_write(const struct buf *b)
{
    cli_write_bold(b, 0, 0);
}

/* Where a line goes on when it is broken. */
static size_t hanging(const char *line, size_t n)
{
    size_t indent = strspn(line, " "), at = indent;

    for (size_t i = indent; i + 1 < n && i < CLI_WIDTH / 2; i++) {
        if (line[i] == ' ' && line[i + 1] == ' ' && line[i + 2] != ' ')
            at = i + 2;
    }
    return at < CLI_WIDTH / 2 ? at : indent;
}

void cli_write_text(const struct buf *b)
{
    size_t width = cli_width();
    struct buf out = {0};

    for (const char *line = b->data; width && b->len && *line;) {
        size_t n = strcspn(line, "\n"), at = hanging(line, n);

        if (columns(line, n) > width) {
            struct buf rest = {0};

            buf_add(&out, line, at);
            buf_add(&rest, line + at, n - at);
            wrap(&out, at, at, width, rest.data);
            buf_free(&rest);
        } else {
            buf_add(&out, line, n);
            buf_puts(&out, "\n");
        }
        line += n + (line[n] == '\n');
    }
    cli_write(width ? &out : b);
    buf_free(&out);
}

void cli_write_bold(const struct buf *b, size_t from, size_t to)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    int bold = to > from && isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
               !(term && !strcmp(term, "dumb"));
    struct buf shown = {0};

    if (!b->len)
        return;
    utf8_show(&shown, b->data, from, "\n\t");
    buf_puts(&shown, bold ? "\033[1m" : "");
    utf8_show(&shown, b->data + from, to - from, "\n\t");
    buf_puts(&shown, bold ? "\033[0m" : "");
    utf8_show(&shown, b->data + to, b->len - to, "\n\t");
    if (shown.len)
        fwrite(shown.data, 1, shown.len, stdout);
    buf_free(&shown);
    fflush(stdout);
}

tcet_status cli_config(const char *path, const struct option_list *sets, struct config **out,
                       struct error *err)
{
    struct config *c;

    TRY(config_load(path, &c, err));
    for (size_t i = 0; sets && i < sets->count; i++) {
        if (config_set(c, sets->item[i], err) < 0) {
            config_free(c);
            return err->status;
        }
    }
    *out = c;
    return TCET_OK;
}

void cli_put_run(struct config *c, const char *key, const char *value)
{
    config_put(c, "run", "", key, value, "command line", here, 0);
}

tcet_status cli_put_output(struct config *c, const char *output, struct error *err)
{
    const char *problem = output ? config_value_problem(output) : NULL;

    if (problem)
        return error_set(err, TCET_E_ARG,
                         "--output \"%.200s\": %s, and the run's config.ini holds it", output,
                         problem);
    if (output)
        cli_put_run(c, "output", output);
    return TCET_OK;
}

static volatile int interrupted;

static void on_signal(int sig)
{
    (void)sig;
    interrupted = 1;
}

const volatile int *cli_interrupts(void)
{
    struct sigaction sa = {.sa_handler = on_signal};

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    return &interrupted;
}
