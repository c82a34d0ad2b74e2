/* pickle.c -- see pickle.h.  Room: plugins/dataset/common.  Stands on libc.
 *
 * A machine with a stack of values, a memo, and an array of nodes for tuples, lists and dicts, which
 * values name by number.  Nothing recurs: a list in a list is a node that holds a node's number. */
#include "common/pickle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STACK_MAX = 1 << 18, /* ImageNet16's longest list is appended 1000 values at a time */
    MEMO_MAX = 1 << 20,
    NODES_MAX = 1 << 20,
    ITEMS_MAX = 1 << 22 /* values in lists and dicts, all together */
};

enum type { NONE, INT, TEXT, TUPLE, LIST, DICT, RECONSTRUCT, NDARRAY, DTYPE, ARRAY, MARK };

static const char *const TYPES[] = {"None",    "a number", "a text",     "a tuple",
                                    "a list",  "a dict",   "a function", "a class",
                                    "a dtype", "an array", "a mark"};

/* INT: a is the number.  TEXT: a is where it begins, b its length.  TUPLE, LIST, DICT: a is the node.
 * DTYPE: a is the bytes of a number, 1 of uint8, 4 of int32, 8 of int64, 0 of another type, and b 1 once
 * it is made.  ARRAY: a is the node, whose items are rows, columns, the text of its bytes, and the bytes of
 * a number. */
struct value {
    enum type type;
    int64_t a, b;
};

struct node {
    struct value *item;
    size_t count, cap;
};

struct machine {
    const unsigned char *bytes;
    size_t size, at, op_at;
    struct value *stack, *memo, result;
    size_t depth, stack_cap, memo_count, memo_cap, items;
    struct node *node;
    size_t nodes, node_cap;
    char *error;
    size_t cap;
};

static int wrong(struct machine *m, const char *what)
{
    snprintf(m->error, m->cap, "byte %zu: %s", m->op_at, what);
    return -1;
}

/* -- Reading ------------------------------------------------------------------------------- */

/* n bytes, least significant first. */
static int number(struct machine *m, int n, uint64_t *out)
{
    if (m->size - m->at < (size_t)n)
        return wrong(m, "the pickle ends within an instruction");
    *out = 0;
    for (int i = 0; i < n; i++)
        *out |= (uint64_t)m->bytes[m->at++] << (8 * i);
    return 0;
}

static int text_is(const struct machine *m, const struct value *v, const char *text)
{
    return v->type == TEXT && (size_t)v->b == strlen(text) &&
           !memcmp(m->bytes + v->a, text, (size_t)v->b);
}

/* Makes room for one more of `size` bytes each. */
static int grow(struct machine *m, void *array, size_t count, size_t *cap, size_t size, size_t most)
{
    size_t more = count < 16 ? 32 : 2 * count;
    void *grown;

    if (count < *cap)
        return 0;
    if (count >= most)
        return wrong(m, "the pickle holds more than CIFAR's or ImageNet16's do");
    grown = realloc(*(void **)array, more * size);
    if (!grown)
        return wrong(m, "no memory for the pickle");
    *(void **)array = grown;
    *cap = more;
    return 0;
}

static int push(struct machine *m, enum type type, int64_t a, int64_t b)
{
    if (grow(m, &m->stack, m->depth, &m->stack_cap, sizeof *m->stack, STACK_MAX) < 0)
        return -1;
    m->stack[m->depth++] = (struct value){type, a, b};
    return 0;
}

static int push_text(struct machine *m, int length_bytes)
{
    uint64_t length;

    if (number(m, length_bytes, &length) < 0)
        return -1;
    if (length > m->size - m->at)
        return wrong(m, "the pickle ends within a text");
    m->at += (size_t)length;
    return push(m, TEXT, (int64_t)(m->at - (size_t)length), (int64_t)length);
}

/* Up to eight bytes of a signed number. */
static int push_signed(struct machine *m, int n)
{
    uint64_t v;

    if (number(m, n, &v) < 0)
        return -1;
    if (n && n < 8 && v >> (8 * n - 1))
        v |= ~UINT64_C(0) << (8 * n);
    return push(m, INT, (int64_t)v, 0);
}

