/* torch_shim.cc -- see torch_shim.h.  Room: plugins/backend/torch; the only file that
 * includes libtorch.  Compiles against libtorch 1.13 to 2.x, with and without CUDA. */
#include "torch_shim.h"

#include <tcet/draft/backend.h>

#include <ATen/ATen.h>
#include <ATen/TensorIndexing.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/GradMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/cuda.h>
#include <torch/version.h>

#ifdef TCET_TORCH_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <stdexcept>
#include <string>
#include <vector>

struct ts_tensor {
    at::Tensor t;
};

namespace
{

using at::Tensor;

constexpr auto LAST = at::MemoryFormat::ChannelsLast;

void say(ts_device *d, const char *text)
{
    std::snprintf(d->message, sizeof d->message, "%s", text);
    /* libtorch appends a stack trace; the first line says what is wrong */
    if (char *end = std::strchr(d->message, '\n'))
        *end = '\0';
}

/* In the copy of this backend that tests run where there is no device, one of the CPU's memory. */
#ifdef TCET_CUDA_EMULATED
constexpr bool emulated = true;
#else
constexpr bool emulated = false;
#endif

bool on_cuda(const ts_device *d)
{
    return d->cuda && !emulated;
}

at::Device place(const ts_device *d)
{
    return on_cuda(d) ? at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(d->index))
                      : at::Device(at::kCPU);
}

c10::Stream stream(const ts_device *d)
{
    return c10::Stream(c10::Stream::UNSAFE, place(d), d->stream);
}

/* Runs body on the device's stream; an exception becomes a status and a message. */
template <class F>
int guarded(ts_device *d, F body) noexcept
{
    try {
        c10::InferenceMode no_autograd;
        c10::OptionalStreamGuard on;

        if (d->stream)
            on.reset_stream(stream(d));
        body();
        return TCET_OK;
    } catch (const std::bad_alloc &) {
        say(d, "out of memory");
        return TCET_E_MEMORY;
    } catch (const c10::Error &e) {
        const char *text = e.what_without_backtrace();

        say(d, text);
        return std::strstr(text, "memory") ? TCET_E_MEMORY : TCET_E_BACKEND;
    } catch (const std::exception &e) {
        say(d, e.what());
        return TCET_E_BACKEND;
    } catch (...) {
        say(d, "unknown exception in libtorch");
        return TCET_E_BACKEND;
    }
}

/* The same for functions that return a tensor; NULL is the failure. */
template <class F>
ts_tensor *made(ts_device *d, F body) noexcept
{
    ts_tensor *out = nullptr;

    guarded(d, [&] { out = new ts_tensor{body()}; });
    return out;
}

at::ScalarType kind(const ts_device *d)
{
    return d->f64 ? at::kDouble : at::kFloat;
}

at::TensorOptions options(const ts_device *d, at::ScalarType type)
{
    return at::TensorOptions().device(place(d)).dtype(type);
}

Tensor wrap(const ts_device *d, const void *x, at::IntArrayRef shape, at::ScalarType type)
{
    return at::from_blob(const_cast<void *>(x), shape, options(d, type));
}

Tensor wrap(const ts_device *d, const void *x, at::IntArrayRef shape)
{
    return wrap(d, x, shape, kind(d));
}

/* NHWC memory as the tensor [n, c, h, w] that libtorch knows. */
Tensor image(const ts_device *d, const void *x, int64_t n, int64_t c, int64_t h, int64_t w)
{
    return at::from_blob(const_cast<void *>(x), {n, c, h, w}, {h * w * c, 1, w * c, c},
                         options(d, kind(d)));
}

void put(const Tensor &value, Tensor to)
{
    to.copy_(value);
}

/* A tensor of the host's in the device's memory.  By way of page-locked memory, which libtorch
 * does not give to anybody else before the stream has read it: a copy from other memory waits
 * for all that is queued. */
Tensor sent(const ts_device *d, const Tensor &x)
{
    Tensor locked;

    if (!on_cuda(d))
        return x;
    locked = at::empty(x.sizes(), x.options().pinned_memory(true));
    locked.copy_(x);
    return locked.to(options(d, x.scalar_type()), true);
}

/* libtorch's CPU allocations go through the executor's pool.  allocate() lost its const and
 * copy_data() came in on the way from 1.13 to 2.x; without `override` this fits both. */
struct Pool final : c10::Allocator {
    void *(*get)(size_t) = nullptr;
    void (*put_back)(void *) = nullptr;

    static void drop(void *data);
    c10::DataPtr serve(size_t bytes) const
    {
        void *data = bytes ? get(bytes) : nullptr;

        if (bytes && !data)
            throw std::bad_alloc();
        return {data, data, &drop, at::Device(at::kCPU)};
    }
    c10::DataPtr allocate(size_t bytes)
    {
        return serve(bytes);
    }
    c10::DataPtr allocate(size_t bytes) const
    {
        return serve(bytes);
    }
    c10::DeleterFnPtr raw_deleter() const
    {
        return &drop;
    }
    void copy_data(void *to, const void *from, std::size_t count) const
    {
        std::memcpy(to, from, count);
    }
};

Pool pool;

void Pool::drop(void *data)
{
    if (data)
        pool.put_back(data);
}

} // namespace

/* -- the library and its memory ------------------------------------------------------- */

/* OpenBLAS keeps its own count; with POSIX threads it starts one for every core. */
void ts_threads_blas(int32_t threads)
{
    auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));

    if (set)
        set(threads);
}

/* OpenMP's count is the calling thread's, once libtorch has set it for that thread. */
int32_t ts_threads_here(int32_t threads)
{
    auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
    ts_device d{};
    int32_t before = 1;

    guarded(&d, [&] { before = at::get_num_threads(); });
    if (set)
        set(threads);
    return before;
}

void ts_setup(int32_t threads, char *version, size_t cap)
{
    ts_device d{};

    ts_threads_blas(threads);
    guarded(&d, [&] {
        at::set_num_threads(threads);
        at::globalContext().setDeterministicCuDNN(true);
        at::globalContext().setBenchmarkCuDNN(false);
        at::globalContext().setAllowTF32CuDNN(false);
        at::globalContext().setAllowTF32CuBLAS(false);
    });
    std::snprintf(version, cap, "libtorch %d.%d.%d", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR,
                  TORCH_VERSION_PATCH);
}

