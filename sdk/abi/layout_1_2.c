/* What plugin ABI 1.2 adds: a binary plugin built against it relies on every line here and in the
 * older ones.  Written by sdk/abi/make_layout.sh, checked by sdk/abi/check.sh.  Room: sdk. */
#include "layout_1_1.c"
FIELD(tcet_host, epsilon, 152, 8);
VALUE(TCET_LAYER_LAYER_NORM, 8);
FIELD(tcet_layer, container, 584, 8);
VALUE(TCET_OP_MATMUL_T, 21);
VALUE(TCET_OP_MATMUL, 22);
VALUE(TCET_OP_SOFTMAX, 23);
VALUE(TCET_OP_LAYER_NORM, 24);
VALUE(TCET_OP_GELU, 25);
FIELD(tcet_builder, module_class, 64, 8);
