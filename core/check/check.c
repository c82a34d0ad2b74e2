/* check.c -- the parent: one child a rule and plugin, with a time limit, and what its end
 * means; see check.h.
 *
 * Room: core/check.  Stands on core/proc; runs no plugin code. */
#include "check/check.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/clock.h"
#include "base/text.h"
#include "check/internal.h"
#include "proc/child.h"
#include "proc/frame.h"

struct subject {
    tcet_kind kind;
    const char *id;
};

struct trial {
    const char *path;
    const struct check_options *options;
    struct arena arena;
    struct subject *plugins;
    size_t plugin_count;
    size_t *count;
    struct arena scratch; /* of one result */
};

const char *check_verdict_name(enum check_verdict v)
{
    static const char *const names[] = {"pass", "warn", "FAIL", "skip"};

    return names[v];
}

const struct check_rule *check_rule_at(size_t i)
{
    const struct rule *r = rule_at(i);

    return r ? &r->pub : NULL;
}

static tcet_status start(struct trial *t, const struct rule *r, const struct subject *s,
                         struct child *c, struct error *err)
{
    const struct check_options *o = t->options;
    char **args = arena_alloc(&t->scratch, (o->set_count + 8) * sizeof *args);
    size_t n = 0;

    args[n++] = arena_strdup(&t->scratch, paths_self());
    args[n++] = arena_strdup(&t->scratch, "check-child");
    args[n++] = arena_strdup(&t->scratch, t->path);
    args[n++] = arena_strdup(&t->scratch, r->pub.name);
    args[n++] = arena_strdup(&t->scratch, s ? kind_name(s->kind) : "");
    args[n++] = arena_strdup(&t->scratch, s ? s->id : "");
    for (size_t i = 0; i < o->set_count; i++)
        args[n++] = arena_strdup(&t->scratch, o->set[i]);
    return child_start(c, paths_self(), args, 0, -1, err);
}

/* What the file holds, as its child says. */
static void take_plugins(struct trial *t, struct unpack *u)
{
    size_t n = unpack_count(u, 8);

    if (!n || t->plugin_count)
        return;
    u->arena = &t->arena;
    t->plugins = arena_alloc(&t->arena, n * sizeof *t->plugins);
    for (size_t i = 0; i < n; i++) {
        t->plugins[i].kind = unpack_u32(u);
        t->plugins[i].id = unpack_text(u);
    }
    t->plugin_count = u->ok ? n : 0;
}

/* Takes the frames gathered so far.  1: the answer was among them; -1: nonsense. */
static int take_frames(struct trial *t, struct child *c, const char **stage,
                       struct check_result *out)
{
    const char *data;
    size_t from = 0, n, used;
    uint32_t type;
    int got;

    while ((got = frame_take(&c->in, from, &type, &data, &n, &used)) > 0) {
        struct unpack u = unpack_from(data, n, &t->scratch);

        if (type == FRAME_ANSWER) {
            uint32_t verdict = unpack_u32(&u);

            out->reason = unpack_text(&u);
            take_plugins(t, &u);
            if (!u.ok || verdict > CHECK_SKIP)
                return -1;
            out->verdict = verdict;
            return 1;
        }
        *stage = arena_strndup(&t->scratch, data, n);
        from += used;
    }
    if (from) {
        c->in.len -= from;
        memmove(c->in.data, c->in.data + from, c->in.len);
    }
    return got;
}

/* Listens until the child has answered, ended, or used up its time. */
static void listen_to(struct trial *t, struct child *c, struct check_result *out)
{
    struct waiting waited;
    const char *stage = "";
    char how[1400];
    int late = 0, got = 0, closed = 0;

    waiting_start(&waited);
    while (!got && !closed && !late) {
        struct pollfd fds[] = {{c->fd, POLLIN, 0}, {c->output, POLLIN, 0}};

        if (waiting_look(&waited, c->pid) > t->options->seconds)
            late = 1;
        else if (poll(fds, 2, WAITING_LOOK_MS) < 0 && errno != EINTR)
            closed = 1;
        closed |= child_read(c) < 0;
        got = take_frames(t, c, &stage, out);
    }
    if (got > 0) {
        child_stop(c, NULL, 0);
        return;
    }
    out->verdict = CHECK_FAIL;
    child_stop(c, how, sizeof how);
    if (late)
        out->reason = arena_printf(&t->scratch, "%s: it did not come back within %g seconds", stage,
                                   t->options->seconds);
    else if (got < 0)
        out->reason =
            arena_printf(&t->scratch, "%s: it wrote to a descriptor that is not its own", stage);
    else
        out->reason = arena_printf(&t->scratch, "%s: the process %s", stage, how);
}

static void report(struct trial *t, const struct check_result *r)
{
    t->count[r->verdict]++;
    if (t->options->report)
        t->options->report(t->options->arg, r);
}

