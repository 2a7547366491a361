"""IRMAE beside explicit penalties: reviewers asked for contractive and sparse autoencoders, and for beta-VAEs."""

from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import MSE, RANK, SAMPLES
from ssl_irmae.protocols.studying.phrases import DEPTH_IS_TUNED, change, lowest, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column

_ERROR = error_column("linear", 100)
_AE, _IRMAE = "AE", "IRMAE"
_STRENGTHS = {
    "L1": ("sparse", (1e-3, 1e-2, 0.1, 1.0)),
    "L2": ("rae", (1e-4, 1e-3, 1e-2, 0.1)),
    "contractive": ("contractive", (1e-5, 1e-4, 1e-3, 1e-2)),
    "denoising": ("denoising", (0.1, 0.25, 0.5, 0.75)),
    "VAE": ("vae", (0.01, 0.03, 0.1, 1.0)),
    "LoRAE": ("lorae", (1e-4, 1e-3, 1e-2, 0.1)),
    "RRAE": ("rrae", (4, 8, 16, 24)),
    "IRMAE-WD": ("irmae-wd", (1e-6, 0.1, 0.3, 1.0)),
}
"""By the name of the level: name of the method, and the strengths that are tried. IRMAE's is its depth."""
_DEPTHS = (1, 2, 4, 8)
_LOW_RANK = ("LoRAE", "RRAE", "IRMAE-WD")  # which the quick form leaves to the study rank-or-gaussian


def study(*, quick: bool) -> Study:
    """Pretrain each method at the strength that errs least with 100 labels, of four that are tried of each.

    The full form has the VAE at every beta as well. The quick form takes the usual strengths, of methods that are not
    about rank.
    """
    ae = Level(_AE, (EncoderSettings(method="ae"),))
    if quick:
        usual = [
            Level(name, (EncoderSettings(method=method),))
            for name, (method, _) in _STRENGTHS.items()
            if name not in _LOW_RANK
        ]
        levels = [ae, *usual, Level(_IRMAE, (EncoderSettings(depth=4),))]
    else:
        tuned = [
            Level(name, tuple(EncoderSettings(method=method, strength=x) for x in strengths))
            for name, (method, strengths) in _STRENGTHS.items()
        ]
        irmae = Level(_IRMAE, tuple(EncoderSettings(depth=depth) for depth in _DEPTHS))
        method, betas = _STRENGTHS["VAE"]
        every = [Level(f"VAE, beta {x:g}", (EncoderSettings(method=method, strength=x),)) for x in betas]
        levels = [ae, *tuned, irmae, *every]
    return Study(
        title="Explicit penalties",
        question="Is IRMAE better than autoencoders that are regularised by a penalty, if all are tuned alike?",
        levels=tuple(levels),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        measures=(RANK, MSE, SAMPLES),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1200 if quick else FULL_STEPS,
        chosen_by=_ERROR,
        panels=(
            Panel((RANK.name,)),
            Panel((MSE.name,), log=True),
            Panel((_ERROR,)),
            Panel((_ERROR,), against=RANK.name),
            Panel((SAMPLES.name,), log=True),
        ),
        axis="the methods",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Compare IRMAE with the best of the others for labels, then each of them with IRMAE, and samples."""
    datasets = results.study.datasets
    tuned = any(len(level.candidates) > 1 for level in results.study.levels)
    first = "; ".join(f"on {dataset} {_verdict(results, dataset, tuned=tuned)}" for dataset in datasets)
    said = ", which favours the others." if tuned else f". {DEPTH_IS_TUNED}"
    number = len(_others(results))
    return [
        f"For a linear readout of 100 labels, {'tuned alike' if tuned else 'untuned'}: {first}. It is IRMAE against "
        f"the best of {number}{said}",
        *(_on(results, dataset) for dataset in datasets),
    ]


def _others(results: Results) -> list[str]:
    """Name the methods that IRMAE is compared with; IRMAE-WD is IRMAE with a penalty, and at its least IRMAE itself."""
    return [_AE, *(name for name in _STRENGTHS if name in results.levels and name != "IRMAE-WD")]


def _every(results: Results) -> list[str]:
    """Name each method once: the VAE at every beta is not one more than the VAE at its best."""
    return [level for level in results.levels if not level.startswith("VAE, ")]


def _verdict(results: Results, dataset: str, *, tuned: bool) -> str:
    best = results.lowest(_ERROR, dataset, _others(results))
    gap = None if best is None else results.gap(_ERROR, _IRMAE, best.level, dataset)
    if best is None or gap is None:
        return "it is not known"
    if not gap.known:
        return f"one cannot tell IRMAE from the best of the others, {best.level}"
    word = "" if not tuned else "yes: " if gap.mean < 0 else "no: "
    found = change(results, _ERROR, _IRMAE, best.level, dataset)
    return f"{word}the error of IRMAE is {found} compared with {best.level}"


def _on(results: Results, dataset: str) -> str:
    each = "; ".join(
        f"{level} {value(results, _ERROR, level, dataset)} at rank {value(results, RANK.name, level, dataset)}"
        for level in results.levels
    )
    return (
        f"{dataset}, error with 100 labels: {each}. The reconstruction MSE is "
        f"{lowest(results, MSE.name, dataset, _every(results))}, the Fréchet distance of samples "
        f"{lowest(results, SAMPLES.name, dataset, _every(results))}."
    )
