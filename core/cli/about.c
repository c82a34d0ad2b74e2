/* about.c -- what the first comment of a config says of it (about.h).  Room: core/cli. */
#include "cli/about.h"

#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "plugin/registry.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 1 << 20 };

/* The lines of the comment up to an empty one, as one text. */
static const char *read_paragraph(char *text, struct arena *a)
{
    struct buf all = {0};
    const char *out;

    for (char *line = text, *end; *line == ';'; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        line = text_strip(line + 1);
        if (!*line)
            break;
        buf_printf(&all, "%s%s", all.len ? " " : "", line);
    }
    out = arena_strdup(a, all.len ? all.data : "");
    buf_free(&all);
    return out;
}

/* Behind the sentence that begins there: its full stop, unlike those of names and numbers, has a blank
 * behind it, or the end; a bracket may close before. */
static const char *sentence_end(const char *at)
{
    for (; *at; at++) {
        size_t n = *at != '.' ? 0 : at[1] == ')' ? 2 : 1;

        if (n && (!at[n] || at[n] == ' '))
            return at + n;
    }
    return at;
}

/* Without the full stop. */
static const char *sentence(const char *from, const char *end, struct arena *a)
{
    return arena_strndup(a, from, (size_t)(end - from) - (size_t)(end > from && end[-1] == '.'));
}

tcet_status config_about(const char *path, struct arena *a, struct config_about *out,
                         struct error *err)
{
    size_t size;
    char *text = file_text(path, CONFIG_MAX, &size, err);
    const char *at, *end;

    *out = (struct config_about){.what = ""};
    if (!text)
        return err->status;
    at = read_paragraph(text, a);
    free(text);
    for (int first = 1; *at; at = end + strspn(end, " "), first = 0) {
        end = sentence_end(at);
        if (first)
            out->what = sentence(at, end, a);
        if (strncmp(at, "Needs ", 6) != 0)
            continue;
        out->needs = sentence(at + 6, end, a);
        out->how = end + strspn(end, " ");
        break;
    }
    return TCET_OK;
}

const char *space_sources(const char *space, struct arena *a)
{
    struct error none;
    struct config *c;
    const char *text, *out;

    if (config_load(arena_printf(a, "%s/tables/sources.ini", paths_data()), &c, &none) < 0)
        return NULL;
    text = config_text(c, "space", "", space, NULL);
    out = text ? arena_strdup(a, text) : NULL;
    config_free(c);
    return out;
}