/* Tries one rule.  *blocked: the rule that keeps later ones from being tried, or NULL. */
static tcet_status try_rule(struct trial *t, const struct rule *r, const struct subject *s,
                            const struct rule **blocked, struct error *err)
{
    struct check_result result = {.rule = &r->pub, .plugin = "", .reason = ""};
    struct child c;

    if (s)
        result.plugin = arena_printf(&t->scratch, "%s %s", kind_name(s->kind), s->id);
    if (*blocked) {
        result.verdict = CHECK_SKIP;
        result.reason = arena_printf(&t->scratch, "not tried after %s", (*blocked)->pub.name);
    } else {
        TRY(start(t, r, s, &c, err));
        listen_to(t, &c, &result);
        if (r->gate && (result.verdict == CHECK_FAIL || result.verdict == CHECK_SKIP))
            *blocked = r;
    }
    report(t, &result);
    arena_reset(&t->scratch);
    return TCET_OK;
}

static int is_chosen(const struct rule *r, const char *only)
{
    return !only || !strcmp(only, r->pub.name) || !strcmp(only, r->pub.group);
}

/* --only must name something. */
static tcet_status check_only(const char *only, struct error *err)
{
    const char *names[128];
    const struct rule *r;
    size_t n = 0;
    char hint[160];

    for (size_t i = 0; (r = rule_at(i)) && n < TCET_COUNT(names); i++) {
        if (is_chosen(r, only))
            return TCET_OK;
        names[n++] = r->pub.name;
    }
    return error_set(err, TCET_E_ARG,
                     "there is no rule or group \"%s\"%s; `tcet-host check "
                     "--list` shows both",
                     only, text_suggest(hint, sizeof hint, only, names, n));
}

/* The plugins are known only from a child that loaded the file: with --only, from one more. */
static tcet_status find_plugins(struct trial *t, struct error *err)
{
    const struct rule *r = rule_find("loads");
    struct check_result result = {.rule = &r->pub, .plugin = "", .reason = ""};
    struct child c;

    if (t->plugin_count)
        return TCET_OK;
    TRY(start(t, r, NULL, &c, err));
    listen_to(t, &c, &result);
    if (result.verdict == CHECK_FAIL)
        report(t, &result);
    return TCET_OK;
}

static tcet_status try_all(struct trial *t, struct error *err)
{
    const struct rule *r, *blocked = NULL;
    const char *only = t->options->only;

    for (size_t i = 0; (r = rule_at(i)); i++) {
        if (!r->kinds && is_chosen(r, only))
            TRY(try_rule(t, r, NULL, &blocked, err));
    }
    if (blocked)
        return TCET_OK;
    if (only)
        TRY(find_plugins(t, err));
    for (size_t k = 0; k < t->plugin_count; k++) {
        blocked = NULL;
        for (size_t i = 0; (r = rule_at(i)); i++) {
            if ((r->kinds & KIND_BIT(t->plugins[k].kind)) && is_chosen(r, only))
                TRY(try_rule(t, r, &t->plugins[k], &blocked, err));
        }
    }
    return TCET_OK;
}

static int is_builtin(const char *path)
{
    char folder[PATH_MAX];
    size_t n = realpath(paths_plugins(), folder) ? strlen(folder) : 0;

    return n && !strncmp(path, folder, n) && strrchr(path, '/') == path + n;
}

tcet_status check_file(const char *path, const struct check_options *options, size_t count[4],
                       struct error *err)
{
    struct trial t = {.options = options, .count = count};
    char absolute[PATH_MAX];
    tcet_status st = TCET_OK;
    char magic[SELFMAG];
    size_t got;
    FILE *f;

    memset(count, 0, 4 * sizeof *count);
    if (!realpath(path, absolute))
        return error_set(err, TCET_E_IO, "%s: %s", path, strerror(errno));
    f = file_open(absolute, SHA256_CODE_MAX, NULL, err);
    if (!f)
        return err->status;
    got = fread(magic, 1, sizeof magic, f);
    fclose(f);
    if (got < sizeof magic || memcmp(magic, ELFMAG, sizeof magic)) /* no rule is about that */
        return error_set(err, TCET_E_ARG, "%s: is no ELF file, so no plugin: want the .so", path);
    for (size_t i = 0; i < options->set_count; i++) {
        if (!strchr(options->set[i], '='))
            return error_set(err, TCET_E_ARG, "--set %s: want KEY=VALUE", options->set[i]);
    }
    t.path = absolute;
    if (options->only)
        st = check_only(options->only, err);
    if (st >= 0 && !is_builtin(absolute))
        registry_say_foreign(absolute);
    if (st >= 0)
        st = try_all(&t, err);
    arena_free(&t.arena);
    arena_free(&t.scratch);
    return st;
}
