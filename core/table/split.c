/* split.c -- of which images an accuracy is (table.h).  Room: core/table. */
#include "table/table.h"

#include <string.h>

#include "base/text.h"

/* Does a name begin or end with a word, apart from the rest by _? */
static int has_word(const char *name, const char *word)
{
    size_t n = strlen(name), m = strlen(word);

    return n > m + 1 && ((!strncmp(name, word, m) && name[m] == '_') ||
                         (!strcmp(name + n - m, word) && name[n - m - 1] == '_'));
}

/* Does one of the names before the colon of a comment's line, as in "val_*: accuracy in percent", mean it? */
static int describes(const char *line, size_t head, const char *column)
{
    for (size_t at = 0, n; at < head; at += n) {
        at += strspn(line + at, " \t,");
        n = strcspn(line + at, " \t,:\n");
        if (n && line[at + n - 1] == '*' && !strncmp(line + at, column, n - 1))
            return 1;
        if (n == strlen(column) && !strncmp(line + at, column, n))
            return 1;
        if (!n)
            break;
    }
    return 0;
}

/* Does the comment say of a column that no network was trained for it? */
static int is_predicted(const struct table *t, const char *column)
{
    for (const char *line = t->comment; line; line = strchr(line, '\n')) {
        size_t head, n;

        line += *line == '\n';
        head = strcspn(line, ":\n");
        n = strcspn(line, "\n");
        if (line[head] == ':' && describes(line, head, column)) {
            const char *at = strstr(line, "predict");

            return at && at < line + n;
        }
    }
    return 0;
}

const char *table_split(const struct table *t, const char *column)
{
    struct error none = {0};
    const double *values;

    if (table_column(t, column, &values, &none) < 0)
        return NULL;
    column = t->column[(size_t)(values - t->values) / t->rows]; /* which may go by a second name */
    if (has_word(column, "test"))
        return is_predicted(t, column) ? "test accuracy, predicted" : "test accuracy";
    if (has_word(column, "val") || has_word(column, "valid"))
        return is_predicted(t, column) ? "validation accuracy, predicted" : "validation accuracy";
    return NULL;
}