void ts_instructions(char *out, size_t cap)
{
    static const char usage[] = "CPU capability usage: ";
    std::string text;
    ts_device d{};

    guarded(&d, [&] {
        const std::string config = at::show_config();
        const size_t at = config.find(usage);
        auto isa = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "dnnl_get_effective_cpu_isa"));
        auto core = reinterpret_cast<char *(*)()>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));

        if (at != std::string::npos)
            text += " aten=" + config.substr(at + sizeof usage - 1,
                                             config.find('\n', at) - at - (sizeof usage - 1));
        std::replace(text.begin() + !text.empty(), text.end(), ' ', '-'); /* "NO AVX" is one word */
        if (isa)
            text += " onednn=" + std::to_string(isa());
        if (core)
            text += std::string(" openblas=") + core();
        /* What is built into libtorch cannot be asked: the environment's word must do. */
        const struct {
            const char *name;
            bool known;
        } variables[] = {{"ATEN_CPU_CAPABILITY", at != std::string::npos},
                         {"ONEDNN_MAX_CPU_ISA", isa != nullptr},
                         {"DNNL_MAX_CPU_ISA", isa != nullptr},
                         {"OPENBLAS_CORETYPE", core != nullptr},
                         {"MKL_ENABLE_INSTRUCTIONS", false},
                         {"MKL_CBWR", false}};

        for (const auto &v : variables) {
            if (!v.known && std::getenv(v.name))
                text += std::string(" ") + v.name + "=" + std::getenv(v.name);
        }
    });
    std::snprintf(out, cap, "%s", text.c_str());
}

int32_t ts_cuda_devices(void)
{
    ts_device d{};
    int32_t count = -1;

    if (emulated)
        return 1;
    guarded(&d, [&] {
        if (at::detail::getCUDAHooks().hasCUDART())
            count = static_cast<int32_t>(torch::cuda::device_count());
    });
    return count;
}

int ts_cuda_name(ts_device *d, char *out, size_t cap)
{
    return guarded(d, [&] {
#ifdef TCET_TORCH_CUDA
        const char *model = at::cuda::getDeviceProperties(d->index)->name;
#else
        const char *model = "";
#endif
        std::snprintf(out, cap, "cuda:%d %s", d->index, model);
    });
}

int ts_stream(ts_device *d, int64_t *out)
{
    return guarded(d, [&] {
        if (emulated)
            return;
        c10::impl::VirtualGuardImpl streams(place(d).type());

        *out = streams.getStreamFromGlobalPool(place(d)).id();
    });
}

int ts_queue(ts_device *d, void **out)
{
    return guarded(d, [&] {
#ifdef TCET_TORCH_CUDA
        *out = c10::cuda::CUDAStream(c10::cuda::CUDAStream::UNCHECKED, stream(d)).stream();
#else
        *out = nullptr;
#endif
    });
}

void ts_use_pool(void *(*get)(size_t), void (*put_back)(void *))
{
    pool.get = get;
    pool.put_back = put_back;
    c10::SetAllocator(at::kCPU, &pool, 255);
}

ts_tensor *ts_alloc(ts_device *d, size_t bytes, void **data)
{
    ts_tensor *t = made(d, [&] {
        return at::empty({static_cast<int64_t>(bytes ? bytes : 1)}, options(d, at::kByte));
    });

    if (t)
        *data = t->t.data_ptr();
    return t;
}

ts_tensor *ts_alloc_host(ts_device *d, size_t bytes, void **data)
{
    ts_tensor *t = made(d, [&] {
        return at::empty({static_cast<int64_t>(bytes ? bytes : 1)},
                         at::TensorOptions().dtype(at::kByte).pinned_memory(!emulated));
    });

    if (t)
        *data = t->t.data_ptr();
    return t;
}

void ts_free(ts_tensor *t)
{
    delete t;
}

void *ts_data(const ts_tensor *t)
{
    return t->t.data_ptr();
}

static Tensor bytes_on(const ts_device *d, const void *x, size_t bytes)
{
    return wrap(d, x, {static_cast<int64_t>(bytes)}, at::kByte);
}

int ts_to_device(ts_device *d, void *to, const void *from, size_t bytes)
{
    return guarded(d, [&] {
        ts_device host{};

        put(sent(d, bytes_on(&host, from, bytes)), bytes_on(d, to, bytes));
    });
}

int ts_to_host(ts_device *d, void *to, const void *from, size_t bytes)
{
    return guarded(d, [&] {
        ts_device host{};

        bytes_on(&host, to, bytes).copy_(bytes_on(d, from, bytes), true);
    });
}

int ts_synchronize(ts_device *d)
{
    return guarded(d, [&] {
        if (on_cuda(d))
            stream(d).synchronize();
    });
}

/* -- convolution and linear ----------------------------------------------------------- */

/* Convolutions of floats on CUDA by the units that d->conv names; others as they are. */
static bool halved(const ts_device *d)
{
    if (!on_cuda(d) || d->f64)
        return false;
    at::globalContext().setAllowTF32CuDNN(d->conv == TS_CONV_TF32);
    return d->conv == TS_CONV_BF16;
}

static Tensor halve(bool half, const Tensor &x)
{
    return half ? x.to(at::kBFloat16) : x;
}

static Tensor filter(const ts_device *d, const ts_conv *s, const void *w)
{
    return wrap(d, w, {s->oc, s->c / s->groups, s->kh, s->kw});
}

/* Does oneDNN (2.6, with AVX2) write behind the memory of the gradient of these weights?  Of 1 x 1 windows with a
 * stride, no padding and fewer than 8 channels in it does. */
static bool overruns(const Tensor &w, int64_t stride_h, int64_t stride_w, int64_t pad_h,
                     int64_t pad_w)
{
    return w.size(1) < 8 && w.size(2) == 1 && w.size(3) == 1 && (stride_h > 1 || stride_w > 1) &&
           pad_h == 0 && pad_w == 0;
}

