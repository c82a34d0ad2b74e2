/* instance.h -- one configured plugin: parameters bound, init called, context at hand.
 *
 * Room: core/plugin.  Binds text to fields (params.c) and gives the host table
 * (hostapi.c). */
#ifndef CORE_INSTANCE_H
#define CORE_INSTANCE_H

#include <sys/types.h>

#include "base/fpstate.h"
#include "config/config.h"
#include "plugin/registry.h"
#include "result/guards.h"

/* Where a process is: whose code it runs, and which function of it; "" outside. */
struct call_where {
    char who[64], function[32];
};

/* Seen from outside too (the worker shares it with its supervisor), so that a crash or a silence can
 * be named. */
struct call_trace {
    struct call_where now; /* the innermost call between its call_begin and call_end */
    char foreign[64];      /* who is not built in and ran last: it may have spoilt what another fell
                              over */
    uint32_t calls;        /* begun and ended so far */
};

/* Process-wide hooks of hostapi.c, both NULL until the executable sets them: where plugins' log
 * lines go, and the trace. */
extern void (*call_log)(int level, const char *who, const char *text);
extern struct call_trace *call_trace;
/* Set by a worker: a call that leaves another floating-point state behind fails, and the state is put
 * back. */
extern int call_strict;

/* The context behind every plugin call.  `pub` must stay first. */
struct call {
    tcet_ctx pub;
    struct error err;          /* what fail() recorded */
    struct arena scratch;      /* small scratch memory and generators; reset by call_begin */
    struct guards *guards;     /* may be NULL */
    const char *who;           /* "saliency snip", for log and errors */
    uint64_t random_state;     /* of host->random */
    const volatile int *stop;  /* cancelled(); may be NULL */
    struct call_block *blocks; /* large scratch memory; private to hostapi.c */
    struct call_where outer;   /* call_trace before this call; private to hostapi.c */
    int foreign;               /* code that is not built in */
    pid_t process;             /* that began the call; private to hostapi.c */
    double epsilon;            /* of host->epsilon */
    struct fpstate fp;         /* when it began; private to hostapi.c */
};

struct instance {
    const struct plugin *plugin;
    void *self;
    const char *params_text; /* "ddof=1 zero_sigma=sum": every bound value, in declared
                                order; part of the store key.  Path values are left out. */
    struct call cx;
};

/* A key that may fill a parameter. */
struct binding {
    const char *name; /* the parameter's name */
    struct config_key *key;
};

/* Creates an instance: binds each declared parameter from the LAST binding of its name, or
 * from its default; replaces a path value in its key by the absolute one.
 * An empty path stays empty.  Unknown names are errors with suggestion and the list of
 * parameters, at their file:line.  Then calls init.  plugin and who are kept; the instance's
 * texts live in the arena.  Errors: TCET_E_ARG for a binding, TCET_E_MEMORY, or init's. */
tcet_status instance_new(const struct plugin *plugin, const struct binding *bindings, size_t count,
                         const char *who, struct arena *a, struct instance **out,
                         struct error *err);
/* Calls fini; i may be NULL.  The arena's owner frees the rest. */
void instance_free(struct instance *i);

/* The same check against a scanned descriptor, without loading code. */
tcet_status params_check(const struct plugin_info *info, const struct binding *bindings,
                         size_t count, const char *who, struct error *err);

/* Frame of a call of the plugin's `function`: call_begin clears scratch, generators and message and returns the
 * context; call_end turns a status into an error ("WHO: message").  TCET_E_CANCELLED needs
 * no message; any other failure without one, and a status that does not exist, is reported
 * as the plugin's misbehaviour (TCET_E_PLUGIN).  call_init keeps who.  A copy of the process that
 * the plugin forked and let return ends in call_end: it would go on with the host's work, and
 * fork again at the next layer. */
tcet_ctx *call_begin(struct call *cx, const char *function);
tcet_status call_end(struct call *cx, tcet_status st, struct error *err);
void call_free(struct call *cx);
void call_init(struct call *cx, const char *who);

/* Typed ops of an instance. */
#define OPS(T, instance) ((const T *)(const void *)(instance)->plugin->ops.bytes)

#endif
