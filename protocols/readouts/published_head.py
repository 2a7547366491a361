"""The head of the public script, evaluated as the script does, to show the difference that honesty makes."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.readouts.sample import Predictor, Sample

_PEEK_EVERY = 10  # epochs between two evaluations on the scored labels


def published_head(sample: Sample, *, epochs: int, learning_rate: float, batch_size: int) -> Iterator[Predictor]:
    """Train the script's head on frozen features and yield its predictor after every tenth epoch.

    Two hidden layers as wide as the features, ReLU, dropout 0.5; Adam; features are not scaled. The script prints the
    highest test accuracy of all these predictors, on a single subset, the first images, which no honest protocol does.

    Source: rewritten from classification.py of https://github.com/facebookresearch/irmae.

    Args:
        sample: Features, shape (m, d).
        epochs: Passes over the labelled examples.
        learning_rate: Adam's learning rate.
        batch_size: Labelled examples per step; the last batch of an epoch may be smaller.
    """
    d = sample.inputs.shape[1]
    with seeded(sample.seed, "head"):
        layers = [m for _ in range(2) for m in (nn.Linear(d, d), nn.ReLU(), nn.Dropout(0.5))]
        head = nn.Sequential(*layers, nn.Linear(d, sample.classes, bias=False)).to(sample.device)
        optimizer = Adam(head.parameters(), learning_rate)
    rng = generator("cpu", sample.seed, "labelled")
    inputs, labels = sample.inputs.to(sample.device), sample.labels.to(sample.device)
    for epoch in range(1, epochs + 1):
        head.train()
        with seeded(sample.seed, "dropout", epoch):
            for i in torch.split(torch.randperm(len(labels), generator=rng), batch_size):
                optimizer.zero_grad()
                torch.autograd.backward(F.cross_entropy(head(inputs[i]), labels[i]))
                optimizer.step()
        if epoch % _PEEK_EVERY == 0:
            yield _predictor(head, sample.device)


def last_look(sample: Sample, *, epochs: int, learning_rate: float, batch_size: int) -> Predictor:
    """Train the same head and return its predictor after the last epoch."""
    *_, last = published_head(sample, epochs=epochs, learning_rate=learning_rate, batch_size=batch_size)
    return last


def _predictor(head: nn.Module, device: torch.device) -> Predictor:
    @torch.no_grad()
    def predict(x: Tensor) -> Tensor:
        head.eval()
        return torch.as_tensor(head(x.to(device)).argmax(1)).cpu()

    return predict
