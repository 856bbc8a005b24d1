"""What a page asks for besides itself: all of it at once, by addresses that can be kept."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from faena.server.pages import assets
from faena.server.pages.charts import first_curves

STATIC = Path(assets.__file__).parent / "static"


def test_a_script_is_asked_for_with_all_that_it_imports() -> None:
    for script in STATIC.glob("*.js"):
        known = {script.name, *assets.modules(script.name)}
        assert len(known) == 1 + len(assets.modules(script.name)), "each once"
        for name in known:
            found = assets.get(name)
            assert found is not None, name
            text = found.data.decode()
            wanted = {*re.findall(r'(?:^import|from) "\./([\w.]+)"', text, re.MULTILINE)}
            assert wanted <= known, f"{script.name} needs {wanted - known} by {name}"
    assert "uPlot.esm.js" in assets.modules("run.js")
    assert "parallel.js" not in assets.modules("compare.js"), "what comes later is not asked for before"


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
