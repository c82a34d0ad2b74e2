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

/* One more block of a job's, zeroed; NULL after job_fail. */
static struct memory *add_block(struct job *j, struct held *h, size_t bytes)
{
    struct memory *m;

    if (h->count == h->cap) {
        int32_t cap = h->cap ? 2 * h->cap : 64;
        struct memory **block = realloc(h->block, (size_t)cap * sizeof *block);

        if (!block) {
            job_fail(j, TCET_E_MEMORY, "out of memory");
            return NULL;
        }
        h->block = block;
        h->cap = cap;
    }
    m = memory_new(j, bytes);
    if (!m)
        return NULL;
    h->block[h->count++] = m;
    if (j->k->zero(j->d, m->data, bytes) != 0) {
        job_fail(j, TCET_E_BACKEND, "clearing memory");
        return NULL;
    }
    return m;
}

void *job_alloc(struct job *j, enum use use, size_t bytes)
{
    enum { ALIGN = 256, FIRST = 1 << 20, MOST = 1 << 26 };
    struct held *h = &j->now.held[use];
    struct memory *m = h->count ? h->block[h->count - 1] : NULL;
    size_t block = bytes;

    if (j->d->cuda) {
        bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
        block = m ? 2 * m->bytes : FIRST;
        block = block > MOST ? MOST : block;
        block = block > bytes ? block : bytes;
    }
    if (!m || m->bytes - m->used < bytes)
        m = add_block(j, h, block);
    if (!m)
        return NULL;
    m->used += bytes;
    return (char *)m->data + (m->used - bytes);
}
