"""Every form of predictor that can be kept, by the name under which a file knows it."""

from typing import TypeGuard

from ssl_irmae.protocols.predictors.constant import Constant
from ssl_irmae.protocols.predictors.form import Form
from ssl_irmae.protocols.predictors.head import Head
from ssl_irmae.protocols.predictors.linear import Linear
from ssl_irmae.protocols.predictors.nearest_mean import NearestMean
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.predictors.on_graph import OnGraph
from ssl_irmae.protocols.predictors.projected import Projected
from ssl_irmae.protocols.predictors.residual import Residual
from ssl_irmae.protocols.predictors.votes import Votes

FORMS: dict[str, type[Form]] = {
    "constant": Constant,
    "head": Head,
    "linear": Linear,
    "nearest-mean": NearestMean,
    "network": Network,
    "on-graph": OnGraph,
    "projected": Projected,
    "residual": Residual,
    "votes": Votes,
}


def is_kept_form(predictor: object) -> TypeGuard[Form]:
    """Return whether a predictor has scores and can be kept."""
    return type(predictor) in FORMS.values()


def form_name(predictor: Form) -> str:
    """Return the name of a predictor's form."""
    return next(name for name, form in FORMS.items() if type(predictor) is form)
