/* What a saliency may ask (request.h): no field of a pass is forgotten by its text, its equality
 * or its covering, so no two passes are merged and no stored value is served by mistake; and
 * every rule of a request refuses what breaks it, in words. */
#include <stdio.h>
#include <string.h>

#include "plugin/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* -- passes ------------------------------------------------------------------------------ */

static const char *text_of(const tcet_pass *p)
{
    static char text[2][512];
    static int at;
    struct buf b = {0};

    at = !at;
    pass_text(p, &b);
    assert_true(b.len < sizeof text[0]);
    memcpy(text[at], b.data, b.len + 1);
    buf_free(&b);
    return text[at];
}

/* A pass in which every field is told: mixup, several mini-batches, a seed of its own. */
static tcet_pass everything(void)
{
    return (tcet_pass){.struct_size = sizeof(tcet_pass),
                       .weights = TCET_WEIGHTS_GAUSSIAN,
                       .input = TCET_INPUT_MIXUP,
                       .norm = TCET_NORM_EVAL,
                       .loss = TCET_LOSS_SUM,
                       .gradient = TCET_GRADIENT_BATCH,
                       .precision = TCET_PRECISION_F32,
                       .batches = 3,
                       .source = TCET_SOURCE_PARTS,
                       .samples = 5,
                       .hvp = 1,
                       .own_seed = 1,
                       .seed = 7,
                       .mixup = 0.25,
                       .temperature = 2.5,
                       .repeat = 4,
                       .network = TCET_NETWORK_THIN};
}

/* The field with another valid value. */
static void change(tcet_pass *p, const struct pass_field *f)
{
    char *at = (char *)p + f->offset;
    uint32_t n;
    uint64_t seed;
    double real;

    switch (f->type) {
    case PASS_SEED:
        memcpy(&seed, at, sizeof seed);
        seed ^= UINT64_C(1) << 40;
        memcpy(at, &seed, sizeof seed);
        break;
    case PASS_REAL:
        memcpy(&real, at, sizeof real);
        real += 0.5;
        memcpy(at, &real, sizeof real);
        break;
    default:
        memcpy(&n, at, sizeof n);
        n = f->type == PASS_COUNT ? n + 1 : n ? 0 : 1;
        memcpy(at, &n, sizeof n);
    }
}

/* The list covers every byte of the struct once. */
static void every_byte_is_a_fields(void **state)
{
    unsigned char times[sizeof(tcet_pass)] = {0};
    const struct pass_field *f;

    (void)state;
    memset(times, 1, sizeof(uint32_t)); /* struct_size */
    for (size_t i = 0; (f = pass_field_at(i)); i++) {
        assert_true(f->offset + f->size <= sizeof times);
        for (size_t k = 0; k < f->size; k++)
            times[f->offset + k]++;
    }
    for (size_t k = 0; k < sizeof times; k++)
        assert_int_equal(times[k], 1);
}

/* The text is in the keys of every store: it may not change. */
static void texts_are_as_ever(void **state)
{
    tcet_pass p = everything(), plain = {.struct_size = sizeof plain};

    (void)state;
    assert_string_equal(text_of(&plain), "weights=drawn input=batch norm=train loss=none "
                                         "gradient=none precision=run");
    pass_fill(&plain);
    assert_int_equal(plain.batches, 1);
    assert_int_equal(plain.repeat, 1);
    assert_true(plain.temperature == 1);
    assert_string_equal(text_of(&plain), "weights=drawn input=batch norm=train loss=none "
                                         "gradient=none precision=run");
    assert_string_equal(text_of(&p), "weights=gaussian input=mixup norm=eval loss=sum "
                                     "gradient=batch precision=f32 batches=3 source=parts "
                                     "samples=5 hvp seed=7 mixup=0.25 network=thin repeat=4 "
                                     "temperature=2.5");
    p = (tcet_pass){.loss = TCET_LOSS_CROSS_ENTROPY,
                    .gradient = TCET_GRADIENT_SAMPLE,
                    .norm = TCET_NORM_REMOVED,
                    .weights = TCET_WEIGHTS_ABSOLUTE,
                    .input = TCET_INPUT_ONES,
                    .precision = TCET_PRECISION_F64,
                    .batches = 2,
                    .mixup = 3,
                    .seed = 9};
    assert_string_equal(text_of(&p), "weights=absolute input=ones norm=removed "
                                     "loss=cross_entropy gradient=sample precision=f64 batches=2 "
                                     "source=loader");
}

