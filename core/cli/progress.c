/* progress.c -- see progress.h.  Room: core/cli. */
#include "cli/progress.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Work of this long ago counts e times less; longer where one thing takes seconds. */
enum { FADE_SECONDS = 60, FADE_THINGS = 10 };

struct progress progress_begin(int quiet, double every)
{
    int terminal = !quiet && isatty(STDERR_FILENO);

    return (struct progress){.terminal = terminal, .every = quiet ? 0 : every};
}

void progress_clock(char *out, size_t cap, double seconds)
{
    long s = (long)(seconds + 0.5);

    if (s >= 3600)
        snprintf(out, cap, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, cap, "%ld:%02ld", s / 60, s % 60);
}

/* The rate of late as "12.3/s", or below one a second "2.5 s each"; "" while nothing is done. */
static void rate_text(const struct progress *p, char *out, size_t cap)
{
    double rate = p->recent_seconds > 0 ? p->recent_done / p->recent_seconds : 0;

    if (rate >= 1)
        snprintf(out, cap, "%.1f/s", rate);
    else
        snprintf(out, cap, rate > 0 ? "%.1f s each" : "", 1 / rate);
}

static void learn(struct progress *p, size_t done, double seconds)
{
    double passed = seconds - p->seconds;
    double each = done ? seconds / (double)done : 0, fade;

    /* Only at a thing's end: else the rate would sink while it is waited for. */
    if (done == p->done || passed <= 0)
        return;
    fade = exp(-passed / (FADE_SECONDS + FADE_THINGS * each));
    p->recent_done = p->recent_done * fade + (double)(done - p->done);
    p->recent_seconds = p->recent_seconds * fade + passed;
    p->done = done;
    p->seconds = seconds;
}

/* Lines that are longer than a terminal's would not be overwritten. */
static int room(const struct progress *p)
{
    struct winsize w;

    if (!p->terminal || ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || w.ws_col < 2)
        return INT_MAX;
    return w.ws_col - 1;
}

void progress_show(struct progress *p, size_t done, size_t total, double seconds, const char *what,
                   const char *note)
{
    char spent[32], rate[32], left[32] = "", line[512];
    int n;

    learn(p, done, seconds);
    if (p->ended || (!total && !done))
        return;
    if (!p->terminal && (p->every <= 0 || seconds - p->shown < p->every))
        return;
    p->shown = seconds;
    progress_clock(spent, sizeof spent, seconds);
    rate_text(p, rate, sizeof rate);
    if (p->recent_done > 0 && total > done)
        progress_clock(left, sizeof left,
                       p->recent_seconds / p->recent_done * (double)(total - done));
    n = snprintf(line, sizeof line, "%zu", done);
    if (total)
        n += snprintf(line + n, sizeof line - (size_t)n, "/%zu", total);
    snprintf(line + n, sizeof line - (size_t)n, " %s, %s gone%s%s%s%s%s%s%s", what, spent,
             *rate ? ", " : "", rate, *left ? ", " : "", left, *left ? " to go" : "",
             *note ? ", " : "", note);
    fprintf(stderr, "%s%.*s", p->terminal ? "\r\033[K" : "tcet-host: ", room(p), line);
    p->ended = done == total;
    p->standing = p->terminal && !p->ended;
    if (!p->standing)
        fputs("\n", stderr);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->standing)
        fputs("\n", stderr);
    p->standing = 0;
}
