/* fuzz_nds.c -- a file of NDS, as a benchmark table and as the architectures of a space of cells and
 * one of blocks.  What a space takes from it, it takes as an encoding; the reader gives the same events
 * of the bytes at once and a few at a time.  Room: tests/fuzz. */
#include <string.h>
#include <tcet/draft/json.h>
#include <tcet/space.h>

#include "config/config.h"
#include "plugins.h"
#include "table/table.h"

static struct plugin *spaces[2];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[] = {"nds_darts", "nds_resnext"};
    struct plugin *plugins[PLUGINS];
    size_t count = load_plugins("space_nds.so", plugins);

    (void)argc, (void)argv;
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 2; k++)
            if (!strcmp(plugins[i]->desc.id, names[k]))
                spaces[k] = plugins[i];
    CHECK(spaces[0] && spaces[1]);
    return 0;
}

struct source {
    const char *at;
    size_t left;
};

static int64_t three_bytes(void *user, char *buffer, size_t size)
{
    struct source *s = user;
    size_t n = s->left < 3 ? s->left : 3;

    CHECK(size >= 3);
    memcpy(buffer, s->at, n);
    s->at += n;
    s->left -= n;
    return (int64_t)n;
}

static void read_twice(const char *data, size_t size)
{
    char text[2][24], buffer[4];
    struct source s = {data, size};
    tcet_json a = tcet_json_of(data, size, text[0], sizeof *text);
    tcet_json b = tcet_json_of("", 0, text[1], sizeof *text);
    int event, open = 0;

    b.read = three_bytes;
    b.user = &s;
    b.buffer = buffer;
    b.buffer_size = sizeof buffer;
    do {
        event = tcet_json_next(&a);
        CHECK(event == tcet_json_next(&b) && a.position == b.position && a.line == b.line);
        CHECK(event < TCET_JSON_NAME || !strcmp(a.text, b.text));
        open += event == TCET_JSON_OBJECT || event == TCET_JSON_LIST;
        open -= event == TCET_JSON_OBJECT_END || event == TCET_JSON_LIST_END;
        CHECK(open == a.depth || event < 0);
    } while (event > 0);
    CHECK(event == TCET_JSON_END ? open == 0 : a.error && !strcmp(a.error, b.error));
}

#define CALL(space, function, ...)                                                            \
    call_end(&(space)->cx,                                                                    \
             OPS(tcet_space_ops, space)                                                       \
                 ->function(call_begin(&(space)->cx, #function), (space)->self, __VA_ARGS__), \
             &err)

static void read_space(struct plugin *plugin, const char *path)
{
    struct config *c = config_new();
    struct binding file = {.name = "file"};
    struct arena a = {0};
    struct instance *s = NULL;
    struct error err = {0};
    char text[TCET_ARCH_MAX];
    int64_t size = 0, index;

    config_put(c, "space", "", "file", path, "fuzz", "/", 0);
    file.key = config_get(c, "space", "", "file");
    if (instance_new(plugin, &file, 1, plugin->desc.id, &a, &s, &err) == TCET_OK) {
        CHECK(CALL(s, size, &size) == TCET_OK && size > 0);
        for (int64_t i = 0; i < size; i++) {
            CHECK(CALL(s, at, i, text, sizeof text) == TCET_OK);
            if (CALL(s, index_of, text, &index) == TCET_OK)
                CHECK(index >= 0 && index <= i);
        }
    } else {
        CHECK(err.text[0]);
    }
    instance_free(s);
    arena_free(&a);
    config_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file("nds.json", data, size);
    struct error err = {0};
    struct table *t;

    read_twice((const char *)data, size);
    if (table_load(path, NULL, &t, &err) == TCET_OK) {
        for (size_t i = 0; i < t->rows; i++)
            CHECK(table_row(t, t->arch[i]) == (int64_t)i);
        table_free(t);
    } else {
        CHECK(err.text[0]);
    }
    read_space(spaces[0], path);
    read_space(spaces[1], path);
    return 0;
}
