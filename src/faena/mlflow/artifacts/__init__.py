"""MLflow's artifacts: files of runs and of models, under the same names, whoever wrote them."""
