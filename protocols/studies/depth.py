"""How many linear layers: reviewers asked what l does, and how to choose it where the true dimension is not known."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import ABOVE, MLE, MSE, RANK, RANK_BEFORE, SAMPLES, TWO_NN
from ssl_irmae.protocols.studying.phrases import change, lowest, lowest_everywhere, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column

_ERROR = error_column("linear", 100)


def study(*, quick: bool) -> Study:
    """Pretrain IRMAE at several depths, of which 0 is the plain autoencoder, on shapes (true dimension 7) and digits.

    The quick form has fewer depths, and shapes alone: on these deep stacks leave the plateau within its 1,500 steps.
    """
    depths = (0, 2, 4, 8) if quick else (0, 1, 2, 4, 8, 12)
    return Study(
        title="Depth of the linear stack",
        question="How many linear layers: what do they do to rank, reconstruction, labels and samples?",
        levels=tuple(Level(_name(depth), (_settings(depth),), at=depth) for depth in depths),
        datasets=("shapes",) if quick else ("shapes", "mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        measures=(RANK_BEFORE, RANK, ABOVE, MLE, TWO_NN, MSE, SAMPLES),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1500 if quick else FULL_STEPS,
        panels=(
            Panel((RANK.name, RANK_BEFORE.name)),
            Panel((MLE.name, TWO_NN.name)),
            Panel((MSE.name,), log=True),
            Panel((_ERROR,)),
            Panel((SAMPLES.name,), log=True),
            Panel((_ERROR,), against=RANK.name),
        ),
        axis="linear layers",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Say which depth has the lowest error, whether one does everywhere, and what depth does to the rest."""
    return [_first(results), *(_on(results, dataset) for dataset in results.study.datasets)]


def _first(results: Results) -> str:
    datasets, best = listed(results.study.datasets), lowest_everywhere(results, _ERROR)
    if not best:
        return f"No depth is best everywhere: none has the lowest error with 100 labels on all of {datasets}."
    found = [results.lowest(_ERROR, dataset) for dataset in results.study.datasets]
    sure = len(best) == 1 and not any(x is None or x.others for x in found)
    doubt = "" if sure else ", as far as one can tell,"
    return (
        f"On {datasets} a linear readout of 100 labels errs least{doubt} at {' or '.join(best)}; depth 0 is the plain "
        "AE."
    )


def _on(results: Results, dataset: str) -> str:
    learned = results.learned(dataset)
    dropped = [level for level in results.levels if level not in learned]
    if not learned:
        return f"{dataset}: all encoders ended on the plateau, so nothing is known."
    first, last = learned[0], learned[-1]
    plateau = f" Left out, as encoders ended on the plateau: {', '.join(dropped)}." if dropped else ""
    known = " (true dimension 7; two classes, so that guessing makes 50 % errors)" if dataset == "shapes" else ""
    return (
        f"{dataset}{known}: the effective rank is {value(results, RANK.name, first, dataset)} at {first} and "
        f"{value(results, RANK.name, last, dataset)} at {last}, where it is "
        f"{value(results, RANK_BEFORE.name, last, dataset)} before the stack. "
        f"{_counted(results, dataset, (first, last))} At {last} the reconstruction MSE is "
        f"{change(results, MSE.name, last, first, dataset)} compared with {first}, the error "
        f"of linear with 100 labels {change(results, _ERROR, last, first, dataset)}; this error is "
        f"{lowest(results, _ERROR, dataset)}, the Fréchet distance of samples "
        f"{lowest(results, SAMPLES.name, dataset)}.{plateau}"
    )


def _counted(results: Results, dataset: str, ends: tuple[str, str]) -> str:
    """Say what else counts dimensions at two depths: singular values, and two estimators."""
    above, mle, two_nn = (
        " and ".join(value(results, measure.name, level, dataset) for level in ends) for measure in (ABOVE, MLE, TWO_NN)
    )
    return (
        f"At {ends[0]} and {ends[1]}, {above} singular values are above 1 % of the largest, and the dimension is {mle} "
        f"by MLE, {two_nn} by TwoNN."
    )


def _name(depth: int) -> str:
    return f"depth {depth}"


def _settings(depth: int) -> EncoderSettings:
    return EncoderSettings(depth=depth) if depth else EncoderSettings(method="ae")
