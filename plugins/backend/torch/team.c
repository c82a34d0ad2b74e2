/* team.c -- see team.h.  Room: plugins/backend/torch. */
#include "team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

/* How often who waits looks before it sleeps, about half a millisecond: parts are of about equal length. */
enum { LOOKS = 40000 };

struct member {
    struct team *team;
    pthread_t thread;
    int32_t number;
};

struct team {
    pthread_mutex_t lock;
    pthread_cond_t change;
    int32_t members, count; /* there are; at work */
    int32_t working, here;  /* of the count: not done yet; waiting to meet */
    int32_t end;
    atomic_int failed;
    atomic_uint meetings; /* how often all met */
    uint64_t run;         /* how many were begun */
    void (*work)(void *arg, int32_t member);
    void *arg;
    struct member member[];
};

static void *serve(void *arg)
{
    struct member *m = arg;
    struct team *t = m->team;
    uint64_t done = 0;

    pthread_mutex_lock(&t->lock);
    while (!t->end) {
        if (t->run == done) {
            pthread_cond_wait(&t->change, &t->lock);
            continue;
        }
        done = t->run;
        if (m->number >= t->count)
            continue;
        pthread_mutex_unlock(&t->lock);
        t->work(t->arg, m->number);
        pthread_mutex_lock(&t->lock);
        if (--t->working == 0)
            pthread_cond_broadcast(&t->change);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

struct team *team_new(int32_t members)
{
    struct team *t = calloc(1, sizeof *t + (size_t)members * sizeof *t->member);
    sigset_t all, before;

    if (!t)
        return NULL;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->change, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the caller's */
    for (t->members = 1; t->members < members; t->members++) {
        struct member *m = &t->member[t->members];

        m->team = t;
        m->number = t->members;
        if (pthread_create(&m->thread, NULL, serve, m) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (t->members == members)
        return t;
    team_free(t);
    return NULL;
}

void team_free(struct team *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->end = 1;
    pthread_cond_broadcast(&t->change);
    pthread_mutex_unlock(&t->lock);
    for (int32_t m = 1; m < t->members; m++)
        pthread_join(t->member[m].thread, NULL);
    pthread_cond_destroy(&t->change);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

void team_run(struct team *t, int32_t count, void (*work)(void *arg, int32_t member), void *arg)
{
    pthread_mutex_lock(&t->lock);
    t->count = t->working = count;
    t->here = 0;
    atomic_store(&t->failed, 0);
    t->work = work;
    t->arg = arg;
    t->run++;
    pthread_cond_broadcast(&t->change);
    pthread_mutex_unlock(&t->lock);
    work(arg, 0);
    pthread_mutex_lock(&t->lock);
    t->working--;
    while (t->working > 0)
        pthread_cond_wait(&t->change, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

/* Has the meeting taken place, or will it never? */
static int over(struct team *t, unsigned meeting)
{
    return atomic_load(&t->meetings) != meeting || atomic_load(&t->failed);
}

int team_meet(struct team *t)
{
    unsigned meeting;

    pthread_mutex_lock(&t->lock);
    meeting = atomic_load(&t->meetings);
    if (++t->here == t->count) {
        t->here = 0;
        atomic_store(&t->meetings, meeting + 1);
        pthread_cond_broadcast(&t->change);
    } else {
        pthread_mutex_unlock(&t->lock);
        for (int i = 0; i < LOOKS && !over(t, meeting); i++)
            i % 64 == 63 ? sched_yield() : 0;
        pthread_mutex_lock(&t->lock);
        while (!over(t, meeting))
            pthread_cond_wait(&t->change, &t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return atomic_load(&t->failed) ? -1 : 0;
}

void team_fail(struct team *t)
{
    pthread_mutex_lock(&t->lock);
    atomic_store(&t->failed, 1);
    pthread_cond_broadcast(&t->change);
    pthread_mutex_unlock(&t->lock);
}