static int push_node(struct machine *m, enum type type)
{
    if (grow(m, &m->node, m->nodes, &m->node_cap, sizeof *m->node, NODES_MAX) < 0)
        return -1;
    m->node[m->nodes] = (struct node){.count = 0};
    return push(m, type, (int64_t)m->nodes++, 0);
}

/* The value `back` from the top of the stack (0: the top), which must be of that type. */
static struct value *top(struct machine *m, size_t back, enum type type, const char *what)
{
    struct value *v;
    char text[100];

    if (m->depth <= back) {
        wrong(m, "takes what is not there");
        return NULL;
    }
    v = &m->stack[m->depth - 1 - back];
    if (type == MARK ? v->type != MARK : v->type == type)
        return v;
    snprintf(text, sizeof text, "%s wants %s, not %s", what, TYPES[type], TYPES[v->type]);
    wrong(m, text);
    return NULL;
}

/* Where the values above the last mark begin. */
static int marked(struct machine *m, size_t *first)
{
    for (size_t i = m->depth; i > 0; i--) {
        if (m->stack[i - 1].type == MARK) {
            *first = i;
            return 0;
        }
    }
    return wrong(m, "takes what is above a mark that is not there");
}

/* The values from `first` on into the node of the value that is `below` them, and off the stack down
 * to `keep`. */
static int fill(struct machine *m, size_t first, size_t keep, const struct value *into)
{
    size_t at = (size_t)into->a;

    for (size_t i = first; i < m->depth; i++) {
        struct node *n = &m->node[at];

        if (m->stack[i].type == MARK)
            return wrong(m, "takes a mark for a value");
        if (m->items++ >= ITEMS_MAX)
            return wrong(m, "the pickle holds more than CIFAR's or ImageNet16's do");
        if (grow(m, &n->item, n->count, &n->cap, sizeof *n->item, ITEMS_MAX) < 0)
            return -1;
        n->item[n->count++] = m->stack[i];
    }
    m->depth = keep;
    return 0;
}

/* -- Instructions -------------------------------------------------------------------------- */

/* The values from `first` on become a tuple; keep: what stays on the stack. */
static int tuple(struct machine *m, size_t first, size_t keep)
{
    struct value v;

    if (push_node(m, TUPLE) < 0)
        return -1;
    v = m->stack[--m->depth];
    return fill(m, first, keep, &v) < 0 ? -1 : push(m, TUPLE, v.a, 0);
}

static int short_tuple(struct machine *m, size_t n)
{
    if (m->depth < n)
        return wrong(m, "takes what is not there");
    return tuple(m, m->depth - n, m->depth - n);
}

/* What is above the mark, or `n` values, into the list or dict below. */
static int collect(struct machine *m, enum type type, size_t n)
{
    size_t first, keep;
    struct value *into;

    if (n) {
        if (m->depth <= n)
            return wrong(m, "takes what is not there");
        first = keep = m->depth - n;
    } else {
        if (marked(m, &first) < 0)
            return -1;
        keep = first - 1;
    }
    into = keep ? &m->stack[keep - 1] : NULL;
    if (!into || into->type != type)
        return wrong(m,
                     type == LIST ? "appends to what is no list" : "sets items of what is no dict");
    if (type == DICT && (m->depth - first) % 2)
        return wrong(m, "a key without a value");
    return fill(m, first, keep, &(struct value){type, into->a, 0});
}

static int memo_put(struct machine *m, uint64_t at)
{
    if (!m->depth || m->stack[m->depth - 1].type == MARK)
        return wrong(m, "remembers what is not there");
    if (at >= MEMO_MAX)
        return wrong(m, "the pickle holds more than CIFAR's or ImageNet16's do");
    while (m->memo_count <= at) {
        if (grow(m, &m->memo, m->memo_count, &m->memo_cap, sizeof *m->memo, MEMO_MAX) < 0)
            return -1;
        m->memo[m->memo_count++] = (struct value){MARK, 0, 0};
    }
    m->memo[at] = m->stack[m->depth - 1];
    return 0;
}

static int memo_get(struct machine *m, uint64_t at)
{
    if (at >= m->memo_count || m->memo[at].type == MARK)
        return wrong(m, "recalls what was not remembered");
    return push(m, m->memo[at].type, m->memo[at].a, m->memo[at].b);
}

