"""Loggers for Chainer, Keras, Lightning, XGBoost, LightGBM and scikit-learn's searches: docs/loggers.md.

from faena.extensions import FaenaReport
"""

from faena.script.extensions import __all__, __getattr__  # noqa: F401  what makes the names of this module
