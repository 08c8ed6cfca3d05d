"""The root cause in an error of TensorFlow, whose messages have many lines."""

import re

_FIRST_OF_SEVERAL = re.compile(r"\s*\(0\) (?:[A-Z][A-Za-z_ ]*: )?(?P<reason>.+)")
_NODE = r"\{\{(?:function_)?node [^}]*\}\}\s*"
_DATASET = r"Error in user-defined function passed to \S+ transformation with iterator: \S+: "
"""How tf.data of TensorFlow 2.21 begins the error of a function that it called."""
_WHERE = re.compile(rf"^(?:{_NODE}|{_DATASET})+")
_BESIDE_THE_REASON = ("Detected at", "<stack", "Hint:", "Original stack trace")


def root_cause(error: BaseException) -> str:
    """The line of the message with the reason: without heading, stack, node names and hints."""
    text = str(error)
    if isinstance(error, UnicodeDecodeError):  # TensorFlow's text quotes bytes, and Python cannot read it
        text = error.object.decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if any(re.match(r"\d+ root error\(s\) found", line) for line in lines[:8]):
        several = (_FIRST_OF_SEVERAL.match(line) for line in lines)
        return next((found["reason"].strip() for found in several if found), lines[0].strip())
    if not lines[0].startswith("Graph execution error"):
        return _WHERE.sub("", lines[0].strip())
    said = [line for line in lines[1:] if not line[0].isspace() and not line.startswith(_BESIDE_THE_REASON)]
    return said[-1] if said else lines[0].strip()
