"""What a page asks for besides itself: all of it at once, by addresses that can be kept."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from faena.server.pages import assets, modules
from faena.server.pages.charts import first_curves

STATIC = Path(assets.__file__).parent / "static"


def test_a_script_comes_with_all_that_it_imports() -> None:
    for script in STATIC.glob("*.js"):
        found = assets.get(f"{script.stem}.whole.js")
        assert found is not None
        text = found.data.decode()
        parts = re.findall(r"^const \$(\w+) = ", text, re.MULTILINE)
        assert len(parts) == len({*parts}), "each once"
        assert parts[-1] == script.stem
        outside = re.findall(r'^import [^"]*"\./([\w.]+)";$', text, re.MULTILINE)
        assert tuple(outside) == assets.modules(script.name)
        for place, name in enumerate(parts):
            for wanted in modules.imports(STATIC.joinpath(f"{name}.js").read_text()):
                assert wanted in parts[:place] or f"{wanted}.js" in outside, f"{name} runs after {wanted}"
    assert assets.modules("run.js") == ("uPlot.esm.js",)
    assert assets.get("nothing.whole.js") is None
    assert b'import("./parallel.whole.js")' in (assets.get("compare.whole.js") or script_of("")).data


def script_of(text: str) -> assets.StaticFile:
    return assets.StaticFile(text.encode(), "text/javascript")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('import { a } from "./b.js";\nexport default a;', "export default a"),
        ('import * as b from "./b.js";', "import \\* as b"),
        ('import b from "./b.js";', "has no name for"),
        ('import "./a.js";', "itself"),
        ("export { a };", "export { a }"),
    ],
)
def test_a_module_that_is_written_in_another_way_is_refused(text: str, said: str) -> None:
    known = {"a": text, "b": "export const a = 1;"}
    with pytest.raises(ValueError, match=said):
        modules.whole("a", known.__getitem__)


def test_styles_of_a_page_are_one_file() -> None:
    name = assets.styles(["uPlot.min", "log"]).rpartition("/")[2]
    found = assets.get(name)
    assert found is not None
    parts = [assets.get(each) for each in ("page.css", "uPlot.min.css", "log.css")]
    assert found.data == b"\n".join(each.data for each in parts if each is not None)
    assert assets.get("page+nothing.css") is None
    assert assets.get("page+log.js") is None
    assert assets.get("+".join(["page"] * 100) + ".css") is None


def test_the_first_curves_are_those_that_the_page_asks_for_as_it_is_opened() -> None:
    asked = parse_qs(urlsplit(first_curves.address(["a&b"], ["loss", "x y"], "time")).query)
    assert asked == {
        "axis": ["time"],
        "source": ["script"],
        "buckets": [str(first_curves.BUCKETS)],
        "run": ["a&b"],
        "name": ["loss", "x y"],
    }
    assert f"USUAL = {first_curves.BUCKETS};" in (STATIC / "curve_data.js").read_text()
    many = first_curves.address([f"run_{each}" for each in range(100)], ["loss", "accuracy"])
    assert many.count("name=") == 1, "the first chart is there soon"
    assert not first_curves.address(["a"], ["loss"], search="acc"), "others are looked for"
    assert not first_curves.address(["a"], [])
    assert not first_curves.address(["a"], ["loss"], "no axis")
