/* nb101_net.h -- the network of NAS-Bench-101 around its cells, as SamsungLabs' PyTorch model
 * builds, names and draws it: three stacks of three cells.
 * Room: spaces/family.  Stands on the SDK. */
#ifndef SPACES_NB101_NET_H
#define SPACES_NB101_NET_H

#include "family/nb101_cell.h"

/* The network of one pruned cell; default draws of everything, then every layer again. */
tcet_status nb101_build(tcet_builder *b, const struct nb101_cell *pruned, int32_t classes);

#endif
