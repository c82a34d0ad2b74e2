/* model.h -- an ONNX file as it stands: nodes, tensors, inputs and outputs, read from protobuf's wire
 * format within bounds, and the memory that a call's results live in.
 * Room: spaces/onnx, which only spaces/onnx.c uses.  Stands on the SDK and libc.  All functions are
 * [any] for distinct contexts; what they give lives until the plugin call returns. */
#ifndef SPACES_ONNX_MODEL_H
#define SPACES_ONNX_MODEL_H

#include <tcet/failf.h>
#include <tcet/space.h>

enum {
    ONNX_FILE_MAX = 1 << 30,
    ONNX_NODES_MAX = 1 << 16,
    ONNX_TENSORS_MAX = 1 << 16,
    ONNX_ITEMS_MAX = 1 << 12, /* inputs, outputs or attributes of a node; ints of an attribute */
    ONNX_NAME_MAX = 512,
    ONNX_RANK_MAX = 8,
    ONNX_OPSET_MIN = 9,
    ONNX_OPSET_MAX = 18
};

/* Types of elements, as onnx.proto numbers them. */
enum {
    ONNX_FLOAT = 1,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_BFLOAT16 = 16
};

/* A call's memory: pieces of the host's scratch. */
struct onnx_memory {
    tcet_ctx *cx;
    char *at;
    size_t left;
};
/* Zeroed; NULL where there is none, and the error is recorded. */
void *onnx_alloc(struct onnx_memory *m, size_t count, size_t size);

/* A constant.  Elements stand in `data`, little-endian and unaligned, as in raw_data. */
struct onnx_tensor {
    const char *name; /* "" of one that the file does not name */
    int32_t type;
    int32_t rank;
    int32_t place; /* among the file's initializers, -1: it is none */
    int64_t dims[ONNX_RANK_MAX];
    int64_t count;
    const unsigned char *data;
    const unsigned char *source; /* the file's elements, of which this is the same or a transpose */
    /* Of one whose elements are an initializer's in other places: that, and where each is there, or
     * how many rows the transpose of it has. */
    const struct onnx_tensor *origin;
    const int32_t *from;
    int64_t turned;
    int32_t computed; /* 1: weights are computed with to make it */
    int32_t merged;   /* 1: one of equal ones that stand in the file once; its name is its own */
};
/* Which element of its origin element i is. */
static inline int64_t onnx_origin_at(const struct onnx_tensor *t, int64_t i)
{
    if (t->turned)
        i = i % (t->count / t->turned) * t->turned + i / (t->count / t->turned);
    return t->from ? t->from[i] : i;
}
/* "float16", as onnx.proto calls a type in small letters. */
const char *onnx_type_name(int32_t type);
/* Bytes of an element; 0: the type is none that is read. */
size_t onnx_type_size(int32_t type);
int64_t onnx_int(const struct onnx_tensor *t, int64_t i);
double onnx_real(const struct onnx_tensor *t, int64_t i);
int onnx_is_whole(const struct onnx_tensor *t); /* of integers or truth values? */

enum { ONNX_ATTR_F = 1, ONNX_ATTR_I = 2, ONNX_ATTR_S = 3, ONNX_ATTR_T = 4, ONNX_ATTR_INTS = 7 };
struct onnx_attr {
    const char *name;
    int32_t type; /* ONNX_ATTR_*, or another of onnx.proto's AttributeType */
    float f;
    int64_t i;
    const char *s;
    const struct onnx_tensor *t;
    const int64_t *ints;
    int32_t count; /* of ints */
};

struct onnx_node {
    const char *name, *op, *domain;
    const char **inputs, **outputs;
    struct onnx_attr *attrs;
    int32_t input_count, output_count, attr_count;
    int32_t number; /* from 1, for messages */
    int32_t dead;   /* 1: the output does not need it, or another has taken its place */
};

/* An input or output of the graph; a dimension that has no number is 0. */
struct onnx_value_info {
    const char *name;
    int32_t type, rank;
    int64_t dims[ONNX_RANK_MAX];
};

struct onnx_model {
    const char *file; /* its name, for messages */
    int64_t opset;
    const char *producer;
    struct onnx_node *nodes;
    struct onnx_tensor *tensors; /* initializers, in the file's order */
    struct onnx_value_info *inputs, *outputs;
    int32_t node_count, tensor_count, input_count, output_count;
};

/* The model of data[n], which must outlive it.  TCET_E_ARG: says what is wrong with the file. */
tcet_status onnx_model_read(struct onnx_memory *m, const char *file, const void *data, size_t n,
                            struct onnx_model *out);

/* "FILE: node 12 "/layer1/conv" (Conv): ..." as TCET_E_ARG. */
tcet_status onnx_refuse(tcet_ctx *cx, const struct onnx_model *model, const struct onnx_node *n,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Attributes, or what stands for one that is not there. */
const struct onnx_attr *onnx_attr_of(const struct onnx_node *n, const char *name);
int64_t onnx_attr_int(const struct onnx_node *n, const char *name, int64_t otherwise);
double onnx_attr_real(const struct onnx_node *n, const char *name, double otherwise);
const char *onnx_attr_text(const struct onnx_node *n, const char *name, const char *otherwise);

#endif