/* The pixels of x that 1 x 1 windows read, whose stride is 1 then. */
static Tensor pixels_read(const Tensor &x, int64_t stride_h, int64_t stride_w)
{
    return x.slice(2, 0, x.size(2), stride_h).slice(3, 0, x.size(3), stride_w).contiguous(LAST);
}

ts_tensor *ts_conv_forward(ts_device *d, const ts_conv *s, const void *x, const void *w,
                           const void *bias, void **data)
{
    ts_tensor *t = made(d, [&] {
        c10::optional<Tensor> b;
        bool half = halved(d);

        if (bias)
            b = halve(half, wrap(d, bias, {s->oc}));
        return at::convolution(halve(half, image(d, x, s->n, s->c, s->h, s->w)),
                               halve(half, filter(d, s, w)), b, {s->stride_h, s->stride_w},
                               {s->pad_h, s->pad_w}, {s->dilation_h, s->dilation_w}, false, {0, 0},
                               s->groups)
            .to(kind(d))
            .contiguous(LAST);
    });

    if (t)
        *data = t->t.data_ptr();
    return t;
}

int ts_conv_backward(ts_device *d, const ts_conv *s, const void *g, const void *x, const void *w,
                     void *dw, ts_tensor **dx, void **data)
{
    return guarded(d, [&] {
        bool half = halved(d);
        Tensor filters = halve(half, filter(d, s, w)),
               of = halve(half, image(d, g, s->n, s->oc, s->oh, s->ow));
        bool apart = dw && overruns(filters, s->stride_h, s->stride_w, s->pad_h, s->pad_w);
        std::array<bool, 3> mask{{dx != nullptr, dw && !apart, false}};
        /* without a weight gradient only the input's shape is read */
        Tensor in = x ? image(d, x, s->n, s->c, s->h, s->w)
                      : at::empty({s->n, s->c, s->h, s->w}, options(d, kind(d)), LAST);
        auto grads = at::convolution_backward(
            of, halve(half, in), filters, c10::nullopt, {s->stride_h, s->stride_w},
            {s->pad_h, s->pad_w}, {s->dilation_h, s->dilation_w}, false, {0, 0}, s->groups, mask);

        if (apart)
            std::get<1>(grads) = std::get<1>(at::convolution_backward(
                of, halve(half, pixels_read(in, s->stride_h, s->stride_w)), filters, c10::nullopt,
                {1, 1}, {0, 0}, {1, 1}, false, {0, 0}, s->groups, {{false, true, false}}));
        if (dw)
            wrap(d, dw, {s->oc, s->c / s->groups, s->kh, s->kw}).add_(std::get<1>(grads));
        if (dx) {
            *dx = new ts_tensor{std::get<0>(grads).to(kind(d)).contiguous(LAST)};
            *data = (*dx)->t.data_ptr();
        }
    });
}

int ts_linear(ts_device *d, int64_t n, int64_t in, int64_t out, const void *x, const void *w,
              const void *bias, void *y)
{
    return guarded(d, [&] {
        Tensor to = wrap(d, y, {n, out}), wt = wrap(d, w, {out, in}).t();

        if (bias)
            at::addmm_out(to, wrap(d, bias, {out}), wrap(d, x, {n, in}), wt);
        else
            at::mm_out(to, wrap(d, x, {n, in}), wt);
    });
}

int ts_linear_back(ts_device *d, int64_t n, int64_t in, int64_t out, const void *g, const void *x,
                   const void *w, void *dx, void *dw)
{
    return guarded(d, [&] {
        Tensor gt = wrap(d, g, {n, out});

        if (dx) {
            Tensor to = wrap(d, dx, {n, in});

            at::mm_out(to, gt, wrap(d, w, {out, in}));
        }
        if (dw)
            wrap(d, dw, {out, in}).addmm_(gt.t(), wrap(d, x, {n, in}));
    });
}

/* -- the plain form of every other operation ------------------------------------------ */

int ts_load(ts_device *d, const float *x, int64_t n, int64_t c, int64_t hw, void *out)
{
    return guarded(d, [&] {
        ts_device host{};

        put(sent(d, wrap(&host, x, {n, c, hw}, at::kFloat)).to(kind(d)).permute({0, 2, 1}),
            wrap(d, out, {n, hw, c}));
    });
}

int ts_to_nchw(ts_device *d, const void *x, int64_t n, int64_t c, int64_t hw, void *out)
{
    return guarded(d, [&] {
        put(wrap(d, x, {n, hw, c}).permute({0, 2, 1}), wrap(d, out, {n, c, hw}));
    });
}

int ts_from_nchw(ts_device *d, const void *x, int64_t n, int64_t c, int64_t hw, void *out)
{
    return guarded(d, [&] {
        put(wrap(d, x, {n, c, hw}).permute({0, 2, 1}), wrap(d, out, {n, hw, c}));
    });
}

int ts_combine(ts_device *d, const ts_term *t, int32_t count, int64_t n, int64_t hw, int64_t c,
               void *raw, void *act, uint64_t *)
{
    return guarded(d, [&] {
        Tensor sum;

        for (int32_t i = 0; i < count; i++) {
            Tensor x = wrap(d, t[i].x, {n, hw, c});

            if (t[i].a)
                x = x * wrap(d, t[i].a, {c});
            if (t[i].b)
                x = x + wrap(d, t[i].b, {c});
            sum = sum.defined() ? sum + x : x;
        }
        if (!sum.defined())
            sum = at::zeros({n, hw, c}, options(d, kind(d)));
        if (act)
            put(sum.clamp_min(0), wrap(d, act, {n, hw, c}));
        if (raw)
            put(sum, wrap(d, raw, {n, hw, c}));
    });
}