/* The only names that are known.  `module` and `name` are not terminated. */
static int global(struct machine *m, const unsigned char *module, size_t module_size,
                  const unsigned char *name, size_t name_size)
{
    static const struct {
        const char *module, *name;
        enum type type;
    } known[] = {{"numpy.core.multiarray", "_reconstruct", RECONSTRUCT},
                 {"numpy._core.multiarray", "_reconstruct", RECONSTRUCT},
                 {"numpy", "ndarray", NDARRAY},
                 {"numpy", "dtype", DTYPE}};
    char text[160];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (module_size == strlen(known[i].module) && name_size == strlen(known[i].name) &&
            !memcmp(module, known[i].module, module_size) &&
            !memcmp(name, known[i].name, name_size))
            return push(m, known[i].type, 0, 0);
    }
    snprintf(text, sizeof text,
             "names %.*s.%.*s, which no file of CIFAR or ImageNet16 does; nothing was run",
             (int)(module_size < 40 ? module_size : 40), (const char *)module,
             (int)(name_size < 40 ? name_size : 40), (const char *)name);
    return wrong(m, text);
}

static int global_lines(struct machine *m)
{
    const unsigned char *line[2];
    size_t length[2];

    for (int i = 0; i < 2; i++) {
        const unsigned char *end;

        line[i] = m->bytes + m->at;
        end = memchr(line[i], '\n', m->size - m->at);
        if (!end)
            return wrong(m, "the pickle ends within a name");
        length[i] = (size_t)(end - line[i]);
        m->at += length[i] + 1;
    }
    return global(m, line[0], length[0], line[1], length[1]);
}

static int global_stack(struct machine *m)
{
    const struct value *name = top(m, 0, TEXT, "a name"), *module = name;

    if (name)
        module = top(m, 1, TEXT, "a name");
    if (!module)
        return -1;
    m->depth -= 2;
    return global(m, m->bytes + module->a, (size_t)module->b, m->bytes + name->a, (size_t)name->b);
}

/* Of numbers of that numpy type; 0: they are not read. */
static int number_bytes(const struct machine *m, const struct value *type)
{
    return text_is(m, type, "u1") ? 1 : text_is(m, type, "i4") ? 4 : text_is(m, type, "i8") ? 8 : 0;
}

/* _reconstruct(ndarray, (0,), 'b') and dtype('u1', ...): a value that BUILD fills. */
static int reduce(struct machine *m)
{
    const struct value *arguments = top(m, 0, TUPLE, "a call");
    const struct node *n = arguments ? &m->node[arguments->a] : NULL;
    enum type called;

    if (!n)
        return -1;
    if (m->depth < 2)
        return wrong(m, "takes what is not there");
    called = m->stack[m->depth - 2].type;
    m->depth -= 2;
    if (called == DTYPE && n->count >= 1 && n->item[0].type == TEXT)
        return push(m, DTYPE, number_bytes(m, &n->item[0]), 1);
    if (called != RECONSTRUCT || n->count != 3 || n->item[0].type != NDARRAY)
        return wrong(m, "calls something else than numpy's array and dtype; nothing was run");
    return push_node(m, ARRAY);
}

/* Is the state (3, '>', ...), which turns the bytes of a dtype's numbers around? */
static int is_turned(const struct machine *m, const struct node *state)
{
    return state->count > 1 && text_is(m, &state->item[1], ">");
}

