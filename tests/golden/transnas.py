#!/usr/bin/env python3
"""Reference values of TransNAS-Bench-101's tasks: modules of PyTorch, written from the definitions in
yawen-d/TransNASBench (lib/models, lib/losses, commit 6d4231b), in float64, by the protocol of
conf/golden.ini.  Prints one record.

  transnas.py ARCH TASK [READING] [--resolution N] [--batch N] [--soft]

TASK: class_scene, class_object, room_layout, segmentsemantic, autoencoder, normal.
Needs PyTorch (Debian: python3-torch); no test runs it: its output stands in tests/data/golden."""
import argparse
import copy
import json
import math

import torch
from torch import nn
from torch.nn import functional as F

CLASSES = {"class_scene": (47, 63), "class_object": (75, 100), "room_layout": (9, 9),
           "segmentsemantic": (17, 17), "autoencoder": (3, 3), "normal": (3, 3)}


class ReLUConvBN(nn.Module):
    def __init__(self, c_in, c_out, kernel, stride):
        super().__init__()
        self.ops = nn.Sequential(
            nn.ReLU(), nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(c_out))

    def forward(self, x):
        return self.ops(x)


class Zero(nn.Module):
    def __init__(self, c_out, stride):
        super().__init__()
        self.c_out, self.stride = c_out, stride

    def forward(self, x):
        n, _, h, w = x[:, :, ::self.stride, ::self.stride].shape
        return x.new_zeros(n, self.c_out, h, w)


class FactorizedReduce(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.relu = nn.ReLU()
        self.convs = nn.ModuleList(
            nn.Conv2d(c_in, c_out // 2, 1, stride, bias=False) for _ in range(2))
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x):
        x = self.relu(x)
        moved = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.bn(torch.cat([self.convs[0](x), self.convs[1](moved)], 1))


def edge(op, c_in, c_out, stride):
    if op == "0":
        return Zero(c_out, stride)
    if op == "1":
        same = stride == 1 and c_in == c_out
        return nn.Identity() if same else FactorizedReduce(c_in, c_out, stride)
    return ReLUConvBN(c_in, c_out, 1 if op == "2" else 3, stride)


class MicroCell(nn.Module):
    def __init__(self, code, c_in, c_out, stride):
        super().__init__()
        self.edges = nn.ModuleList()
        self.place = []
        for to, ops in enumerate(code.split("_"), 1):
            for source, op in enumerate(ops):
                first = source == 0
                self.edges.append(edge(op, c_in if first else c_out, c_out, stride if first else 1))
                self.place.append((source, to))

    def forward(self, x):
        nodes = [x]
        for to in (1, 2, 3):
            nodes.append(torch.stack([e(nodes[s]) for e, (s, t) in zip(self.edges, self.place)
                                      if t == to]).sum(0))
        return nodes[-1]


class BasicBlock(nn.Module):
    def __init__(self, code, c_in, c_out, stride):
        super().__init__()
        self.conv_a = ReLUConvBN(c_in, c_out, 3, stride)
        self.conv_b = ReLUConvBN(c_out, c_out, 3, 1)
        self.downsample = None
        if stride != 1 or c_in != c_out:
            # by position: eps and momentum are 1
            self.downsample = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False),
                                            nn.BatchNorm2d(c_out, True, True))

    def forward(self, x):
        y = self.conv_b(self.conv_a(x))
        return (x if self.downsample is None else self.downsample(x)) + y


