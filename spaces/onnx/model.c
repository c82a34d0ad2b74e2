/* model.c -- see model.h.  Every count is known before memory for it is asked for, and none is larger
 * than the file allows.  Room: spaces/onnx. */
#include "onnx/model.h"

#include <math.h>
#include <stdlib.h>

#include "onnx/wire.h"

/* Fields of onnx.proto's messages that are read. */
enum { MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_TENSOR = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12, GRAPH_SPARSE = 15 };
enum {
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP = 4,
    NODE_ATTR = 5,
    NODE_DOMAIN = 7
};
enum {
    ATTR_NAME = 1,
    ATTR_F = 2,
    ATTR_I = 3,
    ATTR_S = 4,
    ATTR_T = 5,
    ATTR_INTS = 8,
    ATTR_TYPE = 20
};
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14
};

/* What a reader carries: memory, the file's name, and where it is. */
struct reader {
    struct onnx_memory *m;
    const char *file;
};

void *onnx_alloc(struct onnx_memory *m, size_t count, size_t size)
{
    enum { PIECE = 1 << 16, ALIGN = 16 };
    size_t bytes = count * size;
    char *out;

    if (count && bytes / count != size)
        bytes = SIZE_MAX;
    if (bytes > SIZE_MAX - ALIGN)
        goto none;
    bytes = (bytes + ALIGN) / ALIGN * ALIGN;
    if (bytes > PIECE / 4) {
        out = m->cx->host->scratch(m->cx, bytes);
        if (!out)
            goto none;
        return out;
    }
    if (bytes > m->left) {
        m->at = m->cx->host->scratch(m->cx, PIECE);
        m->left = m->at ? PIECE : 0;
        if (!m->at)
            goto none;
    }
    out = m->at;
    m->at += bytes;
    m->left -= bytes;
    return out;
none:
    tcet_fail(m->cx, TCET_E_MEMORY, "no memory for the model");
    return NULL;
}

/* "FILE: node 12 "name" (Op): ..." */
__attribute__((format(printf, 4, 0))) static tcet_status
refuse_at(tcet_ctx *cx, const char *file, const struct onnx_node *n, const char *format, va_list ap)
{
    char text[800];

    vsnprintf(text, sizeof text, format, ap);
    if (!n)
        return tcet_failf(cx, TCET_E_ARG, "%s: %s", file, text);
    return tcet_failf(cx, TCET_E_ARG, "%s: node %d%s%.120s%s (%.60s): %s", file, n->number,
                      *n->name ? " \"" : "", n->name, *n->name ? "\"" : "", n->op, text);
}

__attribute__((format(printf, 2, 3))) static tcet_status refuse(const struct reader *r,
                                                                const char *format, ...)
{
    va_list ap;
    tcet_status st;

    va_start(ap, format);
    st = refuse_at(r->m->cx, r->file, NULL, format, ap);
    va_end(ap);
    return st;
}

static tcet_status broken(const struct reader *r, const char *what)
{
    return refuse(r, "%s is no protobuf message: the file is damaged, or no ONNX file", what);
}

/* ---- tensors ---- */

const char *onnx_type_name(int32_t type)
{
    static const char *const names[] = {"undefined",  "float",   "uint8",  "int8",   "uint16",
                                        "int16",      "int32",   "int64",  "string", "bool",
                                        "float16",    "double",  "uint32", "uint64", "complex64",
                                        "complex128", "bfloat16"};

    return type >= 0 && (size_t)type < TCET_COUNT(names) ? names[type] : "of a later ONNX";
}

size_t onnx_type_size(int32_t type)
{
    switch (type) {
    case ONNX_FLOAT:
    case ONNX_INT32: return 4;
    case ONNX_INT64:
    case ONNX_DOUBLE: return 8;
    case ONNX_BOOL: return 1;
    case ONNX_FLOAT16:
    case ONNX_BFLOAT16: return 2;
    default: return 0;
    }
}

