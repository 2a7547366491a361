"""The tables of docs/results/generation, from the rows beside it; docs/tables.py writes them into the document."""

from docs.markdown import Row, grouped, read_rows, table, with_error
from ssl_irmae.protocols.generation.shared_pictures import widening

METHODS = ("irmae", "ae", "vae")
IMAGES = 10_000  # test images of each data set
KINDS = {
    "reconstruction": "reconstructions",
    "gaussian": "samples, Gaussian",
    "mixture": "samples, mixture",
    "prior": "samples, prior",
}


def blocks() -> dict[str, str]:
    """Return the generated blocks by data set."""
    every = grouped(read_rows("distances.csv", "generation"), "dataset")
    return {dataset: _table(dataset, lines) for (dataset,), lines in every.items()}


def _table(dataset: str, lines: list[Row]) -> str:
    """Lay out both distances of every kind of picture, by method."""
    found = grouped(lines, "encoder", "pictures")
    real = found["", "real"]
    n = int(real[0]["n"])
    head = " | ".join(["pictures", *(f"{name} {m.upper()}" for name in ("Fréchet,", "kernel,") for m in METHODS)])
    body = [
        [
            shown,
            *(
                _cell(found.get((f"{dataset}-{method}", kind)), column)
                for column in ("frechet", "kernel")
                for method in METHODS
            ),
        ]
        for kind, shown in KINDS.items()
    ]
    what = (
        f"Other real pictures are at {_cell(real, 'frechet')} (Fréchet) and {_cell(real, 'kernel')} (kernel). "
        f"± is the standard error over {len(real)} draws of {n:,} pictures and samples each from the {IMAGES:,} test "
        f"images. With other test images it would be wider, up to {widening(n, IMAGES, len(real)):.2f} times, as draws "
        "have images in common; it is not over pretrainings. "
        f"The classifier has an error of {float(real[0]['judge_error']):.2f} %."
    )
    nearer = (
        f"{shown} {_nearer(irmae, found[f'{dataset}-ae', kind])} and {_nearer(irmae, found[f'{dataset}-vae', kind])}"
        for kind, shown in KINDS.items()
        if (irmae := found.get((f"{dataset}-irmae", kind)))
    )
    paired = (
        f"In how many of these {len(real)} draws, the same for all, the Fréchet distance of IRMAE is lower than that "
        f"of the AE, and than that of the VAE: {'; '.join(nearer)}."
    )
    return f"{table(head, body)}\n\n- {what}\n- {paired}"


def _nearer(ours: list[Row], theirs: list[Row]) -> int:
    """Count the draws in which the first have the lower Fréchet distance."""
    return sum(float(a["frechet"]) < float(b["frechet"]) for a, b in zip(ours, theirs, strict=True))


def _cell(values: list[Row] | None, column: str) -> str:
    if values is None:
        return ""
    return with_error([float(row[column]) for row in values], 2 if column == "frechet" else 3)
