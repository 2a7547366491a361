"""Compare 10 typical labels with 10 random ones on development images: rows in typical-SET.csv beside this file.

    python docs/results/few-labels/typical.py

The pool and the scored images are those of choose.py, which has to have run, and so is the encoder. `uniform` is
labelling at random, `balanced` knows the classes beforehand, `typical` chooses on principal components of the pixels
and `typical:irmae2` on the encoder's codes. Ten repeats; a frozen readout and a network of 100 steps. A second run uses
what is stored.
"""

import subprocess
import sys
from pathlib import Path

from ssl_irmae.protocols.storage.files import rows_csv
from ssl_irmae.protocols.storage.store import Store

WORK = Path("runs/few-labels/development")
RULES = ("uniform", "balanced", "typical", "typical:irmae2")


def main() -> None:
    """Run what is missing and write the rows."""
    for name in ("mnist", "fashion-mnist"):
        store = WORK / f"typical-{name}.sqlite"
        for contender in ("irmae2-poisson", "irmae2-propagate"):
            for rule in RULES:
                command = ["evaluate", "--dataset", str(WORK / f"{name}-dev.npz"), "--labels", "10", "--seeds", "10"]
                command += ["--encoder", str(WORK / name / "irmae2"), "--contenders", contender, "--rule", rule]
                command += ["--baseline", contender, "--store", str(store), "--jobs", "1"]
                subprocess.run([Path(sys.executable).with_name("ssl-irmae"), *command], check=True)
        Path(__file__).with_name(f"typical-{name}.csv").write_text(rows_csv(Store(store).trials()), encoding="utf-8")


if __name__ == "__main__":
    main()
