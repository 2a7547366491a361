"""Learners as contenders: networks trained from a pretrained encoder, or from scratch."""

import math
from dataclasses import replace

from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.on_codes import PRIOR_NOTE
from ssl_irmae.protocols.contenders.settings import CONSISTENCY, JOINT, PRIOR, PROPAGATE, TRAINING
from ssl_irmae.protocols.learners.consistency import consistency
from ssl_irmae.protocols.learners.finetune import finetune
from ssl_irmae.protocols.learners.joint import joint
from ssl_irmae.protocols.learners.propagate import propagate
from ssl_irmae.protocols.learners.residual import supervised_residual
from ssl_irmae.protocols.learners.supervised import supervised
from ssl_irmae.protocols.learners.vib import vib

_GRAPH = ("torch", "numpy", "scipy")

_CONSISTENCY_NOTE = "without reconstruction, whose weight is 0 by default"
_VIB_NOTE = (
    "its code is as wide as the paper's encoder (K = 128 for images of 32 x 32); it trains on one sample of the code "
    "and predicts from the mean"
)

# networks trained from a pretrained encoder
FROM_ENCODER: dict[str, Contender] = {
    "finetune": Contender(
        "finetune",
        finetune,
        "images",
        {**TRAINING, "learning_rate": 3e-4},
        family="network, labels only",
        summary="encoder and linear head trained on the labels alone",
        software=("torch",),
    ),
    "joint": Contender(
        "joint",
        joint,
        "images",
        JOINT,
        family="network, reconstruction",
        summary="encoder and head trained on labels and on reconstruction",
        paper="Jing et al., 2020",
        software=("torch",),
        takes_metric_loss=True,
    ),
    "consistency": Contender(
        "consistency",
        consistency,
        "images",
        CONSISTENCY,
        family="network, pseudo-labels",
        summary="labels, and confident pseudo-labels across two views of an image",
        paper="Sohn et al., 2020",
        software=("torch",),
        note=_CONSISTENCY_NOTE,
    ),
    "propagate": Contender(
        "propagate",
        propagate,
        "images",
        PROPAGATE,
        family="network, pseudo-labels",
        summary="Poisson learning gives pseudo-labels, then consistency training",
        paper="Calder et al., 2020; Sohn et al., 2020",
        software=_GRAPH,
        note=_CONSISTENCY_NOTE,
    ),
    "propagate-prior": Contender(
        "propagate_prior",
        propagate,
        "images",
        {**PROPAGATE, **PRIOR},
        family="network, pseudo-labels",
        summary="the same, assuming that classes are about equally common",
        paper="Calder et al., 2020; Sohn et al., 2020",
        software=_GRAPH,
        note=f"{_CONSISTENCY_NOTE}; {PRIOR_NOTE}",
    ),
}

# networks trained from scratch
_SUPERVISED = Contender(
    "supervised",
    supervised,
    "images",
    TRAINING,
    family="network, labels only",
    summary="the same encoder from scratch, on the labels alone",
    software=("torch",),
    fresh_encoder=True,
)
FROM_SCRATCH: dict[str, Contender] = {
    "supervised": _SUPERVISED,
    "supervised-irmae": replace(
        _SUPERVISED,
        # with weights of variance 1 / width the stack keeps the size of a signal; torch's default shrinks it 80-fold,
        # and the jump of the gradients when it grows back can kill every ReLU of a layer
        settings={**TRAINING, "learning_rate": 2e-3, "depth": 8, "init_scale": math.sqrt(3)},
        summary="the same with a linear stack between encoder and head",
        paper="Jing et al., 2020",
        revision=2,
    ),
    "supervised-augment": replace(
        _SUPERVISED,
        settings={**TRAINING, "learning_rate": 2e-3, "views": "strong"},
        summary="the same on strongly augmented images",
    ),
    "supervised-residual": Contender(
        "supervised_residual",
        supervised_residual,
        "images",
        {**TRAINING, "learning_rate": 2e-3, "views": "strong", "width": 32},
        family="network, labels only",
        summary="a small residual network instead of the encoder, on strongly augmented images",
        paper="He et al., 2016",
        software=("torch",),
    ),
    "vib": Contender(
        "vib",
        vib,
        "images",
        {**TRAINING, "learning_rate": 3e-3, "beta": 1e-3},
        family="network, bottleneck",
        summary="from scratch with a variational information bottleneck",
        paper="Alemi et al., 2017",
        software=("torch",),
        fresh_encoder=True,
        note=_VIB_NOTE,
    ),
    "scratch-consistency": replace(
        FROM_ENCODER["consistency"], settings={**CONSISTENCY, "learning_rate": 1e-3}, fresh_encoder=True
    ),
    "scratch-propagate": replace(
        FROM_ENCODER["propagate"], settings={**PROPAGATE, "learning_rate": 3e-4}, fresh_encoder=True
    ),
    "scratch-propagate-prior": replace(
        FROM_ENCODER["propagate-prior"], settings={**PROPAGATE, **PRIOR, "learning_rate": 3e-4}, fresh_encoder=True
    ),
}
