/* fuzz_show.c -- whole configs, as `tcet-host show` resolves them: to a plan with its passes, or to
 * an error.  An input that begins with [ is an INI file.  Any other is a list of keys, put one after
 * the other into a small config that is sound: three bytes choose section, key and kind of value of
 * what there is, a fourth says how many bytes after it are the value.  Room: tests/fuzz. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/plan.h"
#include "plugins.h"

enum { WORDS_MAX = 4096 };

/* Words that mean something in a config. */
struct words {
    const char *item[WORDS_MAX];
    size_t count;
};

static struct registry *registry;
static struct words sections, keys, values;

static void add(struct words *w, const char *word)
{
    for (size_t i = 0; i < w->count; i++) {
        if (!strcmp(w->item[i], word))
            return;
    }
    CHECK(w->count < WORDS_MAX);
    w->item[w->count++] = word;
}

static void drop(void)
{
    registry_close(registry);
}

static void add_words(void)
{
    static const char *const own_sections[] = {
        "run",     "data",    "space",    "backend",   "metric.a",  "metric.b", "metric.c",
        "score.s", "score.t", "ablation", "reference", "benchmark", "export",   "metric.a@2"};
    static const char *const own_keys[] = {
        "space",      "proxy",      "archs",     "seed", "classes",  "workers",   "on_nonfinite",
        "repeats",    "init",       "init_bias", "cpu",  "plugin",   "precision", "batch",
        "saliency",   "aggregator", "partition", "data", "combiner", "metrics",   "with",
        "resolution", "in_flight",  "a",         "s",    "files",    "layers",    "timeout"};
    static const char *const own_values[] = {"0",
                                             "1",
                                             "2",
                                             "3",
                                             "-1",
                                             "7",
                                             "100",
                                             "1e400",
                                             "nan",
                                             "0.5",
                                             "99999999999999999999",
                                             "",
                                             "2147483648",
                                             "a",
                                             "b",
                                             "a, b",
                                             "s",
                                             "a, s",
                                             "a, a",
                                             "yes",
                                             "no",
                                             "snip, grad",
                                             "sum, snr",
                                             "layer",
                                             "network",
                                             "f64",
                                             "naswot",
                                             "tcet, zen",
                                             "1, 2",
                                             "all",
                                             "layer, network",
                                             "kaiming",
                                             "index:1",
                                             "synthetic",
                                             "none",
                                             "any",
                                             "nats_tss",
                                             "plain",
                                             "ones, macs, weight",
                                             ","};
    static const char *const prefixes[] = {"saliency.", "aggregator."};
    static struct arena a;

    for (size_t i = 0; i < TCET_COUNT(own_sections); i++)
        add(&sections, own_sections[i]);
    for (size_t i = 0; i < TCET_COUNT(own_keys); i++)
        add(&keys, own_keys[i]);
    for (size_t i = 0; i < TCET_COUNT(own_values); i++)
        add(&values, own_values[i]);
    for (size_t i = 0; i < registry->count; i++) {
        const struct plugin_info *p = &registry->items[i];

        add(&values, p->id);
        if (p->kind <= TCET_COMBINER || p->kind == TCET_DATASET)
            add(&sections, arena_printf(&a, "%s.%s", kind_name(p->kind), p->id));
        for (size_t k = 0; k < p->param_count; k++) {
            add(&keys, p->params[k].name);
            for (size_t j = 0; j < TCET_COUNT(prefixes); j++)
                add(&keys, arena_printf(&a, "%s%s", prefixes[j], p->params[k].name));
            for (const char *const *c = p->params[k].choices; c && *c; c++)
                add(&values, *c);
        }
    }
}

