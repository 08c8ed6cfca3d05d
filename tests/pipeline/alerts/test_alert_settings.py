"""Addresses of alerts are passwords: where they come from, and that nothing shows them."""

import pytest

from components.errors import InputError
from pipeline.config import load, to_toml
from pipeline.settings.alerts import AlertSettings, resolve

SECRET = "https://hooks.example.com/services/T0/SECRET"


def test_an_address_that_is_written_out_shows_its_host_alone(greenlight):
    result = greenlight("config", "show", "--set", f"alerts.webhook={SECRET}")
    assert 'webhook = "https://hooks.example.com/***"' in result.stdout
    settings = load(assignments=[f"alerts.webhook={SECRET}"])
    assert "SECRET" not in to_toml(settings) + repr(settings) + str(settings) + settings.model_dump_json()


def test_where_it_is_read_from_is_no_secret():
    settings = load(assignments=["alerts.webhook=env:ALERTS_URL", "alerts.slack=file:/run/secrets/slack"])
    assert 'webhook = "env:ALERTS_URL"' in to_toml(settings)
    assert load(assignments=["alerts.webhook=env:ALERTS_URL"]).alerts.webhook == settings.alerts.webhook


def test_it_is_read_at_the_time_of_delivery(tmp_path, monkeypatch):
    kept = tmp_path / "url"
    kept.write_text(f"{SECRET}\n")
    settings = AlertSettings(webhook="env:ALERTS_URL", slack=f"file:{kept}")
    monkeypatch.setenv("ALERTS_URL", SECRET)
    assert resolve(settings.webhook) == resolve(settings.slack) == SECRET


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("env:NO_SUCH_VARIABLE", "the environment variable NO_SUCH_VARIABLE holds is not an address"),
        ("file:/no/such/file", "alerts in /no/such/file cannot be read: No such file or directory"),
    ],
)
def test_one_that_is_not_there_is_named(address, message):
    with pytest.raises(InputError, match=message):
        resolve(AlertSettings(webhook=address).webhook)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("htps://host/SECRET", "expected http://..., https://..., env:VARIABLE or file:PATH"),
        ("https://host/SECRET and more", "expected http://..."),
        ("https://host:99999/SECRET", "expected http://..."),
        ("https:///SECRET", "expected http://..."),
        ("env:SE CRET", "after env: comes the name of an environment variable"),
        ("file:", "after file: comes a path"),
        ("https://hooks.example.com/***", "has hidden this address; give env:VARIABLE or file:PATH"),
    ],
)
def test_a_mistake_is_told_without_what_was_given(greenlight, address, message):
    result = greenlight("config", "show", "--set", f"alerts.webhook={address}")
    assert result.exit_code == 2
    assert result.stderr.startswith('Error: alerts.webhook = "***" (from --set): ')
    assert message in result.stderr
    assert "SECRET" not in result.stderr and "SE CRET" not in result.stderr


def test_the_settings_that_a_run_keeps_say_nothing_of_alerts(greenlight, monkeypatch):
    from pipeline.engine import local_runner

    kept = []
    monkeypatch.setattr(local_runner, "to_toml", lambda settings: kept.append(settings) or "")
    monkeypatch.setattr(
        local_runner._Attempt, "result", lambda self, **_: local_runner.RunResult(verdict="refused")
    )
    greenlight("run", "--set", f"alerts.webhook={SECRET}", "--set", "data.limit=300")
    assert kept[0].alerts == AlertSettings()
