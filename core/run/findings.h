/* findings.h -- what a search leaves beside its rows, made of the lines of search.csv: the list of what was
 * scored, best.txt, top.csv, curve.csv, front.csv.
 *
 * Room: core/run.  A search makes them when it has ended, a merge when it has joined the lines. */
#ifndef CORE_FINDINGS_H
#define CORE_FINDINGS_H

#include "run/reasons.h"
#include "search/found.h"
#include "store/store.h"

/* The fact that all searches of a folder have ended: "1", else "". */
#define FINDINGS_ENDED "search_ended"

/* Reads FOLDER/search.csv; columns: of the plan or the store, which say in what direction a score is
 * better.  *out is found_free()d. */
tcet_status findings_read(const char *folder, const struct search_settings *settings,
                          const struct result_column *columns, size_t count, struct found *out,
                          struct error *err);
/* Makes the run's architectures those that were scored, each encoding once, in the order of the lines: an
 * export has these, and scores over a population are, in the store, of these. */
tcet_status findings_list(struct found *f, struct store *s, struct error *err);
/* Why asks failed. */
tcet_status findings_reasons(const struct found *f, struct store *s, struct arena *a,
                             struct reasons *out, struct error *err);
/* Writes the files.  accuracy: there is a [benchmark], whose column the curve is of. */
tcet_status findings_write(const char *folder, const struct search_settings *settings, int accuracy,
                           struct found *f, struct error *err);

#endif
