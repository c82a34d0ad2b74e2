/* nds_file.h -- the architectures of one of NDS's files: a list of entries, or {"top": [...], "mid":
 * [...]}, of which each has a "net".  Read as a stream: what is kept is their encodings.
 * Room: spaces/family.  Stands on family/nds, the SDK and libc's files. */
#ifndef SPACES_NDS_FILE_H
#define SPACES_NDS_FILE_H

#include "family/nds.h"

struct nds_file;

/* TCET_E_IO or TCET_E_ARG with path, line and entry; TCET_E_MEMORY.  Warns of nets with an auxiliary
 * head, which is left out. */
tcet_status nds_file_load(tcet_ctx *cx, const char *path, const struct nds_family *family,
                          struct nds_file **out);
void nds_file_free(struct nds_file *f); /* NULL is fine */

int64_t nds_file_count(const struct nds_file *f);
/* The encoding of entry i, those of "top" first. */
const char *nds_file_at(const struct nds_file *f, int64_t i);

#endif
