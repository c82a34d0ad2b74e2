"""Scores of one network of your own: a torch.nn.Module or an ONNX file.

Room: sdk/python.  Touches the standard library; torch and numpy where a module or tensors are given."""
import copy
import inspect
import json
import os
import tempfile
import warnings
from collections.abc import Mapping

from . import _host, _results


class Score(dict):
    """{proxy: value}, with params, macs, guards ({proxy: {case: count}}), and layers: a row a layer, with
    the metrics that have a number a layer."""

    def __init__(self, told):
        super().__init__((name, _results.number(v)) for name, v in told["scores"].items())
        self.params, self.macs, self.guards = told["params"], told["macs"], told["guards"]
        self.layers = _results.as_table([
            {"layer": layer["name"], "kind": layer["kind"], "shape": layer["shape"],
             **{name: _results.number(v) for name, v in layer["metrics"].items()}}
            for layer in told.get("layers", [])])


def _hold(model):
    """Has each forward of the model leave its buffers as they are now: running statistics, first of all.  Their
    numbers are written where they stand, by numpy, which an export that traces the forward does not see."""
    import torch

    kept = [(b.detach().numpy(), b.detach().clone().numpy()) for b in model.buffers()]

    def restore(*_):
        for numbers, before in kept:
            numbers[...] = before

    torch.nn.Module.register_forward_hook(model, restore)  # which a scripted one has, and does not offer
    return model


def _export(model, example, path):
    import torch

    options = {"do_constant_folding": False, "training": torch.onnx.TrainingMode.TRAINING}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(_hold(copy.deepcopy(model).cpu().float().train()), example, path, **options)


def _images(batch, size, folder):
    """The [data] of a batch, and an example for the export: None where no size is known."""
    if isinstance(batch, int):
        if size is None:
            return {"plugin": "gaussian", "batch": batch}, None
        import torch

        return {"plugin": "gaussian", "batch": batch}, torch.zeros(2, *size)
    import numpy
    import torch

    x, y = batch if isinstance(batch, (tuple, list)) else (batch, None)
    x = torch.as_tensor(x).detach().cpu().float()
    data = {"plugin": "npy", "batch": len(x), "path": os.path.join(folder, "batch.npz")}
    if y is None:
        data["path"] = os.path.join(folder, "batch.npy")
        numpy.save(data["path"], x.numpy())
    else:
        data["fewer_classes"] = "allow"  # a batch need not have images of the last ones
        y = torch.as_tensor(y).detach().cpu().numpy().astype("int64")
        numpy.savez(data["path"], x=x.numpy(), y=y)
    if x.ndim in (3, 4):  # as the module takes it
        data["layout"] = "ncl" if x.ndim == 3 else "nchw"
    return data, x[:2].clone()


def _config(proxies, data, weights, overrides):
    config = {"run": {"space": "onnx"}, "space": {"weights": weights}, "data": data}
    if isinstance(proxies, Mapping):
        config.update(proxies)
    else:
        config["run"]["proxy"] = [proxies] if isinstance(proxies, str) else list(proxies)
    config["run"].update({k: v for k, v in overrides.items() if "." not in k})
    return config, {k: v for k, v in overrides.items() if "." in k}


def score(model, proxies, batch=64, size=None, weights="file", progress=False, **overrides):
    """Scores one network: {proxy: value}, a Score.

    model: a torch.nn.Module, which is exported to ONNX in training mode, into a temporary folder, with its
    weights and running statistics, and is left as it was; or the path of an .onnx file.
    proxies: names of `tcet-host list proxies`; or sections, {"metric": {"m": {"saliency": "snip", ...}}}.
    batch: a tensor or array [n, channels, rows, columns], [n, channels, length] or [n, features], or (images,
    labels), taken as it is; without labels they count 0, 1, 2 ... around.  Or a number: so many images of
    noise, of size (channels, rows, columns), (channels, length) or (features,), which an .onnx file knows.
    weights: "file", the module's, or "draw", drawn anew by seed=N.
    overrides, progress and errors as of tcet.run()."""
    with tempfile.TemporaryDirectory(prefix="tcet-") as folder:
        data, example = _images(batch, size, folder)
        path = model
        if not isinstance(model, (str, os.PathLike)):
            if example is None:
                raise _host.Error("the size of the network's input is not known: give a batch of images, "
                                  "or size=(channels, rows, columns)")
            path = os.path.join(folder, "model.onnx")
            _export(model, example, path)
            if data["plugin"] == "npy" and not isinstance(batch, (tuple, list)):
                data["classes"] = _classes(model, example)
        config, dotted = _config(proxies, data, weights, overrides)
        arguments = _host.config_arguments(config, dotted, folder)
        try:
            told = _host.call("score", arguments[0], os.path.abspath(os.fspath(path)), *arguments[1:],
                              "--layers", "--json", progress=progress)
        except _host.Error as error:
            if "path" not in data:
                raise
            text = error.text.replace(data["path"], "batch")  # the file is ours, and gone
            raise _host.Error(text, error.code, error.stderr, error.command) from None
    return Score(json.loads(told))


def _classes(model, example):
    import torch

    with torch.no_grad():
        return copy.deepcopy(model).cpu().float().eval()(example).shape[-1]
