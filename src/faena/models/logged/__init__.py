"""Models that runs log, before anybody registers them: each has files, parameters, tags and metrics of its own."""
