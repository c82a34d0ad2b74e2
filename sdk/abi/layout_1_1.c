/* What plugin ABI 1.1 adds: a binary plugin built against it relies on every line here and in the
 * older ones.  Written by sdk/abi/make_layout.sh, checked by sdk/abi/check.sh.  Room: sdk. */
#include "layout_1_0.c"

FIELD(tcet_pass, repeat, 72, 4);
FIELD(tcet_pass, network, 76, 4);
VALUE(TCET_NETWORK_FULL, 0);
VALUE(TCET_NETWORK_THIN, 1);
VALUE(TCET_WANT_BIAS, 1024);
VALUE(TCET_WANT_BIAS_GRADIENT, 2048);
VALUE(TCET_WANT_NORM_OUTPUT, 4096);
FIELD(tcet_layer, bias, 504, 40);
FIELD(tcet_layer, bias_gradient, 544, 40);
FIELD(tcet_space_ops, build_thin, 96, 8);
