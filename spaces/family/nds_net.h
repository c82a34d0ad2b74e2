/* nds_net.h -- builds the networks of NDS as pycls does, with its module names.
 * Room: spaces/family.  Stands on family/nds and the SDK. */
#ifndef SPACES_NDS_NET_H
#define SPACES_NDS_NET_H

#include "family/nds.h"

/* How stages of blocks are read; cells know no difference.
 * PYCLS: pycls, which trained them: the first entry of the lists is the stem, a 3x3 convolution, and
 * num_gs is a number of groups.  The records' counts of parameters agree with it.
 * NWOT: nas-without-training's copy: a stem of 12 channels and stride 2 (with a pool before residual
 * blocks) comes before the first entry, and num_gs is the width of a group. */
enum nds_reading { NDS_PYCLS, NDS_NWOT };

/* Can it be built?  TCET_E_ARG with the entry. */
tcet_status nds_check(tcet_ctx *cx, const struct nds_net *net, enum nds_reading reading);

tcet_status nds_build(tcet_builder *b, const struct nds_net *net, enum nds_reading reading,
                      int32_t classes);

void nds_traits(const struct nds_net *net, enum nds_reading reading, tcet_traits *out);

#endif
