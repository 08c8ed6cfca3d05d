"""The report in a browser: on a narrow screen nothing is cut off, and no setting's key is broken."""

import json
import shutil

import pytest
from playwright.sync_api import sync_playwright

from pipeline.config import Settings
from pipeline.report.page import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [pytest.mark.proof, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]


@pytest.mark.parametrize("width", [320, 360, 640, 641, 1280])
def test_the_page_is_no_wider_than_the_screen(make_run, report_parts, width):
    made = make_run()
    verdict = report_parts.verdict() | {"negation": report_parts.NEGATION}
    (made.path("Evaluator", "evaluation") / "verdict.json").write_text(json.dumps(verdict))
    path = write_report(made.run, made.result, Settings(), workspace=made.root)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        hidden = page.eval_on_selector_all(
            ".scroll:not(:has(.graph)):not(details *)",
            "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.ariaLabel)",
        )
        assert hidden == []
        lines = page.eval_on_selector_all(".keys code", "all => all.map(one => one.getClientRects().length)")
        assert set(lines) == {1}
        browser.close()