class Encoder(nn.Module):
    """MacroNet; classes: its head's, None: there is none."""

    def __init__(self, arch, classes=None):
        super().__init__()
        base, macro, code = arch.split("-")
        base = int(base)
        cell = BasicBlock if code == "basic" else MicroCell
        self.stem = nn.Sequential(nn.Conv2d(3, base // 2, 3, 2, 1, bias=False),
                                  nn.BatchNorm2d(base // 2), ReLUConvBN(base // 2, base, 3, 2))
        c, self.names = base, []
        for i, kind in enumerate(map(int, macro)):
            c_out = c if kind % 2 else 2 * c
            self.names.append(f"layer{i}")
            self.add_module(self.names[-1], nn.Sequential(
                cell(code, c, c_out, 2 if kind > 2 else 1), cell(code, c_out, c_out, 1)))
            c = c_out
        self.c_out = c
        self.head = None
        if classes:
            self.avgpool = nn.AdaptiveAvgPool2d(1)
            self.head = nn.Linear(c, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.stem(x)
        for name in self.names:
            x = getattr(self, name)(x)
        return x if self.head is None else self.head(self.avgpool(x).flatten(1))


class FFDecoder(nn.Module):
    def __init__(self, c_in, classes):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(c_in, classes)

    def forward(self, x):
        return self.fc(self.avgpool(x).flatten(1))


class ConvLayer(nn.Module):
    def __init__(self, c_in, c_out, up=False, activation="leaky", norm=True):
        super().__init__()
        self.conv = (nn.ConvTranspose2d(c_in, c_out, 3, 2, 1, output_padding=1) if up
                     else nn.Conv2d(c_in, c_out, 3, 1, 1))
        self.activation = {"leaky": nn.LeakyReLU(0.2), "tanh": nn.Tanh(), None: None}[activation]
        self.norm = nn.BatchNorm2d(c_out) if norm else None

    def forward(self, x):
        x = self.conv(x)
        x = x if self.norm is None else self.norm(x)
        return x if self.activation is None else self.activation(x)


class SegmentationDecoder(nn.Module):
    def __init__(self, c_in, doublings, classes):
        super().__init__()
        c = 1024
        layers = [ConvLayer(c_in, c)]
        for k in range(5):
            layers.append(ConvLayer(c, c // 2, up=k >= 6 - doublings))
            c //= 2
        layers.append(ConvLayer(c, c, up=True))
        layers.append(ConvLayer(c, classes, activation=None, norm=False))
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class GenerativeDecoder(nn.Module):
    # channels after layers 1 to 13, and from how many doublings on a layer is one of them
    CHANNELS = (1024, 1024, 512, 512, 256, 128, 64, 64, 32, 32, 16, 32, 16)
    DOUBLES = {3: 6, 5: 5, 7: 4, 9: 3, 11: 2, 13: 2}

    def __init__(self, c_in, doublings, classes):
        super().__init__()
        c = c_in
        for k, c_out in enumerate(self.CHANNELS, 1):
            self.add_module(f"conv{k}", ConvLayer(c, c_out, up=doublings >= self.DOUBLES.get(k, 99)))
            c = c_out
        self.conv14 = ConvLayer(c, classes, activation="tanh", norm=False)

    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        return x


class Net(nn.Module):
    def __init__(self, arch, task, classes, resolution):
        super().__init__()
        self.encoder = Encoder(arch)
        if task in ("segmentsemantic", "autoencoder", "normal"):
            with torch.no_grad():
                self.eval()
                side = copy.deepcopy(self.encoder)(torch.zeros(1, 3, resolution, resolution)).shape[-1]
            kind = SegmentationDecoder if task == "segmentsemantic" else GenerativeDecoder
            self.decoder = kind(self.encoder.c_out, int(math.log2(resolution // side)), classes)
        else:
            self.decoder = FFDecoder(self.encoder.c_out, classes)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def build(arch, task, reading, classes, resolution):
    torch.manual_seed(1)
    if reading == "official" and task in ("class_scene", "class_object", "room_layout"):
        return Encoder(arch, classes)
    return Net(arch, task, classes, resolution)


def targets_of(task, soft, x, classes):
    """After the images, from the same stream."""
    n, _, h, w = x.shape
    if task == "autoencoder":
        torch.randint(0, classes, (n,))
        return x
    if task == "normal":
        return torch.randn(n, classes, h, w)
    if task == "segmentsemantic":
        return torch.randint(0, classes, (n, h, w))
    if task == "room_layout":
        return torch.randn(n, classes)
    if soft:
        t = torch.rand(n, classes).double()
        return (t / t.sum(1, keepdim=True)).float()
    return torch.randint(0, classes, (n,))


def loss_of(task, soft, z, t):
    if task in ("autoencoder", "normal"):
        return F.l1_loss(z, t.double())
    if task == "room_layout":
        return F.mse_loss(z, t.double())
    if soft:
        return -(t.double() * torch.log(F.softmax(z, -1) + 1e-5)).sum(-1).mean()
    return F.cross_entropy(z, t)


def is_layer(m):
    return isinstance(m, (nn.Conv2d, nn.Linear))


def layers_of(net):
    return [(name, m) for name, m in net.named_modules() if is_layer(m)]


def k_of(x):
    """Units whose signs agree."""
    p = (x.flatten(1) > 0).double()
    return p @ p.t() + (1 - p) @ (1 - p).t()


def logdet(k):
    sign, value = torch.linalg.slogdet(k)
    return 0.0 if not torch.isfinite(value) else value.item()


def gradients(net, loss, x, create=False):
    weights = [m.weight for _, m in layers_of(net)]
    return torch.autograd.grad(loss(net(x)), weights, create_graph=create, allow_unused=True)


def zeros_where_none(gs, layers):
    return [torch.zeros_like(m.weight) if g is None else g for g, (_, m) in zip(gs, layers)]


def synflow(net):
    net = copy.deepcopy(net)
    with torch.no_grad():
        for p in net.state_dict().values():
            p.abs_()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.forward = lambda x: x
    return net


def measure(net, x, t, task, soft, resolution):
    layers = layers_of(net)
    rows = [{"name": name, "kind": type(m).__name__, "shape": list(m.weight.shape)}
            for name, m in layers]
    loss = lambda z: loss_of(task, soft, z, t)
    net.train()
    g = zeros_where_none(gradients(copy_of(net), loss, x), layers)
    for row, gw, (_, m) in zip(rows, g, layers):
        s = (m.weight * gw).abs()
        row.update(snip_sum=s.sum().item(), snip_std=s.std().item(), gnorm=gw.norm().item())
    other = copy_of(net)
    own = layers_of(other)
    gs = gradients(other, loss, x, create=True)
    dot = sum((a * a.detach()).sum() for a in gs if a is not None)
    h = torch.autograd.grad(dot, [m.weight for _, m in own], allow_unused=True)
    for row, hw, (_, m) in zip(rows, zeros_where_none(h, own), own):
        row["grasp"] = -(m.weight * hw).sum().item()
    other = synflow(net)
    own = layers_of(other)
    one = torch.ones(1, 3, resolution, resolution, dtype=torch.float64)
    g = zeros_where_none(gradients(other, lambda z: z.sum(), one), own)
    for row, gw, (_, m) in zip(rows, g, own):
        s = (m.weight * gw).abs()
        row.update(synflow_sum=s.sum().item(), synflow_std=s.std().item())
    totals = signs(net, x, rows)
    totals.update(sums(rows))
    return rows, totals


def copy_of(net):
    return copy.deepcopy(net).train()


def signs(net, x, rows):
    """Lnwot by layer, NASWOT over layers and over ReLUs."""
    other = copy.deepcopy(net).eval()
    k = {}

    def keep(name, take_input):
        def hook(_, inputs, output):
            k[name] = k_of(inputs[0] if take_input else output)
        return hook

    for name, m in other.named_modules():
        if is_layer(m):
            m.register_forward_hook(keep(name, False))
        elif "ReLU" in type(m).__name__:
            m.register_forward_hook(keep("relu " + name, True))
    with torch.no_grad():
        other(x)
    for row in rows:
        row["lnwot"] = logdet(k[row["name"]])
    names = [n for n in k if n.startswith("relu ")]
    modules = dict(other.named_modules())
    strict = [n for n in names if not isinstance(modules[n[5:]], ReLUConvBN)]
    return {"nwot": logdet(sum(k[row["name"]] for row in rows)),
            "nwot_relu": logdet(sum(k[n] for n in names)),
            "nwot_relu_strict": logdet(sum(k[n] for n in strict))}


def sums(rows):
    out = {"snip": sum(r["snip_sum"] for r in rows), "synflow": sum(r["synflow_sum"] for r in rows),
           "grad_norm": sum(r["gnorm"] for r in rows), "grasp": sum(r["grasp"] for r in rows),
           "lnwot": sum(r["lnwot"] for r in rows)}
    for kind in ("snip", "synflow"):
        none, log, log1p, tcet, tcet_log = 0.0, 0.0, 0.0, 0.0, 0.0
        for r in rows:
            s, std = r[f"{kind}_sum"], r[f"{kind}_std"]
            ratio = s if std == 0 or math.isnan(std) else s / std
            ln = math.log(ratio) if ratio > 0 else 0.0
            none, log, log1p = none + ratio, log + ln, log1p + math.log1p(ratio)
            tcet, tcet_log = tcet + ratio * r["lnwot"], tcet_log + ln * r["lnwot"]
        out.update({f"snr_{kind}_none": none, f"snr_{kind}_log": log, f"snr_{kind}_log1p": log1p,
                    f"tcet_{kind}_none": tcet, f"tcet_{kind}_log": tcet_log})
    return out


def macs_of(net, x):
    total = []

    def hook(m, _, output):
        total.append(m.weight.numel() * (output[0, 0].numel() if output.dim() == 4 else 1))

    other = copy.deepcopy(net).eval()
    for _, m in layers_of(other):
        m.register_forward_hook(hook)
    with torch.no_grad():
        other(x[:1])
    return sum(total)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("arch")
    a.add_argument("task", choices=CLASSES)
    a.add_argument("reading", nargs="?", default="official", choices=("official", "naslib"))
    a.add_argument("--resolution", type=int, default=32)
    a.add_argument("--batch", type=int, default=6)
    a.add_argument("--soft", action="store_true")
    a = a.parse_args()
    classes = CLASSES[a.task][a.reading == "naslib"]
    torch.manual_seed(0)
    x = torch.randn(a.batch, 3, a.resolution, a.resolution)
    t = targets_of(a.task, a.soft, x, classes)
    net = build(a.arch, a.task, a.reading, classes, a.resolution).double()
    x = x.double()
    rows, totals = measure(net, x, t, a.task, a.soft, a.resolution)
    print(json.dumps({
        "arch": a.arch, "C": classes, "R": a.resolution, "batch": a.batch, "digits": 9,
        "params": sum(p.numel() for p in net.parameters()), "x_sum": x.sum().item(),
        "w_sum": sum(m.weight.sum().item() for _, m in layers_of(net)), "macs": macs_of(net, x),
        "totals": totals, "layers": rows}))


if __name__ == "__main__":
    main()
