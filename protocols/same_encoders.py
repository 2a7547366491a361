"""Whether an encoder of the user's is one that is compared by default, which is then shown once."""

import dataclasses
from collections.abc import Mapping, Sequence

from ssl_irmae.protocols.plan import Plan
from ssl_irmae.protocols.report.note import Note, join
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, needed_methods


def show_once(plan: Plan, opened: Mapping[str, Sequence[OpenedEncoder]], own: Sequence[str]) -> tuple[Plan, list[Note]]:
    """Leave out those default contenders whose encoder is one of the user's, under whose name they are shown.

    Args:
        plan: What is run by default.
        opened: Every encoder by the name that contenders use.
        own: The names of the user's among them.

    Returns:
        The plan without them, and a note on every encoder of theirs.
    """
    names: dict[str, str] = {}
    notes = []
    for usual in opened:
        hashes = [encoder.hash for encoder in opened[usual]]
        same = next((name for name in own if hashes == [encoder.hash for encoder in opened[name]]), None)
        if usual in own or same is None:
            continue
        twins = {name: same + name.removeprefix(usual) for name in plan.contenders if name.startswith(f"{usual}-")}
        names |= {name: twin for name, twin in twins.items() if twin in plan.contenders}
        text = f"{same} is the same encoder as {usual}, bit for bit, and is shown once, as {same}."
        notes.append(Note("left out", text, text))
    parts = tuple(
        part.model_copy(update={"contenders": tuple(name for name in part.contenders if name not in names)})
        for part in plan.parts
    )
    run = {name: contender for name, contender in plan.contenders.items() if name not in names}
    baseline = names.get(plan.baseline, plan.baseline)
    return dataclasses.replace(plan, parts=parts, contenders=run, baseline=baseline), notes


def describe_usual(plan: Plan, own: Sequence[str]) -> str | None:
    """Say which encoders are compared beside the user's by default, and how to leave them out; None if there are none.

    >>> from ssl_irmae.protocols.request import make_plan
    >>> print(describe_usual(make_plan(encoders=["mine"]), ["mine"]))
    compared by default too: irmae, ae and vae; to leave them out, name contenders, such as mine-linear,pixels-linear
    """
    usual = [name for name in needed_methods(plan.contenders.values()) if name not in own]
    if not usual:
        return None
    such_as = f"{own[0]}-linear,pixels-linear"
    return f"compared by default too: {join(usual)}; to leave them out, name contenders, such as {such_as}"
