/* internal.h -- what the files of core/plugin share.  Room: core/plugin, private. */
#ifndef CORE_PLUGIN_INTERNAL_H
#define CORE_PLUGIN_INTERNAL_H

#include <jansson.h>

#include "plugin/instance.h"
#include "plugin/registry.h"

enum { PLUGINS_MAX = 4096, PARAMS_MAX = 4096, CHOICES_MAX = 4096 };

/* kinds.c: the ops struct of a kind. */
struct kind_ops {
    tcet_kind kind;
    const char *name;
    uint32_t size;     /* of the struct as this host knows it */
    uint32_t min_size; /* of the struct as ABI 1.0 had it */
    const struct kind_function {
        const char *name;
        size_t offset;
    } * required; /* functions that must be there, up to a NULL name */
};
const struct kind_ops *kind_ops(tcet_kind kind); /* NULL if unknown */

/* validate.c: the rules a descriptor must follow, its ops and parameter rows already at
 * hand.  Errors say which part is at fault; the caller says which plugin. */
tcet_status validate_plugin(const struct plugin *p, struct error *err);
/* Direction and scope as the ops state them; 0 where the kind has none. */
int32_t ops_direction(const struct plugin *p);
uint32_t ops_scope(const struct plugin *p);
/* 1 for [a-z0-9_]+ of at most 64 letters. */
int id_is_valid(const char *id);

/* params.c: text to a parameter's value. */
struct param_value {
    double f64;
    int64_t i64;
    int32_t i32;            /* TCET_P_BOOL, TCET_P_CHOICE */
    const char *text;       /* as given; a bound TCET_P_PATH: absolute */
    struct config_key *key; /* that it was bound from; NULL: the default */
};
void param_from_row(const tcet_param *row, struct plugin_param *out);
/* 0, or -1 when text is none of the parameter's values. */
int param_parse(const struct plugin_param *p, const char *text, struct param_value *out);
/* "an integer from 0 to 1": the values a parameter takes. */
const char *param_expects(const struct plugin_param *p, char *out, size_t cap);
/* Binds n parameters into values, as instance_new says.  Texts live in the arena. */
tcet_status params_bind(const struct plugin_param *params, size_t n, const struct binding *bindings,
                        size_t count, const char *who, struct arena *a, struct param_value *values,
                        struct error *err);

/* describe.c: descriptors as JSON, on the wire and in the cache:
 * {"plugins": [...]} or {"error": "PATH: why", "status": -8}. */
json_t *describe_plugins(const struct plugin *plugins, size_t count);
json_t *describe_error(tcet_status status, const char *text);
/* The infos of an answer into the arena (their path, sha256 and builtin are the caller's):
 * one per plugin, or a single one with an error.  0, or -1 for what is no such answer. */
int describe_read(const json_t *answer, struct arena *a, struct plugin_info **out, size_t *count);

/* One plugin file on its way through the registry. */
struct plugin_file {
    const char *path;
    int builtin;
    int64_t size, mtime, inode; /* mtime in ns: together they say whether it has changed */
    const char *sha256;
    json_t *answer;  /* owned; NULL until cached or scanned */
    int64_t expires; /* seconds of the clock; 0: never, -1: not to be cached */
    struct plugin_info *infos;
    size_t info_count;
};

/* scan.c: gives every file without an answer one, by a child process each.  Errors: only
 * when no child can be started. */
tcet_status scan_files(struct plugin_file *files, size_t count, struct arena *a, struct error *err);
/* What the last line of all that a child said answers, when it is whole and an answer; else
 * NULL. */
json_t *scan_answer(const struct buf *said);

/* cache.c: answers of earlier scans into files that have not changed since; and back, along
 * with what `old` (returned by the reading; may be NULL) says of other files. */
json_t *cache_read(struct plugin_file *files, size_t count, struct arena *a);
void cache_write(const struct plugin_file *files, size_t count, json_t *old);

#endif