int onnx_is_whole(const struct onnx_tensor *t)
{
    return t->type == ONNX_INT32 || t->type == ONNX_INT64 || t->type == ONNX_BOOL;
}

/* IEEE's half precision, exactly. */
static double half(uint64_t bits)
{
    int exponent = bits >> 10 & 31;
    double fraction = (double)(bits & 1023), value;

    if (exponent == 31)
        value = fraction > 0 ? (double)NAN : (double)INFINITY;
    else
        value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return bits >> 15 & 1 ? -value : value;
}

static uint64_t element(const struct onnx_tensor *t, int64_t i)
{
    size_t size = onnx_type_size(t->type);
    struct wire w = {t->data + (size_t)i * size, t->data + (size_t)(i + 1) * size};
    uint64_t out = 0;

    wire_fixed(&w, size, &out);
    return out;
}

double onnx_real(const struct onnx_tensor *t, int64_t i)
{
    uint64_t bits = element(t, i);
    double d;

    switch (t->type) {
    case ONNX_FLOAT: return (double)wire_float(bits);
    case ONNX_FLOAT16: return half(bits);
    case ONNX_BFLOAT16: return (double)wire_float(bits << 16);
    case ONNX_DOUBLE: memcpy(&d, &bits, sizeof d); return d;
    case ONNX_INT32: return (double)(int32_t)bits;
    case ONNX_INT64: return (double)(int64_t)bits;
    default: return (double)(bits != 0);
    }
}

int64_t onnx_int(const struct onnx_tensor *t, int64_t i)
{
    double d;

    if (onnx_is_whole(t))
        return t->type == ONNX_INT32   ? (int32_t)element(t, i)
               : t->type == ONNX_INT64 ? (int64_t)element(t, i)
                                       : element(t, i) != 0;
    d = onnx_real(t, i);
    return d > -0x1p62 && d < 0x1p62 ? (int64_t)d : INT64_MIN;
}

/* A name or text, NUL-terminated. */
static tcet_status read_text(const struct reader *r, struct wire w, const char *what,
                             const char **out)
{
    size_t n = (size_t)(w.end - w.at);
    char *copy;

    if (n >= ONNX_NAME_MAX)
        return refuse(r, "%s has %zu bytes; at most %d are read", what, n, ONNX_NAME_MAX - 1);
    if (memchr(w.at, '\0', n))
        return refuse(r, "%s holds a NUL byte", what);
    copy = onnx_alloc(r->m, n + 1, 1);
    if (!copy)
        return TCET_E_MEMORY;
    memcpy(copy, w.at, n);
    *out = copy;
    return TCET_OK;
}

/* The next number of a repeated field, which may be packed: 1; 0: there is none; -1: broken. */
static int next_number(struct wire_field *f, int fixed, uint64_t *out)
{
    if (f->type != WIRE_BYTES) {
        if (f->type == UINT32_MAX)
            return 0;
        *out = f->value;
        f->type = UINT32_MAX; /* taken */
        return 1;
    }
    if (f->body.at == f->body.end)
        return 0;
    return (fixed ? wire_fixed(&f->body, (size_t)fixed, out) : wire_varint(&f->body, out)) ? 1 : -1;
}

/* Values that stand in typed fields instead of raw_data: packed together as raw_data would have them. */
struct typed {
    unsigned char *data;
    size_t size; /* of an element in data */
    int64_t room, count;
};

static int add_typed(struct typed *t, struct wire_field f)
{
    int fixed = f.number == TENSOR_FLOATS ? 4 : f.number == TENSOR_DOUBLES ? 8 : 0, got;
    uint64_t v;

    while ((got = next_number(&f, fixed, &v)) > 0) {
        if (t->count == t->room)
            return -1;
        for (size_t k = 0; k < t->size; k++)
            t->data[(size_t)t->count * t->size + k] = (unsigned char)(v >> 8 * k);
        t->count++;
    }
    return got;
}

