"""Whole exports of conda's environments: what a `conda env export` on three systems holds."""

from __future__ import annotations

import pytest

from faena.environments.catalogue import plan
from faena.environments.conda import translate
from faena.environments.model import EnvironmentSpec
from faena.environments.requirements import name_of

LINUX = """
    _libgcc_mutex=0.1=main _openmp_mutex=4.5=1_gnu _tflow_select=2.3.0=mkl absl-py=0.11.0=pyhd3eb1b0_1
    attr=2.5.1=h166bdaf_0 blas=1.0=mkl bzip2=1.0.8=h7b6447c_0 c-ares=1.17.1=h27cfd23_0
    ca-certificates=2021.1.19=h06a4308_0 certifi=2020.12.5=py38h06a4308_0 dataclasses=0.6=pyh79e4a7d_7
    dbus=1.13.18=hb2f20db_0 expat=2.2.10=he6710b0_2 ffmpeg=4.0=hcdf2ecd_0 fontconfig=2.13.1=h6c09931_0
    freetype=2.10.4=h5ab3b9f_0 glog=0.4.0=h49b9bf7_3 graphviz=2.40.1=h21bd128_2 hdf5=1.10.2=hba1933b_1
    icu=58.2=he6710b0_3 importlib_metadata=2.0.0=1 intel-openmp=2020.2=254 jpeg=9b=h024ee3a_2
    krb5=1.18.2=h173b8e3_0 lcms2=2.11=h396b838_0 ld_impl_linux-64=2.33.1=h53a641e_7 libffi=3.3=he6710b0_2
    libgcc-ng=9.1.0=hdf63c60_0 libpng=1.6.37=hbc83047_0 lz4-c=1.9.3=h2531618_0
    matplotlib-base=3.3.2=py38h817c723_0 mkl=2020.2=256 mkl-service=2.3.0=py38he904b0f_0
    mkl_fft=1.3.0=py38h54f3939_0 msgpack-python=1.0.2=py38hff7bd54_1 ncurses=6.2=he6710b0_1
    numpy=1.19.2=py38h54aff64_0 numpy-base=1.19.2=py38hfa32c7d_0 openssl=1.1.1k=h27cfd23_0
    pip=21.0.1=py38h06a4308_0 pyqt=5.9.2=py38h05f1152_4 python=3.8.5=h7579374_1 python_abi=3.8=1_cp38
    qt=5.9.7=h5867ecd_1 readline=8.1=h27cfd23_0 setuptools=52.0.0=py38h06a4308_0 snappy=1.1.8=he6710b0_0
    sqlite=3.33.0=h62c20be_0 tensorflow=2.2.0=mkl_py38h6d3daf0_0 tensorflow-base=2.2.0=mkl_py38h5059a2d_0
    tk=8.6.10=hbc83047_0 xz=5.2.5=h7b6447c_0 yaml=0.2.5=h7b6447c_0 zeromq=4.3.3=he6710b0_3
    zlib=1.2.11=h7b6447c_3 zstd=1.4.5=h9ceee32_0 someclib=1.0=h0123abc_3 gast=0.3.3=pypi_0
    opt-einsum=3.3.0=pypi_0
"""
WINDOWS = """
    blas=1.0=mkl ca-certificates=2024.7.2=haa95532_0 console_shortcut=0.1.1=4 icc_rt=2022.1.0=h6049295_2
    icu=73.1=h6c2663c_0 intel-openmp=2023.1.0=h59b6b97_46320 jpeg=9e=h827c3e9_1 m2w64-gcc-libs=5.3.0=7
    menuinst=1.4.16=py39h59b6b97_0 msys2-conda-epoch=20160418=1 numpy=1.26.4=py39h055cbcc_0
    numpy-base=1.26.4=py39h65a83cf_0 openssl=3.0.14=h827c3e9_0 pandas=2.2.2=py39h5da7b33_0
    python=3.9.19=h1aa4202_1 python-dateutil=2.9.0post0=py39haa95532_2 python-tzdata=2023.3=pyhd3eb1b0_0
    pywin32=305=py39h2bbff1b_0 pywinpty=2.0.10=py39h5da7b33_0 qt-main=5.15.2=h19c9488_10
    sqlite=3.45.3=h2bbff1b_0 tbb=2021.8.0=h59b6b97_0 tzdata=2024a=h04d1e81_0 ucrt=10.0.20348.0=haa95532_0
    vc=14.40=h2eaa2aa_0 vs2015_runtime=14.40.33807=h98bb1dd_0 win_inet_pton=1.1.0=py39haa95532_0
    wincertstore=0.2=py39haa95532_2 winpty=0.4.3=4 xz=5.4.6=h8cc25b3_1 zlib=1.2.13=h8cc25b3_1
"""
MAC = """
    appnope=0.1.0=py37_0 ca-certificates=2020.6.24=0 hdf5=1.10.5=nompi_h0cbb7df_1103 libcxx=10.0.0=1
    libgfortran=3.0.1=h93005f0_2 llvm-openmp=10.0.0=h28b9765_0 ncurses=6.2=h0a44026_1
    openssl=1.1.1g=h1de35cc_0 pandoc=2.10=0 perl=5.26.2=h4e221da_0 jupyter=1.0.0=py37_7 matplotlib=3.2.2=0
    pyobjc-core=6.2=py37h_0 python=3.7.7=hf48f09d_4 python.app=2=py37_10 scipy=1.5.0=py37h912ce22_0
    six=1.15.0=py_0
"""


