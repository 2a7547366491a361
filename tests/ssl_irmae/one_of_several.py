"""A script as a user's that trains runs one after the other, each together with the processes started beside this one.

It is given a file with the arguments of several calls of ``pretrain``, and writes beside it what each of them gave.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from ssl_irmae._support.files import sha256
from ssl_irmae._support.progress import Event, Message, Pretrained
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.pretrain import pretrain


def outcome(arguments: dict[str, Any]) -> dict[str, Any]:
    """Train one run; return its losses, messages and weights, or what it was refused with."""
    events: list[Event] = []
    try:
        result = pretrain(**arguments, progress=events.append)
    except UserError as error:
        return {"error": str(error)}
    weights = b"".join(w.numpy().tobytes() for w in result.encoder.autoencoder.state_dict().values())
    return {
        "losses": [event.recent_loss for event in events if isinstance(event, Pretrained)],
        "messages": [event.text for event in events if isinstance(event, Message)],
        "weights": sha256(weights),
    }


def main() -> None:
    """Train all; arguments that are lists of two are those of rank 0 and of rank 1."""
    asked, number = Path(sys.argv[1]), int(os.environ["RANK"])
    calls = json.loads(asked.read_text())
    mine = [{k: v[number] if isinstance(v, list) else v for k, v in call.items()} for call in calls]
    asked.with_suffix(f".{number}").write_text(json.dumps([outcome(arguments) for arguments in mine]))


if __name__ == "__main__":
    main()
