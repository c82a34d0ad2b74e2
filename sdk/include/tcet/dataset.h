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
    int64_t batch;   /* images in a mini-batch */
    int64_t batches; /* successive mini-batches */
    uint64_t seed;   /* orders the images, or seeds the noise */
    uint32_t target; /* since 1.2: TCET_TARGET_*, of which targets() gives; not SELF */
    uint32_t reserved2;
} tcet_data_request;

typedef struct tcet_data_info {
    uint32_t struct_size;
    int32_t channels, height, width, classes; /* natural sizes; 0: any */
    int32_t reserved;
    int64_t count;         /* images held; 0: unlimited */
    char identity[256];    /* what determines the numbers: name, file, checksum.  No path that
                             differs between machines; it goes into keys and exports. */
    char description[256]; /* the same for people: "50,000 images of DIR" */
    uint32_t targets; /* since 1.2: TCET_TARGET_BIT of each kind that an image has, 0: a class */
    uint32_t reserved2;
} tcet_data_info;

/* Since 1.2: the parts of a set that training reads. */
enum { TCET_SPLIT_TRAIN = 0, TCET_SPLIT_TEST = 1, TCET_SPLITS = 2 };
enum { TCET_READ_CHANNELS_MAX = 4 };

typedef struct tcet_data_splits {
    uint32_t struct_size;
    int32_t channels, height, width, classes; /* natural sizes, none of them 0 */
    int32_t reserved;
    int64_t count[TCET_SPLITS]; /* images in each split; 0: there is none */
    /* A channel's value is (byte / 255 - mean) / std. */
    float mean[TCET_READ_CHANNELS_MAX], std[TCET_READ_CHANNELS_MAX];
    char identity[256]; /* of both splits' bytes, as tcet_data_info's */
} tcet_data_splits;

typedef struct tcet_read_request {
    uint32_t struct_size;
    uint32_t split;         /* TCET_SPLIT_* */
    int32_t height, width;  /* of an image; 0: natural */
    int64_t first, n;       /* images first .. first + n - 1, in the set's own order */
    const int64_t *indices; /* not NULL: these n images instead; each in [0, count[split]) */
} tcet_read_request;

typedef struct tcet_dataset_ops {
    uint32_t struct_size;
    /* [instance] Opens files; after it the other calls are valid.  Errors name the file. */
    tcet_status (*open)(tcet_ctx *cx, void *self);
    tcet_status (*info)(tcet_ctx *cx, void *self, tcet_data_info *out);
    /* [instance] x: float32 [batches, batch, channels, height, width], normalised;
     * y: int64 [batches, batch].  Deterministic in request. */
    tcet_status (*draw)(tcet_ctx *cx, void *self, const tcet_data_request *request, float *x,
                        int64_t *y);
    /* [instance] Optional, since 1.2, with read(): the splits there are. */
    tcet_status (*splits)(tcet_ctx *cx, void *self, tcet_data_splits *out);
    /* [instance] Optional, since 1.2, with splits().  images: [n, channels, height, width] bytes as
     * they are, neither normalised nor augmented; labels: [n], in [0, classes).  Another size than
     * the natural one is TCET_E_ARG where the set has no rule for it, as is a split that is not
     * there; its error says where one is found. */
    tcet_status (*read)(tcet_ctx *cx, void *self, const tcet_read_request *request, uint8_t *images,
                        int64_t *labels);
    /* [instance] Optional, since 1.2, with info's `targets`: those of the images that draw() gives for
     * the same request, of the kind request->target.  t: float32 [batches, batch, ...], classes of
     * PIXELS as whole numbers in [0, classes), SHARES not below 0.  What draw() gives as labels is then
     * the place of the largest share or number, 0 of others. */
    tcet_status (*targets)(tcet_ctx *cx, void *self, const tcet_data_request *request, float *t);
} tcet_dataset_ops;

#ifdef __cplusplus
}
#endif
#endif
