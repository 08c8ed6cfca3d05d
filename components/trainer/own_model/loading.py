"""The import of the user's file, and what is said where its code raises."""

import importlib.util
import inspect
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.errors import GreenlightError
from components.trainer.own_model.module_file import RUN_FN, ModuleFile, problem
from serving.machine import faults, scratch

ARGUMENTS = ("texts", "settings", "classes")
"""What a function that builds a model may take, by name."""
_NODE = re.compile(r"\{\{function_node .*?\}\} ")
_MOST_LETTERS = 300
_NAME = "greenlight_trainer_module"


@contextmanager
def imported(module: ModuleFile) -> Iterator["OwnFunction"]:
    """Imports the file for the duration of the context, from a copy of its text.

    The copy is a file, since AutoGraph reads the source of what it converts.

    Raises:
      InputError: it does not import, or the function cannot be called as it is documented.
    """
    with scratch.folder("module") as folder:
        path = folder / module.file.name
        path.write_text(module.source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(_NAME, path)
        assert spec is not None and spec.loader is not None, f"{path} is a .py file"
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[_NAME] = loaded  # where classes of the file look up their module
        try:
            with explained(module, "its import", path):
                spec.loader.exec_module(loaded)
            yield _function(module, getattr(loaded, module.function, None), path)
        finally:
            sys.modules.pop(_NAME, None)


def require_importable(name: str) -> None:
    """Imports the file that `trainer.module` names once, before anything is done with it.

    Raises:
      InputError: as `ModuleFile.read` and `imported`.
    """
    with imported(ModuleFile.read(name)):
        pass


class OwnFunction:
    """The user's function; what it raises is an error about the setting."""

    def __init__(self, module: ModuleFile, function: Callable[..., Any], path: Path) -> None:
        self.module = module
        self._function = function
        self._path = path

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Calls the function with those of the named arguments that it takes.

        Raises:
          InputError: it raises.
        """
        parameters = inspect.signature(self._function).parameters
        with self.explained(f"{self.module.function}()"):
            return self._function(*given, **{name: named[name] for name in named if name in parameters})

    def explained(self, what: str) -> Any:
        """A context in which the user's code runs; see `explained`."""
        return explained(self.module, what, self._path)

    def problem(self, words: str) -> GreenlightError:
        return problem(self.module.name, words)


@contextmanager
def explained(module: ModuleFile, what: str, path: Path) -> Iterator[None]:
    """Says of what the user's code raises where it was.

    Args:
      module: the file.
      what: what is being done, for the message.
      path: the file that is executed.

    Raises:
      InputError: anything was raised but an error of ours or a fault of the machine.
    """
    try:
        yield
    except GreenlightError:
        raise
    except (Exception, SystemExit) as error:
        if any(faults.remedy_whatever_the_input(one) for one in faults.causes(error)):
            raise
        raise problem(module.name, f"{what} raised {_told(error, module, path)}") from error


def _told(error: BaseException, module: ModuleFile, path: Path) -> str:
    said = [_NODE.sub("", line).strip() for line in str(error).splitlines() if line.strip()]
    # Where a layer fails, Keras names the layer first, and what is wrong after it.
    reason = textwrap.shorten(" ".join(said[:2]), _MOST_LETTERS, placeholder=" ...")
    named = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    where = f" (line {lines[-1]} of {module.file})" if lines else ""
    told = f"{named.rstrip('.')}{where}. The run's log has all of it."
    if isinstance(error, ModuleNotFoundError):
        told += (
            " The file is used alone, here and on a cluster: what it imports must be an installed package."
        )
    return told


def _function(module: ModuleFile, function: Any, path: Path) -> OwnFunction:
    if function is None:
        raise problem(module.name, f"{module.file} has no function {module.function} after its import.")
    if not callable(function):
        raise problem(module.name, f"{module.function} is not a function, but {type(function).__name__}.")
    parameters = inspect.signature(function).parameters.values()
    needed = [one.name for one in parameters if one.default is one.empty and one.kind not in _VARIABLE]
    if module.is_run_fn:
        if len(needed) != 1:
            raise problem(module.name, f"{RUN_FN} must take one argument, TFX's FnArgs; it takes {needed}.")
    elif unknown := [name for name in needed if name not in ARGUMENTS]:
        raise problem(
            module.name,
            f"{module.function} takes {', '.join(unknown)}, which cannot be given. It may take any of: "
            f"{', '.join(ARGUMENTS)}.",
        )
    return OwnFunction(module, function, path)


_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
