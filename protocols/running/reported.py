"""Run a grid and report each trial."""

import contextlib
from collections.abc import Iterator

from ssl_irmae._support.progress import Listener, TrialDone
from ssl_irmae.protocols.running.grid import Grid, Outcome
from ssl_irmae.protocols.statistics.summary import summarise
from ssl_irmae.protocols.storage.rows import Row


def run_reported(grid: Grid, progress: Listener) -> Iterator[Outcome]:
    """Run a grid and report each trial; what the listener raises stops it between two trials."""
    finished: dict[tuple[str, int], list[Row]] = {}
    expected: dict[tuple[str, int], int] = {}
    for job in grid.jobs:
        group = (job.trial.contender, job.trial.budget)
        expected[group] = expected.get(group, 0) + 1
    done = 0
    with contextlib.closing(grid.run()) as outcomes:
        for outcome in outcomes:
            yield outcome
            row = outcome.row
            group = (row.contender, row.budget)
            in_group = finished.setdefault(group, [])
            in_group.append(row)
            done += 1
            mean, n = None, 0
            if len(in_group) == expected[group]:
                (summary,) = summarise(in_group, baseline=row.contender)
                mean, n = summary.mean, summary.n
            progress(TrialDone(*group, row.error, done, len(grid.jobs), mean, n))
