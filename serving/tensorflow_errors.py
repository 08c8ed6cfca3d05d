"""The root cause in an error of TensorFlow, whose messages have many lines."""


def root_cause(error: BaseException) -> str:
    """The line of the message with the reason: without heading, stack and node names."""
    text = str(error)
    if isinstance(error, UnicodeDecodeError):  # TensorFlow's text quotes bytes, and Python cannot read it
        text = error.object.decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if not lines[0].startswith("Graph execution error"):
        return lines[0].strip()
    said = [
        line for line in lines[1:] if not line[0].isspace() and not line.startswith(("Detected at", "<stack"))
    ]
    return said[-1] if said else lines[0].strip()
