"""scikit-learn estimators, under the name that users import.

Part of the front door: like ``ssl_irmae/__init__.py``, this file may name things of higher layers.
"""

from ssl_irmae.encoders.pretrained_encoder import PretrainedEncoder
from ssl_irmae.pretraining.estimators import AE, IRMAE, VAE
from ssl_irmae.protocols.labelling.few_label_classifier import FewLabelClassifier

__all__ = ["AE", "IRMAE", "VAE", "FewLabelClassifier", "PretrainedEncoder"]
