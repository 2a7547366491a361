"""The page of pictures: hostile names stay text, and it says how many of how many it shows."""

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from PIL import Image

from ssl_irmae.protocols.labelling.page.pictures_page import Shown, pictures_page
from tests.browser import CHROMIUM, chromium

HOSTILE = "</figcaption><script>alert('x')</script>\"' onerror=\"alert(1)\" {{ 7 * 7 }} &amp; \udcff.png"


class Read(HTMLParser):
    """Elements with their attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def grey(height: int, width: int) -> torch.Tensor:
    return torch.randint(0, 256, (1, height, width), dtype=torch.uint8)


def test_hostile_text_is_shown_and_nothing_else() -> None:
    tame = Read(pictures_page("x", ["x"], [Shown("x", grey(8, 8), ("x",), flag="x", file="x")]))
    shown = Shown(HOSTILE, grey(8, 8), (HOSTILE,), flag=HOSTILE, file=HOSTILE)
    page = pictures_page(HOSTILE, [HOSTILE], [shown])
    read = Read(page)
    assert [(tag, sorted(a)) for tag, a in read.elements] == [(tag, sorted(a)) for tag, a in tame.elements]
    text = HOSTILE.replace("\udcff", "?")  # a byte that is not UTF-8
    assert read.text.count(text) == 6  # title and heading, line, path, caption, flag
    assert read.all("img")[0]["alt"] == f"Picture {text}"
    page.encode()


def test_a_file_is_linked_whatever_its_name() -> None:
    for name, link in {"javascript:alert(1)": "javascript%3Aalert%281%29", "a b/#1?.png": "a%20b/%231%3F.png"}.items():
        page = Read(pictures_page("x", [], [Shown(name, grey(8, 8), file=name)]))
        assert page.all("a") == [{"href": link}]
    assert Read(pictures_page("x", [], [Shown("0", grey(8, 8))])).all("a") == []


@pytest.mark.parametrize(("count", "says"), [(1, "One picture"), (4, "All 4 pictures"), (12, "first 5 of 12 pictures")])
def test_the_page_says_how_many_of_how_many_it_shows(count: int, says: str) -> None:
    read = Read(pictures_page("x", [], [Shown(f"{i}.png", grey(4, 4)) for i in range(count)], most=5))
    assert says in read.text
    assert [image["alt"] for image in read.all("img")] == [f"Picture {i}.png" for i in range(min(count, 5))]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 96, 40), (3, 400, 300), (3, 1, 900)])
def test_pictures_are_at_most_96_pixels_and_keep_their_shape(shape: tuple[int, int, int]) -> None:
    image = torch.randint(0, 256, shape, dtype=torch.uint8)
    (shown,) = Read(pictures_page("x", [], [Shown("x", image)])).all("img")
    source, width, height = str(shown["src"]), int(str(shown["width"])), int(str(shown["height"]))
    decoded = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
    assert 48 < max(width, height) <= 96
    assert width / decoded.width == height / decoded.height
    assert decoded.width * shape[1] == pytest.approx(decoded.height * shape[2], abs=max(shape))
    if max(shape) <= 96:  # small ones are kept pixel by pixel
        kept = torch.tensor(list(decoded.tobytes()), dtype=torch.uint8).view(*shape[1:], shape[0]).permute(2, 0, 1)
        assert torch.equal(kept, image)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_the_page_fits_every_width_and_asks_for_nothing(tmp_path: Path) -> None:
    long = Shown("folder/" + 40 * "name" + ".png", grey(32, 32), ("between 'cat' (0.48) and 'dog' (0.45)",), flag="x")
    file = tmp_path / "page.html"
    file.write_text(pictures_page(40 * "title", ["x"], [long, Shown(HOSTILE, grey(90, 90))]), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        for width, dark in ((375, True), (1280, False)):
            browser.open(file, width=width, dark=dark)
            assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
            assert browser.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
            assert browser.complaints == []
            assert browser.requests == []
