"""What a notebook shows: runs, sweeps and endpoints as they go on, in a form that stays in the saved file."""
