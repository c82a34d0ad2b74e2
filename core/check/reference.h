/* reference.h -- a plain backend, to hold others against: loops over numbers in float64, one
 * forward of every operation, and nothing that a forward does not say.
 *
 * Room: core/check.  Stands on libc and the SDK alone.  Every number is recorded with its
 * derivatives by the numbers that it was made of; gradients are one sweep back over that record.
 * The numbers are complex: with weights w + i h d, the gradient's imaginary part over h is H d
 * to the last digits.  For graphs of a few hundred numbers. */
#ifndef CORE_CHECK_REFERENCE_H
#define CORE_CHECK_REFERENCE_H

#include <tcet/draft/backend.h>

/* Runs a pass as a backend is asked to (tcet_backend_ops.run), with defer = 0: calls run->visit
 * for every layer of the sites, and run->redraw between repeats.  Every pass is one of float64.
 * The same fields are read at the same times as a backend may.  Errors: TCET_E_MEMORY;
 * TCET_E_UNSUPPORTED for an operation that it does not know, and for output gradients of
 * per-sample losses; what visit or redraw return. */
tcet_status reference_run(const tcet_graph *graph, const tcet_run *run);

#endif
