/* schedule.c -- see schedule.h.  Room: core/train.  Stands on libc and libm. */
#include "train/schedule.h"

#include <math.h>

double schedule_rate(const struct schedule *s, int64_t seen)
{
    static const double pi = 3.14159265358979323846;
    double warm = s->warmup * (double)s->images;
    double behind = ((double)s->epochs - s->warmup) * (double)s->images;
    double r = behind > 0 ? ((double)seen - warm + 1) / behind
                          : 0; /* else all is warm-up, up to the peak */
    double rate = s->peak;

    if ((double)seen < warm)
        return s->peak * ((double)seen + 1) / warm;
    switch (s->kind) {
    case SCHEDULE_COSINE: return s->target + (s->peak - s->target) * (1 + cos(pi * r)) / 2;
    case SCHEDULE_LINEAR: return s->target + (s->peak - s->target) * (1 - fmin(r, 1));
    case SCHEDULE_STEP:
        for (int32_t i = 0; i < s->steps; i++) {
            if ((double)(seen - 1) >= s->step[i] * (double)s->images)
                rate *= s->factor;
        }
        return rate;
    case SCHEDULE_CONSTANT: break;
    }
    return rate;
}

int64_t schedule_seen(const struct schedule *s, int64_t epoch, int64_t number, int64_t batch,
                      int64_t n)
{
    return epoch * s->images + number * batch + n;
}