def test_an_export_of_linux() -> None:
    found = translate(LINUX.split(), has=lambda program: False)
    assert set(found.requirements) == {
        *(
            "absl-py==0.11.0",
            "certifi==2020.12.5",
            "importlib-metadata==2.0.0",
            "matplotlib==3.3.2",
            "msgpack==1.0.2",
        ),
        *("numpy==1.19.2", "pip==21.0.1", "pyqt5==5.9.2", "setuptools==52.0.0", "tensorflow==2.2.0"),
        *("gast==0.3.3", "opt-einsum==3.3.0"),
    }
    assert str(found.python) == "==3.8.5"
    [left_out] = [note for note in found.notes if "left out" in note]
    for name in ("_libgcc_mutex", "openssl", "snappy", "glog", "attr", "someclib", "ffmpeg", "dataclasses"):
        assert f"{name}," in left_out or f"{name}." in left_out


def test_an_export_of_windows() -> None:
    assert set(translate(WINDOWS.split()).requirements) == {
        *("numpy==1.26.4", "pandas==2.2.2", "python-dateutil==2.9.0post0", "tzdata==2023.3"),
    }


def test_an_export_of_a_mac() -> None:
    found = plan(EnvironmentSpec(conda_packages=tuple(MAC.split())))
    assert found.own == ("jupyter==1.0.0", "matplotlib==3.2.2", "scipy==1.5.0", "six==1.15.0")
    assert found.preferred == "3.8"
    assert "3.7.7" in found.warnings[0]


@pytest.mark.parametrize("text", [LINUX, WINDOWS, MAC], ids=["linux", "windows", "mac"])
def test_without_builds_it_comes_to_the_same(text: str) -> None:
    whole = [entry for entry in text.split() if not entry.endswith("pypi_0") and "someclib" not in entry]
    short = [entry.rpartition("=")[0] for entry in whole]
    bare = [entry.partition("=")[0] for entry in whole]
    names = [name_of(each) for each in translate(whole).requirements]
    assert [name_of(each) for each in translate(short).requirements] == names
    assert list(dict.fromkeys(name_of(each) for each in translate(bare).requirements)) == names


@pytest.mark.parametrize(
    "name",
    [
        *(
            "snappy",
            "attr",
            "glog",
            "benchmark",
            "fmt",
            "blosc",
            "brotli",
            "zstd",
            "krb5",
            "lmdb",
            "re2",
            "flatbuffers",
        ),
        *(
            "tk",
            "yaml",
            "sqlite",
            "zeromq",
            "libsodium",
            "lz4-c",
            "mpi",
            "typing",
            "libclang",
            "boost",
            "openssl",
        ),
        *(
            "_libgcc_mutex",
            "sysroot_linux-64",
            "cuda-nvcc",
            "xorg-libxau",
            "arrow-cpp",
            "aws-c-common",
            "conda",
        ),
    ],
)
@pytest.mark.parametrize("version", ["", "=9b", "=1.1.1k=h27cfd23_0", ">=7,<8|9"])
def test_a_name_of_another_project_is_never_taken_whatever_its_version(name: str, version: str) -> None:
    found = translate([f"{name}{version}"])
    assert found.requirements == ()
    assert name in found.notes[0]


def test_a_name_that_begins_as_librarys_do_may_be_pythons() -> None:
    assert translate(["librosa=0.8"]).requirements == ("librosa==0.8.*",)
    assert translate(["libfoo=0.8=py38_0"]).requirements == ("libfoo==0.8",)