/* A change of any field, every other one being told, shows everywhere. */
static void every_field_tells(void **state)
{
    const struct pass_field *f;

    (void)state;
    for (size_t i = 0; (f = pass_field_at(i)); i++) {
        tcet_pass a = everything(), b = everything(), forward = everything();
        int backward = f->half == PASS_BACKWARD;

        assert_true(pass_equal(&a, &b) && pass_covers(&a, &b) && pass_same_forward(&a, &b));
        change(&b, f);
        if (!strcmp(text_of(&a), text_of(&b)))
            fail_msg("the text does not tell %s", f->name);
        if (pass_equal(&a, &b) || pass_equal(&b, &a))
            fail_msg("equality does not see %s", f->name);
        if (pass_same_forward(&a, &b) != backward)
            fail_msg("%s is in the wrong half", f->name);
        /* b has no H g: what has it covers it, and not the other way round */
        if (pass_covers(&b, &a) || pass_covers(&a, &b) != !strcmp(f->name, "hvp"))
            fail_msg("covering does not see %s", f->name);
        forward.loss = forward.gradient = forward.hvp = 0;
        assert_true(pass_covers(&a, &forward) && !pass_covers(&forward, &a));
        if (pass_covers(&b, &forward) != backward)
            fail_msg("a forward alone is covered by a pass with another %s", f->name);
    }
}

/* -- requests ---------------------------------------------------------------------------- */

struct asked {
    tcet_request r;
    tcet_pass p;
};

static void refused(const struct asked *a, const tcet_pass *own, int has_shape, tcet_status status,
                    const char *why)
{
    struct error err = {.text = ""};
    tcet_status st = request_check(&a->r, own, has_shape, &err);

    if (st != status || (st < 0 && strcmp(err.text, why)))
        fail_msg("it says \"%s\" (%d); want \"%s\" (%d)", err.text, st, why, status);
}

static void plain_requests_pass(void **state)
{
    struct asked a;

    (void)state;
    request_init(&a.r, &a.p);
    assert_false(request_needs_pass(&a.r));
    refused(&a, &a.p, 0, TCET_OK, "");
    a.r.wants = TCET_WANT_WEIGHT | TCET_WANT_GRADIENT | TCET_WANT_HVP;
    a.p.loss = TCET_LOSS_CROSS_ENTROPY;
    a.p.gradient = TCET_GRADIENT_SAMPLE;
    a.p.hvp = 1;
    assert_true(request_needs_pass(&a.r));
    refused(&a, &a.p, 0, TCET_OK, "");
    request_init(&a.r, &a.p);
    a.r.form = TCET_FORM_CUSTOM;
    a.r.sites = TCET_SITE_NORM | TCET_SITE_LOGITS;
    a.r.wants = TCET_WANT_NORM_OUTPUT | TCET_WANT_OUTPUT | TCET_WANT_VARIANCE;
    a.p.input = TCET_INPUT_MIXUP;
    a.p.repeat = 4096;
    refused(&a, &a.p, 1, TCET_OK, "");
}

/* Fields that a bad request changes, in a request that is good without. */
struct bad {
    const char *why;
    uint32_t sites, wants, form, merge;
    tcet_pass pass;
    tcet_status status; /* 0: TCET_E_PLUGIN */
};

static const char unknown[] = "it gives a field of the pass a value that does not exist",
                  repeats[] = "it repeats a pass with gradients, or whose images are not drawn: a "
                              "repeat is for gaussian or mixup input, without gradient",
                  no_gradient[] = "it wants gradients of a pass without any: set pass->gradient",
                  unlabelled[] = "it asks for cross entropy of images without labels: only input "
                                 "batch has them",
                  no_site[] = "it asks for no site, or for one that does not exist",
                  facts[] = "it asks for the parameter site and for a pass, which does not show it",
                  sized[] = "its form, vector or rows, is sized by the weight, and one of its "
                            "sites has none";

