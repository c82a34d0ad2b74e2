/* request.c -- see request.h.  Room: core/plugin.  Stands on core/base. */
#include "plugin/request.h"

#include <inttypes.h>
#include <string.h>

/* -- The fields of a pass ---------------------------------------------------------------- */

/* FIELD(name, type, half, what 0 means, when the text tells it, names of choices), in the order
 * of the text.  `p` is the pass. */
#define PASS_FIELDS(FIELD)                                                    \
    FIELD(weights, CHOICE, FORWARD, 0, 1, "drawn", "absolute", "gaussian")    \
    FIELD(input, CHOICE, FORWARD, 0, 1, "batch", "ones", "gaussian", "mixup") \
    FIELD(norm, CHOICE, FORWARD, 0, 1, "train", "eval", "removed")            \
    FIELD(loss, CHOICE, BACKWARD, 0, 1, "none", "cross_entropy", "sum")       \
    FIELD(gradient, CHOICE, BACKWARD, 0, 1, "none", "batch", "sample")        \
    FIELD(precision, CHOICE, FORWARD, 0, 1, "run", "f32", "f64")              \
    FIELD(batches, COUNT, FORWARD, 1, p->batches > 1, NULL)                   \
    FIELD(source, CHOICE, FORWARD, 0, p->batches > 1, "loader", "parts")      \
    FIELD(samples, COUNT, FORWARD, 0, p->samples != 0, NULL)                  \
    FIELD(hvp, FLAG, BACKWARD, 0, p->hvp != 0, NULL)                          \
    FIELD(own_seed, FLAG, FORWARD, 0, 0 /* the seed's own text */, NULL)      \
    FIELD(seed, SEED, FORWARD, 0, p->own_seed != 0, NULL)                     \
    FIELD(mixup, REAL, FORWARD, 0, p->input == TCET_INPUT_MIXUP, NULL)        \
    FIELD(network, CHOICE, FORWARD, 0, p->network != 0, "full", "thin")       \
    FIELD(repeat, COUNT, FORWARD, 1, p->repeat > 1, NULL)                     \
    FIELD(temperature, REAL, BACKWARD, 1, p->temperature != 0 && p->temperature != 1, NULL)

/* A field that is added to the SDK's struct must be added above. */
#define SIZE(name, ...) +sizeof((tcet_pass *)NULL)->name
_Static_assert(sizeof(tcet_pass) == sizeof(uint32_t) PASS_FIELDS(SIZE), "a pass has another field");
_Static_assert(sizeof(tcet_request) == 6 * sizeof(uint32_t) + sizeof(tcet_pass *),
               "a request has another field: request_check must look at it");
#undef SIZE

#define ROW(field, kind, part, means, told, ...) \
    {.name = #field,                             \
     .offset = offsetof(tcet_pass, field),       \
     .size = sizeof((tcet_pass *)NULL)->field,   \
     .type = PASS_##kind,                        \
     .half = PASS_##part,                        \
     .zero = (means),                            \
     .choices = (const char *const[]){__VA_ARGS__, NULL}},
static const struct pass_field fields[] = {PASS_FIELDS(ROW)};
#undef ROW

#define TOLD(field, kind, part, means, told, ...) (told),
static int is_told(const tcet_pass *p, size_t field)
{
    const int told[] = {PASS_FIELDS(TOLD)};

    return told[field];
}
#undef TOLD

const struct pass_field *pass_field_at(size_t i)
{
    return i < TCET_COUNT(fields) ? &fields[i] : NULL;
}

static const void *field_of(const tcet_pass *p, const struct pass_field *f)
{
    return (const char *)p + f->offset;
}

static uint32_t number_of(const tcet_pass *p, const struct pass_field *f)
{
    uint32_t v;

    memcpy(&v, field_of(p, f), sizeof v);
    return v;
}

void pass_fill(tcet_pass *p)
{
    for (size_t i = 0; i < TCET_COUNT(fields); i++) {
        char *at = (char *)p + fields[i].offset;
        double real;

        memcpy(&real, at, fields[i].type == PASS_REAL ? sizeof real : 0);
        if (fields[i].type == PASS_REAL && real == 0)
            memcpy(at, &(double){fields[i].zero}, sizeof real);
        else if (fields[i].type == PASS_COUNT && !number_of(p, &fields[i]))
            memcpy(at, &fields[i].zero, sizeof fields[i].zero);
    }
}

