/* fake_host.h -- a small host for plugin tests: loads a plugin's .so, binds parameters from
 * text, and offers naive linear algebra and a generator that can be foretold.
 *
 * Room: tests.  Knows the SDK, libc and cmocka alone, so that plugins are tested without core. */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <dlfcn.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcet/strategy.h> /* before cmocka.h, which makes a macro of `fail` */
#include <tcet/tcet.h>

#include <cmocka.h>

/* One context; everything in it is cleared by fake_begin(). */
static struct {
    tcet_ctx cx; /* must stay first */
    char message[2048], logged[2048];
    struct {
        const char *name;
        int count;
    } guards[16];
    void *blocks[1024];
    int block_count;
    uint64_t random; /* of host->random: counts up */
    double epsilon;  /* of host->epsilon; 0: that of double */
} fake;

/* The generator counts: normal gives 0, 0.25, 0.5 ..., uniform the same share of the way from
 * low to high, around; randint low, low + 1 ... around, permutation n-1 ... 0. */
struct tcet_rng {
    int64_t normals, uniforms, ints;
    uint64_t seed;
};
static struct tcet_rng fake_rng_;

static inline void fake_log(tcet_ctx *cx, int32_t level, const char *text)
{
    (void)cx;
    (void)level;
    snprintf(fake.logged, sizeof fake.logged, "%s", text);
}

static inline tcet_status fake_fail(tcet_ctx *cx, tcet_status code, const char *text)
{
    (void)cx;
    snprintf(fake.message, sizeof fake.message, "%s", text);
    return code;
}

static inline void *fake_scratch(tcet_ctx *cx, size_t bytes)
{
    void *p = calloc(bytes ? bytes : 1, 1);

    (void)cx;
    assert_true(fake.block_count < (int)(sizeof fake.blocks / sizeof fake.blocks[0]));
    return fake.blocks[fake.block_count++] = p;
}

static inline void fake_guard(tcet_ctx *cx, const char *name)
{
    int i = 0;

    (void)cx;
    while (fake.guards[i].name && strcmp(fake.guards[i].name, name) != 0)
        i++;
    fake.guards[i].name = name;
    fake.guards[i].count++;
}

static inline int32_t fake_cancelled(tcet_ctx *cx)
{
    (void)cx;
    return 0;
}

static inline const char *fake_data_dir(tcet_ctx *cx)
{
    (void)cx;
    return TCET_TEST_BUILD "/share/tcet";
}

static inline uint64_t fake_random(tcet_ctx *cx)
{
    (void)cx;
    return fake.random++;
}

static inline tcet_rng *fake_rng(tcet_ctx *cx, uint64_t seed)
{
    (void)cx;
    fake_rng_ = (struct tcet_rng){.seed = seed};
    return &fake_rng_;
}

static inline void fake_normal(tcet_rng *r, float *out, int64_t n, double mean, double std)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(mean + std * 0.25 * (double)r->normals++);
}

static inline void fake_uniform(tcet_rng *r, float *out, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(low + (high - low) * 0.25 * (double)(r->uniforms++ % 4));
}

static inline void fake_randint(tcet_rng *r, int64_t *out, int64_t n, int64_t low, int64_t high)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = low + r->ints++ % (high - low);
}

static inline void fake_permutation(tcet_rng *r, int64_t *out, int64_t n)
{
    (void)r;
    for (int64_t i = 0; i < n; i++)
        out[i] = n - 1 - i;
}