static const struct bad bads[] = {
    {unknown, .pass = {.weights = 3}},
    {unknown, .pass = {.input = 4}},
    {unknown, .pass = {.norm = 3}},
    {unknown, .pass = {.loss = 3}},
    {unknown, .pass = {.gradient = 3}},
    {unknown, .pass = {.precision = 3}},
    {unknown, .pass = {.source = 2}},
    {unknown, .pass = {.network = 2}},
    {unknown, .pass = {.hvp = 2}},
    {unknown, .pass = {.own_seed = 2}},
    {repeats, .pass = {.repeat = 2}},
    {repeats, .pass = {.repeat = 2, .input = TCET_INPUT_ONES}},
    {repeats, .pass = {.repeat = 2, .input = TCET_INPUT_GAUSSIAN, .loss = 2, .gradient = 1}},
    {repeats, .pass = {.repeat = 2, .input = TCET_INPUT_MIXUP, .loss = 2, .hvp = 1}},
    {"it asks for a gradient of no loss: set pass->loss", .pass = {.gradient = 1}},
    {"it asks for the product with the Hessian of no loss: set pass->loss", .pass = {.hvp = 1}},
    {unlabelled, .pass = {.loss = 1, .gradient = 1, .input = TCET_INPUT_ONES}},
    {unlabelled, .pass = {.loss = 1, .hvp = 1, .input = TCET_INPUT_GAUSSIAN}},
    {no_site, .sites = UINT32_MAX},
    {no_site, .sites = TCET_SITE_PARAMETER << 1},
    {facts, .sites = TCET_SITE_WEIGHT | TCET_SITE_PARAMETER, .wants = TCET_WANT_WEIGHT},
    {facts, .sites = TCET_SITE_PARAMETER, .pass = {.loss = 1}},
    {"it wants something that does not exist", .wants = TCET_WANT_NORM_OUTPUT << 1},
    {no_gradient, .wants = TCET_WANT_GRADIENT},
    {no_gradient, .wants = TCET_WANT_OUTPUT_GRADIENT},
    {no_gradient, .wants = TCET_WANT_CHANNEL_PRODUCT},
    {no_gradient, .wants = TCET_WANT_BIAS_GRADIENT},
    {"it wants the product with the Hessian of a pass without it: set pass->hvp",
     .wants = TCET_WANT_HVP},
    {"its want VARIANCE gives nothing at the weight site: it is for the norm site",
     .wants = TCET_WANT_VARIANCE},
    {"its want NORM_OUTPUT gives nothing at the weight site: want TCET_WANT_OUTPUT",
     .wants = TCET_WANT_NORM_OUTPUT},
    {"its want OUTPUT gives nothing at the norm site: want TCET_WANT_NORM_OUTPUT",
     .sites = TCET_SITE_NORM, .wants = TCET_WANT_OUTPUT},
    {"its want INPUT gives nothing at the activation and norm sites: it is for the weight site",
     .sites = TCET_SITE_ACTIVATION | TCET_SITE_NORM, .wants = TCET_WANT_INPUT},
    {"its want BIAS gives nothing at the activation, input and logits sites: it is for the weight "
     "and norm sites",
     .sites = TCET_SITE_ACTIVATION | TCET_SITE_INPUT | TCET_SITE_LOGITS, .wants = TCET_WANT_BIAS},
    {"its want PATTERN gives nothing at the features site: it is for the weight and activation "
     "sites",
     .sites = TCET_SITE_FEATURES, .wants = TCET_WANT_PATTERN},
    {"its form or merge does not exist", .form = TCET_FORM_CUSTOM + 1},
    {"its form or merge does not exist", .merge = TCET_MERGE_SUM + 1},
    {"it has a form of its own but no shape()", .form = TCET_FORM_CUSTOM},
    {sized, .sites = TCET_SITE_WEIGHT | TCET_SITE_ACTIVATION},
    {sized, .sites = TCET_SITE_LOGITS, .form = TCET_FORM_ROWS},
    {"it asks for 4097 mini-batches, at most 4096", .pass = {.batches = 4097},
     .status = TCET_E_ARG},
    {"it asks for 4097 repeats, at most 4096",
     .pass = {.repeat = 4097, .input = TCET_INPUT_GAUSSIAN}, .status = TCET_E_ARG},
    {"it asks for 1048577 images, at most 1048576", .pass = {.samples = (1 << 20) + 1},
     .status = TCET_E_ARG},
};

static void every_rule_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < TCET_COUNT(bads); i++) {
        const struct bad *b = &bads[i];
        struct asked a;

        request_init(&a.r, &a.p);
        a.p = b->pass;
        a.p.struct_size = sizeof a.p;
        a.r.wants = b->wants;
        a.r.form = b->form;
        a.r.merge = b->merge;
        if (b->sites)
            a.r.sites = b->sites == UINT32_MAX ? 0 : b->sites;
        refused(&a, &a.p, 0, b->status ? b->status : TCET_E_PLUGIN, b->why);
    }
}

static void what_is_the_hosts_stays(void **state)
{
    struct asked a;
    tcet_pass other;

    (void)state;
    request_init(&a.r, &a.p);
    refused(&a, &other, 0, TCET_E_PLUGIN,
            "it replaced the pass, which is the host's: change its fields");
    a.r.struct_size--;
    refused(&a, &a.p, 0, TCET_E_PLUGIN, "it changed a struct_size, which is the host's");
    a.r.struct_size++;
    a.p.struct_size = 8;
    refused(&a, &a.p, 0, TCET_E_PLUGIN, "it changed a struct_size, which is the host's");
}