int ts_gather(ts_device *d, const void *const *plain, int32_t plain_count,
              const void *const *masked, int32_t masked_count, const void *mask, int64_t pixels,
              int64_t c, void *out, double *s1, const ts_sum *sums, int32_t sum_count)
{
    return guarded(d, [&] {
        Tensor sum, part;

        for (int32_t i = 0; i < masked_count; i++) {
            Tensor x = wrap(d, masked[i], {pixels, c});

            part = part.defined() ? part + x : x;
        }
        if (part.defined())
            sum = at::where(wrap(d, mask, {pixels, c}) > 0, part, at::zeros_like(part));
        for (int32_t i = 0; i < plain_count; i++) {
            Tensor x = wrap(d, plain[i], {pixels, c});

            sum = sum.defined() ? sum + x : x;
        }
        if (s1)
            put(sum.sum({0}, false, at::kDouble), wrap(d, s1, {c}, at::kDouble));
        for (int32_t i = 0; i < sum_count; i++) {
            Tensor x = wrap(d, sums[i].x, {pixels, c});

            if (sums[i].mean)
                x = x - wrap(d, sums[i].mean, {c});
            put((sum * x).sum({0}, false, at::kDouble), wrap(d, sums[i].s2, {c}, at::kDouble));
        }
        if (out)
            put(sum, wrap(d, out, {pixels, c}));
    });
}

/* a and b from mean and invstd. */
static void norm_lines(const ts_device *d, int64_t c, const ts_norm *s)
{
    Tensor a = wrap(d, s->a, {c}), b = wrap(d, s->b, {c});

    put(wrap(d, s->invstd, {c}), a);
    if (s->gamma)
        a.mul_(wrap(d, s->gamma, {c}));
    put(-(wrap(d, s->mean, {c}) * a), b);
    if (s->beta)
        b.add_(wrap(d, s->beta, {c}));
}

int ts_norm_train(ts_device *d, const void *x, int64_t n, int64_t hw, int64_t c, const ts_norm *s,
                  uint64_t *)
{
    return guarded(d, [&] {
        auto moments = at::var_mean(wrap(d, x, {n * hw, c}), at::IntArrayRef{0}, false);
        Tensor var = std::get<0>(moments);
        double m = static_cast<double>(n * hw);

        put(std::get<1>(moments), wrap(d, s->mean, {c}));
        put((var + s->eps).rsqrt(), wrap(d, s->invstd, {c}));
        if (s->running_mean)
            wrap(d, s->running_mean, {c}).lerp_(std::get<1>(moments), s->momentum);
        if (s->running_var)
            wrap(d, s->running_var, {c}).lerp_(var * (m > 1 ? m / (m - 1) : 1), s->momentum);
        norm_lines(d, c, s);
    });
}

int ts_norm_eval(ts_device *d, int64_t c, const ts_norm *s)
{
    return guarded(d, [&] {
        Tensor mean = wrap(d, s->mean, {c}), invstd = wrap(d, s->invstd, {c});

        if (s->running_mean)
            put(wrap(d, s->running_mean, {c}), mean);
        else
            mean.zero_();
        if (s->running_var)
            put((wrap(d, s->running_var, {c}) + s->eps).rsqrt(), invstd);
        else
            invstd.fill_(1 / std::sqrt(1 + s->eps));
        norm_lines(d, c, s);
    });
}

int ts_norm_slope(ts_device *d, int64_t c, int64_t pixels, const ts_norm *s, const double *s1,
                  const double *s2, void *k1, void *k2, void *k3, void *dgamma)
{
    return guarded(d, [&] {
        Tensor a = wrap(d, s->a, {c}).to(at::kDouble), r = wrap(d, s->invstd, {c}).to(at::kDouble);
        Tensor slope = s2 ? wrap(d, s2, {c}, at::kDouble) * r : Tensor();

        if (dgamma)
            wrap(d, dgamma, {c}).add_(slope.to(kind(d)));
        put(a, wrap(d, k1, {c}));
        if (k2) {
            double m = static_cast<double>(pixels);
            Tensor x = -(a * r * slope) / m;

            put(x, wrap(d, k2, {c}));
            put(-(a * wrap(d, s1, {c}, at::kDouble)) / m - x * wrap(d, s->mean, {c}),
                wrap(d, k3, {c}));
        }
    });
}

int ts_avg_pool(ts_device *d, const ts_pool *s, const void *x, void *y)
{
    return guarded(d, [&] {
        put(at::avg_pool2d(image(d, x, s->n, s->c, s->h, s->w), {s->kh, s->kw},
                           {s->stride_h, s->stride_w}, {s->pad_h, s->pad_w}, false,
                           s->count_padding != 0),
            image(d, y, s->n, s->c, s->oh, s->ow));
    });
}

int ts_avg_pool_back(ts_device *d, const ts_pool *s, const void *g, void *dx)
{
    return guarded(d, [&] {
        /* In NCHW: libtorch's kernel for channels-last CUDA tensors is wrong where padding is
         * not counted (seen with 2.11, 20 % of a gradient lost). */
        Tensor like = at::empty({s->n, s->c, s->h, s->w}, options(d, kind(d)));

        put(at::avg_pool2d_backward(image(d, g, s->n, s->c, s->oh, s->ow).contiguous(), like,
                                    {s->kh, s->kw}, {s->stride_h, s->stride_w},
                                    {s->pad_h, s->pad_w}, false, s->count_padding != 0,
                                    c10::nullopt),
            image(d, dx, s->n, s->c, s->h, s->w));
    });
}

int ts_max_pool(ts_device *d, const ts_pool *s, const void *x, void *y)
{
    return guarded(d, [&] {
        put(std::get<0>(at::max_pool2d_with_indices(image(d, x, s->n, s->c, s->h, s->w),
                                                    {s->kh, s->kw}, {s->stride_h, s->stride_w},
                                                    {s->pad_h, s->pad_w})),
            image(d, y, s->n, s->c, s->oh, s->ow));
    });
}

int ts_max_pool_back(ts_device *d, const ts_pool *s, const void *x, const void *g, void *dx)
{
    return guarded(d, [&] {
        Tensor in = image(d, x, s->n, s->c, s->h, s->w);
        std::array<int64_t, 2> k{{s->kh, s->kw}}, st{{s->stride_h, s->stride_w}},
            p{{s->pad_h, s->pad_w}}, one{{1, 1}};
        auto out = at::max_pool2d_with_indices(in, k, st, p);

        put(at::max_pool2d_with_indices_backward(image(d, g, s->n, s->c, s->oh, s->ow), in, k, st,
                                                 p, one, false, std::get<1>(out)),
            image(d, dx, s->n, s->c, s->h, s->w));
    });
}

