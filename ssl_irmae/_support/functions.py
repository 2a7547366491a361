"""Functions that a person names as ``MODULE:FUNCTION``."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ssl_irmae.errors import UserError, describe_exception


def import_function(text: str, argument: str, example: str) -> Callable[..., Any]:
    """Import a function; modules of the working directory count.

    Args:
        text: Its name, ``MODULE:FUNCTION``.
        argument: The argument that errors name.
        example: Such a name, which errors give.

    Raises:
        UserError: If there is no such module or function.
    """
    module_name, _, name = text.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), name)):
        module, _, function = example.partition(":")
        raise UserError(
            f"`{argument}`: {text} is not the name of a function in a module: write for example {example} for the "
            f"function {function} of {module}.py"
        )
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module_found = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a module may raise anything, and a script exits where it is imported
        raise UserError(
            f"`{argument}`: the module {module_name} cannot be imported ({describe_exception(error)}): name one that "
            f"is installed or in {here}"
        ) from error
    finally:
        sys.path.remove(here)
        sys.path.append(here)  # processes that run trials import it too
    function_found = getattr(module_found, name, None)
    if not callable(function_found):
        what = "no function" if function_found is None else f"a {type(function_found).__name__}, and no function,"
        raise UserError(f"`{argument}`: the module {module_name} has {what} {name}")
    found: Callable[..., Any] = function_found
    return found
