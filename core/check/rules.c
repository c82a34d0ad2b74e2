/* rules.c -- the rules, each with the sentence of the contract that it tries, in the order in
 * which they are tried.  Names are stable: people give them to --only.
 *
 * Room: core/check. */
#include <string.h>
#include <tcet/tcet.h>

#include "check/internal.h"

#define SALIENCY   KIND_BIT(TCET_SALIENCY)
#define AGGREGATOR KIND_BIT(TCET_AGGREGATOR)
#define SPACE      KIND_BIT(TCET_SPACE)
#define DATASET    KIND_BIT(TCET_DATASET)

static const struct rule rules[] = {
    /* of the file */
    {{"sanitizer-matches", "library",
      "A module built with a sanitizer needs a tcet-host built with the same."},
     0,
     1,
     library_sanitizer},
    {{"opens", "library", "The file opens on its own: nothing undefined, nothing done at opening."},
     0,
     1,
     library_opens},
    {{"loads", "descriptor",
      "It has the entry symbol, an ABI version of this host, and descriptors as plugin.h says."},
     0,
     1,
     descriptor_loads},
    {{"exports-only-entry", "library", "tcet_module_v1 is the one exported symbol."},
     0,
     0,
     library_exports},
    {{"needs-no-blas", "library",
      "A plugin links to nothing of the host's and to no BLAS, tensor or thread library."},
     0,
     0,
     library_needs},
    {{"opens-fast", "library", "Opening takes less than 100 ms: `tcet-host list` is quick."},
     0,
     0,
     library_quick},
    {{"query-is-pure", "library",
      "tcet_module_v1() is pure: no allocation, no output, the same pointer every time."},
     0,
     0,
     library_pure},

    /* of every plugin */
    {{"defaults", "params", "With its defaults bound, init() succeeds, or says what it lacks."},
     KINDS_ALL,
     1,
     params_defaults},
    {{"refused", "params", "A value out of range, of another type or no choice is refused."},
     KINDS_ALL,
     0,
     params_refused},
    {{"range", "params",
      "Least, largest and every choice: init() takes the value, or fails with a message."},
     KINDS_ALL,
     0,
     params_range},

    /* calls; the first four tell whether the rest makes sense */
    {{"describe", "calls",
      "describe() asks for a pass that exists and depends on parameters alone."},
     SALIENCY,
     1,
     calls_describe},
    {{"ordinary", "calls", "Ordinary inputs give a result; a failure says why by host->fail."},
     KINDS_STABLE,
     1,
     calls_ordinary},
    {{"no-overrun", "calls", "A call touches nothing past the ends of what it was given."},
     KINDS_STABLE,
     1,
     calls_ends},
    {{"inputs-read-only", "calls", "Inputs are borrowed and may only be read."},
     KINDS_NUMERIC,
     1,
     calls_inputs},
    {{"finite", "calls", "A NaN from ordinary inputs is a value, but a guard should be counted."},
     KINDS_NUMERIC,
     0,
     calls_finite},
    {{"one-element", "calls", "The smallest inputs: one image, one channel, one element."},
     KINDS_NUMERIC,
     0,
     calls_one_element},
    {{"large", "calls", "Large inputs."}, KINDS_NUMERIC, 0, calls_large},
    {{"zeros", "calls", "Inputs that are all zero."}, KINDS_NUMERIC, 0, calls_zeros},
    {{"nan-and-inf", "calls", "Values may be NaN or infinite: no crash, no failure without words."},
     KINDS_NUMERIC,
     0,
     calls_nonfinite},
    {{"nan-shows", "calls", "An S^l of NaN should give a NaN, a failure or a counted guard."},
     AGGREGATOR,
     0,
     calls_nan},
    {{"absent", "calls", "Unexecuted layers, empty matrices, metrics without layers: no crash."},
     KINDS_NUMERIC,
     0,
     calls_unused},
    {{"choices", "calls", "Every choice of every parameter gives a result or a worded failure."},
     KINDS_NUMERIC,
     0,
     calls_choices},
    {{"deterministic", "calls",
      "The same call gives the same bits: twice, after others, and from two instances."},
     KINDS_STABLE,
     0,
     calls_deterministic},
    {{"scratch-fails", "calls",
      "host->scratch may give NULL: then TCET_E_MEMORY, a message, and outputs untouched."},
     KINDS_STABLE,
     0,
     calls_scratch},
    {{"cancelled", "calls", "Once the user asked to stop, a call ends by itself soon."},
     KINDS_STABLE,
     0,
     calls_cancelled},

    {{"numbering", "calls", "at(i) is an encoding that check() takes and index_of() turns into i."},
     SPACE,
     0,
     space_numbering},
    {{"builds", "calls", "build() makes a network of every checked encoding, the same every time."},
     SPACE,
     0,
     space_builds},
    {{"draws", "calls", "random() and mutate() give valid encodings, mutate() never the same one."},
     SPACE,
     0,
     space_draws},
    {{"canonical", "calls", "canonical() gives one key for one architecture, and names it stably."},
     SPACE,
     0,
     space_keys},
    {{"wrong-text", "calls", "check() refuses what is no encoding, and says what is wrong."},
     SPACE,
     0,
     space_refuses},
    {{"short-buffers", "calls", "Texts are NUL-terminated within the capacity that was given."},
     SPACE,
     0,
     space_bounds},

    {{"identity", "calls", "info() names what determines the numbers, without a machine's paths."},
     DATASET,
     0,
     dataset_identity},
    {{"numbers", "calls", "Images are finite, labels in [0, classes), equal for equal requests."},
     DATASET,
     0,
     dataset_numbers},

    {{"process", "state",
      "Locale, folder, umask, signals, rounding, descriptors and threads are left alone."},
     KINDS_ALL,
     0,
     state_kept},
    {{"quiet", "state", "A plugin prints nothing; what it has to say goes through host->log."},
     KINDS_ALL,
     0,
     state_quiet},
    {{"cycles", "state", "1,000 instances made, used and freed leave no memory behind."},
     KINDS_ALL,
     0,
     state_cycles},
};

const struct rule *rule_at(size_t i)
{
    return i < TCET_COUNT(rules) ? &rules[i] : NULL;
}

const struct rule *rule_find(const char *name)
{
    for (size_t i = 0; i < TCET_COUNT(rules); i++) {
        if (!strcmp(rules[i].pub.name, name))
            return &rules[i];
    }
    return NULL;
}