int ts_global_pool(ts_device *d, int64_t n, int64_t hw, int64_t c, const void *x, void *y)
{
    return guarded(d, [&] { put(wrap(d, x, {n, hw, c}).mean({1}), wrap(d, y, {n, c})); });
}

int ts_global_pool_back(ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g, void *dx)
{
    return guarded(d, [&] {
        put((wrap(d, g, {n, 1, c}) / static_cast<double>(hw)).expand({n, hw, c}),
            wrap(d, dx, {n, hw, c}));
    });
}

int ts_multiply(ts_device *d, int64_t n, int64_t hw, int64_t c, int32_t spread, const void *x,
                const void *s, void *y)
{
    return guarded(d, [&] {
        put(wrap(d, x, {n, hw, c}) * wrap(d, s, {n, spread ? 1 : hw, c}), wrap(d, y, {n, hw, c}));
    });
}

int ts_multiply_back(ts_device *d, int64_t n, int64_t hw, int64_t c, const void *g, const void *x,
                     void *ds)
{
    return guarded(d, [&] {
        put((wrap(d, g, {n, hw, c}) * wrap(d, x, {n, hw, c})).sum({1}), wrap(d, ds, {n, c}));
    });
}

int ts_window_copy(ts_device *d, const ts_window *s, const void *x, void *y)
{
    return guarded(d, [&] {
        Tensor from = wrap(d, x, {s->n, s->sh, s->sw, s->sc});
        Tensor to = wrap(d, y, {s->n, s->dh, s->dw, s->dc});

        if (s->clear)
            to.zero_();
        put(from.narrow(1, s->src_h, s->h).narrow(2, s->src_w, s->w).narrow(3, s->src_c, s->c),
            to.narrow(1, s->dst_h, s->h).narrow(2, s->dst_w, s->w).narrow(3, s->dst_c, s->c));
    });
}

int ts_zero(ts_device *d, void *x, size_t bytes)
{
    return guarded(d, [&] { bytes_on(d, x, bytes).zero_(); });
}

/* The targets of a loss on the device, in the places of its outputs [n, hw, c]: classes [n, hw, 1],
 * shares and numbers [n, 1, c], maps [n, hw, c]. */
static Tensor targets_of(const ts_device *d, const ts_loss *s)
{
    ts_device host{};

    switch (s->kind) {
    case TS_LOSS_CLASS: return sent(d, wrap(&host, s->labels, {s->n, 1, 1}, at::kLong));
    case TS_LOSS_PIXELS:
        return sent(d, wrap(&host, s->targets, {s->n, s->hw, 1}, at::kFloat)).to(at::kLong);
    case TS_LOSS_MAP:
        return sent(d, wrap(&host, s->targets, {s->n, s->c, s->hw}, at::kFloat))
            .permute({0, 2, 1})
            .to(kind(d));
    default: return sent(d, wrap(&host, s->targets, {s->n, 1, s->c}, at::kFloat)).to(kind(d));
    }
}

/* The gradient of one image's own loss by its outputs z [n, hw, c], divided by the temperature. */
static Tensor own_gradients(const ts_device *d, const ts_loss *s, const Tensor &z)
{
    Tensor t = targets_of(d, s), p;
    double units = static_cast<double>(s->c * s->hw);

    switch (s->kind) {
    case TS_LOSS_NUMBERS: return (z - t) * (2 / units);
    case TS_LOSS_MAP: return (z - t).sign() / units;
    case TS_LOSS_SHARES:
        p = z.softmax(2);
        t = s->share_epsilon > 0 ? t * p / (p + s->share_epsilon) : t;
        return p * t.sum({2}, true) - t;
    default:
        p = z.softmax(2);
        p.scatter_add_(2, t, at::full({1, 1, 1}, -1, options(d, kind(d))).expand_as(t));
        return p / static_cast<double>(s->hw);
    }
}

int ts_loss_back(ts_device *d, const ts_loss *s, const void *z, void *g)
{
    return guarded(d, [&] {
        Tensor to = wrap(d, g, {s->n, s->hw, s->c});

        if (s->kind == TS_LOSS_SUM)
            to.fill_(1 / s->temperature);
        else
            put(own_gradients(d, s, wrap(d, z, {s->n, s->hw, s->c}) / s->temperature) /
                    (s->temperature * (s->only < 0 ? static_cast<double>(s->n) : 1.0)),
                to);
        if (s->only >= 0) {
            to.narrow(0, 0, s->only).zero_();
            to.narrow(0, s->only + 1, s->n - s->only - 1).zero_();
        }
    });
}

/* How many logits come before that of the class, [n, 1]; see rank() of kernels_train.inc. */
static Tensor rank_of(const Tensor &z, const Tensor &classes)
{
    Tensor own = z.gather(1, classes), at = at::arange(z.size(1), classes.options());

    return ((z < own).logical_not() & ((z == own) & (at >= classes)).logical_not()).sum({1});
}

int ts_soft_loss(ts_device *d, const void *logits, const double *targets, int64_t n, int64_t whole,
                 int64_t c, void *g, double *result)
{
    return guarded(d, [&] {
        ts_device host{};
        Tensor t = sent(d, wrap(&host, targets, {n, c}, at::kDouble));
        Tensor z = wrap(d, logits, {n, c}).to(at::kDouble), out = wrap(d, result, {3}, at::kDouble);
        Tensor log_p = z.log_softmax(1), rank = rank_of(z, t.argmax(1, true));

        out[0].copy_(at::where(t == 0, at::zeros_like(t), t * log_p).sum().neg());
        out[1].copy_((rank == 0).sum());
        out[2].copy_((rank < 5).sum());
        if (g)
            put((log_p.exp() * t.sum({1}, true) - t) / static_cast<double>(whole),
                wrap(d, g, {n, c}));
    });
}

