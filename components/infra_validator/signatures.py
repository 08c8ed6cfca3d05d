"""The signatures that a model must have."""

from collections.abc import Iterator, Mapping

from serving.canary import INPUTS, PROBABILITIES

Signatures = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Name -> "inputs" and "outputs" -> name -> type."""


def signature_problems(found: Signatures, *, many: bool = False) -> Iterator[str]:
    """A clause for everything that `serving_default` and `tf_example` lack.

    many: whether the data has more than two classes.
    """
    scores = PROBABILITIES if many else "probability"
    for name, wanted in INPUTS.items():
        if name not in found:
            yield f"it has no signature {name}; there are: {', '.join(sorted(found)) or 'none'}"
            continue
        inputs, outputs = found[name]["inputs"], found[name]["outputs"]
        if dict(inputs) != {wanted: "string"}:
            yield f"{name} takes {_in_words(inputs)}, not {wanted} (string)"
        if (outputs.get(scores), outputs.get("label")) != ("float32", "string"):
            yield f"{name} gives {_in_words(outputs)}, not {scores} (float32) and label (string)"


def _in_words(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in sorted(tensors.items())) or "nothing"