void pass_text(const tcet_pass *p, struct buf *out)
{
    for (size_t i = 0; i < TCET_COUNT(fields); i++) {
        const struct pass_field *f = &fields[i];
        const void *at = field_of(p, f);
        uint64_t seed;
        double real;

        if (!is_told(p, i))
            continue;
        buf_printf(out, "%s%s", i ? " " : "", f->name);
        switch (f->type) {
        case PASS_CHOICE: buf_printf(out, "=%s", f->choices[number_of(p, f)]); break;
        case PASS_COUNT: buf_printf(out, "=%" PRIu32, number_of(p, f)); break;
        case PASS_FLAG: break;
        case PASS_SEED:
            memcpy(&seed, at, sizeof seed);
            buf_printf(out, "=%" PRIu64, seed);
            break;
        case PASS_REAL:
            memcpy(&real, at, sizeof real);
            buf_printf(out, "=%.17g", real);
            break;
        }
    }
}

/* Are the fields of one half (-1: of both) equal? */
static int same_half(const tcet_pass *a, const tcet_pass *b, int half)
{
    for (size_t i = 0; i < TCET_COUNT(fields); i++) {
        if ((half < 0 || (int)fields[i].half == half) &&
            memcmp(field_of(a, &fields[i]), field_of(b, &fields[i]), fields[i].size))
            return 0;
    }
    return 1;
}

int pass_equal(const tcet_pass *a, const tcet_pass *b)
{
    return same_half(a, b, -1);
}

int pass_same_forward(const tcet_pass *a, const tcet_pass *b)
{
    return same_half(a, b, PASS_FORWARD);
}

int pass_covers(const tcet_pass *b, const tcet_pass *a)
{
    int forward_only = a->loss == TCET_LOSS_NONE && a->gradient == TCET_GRADIENT_NONE && !a->hvp;
    tcet_pass with_hvp = *a;

    with_hvp.hvp |= b->hvp;
    return pass_same_forward(b, a) && (forward_only || pass_equal(b, &with_hvp));
}

/* -- Wants and sites --------------------------------------------------------------------- */

enum { PASS_SITES = (1 << TCET_SITES) - 1, NEEDS_GRADIENT = 1, NEEDS_HVP = 2 };
enum {
    MODULES = TCET_SITE_WEIGHT | TCET_SITE_NORM,
    VALUES = PASS_SITES & ~TCET_SITE_NORM,
    SIGNS = TCET_SITE_WEIGHT | TCET_SITE_ACTIVATION
};

static const struct want {
    const char *name;
    uint32_t want, sites;
    int needs;   /* of the pass */
    size_t view; /* offset in tcet_layer */
} wants[] = {
#define WANT(name, sites, needs, view)                                    \
    {                                                                     \
#name, TCET_WANT_##name, sites, needs, offsetof(tcet_layer, view) \
    }
    WANT(WEIGHT, MODULES, 0, weight),
    WANT(GRADIENT, MODULES, NEEDS_GRADIENT, gradient),
    WANT(INPUT, TCET_SITE_WEIGHT, 0, input),
    WANT(OUTPUT, VALUES, 0, output),
    WANT(OUTPUT_GRADIENT, VALUES, NEEDS_GRADIENT, output_gradient),
    WANT(AGREEMENT, SIGNS, 0, agreement),
    WANT(PATTERN, SIGNS, 0, pattern),
    WANT(HVP, TCET_SITE_WEIGHT, NEEDS_HVP, hvp),
    WANT(VARIANCE, TCET_SITE_NORM, 0, variance),
    WANT(CHANNEL_PRODUCT, VALUES, NEEDS_GRADIENT, channel_product),
    WANT(BIAS, MODULES, 0, bias),
    WANT(BIAS_GRADIENT, MODULES, NEEDS_GRADIENT, bias_gradient),
    WANT(NORM_OUTPUT, TCET_SITE_NORM, 0, output),
#undef WANT
};
/* Every view of a layer is somebody's: NORM_OUTPUT and OUTPUT share one. */
_Static_assert(sizeof(tcet_layer) == 9 * sizeof(uint32_t) + sizeof(uint32_t) /* padding */ +
                                         3 * sizeof(void *) + 10 * sizeof(int64_t) +
                                         (TCET_COUNT(wants) - 1) * sizeof(tcet_view),
               "a layer has another field");

uint32_t request_wants_at(uint32_t wanted, uint32_t site)
{
    uint32_t given = 0;

    for (size_t i = 0; i < TCET_COUNT(wants); i++)
        given |= wants[i].sites & site ? wants[i].want : 0;
    return wanted & given;
}

