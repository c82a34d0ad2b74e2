"""A saliency that is a function in Python: a thread serves it to the plugin `python` of tcet-host's workers.

Room: sdk/python.  Touches the standard library; numpy where that is installed.  What is said on the socket
is in plugins/saliency/python.c."""
import array
import json
import mmap
import numbers
import os
import shutil
import socket
import struct
import tempfile
import threading
import traceback
import weakref

from . import _host

KINDS = {1: "conv", 2: "linear"}
CHOICES = ("views", "form", "loss", "rows", "norm", "weights", "input")


def _numpy():
    try:
        import numpy
    except ImportError:
        return None
    return numpy


class Layer:
    """What the function gets: name, kind ("conv", "linear"), index, order, calls, cell, params, macs, rows,
    batch, units, shape (of the weight), labels, and the views that were asked for.  Arrays are numpy's, of the
    run's precision, valid until the function returns; gradients are shaped as what they are of, but for
    rows="sample", which has them an image.  Without numpy arrays are flat array.arrays, and
    shapes[NAME] is their shape."""

    def __init__(self, told, memory, one_gradient):
        views = told.pop("views")
        told.pop("out")
        for name in ("gradient", "bias_gradient"):
            if name in views and one_gradient:
                views[name][2] = views[name][2][1:]
        self.__dict__.update(told)
        self.kind = KINDS.get(told["kind"], "other")
        self.shapes = {name: tuple(shape) for name, (_, _, shape) in views.items()}
        self.shape = self.shapes.get("weight")
        numpy = _numpy()
        for name, (at, code, shape) in views.items():
            count = 1
            for extent in shape:
                count *= extent
            if numpy is not None:
                taken = numpy.frombuffer(memory, code, count, at).reshape(shape)
            else:
                taken = array.array(code)
                taken.frombytes(memory[at:at + count * taken.itemsize])
            setattr(self, name, taken)

    def __getattr__(self, name):
        raise AttributeError(f"this layer has no {name}; it has {', '.join(sorted(self.__dict__))}; "
                             f"tcet.saliency(function, views=...) says which arrays")


def _numbers_of(answer, count):
    """S as float64 bytes."""
    if isinstance(answer, numbers.Real):
        flat = array.array("d", [answer])
    elif hasattr(answer, "__array__") and _numpy() is not None:
        flat = array.array("d", _numpy().asarray(answer, "float64").ravel().tobytes())
    else:
        flat = array.array("d", answer)
    if len(flat) != count:
        raise ValueError(f"the function gave {len(flat)} numbers, S has {count}: form= of tcet.saliency() "
                         'says what it is ("vector": as the weight; "scalar": one number; "rows": a row of the '
                         'weight\'s size an image, with rows="sample"; "kernel": a number a pair of images)')
    return flat.tobytes()


def _said(error):
    frames = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in frames if frame.filename != __file__] or frames
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


class _Server:
    """The thread that waits for workers, and one for each."""

    def __init__(self, function, one_gradient):
        self.function, self.one_gradient, self.lock = function, one_gradient, threading.Lock()
        self.folder = tempfile.mkdtemp(prefix="tcet-")
        self.path = os.path.join(self.folder, "s")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.open, self.closed = set(), False
        try:
            self.listener.bind(self.path)
            self.listener.listen(64)
        except OSError as error:
            self.close()
            raise _host.Error(f"{self.path}: {error}") from error
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                worker, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                if self.closed:
                    worker.close()
                    return
                self.open.add(worker)
            threading.Thread(target=self.serve, args=(worker,), daemon=True).start()

    def serve(self, worker):
        memory = None
        try:
            while True:
                head, memory = self.head(worker, memory)
                if head is None:
                    return
                self.answer(worker, json.loads(self.exactly(worker, head)), memory)
        except (OSError, EOFError, ValueError):
            pass  # the worker has ended, or is none of ours
        finally:
            with self.lock:
                self.open.discard(worker)
            worker.close()

    def head(self, worker, memory):
        """Length of the text that follows, and the memory, new or as it was; None, ...: the worker has ended."""
        data, control, _, _ = worker.recvmsg(16, socket.CMSG_SPACE(4))
        files = [struct.unpack("i", part[:4])[0] for level, kind, part in control
                 if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS]
        try:
            if not data:
                return None, memory
            data += self.exactly(worker, 16 - len(data))
            magic, length, size = struct.unpack("<4sIQ", data)
            if magic != b"TCS1":
                raise ValueError("no message of a worker")
            if files:
                memory = mmap.mmap(files[0], size)
        finally:
            for file in files:
                os.close(file)
        return length, memory

    @staticmethod
    def exactly(worker, count):
        data = b""
        while len(data) < count:
            more = worker.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def answer(self, worker, told, memory):
        at, _, shape = told["out"]["S"]
        try:
            with self.lock:
                layer = Layer(told, memory, self.one_gradient)
                result = _numbers_of(self.function(layer), shape[0] * shape[1])
            memory[at:at + len(result)] = result
            worker.sendall(struct.pack("<II", 0, 0))
        except OSError:
            raise
        except Exception as error:  # the function's own: the run's, of this architecture
            text = _said(error).encode("utf-8", "replace")[:3000]
            worker.sendall(struct.pack("<II", 1, len(text)) + text)

    def close(self):
        with self.lock:
            self.closed = True
            for worker in self.open:
                try:
                    worker.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Saliency:
    """A function that is served: stands as `saliency` in a config's metric.  Served until close(), or until
    nobody has it any more; `with` closes it too."""

    def __init__(self, function, options):
        self.function, self.options = function, options
        server = _Server(function, options.get("rows") != "sample")
        self._close = weakref.finalize(self, server.close)
        self.socket = server.path

    def keys(self, name):
        """What stands in a config under the key `name` in its place."""
        yield name, "python"
        yield name + ".socket", self.socket
        for option, v in self.options.items():
            yield f"{name}.{option}", v if isinstance(v, str) else ", ".join(v)

    def close(self):
        self._close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __call__(self, layer):
        return self.function(layer)


def saliency(function=None, **options):
    """A saliency of a function in Python, for a first idea: slow (numbers are copied, one layer at a time), and
    to be written in C when it is worth it.

        @tcet.saliency
        def idea(layer):
            return abs(layer.weight * layer.gradient)

        tcet.run({..., "metric": {"idea": {"saliency": idea, "aggregator": "sum"}}})

    The function gets a Layer, of each convolution and linear layer, and gives S: an array of as many numbers as
    the weight has (form="vector"), or one number (form="scalar"), or a row of such numbers an image ("rows", with
    rows="sample"), or a number a pair of images ("kernel").
    views: what a layer has, ("weight", "gradient") unless it is said: weight, gradient, input, output,
    output_gradient, agreement, hvp, channel_product, bias, bias_gradient.
    loss ("cross_entropy", "sum"), rows ("batch", "sample": a gradient an image), norm ("train", "eval",
    "removed"), weights ("drawn", "absolute"), input ("batch", "ones"): the pass.
    What the function raises is the error of that architecture.  It is called by one thread at a time, however
    many workers there are."""
    for option in options:
        if option not in CHOICES:
            raise TypeError(f"saliency() has no {option}=; it has {', '.join(CHOICES)}")
    if function is None:
        return lambda named: Saliency(named, options)
    if not callable(function):
        raise TypeError(f"a saliency is a function of a layer, not a {type(function).__name__}")
    return Saliency(function, options)
