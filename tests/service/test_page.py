"""The page of the shift crew in a real browser, against a real service."""

import os
import re
import shutil

import pytest

from tests.service.page_service import TOKEN, ServedPage, Stream

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
expect = playwright.expect

CHROMIUM = os.environ.get("SKDQM_CHROMIUM") or shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip(
        "needs the browser chromium (or set SKDQM_CHROMIUM to its path)", allow_module_level=True
    )

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Each test has a model, and by that a stream, of its own.
MODELS = ["plain", "fault", "dark", "pictures", "seen", "masked", "entry", "narrow", "away", "long"]
SOON = 2000
WATCH_CHARTS = """() => {
  const Real = uPlot;
  window.charts = [];
  uPlot = class extends Real {
    constructor(...given) {
      super(...given);
      charts.push(this);
    }
  };
}"""
FIRST_NAME_OF_600 = """first => charts[0].data[0].length === 600
  && charts[0].axes[0]._values[0] === first"""
OPEN = "#alarms button[data-state=open]"


@pytest.fixture(scope="module")
def service(histograms, tmp_path_factory):
    served = ServedPage(histograms.path, MODELS, tmp_path_factory.mktemp("page"))
    yield served
    served.kill()


@pytest.fixture(scope="module")
def stream(histograms):
    return Stream(histograms)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Visit:
    """Opens pages, and remembers what they complain of and whom they ask."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url
        self.complaints, self.asked, self._contexts = [], set(), []

    def __call__(self, model, *, token=TOKEN, path="/", **options):
        context = self.browser.new_context(
            **{"viewport": {"width": 1400, "height": 900}, **options}
        )
        self._contexts.append(context)
        if token:
            context.add_init_script(f"sessionStorage.setItem('skdqm-token', '{token}')")
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.add(request.url))
        page.goto(f"{self.url}{path}#{model}")
        return page

    def others(self):
        """Return what was asked of others than the service."""
        return [url for url in self.asked if not url.startswith((self.url, "data:"))]

    def close(self):
        for context in self._contexts:
            context.close()

    def _hear(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@pytest.fixture
def visit(browser, service):
    visit = Visit(browser, service.url)
    yield visit
    visit.close()
    assert visit.others() == []


def status_says(page, words, timeout=20_000):
    expect(page.locator("#status")).to_contain_text(words, timeout=timeout)


def test_it_loads_without_a_complaint_and_asks_nobody_else(visit, service, stream):
    page = visit("plain")
    status_says(page, "Waiting for data")
    service.score("plain", stream.good(1, 5))
    status_says(page, "All good")
    expect(page.locator("#trend canvas")).to_be_visible()
    assert visit.complaints == []


def test_the_description_of_the_interface_is_shown_without_the_internet(visit):
    page = visit("", path="/docs", token=None)
    expect(page.locator("#docs .opblock").first).to_be_visible()
    assert visit.complaints == []


def test_a_fault_rings_within_two_seconds(visit, service, stream):
    page = visit("fault")
    service.score("fault", stream.good(1, 20))
    status_says(page, "All good")
    service.score("fault", stream.faulty("charge", 21, 22))
    expect(page.locator(OPEN)).to_have_count(1, timeout=SOON)
    expect(page.locator(OPEN)).to_contain_text("lumisections 21 to 22")
    status_says(page, "1 open alarm, 1 going on")
    expect(page.locator("#news")).to_contain_text("New alarm: charge")
    service.score("fault", stream.good(23, 30))
    status_says(page, "1 open alarm, none going on")


def test_without_beam_nothing_is_called_good(visit, service, stream):
    page = visit("dark")
    service.score("dark", stream.good(1, 5) + stream.empty(6, 7))
    status_says(page, "not enough data to judge")
    service.score("dark", stream.good(8, 9))
    status_says(page, "All good")


def test_pictures_are_those_of_the_alarm_that_is_chosen_also_by_keys(visit, service, stream):
    service.score("pictures", stream.faulty("charge", 5, 6) + stream.faulty("map", 10, 11))
    page = visit("pictures")
    pictures = page.locator("#evidence img")
    page.locator(OPEN, has_text="charge").click()
    expect(page.locator("#evidence figcaption")).to_have_text(["counted", "expected", "pull"])
    before = pictures.first.get_attribute("src")
    assert pictures.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    page.locator(OPEN).first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_contain_text("map")
    expect(pictures.first).not_to_have_attribute("src", before)
    expect(pictures).to_have_count(3)


def test_what_is_acknowledged_is_so_after_a_reload_until_it_is_taken_back(visit, service, stream):
    service.score("seen", stream.faulty("map", 3, 4))
    page = visit("seen")
    page.locator(OPEN).click()
    page.get_by_label("Comment").fill("<b>cable</b> 12")
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    status_says(page, "All good")
    page.reload()
    status_says(page, "All good")
    page.locator("#alarms button[data-state=acknowledged]").click()
    expect(page.locator("#detail-state")).to_contain_text("Acknowledged by lena")
    expect(page.locator("#detail-state")).to_contain_text("<b>cable</b> 12")
    page.get_by_role("button", name="Take acknowledgement back").click()
    status_says(page, "1 open alarm")
    page.get_by_text("Who did what").click()
    expect(page.locator("#audit-rows tr", has_text="withdraw")).to_contain_text("lena")


def test_a_mask_silences_an_element_until_it_is_taken_away(visit, service, stream):
    service.score("masked", stream.faulty("charge", 3, 4))
    page = visit("masked")
    page.locator(OPEN).click()
    page.get_by_role("button", name="Mask charge").click()
    expect(page.get_by_role("dialog")).to_contain_text("do not ring")
    page.get_by_role("dialog").get_by_role("button", name="Mask charge").click()
    status_says(page, "All good: no open alarm, 1 masked")
    service.score("masked", stream.faulty("charge", 20, 21))
    expect(page.locator("#alarms button[data-state=masked]")).to_have_count(2)
    status_says(page, "All good")
    page.get_by_role("button", name="Unmask charge").click()
    page.get_by_role("dialog").get_by_role("button", name="Unmask charge").click()
    expect(page.locator("#no-masks")).to_be_visible()
    service.score("masked", stream.faulty("charge", 40, 41))
    status_says(page, "1 open alarm")


def test_a_token_is_asked_for_and_a_wrong_one_is_refused(visit):
    page = visit("entry", token=None)
    page.get_by_label("Token").fill("not-one-of-the-tokens")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert").filter(has_text="not known")).to_be_visible()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Go on").click()
    status_says(page, "Waiting for data")
    expect(page.get_by_label("Token")).to_be_hidden()
    assert TOKEN not in page.url


def test_a_telephone_shows_it_without_scrolling_sideways(visit, service, stream):
    service.score("narrow", stream.good(1, 20) + stream.faulty("map", 21, 22))
    page = visit("narrow", viewport={"width": 390, "height": 844}, has_touch=True)
    page.locator(OPEN).tap()
    expect(page.locator("#evidence img")).to_have_count(3)
    expect(page.locator("#detail-title")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_page_that_was_left_alone_shows_the_truth_again(visit, service, stream):
    service.score("away", stream.good(1, 10))
    page = visit("away")
    status_says(page, "All good")
    service.kill()
    status_says(page, re.compile("Connection lost.*from .* UTC"))
    service.start()
    service.score("away", stream.faulty("map", 11, 12))
    status_says(page, "1 open alarm", timeout=40_000)
    expect(page.locator("#trend-words")).to_contain_text("lumisection 12")


def test_the_trend_keeps_the_latest_points_under_their_own_names(visit, service, stream):
    page = visit("long")
    status_says(page, "Waiting for data")
    page.evaluate(WATCH_CHARTS)
    for run in range(1, 14):
        service.score("long", stream.good(1, 50, run))
    expect(page.locator("#trend-words")).to_contain_text("run 13, lumisection 50")
    page.wait_for_function(FIRST_NAME_OF_600, arg="1")
    service.score("long", stream.good(1, 5, 14))
    page.wait_for_function(FIRST_NAME_OF_600, arg="6")
