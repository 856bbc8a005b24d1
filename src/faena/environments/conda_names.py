"""What conda calls a package and what the package index calls it. Data: a new name is a new row."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TO_PYPI: dict[str, str] = {
    "brotli-python": "brotli",
    "cvxpy-base": "cvxpy",
    "dask-core": "dask",
    "docker-py": "docker",
    "faiss": "faiss-cpu",
    "geopandas-base": "geopandas",
    "h2o-py": "h2o",
    "keras-base": "keras",
    "keras-gpu": "keras",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python-headless",
    "opencv3": "opencv-python-headless",
    "ortools-python": "ortools",
    "pil": "pillow",
    "pillow-simd": "pillow",
    "psycopg2": "psycopg2-binary",
    "py-lief": "lief",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyg": "torch-geometric",
    "pymc-base": "pymc",
    "pyqt": "pyqt5",
    "pysoundfile": "soundfile",
    "pytables": "tables",
    "python-annoy": "annoy",
    "python-blosc": "blosc",
    "python-build": "build",
    "python-chromedriver-binary": "chromedriver-binary",
    "python-clang": "clang",
    "python-confluent-kafka": "confluent-kafka",
    "python-duckdb": "duckdb",
    "python-eccodes": "eccodes",
    "python-fastjsonschema": "fastjsonschema",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-igraph": "igraph",
    "python-installer": "installer",
    "python-isal": "isal",
    "python-kubernetes": "kubernetes",
    "python-leveldb": "leveldb",
    "python-libarchive-c": "libarchive-c",
    "python-lmdb": "lmdb",
    "python-sounddevice": "sounddevice",
    "python-symengine": "symengine",
    "python-tzdata": "tzdata",
    "python-wget": "wget",
    "python-xmlsec": "xmlsec",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cluster": "torch-cluster",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "pytorch-scatter": "torch-scatter",
    "pytorch-sparse": "torch-sparse",
    "pytorch_geometric": "torch-geometric",
    "ray-all": "ray",
    "ray-core": "ray",
    "ray-dashboard": "ray",
    "ray-default": "ray",
    "ray-rllib": "ray",
    "ray-tune": "ray",
    "redis-py": "redis",
    "ruamel_yaml": "ruamel.yaml",
    "seaborn-base": "seaborn",
    "sentencepiece-python": "sentencepiece",
    "spyder-base": "spyder",
    "tensorflow-base": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-eigen": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
    "torchvision-cpu": "torchvision",
    "typing_extensions": "typing-extensions",
}
"""Conda's name -> the package index's, where they differ."""

LEFT_OUT = _words(
    """
    acl alsa-lib ampl-mp anaconda anaconda-anon-usage anaconda-catalogs anaconda-clean anaconda-client
    anaconda-cloud-auth anaconda-navigator anaconda-project aom appnope argparse arpack asyncio atk atk-1.0
    attr backports benchmark binstar binutils blas blosc boost brotli brotli-bin brunsli bzip2 c-ares
    c-blosc c-blosc2 c-compiler ca-certificates cacert cairo catch2 cctools cfitsio charls clang clang-tools
    clangxx coincbc compiler-rt compilers conda conda-build conda-content-trust conda-env conda-index
    conda-libmamba-solver conda-pack conda-package-handling conda-package-streaming conda-repo-cli
    conda-token conda-tree conda-verify console_shortcut constructor cpuonly cuda cudatoolkit
    cudatoolkit-dev cudnn cupti curl cusparselt cutensor cxx-compiler cyrus-sasl czmq daal dal dataclasses
    dav1d dbus double-conversion eigen elfutils enum34 expat fftw flatbuffers fmt fontconfig
    fortran-compiler freeglut freetype freexl fribidi functools32 futures gcc gdk-pixbuf geos geotiff
    get_terminal_size gettext gflags gfortran giflib glew glfw glib glib-tools glog glpk gmock gmp gnutls
    graphite2 gsl gst-plugins-base gst-plugins-good gstreamer gtest gtk2 gtk3 gts gxx harfbuzz hdf4 hdf5
    hypre icc_rt icu impi_rt intel-openmp intelpython ipopt isl jack jasper jbig jpeg jpegxl json-c jxrlib
    kealib keyutils krb5 lame lcms2 ld64 lerc leveldb lld llvm llvm-openmp llvm-tools llvmdev lmdb lz4-c lzo
    magma mamba menuinst mesalib metis micromamba minizip mkl mkl-devel mkl-dnn mkl-include mkl-service
    mkl_fft mkl_random mkl_umath mkldnn mpc mpfr mpg123 mpi mysql mysql-common mysql-libs navigator-updater
    nb_conda nb_conda_kernels nccl ncurses nettle nghttp2 nlohmann_json nomkl nspr nss numpy-devel nvcc
    onednn openblas openh264 openjpeg openldap openssl opus orc ordereddict p11-kit pango patchelf pathlib
    pcre pcre2 petsc pixman pkg-config poppler poppler-data portaudio postgresql powershell_shortcut proj
    proj4 pthread-stubs pulseaudio pulseaudio-client pybind11-abi pybind11-global pygpu pyreadline
    python.app python_abi pywin32 pywinpty qhull qt qt-main qt-webengine qtwebkit rapidjson rav1e re2
    readline rocksdb s2n scotch sentencepiece-spm sigtool slepc snappy spdlog sqlite subprocess32
    suitesparse superlu svt-av1 tapi tbb tbb-devel tbb4py tcl tiledb tk torchtriton typing tzcode tzdata
    ucrt unittest2 unixodbc uriparser utf8proc vc vc14_runtime vcomp14 vs2013_runtime vs2015_runtime
    vs2017_runtime win_inet_pton win_unicode_console wincertstore winpty x264 x265 xcb-util xerces-c
    xkeyboard-config xz xz-tools yaml zeromq zfp zlib zlib-ng zstd
    """
)
"""Libraries of C, compilers, Windows's runtime, conda's own parts, and modules that an interpreter has: wheels bring
what they need of it. Some have the name of another project on the package index (snappy, attr, glog, benchmark)."""

PROGRAMS: dict[str, str] = {
    "ant": "ant",
    "aria2": "aria2c",
    "autoconf": "autoconf",
    "automake": "automake",
    "bcftools": "bcftools",
    "bedtools": "bedtools",
    "bison": "bison",
    "blast": "blastn",
    "bwa": "bwa",
    "chromedriver": "chromedriver",
    "cmake": "cmake",
    "exiftool": "exiftool",
    "ffmpeg": "ffmpeg",
    "firefox": "firefox",
    "flex": "flex",
    "geckodriver": "geckodriver",
    "ghostscript": "gs",
    "git": "git",
    "git-lfs": "git-lfs",
    "gnupg": "gpg",
    "go": "go",
    "gradle": "gradle",
    "graphviz": "dot",
    "imagemagick": "convert",
    "jq": "jq",
    "libtool": "libtool",
    "m4": "m4",
    "make": "make",
    "maven": "mvn",
    "mongodb": "mongod",
    "nasm": "nasm",
    "nodejs": "node",
    "openjdk": "java",
    "openssh": "ssh",
    "p7zip": "7z",
    "pandoc": "pandoc",
    "parallel": "parallel",
    "patch": "patch",
    "perl": "perl",
    "redis": "redis-server",
    "redis-server": "redis-server",
    "ripgrep": "rg",
    "rsync": "rsync",
    "ruby": "ruby",
    "rust": "rustc",
    "samtools": "samtools",
    "sox": "sox",
    "swig": "swig",
    "tectonic": "tectonic",
    "tesseract": "tesseract",
    "texlive-core": "pdflatex",
    "tmux": "tmux",
    "unzip": "unzip",
    "vim": "vim",
    "wget": "wget",
    "wkhtmltopdf": "wkhtmltopdf",
    "yarn": "yarn",
    "yasm": "yasm",
    "zip": "zip",
}
"""Programs that are no Python package: they are installed on the machine. Name -> what is called."""

INTERNAL = frozenset(
    {"_libgcc_mutex", "_openmp_mutex", "ca-certificates", "libffi", "ncurses", "python_abi", "vc"}
)
"""What nobody writes into a list by hand: with any of it, the list was exported."""

FOUND_UNDER_THEIR_NAME = _words(
    """
    absl-py aiohttp aiosignal astor astunparse async-timeout attrs backcall beautifulsoup4 bleach bokeh
    bottleneck brotlipy cached-property cached_property cachetools catboost certifi cffi chainer chardet
    charset-normalizer click cloudpickle colorama cryptography cupy cycler cython cytoolz dask decorator
    defusedxml dill distributed docutils entrypoints fastai filelock fiona flask frozenlist fsspec future
    gast gensim geopandas gevent google-auth google-pasta grpcio h5netcdf h5py heapdict horovod hyperopt
    idna imageio importlib-metadata importlib_metadata ipykernel ipython ipython_genutils ipywidgets
    itsdangerous jedi jinja2 joblib jsonschema jupyter jupyter_client jupyter_core keras keras-applications
    keras-preprocessing kiwisolver lightgbm llvmlite locket lxml lz4 markdown markupsafe matplotlib mistune
    mpi4py mpich msgpack multidict nbconvert nbformat netcdf4 networkx ninja nltk notebook numba numexpr
    numpy oauthlib olefile onnx onnxruntime openmpi openpyxl opt_einsum optuna packaging pandas
    pandocfilters parso partd patsy pexpect pickleshare pillow pip plotly prometheus_client prompt-toolkit
    prompt_toolkit protobuf psutil ptyprocess pyarrow pyasn1 pycparser pygments pymongo pyodbc pyopenssl
    pyparsing pyproj pyrsistent pysocks pyspark pytest python-dateutil pytorch-lightning pytz pywavelets
    pyyaml pyzmq rasterio regex requests requests-oauthlib rsa scikit-image scikit-learn scipy seaborn
    send2trash setuptools shap shapely six sortedcontainers sphinx sqlalchemy statsmodels sympy tblib
    tensorboard tensorboard-plugin-wit tensorflow tensorflow-estimator termcolor terminado testpath
    threadpoolctl tifffile toolz torch torchaudio torchtext torchvision tornado tqdm traitlets transformers
    typing-extensions urllib3 wcwidth webencodings werkzeug wheel wrapt xarray xgboost xlrd yarl zict zipp
    zstandard
    """
)
"""Names that mean the same project on both sides: nothing need be said about them."""

_OF_PYTHON = _words("libarchive-c libcst librosa libsass libtmux libusb1 libpysal")
"""Those that look like a library of C and are none."""

_BY_SHAPE = re.compile(
    r"_.*|lib.*|xorg-.*|m2w64-.*|m2-.*|msys2-.*|cuda-.*|cudatoolkit-.*|aws-c-.*|aws-checksums|font-ttf-.*|fonts-.*"
    r"|gst-.*|xcb-util-.*|perl-.*|coin-or-.*|mumps-.*|qt6?-.*|llvm.*|clang.*|magma-.*|compiler-rt.*|intel-cmplr-.*|icu-.*"
    r"|.*-mutex|.*-cpp|.*-static|.*_(?:linux|osx|win)-(?:64|32|arm64|aarch64|ppc64le)|.*-(?:devel|abi)",
    re.DOTALL,
)


def is_left_out(name: str) -> bool:
    return name in LEFT_OUT or name.startswith(("pyobjc-", "conda-", "anaconda-", "nb_conda", "nb_anaconda"))


def looks_left_out(name: str) -> bool:
    """Whether a name that stands in no table has the shape of a library of C or of a part of conda."""
    return name not in _OF_PYTHON and _BY_SHAPE.fullmatch(name) is not None


def is_of_r(name: str) -> bool:
    return name == "r" or name.startswith("r-")