/* Any backend does: none is opened. */
static void add_backend(const char *folder)
{
    char path[4096], to[300];
    char *bytes = malloc(1 << 24);
    FILE *f;
    size_t n;

    snprintf(path, sizeof path, "%s/tests/fixtures/good_backend.so", TCET_TEST_BUILD);
    CHECK(bytes && (f = fopen(path, "rb")));
    n = fread(bytes, 1, 1 << 24, f);
    fclose(f);
    snprintf(to, sizeof to, "%s/good_backend.so", folder);
    CHECK((f = fopen(to, "wb")) && fwrite(bytes, 1, n, f) == n);
    fclose(f);
    free(bytes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char folder[280], cache[280];
    const char *dirs[] = {folder};
    struct error err;

    if (*argc > 2 && !strcmp((*argv)[1], "scan-plugin"))
        _exit(scan_main((*argv)[2]));
    snprintf(folder, sizeof folder, "%s/plugins", fuzz_folder());
    snprintf(cache, sizeof cache, "%s/cache", fuzz_folder());
    CHECK(mkdir(folder, 0700) == 0 && mkdir(cache, 0700) == 0);
    setenv("XDG_CACHE_HOME", cache, 1);
    setenv("TCET_PLUGIN_PATH", folder, 1);
    setenv("TCET_SCAN_SECONDS", "60", 1);
    add_backend(folder);
    if (registry_open(dirs, 1, &registry, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    atexit(drop);
    add_words();
    return 0;
}

/* Keys that lead to files beyond the program's own: of no use, or of no end. */
static int is_path(const char *key)
{
    return strstr(key, "path") || strstr(key, "include") || !strcmp(key, "output");
}

static void put_keys(struct config *c, const uint8_t *data, size_t size)
{
    struct error err;

    while (size >= 4) {
        size_t n = data[3] < size - 4 ? data[3] : size - 4;
        const char *section = sections.item[data[0] % sections.count];
        const char *key = keys.item[(data[1] + 256u * (data[2] & 3)) % keys.count];
        struct buf b = {0};

        if (is_path(key))
            key = "seed";
        buf_printf(&b, "%s.%s=", section, key);
        if (data[2] & 4)
            buf_printf(&b, "%.*s", (int)n, (const char *)data + 4);
        else
            for (size_t i = 0; i < n && i < 4; i++)
                buf_printf(&b, "%s%s", i ? ", " : "",
                           values.item[(data[4 + i] + 256u * (data[2] >> 3 & 3)) % values.count]);
        (void)!config_set(c, b.data, &err);
        buf_free(&b);
        data += 4 + n;
        size -= 4 + n;
    }
}

static const char sound[] = "[run]\nspace = nats_tss\narchs = first:2\n"
                            "[data]\nplugin = gaussian\nbatch = 2\n"
                            "[backend]\nplugin = plain\nprecision = f64\n"
                            "[metric a]\nsaliency = snip\naggregator = sum\n"
                            "[metric b]\nsaliency = macs\naggregator = sum\n";

static void show(struct config *c)
{
    struct plan *p = NULL;
    struct buf text = {0};
    struct error err = {0};
    struct config *again;

    if (plan_make(c, &p, &err) < 0) {
        CHECK(err.text[0]);
        return;
    }
    CHECK(p->column_count > 0 && p->main_column >= 0);
    for (size_t i = 0; i < p->column_count; i++)
        CHECK(p->columns[i].name && *p->columns[i].name && p->columns[i].key);
    plan_print(p, &text);
    CHECK(text.len);
    text.len = 0;
    config_print(c, &text); /* what a run stores can be read */
    CHECK(config_load(fuzz_file("printed.ini", text.data, text.len), &again, &err) == TCET_OK);
    config_free(again);
    buf_free(&text);
    plan_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c;
    struct error err = {0};
    int is_file = size && data[0] == '[';
    const char *path = is_file ? fuzz_file("input.ini", data, size)
                               : fuzz_file("input.ini", sound, sizeof sound - 1);

    if (config_load(path, &c, &err) < 0) {
        CHECK(is_file && err.text[0]);
        return 0;
    }
    if (!is_file)
        put_keys(c, data, size);
    for (size_t i = 0; i < c->section_count; i++) {
        for (size_t k = 0; k < c->sections[i]->key_count; k++) {
            if (is_path(c->sections[i]->keys[k]->name))
                config_replace(c->sections[i]->keys[k], "");
        }
    }
    show(c);
    config_free(c);
    return 0;
}
