"""What releases require that only a source distribution could say: uv need not build them to hear it.

Building Chainer to learn four names takes longer than all the rest of a resolution.
"""

from __future__ import annotations

import json

from faena.environments.frameworks import FRAMEWORKS


def uv_settings(requirements: str) -> str:
    """The text of a uv.toml. `requirements`: what is asked for; of a package's extras nothing is known here."""
    asked = requirements.replace(" ", "").lower()
    known = [
        {"name": framework.package, "version": release.version, "requires-dist": list(release.declares)}
        for framework in FRAMEWORKS.values()
        for release in framework.releases
        if release.declares and f"{framework.package}[" not in asked
    ]
    return "".join(
        "[[dependency-metadata]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in each.items())
        for each in known
    )
