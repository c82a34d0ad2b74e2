/* best.c -- `best:FOLDER` as an architecture: the best of a search or run.  Room: core/cli. */
#include "cli/cli.h"

#include "base/file.h"
#include "plugin/registry.h"
#include "run/client.h"
#include "run/stored.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The best of a run's folder by what its summary ranks by. */
static tcet_status best_of_run(const char *path, struct arena *a, const char **out,
                               struct error *err)
{
    struct folder f;
    const struct report_series *c;
    tcet_status st = TCET_OK;
    size_t best;

    TRY(folder_read(path, &f, err));
    best = f.arch_count;
    c = f.column_count ? &f.columns[f.main_column] : NULL;
    for (size_t i = 0; c && i < f.arch_count; i++) {
        double sign = c->column.direction < 0 ? -1 : 1;

        if (!isnan(c->values[i]) &&
            (best == f.arch_count || sign * c->values[i] > sign * c->values[best]))
            best = i;
    }
    if (best < f.arch_count)
        *out = arena_strdup(a, f.archs[best]);
    else
        st = error_set(err, TCET_E_ARG, "%s: no architecture there has a score", path);
    folder_free(&f);
    return st;
}

/* The first line of a search's best.txt. */
static tcet_status best_of_search(const char *path, struct arena *a, const char **out,
                                  struct error *err)
{
    char line[TCET_ARCH_MAX + 2] = "";
    FILE *f = file_open(path, 1 << 20, NULL, err);

    if (!f)
        return err->status;
    if (!fgets(line, sizeof line, f))
        *line = '\0';
    fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line)
        return error_set(err, TCET_E_ARG, "%s: the search found no architecture with a score",
                         path);
    *out = arena_strdup(a, line);
    return TCET_OK;
}

/* Says what is otherwise of a key of [space] than where the folder's architecture was chosen. */
static void note_parameter(const struct config *c, const struct config *chosen, const char *key,
                           const char *path)
{
    const char *mine = config_text(c, "space", "", key, "(not set)");
    const char *theirs = config_text(chosen, "space", "", key, "(not set)");
    char text[512];

    if (!strcmp(mine, theirs))
        return;
    snprintf(text, sizeof text, "[space] %.60s is %.80s here, and was %.80s where %.200s chose",
             key, mine, theirs, path);
    cli_log(NULL, TCET_LOG_INFO, text);
}

static void note_parameters(const struct config *c, const struct config *chosen, const char *path)
{
    const struct config_section *s = config_section(c, "space", "");
    const struct config_section *t = config_section(chosen, "space", "");

    for (size_t i = 0; s && i < s->key_count; i++)
        note_parameter(c, chosen, s->keys[i]->name, path);
    for (size_t i = 0; t && i < t->key_count; i++) {
        if (!config_get(c, "space", "", t->keys[i]->name))
            note_parameter(c, chosen, t->keys[i]->name, path);
    }
}

/* The folder's architectures must be of the config's space; other parameters of it are noted. */
static tcet_status check_space(const struct config *c, const char *path, struct error *err)
{
    const char *mine = config_text(c, "run", "", "space", ""), *theirs, *forgotten;
    struct config *other;
    tcet_status st = TCET_OK;

    TRY(stored_read(path, NULL, 0, &other, &forgotten, err));
    theirs = config_text(other, "run", "", "space", "");
    if (strcmp(mine, theirs))
        st = error_set(err, TCET_E_ARG, "%s is of space %s, this config of space %s", path, theirs,
                       mine);
    else
        note_parameters(c, other, path);
    config_free(other);
    return st;
}

/* Of the configs in a folder the one whose output is so called, in a; NULL: none. */
static const char *maker_in(const char *folder, const char *output, struct arena *a)
{
    struct dirent **entry;
    int n = scandir(folder, &entry, NULL, alphasort);
    const char *found = NULL;

    for (int i = 0; i < n; i++) {
        size_t length = strlen(entry[i]->d_name);
        struct config *c;
        struct error none;

        if (!found && length > 4 && !strcmp(entry[i]->d_name + length - 4, ".ini") &&
            config_load(arena_printf(a, "%s/%s", folder, entry[i]->d_name), &c, &none) >= 0) {
            if (!config_section(c, "train", "") &&
                !strcmp(config_text(c, "run", "", "output", ""), output))
                found = arena_printf(a, "tcet-host %s %s/%s",
                                     config_section(c, "search", "") ? "search" : "run", folder,
                                     entry[i]->d_name);
            config_free(c);
        }
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    return found;
}

/* No folder is there that an architecture could be the best of: what makes one.  A config beside this one, or
 * of those that ship, may say that it writes there. */
static tcet_status lacks_folder(const struct config_key *k, const char *output, struct arena *a,
                                struct error *err)
{
    static const char *const folders[] = {"paper", "search", "train"};
    const char *maker = maker_in(k->dir && *k->dir ? k->dir : ".", output, a);

    for (size_t i = 0; i < TCET_COUNT(folders) && !maker; i++)
        maker = maker_in(arena_printf(a, "%s/conf/%s", paths_data(), folders[i]), output, a);
    return error_set(err, TCET_E_ARG,
                     "%.200s holds neither a search nor a run, whose best is asked for; %.200s "
                     "makes it",
                     output,
                     maker ? maker : "`tcet-host search CONFIG --output FOLDER`, or a run,");
}

tcet_status cli_best_arch(struct config *c, struct arena *a, struct error *err)
{
    struct config_key *k = config_get(c, "train", "", "arch");
    const char *text = k->value, *const * answer;
    size_t count;

    if (!strncmp(text, "best:", 5)) {
        struct config_key folder = *k;
        const char *path, *best;

        folder.value = text + 5; /* as outputs are: from the current folder */
        folder.dir = cli_here();
        path = config_path(a, &folder);
        best = arena_printf(a, "%s/best.txt", path);
        if (access(best, F_OK) && !stored_has(path, "scores.db")) {
            lacks_folder(k, text + 5, a, err);
            return config_error_at(err, k);
        }
        if ((access(best, F_OK) ? best_of_run(path, a, &text, err)
                                : best_of_search(best, a, &text, err)) < 0 ||
            check_space(c, path, err) < 0)
            return config_error_at(err, k);
    }
    if (client_space(c, (const char *const[]){"canonical", text}, 2, a, &answer, &count, err) < 0)
        return config_error_at(err, k);
    config_replace(k, answer[2]);
    return TCET_OK;
}
