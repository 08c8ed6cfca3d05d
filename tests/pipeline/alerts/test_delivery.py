"""Alerts reach their receivers: through errors, hanging servers and restarts, and never in a run's way."""

import asyncio
import json
import logging
import sys

import httpx
import pytest
from waiting import until

from pipeline.alerts.channels import Undelivered, deliver
from pipeline.alerts.outbox import Outbox
from pipeline.settings.alerts import EVENTS

READS_ITS_INPUT = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"


def messages(folder):
    return sorted(path.name for path in folder.glob("spool/*.json"))


def test_a_webhook_gets_the_alert_as_json_with_a_key_to_tell_repetitions_by(receiver, alert, quick, tmp_path):
    outbox = Outbox(quick(webhook=receiver.url), tmp_path)
    with outbox.delivering():
        outbox.send(alert(version="2", metrics={"accuracy": 0.91}))
    (got,) = receiver.got
    assert (got["event"], got["version"], got["metrics"]) == ("promoted", "2", {"accuracy": 0.91})
    assert got["reasons"] == ["accuracy is up"]
    assert receiver.keys == [got["id"]] == ["20260302-promoted"]
    assert messages(tmp_path) == []


def test_slack_gets_the_title_and_the_reasons_as_text(receiver, alert, quick, tmp_path):
    outbox = Outbox(quick(slack=receiver.url), tmp_path)
    with outbox.delivering():
        outbox.send(alert())
    text = "imdb_sentiment: promoted, version 2 is live (span 5 is new)\n• accuracy is up"
    assert receiver.got == [{"text": text}]


def test_a_command_gets_the_alert_on_standard_input_without_a_shell(alert, quick, tmp_path):
    target = tmp_path / "$(touch shell)"
    outbox = Outbox(quick(command=(sys.executable, "-c", READS_ITS_INPUT, str(target))), tmp_path)
    with outbox.delivering():
        outbox.send(alert())
    assert json.loads(target.read_text())["event"] == "promoted"


@pytest.mark.parametrize("trouble", [500, 429, 302, "hang", "trickle"])
def test_a_receiver_that_fails_is_tried_again(receiver, alert, quick, tmp_path, trouble):
    receiver.answers = [trouble, trouble, 200]
    slow = {"timeout_seconds": 0.5} if trouble in ("hang", "trickle") else {}
    outbox = Outbox(quick(webhook=receiver.url, **slow), tmp_path)
    with outbox.delivering():
        outbox.send(alert())
        receiver.wait_for(lambda: bool(receiver.got))
    assert receiver.asked >= 3  # more where a busy machine takes longer over the answer than the deadline
    assert len(set(receiver.keys)) == 1
    assert messages(tmp_path) == []


@pytest.mark.parametrize(("answer", "told"), [(200, None), (500, "HTTP 500")])
def test_the_deadline_is_of_the_receiver_and_not_of_loading_the_client(
    receiver, quick, monkeypatch, answer, told
):
    """A busy machine takes a minute over the client; the clock of the event loop says so, without waiting."""
    receiver.answers = [answer]
    loop = asyncio.new_event_loop()
    late = 0.0

    class SlowlyLoaded(httpx.AsyncClient):
        def __init__(self, **options):
            nonlocal late
            super().__init__(**options)
            late += 60

    clock = loop.time
    monkeypatch.setattr(loop, "time", lambda: clock() + late)
    monkeypatch.setattr(httpx, "AsyncClient", SlowlyLoaded)
    sent = deliver("webhook", {"id": "1"}, quick(webhook=receiver.url, timeout_seconds=30))
    try:
        if told is None:
            loop.run_until_complete(sent)
        else:
            with pytest.raises(Undelivered, match=told):
                loop.run_until_complete(sent)
    finally:
        loop.close()
    assert receiver.asked == 1 and late == 60


