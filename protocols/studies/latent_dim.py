"""Would a narrower autoencoder do: reviewers asked for AE and VAE at every code width, as the paper's was one alone."""

from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import MSE, RANK, SAMPLES
from ssl_irmae.protocols.studying.phrases import DEPTH_IS_TUNED, change, shown, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column
from ssl_irmae.strength import usual_strength

_ERROR = error_column("linear", 100)
WIDTH = 128  # the paper's
_IRMAE = f"IRMAE, d {WIDTH}"
OTHERS = {
    "AE": EncoderSettings(method="ae"),
    "VAE": EncoderSettings(method="vae"),
    "VAE, beta 0.01": EncoderSettings(method="vae", strength=0.01),
}
"""The VAE with its usual beta, 0.1, and with a tenth of it: a penalty that reconstructs worse at any width would say
nothing about width. That is the beta at 128 dimensions."""
BETA_OF_WIDTH = (
    "The penalty of a VAE is a mean over the dimensions of the code. So that their sum weighs the same at every width, "
    f"beta is proportional to d: the one named is that of d {WIDTH}."
)
QUICK = ("AE", "VAE, beta 0.01")
"""Of these the quick forms, whose few steps leave narrow VAEs of the usual beta on the plateau."""


def study(*, quick: bool) -> Study:
    """Pretrain AE and VAE at code widths from 4 to 256, and IRMAE at 128, the paper's."""
    widths = (8, 32, 128) if quick else (4, 8, 16, 32, 64, 128, 256)
    narrow = tuple(
        Level(_name(line, width), (at_width(settings, width),), at=width, line=line)
        for line, settings in OTHERS.items()
        if not quick or line in QUICK
        for width in widths
    )
    return Study(
        title="Code width of AE and VAE",
        question="Is an autoencoder or a VAE of the right code width as good as IRMAE, which does not need it set?",
        levels=(*narrow, Level(_IRMAE, (EncoderSettings(latent_dim=WIDTH),), at=WIDTH, line="IRMAE")),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        measures=(RANK, MSE, SAMPLES),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1200 if quick else FULL_STEPS,
        panels=(
            Panel((RANK.name,)),
            Panel((MSE.name,), log=True),
            Panel((_ERROR,)),
            Panel((SAMPLES.name,), log=True),
        ),
        axis="code width",
        log=True,
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Compare IRMAE with the best width of each method, found by the same images."""
    datasets = results.study.datasets
    first = "; ".join(f"on {dataset} {_verdict(results, dataset)}" for dataset in datasets)
    number = len(results.levels) // len(lines(results))
    return [
        f"Compared with IRMAE, the error with 100 labels, in points, is: {first}. AE and VAE have the best of {number} "
        f"widths d, chosen on the scored images, which favours them. {DEPTH_IS_TUNED}",
        *(_on(results, dataset) for dataset in datasets),
        BETA_OF_WIDTH,
    ]


def at_width(settings: EncoderSettings, width: int) -> EncoderSettings:
    """Return settings of another code width, of a VAE with a beta for which the sum over dimensions weighs the same."""
    strength = settings.strength or usual_strength(settings.method)
    of_width = None if strength is None else strength * width / WIDTH
    return settings.model_copy(update={"latent_dim": width, "strength": of_width})


def _verdict(results: Results, dataset: str) -> str:
    said = []
    for line in lines(results):
        widths = [level.name for level in levels_of(results, line)]
        best = results.lowest(_ERROR, dataset, widths)
        if best is None:
            said.append(f"of the {line} not known")
            continue
        edge = f", the {'narrowest' if best.level == widths[0] else 'widest'} tried,"
        which = f"{best.level}{edge if best.level in (widths[0], widths[-1]) else ''}"
        said.append(f"of {which} {change(results, _ERROR, best.level, _IRMAE, dataset)}")
    return ", and ".join(said)


def _on(results: Results, dataset: str) -> str:
    clauses = []
    for column in (_ERROR, MSE.name, SAMPLES.name):
        each = [f"{value(results, column, _IRMAE, dataset)} of IRMAE"]
        for line in lines(results):
            best = results.lowest(column, dataset, [level.name for level in levels_of(results, line)])
            if best is not None:
                each.append(f"{shown(best.mean, results.digits(column))} of {best.level}")
        clauses.append(f"the {results.title(column)} is {', '.join(each)}")
    return (
        f"{dataset}: {'; '.join(clauses)}. The rank of IRMAE's codes is {value(results, RANK.name, _IRMAE, dataset)}."
    )


def lines(results: Results) -> list[str]:
    """Return which of ``OTHERS`` a study has."""
    return [line for line in OTHERS if levels_of(results, line)]


def levels_of(results: Results, line: str) -> list[Level]:
    """Return the widths of one of them."""
    return [level for level in results.study.levels if level.line == line]


def _name(line: str, width: int) -> str:
    return f"{line}, d {width}"
