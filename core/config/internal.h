/* internal.h -- what the files of core/config share.  Room: core/config, private. */
#ifndef CORE_CONFIG_INTERNAL_H
#define CORE_CONFIG_INTERNAL_H

#include "config/config.h"

/* Bytes of a line in a file, and of a --set text, so that what is set can be printed and read. */
enum { CONFIG_LINE_MAX = 64 * 1024 };

/* The section, made when it is not there. */
struct config_section *section_put(struct config *c, const char *kind, const char *name,
                                   const char *file, int line);

/* What is wrong with such a text, or NULL. */
const char *kind_problem(const char *kind);
const char *section_name_problem(const char *kind, const char *name);
const char *key_problem(const char *key);

/* Where a comment begins in a line: at a ; or # at its start or after a blank, else at its
 * end. */
size_t comment_start(const char *line);

/* value as an absolute path, from dir when relative. */
char *path_from(struct arena *a, const char *dir, const char *value);

#endif
