"""Run a protocol: draw, fit, score, yield. The only place where test labels meet predictions."""

import dataclasses
import datetime
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from ssl_irmae import __version__
from ssl_irmae.compute import Precision
from ssl_irmae.encoders import Encoder
from ssl_irmae.environment import describe_environment
from ssl_irmae.pretraining import Reads
from ssl_irmae.protocols.contenders import Contender, call_readout
from ssl_irmae.protocols.data import Data, ScoredOn
from ssl_irmae.protocols.floors import FLOORS
from ssl_irmae.protocols.pretrained import PretrainedEncoder
from ssl_irmae.protocols.readouts import Memo, Predictor, Sample
from ssl_irmae.protocols.results import Kept, Row, Store
from ssl_irmae.protocols.retrieval import Retrieval, retrieval_quality
from ssl_irmae.protocols.subsets import Rule, Subset, draw_subset
from ssl_irmae.seeding import derive_seed


class Part(BaseModel):
    """Contenders that share budgets and seeds.

    Args:
        contenders: By name.
        budgets: Numbers of labels; None stands for all.
        seeds: One subset and one training seed each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contenders: tuple[str, ...]
    budgets: tuple[int | None, ...]
    seeds: tuple[int, ...]


class Spec(BaseModel):
    """What a protocol runs, apart from data.

    Args:
        parts: What is run at which budgets, over which seeds; run in this order.
        rule: How subsets are drawn.
        scored_on: Test images, or training images held out for tuning.
        precision: Arithmetic of networks that are trained.
        device: Where they are trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: tuple[Part, ...]
    rule: Rule
    scored_on: ScoredOn
    precision: Precision
    device: str


class Trial(BaseModel):
    """A cell of the grid: everything that its row depends on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contender: str
    budget: int
    seed: int
    subset: str
    rule: str
    reads: str
    readout: str
    settings: dict[str, int | float | str]
    encoder: str | None
    encoder_hash: str | None
    data_fingerprint: str
    scored_fingerprint: str
    scored_on: str
    precision: str
    device: str
    computed_with: str
    transductive: bool
    pretrain_seed: int | None
    looks: int

    @property
    def key(self) -> str:
        """SHA-256 over every field but names: a contender or encoder that is renamed is not run again."""
        return hashlib.sha256(self.model_dump_json(exclude={"contender", "encoder"}).encode()).hexdigest()


def draw_subsets(part: Part, rule: Rule, data: Data) -> list[list[Subset]]:
    """Draw every labelled subset of a part: for each budget, once, one a seed.

    Raises:
        UserError: If a budget cannot be met.
    """
    assert data.train.labels is not None  # load_data has seen to it
    labels = data.train.labels.numpy()
    budgets = dict.fromkeys(len(labels) if budget is None else budget for budget in part.budgets)
    return [
        [
            draw_subset(labels, fingerprint=data.train.fingerprint, budget=budget, seed=seed, rule=rule)
            for seed in part.seeds
        ]
        for budget in budgets
    ]


@dataclass(frozen=True)
class Outcome:
    """A finished trial.

    Args:
        kept: What the store has of it; its seconds leave out the encoding that trials share.
        fresh: Whether it was run now, rather than found in the store.
    """

    kept: Kept
    fresh: bool

    @property
    def row(self) -> Row:
        """The trial's row."""
        return self.kept.row


