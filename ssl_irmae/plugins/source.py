"""Hash the code of a plug-in, so that no result outlives it: files of a package, or a function as it is in memory."""

import functools
import hashlib
import importlib.util
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), PurePath)


def hash_files(module: str) -> str:
    """Hash every file of the package that a module is in, whatever its kind; of a module outside packages, its file.

    The package is the outermost one. Compiled copies in ``__pycache__`` do not count.

    Args:
        module: Full name of the module, which is not imported.

    Raises:
        ModuleNotFoundError: If there is no such module.
    """
    files = {name: path.read_bytes() for name, path in _files(module)}
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])}\n".encode())
        digest.update(files[name])
    return digest.hexdigest()


def _files(module: str) -> Iterable[tuple[str, Path]]:
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = importlib.util.find_spec(".".join(parts[:depth]))
        if spec is None:
            break
        if spec.origin is None:  # a namespace, which several distributions share
            continue
        if spec.submodule_search_locations is None:
            return [(Path(spec.origin).name, Path(spec.origin))]
        folders = [Path(place) for place in spec.submodule_search_locations]
        return [
            (path.relative_to(folder).as_posix(), path)
            for folder in folders
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        ]
    raise ModuleNotFoundError(f"there is no module {module}")


def hash_function(function: Callable[..., Any]) -> tuple[str, tuple[str, ...]]:
    """Hash what a function is compiled to, with what it refers to: a comment changes nothing, a number does.

    Followed are defaults, closures, partial arguments, and globals that are plain values, arrays, or functions, classes
    and objects of the same top-level module. What comes from other modules counts by its name. Another version of
    Python compiles to another hash.

    Args:
        function: A function, or any other callable.

    Returns:
        SHA-256, and the names of what could not be read.
    """
    reader = _Reader(_top(function))
    reader.read(function, getattr(function, "__name__", type(function).__name__))
    return reader.digest.hexdigest(), tuple(reader.unseen)


def _top(value: Any) -> str:
    module: str = getattr(value, "__module__", None) or type(value).__module__
    return module.split(".")[0]


class _Reader:
    """Read values into a digest, each object once.

    Args:
        top: The top-level module whose functions and classes are read, and not only named.
    """

    def __init__(self, top: str) -> None:
        self.top = top
        self.digest = hashlib.sha256()
        self.unseen: dict[str, None] = {}
        self._read: dict[int, object] = {}

    def read(self, value: Any, name: str) -> None:
        """Add a value.

        Args:
            value: Anything.
            name: What it is called if it cannot be read.
        """
        self._add(type(value).__name__)
        if isinstance(value, _PLAIN):
            self._add(repr(value))
        elif id(value) not in self._read:
            self._read[id(value)] = value  # kept, so that no other object gets its id
            self._read_once(value, name)

    def _add(self, text: str) -> None:
        self.digest.update(f"{len(text)} {text}".encode())

    def _read_once(self, value: Any, name: str) -> None:
        match value:
            case types.CodeType():
                self._code(value, name)
            case list() | tuple():
                for each in value:
                    self.read(each, name)
            case set() | frozenset():
                self._add(repr(sorted(map(repr, value))))  # whose order differs between processes
            case dict() | types.MappingProxyType():
                self._items(value, name)
            case types.FunctionType():
                self._function(value, name)
            case types.MethodType():
                self.read(value.__func__, name)
                self.read(value.__self__, name)
            case staticmethod() | classmethod():
                self.read(value.__func__, name)
            case property():
                self.read((value.fget, value.fset, value.fdel), name)
            case functools.partial():
                self.read((value.func, value.args, value.keywords), name)
            case types.ModuleType():
                self._add(value.__name__)
            case type():
                self._class(value)
            case _ if hasattr(value, "__wrapped__"):  # such as of functools.cache
                self.read(value.__wrapped__, name)
            case _ if callable(value) and hasattr(value, "__name__"):  # a function that is compiled
                self._add(f"{getattr(value, '__module__', '')}.{value.__name__}")
            case _:
                self._object(value, name)

    def _code(self, code: types.CodeType, name: str) -> None:
        self._add(code.co_code.hex())
        for names in (code.co_names, code.co_varnames, code.co_freevars):
            self._add(" ".join(names))
        for constant in code.co_consts:
            self.read(constant, name)

    def _function(self, function: types.FunctionType, name: str) -> None:
        self._add(f"{function.__module__}.{function.__qualname__}")
        if _top(function) != self.top:
            return
        self.read(function.__code__, name)
        self.read((function.__defaults__, function.__kwdefaults__), name)
        for cell_name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                self.read(cell.cell_contents, cell_name)
            except ValueError:  # the cell is empty
                self._add("empty")
        for global_name in sorted(_names(function.__code__)):
            if global_name in function.__globals__:
                self._add(global_name)
                self.read(function.__globals__[global_name], global_name)

    def _class(self, cls: type) -> None:
        self._add(f"{cls.__module__}.{cls.__qualname__}")
        if _top(cls) == self.top:
            self.read(cls.__bases__, cls.__name__)
            own = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__", "__doc__", "__module__")}
            self._items({k: v for k, v in own.items() if not isinstance(v, types.GetSetDescriptorType)}, cls.__name__)

    def _items(self, items: Mapping[Any, Any], name: str) -> None:
        for key, value in items.items():
            self.read(key, name)
            self.read(value, key if isinstance(key, str) else name)

    def _object(self, value: Any, name: str) -> None:
        if hasattr(value, "__array__"):
            import numpy as np

            array = np.ascontiguousarray(value.detach().cpu() if hasattr(value, "detach") else value)
            self._add(f"{array.dtype} {array.shape}")
            self.digest.update(array.tobytes())
        elif _top(type(value)) == self.top and hasattr(value, "__dict__"):
            self.read(type(value), name)
            self._items(vars(value), name)
        else:
            self.unseen[name] = None


def _names(code: types.CodeType) -> set[str]:
    """Return the names that code and the functions inside it may look up among globals."""
    inside = (_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*inside)
