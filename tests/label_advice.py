"""The advice about labels as one text."""

from components.example_gen.formats.labels import found_labels, remedy


def advice(*labels, **given) -> str:
    return f"{found_labels(*labels)} {remedy(*labels, **given)}"
