"""MLflow's clients of a script on another machine: what they ask of an address there is asked of the server."""