/* Gaussian elimination with partial pivoting. */
static inline tcet_status fake_logdet(tcet_ctx *cx, const double *a, int64_t n, double *logabs,
                                      int32_t *sign, double *min_pivot)
{
    double *m = fake_scratch(cx, (size_t)(n * n) * sizeof *m), sum = 0.0, smallest = INFINITY;

    memcpy(m, a, (size_t)(n * n) * sizeof *m);
    *sign = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t top = k;

        for (int64_t i = k + 1; i < n; i++) {
            if (fabs(m[i * n + k]) > fabs(m[top * n + k]))
                top = i;
        }
        for (int64_t j = 0; j < n && top != k; j++) {
            double t = m[k * n + j];

            m[k * n + j] = m[top * n + j];
            m[top * n + j] = t;
        }
        if (top != k)
            *sign = -*sign;
        if (m[k * n + k] < 0)
            *sign = -*sign;
        if (m[k * n + k] == 0.0)
            *sign = 0;
        sum += log(fabs(m[k * n + k]));
        smallest = fmin(smallest, fabs(m[k * n + k]));
        for (int64_t i = k + 1; i < n && m[k * n + k] != 0.0; i++) {
            double f = m[i * n + k] / m[k * n + k];

            for (int64_t j = k; j < n; j++)
                m[i * n + j] -= f * m[k * n + j];
        }
    }
    *logabs = *sign ? sum : -INFINITY;
    if (min_pivot)
        *min_pivot = smallest;
    return TCET_OK;
}

static inline int fake_compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Jacobi's rotations. */
static inline tcet_status fake_eigvalsh(tcet_ctx *cx, const double *a, int64_t n, double *out)
{
    double *m = fake_scratch(cx, (size_t)(n * n) * sizeof *m);

    memcpy(m, a, (size_t)(n * n) * sizeof *m);
    for (int sweep = 0; sweep < 100; sweep++) {
        for (int64_t p = 0; p < n; p++) {
            for (int64_t q = p + 1; q < n; q++) {
                double theta = 0.5 * atan2(2 * m[p * n + q], m[q * n + q] - m[p * n + p]);
                double c = cos(theta), s = sin(theta);

                for (int64_t k = 0; k < n; k++) {
                    double x = m[k * n + p], y = m[k * n + q];

                    m[k * n + p] = c * x - s * y;
                    m[k * n + q] = s * x + c * y;
                }
                for (int64_t k = 0; k < n; k++) {
                    double x = m[p * n + k], y = m[q * n + k];

                    m[p * n + k] = c * x - s * y;
                    m[q * n + k] = s * x + c * y;
                }
            }
        }
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = m[i * n + i];
    qsort(out, (size_t)n, sizeof *out, fake_compare);
    return TCET_OK;
}

/* One-sided Jacobi: turns pairs of the shorter side's rows until they are orthogonal; what is
 * exactly zero stays so, which the root of an eigenvalue would not. */
static inline tcet_status fake_svdvals(tcet_ctx *cx, const double *a, int64_t m, int64_t n,
                                       double *out)
{
    int64_t k = m < n ? m : n, length = m < n ? n : m;
    double *r = fake_scratch(cx, (size_t)(m * n) * sizeof *r), zero = 0;

    for (int64_t i = 0; i < m * n; i++) {
        r[m < n ? i : i % n * m + i / n] = a[i];
        zero += 0 * a[i]; /* NaN where a is not finite */
    }
    for (int sweep = 0; sweep < 100; sweep++) {
        for (int64_t p = 0; p < k; p++) {
            for (int64_t q = p + 1; q < k; q++) {
                double *x = r + p * length, *y = r + q * length, xx = 0, yy = 0, xy = 0, theta;

                for (int64_t i = 0; i < length; i++) {
                    xx += x[i] * x[i];
                    yy += y[i] * y[i];
                    xy += x[i] * y[i];
                }
                theta = 0.5 * atan2(2 * xy, xx - yy);
                for (int64_t i = 0; i < length && xy != 0; i++) {
                    double left = x[i], right = y[i];

                    x[i] = cos(theta) * left + sin(theta) * right;
                    y[i] = cos(theta) * right - sin(theta) * left;
                }
            }
        }
    }
    for (int64_t p = 0; p < k; p++) {
        double square = zero;

        for (int64_t i = 0; i < length; i++)
            square += r[p * length + i] * r[p * length + i];
        out[p] = sqrt(square);
    }
    qsort(out, (size_t)k, sizeof *out, fake_compare);
    for (int64_t p = 0; p < k / 2; p++) { /* the greatest first */
        double t = out[p];

        out[p] = out[k - 1 - p];
        out[k - 1 - p] = t;
    }
    return TCET_OK;
}

static inline tcet_status fake_gemm(tcet_ctx *cx, int32_t ta, int32_t tb, int64_t m, int64_t n,
                                    int64_t k, double alpha, const double *a, const double *b,
                                    double beta, double *c)
{
    (void)cx;
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double v = 0.0;

            for (int64_t l = 0; l < k; l++)
                v += (ta ? a[l * m + i] : a[i * k + l]) * (tb ? b[j * k + l] : b[l * n + j]);
            c[i * n + j] = alpha * v + beta * c[i * n + j];
        }
    }
    return TCET_OK;
}