/* (1, (rows, columns), dtype, fortran, bytes) of an array; of a dtype only the order of bytes matters. */
static int build(struct machine *m)
{
    const struct value *state = top(m, 0, TUPLE, "a state"), *shape, *type, *data;
    const struct node *n = state ? &m->node[state->a] : NULL, *s;
    struct value *built, parts[4];
    int64_t rows, columns;

    if (!n)
        return -1;
    if (m->depth < 2)
        return wrong(m, "takes what is not there");
    built = &m->stack[m->depth - 2];
    if (built->type == DTYPE && built->b == 1) {
        if (built->a && is_turned(m, n))
            return wrong(m, "numbers whose most significant byte is the first");
        m->depth--;
        return 0;
    }
    if (built->type != ARRAY || n->count != 5 || m->node[built->a].count)
        return wrong(m, "gives a state to something else than a new array");
    shape = &n->item[1];
    type = &n->item[2];
    data = &n->item[4];
    if (shape->type != TUPLE || type->type != DTYPE || data->type != TEXT)
        return wrong(m, "an array without a shape, a type or its bytes");
    s = &m->node[shape->a];
    rows = s->count > 0 && s->item[0].type == INT ? s->item[0].a : -1;
    columns = s->count == 2 && s->item[1].type == INT ? s->item[1].a : 1;
    if (type->a) { /* others, such as the mean image's, are not looked at */
        if (s->count < 1 || s->count > 2 || rows < 1 || columns < 1 || rows > INT32_MAX ||
            columns > INT32_MAX || rows * columns > data->b || rows * columns * type->a != data->b)
            return wrong(m, "an array whose bytes are not those of its shape");
        if (n->item[3].type != INT || n->item[3].a)
            return wrong(m, "an array in Fortran's order");
    }
    parts[0] = (struct value){INT, type->a ? rows : 0, 0};
    parts[1] = (struct value){INT, columns, 0};
    parts[2] = *data;
    parts[3] = (struct value){INT, type->a, 0};
    m->depth--;
    for (int i = 0; i < 4; i++) {
        if (push(m, parts[i].type, parts[i].a, parts[i].b) < 0)
            return -1;
    }
    return fill(m, m->depth - 4, m->depth - 4, &(struct value){ARRAY, m->stack[m->depth - 5].a, 0});
}

static int long_number(struct machine *m)
{
    uint64_t n;

    if (number(m, 1, &n) < 0)
        return -1;
    if (n > 8)
        return wrong(m, "a number of more than 8 bytes");
    return push_signed(m, (int)n);
}

static int unknown(struct machine *m, int op)
{
    char text[120];

    snprintf(text, sizeof text,
             "opcode 0x%02x, which no file of CIFAR or ImageNet16 has; nothing was run", op);
    return wrong(m, text);
}

/* Numbers and texts, and what is on the stack; -2: another opcode. */
static int step_value(struct machine *m, int op)
{
    uint64_t v;

    switch (op) {
    case 'N': return push(m, NONE, 0, 0);
    case 0x88: return push(m, INT, 1, 0); /* True */
    case 0x89: return push(m, INT, 0, 0);
    case 'K': return number(m, 1, &v) < 0 ? -1 : push(m, INT, (int64_t)v, 0);
    case 'M': return number(m, 2, &v) < 0 ? -1 : push(m, INT, (int64_t)v, 0);
    case 'J': return push_signed(m, 4);
    case 0x8a: return long_number(m);
    case 'U':                          /* python 2's texts */
    case 'C':                          /* bytes */
    case 0x8c: return push_text(m, 1); /* texts */
    case 'T':
    case 'B':
    case 'X': return push_text(m, 4);
    case 0x8e: return push_text(m, 8);
    default: return -2;
    }
}

static int step(struct machine *m, int op)
{
    uint64_t v;
    size_t first;
    int done = step_value(m, op);

    if (done != -2)
        return done;
    switch (op) {
    case '(': return push(m, MARK, 0, 0);
    case ')': return push_node(m, TUPLE);
    case ']': return push_node(m, LIST);
    case '}': return push_node(m, DICT);
    case 't': return marked(m, &first) < 0 ? -1 : tuple(m, first, first - 1);
    case 0x85:
    case 0x86:
    case 0x87: return short_tuple(m, (size_t)(op - 0x84));
    case 'a': return collect(m, LIST, 1);
    case 'e': return collect(m, LIST, 0);
    case 's': return collect(m, DICT, 2);
    case 'u': return collect(m, DICT, 0);
    case 'q': return number(m, 1, &v) < 0 ? -1 : memo_put(m, v);
    case 'r': return number(m, 4, &v) < 0 ? -1 : memo_put(m, v);
    case 0x94: return memo_put(m, m->memo_count);
    case 'h': return number(m, 1, &v) < 0 ? -1 : memo_get(m, v);
    case 'j': return number(m, 4, &v) < 0 ? -1 : memo_get(m, v);
    case 'c': return global_lines(m);
    case 0x93: return global_stack(m);
    case 'R': return reduce(m);
    case 'b': return build(m);
    case 0x95: return number(m, 8, &v); /* a frame's length: a hint for readers */
    default: return unknown(m, op);
    }
}