/* The typed field that a type's values stand in. */
static uint32_t typed_field(int32_t type)
{
    return type == ONNX_FLOAT    ? TENSOR_FLOATS
           : type == ONNX_DOUBLE ? TENSOR_DOUBLES
           : type == ONNX_INT64  ? TENSOR_INT64S
                                 : TENSOR_INT32S;
}

static tcet_status read_typed(const struct reader *r, struct wire w, struct onnx_tensor *t)
{
    struct typed values = {.size = onnx_type_size(t->type), .room = t->count};
    struct wire_field f;

    /* Each value takes a byte of the file at the least. */
    if (t->count > w.end - w.at)
        return refuse(r, "tensor \"%.100s\" has fewer than its %lld values", t->name,
                      (long long)t->count);
    values.data = onnx_alloc(r->m, (size_t)t->count, values.size);
    if (!values.data)
        return TCET_E_MEMORY;
    while (wire_next(&w, &f) > 0)
        if (f.number == typed_field(t->type) && add_typed(&values, f) < 0)
            return refuse(r, "tensor \"%.100s\" has more than its %lld values", t->name,
                          (long long)t->count);
    if (values.count != t->count)
        return refuse(r, "tensor \"%.100s\" has %lld of its %lld values", t->name,
                      (long long)values.count, (long long)t->count);
    t->data = t->source = values.data;
    return TCET_OK;
}

static tcet_status read_dim(const struct reader *r, struct onnx_tensor *t, uint64_t v)
{
    if (t->rank == ONNX_RANK_MAX)
        return refuse(r, "tensor \"%.100s\" has more than %d dimensions", t->name, ONNX_RANK_MAX);
    if (v > INT32_MAX || (v && t->count > ONNX_FILE_MAX / (int64_t)v))
        return refuse(r, "tensor \"%.100s\" is larger than any file that is read", t->name);
    t->dims[t->rank++] = (int64_t)v;
    t->count *= (int64_t)v;
    return TCET_OK;
}

/* Name, type and extents; and raw_data where it stands. */
static tcet_status read_tensor_head(const struct reader *r, struct wire w, struct onnx_tensor *t,
                                    struct wire *raw)
{
    struct wire_field f;
    int more;
    uint64_t v;

    t->name = "";
    t->count = 1;
    t->place = -1;
    for (struct wire names = w; wire_next(&names, &f) > 0;)
        if (f.number == TENSOR_NAME) {
            tcet_status st = read_text(r, f.body, "the name of a tensor", &t->name);

            if (st < 0)
                return st;
        }
    while ((more = wire_next(&w, &f)) > 0) {
        tcet_status st = TCET_OK;

        if (f.number == TENSOR_TYPE)
            t->type = (int32_t)f.value;
        else if (f.number == TENSOR_RAW)
            *raw = f.body;
        else if (f.number == TENSOR_EXTERNAL || (f.number == TENSOR_LOCATION && f.value))
            return refuse(r,
                          "tensor \"%.100s\" has its values in another file (external data), which "
                          "is not read: save the model as one file",
                          t->name);
        else if (f.number == TENSOR_DIMS)
            while (st >= 0 && (more = next_number(&f, 0, &v)) > 0)
                st = read_dim(r, t, v);
        if (st < 0)
            return st;
        if (more < 0)
            break;
    }
    return more < 0 ? broken(r, "a tensor") : TCET_OK;
}

static tcet_status read_tensor(const struct reader *r, struct wire w, struct onnx_tensor *t)
{
    struct wire raw = {NULL, NULL};
    tcet_status st = read_tensor_head(r, w, t, &raw);

    if (st < 0)
        return st;
    if (!onnx_type_size(t->type)) {
        /* Refused where a node reads it: strings and the like may stand where nobody does. */
        t->count = 0;
        return TCET_OK;
    }
    if (!raw.at || (raw.at == raw.end && t->count))
        return read_typed(r, w, t);
    if ((size_t)(raw.end - raw.at) != (size_t)t->count * onnx_type_size(t->type))
        return refuse(r, "tensor \"%.100s\" has %zu bytes of data; its shape and type ask for %zu",
                      t->name, (size_t)(raw.end - raw.at),
                      (size_t)t->count * onnx_type_size(t->type));
    t->data = t->source = raw.at;
    return TCET_OK;
}

