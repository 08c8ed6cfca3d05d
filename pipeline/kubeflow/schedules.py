"""Runs that the cluster starts by itself, by the clock: made, listed, paused, resumed, deleted."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import kfp

from components.errors import InputError
from pipeline.kubeflow.api import in_words
from pipeline.kubeflow.submission import Uploaded
from pipeline.settings.kubeflow import ApiSettings

PAUSED = "paused"
_PAGE = 100
_ITEM = re.compile(r"(\*|(\d+|[A-Za-z]{3})(-(\d+|[A-Za-z]{3}))?)(/\d+)?", re.ASCII)
_SEVENTH_DAY = re.compile(r"(^|[-,])0*7($|[-,/])")


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A recurring run; `cron` has KFP's six fields, seconds first."""

    id: str
    name: str
    cron: str
    state: str
    version: str | None


def six_fields(cron: str) -> str:
    """The expression as KFP takes it, with seconds in front: 0 3 * * * becomes 0 0 3 * * *.

    Raises:
      InputError: it is no cron expression of five fields, or none that KFP's own reader (robfig/cron) takes.
    """
    from pipeline.settings.cron import refuse_unusable

    fields = cron.split()
    try:
        if len(fields) != 5:
            raise ValueError(f"it has {len(fields)} field{'' if len(fields) == 1 else 's'}, not five")
        refuse_unusable(cron)
        for item in ",".join(fields).split(","):
            if not _ITEM.fullmatch(item):
                raise ValueError(f"Kubeflow does not know {item!r}")
        if _SEVENTH_DAY.search(fields[4]):
            raise ValueError("Kubeflow's Sunday is day 0, not 7")
    except ValueError as error:
        raise InputError(
            f"--cron {cron!r}: {error}. Give minute, hour, day of the month, month and day of the week, "
            'such as "0 3 * * *" for three at night.'
        ) from None
    return " ".join(["0", *fields])


class Schedules:
    """The recurring runs of an experiment.

    Args:
      client: connected.
      api: what it was connected with.
      experiment: its id; None where there is none yet, and so no schedule.
    """

    def __init__(self, client: kfp.Client, api: ApiSettings, experiment: str | None):
        self._client = client
        self._api = api
        self._experiment = experiment

    def all(self) -> list[Schedule]:
        """Every one, in the order in which the cluster lists them."""
        found: list[Schedule] = []
        if self._experiment is None:
            return found
        page = ""
        while True:
            with in_words(self._api):
                listed = self._client.list_recurring_runs(
                    page_token=page, page_size=_PAGE, experiment_id=self._experiment
                )
                found += [_schedule(each) for each in listed.recurring_runs or ()]
            page = listed.next_page_token or ""
            if not page:
                return found

    def set(
        self, name: str, cron: str, uploaded: Uploaded, parameters: Mapping[str, Any]
    ) -> tuple[Schedule, list[Schedule]]:
        """Makes a schedule, and deletes those of the same name, which it replaces; returns both.

        One run at a time, and missed ones are not made up for: the newest is enough. Where the one before was
        paused, the new one is: whoever paused it has a reason that a new version does not end.
        """
        before = [each for each in self.all() if each.name == name]
        with in_words(self._api):
            made = self._client.create_recurring_run(
                self._experiment,
                name,
                cron_expression=six_fields(cron),
                max_concurrency=1,
                no_catchup=True,
                params=dict(parameters),
                enabled=not any(each.state == PAUSED for each in before),
                pipeline_id=uploaded.pipeline,
                version_id=uploaded.version,
            )
            schedule = _schedule(made)
        for each in before:
            self.delete(each)
        return schedule, before

    def find(self, name: str) -> Schedule:
        """The schedule of that name or id.

        Raises:
          InputError: there is none, or several of that name.
        """
        known = self.all()
        found = [each for each in known if name in (each.name, each.id)]
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise InputError(f"There are {len(found)} schedules {name!r}. Name one by its id: {ids}.")
        if found:
            return found[0]
        names = ", ".join(sorted({each.name for each in known})) or "none"
        raise InputError(f"There is no schedule {name!r} in {self._api.experiment}. There are: {names}.")

    def pause(self, schedule: Schedule) -> None:
        with in_words(self._api):
            self._client.disable_recurring_run(schedule.id)

    def resume(self, schedule: Schedule) -> None:
        with in_words(self._api):
            self._client.enable_recurring_run(schedule.id)

    def delete(self, schedule: Schedule) -> None:
        with in_words(self._api):
            self._client.delete_recurring_run(schedule.id)


def _schedule(run: Any) -> Schedule:
    trigger = run.trigger.cron_schedule if run.trigger else None
    reference = run.pipeline_version_reference
    return Schedule(
        id=run.recurring_run_id,
        name=run.display_name,
        cron=trigger.cron if trigger else "",
        state=PAUSED if run.status == "DISABLED" else "active",
        version=reference.pipeline_version_id if reference else None,
    )
