"""What releases require that only a source distribution could say, or that say it in a form that uv does not read.

Building Chainer to learn four names takes longer than all the rest of a resolution. pandas before 0.25 asks for
`pytz>=2011k`, which is no version by PEP 440, so that uv takes none of its releases.
"""

from __future__ import annotations

import json

from faena.environments.frameworks import FRAMEWORKS

_PANDAS = {
    "numpy>=1.12.0 python-dateutil>=2.5.0": "0.24.0 0.24.1 0.24.2",
    "numpy>=1.9.0 python-dateutil>=2.5.0": "0.23.0 0.23.1 0.23.2 0.23.3 0.23.4",
    "numpy>=1.9.0 python-dateutil>=2": "0.21.0 0.21.1 0.22.0",
    "numpy>=1.7.0 python-dateutil>=2": "0.19.0 0.19.1 0.19.2 0.20.0 0.20.1 0.20.2 0.20.3",
}
"""What they require on Python 3, beside any pytz -> versions."""


def uv_settings(requirements: str) -> str:
    """The text of a uv.toml. `requirements`: what is asked for; of a package's extras nothing is known here."""
    asked = requirements.replace(" ", "").lower()
    known = [
        {"name": framework.package, "version": release.version, "requires-dist": list(release.declares)}
        for framework in FRAMEWORKS.values()
        for release in framework.releases
        if release.declares and f"{framework.package}[" not in asked
    ]
    known += [
        {"name": "pandas", "version": version, "requires-dist": [*needs.split(), "pytz"]}
        for needs, versions in _PANDAS.items()
        for version in versions.split()
    ]
    return "".join(
        "[[dependency-metadata]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in each.items())
        for each in known
    )
