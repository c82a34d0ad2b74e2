/* net.h -- an ONNX graph on its way into the host's: its values, constants folded as far as shapes
 * need it, patterns of exporters found, and the operations that are left added to the builder.
 * Room: spaces/onnx.  Stands on the SDK and libc. */
#ifndef SPACES_ONNX_NET_H
#define SPACES_ONNX_NET_H

#include "onnx/layout.h"

/* The batch where a file leaves its size open: a prime no shape is a multiple of by chance. */
enum { ONNX_OPEN_BATCH = 1000003 };
/* Most elements of a constant that is computed. */
enum { ONNX_FOLD_MAX = 1 << 16 };

/* What a name of the graph stands for: nothing yet, a constant or a node of the builder's. */
struct onnx_value {
    const char *name;
    const struct onnx_tensor *constant;
    int32_t node;     /* of the builder; -1: none */
    int32_t producer; /* index of the ONNX node that gives it; -1: none */
    int32_t readers;  /* how many inputs of nodes that are not dead; the graph's output counts */
    const struct onnx_layout *layout; /* of a node */
};

/* Names that the builder keeps: they live as long as the space's instance. */
struct onnx_names {
    struct onnx_word *words[256];
};
/* The one copy of a word; NULL: no memory. */
const char *onnx_intern(struct onnx_names *names, const char *word, size_t n);
void onnx_names_free(struct onnx_names *names);

struct onnx_net {
    tcet_ctx *cx;
    struct onnx_memory *m;
    struct onnx_model *model;
    struct onnx_names *names;
    tcet_builder *b;
    struct onnx_value *values; /* by hash of their names */
    struct onnx_modules *modules;
    uint32_t slots;
    int64_t batch;
    int32_t from_file; /* 1: weights are the file's; 0: they are drawn */
};

/* values.c */

/* The model's names as values: what is constant, who makes and who reads what. */
tcet_status onnx_net_open(struct onnx_net *x);
/* The value of that name, made where there is none; NULL: no memory. */
struct onnx_value *onnx_net_value(struct onnx_net *x, const char *name);
/* Input k of a node; NULL where it is left out. */
struct onnx_value *onnx_net_input(struct onnx_net *x, const struct onnx_node *n, int32_t k);
/* The ONNX node that gives it; NULL: none. */
struct onnx_node *onnx_net_producer(struct onnx_net *x, const struct onnx_value *v);
/* Marks as dead what the output does not need, and counts readers. */
tcet_status onnx_net_reach(struct onnx_net *x);
/* The one input that is no initializer, and the one output. */
tcet_status onnx_net_ends(struct onnx_net *x, const struct onnx_value_info **in,
                          const struct onnx_value_info **out);

/* pattern.c: rewrites what exporters write as several nodes into one: operations "Linear", "Swish",
 * "HardSwish", "Gelu", "LayerNormalization". */
tcet_status onnx_net_match(struct onnx_net *x);

/* fold.c: the outputs of a node whose inputs are constants, or of Shape; 0: it is none of these. */
int onnx_net_folds(struct onnx_net *x, const struct onnx_node *n);
tcet_status onnx_net_fold(struct onnx_net *x, const struct onnx_node *n);
/* Is it an operation that only works on constants, or on shapes? */
int onnx_net_shapes(const struct onnx_node *n);
/* A constant of `count` whole numbers, of rank 0 or 1. */
struct onnx_tensor *onnx_net_whole(struct onnx_net *x, int32_t rank, int64_t count, int64_t **data);
/* Numbers of an attribute, or of the input that later opsets have for it; -1: there are none,
 * -2: they are not constant or too many (refused). */
int32_t onnx_net_ints(struct onnx_net *x, const struct onnx_node *n, const char *attr,
                      int32_t input, int64_t out[ONNX_RANK_MAX * 2], tcet_status *st);

/* modules.c */

/* Makes the modules of the weights, in the order in which the file lists them. */
tcet_status onnx_net_modules(struct onnx_net *x);
/* The module of a weight; of a node without weights, by the node's name, -1: none. */
int32_t onnx_net_module(struct onnx_net *x, const struct onnx_node *n, const struct onnx_tensor *w);

/* translate.c */

/* Refuses an operation without a rule, before anything is built. */
tcet_status onnx_net_check(struct onnx_net *x);
tcet_status onnx_net_translate(struct onnx_net *x);

/* One rule: adds a node's operation and sets its output. */
typedef tcet_status onnx_rule(struct onnx_net *x, const struct onnx_node *n);
/* What the rules share. */
#define ONNX_REFUSE(x, n, ...) onnx_refuse((x)->cx, (x)->model, n, __VA_ARGS__)
/* A data input, refused where it is a constant or missing. */
tcet_status onnx_net_data(struct onnx_net *x, const struct onnx_node *n, int32_t k,
                          struct onnx_value **out);
/* A constant input; *out NULL where it is left out, refused where it is data. */
tcet_status onnx_net_constant(struct onnx_net *x, const struct onnx_node *n, int32_t k,
                              const struct onnx_tensor **out);
/* Output 0 is that node of the builder's. */
tcet_status onnx_net_set(struct onnx_net *x, const struct onnx_node *n, int32_t node,
                         const struct onnx_layout *layout);
/* Adds op over inputs and gives it, with that layout, to output 0. */
tcet_status onnx_net_give(struct onnx_net *x, const struct onnx_node *n, const tcet_op *op,
                          const struct onnx_layout *layout);
/* The module's numbers from a tensor, transposed where it is [in, out]; where weights are the file's. */
tcet_status onnx_net_numbers(struct onnx_net *x, const struct onnx_node *n, uint32_t what,
                             int32_t module, const struct onnx_tensor *t, int transposed);

/* layers.c */

/* The decimal number that float32 rounds to this one: 1e-5 is meant by 9.99999975e-06. */
double onnx_decimal(double value);
onnx_rule onnx_conv, onnx_linear, onnx_gemm, onnx_batch_norm, onnx_layer_norm, onnx_pool,
    onnx_matmul;
/* shapes.c */
onnx_rule onnx_reshape, onnx_squeeze, onnx_transpose, onnx_concat, onnx_split, onnx_slice,
    onnx_gather, onnx_pad, onnx_mean;

#endif
