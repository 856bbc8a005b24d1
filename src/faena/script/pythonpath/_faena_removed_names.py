"""Names that libraries had in 2019 and have no more, each with what has its meaning today. Data: a new one is a row.

`MODULES`: a module -> the one that holds its names. `NAMES`: of a module, a name -> `module:name`, `module`, or
`!function` of `_faena_removed`. What came back with another meaning (np.bool, np.long), or whose replacement is used in
another way (sklearn.cross_validation's splitters, scipy.integrate.simps), is not here: it must fail.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List


def _words(text: str) -> List[str]:
    return text.split()


_COLLECTIONS = _words(
    """AsyncGenerator AsyncIterable AsyncIterator Awaitable ByteString Callable Collection Container Coroutine Generator
    Hashable ItemsView Iterable Iterator KeysView Mapping MappingView MutableMapping MutableSequence MutableSet
    Reversible Sequence Set Sized ValuesView"""
)
_WINDOWS = _words(
    """barthann bartlett blackman blackmanharris bohman boxcar chebwin cosine exponential flattop gaussian
    general_gaussian hamming hann kaiser nuttall parzen triang tukey"""
)
_KERAS_LAYERS = _words(
    """advanced_activations convolutional core embeddings local merge noise normalization pooling recurrent wrappers"""
)
_SKLEARN = {
    "cluster": "bicluster birch dbscan_ mean_shift_ optics_ spectral",
    "covariance": "empirical_covariance_ shrunk_covariance_ robust_covariance graph_lasso_ elliptic_envelope",
    "datasets": "base samples_generator",
    "decomposition": "dict_learning factor_analysis fastica_ incremental_pca kernel_pca nmf online_lda pca sparse_pca "
    "truncated_svd",
    "ensemble": "bagging base forest gradient_boosting iforest voting_classifier weight_boosting",
    "feature_extraction": "dict_vectorizer hashing stop_words",
    "feature_selection": "base from_model mutual_info_ rfe univariate_selection variance_threshold",
    "gaussian_process": "gpc gpr",
    "linear_model": "base bayes coordinate_descent huber least_angle logistic omp passive_aggressive perceptron ransac "
    "ridge sag stochastic_gradient theil_sen",
    "manifold": "isomap locally_linear mds spectral_embedding_ t_sne",
    "metrics": "classification ranking regression scorer",
    "mixture": "base bayesian_mixture gaussian_mixture",
    "neighbors": "base classification graph kde lof nearest_centroid regression unsupervised",
    "neural_network": "multilayer_perceptron rbm",
    "preprocessing": "data label",
    "semi_supervised": "label_propagation",
    "svm": "base bounds classes",
    "tree": "export",
}
"""Modules that became private in 0.22: `sklearn.<package>.<name>` -> `sklearn.<package>._<name>`."""

MODULES = {
    "sklearn.externals.joblib": "joblib",
    "sklearn.externals.six": "six",
    "sklearn.tree.tree": "sklearn.tree._classes",
    "sklearn.cluster.hierarchical": "sklearn.cluster._agglomerative",
    "sklearn.cluster.k_means_": "sklearn.cluster._kmeans",
    "sklearn.cluster.affinity_propagation_": "sklearn.cluster._affinity_propagation",
    "pandas.util.testing": "pandas.testing",
    "pandas.tools.plotting": "pandas.plotting",
    "pandas.core.index": "pandas.core.indexes.api",
    "dummy_threading": "threading",
    "keras.utils.np_utils": "keras.utils",
}
for _name in _KERAS_LAYERS:
    MODULES["keras.layers." + _name] = "keras.layers"
_SHORT = {
    "gradient_boosting": "_gb",
    "hashing": "_hash",
    "online_lda": "_lda",
    "voting_classifier": "_voting",
}
for _package, _names in _SKLEARN.items():
    for _name in _words(_names):
        MODULES["sklearn.{}.{}".format(_package, _name)] = "sklearn.{}.{}".format(
            _package, _SHORT.get(_name, "_" + _name.rstrip("_"))
        )

NAMES = {
    "collections": {name: "collections.abc:" + name for name in _COLLECTIONS},
    "time": {"clock": "time:process_time"},
    "os": {"errno": "errno"},
    "inspect": {"getargspec": "!getargspec"},
    "fractions": {"gcd": "!gcd"},
    "base64": {"encodestring": "base64:encodebytes", "decodestring": "base64:decodebytes"},
    "numpy": {
        "int": "builtins:int",
        "float": "builtins:float",
        "complex": "builtins:complex",
        "object": "builtins:object",
        "str": "builtins:str",
        "unicode": "builtins:str",
        "float_": "numpy:float64",
        "complex_": "numpy:complex128",
        "cfloat": "numpy:complex128",
        "singlecomplex": "numpy:complex64",
        "longfloat": "numpy:longdouble",
        "longcomplex": "numpy:clongdouble",
        "clongfloat": "numpy:clongdouble",
        "string_": "numpy:bytes_",
        "unicode_": "numpy:str_",
        "NaN": "numpy:nan",
        "NAN": "numpy:nan",
        "Inf": "numpy:inf",
        "PINF": "numpy:inf",
        "Infinity": "numpy:inf",
        "infty": "numpy:inf",
        "NINF": "!minus_infinity",
        "alltrue": "numpy:all",
        "sometrue": "numpy:any",
        "product": "numpy:prod",
        "cumproduct": "numpy:cumprod",
        "round_": "numpy:round",
        "rank": "numpy:ndim",
        "mat": "numpy:asmatrix",
        "row_stack": "numpy:vstack",
        "trapz": "numpy:trapezoid",
    },
    "pandas": {
        "datetime": "datetime:datetime",
        "np": "numpy",
        "scatter_matrix": "pandas.plotting:scatter_matrix",
    },
    "pandas.io.json": {"json_normalize": "pandas:json_normalize"},
    "pandas.io.common": {
        "DtypeWarning": "pandas.errors:DtypeWarning",
        "EmptyDataError": "pandas.errors:EmptyDataError",
        "ParserError": "pandas.errors:ParserError",
        "ParserWarning": "pandas.errors:ParserWarning",
    },
    "scipy.integrate": {
        "trapz": "scipy.integrate:trapezoid",
        "cumtrapz": "scipy.integrate:cumulative_trapezoid",
    },
    "scipy.linalg": {"tril": "numpy:tril", "triu": "numpy:triu"},
    "scipy.misc": {
        name: "scipy.special:" + name
        for name in ("comb", "factorial", "factorial2", "factorialk", "logsumexp")
    },
    "scipy.signal": dict(
        {name: "scipy.signal.windows:" + name for name in _WINDOWS}, hanning="scipy.signal.windows:hann"
    ),
    "sklearn.datasets": {"load_boston": "!load_boston", "fetch_mldata": "!fetch_mldata"},
    "sklearn.metrics": {"calinski_harabaz_score": "sklearn.metrics:calinski_harabasz_score"},
    "PIL.Image": {
        "ANTIALIAS": "PIL.Image:LANCZOS",
        "CUBIC": "PIL.Image:BICUBIC",
        "LINEAR": "PIL.Image:BILINEAR",
    },
    "matplotlib.cm": {"get_cmap": "matplotlib.pyplot:get_cmap"},
    "torchvision.transforms": {
        "Scale": "torchvision.transforms:Resize",
        "RandomSizedCrop": "torchvision.transforms:RandomResizedCrop",
    },
}
