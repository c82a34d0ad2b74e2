/* elf.c -- the dynamic symbols and needed libraries of a shared object, read from its section
 * headers without running any of it.
 *
 * Room: core/check.  Stands on core/base and the system's ELF headers. */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "check/internal.h"

enum { FILE_MAX = 1 << 30 };

struct image {
    const char *path, *bytes;
    size_t size;
    const ElfW(Shdr) * sections;
    size_t section_count;
    struct arena *arena;
};

static tcet_status bad(const struct image *m, const char *what, struct error *err)
{
    return error_set(err, TCET_E_ARG, "%s: %s", m->path, what);
}

/* n entries of a section; NULL when it does not lie within the file. */
static const void *section_data(const struct image *m, const ElfW(Shdr) * s, size_t entry,
                                size_t *n)
{
    if (s->sh_offset > m->size || s->sh_size > m->size - s->sh_offset ||
        s->sh_offset % sizeof(ElfW(Word)))
        return NULL;
    *n = s->sh_size / entry;
    return m->bytes + s->sh_offset;
}

/* A text of the string table that section s links to; "" for nonsense. */
static const char *text_at(const struct image *m, const ElfW(Shdr) * s, size_t offset)
{
    const ElfW(Shdr) * strings;
    const char *data;
    size_t n;

    if (s->sh_link >= m->section_count)
        return "";
    strings = &m->sections[s->sh_link];
    data = section_data(m, strings, 1, &n);
    if (!data || offset >= n || !memchr(data + offset, '\0', n - offset))
        return "";
    return arena_strdup(m->arena, data + offset);
}

static void read_symbols(const struct image *m, const ElfW(Shdr) * s, struct elf *out)
{
    size_t n = 0;
    const ElfW(Sym) *symbols = section_data(m, s, sizeof *symbols, &n);

    out->exported = arena_alloc(m->arena, (n + 1) * sizeof *out->exported);
    out->undefined = arena_alloc(m->arena, (n + 1) * sizeof *out->undefined);
    for (size_t i = 0; symbols && i < n; i++) {
        unsigned binding = ELF64_ST_BIND(symbols[i].st_info);
        unsigned visibility = ELF64_ST_VISIBILITY(symbols[i].st_other);
        const char *name = text_at(m, s, symbols[i].st_name);

        if (!*name || binding == STB_LOCAL)
            continue;
        if (symbols[i].st_shndx == SHN_UNDEF)
            out->undefined[out->undefined_count++] = name;
        else if (symbols[i].st_shndx != SHN_ABS && visibility != STV_HIDDEN &&
                 visibility != STV_INTERNAL)
            out->exported[out->exported_count++] = name;
    }
}

static void read_needed(const struct image *m, const ElfW(Shdr) * s, struct elf *out)
{
    size_t n = 0;
    const ElfW(Dyn) *entries = section_data(m, s, sizeof *entries, &n);

    out->needed = arena_alloc(m->arena, (n + 1) * sizeof *out->needed);
    for (size_t i = 0; entries && i < n && entries[i].d_tag != DT_NULL; i++) {
        if (entries[i].d_tag == DT_NEEDED)
            out->needed[out->needed_count++] = text_at(m, s, entries[i].d_un.d_val);
    }
}

static tcet_status read_sections(struct image *m, struct elf *out, struct error *err)
{
    const ElfW(Ehdr) *head = (const void *)m->bytes;

    if (m->size < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG))
        return bad(m, "is no ELF file", err);
    if (head->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
        head->e_type != ET_DYN)
        return bad(m, "is no shared object for this machine", err);
    if (!head->e_shoff || head->e_shoff > m->size || head->e_shoff % sizeof(void *) ||
        head->e_shentsize != sizeof *m->sections ||
        head->e_shnum > (m->size - head->e_shoff) / sizeof *m->sections)
        return bad(m, "has no section headers to read", err);
    m->sections = (const void *)(m->bytes + head->e_shoff);
    m->section_count = head->e_shnum;
    for (size_t i = 0; i < m->section_count; i++) {
        if (m->sections[i].sh_type == SHT_DYNSYM)
            read_symbols(m, &m->sections[i], out);
        else if (m->sections[i].sh_type == SHT_DYNAMIC)
            read_needed(m, &m->sections[i], out);
    }
    return TCET_OK;
}

tcet_status elf_read(const char *path, struct arena *a, struct elf *out, struct error *err)
{
    struct image m = {.path = path, .arena = a};
    int64_t size;
    FILE *f = file_open(path, FILE_MAX, &size, err);
    char *bytes;
    tcet_status st;

    if (!f)
        return err->status;
    memset(out, 0, sizeof *out);
    bytes = mem_try((size_t)size + 1, 1);
    if (!bytes) {
        st = error_set(err, TCET_E_MEMORY, "%s: no memory for its %lld bytes", path,
                       (long long)size);
    } else {
        m.bytes = bytes;
        m.size = fread(bytes, 1, (size_t)size, f);
        st = read_sections(&m, out, err);
    }
    free(bytes);
    fclose(f);
    return st;
}
