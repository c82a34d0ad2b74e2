/* cuda.c -- see cuda.h.  Room: plugins/backend/torch.
 *
 * Of the driver and of NVRTC the few functions below are used, by the names and arguments that their manuals
 * give (CUDA Driver API, NVRTC, 11 to 13). */
#include "cuda.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tcet/plugin.h>

/* The text of the kernels, as it stands in the source. */
__asm__(".section .rodata\n"
        "cuda_text:\n"
        ".incbin \"" CUDA_TEXT_FOLDER "/cuda_args.h\"\n"
        ".incbin \"" CUDA_TEXT_FOLDER "/cuda_kernels.inc\"\n"
        ".incbin \"" CUDA_TEXT_FOLDER "/cuda_conv.inc\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char cuda_text[] __attribute__((visibility("hidden")));

enum { MAJOR = 75, MINOR = 76, INVALID_OPTION = 5 }; /* CU_DEVICE_ATTRIBUTE_..., NVRTC_ERROR_... */

/* The libraries' functions, in the order of `names`. */
struct driver {
    int (*init)(unsigned int);
    int (*device)(int *, int);
    int (*attribute)(int *, int, int);
    int (*retain)(void **, int);
    int (*set_current)(void *);
    int (*load)(void **, const void *);
    int (*function)(void **, void *, const char *);
    int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                  void *, void **, void **);
    int (*error)(int, const char **);
};
static const char *const driver_names[] = {
    "cuInit",          "cuDeviceGet",      "cuDeviceGetAttribute", "cuDevicePrimaryCtxRetain",
    "cuCtxSetCurrent", "cuModuleLoadData", "cuModuleGetFunction",  "cuLaunchKernel",
    "cuGetErrorString"};

struct compiler {
    int (*create)(void **, const char *, const char *, int, const char *const *,
                  const char *const *);
    int (*compile)(void *, int, const char *const *);
    int (*log_size)(void *, size_t *);
    int (*log)(void *, char *);
    int (*ptx_size)(void *, size_t *);
    int (*ptx)(void *, char *);
    int (*destroy)(void **);
};
static const char *const compiler_names[] = {
    "nvrtcCreateProgram", "nvrtcCompileProgram", "nvrtcGetProgramLogSize", "nvrtcGetProgramLog",
    "nvrtcGetPTXSize",    "nvrtcGetPTX",         "nvrtcDestroyProgram"};

/* libtorch's own stand-in brings the NVRTC that it was built with. */
static const char *const compilers[] = {"libcaffe2_nvrtc.so", "libnvrtc.so", "libnvrtc.so.13",
                                        "libnvrtc.so.12", "libnvrtc.so.11.2"};

struct cuda_code {
    struct driver driver;
    struct compiler compiler;
    int f64, major, minor;
    void *context;
    void *function[CUDA_KERNEL_COUNT]; /* NULL until the first launch */
};

static const char *const kernel_names[] = {
#define CUDA_NAME(name) #name,
    CUDA_KERNELS(CUDA_NAME)
#undef CUDA_NAME
};

static int say(struct ts_device *d, const char *what, const char *why)
{
    snprintf(d->message, sizeof d->message, "%s: %.400s", what, why ? why : "unknown");
    return TCET_E_BACKEND;
}

/* Fills a table of `count` functions from a library; 0 where it lacks one. */
static int take(void *library, const char *const *names, size_t count, void *table)
{
    for (size_t k = 0; k < count; k++) {
        void *symbol = dlsym(library, names[k]);

        if (!symbol)
            return 0;
        memcpy((char *)table + k * sizeof symbol, &symbol, sizeof symbol);
    }
    return 1;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int find(struct ts_device *d, struct cuda_code *c)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

    if (!library || !take(library, driver_names, COUNT(driver_names), &c->driver))
        return say(d, "NVIDIA's driver", library ? "libcuda.so.1 is too old" : dlerror());
    for (size_t k = 0; k < COUNT(compilers); k++) {
        library = dlopen(compilers[k], RTLD_NOW | RTLD_LOCAL);
        if (library && take(library, compiler_names, COUNT(compiler_names), &c->compiler))
            return 0;
    }
    return say(d, "NVRTC", "no libnvrtc.so was found");
}