class Grid:
    """Every trial of a protocol, in order: by part, then budget, contender, encoder and seed.

    Args:
        spec: What to run.
        data: Train and scored images.
        contenders: By name.
        encoders: The pretrained encoders that contenders name; several for a name differ in the seed of their
            pretraining and are crossed with the subsets.
        store: Where finished trials are looked up and kept.
    """

    def __init__(
        self,
        spec: Spec,
        data: Data,
        contenders: Mapping[str, Contender],
        encoders: Mapping[str, Sequence[PretrainedEncoder]],
        store: Store,
    ) -> None:
        self.spec = spec
        self.data = data
        self.contenders = contenders
        self.encoders = encoders
        self.store = store
        self._environment = describe_environment()
        self._computed_with = f"ssl-irmae {__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads"
        self._loaded: dict[str, Encoder] = {}
        self._encoded: dict[tuple[str, Reads], tuple[Tensor, Tensor]] = {}
        self._memos: dict[tuple[str | None, str, bool], Memo] = {}

    @cached_property
    def cells(self) -> "list[_Cell]":
        """Every trial, with its labelled subset and the pretrained encoder, if there is one."""
        cells = []
        for part in self.spec.parts:
            for subsets in draw_subsets(part, self.spec.rule, self.data):
                for name in part.contenders:
                    contender = self.contenders[name]
                    # at the full set all subsets are one: a readout without randomness has one result there, not n
                    once = contender.deterministic and subsets[0].rule == "full"
                    for encoder in self.encoders.get(contender.encoder or "", (None,)):
                        cells += [
                            _Cell(self._trial(name, contender, s, encoder), s, encoder)
                            for s in (subsets[:1] if once else subsets)
                        ]
        return cells

    def run(self) -> Iterator[Outcome]:
        """Yield every trial's outcome, running those that the store does not have."""
        for trial, subset, encoder in self.cells:
            found = self.store.get(trial.key)
            if found is not None:
                names = {
                    "contender": trial.contender,
                    "encoder": trial.encoder,
                    "dataset": self.data.train.name,
                }
                row = found.row.model_copy(update=names)
                yield Outcome(dataclasses.replace(found, row=row), fresh=False)
                continue
            contender = self.contenders[trial.contender]
            sample, scored, start = self._prepare(contender, subset, encoder)
            began = time.perf_counter()
            learned = call_readout(contender, sample, start)
            looks = [predict(p, scored) for p in ([learned] if callable(learned) else learned)]
            seconds = time.perf_counter() - began
            row = min((self._score(trial, predictions) for predictions in looks), key=lambda row: row.error)
            finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            kept = Kept(row, seconds, finished, self._environment)
            self.store.add(trial.key, kept, subset)
            yield Outcome(kept, fresh=True)

    def retrieval(self) -> list[Retrieval]:
        """Measure the scored images' codes without any classifier, for every representation that is read frozen."""
        labels = self.data.scored.labels
        assert labels is not None  # load_data has seen to it
        measured = {}
        for name in dict.fromkeys(name for part in self.spec.parts for name in part.contenders):
            contender = self.contenders[name]
            if contender.reads == "images" or contender.encoder is None:
                continue
            for encoder in self.encoders.get(contender.encoder, (None,)):
                told = contender.encoder + (" features" if contender.reads == "features" else "")
                if encoder is not None and len(self.encoders[contender.encoder]) > 1:
                    told += f", pretraining seed {encoder.pretrain_seed}"
                if told not in measured:
                    codes = self._encode(contender.encoder, encoder, contender.reads)[1]
                    measured[told] = retrieval_quality(told, codes, labels)
        return list(measured.values())

    @property
    def _train_labels(self) -> Tensor:
        assert self.data.train.labels is not None  # load_data has seen to it
        return self.data.train.labels

    def _trial(self, name: str, contender: Contender, subset: Subset, encoder: PretrainedEncoder | None) -> Trial:
        return Trial(
            contender=name,
            budget=len(subset.indices),
            seed=subset.seed,
            subset=subset.hash,
            rule=subset.rule,
            reads=contender.reads,
            readout=contender.readout.__name__,
            settings=dict(sorted(contender.settings.items())),  # the order they are written in is no difference
            encoder=contender.encoder,
            # a floor is a function of the training images, which the trial names
            encoder_hash=contender.encoder if encoder is None else encoder.hash,
            data_fingerprint=self.data.train.fingerprint,
            scored_fingerprint=self.data.scored.fingerprint,
            scored_on=self.spec.scored_on,
            precision=self.spec.precision,
            device=self.spec.device,
            computed_with=self._computed_with,
            transductive=contender.transductive,
            pretrain_seed=None if encoder is None else encoder.pretrain_seed,
            looks=contender.looks,
        )

    def _prepare(
        self, contender: Contender, subset: Subset, encoder: PretrainedEncoder | None
    ) -> tuple[Sample, Tensor, torch.nn.Module | None]:
        """Collect what a readout may see, what it will predict, and the autoencoder that it starts from."""
        chosen = torch.from_numpy(subset.indices)
        start = None
        if contender.reads == "images":
            unlabelled, scored = self.data.train.images, self.data.scored.images
            if encoder is not None:
                start = self._load(encoder).autoencoder
        else:
            assert contender.encoder is not None
            unlabelled, scored = self._encode(contender.encoder, encoder, contender.reads)
        of = contender.encoder if encoder is None else encoder.hash
        memo = self._memos.setdefault((of, contender.reads, contender.transductive), Memo())
        sample = Sample(
            inputs=unlabelled[chosen],
            labels=self._train_labels[chosen],
            unlabelled=memo.once("with scored", lambda: torch.cat([unlabelled, scored]))
            if contender.transductive
            else unlabelled,
            positions=chosen,
            classes=len(self.data.train.classes),
            seed=derive_seed("learner", subset.seed),
            device=torch.device(self.spec.device),
            precision=self.spec.precision,
            memo=memo,
        )
        return sample, scored, start

    def _load(self, encoder: PretrainedEncoder) -> Encoder:
        if encoder.hash not in self._loaded:
            self._loaded[encoder.hash] = encoder.load()
        return self._loaded[encoder.hash]

    def _encode(self, name: str, encoder: PretrainedEncoder | None, reads: Reads) -> tuple[Tensor, Tensor]:
        """Encode training and scored images, once."""
        key = (name if encoder is None else encoder.hash, reads)
        if key not in self._encoded:
            train, scored = self.data.train.images, self.data.scored.images
            if encoder is None:
                encode = FLOORS[name](train)
                self._encoded[key] = (encode(train), encode(scored))
            else:
                loaded = self._load(encoder).to(self.spec.device)
                self._encoded[key] = (loaded.encode(train, reads), loaded.encode(scored, reads))
        return self._encoded[key]

    def _score(self, trial: Trial, predictions: Tensor) -> Row:
        labels = self.data.scored.labels
        assert labels is not None  # load_data has seen to it
        wrong = int((predictions != labels).sum())
        return Row(
            **trial.model_dump(),
            error=100 * wrong / len(labels),
            n_scored=len(labels),
            predictions=hashlib.sha256(predictions.numpy().tobytes()).hexdigest(),
            dataset=self.data.train.name,
        )


class _Cell(NamedTuple):
    trial: Trial
    subset: Subset
    encoder: PretrainedEncoder | None


def predict(predictor: Predictor, inputs: Tensor) -> Tensor:
    """Ask a predictor for the classes of inputs (m, ...), and hold it to its contract.

    Raises:
        TypeError: If the answer is not int64 of shape (m,).
    """
    predictions = predictor(inputs)
    if predictions.shape != (len(inputs),) or predictions.dtype != torch.int64:
        raise TypeError(f"a predictor must return int64 of shape (m,), got {predictions.dtype} {predictions.shape}")
    return predictions
