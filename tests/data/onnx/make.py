#!/usr/bin/python3
"""make.py [NAME...] -- writes the networks NAME.onnx of this folder and what PyTorch makes of them in
float64, expected.jsonl (a record a network, as tests/data/golden).  Debian's python3-torch 1.13.

The networks are written here, narrow so that their files are small, exported in training mode.  Weights
and running statistics are those that stand in the file; images are those of the dataset `gaussian`
with seed 0.  Each value is computed from its definition, docs/proxies.md."""
import copy
import hashlib
import json
import math
import os
import sys
import warnings

import numpy
import onnx
import onnx.numpy_helper
import torch
import torch.nn as nn
import torch.nn.functional as F

warnings.filterwarnings("ignore")
here = os.path.dirname(os.path.abspath(__file__))
BATCH = 8


def conv_bn(a, b, k=3, s=1, g=1, act=nn.ReLU, d=1):
    layers = [nn.Conv2d(a, b, k, s, (k - 1) // 2 * d, d, g, bias=False), nn.BatchNorm2d(b)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Basic(nn.Module):
    def __init__(self, a, b, s):
        super().__init__()
        self.conv1 = nn.Conv2d(a, b, 3, s, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(b)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(b)
        self.downsample = None
        if s > 1 or a != b:
            self.downsample = nn.Sequential(nn.Conv2d(a, b, 1, s, bias=False), nn.BatchNorm2d(b))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    def __init__(self, w=3):
        super().__init__()
        self.conv1 = nn.Conv2d(3, w, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(w)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for i in range(4):
            a, b = (w if i == 0 else w << (i - 1)), w << i
            setattr(self, "layer%d" % (i + 1),
                    nn.Sequential(Basic(a, b, 1 if i == 0 else 2), Basic(b, b, 1)))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8 * w, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Inverted(nn.Module):
    """Of MobileNetV2 and V3."""

    def __init__(self, a, b, wide, k, s, act, se=False):
        super().__init__()
        layers = [conv_bn(a, wide, 1, act=act)] if wide != a else []
        layers.append(conv_bn(wide, wide, k, s, wide, act))
        if se:
            layers.append(Excite(wide, nn.Hardsigmoid))
        layers.append(conv_bn(wide, b, 1, act=None))
        self.block = nn.Sequential(*layers)
        self.add = s == 1 and a == b

    def forward(self, x):
        return x + self.block(x) if self.add else self.block(x)


class Excite(nn.Module):
    def __init__(self, c, gate=nn.Sigmoid, less=4):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(c, max(c // less, 2), 1)
        self.fc2 = nn.Conv2d(max(c // less, 2), c, 1)
        self.activation = nn.ReLU()
        self.scale_activation = gate()

    def forward(self, x):
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(x))))) * x


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        act = nn.ReLU6
        self.features = nn.Sequential(
            conv_bn(3, 4, 3, 2, act=act), Inverted(4, 4, 4, 3, 1, act), Inverted(4, 6, 24, 3, 2, act),
            Inverted(6, 6, 36, 3, 1, act), Inverted(6, 8, 36, 3, 2, act), Inverted(8, 8, 48, 3, 1, act),
            conv_bn(8, 24, 1, act=act))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(24, 10))

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


class MobileNetV3(nn.Module):
    def __init__(self):
        super().__init__()
        hs = nn.Hardswish
        self.features = nn.Sequential(
            conv_bn(3, 4, 3, 2, act=hs), Inverted(4, 4, 4, 3, 2, nn.ReLU, True),
            Inverted(4, 6, 18, 3, 1, nn.ReLU), Inverted(6, 6, 22, 3, 1, nn.ReLU),
            Inverted(6, 8, 24, 5, 2, hs, True), Inverted(8, 8, 32, 5, 1, hs, True),
            conv_bn(8, 24, 1, act=hs))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(24, 16), hs(), nn.Dropout(0.2), nn.Linear(16, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class NeXt(nn.Module):
    def __init__(self, a, wide, b, s, groups):
        super().__init__()
        self.conv1, self.conv2 = conv_bn(a, wide, 1), conv_bn(wide, wide, 3, s, groups)
        self.conv3, self.se = conv_bn(wide, b, 1, act=None), Excite(b)
        self.relu = nn.ReLU()
        self.shortcut = conv_bn(a, b, 1, s, act=None) if s > 1 or a != b else nn.Identity()

    def forward(self, x):
        return self.relu(self.se(self.conv3(self.conv2(self.conv1(x)))) + self.shortcut(x))


class SEResNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8)
        self.stages = nn.ModuleList([NeXt(8, 8, 16, 1, 4), NeXt(16, 16, 24, 2, 4), NeXt(24, 16, 24, 1, 4)])
        self.head = nn.Linear(24, 10)

    def forward(self, x):
        x = self.stem(x)
        n, c, h, w = x.shape
        x = x.view(n, 4, c // 4, h, w).transpose(1, 2).reshape(n, c, h, w)  # ShuffleNet's
        for stage in self.stages:
            x = stage(x)
        return self.head(x.mean((2, 3)))


class Dense(nn.Module):
    def __init__(self, a, growth, layers):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(a + i * growth), nn.ReLU(),
                          nn.Conv2d(a + i * growth, growth, 3, 1, 1, bias=False))
            for i in range(layers))

    def forward(self, x):
        xs = [x]
        for layer in self.layers:
            xs.append(layer(torch.cat(xs, 1)))
        return torch.cat(xs, 1)


class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv0 = nn.Conv2d(3, 6, 3, 2, 1, bias=False)
        self.block1 = Dense(6, 4, 3)
        self.transition = nn.Sequential(nn.BatchNorm2d(18), nn.ReLU(), nn.Conv2d(18, 9, 1, bias=False),
                                        nn.AvgPool2d(2, 2))
        self.block2 = Dense(9, 4, 3)
        self.norm, self.relu, self.fc = nn.BatchNorm2d(21), nn.ReLU(), nn.Linear(21, 10)

    def forward(self, x):
        x = self.relu(self.norm(self.block2(self.transition(self.block1(self.conv0(x))))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8, 3, 2, act=nn.SiLU)
        self.one = conv_bn(8, 4, 1)
        self.seven = nn.Sequential(nn.Conv2d(8, 4, (1, 7), padding=(0, 3)),
                                   nn.Conv2d(4, 4, (7, 1), padding=(3, 0)), nn.BatchNorm2d(4), nn.ReLU())
        self.dilated = conv_bn(8, 4, 3, d=2)
        self.pool = nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Conv2d(8, 4, 1))
        self.most, self.ceil = nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(3, 2, ceil_mode=True)
        self.leaky, self.relu, self.fc = nn.LeakyReLU(0.1), nn.ReLU(), nn.Linear(24, 10)

    def forward(self, x):
        x = self.stem(x)
        a, b = torch.chunk(self.most(x), 2, 1)
        x = torch.cat([self.one(x), self.seven(x), self.dilated(x), self.pool(x), a - b, a * b], 1)
        x = F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, 1)
        x = torch.cat([self.ceil(self.relu(self.leaky(x[:, :12]))), F.avg_pool2d(x[:, 12:], 2, 2)], 1)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 16), nn.BatchNorm1d(16), nn.ReLU(),
                                    nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 10))

    def forward(self, x):
        return self.layers(x)