static inline double fake_epsilon(tcet_ctx *cx)
{
    (void)cx;
    return fake.epsilon > 0 ? fake.epsilon : DBL_EPSILON;
}

/* cond is used by no plugin; extension offers nothing. */
static const tcet_host fake_host_ = {
    .struct_size = sizeof fake_host_,
    .abi_major = TCET_ABI_MAJOR,
    .abi_minor = TCET_ABI_MINOR,
    .log = fake_log,
    .fail = fake_fail,
    .scratch = fake_scratch,
    .guard = fake_guard,
    .cancelled = fake_cancelled,
    .data_dir = fake_data_dir,
    .random = fake_random,
    .rng = fake_rng,
    .rng_normal = fake_normal,
    .rng_uniform = fake_uniform,
    .rng_randint = fake_randint,
    .rng_permutation = fake_permutation,
    .logdet = fake_logdet,
    .eigvalsh = fake_eigvalsh,
    .svdvals = fake_svdvals,
    .gemm = fake_gemm,
    .epsilon = fake_epsilon,
};

/* A fresh call: message, guards and scratch forgotten. */
static inline tcet_ctx *fake_begin(void)
{
    for (int i = 0; i < fake.block_count; i++)
        free(fake.blocks[i]);
    fake.block_count = 0;
    memset(fake.guards, 0, sizeof fake.guards);
    fake.message[0] = fake.logged[0] = '\0';
    fake.cx.host = &fake_host_;
    return &fake.cx;
}

static inline int fake_guards(const char *name)
{
    for (int i = 0; fake.guards[i].name; i++) {
        if (!strcmp(fake.guards[i].name, name))
            return fake.guards[i].count;
    }
    return 0;
}

static inline const tcet_module *fake_module(const char *file)
{
    char path[1024];
    const tcet_module *(*entry)(void);
    void *so;

    snprintf(path, sizeof path, "%s/lib/tcet/plugins-1/%s.so", TCET_TEST_BUILD, file);
    so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!so)
        fail_msg("%s", dlerror());
    *(void **)&entry = dlsym(so, TCET_ENTRY_SYMBOL);
    assert_non_null(entry);
    return entry();
}

/* One configured plugin. */
struct fake_plugin {
    const tcet_plugin *plugin;
    const void *ops;
    void *self;
};

static inline void fake_bind(const tcet_param *p, void *self, const char *text)
{
    void *field = (char *)self + p->offset;
    int32_t choice = -1;
    double f64;
    int64_t i64;

    switch (p->type) {
    case TCET_P_F64:
        f64 = strtod(text, NULL);
        assert_true(f64 >= p->min && f64 <= p->max);
        memcpy(field, &f64, p->size);
        break;
    case TCET_P_I64:
        i64 = strtoll(text, NULL, 10);
        assert_true(i64 >= p->imin && i64 <= p->imax);
        memcpy(field, &i64, p->size);
        break;
    case TCET_P_BOOL:
        choice = atoi(text);
        memcpy(field, &choice, p->size);
        break;
    case TCET_P_CHOICE:
        for (int32_t i = 0; p->choices[i]; i++) {
            if (!strcmp(p->choices[i], text))
                choice = i;
        }
        if (choice < 0)
            fail_msg("%s = %s is not a choice", p->name, text);
        memcpy(field, &choice, p->size);
        break;
    default: memcpy(field, &text, p->size);
    }
}

