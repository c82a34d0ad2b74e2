/* memory.c -- counted device memory, and what a job says when something fails.
 * Room: plugins/backend/torch. */
#include "executor.h"
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>

tcet_status job_fail(struct job *j, tcet_status status, const char *what)
{
    char text[704];

    if (j->d->message[0])
        snprintf(text, sizeof text, "%.160s: %.511s", what, j->d->message);
    else
        snprintf(text, sizeof text, "%s", what);
    j->d->message[0] = '\0';
    return j->cx->host->fail(j->cx, status, text);
}

tcet_status job_check(struct job *j, int status, int32_t i, const char *what)
{
    char text[160];
    int32_t module;

    if (status == 0)
        return TCET_OK;
    module = job_node(j, i)->module;
    snprintf(text, sizeof text, "%s of node %d (%s)", what, (int)i,
             module >= 0 ? j->graph->modules[module].name : "no module");
    return job_fail(j, status, text);
}

struct memory *memory_adopt(struct job *j, ts_tensor *t, void *data)
{
    struct memory *m = malloc(sizeof *m);

    if (!m) {
        ts_free(t);
        job_fail(j, TCET_E_MEMORY, "out of memory");
        return NULL;
    }
    *m = (struct memory){.data = data, .owner = t, .refs = 1};
    return m;
}

struct memory *memory_new(struct job *j, size_t bytes)
{
    ts_tensor *owner = NULL;
    struct memory *m;
    void *data = NULL;

    if (j->d->cuda)
        owner = ts_alloc(j->d, bytes, &data);
    else
        data = pool_get(bytes);
    if (!data && !owner) {
        char text[96];

        snprintf(text, sizeof text, "no %zu bytes of memory for a tensor", bytes);
        job_fail(j, TCET_E_MEMORY, text);
        return NULL;
    }
    m = memory_adopt(j, owner, data);
    if (m)
        m->bytes = bytes;
    else
        pool_put(owner ? NULL : data);
    return m;
}

struct memory *memory_ref(struct memory *m)
{
    m->refs++;
    return m;
}

void memory_drop(struct memory *m)
{
    if (!m || --m->refs > 0)
        return;
    ts_free(m->mirror);
    if (m->owner)
        ts_free(m->owner);
    else
        pool_put(m->data);
    free(m);
}

void *job_alloc(struct job *j, size_t bytes)
{
    struct memory *m;

    if (j->now.held_count == j->now.held_cap) {
        int32_t cap = j->now.held_cap ? 2 * j->now.held_cap : 64;
        struct memory **held = realloc(j->now.held, (size_t)cap * sizeof *held);

        if (!held) {
            job_fail(j, TCET_E_MEMORY, "out of memory");
            return NULL;
        }
        j->now.held = held;
        j->now.held_cap = cap;
    }
    m = memory_new(j, bytes);
    if (!m)
        return NULL;
    j->now.held[j->now.held_count++] = m;
    if (j->k->zero(j->d, m->data, bytes) != 0) {
        job_fail(j, TCET_E_BACKEND, "clearing memory");
        return NULL;
    }
    return m->data;
}
