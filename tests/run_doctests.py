"""Run the doctests of every module of the installed package: `python -m tests.run_doctests`."""

import doctest
import importlib
import pkgutil
import sys

import ssl_irmae


def main() -> int:
    """Run them all; return the number of failures."""
    failed = attempted = 0
    for module in pkgutil.walk_packages(ssl_irmae.__path__, "ssl_irmae."):
        result = doctest.testmod(importlib.import_module(module.name))
        failed, attempted = failed + result.failed, attempted + result.attempted
    sys.stdout.write(f"doctests: {attempted} examples, {failed} failed\n")
    return failed or not attempted


if __name__ == "__main__":
    sys.exit(main())
