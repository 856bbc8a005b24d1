"""What modules, packages and names are called elsewhere and today. Data: a new name is a new row."""

from __future__ import annotations

DISTRIBUTIONS: dict[str, str] = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "IPython": "ipython",
    "MeCab": "mecab-python3",
    "MySQLdb": "mysqlclient",
    "OpenGL": "pyopengl",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "attr": "attrs",
    "azure.identity": "azure-identity",
    "azure.keyvault": "azure-keyvault",
    "azure.storage.blob": "azure-storage-blob",
    "bs4": "beautifulsoup4",
    "chainermn": "chainer",
    "community": "python-louvain",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fbprophet": "prophet",
    "fitz": "pymupdf",
    "gi": "pygobject",
    "git": "gitpython",
    "github": "pygithub",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.storage": "google-cloud-storage",
    "google.protobuf": "protobuf",
    "igraph": "igraph",
    "imblearn": "imbalanced-learn",
    "jwt": "pyjwt",
    "kafka": "kafka-python",
    "magic": "python-magic",
    "mpl_toolkits": "matplotlib",
    "osgeo": "gdal",
    "pkg_resources": "setuptools<81",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "pywt": "pywavelets",
    "ruamel": "ruamel.yaml",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "slugify": "python-slugify",
    "snappy": "python-snappy",
    "speech_recognition": "speechrecognition",
    "surprise": "scikit-surprise",
    "umap": "umap-learn",
    "usb": "pyusb",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""What is imported -> what is installed, where they differ by more than `_` and `-`."""

NOT_ON_THE_INDEX = {
    "apex": "NVIDIA's apex is built from its sources; the package index has another project of that name. "
    "Today's torch.cuda.amp "
    "does most of what it did.",
    "detectron2": "It is built from its sources.",
    "cupy": "Its package is named after the version of CUDA, such as cupy-cuda12x.",
    "cudf": "RAPIDS has an index of its own.",
}

OF_PYTHON_2 = {
    "ConfigParser": "configparser",
    "HTMLParser": "html.parser",
    "Queue": "queue",
    "SocketServer": "socketserver",
    "StringIO": "io",
    "Tkinter": "tkinter",
    "__builtin__": "builtins",
    "cPickle": "pickle",
    "cStringIO": "io",
    "commands": "subprocess",
    "exceptions": "builtins",
    "httplib": "http.client",
    "md5": "hashlib",
    "thread": "_thread",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
}
NAMES_OF_PYTHON_2 = {"izip": "zip", "imap": "map", "ifilter": "filter", "izip_longest": "zip_longest"}

LEFT_PYTHON = {
    **dict.fromkeys(("formatter", "parser", "symbol"), "3.10"),
    **dict.fromkeys(("asynchat", "asyncore", "distutils", "imp", "smtpd"), "3.12"),
    **dict.fromkeys(
        ("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "nntplib", "pipes"), "3.13"
    ),
    **dict.fromkeys(("sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"), "3.13"),
}
"""Modules of the standard library -> the first version without them."""
INSTEAD = {"distutils": "setuptools", "imp": "importlib"}

BUILT_WITH_PYTHON = frozenset(
    {"_bz2", "_ctypes", "_curses", "_lzma", "_sqlite3", "_ssl", "_tkinter", "readline", "tkinter"}
)

CHANGED = {
    "numpy.bool": "Use bool, or np.bool_ for NumPy's own",
    "numpy.long": "Use int",
    "numpy.asfarray": "Use np.asarray(x, dtype=float)",
    "numpy.in1d": "Use np.isin, which keeps the shape of its argument",
    "numpy.msort": "Use np.sort(x, axis=0)",
    "pandas.Panel": "Use a DataFrame with a MultiIndex",
    "pandas.Int64Index": "Use pd.Index(…, dtype='int64')",
    "pandas.Float64Index": "Use pd.Index(…, dtype='float64')",
    "pandas.TimeGrouper": "Use pd.Grouper(freq=…)",
    "pandas.rolling_mean": "Use the method rolling(…).mean()",
    "scipy.misc.imread": "Use imageio.v3.imread or PIL.Image.open",
    "scipy.misc.imresize": "Use PIL.Image's resize, which takes (width, height)",
    "scipy.misc.imsave": "Use imageio.v3.imwrite or PIL.Image's save",
    "scipy.integrate.simps": "Use scipy.integrate.simpson, whose x is given by name",
    "scipy.stats.binom_test": "Use scipy.stats.binomtest(…).pvalue",
    "scipy.interpolate.interp2d": "Use scipy.interpolate.RegularGridInterpolator",
    "sklearn.cross_validation": "Use sklearn.model_selection, whose splitters take other arguments",
    "sklearn.grid_search": "Use sklearn.model_selection, whose searches give cv_results_ for grid_scores_",
    "sklearn.learning_curve": "Use sklearn.model_selection, whose arguments have other places",
    "sklearn.lda": "Use LinearDiscriminantAnalysis of sklearn.discriminant_analysis",
    "sklearn.qda": "Use QuadraticDiscriminantAnalysis of sklearn.discriminant_analysis",
    "sklearn.preprocessing.Imputer": "Use SimpleImputer of sklearn.impute, which takes no axis",
    "sklearn.preprocessing.CategoricalEncoder": "Use OneHotEncoder or OrdinalEncoder",
    "sklearn.mixture.GMM": "Use GaussianMixture, whose arguments have other names",
    "sklearn.datasets.fetch_mldata": "Use sklearn.datasets.fetch_openml: mldata.org is gone",
    "sklearn.datasets.load_boston": "Use another data set, such as sklearn.datasets.fetch_california_housing",
    "sklearn.metrics.jaccard_similarity_score": "Use accuracy_score, which gives the same number, or jaccard_score",
    "sklearn.metrics.plot_confusion_matrix": "Use ConfusionMatrixDisplay.from_estimator",
    "sklearn.metrics.plot_roc_curve": "Use RocCurveDisplay.from_estimator",
    "sklearn.utils.linear_assignment_": "Use scipy.optimize.linear_sum_assignment, which gives two arrays",
    "tensorflow.contrib": "TensorFlow 2 has no contrib; each part of it went elsewhere or ended",
    "tensorflow.examples": "Use tensorflow.keras.datasets for MNIST",
    "collections.OrderedSet": "Python never had it",
    "inspect.formatargspec": "Use inspect.signature",
    "platform.linux_distribution": "Use the package distro",
    "platform.dist": "Use the package distro",
}
"""Names that are gone or mean something else, and whose replacement is used in another way: nobody can answer them."""

OLDER: dict[str, str] = {
    **dict.fromkeys(
        (f"numpy.{name}" for name in ("bool", "complex", "float", "int", "long", "object", "str", "unicode")),
        "numpy<1.24",
    ),
    **dict.fromkeys(
        (
            f"numpy.{name}"
            for name in ("Inf", "NaN", "NAN", "cumproduct", "complex_", "float_", "product", "string_")
        ),
        "numpy<2",
    ),
    "sklearn.externals": "scikit-learn<0.23",
    "pandas.util.testing": "pandas<2",
    "markupsafe.soft_unicode": "markupsafe<2.1",
    "jinja2.Markup": "jinja2<3.1",
    "werkzeug.url_quote": "werkzeug<2.1",
}
"""Names that libraries of their time still use -> the last version that has them."""

LEFT_ITS_MODULE = {
    **dict.fromkeys(
        (
            f"collections.{name}"
            for name in (
                "Callable",
                "Hashable",
                "Iterable",
                "Mapping",
                "MutableMapping",
                "MutableSet",
                "Sequence",
                "Set",
            )
        ),
        "3.10",
    ),
    "base64.decodestring": "3.9",
    "base64.encodestring": "3.9",
    "fractions.gcd": "3.9",
    "inspect.getargspec": "3.11",
    "time.clock": "3.8",
}
"""Names of the standard library -> the first version of Python without them."""

TENSORFLOW_1 = frozenset(
    {
        *("ConfigProto", "GPUOptions", "InteractiveSession", "Session", "app", "flags", "get_default_graph"),
        *(
            "get_variable",
            "gfile",
            "global_variables_initializer",
            "initialize_all_variables",
            "layers",
            "log",
        ),
        *("logging", "losses", "metrics", "placeholder", "placeholder_with_default", "random_normal"),
        *(
            "random_uniform",
            "reset_default_graph",
            "set_random_seed",
            "to_float",
            "train",
            "truncated_normal",
        ),
        "variable_scope",
    }
)
"""What `tensorflow` had before version 2 and has under `tf.compat.v1` now."""

METHODS = {
    ("DataFrame", "append"): ("pandas<2", "Use pd.concat([a, b])"),
    ("Series", "append"): ("pandas<2", "Use pd.concat([a, b])"),
    ("DataFrame", "ix"): ("pandas<1", "Use .loc or .iloc"),
    ("Series", "ix"): ("pandas<1", "Use .loc or .iloc"),
    ("DataFrame", "as_matrix"): ("pandas<1", "Use .to_numpy()"),
    ("DataFrame", "iteritems"): ("pandas<2", "Use .items()"),
    ("Series", "iteritems"): ("pandas<2", "Use .items()"),
    ("DataFrame", "get_value"): ("pandas<1", "Use .at[row, column]"),
    ("dict", "has_key"): ("", "That is Python 2: use `key in d`"),
    ("dict", "iteritems"): ("", "That is Python 2: use .items()"),
    ("Thread", "isAlive"): ("", "Use is_alive(): Python 3.9 has no isAlive"),
    ("Element", "getchildren"): ("", "Use list(element): Python 3.9 has no getchildren"),
    ("Dataset", "value"): ("h5py<3", "Use dataset[()]"),
    ("str", "decode"): ("h5py<3", "A text of Python 3 needs no decode; old Keras needs an old h5py"),
}
"""(class, method) -> a version that has it, and what is used today."""

PACKAGE_OF = {
    "numpy": "numpy",
    "pandas": "pandas",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow",
}