@pytest.mark.parametrize("answer", [500, 429, 302, "hang"])
@pytest.mark.parametrize("channel", ["webhook", "slack"])
def test_what_failed_is_not_tried_again_before_its_time_not_even_at_the_end(
    receiver, alert, quick, tmp_path, answer, channel
):
    receiver.answers = [answer]
    settings = quick(**{channel: receiver.url}, retry_seconds=3600, timeout_seconds=1)
    outbox = Outbox(settings, tmp_path)
    with outbox.delivering():
        outbox.send(alert())
        receiver.wait_for(lambda: receiver.asked > 0)
    assert receiver.asked == 1
    assert messages(tmp_path) == [f"20260302-promoted-{channel}.json"]


def test_nor_is_a_command(alert, quick, tmp_path):
    tries = tmp_path / "tries"
    command = ("sh", "-c", f"echo x >> {tries}; exit 1")
    outbox = Outbox(quick(command=command, retry_seconds=3600), tmp_path)
    with outbox.delivering():
        outbox.send(alert())
    assert tries.read_text() == "x\n"


def test_two_processes_deliver_one_alert_once(receiver, alert, quick, tmp_path):
    receiver.answers = ["hang"]
    first = Outbox(quick(webhook=receiver.url, timeout_seconds=600, linger_seconds=0), tmp_path)
    second = Outbox(quick(webhook=receiver.url), tmp_path)
    with first.delivering():
        first.send(alert())
        receiver.wait_for(lambda: receiver.asked == 1)
        with second.delivering():  # while the first one waits for the answer
            pass
    assert receiver.asked == 1


def test_a_redirect_is_said_with_its_remedy(receiver, alert, quick, tmp_path, caplog):
    receiver.answers = [302]
    outbox = Outbox(quick(webhook=receiver.url, retry_seconds=3600), tmp_path)
    with outbox.delivering():
        outbox.send(alert())
    assert "HTTP 302, a redirect, which is not followed: set the address" in caplog.text


def test_a_server_that_is_not_there_leaves_the_alert_on_the_disk_for_the_next_process(
    receiver, alert, quick, tmp_path
):
    away = Outbox(quick(webhook="http://127.0.0.1:9/nobody"), tmp_path)
    with away.delivering():
        away.send(alert())
    assert messages(tmp_path) == ["20260302-promoted-webhook.json"]

    back = Outbox(quick(webhook=receiver.url), tmp_path)
    with back.delivering():
        receiver.wait_for(lambda: bool(receiver.got))
    assert receiver.got[0]["id"] == "20260302-promoted"
    assert messages(tmp_path) == []


def test_one_that_hangs_holds_up_neither_who_sends_nor_the_other_receivers(receiver, alert, quick, tmp_path):
    target = tmp_path / "told"
    receiver.answers = ["hang"]
    settings = quick(
        webhook=receiver.url,
        command=(sys.executable, "-c", READS_ITS_INPUT, str(target)),
        linger_seconds=0,
    )
    outbox = Outbox(settings, tmp_path)
    with outbox.delivering():
        outbox.send(alert())
        until(target.exists)
    assert "20260302-promoted-webhook.json" in messages(tmp_path)


def test_a_command_that_fails_is_tried_again(alert, quick, tmp_path, caplog):
    fails_once = (
        "import sys, pathlib; p = pathlib.Path(sys.argv[1]); p.exists() or (p.touch(), sys.exit('no line'))"
    )
    outbox = Outbox(quick(command=(sys.executable, "-c", fails_once, str(tmp_path / "once"))), tmp_path)
    with caplog.at_level(logging.WARNING), outbox.delivering():
        outbox.send(alert())
        until(lambda: not messages(tmp_path))
    assert f"{sys.executable} ended with 1: no line" in caplog.text


def test_a_program_that_does_not_exist_is_said_and_kept(alert, quick, tmp_path, caplog):
    outbox = Outbox(quick(command=("/no/such/program",)), tmp_path)
    with caplog.at_level(logging.WARNING), outbox.delivering():
        outbox.send(alert())
    assert "/no/such/program cannot be started: No such file or directory" in caplog.text
    assert messages(tmp_path) == ["20260302-promoted-command.json"]


