/* trainer.h -- a training inside a worker process: what the supervisor's WIRE_TRAIN asks for.
 * Room: core/run.  Stands on core/train. */
#ifndef CORE_TRAINER_H
#define CORE_TRAINER_H

#include "plan/plan.h"

/* The texts of a WIRE_TRAIN, in this order. */
enum trainer_text {
    TRAINER_WHAT, /* "train" SEED's training in the folder FROM, where TO is "1" going on with what is
                     there; "evaluate" the file FROM; "export" the checkpoint FROM to the file TO */
    TRAINER_ARCH, /* encoding */
    TRAINER_SEED,
    TRAINER_FROM, /* absolute, as TO */
    TRAINER_TO,
    TRAINER_TEXTS
};

/* Does what a WIRE_TRAIN's content says, answering by WIRE_TRAINED as it goes on, until it has ended.
 * nonce: the request's.  Errors: of the training. */
tcet_status trainer_serve(int fd, uint64_t nonce, struct plan *plan, const void *data, size_t n,
                          struct error *err);

#endif
