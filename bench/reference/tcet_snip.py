#!/usr/bin/python3 -B
"""T-CET(SNIP) on NATS-Bench's topology space in plain PyTorch, in the manner of the public
toolkits: a deep copy and a pass for each proxy, forward hooks, masks, autograd, NumPy for the
determinant.

Room: bench/reference. What bench/speed compares with, one process a core.

usage: tcet_snip.py                     architectures from stdin, a line "SCORE SECONDS" for each
       tcet_snip.py --check HOST ARCH.. scores in float64 beside those of the tcet-host binary HOST
       --channels-last                  the other memory format
       --device cuda:0                  on a GPU, without TensorFloat-32
"""
import process  # first: it may start the program anew

import copy
import json
import pathlib
import subprocess
import sys
import time
import types

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tss import CLASSES, Network

BATCH, RESOLUTION, DATA_SEED, WEIGHT_SEED = 64, 32, 0, 1
CONFIG = pathlib.Path(__file__).resolve().parents[2] / "conf" / "tcet_snip.ini"


def batch():
    torch.manual_seed(DATA_SEED)
    x = torch.randn(BATCH, 3, RESOLUTION, RESOLUTION)
    return x, torch.randint(0, CLASSES, (BATCH,))


def weighted(net):
    return [(name, m) for name, m in net.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))]


def masked_conv(self, x):
    return F.conv2d(x, self.weight * self.weight_mask, self.bias, self.stride, self.padding,
                    self.dilation, self.groups)


def masked_linear(self, x):
    return F.linear(x, self.weight * self.weight_mask, self.bias)


def snip(net, x, y):
    """The absolute gradient of a mask of ones on each layer's weight, batch norm in train mode."""
    net = copy.deepcopy(net)
    net.train()
    layers = weighted(net)
    for _, layer in layers:
        layer.weight_mask = nn.Parameter(torch.ones_like(layer.weight))
        layer.weight.requires_grad = False
        forward = masked_conv if isinstance(layer, nn.Conv2d) else masked_linear
        layer.forward = types.MethodType(forward, layer)
    net.zero_grad()
    F.cross_entropy(net(x), y).backward()
    return {name: layer.weight_mask.grad.abs() for name, layer in layers}


def ratio(saliency):
    """Sum over unbiased deviation; the sum alone where there is no deviation."""
    total, spread = saliency.sum().item(), saliency.std().item()
    return total if spread == 0.0 or np.isnan(spread) else total / spread


def lnwot(net, x):
    """ln |det K| of the signs of each layer's output, batch norm in eval mode."""
    net = copy.deepcopy(net)
    net.eval()
    value = {}

    def hook(name):
        def visit(_, __, out):
            bits = (out > 0).to(out.dtype).flatten(1)
            if not bits.any():
                value[name] = 0.0
                return
            kernel = bits @ bits.t() + (1 - bits) @ (1 - bits).t()
            _, logdet = np.linalg.slogdet(kernel.cpu().numpy())
            value[name] = float(logdet) if np.isfinite(logdet) else 0.0
        return visit

    for name, layer in weighted(net):
        layer.register_forward_hook(hook(name))
    with torch.no_grad():
        net(x)
    return value


def tcet(net, x, y):
    saliency, determinant = snip(net, x, y), lnwot(net, x)
    return sum(ratio(saliency[name]) * determinant[name] for name in saliency)


def build(arch):
    torch.manual_seed(WEIGHT_SEED)
    return Network(arch)


def serve(device, memory):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    x, y = batch()
    x, y = x.to(device, memory_format=memory), y.to(device)
    for line in sys.stdin:
        start = time.perf_counter()
        score = tcet(build(line).to(device, memory_format=memory), x, y)
        if device != "cpu":
            torch.cuda.synchronize()
        print(f"{score:.17g} {time.perf_counter() - start:.6f}", flush=True)


def check(host, archs):
    """Same weights, same inputs, float64 on both sides: equal to rounding."""
    x, y = batch()
    worst = 0.0
    for arch in archs:
        command = [host, "score", str(CONFIG), arch, "--json", "--set", "backend.precision=f64",
                   "--set", "backend.device=cpu", "--set", "data.plugin=gaussian",
                   "--set", f"data.seed={DATA_SEED}", "--set", f"run.seed={WEIGHT_SEED}"]
        row = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        ours = row["scores"]["tcet_snip"]
        theirs = tcet(build(row["arch"]).double(), x.double(), y)
        off = abs(ours - theirs) / max(abs(theirs), 1.0)
        worst = max(worst, off)
        print(f"{arch}: ours {ours:.12g}, reference {theirs:.12g}, relative difference {off:.1e}")
    print(f"largest relative difference {worst:.1e}")
    return 0 if worst < 1e-9 else 1


def main(args):
    memory, device = torch.contiguous_format, "cpu"
    if "--device" in args:
        at = args.index("--device")
        _, device = args[at:at + 2]
        del args[at:at + 2]
    if "--channels-last" in args:
        args.remove("--channels-last")
        memory = torch.channels_last
    if len(args) > 2 and args[0] == "--check":
        return check(args[1], args[2:])
    if args:
        print(__doc__, file=sys.stderr)
        return 2
    serve(device, memory)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