def test_what_nobody_takes_is_given_up_after_its_time_and_kept_aside(
    receiver, alert, quick, tmp_path, caplog
):
    receiver.answers = [500]
    outbox = Outbox(quick(webhook=receiver.url, keep_hours=1e-9), tmp_path)
    with caplog.at_level(logging.WARNING), outbox.delivering():
        outbox.send(alert())
        until(lambda: not messages(tmp_path))
    assert [path.name for path in tmp_path.glob("undelivered/*")] == ["20260302-promoted-webhook.json"]
    assert "is not retried any more" in caplog.text


def test_only_the_events_that_are_asked_for_are_told(receiver, alert, quick, tmp_path):
    outbox = Outbox(quick(webhook=receiver.url, events=("failed",)), tmp_path)
    with outbox.delivering():
        for event in EVENTS:
            outbox.send(alert(event, event=event))
    assert [got["event"] for got in receiver.got] == ["failed"]


def test_the_log_keeps_every_alert_in_a_line(alert, quick, tmp_path):
    outbox = Outbox(quick(), tmp_path)
    outbox.send(alert("one"))
    outbox.send(alert("two"))
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["one", "two"]


def test_the_same_alert_told_twice_before_it_left_leaves_once(receiver, alert, quick, tmp_path):
    outbox = Outbox(quick(webhook=receiver.url), tmp_path)
    outbox.send(alert())
    outbox.send(alert())
    with outbox.delivering():
        receiver.wait_for(lambda: bool(receiver.got))
    assert len(receiver.got) == 1


def test_a_letter_that_is_damaged_does_not_stop_the_others(receiver, alert, quick, tmp_path):
    outbox = Outbox(quick(webhook=receiver.url), tmp_path)
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "0-torn.json").write_text('{"channel": "web')
    outbox.send(alert())
    with outbox.delivering():
        receiver.wait_for(lambda: bool(receiver.got))
    assert [path.name for path in tmp_path.glob("undelivered/*")] == ["0-torn.json"]


def test_an_address_is_in_no_file_and_no_log(receiver, alert, quick, tmp_path, caplog):
    receiver.answers = [500, 200]
    outbox = Outbox(quick(webhook=receiver.url, slack="http://127.0.0.1:9/SECRET-TOKEN"), tmp_path)
    with caplog.at_level(logging.DEBUG), outbox.delivering():
        outbox.send(alert())
        receiver.wait_for(lambda: bool(receiver.got))
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "SECRET-TOKEN" not in written + caplog.text


def test_the_name_of_a_file_in_a_reason_need_not_be_utf_8(receiver, alert, quick, tmp_path):
    target = tmp_path / "told"
    outbox = Outbox(
        quick(webhook=receiver.url, command=(sys.executable, "-c", READS_ITS_INPUT, str(target))), tmp_path
    )
    with outbox.delivering():
        outbox.send(alert(reasons=["caf\udce9.csv has no column"]))
    assert receiver.got[0]["reasons"] == ["caf\udce9.csv has no column"]
    assert json.loads(target.read_text())["reasons"] == receiver.got[0]["reasons"]


def test_a_letter_that_cannot_be_removed_is_not_told_every_second(
    receiver, alert, quick, tmp_path, monkeypatch, caplog
):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pipeline.alerts.spool.Spool.delivered", refuse)
    outbox = Outbox(quick(webhook=receiver.url, retry_seconds=3600), tmp_path)
    with outbox.delivering():
        outbox.send(alert())
        receiver.wait_for(lambda: bool(receiver.got))
        outbox.send(alert(key="second"))
        receiver.wait_for(lambda: len(receiver.got) > 1)
    assert [got["id"] for got in receiver.got[:2]] == ["20260302-promoted", "second"]
    assert "delivered, but it cannot be removed: Read-only file system" in caplog.text
