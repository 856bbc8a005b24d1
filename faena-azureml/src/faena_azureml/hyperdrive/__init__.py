"""v1's hyperparameter search over Faena's sweeps; what v1 refused or warned of is so here, under v1's names."""