tcet_layer request_only_wanted(const tcet_layer *layer, uint32_t wanted)
{
    uint32_t given = request_wants_at(wanted, layer->site);
    tcet_layer l = *layer;

    for (size_t i = 0; i < TCET_COUNT(wants); i++)
        memset((char *)&l + wants[i].view, 0, sizeof(tcet_view));
    for (size_t i = 0; i < TCET_COUNT(wants); i++) {
        if (given & wants[i].want)
            memcpy((char *)&l + wants[i].view, (const char *)layer + wants[i].view,
                   sizeof(tcet_view));
    }
    if (!(given & (TCET_WANT_AGREEMENT | TCET_WANT_PATTERN)))
        l.positive = 0;
    return l;
}

/* -- The rules of a request -------------------------------------------------------------- */

void request_init(tcet_request *r, tcet_pass *pass)
{
    *pass = (tcet_pass){.struct_size = sizeof *pass};
    *r = (tcet_request){.struct_size = sizeof *r, .sites = TCET_SITE_WEIGHT, .pass = pass};
}

int request_equal(const tcet_request *a, const tcet_request *b)
{
    return a->sites == b->sites && a->wants == b->wants && a->form == b->form &&
           a->merge == b->merge && pass_equal(a->pass, b->pass);
}

int request_needs_pass(const tcet_request *r)
{
    return r->wants || r->pass->loss || r->pass->gradient;
}

/* Is there a choice that does not exist, or a flag that is neither 0 nor 1? */
static int is_unknown(const tcet_pass *p)
{
    for (size_t i = 0; i < TCET_COUNT(fields); i++) {
        uint32_t choices = 0;

        while (fields[i].type == PASS_CHOICE && fields[i].choices[choices])
            choices++;
        if ((fields[i].type == PASS_CHOICE && number_of(p, &fields[i]) >= choices) ||
            (fields[i].type == PASS_FLAG && number_of(p, &fields[i]) > 1))
            return 1;
    }
    return 0;
}

static const char *pass_problem(const tcet_pass *a)
{
    int drawn = a->input == TCET_INPUT_GAUSSIAN || a->input == TCET_INPUT_MIXUP;

    if (is_unknown(a))
        return "it gives a field of the pass a value that does not exist";
    if (a->repeat > 1 && (a->gradient || a->hvp || !drawn))
        return "it repeats a pass with gradients, or whose images are not drawn: a repeat is for "
               "gaussian or mixup input, without gradient";
    if (a->gradient && !a->loss)
        return "it asks for a gradient of no loss: set pass->loss";
    if (a->hvp && !a->loss)
        return "it asks for the product with the Hessian of no loss: set pass->loss";
    if (a->loss == TCET_LOSS_CROSS_ENTROPY && (a->gradient || a->hvp) &&
        a->input != TCET_INPUT_BATCH)
        return "it asks for cross entropy of images without labels: only input batch has them";
    return NULL;
}

static const char *form_problem(const tcet_request *r, int has_shape)
{
    if (r->form > TCET_FORM_CUSTOM || r->merge > TCET_MERGE_SUM)
        return "its form or merge does not exist";
    if (r->form == TCET_FORM_CUSTOM && !has_shape)
        return "it has a form of its own but no shape()";
    if ((r->form == TCET_FORM_VECTOR || r->form == TCET_FORM_ROWS) &&
        (r->sites & ~(uint32_t)MODULES))
        return "its form, vector or rows, is sized by the weight, and one of its sites has none";
    return NULL;
}

/* "the norm site", "the weight and norm sites". */
static void say_sites(uint32_t sites, struct buf *out)
{
    static const char *const names[REQUEST_SITES] = {"weight",   "activation", "norm",     "input",
                                                     "features", "logits",     "parameter"};
    int left = __builtin_popcount(sites), several = left > 1;

    buf_puts(out, "the ");
    for (int i = 0; i < REQUEST_SITES; i++) {
        if (sites >> i & 1)
            buf_printf(out, "%s%s", names[i], --left > 1 ? ", " : left == 1 ? " and " : "");
    }
    buf_puts(out, several ? " sites" : " site");
}

