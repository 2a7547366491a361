"""Run the doctests of every module of the installed package and of benchmarks/: `python -m tests.run_doctests`."""

import doctest
import importlib
import pkgutil
import sys

import benchmarks
import ssl_irmae
import ssl_irmae.cli
import ssl_irmae.protocols


def main() -> int:
    """Run all doctests; return the number of failures, where a package without any counts as one."""
    failed = 0
    # an editable install keeps the three layers in three folders, so each is walked separately
    for package in (ssl_irmae, ssl_irmae.protocols, ssl_irmae.cli, benchmarks):
        attempted = 0
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            result = doctest.testmod(importlib.import_module(module.name))
            failed, attempted = failed + result.failed, attempted + result.attempted
        sys.stdout.write(f"{package.__name__}: {attempted} examples\n")
        failed += not attempted
    sys.stdout.write(f"{failed} failed\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