static void requests_differ(void **state)
{
    struct asked a, b;

    (void)state;
    request_init(&a.r, &a.p);
    for (int field = 0; field < 5; field++) {
        uint32_t *const fields[] = {&b.r.sites, &b.r.wants, &b.r.form, &b.r.merge, &b.p.norm};

        request_init(&b.r, &b.p);
        assert_true(request_equal(&a.r, &b.r));
        ++*fields[field];
        assert_false(request_equal(&a.r, &b.r));
    }
}

/* -- layers ------------------------------------------------------------------------------ */

/* A want shows its view at its sites, by the table of saliency.h, and no other. */
static void wants_at_their_sites(void **state)
{
    enum { MODULES = 1 | 4, SIGNS = 1 | 2, VALUES = 1 | 2 | 8 | 16 | 32 };
    static const struct {
        uint32_t want, sites;
    } table[] = {
        {TCET_WANT_WEIGHT, MODULES},
        {TCET_WANT_GRADIENT, MODULES},
        {TCET_WANT_BIAS, MODULES},
        {TCET_WANT_BIAS_GRADIENT, MODULES},
        {TCET_WANT_INPUT, 1},
        {TCET_WANT_HVP, 1},
        {TCET_WANT_OUTPUT, VALUES},
        {TCET_WANT_OUTPUT_GRADIENT, VALUES},
        {TCET_WANT_CHANNEL_PRODUCT, VALUES},
        {TCET_WANT_AGREEMENT, SIGNS},
        {TCET_WANT_PATTERN, SIGNS},
        {TCET_WANT_VARIANCE, 4},
        {TCET_WANT_NORM_OUTPUT, 4},
    };
    tcet_view some = {.count = 1};

    (void)state;
    for (size_t i = 0; i < TCET_COUNT(table); i++) {
        for (uint32_t site = 1; site <= TCET_SITE_PARAMETER; site <<= 1) {
            tcet_layer full = {.site = site, .positive = 3}, l;
            tcet_view *const all[] = {
                &full.weight,          &full.gradient,        &full.input,   &full.output,
                &full.output_gradient, &full.agreement,       &full.pattern, &full.hvp,
                &full.variance,        &full.channel_product, &full.bias,    &full.bias_gradient};
            int64_t shown = 0;

            for (size_t k = 0; k < TCET_COUNT(all); k++)
                *all[k] = some;
            l = request_only_wanted(&full, table[i].want);
            full = l;
            for (size_t k = 0; k < TCET_COUNT(all); k++)
                shown += all[k]->count;
            assert_int_equal(shown, (table[i].sites & site) != 0);
            assert_int_equal(request_wants_at(table[i].want, site), shown ? table[i].want : 0);
            assert_int_equal(
                l.positive,
                shown && (table[i].want & (TCET_WANT_AGREEMENT | TCET_WANT_PATTERN)) ? 3 : 0);
        }
    }
}

static void sizes_of_matrices(void **state)
{
    const tcet_layer l = {.rows = 3, .batch = 5};
    static const int64_t sizes[4][2] = {{1, 54}, {3, 54}, {5, 5}, {1, 1}}; /* by form */
    int64_t rows, cols;

    (void)state;
    for (uint32_t form = 0; form < 4; form++) {
        assert_true(request_matrix(form, &l, 54, &rows, &cols));
        assert_int_equal(rows, sizes[form][0]);
        assert_int_equal(cols, sizes[form][1]);
    }
    assert_false(request_matrix(TCET_FORM_CUSTOM, &l, 54, &rows, &cols));
    assert_true(request_matrix_fits(0, 7, 12) && request_matrix_fits(3, 4, 12));
    assert_false(request_matrix_fits(3, 5, 12) || request_matrix_fits(-1, 4, 12) ||
                 request_matrix_fits(-1, -1, 12) ||
                 request_matrix_fits(INT64_C(1) << 33, INT64_C(1) << 33, REQUEST_ELEMENTS_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_a_fields), cmocka_unit_test(texts_are_as_ever),
        cmocka_unit_test(every_field_tells),      cmocka_unit_test(plain_requests_pass),
        cmocka_unit_test(every_rule_refuses),     cmocka_unit_test(what_is_the_hosts_stays),
        cmocka_unit_test(requests_differ),        cmocka_unit_test(wants_at_their_sites),
        cmocka_unit_test(sizes_of_matrices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