int ts_add_sums(ts_device *d, const double *sums, int64_t rows, int64_t c, void *out)
{
    return guarded(d, [&] {
        wrap(d, out, {c}).add_(wrap(d, sums, {rows, c}, at::kDouble).sum({0}).to(kind(d)));
    });
}

int ts_clip(ts_device *d, void *g, int64_t count, double most)
{
    return guarded(d, [&] {
        Tensor x = wrap(d, g, {count});
        Tensor norm = x.to(at::kDouble).square().sum().sqrt();

        x.mul_((most / (norm + 1e-6)).clamp_max(1).to(kind(d)));
    });
}

int ts_update_step(ts_device *d, const ts_update *u)
{
    return guarded(d, [&] {
        const std::array<int64_t, 1> all{{u->count}};
        Tensor w = wrap(d, u->w, all), first = wrap(d, u->first, all), g = wrap(d, u->g, all);
        Tensor decay = wrap(d, u->decay, all);

        if (!u->adamw) {
            Tensor step = at::addcmul(g, decay, w, u->wd);

            first.mul_(u->momentum).add_(step);
            w.sub_(u->nesterov ? step.add_(first, u->momentum) : first, u->lr);
            return;
        }
        Tensor second = wrap(d, u->second, all);

        w.addcmul_(decay, w, -u->lr * u->wd);
        first.mul_(u->beta1).add_(g, 1 - u->beta1);
        second.mul_(u->beta2).addcmul_(g, g, 1 - u->beta2);
        w.addcdiv_(first, second.sqrt().mul_(1 / std::sqrt(u->unbias2)).add_(u->eps),
                   -u->lr / u->unbias1);
    });
}

int ts_average(ts_device *d, const void *x, int64_t count, double decay, void *mean)
{
    return guarded(d, [&] { wrap(d, mean, {count}).lerp_(wrap(d, x, {count}), 1 - decay); });
}

int ts_agreement(ts_device *d, const void *x, int64_t n, int64_t units, double *k, double *positive)
{
    return guarded(d, [&] {
        Tensor to = wrap(d, k, {n, n}, at::kDouble), v = wrap(d, x, {n, units});
        /* 0 and 1 multiply exactly, and float32 counts them up to 2^24 */
        int64_t step = int64_t{1} << 24;

        for (int64_t at = 0; at < units; at += step) {
            int64_t width = std::min(step, units - at);
            Tensor on = (v.narrow(1, at, width) > 0).to(at::kFloat);
            Tensor counts = on.sum({1}, false, at::kDouble);

            to.add_(at::mm(on, on.t()).to(at::kDouble), 2);
            to.sub_(counts.unsqueeze(0)).sub_(counts.unsqueeze(1)).add_(static_cast<double>(width));
            wrap(d, positive, {1}, at::kDouble).add_(counts.sum());
        }
    });
}

/* -- operations on tensors in NCHW ------------------------------------------------------ */

static Tensor apply_norm(const tcet_node &op, const Tensor &x, const Tensor &w, const Tensor &b,
                         uint32_t norm)
{
    if (norm == TCET_NORM_REMOVED && !op.kept)
        return x;
    if (norm == TCET_NORM_EVAL && op.track) {
        Tensor y = x / std::sqrt(1 + op.eps);

        if (w.defined())
            y = y * w.view({1, -1, 1, 1});
        return b.defined() ? y + b.view({1, -1, 1, 1}) : y;
    }
    return at::batch_norm(x, w, b, Tensor(), Tensor(), true, 0, op.eps, false);
}

/* [n, heads, channels of one, positions] */
static Tensor heads(const tcet_node &op, const Tensor &x)
{
    return x.reshape({x.size(0), op.groups, x.size(1) / op.groups, x.size(2) * x.size(3)});
}

/* Places of an arrangement, of the flat image or of its positions; those that are to be 0 read one more
 * number behind the last. */
static Tensor arranged(const tcet_node &op, const Tensor &x)
{
    bool whole = op.index_count == int64_t{op.h} * op.w && x.size(1) == op.c;
    Tensor from = whole ? x.flatten(2) : x.flatten(1).unsqueeze(1);
    ts_device host{};
    Tensor index = wrap(&host, op.index, {op.index_count}, at::kInt).to(at::kLong);
    bool zeros = index.min().item<int64_t>() < 0;

    if (zeros) {
        index.masked_fill_(index < 0, from.size(2));
        from = at::constant_pad_nd(from, {0, 1}, 0);
    }
    if (x.is_cuda()) /* whose gradient adds up in a fixed order, as index_select's does on the CPU */
        return from.index({at::indexing::Slice(), at::indexing::Slice(), index.to(x.device())})
            .reshape({x.size(0), op.c, op.h, op.w});
    return from.index_select(2, index).reshape({x.size(0), op.c, op.h, op.w});
}

static Tensor convolved(const tcet_node &op, const Tensor &x, const Tensor &w,
                        const c10::optional<Tensor> &bias)
{
    if (overruns(w, op.stride_h, op.stride_w, op.padding_h, op.padding_w))
        return at::conv2d(pixels_read(x, op.stride_h, op.stride_w), w, bias, at::IntArrayRef{1, 1},
                          at::IntArrayRef{0, 0}, at::IntArrayRef{1, 1}, op.groups);
    return at::conv2d(x, w, bias, {op.stride_h, op.stride_w}, {op.padding_h, op.padding_w},
                      {op.dilation_h, op.dilation_w}, op.groups);
}

/* One graph operation; w and b are undefined where it has none, norm is a TCET_NORM_*.  One without
 * inputs gets another tensor of as many images. */
