/* space_host.h -- a host small enough to load a space plugin without core/plugin: messages,
 * random numbers, parameters at their defaults.  For tests and bench/space.c. */
#ifndef TESTS_SPACE_HOST_H
#define TESTS_SPACE_HOST_H

#include "graph/graph.h"
#include "num/rng.h"

#include <tcet/tcet.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct space {
    tcet_ctx cx; /* first: the host's functions find the space from it */
    tcet_host host;
    const tcet_plugin *plugin;
    const tcet_space_ops *ops;
    void *self;
    uint64_t random;
    char error[1024];
};

static tcet_status space_host_fail(tcet_ctx *cx, tcet_status code, const char *text)
{
    snprintf(((struct space *)cx)->error, sizeof((struct space *)cx)->error, "%s", text);
    return code;
}

static uint64_t space_host_random(tcet_ctx *cx)
{
    return rng_mix(&((struct space *)cx)->random);
}

static void space_host_log(tcet_ctx *cx, int32_t level, const char *text)
{
    (void)level;
    snprintf(((struct space *)cx)->error, sizeof((struct space *)cx)->error, "%s", text);
}

/* Binds one parameter: a choice, 0 or 1, an integer or a path, which is all that spaces have. */
static int space_set(struct space *s, const char *key, const char *value)
{
    for (uint32_t i = 0; i < s->plugin->param_count; i++) {
        const tcet_param *p = &s->plugin->params[i];
        void *field = (char *)s->self + p->offset;
        int64_t number = atoll(value);
        int32_t choice = 0;

        if (strcmp(p->name, key) != 0)
            continue;
        if (p->type == TCET_P_CHOICE)
            while (strcmp(p->choices[choice], value) != 0)
                if (!p->choices[++choice])
                    return -1;
        if (p->type == TCET_P_BOOL)
            choice = (int32_t)number;
        if (p->type == TCET_P_I64)
            memcpy(field, &number, sizeof number);
        else if (p->type == TCET_P_PATH)
            memcpy(field, &value, sizeof value);
        else
            memcpy(field, &choice, sizeof choice);
        return 0;
    }
    return -1;
}

/* How much of a space's name is its file's, of which some hold several. */
static int space_file_length(const char *name)
{
    static const char *const files[] = {"nb1shot1", "nds"};

    for (int i = 0; i < 2; i++)
        if (!strncmp(name, files[i], strlen(files[i])))
            return (int)strlen(files[i]);
    return (int)strlen(name);
}

/* Loads the space of TCET_TEST_BUILD/lib/tcet/plugins-1 with its default parameters, and where key is
 * not NULL that one; 0 on success. */
static int space_load_with(struct space *s, const char *name, const char *key, const char *value)
{
    const tcet_module *(*entry)(void);
    char path[4096];
    void *so;

    memset(s, 0, sizeof *s);
    snprintf(path, sizeof path, "%s/lib/tcet/plugins-1/space_%.*s.so", TCET_TEST_BUILD,
             space_file_length(name), name);
    so = dlopen(path, RTLD_NOW | RTLD_NODELETE);
    if (!so) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    *(void **)&entry = dlsym(so, TCET_ENTRY_SYMBOL);
    dlclose(so);
    if (!entry)
        return -1;
    s->host = (tcet_host){.struct_size = sizeof s->host,
                          .log = space_host_log,
                          .fail = space_host_fail,
                          .random = space_host_random};
    s->cx.host = &s->host;
    s->random = 1;
    for (uint32_t i = 0; i < entry()->plugin_count; i++)
        if (!strcmp(entry()->plugins[i]->id, name))
            s->plugin = entry()->plugins[i];
    if (!s->plugin)
        return -1;
    s->ops = s->plugin->ops;
    s->self = mem_alloc(s->plugin->instance_size);
    for (uint32_t i = 0; i < s->plugin->param_count; i++)
        if (space_set(s, s->plugin->params[i].name, s->plugin->params[i].initial) < 0)
            return -1;
    if (key && space_set(s, key, value) < 0)
        return -1;
    return s->plugin->init ? s->plugin->init(&s->cx, s->self) : 0;
}

static inline int space_load(struct space *s, const char *name)
{
    return space_load_with(s, name, NULL, NULL);
}

static inline void space_unload(struct space *s)
{
    if (s->plugin->fini)
        s->plugin->fini(s->self);
    free(s->self);
}

/* Builds and finishes text's network for the space's own task; 0 on success. */
static inline int space_build(struct space *s, struct graph *g, const char *text)
{
    tcet_task task = {.struct_size = sizeof task};
    struct error err;

    if (s->ops->task(&s->cx, s->self, &task) < 0)
        return -1;
    graph_reset(g, &task);
    if (s->ops->build(&s->cx, s->self, text, &task, graph_builder(g)) < 0 ||
        graph_finish(g, &err) < 0) {
        fprintf(stderr, "%s: %s\n", text, graph_finish(g, &err) < 0 ? err.text : s->error);
        return -1;
    }
    return 0;
}

#endif
