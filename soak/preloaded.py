"""Everything that a command imports, imported once: commands are forked from a process that has it."""

import importlib
import pkgutil

import ssl_irmae
from soak import studies as of_soak
from ssl_irmae.protocols import studies

studies.__path__.extend(of_soak.__path__)

for module in pkgutil.walk_packages(ssl_irmae.__path__, "ssl_irmae."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
for name in ("cli", "protocols"):  # an editable install keeps them beside the package
    package = importlib.import_module(f"ssl_irmae.{name}")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
