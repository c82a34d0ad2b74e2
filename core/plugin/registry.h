/* registry.h -- which plugins exist, and the loading of one.
 *
 * Room: core/plugin.  Stands on core/base, the SDK and libdl.  loader.c is the only file
 * that calls dlopen or dlsym, or compares ABI versions.
 *
 * Two levels, so that a plugin's code runs only where it must:
 *   scan   descriptors, read by a re-executed child of this program, one per file that is
 *          not in the cache, so that a file that crashes when opened is reported and not
 *          suffered; cached by path, size, mtime and inode under
 *          $XDG_CACHE_HOME/tcet-host (else ~/.cache/tcet-host); no cache is no error.
 *   load   dlopen(RTLD_NOW|RTLD_LOCAL|RTLD_NODELETE) in this process; never closed.
 *
 * The scanning child is `paths_self() scan-plugin FILE`: an executable that opens a registry
 * dispatches this to scan_main().  Environment: TCET_PLUGIN_PATH (below); TCET_SCAN_EXE,
 * another program to start as the child; TCET_SCAN_SECONDS, how long a file may take to open
 * (10).  What is cached: descriptors and refusals for good, crashes and hangs for ten
 * minutes, files the system's loader refuses (a missing library) not at all. */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "base/error.h"
#include "base/mem.h"

struct plugin_param { /* a tcet_param read from another process: owned texts, no offsets */
    const char *name, *initial, *doc;
    const char *const *choices; /* NULL-terminated or NULL */
    double min, max;
    int64_t imin, imax;
    uint32_t type;
};

struct plugin_info {
    tcet_kind kind;
    const char *id, *version, *summary, *cite; /* cite may be NULL */
    const char *path;                          /* absolute, of the .so */
    const char *sha256; /* of the .so, 64 hex digits: part of every store key */
    int builtin;        /* from the built-in folder */
    int replaces;       /* stands in place of a built-in one of its kind and id */
    int32_t direction;  /* saliency, aggregator, combiner: from its ops, else 0 */
    uint32_t scope;     /* combiner: TCET_SCOPE_*, else 0 */
    const struct plugin_param *params;
    size_t param_count;
    const char *error; /* NULL, or "PATH: why this file cannot be used" (then id is "") */
};

struct registry {
    struct arena arena;
    struct plugin_info *items; /* sorted by kind, then id */
    size_t count;
    struct plugin_info *broken; /* files that are no usable plugin */
    size_t broken_count;
    const char *const
        *dirs; /* searched, in order: first wins, a later one of the same id is ignored */
    size_t dir_count;
};

/* extra: folders of [plugins] path= (absolute), may be empty.  Order: extra, then
 * $TCET_PLUGIN_PATH (colon-separated; relative parts are refused), then the built-in
 * folder (paths_plugins()).  A folder that does not exist is an error only if it came from
 * extra.  A folder or file that strangers may change or replace (base/trust.h) is refused. */
tcet_status registry_open(const char *const *extra, size_t extra_count, struct registry **out,
                          struct error *err);
void registry_close(struct registry *r);
/* By kind and id; when absent the error suggests the nearest and lists what there is, and
 * mentions broken files whose name contains id (where none does and no name is near either, one
 * of the folders that the user added). */
tcet_status registry_find(const struct registry *r, tcet_kind kind, const char *id,
                          const struct plugin_info **out, struct error *err);
const char *kind_name(tcet_kind kind);      /* "saliency" ...; NULL if unknown */
tcet_kind kind_from_name(const char *name); /* 0 if unknown */

/* A loaded plugin: every struct copied into the current, zero-filled size. */
struct plugin {
    tcet_plugin desc; /* desc.params: param_count current-size rows; desc.ops: as below */
    union {           /* the ops, by kind; opaque bytes so that this header needs one include */
        char bytes[256];
        void *align;
    } ops;
    const struct plugin_info *info; /* NULL when loaded without a registry */
    const char *path;
    const char *changed; /* what opening its file changed of the floating-point state, as code built
                            with -Ofast or -ffast-math does; it was put back.  NULL: nothing */
};

/* Opens one file and checks it (symbol, ABI, descriptors): every plugin it holds.  Result
 * lives in the arena; the code stays loaded for the process's life.  Errors name the file
 * and say what to rebuild where versions differ. */
tcet_status loader_open(const char *path, struct arena *a, struct plugin **out, size_t *count,
                        struct error *err);
/* Checks a module that is already at hand (unit tests, static plugins). */
tcet_status loader_adopt(const tcet_module *m, const char *path, struct arena *a,
                         struct plugin **out, size_t *count, struct error *err);
/* The plugin behind info, loading its file when needed.  A file that is no longer the one
 * that was scanned is refused, so that info->sha256 is that of the code which runs. */
tcet_status registry_load(const struct plugin_info *info, struct arena *a, struct plugin **out,
                          struct error *err);
/* Told, in a line, of every file from outside the built-in folder before its code runs, here or in a
 * child of the scan, and of a plugin that replaces a built-in one; NULL: nobody is.  Process-wide. */
extern void (*registry_foreign)(const char *text);
/* Tells it of a file that is opened without a registry. */
void registry_say_foreign(const char *path);

/* Entry of the scanning child: writes FILE's descriptors, or why there are none, to stdout
 * as one line of JSON.  What the plugin prints goes to stderr.  Exit code: 0 when written. */
int scan_main(const char *path);

/* Where this program's parts lie: beside a build tree's binary or an installed one's. */
const char *paths_self(void);    /* absolute path of the executable */
const char *paths_plugins(void); /* built-in plugins */
const char *paths_data(void);    /* shipped data, ".../share/tcet" */
const char *paths_linalg(void);  /* tcet-linalg.so */
const char *paths_sdk(void);     /* PREFIX whose include/ and lib/cmake/tcet-sdk are the SDK */

#endif
