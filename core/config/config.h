/* config.h -- INI files as an ordered list of keys that know where they came from.
 *
 * Room: core/config.  Stands on core/base and inih; knows nothing of plugins.  Which sections
 * there are, and the host's own keys in them, is one table in sections.c.
 *
 * Grammar: "[kind]" or "[kind name]" sections; "key = value" lines; comments with ; or #
 * at the line's start or after a blank; "include = FILE" at the top of a file (before any
 * section) or in [run] reads FILE (relative to the including file) first, later keys win;
 * it may be repeated.  No quotes, no escapes, no continued lines: a value is the text
 * between the blanks around it.  A key given twice in one file is an error that names both
 * lines.  Section kinds are [a-z0-9_]+, keys [A-Za-z0-9_.-]+, section names one word
 * without . , = [ ] ; # (so that --set and lists of names can say them). */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "base/error.h"
#include "base/mem.h"

struct config_key {
    const char *name, *value;
    const char *file; /* as the user would name it; "--set" for overrides */
    const char *dir;  /* absolute folder that relative paths in value start from */
    int line;         /* 0 for --set */
    struct config_section *section;
    const struct config_key *from; /* the key it was made from, which errors name; or NULL */
};

struct config_section {
    const char *kind, *name; /* "[metric snip_snr]": "metric", "snip_snr"; name "" if none */
    const char *file;
    int line;
    struct config *config;
    struct config_key **keys; /* in order of first appearance */
    size_t key_count;
};

struct config {
    struct arena arena;
    struct config_section **sections; /* in order of first appearance */
    size_t section_count;
    size_t key_count; /* of all sections; at most CONFIG_KEYS_MAX, as of sections */
    const char *path; /* of the main file, as given; "" when built from nothing */
};

enum { CONFIG_KEYS_MAX = 10000 };

/* Reads a file and what it includes (at most 16 deep; a cycle is an error).  Errors:
 * "FILE:LINE: what", TCET_E_IO when unreadable, TCET_E_ARG for bad syntax, overlong lines
 * (> 64 KiB), NUL bytes, invalid UTF-8.  On failure *out is untouched. */
tcet_status config_load(const char *path, struct config **out, struct error *err);
/* An empty config, for commands that need none. */
struct config *config_new(void);
void config_free(struct config *c);

/* Why a value could not be printed and read again, or NULL. */
const char *config_value_problem(const char *value);
/* One "--set" text: "A.C=v" is key C of [A]; "A.B.C=v" is key C of [A B], unless [A]
 * is a section without names (config_nameless), where everything after the first dot is
 * the key.  In [metric NAME] keys themselves may hold a dot ("metric.m.aggregator.ddof=0"
 * is key "aggregator.ddof" of [metric m]).  Relative paths start from the current folder. */
tcet_status config_set(struct config *c, const char *text, struct error *err);
/* 1 for the kinds whose sections have no name, such as [run] (sections.c). */
int config_nameless(const char *kind);
/* Every section must be of a known kind, with a name where its kind has one, and where all keys of
 * a kind are the host's own, each key one of them.  The error names the first that is not, the
 * nearest valid name, and all of them. */
tcet_status config_check_sections(const struct config *c, struct error *err);
/* For a key that a section does not have, into hint[cap]: " (it is a key of [run])" where another
 * section has it, else the nearest of its own, else "".  Returns hint. */
const char *config_key_hint(char *hint, size_t cap, const char *name, const char *const *own,
                            size_t own_count);
/* One key with its parts already apart; texts are copied.  A key that is there keeps its
 * place in the order and gets the new value and origin; of file "" messages name no place, for the value is
 * all that the command was given. */
void config_put(struct config *c, const char *kind, const char *name, const char *key,
                const char *value, const char *file, const char *dir, int line);

/* Puts a key of a section that stands in no file (CONFIG_DERIVED): made from another key, whose
 * place is the one to name and whose folder paths start from. */
void config_derive(struct config *c, const char *kind, const char *name, const char *key,
                   const char *value, const struct config_key *from);

struct config_section *config_section(const struct config *c, const char *kind, const char *name);
struct config_key *config_section_key(const struct config_section *s, const char *key);
/* Gives a key another value; its origin stays. */
void config_replace(struct config_key *k, const char *value);
/* Finds a key; NULL when absent. */
struct config_key *config_get(const struct config *c, const char *kind, const char *name,
                              const char *key);
/* Its value, or fallback. */
const char *config_text(const struct config *c, const char *kind, const char *name, const char *key,
                        const char *fallback);

/* "FILE:LINE: " (or "--set A.B.C: ") before the message. */
tcet_status config_error(struct error *err, const struct config_key *k, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
tcet_status config_section_error(struct error *err, const struct config_section *s,
                                 const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts the same before the message that err holds already, whose status becomes TCET_E_ARG; where
 * there is no key or section (NULL), err stays as it is.  Returns its status. */
tcet_status config_error_at(struct error *err, const struct config_key *k);
tcet_status config_section_error_at(struct error *err, const struct config_section *s);

/* Typed reading of one key: fallback when absent; an error names the key, its place and
 * what is allowed. */
tcet_status config_i64(const struct config *c, const char *kind, const char *name, const char *key,
                       int64_t fallback, int64_t min, int64_t max, int64_t *out, struct error *err);
tcet_status config_bool(const struct config *c, const char *kind, const char *name, const char *key,
                        int32_t fallback, int32_t *out, struct error *err);
/* choices is NULL-terminated; *out is an index. */
tcet_status config_choice(const struct config *c, const char *kind, const char *name,
                          const char *key, const char *const *choices, int fallback, int *out,
                          struct error *err);
/* FIRST..LAST, or one whole number, which is both; from 0, at most `most` numbers. */
tcet_status config_range(const struct config *c, const char *kind, const char *name,
                         const char *key, int64_t fallback, int64_t most, int64_t *first,
                         int64_t *last, struct error *err);
/* value as an absolute path, taken from key->dir when relative ("~/" is the home). */
char *config_path(struct arena *a, const struct config_key *k);

/* The whole as INI text that config_load reads back to the same keys (values only). */
void config_print(const struct config *c, struct buf *out);
/* `file` of sections that the program derives from others: config_print leaves them out, and
 * whoever reads the text derives them again. */
#define CONFIG_DERIVED "(made by [ablation] or repeats)"
/* The whole with file and line of every key, for another process of the same program. */
void config_pack(const struct config *c, struct buf *out);
tcet_status config_unpack(const void *data, size_t n, struct config **out, struct error *err);

#endif
