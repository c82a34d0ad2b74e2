"""The network of NATS-Bench's topology space, as its authors build it, in plain PyTorch.

Room: bench/reference. Modules are made in the official order, so that one seed gives the official
initial weights.
"""
import re

import torch
from torch import nn

CHANNELS, CELLS, CLASSES, NODES = 16, 5, 10, 4


def parse(arch):
    """'|op~0|+|op~0|op~1|+...' -> {node: [(operation, source), ...]}"""
    nodes = arch.strip().split("+")
    edges = {i + 1: re.findall(r"\|([a-z0-9_]+)~(\d)", text) for i, text in enumerate(nodes)}
    if [[int(source) for _, source in edges[node]] for node in edges] != [[0], [0, 1], [0, 1, 2]]:
        raise ValueError(f"no cell of nats_tss: {arch!r}")
    return {node: [(name, int(source)) for name, source in edges[node]] for node in edges}


class ReluConvNorm(nn.Module):
    def __init__(self, c_in, c_out, kernel, stride):
        super().__init__()
        self.relu = nn.ReLU(inplace=False)
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x):
        return self.norm(self.conv(self.relu(x)))


class Zero(nn.Module):
    def forward(self, x):
        return x.mul(0.0)


def operation(name, c):
    if name == "nor_conv_3x3":
        return ReluConvNorm(c, c, 3, 1)
    if name == "nor_conv_1x1":
        return ReluConvNorm(c, c, 1, 1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    if name == "skip_connect":
        return nn.Identity()
    if name == "none":
        return Zero()
    raise ValueError(f"no operation of nats_tss: {name!r}")


class Cell(nn.Module):
    def __init__(self, edges, c):
        super().__init__()
        self.sources = {node: [source for _, source in edges[node]] for node in edges}
        self.edges = nn.ModuleDict({
            f"{node}<-{source}": operation(name, c)
            for node in edges for name, source in edges[node]})

    def forward(self, x):
        nodes = [x]
        for node in range(1, NODES):
            nodes.append(sum(self.edges[f"{node}<-{source}"](nodes[source])
                             for source in self.sources[node]))
        return nodes[-1]


class Residual(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv_a = ReluConvNorm(c_in, c_out, 3, 2)
        self.conv_b = ReluConvNorm(c_out, c_out, 3, 1)
        self.downsample = nn.Sequential(nn.AvgPool2d(2, stride=2, padding=0),
                                        nn.Conv2d(c_in, c_out, 1, 1, 0, bias=False))

    def forward(self, x):
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class Network(nn.Module):
    def __init__(self, arch):
        super().__init__()
        edges = parse(arch)
        c = CHANNELS
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))
        cells = [Cell(edges, c) for _ in range(CELLS)]
        for width in (2 * c, 4 * c):
            cells.append(Residual(width // 2, width))
            cells += [Cell(edges, width) for _ in range(CELLS)]
        self.cells = nn.Sequential(*cells)
        self.last = nn.Sequential(nn.BatchNorm2d(4 * c), nn.ReLU(inplace=True))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(4 * c, CLASSES)

    def forward(self, x):
        x = self.last(self.cells(self.stem(x)))
        return self.classifier(self.pool(x).flatten(1))