class CNN1d(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(2, 6, 7, 2, 3, bias=False), nn.BatchNorm1d(6), nn.ReLU(),
                                 nn.MaxPool1d(2), nn.Conv1d(6, 8, 5, dilation=2), nn.ReLU(),
                                 nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 5))

    def forward(self, x):
        return self.net(x)


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dwconv = nn.Conv2d(c, c, 7, padding=3, groups=c)
        self.norm = nn.LayerNorm(c, eps=1e-6)
        self.pwconv1, self.act, self.pwconv2 = nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c)

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        return x + self.pwconv2(self.act(self.pwconv1(y))).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), ChannelNorm(8, eps=1e-6))
        self.stage1 = ConvNeXtBlock(8)
        self.down = nn.Sequential(ChannelNorm(8, eps=1e-6), nn.Conv2d(8, 12, 2, 2))
        self.stage2 = ConvNeXtBlock(12)
        self.norm, self.head = nn.LayerNorm(12, eps=1e-6), nn.Linear(12, 10)

    def forward(self, x):
        x = self.stage2(self.down(self.stage1(self.stem(x))))
        return self.head(self.norm(x.mean((-2, -1))))


class Attention(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads, self.scale = heads, (c // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(c, 3 * c, bias=False), nn.Linear(c, c)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = torch.softmax(q @ k.transpose(-2, -1) * self.scale, -1)
        return self.proj((a @ v).transpose(1, 2).reshape(n, t, c))


class Block(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(c), Attention(c, heads)
        self.norm2 = nn.LayerNorm(c)
        self.mlp = nn.Sequential(nn.Linear(c, 2 * c), nn.GELU(), nn.Linear(2 * c, c))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Without an embedding of positions, and pooled by the mean."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 12, 8, 8)
        self.blocks = nn.Sequential(Block(12, 3), Block(12, 3))
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, 10)

    def forward(self, x):
        x = self.blocks(self.patch(x).flatten(2).transpose(1, 2))
        return self.head(self.norm(x).mean(1))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = conv_bn(3, 4), conv_bn(4, 8, 3, 2)
        self.up, self.out = nn.ConvTranspose2d(8, 4, 2, 2), nn.Conv2d(8, 2, 1)

    def forward(self, x):
        a = self.a(x)
        return self.out(torch.cat([a, self.up(self.b(a))], 1))


class Window(nn.Module):
    """Attention within windows, as Swin has it."""

    def __init__(self):
        super().__init__()
        self.patch, self.attn, self.head = nn.Conv2d(3, 12, 4, 4), Attention(12, 3), nn.Linear(12, 10)

    def forward(self, x):
        x = self.patch(x).permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        x = x.reshape(n, 2, h // 2, 2, w // 2, c).transpose(2, 3).reshape(n * 4, h * w // 4, c)
        x = self.attn(x).reshape(n, h * w, c)
        return self.head(x.mean(1))


class ScaledBlock(ConvNeXtBlock):
    """With layer scale: [c, 1, 1] as torchvision has it, or [c] as the first ConvNeXt."""

    def __init__(self, c, shape):
        super().__init__(c)
        self.layer_scale = nn.Parameter(torch.rand(*shape) + 0.5)

    def forward(self, x):
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.pwconv2(self.act(self.pwconv1(y)))
        if self.layer_scale.dim() == 1:
            return x + (self.layer_scale * y).permute(0, 3, 1, 2)
        return x + self.layer_scale * y.permute(0, 3, 1, 2)


class LayerScale(nn.Module):
    """The image is normalised by buffers, and a number is learned alone."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, -0.3, 0.2]).view(3, 1, 1))
        self.register_buffer("std", torch.tensor([0.9, 1.1, 1.2]).view(3, 1, 1))
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), ChannelNorm(8, eps=1e-6))
        self.stage1, self.stage2 = ScaledBlock(8, (8, 1, 1)), ScaledBlock(8, (8,))
        self.alpha = nn.Parameter(torch.tensor([0.7]))
        self.norm, self.head = nn.LayerNorm(8, eps=1e-6), nn.Linear(8, 10)

    def forward(self, x):
        x = self.stem((x - self.mean) / self.std)
        x = x + self.alpha * self.stage2(self.stage1(x))
        return self.head(self.norm(x.mean((-2, -1))))


class TokenViT(nn.Module):
    """With a class token, which is what is read at the end, and an embedding of positions."""

    def __init__(self):
        super().__init__()
        self.class_token = nn.Parameter(torch.randn(1, 1, 12) * 0.3)
        self.pos_embedding = nn.Parameter(torch.randn(1, 17, 12) * 0.3)
        self.patch = nn.Conv2d(3, 12, 8, 8)
        self.blocks = nn.Sequential(Block(12, 3), Block(12, 3))
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embedding
        return self.head(self.norm(self.blocks(x))[:, 0])


class WindowAttention(nn.Module):
    """Within windows of side m, with a learned bias by relative position, and a mask or none."""

    def __init__(self, c, heads, m):
        super().__init__()
        self.heads, self.scale = heads, (c // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(c, 3 * c), nn.Linear(c, c)
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * m - 1) ** 2, heads) * 0.3)
        at = torch.stack(torch.meshgrid(torch.arange(m), torch.arange(m))).flatten(1)
        way = (at[:, :, None] - at[:, None, :]) + m - 1
        self.register_buffer("relative_position_index", way[0] * (2 * m - 1) + way[1])

    def forward(self, x, mask):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = (q * self.scale) @ k.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)]
        a = a + bias.view(t, t, -1).permute(2, 0, 1).unsqueeze(0)
        if mask is not None:
            a = a.view(-1, mask.shape[0], self.heads, t, t) + mask.unsqueeze(1).unsqueeze(0)
            a = a.view(-1, self.heads, t, t)
        a = torch.softmax(a, -1)
        return self.proj((a @ v).transpose(1, 2).reshape(n, t, c))


class SwinBlock(nn.Module):
    def __init__(self, c, heads, m, side, shift):
        super().__init__()
        self.m, self.side, self.shift = m, side, shift
        self.norm1, self.attn = nn.LayerNorm(c), WindowAttention(c, heads, m)
        self.norm2 = nn.LayerNorm(c)
        self.mlp = nn.Sequential(nn.Linear(c, 2 * c), nn.GELU(), nn.Linear(2 * c, c))
        mask = None
        if shift:
            region = torch.zeros(side, side)
            for i, rows in enumerate((slice(0, -m), slice(-m, -shift), slice(-shift, None))):
                for k, columns in enumerate((slice(0, -m), slice(-m, -shift), slice(-shift, None))):
                    region[rows, columns] = 3 * i + k
            region = self.windows(region.view(1, side, side, 1)).squeeze(-1)
            mask = (region.unsqueeze(1) != region.unsqueeze(2)).float() * -100
        self.register_buffer("attn_mask", mask)

    def windows(self, x):
        k, m = self.side // self.m, self.m
        x = x.reshape(-1, k, m, k, m, x.shape[-1])
        return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, m * m, x.shape[-1])

    def forward(self, x):
        k, m, c = self.side // self.m, self.m, x.shape[-1]
        y = self.norm1(x)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = self.attn(self.windows(y), self.attn_mask).view(-1, k, k, m, m, c)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(-1, self.side, self.side, c)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    """Two blocks, the second of shifted windows, and the merging of patches."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 4, 4)
        self.blocks = nn.Sequential(SwinBlock(8, 2, 4, 8, 0), SwinBlock(8, 2, 4, 8, 2))
        self.norm, self.reduction = nn.LayerNorm(32), nn.Linear(32, 16, bias=False)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = self.blocks(self.patch(x).permute(0, 2, 3, 1))
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        return self.head(self.reduction(self.norm(x)).mean((1, 2)))


class ChannelsFirst(nn.Module):
    """Layer norm of images, as the first ConvNeXt writes it out."""

    def __init__(self, c):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.rand(c)), nn.Parameter(torch.rand(c))

    def forward(self, x):
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class Encoder(nn.Module):
    """PyTorch's own attention, whose batch is not the first axis inside."""

    def __init__(self):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(12), nn.MultiheadAttention(12, 3, batch_first=True)
        self.norm2 = nn.LayerNorm(12)
        self.mlp = nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 12))

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class MHA(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.norm = nn.Conv2d(3, 12, 8, 8), ChannelsFirst(12)
        self.blocks, self.head = nn.Sequential(Encoder(), Encoder()), nn.Linear(12, 10)

    def forward(self, x):
        return self.head(self.blocks(self.norm(self.patch(x)).flatten(2).transpose(1, 2)).mean(1))


class UNetHead(nn.Module):
    """U-shaped, up by the nearest, with a head that gives classes."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = conv_bn(3, 4), conv_bn(4, 6, 3, 2), conv_bn(6, 8, 3, 2)
        self.up1, self.up2 = conv_bn(14, 6), conv_bn(10, 4)
        self.fc = nn.Linear(4, 10)

    def forward(self, x):
        a = self.a(x)
        b = self.b(a)
        x = F.interpolate(self.c(b), scale_factor=2.0, mode="nearest")
        x = F.interpolate(self.up1(torch.cat([b, x], 1)), size=(16, 16), mode="nearest")
        return self.fc(self.up2(torch.cat([a, x], 1)).mean((2, 3)))


class Merged(nn.Module):
    """Of equal numbers, of which an export in inference mode keeps one and names the others by Identity."""

    def __init__(self):
        super().__init__()
        block = nn.Sequential(nn.Conv2d(4, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.relu = nn.ReLU()
        self.stem, self.twice = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 1)
        self.blocks = nn.Sequential(copy.deepcopy(block), copy.deepcopy(block))
        self.scale1, self.scale2 = nn.Parameter(torch.full((4,), .5)), nn.Parameter(torch.full((4,), .5))
        self.norm1, self.norm2 = nn.LayerNorm(4), nn.LayerNorm(4)
        self.mlp1, self.mlp2 = nn.Linear(4, 4), nn.Linear(4, 4)
        self.head = nn.Linear(4, 10)
        for m in (self.stem, self.twice, self.mlp1, self.mlp2):
            nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.blocks(self.twice(self.relu(self.twice(self.stem(x))))).flatten(2).transpose(1, 2)
        x = x + self.scale1 * self.mlp1(self.norm1(x))
        x = x + self.scale2 * self.mlp2(self.norm2(x))
        return self.head(x.mean(1))


class Shared(nn.Module):
    """Of equal numbers that the file has once, without another name (share)."""

    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 6, 3, 2, 1), nn.BatchNorm2d(6)
        self.conv3, self.bn3 = nn.Conv2d(6, 6, 3, 1, 1), nn.BatchNorm2d(6)
        self.a, self.b, self.c = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.head = nn.Linear(6, 10)
        with torch.no_grad():
            self.b.weight.copy_(self.a.weight)
            self.c.weight.copy_(self.a.weight.t())
        for m in (self.conv1, self.conv2, self.conv3):
            nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x)).mean((2, 3))
        for m in (self.a, self.b, self.c):
            x = self.relu(m(x))
        return self.head(x)


def ending(end):
    """A network whose output is no logits."""
    return lambda: nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 10), end)


# Name: class, shape of an image, opset, is the batch left open?
NETS = {
    "resnet18": (ResNet18, (3, 32, 32), 13, True),
    "mobilenet_v2": (MobileNetV2, (3, 32, 32), 11, False),
    "mobilenet_v3": (MobileNetV3, (3, 32, 32), 14, False),
    "se_resnext": (SEResNeXt, (3, 16, 16), 16, True),
    "densenet": (DenseNet, (3, 16, 16), 9, False),
    "inception": (Inception, (3, 16, 16), 15, False),
    "mlp": (MLP, (3, 8, 8), 13, True),
    "cnn1d": (CNN1d, (2, 1, 40), 12, False),
    "convnext": (ConvNeXt, (3, 32, 32), 13, False),
    "vit": (ViT, (3, 32, 32), 17, True),
    "unet": (UNet, (3, 16, 16), 13, False),
    "swin_block": (Window, (3, 32, 32), 13, False),
    "layer_scale": (LayerScale, (3, 32, 32), 13, False),
    "vit_token": (TokenViT, (3, 32, 32), 14, True),
    "swin": (Swin, (3, 32, 32), 13, True),
    "unet_head": (UNetHead, (3, 16, 16), 11, True),
    "mha": (MHA, (3, 32, 32), 14, True),
    "merged": (Merged, (3, 16, 16), 13, True),
    "shared": (Shared, (3, 16, 16), 13, True),
    "softmax": (ending(nn.Softmax(1)), (3, 8, 8), 13, False),
    "log_softmax": (ending(nn.LogSoftmax(1)), (3, 8, 8), 13, False),
}
EQUAL = ("merged", "shared")  # exported in inference mode, with scales of 1 and shifts of 0
REFUSED = ("unet", "softmax", "log_softmax")  # or warned of
SUMS = ("mha",)  # tests/e2e/onnx.sh: its attention holds weights that are no module's
LAYERS = (nn.Conv1d, nn.Conv2d, nn.Linear)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU, nn.LeakyReLU)


def export(name):
    make, shape, opset, is_open = NETS[name]
    torch.manual_seed(len(name))
    net = make()
    for m in net.modules():
        if isinstance(m, NORMS + (nn.LayerNorm,)) and name not in EQUAL:
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, 0, 0.2)
    for m in net.modules():
        if isinstance(m, NORMS):
            nn.init.normal_(m.running_mean, 0, 0.2)
            nn.init.uniform_(m.running_var, 0.5, 1.5)
    path = os.path.join(here, name + ".onnx")
    x = torch.randn(2, *[d for i, d in enumerate(shape) if i != 1 or make is not CNN1d])
    mode = torch.onnx.TrainingMode.PRESERVE if name in EQUAL else torch.onnx.TrainingMode.TRAINING
    torch.onnx.export(net.train(name not in EQUAL), x, path, opset_version=opset,
                      input_names=["images"], output_names=["scores"], do_constant_folding=False,
                      training=mode,
                      dynamic_axes={"images": {0: "batch"}, "scores": {0: "batch"}} if is_open else None)
    if name == "shared":
        share(path)
    # The file's numbers are what is scored.
    numbers = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    state = net.state_dict()
    for key in state:
        if key in numbers:
            state[key] = torch.tensor(numbers[key].copy())
    net.load_state_dict(state)
    for m in net.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    return net.double().train(), path, shape


def share(path):
    """Equal initializers become one, as optimisers of ONNX files have it; c's is a's, turned."""
    model = onnx.load(path)
    graph, kept, names = model.graph, {}, {"c.weight": "a.weight"}
    for t in list(graph.initializer):
        first = kept.setdefault((tuple(t.dims), t.raw_data), t.name)
        if first != t.name or t.name in names:
            names.setdefault(t.name, first)
            graph.initializer.remove(t)
    for n in list(graph.node):
        if n.op_type == "Identity":
            names[n.output[0]] = names.get(n.input[0], n.input[0])
            graph.node.remove(n)
    for n in graph.node:
        turned = "c.weight" in n.input
        for k, word in enumerate(n.input):
            n.input[k] = names.get(word, word)
        for a in n.attribute:
            a.i = 0 if turned and a.name == "transB" else a.i
    onnx.save(model, path)


def layers_of(net):
    return [(n, m) for n, m in net.named_modules() if isinstance(m, LAYERS)]


def logdet(k):
    sign, value = numpy.linalg.slogdet(k)
    return float(value) if sign else 0.0


def agreement(x):
    c = (x.reshape(BATCH, -1) > 0).double()  # windows of one image stand beside each other
    return (c @ c.t() + (1 - c) @ (1 - c).t()).numpy()


def kernels(net, images, kinds, read):
    """K of each module's inputs or outputs, summed over its calls; running statistics."""
    net, found = copy.deepcopy(net).eval(), {}

    def hook(m, i, o):
        k = agreement(read(i, o).detach())
        found[m] = found[m] + k if m in found else k

    for m in net.modules():
        if isinstance(m, kinds):
            m.register_forward_hook(hook)
    with torch.no_grad():
        net(images)
    return [(n, found[m]) for n, m in net.named_modules() if m in found]


def gradients(net, images, labels):
    net.zero_grad()
    F.cross_entropy(net(images), labels).backward()
    return [m.weight.grad.clone() for n, m in layers_of(net)]


def snr(s):
    deviation = s.std()
    return float(s.sum() / deviation) if deviation > 0 else float(s.sum())


def synflow(net, shape):
    net = copy.deepcopy(net)
    with torch.no_grad():
        for p in list(net.parameters()) + list(net.buffers()):
            p.abs_()
    for m in net.modules():
        if isinstance(m, NORMS):
            m.forward = lambda x: x
    net.zero_grad()
    net(torch.ones(1, *shape, dtype=torch.float64)).sum().backward()
    return [(m.weight * m.weight.grad).detach().abs() for n, m in layers_of(net)]


def zico(pairs):
    mean, deviation = sum(g.abs() for g in pairs) / 2, torch.stack(pairs).std(0, unbiased=False)
    ratio = mean[deviation != 0] / deviation[deviation != 0]
    return math.log(float(ratio.sum())) if float(ratio.sum()) else 0.0


def places_of(net, images):
    """At how many places of an image each layer is used."""
    net = copy.deepcopy(net)

    def hook(m, i, o):
        m.places = getattr(m, "places", 0) + o.numel() // 2 // m.weight.shape[0]

    for n, m in layers_of(net):
        m.register_forward_hook(hook)
    with torch.no_grad():
        net(images[:2])
    return [m.places for n, m in layers_of(net)]


def as_layer(m, places):
    """Kind and shape as the host has them: 1-d convolutions over rows of 1, tokens as pixels."""
    shape = list(m.weight.shape)
    if isinstance(m, nn.Linear):
        return ("Linear", shape) if places == 1 else ("Conv2d", shape + [1, 1])
    return "Conv2d", shape[:2] + [1] * (4 - len(shape)) + shape[2:]


def record(name):
    net, path, shape = export(name)
    with torch.no_grad():
        classes = copy.deepcopy(net)(torch.zeros(2, *squeeze(name, shape)).double()).shape[1]
    torch.manual_seed(0)
    images = torch.randn(BATCH, *shape).double()
    labels = torch.randint(0, classes, (BATCH,))
    if NETS[name][0] is CNN1d:
        images, shape = images.squeeze(2), squeeze(name, shape)
    named = layers_of(net)
    # First: passes in training mode move the running statistics.
    lnwot = dict(kernels(net, images, LAYERS, lambda i, o: o))
    relu = kernels(net, images, ACTIVATIONS, lambda i, o: i[0])
    grads = gradients(net, images, labels)
    halves = [gradients(net, images[:4], labels[:4]), gradients(net, images[4:], labels[4:])]
    snips = [(m.weight * g).detach().abs() for (n, m), g in zip(named, grads)]
    flows = synflow(net, shape)
    places, layers = places_of(net, images), []
    for k, (n, m) in enumerate(named):
        kind, extents = as_layer(m, places[k])
        layers.append({"name": n, "kind": kind, "shape": extents,
                       "snip_sum": float(snips[k].sum()), "synflow_sum": float(flows[k].sum()),
                       "gnorm": float(grads[k].norm()), "lnwot": logdet(lnwot[n]),
                       "zico_log64": zico([h[k] for h in halves])})
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    ratios = [snr(s) for s in snips]
    totals = {
        "snip": sum(l["snip_sum"] for l in layers),
        "synflow": sum(l["synflow_sum"] for l in layers),
        "grad_norm": sum(l["gnorm"] for l in layers),
        "zico64": sum(l["zico_log64"] for l in layers),
        "lnwot": sum(l["lnwot"] for l in layers),
        "nwot": logdet(sum(lnwot.values())),
        "nwot_relu_strict": logdet(sum(k for n, k in relu)) if relu else 0.0,
        "snr_snip_none": sum(ratios),
        "tcet_snip_none": sum(r * l["lnwot"] for r, l in zip(ratios, layers)),
        "tcet_snip_log": sum(math.log(r) * l["lnwot"] for r, l in zip(ratios, layers)),
    }
    return {"arch": "%s.onnx@%s" % (name, digest[:16]), "C": classes, "batch": BATCH,
            "params": sum(p.numel() for p in net.parameters()), "macs": sum(m.weight.numel() * k for (n, m), k in zip(named, places)),
            "x_sum": float(images.sum()), "w_sum": float(sum(m.weight.sum() for n, m in named)),
            "totals": totals, "layers": layers}


def sums(name):
    """Parameters, and the sum of all weights' gradients' norms, are printed."""
    net, path, shape = export(name)
    torch.manual_seed(0)
    images, labels = torch.randn(BATCH, *shape).double(), torch.randint(0, 10, (BATCH,))
    F.cross_entropy(net(images), labels).backward()
    weights = [p for n, p in net.named_parameters() if n.endswith("weight") and p.dim() > 1]
    print(name, sum(p.numel() for p in net.parameters()), float(sum(p.grad.norm() for p in weights)))


def squeeze(name, shape):
    return (shape[0], shape[2]) if NETS[name][0] is CNN1d else shape


def main():
    names = sys.argv[1:] or list(NETS)
    with open(os.path.join(here, "expected.jsonl"), "w") as f:
        for name in names:
            if name in REFUSED:
                export(name)
            elif name in SUMS:
                sums(name)
            else:
                f.write(json.dumps(record(name)) + "\n")


main()
