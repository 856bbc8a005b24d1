"""TensorBoard over the event files of runs."""
