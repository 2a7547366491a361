"""The page in a browser: every number on it, by mouse and by keyboard, without the network."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ssl_irmae.protocols.report.page.page import Picture, html_page
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.statistics.summary import Summary, summarise
from tests.browser import CHROMIUM, Page, chromium

NASTY = "my_own & <b>-joint"  # a name that a careless page would take for markup
POINT = '.point[data-contender="irmae-knn"][data-budget="100"]'

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def file(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html_page(report, pictures=[Picture("Spectra", "what it shows", b"\x89PNG")]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser: Page, file: Path) -> Iterator[Page]:
    browser.open(file)
    yield browser
    assert browser.complaints == []
    assert browser.requests == []


def tip(page: Page) -> str:
    """Text of the box beside a point; empty if there is none."""
    text: str = page.run("(t => t.hidden ? '' : t.innerText)(document.getElementById('tip'))")
    return text


def column(page: Page, place: int) -> list[str]:
    """The cells of one column of the first table."""
    cells: list[str] = page.run(
        f"[...document.querySelector('#tables table').tBodies[0].rows].map(row => row.cells[{place}].innerText)"
    )
    return cells


def summary_of(report: Report, contender: str, budget: int) -> Summary:
    (found,) = [s for s in report.summaries if (s.contender, s.budget) == (contender, budget)]
    return found


@in_a_browser
def test_hovering_shows_the_values_of_a_point(page: Page, report: Report) -> None:
    assert tip(page) == ""
    page.hover(POINT)
    s = summary_of(report, "irmae-knn", 100)
    assert tip(page).startswith("irmae-knn, 100 labels")
    assert f"{s.mean:.2f} ± {s.standard_error:.2f} %" in tip(page)
    assert "n = 7 subsets" in tip(page)
    page.hover("h1")
    assert tip(page) == ""


@in_a_browser
def test_the_keyboard_reaches_every_point_and_its_trials(page: Page, report: Report) -> None:
    page.run("document.getElementById('baseline').focus()")
    page.press("Tab")
    here = "document.activeElement.dataset.contender + '/' + document.activeElement.dataset.budget"
    assert page.run(here) == f"{report.drawn[0]}/10"
    assert tip(page).startswith(f"{report.drawn[0]}, 10 labels")
    page.press("ArrowRight")
    assert page.run(here) == f"{report.drawn[0]}/100"
    page.press("End")
    assert page.run(here) == f"{report.drawn[0]}/1000"
    seen = set()
    for _ in report.drawn:
        page.press("ArrowUp")
    for _ in report.drawn:
        seen.add(page.run("document.activeElement.dataset.contender"))
        page.press("ArrowDown")
    assert seen == set(report.drawn)
    label = page.run("document.activeElement.getAttribute('aria-label')")
    assert "% error" in label
    at = page.run(here)
    page.press("Enter")
    assert page.run("document.getElementById('trials').open")
    assert page.run("document.activeElement.id") == "close"
    page.press("Escape")
    assert not page.run("document.getElementById('trials').open")
    assert page.run(here) == at
    page.press("Tab")  # one step leaves the chart
    assert page.run("document.activeElement.closest('#chart')") is None


@in_a_browser
@pytest.mark.parametrize("device", ["mouse", "button in the table", "assistive technology"])
def test_the_trials_behind_a_point_are_one_click_away(page: Page, report: Report, device: str) -> None:
    if device == "mouse":
        page.click(POINT)
    elif device == "assistive technology":  # clicks the element and names no place
        page.run(f"document.querySelector('{POINT}').dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))")
    else:
        page.click("""button[aria-label="7 subsets: trials of irmae-knn at 100 labels"]""")
    assert page.run("document.getElementById('trials-title').innerText") == "irmae-knn, 100 labels"
    cells = page.run("[...document.querySelectorAll('#trials tbody tr')].map(r => [...r.cells].map(c => c.innerText))")
    expected = [t.row for t in report.trials if (t.row.contender, t.row.budget) == ("irmae-knn", 100)]
    assert [(int(seed), float(error), subset) for seed, error, subset, *_ in cells] == [
        (row.seed, row.error, row.subset) for row in expected
    ]
    text = page.run("document.getElementById('trials-body').innerText")
    for part in ("hash-of-irmae", "C 0.1, loss none", "predictions-irmae-knn-100-3", "neighbours", "torch 2.9.0"):
        assert part in text
    page.click("#close")
    assert not page.run("document.getElementById('trials').open")


@in_a_browser
def test_a_point_keeps_the_focus_when_the_chart_is_drawn_anew(page: Page) -> None:
    page.run(f"document.querySelector('{POINT}').focus()")
    statistic = "document.getElementById('statistic')"
    page.run(f"{statistic}.value = 'sd', {statistic}.dispatchEvent(new Event('change'))")
    assert page.run("document.activeElement.classList.contains('point')")
    assert "standard deviation" in tip(page)


@in_a_browser
def test_headers_sort_by_click_and_by_key(page: Page) -> None:
    heads = page.run("[...document.querySelector('#tables thead').rows[0].cells].map(cell => cell.innerText)")
    mean = heads.index("error %")
    order = "document.querySelector('#tables [data-sort=mean]').closest('th').getAttribute('aria-sort')"
    assert page.run(order) == "none"
    unsorted = column(page, mean)
    page.click("#tables [data-sort=mean]")
    assert page.run(order) == "ascending"
    errors = [float(cell) for cell in column(page, mean)]
    assert errors == sorted(errors)
    assert column(page, mean) != unsorted
    assert page.run("document.activeElement.dataset.sort") == "mean"
    page.press("Enter")
    assert page.run(order) == "descending"
    assert [float(cell) for cell in column(page, mean)] == errors[::-1]
    page.run("document.querySelector('#tables [data-sort=name]').focus()")
    page.press(" ")
    assert page.run(order) == "none"
    names = column(page, 0)
    assert names == sorted(names, key=str.lower)


@in_a_browser
def test_a_missing_value_sorts_last_both_ways(page: Page, report: Report) -> None:
    missing = sum(s.standard_error is None for s in report.summaries if s.contender in report.drawn)
    assert missing
    for _ in range(2):
        page.click("#tables [data-sort=se]")
        assert column(page, 3)[-missing:] == [""] * missing


@in_a_browser
def test_each_statistic_shows_its_own_values(page: Page, report: Report) -> None:
    s = summary_of(report, "irmae-knn", 100)
    (d,) = [
        o.difference
        for o in summarise(report.rows(), baseline="irmae-linear")
        if (o.contender, o.budget) == ("irmae-knn", 100) and o.difference is not None
    ]
    page.choose("#statistic", "sd")
    page.hover(POINT)
    assert f"{s.mean:.2f} ± {s.standard_deviation:.2f}" in tip(page)
    assert "several pretraining seeds, means of trials" in page.run("document.getElementById('caption').innerText")
    page.choose("#statistic", "interval")
    page.hover(POINT)
    assert f"95 % interval {s.low:.2f} to {s.high:.2f}" in tip(page)
    assert "95 % t interval" in page.run("document.getElementById('caption').innerText")
    page.choose("#statistic", "difference")
    page.choose("#baseline", "irmae-linear")
    page.hover(POINT)
    assert d.mean > 0
    assert f"+{d.mean:.2f} points to irmae-linear" in tip(page)
    assert page.run("document.querySelectorAll('.point[data-contender=\"irmae-linear\"]').length") == 0
    assert "Δ irmae-linear" in page.run("document.querySelector('#tables [data-sort=d]').innerText")


@in_a_browser
def test_contenders_can_be_chosen(page: Page, report: Report) -> None:
    drawn = "[...new Set([...document.querySelectorAll('.point')].map(p => p.dataset.contender))].sort()"
    assert page.run(drawn) == sorted(report.drawn)
    page.run("document.getElementById('choice').open = true")
    page.click(f"input[value='{NASTY}']")
    assert page.run(drawn) == sorted(set(report.drawn) - {NASTY})
    assert NASTY not in column(page, 0)
    page.click("#none")
    assert page.run(drawn) == []
    page.click("#all")
    assert page.run(drawn) == sorted(report.styles)
    page.click("#default")
    assert page.run(drawn) == sorted(report.drawn)


@in_a_browser
def test_transductive_rows_have_a_table_of_their_own(page: Page) -> None:
    assert "Transductive and not among those chosen above: 1." in page.run("document.body.innerText")
    page.click("#only-chosen")
    tables = page.run(
        "[...document.querySelectorAll('#tables tbody')].map(body => [...body.rows].map(r => r.cells[0].innerText))"
    )
    assert len(tables) == 2
    assert "irmae-poisson-transductive" not in tables[0]
    assert set(tables[1]) == {"irmae-poisson-transductive"}
    assert page.run("document.querySelectorAll('.badge').length") == 1


@in_a_browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_body_never_scrolls_sideways_and_text_stands_out(browser: Page, file: Path, width: int, dark: bool) -> None:
    browser.open(file, width=width, dark=dark)
    for _ in range(2):
        assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
        browser.click(POINT)  # and with the trials open
    ratio = """(() => {
      const light = (c) => {
        const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        const [r, g, b] = c.match(/[\\d.]+/g).map(v => linear(v / 255));
        return .2126 * r + .7152 * g + .0722 * b;
      };
      const paper = light(getComputedStyle(document.body).backgroundColor);
      const written = e => e.offsetParent && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
      return [...document.querySelectorAll('body *:not(.skip)')].filter(written)
        .map(e => light(getComputedStyle(e).color))
        .map(ink => (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05))
        .reduce((a, b) => Math.min(a, b));
    })()"""
    assert browser.run(ratio) >= 4.5  # WCAG 2.2, contrast (minimum)
    assert browser.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)"
    )
    assert browser.complaints == []


@in_a_browser
def test_the_page_shows_the_answer_and_how_it_was_made(page: Page, report: Report) -> None:
    assert page.run("document.querySelector('.answer').innerText") == " ".join(report.answer).replace("`", "")
    text = page.run("document.body.innerText")
    for part in ("No </script> leaks & none was found.", "ssl-irmae evaluate --x '<y>'", "3.11.7", "torch 2.9.0"):
        assert part in text
    assert page.run("document.querySelector('#codes img').alt") == "what it shows"
