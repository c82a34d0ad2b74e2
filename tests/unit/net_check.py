"""net_check.py FOLDER... -- what core/net wrote, as others read it: each folder holds net.safetensors,
net.pth, net.onnx, and input.bin and logits.bin, the float32 of a plain computation's images and logits.
net_check.py --trained FOLDER CIFAR10.bin LOSS TOP1 -- the same three files of a network that was trained, and
what tcet-host evaluate says of these images.
Exit 77: a Python package is missing.  Runs with Debian's python3-torch, python3-onnx, python3-opencv."""
import json
import struct
import sys

try:
    import numpy as np
    import onnx
    import onnx.checker
    import onnx.numpy_helper
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    print(missing, file=sys.stderr)
    sys.exit(77)
try:
    import cv2
except ImportError:
    cv2 = None


def safetensors(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header.pop("__metadata__")["format"] == "pt"
    out = {}
    for name, t in header.items():
        a, b = t["data_offsets"]
        kind = {"F32": np.float32, "I64": np.int64}[t["dtype"]]
        out[name] = np.frombuffer(data[8 + length + a : 8 + length + b], kind).reshape(t["shape"])
    return out


def strict(state):
    """Every module's tensors go into PyTorch's module of that kind."""
    for module in {name.rpartition(".")[0] for name in state}:
        part = {n.rpartition(".")[2]: t for n, t in state.items() if n.rpartition(".")[0] == module}
        w = part.get("weight")
        if not set(part) & {"weight", "running_mean"}:
            continue  # numbers of a module's own
        if "running_mean" in part:
            m = torch.nn.BatchNorm2d(len(part["running_mean"]), affine=w is not None)
        elif w.ndim == 4 and len(part.get("bias", w)) != len(w):
            groups = len(part["bias"]) // w.shape[1]
            m = torch.nn.ConvTranspose2d(w.shape[0], len(part["bias"]), tuple(w.shape[2:]), groups=groups)
        elif w.ndim == 4:
            groups = 1  # what a grouped convolution holds is what one of fewer inputs does
            m = torch.nn.Conv2d(w.shape[1], w.shape[0], tuple(w.shape[2:]), bias="bias" in part)
        elif w.ndim == 2:
            m = torch.nn.Linear(w.shape[1], w.shape[0], bias="bias" in part)
        else:  # gamma and beta without statistics
            m = torch.nn.LayerNorm(len(w))
        m.load_state_dict(part, strict=True)


def two_sided(pads):
    assert pads[:2] == pads[2:]
    return tuple(pads[:2])


def run_node(op, x, a):
    if op == "Conv":
        bias = x[2] if len(x) > 2 else None
        pads = two_sided(list(a.get("pads", [0] * 4)))
        return F.conv2d(x[0], x[1], bias, tuple(a["strides"]), pads,
                        tuple(a.get("dilations", [1, 1])), a.get("group", 1))
    if op == "ConvTranspose":
        return F.conv_transpose2d(x[0], x[1], x[2] if len(x) > 2 else None, tuple(a["strides"]),
                                  two_sided(list(a["pads"])), tuple(a["output_padding"]), a["group"],
                                  tuple(a["dilations"]))
    if op == "BatchNormalization":
        return F.batch_norm(x[0], x[3], x[4], x[1], x[2], False, 0, a["epsilon"])
    if op == "Gemm":
        assert a["transB"] == 1
        return F.linear(x[0], x[1], x[2] if len(x) > 2 else None)
    if op == "AveragePool":
        return F.avg_pool2d(x[0], tuple(a["kernel_shape"]), tuple(a["strides"]),
                            two_sided(list(a["pads"])), False, bool(a["count_include_pad"]))
    if op == "MaxPool":
        return F.max_pool2d(x[0], tuple(a["kernel_shape"]), tuple(a["strides"]),
                            two_sided(list(a["pads"])))
    if op == "Slice":
        out = x[0]
        for start, end, axis in zip(x[1].tolist(), x[2].tolist(), x[3].tolist()):
            out = out.narrow(axis, start, min(end, out.shape[axis]) - start)
        return out
    if op == "Pad":
        p, rank = x[1].tolist(), x[0].dim()
        return F.pad(x[0], [p[k + side * rank] for k in reversed(range(rank)) for side in (0, 1)])
    if op == "Reshape":
        return x[0].reshape([x[0].shape[i] if n == 0 else n for i, n in enumerate(x[1].tolist())])
    simple = {
        "Relu": torch.relu, "Tanh": torch.tanh, "Sigmoid": torch.sigmoid, "Erf": torch.erf, "Sqrt": torch.sqrt,
        "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div,
        "MatMul": torch.matmul, "Identity": lambda v: v,
        "GlobalAveragePool": lambda v: v.mean((2, 3), keepdim=True),
        "Flatten": lambda v: v.flatten(a.get("axis", 1)),
        "Clip": lambda v, low, high: v.clamp(low.item(), high.item()),
        "Concat": lambda *v: torch.cat(v, a["axis"]),
        "Softmax": lambda v: v.softmax(a["axis"]),
        "Transpose": lambda v: v.permute(a["perm"]),
        "ReduceMean": lambda v: v.mean(tuple(a["axes"]), keepdim=True),
        "HardSigmoid": lambda v: (a["alpha"] * v + a["beta"]).clamp(0, 1),
        "LeakyRelu": lambda v: torch.where(v > 0, v, a["alpha"] * v),
        "Constant": lambda: torch.from_numpy(onnx.numpy_helper.to_array(a["value"]).copy()),
        "Shape": lambda v: torch.tensor(v.shape),
        "Gather": lambda v, at: v.index_select(a.get("axis", 0), at),
        "Expand": lambda v, to: v.expand(torch.broadcast_shapes(v.shape, to.tolist())),
    }
    return simple[op](*x)


def run(model, image):
    """By PyTorch's functions, in double."""
    values = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy())
              for t in model.graph.initializer}
    values = {k: v.double() if v.is_floating_point() else v for k, v in values.items()}
    values["input"] = torch.from_numpy(image).double()
    with torch.no_grad():
        for n in model.graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute}
            values[n.output[0]] = run_node(n.op_type, [values[i] for i in n.input], attributes)
    return values["logits"].numpy()


