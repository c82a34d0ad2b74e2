/* merge_search.c -- shards of a search: whole seeds, their lines of search.csv (merge_parts.h).
 * Room: core/run. */
#include "run/merge_parts.h"

#include "base/file.h"
#include "base/text.h"
#include "run/findings.h"
#include "run/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *line_end(const struct part *p, const char *line)
{
    return text_line_end(line, p->lines + p->lines_len);
}

tcet_status merge_read_search(struct part *p, struct error *err)
{
    struct buf path = {0};
    tcet_status st = TCET_OK;

    buf_printf(&path, "%s/search.csv", p->folder);
    if (!access(path.data, F_OK)) {
        p->lines = file_text(path.data, INT64_MAX, &p->lines_len, err);
        st = p->lines ? search_settings_read(p->config, &p->settings, err) : err->status;
    }
    if (p->lines && st >= 0 && (strlen(p->lines) != p->lines_len || !line_end(p, p->lines)))
        st = error_set(err, TCET_E_IO, "%s: no lines of a search", path.data);
    if (p->lines && st >= 0)
        p->next = line_end(p, p->lines) + 1;
    buf_free(&path);
    return st;
}

void merge_take_seeds(struct merge *m, struct part *p)
{
    size_t all = search_seed_count(&p->settings);
    struct shard_part of =
        shard_take(p->shard, search_seed_texts(&p->settings, &m->arena), all, p->folder, &m->arena);

    p->item = of.item;
    p->item_count = of.count;
}

/* The lines of a seed, which come next in the file if there are any; *last: no more come. */
static const char *lines_of(struct part *p, const char *seed, size_t *n, int *last)
{
    const char *from = p->next, *end;
    size_t digits = strlen(seed);

    while (text_begins(p->next, p->lines + p->lines_len, seed, digits) && p->next[digits] == ',' &&
           (end = line_end(p, p->next))) /* a line that was cut off is none */
        p->next = end + 1;
    *n = (size_t)(p->next - from);
    *last = !line_end(p, p->next);
    return from;
}

/* Seeds are searched one after the other, so that those before the last one have ended. */
static tcet_status join_lines(const struct merge *m, struct ledger *l, int *ended,
                              struct error *err)
{
    *ended = 1;
    for (size_t i = 0; i < m->part[0].total && *ended; i++) {
        struct part *p = &m->part[m->owner[i] - 1];
        const char *all = store_meta(p->store, FINDINGS_ENDED), *from;
        size_t n;
        int last;

        from = lines_of(p, m->items[i], &n, &last);
        TRY(ledger_add(l, from, n, err));
        *ended = n && (!last || (all && *all));
    }
    return ledger_sync(l, err);
}

tcet_status merge_searches(struct merge *m, const char *out, struct error *err)
{
    const struct part *first = &m->part[0];
    const char *header = arena_strndup(&m->arena, first->lines,
                                       (size_t)(line_end(first, first->lines) + 1 - first->lines));
    struct found found = {.count = 0};
    struct ledger ledger = {.fd = -1};
    int ended = 0, accuracy;
    tcet_status st;

    if (unlink(arena_printf(&m->arena, "%s/search.csv", out)) && errno != ENOENT)
        return error_set(err, TCET_E_IO, "%s/search.csv: cannot write: %s", out, strerror(errno));
    st = ledger_open(&ledger, out, header, 0, err);
    if (st >= 0)
        st = join_lines(m, &ledger, &ended, err);
    ledger_close(&ledger);
    TRY(st);
    accuracy = *config_text(first->config, "benchmark", "", "table", "") != 0;
    st = findings_read(out, &first->settings, store_column_at(m->out, 0),
                       store_column_count(m->out), &found, err);
    if (st >= 0)
        st = store_begin(m->out, err);
    if (st >= 0 && search_needs_workers(&first->settings))
        st = findings_list(&found, m->out, err);
    if (st >= 0)
        st = store_set_meta(m->out, FINDINGS_ENDED, ended ? "1" : "", err);
    if (st >= 0)
        st = store_commit(m->out, err);
    if (st >= 0 && ended)
        st = findings_write(out, &first->settings, accuracy, &found, err);
    found_free(&found);
    return st;
}

tcet_status merge_count_search(const struct merge *m, const char *out, struct store *s,
                               struct merge_summary *summary, struct error *err)
{
    const struct search_settings *settings = &m->part[0].settings;
    const char *ended = store_meta(s, FINDINGS_ENDED);
    struct found found;

    summary->seeds = search_seed_count(settings);
    summary->ended = ended && *ended;
    TRY(findings_read(out, settings, store_column_at(s, 0), store_column_count(s), &found, err));
    summary->asks = found.count;
    for (size_t i = 0; i < found.count; i++)
        summary->scored += (size_t)found.asks[i].scored;
    found_free(&found);
    return TCET_OK;
}