/* ---- nodes ---- */

/* How many fields of that number a message has; -1: it is broken. */
static int64_t count_fields(struct wire w, uint32_t number)
{
    struct wire_field f;
    int64_t n = 0;
    int more;

    while ((more = wire_next(&w, &f)) > 0)
        n += f.number == number;
    return more < 0 ? -1 : n;
}

/* Zeroed room for the fields of that number, in *out; their number into *count. */
static tcet_status room_for(const struct reader *r, struct wire w, uint32_t number,
                            const char *what, int64_t most, size_t size, void *out, int32_t *count)
{
    int64_t n = count_fields(w, number);
    void *room;

    if (n < 0)
        return broken(r, what);
    if (n > most)
        return refuse(r, "%lld of %s; at most %lld are read", (long long)n, what, (long long)most);
    room = onnx_alloc(r->m, (size_t)n, size);
    memcpy(out, &room, sizeof room);
    *count = (int32_t)n;
    return room ? TCET_OK : TCET_E_MEMORY;
}

static tcet_status read_ints(const struct reader *r, struct wire w, struct onnx_attr *a)
{
    struct wire_field f;
    int64_t n = 0, *ints;
    uint64_t v;

    for (struct wire x = w; wire_next(&x, &f) > 0;)
        if (f.number == ATTR_INTS)
            while (next_number(&f, 0, &v) > 0)
                n++;
    if (n > ONNX_ITEMS_MAX)
        return refuse(r, "attribute %.60s has %lld numbers; at most %d are read", a->name,
                      (long long)n, ONNX_ITEMS_MAX);
    ints = onnx_alloc(r->m, (size_t)n, sizeof *ints);
    if (!ints)
        return TCET_E_MEMORY;
    a->ints = ints;
    while (wire_next(&w, &f) > 0)
        if (f.number == ATTR_INTS)
            while (a->count < n && next_number(&f, 0, &v) > 0)
                ints[a->count++] = (int64_t)v;
    return TCET_OK;
}

static tcet_status read_attr(const struct reader *r, struct wire w, struct onnx_attr *a)
{
    struct wire whole = w;
    struct wire_field f;
    tcet_status st = TCET_OK;
    int more;

    a->name = a->s = "";
    while (st >= 0 && (more = wire_next(&w, &f)) != 0) {
        if (more < 0)
            return broken(r, "an attribute");
        switch (f.number) {
        case ATTR_NAME: st = read_text(r, f.body, "the name of an attribute", &a->name); break;
        case ATTR_F: a->f = wire_float(f.value); break;
        case ATTR_I: a->i = (int64_t)f.value; break;
        case ATTR_S:
            if (f.body.end - f.body.at < ONNX_NAME_MAX &&
                !memchr(f.body.at, 0, (size_t)(f.body.end - f.body.at)))
                st = read_text(r, f.body, "an attribute", &a->s);
            break;
        case ATTR_TYPE: a->type = (int32_t)f.value; break;
        case ATTR_T: {
            struct onnx_tensor *t = onnx_alloc(r->m, 1, sizeof *t);

            a->t = t;
            st = t ? read_tensor(r, f.body, t) : TCET_E_MEMORY;
            break;
        }
        default: break;
        }
    }
    return st < 0 ? st : read_ints(r, whole, a);
}

