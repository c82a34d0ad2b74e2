#!/usr/bin/python3 -B
"""The convolutions that T-CET(SNIP) needs on NATS-Bench's topology space, and nothing else.

Room: bench/reference. The same libtorch, shapes and memory format as ours: float32, channels last,
one thread, batch 64, 32x32 images. An eval forward, a train forward, and a backward with the
gradients that the network needs. Only live convolutions count: one whose input is zero by
construction, or that the output does not depend on, costs nothing here.

usage: convolutions.py    architectures from stdin, a line "EVAL TRAIN BACKWARD" of seconds for each
"""
import process  # first: it may start the program anew

import sys
import time

import torch

from tss import CELLS, CHANNELS, NODES, parse

BATCH, RESOLUTION = 64, 32


class Conv:
    """One call: tensors are shared by all convolutions of the same shape."""

    shapes = {}

    def __init__(self, c_in, c_out, kernel, stride, size, first=False):
        key = (c_in, c_out, kernel, stride, size)
        if key not in Conv.shapes:
            last = torch.channels_last
            x = torch.randn(BATCH, c_in, size, size).contiguous(memory_format=last)
            w = torch.randn(c_out, c_in, kernel, kernel).contiguous(memory_format=last)
            g = torch.randn(BATCH, c_out, size // stride, size // stride)
            Conv.shapes[key] = x, w, g.contiguous(memory_format=last)
        self.x, self.w, self.g = Conv.shapes[key]
        self.stride, self.padding = [stride, stride], [kernel // 2, kernel // 2]
        self.mask = [not first, True, False]

    def forward(self):
        torch.ops.aten.convolution(self.x, self.w, None, self.stride, self.padding, [1, 1], False,
                                   [0, 0], 1)

    def backward(self):
        torch.ops.aten.convolution_backward(self.g, self.x, self.w, None, self.stride,
                                            self.padding, [1, 1], False, [0, 0], 1, self.mask)


KERNEL = {"nor_conv_3x3": 3, "nor_conv_1x1": 1}


def reached(edges):
    """Which nodes the cell's input reaches, and which reach its output, over edges that are not
    none."""
    forward, backward = {0}, {NODES - 1}
    for node in range(1, NODES):
        if any(name != "none" and source in forward for name, source in edges[node]):
            forward.add(node)
    for node in range(NODES - 1, 0, -1):
        if node in backward:
            backward |= {source for name, source in edges[node] if name != "none"}
    return forward, backward


def convolutions(arch):
    """(evaluated, trained): the convolutions with a non-zero input, and those among them that the
    output depends on."""
    edges = parse(arch)
    forward, backward = reached(edges)
    alive = NODES - 1 in forward
    evaluated, trained = [Conv(3, CHANNELS, 3, 1, RESOLUTION, first=True)], []
    if alive:
        trained += evaluated
    for stage in range(3):
        c, size = CHANNELS << stage, RESOLUTION >> stage
        if stage and alive:
            block = [Conv(c // 2, c, 3, 2, 2 * size), Conv(c, c, 3, 1, size),
                     Conv(c // 2, c, 1, 1, size)]
            evaluated += block
            trained += block
        for cell in range(CELLS):
            if (stage or cell) and not alive:
                continue  # all that it sees is zero
            for node in edges:
                for name, source in edges[node]:
                    if name in KERNEL and source in forward:
                        conv = Conv(c, c, KERNEL[name], 1, size)
                        evaluated.append(conv)
                        if alive and node in backward:
                            trained.append(conv)
    return evaluated, trained


def main():
    with torch.inference_mode():
        for line in sys.stdin:
            evaluated, trained = convolutions(line)
            times = [time.perf_counter()]
            for conv in evaluated:
                conv.forward()
            times.append(time.perf_counter())
            for conv in trained:
                conv.forward()
            times.append(time.perf_counter())
            for conv in reversed(trained):
                conv.backward()
            times.append(time.perf_counter())
            print(" ".join(f"{b - a:.6f}" for a, b in zip(times, times[1:])), flush=True)


if __name__ == "__main__":
    main()
