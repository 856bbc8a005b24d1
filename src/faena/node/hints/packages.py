"""Whether a missing module is a known package, one's own code, or nobody knows; and what to do then.

The index has a package for nearly every short name, and it is rarely the one that a script means: only names that are
known are offered first.
"""

from __future__ import annotations

import re
from pathlib import Path

from faena.node.hints import names
from faena.node.hints.world import World

_MOST_READ = 64 << 10
_LISTS = ("requirements.txt", "requirements-train.txt", "requirements/base.txt")
_NAME = re.compile(r"[ \t]*([A-Za-z0-9][\w.-]{0,100})", re.ASCII)
_BEGINS_A_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNDER_THEIR_NAME = _words(
    """
    absl accelerate aiohttp albumentations allennlp altair annoy arch arrow arviz astropy audioread
    autogluon autograd autokeras bayesian_optimization bitsandbytes black bokeh boto3 botocore
    bottleneck captum catboost category_encoders chainer chainercv chardet cleanlab click
    cloudpickle cmdstanpy colorama colorlog coremltools coverage cvxopt cvxpy cython d3rlpy dash
    dask dask_ml deap deepchem deepspeed diffusers dill distributed docker docopt duckdb ecos einops
    elasticsearch eli5 emcee ensmallen fairlearn fairseq fastai fastapi fastavro fastcore
    fastparquet fasttext fbgemm_gpu featuretools filelock fiona fire flair flask flax folium fsspec
    ftfy funcy fuzzywuzzy gensim geopandas geopy gluonnlp gluonts gpflow gpytorch graphviz grpc
    gunicorn gym gymnasium h2o h5py haiku hdbscan holoviews horovod httpx huggingface_hub hydra
    hyperopt imageio imgaug implicit interpret ipykernel ipywidgets jax jaxlib jieba jinja2 joblib
    jsonlines jsonschema kaggle keras keras_applications keras_preprocessing keras_tuner kneed
    konlpy kornia lifelines lightfm lightgbm lightning lime llvmlite lmdb loguru lxml markdown
    marshmallow matplotlib missingno mlflow mlxtend mmcv mmdet modin monai mpi4py msgpack
    multiprocess mxnet mypy ncps neptune networkx nevergrad nibabel nilearn nltk notebook numba
    numexpr numpy numpyro omegaconf onnx onnxmltools onnxruntime open_clip openai openpyxl optax
    optuna orjson ortools packaging pandas pandas_profiling pandasql papermill param paramiko pathos
    patsy peft pennylane petastorm pingouin plotly plotnine pmdarima polars portalocker prefect
    prettytable prophet protobuf psutil pulp py4j pyarrow pycaret pycocotools pydantic pydicom pydot
    pydotplus pyemd pygam pygame pyglet pymc pymc3 pymongo pymysql pynvml pyod pyodbc pyproj pyro
    pysftp pyspark pystan pytest pytorch_lightning pytorch_tabnet pytz qiskit rasterio ray rdkit
    regex reportlab requests rich river rouge_score s3fs sacrebleu sacremoses safetensors scikitplot
    scipy scrapy seaborn segmentation_models segmentation_models_pytorch sentence_transformers
    sentencepiece seqeval setuptools shap shapely simplejson simpletransformers six sktime
    smart_open snorkel sortedcontainers soundfile spacy sqlalchemy stable_baselines3 stanza
    statsmodels streamlit sympy tables tabulate tenacity tensorboard tensorboard_logger tensorboardX
    tensorflow tensorflow_addons tensorflow_datasets tensorflow_estimator tensorflow_hub
    tensorflow_probability tensorflow_text tensorlayer termcolor textblob textdistance theano thinc
    tifffile tiktoken timm tokenizers toml toolz torch torch_geometric torchaudio torchdata
    torchinfo torchmetrics torchsummary torchtext torchvision tornado tpot tqdm transformers
    treeinterpreter trl tsfresh tslearn typer typing_extensions ujson unidecode uvicorn vaex visdom
    wandb wget wordcloud wrapt xarray xformers xgboost xlrd xlsxwriter xlwt yellowbrick zarr
    """
)
"""Modules that a package of the same name holds."""

