"""The soak, `make soak`, in short: one or two cases of every section, and that it finds what is wrong."""

import importlib.util
import pickle
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from soak import code, disks, engines, fault, headers, kills, mutations, pairs
from soak.fault import Case, Fault
from soak.readers import KINDS, Kind
from soak.workshop import Workshop
from ssl_irmae.protocols.running.engines import ENGINES


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Make what commands are given, once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            patch.setenv(name, "1")
        made = Workshop(tmp_path_factory.mktemp("soak"), seed=1, share=0.01)
        made.open()
        yield made


def inject(cases: Iterator[Case], *names: str) -> None:
    """Inject some cases of a section, and check that nothing was broken."""
    chosen = {name: case for name, case in cases if name in names}
    assert set(chosen) == set(names)
    for case in chosen.values():
        found = case()
        assert found.injected or found.section == "kills", "a kill may come too late"
        assert found.is_as_promised, fault.broken(found)


def test_killed_commands_end_as_if_nothing_had_been(workshop: Workshop) -> None:
    inject(kills.cases(workshop), "pretrain rows 0", "evaluate import 0", "encoders copy 0")


@pytest.mark.skipif(not disks.can_mount(), reason="only root can mount a file system")
def test_a_full_disk_and_a_folder_to_read_from_alone_are_named_and_do_no_harm(workshop: Workshop) -> None:
    inject(disks.full_cases(workshop), "evaluate codes 0", "predict 0")
    inject(disks.read_only_cases(workshop), "evaluate codes", "suggest")


def test_two_commands_at_once_do_no_harm(workshop: Workshop) -> None:
    inject(pairs.cases(workshop), "evaluate codes 0", "encoders import 0")


def test_engines_that_are_not_here_are_named_and_left_out(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    left = {case.split()[0] for case, _ in engines.cases(workshop)}
    assert left == {"processes", "torchrun"}
    skipped = [line for line in capsys.readouterr().err.splitlines() if "is not installed" in line]
    assert [line.split(":")[0].strip() for line in skipped] == list(ENGINES)


def test_no_file_runs_code(workshop: Workshop) -> None:
    names = [name for name in code.PLANTS if name != "modules beside pictures"]  # which takes seconds
    inject(code.cases(workshop), *names)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_damaged_files_are_read_rightly_or_refused(workshop: Workshop, kind: Kind) -> None:
    folder = workshop.fresh(f"short {kind.name}")
    found = mutations.read_damaged(kind, folder, workshop.inputs, random.Random(kind.name), 4)  # noqa: S311
    assert found.injected
    assert found.is_as_promised, fault.broken(found)


@pytest.mark.parametrize("name", headers.FILES)
def test_headers_are_believed_only_as_far_as_the_file_goes(name: str) -> None:
    headers.try_headers(name, 40, seed=1)


def test_a_reader_that_trusts_a_file_is_found(workshop: Workshop) -> None:
    def read(folder: Path) -> object:
        content = (folder / "sheet.csv").read_text(errors="replace")
        if len(content) < 40:
            raise IndexError("too short")
        return content

    sheet = next(kind for kind in KINDS if kind.file == "sheet.csv")
    trusting = Kind("trusting", "sheet.csv", sheet.make, read, checksum=True)
    found = mutations.read_damaged(trusting, workshop.fresh("trusting"), workshop.inputs, random.Random(0), 40)  # noqa: S311
    assert found.differing
    assert found.unexplained
    assert "IndexError" in found.note


def test_code_that_is_run_is_found(tmp_path: Path) -> None:
    canary = tmp_path / code.CANARY
    pickle.loads(pickle.dumps(code.Payload(canary)))  # noqa: S301 (ours)
    assert canary.exists()


def test_rows_are_kept_and_read_again(tmp_path: Path) -> None:
    rows = [Fault("kills", "a, seed 0", 3, compared=2), Fault("kills", "b, seed 0", 1, lost=2, note="step 3, not 5")]
    for row in rows:
        fault.append(tmp_path / "f.csv", row)
    assert fault.read(tmp_path / "f.csv") == rows
    (total,) = fault.by_section(rows)
    assert (total.injected, total.compared, total.lost) == (4, 2, 2)
    assert not total.is_as_promised
    assert fault.broken(rows[1]) == "2 lost (step 3, not 5)"
