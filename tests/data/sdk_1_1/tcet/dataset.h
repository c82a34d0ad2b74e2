/* tcet/dataset.h -- dataset plugins: mini-batches of images and labels.  Room: sdk. */
#ifndef TCET_DATASET_H
#define TCET_DATASET_H

#include <tcet/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the host asks for.  Zero means: the dataset's own. */
typedef struct tcet_data_request {
    uint32_t struct_size;
    int32_t channels, height, width; /* of one image */
    int32_t classes;                 /* labels are in [0, classes) */
    int32_t reserved;
    int64_t batch;                   /* images in a mini-batch */
    int64_t batches;                 /* successive mini-batches */
    uint64_t seed;                   /* orders the images, or seeds the noise */
} tcet_data_request;

typedef struct tcet_data_info {
    uint32_t struct_size;
    int32_t channels, height, width, classes; /* natural sizes; 0: any */
    int32_t reserved;
    int64_t count;        /* images held; 0: unlimited */
    char identity[256];   /* what determines the numbers: name, file, checksum.  No path that
                             differs between machines; it goes into keys and exports. */
    char description[256];/* the same for people: "50,000 images of DIR" */
} tcet_data_info;

typedef struct tcet_dataset_ops {
    uint32_t struct_size;
    /* [instance] Opens files; after it the other calls are valid.  Errors name the file. */
    tcet_status (*open)(tcet_ctx *cx, void *self);
    tcet_status (*info)(tcet_ctx *cx, void *self, tcet_data_info *out);
    /* [instance] x: float32 [batches, batch, channels, height, width], normalised;
     * y: int64 [batches, batch].  Deterministic in request. */
    tcet_status (*draw)(tcet_ctx *cx, void *self, const tcet_data_request *request, float *x,
                        int64_t *y);
} tcet_dataset_ops;

#ifdef __cplusplus
}
#endif
#endif
