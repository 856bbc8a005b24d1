"""Models that need no scoring script: a module for each known kind, whose `load(path, options)` makes their `run`.

It takes its arrays or its data frame by name (`inputs`), a batch's rows as those of one.
"""
