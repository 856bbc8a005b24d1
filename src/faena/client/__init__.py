"""The handles that people hold: Workspace, Experiment, Cluster, Estimator, Run, Model."""
