"""Notice on the end of runs and sweeps, to whoever asked for it: a webhook, a mail, a command."""