def read_all(folder):
    """The tensors, which all three files have alike, and the ONNX model."""
    ours = safetensors(folder + "/net.safetensors")
    state = torch.load(folder + "/net.pth", weights_only=True)
    assert set(state) == set(ours), set(state) ^ set(ours)
    for name, t in state.items():
        assert t.numpy().dtype == ours[name].dtype and t.shape == ours[name].shape, name
        assert np.array_equal(t.numpy(), ours[name]), name
    strict(state)
    model = onnx.load(folder + "/net.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 13
    for t in model.graph.initializer:
        if t.name in ours:
            assert np.array_equal(onnx.numpy_helper.to_array(t).ravel(), ours[t.name].ravel()), t.name
        else:
            assert t.name.startswith("constant_"), t.name
    return state, model


def by_opencv(folder, image):
    net = cv2.dnn.readNetFromONNX(folder + "/net.onnx")
    out = []
    for i in range(len(image)):
        net.setInput(image[i : i + 1], "input")
        out.append(net.forward("logits")[0].copy())
    return np.array(out)


def check(folder):
    state, model = read_all(folder)
    dims = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    image = np.fromfile(folder + "/input.bin", np.float32).reshape([-1] + dims[1:])
    want = np.fromfile(folder + "/logits.bin", np.float32).reshape(len(image), -1)
    scale = max(1.0, float(abs(want).max()))
    off = float(abs(run(model, image) - want).max()) / scale
    said = f"{folder.rsplit('/', 1)[1]}: {len(state)} tensors, {len(model.graph.node)} nodes, off {off:.1e}"
    assert off < 1e-6, said
    ops = {n.op_type for n in model.graph.node}
    if cv2 is not None and not ops & {"Erf", "HardSigmoid", "MatMul", "ReduceMean", "Clip"}:
        worst = float(abs(by_opencv(folder, image) - want).max()) / scale
        said += f", OpenCV {worst:.1e}"
        assert worst < 1e-4, said
    print(said)


def trained(folder, cifar, loss, top1):
    state, model = read_all(folder)
    data = np.fromfile(cifar, np.uint8).reshape(-1, 3073)
    mean = np.array([0.4914, 0.4822, 0.4465], np.float32).reshape(3, 1, 1)
    std = np.array([0.2023, 0.1994, 0.2010], np.float32).reshape(3, 1, 1)
    image = (data[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / np.float32(255) - mean) / std
    label = torch.from_numpy(data[:, 0].astype(np.int64))
    logits = run(model, image)
    ways = {"PyTorch": logits}
    if cv2 is not None:
        ways["OpenCV"] = by_opencv(folder, image)
        assert abs(ways["OpenCV"] - logits).max() < 1e-4 * max(1, abs(logits).max())
    for name, z in ways.items():
        z = torch.from_numpy(z).double()
        mine, right = F.cross_entropy(z, label).item(), (z.argmax(1) == label).sum().item()
        print(f"{name}: loss {mine:.9f} (evaluate: {loss:.9f}), {right} of {len(label)} right")
        assert abs(mine / loss - 1) < 1e-5, name
        assert abs(100 * right / len(label) - top1) < 1e-9 + 100 / len(label), name  # one may be a tie


if sys.argv[1:2] == ["--trained"]:
    trained(sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
else:
    for one in sys.argv[1:]:
        check(one)