_ELSEWHERE = {
    "absl": "absl-py",
    "bayesian_optimization": "bayesian-optimization",
    "grpc": "grpcio",
    "hydra": "hydra-core",
    "haiku": "dm-haiku",
    "pyro": "pyro-ppl",
    "scikitplot": "scikit-plot",
    "open_clip": "open-clip-torch",
}

_OF_ONES_OWN = _words(
    """
    app args augmentation base cfg classes code common conf config configs configuration constants
    core custom data data_loader data_utils dataloader dataset dataset_utils eval evaluation
    experiment experiments features func functions helper helpers lib libs local logger losses main
    metric_utils misc model model_utils modeling models module modules my mylib mymodule mypackage
    nets network networks options opts parameters params pipeline pipelines plotting preprocess
    preprocessing processing project scripts settings shared solver src steps tasks test tests tools
    train train_utils trainer trainers training transforms util utilities utility utils
    """
)
"""What people call their own modules. The index has strangers' packages of most of these names."""

_KINDS = {
    "opencv-python-headless": (
        "opencv-python",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "psycopg2-binary": ("psycopg2",),
    "faiss-cpu": ("faiss-gpu",),
    "tensorflow": ("tensorflow-cpu", "tensorflow-gpu"),
    "onnxruntime": ("onnxruntime-gpu",),
    "pycryptodome": ("pycrypto",),
}
"""Packages that hold the same modules."""


def distribution_of(module: str) -> str:
    """What is installed to have a module; the most that the table knows of its dotted name decides."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if found := names.DISTRIBUTIONS.get(name) or _ELSEWHERE.get(name):
            return found
    return parts[0].replace("_", "-") if parts[0].islower() else parts[0]


def is_known(module: str) -> bool:
    """Whether it is known which package holds it."""
    parts = module.split(".")
    return parts[0] in _UNDER_THEIR_NAME or any(
        ".".join(parts[:length]) in names.DISTRIBUTIONS for length in range(1, len(parts) + 1)
    )


def is_ones_own(module: str) -> bool:
    top = module.partition(".")[0].lower()
    return not is_known(module) and (top in _OF_ONES_OWN or top.startswith(("my_", "our_")))


def to_have(module: str, world: World) -> str:
    """What to do to have a module that is not there."""
    distribution = distribution_of(module)
    if listed := _listing(distribution, world):
        return _from_a_list(listed, world)
    if is_known(module):
        return world.installing(distribution) + " A module of your own must lie in the source folder."
    top = module.partition(".")[0]
    if is_ones_own(module):
        return (
            f"{top} is a name of modules of one's own, and the source folder has none: put it there, or submit from "
            "the folder that holds it (--source, source_directory). See that no ignore file excludes it."
        )
    return (
        f"If {top} is yours, put it in the source folder (submit from the folder that holds it, --source). "
        f"If it is a package: {world.installing(distribution)}"
    )


def _from_a_list(listed: str, world: World) -> str:
    if world.built:
        return (
            f"The source folder's {listed} lists it: install what it lists with --requirements {listed} "
            f"(pip_requirements_file={listed!r})."
        )
    return (
        f"The source folder's {listed} lists it, and {world.python} is used as it is: `{world.python} -m pip install "
        f"-r {listed}`, or have an environment built with --requirements {listed}."
    )


def _listing(distribution: str, world: World) -> str | None:
    """The requirements file of the source folder that names a package, or one that holds the same modules."""
    begins = _BEGINS_A_NAME.match(distribution)
    name = _canonical(begins[0] if begins else distribution)
    wanted = {name, *_KINDS.get(name, ())}
    for listed in _LISTS:
        for line in _lines(world.code / listed):
            if (found := _NAME.match(line)) and _canonical(found[1]) in wanted:
                return listed
    return None


def _lines(file: Path) -> list[str]:
    if not file.is_file():  # opening a pipe would wait for a writer
        return []
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_READ).decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return []


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
