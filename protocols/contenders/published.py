"""What the public reference script does after pretraining, and the same without choosing by the test labels."""

from ssl_irmae.protocols.contenders.contender import Contender, Setting
from ssl_irmae.protocols.readouts.published_head import last_look, published_head

_SETTINGS: dict[str, Setting] = {"epochs": 500, "batch_size": 100, "learning_rate": 1e-3}


def _contenders(encoder: str) -> dict[str, Contender]:
    return {
        f"{encoder}-published-best": Contender(
            "reference_head",
            published_head,
            "features",
            _SETTINGS,
            family="mlp",
            software=("torch",),
            representation=encoder,
            test_peeks=50,
            settings_from="published script",
        ),
        f"{encoder}-published-last": Contender(
            "last_look",
            last_look,
            "features",
            _SETTINGS,
            family="mlp",
            software=("torch",),
            representation=encoder,
            settings_from="published script",
        ),
    }


PUBLISHED_PROTOCOL: dict[str, Contender] = {
    name: contender for encoder in ("irmae", "ae", "vae") for name, contender in _contenders(encoder).items()
}
"""By name: the script's best of 50 test accuracies, which leaks, and the accuracy after its last epoch."""