/* Instance of plugin `id` of FILE.so; settings: "name=value name=value".  The texts live as
 * long as the process.  *status: of init, where there is one. */
static inline struct fake_plugin fake_try(const char *file, const char *id, const char *settings,
                                          tcet_status *status)
{
    static char texts[1 << 16];
    static size_t used;
    const tcet_module *module = fake_module(file);
    struct fake_plugin f = {0};
    char *copy = texts + used;

    used += (size_t)snprintf(copy, sizeof texts - used, "%s", settings) + 1;
    assert_true(used < sizeof texts);
    for (uint32_t i = 0; i < module->plugin_count; i++) {
        if (!strcmp(module->plugins[i]->id, id))
            f.plugin = module->plugins[i];
    }
    assert_non_null(f.plugin);
    f.ops = f.plugin->ops;
    f.self = calloc(1, f.plugin->instance_size ? f.plugin->instance_size : 1);
    for (uint32_t i = 0; i < f.plugin->param_count; i++)
        fake_bind(&f.plugin->params[i], f.self, f.plugin->params[i].initial);
    for (char *at = strtok(copy, " "); at; at = strtok(NULL, " ")) {
        char *value = strchr(at, '=');
        uint32_t i = 0;

        assert_non_null(value);
        *value++ = '\0';
        while (i < f.plugin->param_count && strcmp(f.plugin->params[i].name, at) != 0)
            i++;
        if (i == f.plugin->param_count)
            fail_msg("%s has no parameter %s", id, at);
        fake_bind(&f.plugin->params[i], f.self, value);
    }
    *status = f.plugin->init ? f.plugin->init(fake_begin(), f.self) : TCET_OK;
    return f;
}

static inline struct fake_plugin fake_new(const char *file, const char *id, const char *settings)
{
    tcet_status st;
    struct fake_plugin f = fake_try(file, id, settings, &st);

    assert_int_equal(st, TCET_OK);
    return f;
}

static inline void fake_free(struct fake_plugin f)
{
    if (f.plugin->fini)
        f.plugin->fini(f.self);
    free(f.self);
    fake_begin();
}

/* A view of numbers the test owns; shape too. */
static inline tcet_view fake_view(const void *data, uint8_t dtype, const int64_t *shape,
                                  int32_t ndim)
{
    tcet_view v = {.shape = shape, .count = 1, .ndim = ndim, .dtype = dtype};

    memcpy(&v.data, &data, sizeof data);
    for (int32_t i = 0; i < ndim; i++)
        v.count *= shape[i];
    return v;
}

#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})
#define F64(data, ...)                            \
    fake_view(data, TCET_F64, SHAPE(__VA_ARGS__), \
              (int32_t)(sizeof(SHAPE(__VA_ARGS__)) / sizeof(int64_t)))
#define F32(data, ...)                            \
    fake_view(data, TCET_F32, SHAPE(__VA_ARGS__), \
              (int32_t)(sizeof(SHAPE(__VA_ARGS__)) / sizeof(int64_t)))

static inline void near_(double got, double want, const char *file, int line)
{
    double scale = fabs(want) > 1.0 ? fabs(want) : 1.0;

    if (isnan(want)   ? !isnan(got)
        : isinf(want) ? got != want
                      : !(fabs(got - want) <= 1e-13 * scale))
        fail_msg("%s:%d: got %.17g, want %.17g", file, line, got, want);
}
#define assert_near(got, want) near_(got, want, __FILE__, __LINE__)

#endif
