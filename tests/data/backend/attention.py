#!/usr/bin/env python3
"""Writes the figures of tests/unit/test_backend_attention.c: one attention block in PyTorch,
float64.  `python3 attention.py > attention.txt`; PyTorch 1.13 wrote those that are stored."""
import numpy as np
import torch
import torch.nn.functional as F

IMAGES, CHANNELS, SIDE, WIDTH, HEADS, CLASSES = 3, 3, 4, 6, 2, 4
noise = 7


def uniform():
    """backend_host.h's series, in [-1, 1)."""
    global noise
    noise = (noise * 6364136223846793005 + 1442695040888963407) % 2**64
    return np.float32(np.uint32(noise >> 32).astype(np.int32)) / np.float32(2147483648)


def draw(*shape):
    count = int(np.prod(shape))
    numbers = [float(np.float32(0.5) * uniform()) for _ in range(count)]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape)


weights = {}


def layer(name, outputs, inputs, conv=True):
    weight = draw(outputs, inputs, 1, 1) if conv else draw(outputs, inputs)
    weights[name] = weight.requires_grad_()
    return weight, draw(outputs)


embed = layer("embed", WIDTH, CHANNELS)
query, key, value = (layer(name, WIDTH, WIDTH) for name in ("query", "key", "value"))
project = layer("project", WIDTH, WIDTH)
norm = draw(WIDTH), draw(WIDTH)
up = layer("up", 2 * WIDTH, WIDTH)
down = layer("down", WIDTH, 2 * WIDTH)
head = layer("head", CLASSES, WIDTH, conv=False)
x = draw(IMAGES, CHANNELS, SIDE, SIDE)
y = torch.tensor([(3 * i + 1) % CLASSES for i in range(IMAGES)])


def tokens(t):
    """[n, c, h, w] to [n, h w, c]"""
    return t.flatten(2).transpose(1, 2)


def linear(t, weight_and_bias):
    weight, bias = weight_and_bias
    return F.linear(t, weight.flatten(1), bias)


def split(t):
    """[n, t, c] to [n, heads, t, c / heads]"""
    return t.reshape(IMAGES, -1, HEADS, WIDTH // HEADS).transpose(1, 2)


t = linear(tokens(x), embed)
q, k, v = (split(linear(t, part)) for part in (query, key, value))
attention = (q @ k.transpose(2, 3) * (WIDTH // HEADS) ** -0.5).softmax(3)
mixed = (attention @ v).transpose(1, 2).reshape(IMAGES, -1, WIDTH)
t = F.layer_norm(t + linear(mixed, project), (WIDTH,), *norm, eps=1e-5)
t = F.layer_norm(t + linear(F.gelu(linear(t, up)), down), (WIDTH,), eps=1e-3)
logits = linear(t.mean(1), head)

loss = F.cross_entropy(logits, y)
g = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
dot = sum((a * a.detach()).sum() for a in g)
h = torch.autograd.grad(dot, list(weights.values()))


def show(name, numbers):
    flat = numbers.detach().flatten().tolist()
    print(name, len(flat))
    print("\n".join("%.17g" % number for number in flat))


show("logits", logits)
for name, gradient, product in zip(weights, g, h):
    show(name + ".gradient", gradient)
    show(name + ".hvp", product)
