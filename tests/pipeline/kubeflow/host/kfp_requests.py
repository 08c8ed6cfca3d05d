"""The fields and cron expressions that Kubeflow Pipelines' API server accepts."""

FIELDS = {
    "experiments": {"experiment_id", "display_name", "description", "namespace"},
    "runs": {
        "run_id",
        "experiment_id",
        "display_name",
        "description",
        "pipeline_version_reference",
        "runtime_config",
        "service_account",
    },
    "recurringruns": {
        "recurring_run_id",
        "experiment_id",
        "display_name",
        "description",
        "pipeline_version_reference",
        "runtime_config",
        "service_account",
        "max_concurrency",
        "trigger",
        "mode",
        "no_catchup",
        "namespace",
    },
}
"""What a client may send, by the first part of the path; the server fills in the other fields."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_CRON_FIELDS = (
    (0, 59, {}),
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)


def read_cron(text: str) -> None:
    """Reads five or six fields as the API server's robfig/cron does, version 1.2: no L, W, # and no day 7.

    The first field is the seconds, and the last one, the day of the week, may be left out.

    Raises:
      ValueError: it would not take them.
    """
    fields = text.split()
    if len(fields) not in (5, 6):
        raise ValueError(f"Expected 5 to 6 fields, found {len(fields)}: {text}")
    for field, (low, high, names) in zip(fields, _CRON_FIELDS, strict=False):
        for item in field.split(","):
            span, *steps = item.split("/")
            first, *last = span.split("-")
            if len(last) > 1 or len(steps) > 1:
                raise ValueError(f"Too many hyphens or slashes: {item}")
            if first in ("*", "?"):
                start, end = low, high
            else:
                start = names[first.lower()] if first.lower() in names else int(first)
                end = start
                if last:
                    end = names[last[0].lower()] if last[0].lower() in names else int(last[0])
                elif steps:
                    end = high
            if not low <= start <= end <= high or (steps and int(steps[0]) <= 0):
                raise ValueError(f"Range out of bounds: {item}")
