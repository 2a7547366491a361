"""The public code's training loop and downstream script, typed anew from what is known about them.

Source of the facts: Jing, Zbontar and LeCun, NeurIPS 2020, and a description of what facebookresearch/irmae does:
images go through PIL (resized to 32x32) and a DataLoader in file order; batch 32, fp32, Adam 1e-4, squared error.
Downstream it takes the first N images and trains a head with dropout on the encoder's output before the linear layers:
Adam 1e-3, batch 100, 500 epochs, the test images scored every tenth epoch, and the frozen encoder run again for every
image in every epoch. Nothing is faster here than in the original.
"""

import argparse
import itertools
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import MNIST
from torchvision.transforms import Compose, Resize, ToTensor

CODE, DEPTH = 128, 8
EPOCHS = 500  # of the downstream script
PEEK_EVERY = 10  # epochs between scorings of the test images


def model() -> nn.ModuleDict:
    """Build the MNIST model; its state dict has the names under which the public code saves."""
    encoder = nn.ModuleDict({"dcnn": _strided((1, 32, 64, 128, 256)), "fc": nn.Linear(256 * 2 * 2, CODE)})
    stack = nn.ModuleDict({"hidden": nn.ModuleList(nn.Linear(CODE, CODE, bias=False) for _ in range(DEPTH))})
    up = nn.Sequential(
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, kernel_size=1),
        nn.Tanh(),
    )
    decoder = nn.ModuleDict({"fc": nn.Linear(CODE, 128 * 8 * 8), "dcnn": up})
    return nn.ModuleDict({"enc": encoder, "mlp": stack, "dec": decoder})


def _strided(widths: tuple[int, ...]) -> nn.Sequential:
    convolutions = (nn.Conv2d(a, b, kernel_size=4, stride=2, padding=1) for a, b in itertools.pairwise(widths))
    return nn.Sequential(*(layer for convolution in convolutions for layer in (convolution, nn.ReLU())))


def features(net: nn.ModuleDict, x: Tensor) -> Tensor:
    """Map images (n, 1, 32, 32) to what the downstream head reads, (n, 128)."""
    maps: Tensor = net.get_submodule("enc.dcnn")(x)
    z: Tensor = net.get_submodule("enc.fc")(maps.flatten(1))
    return z


def reconstruct(net: nn.ModuleDict, x: Tensor) -> Tensor:
    """Map images (n, 1, 32, 32) to their reconstruction."""
    z = features(net, x)
    for layer in net.get_submodule("mlp.hidden").children():
        z = layer(z)
    maps: Tensor = net.get_submodule("dec.fc")(z)
    out: Tensor = net.get_submodule("dec.dcnn")(maps.unflatten(1, (128, 8, 8)))
    return out


def head() -> nn.Sequential:
    """Build the downstream classifier."""
    hidden = [layer for _ in range(2) for layer in (nn.Linear(CODE, CODE), nn.ReLU(), nn.Dropout(0.5))]
    return nn.Sequential(*hidden, nn.Linear(CODE, 10, bias=False))


def _images(data_dir: Path, *, train: bool) -> MNIST:
    return MNIST(data_dir, train=train, transform=Compose([Resize([32, 32]), ToTensor()]))


def pretraining(data_dir: Path, *, steps: int, workers: int, device: str) -> dict[str, float]:
    """Run the training loop and return its images per second, and its mean loss.

    Args:
        data_dir: Torchvision's root.
        steps: How many steps are timed, after a warm-up of a tenth as many.
        workers: Loader processes.
        device: The name torch has for it.
    """
    torch.manual_seed(0)
    net = model().to(device).train()
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)
    warm_up = max(5, steps // 10)
    total, began = 0.0, 0.0
    loader = DataLoader(_images(data_dir, train=True), batch_size=32, num_workers=workers)
    for step, (x, _) in enumerate(itertools.islice(loader, warm_up + steps)):
        if step == warm_up:
            began = time.perf_counter()
        images = x.to(device)
        optimizer.zero_grad()
        loss = F.mse_loss(reconstruct(net, images), images)
        total += loss.item()
        loss.backward()
        optimizer.step()
    return {"images_per_second": 32 * steps / (time.perf_counter() - began), "loss": total / (warm_up + steps)}


def downstream(data_dir: Path, *, labels: int, epochs: int, workers: int, device: str) -> dict[str, float]:
    """Run the downstream script for a few epochs and return how long its 500 would take for one subset.

    Args:
        data_dir: Torchvision's root.
        labels: How many images are labelled: the first ones.
        epochs: How many epochs to run; a multiple of ten, so that scoring the test images has its true share.
        workers: Loader processes.
        device: The name torch has for it.
    """
    torch.manual_seed(0)
    net, classifier = model().to(device).eval(), head().to(device)
    optimizer = torch.optim.Adam(classifier.parameters(), 1e-3)
    train = DataLoader(Subset(_images(data_dir, train=True), range(labels)), batch_size=100, num_workers=workers)
    test = DataLoader(_images(data_dir, train=False), batch_size=100, num_workers=workers)
    began = time.perf_counter()
    best = 0.0
    for epoch in range(epochs):
        classifier.train()
        for x, y in train:
            optimizer.zero_grad()
            with torch.no_grad():
                z = features(net, x.to(device))
            F.cross_entropy(classifier(z), y.to(device)).backward()
            optimizer.step()
        if epoch % PEEK_EVERY == PEEK_EVERY - 1:
            classifier.eval()
            with torch.no_grad():
                correct = sum(
                    int((classifier(features(net, x.to(device))).argmax(1) == y.to(device)).sum()) for x, y in test
                )
            best = max(best, correct / 10_000)
    seconds = time.perf_counter() - began
    return {"epochs_run": epochs, "seconds_run": seconds, "seconds": seconds * EPOCHS / epochs, "accuracy": best}


def main() -> None:
    """Run one of the two in this process and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pretraining", "downstream"])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=PEEK_EVERY)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    a = parser.parse_args()
    if a.what == "pretraining":
        result = pretraining(a.data_dir, steps=a.steps, workers=a.workers, device=a.device)
    else:
        result = downstream(a.data_dir, labels=a.labels, epochs=a.epochs, workers=a.workers, device=a.device)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
