/* agreement.h -- scores against accuracies as figures.
 *
 * Room: core/report. */
#ifndef CORE_AGREEMENT_H
#define CORE_AGREEMENT_H

#include "report/figure.h"
#include "report/report.h"

enum {
    AGREEMENT_SCATTERS =
        24,              /* scores that get a picture of their own: the main one, then the best */
    AGREEMENT_RANKS = 4, /* and one of ranks */
    AGREEMENT_HEAT = 40  /* scores in the heat map */
};

struct agreement {
    const struct report_input *in;
    const struct report *report;      /* NULL: there are no accuracies */
    const char *const *arch;          /* [in->count] */
    const double *params;             /* [in->count], NULL: not known */
    const struct report_series *main; /* shown first; NULL: none */
};

/* Adds, with texts of their own, bars of tau, the heat map of taus, top-k, scatters, rank against rank, tau over seeds. */
void agreement_figures(const struct agreement *a, struct figures *out);

#endif
