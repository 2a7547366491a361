"""Decisions that depend on the machine: arithmetic and freed memory."""

import ctypes
import platform
import subprocess
import sys

import pytest
import torch

from ssl_irmae._support.allocator import keep_freed_memory
from ssl_irmae._support.compute import find_precision
from ssl_irmae.errors import UserError

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "auto"),
    [({"avx2": True, "avx512_bf16": False}, "fp32"), ({"avx512_bf16": True}, "bf16"), ({"bf16": True}, "bf16")],
)
def test_bf16_is_the_default_where_the_processor_has_it(
    capabilities: dict[str, object], auto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert find_precision("auto", CPU) == auto
    assert find_precision("fp32", CPU) == "fp32"
    if auto == "bf16":
        assert find_precision("bf16", CPU) == "bf16"
    else:
        with pytest.raises(UserError, match="bf16"):
            find_precision("bf16", CPU)


def test_bf16_is_used_only_on_request_where_torch_does_not_know_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert find_precision("auto", CPU) == "fp32"
    assert find_precision("bf16", CPU) == "bf16"


_FAULTS = """
import resource, torch
from ssl_irmae._support.allocator import keep_freed_memory

def faults():
    for _ in range(20):  # until the allocator has settled
        torch.ones(10_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(10_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults())
assert keep_freed_memory()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be made to keep freed memory")
def test_freed_memory_is_reused_without_fresh_pages() -> None:
    done = subprocess.run([sys.executable, "-c", _FAULTS], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before > 100 * max(after, 1)


def test_without_glibc_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert not keep_freed_memory()
