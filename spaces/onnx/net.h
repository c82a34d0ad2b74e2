/* net.h -- an ONNX graph on its way into the host's: its values, constants folded as far as shapes
 * need it, patterns of exporters found, and the operations that are left added to the builder.
 * Room: spaces/onnx.  Stands on the SDK and libc. */
#ifndef SPACES_ONNX_NET_H
#define SPACES_ONNX_NET_H

#include "onnx/layout.h"

/* The batch where a file leaves its size open: a prime no shape is a multiple of by chance. */
enum { ONNX_OPEN_BATCH = 1000003 };
/* Most elements of a constant that is computed, and of all of them. */
enum { ONNX_FOLD_MAX = 1 << 22, ONNX_FOLDS_MAX = 1 << 24 };
/* Most numbers of an image that are moved, in all. */
enum { ONNX_MOVES_MAX = 1 << 26 };

/* What a name of the graph stands for: nothing yet, a constant or a node of the builder's. */
struct onnx_value {
    const char *name;
    const struct onnx_tensor *constant;
    int32_t node;     /* of the builder, of a constant that of its parameter; -1: none */
    int32_t producer; /* index of the ONNX node that gives it; -1: none */
    int32_t readers;  /* how many inputs of nodes, after onnx_net_reach of those that are not
                         dead; the graph's output counts then */
    int32_t weighs;   /* 1: a constant that is the weight of a layer or norm */
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
    int64_t folded, moves; /* elements of constants that were computed; numbers that are moved */
    const char *buffers;   /* names of initializers that are not learned, with commas; NULL none */
    int32_t from_file;     /* 1: weights are the file's; 0: they are drawn */
    int32_t constants;     /* modules of constants so far */
    /* Initializers that an exporter merged with equal ones, those that several modules have, and uses of a
     * module after its first; with the name of one each, NULL none. */
    int32_t merged, shared, again;
    const char *merged_as, *shared_as, *again_as;
};

/* A rule of fold.c and move.c: sets the constant that a node's output is. */
typedef tcet_status onnx_fold(struct onnx_net *x, const struct onnx_node *n);

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

/* arrange.c: values whose numbers must move for who reads them. */

/* The node of v, data or a constant, as `want` has it; an axis of 1, or one that is missing in front, is
 * the same all over. */
tcet_status onnx_net_as(struct onnx_net *x, const struct onnx_node *n, const struct onnx_value *v,
                        const struct onnx_layout *want, int32_t *node);
/* The node as onnx_layout_parts has it; l becomes that. */
tcet_status onnx_net_parts(struct onnx_net *x, const struct onnx_node *n, const int32_t *parts,
                           struct onnx_layout *l, int32_t *node);
/* The axis becomes the channels, the others rows and columns. */
tcet_status onnx_net_along(struct onnx_net *x, const struct onnx_node *n, int32_t axis,
                           struct onnx_layout *l, int32_t *node);
/* What each axis is of: the part of its last atom. */
void onnx_net_parts_of(const struct onnx_layout *l, int32_t *parts);
/* Elements at[0 .. count) of an axis, -1 a zero; l and the node become theirs. */
tcet_status onnx_net_pick(struct onnx_net *x, const struct onnx_node *n, int32_t axis,
                          const int64_t *at, int64_t count, struct onnx_layout *l, int32_t *node);
/* Is a constant learned: an initializer, and no buffer? */
int onnx_net_learned(const struct onnx_net *x, const struct onnx_tensor *t);

/* move.c: constants whose elements are moved. */
onnx_fold onnx_fold_squeeze, onnx_fold_reshape, onnx_fold_transpose, onnx_fold_concat,
    onnx_fold_gather, onnx_fold_slice, onnx_fold_expand;

/* fold.c: the outputs of a node whose inputs are constants, or of Shape; 0: it is none of these. */
int onnx_net_folds(struct onnx_net *x, const struct onnx_node *n);
tcet_status onnx_net_fold(struct onnx_net *x, const struct onnx_node *n);
/* Is it an operation that only works on constants, or on shapes? */
int onnx_net_shapes(const struct onnx_node *n);
/* A constant of `count` whole numbers, of rank 0 or 1. */
struct onnx_tensor *onnx_net_whole(struct onnx_net *x, int32_t rank, int64_t count, int64_t **data);
/* A constant of that type and shape, whose elements are to be written to *data_out. */
struct onnx_tensor *onnx_net_tensor(struct onnx_net *x, int32_t type, int32_t rank,
                                    const int64_t *dims, void *data_out);
/* Output 0 is that constant; NULL: there was no memory, and the error is recorded. */
tcet_status onnx_net_fold_give(struct onnx_net *x, const struct onnx_node *n,
                               const struct onnx_tensor *t);
/* The constant that input k is; NULL: none. */
const struct onnx_tensor *onnx_net_folded(struct onnx_net *x, const struct onnx_node *n, int32_t k);
/* Numbers of an attribute, or of the input that later opsets have for it; -1: there are none,
 * -2: they are not constant or too many (refused). */
int32_t onnx_net_ints(struct onnx_net *x, const struct onnx_node *n, const char *attr,
                      int32_t input, int64_t out[ONNX_RANK_MAX * 2], tcet_status *st);

/* modules.c */

/* Makes the modules of the weights, in the order in which the file lists them. */
tcet_status onnx_net_modules(struct onnx_net *x);
/* The module of a weight; of a node without weights, by the node's name, -1: none. */
int32_t onnx_net_module(struct onnx_net *x, const struct onnx_node *n, const struct onnx_tensor *w);
/* A module for an initializer's own numbers, of its whole name; NULL: for a constant's. */
int32_t onnx_net_own_module(struct onnx_net *x, const char *name);

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
/* The same wherever weights come from. */
tcet_status onnx_net_values(struct onnx_net *x, const struct onnx_node *n, uint32_t what,
                            int32_t module, const struct onnx_tensor *t, int transposed);

/* layers.c */

/* The decimal number that float32 rounds to this one: 1e-5 is meant by 9.99999975e-06. */
double onnx_decimal(double value);
onnx_rule onnx_conv, onnx_linear, onnx_gemm, onnx_batch_norm, onnx_layer_norm, onnx_pool,
    onnx_matmul;
/* shapes.c */
onnx_rule onnx_reshape, onnx_squeeze, onnx_transpose, onnx_concat, onnx_split, onnx_slice,
    onnx_gather, onnx_pad, onnx_mean, onnx_expand, onnx_resize;

#endif
