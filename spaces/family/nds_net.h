/* nds_net.h -- builds the networks of NDS as pycls does, with its module names.
 * Room: spaces/family.  Stands on family/nds and the SDK. */
#ifndef SPACES_NDS_NET_H
#define SPACES_NDS_NET_H

#include "family/nds.h"

/* Can it be built?  TCET_E_ARG with the entry.  Sets its reading, which is AUTO no more. */
tcet_status nds_check(tcet_ctx *cx, struct nds_net *net, enum nds_reading reading);

/* Of one that nds_check() has passed. */
tcet_status nds_build(tcet_builder *b, const struct nds_net *net, int32_t classes);
void nds_traits(const struct nds_net *net, tcet_traits *out);

/* The entry that is the first stage. */
int32_t nds_first_stage(const struct nds_net *net);

#endif