/* 0, or the driver's word for `code`. */
static int checked(struct ts_device *d, const struct cuda_code *c, int code, const char *what)
{
    const char *text = NULL;

    if (code == 0)
        return 0;
    c->driver.error(code, &text);
    return say(d, what, text);
}

int cuda_open(struct ts_device *d, struct cuda_code **out)
{
    struct cuda_code *c = calloc(1, sizeof *c);
    int device = 0, status;

    if (!c) {
        snprintf(d->message, sizeof d->message, "out of memory");
        return TCET_E_MEMORY;
    }
    c->f64 = d->f64;
    status = find(d, c);
    if (status == 0)
        status = checked(d, c, c->driver.init(0), "cuInit");
    if (status == 0)
        status = checked(d, c, c->driver.device(&device, d->index), "cuDeviceGet");
    if (status == 0)
        status = checked(d, c, c->driver.attribute(&c->major, MAJOR, device), "capability");
    if (status == 0)
        status = checked(d, c, c->driver.attribute(&c->minor, MINOR, device), "capability");
    if (status == 0) /* the runtime's own, which libtorch uses; it ends with the process */
        status = checked(d, c, c->driver.retain(&c->context, device), "context");
    if (status == 0) {
        *out = c;
        return 0;
    }
    free(c);
    return status;
}

void cuda_close(struct cuda_code *c)
{
    free(c);
}

static int compile_error(struct ts_device *d, const struct cuda_code *c, void *program)
{
    size_t size = 0;
    char *log;

    c->compiler.log_size(program, &size);
    log = calloc(size + 1, 1);
    if (log)
        c->compiler.log(program, log);
    say(d, "compiling the kernels", log);
    free(log);
    return TCET_E_BACKEND;
}

/* The driver's module of a compiled program. */
static int load(struct ts_device *d, const struct cuda_code *c, void *program, void **module)
{
    size_t size = 0;
    char *ptx = NULL;
    int status;

    if (c->compiler.ptx_size(program, &size) == 0)
        ptx = malloc(size + 1);
    if (!ptx || c->compiler.ptx(program, ptx) != 0) {
        free(ptx);
        return say(d, "compiling the kernels", "no code");
    }
    ptx[size] = '\0';
    status = checked(d, c, c->driver.load(module, ptx), "loading the kernels");
    free(ptx);
    return status;
}

/* For the device; by an NVRTC that is older, for the newest that all know. */
static int compile(struct ts_device *d, struct cuda_code *c)
{
    char target[64];
    const char *options[] = {target, c->f64 ? "-DNUM=double" : "-DNUM=float", "--fmad=true"};
    void *program = NULL, *module = NULL;
    int status;

    if (c->compiler.create(&program, cuda_text, "cuda_kernels", 0, NULL, NULL) != 0)
        return say(d, "compiling the kernels", "nvrtcCreateProgram");
    snprintf(target, sizeof target, "--gpu-architecture=compute_%d%d", c->major, c->minor);
    status = c->compiler.compile(program, COUNT(options), options);
    if (status == INVALID_OPTION) {
        snprintf(target, sizeof target, "--gpu-architecture=compute_75");
        status = c->compiler.compile(program, COUNT(options), options);
    }
    status = status != 0 ? compile_error(d, c, program) : load(d, c, program, &module);
    c->compiler.destroy(&program);
    for (int k = 0; k < CUDA_KERNEL_COUNT && status == 0; k++)
        status = checked(d, c, c->driver.function(&c->function[k], module, kernel_names[k]),
                         kernel_names[k]);
    return status;
}

int cuda_launch(struct ts_device *d, enum cuda_kernel kernel, const struct cuda_grid *grid,
                void *argument)
{
    struct cuda_code *c = d->code;
    void *arguments[1] = {argument};
    int status = checked(d, c, c->driver.set_current(c->context), "context");

    if (status == 0 && !c->function[CUDA_KERNEL_COUNT - 1])
        status = compile(d, c);
    if (status == 0)
        status = checked(d, c,
                         c->driver.launch(c->function[kernel], grid->blocks[0], grid->blocks[1], 1,
                                          grid->threads[0], grid->threads[1], 1, 0, d->queue,
                                          arguments, NULL),
                         kernel_names[kernel]);
    return status;
}