static Tensor apply(const tcet_node &op, const std::vector<Tensor> &in, const Tensor &w,
                    const Tensor &b, uint32_t norm)
{
    Tensor x = in.at(0);
    int64_t n = x.size(0);
    c10::optional<Tensor> bias;

    if (b.defined())
        bias = b;
    switch (op.op) {
    case TCET_OP_CONV2D: return convolved(op, x, w, bias);
    case TCET_OP_LINEAR: return at::linear(x.flatten(1), w, bias).view({n, op.c, 1, 1});
    case TCET_OP_BATCH_NORM: return apply_norm(op, x, w, b, norm);
    case TCET_OP_RELU: return x.relu();
    case TCET_OP_AVG_POOL:
        return at::avg_pool2d(x, {op.kernel_h, op.kernel_w}, {op.stride_h, op.stride_w},
                              {op.padding_h, op.padding_w}, false, op.count_include_pad != 0);
    case TCET_OP_MAX_POOL:
        return at::max_pool2d(x, {op.kernel_h, op.kernel_w}, {op.stride_h, op.stride_w},
                              {op.padding_h, op.padding_w});
    case TCET_OP_GLOBAL_POOL: return x.mean({2, 3}, true);
    case TCET_OP_ADD:
        for (size_t i = 1; i < in.size(); i++)
            x = x + in[i];
        return x;
    case TCET_OP_CONCAT: return at::cat(in, 1);
    case TCET_OP_MUL: return x * in.at(1);
    case TCET_OP_ZERO: return at::zeros({n, op.c, op.h, op.w}, x.options());
    case TCET_OP_IDENTITY: return x;
    case TCET_OP_SLICE:
        return x.narrow(1, op.offset_c, op.c).slice(2, op.offset_h).slice(3, op.offset_w);
    case TCET_OP_PAD: return at::constant_pad_nd(x, {0, op.padding_w, 0, op.padding_h}, 0);
    case TCET_OP_SIGMOID: return x.sigmoid();
    case TCET_OP_SWISH: return x * x.sigmoid();
    case TCET_OP_HSWISH: return x * (x + 3).clamp(0, 6) / 6;
    case TCET_OP_RELU6: return x.clamp(0, 6);
    case TCET_OP_SCALE: return x * op.eps;
    case TCET_OP_MATMUL_T:
        return at::matmul(heads(op, in.at(1)).transpose(2, 3), heads(op, x))
            .reshape({n, op.c, op.h, op.w});
    case TCET_OP_MATMUL:
        return at::matmul(heads(op, in.at(1)), heads(op, x)).reshape({n, op.c, op.h, op.w});
    case TCET_OP_SOFTMAX:
        return x.reshape({n, op.groups, op.c / op.groups, op.h, op.w}).softmax(2).reshape_as(x);
    case TCET_OP_LAYER_NORM:
        return at::layer_norm(x.permute({0, 2, 3, 1}), {op.c}, w, b, op.eps).permute({0, 3, 1, 2});
    case TCET_OP_GELU: return at::gelu(x);
    case TCET_OP_HSIGMOID: return (x + 3).clamp(0, 6) / 6;
    case TCET_OP_LEAKY_RELU: return at::leaky_relu(x, op.eps);
    case TCET_OP_CONV_TRANSPOSE:
        return at::conv_transpose2d(x, w, bias, {op.stride_h, op.stride_w},
                                    {op.padding_h, op.padding_w}, {op.offset_h, op.offset_w},
                                    op.groups, {op.dilation_h, op.dilation_w});
    case TCET_OP_TANH: return x.tanh();
    case TCET_OP_SHUFFLE:
        return x.reshape({n, op.groups, op.c / op.groups, op.h, op.w})
            .transpose(1, 2)
            .reshape_as(x);
    case TCET_OP_PARAMETER: return w.reshape({1, op.c, 1, 1}).expand({n, op.c, 1, 1});
    case TCET_OP_ARRANGE: return arranged(op, x);
    default: throw std::runtime_error("this backend does not know the operation");
    }
}

/* The gradient of the input from that of the output, g, where it is written out; undefined:
 * autograd makes it.  x and y: what the operation's row says that its backward reads. */
static Tensor gradient(const tcet_node &op, const Tensor &x, const Tensor &y, const Tensor &g)
{
    switch (op.op) {
    case TCET_OP_SIGMOID: {
        Tensor s = x.sigmoid();

        return g * (s * (1 - s));
    }
    case TCET_OP_SWISH: {
        Tensor s = x.sigmoid();

        return g * (s * (1 + x * (1 - s)));
    }
    case TCET_OP_HSWISH: {
        Tensor inside = ((x > -3) & (x < 3)).to(x.scalar_type());

        return g * (inside * (2 * x + 3) / 6 + (x >= 3).to(x.scalar_type()));
    }
    case TCET_OP_SHUFFLE:
        return g.reshape({g.size(0), op.c / op.groups, op.groups, op.h, op.w})
            .transpose(1, 2)
            .reshape_as(g);
    case TCET_OP_HSIGMOID: return g * ((x > -3) & (x < 3)).to(x.scalar_type()) / 6;
    case TCET_OP_RELU6: return g * ((x > 0) & (x < 6)).to(x.scalar_type());
    case TCET_OP_SOFTMAX: {
        Tensor p = y.reshape({y.size(0), op.groups, op.c / op.groups, op.h, op.w});
        Tensor u = g.reshape(p.sizes());

        return (p * (u - (p * u).sum({2}, true))).reshape(y.sizes());
    }
    default: return Tensor();
    }
}

/* As guarded and made, with gradients recorded. */
template <class F>
static int recorded(ts_device *d, F body) noexcept
{
    return guarded(d, [&] {
        c10::InferenceMode off(false);
        c10::AutoGradMode on(true);

        body();
    });
}

template <class F>
static ts_tensor *recorded_tensor(ts_device *d, F body) noexcept
{
    ts_tensor *out = nullptr;

    recorded(d, [&] { out = new ts_tensor{body()}; });
    return out;
}

/* NHWC memory of the shape of a node, as the tensor in NCHW; undefined for NULL. */
static Tensor image_of(const ts_device *d, const void *x, int64_t n, const tcet_node *node)
{
    return x ? image(d, x, n, node->c, node->h, node->w) : Tensor();
}

static std::vector<Tensor> inputs_of(const ts_device *d, const ts_plain *s)
{
    std::vector<Tensor> in;

    for (int32_t k = 0; k < s->node->input_count; k++) {
        const tcet_node *from = s->in[k];

        /* of what is not read the shape alone matters */
        in.push_back(s->x[k]
                         ? image_of(d, s->x[k], s->n, from)
                         : at::empty({s->n, from->c, from->h, from->w}, options(d, kind(d)), LAST));
    }
    if (in.empty())
        in.push_back(at::empty({s->n, 0}, options(d, kind(d))));
    return in;
}

