"""Schedules on a cluster (KFP's recurring runs): create, list, pause, resume, delete."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable

from components.errors import GreenlightError, InputError
from pipeline.kubeflow.api import Json, KubeflowApi, Missing, Unclear

PAUSED = "paused"
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
    """The expression in KFP's format, with seconds in front: 0 3 * * * becomes 0 0 3 * * *.

    Raises:
      InputError: it is not a cron expression of five fields that KFP (robfig/cron) can parse.
    """
    from pipeline.settings.cron import refuse_unusable

    fields = cron.split()
    try:
        if len(fields) != 5:
            raise ValueError(f"it has {len(fields)} field{'' if len(fields) == 1 else 's'}, not five")
        refuse_unusable(cron)
        for item in ",".join(fields).split(","):
            if not _ITEM.fullmatch(item):
                raise ValueError(f"Kubeflow does not support {item!r}")
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
      api: the connection.
      experiment: its id; None if it does not exist yet, and so has no schedules.
    """

    def __init__(self, api: KubeflowApi, experiment: str | None):
        self._api = api
        self._experiment = experiment

    def all(self) -> list[Schedule]:
        """All schedules in the order of the cluster."""
        if self._experiment is None:
            return []
        listed = self._api.listed("/recurringruns", "recurringRuns", experiment_id=self._experiment)
        return [self._read(each) for each in listed]

    def set(self, name: str, cron: str, started_with: Json) -> tuple[Schedule, list[Schedule]]:
        """Creates a schedule and deletes the earlier ones of the same name; returns both.

        `started_with`: the fields of the requests that start its runs.

        Runs of a schedule do not overlap, and of those that it missed only the last is made up for: a run
        reads the newest data anyway. The new schedule is paused if the earlier one was: a new version does
        not change the reason for that.

        Raises:
          InputError: the host refuses.
          GreenlightError: the schedule was not created, or may have been, or an earlier one still exists; the
            message says which.
        """
        before = [each for each in self.all() if each.name == name]
        body = {
            "experiment_id": self._experiment,
            "display_name": name,
            "trigger": {"cron_schedule": {"cron": six_fields(cron)}},
            "max_concurrency": 1,
            "no_catchup": True,
            "mode": "DISABLE" if any(each.state == PAUSED for each in before) else "ENABLE",
            **started_with,
        }
        schedule = self._made(body, before)
        for each in before:
            try:
                self.delete(each)
            except GreenlightError as error:
                kind = InputError if isinstance(error, InputError) else GreenlightError
                raise kind(
                    f"{error} The new schedule {name} exists ({schedule.id}), and so does the one before it: "
                    f"`greenlight schedule --delete {each.id}` deletes it."
                ) from error
        return schedule, before

    def _made(self, body: Json, before: list[Schedule]) -> Schedule:
        """Creates the schedule once: it is looked up if the response of the host is lost.

        Raises:
          GreenlightError: the schedule may have been created.
        """
        name = body["display_name"]
        try:
            return self._read(self._api.post("/recurringruns", body))
        except Unclear as unclear:
            try:
                known = {each.id for each in before}
                new = [each for each in self.all() if each.name == name and each.id not in known]
            except GreenlightError as error:
                raise _may_be_there(unclear, f"It could not be looked up: {error}") from unclear
            if new:
                return new[-1]
            if unclear.was_refused:
                raise
            if not unclear.is_over:
                raise _may_be_there(unclear, "A lookup did not find it.") from unclear
        return self._read(self._api.post("/recurringruns", body))

    def find(self, name: str) -> Schedule:
        """The schedule with that name or id.

        Raises:
          InputError: it does not exist, or several have that name.
        """
        known = self.all()
        found = [each for each in known if name in (each.name, each.id)]
        if len(found) > 1:
            ids = ", ".join(each.id for each in found)
            raise InputError(f"There are {len(found)} schedules {name!r}. Name one by its id: {ids}.")
        if found:
            return found[0]
        names = ", ".join(sorted({each.name for each in known})) or "none"
        raise InputError(
            f"There is no schedule {name!r} in {self._api.settings.experiment}. There are: {names}."
        )

    def pause(self, schedule: Schedule) -> None:
        self._repeated(lambda: self._api.post(f"/recurringruns/{schedule.id}:disable"))

    def resume(self, schedule: Schedule) -> None:
        self._repeated(lambda: self._api.post(f"/recurringruns/{schedule.id}:enable"))

    def delete(self, schedule: Schedule) -> None:
        """Deletes the schedule and lets its running run continue: Kubernetes would delete it with its owner.

        Servers before 2.16 ignore that. After a lost response, a missing schedule counts as deleted.
        """
        path, keeping_runs = f"/recurringruns/{schedule.id}", {"propagation_policy": "ORPHAN"}
        try:
            self._api.delete(path, **keeping_runs)
        except Unclear:
            with contextlib.suppress(Missing):
                self._api.delete(path, **keeping_runs)

    def _repeated(self, request: Callable[[], Json]) -> None:
        """Sends an idempotent request, a second time if the response is lost."""
        try:
            request()
        except Unclear:
            request()

    def _read(self, told: Json) -> Schedule:
        try:
            return _schedule(told)
        except (KeyError, TypeError, AttributeError) as error:
            raise Unclear(str(self._api.unreadable(error)), is_over=True) from error


def _may_be_there(unclear: Unclear, asked: str) -> GreenlightError:
    return GreenlightError(
        f"{unclear} The schedule may have been made. {asked} `greenlight schedule` lists what there is; the "
        "same command again replaces it."
    )


def _schedule(told: Json) -> Schedule:
    trigger = (told.get("trigger") or {}).get("cron_schedule") or {}
    reference = told.get("pipeline_version_reference") or {}
    return Schedule(
        id=told["recurring_run_id"],
        name=told["display_name"],
        cron=trigger.get("cron", ""),
        state=PAUSED if told.get("status") == "DISABLED" else "active",
        version=reference.get("pipeline_version_id"),
    )
