"""Readable YAML: keys in order, multi-line strings as blocks."""

from __future__ import annotations

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    pass


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dump(*documents: Any) -> str:
    """The documents, divided by `---` where there are several."""
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=120)