static Tensor forward_of(const ts_device *d, const ts_plain *s, const std::vector<Tensor> &in)
{
    Tensor w = s->w ? wrap(d, s->w, {s->node->c}) : Tensor();
    Tensor b = s->b ? wrap(d, s->b, {s->node->c}) : Tensor();

    return apply(*s->node, in, w, b, TCET_NORM_TRAIN);
}

/* The gradient of the weight, by autograd. */
static int derived_weight(ts_device *d, const ts_plain *s, void *out)
{
    return recorded(d, [&] {
        Tensor w = wrap(d, s->w, {s->node->c}).clone().set_requires_grad(true);
        Tensor b = s->b ? wrap(d, s->b, {s->node->c}) : Tensor();
        Tensor g = image_of(d, s->g, s->n, s->node);
        Tensor y = apply(*s->node, inputs_of(d, s), w, b, TCET_NORM_TRAIN);
        auto dw = torch::autograd::grad({y}, {w}, {g});
        c10::InferenceMode no_autograd;

        wrap(d, out, {s->node->c}).add_(dw[0]);
    });
}

/* By autograd. */
static int derived_back(ts_device *d, const ts_plain *s, void *out)
{
    return recorded(d, [&] {
        auto in = inputs_of(d, s);

        in.at(s->k).set_requires_grad(true);
        Tensor y = forward_of(d, s, in), g = image_of(d, s->g, s->n, s->node);
        auto dx = torch::autograd::grad({y}, {in[s->k]}, {g});
        c10::InferenceMode no_autograd;

        put(dx[0], image_of(d, out, s->n, s->in[s->k]));
    });
}

int ts_plain_step(ts_device *d, uint32_t step, const ts_plain *s, void *out)
{
    bool written = true;
    int status;

    if (step == TS_WEIGHT)
        return derived_weight(d, s, out);
    if (step != TS_FORWARD && step != TS_BACK) {
        say(d, "libtorch's operators have no tangents");
        return TCET_E_UNSUPPORTED;
    }
    status = guarded(d, [&] {
        const auto in = inputs_of(d, s);

        if (step == TS_FORWARD) {
            put(forward_of(d, s, in), image_of(d, out, s->n, s->node));
            return;
        }
        Tensor dx = gradient(*s->node, in.at(0), image_of(d, s->y, s->n, s->node),
                             image_of(d, s->g, s->n, s->node));

        written = dx.defined();
        if (written)
            put(dx, image_of(d, out, s->n, s->in[s->k]));
    });
    return written || status != TCET_OK ? status : derived_back(d, s, out);
}

ts_tensor *ts_leaf(ts_device *d, const float *x, const int64_t *shape, int32_t ndim,
                   int32_t wants_gradient)
{
    return recorded_tensor(d, [&] {
        ts_device host{};

        return wrap(&host, x, {shape, static_cast<size_t>(ndim)}, at::kFloat)
            .to(options(d, kind(d)), false, true)
            .set_requires_grad(wants_gradient != 0);
    });
}

ts_tensor *ts_apply(ts_device *d, const tcet_node *op, ts_tensor *const *in, int32_t count,
                    ts_tensor *w, ts_tensor *b, uint32_t norm)
{
    return recorded_tensor(d, [&] {
        std::vector<Tensor> x;

        for (int32_t i = 0; i < count; i++)
            x.push_back(in[i]->t);
        return apply(*op, x, w ? w->t : Tensor(), b ? b->t : Tensor(), norm);
    });
}

ts_tensor *ts_loss_value(ts_device *d, const ts_loss *s, ts_tensor *outputs)
{
    return recorded_tensor(d, [&]() -> Tensor {
        Tensor z = outputs->t.reshape({s->n, s->c, s->hw}).permute({0, 2, 1}) / s->temperature;
        Tensor t = s->kind == TS_LOSS_SUM ? Tensor() : targets_of(d, s);

        if (s->only >= 0) {
            z = z.narrow(0, s->only, 1);
            t = t.defined() ? t.narrow(0, s->only, 1) : t;
        }
        switch (s->kind) {
        case TS_LOSS_SUM: return z.sum();
        case TS_LOSS_SHARES:
            z = s->share_epsilon > 0 ? (z.softmax(2) + s->share_epsilon).log() : z.log_softmax(2);
            return -(t * z).sum({2}).mean();
        case TS_LOSS_NUMBERS: return (z - t).square().mean();
        case TS_LOSS_MAP: return (z - t).abs().mean();
        default: return -z.log_softmax(2).gather(2, t).mean();
        }
    });
}

int ts_add_to(ts_device *d, ts_tensor *sum, const ts_tensor *other)
{
    return recorded(d, [&] { sum->t = sum->t + other->t; });
}

int ts_hessian(ts_device *d, ts_tensor *loss, ts_tensor *const *weights, int32_t count,
               int32_t keep, void *const *out)
{
    return recorded(d, [&] {
        std::vector<Tensor> w;
        Tensor dot;

        for (int32_t i = 0; i < count; i++)
            w.push_back(weights[i]->t);
        auto g = torch::autograd::grad({loss->t}, w, {}, true, true, true);

        for (const Tensor &t : g) {
            if (t.defined()) {
                Tensor part = (t * t.detach()).sum();

                dot = dot.defined() ? dot + part : part;
            }
        }
        std::vector<Tensor> h(w.size());

        /* linear networks have a constant gradient */
        if (dot.defined() && dot.requires_grad())
            h = torch::autograd::grad({dot}, w, {}, keep != 0, false, true);
        for (size_t i = 0; i < h.size(); i++) {
            ts_device host{};
            Tensor to = wrap(&host, out[i], w[i].sizes(), kind(d));
            c10::InferenceMode no_autograd;

            if (h[i].defined())
                to.copy_(h[i]);
            else
                to.zero_();
        }
    });
}
