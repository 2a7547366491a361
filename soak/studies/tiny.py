"""Two widths of a code on scikit-learn's digits, after a few steps: every part of a study, and no result."""

from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import MSE, RANK
from ssl_irmae.protocols.studying.phrases import lowest
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import Level, Panel, Study


def study(*, quick: bool) -> Study:
    """Pretrain autoencoders of two widths, one of which is chosen among two."""
    narrow, wide, wider = (EncoderSettings(method="ae", latent_dim=width) for width in (2, 4, 8))
    return Study(
        title="Two widths",
        question="Is a wider code better?",
        levels=(Level("narrow", (narrow,)), Level("wide", (wide, wider))),
        datasets=("digits",),
        seeds=(0, 1) if quick else (0, 1, 2),
        measures=(RANK, MSE),
        budgets=(10, 20),
        subsets=(0, 1),
        steps=4,
        panels=(Panel((MSE.name,), against=RANK.name),),
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Say which reconstructs better."""
    return [f"The reconstruction MSE is {lowest(results, MSE.name, 'digits')}."]
