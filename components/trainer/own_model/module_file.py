"""The file and function that `trainer.module` names. Light imports only: TensorFlow is not loaded."""

import ast
import symtable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from components.errors import InputError

RUN_FN = "run_fn"
"""The name of a function with TFX's own contract."""
_MOST_BYTES = 200_000


class ModuleFile(BaseModel):
    """A function of a Python file, with the file's text, which travels to wherever the Trainer runs.

    Attributes:
      name: the setting, FILE.py:FUNCTION.
      source: the text of the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str

    @property
    def file(self) -> Path:
        return Path(self.name.rpartition(":")[0])

    @property
    def function(self) -> str:
        return self.name.rpartition(":")[2]

    @property
    def is_run_fn(self) -> bool:
        """Whether the function trains and exports by itself, as TFX's Trainer calls it."""
        return self.function == RUN_FN

    @classmethod
    def read(cls, name: str) -> "ModuleFile":
        """Reads the file, relative to the current folder, without executing it.

        Raises:
          InputError: it cannot be read, is not Python, or does not define the function.
        """
        path = Path(name.rpartition(":")[0]).expanduser()
        module = cls(name=name, source=_text(path, name))
        _require_function(module)
        return module


def problem(name: str, words: str) -> InputError:
    """The error about the setting with that value."""
    return InputError(f"trainer.module = {name!r}: {words}")


def _text(path: Path, name: str) -> str:
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise problem(name, f"{path} {what}. Give FILE.py:FUNCTION, relative to the current folder.")
        content = path.read_bytes()
    except OSError as error:
        raise problem(name, f"{path} cannot be read: {error.strerror or error}.") from error
    if len(content) > _MOST_BYTES:
        raise problem(
            name,
            f"{path} has {len(content):,} bytes, more than {_MOST_BYTES:,}: the file's text is a part of the "
            "compiled pipeline. Move data out of it, or code into an installed package.",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise problem(name, f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None


def _require_function(module: ModuleFile) -> None:
    """Refuses what is not Python, and a file that does not define the function."""
    try:
        tree = ast.parse(module.source)
        table = symtable.symtable(module.source, str(module.file), "exec")
    except SyntaxError as error:
        where = f"line {error.lineno} of {module.file}"
        raise problem(module.name, f"{where} is not Python: {error.msg}.") from None
    except (ValueError, RecursionError) as error:  # NUL bytes; nesting too deep for the parser
        raise problem(module.name, f"{module.file} is not Python: {error}.") from None
    if module.function in table.get_identifiers() or _imports_all(tree):
        return
    known = [child.get_name() for child in table.get_children() if child.get_type() == "function"]
    there = f"It defines: {', '.join(known)}." if known else "It defines no function."
    raise problem(module.name, f"{module.file} has no function {module.function}. {there}")


def _imports_all(tree: ast.Module) -> bool:
    """Whether only the import of the file can tell what it defines."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(alias.name == "*" for node in imports for alias in node.names)
