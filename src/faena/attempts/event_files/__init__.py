"""TensorBoard's event files in a run's `logs`, as metrics of the run: see decision 46."""
