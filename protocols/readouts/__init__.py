"""How labels become a classifier: one readout a file.

A readout is given labelled inputs, unlabelled inputs and a seed, and returns a predictor. It never sees a label that is
not in the sample; what it will be scored on only a transductive one, as unlabelled inputs.
"""

from ssl_irmae.protocols.readouts.sample import Memo, Predictor, Sample

__all__ = ["Memo", "Predictor", "Sample"]