/* A want that gives nothing at any of the sites: what would. */
static tcet_status idle_want(const tcet_request *r, const struct want *w, struct error *err)
{
    struct buf at = {0}, remedy = {0};

    say_sites(r->sites, &at);
    for (size_t i = 0; i < TCET_COUNT(wants); i++) {
        if (wants[i].view == w->view && (wants[i].sites & r->sites))
            buf_printf(&remedy, "want TCET_WANT_%s", wants[i].name);
    }
    if (!remedy.len) {
        buf_puts(&remedy, "it is for ");
        say_sites(w->sites, &remedy);
    }
    error_set(err, TCET_E_PLUGIN, "its want %s gives nothing at %s: %s", w->name, at.data,
              remedy.data);
    buf_free(&at);
    buf_free(&remedy);
    return err->status;
}

static tcet_status check_wants(const tcet_request *r, struct error *err)
{
    uint32_t known = 0;

    for (size_t i = 0; i < TCET_COUNT(wants); i++)
        known |= wants[i].want;
    if (!r->sites || r->sites >> REQUEST_SITES)
        return error_set(err, TCET_E_PLUGIN, "it asks for no site, or for one that does not exist");
    if (r->sites & TCET_SITE_PARAMETER && request_needs_pass(r))
        return error_set(err, TCET_E_PLUGIN,
                         "it asks for the parameter site and for a pass, which does not show it");
    if (r->wants & ~known)
        return error_set(err, TCET_E_PLUGIN, "it wants something that does not exist");
    for (size_t i = 0; i < TCET_COUNT(wants); i++) {
        const struct want *w = &wants[i];

        if (!(r->wants & w->want))
            continue;
        if (w->needs == NEEDS_GRADIENT && !r->pass->gradient)
            return error_set(err, TCET_E_PLUGIN,
                             "it wants gradients of a pass without any: set pass->gradient");
        if (w->needs == NEEDS_HVP && !r->pass->hvp)
            return error_set(err, TCET_E_PLUGIN,
                             "it wants the product with the Hessian of a pass without it: set "
                             "pass->hvp");
        if (!(w->sites & r->sites))
            return idle_want(r, w, err);
    }
    return TCET_OK;
}

/* Numbers beyond their limits: they may be a parameter's. */
static tcet_status check_counts(const tcet_pass *a, struct error *err)
{
    if (a->batches > REQUEST_BATCHES_MAX)
        return error_set(err, TCET_E_ARG, "it asks for %" PRIu32 " mini-batches, at most %d",
                         a->batches, REQUEST_BATCHES_MAX);
    if (a->repeat > REQUEST_BATCHES_MAX)
        return error_set(err, TCET_E_ARG, "it asks for %" PRIu32 " repeats, at most %d", a->repeat,
                         REQUEST_BATCHES_MAX);
    if (a->samples > REQUEST_IMAGES_MAX)
        return error_set(err, TCET_E_ARG, "it asks for %" PRIu32 " images, at most %d", a->samples,
                         REQUEST_IMAGES_MAX);
    return TCET_OK;
}

tcet_status request_check(const tcet_request *r, const tcet_pass *pass, int has_shape,
                          struct error *err)
{
    const char *problem = NULL;

    if (r->pass != pass)
        problem = "it replaced the pass, which is the host's: change its fields";
    else if (r->struct_size != sizeof *r || pass->struct_size != sizeof *pass)
        problem = "it changed a struct_size, which is the host's";
    else
        problem = pass_problem(pass);
    if (problem)
        return error_set(err, TCET_E_PLUGIN, "%s", problem);
    TRY(check_wants(r, err));
    problem = form_problem(r, has_shape);
    if (problem)
        return error_set(err, TCET_E_PLUGIN, "%s", problem);
    return check_counts(pass, err);
}

/* -- The size of S^l --------------------------------------------------------------------- */

int request_matrix(uint32_t form, const tcet_layer *layer, int64_t weights, int64_t *rows,
                   int64_t *cols)
{
    switch (form) {
    case TCET_FORM_VECTOR:
        *rows = 1;
        *cols = weights;
        return 1;
    case TCET_FORM_ROWS:
        *rows = layer->rows;
        *cols = weights;
        return 1;
    case TCET_FORM_KERNEL: *rows = *cols = layer->batch; return 1;
    case TCET_FORM_SCALAR: *rows = *cols = 1; return 1;
    default: return 0;
    }
}

int request_matrix_fits(int64_t rows, int64_t cols, int64_t most)
{
    int64_t total;

    return rows >= 0 && cols >= 0 && !__builtin_mul_overflow(rows, cols, &total) && total <= most;
}
