"""Put a pretrained encoder into the package: at half the size, with the scale of its codes.

python docs/results/recipes/bundle.py runs/fashion-mnist-irmae-0 fashion-mnist-irmae
"""

import subprocess
import sys
from pathlib import Path

from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.code_scale import write_scale
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.files import BUNDLED

THREADS = 64


def main() -> None:
    """Copy a folder under a name, and write its scale for every number of threads up to 64."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    out = BUNDLED / name
    command = [sys.executable, "-m", "ssl_irmae.cli", "encoders", "copy", str(folder), "--out", str(out), "--half"]
    subprocess.run(command, check=True)
    encoder = Encoder.from_pretrained(out)
    images = load_images(name.removesuffix(f"-{encoder.config.architecture.method}"))
    write_scale(out, encoder.encode(images.images), images.fingerprint, threads=THREADS)


if __name__ == "__main__":
    main()
