/* tcet/plugin.h -- the core of the tcet plugin ABI: status codes, views, the call
 * context and the host's services, parameters, plugin and module descriptors.
 *
 * Room: sdk.  Depends on <stddef.h> and <stdint.h> alone; valid C11 and C++17.
 * A plugin links to nothing of ours: everything it needs arrives through tcet_ctx.
 *
 * Words used below (docs/writing-a-plugin.md explains them):
 *   [load]      called once, on the loading thread, before any work
 *   [instance]  never two calls at a time on one instance; the thread may differ
 *   [any]       may be called concurrently
 *   "borrowed"  a pointer that dies when the call it was given to returns
 *
 * Growth rules: a minor version may append fields to structs that begin with
 * struct_size, append functions to tcet_host, and add enum values.  tcet_view and
 * tcet_param rows are frozen for the major.  Growable structs never stand in arrays
 * by value.  Only the host compares versions. */
#ifndef TCET_PLUGIN_H
#define TCET_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TCET_ABI_MAJOR 1
#ifndef TCET_ABI_MINOR
#define TCET_ABI_MINOR 2
#endif

#define TCET_EXPORT   __attribute__((visibility("default")))
#define TCET_MUST_USE __attribute__((warn_unused_result))

#if defined(__SANITIZE_ADDRESS__)
#define TCET_BUILD_ASAN 1u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TCET_BUILD_ASAN 1u
#endif
#endif
#ifndef TCET_BUILD_ASAN
#define TCET_BUILD_ASAN 0u
#endif

/* Result of every fallible call: 0, or a negative code whose message was given to
 * tcet_host.fail.  Outputs are untouched when a call fails. */
typedef int32_t tcet_status;
enum {
    TCET_OK = 0,
    TCET_E_ARG = -1,         /* bad input: parameter, architecture string, file contents */
    TCET_E_MEMORY = -2,      /* an allocation failed */
    TCET_E_UNSUPPORTED = -3, /* valid, but not offered by this plugin or device */
    TCET_E_NUMERIC = -4,     /* the mathematics has no answer here */
    TCET_E_IO = -5,          /* the operating system refused a file */
    TCET_E_BACKEND = -6,     /* the tensor library failed */
    TCET_E_CANCELLED = -7,   /* the user asked to stop */
    TCET_E_PLUGIN = -8       /* a plugin broke the contract */
};

/* Plugin kinds.  Backend is a draft (tcet/draft/). */
typedef uint32_t tcet_kind;
enum {
    TCET_SALIENCY = 1,
    TCET_AGGREGATOR = 2,
    TCET_COMBINER = 3,
    TCET_SPACE = 4,
    TCET_DATASET = 5,
    TCET_BACKEND = 6,
    TCET_STRATEGY = 7
};

/* Element types of a view. */
enum { TCET_F32 = 0, TCET_F64 = 1, TCET_I64 = 2, TCET_U8 = 3, TCET_U64 = 4 };
enum { TCET_CPU = 0, TCET_CUDA = 1 };

/* A borrowed window on numbers: row-major, contiguous, in CPU memory unless a call
 * says otherwise.  count is the product of the extents; data is NULL when the thing was
 * not asked for, or is not there (then count is 0).  Frozen: this struct never grows. */
typedef struct tcet_view {
    void *data;
    const int64_t *shape;  /* ndim extents */
    const int64_t *stride; /* ndim strides, in elements */
    int64_t count;
    int32_t ndim;
    uint8_t dtype;
    uint8_t device;
    uint16_t device_index;
} tcet_view;

/* Form of S^l, hence its size [rows, cols]. */
enum {
    TCET_FORM_VECTOR = 0, /* [1, weight elements] */
    TCET_FORM_ROWS = 1,   /* [layer.rows, weight elements] */
    TCET_FORM_KERNEL = 2, /* [n, n], n images */
    TCET_FORM_SCALAR = 3, /* [1, 1] */
    TCET_FORM_CUSTOM = 4  /* asked of shape() */
};
#define TCET_FORM_BIT(form) (1u << (form))

