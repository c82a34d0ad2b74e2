/* config.h -- INI files as an ordered list of keys that know where they came from.
 *
 * Room: core/config.  Stands on core/base and inih; knows nothing of plugins or of which
 * sections exist: the plan asks for keys, and asks at the end which were never used.
 *
 * Grammar: "[kind]" or "[kind name]" sections; "key = value" lines; comments with ; or #
 * at the line's start or after a blank; "include = FILE" at the top of a file (before any
 * section) or in [run] reads FILE (relative to the including file) first, later keys win.
 * A key given twice in one file is an error that names both lines. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "base/error.h"
#include "base/mem.h"

struct config_key {
    const char *name, *value;
    const char *file; /* as the user would name it; "--set" for overrides */
    const char *dir;  /* absolute folder that relative paths in value start from */
    int line;         /* 0 for --set */
    int used;         /* set by whoever consumed it; config_check_used reports the rest */
};

struct config_section {
    const char *kind, *name; /* "[metric snip_snr]": "metric", "snip_snr"; name "" if none */
    const char *file;
    int line;
    struct config_key **keys; /* in order of first appearance */
    size_t key_count;
};

struct config {
    struct arena arena;
    struct config_section **sections; /* in order of first appearance */
    size_t section_count;
    const char *path; /* of the main file, as given; "" when built from nothing */
};

/* Reads a file and what it includes (at most 16 deep; a cycle is an error).  Errors:
 * "FILE:LINE: what", TCET_E_IO when unreadable, TCET_E_ARG for bad syntax, overlong lines
 * (> 64 KiB), NUL bytes, invalid UTF-8.  On failure *out is untouched. */
tcet_status config_load(const char *path, struct config **out, struct error *err);
/* An empty config, for commands that need none. */
struct config *config_new(void);
void config_free(struct config *c);

/* One "--set" text: "A.C=v" is key C of [A]; "A.B.C=v" is key C of [A B], unless [A]
 * is a section without names (run, backend, data, space, benchmark, ablation, plugins),
 * where everything after the first dot is the key.  In [metric NAME] keys themselves may
 * hold a dot ("metric.m.aggregator.ddof=0" is key "aggregator.ddof" of [metric m]). */
tcet_status config_set(struct config *c, const char *text, struct error *err);
/* The same with the parts already apart. */
void config_put(struct config *c, const char *kind, const char *name, const char *key,
                const char *value, const char *file, const char *dir, int line);

struct config_section *config_section(const struct config *c, const char *kind, const char *name);
struct config_key *config_section_key(const struct config_section *s, const char *key);
/* Finds a key and marks it used; NULL when absent. */
struct config_key *config_get(const struct config *c, const char *kind, const char *name,
                              const char *key);
/* Its value, or fallback. */
const char *config_text(const struct config *c, const char *kind, const char *name,
                        const char *key, const char *fallback);

/* "FILE:LINE: " (or "--set A.B.C: ") before the message. */
tcet_status config_error(struct error *err, const struct config_key *k, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
tcet_status config_section_error(struct error *err, const struct config_section *s,
                                 const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Typed reading of one key: fallback when absent; an error names the key, its place and
 * what is allowed. */
tcet_status config_i64(const struct config *c, const char *kind, const char *name, const char *key,
                       int64_t fallback, int64_t min, int64_t max, int64_t *out,
                       struct error *err);
tcet_status config_bool(const struct config *c, const char *kind, const char *name,
                        const char *key, int32_t fallback, int32_t *out, struct error *err);
/* choices is NULL-terminated; *out is an index. */
tcet_status config_choice(const struct config *c, const char *kind, const char *name,
                          const char *key, const char *const *choices, int fallback, int *out,
                          struct error *err);
/* value as an absolute path, taken from key->dir when relative ("~/" is the home). */
char *config_path(struct arena *a, const struct config_key *k);

/* The whole as INI text that config_load reads back to the same keys (values only). */
void config_print(const struct config *c, struct buf *out);
/* The whole with file and line of every key, for another process of the same program. */
void config_pack(const struct config *c, struct buf *out);
tcet_status config_unpack(const void *data, size_t n, struct config **out, struct error *err);

#endif
