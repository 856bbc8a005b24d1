"""v1's raw requests and their answers, for scoring scripts."""
