/* import.c -- which official files can be read, and what their readers share (import.h).
 * Room: core/table. */
#include "table/import.h"
#include "table/import_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "table/internal.h"

const struct import_format IMPORT_FORMATS[] = {
    {"nasbench101", "nasbench_only108.tfrecord", "NAS-Bench-101", 1, 1, 423624, import_nasbench101},
    {"blox", "blox-base-0.csv blox-info.csv", "BLOX", 2, 2, 91125, import_blox},
    {"nb_macro", "nas-bench-macro_cifar10.json", "NAS-Bench-Macro", 1, 1, 6561, import_nb_macro},
    {"nds", "DARTS.json", "Network Design Spaces, one of its files", 1, 1, 0, import_nds},
    {"zc", "zc_SPACE.json", "NAS-Bench-Suite-Zero's scores", 1, 1, 0, import_zc},
};
const size_t IMPORT_FORMAT_COUNT = TCET_COUNT(IMPORT_FORMATS);

const struct import_format *import_format(const char *name)
{
    for (size_t i = 0; i < IMPORT_FORMAT_COUNT; i++) {
        if (!strcmp(name, IMPORT_FORMATS[i].name))
            return &IMPORT_FORMATS[i];
    }
    return NULL;
}

tcet_status import_open(struct import_json *j, const char *path, struct error *err)
{
    *j = (struct import_json){.path = path, .word = mem_alloc(IMPORT_WORD + IMPORT_BUFFER)};
    j->json = tcet_json_of("", 0, j->word, IMPORT_WORD);
    j->file = file_open(path, INT64_MAX, NULL, err);
    if (!j->file)
        return err->status;
    j->json.read = table_more;
    j->json.user = j->file;
    j->json.buffer = j->word + IMPORT_WORD;
    j->json.buffer_size = IMPORT_BUFFER;
    return TCET_OK;
}

void import_close(struct import_json *j)
{
    if (j->file)
        fclose(j->file);
    free(j->word);
}

tcet_status import_fail(const struct import_json *j, int event, const char *want, struct error *err)
{
    return error_set(err, TCET_E_ARG, "%s:%lld: byte %lld: %s%s", j->path, (long long)j->json.line,
                     (long long)j->json.position, event == TCET_JSON_ERROR ? j->json.error : want,
                     event == TCET_JSON_ERROR ? "" : " is expected");
}

tcet_status import_number(struct import_json *j, const char *what, double *out, struct error *err)
{
    int event = tcet_json_next(&j->json);

    *out = NAN;
    if (event == TCET_JSON_WORD && !strcmp(j->json.text, "null"))
        return TCET_OK;
    if (event != TCET_JSON_NUMBER)
        return import_fail(j, event, what, err);
    *out = strtod(j->json.text, NULL);
    return TCET_OK;
}

void import_put(struct buf *out, double value)
{
    char digits[32];

    buf_puts(out, "\t");
    if (isnan(value))
        return;
    snprintf(digits, sizeof digits, "%.10g", value);
    buf_puts(out, digits);
}

int import_arch_ok(const char *text)
{
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == '"' || *p == 127)
            return 0;
    }
    return *text && *text != '#' && *text != '\'' && strlen(text) < TABLE_FIELD_MAX;
}

const char *import_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* ---- names that are found again ---- */

static size_t slot_of(const struct import_names *n, const char *name)
{
    uint64_t h = fnv(FNV_START, name, strlen(name));
    size_t at = (size_t)(h ^ h >> 32) & (n->slot_count - 1);

    while (n->slot[at] && strcmp(n->name[n->slot[at] - 1], name) != 0)
        at = (at + 1) & (n->slot_count - 1);
    return at;
}

size_t import_names_put(struct import_names *n, const char *name, int *fresh)
{
    size_t at;

    if (2 * (n->count + 1) > n->slot_count) {
        n->slot_count = n->slot_count ? 2 * n->slot_count : 1024;
        free(n->slot);
        n->slot = mem_alloc(n->slot_count * sizeof *n->slot);
        for (size_t i = 0; i < n->count; i++)
            n->slot[slot_of(n, n->name[i])] = (uint32_t)(i + 1);
    }
    at = slot_of(n, name);
    *fresh = !n->slot[at];
    if (*fresh) {
        if (n->count == n->cap) {
            n->cap = n->cap ? 2 * n->cap : 256;
            n->name = mem_resize(n->name, n->cap * sizeof *n->name);
        }
        n->name[n->count++] = arena_strdup(&n->arena, name);
        n->slot[at] = (uint32_t)n->count;
    }
    return n->slot[at] - 1;
}

void import_names_free(struct import_names *n)
{
    free(n->slot);
    free(n->name);
    arena_free(&n->arena);
}

tcet_status table_import(const char *format, const char *const *files, size_t count,
                         const char *out, size_t *rows, struct error *err)
{
    const char *names[TCET_COUNT(IMPORT_FORMATS)];
    const struct import_format *f = import_format(format);
    struct buf text = {0}, list = {0};
    struct file_part part;
    tcet_status st;
    char hint[128];

    for (size_t i = 0; i < IMPORT_FORMAT_COUNT; i++) {
        names[i] = IMPORT_FORMATS[i].name;
        buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    if (!f)
        st = error_set(err, TCET_E_ARG, "there is no format \"%.40s\"%s; formats: %s", format,
                       text_suggest(hint, sizeof hint, format, names, IMPORT_FORMAT_COUNT),
                       list.data);
    else if (count < f->least || count > f->most)
        st = error_set(err, TCET_E_ARG, "%s is made of %zu file%s: %s", f->name, f->least,
                       f->least == 1 ? "" : "s", f->files);
    else
        st = f->read(files, count, &text, rows, err);
    if (st >= 0 && !*rows)
        st = error_set(err, TCET_E_ARG, "%s: holds no architecture", files[0]);
    part = (struct file_part){text.data, text.len};
    if (st >= 0)
        st = file_replace(out, NULL, &part, 1, err);
    buf_free(&text);
    buf_free(&list);
    return st;
}