static int run(struct machine *m)
{
    while (m->at < m->size) {
        int op = m->bytes[m->at];

        m->op_at = m->at++;
        if (op == '.') {
            if (m->depth != 1 || m->stack[0].type != DICT)
                return wrong(m, "the pickle is no dict");
            m->result = m->stack[0];
            return 0;
        }
        if (step(m, op) < 0)
            return -1;
    }
    m->op_at = m->size;
    return wrong(m, "the pickle has no end; is the file cut?");
}

/* -- What it says -------------------------------------------------------------------------- */

static const struct value *member(const struct machine *m, const char *name)
{
    const struct node *d = &m->node[m->result.a];

    for (size_t i = 0; i + 1 < d->count; i += 2) {
        if (text_is(m, &d->item[i], name))
            return &d->item[i + 1];
    }
    return NULL;
}

/* Element i of a list of numbers, or of an array; -1: it is no label. */
static int64_t label_at(const struct machine *m, const struct value *v, const struct node *n,
                        int64_t i)
{
    const unsigned char *at;
    int64_t size, label = 0;

    if (v->type == LIST)
        return n->item[i].type == INT ? n->item[i].a : -1;
    size = n->item[3].a;
    at = m->bytes + n->item[2].a + i * size;
    for (int64_t k = size; k-- > 0;) {
        if (size == 8 && k > 3 && at[k]) /* below 0, or larger than any label */
            return -1;
        label = label << 8 | at[k];
    }
    return label;
}

static int take_labels(const struct machine *m, const char *name, int64_t rows, int32_t **out,
                       char *error, size_t cap)
{
    const struct value *v = member(m, name);
    const struct node *n = v && (v->type == LIST || v->type == ARRAY) ? &m->node[v->a] : NULL;
    int right = n && (v->type == LIST ? n->count == (size_t)rows
                                      : n->count == 4 && n->item[0].a == rows && n->item[1].a == 1);

    if (!right) {
        snprintf(
            error, cap,
            "holds no list \"%s\", or array of uint8, int32 or int64, with a label for each of "
            "%" PRId64 " images",
            name, rows);
        return -1;
    }
    *out = malloc((size_t)rows * sizeof **out);
    if (!*out) {
        snprintf(error, cap, "no memory for the labels");
        return -1;
    }
    for (int64_t i = 0; i < rows; i++) {
        int64_t label = label_at(m, v, n, i);

        if (label < 0 || label >= INT32_MAX) {
            snprintf(error, cap, "\"%s\": label %" PRId64 " is none", name, i);
            return -1;
        }
        (*out)[i] = (int32_t)label;
    }
    return 0;
}

static int take(const struct machine *m, const char *const names[PICKLE_LISTS], struct pickle *out,
                char *error, size_t cap)
{
    const struct value *data = member(m, "data");
    const struct node *n = data && data->type == ARRAY ? &m->node[data->a] : NULL;

    if (!n || n->count != 4 || n->item[0].a < 1 || n->item[3].a != 1) {
        snprintf(error, cap, "holds no array \"data\" of bytes");
        return -1;
    }
    out->rows = n->item[0].a;
    out->columns = n->item[1].a;
    out->at = (size_t)n->item[2].a;
    for (int i = 0; i < PICKLE_LISTS; i++) {
        if (names[i] && take_labels(m, names[i], out->rows, &out->labels[i], error, cap) < 0)
            return -1;
    }
    return 0;
}

int pickle_begins(const unsigned char *bytes, size_t size)
{
    return size > 1 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

int pickle_read(const unsigned char *bytes, size_t size, const char *const names[PICKLE_LISTS],
                struct pickle *out, char *error, size_t cap)
{
    struct machine m = {.bytes = bytes, .size = size, .at = 2, .error = error, .cap = cap};
    int done;

    *out = (struct pickle){.rows = 0};
    done = pickle_begins(bytes, size) ? run(&m) : wrong(&m, "no pickle of protocol 2 to 5");
    if (done == 0)
        done = take(&m, names, out, error, cap);
    for (size_t i = 0; i < m.nodes; i++)
        free(m.node[i].item);
    free(m.node);
    free(m.stack);
    free(m.memo);
    return done;
}

void pickle_free(struct pickle *p)
{
    for (int i = 0; i < PICKLE_LISTS; i++)
        free(p->labels[i]);
    *p = (struct pickle){.rows = 0};
}