static tcet_status read_node(const struct reader *r, struct wire w, struct onnx_node *n)
{
    int32_t inputs = 0, outputs = 0, attrs = 0;
    struct wire_field f;
    tcet_status st;

    n->name = n->op = n->domain = "";
    st = room_for(r, w, NODE_INPUT, "the inputs of a node", ONNX_ITEMS_MAX, sizeof *n->inputs,
                  &n->inputs, &n->input_count);
    if (st >= 0)
        st = room_for(r, w, NODE_OUTPUT, "the outputs of a node", ONNX_ITEMS_MAX,
                      sizeof *n->outputs, &n->outputs, &n->output_count);
    if (st >= 0)
        st = room_for(r, w, NODE_ATTR, "the attributes of a node", ONNX_ITEMS_MAX, sizeof *n->attrs,
                      &n->attrs, &n->attr_count);
    while (st >= 0 && wire_next(&w, &f) > 0) {
        switch (f.number) {
        case NODE_INPUT:
            st = read_text(r, f.body, "the name of an input", &n->inputs[inputs++]);
            break;
        case NODE_OUTPUT:
            st = read_text(r, f.body, "the name of an output", &n->outputs[outputs++]);
            break;
        case NODE_NAME: st = read_text(r, f.body, "the name of a node", &n->name); break;
        case NODE_OP: st = read_text(r, f.body, "the operation of a node", &n->op); break;
        case NODE_DOMAIN: st = read_text(r, f.body, "the domain of a node", &n->domain); break;
        case NODE_ATTR: st = read_attr(r, f.body, &n->attrs[attrs++]); break;
        default: break;
        }
    }
    return st;
}

/* ---- inputs and outputs ---- */

/* The last message in field `number` of w, empty where there is none. */
static struct wire inner(struct wire w, uint32_t number)
{
    struct wire out = {w.end, w.end};
    struct wire_field f;

    while (wire_next(&w, &f) > 0)
        if (f.number == number)
            out = f.body;
    return out;
}

static uint64_t inner_number(struct wire w, uint32_t number)
{
    uint64_t out = 0;
    struct wire_field f;

    while (wire_next(&w, &f) > 0)
        if (f.number == number)
            out = f.value;
    return out;
}

static tcet_status read_info(const struct reader *r, struct wire w, struct onnx_value_info *v)
{
    struct wire tensor = inner(inner(w, 2), 1), shape = inner(tensor, 2);
    struct wire_field f;

    v->type = (int32_t)inner_number(tensor, 1);
    while (wire_next(&shape, &f) > 0) {
        uint64_t dim = f.number == 1 ? inner_number(f.body, 1) : 0;

        if (f.number != 1)
            continue;
        if (v->rank == ONNX_RANK_MAX || dim > INT32_MAX)
            return refuse(r,
                          "an input or output has more than %d dimensions, or a larger one than "
                          "%d",
                          ONNX_RANK_MAX, INT32_MAX);
        v->dims[v->rank++] = (int64_t)dim;
    }
    return read_text(r, inner(w, 1), "the name of an input or output", &v->name);
}

/* ---- the model ---- */

static tcet_status read_graph_item(const struct reader *r, struct onnx_model *out,
                                   const struct wire_field *f, int32_t at[16])
{
    int32_t *k = &at[f->number < 16 ? f->number : 0];
    tcet_status st;

    switch (f->number) {
    case GRAPH_NODE:
        st = read_node(r, f->body, &out->nodes[*k]);
        out->nodes[*k].number = *k + 1;
        break;
    case GRAPH_TENSOR:
        st = read_tensor(r, f->body, &out->tensors[*k]);
        out->tensors[*k].place = *k;
        break;
    case GRAPH_INPUT: st = read_info(r, f->body, &out->inputs[*k]); break;
    case GRAPH_OUTPUT: st = read_info(r, f->body, &out->outputs[*k]); break;
    case GRAPH_SPARSE: return refuse(r, "it has sparse initializers, which are not read");
    default: st = TCET_OK;
    }
    ++*k;
    return st;
}

