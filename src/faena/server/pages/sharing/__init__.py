"""The page of an experiment's rights: who sees it, and who may change it."""
