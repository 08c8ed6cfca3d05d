"""The arguments of a compiled step's container."""


def argument(container: dict, flag: str) -> str:
    """What follows a flag."""
    return container["args"][container["args"].index(flag) + 1]
