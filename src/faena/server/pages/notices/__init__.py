"""The page of notices: who is told of which ends of runs, and what came of the latest."""
