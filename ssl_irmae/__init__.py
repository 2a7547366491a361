"""ssl-irmae: learning from few labels with implicit rank-minimising autoencoders.

::

    import ssl_irmae

    result = ssl_irmae.pretrain(dataset="digits", epochs=20, learning_rate=1e-3)
    report = ssl_irmae.evaluate(dataset="digits", budgets=[10, 100], encoders=[result.folder])
    print(report)

This is the front door: it names what users need from all layers of the package and imports each on first use, so that
``import ssl_irmae`` and ``ssl-irmae --help`` stay quick. The long functions show their progress here; those of the
layers below are silent. Pass ``progress=`` to receive their events instead.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Encoder",
    "UserError",
    "classify",
    "dimension",
    "doctor",
    "estimators",
    "evaluate",
    "export",
    "load_images",
    "plan",
    "predict",
    "pretrain",
    "read_results",
    "register",
    "suggest",
]

_MODULES = {
    "Encoder": "ssl_irmae.encoders.encoder",
    "UserError": "ssl_irmae.errors",
    "classify": "ssl_irmae.protocols.labelling.classify",
    "dimension": "ssl_irmae.intrinsic_dimension",
    "doctor": "ssl_irmae.diagnosis",
    "evaluate": "ssl_irmae.protocols.evaluation",
    "export": "ssl_irmae.protocols.export",
    "load_images": "ssl_irmae.datasets.registry",
    "plan": "ssl_irmae.protocols.forecast.forecast",
    "predict": "ssl_irmae.protocols.labelling.predict",
    "pretrain": "ssl_irmae.pretraining.pretrain",
    "read_results": "ssl_irmae.protocols.evaluation",
    "register": "ssl_irmae.protocols.register",
    "suggest": "ssl_irmae.protocols.labelling.suggest",
}
_OF_ONE_PROCESS = {"classify", "dimension", "evaluate", "export", "plan", "predict", "suggest"}  # not of torchrun's
_LONG = {*_OF_ONE_PROCESS, "load_images", "pretrain"}

if TYPE_CHECKING:
    from ssl_irmae import estimators
    from ssl_irmae.datasets.registry import load_images
    from ssl_irmae.diagnosis import doctor
    from ssl_irmae.encoders.encoder import Encoder
    from ssl_irmae.errors import UserError
    from ssl_irmae.intrinsic_dimension import dimension
    from ssl_irmae.pretraining.pretrain import pretrain
    from ssl_irmae.protocols.evaluation import evaluate, read_results
    from ssl_irmae.protocols.export import export
    from ssl_irmae.protocols.forecast.forecast import plan
    from ssl_irmae.protocols.labelling.classify import classify
    from ssl_irmae.protocols.labelling.predict import predict
    from ssl_irmae.protocols.labelling.suggest import suggest
    from ssl_irmae.protocols.register import register
else:  # type checkers would take any name to exist

    def __getattr__(name: str) -> Any:
        if name == "estimators":
            return importlib.import_module("ssl_irmae.estimators")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_MODULES[name]), name)
        if name in _LONG:
            from ssl_irmae.cli.progress import with_progress

            value = with_progress(value)
        if name in _OF_ONE_PROCESS:
            from ssl_irmae._support.torchrun import alone

            value = alone(value)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
