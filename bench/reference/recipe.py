#!/usr/bin/python3 -B
"""Table 5's recipe in plain PyTorch and torchvision, images included, as training scripts have it.

Room: bench/reference. A DataLoader's workers decode nothing (the images are bytes in memory) but change each
image by torchvision's transforms of PIL images; the step is train.py's.

usage: recipe.py ARCH BATCH THREADS WORKERS EPOCHS FILE    prints images a second, of the epochs behind the first;
                                                           FILE: of CIFAR-10's binary form
"""
import sys
import time

from train import network, stepper  # first: it may start the program anew

import numpy as np
import torch
from PIL import Image
from torchvision import transforms

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


class Cifar(torch.utils.data.Dataset):
    def __init__(self, path):
        rows = np.fromfile(path, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
        self.labels = rows[:, 0].astype(np.int64)
        self.images = np.ascontiguousarray(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        self.change = transforms.Compose([
            transforms.RandomCrop(32, 4), transforms.RandomHorizontalFlip(),
            transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10), transforms.ToTensor(),
            transforms.Normalize(MEAN, STD), transforms.RandomErasing()])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.change(Image.fromarray(self.images[i])), self.labels[i]


def main(arch, batch, threads, workers, epochs, path):
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    net = network(arch).to(memory_format=torch.channels_last)
    step = stepper(net, rate=0.025)
    images = Cifar(path)
    loader = torch.utils.data.DataLoader(images, int(batch), shuffle=True, num_workers=int(workers),
                                         persistent_workers=int(workers) > 0)
    for epoch in range(int(epochs) + 1):
        if epoch == 1:
            begin = time.perf_counter()
        for x, y in loader:
            step(x.contiguous(memory_format=torch.channels_last), y)
    print(f"{int(epochs) * len(images) / (time.perf_counter() - begin):.1f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
