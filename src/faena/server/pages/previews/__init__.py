"""What a run logged or wrote, as values that a page can show: bounded, and never run or unpickled."""
