"""How often the expected error's interval contains the true error, and how often confident predictions are right.

    python docs/results/few-labels/coverage.py

Fifty draws of 20, 50 and 100 labels for each set, with Poisson learning on frozen codes; rows in coverage.csv. The true error is
the error on all pictures without a label. The encoder is the one that `classify` pretrained (classify.py beside this
file). A second run does only what is missing.
"""

import dataclasses
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from pictures import SETS, append_row, chosen_images, draw, finished

from ssl_irmae.protocols.labelling.learn import learn
from ssl_irmae.protocols.labelling.own_encoder import find_own_encoder, fitted_to

ROWS = Path(__file__).with_name("coverage.csv")
DRAWS = 50


def main() -> None:
    """Run what is missing."""
    done = finished(ROWS, "dataset", "contender", "labels", "draw")
    for name in SETS:
        images = chosen_images(name)
        truth = images.labels
        assert truth is not None
        encoder = find_own_encoder(images, device=torch.device("cpu"))
        fitted = fitted_to(encoder, images)
        codes = None
        for labels in (20, 50, 100):
            for readout in ("poisson",):
                for seed in range(DRAWS):
                    contender = f"{encoder.name}-{readout}"
                    if (name, contender, str(labels), str(seed)) in done:
                        continue
                    chosen = torch.from_numpy(draw(images, labels, seed).indices)
                    known = torch.full_like(truth, -1)
                    known[chosen] = truth[chosen]
                    few = dataclasses.replace(fitted, labels=known)
                    learned = learn(few, encoder, contender=contender, seed=seed, device=torch.device("cpu"))
                    rest = known < 0
                    if codes is None:  # the same for every draw
                        codes = learned.classifier.codes(fitted.images)
                    logits = learned.classifier.predictor.logits(codes[rest])
                    confidence, guess = (logits / learned.classifier.temperature).softmax(1).max(1)
                    right = guess == truth[rest]
                    sure = confidence >= 0.9
                    expected = learned.expected
                    assert expected is not None
                    append_row(
                        ROWS,
                        {
                            "dataset": name,
                            "contender": contender,
                            "labels": labels,
                            "draw": seed,
                            "error": round(100 * float((~right).double().mean()), 3),
                            "expected_error": round(expected.mean, 3),
                            "low": round(expected.low, 3),
                            "high": round(expected.high, 3),
                            "calibrated": learned.classifier.calibrated,
                            "confident": int(sure.sum()),
                            "confident_right": int(right[sure].sum()),
                            "pictures": int(rest.sum()),
                        },
                    )


if __name__ == "__main__":
    main()