/* Since 1.2: what an image's target t is, and the loss of a network's outputs z against it that
 * TCET_LOSS_CROSS_ENTROPY stands for; p is the softmax of z over the classes.  A loss of several images
 * is their losses' mean. */
enum {
    TCET_TARGET_CLASS = 0,   /* a class y: -ln p_y */
    TCET_TARGET_SHARES = 1,  /* [classes] soft labels: -sum_c t_c ln(p_c + e), e as the task says */
    TCET_TARGET_NUMBERS = 2, /* [classes]: the mean over c of (z_c - t_c)^2 */
    TCET_TARGET_PIXELS =
        3,               /* [height, width] classes y: the mean over pixels of -ln p_y; the network
                                gives [classes, height, width] */
    TCET_TARGET_MAP = 4, /* [classes, height, width], as the network gives: the mean of |z - t| */
    TCET_TARGET_SELF = 5 /* the image itself, as MAP */
};
#define TCET_TARGET_BIT(target) (1u << (target))

/* Numbers in a target; 0 for a class, which is a label. */
static inline int64_t tcet_target_numbers(uint32_t target, int64_t classes, int64_t height,
                                          int64_t width)
{
    switch (target) {
    case TCET_TARGET_CLASS: return 0;
    case TCET_TARGET_SHARES:
    case TCET_TARGET_NUMBERS: return classes;
    case TCET_TARGET_PIXELS: return height * width;
    default: return classes * height * width;
    }
}

typedef struct tcet_ctx tcet_ctx; /* one call's context; borrowed */
typedef struct tcet_rng tcet_rng; /* a generator of PyTorch's CPU stream; owned by the call */

enum { TCET_LOG_DEBUG = 0, TCET_LOG_INFO = 1, TCET_LOG_WARN = 2 };

/* What the host offers to a plugin, reached as cx->host.  All functions are [any] for
 * distinct contexts.  Matrices are row-major float64 and are left unchanged. */
