/* nb101_order.h -- all 423,624 cells of NAS-Bench-101 in an order.
 * Room: spaces/family.  Stands on the SDK.
 *
 * Of isomorphic cells one is listed: that with the smallest number.  A cell's number has, from its highest
 * bits down, how many vertices it has; the upper triangle of its matrix, row by row, 0-1 first; and its
 * operations from the first inner vertex on as digits in base 3 (max pool, conv 1x1, conv 3x3).  The cells
 * are in the order of these numbers. */
#ifndef SPACES_NB101_ORDER_H
#define SPACES_NB101_ORDER_H

#include "family/nb101_cell.h"

enum { NB101_CELLS = 423624 };

/* The numbers, NB101_CELLS of them, rising: made by the first call in .04 s of a core, 1.7 MB that all
 * share until the plugin is unloaded.  NULL: no memory.  [any] */
const uint32_t *nb101_order(void);
/* The cell of a number. */
void nb101_order_cell(uint32_t number, struct nb101_cell *out);
/* The number under which a pruned cell, or one isomorphic to it, is listed. */
uint32_t nb101_order_number(const struct nb101_cell *pruned);

#endif
