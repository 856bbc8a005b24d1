"""v1's estimators and hyperparameter search."""