typedef struct tcet_host {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;

    /* Says something to the user; one line, UTF-8, no newline. */
    void (*log)(tcet_ctx *cx, int32_t level, const char *text);
    /* Records the call's error message and returns code: `return fail(cx, code, text)`. */
    tcet_status (*fail)(tcet_ctx *cx, tcet_status code, const char *text);
    /* Zeroed memory, aligned to 64 bytes, freed by the host when the call returns; NULL
     * when there is none. */
    void *(*scratch)(tcet_ctx *cx, size_t bytes);
    /* Counts one use of a named guard rule (a degenerate case that got a defined value).
     * The count stands in the result row under `guards`.  name is a static string. */
    void (*guard)(tcet_ctx *cx, const char *name);
    /* 1 when the user asked to stop; long loops poll it and return TCET_E_CANCELLED. */
    int32_t (*cancelled)(tcet_ctx *cx);
    /* The folder of shipped data (".../share/tcet"); no trailing slash. */
    const char *(*data_dir)(tcet_ctx *cx);
    /* 64 random bits from a stream seeded by run, architecture and plugin. */
    uint64_t (*random)(tcet_ctx *cx);

    /* PyTorch's CPU generator (MT19937) after torch.manual_seed(seed); freed by the host
     * when the call returns; NULL when out of memory. */
    tcet_rng *(*rng)(tcet_ctx *cx, uint64_t seed);
    /* tensor.uniform_(low, high), contiguous float32. */
    void (*rng_uniform)(tcet_rng *rng, float *out, int64_t n, double low, double high);
    /* tensor.normal_(mean, std), contiguous float32. */
    void (*rng_normal)(tcet_rng *rng, float *out, int64_t n, double mean, double std);
    /* torch.randint(low, high, (n,)). */
    void (*rng_randint)(tcet_rng *rng, int64_t *out, int64_t n, int64_t low, int64_t high);
    /* torch.randperm(n). */
    void (*rng_permutation)(tcet_rng *rng, int64_t *out, int64_t n);

    /* LU with partial pivoting: log|det a| (natural; -inf when exactly singular), its
     * sign (-1, 0, 1) and, where out_min_pivot is not NULL, the smallest |pivot|. */
    tcet_status (*logdet)(tcet_ctx *cx, const double *a, int64_t n, double *out_logabs,
                          int32_t *out_sign, double *out_min_pivot);
    /* Eigenvalues of a symmetric matrix, ascending, n of them (LAPACK dsyevd). */
    tcet_status (*eigvalsh)(tcet_ctx *cx, const double *a, int64_t n, double *out);
    /* Singular values of an m x n matrix, descending, min(m,n) of them (LAPACK dgesdd). */
    tcet_status (*svdvals)(tcet_ctx *cx, const double *a, int64_t m, int64_t n, double *out);
    /* 2-norm condition number s_max / s_min; inf when s_min is 0. */
    tcet_status (*cond)(tcet_ctx *cx, const double *a, int64_t m, int64_t n, double *out);
    /* c = alpha op(a) op(b) + beta c; op is the transpose where ta, tb are nonzero;
     * op(a) is m x k, op(b) k x n. */
    tcet_status (*gemm)(tcet_ctx *cx, int32_t ta, int32_t tb, int64_t m, int64_t n, int64_t k,
                        double alpha, const double *a, const double *b, double beta, double *c);

    /* Optional features by "name/revision"; NULL when this host lacks it. */
    const void *(*extension)(tcet_ctx *cx, const char *id);
    /* Since 1.2: the relative rounding of the numbers that S^l was computed in, for what has to tell
     * zero from noise: 2^-23 where the backend ran in float32, else 2^-52.  For an aggregator's
     * reduce(); 2^-52 in other calls. */
    double (*epsilon)(tcet_ctx *cx);
    /* Since 1.2: SHA-256 of n bytes, as 64 lower-case hex digits and a NUL. */
    void (*sha256)(const void *data, size_t n, char *out);
} tcet_host;

struct tcet_ctx {
    const tcet_host *host;
};

/* Parameter types and the C type of the field each one fills. */
enum {
    TCET_P_F64 = 1,    /* double */
    TCET_P_I64 = 2,    /* int64_t */
    TCET_P_BOOL = 3,   /* int32_t, 0 or 1; text: 0 1 true false yes no on off */
    TCET_P_TEXT = 4,   /* const char *, owned by the host for the instance's life */
    TCET_P_CHOICE = 5, /* int32_t, index into choices */
    TCET_P_PATH = 6    /* const char *, absolute; relative text is taken from its file */
};

/* One declared parameter.  Write rows with the macros below; the host checks and binds
 * every parameter before init().  initial NULL means required.  Frozen. */
typedef struct tcet_param {
    const char *name, *initial, *doc;
    const char *const *choices; /* NULL-terminated; TCET_P_CHOICE only */
    double min, max;            /* TCET_P_F64, inclusive */
    int64_t imin, imax;         /* TCET_P_I64, inclusive */
    uint32_t type, offset, size, reserved;
} tcet_param;

/* A # at the start of a line would be torn from its field. */
/* clang-format off */
#ifdef __cplusplus
#define TCET_ZERO {}
#else
#define TCET_ZERO {0}
#endif

