/* repeats -- mean and deviation of one score over repeated seeds.
 * Room: plugins/combiner; stands on the SDK alone. */
#include <tcet/combiner.h>

#include <math.h>

enum { MEAN, STD };

struct repeats {
    int32_t moment;
};

static tcet_status score(tcet_ctx *cx, void *self, const tcet_metric *const *metrics, int64_t count,
                         double *out)
{
    const struct repeats *r = self;
    double sum = 0, square = 0, mean;

    (void)cx;
    for (int64_t i = 0; i < count; i++)
        sum += metrics[i]->value;
    mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++)
        square += (metrics[i]->value - mean) * (metrics[i]->value - mean);
    *out = r->moment == MEAN ? mean : sqrt(square / (double)(count - 1));
    return TCET_OK;
}

static const char *const moments[] = {"mean", "std", NULL};
static const tcet_param params[] = {
    TCET_PARAM_CHOICE(struct repeats, moment, "mean", moments,
                      "Mean of the numbers, or their deviation (over n - 1)."),
};
static const tcet_combiner_ops ops = {
    .struct_size = sizeof ops, .scope = TCET_SCOPE_NETWORK, .score = score};
static const tcet_plugin repeats = {
    .struct_size = sizeof repeats,
    .kind = TCET_COMBINER,
    .id = "repeats",
    .version = "1.0.0",
    .summary = "Mean or deviation of the networks' numbers; what [run] repeats uses.",
    TCET_PARAMS(struct repeats, params),
    .ops = &ops,
};
TCET_MODULE(&repeats)
