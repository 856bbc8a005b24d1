"""Who follows what is shown: on a thread, over as many connections as it takes."""