#ifdef __cplusplus
#define TCET_FIELD_(T, field) offsetof(T, field), sizeof(((T *)nullptr)->field), 0
#else
#define TCET_FIELD_(T, field) offsetof(T, field), sizeof(((T *)0)->field), 0
#endif
#define TCET_PARAM_F64(T, field, init, lo, hi, text) \
    {#field, init, text, NULL, lo, hi, 0, 0, TCET_P_F64, TCET_FIELD_(T, field)}
#define TCET_PARAM_I64(T, field, init, lo, hi, text) \
    {#field, init, text, NULL, 0, 0, lo, hi, TCET_P_I64, TCET_FIELD_(T, field)}
#define TCET_PARAM_BOOL(T, field, init, text) \
    {#field, init, text, NULL, 0, 0, 0, 0, TCET_P_BOOL, TCET_FIELD_(T, field)}
#define TCET_PARAM_TEXT(T, field, init, text) \
    {#field, init, text, NULL, 0, 0, 0, 0, TCET_P_TEXT, TCET_FIELD_(T, field)}
#define TCET_PARAM_PATH(T, field, init, text) \
    {#field, init, text, NULL, 0, 0, 0, 0, TCET_P_PATH, TCET_FIELD_(T, field)}
#define TCET_PARAM_CHOICE(T, field, init, list, text) \
    {#field, init, text, list, 0, 0, 0, 0, TCET_P_CHOICE, TCET_FIELD_(T, field)}
/* clang-format on */

/* One plugin: constant data that lives as long as the process. */
typedef struct tcet_plugin {
    uint32_t struct_size;
    tcet_kind kind;
    const char *id;         /* [a-z0-9_]+, unique within its kind */
    const char *version;    /* "1.0.0"; change it when values change */
    const char *summary;    /* one line */
    const char *cite;       /* paper and equation, or reference; NULL when there is none */
    uint32_t instance_size; /* bytes of self; the host allocates and zeroes it; 0 = none */
    uint32_t param_count, param_stride;
    uint32_t flags;           /* none defined in 1.0; 0 */
    const tcet_param *params; /* param_count rows, param_stride bytes apart */
    const void *ops;          /* tcet_<kind>_ops, beginning with its own struct_size */
    /* [instance] Optional; parameters are bound.  Only after it succeeded is fini called. */
    tcet_status (*init)(tcet_ctx *cx, void *self);
    void (*fini)(void *self);
} tcet_plugin;

/* What one .so holds. */
typedef struct tcet_module {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor; /* of the headers it was built with */
    uint32_t build_flags;          /* TCET_BUILD_ASAN */
    uint32_t plugin_count;
    const tcet_plugin *const *plugins;
} tcet_module;

/* The one exported symbol.  Pure: no allocation, no output, same pointer every time. */
TCET_EXPORT const tcet_module *tcet_module_v1(void);
#define TCET_ENTRY_SYMBOL "tcet_module_v1"

#define TCET_COUNT(a) ((uint32_t)(sizeof(a) / sizeof((a)[0])))
#define TCET_PARAMS(T, list)                                                       \
    .instance_size = sizeof(T), .params = (list), .param_count = TCET_COUNT(list), \
    .param_stride = sizeof(tcet_param)
#define TCET_MODULE(...)                                                            \
    static const tcet_plugin *const tcet_list_[] = {__VA_ARGS__};                   \
    static const tcet_module tcet_this_ = {sizeof(tcet_module),    TCET_ABI_MAJOR,  \
                                           TCET_ABI_MINOR,         TCET_BUILD_ASAN, \
                                           TCET_COUNT(tcet_list_), tcet_list_};     \
    const tcet_module *tcet_module_v1(void)                                         \
    {                                                                               \
        return &tcet_this_;                                                         \
    }

/* Element i of a float32 or float64 view, as double. */
static inline double tcet_get(const tcet_view *v, int64_t i)
{
    return v->dtype == TCET_F64 ? ((const double *)v->data)[i]
                                : (double)((const float *)v->data)[i];
}

/* The elements of S^l (or of any float64 view). */
static inline double *tcet_f64(const tcet_view *v)
{
    return (double *)v->data;
}

static inline tcet_status tcet_fail(tcet_ctx *cx, tcet_status code, const char *text)
{
    return cx->host->fail(cx, code, text);
}

#ifdef __cplusplus
}
#endif
#endif
