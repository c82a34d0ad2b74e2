#!/usr/bin/python3 -B
"""Training a structure of zennas (super convolutions and residuals) in plain PyTorch.

Room: bench/reference. A loop as training scripts have it, at PyTorch's best settings: channels last,
in-place ReLUs, gradients set to none, SGD over lists of tensors. Images and targets are there
beforehand; label smoothing and mixup are part of a step, augmentation is not.

On a GPU a mini-batch comes from page-locked memory, and cuDNN chooses its algorithms by trying them.

usage: train.py ARCH BATCH THREADS STEPS    prints the median seconds of a step
       train.py --format ...                the same without channels last
       train.py --serve DEVICE THREADS      a line "ARCH BATCH STEPS PRECISION FORMAT" of stdin after the
                                            other, the median of each; f32, tf32, bf16 (autocast);
                                            last or plain
"""
import contextlib
import os
import re
import sys
import time

SETTINGS = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
            "PYTHONDONTWRITEBYTECODE": "1"}

if any(os.environ.get(name) != value for name, value in SETTINGS.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **SETTINGS})

import torch
from torch import nn


def conv_norm(c_in, c_out, kernel, stride):
    return [nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.01)]


class Residual(nn.Module):
    def __init__(self, layers, c_in, c_out, stride, projected):
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.proj = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride),
                                  nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.01)) if projected else None

    def forward(self, x):
        return torch.relu_(self.body(x) + (self.proj(x) if self.proj else x))


def super_res(kernels, c_in, c_out, stride, mid, layers):
    out = []
    for layer in range(layers):
        for half in range(2 if len(kernels) == 3 else 1):
            s = stride if layer == half == 0 else 1
            width = [c_in] + [mid] * (len(kernels) - 1) + [c_out]
            place = 0 if len(kernels) == 2 else 1
            body = []
            for i, kernel in enumerate(kernels):
                if i:
                    body.append(nn.ReLU(inplace=True))
                body += conv_norm(width[i], width[i + 1], kernel, s if i == place else 1)
            out.append(Residual(body, c_in, c_out, s, layer == half == 0))
            c_in = c_out
    return out


class Flat(nn.Module):
    def forward(self, x):
        return x.mean([2, 3])


def network(arch):
    layers, c = [], 3
    for kind, numbers in re.findall(r"Super(\w+?)\(([\d,]+)\)", arch):
        n = [int(text) for text in numbers.split(",")]
        kernels = [int(text) for text in re.findall(r"K(\d)", kind)]
        if kind.startswith("Conv"):
            for layer in range(n[3]):
                layers += conv_norm(n[0] if layer == 0 else n[1], n[1], kernels[0],
                                    n[2] if layer == 0 else 1) + [nn.ReLU(inplace=True)]
        else:
            layers += super_res(kernels, *n)
        c = n[1]
    return nn.Sequential(*layers, Flat(), nn.Linear(c, 10))


def stepper(net, precision="f32", rate=1e-3):
    """A step of the recipe over a mini-batch of images and labels; gives the loss, read."""
    decay = [p for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))
             for name, p in m.named_parameters() if name == "weight"]
    known = set(map(id, decay))
    rest = [p for p in net.parameters() if id(p) not in known]
    optimiser = torch.optim.SGD([{"params": decay, "weight_decay": 5e-4}, {"params": rest}], lr=rate,
                                momentum=0.9, nesterov=True, foreach=True)
    beta = torch.distributions.Beta(0.2, 0.2)
    half = torch.autocast("cuda", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()

    def step(images, labels):
        share, order = float(beta.sample()), torch.randperm(len(labels), device=labels.device)
        mixed = images * share + images[order] * (1 - share)
        hot = nn.functional.one_hot(labels, 10) * 0.9 + 0.01
        target = hot * share + hot[order] * (1 - share)
        with half:
            logits = net(mixed)
        loss = -(target * logits.float().log_softmax(1)).sum(1).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        return loss.item()

    return step


def measure(arch, batch, steps, device="cpu", precision="f32", last=True):
    """The median seconds of a step."""
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    memory = torch.channels_last if last else torch.contiguous_format
    net = network(arch).to(device, memory_format=memory)
    x, y = torch.randn(batch, 3, 32, 32).to(memory_format=memory), torch.randint(10, (batch,))
    if device != "cpu":
        x, y = x.pin_memory(), y.pin_memory()
    step = stepper(net, precision)
    times = []
    for k in range(steps + 3):
        begin = time.perf_counter()
        step(x.to(device, non_blocking=True), y.to(device, non_blocking=True))
        if k >= 3:
            times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 2]


def main(args):
    if args[0] == "--serve":
        _, device, threads = args
        torch.set_num_threads(int(threads))
        for line in sys.stdin:
            arch, batch, steps, precision, memory = line.split()
            print(f"{measure(arch, int(batch), int(steps), device, precision, memory == 'last'):.6f}",
                  flush=True)
        return
    plain = args[0] == "--format"
    arch, batch, threads, steps = args[plain:]
    torch.set_num_threads(int(threads))
    print(f"{measure(arch, int(batch), int(steps), last=not plain):.6f}")


if __name__ == "__main__":
    main(sys.argv[1:])