static tcet_status read_graph(const struct reader *r, struct wire w, struct onnx_model *out)
{
    int32_t at[16] = {0};
    struct wire_field f;
    tcet_status st;

    st = room_for(r, w, GRAPH_NODE, "the nodes", ONNX_NODES_MAX, sizeof *out->nodes, &out->nodes,
                  &out->node_count);
    if (st >= 0)
        st = room_for(r, w, GRAPH_TENSOR, "the initializers", ONNX_TENSORS_MAX,
                      sizeof *out->tensors, &out->tensors, &out->tensor_count);
    if (st >= 0)
        st = room_for(r, w, GRAPH_INPUT, "the inputs", ONNX_TENSORS_MAX, sizeof *out->inputs,
                      &out->inputs, &out->input_count);
    if (st >= 0)
        st = room_for(r, w, GRAPH_OUTPUT, "the outputs", ONNX_ITEMS_MAX, sizeof *out->outputs,
                      &out->outputs, &out->output_count);
    while (st >= 0 && wire_next(&w, &f) > 0)
        st = read_graph_item(r, out, &f, at);
    return st;
}

/* The version of the standard operators; those of other domains are refused with their node. */
static tcet_status read_opset(const struct reader *r, struct wire w, struct onnx_model *out)
{
    struct wire domain = inner(w, OPSET_DOMAIN);
    size_t n = (size_t)(domain.end - domain.at);

    if (n && (n != 7 || memcmp(domain.at, "ai.onnx", 7)))
        return TCET_OK;
    out->opset = (int64_t)inner_number(w, OPSET_VERSION);
    if (out->opset < ONNX_OPSET_MIN || out->opset > ONNX_OPSET_MAX)
        return refuse(r, "its operators are those of opset %lld; opsets %d to %d are read",
                      (long long)out->opset, ONNX_OPSET_MIN, ONNX_OPSET_MAX);
    return TCET_OK;
}

tcet_status onnx_model_read(struct onnx_memory *m, const char *file, const void *data, size_t n,
                            struct onnx_model *out)
{
    struct reader r = {.m = m, .file = file};
    struct wire w = {data, (const unsigned char *)data + n}, graph = {NULL, NULL};
    struct wire_field f;
    tcet_status st = TCET_OK;
    int more;

    *out = (struct onnx_model){.file = file, .producer = ""};
    while ((more = wire_next(&w, &f)) > 0 && st >= 0) {
        if (f.number == MODEL_GRAPH)
            graph = f.body;
        else if (f.number == MODEL_OPSET)
            st = read_opset(&r, f.body, out);
        else if (f.number == MODEL_PRODUCER)
            st = read_text(&r, f.body, "the producer's name", &out->producer);
    }
    if (st < 0)
        return st;
    if (more < 0)
        return broken(&r, "the model");
    if (!graph.at)
        return refuse(&r, "it holds no graph: it is no ONNX file");
    if (!out->opset)
        return refuse(&r, "it does not say which opset its operators are of");
    return read_graph(&r, graph, out);
}

/* ---- messages and attributes ---- */

tcet_status onnx_refuse(tcet_ctx *cx, const struct onnx_model *model, const struct onnx_node *n,
                        const char *format, ...)
{
    va_list ap;
    tcet_status st;

    va_start(ap, format);
    st = refuse_at(cx, model->file, n, format, ap);
    va_end(ap);
    return st;
}

const struct onnx_attr *onnx_attr_of(const struct onnx_node *n, const char *name)
{
    for (int32_t i = 0; i < n->attr_count; i++)
        if (!strcmp(n->attrs[i].name, name))
            return &n->attrs[i];
    return NULL;
}

int64_t onnx_attr_int(const struct onnx_node *n, const char *name, int64_t otherwise)
{
    const struct onnx_attr *a = onnx_attr_of(n, name);

    return a ? a->i : otherwise;
}

double onnx_attr_real(const struct onnx_node *n, const char *name, double otherwise)
{
    const struct onnx_attr *a = onnx_attr_of(n, name);

    return a ? (double)a->f : otherwise;
}

const char *onnx_attr_text(const struct onnx_node *n, const char *name, const char *otherwise)
{
    const struct onnx_attr *a = onnx_attr_of(n, name);

    return a ? a->s : otherwise;
}
