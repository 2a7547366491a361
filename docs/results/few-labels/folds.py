"""Compare two ways to deal few labels into folds, by how far the expected error is from the true one.

    python docs/results/few-labels/folds.py

Either ten folds, or as many as a class has labels on average. `classify` takes the second where all classes have about
the same number (`fold_count`). Poisson learning on frozen codes: of 5,000 training images each of MNIST and
Fashion-MNIST, where labels are drawn equally many of each class; and of 400 digits, where pictures are labelled at
random. Twenty draws each; test images are not loaded. The true error is that on all pictures without a label. Rows go
to folds.csv beside this file; a second run measures only what is missing.
"""

import dataclasses
from pathlib import Path

import torch
from measure import append_row, chosen_images, draw, finished

from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.protocols.contenders.for_few_labels import contenders_for_few_labels
from ssl_irmae.protocols.labelling.expected_error import expected_error
from ssl_irmae.protocols.labelling.held_out import held_out_logits
from ssl_irmae.protocols.labelling.own_encoder import find_own_encoder, fitted_to
from ssl_irmae.protocols.labelling.pool import Pool
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, open_encoder

ROWS = Path(__file__).with_name("folds.csv")
DRAWS, MOST, REPEATS = 20, 10, 5
CPU = torch.device("cpu")


def main() -> None:
    """Measure what is missing."""
    done = finished(ROWS, "dataset", "labels", "draw")
    for name in ("mnist", "fashion-mnist"):
        images = chosen_images(name, "train")
        encoder = find_own_encoder(images, device=CPU)
        for labels in (20, 50):
            for seed in range(DRAWS):
                if (name, str(labels), str(seed)) not in done:
                    chosen = torch.from_numpy(draw(images, labels, seed).indices)
                    measure(images, encoder, chosen, rule="balanced", seed=seed)
    digits = load_images("digits", "train")
    assert digits.labels is not None
    images = ImageSet("digits", digits.images[:400], digits.labels[:400], digits.classes)
    encoder = open_encoder("irmae", "mnist-irmae")
    for labels in (50, 80):
        for seed in range(DRAWS):
            if ("digits", str(labels), str(seed)) not in done:
                order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
                measure(images, encoder, order[:labels].sort().values, rule="uniform", seed=seed)


def measure(images: ImageSet, encoder: OpenedEncoder, chosen: torch.Tensor, *, rule: str, seed: int) -> None:
    """Estimate the error of one draw in both ways, beside the true one."""
    truth = images.labels
    assert truth is not None
    known = torch.full_like(truth, -1)
    known[chosen] = truth[chosen]
    few = dataclasses.replace(fitted_to(encoder, images), labels=known)
    pool = Pool(few, {encoder.name: encoder}, CPU)
    name = f"{encoder.name}-poisson"
    contender = contenders_for_few_labels(encoder.name)[name]
    (predictor,) = pool.fit(contender, [pool.labelled], seed=seed)
    guess = predictor.logits(pool.inputs(contender)).argmax(1)
    rest = known < 0
    row: dict[str, object] = {
        "dataset": images.name,
        "rule": rule,
        "labels": len(chosen),
        "draw": seed,
        "error": round(100 * float((guess != truth)[rest].double().mean()), 3),
    }
    for way, count in (("ten", MOST), ("even", len(chosen) // len(images.classes))):
        held_out = held_out_logits(pool, contender, count=count, repeats=REPEATS, seed=seed)
        expected = expected_error(name, held_out.logits.argmax(1), held_out.labels, repeats=REPEATS)
        assert expected is not None
        row |= {f"folds_{way}": count, f"expected_{way}": round(expected.mean, 3)}
    append_row(ROWS, row)


if __name__ == "__main__":
    main()
