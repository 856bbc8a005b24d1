"""A shared server makes room for the next one in the same process: nobody who connects meanwhile is refused."""
