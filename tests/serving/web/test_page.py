"""The page at `/`, in a real browser."""

import shutil
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

LINES = """cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return new Set([...range.getClientRects()].map(box => box.top)).size;
}"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-quic"
)

pytestmark = [pytest.mark.proof, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET.split()])


@pytest.fixture
def page(browser, served):
    """The page, opened; an error in its scripts fails the test."""
    errors = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(served.url)
        yield page
    assert errors == []


def ask(page, text):
    page.get_by_label("A text").fill(text)
    page.get_by_role("button", name="Ask the model").click()


def test_a_review_gets_its_label_probability_and_the_version_that_answered(page):
    ask(page, "a good film")
    answer = page.locator("#answer")
    expect(answer).to_contain_text("positive")
    expect(answer).to_contain_text("probability of positive: 73.1 %")
    expect(answer).to_contain_text("answered by version 1")


def test_the_words_that_carried_the_decision_are_marked_and_listed(page):
    ask(page, "a good film, and nothing else")
    expect(page.locator("#strongest tr")).to_have_count(1)
    expect(page.locator("#strongest tr")).to_contain_text("goodpositive26.9 %")
    expect(page.locator("#marked mark")).to_have_text(["good"])
    expect(page.locator("#marked")).to_have_text("a good film, and nothing else")


def test_a_review_without_a_telling_word_says_so(page):
    ask(page, "a film")
    expect(page.locator("#progress")).to_have_text("No single word changes the answer.")
    expect(page.get_by_role("table")).to_be_hidden()


def test_a_long_review_is_explained_too_in_calls_that_the_server_takes(page):
    ask(page, "good " + "film " * 16_000)  # with each of 64 places left out it is more than a body may be
    expect(page.locator("#strongest tr")).to_have_count(1, timeout=60_000)
    expect(page.locator("#strongest tr")).to_contain_text("good film")


def test_a_script_without_spaces_is_left_out_character_by_character(page):
    ask(page, "这是 good 片")
    expect(page.locator("#marked mark")).to_have_text(["good"])
    module = "import('/web/words.js').then(({ pieces }) => pieces(text).map((piece) => piece.text))"
    found = page.evaluate(f"(text) => {module}", "很好 ok,หนังดี")
    assert found == ["很", "好", " ", "ok,", "ห", "นั", "ง", "ดี"]


def test_text_from_right_to_left_is_shown_so(page):
    review = page.get_by_label("A text")
    direction = "(element) => getComputedStyle(element).direction"
    review.fill("فيلم رائع")
    assert review.evaluate(direction) == "rtl"
    review.fill("a good film")
    assert review.evaluate(direction) == "ltr"


def test_markup_in_a_review_is_text(page):
    ask(page, "<img src=x onerror=alert(1)> good")
    expect(page.locator("#marked")).to_have_text("<img src=x onerror=alert(1)> good")
    assert page.locator("#marked img").count() == 0


def test_nothing_is_loaded_from_elsewhere(browser, served):
    asked = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
        page.goto(served.url)
        ask(page, "good")
        expect(page.locator("#strongest tr")).to_have_count(1)
    assert set(asked) - {""} == {served.rest}


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_it_fits_the_width_of_the_screen(browser, served, width):
    with browser.new_context(viewport={"width": width, "height": 700}) as context:
        page = context.new_page()
        page.goto(served.url)
        ask(page, "a good " + "film " * 100 + "x" * 200)
        expect(page.locator("#strongest tr").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for cell in page.locator("th:not(:first-child), td:not(:first-child)").all():
            assert cell.evaluate(LINES) == 1, cell.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_accessibility_is_broken(browser, served, scheme):
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(served.url)
        expect(page.locator("#state")).to_have_text("Ready.")
        before = Axe().run(page)
        ask(page, "a good film")
        expect(page.locator("#strongest tr")).to_have_count(1)
        after = Axe().run(page)
    assert before.violations_count == 0, before.generate_report()
    assert after.violations_count == 0, after.generate_report()


def test_the_keyboard_is_enough(page):
    page.keyboard.press("Tab")
    page.keyboard.type("a good film")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#answer")).to_contain_text("positive")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Ask the model"


def test_an_empty_review_is_not_sent(page):
    ask(page, "   ")
    expect(page.get_by_role("alert")).to_have_text("Type a text first.")


def test_what_the_server_refuses_is_said(browser, serving_small):
    with serving_small(max_text_bytes=50) as served, browser.new_context() as context:
        page = context.new_page()
        page.goto(served.url)
        ask(page, "a good film")
        expect(page.locator("#answer")).to_be_visible()
        ask(page, "x" * 51)
        expect(page.get_by_role("alert")).to_contain_text("50")
        expect(page.locator("#answer")).to_be_hidden()
        expect(page.locator("#reasons")).to_be_hidden()


def test_a_key_is_asked_for_where_the_server_needs_one(browser, serving_small, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("a-long-enough-secret-key\n")
    with serving_small(api_keys=keys) as served, browser.new_context() as context:
        page = context.new_page()
        page.goto(served.url)
        ask(page, "a good film")
        expect(page.get_by_label("API key")).to_be_focused()
        page.get_by_label("API key").fill("a-long-enough-secret-key")
        page.get_by_role("button").click()
        expect(page.locator("#answer")).to_contain_text("positive")


def test_figures_of_the_server_follow_what_it_does(page):
    page.clock.install()
    page.reload()
    expect(page.locator("#requests")).to_have_text("0")
    ask(page, "a good film")
    expect(page.locator("#strongest tr")).to_have_count(1)
    page.clock.run_for(6000)
    # The prediction, the names of the version's classes, and the words left out.
    expect(page.locator("#requests")).to_have_text("3")
    expect(page.locator("#errors")).to_have_text("0")
    expect(page.locator("#median")).to_contain_text("ms")


def test_pieces_of_a_text_make_the_text_and_are_few(page):
    found = page.evaluate(
        """async () => {
          const { pieces } = await import("/web/words.js");
          const long = [255, 256, 10000].map((words) => "word ".repeat(words));
          const texts = ["", " ", "a", " a  b\\n", ...long];
          return texts.map((text) => {
            const found = pieces(text);
            return [text === found.map((piece) => piece.text).join(""), found.filter((p) => p.isWord).length];
          });
        }"""
    )
    assert found == [[True, 0], [True, 0], [True, 1], [True, 2], [True, 255], [True, 256], [True, 250]]


def test_quantiles_lie_between_the_bounds_that_hold_them(page):
    found = page.evaluate(
        """async () => {
          const { look, parse, quantile } = await import("/web/figures.js");
          const name = ":tensorflow:serving:request_latency_bucket";
          const line = (bound, count) => `${name}{le="${bound}"} ${count}\\n`;
          const text = (n) => line("1000.0", n) + line("2000.0", 2 * n) + line("+Inf", 2 * n);
          const [before, after] = [look(parse(text(0))), look(parse(text(10)))];
          return [quantile(before, after, 0.5), quantile(before, after, 0.75), quantile(after, after, 0.5)];
        }"""
    )
    assert found == [1.0, 1.5, None]


def test_the_page_may_load_nothing_but_its_own_files(served):
    policy = served.client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert served.client.get("/web/style.css").headers["content-type"] == "text/css"
    for path in ("/web/", "/web/files.py", "/web/%2e%2e/service.py", "/web/index.html"):
        assert served.client.get(path).status_code == 404, path
