"""`greenlight config`: what a run would take, and what a setting is."""

import tomllib


def test_config_show_prints_what_run_would_take(greenlight, tmp_path):
    shown = greenlight("config", "show", "--preset", "seed", "--set", "trainer.epochs=4")
    assert shown.exit_code == 0
    (tmp_path / "shown.toml").write_text(shown.stdout)
    again = greenlight("config", "show", "--config", "shown.toml")
    assert tomllib.loads(again.stdout) == tomllib.loads(shown.stdout)
    assert "\nepochs = 4  # --set\n" in shown.stdout
    assert "\ntest_weight = 0  # preset seed\n" in shown.stdout


def test_config_explain_documents_one_key_a_section_or_all(greenlight):
    assert greenlight("config", "explain", "trainer.epochs").stdout.startswith("trainer.epochs\n")
    section = greenlight("config", "explain", "trainer").stdout
    assert section.startswith("[trainer]\n  trainer.module ") and "\n  trainer.epochs " in section
    assert "gate." not in section
    assert section in greenlight("config", "explain").stdout
