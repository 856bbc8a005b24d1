"""Small packages made on the spot: wheels, and source distributions whose build does what a test needs."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

_BACKEND = """
import os, time, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
{body}
    name = "{name}-{version}-py3-none-any.whl"
    info = "{name}-{version}.dist-info"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("{name}.py", "VALUE = 1\\n")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.2\\nName: {name}\\nVersion: {version}\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
"""
_PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def make_wheel(folder: Path, name: str, version: str = "1.0", *, requires: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n{needs}"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def make_sdist(folder: Path, name: str, body: str, version: str = "1.0", *, builds_with: str = "") -> Path:
    """A source distribution that is resolved without a build; building it runs the lines of `body` first.

    `builds_with`: a package that its build has."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    files = {
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": _PROJECT.replace("[]", f'["{builds_with}"]' if builds_with else "[]")
        + f'[project]\nname = "{name}"\nversion = "{version}"\n',
        "backend.py": _BACKEND.format(body=lines, name=name, version=version),
    }
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{file}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def make_project(folder: Path, body: str = "X = 1\n") -> Path:
    """A folder that builds `my-own`, whose module holds `body`; it needs `thing`, and `other` for its extra `more`."""
    folder.mkdir(exist_ok=True)
    (folder / "backend.py").write_text(
        "import zipfile, os\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    name = 'my_own-0.3-py3-none-any.whl'\n"
        "    with zipfile.ZipFile(os.path.join(folder, name), 'w') as wheel:\n"
        "        wheel.write('my_own.py')\n"
        "        info = 'my_own-0.3.dist-info/'\n"
        "        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.2\\nName: my-own\\nVersion: 0.3\\n'\n"
        "                       'Requires-Dist: thing\\nProvides-Extra: more\\n'\n"
        "                       'Requires-Dist: other; extra == \"more\"\\n')\n"
        "        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
        "        wheel.writestr(info + 'RECORD', '')\n"
        "    return name\n"
    )
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "my_own.py").write_text(body)
    return folder
